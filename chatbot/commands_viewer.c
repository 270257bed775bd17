/*
 * commands_viewer - what viewers ask: what is on, who waits, where they are, what there is to wish for.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "chatbot/bot.h"
#include "show/way.h"

enum { QUEUE_SHOWN = 5, LAST_SHOWN = 5, WORDS_DRAWN = 12, WORDS_BYTES = 380 };

/* " I see it with 42 % certainty; also: geyser." Only what may be wished for is named. */
static const char *sight(struct chat_call *c, const struct request *now, char *out, size_t size)
{
    struct chatbot *b = c->bot;
    pthread_mutex_lock(&b->lock);
    struct chat_sight s = b->sight;
    pthread_mutex_unlock(&b->lock);
    out[0] = '\0';
    if (s.share < 0 || s.request_id != now->id)
        return out;
    bool names = s.also >= 0 && s.also < SYNSET_COUNT && c->known.known[s.also];
    snprintf(out, size, " I see it with %.0f %% certainty%s%s.", 100 * s.share, names ? "; also: " : "",
             names ? synset_table[s.also].names[0] : "");
    return out;
}

void run_now(struct chat_call *c)
{
    struct request now;
    char label[256], at[CHAT_AT_BYTES], seen[128];
    requests_list(c->bot->requests, &now, NULL, 0);
    request_label(&now, label, sizeof label);
    if (now.count == 0)
        chat_print(c, "I have only just closed my eyes. Ask again in a second.");
    else if (!now.user[0])
        chat_print(c, "%s, and nobody told me to. Name a thing and I drop it.%s", label,
                   sight(c, &now, seen, sizeof seen));
    else
        chat_print(c, "%s, because %s wished for it.%s", label, chat_at(c->bot, now.user, at),
                   sight(c, &now, seen, sizeof seen));
}

void run_queue(struct chat_call *c)
{
    struct request next[QUEUE_SHOWN];
    char text[CHAT_REPLY_BYTES], caption[256], at[CHAT_AT_BYTES];
    int waiting = requests_list(c->bot->requests, NULL, next, QUEUE_SHOWN);
    if (waiting == 0) {
        chat_print(c, "Nobody waits. Whatever you name is next.");
        return;
    }
    int shown = waiting < QUEUE_SHOWN ? waiting : QUEUE_SHOWN;
    size_t n = (size_t)snprintf(text, sizeof text, "%d waiting:", waiting);
    for (int i = 0; i < shown && n < sizeof text; i++) {
        request_label(&next[i], caption, sizeof caption);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s %d. %s (%s)", i ? "," : "", i + 1, caption,
                              chat_at(c->bot, next[i].user, at));
    }
    chat_print(c, waiting > shown ? "%s and %d more." : "%s.", text, waiting - shown);
}

void run_where(struct chat_call *c)
{
    struct request now;
    double eta_s;
    char when[CHAT_WHEN_BYTES];
    int place = requests_where(c->bot->requests, c->who.login, c->now_s, &eta_s);
    requests_list(c->bot->requests, &now, NULL, 0);
    if (place > 0)
        chat_print(c, "You are number %d in the line: %s.", place, chat_when(c, eta_s, when));
    else if (now.id && strcasecmp(now.login[0] ? now.login : now.user, c->who.login) == 0)
        chat_print(c, "Yours is the one that I am dreaming right now.");
    else
        chat_print(c, "Nothing of yours is waiting. Name a thing and it will.");
}

void run_cancel(struct chat_call *c)
{
    int rc = requests_cancel(c->bot->requests, c->who.login);
    if (rc == 0 && c->bot->rules)
        rules_unwished(c->bot->rules, c->key, c->now_s); /* another one may follow at once */
    if (rc == 0)
        chat_print(c, "Forgotten. Your place in the line goes to somebody with fewer doubts.");
    else
        chat_print(c, "There is nothing of yours in the line to take back.");
}

/* `count` names of `synsets`, as many as fit, and how many of `total` are left out. */
static void print_words(struct chat_call *c, const char *before, const int *synsets, int count, int total)
{
    char text[CHAT_REPLY_BYTES];
    size_t n = 0;
    int shown = 0;
    text[0] = '\0';
    for (; shown < count; shown++) {
        const char *name = synset_table[synsets[shown]].names[0];
        if (n + strlen(name) + 2 > WORDS_BYTES)
            break;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", shown ? ", " : "", name);
    }
    chat_print(c, total > shown ? "%s %s and %d more." : "%s %s.", before, text, total - shown);
}

