/*
 * record - what outlives a restart: wishes that wait, bans, what moderators forbid, who asked for what, and what was
 * shown.
 *
 * It joins queue and rules to the store (store.h) in the folder that show.state_dir names, through the journal's
 * thread: nothing here waits for a disk. What the store holds of classes that the model has not is passed
 * over, with one word in the log. With the folder that is there by default ("auto") a show goes on without a record
 * where none can be kept, and says so; a folder that somebody chose must work, or the show does not begin. What
 * versions before the database have left in the folder is taken over once (takeover.h).
 */
#ifndef SHOW_RECORD_H
#define SHOW_RECORD_H

#include "common/error.h"
#include "show/requests.h"
#include "show/rules.h"
#include "show/store.h"

struct record;

struct record_params {
    const struct show_config *config;
    struct requests *requests; /* these must outlive the record */
    struct rules *rules;       /* may be NULL */
    int64_t seed;              /* of this show */
};

/* Would record_open work? Tries the folder, and the database where there is one. 0 with a line in `text` ("": nothing is
 * kept), 1 when the line is a warning, or -errno with a line in `e`. */
int record_check(const struct show_config *c, char *text, size_t size, struct error *e);

/* Restores what was kept into `requests` and `rules`, then follows both. Before the threads start. When nothing is
 * kept *record is NULL, which all calls take. 0 or -errno with a line. */
int record_open(struct record **record, const struct record_params *p, struct error *e);
/* Writes the last state. The dream and the chat must have stopped. */
void record_close(struct record **record);

/* The last `max` that were shown in earlier shows, with their pictures, oldest first. It reads the disk: for the
 * start of a show. 0 or -errno with a line. */
int record_each_shown(struct record *record, int max,
                      void (*each)(void *context, const struct store_row *row), void *context,
                      struct error *e);

/* The rest is thread-safe and never waits for the disk. */

/* A request was taken; `text` is what was typed. */
void record_asked(struct record *record, const struct request *q, const char *text);

/* A picture (JPEG, copied) of what was on in this turn; `seen` 0..1, < 0: not known. */
void record_picture(struct record *record, int64_t turn, double seen, const uint8_t *jpeg, size_t bytes);

/* The requests, also of earlier shows, that lost their names to moderators since the last call, at most `max`; the
 * record remembers RECORD_WITHDRAWN_MAX. Returns how many. For one asker. */
enum { RECORD_WITHDRAWN_MAX = 128 };
int record_take_withdrawn(struct record *record, int64_t *ids, int max);

/* A moderator removed lines: chatbot_clear_user (login, or NULL for all) or chatbot_delete (message_id). */
void record_removed(struct record *record, const char *login, const char *message_id);

/* A moderator used a command that is theirs; `line` as typed, without the prefix. */
void record_command(struct record *record, const struct person *who, const char *line);

#endif
