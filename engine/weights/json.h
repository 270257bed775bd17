/*
 * json - a cursor over the small JSON of a weights header; private to engine/weights/.
 *
 * Just enough of RFC 8259 to walk objects, arrays, strings and whole numbers in place: nothing is allocated,
 * nothing recurses except cursor_skip, whose depth is bounded. After the first fault every call returns false
 * and the cursor keeps what went wrong and where.
 */
#ifndef ENGINE_WEIGHTS_JSON_H
#define ENGINE_WEIGHTS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const char *begin, *at, *end;
    const char *fault; /* NULL while all is well; otherwise what was expected at `at` */
};

struct cursor cursor_begin(const void *bytes, size_t size);

/* Notes the first fault; always returns false. */
bool cursor_fail(struct cursor *j, const char *expected);

/* Where the cursor stands, bytes from the beginning. */
size_t cursor_offset(const struct cursor *j);

/* Takes `c` or fails. */
bool cursor_take(struct cursor *j, char c);

/*
 * Walks the members of an object: for (bool first = true; cursor_next(j, '}', &first);) { ... }. Takes the
 * opening bracket, commas and the closing bracket `close` ('}' or ']'). False at the end or on a fault.
 */
bool cursor_next(struct cursor *j, char close, bool *first);

/* A string as UTF-8, always terminated; fails when it does not fit, is not UTF-8 or contains a NUL. */
bool cursor_string(struct cursor *j, char *out, size_t size);

/* string, then ':'. */
bool cursor_key(struct cursor *j, char *out, size_t size);

/* A whole number 0..2^63-1 without sign, fraction or exponent. */
bool cursor_natural(struct cursor *j, int64_t *out);

/* Any value, at most eight brackets deep. */
bool cursor_skip(struct cursor *j);

/* Nothing but white space is left. */
bool cursor_end(struct cursor *j);

#endif
