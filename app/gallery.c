/*
 * gallery - see gallery.h: the thread, and what others ask of it.
 */
#include "app/gallery.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/gallery_parts.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "common/thread.h"
#include "stream/recordings.h"
#include "stream/snapshot.h"
#include "stream/still.h"

enum {
    TICK_US = 1000000 / LOOP_FPS,
    FRAME_US = 60000,      /* that a frame is waited for */
    PICTURES_PER_TICK = 4, /* of a loop that is encoded: a film of ten seconds takes two and a half */
    CLOSE_US = 2000000,
    ASIDE_US = 10000000, /* for a sheet while the show runs */
    SLOTS = 6,
    STALE_MAX = CREDITS_MAX, /* one for each entry at most: none is passed over */
    MIN_FREE_MB = 100,
};

/* A file that somebody asked for. */
struct slot {
    char name[GALLERY_NAME_BYTES]; /* "": free */
    bool is_read;
    uint8_t *bytes; /* NULL: there is none */
    size_t size;
    int64_t used; /* by a counter */
};

struct gallery {
    struct gallery_params p; /* immutable after open */
    struct snapshot *snapshot;
    struct thread thread;
    struct stop stop;
    _Atomic int64_t frames;   /* that were offered */
    _Atomic int64_t shown_id; /* whose dream the pixels show */

    pthread_mutex_t lock; /* leaf; guards the next four */
    struct slot slots[SLOTS];
    int64_t uses;
    char stale[STALE_MAX][CREDITS_RUN_BYTES]; /* shows whose credits name somebody who was removed */
    bool has_forgotten;

    /* the gallery's thread only; close: after it */
    int64_t seen_frame;
    struct take take;
    struct film film;
    int64_t still_bytes; /* of the film's wish */
    bool failing;
};

static const char *const loop_names[] = {"none", "mp4", "webp", NULL};
static const char *const loop_endings[] = {"", "mp4", "webp"};
#define S struct gallery_config
static const struct option rows[] = {
    OPTION_BOOL(
        S, enabled, "false",
        "Keep the best still of each wish and a loop of ten seconds, and at the end of the show a contact "
        "sheet and a list of who dreamed what. No name is in a still or a loop; whom a moderator removes is "
        "gone from all of it. It costs about two percent of a core."),
    OPTION_STRING(S, dir, "gallery", 0, "Folder for them, of the gallery alone; made when it is missing."),
    OPTION_CHOICE(S, loop, "mp4", loop_names,
                  "What loops are. webp plays wherever pictures do and is several times as large."),
    OPTION_INT(S, keep_days, "30", 0, 36500, "days", "Older ones are removed. 0: none is for its age."),
    OPTION_INT(S, keep_count, "200", 1, CREDITS_MAX, NULL,
               "How many wishes have pictures; the oldest go first."),
    OPTION_INT(S, keep_mb, "300", 1, 1000000, "MB", "And how large all of them may be together."),
};
#undef S
const struct option_section gallery_section =
    OPTION_SECTION("gallery", struct gallery_config, rows,
                   "What is left of each wish: stills, loops, credits. Live shows only.");

/* ---- the thread ---- */

static void trouble(struct gallery *g, const struct error *e)
{
    if (!g->failing)
        log_warn("gallery", "%s; pictures of wishes are not kept until that is better", e->text);
    g->failing = true;
}

static void tidy(struct gallery *g)
{
    const struct gallery_config *c = g->p.config;
    const struct credits_limits limits = {c->keep_days, c->keep_count, c->keep_mb * 1000000};
    struct error e = {""};
    credits_trim(g->p.credits, &limits, (int64_t)time(NULL));
    gallery_tidy(c->dir, g->p.credits);
    if (gallery_save(c->dir, g->p.credits, &e) < 0)
        trouble(g, &e);
}

