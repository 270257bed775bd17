/*
 * target - a request's target, "/frame.png?width=600&fit=cover", taken apart: pure and bounded.
 *
 * A path is taken as it was sent: only letters, digits and "/._-" stand in ours, so whatever is escaped, doubled
 * or dotted names nothing. Values are decoded (%20, +); what decodes to control characters or is no UTF-8 makes
 * the whole target bad.
 */
#ifndef WEB_TARGET_H
#define WEB_TARGET_H

#include <stdbool.h>
#include <stdint.h>

enum { TARGET_PATH_BYTES = 64, TARGET_VALUES_MAX = 12, TARGET_NAME_BYTES = 16, TARGET_VALUE_BYTES = 256 };

struct target {
    char path[TARGET_PATH_BYTES];
    int count;
    struct {
        char name[TARGET_NAME_BYTES];
        char value[TARGET_VALUE_BYTES];
    } values[TARGET_VALUES_MAX];
};

/* False: there can be no such thing (404); the path is "" then. A target that does not begin with "/" is not for
 * us at all and should have been refused before. */
bool target_parse(const char *text, struct target *t);

/* NULL when it is not there. */
const char *target_value(const struct target *t, const char *name);

/* A whole number from `least` to `most`; `otherwise` when it is not there. False when it is no such number. */
bool target_number(const struct target *t, const char *name, int64_t least, int64_t most, int64_t otherwise,
                   int64_t *out);

#endif
