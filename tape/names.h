/*
 * names - the viewers' names of a tape, and the signs that stand for them in its texts; private to tape/.
 *
 * A name is written "  @ann" behind what she wished for. The sign that stands for all of that is one character of Unicode's
 * private use, which no text of ours has: whatever people type is cleaned of them. A name that was forgotten leaves
 * nothing.
 */
#ifndef TAPE_NAMES_H
#define TAPE_NAMES_H

#include <stddef.h>

#include "tape/tape.h"

struct tape_names {
    struct tape_name *list; /* [count], in the order of the tape */
    int count, room;
};

void tape_names_clear(struct tape_names *n);

/* Adds one. False: there are too many. */
bool tape_names_add(struct tape_names *n, const struct tape_name *name);

/* Index of the name of this request; -1: it has none. */
int tape_names_find(const struct tape_names *n, int64_t request_id);

bool tape_name_is_forgotten(const struct tape_name *name);

/* Signs for names, in place; `text` has room for `size`, and never grows. A name that is not known leaves nothing. */
void tape_names_hide(const struct tape_names *n, char *text);

/* Names for signs, in place, cut at `size`. */
void tape_names_show(const struct tape_names *n, char *text, size_t size);

#endif
