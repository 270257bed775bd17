/*
 * bot - what the files of this folder share: the bot itself and one line on its way through it. Inside this
 * folder only.
 */
#ifndef CHATBOT_BOT_H
#define CHATBOT_BOT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "chatbot/chatbot.h"
#include "chatbot/replies.h"
#include "common/rng.h"
#include "common/text.h"
#include "show/rules.h"

enum {
    CHAT_PREFIX_BYTES = 16,
    CHAT_IGNORE_BYTES = 512,
    CHAT_LINK_BYTES = 512,
    CHAT_OFFERS_MAX = 64,
    CHAT_NOTICES_MAX = 8
};

/* What the bot offered to somebody last. */
struct chat_offer {
    uint64_t who; /* hash of the login; 0: none */
    double at_s;
    const char *name; /* what to type; static */
};

/* What the network sees of the request that is on. */
struct chat_sight {
    int64_t request_id;
    double share; /* < 0: not known */
    int also;     /* synset, or -1 */
};

struct chatbot {
    /* immutable after open */
    struct requests *requests;
    struct synsets_known all;      /* what the model has, whatever the rules say */
    struct rules *rules;           /* NULL: no rules */
    struct record *record;         /* NULL: none */
    struct tug *tug;               /* NULL: nobody pulls */
    struct credits *credits;       /* NULL: nobody writes down what was dreamed */
    struct way *way;               /* NULL: lag_ms is all that is known */
    struct stats *stats;           /* NULL: nobody counts */
    char name[REQUEST_USER_BYTES]; /* that it listens to in a channel */
    bool first_below;              /* the first of two things gets the bottom half */
    void (*quit)(void *context);   /* NULL: nobody can end the show by a word */
    void *quit_context;
    void (*steer)(void *context, enum chat_steer how); /* NULL: there is no camera */
    void *steer_context;
    struct chatbot_outputs outputs; /* turn NULL: there are none */
    char prefix[CHAT_PREFIX_BYTES];
    char ignore[CHAT_IGNORE_BYTES]; /* commands of others, with blanks or commas between */
    char words_link[CHAT_LINK_BYTES];
    char reward[REQUEST_ID_BYTES];
    int64_t bits_min;
    enum chat_replies replies;
    bool tell_when_on;

    _Atomic int64_t lag_ms; /* from the dream's turn to the screen */

    pthread_mutex_t lock; /* leaf; guards what follows */
    struct rng rng;
    uint64_t last_reply;        /* hash of it, so that no two in a row are the same */
    struct synsets_known known; /* `all` without what the rules forbid, as of known_version */
    unsigned known_version;
    struct chat_offer offers[CHAT_OFFERS_MAX];
    int offers_at; /* the oldest, overwritten next */
    char notices[CHAT_NOTICES_MAX][CHAT_REPLY_BYTES];
    int notice_count;
    struct chat_sight sight;
    bool has_steered; /* somebody did the camera, at that show time */
    double steered_s;
};

/* One line on its way. */
struct chat_call {
    struct chatbot *bot;
    enum chat_origin origin;
    const struct chat_line *line;
    struct person who;              /* cleaned; login and name never empty */
    char key[REQUEST_USER_BYTES];   /* what the rules remember them by */
    char shown[REQUEST_USER_BYTES]; /* the name for people: checked, or REQUEST_SOMEBODY */
    const char *message_id;         /* never NULL */
    unsigned roles;                 /* enum chat_role */
    bool addressed;                 /* a command, or the bot's name in front: wants an answer */
    bool by_name;                   /* the bot's name is all that makes it ours */
    bool paid;                      /* with channel points or bits, where wishes need that */
    bool answered;                  /* false: silence */
    const char *rest; /* behind the command's name, no blanks at the ends; for a request all of it */
    double now_s;
    struct synsets_known known;
    struct rng rng;               /* of this call alone */
    char when[TEXT_WHEN_BYTES];   /* the time that the reply tells; "": none */
    struct chat_outcome *outcome; /* never NULL */
    char *reply; /* [reply_size]; the user's name is in front of it already where one belongs */
    size_t reply_size;
};