/* The classes that a misspelt or unusual word means. */
static int means(const struct chat_call *c, const struct synsets_result *r, int *found)
{
    const struct synsets_subject *s = &r->subject[0];
    int count = 0;
    for (int i = 0; synsets_granted(r) && i < s->head_count; i++)
        if (c->known.known[s->choices[i]])
            found[count++] = s->choices[i];
    return count;
}

static void print_kind(struct chat_call *c, int *found, int total)
{
    struct synsets_result r;
    char list[256];
    synsets_resolve(c->rest, strlen(c->rest), &c->known, &r);
    if (total == 0)
        total = means(c, &r, found);
    if (total > 0)
        print_words(c, "Of that kind I can dream", found, total, total);
    else if (r.suggestion_count > 0)
        chat_print(c, "I know no such word. The nearest that I have: %s.",
                   chat_list(r.suggestion_name, r.suggestion_count, list, sizeof list));
    else
        chat_print(c, "I know no such word. !words alone shows some that I know.");
}

void run_words(struct chat_call *c)
{
    int found[SYNSET_COUNT];
    int total = synsets_browse(c->rest, &c->known, found, SYNSET_COUNT);
    if (c->rest[0]) {
        print_kind(c, found, total);
        return;
    }
    int count = total < WORDS_DRAWN ? total : WORDS_DRAWN;
    for (int i = 0; i < count; i++) {
        int other = i + (int)rng_below(&c->rng, (uint32_t)(total - i)), t = found[i];
        found[i] = found[other];
        found[other] = t;
    }
    print_words(c, "For example", found, count, total);
    size_t n = strlen(c->reply), more = strlen(c->bot->words_link);
    if (more > 0 && n + more + 12 < c->reply_size)
        snprintf(c->reply + n, c->reply_size - n, " All of them: %s", c->bot->words_link);
}

void run_last(struct chat_call *c)
{
    struct request before[LAST_SHOWN];
    char text[CHAT_REPLY_BYTES], label[256], at[CHAT_AT_BYTES];
    int count = requests_before(c->bot->requests, before, LAST_SHOWN);
    size_t n = 0;
    text[0] = '\0';
    for (int i = 0; i < count && n < sizeof text; i++) {
        request_label(&before[i], label, sizeof label);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i ? ", " : "", label);
        if (before[i].user[0] && n < sizeof text)
            n += (size_t)snprintf(text + n, sizeof text - n, " (%s)", chat_at(c->bot, before[i].user, at));
    }
    if (count == 0)
        chat_print(c, "This is the first thing that I ever dreamed. I think.");
    else
        chat_print(c, "Before this: %s.", text);
}

void run_random(struct chat_call *c)
{
    struct request now;
    requests_list(c->bot->requests, &now, NULL, 0);
    int found[SYNSET_COUNT], count = 0;
    for (int s = 0; s < SYNSET_COUNT; s++)
        if (c->known.known[s] && !(now.count == 1 && now.synset[0] == s) &&
            requests_rest_s(c->bot->requests, s, c->who.login, c->now_s) <= 0)
            found[count++] = s;
    if (count == 0)
        chat_print(c, "Nothing is left that was not on lately.");
    else
        chat_wish_for(c, synset_table[found[rng_below(&c->rng, (uint32_t)count)]].names[0]);
}

/* In a channel without an answer: many may say it at once. */
void run_seen(struct chat_call *c)
{
    struct chatbot *b = c->bot;
    int rc = b->way ? way_seen(b->way, c->key, c->now_s) : -ENOENT;
    if (c->origin == CHAT_IRC)
        c->answered = false;
    if (rc == 0)
        chat_print(c, "Thank you. I take it that people see me %.0f s late.", way_platform_s(b->way));
    else if (rc == -EALREADY)
        chat_print(c, "You have told me already. Look out for the next one.");
    else
        chat_print(c, "Nothing has changed just now. Say it the moment a new dream comes to your screen.");
}

void run_yes(struct chat_call *c)
{
    const char *name = chat_offered(c);
    if (name)
        chat_wish_for(c, name);
    else
        chat_print(c, "Yes to what? I have offered you nothing in the last minute.");
}