/* Into the folder, when the wish is in the book still. Returns the bytes; 0: it is not there. */
static int64_t write_file(struct gallery *g, int64_t id, const char *ending, const uint8_t *data,
                          size_t bytes)
{
    char path[GALLERY_PATH_BYTES];
    struct error e = {""};
    struct credit c;
    if (!credits_find(g->p.credits, credits_run(g->p.credits), id, &c) || bytes > GALLERY_FILE_MAX)
        return 0;
    gallery_path(g->p.config->dir, credits_run(g->p.credits), id, ending, path);
    int rc = recordings_free_mb(g->p.config->dir) < MIN_FREE_MB
                 ? error_set(&e, ENOSPC, "less than %d MB are free in %s", MIN_FREE_MB, g->p.config->dir)
                 : file_write_whole(path, data, bytes, 0666, &e);
    if (rc < 0) {
        trouble(g, &e);
        return 0;
    }
    g->failing = false;
    return (int64_t)bytes;
}

/* The film is whole, or nothing came of it. */
static void end_film(struct gallery *g, const uint8_t *data, size_t bytes)
{
    int64_t id = g->film.id;
    int64_t loop_bytes = data ? write_file(g, id, loop_endings[g->p.config->loop], data, bytes) : 0;
    film_close(&g->film);
    credits_keep(g->p.credits, id, g->still_bytes, loop_bytes);
    tidy(g); /* what was removed meanwhile goes, too */
}

/* Some pictures more; with `until_us` as many as there are, or none is kept. */
static void go_on_with_film(struct gallery *g, int64_t until_us)
{
    uint8_t *data = NULL;
    size_t bytes = 0;
    struct error e = {""};
    int rc = g->film.id ? 1 : 0;
    while (rc == 1) {
        rc = film_step(&g->film, PICTURES_PER_TICK, &data, &bytes, &e);
        if (rc == 1 && until_us == 0)
            return;
        if (rc == 1 && clock_real_us() > until_us)
            rc = error_set(&e, ETIMEDOUT, "the show ended before the last loop was made");
    }
    if (rc < 0)
        log_debug("gallery", "%s", e.text);
    if (g->film.id)
        end_film(g, rc < 0 ? NULL : data, bytes);
    free(data);
}

/* The dream that was on is over: its still now, its loop bit by bit. */
static void end_take(struct gallery *g)
{
    struct take *t = &g->take;
    const struct still_params style = {.png = false};
    struct error e = {""};
    uint8_t *jpeg = NULL;
    size_t bytes = 0;
    int64_t id = t->id;
    if (id == 0 || !t->has_best || still_make(&t->best, &style, &jpeg, &bytes) < 0)
        return;
    int64_t still_bytes = write_file(g, id, "jpg", jpeg, bytes);
    free(jpeg);
    if (still_bytes == 0)
        return;
    credits_keep(g->p.credits, id, still_bytes, 0);
    struct loop_film *film = t->film ? t->film : loop_take(t->loop);
    t->film = NULL;
    go_on_with_film(g, INT64_MAX); /* of the one before, when it is not done yet */
    if (g->p.config->loop == GALLERY_LOOP_NONE || !film) {
        loop_film_free(film);
        tidy(g);
        return;
    }
    g->still_bytes = still_bytes;
    if (film_begin(&g->film, id, film, (enum gallery_loop)g->p.config->loop, &e) < 0)
        trouble(g, &e);
    tidy(g);
}

static void look_at_frame(struct gallery *g)
{
    struct frame f;
    struct port_state state;
    if (g->take.id == 0 || snapshot_borrow(g->snapshot, g->seen_frame, FRAME_US, &f, &g->seen_frame) < 0)
        return;
    if (atomic_load(&g->shown_id) == g->take.id) { /* else it may be the next dream's */
        port_state(g->p.port, &state);
        take_frame(&g->take, &f, &state, clock_real_us());
    }
    snapshot_return(g->snapshot);
}

