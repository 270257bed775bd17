/*
 * web - the page: what the show looks like from a browser, and from programs.
 *
 * One server (http.h), one table of what there is (router.c), one page of HTML, style and script that are linked
 * into the program (embedded.S). The room knows nothing of the dream, the chat or the encoder: app/ hands in what
 * it asks (struct web_show) and tells it what happened (web_live_*, web_shown). Whoever speaks here is a viewer;
 * the operator's token makes an operator.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/stats.h"
#include "config/option.h"

/* Section "web". */
struct web_config {
    bool enabled;
    int64_t port;
    char bind[OPTION_STRING_BYTES];
    char hosts[OPTION_STRING_BYTES];
    char token[OPTION_STRING_BYTES];
    int64_t viewers_max;
};
extern const struct option_section web_section;

enum {
    WEB_SUBJECTS_MAX = 8,
    WEB_SEES_MAX = 5,
    WEB_NEXT_MAX = 5,
    WEB_SINKS_MAX = STATS_SINKS,
    WEB_ALARMS_MAX = 10,
    WEB_UNWELL_MAX = WEB_SINKS_MAX + 3,
    WEB_WORDS_MAX = 8,
    WEB_NEAR_MAX = 3,
    WEB_NAME_BYTES = 64,
    WEB_TEXT_BYTES = 256,
    WEB_REPLY_BYTES = 512,
};

/* ---- what the show is asked ---- */

/* A class of things; static texts. */
struct web_subject {
    const char *name, *wnid;
    const char *place; /* "top", "bottom", "top left" ...; NULL: it shares the picture with the others */
    double weight;     /* 0 and 1: the usual; below 0: away from it */
    bool later;        /* it follows those that are not */
};

/* A class that the network sees; static texts. */
struct web_seen {
    const char *name, *wnid;
    double probability;
};

/* Something that is, was or will be dreamed. */
struct web_dream {
    int64_t id;                /* of the wish; 0: the dream's own idea */
    int64_t turn;              /* 1, 2, ... for each that was on; 0: it waits still */
    char text[WEB_TEXT_BYTES]; /* "goldfish + pizza" */
    char by[WEB_NAME_BYTES];   /* "" where it is nobody's */
    int count;
    struct web_subject subjects[WEB_SUBJECTS_MAX];
    double in_s; /* until its turn, where it waits */
};

/* The tug of war between the two things of what is on; static texts. */
struct web_tug {
    const char *upper, *lower; /* NULL: there is none */
    int votes[2];              /* upper, lower; of the last minute */
    double front;              /* where they meet, share of the height from above */
    const char *winner;        /* who has just won; NULL: nobody */
};

struct web_sink {
    const char *name;  /* "record" */
    const char *state; /* "ok", "retrying", "off" */
    char text[WEB_TEXT_BYTES];
    int64_t bytes;
};

struct web_status {
    double uptime_s;
    struct web_dream now; /* as the pixels show it; count 0: nothing yet */
    struct web_tug tug;
    double since_s, changes_in_s;
    double seen;               /* share that the network gives the subjects, 0..1; < 0: not known */
    char also[WEB_NAME_BYTES]; /* what else it sees most; "": nothing */
    int sees_count;            /* what it sees most in all of the picture, surest first */
    struct web_seen sees[WEB_SEES_MAX];
    int next_count, waiting;
    struct web_dream next[WEB_NEXT_MAX];
    int fps, width_px, height_px;
    double newest_s; /* time on the preview's own clock of the picture that is drawn now */
    const char *backend, *hardware;
    double steps_per_s, keyframe_s; /* < 0: not known */
    double left_out; /* share of the frames of the last ten seconds that this machine was too slow for */
    bool paused;
    bool rehearsal; /* nobody is there, and nothing goes out */
    double held_for_s;
    const char *trouble; /* static: why the show is not well; NULL: it is */
    /* For operators only. */
    int sink_count;
    struct web_sink sinks[WEB_SINKS_MAX];
    const char *chat_state; /* "online", "off", ... static */
    char chat_text[WEB_TEXT_BYTES];
    int unwell_count; /* what does not run as it should, now */
    char unwell[WEB_UNWELL_MAX][WEB_TEXT_BYTES];
};

struct web_wish {
    const char *text;   /* as it was typed */
    const char *name;   /* as the viewer calls himself; "" or NULL: no name */
    const char *viewer; /* which page it is: letters and digits; "" or NULL: none */
    bool frame;         /* a picture frame's */
};

/* How it went, by name and by HTTP. */
enum web_result {
    WEB_TAKEN,
    WEB_UNKNOWN,  /* 422 */
    WEB_MISSING,  /* 422: a class that this model has not */
    WEB_TOO_MANY, /* 422: more things than a wish can hold */
    WEB_ALREADY,  /* 409 */
    WEB_FULL,     /* 429 */
    WEB_COOLDOWN, /* 429 */
    WEB_BANNED,   /* 403 */
    WEB_PAUSED,   /* 403 */
    WEB_SAID,     /* 200: an answer, and nothing was wished */
    WEB_RESULTS
};

