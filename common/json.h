/*
 * json - JSON in and out, through Jansson, which this file alone knows.
 *
 * Reading is strict, because what is read may come from anywhere: proper UTF-8, no key twice in an object, no NUL in
 * a text, whole numbers only where they fit 64 bits, at most JSON_BYTES_MAX bytes and (Jansson's own bound) 2048
 * brackets inside one another. Asking a value for what it is not gives NULL or false, never a crash, so a reader can
 * ask its way down without checks. Writing keeps the order in which members were put; texts are cleaned as for the
 * screen (common/text.h) and escaped, so nothing foreign breaks out of its quotes. What is made belongs to the object or
 * list it was put into; json_close ends a whole tree. Memory for trees is small memory: there is none means abort.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum { JSON_BYTES_MAX = 1 << 20 };

struct json; /* any value */

/* ---- reading ---- */

/* One value with nothing but blanks around it; NUL need not follow. 0, or -EINVAL with a line that names the place;
 * *out is NULL then. */
int json_parse(struct json **out, const char *text, size_t bytes, struct error *e);
void json_close(struct json **value); /* NULL is fine */

/* All take NULL. What they return lives as long as the tree. */
const struct json *json_member(const struct json *object, const char *key); /* NULL: no such member */
const char *json_text(const struct json *value);                            /* NULL: not a text */
bool json_truth(const struct json *value);                        /* false also for what is neither */
bool json_is_truth(const struct json *value);                     /* true or false, and nothing else */
bool json_number(const struct json *value, double *out);          /* false: not a number */
bool json_has_members(const struct json *value);                  /* false: not an object */
bool json_whole(const struct json *value, int64_t *out);          /* false: not a whole number */
int json_count(const struct json *list);                          /* 0 also for what is no list */
const struct json *json_item(const struct json *list, int index); /* NULL: beyond its end */

/* ---- writing ---- */

/* Both are the caller's until json_close. */
struct json *json_new_object(void);
struct json *json_new_list(void);

/* A member; one of the same name is replaced. `value` of a text is any bytes; only visible UTF-8 of it is kept. */
void json_put_text(struct json *object, const char *key, const char *value);
void json_put_truth(struct json *object, const char *key, bool value);
void json_put_whole(struct json *object, const char *key, int64_t value);
/* Rounded to `decimals` places, 0 to 9; what is no finite number becomes null. */
void json_put_real(struct json *object, const char *key, double value, int decimals);
/* These take the value over. */
void json_put(struct json *object, const char *key, struct json *value);
void json_add(struct json *list, struct json *value);
void json_add_text(struct json *list, const char *value);

/* The value and a line end: the caller frees it. Indented by `indent` blanks, or 0: all in one line. */
char *json_print(const struct json *value, int indent);

#endif
