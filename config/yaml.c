/*
 * yaml - reads the configuration file: sections of options, one list of such, and nothing else that YAML can do.
 *
 * The file is a mapping of sections, each a mapping of keys to single values; the list (list.h) is a sequence of such
 * mappings. Anchors, aliases, tags, other lists, deeper nesting and a second document are refused where they begin: none of them has a use here, and aliases
 * can blow a small file up to gigabytes. Values go through config_assign like --set does; what this file adds
 * is the line number in front of every message. The only file that knows libyaml; it works on its events, so
 * nothing is built in memory but the text itself, and that is bounded.
 */
#include "config/list.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/file.h"

enum { FILE_MAX_BYTES = 1 << 20, ITEM_KEYS_MAX = 64 };

struct reader {
    const struct config *config;
    const char *path;
    const char *text; /* the whole file */
    size_t bytes;
    yaml_parser_t parser;
    yaml_event_t event; /* the latest one; deleted by the next */
    struct error *e;
};

__attribute__((format(printf, 3, 4))) static int fault(struct reader *r, size_t line, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(r->e, EINVAL, "%s:%zu: %s", r->path, line, text);
}

static size_t event_line(const struct reader *r)
{
    return r->event.start_mark.line + 1;
}

static size_t line_of_byte(const struct reader *r, size_t offset)
{
    size_t line = 1;
    for (size_t i = 0; i < offset && i < r->bytes; i++)
        line += r->text[i] == '\n';
    return line;
}

/* Is there a tab in the white space that line `line` begins with? */
static bool indented_with_tab(const struct reader *r, size_t line)
{
    const char *s = r->text, *end = r->text + r->bytes;
    for (size_t i = 1; i < line && s; i++) {
        s = memchr(s, '\n', (size_t)(end - s));
        s = s ? s + 1 : NULL;
    }
    while (s && s < end && *s == ' ')
        s++;
    return s && s < end && *s == '\t';
}

static int parser_fault(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    size_t line = p->problem_mark.line + 1;
    const char *problem = p->problem ? p->problem : "cannot be read";
    switch (p->error) {
    case YAML_MEMORY_ERROR:
        return error_set(r->e, ENOMEM, "%s: no memory to read it", r->path);
    case YAML_READER_ERROR:
        return fault(r, line_of_byte(r, p->problem_offset), "the file is not UTF-8 text (%s)", problem);
    default:
        if (indented_with_tab(r, line))
            return fault(r, line, "the line is indented with a tab; YAML wants blanks");
        return fault(
            r, line, "column %zu: %s%s%s; sections look like \"name:\", options like \"  key: value\"",
            p->problem_mark.column + 1, problem, p->context ? " " : "", p->context ? p->context : "");
    }
}

/* The next event into r->event, with everything refused that has no place anywhere in the file. */
static int next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event))
        return parser_fault(r);
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (r->event.type) {
    case YAML_ALIAS_EVENT:
        return fault(r, event_line(r), "aliases (*%s) are not used here; write the value out",
                     (const char *)r->event.data.alias.anchor);
    case YAML_SCALAR_EVENT:
        anchor = r->event.data.scalar.anchor;
        tag = r->event.data.scalar.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = r->event.data.mapping_start.anchor;
        tag = r->event.data.mapping_start.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = r->event.data.sequence_start.anchor;
        tag = r->event.data.sequence_start.tag;
        break;
    default:
        break;
    }
    if (anchor)
        return fault(r, event_line(r), "anchors (&%s) are not used here; write every value out",
                     (const char *)anchor);
    if (tag)
        return fault(r, event_line(r), "tags (%s) are not used here; write the value alone",
                     (const char *)tag);
    return 0;
}

/* The text of a scalar event, NULL when it is none or holds a zero byte. */
static const char *scalar(const struct reader *r)
{
    if (r->event.type != YAML_SCALAR_EVENT)
        return NULL;
    const char *text = (const char *)r->event.data.scalar.value;
    return strlen(text) == r->event.data.scalar.length ? text : NULL;
}

/* "key:" with nothing behind it, or null, as against "key: ''". */
static bool is_null(const struct reader *r)
{
    const char *text = scalar(r);
    return text && r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (!*text || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0);
}

