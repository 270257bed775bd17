/*
 * record - see record.h. The classes are written as WordNet ids, which mean the same with every model.
 */
#include "show/record.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "show/journal.h"
#include "show/jsonl.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"

enum { MEMBERS_MAX = 12, STATE_BYTES_MAX = 16 << 20, TIME_BYTES = 32 };

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

static void add_line(struct pages *p, struct jsonl_line *j)
{
    size_t n = jsonl_end(j);
    if (p->bytes + n + 1 > p->room) {
        p->room = 2 * (p->bytes + n + 1);
        p->text = xrealloc(p->text, p->room);
    }
    memcpy(p->text + p->bytes, j->out, n);
    p->bytes += n;
    p->text[p->bytes] = '\0';
}

static void add_classes(struct jsonl_line *j, const char *key, const struct request *q)
{
    const char *wnids[REQUESTS_SUBJECTS_MAX];
    for (int i = 0; i < q->count; i++)
        wnids[i] = synset_table[q->synset[i]].wnid;
    jsonl_texts(j, key, wnids, q->count);
}

static void add_ban(void *context, const char *login)
{
    char line[JOURNAL_LINE_BYTES];
    struct jsonl_line j;
    jsonl_begin(&j, line, sizeof line);
    jsonl_text(&j, "ban", login);
    add_line(context, &j);
}

/* What waits and who is banned; on the journal's thread. */
static char *state(void *context, size_t *bytes)
{
    struct record *m = context;
    struct pages p = {.text = xcalloc(1, 1), .room = 1};
    struct request *next = xcalloc((size_t)m->queue_max + 1, sizeof *next);
    int count = requests_list(m->requests, NULL, next, m->queue_max + 1);
    for (int i = 0; i < count && i <= m->queue_max; i++) {
        char line[JOURNAL_LINE_BYTES];
        struct jsonl_line j;
        if (next[i].immediate)
            continue;
        jsonl_begin(&j, line, sizeof line);
        add_classes(&j, "wish", &next[i]);
        jsonl_number(&j, "id", next[i].id);
        jsonl_text(&j, "user", next[i].user);
        jsonl_text(&j, "login", next[i].login);
        jsonl_text(&j, "message", next[i].message_id);
        add_line(&p, &j);
    }
    free(next);
    if (m->rules)
        rules_each_ban(m->rules, add_ban, &p);
    *bytes = p.bytes;
    return p.text;
}

static const struct jsonl_member *member(const struct jsonl_member *members, int count, const char *key)
{
    for (int i = 0; i < count; i++)
        if (strcmp(members[i].key, key) == 0)
            return &members[i];
    return NULL;
}

static void copy_text(const struct jsonl_member *m, char *out, size_t size)
{
    out[0] = '\0';
    if (m && m->count > 0)
        text_clean(out, size, m->text[0], strlen(m->text[0]));
}

static bool restore_wish(struct record *m, const struct jsonl_member *wish,
                         const struct jsonl_member *members, int count)
{
    struct request q = {.count = wish->count};
    if (q.count < 1 || q.count > REQUESTS_SUBJECTS_MAX)
        return false;
    for (int i = 0; i < q.count; i++)
        q.synset[i] = synsets_by_wnid(wish->text[i]);
    const struct jsonl_member *id = member(members, count, "id");
    q.id = id && id->is_number ? id->number : 0;
    copy_text(member(members, count, "user"), q.user, sizeof q.user);
    copy_text(member(members, count, "login"), q.login, sizeof q.login);
    copy_text(member(members, count, "message"), q.message_id, sizeof q.message_id);
    return q.id > 0 && q.user[0] && requests_restore(m->requests, &q) == 0;
}

static bool restore_line(struct record *m, const char *line)
{
    static const char ban_key[] = "ban", wish_key[] = "wish";
    struct jsonl_member *members = xcalloc(MEMBERS_MAX, sizeof *members);
    int count = jsonl_read(line, members, MEMBERS_MAX);
    const struct jsonl_member *wish = member(members, count, wish_key),
                              *ban = member(members, count, ban_key);
    char login[REQUEST_USER_BYTES];
    bool ok = false;
    copy_text(ban, login, sizeof login);
    if (wish)
        ok = restore_wish(m, wish, members, count);
    else if (login[0] && m->rules)
        ok = rules_ban(m->rules, login) != -ENOSPC;
    free(members);
    return ok;
}

/* What cannot be read must not be written over: nobody would be banned any more. */
static int restore(struct record *m, const char *folder, struct error *e)
{
    char *text;
    struct error why = {""};
    int rc = journal_read_state(folder, STATE_NAME, STATE_BYTES_MAX, &text, &why), good = 0, bad = 0;
    if (rc < 0)
        return error_set(e, -rc, "%s; mend it, or move it away to begin without its wishes and bans",
                         why.text);
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

static void begin_event(struct jsonl_line *j, char *line, size_t size, const char *event)
{
    char at[TIME_BYTES];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &utc);
    jsonl_begin(j, line, size);
    jsonl_text(j, "at", at);
    jsonl_text(j, "event", event);
}

static void add_request(struct jsonl_line *j, const struct request *q)
{
    char label[256];
    request_label(q, label, sizeof label);
    jsonl_number(j, "id", q->id);
    jsonl_text(j, "user", q->user);
    jsonl_text(j, "login", q->login);
    add_classes(j, "wnid", q);
    jsonl_text(j, "name", label);
}

static void turned(void *context, const struct request *before, double on_s, const struct request *now)
{
    struct record *m = context;
    char line[JOURNAL_LINE_BYTES];
    struct jsonl_line j;
    if (before->count > 0) {
        begin_event(&j, line, sizeof line, "ended");
        jsonl_number(&j, "id", before->id);
        jsonl_number(&j, "turn", before->turn);
        jsonl_number(&j, "on_ms", (int64_t)llround(on_s * 1000));
        journal_write(m->journal, line, jsonl_end(&j));
    }
    begin_event(&j, line, sizeof line, "shown");
    jsonl_number(&j, "turn", now->turn);
    add_request(&j, now);
    journal_write(m->journal, line, jsonl_end(&j));
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
    char line[JOURNAL_LINE_BYTES];
    struct jsonl_line j;
    if (!m)
        return;
    begin_event(&j, line, sizeof line, "asked");
    add_request(&j, q);
    jsonl_text(&j, "text", text);
    journal_write(m->journal, line, jsonl_end(&j));
}

void record_removed(struct record *m, const char *login, const char *message_id)
{
    char line[JOURNAL_LINE_BYTES];
    struct jsonl_line j;
    if (!m)
        return;
    begin_event(&j, line, sizeof line, "removed");
    jsonl_text(&j, message_id ? "message" : "login", message_id ? message_id : login ? login : "");
    journal_write(m->journal, line, jsonl_end(&j));
}
