/*
 * run_parts - the show that `reverie run` opens, as the files share it that join its parts:
 *
 *     cmd_run.c     the order of opening and closing, and the wait for the end
 *     run_chat.c    what people say, on its way to the queue; and how what was theirs is forgotten
 *     run_screen.c  what comes to the screen, and who is told of it
 *
 * All that is opened here is closed by cmd_run.c, whatever could not be opened before it.
 */
#ifndef APP_RUN_PARTS_H
#define APP_RUN_PARTS_H

#include "app/dreaming.h"
#include "app/gallery.h"
#include "app/link.h"
#include "app/notify.h"
#include "app/output_desk.h"
#include "app/page.h"
#include "app/programme.h"
#include "app/rehearse.h"
#include "app/run_options.h"
#include "app/settings.h"
#include "app/taping.h"
#include "app/watch.h"
#include "show/credits.h"
#include "show/record.h"
#include "show/rules.h"

struct run {
    struct run_options options;
    struct settings settings;
    struct stats stats;
    struct clock clock;
    struct stop stop;
    struct notify notify;
    int64_t start_us;
    struct synsets_known known;
    bool begins_anew; /* a seed was asked for */
    struct dreaming *dreaming;
    struct rules *rules;
    struct requests *requests;
    struct record *record;
    struct credits *credits;
    struct tug *tug;
    struct way *way;
    struct chatbot *chatbot;
    struct script *script;
    struct console *console;
    struct watch *watch;
    struct link *link;
    struct page *page;
    struct gallery *gallery;
    struct fbdev *fbdev;
    struct stream *stream;
    struct output_desk outputs;
    struct port *port;
    struct taping *taping;
    struct programme programme;
    struct rehearsal *rehearsal; /* NULL: it is the show itself */
};

/* Seconds since the show began. */
double run_now_s(struct run *r);

/* Chat and queue: everything that a request passes on its way to the dream. 0 or an error in `e`. */
int run_open_chat(struct run *r, struct error *e);

/* In this order, the stream last: it feeds the others. 0 or an error in `e`; an offline render has only the stream. */
void run_open_fbdev(struct run *r);
int run_open_gallery(struct run *r, struct error *e);
int run_open_page(struct run *r, struct error *e);
int run_open_taping(struct run *r, struct error *e);
int run_open_stream(struct run *r, struct error *e);

#endif
