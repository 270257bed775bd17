/*
 * page - the page's room, joined to the show: what it asks is answered from queue, chat, dream and stream; what
 * happens there is told to it. Without a port (web.enabled, or the port is taken) it is there for programs of the show's
 * own user alone, as `reverie status`, which come by the door in the state folder; nothing is drawn for anybody then.
 *
 * The page speaks of the pixels: "now" is what the stream says it shows (page_shown), a few seconds behind the
 * queue. All answers are given from copies and leaf locks; nothing that a browser does makes the show wait.
 */
#ifndef APP_PAGE_H
#define APP_PAGE_H

#include "app/output_desk.h"
#include "app/rehearse.h"
#include "app/settings.h"
#include "chatbot/chatbot.h"
#include "chatbot/irc/irc.h"
#include "dreamer/port.h"
#include "engine/model/model.h"
#include "show/record.h"
#include "show/requests.h"
#include "show/rules.h"
#include "show/tug.h"
#include "stream/frame.h"

struct page;
struct watch;
struct gallery;

/* All of it must outlive the page. */
struct page_params {
    struct settings *settings;
    struct requests *requests;
    struct rules *rules;
    struct tug *tug;
    struct record *record;   /* NULL: nothing outlives the show */
    struct gallery *gallery; /* NULL: none */
    struct chatbot *chatbot;
    struct output_desk *outputs;
    struct port *port;
    const struct model *model; /* for the names of its classes */
    const struct synsets_known *known;
    struct stats *stats;
    struct clock *clock;
    int64_t start_us; /* show time 0 on the clock */
    int fps;
    bool first_below;            /* the first of two things is the lower one */
    struct rehearsal *rehearsal; /* hears of warnings, and the page says that it is one; NULL: it is none */
};

/* Opens the page and turns the stream's preview on: before stream_open. When somebody else has the port it says so
 * and is a door alone. 0, also where neither is wanted and *p is NULL; else -errno with a line. */
int page_open(struct page **p, const struct page_params *params, struct error *e);
void page_close(struct page **p); /* the stream has been closed; NULL is fine */

/* Says where to watch: the last line of the start. The operator's address is shown on a terminal alone: in `watch`,
 * or without one on stderr. */
void page_announce(const struct page *p, struct watch *watch);

/* All calls below do nothing without a page. */

/* The stream's thread: a picture. */
void page_picture(struct page *p, const struct frame *f);

/* The chat's thread: how it stands with the channel. */
void page_chat(struct page *p, enum irc_state state, const char *text);

/* The stream's thread: the picture begins to show the dream of this caption. */
void page_shown(struct page *p, int64_t request_id, const char *caption);

/* A request was withdrawn: nobody is told any more whose it was. */
void page_withdrawn(struct page *p, int64_t request_id);

#endif
