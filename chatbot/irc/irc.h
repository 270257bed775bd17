/*
 * irc - the channel on an IRC server: hears its lines, says the replies, and stays up for months.
 *
 * One thread of its own connects (TLS by default), logs in, joins, and begins again whenever something
 * breaks; what happens there is told through callbacks, and nothing else in the program waits for it. Works
 * with Twitch and with any IRC server. Without a nick it listens to Twitch anonymously and says nothing.
 * Between network and IRC library stands a bridge (bridge.h), because the library must never meet a network.
 *
 * The token comes from the environment or a file, is read again before every login, is never sent over an
 * unencrypted connection that leaves this machine, and is never logged.
 */
#ifndef CHATBOT_IRC_IRC_H
#define CHATBOT_IRC_IRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "config/option.h"

enum { IRC_REPLY_BYTES = 501 }; /* 500 bytes are never more than the 500 characters that Twitch takes */
enum { IRC_BRIEF_BYTES = 128 };
enum { IRC_USER_BYTES = 64, IRC_NAME_BYTES = 128, IRC_ID_BYTES = 64, IRC_TEXT_BYTES = 2049 };

/* Section "chat". */
struct irc_config {
    bool enabled;                      /* false */
    char server[OPTION_STRING_BYTES];  /* irc.chat.twitch.tv */
    int64_t port;                      /* 6697 */
    bool tls;                          /* true */
    char channel[OPTION_STRING_BYTES]; /* "#" in front is optional */
    char nick[OPTION_STRING_BYTES];    /* "": anonymous and read-only */
    char token[OPTION_STRING_BYTES];   /* secret; PASS of the login */
    char ca_file[OPTION_STRING_BYTES]; /* "": what the system trusts */
    /* How the bot behaves; chatbot.h tells what each does. */
    char prefix[OPTION_STRING_BYTES], ignore[OPTION_STRING_BYTES];
    int replies; /* enum chat_replies */
    bool tell_when_on;
    char words_link[OPTION_STRING_BYTES], reward[OPTION_STRING_BYTES];
    int64_t bits_min;
    bool anonymous_fallback; /* true: Twitch refuses the token: listen anonymously meanwhile */
};
extern const struct option_section irc_section;

enum irc_role { IRC_BROADCASTER = 1, IRC_MODERATOR = 2, IRC_VIP = 4, IRC_SUBSCRIBER = 8 };

/* All texts are clean UTF-8 (text_clean); "" where the server said nothing. */
struct irc_message {
    char user[IRC_USER_BYTES];         /* login or nick */
    char display_name[IRC_NAME_BYTES]; /* the nick when there is none */
    char user_id[IRC_ID_BYTES];        /* stable identity; "" outside Twitch */
    char message_id[IRC_ID_BYTES];     /* what on_delete may name later */
    unsigned roles;                    /* enum irc_role, or-ed */
    bool is_action;                    /* /me */
    char reply_to[IRC_USER_BYTES];     /* whose line it replies to: the login */
    char reward[IRC_ID_BYTES];         /* id of the reward that channel points were spent on */
    int64_t bits;                      /* cheered with it */
    size_t text_bytes;
    char text[IRC_TEXT_BYTES];
    size_t said_bytes;
    char said[IRC_TEXT_BYTES]; /* text without emotes, cheers, and the name in front of a reply */
};

/*
 * What we say. A reply begins with "@name ", which is left out where the server shows in its own way whose line
 * is answered. IRC_WHEN in the text is a time, written only when the line goes out ("in about 24 s").
 */
#define IRC_WHEN "\x1a"
struct irc_reply {
    bool urgent; /* goes before all others, and alone */
    char text[IRC_REPLY_BYTES];
    int64_t when_us;             /* what IRC_WHEN stands for, by clock_real_us; 0: nothing */
    char brief[IRC_BRIEF_BYTES]; /* the same in three words, for when it is late; "": it is never too late */
};

enum irc_state {
    IRC_CONNECTING,
    IRC_JOINING, /* logged in */
    IRC_ONLINE,  /* in the channel */
    IRC_WAITING, /* until the next attempt */
    IRC_ALARM,   /* waiting too, but a person has to do something: the text says what */
};

/* Called on the chat thread, one at a time; must not call irc_close. Each may be NULL. */
struct irc_events {
    void *context;
    /* A line in the channel. `reply` is zeroed; when its text is not "" it is queued. */
    void (*on_line)(void *context, const struct irc_message *m, struct irc_reply *reply);
    /* Asked every half second or more often while we may speak: something for the channel that answers nobody.
     * As on_line's. */
    void (*on_turn)(void *context, struct irc_reply *reply);
    /* A moderator removed a user's lines (time-out, ban), or everybody's (NULL). */
    void (*on_clear_user)(void *context, const char *user);
    /* A moderator removed one line. */
    void (*on_delete)(void *context, const char *message_id, const char *user);
    void (*on_state)(void *context, enum irc_state state, const char *text);
};

/* What happened so far; only grows. */
struct irc_counters {
    int64_t attempts, logins;      /* connections begun, logins that the server accepted */
    int64_t lines, messages;       /* from the server; of these, handed to on_line */
    int64_t foreign;               /* shared chat: lines mirrored from other channels, left out */
    int64_t malformed, too_long;   /* lines without a proper command; over 16 KiB */
    int64_t lost;                  /* lines that the library did not see */
    int64_t sent, merged, dropped; /* replies: as lines, joined to another one, lost to a full queue */
};

struct irc;
struct irc_tuning; /* tuning.h: times and transports, for tests */

/* Can these settings work? 0, or -EINVAL with a line that says what to write instead. */
int irc_valid(const struct irc_config *config, struct error *e);

/* Logs in and joins, as a show would, and leaves again: name, TCP, TLS, token and channel are tried in earnest. 0: in
 * the channel, 1: in the channel but with a fault that a person should know; -errno with a line in `e`. `text` is
 * what was found. Waits at most timeout_s. */
int irc_try(const struct irc_config *config, double timeout_s, char *text, size_t size, struct error *e);

/* Starts the thread and returns at once; being unable to connect is no failure of this call. `tuning` NULL:
 * the defaults. 0; -EINVAL with a line when the settings cannot work (no channel, a nick with blanks).
 * `events` is copied. */
int irc_open(struct irc **irc, const struct irc_config *config, const struct irc_events *events,
             const struct irc_tuning *tuning, struct error *e);

/* Ends within 2 s in every state. NULL is fine. No callback runs after it. */
void irc_close(struct irc **irc);

void irc_counters(struct irc *irc, struct irc_counters *out);

#endif
