/*
 * takeover - see takeover.h.
 */
#include "show/takeover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"

enum { FILE_BYTES_MAX = 32 << 20 };

struct taking {
    struct store *store;
    struct store_state state; /* of state.jsonl */
    int64_t run_ms;           /* of the log's run: when its first turn came */
    int good, bad;
};

static void copy_text(const struct json *object, const char *key, char *out, size_t size)
{
    const char *text = json_text(json_member(object, key));
    text_clean(out, size, text ? text : "", text ? strlen(text) : 0);
}

/* False: it names no class that we know. */
static bool read_classes(const struct json *list, struct request *q)
{
    q->count = json_count(list);
    if (q->count < 1 || q->count > REQUESTS_SUBJECTS_MAX)
        return false;
    for (int i = 0; i < q->count; i++) {
        const char *wnid = json_text(json_item(list, i));
        q->synset[i] = synsets_by_wnid(wnid ? wnid : "");
        if (q->synset[i] < 0)
            return false;
    }
    return true;
}

/* ---- state.jsonl ---- */

static bool take_wish(struct taking *t, const struct json *line)
{
    struct request q = {.count = 0};
    copy_text(line, "user", q.user, sizeof q.user);
    copy_text(line, "login", q.login, sizeof q.login);
    copy_text(line, "message", q.message_id, sizeof q.message_id);
    if (!read_classes(json_member(line, "wish"), &q) || !json_whole(json_member(line, "id"), &q.id) ||
        q.id <= 0 || !q.user[0])
        return false;
    t->state.wishes = xrealloc(t->state.wishes, (size_t)(t->state.wish_count + 1) * sizeof q);
    t->state.wishes[t->state.wish_count++] = q;
    return true;
}

static int take_state_line(struct taking *t, const struct json *line, struct error *e)
{
    char login[REQUEST_USER_BYTES];
    (void)e;
    if (json_member(line, "wish"))
        return take_wish(t, line) ? 0 : -EINVAL;
    copy_text(line, "ban", login, sizeof login);
    if (!login[0])
        return -EINVAL;
    t->state.bans = xrealloc(t->state.bans, (size_t)(t->state.ban_count + 1) * sizeof *t->state.bans);
    memcpy(t->state.bans[t->state.ban_count++], login, sizeof login);
    return 0;
}

/* ---- requests.jsonl ---- */

static bool read_time(const struct json *line, int64_t *ms)
{
    const char *at = json_text(json_member(line, "at"));
    struct tm utc = {.tm_year = 0};
    const char *end = at ? strptime(at, "%Y-%m-%dT%H:%M:%SZ", &utc) : NULL;
    if (!end || *end)
        return false;
    *ms = (int64_t)timegm(&utc) * 1000;
    return true;
}

static int take_log_line(struct taking *t, const struct json *line, struct error *e)
{
    struct store_event v = {.kind = STORE_LOST};
    const char *event = json_text(json_member(line, "event"));
    if (!event || !read_time(line, &v.at_ms))
        return -EINVAL;
    json_whole(json_member(line, "id"), &v.request.id);
    json_whole(json_member(line, "turn"), &v.request.turn);
    json_whole(json_member(line, "on_ms"), &v.on_ms);
    copy_text(line, "user", v.request.user, sizeof v.request.user);
    copy_text(line, "login", v.request.login, sizeof v.request.login);
    copy_text(line, "text", v.text, sizeof v.text);
    bool known = read_classes(json_member(line, "wnid"), &v.request);
    if (strcmp(event, "shown") == 0 && v.request.turn <= 1)
        t->run_ms = v.at_ms;
    v.run_ms = t->run_ms;
    if (strcmp(event, "asked") == 0 && known)
        v.kind = STORE_ASKED;
    else if (strcmp(event, "shown") == 0 && known)
        v.kind = STORE_SHOWN;
    else if (strcmp(event, "ended") == 0)
        v.kind = STORE_ENDED;
    else if (strcmp(event, "removed") == 0)
        v.kind = STORE_REMOVED;
    else
        return -EINVAL;
    copy_text(line, "message", v.request.message_id, sizeof v.request.message_id);
    return store_put(t->store, &v, e);
}

/* ---- files ---- */

static const struct old_file {
    const char *name;
    int (*take)(struct taking *t, const struct json *line, struct error *e); /* -EINVAL: means nothing */
} files[] = {
    {"state.jsonl", take_state_line},
    {"requests.jsonl.1", take_log_line}, /* the older one */
    {"requests.jsonl", take_log_line},
};

static int take_lines(struct taking *t, const struct old_file *f, char *text, struct error *e)
{
    char *rest = text;
    for (const char *line; rest && (line = strsep(&rest, "\n"));) {
        struct json *j;
        if (!*line)
            continue;
        int rc = json_parse(&j, line, strlen(line), NULL);
        if (rc == 0)
            rc = f->take(t, j, e);
        json_close(&j);
        if (rc < 0 && rc != -EINVAL)
            return rc;
        t->good += rc == 0;
        t->bad += rc < 0;
    }
    return t->state.wish_count || t->state.ban_count ? store_put_state(t->store, &t->state, e) : 0;
}

static int take_text(struct store *s, const struct old_file *f, const struct stat *st, char *text,
                     struct error *e)
{
    struct taking t = {.store = s};
    int64_t changed_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
    if (store_has_taken(s, f->name, st->st_size, changed_ms))
        return 0;
    int rc = store_begin(s, e);
    if (rc == 0)
        rc = take_lines(&t, f, text, e);
    if (rc == 0)
        rc = store_set_taken(s, f->name, st->st_size, changed_ms, e);
    if (rc == 0)
        rc = store_commit(s, e);
    if (rc < 0)
        store_rollback(s);
    else
        log_info("show", "%s: %d lines are in the database now", f->name, t.good);
    if (rc == 0 && t.bad)
        log_warn("show", "%s: %d lines cannot be read and are passed over", f->name, t.bad);
    store_state_free(&t.state);
    return rc;
}

static int take_file(struct store *s, const char *folder, const struct old_file *f, struct error *e)
{
    struct stat st = {.st_size = 0};
    char *text = NULL, *path = xasprintf("%s/%s", folder, f->name), *taken = xasprintf("%s.taken", path);
    struct error why = {""};
    size_t bytes = 0;
    int rc = file_read_all(path, FILE_BYTES_MAX, &text, &bytes, &why);
    bool missing = rc == -ENOENT;
    if (rc == 0 && stat(path, &st) < 0)
        rc = error_set(&why, errno, "%s: %s", path, strerror(errno));
    if (rc < 0 && !missing)
        error_set(e, -rc, "%s; mend it, or move it away to begin without its wishes and bans", why.text);
    for (size_t i = 0; rc == 0 && i < bytes; i++) /* it is text to everybody who reads it */
        text[i] = text[i] ? text[i] : '?';
    if (rc == 0)
        rc = take_text(s, f, &st, text, e);
    if (rc == 0 && rename(path, taken) < 0)
        log_warn("show", "%s stays where it is, though it was taken over: %s", path, strerror(errno));
    free(text);
    free(path);
    free(taken);
    return missing ? 0 : rc;
}

int takeover(struct store *s, const char *folder, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; i < ARRAY_LEN(files) && rc == 0; i++)
        rc = take_file(s, folder, &files[i], e);
    return rc;
}
