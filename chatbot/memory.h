/*
 * memory - what outlives a restart: wishes that wait, bans, and a log of what was asked and shown.
 *
 * In the folder show.state_dir lie requests.jsonl, the log, a line of JSON for each event ("asked", "shown",
 * "ended", "removed"), cut when it is 8 MiB; and state.jsonl, what waits and who is banned, at most a second
 * old. Lines of it that cannot be read or name classes that the model has not are passed over, with one word
 * in the log.
 */
#ifndef CHATBOT_MEMORY_H
#define CHATBOT_MEMORY_H

#include "chatbot/house.h"
#include "chatbot/requests.h"
#include "common/error.h"

struct memory;

/* Restores what the folder holds into `requests` and `house`, then follows both, which must outlive it.
 * Before the threads start. With an empty state_dir *m is NULL, which all calls take. 0 or -errno with a
 * line. */
int memory_open(struct memory **m, const struct show_config *c, struct requests *requests,
                struct house *house, struct error *e);
/* Writes the last state. The dream and the chat must have stopped. */
void memory_close(struct memory **m);

/* A request was taken; `text` is what was typed. Thread-safe, never waits for the disk. */
void memory_asked(struct memory *m, const struct request *q, const char *text);

/* A moderator removed lines: chatbot_clear_user (login, or NULL for all) or chatbot_delete (message_id). */
void memory_removed(struct memory *m, const char *login, const char *message_id);

#endif
