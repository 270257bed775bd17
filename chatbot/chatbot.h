/*
 * chatbot - lines from people to requests and replies, whatever the transport: terminal, script, IRC.
 *
 * chatbot_line is the one parser for all of them. Replies go back through the transport that the
 * line came from.
 */
#ifndef CHATBOT_CHATBOT_H
#define CHATBOT_CHATBOT_H

#include <stddef.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/thread.h"
#include "show/requests.h"

enum { CHAT_REPLY_BYTES = 501 }; /* 500 bytes are never more than the 500 characters that Twitch takes */

/*
 * Where a line comes from decides what it may do. Terminal: whoever sits there is the operator; every line is
 * a request that takes the screen at once. Script: every line is a viewer's request. IRC: people also talk to
 * one another there, so a line is for us only as a command ("!dream goldfish", "!goldfish"), behind our name
 * ("reverie: goldfish"), or when the whole of it is plainly a name of things (synsets_is_plain); all else is
 * met with silence, also commands that may be some other bot's. Page: a viewer's line, as every line there is for
 * us; the reply goes to that viewer alone, so it does not begin with his name. Frame: the same,
 * by a picture frame on a wall.
 */
enum chat_origin { CHAT_TERMINAL, CHAT_SCRIPT, CHAT_IRC, CHAT_PAGE, CHAT_FRAME };

/* The bits of enum irc_role. */
enum chat_role { CHAT_BROADCASTER = 1, CHAT_MODERATOR = 2, CHAT_VIP = 4, CHAT_SUBSCRIBER = 8 };

/* Texts may hold any bytes. */
struct chat_line {
    enum chat_origin origin;
    const char *user;         /* the login: who it is */
    const char *display_name; /* as the name is written for people; NULL: as user */
    const char *message_id;   /* what chatbot_delete may name later; NULL: none */
    unsigned roles;           /* enum chat_role, or-ed */
    const char *user_id;      /* stays when the name changes; NULL: the chat has none */
    const char *reply_to;     /* login of whoever's line this replies to; NULL: nobody's */
    const char *reward;       /* id of the reward that it came with; NULL: none */
    int64_t bits;             /* cheered with it */
    bool times_later;         /* leave CHAT_WHEN in the reply for the time, which is outcome's on_screen_s */
    const char *text;         /* more than SYNSETS_LINE_BYTES are cut */
    size_t bytes;
};

#define CHAT_WHEN "\x1a"

/* What is answered in a channel. */
enum chat_replies {
    CHAT_REPLIES_ALL,
    CHAT_REPLIES_ADDRESSED,  /* commands and lines with the bot's name; bare wishes are only granted */
    CHAT_REPLIES_MODERATORS, /* moderators and the broadcaster */
    CHAT_REPLIES_NONE
};

/* How it behaves in a channel. Texts are copied. */
struct chatbot_manners {
    const char *prefix;     /* of commands; "": "!" */
    const char *ignore;     /* commands of other bots, with blanks or commas between */
    const char *words_link; /* where all words are listed; "": nowhere */
    const char *reward;     /* id of the reward that a wish costs; "": none */
    int64_t bits_min;       /* or so many bits; 0: none. Moderators need neither. */
    enum chat_replies replies;
    bool tell_when_on; /* tells viewers when theirs is on the screen */
};

struct chatbot;
struct rules;
struct record;
struct tug;
struct way;
struct credits;

/* `requests` must outlive it; `known` is copied. `lag_s`: seconds from the dream's turn to pixels on screen,
 * for what viewers are told. Returns 0. */
int chatbot_open(struct chatbot **b, struct requests *requests, const struct synsets_known *known,
                 uint64_t seed, double lag_s);
void chatbot_close(struct chatbot **b); /* NULL is fine */

/* The same as lag_s from now on. From any thread. */
void chatbot_set_lag(struct chatbot *b, double lag_s);

/* What viewers may do to the camera; `steer` is told on the caller's thread, outside of every lock. Before the threads
 * start. */
enum chat_steer {
    CHAT_STEER_NONE,
    CHAT_STEER_SLOW,
    CHAT_STEER_FAST,
    CHAT_STEER_STILL,
    CHAT_STEER_SPIN,
    CHAT_STEER_DIVE,
    CHAT_STEER_LEFT,
    CHAT_STEER_RIGHT
};
void chatbot_on_steer(struct chatbot *b, void (*steer)(void *context, enum chat_steer how), void *context);

/* How surely the network sees what is on (0..1), and the class that it sees most besides (-1: none), for replies.
 * From any thread. */
void chatbot_set_sight(struct chatbot *b, int64_t request_id, double share, int also_synset);

/* Before the threads start. The rules (show/rules.h), which must outlive it: without them nobody is banned
 * and only the roles of a line make moderators. The name that it listens to, besides "reverie": its nick. */
void chatbot_set_rules(struct chatbot *b, struct rules *rules);
void chatbot_set_record(struct chatbot *b,
                        struct record *record); /* show/record.h: what is asked is recorded */
/* show/tug.h, which must outlive it: viewers pull at what is on. */
void chatbot_set_tug(struct chatbot *b, struct tug *tug);
/* show/way.h, which must outlive it: promises are made with it, and viewers measure it. */
void chatbot_set_way(struct chatbot *b, struct way *way);
/* show/credits.h, which must outlive it: viewers are told what was dreamed of theirs. */
void chatbot_set_credits(struct chatbot *b, struct credits *credits);
/* Somebody has won the tug of war: told to the channel. From any thread. */
void chatbot_won(struct chatbot *b, int winner_synset, int votes, int votes_against);
/* Counts what becomes of every line, by where it came from; NULL: nobody counts. Must outlive the bot. */
void chatbot_set_stats(struct chatbot *b, struct stats *stats);

