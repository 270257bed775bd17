/*
 * takeover - what versions before the database have kept comes into it, once.
 *
 * They wrote lines of JSON: state.jsonl, what waits and who is banned, and requests.jsonl (before it
 * requests.jsonl.1), the log. A file is read in one transaction and then renamed to NAME.taken; the database
 * knows what it has taken, so that a power cut between the two doubles nothing. Lines that cannot be
 * read are passed over, with one word in the log; a state.jsonl that cannot be read at all is an error: nobody
 * would be banned any more.
 */
#ifndef SHOW_TAKEOVER_H
#define SHOW_TAKEOVER_H

#include "show/store.h"

/* 0 (also when there is nothing), or -errno with a line. */
int takeover(struct store *s, const char *folder, struct error *e);

#endif
