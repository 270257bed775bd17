/*
 * option - see option.h: one row's text to its field and back.
 *
 * Reading is strict, because a setting that is half understood is worse than one that is refused: a number is
 * decimal and nothing follows it, a choice is one of the words, a size is WIDTHxHEIGHT. Messages quote the
 * value (never that of a secret), say what would be right, and leave the key to the caller, who knows it.
 * Numbers are read and written in the C locale: main sets no category of it but LC_CTYPE.
 */
#include "config/option.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"
#include "config/config.h"

enum { QUOTED_BYTES = 64 };

static void *field(const struct option *o, void *module_config)
{
    return (char *)module_config + o->offset;
}

static const void *const_field(const struct option *o, const void *module_config)
{
    return (const char *)module_config + o->offset;
}

static bool only_of(const char *text, const char *allowed)
{
    return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

static bool in_range(const struct option *o, double value)
{
    return value >= o->min && value <= o->max;
}

/* The shortest decimal that reads back as the same number; whole ones without an exponent. */
static void print_number(double value, char *out, size_t size)
{
    if (value == trunc(value) && fabs(value) < 1e15) {
        snprintf(out, size, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, size, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            return;
    }
}

static void append(char *out, size_t size, const char *text)
{
    size_t n = strlen(out);
    text_copy(out + n, size - n, text);
}

static void expected_number(const struct option *o, const char *kind, char *out, size_t size)
{
    char min[32], max[32];
    print_number(o->min, min, sizeof min);
    print_number(o->max, max, sizeof max);
    if (o->max >= 0x1p53) /* more than anybody will type: not worth naming */
        snprintf(out, size, "%s of at least %s", kind, min);
    else
        snprintf(out, size, "%s from %s to %s", kind, min, max);
    if (o->unit) {
        append(out, size, " ");
        append(out, size, o->unit);
    }
}

char *option_expected(const struct option *o, char *out, size_t size)
{
    switch (o->type) {
    case OPTION_TYPE_BOOL:
        text_copy(out, size, "true or false");
        break;
    case OPTION_TYPE_INT:
        expected_number(o, "whole number", out, size);
        break;
    case OPTION_TYPE_FLOAT:
        expected_number(o, "number", out, size);
        break;
    case OPTION_TYPE_SPAN:
        expected_number(o, "time like 90s, 1.5m, 2h or 1:30", out, size);
        break;
    case OPTION_TYPE_STRING:
        text_copy(out, size, "text");
        break;
    case OPTION_TYPE_CHOICE:
        text_copy(out, size, "one of ");
        for (int i = 0; o->choices[i]; i++) {
            append(out, size, i ? ", " : "");
            append(out, size, o->choices[i]);
        }
        break;
    case OPTION_TYPE_SIZE:
        snprintf(out, size, "WIDTHxHEIGHT, each side from %d to %d %s", (int)o->min, (int)o->max, o->unit);
        break;
    }
    return out;
}

static int refuse(const struct option *o, const char *text, const char *hint, struct error *e)
{
    char quoted[QUOTED_BYTES], expected[OPTION_EXPECTED_BYTES];
    text_copy(quoted, sizeof quoted, text);
    const char *cut = strlen(quoted) < strlen(text) ? "..." : "";
    return error_set(e, EINVAL, "\"%s%s\" is not valid; expected %s%s", quoted, cut,
                     option_expected(o, expected, sizeof expected), hint);
}

static int parse_bool(const struct option *o, bool *out, const char *text, struct error *e)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return 0;
        }
    }
    return refuse(o, text, "", e);
}

static int parse_int(const struct option *o, int64_t *out, const char *text, struct error *e)
{
    if (!only_of(text, "+-0123456789"))
        return refuse(o, text, "", e);
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || !in_range(o, (double)value))
        return refuse(o, text, "", e);
    *out = value;
    return 0;
}

static int parse_float(const struct option *o, double *out, const char *text, struct error *e)
{
    if (!only_of(text, "+-.0123456789eE")) /* no "nan", "inf" or hexadecimal */
        return refuse(o, text, "", e);
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || !in_range(o, value))
        return refuse(o, text, "", e);
    *out = value;
    return 0;
}

/* Seconds of what OPTION_TYPE_SPAN lists; NAN when it is none of that. `text` holds digits, points, colons and
 * units only. */
static double span_seconds(const char *text)
{
    double sum = 0;
    int parts = 0;
    for (;; text++) {
        char *end;
        double value = strtod(text, &end);
        if (end == text || (parts > 0 && value >= 60))
            return NAN;
        sum = 60 * sum + value;
        parts++;
        text = end;
        if (*text != ':')
            break;
        if (parts == 3 || value != trunc(value))
            return NAN;
    }
    if (*text == '\0')
        return sum;
    double unit_s = *text == 's' ? 1 : *text == 'm' ? 60 : 3600;
    return parts == 1 && strchr("smh", *text) && text[1] == '\0' ? unit_s * sum : NAN;
}