/* The first of two things gets the bottom half (dream.first): what people are told about halves. */
void chatbot_set_first_below(struct chatbot *b, bool below);
void chatbot_set_name(struct chatbot *b, const char *name);
void chatbot_set_manners(struct chatbot *b, const struct chatbot_manners *m);
/* Where the show goes, for !output and !clip. All from any thread; none may wait. */
struct chatbot_outputs {
    /* 0; -ENOENT: there is none of that name; -EALREADY: it is so; else it cannot be done. *name becomes the name as
     * the settings have it. */
    int (*turn)(void *context, const char **name, bool on);
    /* Number `i`: its name, or NULL behind the last. */
    const char *(*get)(void *context, int i, bool *on);
    /* 0; -ENOENT: nobody keeps the last minute; -EBUSY: one was kept just now; else it cannot be done. */
    int (*clip)(void *context);
    void *context;
};
/* Before the threads start; copied. */
void chatbot_set_outputs(struct chatbot *b, const struct chatbot_outputs *o);

/* The operator at the terminal wants the end ("quit"). Called on the thread of that line. */
void chatbot_on_quit(struct chatbot *b, void (*quit)(void *context), void *context);

/*
 * One line at show time now_s: a request or a !command. Writes the reply: one line of valid UTF-8 that begins
 * with the user's name unless it goes to the terminal. "" only when there was nothing to answer: a blank
 * line, talk on IRC, or somebody who is banned. The same calls give the same replies. Thread-safe.
 */
void chatbot_line(struct chatbot *b, const struct chat_line *line, double now_s,
                  char reply[CHAT_REPLY_BYTES]);

enum { CHAT_BRIEF_BYTES = 128 };

/* What became of a line, for programs. */
enum chat_result {
    CHAT_SAID, /* no wish: an order, talk, nothing */
    CHAT_TAKEN,
    CHAT_UNKNOWN, /* no such thing; `near` may help */
    CHAT_LACKING, /* the model has it not; `near` are the nearest that it has */
    CHAT_TOO_MANY,
    CHAT_ALREADY, /* that is on, or this viewer waits for it: `request` */
    CHAT_FULL,
    CHAT_COOLDOWN,
    CHAT_FORBIDDEN,
    CHAT_PAUSED,
    CHAT_UNPAID, /* wishes cost points or bits here */
    CHAT_BANNED  /* nobody listens to this user */
};
struct chat_outcome {
    enum chat_result result;
    struct request request; /* TAKEN, ALREADY */
    double on_screen_s;     /* the same: seconds from now */
    double wait_s;          /* COOLDOWN: seconds until the next */
    int near_count;
    const char *near[SYNSETS_SUGGESTIONS_MAX]; /* what to type; static */
    char brief[CHAT_BRIEF_BYTES];              /* "@ann goldfish": the reply for those who are late */
    bool urgent;                               /* a moderator waits for this answer */
    char run[16];                              /* !mine: what the gallery keeps of theirs (show/credits.h), */
    int64_t kept_id;                           /* 0: nothing, */
    bool has_loop;                             /* and whether it moves */
};

/* chatbot_line, and what became of it. */
void chatbot_ask(struct chatbot *b, const struct chat_line *line, double now_s, char reply[CHAT_REPLY_BYTES],
                 struct chat_outcome *outcome);

/* Reads show.banned_file again; on a fault all stays as it was. 0, or -errno with a line. Thread-safe. */
int chatbot_reload(struct chatbot *b, struct error *e);

/* A request is on the screen: whoever wished for it is to be told, when the manners say so. Whoever speaks in the
 * channel fetches such lines; false: there is none. Thread-safe. */
void chatbot_shown(struct chatbot *b, int64_t request_id);
bool chatbot_notice(struct chatbot *b, char text[CHAT_REPLY_BYTES]);

/* A moderator removed a user's lines, or everybody's (NULL); one line. Their requests go, see
 * requests_withdraw. Thread-safe. */
void chatbot_clear_user(struct chatbot *b, const char *user);
void chatbot_delete(struct chatbot *b, const char *message_id);

/*
 * The terminal as a chat: reads lines from fd on a thread of its own until EOF or stop. A line of
 * SYNSETS_LINE_BYTES or more is passed over with one word to the user. Replies go to stderr through the log.
 * Show time is the clock's time since start_us. `fd` stays the caller's and may be closed after
 * console_close; b and clock must outlive it. 0 or -errno with a line.
 */
struct console;
int console_open(struct console **c, struct chatbot *b, int fd, struct clock *clock, int64_t start_us,
                 struct error *e);
void console_close(struct console **c); /* wakes and joins; never waits for input; NULL is fine */

/*
 * A script: lines "SECONDS USER TEXT", fed as viewers' lines at that show time; blank lines and lines that
 * begin with # are passed over. SECONDS is a plain decimal number; times must not run backwards. At most
 * SCRIPT_LINES_MAX lines.
 */
enum { SCRIPT_LINES_MAX = 100000 };
struct script;
int script_open(struct script **s, const char *path, struct error *e); /* faults name file and line */
void script_close(struct script **s);
/* Feeds every line whose time has come, at the time that the script says, and logs line and reply; call it
 * from the dream side with its show time, before requests_turn. */
void script_feed(struct script *s, struct chatbot *b, double now_s);

#endif
