/*
 * record - see record.h. The classes are written as WordNet ids, which mean the same with every model.
 */
#include "show/record.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "show/journal.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"

enum { STATE_BYTES_MAX = 16 << 20, TIME_BYTES = 32 };

#define LOG_NAME   "requests.jsonl"
#define STATE_NAME "state.jsonl"

struct record {
    struct journal *journal;
    struct requests *requests;
    struct rules *rules; /* may be NULL */
    int queue_max;
};

/* Text that grows. */
struct pages {
    char *text;
    size_t bytes, room;
};

/* The line, which it ends. */
static void add_line(struct pages *p, struct json *j)
{
    char *line = json_print(j, 0);
    size_t n = strlen(line);
    if (p->bytes + n + 1 > p->room) {
        p->room = 2 * (p->bytes + n + 1);
        p->text = xrealloc(p->text, p->room);
    }
    memcpy(p->text + p->bytes, line, n + 1);
    p->bytes += n;
    free(line);
    json_close(&j);
}

static void put_classes(struct json *j, const char *key, const struct request *q)
{
    struct json *wnids = json_new_list();
    for (int i = 0; i < q->count; i++)
        json_add_text(wnids, synset_table[q->synset[i]].wnid);
    json_put(j, key, wnids);
}

static void add_ban(void *context, const char *login)
{
    struct json *j = json_new_object();
    json_put_text(j, "ban", login);
    add_line(context, j);
}

/* What waits and who is banned; on the journal's thread. */
static char *state(void *context, size_t *bytes)
{
    struct record *m = context;
    struct pages p = {.text = xcalloc(1, 1), .room = 1};
    struct request *next = xcalloc((size_t)m->queue_max + 1, sizeof *next);
    int count = requests_list(m->requests, NULL, next, m->queue_max + 1);
    for (int i = 0; i < count && i <= m->queue_max; i++) {
        if (next[i].immediate)
            continue;
        struct json *j = json_new_object();
        put_classes(j, "wish", &next[i]);
        json_put_whole(j, "id", next[i].id);
        json_put_text(j, "user", next[i].user);
        json_put_text(j, "login", next[i].login);
        json_put_text(j, "message", next[i].message_id);
        add_line(&p, j);
    }
    free(next);
    if (m->rules)
        rules_each_ban(m->rules, add_ban, &p);
    *bytes = p.bytes;
    return p.text;
}

static void copy_text(const struct json *value, char *out, size_t size)
{
    const char *text = json_text(value);
    text_clean(out, size, text ? text : "", text ? strlen(text) : 0);
}

static bool restore_wish(struct record *m, const struct json *line)
{
    const struct json *wish = json_member(line, "wish");
    struct request q = {.count = json_count(wish)};
    if (q.count < 1 || q.count > REQUESTS_SUBJECTS_MAX)
        return false;
    for (int i = 0; i < q.count; i++) {
        const char *wnid = json_text(json_item(wish, i));
        q.synset[i] = synsets_by_wnid(wnid ? wnid : "");
    }
    copy_text(json_member(line, "user"), q.user, sizeof q.user);
    copy_text(json_member(line, "login"), q.login, sizeof q.login);
    copy_text(json_member(line, "message"), q.message_id, sizeof q.message_id);
    return json_whole(json_member(line, "id"), &q.id) && q.id > 0 && q.user[0] &&
           requests_restore(m->requests, &q) == 0;
}

static bool restore_line(struct record *m, const char *text)
{
    char login[REQUEST_USER_BYTES];
    struct json *line;
    bool ok = false;
    if (json_parse(&line, text, strlen(text), NULL) < 0)
        return false;
    copy_text(json_member(line, "ban"), login, sizeof login);
    if (json_member(line, "wish"))
        ok = restore_wish(m, line);
    else if (login[0] && m->rules)
        ok = rules_ban(m->rules, login) != -ENOSPC;
    json_close(&line);
    return ok;
}

/* What cannot be read must not be written over: nobody would be banned any more. */
/* *text is the caller's, NULL when there is none. */
static int read_state(const char *folder, char **text, struct error *e)
{
    struct error why = {""};
    int rc = journal_read_state(folder, STATE_NAME, STATE_BYTES_MAX, text, &why);
    return rc < 0 ? error_set(e, -rc, "%s; mend it, or move it away to begin without its wishes and bans",
                              why.text)
                  : 0;
}

