/*
 * sidecar - see sidecar.h.
 */
#include "stream/sidecar.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "stream/webvtt.h"

enum { NOTES_MAX = 1 << 14, TEXT_BYTES = 160, NAME_BYTES = 64, CLOSED_MAX = 64 };

struct note {
    int64_t request_id, pts;
    char text[TEXT_BYTES], by[NAME_BYTES];
};

/* A file and the notes that are in it. */
struct part {
    char *path; /* of the mp4; owned */
    int64_t first, end;
    int fps, count;
    struct note *notes; /* [count], owned; NULL: nobody asked for anything */
    bool is_stale;      /* a name in it was withdrawn since */
};

struct sidecar {
    pthread_mutex_t lock; /* guards the fields below */
    struct note *notes;   /* [room], in the order of their pts */
    int count, room;
    struct part closed[CLOSED_MAX]; /* number n stands at n % CLOSED_MAX */
    unsigned closed_count;
};

static void free_part(struct part *p)
{
    free(p->path);
    free(p->notes);
    *p = (struct part){0};
}

struct sidecar *sidecar_new(void)
{
    struct sidecar *s = xcalloc(1, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void sidecar_free(struct sidecar *s)
{
    if (!s)
        return;
    for (int i = 0; i < CLOSED_MAX; i++)
        free_part(&s->closed[i]);
    pthread_mutex_destroy(&s->lock);
    free(s->notes);
    free(s);
}

/* ---- notes ---- */

static void forget_locked(struct sidecar *s, int count)
{
    s->count -= count;
    memmove(s->notes, s->notes + count, sizeof *s->notes * (size_t)s->count);
}

static void add_locked(struct sidecar *s, const struct note *note)
{
    if (s->count == NOTES_MAX)
        forget_locked(s, 1);
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 64;
        s->notes = xrealloc(s->notes, sizeof *s->notes * (size_t)s->room);
    }
    s->notes[s->count++] = *note;
}

/* True: it had a name. */
static bool withdraw(struct note *notes, int count, int64_t request_id)
{
    bool found = false;
    for (int i = 0; i < count; i++)
        if (notes[i].request_id == request_id && notes[i].by[0]) {
            memset(notes[i].by, 0, sizeof notes[i].by);
            found = true;
        }
    return found;
}

static void withdraw_locked(struct sidecar *s, int64_t request_id)
{
    withdraw(s->notes, s->count, request_id);
    for (int i = 0; i < CLOSED_MAX; i++)
        s->closed[i].is_stale |= withdraw(s->closed[i].notes, s->closed[i].count, request_id);
}

void sidecar_note(struct sidecar *s, int64_t request_id, const char *text, const char *by, int64_t pts)
{
    struct note note = {.request_id = request_id, .pts = pts};
    if (text) {
        text_copy(note.text, sizeof note.text, text);
        text_copy(note.by, sizeof note.by, by);
    }
    pthread_mutex_lock(&s->lock);
    if (text)
        add_locked(s, &note);
    else
        withdraw_locked(s, request_id);
    pthread_mutex_unlock(&s->lock);
}

/* Was it over when the file began? */
static bool is_over(const struct sidecar *s, int i, int64_t first)
{
    return i + 1 < s->count && s->notes[i + 1].pts <= first;
}

/* What was on at `first` and what came before `end`. */
static void cut_locked(const struct sidecar *s, struct part *p)
{
    bool asked = false;
    p->count = 0;
    p->notes = xcalloc((size_t)s->count + 1, sizeof *p->notes);
    for (int i = 0; i < s->count && s->notes[i].pts < p->end; i++)
        if (!is_over(s, i, p->first)) {
            p->notes[p->count++] = s->notes[i];
            asked |= s->notes[i].request_id != 0;
        }
    if (asked)
        return;
    free(p->notes);
    p->notes = NULL;
    p->count = 0;
}

/* The last one before `end` is on still. */
static void forget_before_locked(struct sidecar *s, int64_t end)
{
    int over = 0;
    while (over + 1 < s->count && s->notes[over + 1].pts <= end)
        over++;
    if (over > 0)
        forget_locked(s, over);
}

/* ---- what a part becomes ---- */

static double begin_s(const struct part *p, int i)
{
    int64_t pts = p->notes[i].pts;
    return pts > p->first ? (double)(pts - p->first) / p->fps : 0;
}

enum { TITLE_BYTES = TEXT_BYTES + NAME_BYTES + 4 };

/* "goldfish + pizza (ann)" */
static void title(const struct note *n, char out[TITLE_BYTES])
{
    snprintf(out, TITLE_BYTES, n->by[0] ? "%s (%s)" : "%s", n->text, n->by);
}

static char *as_json(const struct part *p)
{
    const char *slash = strrchr(p->path, '/');
    struct json *all = json_new_object(), *list = json_new_list();
    for (int i = 0; i < p->count; i++) {
        struct json *entry = json_new_object();
        json_put_whole(entry, "id", p->notes[i].request_id);
        json_put_text(entry, "text", p->notes[i].text);
        json_put_text(entry, "by", p->notes[i].by);
        json_put_real(entry, "begin_s", begin_s(p, i), 2);
        json_add(list, entry);
    }
    json_put_text(all, "file", slash ? slash + 1 : p->path);
    json_put(all, "shown", list);
    char *text = json_print(all, 2);
    json_close(&all);
    return text;
}

static char *as_webvtt(const struct part *p)
{
    struct webvtt_cue *cues = xcalloc((size_t)p->count + 1, sizeof *cues);
    char(*titles)[TITLE_BYTES] = xcalloc((size_t)p->count + 1, sizeof *titles);
    double end_s = (double)(p->end - p->first) / p->fps;
    for (int i = 0; i < p->count; i++) {
        title(&p->notes[i], titles[i]);
        cues[i] = (struct webvtt_cue){begin_s(p, i), i + 1 < p->count ? begin_s(p, i + 1) : end_s, titles[i]};
    }
    char *text = webvtt_text(cues, p->count);
    free(titles);
    free(cues);
    return text;
}

static struct mp4_chapter *as_chapters(const struct part *p, int *count)
{
    struct mp4_chapter *list = p->count ? xcalloc((size_t)p->count, sizeof *list) : NULL;
    *count = p->count;
    for (int i = 0; i < p->count; i++) {
        char text[TITLE_BYTES];
        title(&p->notes[i], text);
        list[i].begin_s = begin_s(p, i);
        text_copy(list[i].title, sizeof list[i].title, text);
    }
    return list;
}

static int write_beside(const struct part *p, const char *ending, char *text)
{
    const char *dot = strrchr(p->path, '.');
    char *path = xasprintf("%.*s%s", dot ? (int)(dot - p->path) : (int)strlen(p->path), p->path, ending);
    int rc = file_write_whole(path, text, strlen(text), 0666, NULL);
    free(path);
    free(text);
    return rc;
}

static int write_part(const struct part *p)
{
    int rc = write_beside(p, ".json", as_json(p));
    return rc < 0 ? rc : write_beside(p, ".vtt", as_webvtt(p));
}

struct mp4_chapter *sidecar_chapters(struct sidecar *s, int64_t first_pts, int64_t end_pts, int fps,
                                     int *count)
{
    struct part p = {.first = first_pts, .end = end_pts, .fps = fps};
    pthread_mutex_lock(&s->lock);
    cut_locked(s, &p);
    pthread_mutex_unlock(&s->lock);
    struct mp4_chapter *list = as_chapters(&p, count);
    free_part(&p);
    return list;
}

/* ---- files ---- */

/* Remembers the part, and forgets the one before so many. Takes a copy. */
static void keep_locked(struct sidecar *s, const struct part *p)
{
    struct part *to = &s->closed[s->closed_count++ % CLOSED_MAX];
    free_part(to);
    *to = *p;
    to->path = xasprintf("%s", p->path);
    to->notes = xcalloc((size_t)p->count, sizeof *to->notes);
    memcpy(to->notes, p->notes, (size_t)p->count * sizeof *to->notes);
}

int sidecar_write(struct sidecar *s, const char *mp4_path, int64_t first_pts, int64_t end_pts, int fps,
                  bool closed)
{
    struct part p = {.path = xasprintf("%s", mp4_path), .first = first_pts, .end = end_pts, .fps = fps};
    pthread_mutex_lock(&s->lock);
    cut_locked(s, &p);
    if (closed && p.count > 0)
        keep_locked(s, &p);
    if (closed)
        forget_before_locked(s, end_pts);
    pthread_mutex_unlock(&s->lock);
    int rc = p.count > 0 ? write_part(&p) : 0;
    free_part(&p);
    return rc;
}

/* A copy of a stale one, which is none any more. */
static bool take_stale(struct sidecar *s, struct part *out)
{
    bool found = false;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < CLOSED_MAX && !found; i++) {
        struct part *p = &s->closed[i];
        if (!p->is_stale)
            continue;
        found = true;
        p->is_stale = false;
        *out = *p;
        out->path = xasprintf("%s", p->path);
        out->notes = xcalloc((size_t)p->count, sizeof *out->notes);
        memcpy(out->notes, p->notes, (size_t)p->count * sizeof *out->notes);
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

int sidecar_mend(struct sidecar *s)
{
    struct part p;
    int rc = 0, count;
    while (rc == 0 && take_stale(s, &p)) {
        if (access(p.path, F_OK) == 0) { /* else the recording is gone, and what described it */
            struct mp4_chapter *chapters = as_chapters(&p, &count);
            rc = write_part(&p);
            int changed = mp4_chapters_rename(p.path, chapters, count);
            rc = rc < 0 || changed == -ENODATA ? rc : changed; /* a file without chapters names nobody */
            free(chapters);
        }
        free_part(&p);
    }
    return rc;
}