struct web_answer {
    enum web_result result;
    char reply[WEB_REPLY_BYTES]; /* in the bot's words */
    int64_t id;
    char text[WEB_TEXT_BYTES];
    int place; /* 1: next */
    double on_screen_in_s;
    double wait_s; /* FULL, COOLDOWN: try again after */
    int near_count;
    const char *near[WEB_NEAR_MAX]; /* what could have been meant; static */
    char still[64], loop[64];       /* where on this page pictures of theirs are; "": nowhere */
};

enum web_order {
    WEB_SKIP,
    WEB_RESUME,
    WEB_PAUSE,
    WEB_CLEAR,
    WEB_HOLD,
    WEB_WITHDRAW,
    WEB_BAN,
    WEB_UNBAN,
    WEB_OUTPUT,
    WEB_CLIP
};

struct web_operation {
    enum web_order order;
    double seconds;   /* HOLD */
    int64_t id;       /* WITHDRAW */
    const char *name; /* BAN, UNBAN, OUTPUT */
    bool on;          /* OUTPUT */
};

struct web_word {
    const char *word, *wnid; /* static */
    const char *note;        /* which of several, "tabby" of cat; NULL: none */
};

/* A picture of what is shown. */
enum web_palette { WEB_RGB, WEB_INKY7, WEB_SPECTRA6, WEB_BW, WEB_GRAY4, WEB_GRAY16, WEB_PALETTES };
enum web_dither { WEB_FLOYD, WEB_ORDERED, WEB_PLAIN, WEB_DITHERS };

struct web_picture_want {
    bool png;                /* else JPEG */
    int width_px, height_px; /* 0: as the video is */
    bool contain;            /* all of it with borders; else it covers and is cut */
    enum web_palette palette;
    enum web_dither dither;
};

struct web_picture {
    uint8_t *bytes; /* malloc'ed */
    size_t size;
    int64_t frame; /* which one it shows */
    struct web_dream dream;
    double seen;
};

/* Something that was dreamed, and how it looked. */
struct web_memory {
    struct web_dream dream;
    int64_t ended_s; /* UTC, since 1970 */
    double on_s;     /* how long it was on */
    double seen;     /* as web_status.seen */
    const uint8_t *jpeg;
    size_t jpeg_bytes;
};

/* All functions but the last two must be there, and get `context`. Of the page's thread, but for `picture`, which has one of its
 * own and may take a while. None may wait for the network or the dream. */
struct web_show {
    void (*status)(void *context, struct web_status *s);
    void (*wish)(void *context, const struct web_wish *w, struct web_answer *a);
    /* False: there is no such thing; the reply says so. */
    bool (*operate)(void *context, const struct web_operation *o, char reply[WEB_REPLY_BYTES]);
    /* Names that begin with or hold `text`; "" gives a drawing of what dreams well. Returns how many. */
    int (*words)(void *context, const char *text, struct web_word *out, int max);
    /* The newest picture after frame `after` (-1: any). 0 or -errno; -EAGAIN: none yet. */
    int (*picture)(void *context, const struct web_picture_want *w, int64_t after, struct web_picture *out);
    /* Another dream is shown now; this was the last one. May be NULL. */
    void (*dreamed)(void *context, const struct web_memory *m);
    /* A picture that is kept, by its name: *bytes is the caller's. 0; -EAGAIN: ask again; -ENOENT. May be NULL. */
    int (*gallery)(void *context, const char *name, uint8_t **bytes, size_t *size);
};

struct web_params {
    const struct web_config *config; /* must outlive the page, as must all that follows */
    const struct stats *stats;
    const struct web_show *show;
    void *context;
    const char *version, *model;
    const char *
        folder; /* the state folder, locked by this show: programs of its user come by a door in it (door.h). NULL: none */
    bool no_port; /* nothing but the door, which there must be then */
};

struct web;

/* Would web_open work? 0 with a line in `text`, 1 when the port is taken, or -errno with a line in `e`. */
int web_check(const struct web_config *c, char *text, size_t size, struct error *e);

/* 0 or -errno with one line. -EADDRINUSE is no reason not to go on with the show. *w is NULL then. */
int web_open(struct web **w, const struct web_params *p, struct error *e);
void web_close(struct web **w); /* within a second; NULL is fine */

/* "http://127.0.0.1:8080/"; "" without a port. And the same with the operator's token behind #, to be shown to nobody else; "" when
 * the token was given by the operator himself. */
enum { WEB_ADDRESS_BYTES = 160 };
void web_address(const struct web *w, char out[WEB_ADDRESS_BYTES]);
void web_operator_address(const struct web *w, char out[WEB_ADDRESS_BYTES]);

/* ---- what the show tells; from any thread, never waits ---- */

/* The preview begins (again): header of the MP4, its media type. */
void web_live_begin(struct web *w, const uint8_t *header, size_t bytes, const char *type);
/* Some 100 ms of it. `group`: a viewer may begin here. `end_s`: where it ends on the preview's clock. */
void web_live_fragment(struct web *w, const uint8_t *fragment, size_t bytes, bool group, double end_s);

/* The picture begins to show another dream. */
void web_shown(struct web *w);

/* A dream of an earlier show, for the list of those before; oldest first. */
void web_remember(struct web *w, const struct web_memory *m);

/* Nobody is told any more whose this wish was. */
void web_forget(struct web *w, int64_t wish_id);

/* Something that the operator should know; kept with its time. `level` is "warn" or "error". */
void web_alarm(struct web *w, const char *level, const char *text);

#endif