static const char *what(const struct reader *r)
{
    switch (r->event.type) {
    case YAML_MAPPING_START_EVENT:
        return "a section";
    case YAML_SEQUENCE_START_EVENT:
        return "a list";
    default:
        return "text with a zero byte";
    }
}

/* "key: #value": whoever writes that means the text, as in a channel's name. */
static bool is_cut_by_comment(const struct reader *r, size_t line)
{
    const char *at = r->text;
    for (size_t i = 1; i < line && at; i++)
        at = (at = strchr(at, '\n')) ? at + 1 : NULL;
    const char *colon = at ? strchr(at, ':') : NULL;
    if (!colon)
        return false;
    colon += 1 + strspn(colon + 1, " \t");
    return colon[0] == '#' && colon[1] > ' ';
}

/* Is the event a value for section.key? */
static int check_value(struct reader *r, const char *section, const char *key, size_t line)
{
    if (!scalar(r))
        return fault(r, line, "%s.%s: takes one value, not %s", section, key, what(r));
    if (is_null(r) && is_cut_by_comment(r, line))
        return fault(r, line, "%s.%s: # begins a comment, so there is no value; write it in quotes, \"#...\"",
                     section, key);
    if (is_null(r))
        return fault(r, line,
                     "%s.%s: has no value; delete the line for the default, or write \"\" for empty text",
                     section, key);
    return 0;
}

/* One value for section.key; r->event is the value's. */
static int read_value(struct reader *r, const char *section, const char *key, size_t line)
{
    struct error inner = {""};
    int rc = check_value(r, section, key, line);
    if (rc == 0 && config_assign(r->config, section, key, scalar(r), &inner) < 0)
        rc = fault(r, line, "%s", inner.text);
    return rc;
}

static int check_once(struct reader *r, const struct option_section *s, const char *key, size_t line,
                      size_t *lines)
{
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->options[i].name, key) != 0)
            continue;
        if (lines[i])
            return fault(r, line, "%s.%s: is set twice, first in line %zu; keep one", s->name, key, lines[i]);
        lines[i] = line;
    }
    return 0;
}

/* The keys of one section up to its end. `lines` [section's option count]: where each was seen,
 * 0: not yet. */
static int read_options(struct reader *r, const struct option_section *s, size_t *lines)
{
    for (;;) {
        int rc = next(r);
        if (rc < 0 || r->event.type == YAML_MAPPING_END_EVENT)
            return rc;
        size_t line = event_line(r);
        if (!scalar(r))
            return fault(r, line, "%s: expected the name of an option, found %s", s->name, what(r));
        char *key = xstrdup(scalar(r));
        rc = check_once(r, s, key, line, lines);
        if (rc == 0)
            rc = next(r);
        if (rc == 0)
            rc = read_value(r, s->name, key, line);
        free(key);
        if (rc < 0)
            return rc;
    }
}

/* ---- the list ---- */

/* The keys and values of one item up to its end; the texts are the caller's to free, also on failure. */
static int read_pairs(struct reader *r, struct config_pair *pairs, size_t *count)
{
    const char *list = r->config->list->name;
    for (;;) {
        int rc = next(r);
        if (rc < 0 || r->event.type == YAML_MAPPING_END_EVENT)
            return rc;
        size_t line = event_line(r);
        if (!scalar(r))
            return fault(r, line, "%s: expected the name of an option, found %s", list, what(r));
        if (*count == ITEM_KEYS_MAX)
            return fault(r, line, "%s: more than %d options in one item", list, ITEM_KEYS_MAX);
        struct config_pair *p = &pairs[(*count)++];
        *p = (struct config_pair){.key = xstrdup(scalar(r)), .line = line};
        if ((rc = next(r)) < 0 || (rc = check_value(r, list, p->key, line)) < 0)
            return rc;
        p->value = xstrdup(scalar(r));
    }
}

static int read_item(struct reader *r)
{
    size_t line = event_line(r), count = 0, at = 0;
    struct config_pair pairs[ITEM_KEYS_MAX];
    struct error inner = {""};
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return fault(r, line, "%s: each item is options behind \"- \", as in \"- kind: ...\"",
                     r->config->list->name);
    int rc = read_pairs(r, pairs, &count);
    if (rc == 0 && config_list_read(r->config, pairs, count, &at, &inner) < 0)
        rc = fault(r, at < count ? pairs[at].line : line, "%s", inner.text);
    for (size_t i = 0; i < count; i++) {
        free(pairs[i].key);
        free(pairs[i].value);
    }
    return rc;
}