/* chatbot.c */
void chat_say(struct chat_call *c, enum reply reply, const struct reply_words *words);
void chat_print(struct chat_call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void chat_announce(struct chatbot *b, const char *text); /* to the channel, when its turn comes */
bool chat_is_operator(const struct chat_call *c);
bool chat_is_moderator(const struct chat_call *c); /* or more */
/* "on your screen in about 24 s", `eta_s` from now plus the way to the screen. Returns out. */
enum { CHAT_WHEN_BYTES = 64 };
const char *chat_when(struct chat_call *c, double eta_s, char out[CHAT_WHEN_BYTES]);
/* "a, b or c", as many as fit. Returns out. */
const char *chat_list(const char *const *names, int count, char *out, size_t size);
/* The rules have changed: what is known follows, and names that are forbidden now are hidden. */
void chat_follow_rules(struct chatbot *b);

/* address.c */
/* Is the line for us? What remains of it behind our name, or NULL: silence. Fills addressed and by_name; `out`
 * holds a line without mentions. */
const char *chat_address(struct chat_call *c, const char *line, char out[SYNSETS_LINE_BYTES]);
/* Behind the prefix of commands, or NULL. */
const char *chat_behind_prefix(const struct chat_call *c, const char *line);
bool chat_is_ignored(const struct chatbot *b, const char *name, size_t bytes);
/* Said to us and yet no wish: "thanks!", "how are you?" */
bool chat_is_talk(const char *line);
/* A login or name as people type it: "@Ann " is Ann. */
void chat_name_typed(const char *text, char out[REQUEST_USER_BYTES]);
/* Whether a name may be said and shown: letters, digits and what nicks have, and no forbidden word. */
bool chat_name_is_fit(const struct chatbot *b, const char *name);
/* "@ann" for a name that is fit, else REQUEST_SOMEBODY. Returns out. */
enum { CHAT_AT_BYTES = REQUEST_USER_BYTES + 1 };
const char *chat_at(const struct chatbot *b, const char *name, char out[CHAT_AT_BYTES]);

/* wish.c */
void chat_request(struct chat_call *c);
void chat_wish_for(struct chat_call *c, const char *name); /* as if it had been typed behind !dream */
/* "yes": what was offered to this viewer lately, or NULL. */
const char *chat_offered(struct chat_call *c);

/* commands_tug.c: a line that is a vote for one of two things ("2", "pizza") counts, and is no wish. */
bool chat_pulls(struct chat_call *c, const char *line);
void chat_forget_pull(struct chatbot *b, const struct person *who); /* NULL: everybody's */
void run_upper(struct chat_call *c);
void run_lower(struct chat_call *c);
void run_tug(struct chat_call *c);
void run_seen(struct chat_call *c);

/* commands_viewer.c, commands_camera.c, commands_people.c, commands_rules.c, commands_outputs.c */
void run_now(struct chat_call *c);
void run_queue(struct chat_call *c);
void run_where(struct chat_call *c);
void run_mine(struct chat_call *c); /* commands_mine.c */
void run_cancel(struct chat_call *c);
void run_words(struct chat_call *c);
void run_last(struct chat_call *c);
void run_random(struct chat_call *c);
void run_yes(struct chat_call *c);
void run_skip(struct chat_call *c);
void run_slow(struct chat_call *c);
void run_fast(struct chat_call *c);
void run_still(struct chat_call *c);
void run_spin(struct chat_call *c);
void run_dive(struct chat_call *c);
void run_left(struct chat_call *c);
void run_right(struct chat_call *c);
void run_hold(struct chat_call *c);
void run_pause(struct chat_call *c);
void run_resume(struct chat_call *c);
void run_clear(struct chat_call *c);
void run_remove(struct chat_call *c);
void run_ban(struct chat_call *c);
void run_unban(struct chat_call *c);
void run_forbid(struct chat_call *c);
void run_allow(struct chat_call *c);
void run_output(struct chat_call *c);
void run_clip(struct chat_call *c);
void run_quit(struct chat_call *c);

/* commands.c: `line` is what stands behind the prefix. */
void chat_command(struct chat_call *c, const char *line);
/* "!help, !now, ...": those that this call's user may use. Returns out. */
const char *chat_command_names(const struct chat_call *c, char *out, size_t size);

#endif
