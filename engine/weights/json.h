/*
 * json - a cursor over the small JSON of a weights header; private to engine/weights/.
 *
 * Just enough of RFC 8259 to walk objects, arrays, strings and whole numbers in place: nothing is allocated,
 * nothing recurses except json_skip, whose depth is bounded. After the first fault every call returns false
 * and the cursor keeps what went wrong and where.
 */
#ifndef ENGINE_WEIGHTS_JSON_H
#define ENGINE_WEIGHTS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
    const char *begin, *at, *end;
    const char *fault; /* NULL while all is well; otherwise what was expected at `at` */
};

struct json json_begin(const void *bytes, size_t size);

/* Notes the first fault; always returns false. */
bool json_fail(struct json *j, const char *expected);

/* Where the cursor stands, bytes from the beginning. */
size_t json_offset(const struct json *j);

/* The next character after white space, without taking it; 0 at the end. */
char json_peek(struct json *j);

/* Takes `c` or fails. */
bool json_take(struct json *j, char c);

/*
 * Walks the members of an object: for (bool first = true; json_next(j, '}', &first);) { ... }. Takes the
 * opening bracket, commas and the closing bracket `close` ('}' or ']'). False at the end or on a fault.
 */
bool json_next(struct json *j, char close, bool *first);

/* A string as UTF-8, always terminated; fails when it does not fit, is not UTF-8 or contains a NUL. */
bool json_string(struct json *j, char *out, size_t size);

/* string, then ':'. */
bool json_key(struct json *j, char *out, size_t size);

/* A whole number 0..2^63-1 without sign, fraction or exponent. */
bool json_natural(struct json *j, int64_t *out);

/* Any value, at most eight brackets deep. */
bool json_skip(struct json *j);

/* Nothing but white space is left. */
bool json_end(struct json *j);

#endif