static int restore(struct record *m, const char *folder, struct error *e)
{
    char *text;
    int rc = read_state(folder, &text, e), good = 0, bad = 0;
    if (rc < 0)
        return rc;
    char *rest = text;
    for (const char *line; rest && (line = strsep(&rest, "\n"));) {
        if (!*line)
            continue;
        if (restore_line(m, line))
            good++;
        else
            bad++;
    }
    free(text);
    if (good)
        log_info("chat", "%s/" STATE_NAME ": %d wishes and bans are remembered", folder, good);
    if (bad)
        log_warn("chat", "%s/" STATE_NAME ": %d lines mean nothing to this model and are passed over", folder,
                 bad);
    return 0;
}

static struct json *new_event(const char *event)
{
    char at[TIME_BYTES];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &utc);
    struct json *j = json_new_object();
    json_put_text(j, "at", at);
    json_put_text(j, "event", event);
    return j;
}

/* Into the journal; it ends the event. */
static void write_event(struct record *m, struct json *event)
{
    char *line = json_print(event, 0);
    journal_write(m->journal, line, strlen(line));
    free(line);
    json_close(&event);
}

static void put_request(struct json *j, const struct request *q)
{
    char label[256];
    request_label(q, label, sizeof label);
    json_put_whole(j, "id", q->id);
    json_put_text(j, "user", q->user);
    json_put_text(j, "login", q->login);
    put_classes(j, "wnid", q);
    json_put_text(j, "name", label);
}

static void turned(void *context, const struct request *before, double on_s, const struct request *now)
{
    struct record *m = context;
    if (before->count > 0) {
        struct json *ended = new_event("ended");
        json_put_whole(ended, "id", before->id);
        json_put_whole(ended, "turn", before->turn);
        json_put_whole(ended, "on_ms", (int64_t)llround(on_s * 1000));
        write_event(m, ended);
    }
    struct json *shown = new_event("shown");
    json_put_whole(shown, "turn", now->turn);
    put_request(shown, now);
    write_event(m, shown);
}

int record_check(const struct show_config *c, char *text, size_t size, struct error *e)
{
    char *state;
    int64_t mb;
    text[0] = '\0';
    if (!c->state_dir[0])
        return 0;
    int rc = file_check_folder(c->state_dir, &mb, e);
    if (rc == 0)
        rc = read_state(c->state_dir, &state, e);
    if (rc < 0)
        return error_prefix(e, rc, "show.state_dir");
    free(state);
    snprintf(text, size, "%s, %lld MB free", c->state_dir, (long long)mb);
    return 0;
}

int record_open(struct record **out, const struct show_config *c, struct requests *requests,
                struct rules *rules, struct error *e)
{
    *out = NULL;
    if (!c->state_dir[0])
        return 0;
    struct record *m = xcalloc(1, sizeof *m);
    m->requests = requests;
    m->rules = rules;
    m->queue_max = (int)c->queue_max;
    struct journal_params p = {
        .folder = c->state_dir, .log_name = LOG_NAME, .state_name = STATE_NAME, .state = state, .context = m};
    int rc = restore(m, c->state_dir, e);
    if (rc == 0)
        rc = journal_open(&m->journal, &p, e);
    if (rc) {
        record_close(&m);
        return rc;
    }
    requests_on_turn(requests, turned, m);
    *out = m;
    return 0;
}

void record_close(struct record **m)
{
    if (!*m)
        return;
    journal_close(&(*m)->journal);
    free(*m);
    *m = NULL;
}

void record_asked(struct record *m, const struct request *q, const char *text)
{
    if (!m)
        return;
    struct json *asked = new_event("asked");
    put_request(asked, q);
    json_put_text(asked, "text", text);
    write_event(m, asked);
}

void record_removed(struct record *m, const char *login, const char *message_id)
{
    if (!m)
        return;
    struct json *removed = new_event("removed");
    json_put_text(removed, message_id ? "message" : "login", message_id ? message_id : login ? login : "");
    write_event(m, removed);
}