/* Somebody was removed: files and names go, also from lists of earlier shows. */
static void forget(struct gallery *g)
{
    char stale[STALE_MAX][CREDITS_RUN_BYTES];
    struct error e = {""};
    struct credit c;
    pthread_mutex_lock(&g->lock);
    bool has_forgotten = g->has_forgotten;
    g->has_forgotten = false;
    memcpy(stale, g->stale, sizeof stale);
    memset(g->stale, 0, sizeof g->stale);
    for (int i = 0; i < SLOTS && has_forgotten; i++) {
        free(g->slots[i].bytes);
        g->slots[i] = (struct slot){.name = ""};
    }
    pthread_mutex_unlock(&g->lock);
    if (!has_forgotten)
        return;
    if (g->take.id && !credits_find(g->p.credits, credits_run(g->p.credits), g->take.id, &c))
        take_begin(&g->take, 0, clock_real_us());
    tidy(g);
    for (int i = 0; i < STALE_MAX; i++)
        if (stale[i][0] && gallery_write_credits(g->p.config->dir, g->p.credits, stale[i],
                                                 clock_real_us() + ASIDE_US, &e) < 0)
            trouble(g, &e);
}

/* Reads a file that somebody waits for. */
static void serve(struct gallery *g)
{
    char name[GALLERY_NAME_BYTES] = "";
    struct gallery_name n;
    struct credit c;
    uint8_t *bytes = NULL;
    size_t size = 0;
    pthread_mutex_lock(&g->lock);
    for (int i = 0; i < SLOTS && !name[0]; i++)
        if (g->slots[i].name[0] && !g->slots[i].is_read)
            text_copy(name, sizeof name, g->slots[i].name);
    pthread_mutex_unlock(&g->lock);
    if (!name[0])
        return;
    if (!gallery_name_parse(name, &n) || !credits_find(g->p.credits, n.run, n.id, &c) ||
        gallery_read(g->p.config->dir, &n, &bytes, &size) < 0)
        bytes = NULL;
    pthread_mutex_lock(&g->lock);
    for (int i = 0; i < SLOTS; i++)
        if (!g->slots[i].is_read && strcmp(g->slots[i].name, name) == 0) {
            g->slots[i].is_read = true;
            g->slots[i].bytes = bytes;
            g->slots[i].size = size;
            bytes = NULL;
        }
    pthread_mutex_unlock(&g->lock);
    free(bytes); /* nobody waits for it any more */
}

static void *gallery_main(void *arg)
{
    struct gallery *g = arg;
    struct pollfd stop = {.fd = g->stop.fd, .events = POLLIN};
    int64_t next_us = clock_real_us();
    thread_lower_priority(0);
    while (!stop_requested(&g->stop)) {
        int64_t now_us = clock_real_us();
        next_us = next_us + TICK_US > now_us ? next_us + TICK_US : now_us;
        poll(&stop, 1, (int)((next_us - now_us) / 1000));
        int64_t id = atomic_load(&g->shown_id);
        if (id != g->take.id) {
            end_take(g);
            take_begin(&g->take, id, clock_real_us());
        }
        look_at_frame(g);
        go_on_with_film(g, 0);
        forget(g);
        serve(g);
    }
    return NULL;
}

/* ---- from others ---- */

void gallery_picture(struct gallery *g, const struct frame *f)
{
    if (g)
        snapshot_offer(g->snapshot, f, atomic_fetch_add(&g->frames, 1) + 1);
}

void gallery_shown(struct gallery *g, int64_t request_id)
{
    if (g)
        atomic_store(&g->shown_id, request_id);
}

void gallery_forget(struct gallery *g, const struct credit *gone, int count)
{
    if (!g || count == 0)
        return;
    pthread_mutex_lock(&g->lock);
    g->has_forgotten = true;
    for (int i = 0; i < count; i++) {
        int at = 0;
        while (at < STALE_MAX - 1 && g->stale[at][0] && strcmp(g->stale[at], gone[i].run) != 0)
            at++;
        if (strcmp(gone[i].run, credits_run(g->p.credits)) != 0) /* this one's are written at its end */
            text_copy(g->stale[at], sizeof g->stale[at], gone[i].run);
    }
    pthread_mutex_unlock(&g->lock);
}

