/*
 * fixture - two small sections with every type of option, for the tests of this folder.
 */
#ifndef TESTS_CONFIG_FIXTURE_H
#define TESTS_CONFIG_FIXTURE_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "config/config.h"

struct camera_config {
    double zoom;
    int64_t hold_s;
    bool mirror;
    int curve;
    struct option_size size;
};

struct sink_config {
    char folder[OPTION_STRING_BYTES];
    char title[OPTION_STRING_BYTES];
    char key[OPTION_STRING_BYTES];
    int64_t budget_mb;
};

static const char *const curves[] = {"linear", "smooth", "steep", NULL};

static const struct option camera_rows[] = {
    OPTION_FLOAT(struct camera_config, zoom, "1.05", 1.0, 1.5, "per second", "How fast the camera falls in."),
    OPTION_INT(struct camera_config, hold_s, "60", 1, 3600, "s", "How long a subject stays."),
    OPTION_BOOL(struct camera_config, mirror, "no", "Show it as in a mirror."),
    OPTION_CHOICE(struct camera_config, curve, "smooth", curves, "How pictures blend."),
    OPTION_SIZE(struct camera_config, size, "640x360", 64, 3840, "Size of the picture."),
};
static const struct option sink_rows[] = {
    OPTION_STRING(struct sink_config, folder, "recordings", 0, "Where files go."),
    OPTION_STRING(
        struct sink_config, title, "", 0,
        "What is shown above. This sentence is long on purpose, so that the writer has to break it over "
        "more than one line, and still every line of it must be a comment."),
    OPTION_STRING(struct sink_config, key, "", OPTION_SECRET, "The key of the stream."),
    OPTION_INT(struct sink_config, budget_mb, "0", 0, 9e18, "MB", "Delete the oldest files above this."),
};
static const struct option_section camera_section =
    OPTION_SECTION("camera", struct camera_config, camera_rows, "The camera.");
static const struct option_section sink_section =
    OPTION_SECTION("sink", struct sink_config, sink_rows, "Where the show goes.");

struct fixture {
    struct camera_config camera;
    struct sink_config sink;
    struct config_entry entries[2];
    struct config config;
};

static inline void fixture_init(struct fixture *f)
{
    memset(f, 0x5a, sizeof *f);
    f->entries[0] = (struct config_entry){&camera_section, &f->camera};
    f->entries[1] = (struct config_entry){&sink_section, &f->sink};
    f->config = (struct config){.entries = f->entries, .count = 2};
    config_defaults(&f->config);
}

#define assert_has(text, part)                                                                               \
    do {                                                                                                     \
        if (!strstr(text, part))                                                                             \
            fail_msg("\"%s\" lacks \"%s\"", text, part);                                                     \
    } while (0)

#define assert_lacks(text, part)                                                                             \
    do {                                                                                                     \
        if (strstr(text, part))                                                                              \
            fail_msg("\"%s\" shows \"%s\"", text, part);                                                     \
    } while (0)

#endif