static int parse_span(const struct option *o, double *out, const char *text, struct error *e)
{
    double value = only_of(text, "0123456789.:smh") ? span_seconds(text) : NAN;
    if (!isfinite(value) || !in_range(o, value))
        return refuse(o, text, "", e);
    *out = value;
    return 0;
}

static int parse_string(const struct option *o, char *out, const char *text, struct error *e)
{
    const char *shown = o->flags & OPTION_SECRET ? "the secret" : "the text";
    size_t n = strlen(text);
    if (n >= OPTION_STRING_BYTES)
        return error_set(e, EINVAL, "%s has %zu bytes; at most %d fit", shown, n, OPTION_STRING_BYTES - 1);
    size_t good = text_line_bytes(text, n);
    if (good < n)
        return error_set(e, EINVAL, "%s holds a line break, a control character or no UTF-8 at byte %zu",
                         shown, good + 1);
    memcpy(out, text, n + 1);
    return 0;
}

static int parse_choice(const struct option *o, int *out, const char *text, struct error *e)
{
    size_t count = 0;
    for (; o->choices[count]; count++) {
        if (strcmp(text, o->choices[count]) == 0) {
            *out = (int)count;
            return 0;
        }
    }
    char hint[QUOTED_BYTES + 32] = "";
    const char *nearest = config_nearest(text, o->choices, count);
    if (nearest)
        snprintf(hint, sizeof hint, "; did you mean %s?", nearest);
    return refuse(o, text, hint, e);
}

static int parse_size(const struct option *o, struct option_size *out, const char *text, struct error *e)
{
    char digits[2][8] = {"", ""};
    int used = 0;
    sscanf(text, "%7[0-9]x%7[0-9]%n", digits[0], digits[1], &used);
    if (used == 0 || text[used])
        return refuse(o, text, "", e);
    struct option_size size = {atoi(digits[0]), atoi(digits[1])};
    if (!in_range(o, size.width_px) || !in_range(o, size.height_px))
        return refuse(o, text, "", e);
    *out = size;
    return 0;
}

int option_parse(const struct option *o, void *module_config, const char *text, struct error *e)
{
    void *f = field(o, module_config);
    switch (o->type) {
    case OPTION_TYPE_BOOL:
        return parse_bool(o, f, text, e);
    case OPTION_TYPE_INT:
        return parse_int(o, f, text, e);
    case OPTION_TYPE_FLOAT:
        return parse_float(o, f, text, e);
    case OPTION_TYPE_SPAN:
        return parse_span(o, f, text, e);
    case OPTION_TYPE_STRING:
        return parse_string(o, f, text, e);
    case OPTION_TYPE_CHOICE:
        return parse_choice(o, f, text, e);
    case OPTION_TYPE_SIZE:
        return parse_size(o, f, text, e);
    }
    return error_set(e, EINVAL, "a row of unknown type %d", (int)o->type);
}

/* Plain in YAML: begins like a word or a path, holds nothing that YAML gives a meaning to, and is no word
 * that YAML reads as something else. */
static bool plain_in_yaml(const char *text)
{
    static const char *const taken[] = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (strcasecmp(text, taken[i]) == 0)
            return false;
    char first = text[0];
    return ((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '/') &&
           only_of(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./");
}

static void print_string(const char *text, char *out, size_t size)
{
    if (plain_in_yaml(text)) {
        text_copy(out, size, text);
        return;
    }
    size_t n = 0;
    if (size > 2)
        out[n++] = '"';
    for (; *text && n + 3 < size; text++) {
        if (*text == '"' || *text == '\\')
            out[n++] = '\\';
        out[n++] = *text;
    }
    if (n)
        out[n++] = '"';
    out[n] = '\0';
}

char *option_print(const struct option *o, const void *module_config, char *out, size_t size)
{
    const void *f = const_field(o, module_config);
    const struct option_size *sides = f;
    switch (o->type) {
    case OPTION_TYPE_BOOL:
        text_copy(out, size, *(const bool *)f ? "true" : "false");
        break;
    case OPTION_TYPE_INT:
        snprintf(out, size, "%lld", (long long)*(const int64_t *)f);
        break;
    case OPTION_TYPE_FLOAT:
    case OPTION_TYPE_SPAN:
        print_number(*(const double *)f, out, size);
        break;
    case OPTION_TYPE_STRING:
        if (o->flags & OPTION_SECRET)
            text_copy(out, size, *(const char *)f ? "\"***\"" : "\"\"");
        else
            print_string(f, out, size);
        break;
    case OPTION_TYPE_CHOICE:
        text_copy(out, size, o->choices[*(const int *)f]);
        break;
    case OPTION_TYPE_SIZE:
        snprintf(out, size, "%dx%d", sides->width_px, sides->height_px);
        break;
    }
    return out;
}

void option_defaults(const struct option_section *s, void *module_config)
{
    memset(module_config, 0, s->struct_size);
    for (size_t i = 0; i < s->count; i++) {
        struct error e = {""};
        if (option_parse(&s->options[i], module_config, s->options[i].initial, &e) < 0) {
            fprintf(stderr, "reverie: the default of %s.%s is wrong: %s\n", s->name, s->options[i].name,
                    e.text);
            abort();
        }
    }
}
