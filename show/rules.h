/*
 * rules - who is a moderator, who is banned, what nobody may wish for, who wished when, who votes to skip.
 *
 * Viewers are remembered by their logins (ASCII case aside), the VIEWERS_MAX heard last; more do not cost
 * more. One leaf lock. Times are show time in seconds.
 */
#ifndef SHOW_RULES_H
#define SHOW_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "show/requests.h"
#include "common/error.h"

enum { RULES_BANS_MAX = 1024, RULES_ACTIVE_S = 600 };

struct rules;

/* Reads c->banned_file when there is one. 0, or -errno with a line that names file and line. */
int rules_open(struct rules **h, const struct show_config *c, struct error *e);
void rules_close(struct rules **h); /* NULL is fine */

/* Takes the banned classes out of what the show knows: before requests_open and chatbot_open. Returns how
 * many are left. */
int rules_restrict(const struct rules *h, struct synsets_known *known);

bool rules_forbids_class(const struct rules *h, int synset);
bool rules_forbids_text(const struct rules *h, const char *text); /* it holds a banned word */

bool rules_is_moderator(const struct rules *h, const char *login);

/* Bans. 0; -EEXIST, -ENOENT: it is so already; -ENOSPC: more than RULES_BANS_MAX. */
int rules_ban(struct rules *h, const char *login);
int rules_unban(struct rules *h, const char *login);
bool rules_is_banned(struct rules *h, const char *login);
/* Calls `each` for all that were banned by command, under the lock. */
void rules_each_ban(struct rules *h, void (*each)(void *context, const char *login), void *context);

/* A line of this viewer was heard. */
void rules_heard(struct rules *h, const char *login, double now_s);
/* Seconds until this viewer may wish again; 0: now. rules_wished starts the time. */
double rules_cooldown_s(struct rules *h, const char *login, double now_s);
void rules_wished(struct rules *h, const char *login, double now_s);

/* A vote to skip what is on in this turn; one a viewer. Returns the votes so far, 0 when there is no voting,
 * and *needed. */
int rules_vote(struct rules *h, const char *login, int64_t turn, double now_s, int *needed);

void rules_pause(struct rules *h, bool paused);
bool rules_is_paused(struct rules *h);

#endif
