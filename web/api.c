/*
 * api - what viewers ask: words, wishes, and what was dreamed before.
 */
#include <stdio.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "web/site.h"

enum { TEXT_BYTES_MAX = 400, VIEWER_BYTES_MAX = 32, HISTORY_LIMIT = 48 };

static void send_list(struct call *c, const char *name, struct json *list)
{
    struct json *o = json_new_object();
    json_put(o, name, list);
    site_json(c, 200, o);
}

/* ---- words ---- */

bool site_get_words(struct call *c)
{
    struct web_word words[WEB_WORDS_MAX];
    const char *text = target_value(&c->target, "q");
    int64_t limit;
    if (!target_number(&c->target, "limit", 1, WEB_WORDS_MAX, WEB_WORDS_MAX, &limit)) {
        site_error(c, 400, "bad_limit", "limit is a number from 1 to 8");
        return true;
    }
    int count = c->web->p.show->words(c->web->p.context, text ? text : "", words, (int)limit);
    struct json *list = json_new_list();
    for (int i = 0; i < count; i++) {
        struct json *w = json_new_object();
        json_put_text(w, "word", words[i].word);
        json_put_text(w, "wnid", words[i].wnid);
        if (words[i].note)
            json_put_text(w, "note", words[i].note);
        json_add(list, w);
    }
    send_list(c, "words", list);
    return true;
}

/* ---- wishes ---- */

static const struct {
    const char *name;
    int status;
} results[WEB_RESULTS] = {
    [WEB_TAKEN] = {"taken", 200},       [WEB_UNKNOWN] = {"unknown", 422}, [WEB_MISSING] = {"missing", 422},
    [WEB_TOO_MANY] = {"many", 422},     [WEB_ALREADY] = {"already", 409}, [WEB_FULL] = {"full", 429},
    [WEB_COOLDOWN] = {"cooldown", 429}, [WEB_BANNED] = {"banned", 403},   [WEB_PAUSED] = {"paused", 403},
    [WEB_SAID] = {"said", 200},
};

/* A text member: "" when it is absent, NULL when it is something else or too long. */
static const char *text_of(const struct json *body, const char *key, size_t bytes_max)
{
    const struct json *value = json_member(body, key);
    if (!value)
        return "";
    const char *text = json_text(value);
    return text && strlen(text) <= bytes_max ? text : NULL;
}

static bool is_word(const char *text)
{
    for (; *text; text++)
        if (!isalnum((unsigned char)*text))
            return false;
    return true;
}

static bool too_often(struct call *c)
{
    double wait_s =
        c->is_operator ? 0 : limits_take(&c->web->limits, c->request->peer, (double)clock_real_us() / 1e6);
    if (wait_s <= 0)
        return false;
    site_error(c, 429, "too_often", "one wish every two seconds, please");
    http_add_header(c->answer, "Retry-After", "%d", (int)ceil(wait_s));
    return true;
}

static void tell_result(struct call *c, const struct web_answer *a)
{
    struct json *o = json_new_object();
    json_put_truth(o, "taken", a->result == WEB_TAKEN);
    json_put_text(o, "reply", a->reply);
    if (a->result != WEB_TAKEN)
        json_put_text(o, "reason", results[a->result].name);
    if (a->id > 0) {
        json_put_whole(o, "id", a->id);
        json_put_text(o, "text", a->text);
        json_put_whole(o, "place", a->place);
        json_put_real(o, "on_screen_in_s", a->on_screen_in_s, 1);
    }
    if (a->still[0])
        json_put_text(o, "still", a->still);
    if (a->loop[0])
        json_put_text(o, "loop", a->loop);
    if (a->near_count > 0) {
        struct json *near = json_new_list();
        for (int i = 0; i < a->near_count; i++)
            json_add_text(near, a->near[i]);
        json_put(o, "near", near);
    }
    site_json(c, results[a->result].status, o);
    if (results[a->result].status == 429)
        http_add_header(c->answer, "Retry-After", "%d", (int)fmax(1, ceil(a->wait_s)));
}

bool site_post_request(struct call *c)
{
    struct web_wish wish = {.text = text_of(c->body, "text", TEXT_BYTES_MAX),
                            .name = text_of(c->body, "name", WEB_NAME_BYTES - 1),
                            .viewer = text_of(c->body, "viewer", VIEWER_BYTES_MAX)};
    struct web_answer a = {0};
    if (!wish.text || !wish.text[0] || !wish.name || !wish.viewer || !is_word(wish.viewer)) {
        site_error(c, 400, "bad_wish",
                   "send {\"text\": \"goldfish\"}, at most 400 bytes; a name has at most 63");
        return true;
    }
    if (too_often(c))
        return true;
    c->web->p.show->wish(c->web->p.context, &wish, &a);
    tell_result(c, &a);
    site_changed(c->web);
    return true;
}

/* ---- history ---- */

static struct json *entry_json(const struct history_entry *e)
{
    char url[64];
    struct json *o = site_dream_json(&e->dream);
    snprintf(url, sizeof url, "/history/%lld.jpg", (long long)e->id);
    json_put_whole(o, "id", e->id);
    json_put_text(o, "picture", url);
    json_put_whole(o, "ended", e->ended);
    json_put_real(o, "on_s", e->on_s, 1);
    if (e->seen >= 0)
        json_put_real(o, "seen", e->seen, 3);
    return o;
}

bool site_get_history(struct call *c)
{
    int64_t limit, before;
    if (!target_number(&c->target, "limit", 1, HISTORY_LIMIT, 12, &limit) ||
        !target_number(&c->target, "before", 0, INT64_MAX, 0, &before)) {
        site_error(c, 400, "bad_limit", "limit is a number from 1 to 48, before an id");
        return true;
    }
    struct history_entry *entries = xcalloc((size_t)limit, sizeof *entries);
    int count = history_list(c->web->history, before, entries, (int)limit);
    struct json *list = json_new_list();
    for (int i = 0; i < count; i++)
        json_add(list, entry_json(&entries[i]));
    free(entries);
    send_list(c, "dreams", list);
    return true;
}

/* "/history/12.jpg" */
bool site_get_history_picture(struct call *c)
{
    const char *number = c->target.path + strlen("/history/");
    size_t digits = strspn(number, "0123456789"), bytes = 0;
    bool named = digits > 0 && digits < 19 && strcmp(number + digits, ".jpg") == 0;
    uint8_t *jpeg = named ? history_picture(c->web->history, atoll(number), &bytes) : NULL;
    if (!jpeg) {
        site_error(c, 404, "not_found", "that picture is not kept any more");
        return true;
    }
    c->answer->status = 200;
    c->answer->type = "image/jpeg";
    c->answer->owned = jpeg;
    c->answer->body_bytes = bytes;
    return true;
}
