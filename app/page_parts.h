/*
 * page_parts - what the files of the page's joint share. Inside app/page*.c only.
 */
#ifndef APP_PAGE_PARTS_H
#define APP_PAGE_PARTS_H

#include "app/page.h"
#include "show/state_folder.h"
#include "stream/snapshot.h"
#include "web/web.h"

enum { PAGE_TURNS = 16 };

/* What the queue turned to lately: one of them is what the pixels show. */
struct page_turn {
    struct request request;
    char caption[KEYFRAME_CAPTION_BYTES]; /* as it went with the pictures */
};

/* A counter's speed, measured over two seconds. */
struct page_rate {
    int64_t value, at_us;
    double per_s; /* < 0: not known yet */
};

struct page {
    struct page_params p; /* immutable after open, as is the next */
    struct snapshot *snapshot;
    struct web *web;
    char folder[STATE_PATH_BYTES]; /* where programs come in; "": nowhere */
    bool is_watched;               /* it has a port */
    _Atomic int64_t zero_frame;    /* of the show, at time 0 of the preview */

    /* the page's thread only */
    struct page_turn turns[PAGE_TURNS]; /* turn n stands at n % PAGE_TURNS */
    struct page_rate steps, keyframes, left_out;
    int64_t frames, frames_us; /* and when they grew last */
    int64_t shown_turn;
    double shown_since_s;

    pthread_mutex_t lock; /* leaf; guards all below */
    int64_t shown_id;     /* what the stream shows */
    char shown_caption[KEYFRAME_CAPTION_BYTES];
    int64_t withdrawn[PAGE_TURNS]; /* the last ids */
    int withdrawn_count;
    struct web_dream shown; /* the same as shown_caption, looked up; for pictures */
    double seen;
    const char *chat_state; /* static */
    char chat_text[WEB_TEXT_BYTES];
};

/* page_state.c */
void page_status(void *context, struct web_status *s); /* web_show.status */
double page_now_s(const struct page *p);
void page_describe(const struct page *p, const struct request *q, struct web_dream *d);

/* page_past.c: what was dreamed before, into the record and out of it */
void page_recall(struct page *p);                             /* that of earlier shows; at the start */
void page_dreamed(void *context, const struct web_memory *m); /* web_show.dreamed */
void page_forget(struct page *p); /* whose wishes moderators took back; the page's thread */

int page_gallery(void *context, const char *name, uint8_t **bytes, size_t *size); /* web_show.gallery */

/* page_ask.c: web_show.wish, .operate, .words */
void page_wish(void *context, const struct web_wish *w, struct web_answer *a);
bool page_operate(void *context, const struct web_operation *o, char reply[WEB_REPLY_BYTES]);
int page_words(void *context, const char *text, struct web_word *out, int max);

#endif
