/*
 * house - the rules of the house: who is a moderator, who is banned, what nobody may wish for, who wished
 * when, who votes to skip.
 *
 * Viewers are remembered by their logins (ASCII case aside), the VIEWERS_MAX heard last; more do not cost
 * more. One leaf lock. Times are show time in seconds.
 */
#ifndef CHATBOT_HOUSE_H
#define CHATBOT_HOUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "chatbot/requests.h"
#include "common/error.h"

enum { HOUSE_BANS_MAX = 1024, HOUSE_ACTIVE_S = 600 };

struct house;

/* Reads c->banned_file when there is one. 0, or -errno with a line that names file and line. */
int house_open(struct house **h, const struct show_config *c, struct error *e);
void house_close(struct house **h); /* NULL is fine */

/* Takes the banned classes out of what the show knows: before requests_open and chatbot_open. Returns how
 * many are left. */
int house_restrict(const struct house *h, struct synsets_known *known);

bool house_forbids_class(const struct house *h, int synset);
bool house_forbids_text(const struct house *h, const char *text); /* it holds a banned word */

bool house_is_moderator(const struct house *h, const char *login);

/* Bans. 0; -EEXIST, -ENOENT: it is so already; -ENOSPC: more than HOUSE_BANS_MAX. */
int house_ban(struct house *h, const char *login);
int house_unban(struct house *h, const char *login);
bool house_is_banned(struct house *h, const char *login);
/* Calls `each` for all that were banned by command, under the lock. */
void house_each_ban(struct house *h, void (*each)(void *context, const char *login), void *context);

/* A line of this viewer was heard. */
void house_heard(struct house *h, const char *login, double now_s);
/* Seconds until this viewer may wish again; 0: now. house_wished starts the time. */
double house_cooldown_s(struct house *h, const char *login, double now_s);
void house_wished(struct house *h, const char *login, double now_s);

/* A vote to skip what is on in this turn; one a viewer. Returns the votes so far, 0 when there is no voting,
 * and *needed. */
int house_vote(struct house *h, const char *login, int64_t turn, double now_s, int *needed);

void house_pause(struct house *h, bool paused);
bool house_is_paused(struct house *h);

#endif
