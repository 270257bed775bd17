/*
 * sidecar - see sidecar.h.
 */
#include "stream/sidecar.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"

enum { NOTES_MAX = 1 << 14, TEXT_BYTES = 160, NAME_BYTES = 64 };

struct note {
    int64_t request_id, pts;
    char text[TEXT_BYTES], by[NAME_BYTES];
};

struct sidecar {
    pthread_mutex_t lock; /* guards the fields below */
    struct note *notes;   /* [room], in the order of their pts */
    int count, room;
};

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
    pthread_mutex_destroy(&s->lock);
    free(s->notes);
    free(s);
}

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
    for (int i = 0; !text && i < s->count; i++)
        if (s->notes[i].request_id == request_id)
            s->notes[i].by[0] = '\0';
    pthread_mutex_unlock(&s->lock);
}

/* Was it over when the file began? */
static bool is_over(const struct sidecar *s, int i, int64_t first)
{
    return i + 1 < s->count && s->notes[i + 1].pts <= first;
}

/* What was on at `first` and what came before `end`; NULL: nobody asked for anything. */
static struct json *list_locked(const struct sidecar *s, int64_t first, int64_t end, int fps)
{
    struct json *list = json_new_list();
    bool asked = false;
    for (int i = 0; i < s->count && s->notes[i].pts < end; i++) {
        const struct note *n = &s->notes[i];
        if (is_over(s, i, first))
            continue;
        struct json *entry = json_new_object();
        json_put_whole(entry, "id", n->request_id);
        json_put_text(entry, "text", n->text);
        json_put_text(entry, "by", n->by);
        json_put_real(entry, "begin_s", n->pts > first ? (double)(n->pts - first) / fps : 0, 2);
        json_add(list, entry);
        asked |= n->request_id != 0;
    }
    if (!asked)
        json_close(&list);
    return list;
}

static void title(const struct note *n, char out[MP4_CHAPTER_TITLE_BYTES])
{
    char text[TEXT_BYTES + NAME_BYTES + 4];
    snprintf(text, sizeof text, n->by[0] ? "%s (%s)" : "%s", n->text, n->by);
    text_copy(out, MP4_CHAPTER_TITLE_BYTES, text);
}

struct mp4_chapter *sidecar_chapters(struct sidecar *s, int64_t first_pts, int64_t end_pts, int fps,
                                     int *count)
{
    struct mp4_chapter *list = NULL;
    bool asked = false;
    *count = 0;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < s->count && s->notes[i].pts < end_pts; i++) {
        const struct note *n = &s->notes[i];
        if (is_over(s, i, first_pts))
            continue;
        list = list ? list : xcalloc((size_t)(s->count - i), sizeof *list);
        list[*count].begin_s = n->pts > first_pts ? (double)(n->pts - first_pts) / fps : 0;
        title(n, list[(*count)++].title);
        asked |= n->request_id != 0;
    }
    pthread_mutex_unlock(&s->lock);
    if (asked)
        return list;
    free(list);
    *count = 0;
    return NULL;
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

static int write_list(struct json *list, const char *mp4_path)
{
    const char *slash = strrchr(mp4_path, '/'), *dot = strrchr(mp4_path, '.');
    struct json *all = json_new_object();
    json_put_text(all, "file", slash ? slash + 1 : mp4_path);
    json_put(all, "shown", list);
    char *text = json_print(all, 2);
    char *path = xasprintf("%.*s.json", dot ? (int)(dot - mp4_path) : (int)strlen(mp4_path), mp4_path);
    int rc = file_write_whole(path, text, strlen(text), 0666, NULL);
    json_close(&all);
    free(path);
    free(text);
    return rc;
}

int sidecar_write(struct sidecar *s, const char *mp4_path, int64_t first_pts, int64_t end_pts, int fps,
                  bool closed)
{
    pthread_mutex_lock(&s->lock);
    struct json *list = list_locked(s, first_pts, end_pts, fps);
    if (closed)
        forget_before_locked(s, end_pts);
    pthread_mutex_unlock(&s->lock);
    return list ? write_list(list, mp4_path) : 0;
}
