/*
 * option - typed option tables, the single source of every setting.
 *
 * Each module describes its settings in one table beside its code: name, type, place in the module's config
 * struct, default, range, unit and a sentence. From the tables come the defaults, the YAML reader, --set,
 * --help and config/default.yaml, so these can never disagree. A table is a section of the file;
 * `section.name` is the key on the command line.
 *
 *     struct camera_config { float zoom; struct option_size size; };
 *     static const struct option rows[] = {
 *         OPTION_FLOAT(struct camera_config, zoom, "1.05", 1.0, 1.5, "per second", "How fast it falls in."),
 *         ...
 *     };
 *     const struct option_section camera_section =
 *         OPTION_SECTION("camera", struct camera_config, rows, "...");
 *
 * The macros make the compiler check that the field has the type of the row.
 */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/mem.h"

enum {
    OPTION_STRING_BYTES = 512,
    OPTION_PRINT_BYTES =
        2 * OPTION_STRING_BYTES + 3, /* holds every printed value, escapes and quotes included */
    OPTION_EXPECTED_BYTES = 256
};

enum option_type {
    OPTION_TYPE_BOOL,   /* bool */
    OPTION_TYPE_INT,    /* int64_t */
    OPTION_TYPE_FLOAT,  /* double */
    OPTION_TYPE_SPAN,   /* double, seconds, written 90, 90s, 1.5m, 2h, 1:30 or 1:02:03 */
    OPTION_TYPE_STRING, /* char[OPTION_STRING_BYTES] */
    OPTION_TYPE_CHOICE, /* int, index into choices */
    OPTION_TYPE_SIZE,   /* struct option_size, written WIDTHxHEIGHT */
};

struct option_size {
    int width_px, height_px;
};

enum {
    OPTION_SECRET = 1, /* a string from the environment or a file; refused in YAML and --set, never printed */
};

struct option {
    const char *name;
    enum option_type type;
    size_t offset;              /* of the field in the module's struct */
    const char *initial;        /* default, as it would be given to --set: no quotes around text */
    double min, max;            /* INT, FLOAT, SPAN: inclusive; SIZE: for both sides */
    const char *const *choices; /* CHOICE: ends with NULL */
    const char *unit;           /* "ms", "px", "per second"; NULL: none */
    const char *text;           /* one or two sentences for the operator */
    int flags;
};

struct option_section {
    const char *name; /* "camera"; lower case */
    const char *text; /* what this part does, for the head of its block in default.yaml */
    const struct option *options;
    size_t count;
    size_t struct_size;
};

#define OPTION_OFFSET(struct_type, field, field_type)                                                        \
    (offsetof(struct_type, field) +                                                                          \
     0 * sizeof(char[_Generic(&((struct_type *)0)->field, __typeof__(field_type) * : 1)]))

#define OPTION_BOOL(s, f, initial_, text_)                                                                   \
    {                                                                                                        \
        .name = #f, .type = OPTION_TYPE_BOOL, .offset = OPTION_OFFSET(s, f, bool), .initial = initial_,      \
        .text = text_                                                                                        \
    }
#define OPTION_INT(s, f, initial_, min_, max_, unit_, text_)                                                 \
    {                                                                                                        \
        .name = #f, .type = OPTION_TYPE_INT, .offset = OPTION_OFFSET(s, f, int64_t), .initial = initial_,    \
        .min = min_, .max = max_, .unit = unit_, .text = text_                                               \
    }
#define OPTION_FLOAT(s, f, initial_, min_, max_, unit_, text_)                                               \
    {                                                                                                        \
        .name = #f, .type = OPTION_TYPE_FLOAT, .offset = OPTION_OFFSET(s, f, double), .initial = initial_,   \
        .min = min_, .max = max_, .unit = unit_, .text = text_                                               \
    }
#define OPTION_SPAN(s, f, initial_, min_, max_, text_)                                                       \
    {                                                                                                        \
        .name = #f, .type = OPTION_TYPE_SPAN, .offset = OPTION_OFFSET(s, f, double), .initial = initial_,    \
        .min = min_, .max = max_, .unit = "s", .text = text_                                                 \
    }
#define OPTION_STRING(s, f, initial_, flags_, text_)                                                         \
    {                                                                                                        \
        .name = #f, .type = OPTION_TYPE_STRING, .offset = OPTION_OFFSET(s, f, char[OPTION_STRING_BYTES]),    \
        .initial = initial_, .text = text_, .flags = flags_                                                  \
    }
#define OPTION_CHOICE(s, f, initial_, choices_, text_)                                                       \
    {                                                                                                        \
        .name = #f, .type = OPTION_TYPE_CHOICE, .offset = OPTION_OFFSET(s, f, int), .initial = initial_,     \
        .choices = choices_, .text = text_                                                                   \
    }
#define OPTION_SIZE(s, f, initial_, min_, max_, text_)                                                       \
    {                                                                                                        \
        .name = #f, .type = OPTION_TYPE_SIZE, .offset = OPTION_OFFSET(s, f, struct option_size),             \
        .initial = initial_, .min = min_, .max = max_, .unit = "px", .text = text_                           \
    }

#define OPTION_SECTION(name_, struct_type, rows_, text_)                                                     \
    {                                                                                                        \
        .name = name_, .text = text_, .options = rows_, .count = ARRAY_LEN(rows_),                           \
        .struct_size = sizeof(struct_type)                                                                   \
    }

/* Parses `text` as the row's type and stores it into the field of `module_config`. 0 or -EINVAL with one line
 * that quotes the value (a secret's never) and says what was expected; nothing is stored then. The key is not
 * in that line: the caller knows where it stands and puts it in front. */
int option_parse(const struct option *o, void *module_config, const char *text, struct error *e);

/* The current value as it would stand in YAML: text in quotes where it needs them, a secret as "***". Returns
 * `out`; a size of OPTION_PRINT_BYTES holds everything. */
char *option_print(const struct option *o, const void *module_config, char *out, size_t size);

/* What the row accepts: "number from 1 to 1.5 per second", "one of auto, cpu". Returns `out`; made for
 * OPTION_EXPECTED_BYTES, longer lists of choices are cut. */
char *option_expected(const struct option *o, char *out, size_t size);

/* Zeroes `module_config` and fills it with the defaults of its table. A default that does not parse is
 * a bug: aborts. */
void option_defaults(const struct option_section *s, void *module_config);

#endif
