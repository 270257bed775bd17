/*
 * watch - the show in the terminal that it was started from: joins terminal/ to the chat, the stream and the figures.
 */
#ifndef APP_WATCH_H
#define APP_WATCH_H

#include "chatbot/chatbot.h"
#include "common/clock.h"
#include "common/stats.h"
#include "dreamer/port.h"
#include "stream/frame.h"

enum watch_mode { WATCH_AUTO, WATCH_YES, WATCH_NO };

struct watch_params {
    struct chatbot *chatbot; /* all of these must outlive it */
    struct requests *requests;
    struct port *port;
    const struct stats *stats;
    struct clock *clock;
    int64_t start_us;        /* show time is the clock's since then */
    int width_px, height_px; /* of the frames */
};

struct watch;

/* Is there to be a picture in the terminal? WATCH_YES asks for a terminal only, not for its abilities. */
bool watch_is_wanted(enum watch_mode mode);

/* Takes the terminal and the log. 0 or -errno with a line; *w is NULL then. */
int watch_open(struct watch **w, const struct watch_params *p, struct error *e);
void watch_close(struct watch **w); /* gives both back; NULL is fine */

/* A line for whoever sits there, past the log; any thread. */
void watch_say(struct watch *w, const char *text);

/* A frame of the stream, on its thread; NULL is fine, and nothing is shown. */
void watch_picture(struct watch *w, const struct frame *f);

/* For a signal handler just before _exit; NULL is fine. */
void watch_restore(struct watch *w);

#endif
