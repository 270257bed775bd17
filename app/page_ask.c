/*
 * page_ask - what is asked on the page: wishes, orders, words. The bot answers, as it does in the chat.
 *
 * A viewer of the page is a viewer: his login is "page:" and his page's mark, so one page has one wish in the line,
 * and he can be banned. Anybody can open many pages; so all of them together hold at most PAGE_WAITING_MAX places.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/gallery.h"
#include "app/page_parts.h"
#include "common/mem.h"
#include "common/rng.h"
#include "common/text.h"

enum { PAGE_WAITING_MAX = 20, LIST_MAX = 200 };

/* ---- wishes ---- */

static const enum web_result results[] = {
    [CHAT_SAID] = WEB_SAID,       [CHAT_TAKEN] = WEB_TAKEN,       [CHAT_UNKNOWN] = WEB_UNKNOWN,
    [CHAT_LACKING] = WEB_MISSING, [CHAT_TOO_MANY] = WEB_TOO_MANY, [CHAT_ALREADY] = WEB_ALREADY,
    [CHAT_FULL] = WEB_FULL,       [CHAT_COOLDOWN] = WEB_COOLDOWN, [CHAT_FORBIDDEN] = WEB_BANNED,
    [CHAT_PAUSED] = WEB_PAUSED,   [CHAT_BANNED] = WEB_BANNED,
};

static bool is_crowded(struct page *p, const char *login)
{
    struct request *next = xcalloc(LIST_MAX, sizeof *next);
    int count = requests_list(p->p.requests, NULL, next, LIST_MAX), pages = 0;
    bool waits = false;
    for (int i = 0; i < count && i < LIST_MAX; i++) {
        pages += strncmp(next[i].login, "page:", 5) == 0;
        waits |= strcasecmp(next[i].login, login) == 0;
    }
    free(next);
    return !waits && pages >= PAGE_WAITING_MAX;
}

void page_wish(void *context, const struct web_wish *w, struct web_answer *a)
{
    struct page *p = context;
    struct chat_outcome outcome;
    char login[REQUEST_USER_BYTES], reply[CHAT_REPLY_BYTES];
    double now_s = page_now_s(p), eta_s;
    snprintf(login, sizeof login, "page:%.32s", w->viewer && w->viewer[0] ? w->viewer : "somebody");
    bool pulls =
        strcmp(w->text, "!1") == 0 || strcmp(w->text, "!2") == 0; /* which takes no place in the line */
    if (!pulls && is_crowded(p, login)) {
        *a = (struct web_answer){.result = WEB_FULL, .wait_s = p->p.settings->show.hold_s};
        text_copy(a->reply, sizeof a->reply, "So many pages want something that I must finish a few first.");
        return;
    }
    struct chat_line line = {.origin = w->frame ? CHAT_FRAME : CHAT_PAGE,
                             .user = login,
                             .display_name = w->name && w->name[0] ? w->name : "somebody here",
                             .text = w->text,
                             .bytes = strlen(w->text)};
    chatbot_ask(p->p.chatbot, &line, now_s, reply, &outcome);
    *a = (struct web_answer){.result = results[outcome.result],
                             .id = outcome.request.id,
                             .on_screen_in_s = outcome.on_screen_s,
                             .wait_s = outcome.wait_s,
                             .near_count = outcome.near_count};
    text_copy(a->reply, sizeof a->reply, reply[0] ? reply : "I am not listening to you.");
    memcpy(a->near, outcome.near, sizeof a->near);
    if (outcome.kept_id > 0 && p->p.gallery) {
        snprintf(a->still, sizeof a->still, "/gallery/%s-%lld.jpg", outcome.run, (long long)outcome.kept_id);
        if (outcome.has_loop)
            snprintf(a->loop, sizeof a->loop, "/gallery/%s-%lld.%s", outcome.run, (long long)outcome.kept_id,
                     p->p.settings->gallery.loop == GALLERY_LOOP_WEBP ? "webp" : "mp4");
    }
    if (outcome.request.id > 0) {
        request_label(&outcome.request, a->text, sizeof a->text);
        a->place = requests_where(p->p.requests, login, now_s, &eta_s);
    }
}

/* ---- the operator ---- */

/* As the terminal's line, which is the operator's too. */
static void order(struct page *p, char reply[WEB_REPLY_BYTES], const char *text)
{
    char said[CHAT_REPLY_BYTES];
    struct chat_line line = {
        .origin = CHAT_TERMINAL, .user = "operator", .text = text, .bytes = strlen(text)};
    chatbot_line(p->p.chatbot, &line, page_now_s(p), said);
    text_copy(reply, WEB_REPLY_BYTES, said);
}

/* One that waits, or the one that is on: then its name goes and the next has its turn. */
static bool withdraw(struct page *p, int64_t id, char reply[WEB_REPLY_BYTES])
{
    struct request now, *next = xcalloc(LIST_MAX, sizeof *next);
    int count = requests_list(p->p.requests, &now, next, LIST_MAX);
    bool done = false;
    for (int i = 0; i < count && i < LIST_MAX && !done; i++)
        if (next[i].id == id)
            done = requests_cancel(p->p.requests, next[i].login[0] ? next[i].login : next[i].user) == 0;
    if (!done && now.id == id) {
        done = requests_withdraw(p->p.requests, now.login[0] ? now.login : now.user, NULL) > 0;
        record_removed(p->p.record, now.login[0] ? now.login : now.user, NULL);
        requests_skip(p->p.requests);
        done = true;
    }
    free(next);
    text_copy(reply, WEB_REPLY_BYTES, done ? "It is taken back." : "No wish of that number waits.");
    return done;
}

