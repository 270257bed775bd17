/*
 * bot - what chatbot.c and the commands share: the bot itself and one line on its way through it. Inside this
 * folder only.
 */
#ifndef CHATBOT_BOT_H
#define CHATBOT_BOT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "chatbot/chatbot.h"
#include "show/rules.h"
#include "chatbot/replies.h"
#include "common/rng.h"

struct chatbot {
    /* immutable after open */
    struct requests *requests;
    struct synsets_known known;
    struct rules *rules;           /* NULL: no rules */
    struct record *record;         /* NULL: none */
    struct stats *stats;           /* NULL: nobody counts */
    char name[REQUEST_USER_BYTES]; /* that it listens to in a channel */
    bool first_below;              /* the first of two things gets the bottom half */
    void (*quit)(void *context);   /* NULL: nobody can end the show by a word */
    void *quit_context;

    _Atomic int64_t lag_ms; /* from the dream's turn to the screen */

    pthread_mutex_t lock; /* leaf; guards rng and last_reply */
    struct rng rng;
    uint64_t last_reply; /* hash of it, so that no two in a row are the same */
};

/* One line on its way. */
struct chat_call {
    struct chatbot *bot;
    enum chat_origin origin;
    char user[REQUEST_USER_BYTES];  /* for people; cleaned, never empty */
    char login[REQUEST_USER_BYTES]; /* who it is; cleaned, never empty */
    const char *message_id;         /* never NULL */
    unsigned roles;                 /* enum chat_role */
    bool addressed;                 /* a command, or the bot's name in front: wants an answer */
    bool answered;                  /* false: silence */
    const char *rest; /* behind the command's name, no blanks at the ends; for a request all of it */
    double now_s;
    struct rng rng;               /* of this call alone */
    struct chat_outcome *outcome; /* never NULL */
    char *reply; /* [reply_size]; the user's name is in front of it already where one belongs */
    size_t reply_size;
};

/* chatbot.c */
void chat_request(struct chat_call *c);
void chat_say(struct chat_call *c, enum reply reply, const struct reply_words *words);
void chat_print(struct chat_call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool chat_is_operator(const struct chat_call *c);
bool chat_is_moderator(const struct chat_call *c); /* or more */
/* A login as people type it: "@Ann " is Ann. */
void chat_login(const char *text, char out[REQUEST_USER_BYTES]);
/* "on your screen in about 24 s", `eta_s` from now plus the way to the screen. Returns out. */
enum { CHAT_WHEN_BYTES = 64 };
const char *chat_when(const struct chat_call *c, double eta_s, char out[CHAT_WHEN_BYTES]);
/* "a, b or c", as many as fit. Returns out. */
const char *chat_list(const char *const *names, int count, char *out, size_t size);

/* commands_viewer.c, commands_rules.c */
void run_now(struct chat_call *c);
void run_queue(struct chat_call *c);
void run_where(struct chat_call *c);
void run_cancel(struct chat_call *c);
void run_words(struct chat_call *c);
void run_skip(struct chat_call *c);
void run_hold(struct chat_call *c);
void run_pause(struct chat_call *c);
void run_resume(struct chat_call *c);
void run_clear(struct chat_call *c);
void run_ban(struct chat_call *c);
void run_unban(struct chat_call *c);
void run_quit(struct chat_call *c);

/* commands.c: `line` is what stands behind the "!". */
void chat_command(struct chat_call *c, const char *line);
/* "!help, !now, ...": those that this call's user may use. Returns out. */
const char *chat_command_names(const struct chat_call *c, char *out, size_t size);

#endif
