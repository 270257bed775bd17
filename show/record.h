/*
 * record - what outlives a restart: wishes that wait, bans, and a log of what was asked and shown.
 *
 * In the folder show.state_dir lie requests.jsonl, the log, a line of JSON for each event ("asked", "shown",
 * "ended", "removed"), cut when it is 8 MiB; and state.jsonl, what waits and who is banned, at most a second
 * old. Lines of it that cannot be read or name classes that the model has not are passed over, with one word
 * in the log; a state.jsonl that cannot be read at all is refused, since the next one would replace it.
 */
#ifndef SHOW_RECORD_H
#define SHOW_RECORD_H

#include "show/rules.h"
#include "show/requests.h"
#include "common/error.h"

struct record;

/* Would record_open work? Tries the folder and the state in it. 0 with a line in `text` ("": no state_dir), or -errno
 * with a line in `e`. */
int record_check(const struct show_config *c, char *text, size_t size, struct error *e);

/* Restores what the folder holds into `requests` and `rules`, then follows both, which must outlive
 * it. Before the threads start. With an empty state_dir *m is NULL, which all calls take. 0 or -errno
 * with a line. */
int record_open(struct record **m, const struct show_config *c, struct requests *requests,
                struct rules *rules, struct error *e);
/* Writes the last state. The dream and the chat must have stopped. */
void record_close(struct record **m);

/* A request was taken; `text` is what was typed. Thread-safe, never waits for the disk. */
void record_asked(struct record *m, const struct request *q, const char *text);

/* A moderator removed lines: chatbot_clear_user (login, or NULL for all) or chatbot_delete (message_id). */
void record_removed(struct record *m, const char *login, const char *message_id);

#endif
