/*
 * version - see version.h.
 *
 * What is asked is what is loaded, by each library's own word; the functions are found by their names, so that nobody
 * here has to know headers that belong to other rooms. A row for each library that the linker names
 * (tests/app/test_version.py), in the words of THIRD-PARTY.md.
 */
#include "app/version.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

enum { VERSION_BYTES = 96 };

/* How a library tells its version. */
enum telling {
    TEXT,        /* const char *f(void) */
    TEXT_NO_MIN, /* const char *f(const char *at_least) */
    TWO_NUMBERS, /* void f(unsigned *major, unsigned *minor) */
    MAJOR_MINOR, /* int v: major in the third byte, minor in the second */
    THREE_PARTS, /* unsigned v[3], by the names that begin so and end in _major, _minor, _micro */
    AT_BUILD,    /* it has no function for it: the symbol is what pkg-config said when this was built */
};

/* The Makefile sets it where aubio is. */
#ifdef REVERIE_AUBIO
#define AUBIO_VERSION REVERIE_AUBIO
#else
#define AUBIO_VERSION "not built in"
#endif

static const struct library {
    const char *name, *symbol;
    enum telling telling;
    const char *licence, *purpose;
} libraries[] = {
    {"FFmpeg", "av_version_info", TEXT, NULL, "pictures, sound, encoding, MP4, HLS, RTMP, SRT"},
    {"OpenBLAS", "openblas_get_config", TEXT, "BSD-3-Clause", "matrix products"},
    {"SQLite", "sqlite3_libversion", TEXT, "public domain", "what a show keeps"},
    {"Jansson", "jansson_version_str", TEXT, "MIT", "JSON"},
    {"aubio", AUBIO_VERSION, AT_BUILD, "GPL-3.0-or-later", "the beat of the music"},
    {"zlib", "zlibVersion", TEXT, "Zlib", "PNG pictures"},
    {"LibYAML", "yaml_get_version_string", TEXT, "MIT", "settings"},
    {"GnuTLS", "gnutls_check_version", TEXT_NO_MIN, "LGPL-2.1-or-later", "TLS for IRC"},
    {"GNU libmicrohttpd", "MHD_get_version", TEXT, "LGPL-2.1-or-later", "the page"},
    {"libircclient", "irc_get_version", TWO_NUMBERS, "LGPL-3.0-or-later", "the IRC protocol"},
    {"GNU libunistring", "_libunistring_version", MAJOR_MINOR, "LGPL-3.0-or-later or GPL-2.0-or-later",
     "Unicode"},
    {"Pango", "pango_version_string", TEXT, "LGPL-2.0-or-later", "layout of the caption"},
    {"cairo", "cairo_version_string", TEXT, "LGPL-2.1 or MPL-1.1", "drawing of the caption"},
    {"GLib", "glib", THREE_PARTS, "LGPL-2.1-or-later", "Pango's ground"},
    {"HarfBuzz", "hb_version_string", TEXT, "MIT", "shapes of letters"},
    {"GNU C library", "gnu_get_libc_version", TEXT, "LGPL-2.1-or-later", "everything"},
};

/* A function of that name, as a type that only the row knows. POSIX lets a data pointer be a function's. */
static const char *ask_text(void *symbol, bool takes_minimum)
{
    const char *(*ask)(void);
    const char *(*ask_at_least)(const char *);
    memcpy(&ask, &symbol, sizeof ask);
    memcpy(&ask_at_least, &symbol, sizeof ask_at_least);
    return takes_minimum ? ask_at_least(NULL) : ask();
}

static void ask_parts(const char *name, char out[VERSION_BYTES])
{
    static const char *const ends[] = {"major", "minor", "micro"};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        char symbol[64];
        snprintf(symbol, sizeof symbol, "%s_%s_version", name, ends[i]);
        const unsigned *part = dlsym(RTLD_DEFAULT, symbol);
        if (part)
            n += (size_t)snprintf(out + n, VERSION_BYTES - n, "%s%u", n ? "." : "", *part);
    }
}

static void ask(const struct library *l, char out[VERSION_BYTES])
{
    void *symbol = l->telling == AT_BUILD ? NULL : dlsym(RTLD_DEFAULT, l->symbol);
    void (*ask_numbers)(unsigned *major, unsigned *minor);
    unsigned major = 0, minor = 0;
    const char *text;
    snprintf(out, VERSION_BYTES, "%s", symbol || l->telling == THREE_PARTS ? "" : "not linked");
    if (l->telling == THREE_PARTS)
        ask_parts(l->symbol, out);
    if (l->telling == AT_BUILD)
        snprintf(out, VERSION_BYTES, "%s", l->symbol);
    if (!symbol)
        return;
    switch (l->telling) {
    case TEXT:
    case TEXT_NO_MIN:
        text = ask_text(symbol, l->telling == TEXT_NO_MIN);
        text += strcspn(text, "0123456789"); /* behind its name */
        snprintf(out, VERSION_BYTES, "%.*s", (int)strcspn(text, " "), text);
        break;
    case TWO_NUMBERS:
        memcpy(&ask_numbers, &symbol, sizeof ask_numbers);
        ask_numbers(&major, &minor);
        snprintf(out, VERSION_BYTES, "%u.%u", major, minor);
        break;
    case MAJOR_MINOR:
        snprintf(out, VERSION_BYTES, "%d.%d", *(int *)symbol >> 16 & 255, *(int *)symbol >> 8 & 255);
        break;
    case THREE_PARTS:
    case AT_BUILD:
        break;
    }
}

/* FFmpeg says itself under which licence it was built. */
static const char *licence_of(const struct library *l)
{
    void *symbol = l->licence ? NULL : dlsym(RTLD_DEFAULT, "avutil_license");
    return l->licence ? l->licence : symbol ? ask_text(symbol, false) : "?";
}

int version_print(bool in_detail)
{
    puts("reverie " REVERIE_VERSION);
    if (!in_detail)
        return 0;
    puts(
        "MIT licence; as a whole, with the libraries below, under the strictest of their licences (THIRD-PARTY.md)");
    puts("compiler: " __VERSION__);
    for (size_t i = 0; i < ARRAY_LEN(libraries); i++) {
        char version[VERSION_BYTES];
        ask(&libraries[i], version);
        printf("%-18s %-18s %s; %s\n", libraries[i].name, version, licence_of(&libraries[i]),
               libraries[i].purpose);
    }
    return 0;
}