/* The wishes on the page go by names for people: who is meant is looked for among those that wait or are on. */
static void login_of(struct page *p, const char *name, char out[REQUEST_USER_BYTES])
{
    struct request now, *next = xcalloc(LIST_MAX, sizeof *next);
    int count = requests_list(p->p.requests, &now, next, LIST_MAX);
    const struct request *found = strcasecmp(now.user, name) == 0 ? &now : NULL;
    for (int i = 0; i < count && i < LIST_MAX && !found; i++)
        if (strcasecmp(next[i].user, name) == 0)
            found = &next[i];
    text_clean(out, REQUEST_USER_BYTES, found && found->login[0] ? found->login : name,
               strlen(found && found->login[0] ? found->login : name));
    char *blank = strpbrk(out, " ,");
    if (blank)
        *blank = '\0';
    free(next);
}

bool page_operate(void *context, const struct web_operation *o, char reply[WEB_REPLY_BYTES])
{
    static const char *const orders[] = {
        [WEB_SKIP] = "!skip", [WEB_RESUME] = "!resume", [WEB_PAUSE] = "!pause", [WEB_CLEAR] = "!clear",
        [WEB_HOLD] = "!hold", [WEB_BAN] = "!ban",       [WEB_UNBAN] = "!unban", [WEB_CLIP] = "!clip"};
    struct page *p = context;
    char text[128], login[REQUEST_USER_BYTES];
    if (o->order == WEB_WITHDRAW)
        return withdraw(p, o->id, reply);
    if (o->order == WEB_HOLD && o->seconds < 1) {
        requests_hold(p->p.requests, 0);
        text_copy(reply, WEB_REPLY_BYTES, "I let go of it.");
        return true;
    }
    if (o->order == WEB_OUTPUT && !output_desk_knows(p->p.outputs, o->name)) {
        text_copy(reply, WEB_REPLY_BYTES, "There is no output of that name.");
        return false;
    }
    if (o->order == WEB_OUTPUT) {
        snprintf(text, sizeof text, "!output %s %s", o->name, o->on ? "on" : "off");
    } else if (o->order == WEB_HOLD) {
        snprintf(text, sizeof text, "!hold %.0f", o->seconds);
    } else if (o->order == WEB_BAN || o->order == WEB_UNBAN) {
        login_of(p, o->name, login);
        snprintf(text, sizeof text, "%s %s", orders[o->order], login);
    } else {
        text_copy(text, sizeof text, orders[o->order]);
    }
    order(p, reply, text);
    return true;
}

/* ---- words ---- */

/* Classes that come out well with the model that is built in, as far as people recognise them. */
static const char *const ideas[] = {
    "n01443537", "n02056570", "n02132136", "n02410509", "n02129165", "n01910747", "n02165456", "n02206856",
    "n02279972", "n02268443", "n01770393", "n01784675", "n01698640", "n02504458", "n02509815", "n02123045",
    "n07873807", "n07734744", "n04146614", "n02814860", "n03388043", "n04275548", "n04366367", "n02788148",
    "n07747607", "n07720875", "n07753592", "n09193705", "n09256479", "n12267677", "n03042490", "n01882714",
};

static int draw_ideas(struct page *p, struct web_word *out, int max)
{
    struct rng rng = rng_make((uint64_t)clock_real_us(), 0x6964);
    int candidates[SYNSET_COUNT], count = 0, n = 0;
    for (size_t i = 0; i < ARRAY_LEN(ideas); i++) {
        int synset = synsets_by_wnid(ideas[i]);
        if (synset >= 0 && p->p.known->known[synset])
            candidates[count++] = synset;
    }
    for (int i = 0; count < max && i < SYNSET_COUNT; i++)
        if (p->p.known->known[i])
            candidates[count++] = i;
    for (; n < max && count > 0; n++) {
        int at = (int)rng_below(&rng, (uint32_t)count);
        const struct synset *s = &synset_table[candidates[at]];
        out[n] = (struct web_word){.word = s->names[0], .wnid = s->wnid};
        candidates[at] = candidates[--count];
    }
    return n;
}

/* How well a name fits: 0 begins with the text, 1 a word of it does, 2 holds it; 3: not at all. */
static int fit(const char *name, const char *text)
{
    size_t n = strlen(text);
    if (strncasecmp(name, text, n) == 0)
        return 0;
    for (const char *hit = name; (hit = strcasestr(hit, text)); hit++)
        if (hit[-1] == ' ' || hit[-1] == '-')
            return 1;
    return strcasestr(name, text) ? 2 : 3;
}

int page_words(void *context, const char *text, struct web_word *out, int max)
{
    struct page *p = context;
    char clean[64];
    int n = 0;
    if (text_clean(clean, sizeof clean, text, strlen(text)) == 0)
        return draw_ideas(p, out, max);
    for (int wanted = 0; wanted < 3; wanted++)
        for (int i = 0; i < SYNSET_COUNT && n < max; i++) {
            const struct synset *s = &synset_table[i];
            int best = 3, which = 0;
            for (int k = 0; p->p.known->known[i] && s->names[k]; k++)
                if (fit(s->names[k], clean) < best)
                    best = fit(s->names[which = k], clean);
            if (best == wanted)
                out[n++] = (struct web_word){
                    .word = s->names[0], .wnid = s->wnid, .note = which > 0 ? s->names[which] : NULL};
        }
    return n;
}