/* `line`: of an earlier list; 0: there is none. r->event is the list's name. */
static int read_list(struct reader *r, size_t *line)
{
    const char *name = r->config->list->name;
    if (*line)
        return fault(r, event_line(r), "%s is set twice, first in line %zu; join them", name, *line);
    *line = event_line(r);
    int rc = next(r);
    if (rc < 0 || is_null(r))
        return rc;
    if (r->event.type != YAML_SEQUENCE_START_EVENT)
        return fault(r, event_line(r), "%s is a list: each item begins with \"- kind: ...\"", name);
    while ((rc = next(r)) == 0 && r->event.type != YAML_SEQUENCE_END_EVENT)
        if ((rc = read_item(r)) < 0)
            break;
    return rc;
}

/* ---- the file ---- */

/* A section's name is r->event. `lines` [section count + 1] as above, the last one the list's. */
static int read_section(struct reader *r, size_t *lines)
{
    size_t line = event_line(r);
    if (!scalar(r))
        return fault(r, line, "expected the name of a section, found %s", what(r));
    struct error inner = {""};
    if (r->config->list && strcmp(scalar(r), r->config->list->name) == 0)
        return read_list(r, &lines[r->config->count]);
    const struct config_entry *entry = config_find(r->config, scalar(r), &inner);
    if (!entry || strchr(scalar(r), '.'))
        return fault(r, line, "%s", entry ? "items of the list are set in the list" : inner.text);
    const struct option_section *s = entry->section;
    size_t *seen = &lines[entry - r->config->entries];
    if (*seen)
        return fault(r, line, "section %s is set twice, first in line %zu; join them", s->name, *seen);
    *seen = line;

    int rc = next(r);
    if (rc < 0 || is_null(r)) /* an empty section is fine: every line of it may be a comment */
        return rc;
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return fault(r, event_line(r), "section %s takes options below it, as in \"  key: value\"", s->name);
    size_t *option_lines = xcalloc(s->count, sizeof *option_lines);
    rc = read_options(r, s, option_lines);
    free(option_lines);
    return rc;
}

static int read_root(struct reader *r)
{
    if (is_null(r))
        return 0;
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return fault(r, event_line(r), "expected sections like \"dream:\" with options below them");
    size_t *lines = xcalloc(r->config->count + 1, sizeof *lines);
    int rc = next(r);
    while (rc == 0 && r->event.type != YAML_MAPPING_END_EVENT) {
        rc = read_section(r, lines);
        if (rc == 0)
            rc = next(r);
    }
    free(lines);
    return rc;
}

static int read_stream(struct reader *r)
{
    bool had_document = false;
    for (;;) {
        int rc = next(r);
        if (rc < 0 || r->event.type == YAML_STREAM_END_EVENT || r->event.type == YAML_NO_EVENT)
            return rc;
        if (r->event.type == YAML_DOCUMENT_START_EVENT) {
            if (had_document)
                return fault(r, event_line(r),
                             "a second document begins here; one file is one configuration");
            had_document = true;
            rc = next(r);
            if (rc == 0)
                rc = read_root(r);
            if (rc < 0)
                return rc;
        }
    }
}

int config_read(const struct config *c, const char *name, const char *text, size_t bytes, struct error *e)
{
    struct reader r = {.config = c, .path = name, .text = text, .bytes = bytes, .e = e};
    if (!yaml_parser_initialize(&r.parser))
        return error_set(e, ENOMEM, "%s: no memory to read it", name);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, bytes);
    int rc = read_stream(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return rc;
}

int config_load(const struct config *c, const char *path, struct error *e)
{
    char *text;
    size_t bytes;
    int rc = file_read_all(path, FILE_MAX_BYTES, &text, &bytes, e);
    if (rc == -EFBIG)
        rc = error_set(e, EINVAL, "%s: over 1 MiB; that is no configuration file", path);
    if (rc == 0)
        rc = config_read(c, path, text, bytes, e);
    free(text);
    return rc;
}
