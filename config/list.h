/*
 * list - a list of the settings file: items that have each a name, a kind, and the rows of that kind.
 *
 *     outputs:
 *       - kind: rtmp
 *         name: twitch
 *         url: rtmps://live.twitch.tv/app
 *
 * A kind is an option table like any section's. An item is such a section under a name of its own, "outputs.twitch",
 * with a struct of its own: so what sections can do, items can (--set outputs.twitch.url=..., secrets from
 * REVERIE_OUTPUTS_TWITCH_STREAM_KEY, messages that name section and key), and modules fill the same structs from both.
 */
#ifndef CONFIG_LIST_H
#define CONFIG_LIST_H

#include "config/config.h"

enum { CONFIG_ITEM_NAME_BYTES = 25, CONFIG_ITEMS_MAX = 16 };

struct config_item {
    char name[CONFIG_ITEM_NAME_BYTES]; /* "twitch": letters, digits, - and _ */
    const struct option_section *kind;
    struct option_section section; /* the kind's rows, named "outputs.twitch" */
    struct config_entry entry;     /* that section and the item's struct, which is owned */
};

struct config_list {
    const char *name, *text; /* "outputs", and what it is for */
    /* The tables; their names are the words behind "kind:". Ends with NULL. */
    const struct option_section *const *kinds;
    /* Names that no item may have; ends with NULL. */
    const char *const *taken;
    /* (optional) Can this item work? 0, or -EINVAL with a line that begins with "outputs.twitch". */
    int (*valid)(const struct config_item *item, struct error *e);

    struct config_item *items[CONFIG_ITEMS_MAX]; /* owned; in the order of the file */
    int count;
};

/* Frees the items. */
void config_list_close(struct config_list *l);

/* A new item with its defaults, or NULL with a line: the name is no name or another's, the kind is none, or there are
 * too many. `c->list` is the list. */
struct config_item *config_list_add(const struct config *c, const char *kind, const char *name,
                                    struct error *e);

/* One item as a file has it: its keys in any order, "kind" and "name" among them. Fills and checks it. 0, or -EINVAL
 * with a line; *at is then the pair that it is about. */
struct config_pair {
    char *key, *value;
    size_t line;
};
int config_list_read(const struct config *c, const struct config_pair *pairs, size_t count, size_t *at,
                     struct error *e);

#endif
