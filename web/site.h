/*
 * site - what the files of this room share: the page as a whole, and one request on its way through it. Inside
 * this folder only. All of it is touched by the server's thread alone, but for what says otherwise.
 */
#ifndef WEB_SITE_H
#define WEB_SITE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/json.h"
#include "web/guard.h"
#include "web/history.h"
#include "web/http.h"
#include "web/limits.h"
#include "web/live.h"
#include "web/pictures.h"
#include "web/target.h"
#include "web/web.h"

enum {
    SITE_ROUTES_MAX = 40,
    SITE_EVENTS_MAX = 64,
    SITE_MJPG_MAX = 8,
    SITE_DURATIONS = 6,
    SITE_BOXES = 8,
    SITE_BOX_BYTES = 20
};

/* What the operator should know, the last ones. */
struct alarm {
    int64_t number; /* 1, 2, ... */
    double at_s;    /* since the start */
    char level[8], text[WEB_TEXT_BYTES];
};

/* The state as JSON text, made once for all who read it. */
struct board {
    char *for_viewers, *for_operators; /* owned */
    int64_t number;                    /* counts the makings */
    int64_t made_us;
    _Atomic bool dirty; /* make it anew at the next tick; from any thread */
};

/* Counted for the metrics: [route][status / 100]. */
struct counts {
    int64_t requests[SITE_ROUTES_MAX][6];
    int64_t slow[SITE_DURATIONS + 1]; /* answered within each bound, and above all of them */
    double seconds;
};

/* A picture frame: what it asked for last, and when that counts as ready. */
struct frame_box {
    char name[SITE_BOX_BYTES];
    char text[WEB_TEXT_BYTES];
    int64_t used_us;
    int64_t id;          /* of its wish; 0: none */
    double seen, on_s;   /* ready when it is seen so surely, or has been on for so long */
    int64_t on_since_us; /* 0: not yet */
    bool ready;
    int64_t every_us, next_us; /* asks by itself; 0: never */
};
enum frame_state { FRAME_UNKNOWN, FRAME_WAITS, FRAME_READY, FRAME_OVER };

struct web {
    struct web_params p;
    struct guard guard;
    char csrf[GUARD_TOKEN_BYTES], token[GUARD_TOKEN_BYTES]; /* token: made here; "" when it was given */
    int64_t began_us;
    struct http *http;
    struct live *live;
    struct history *history;
    struct pictures *pictures;
    struct limits limits;
    struct board board;
    struct counts counts;
    struct frame_box boxes[SITE_BOXES];
    int event_readers, mjpg_readers;
    int wrong_tokens; /* in a row */

    struct web_status status;    /* of the last tick */
    struct history_entry ending; /* what is on now, as the history will have it */
    const struct picture *ending_picture;
    int64_t ending_since_us;

    pthread_mutex_t lock;                /* leaf; guards the alarms */
    struct alarm alarms[WEB_ALARMS_MAX]; /* number n stands at n % WEB_ALARMS_MAX */
    int64_t alarm_count;
};

/* One request, looked at. */
struct call {
    struct web *web;
    struct http_request *request;
    struct http_answer *answer;
    struct target target;
    bool is_operator;  /* sent the operator's token */
    struct json *body; /* of a POST: an object */
};

/* router.c */
bool site_handle(void *context, struct http_request *r, struct http_answer *a); /* http_params.handler */
void site_error(struct call *c, int status, const char *error, const char *text);
/* Takes `value`, which becomes the answer's body. */
void site_json(struct call *c, int status, struct json *value);
/* The texts of `value` cannot end a script or a line: <, >, &, U+2028 and U+2029 are escaped. Caller frees; takes value. */
char *site_json_text(struct json *value);
const char *site_route_name(int i); /* NULL: no such route */

/* status.c */
void site_changed(struct web *w); /* the state is told anew at once; from any thread */
void site_tick(void *context);    /* http_params.tick */
struct json *site_dream_json(const struct web_dream *d);

/* frames.c */
void site_tick_frames(struct web *w, int64_t now_us);
enum frame_state site_frame_state(const struct web *w, int64_t id);

/* Each answers one route. False: ask again. */
typedef bool site_page(struct call *c);
site_page site_get_status, site_get_events;                           /* status.c, events.c */
site_page site_get_words, site_get_history, site_get_history_picture; /* api.c */
site_page site_post_request;
site_page site_post_skip, site_post_resume, site_post_pause, site_post_clear, site_post_hold,
    site_post_withdraw, site_post_ban, site_post_unban, site_post_output, site_post_clip; /* operator.c */
site_page site_get_live, site_get_mjpg, site_get_frame;                                   /* media.c */
site_page site_get_gallery;                                                               /* gallery.c */
site_page site_post_frame, site_post_frame_auto;                                          /* frames.c */
site_page site_get_metrics, site_get_health;                                              /* metrics.c */
site_page site_get_asset;                                                                 /* assets.c */

#endif
