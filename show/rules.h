/*
 * rules - who is a moderator, who is banned, what nobody may wish for, who wished when, who votes to skip.
 *
 * Viewers are remembered by a key (ASCII case aside), as many as viewers.h says: the login, or, where the chat has ids
 * that stay, "#" and the id (rules_key), so that a new name is still the same viewer. One leaf lock. Times are show time in seconds.
 */
#ifndef SHOW_RULES_H
#define SHOW_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "show/people.h"
#include "show/requests.h"

enum { RULES_BANS_MAX = 1024 };

struct rules;

/* Reads c->banned_file when there is one. 0, or -errno with a line that names file and line. */
int rules_open(struct rules **rules, const struct show_config *c, struct error *e);
void rules_close(struct rules **rules); /* NULL is fine */

/*
 * What nobody may wish for or be called (forbidden.h says how words are compared): a built-in list, the lines
 * of show.banned_file, and what moderators add while the show is on. A line that names classes ("spider")
 * forbids those; any other is a word.
 */

/* Takes the banned classes out of `known`: what the model has. Returns how many are left. Call it again when
 * rules_version has changed. */
int rules_restrict(struct rules *rules, struct synsets_known *known);
unsigned rules_version(struct rules *rules); /* grows with each change of what is forbidden */

bool rules_forbids_name(struct rules *rules, const char *name); /* of a person: also inside longer words */
/* The text of a wish or one of the classes that it names. */
bool rules_forbids_wish(struct rules *rules, const char *text, const struct synsets_result *result);

/* `entry` as a line of the file: "word", "word*", "*word*". Until the opposite is called; record.h keeps it.
 * 0; -EEXIST, -ENOENT: it is so already; -EINVAL: no letters in it, or only stars; -ENOSPC. rules_allow also
 * takes a line of the file and a word of the built-in list out. */
int rules_forbid(struct rules *rules, const char *entry);
int rules_allow(struct rules *rules, const char *entry);
/* Calls `each` for all that differs from built-in list and file, under the lock: forbidden, or allowed. */
void rules_each_word(struct rules *rules, void (*each)(void *context, const char *entry, bool forbidden),
                     void *context);

/* Reads show.banned_file again; on a fault all stays as it was. 0, or -errno with a line. */
int rules_reload(struct rules *rules, struct error *e);

bool rules_is_moderator(const struct rules *rules, const char *login);

/* What a viewer is remembered by. Returns out. */
const char *rules_key(const struct person *who, char out[REQUEST_USER_BYTES]);
/* Somebody who was heard lately, by login or name. False: nobody. */
bool rules_find(struct rules *rules, const char *name, struct person *out);

/* Bans, by login or key. 0; -EEXIST, -ENOENT: it is so already; -ENOSPC: more than RULES_BANS_MAX. rules_ban_until
 * ends by itself (Unix time in seconds), with the show at the latest. */
int rules_ban(struct rules *rules, const char *login);
int rules_ban_until(struct rules *rules, const char *login, int64_t until_s);
int rules_unban(struct rules *rules, const char *login);
/* By login or key; whoever is by login is by key from now on, too. */
bool rules_is_banned(struct rules *rules, const struct person *who);
/* Calls `each` for all that are banned for good, under the lock. */
void rules_each_ban(struct rules *rules, void (*each)(void *context, const char *login), void *context);

/* A line of this viewer was heard. */
void rules_heard(struct rules *rules, const struct person *who, double now_s);
/* Seconds until this viewer may wish again; 0: now. rules_wished starts the time, rules_unwished ends
 * it. */
double rules_cooldown_s(struct rules *rules, const char *login, double now_s);
void rules_wished(struct rules *rules, const char *login, double now_s);
void rules_unwished(struct rules *rules, const char *login, double now_s);

/* A vote to skip what is on in this turn; one a viewer. Returns the votes so far, 0 when there is no voting,
 * and *needed. */
int rules_vote(struct rules *rules, const char *login, int64_t turn, double now_s, int *needed);

void rules_pause(struct rules *rules, bool paused);
bool rules_is_paused(struct rules *rules);

#endif
