/*
 * chatbot - lines from people to requests and replies, whatever the transport: terminal, script, later IRC.
 *
 * chatbot_line is the one parser for all of them. Replies go back through the transport that the line came
 * from.
 */
#ifndef CHATBOT_CHATBOT_H
#define CHATBOT_CHATBOT_H

#include <stddef.h>

#include "chatbot/requests.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/thread.h"

enum { CHAT_REPLY_BYTES = 501 }; /* 500 characters is what Twitch takes */

enum chat_origin { CHAT_TERMINAL, CHAT_SCRIPT, CHAT_IRC };

struct chatbot;

/* `requests` and `known` must outlive it. `lag_s`: seconds from the dream's turn to pixels on screen, for
 * ETAs. */
int chatbot_open(struct chatbot **b, struct requests *requests, const struct synsets_known *known,
                 uint64_t seed, double lag_s);
void chatbot_close(struct chatbot **b);

/* One line by one user at show time now_s: a request or a !command. Writes the reply ("" for none).
 * Thread-safe. */
void chatbot_line(struct chatbot *b, enum chat_origin origin, const char *user, const char *text,
                  size_t bytes, double now_s, char reply[CHAT_REPLY_BYTES]);

/* The terminal as a chat: reads lines from fd on a thread of its own until EOF or stop; overlong lines are
 * cut with a word to the user. Replies go to stderr through the log. */
struct console;
int console_open(struct console **c, struct chatbot *b, int fd, struct clock *clock, int64_t start_us,
                 struct error *e);
void console_close(struct console **c); /* wakes and joins; never waits for input */

/* A script of lines "SECONDS USER TEXT" (blank lines and # comments allowed), times must not run backwards.
 */
struct script;
int script_open(struct script **s, const char *path, struct error *e); /* faults name file and line */
void script_close(struct script **s);
/* Feeds every line whose time has come; call it from the dream side with its show time. */
void script_feed(struct script *s, struct chatbot *b, double now_s);

#endif
