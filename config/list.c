/*
 * list - see list.h.
 */
#include "config/list.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

enum { SHOWN_BYTES = 64, WORDS_BYTES = 256 };

void config_list_close(struct config_list *l)
{
    for (int i = 0; i < l->count; i++) {
        free((char *)l->items[i]->section.name);
        free(l->items[i]->entry.module_config);
        free(l->items[i]);
    }
    l->count = 0;
}

/* ---- names and kinds ---- */

/* As they become part of a variable's name: two that differ in nothing else would share their secrets. */
static char folded(char c)
{
    return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

static bool is_same(const char *a, const char *b)
{
    for (; *a && folded(*a) == folded(*b); a++)
        b++;
    return *a == *b;
}

static bool is_name(const char *name)
{
    size_t n = strlen(name);
    bool begins = isalnum((unsigned char)name[0]);
    return begins && n < CONFIG_ITEM_NAME_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

static bool is_taken(const struct config_list *l, const char *name)
{
    for (const char *const *taken = l->taken; taken && *taken; taken++)
        if (is_same(*taken, name))
            return true;
    return false;
}

/* "rtmp, srt, hls". Returns the count. */
static size_t list_kinds(const struct config_list *l, char out[WORDS_BYTES], const char **names)
{
    size_t n = 0, count = 0;
    out[0] = '\0';
    for (; l->kinds[count]; count++) {
        names[count] = l->kinds[count]->name;
        n += (size_t)snprintf(out + n, n < WORDS_BYTES ? WORDS_BYTES - n : 0, "%s%s", count ? ", " : "",
                              names[count]);
    }
    return count;
}

static const struct option_section *find_kind(const struct config_list *l, const char *kind, struct error *e)
{
    const char *names[CONFIG_ITEMS_MAX], *near;
    char words[WORDS_BYTES], shown[SHOWN_BYTES];
    for (int i = 0; l->kinds[i]; i++)
        if (strcmp(l->kinds[i]->name, kind) == 0)
            return l->kinds[i];
    size_t count = list_kinds(l, words, names);
    text_copy(shown, sizeof shown, kind);
    if ((near = config_nearest(kind, names, count)))
        error_set(e, EINVAL, "%s: there is no kind \"%s\"; did you mean %s?", l->name, shown, near);
    else
        error_set(e, EINVAL, "%s: there is no kind \"%s\"; there are %s", l->name, shown, words);
    return NULL;
}

/* ---- items ---- */

static bool is_free(const struct config_list *l, const char *name, struct error *e)
{
    char shown[SHOWN_BYTES];
    text_copy(shown, sizeof shown, name);
    if (!is_name(name)) {
        error_set(e, EINVAL,
                  "%s: \"%s\" is no name; use at most %d letters, digits, - and _, a letter or digit first",
                  l->name, shown, CONFIG_ITEM_NAME_BYTES - 1);
        return false;
    }
    if (is_taken(l, name)) {
        error_set(e, EINVAL, "%s: the name %s is taken by a part of the program; choose another", l->name,
                  shown);
        return false;
    }
    for (int i = 0; i < l->count; i++)
        if (is_same(l->items[i]->name, name)) {
            error_set(e, EINVAL, "%s: there are two of the name %s; choose another for one", l->name, shown);
            return false;
        }
    return true;
}

struct config_item *config_list_add(const struct config *c, const char *kind, const char *name,
                                    struct error *e)
{
    struct config_list *l = c->list;
    const struct option_section *rows = find_kind(l, kind, e);
    if (!rows || !is_free(l, name, e))
        return NULL;
    if (l->count == CONFIG_ITEMS_MAX) {
        error_set(e, EINVAL, "%s: there are more than %d", l->name, CONFIG_ITEMS_MAX);
        return NULL;
    }
    struct config_item *item = l->items[l->count++] = xcalloc(1, sizeof *item);
    text_copy(item->name, sizeof item->name, name);
    item->kind = rows;
    item->section = *rows;
    item->section.name = xasprintf("%s.%s", l->name, name);
    item->entry = (struct config_entry){&item->section, xcalloc(1, rows->struct_size)};
    option_defaults(rows, item->entry.module_config);
    return item;
}

/* ---- from a file ---- */

static const struct config_pair *find_pair(const struct config_pair *pairs, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].key, key) == 0)
            return &pairs[i];
    return NULL;
}

static int check_once(const struct config_list *l, const struct config_pair *pairs, size_t count, size_t *at,
                      struct error *e)
{
    for (*at = 0; *at < count; ++*at) {
        const struct config_pair *first = find_pair(pairs, *at, pairs[*at].key);
        if (first)
            return error_set(e, EINVAL, "%s: %s is set twice in one item, first in line %zu; keep one",
                             l->name, first->key, first->line);
    }
    *at = 0;
    return 0;
}

/* The item, made by its pairs "kind" and "name". */
static struct config_item *make(const struct config *c, const struct config_pair *pairs, size_t count,
                                size_t *at, struct error *e)
{
    const struct config_list *l = c->list;
    const struct config_pair *kind = find_pair(pairs, count, "kind"), *name = find_pair(pairs, count, "name");
    char words[WORDS_BYTES];
    const char *names[CONFIG_ITEMS_MAX];
    if (!kind) {
        list_kinds(l, words, names);
        error_set(e, EINVAL, "%s: this item has no kind; give it one of %s", l->name, words);
        return NULL;
    }
    if (!name) {
        error_set(e, EINVAL, "%s: this item has no name; give it one of your own", l->name);
        return NULL;
    }
    *at = (size_t)(find_kind(l, kind->value, NULL) ? name - pairs : kind - pairs);
    return config_list_add(c, kind->value, name->value, e);
}

int config_list_read(const struct config *c, const struct config_pair *pairs, size_t count, size_t *at,
                     struct error *e)
{
    int rc = check_once(c->list, pairs, count, at, e);
    if (rc < 0)
        return rc;
    const struct config_item *item = make(c, pairs, count, at, e);
    if (!item)
        return -EINVAL;
    for (*at = 0; *at < count; ++*at) {
        const struct config_pair *p = &pairs[*at];
        if (strcmp(p->key, "kind") == 0 || strcmp(p->key, "name") == 0)
            continue;
        rc = config_assign(c, item->section.name, p->key, p->value, e);
        if (rc < 0)
            return rc;
    }
    *at = 0;
    return c->list->valid ? c->list->valid(item, e) : 0;
}
