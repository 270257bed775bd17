/*
 * json - see json.h. A struct json is a json_t of Jansson's.
 */
#include "common/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

enum { REAL_DIGITS = 15 }; /* a decimal of so many digits comes out of a double as it went in */

static const json_t *value_of(const struct json *j)
{
    return (const json_t *)j;
}

/* ---- reading ---- */

int json_parse(struct json **out, const char *text, size_t bytes, struct error *e)
{
    json_error_t fault;
    *out = NULL;
    if (bytes > JSON_BYTES_MAX)
        return error_set(e, EINVAL, "%zu bytes of JSON; %d are the most", bytes, JSON_BYTES_MAX);
    *out = (struct json *)json_loadb(text, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    return *out ? 0 : error_set(e, EINVAL, "no JSON at byte %d: %s", fault.position, fault.text);
}

void json_close(struct json **value)
{
    json_decref((json_t *)*value);
    *value = NULL;
}

const struct json *json_member(const struct json *object, const char *key)
{
    return (const struct json *)json_object_get(value_of(object), key);
}

const char *json_text(const struct json *value)
{
    return json_string_value(value_of(value));
}

bool json_whole(const struct json *value, int64_t *out)
{
    if (!json_is_integer(value_of(value)))
        return false;
    *out = json_integer_value(value_of(value));
    return true;
}

bool json_has_members(const struct json *value)
{
    return json_is_object(value_of(value));
}

bool json_truth(const struct json *value)
{
    return json_is_true(value_of(value));
}

bool json_is_truth(const struct json *value)
{
    return json_is_boolean(value_of(value));
}

bool json_number(const struct json *value, double *out)
{
    if (!json_is_number(value_of(value)))
        return false;
    *out = json_number_value(value_of(value));
    return true;
}

int json_count(const struct json *list)
{
    return (int)json_array_size(value_of(list)); /* at most JSON_BYTES_MAX */
}

const struct json *json_item(const struct json *list, int index)
{
    return index < 0 ? NULL : (const struct json *)json_array_get(value_of(list), (size_t)index);
}

/* ---- writing ---- */

/* As common/mem.h: a tree is small. */
static json_t *made(json_t *value)
{
    if (!value)
        abort();
    return value;
}

static json_t *clean_text(const char *value)
{
    size_t bytes = strlen(value);
    char *clean = xmalloc(bytes + 1);
    bytes = text_clean(clean, bytes + 1, value, bytes);
    json_t *text = made(json_stringn(clean, bytes));
    free(clean);
    return text;
}

struct json *json_new_object(void)
{
    return (struct json *)made(json_object());
}

struct json *json_new_list(void)
{
    return (struct json *)made(json_array());
}

void json_put(struct json *object, const char *key, struct json *value)
{
    if (json_object_set_new((json_t *)object, key, (json_t *)value) < 0)
        abort();
}

void json_add(struct json *list, struct json *value)
{
    if (json_array_append_new((json_t *)list, (json_t *)value) < 0)
        abort();
}

void json_put_text(struct json *object, const char *key, const char *value)
{
    json_put(object, key, (struct json *)clean_text(value));
}

void json_put_truth(struct json *object, const char *key, bool value)
{
    json_put(object, key, (struct json *)made(json_boolean(value)));
}

void json_put_whole(struct json *object, const char *key, int64_t value)
{
    json_put(object, key, (struct json *)made(json_integer(value)));
}

void json_put_real(struct json *object, const char *key, double value, int decimals)
{
    double scale = pow(10, decimals);
    json_t *number = isfinite(value) ? json_real(round(value * scale) / scale) : json_null();
    json_put(object, key, (struct json *)made(number));
}

void json_add_text(struct json *list, const char *value)
{
    json_add(list, (struct json *)clean_text(value));
}

char *json_print(const struct json *value, int indent)
{
    size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS);
    char *text = json_dumps(value_of(value), flags | (indent ? JSON_INDENT((size_t)indent) : JSON_COMPACT));
    if (!text)
        abort();
    char *line = xasprintf("%s\n", text);
    free(text);
    return line;
}