/* The one of this name, or the one that nobody has asked for longest. */
static struct slot *find_slot(struct gallery *g, const char *name)
{
    struct slot *oldest = &g->slots[0];
    for (int i = 0; i < SLOTS; i++) {
        if (strcmp(g->slots[i].name, name) == 0)
            return &g->slots[i];
        if (g->slots[i].used < oldest->used)
            oldest = &g->slots[i];
    }
    return oldest;
}

int gallery_file(struct gallery *g, const char *name, uint8_t **bytes, size_t *size)
{
    struct gallery_name n;
    int rc = -EAGAIN;
    if (!g || strlen(name) >= GALLERY_NAME_BYTES || !gallery_name_parse(name, &n))
        return -ENOENT;
    pthread_mutex_lock(&g->lock);
    struct slot *s = find_slot(g, name);
    if (strcmp(s->name, name) != 0) {
        free(s->bytes);
        *s = (struct slot){.name = ""};
        text_copy(s->name, sizeof s->name, name);
    }
    s->used = ++g->uses;
    if (s->is_read && s->bytes) {
        *bytes = xmalloc(s->size);
        memcpy(*bytes, s->bytes, s->size);
        *size = s->size;
        rc = 0;
    } else if (s->is_read) {
        *s = (struct slot){.name = ""}; /* it may be there when somebody asks again */
        rc = -ENOENT;
    }
    pthread_mutex_unlock(&g->lock);
    return rc;
}

/* ---- open and close ---- */

static int begin(struct gallery *g, struct error *e)
{
    const struct gallery_params *p = &g->p;
    int rc = file_make_folders(p->config->dir, 0777, e);
    if (rc < 0)
        return error_prefix(e, rc, "gallery.dir");
    if (snapshot_open(&g->snapshot, p->width_px, p->height_px) < 0 ||
        take_open(&g->take, p->width_px, p->height_px) < 0)
        return error_set(e, ENOMEM, "no memory for the gallery's pictures");
    gallery_load(p->config->dir, p->credits);
    tidy(g);
    rc = stop_init(&g->stop);
    if (rc == 0)
        rc = thread_start(&g->thread, "gallery", gallery_main, g);
    return rc < 0 ? error_set(e, -rc, "the gallery has no thread: %s", strerror(-rc)) : 0;
}

int gallery_open(struct gallery **out, const struct gallery_params *p, struct error *e)
{
    *out = NULL;
    if (!p->config->enabled)
        return 0;
    struct gallery *g = *out = xcalloc(1, sizeof *g);
    g->p = *p;
    g->stop.fd = -1;
    g->seen_frame = -1;
    pthread_mutex_init(&g->lock, NULL);
    int rc = begin(g, e);
    if (rc < 0)
        gallery_close(out);
    return rc;
}

/* What is on counts as over. */
static void finish(struct gallery *g)
{
    const int64_t until_us = clock_real_us() + CLOSE_US;
    struct error e = {""};
    end_take(g);
    go_on_with_film(g, until_us - CLOSE_US / 2);
    if (gallery_write_credits(g->p.config->dir, g->p.credits, credits_run(g->p.credits), until_us, &e) < 0)
        trouble(g, &e);
}

void gallery_close(struct gallery **out)
{
    struct gallery *g = *out;
    if (!g)
        return;
    bool was_running = g->thread.running;
    if (was_running) {
        stop_request(&g->stop);
        thread_join(&g->thread);
        forget(g);
        finish(g);
    }
    film_close(&g->film);
    take_close(&g->take);
    snapshot_close(&g->snapshot);
    for (int i = 0; i < SLOTS; i++)
        free(g->slots[i].bytes);
    if (g->stop.fd >= 0)
        stop_close(&g->stop);
    pthread_mutex_destroy(&g->lock);
    free(g);
    *out = NULL;
}
