/*
 * chatbot - see chatbot.h. From a line to a request: what it means, which of several classes is taken, what
 * the queue says to it, and how that is told.
 *
 * Where a word means several classes: names shared by two (crane) take the first one that is not on the
 * screen now, so asking again gives the other; a kind ("dog") or a word of names ("spider") draws one that is
 * not on now.
 */
#include "chatbot/bot.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

enum { RNG_STREAM_REPLIES = 0x7265, LABEL_BYTES = 256, REROLLS = 8, PART_SHOWN_BYTES = 64 };

int chatbot_open(struct chatbot **out, struct requests *requests, const struct synsets_known *known,
                 uint64_t seed, double lag_s)
{
    struct chatbot *b = xcalloc(1, sizeof *b);
    b->requests = requests;
    b->known = *known;
    b->lag_s = lag_s;
    b->rng = rng_make(seed, RNG_STREAM_REPLIES);
    pthread_mutex_init(&b->lock, NULL);
    *out = b;
    return 0;
}

void chatbot_close(struct chatbot **b)
{
    if (!*b)
        return;
    pthread_mutex_destroy(&(*b)->lock);
    free(*b);
    *b = NULL;
}

bool chat_is_operator(const struct chat_call *c)
{
    return c->origin == CHAT_TERMINAL;
}

static uint64_t hash(const char *text)
{
    uint64_t h = 1;
    for (; *text; text++)
        h = rng_mix(h + (unsigned char)*text);
    return h;
}

void chat_say(struct chat_call *c, enum reply reply, const struct reply_words *words)
{
    struct chatbot *b = c->bot;
    for (int i = 0; i < REROLLS; i++) {
        reply_write(reply, words, &c->rng, c->reply, c->reply_size);
        uint64_t h = hash(c->reply);
        pthread_mutex_lock(&b->lock);
        bool repeats = b->last_reply == h;
        b->last_reply = h;
        pthread_mutex_unlock(&b->lock);
        if (!repeats)
            return;
    }
}

void chat_print(struct chat_call *c, const char *format, ...)
{
    char text[2 * CHAT_REPLY_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_clean(c->reply, c->reply_size, text, strlen(text));
}

const char *chat_when(const struct chat_call *c, double eta_s, char out[CHAT_WHEN_BYTES])
{
    double s = ceil(eta_s + c->bot->lag_s);
    if (!(s >= 1))
        s = 1;
    if (s < 100)
        snprintf(out, CHAT_WHEN_BYTES, "on your screen in about %d s", (int)s);
    else if (s < 100 * 60)
        snprintf(out, CHAT_WHEN_BYTES, "on your screen in about %d min", (int)lround(s / 60));
    else
        snprintf(out, CHAT_WHEN_BYTES, "on your screen in about %d h", (int)lround(fmin(s / 3600, 9999)));
    return out;
}

const char *chat_list(const char *const *names, int count, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (int i = 0; i < count; i++) {
        const char *before = i == 0 ? "" : i == count - 1 ? " or " : ", ";
        if (n + strlen(before) + strlen(names[i]) >= size)
            break;
        n += (size_t)snprintf(out + n, size - n, "%s%s", before, names[i]);
    }
    return out;
}

static bool shown(const struct request *now, int synset)
{
    for (int i = 0; i < now->count; i++)
        if (now->synset[i] == synset)
            return true;
    return false;
}

/* Which of its classes a part takes; `now` is on the screen, `q` holds what earlier parts took. */
static int choose(struct chat_call *c, const struct synsets_subject *s, int first, const struct request *now,
                  const struct request *q)
{
    bool draw = s->how != SYNSETS_NAME && s->how != SYNSETS_NAME_FORM && s->how != SYNSETS_SQUEEZED;
    int ends[] = {s->head_count, s->choice_count};
    for (size_t e = 0; e < ARRAY_LEN(ends); e++) {
        int candidates[SYNSET_COUNT], count = 0;
        for (int i = 0; i < ends[e]; i++) {
            int synset = s->choices[i];
            if (c->bot->known.known[synset] && !shown(now, synset) && !shown(q, synset))
                candidates[count++] = synset;
        }
        if (count > 0)
            return candidates[draw ? rng_below(&c->rng, (uint32_t)count) : 0];
    }
    return first; /* all that it may mean is on already; the queue will say so */
}

static void make_request(struct chat_call *c, const struct synsets_result *r, struct request *q)
{
    struct request now;
    requests_list(c->bot->requests, &now, NULL, 0);
    *q = (struct request){.immediate = chat_is_operator(c)};
    text_copy(q->user, sizeof q->user, c->user);
    for (int i = 0; i < r->count; i++) {
        q->synset[i] = choose(c, &r->subject[i], r->synset[i], &now, q);
        q->count = i + 1;
    }
}

/* What the queue said, to a person. */
static void tell(struct chat_call *c, const struct request *q, int rc, double eta_s, bool replaced)
{
    char label[LABEL_BYTES], when[CHAT_WHEN_BYTES], number[16];
    request_label(q, label, sizeof label);
    struct reply_words words = {.subject = label,
                                .top = synset_table[q->synset[0]].names[0],
                                .bottom = q->count > 1 ? synset_table[q->synset[1]].names[0] : NULL,
                                .when = chat_when(c, eta_s, when)};
    struct request now;
    int waiting = requests_list(c->bot->requests, &now, NULL, 0);
    snprintf(number, sizeof number, "%d", waiting);
    words.number = number;
    if (rc == -EALREADY)
        chat_say(c, now.id == q->id ? REPLY_ON_NOW : REPLY_HAVE_IT, &words);
    else if (rc)
        chat_say(c, REPLY_FULL, &words);
    else if (replaced && !q->immediate)
        chat_say(c, q->count > 1 ? REPLY_INSTEAD_TWO : REPLY_INSTEAD_ONE, &words);
    else
        chat_say(c, q->count > 1 ? REPLY_TWO : REPLY_ONE, &words);
}

static void tell_why_not(struct chat_call *c, const struct synsets_result *r)
{
    char list[LABEL_BYTES], part[PART_SHOWN_BYTES];
    text_copy(part, sizeof part, r->part);
    struct reply_words words = {.part = part};
    words.list = chat_list(r->suggestion_name, r->suggestion_count, list, sizeof list);
    switch (r->verdict) {
    case SYNSETS_LACKING:
        chat_say(c, r->suggestion_count ? REPLY_LACKING : REPLY_UNKNOWN, &words);
        break;
    case SYNSETS_UNKNOWN:
        chat_say(c, r->suggestion_count ? REPLY_DID_YOU_MEAN : REPLY_UNKNOWN, &words);
        break;
    case SYNSETS_TOO_MANY:
        chat_say(c, REPLY_TOO_MANY, &words);
        break;
    default:
        words.list = chat_command_names(c, list, sizeof list);
        chat_say(c, REPLY_HELP, &words);
    }
}

void chat_request(struct chat_call *c)
{
    struct synsets_result r;
    synsets_resolve(c->rest, strlen(c->rest), &c->bot->known, &r);
    if (r.verdict != SYNSETS_OK) {
        requests_refused(c->bot->requests);
        tell_why_not(c, &r);
        return;
    }
    struct request q;
    double eta_s;
    bool replaced;
    make_request(c, &r, &q);
    int rc = requests_add(c->bot->requests, &q, c->now_s, &eta_s, &replaced);
    tell(c, &q, rc, eta_s, replaced);
}

void chatbot_line(struct chatbot *b, enum chat_origin origin, const char *user, const char *text,
                  size_t bytes, double now_s, char reply[CHAT_REPLY_BYTES])
{
    char clean[SYNSETS_LINE_BYTES];
    reply[0] = '\0';
    text_clean(clean, sizeof clean, text, bytes);
    if (!clean[0] || (origin == CHAT_IRC && clean[0] != '!'))
        return;

    struct chat_call c = {.bot = b, .origin = origin, .rest = clean, .now_s = now_s};
    if (text_clean(c.user, sizeof c.user, user, strlen(user)) == 0)
        text_copy(c.user, sizeof c.user, "somebody");
    pthread_mutex_lock(&b->lock);
    c.rng = rng_make(rng_u64(&b->rng), RNG_STREAM_REPLIES);
    pthread_mutex_unlock(&b->lock);
    size_t name = origin == CHAT_TERMINAL ? 0 : (size_t)snprintf(reply, CHAT_REPLY_BYTES, "@%s ", c.user);
    c.reply = reply + name;
    c.reply_size = CHAT_REPLY_BYTES - name;
    if (clean[0] == '!')
        chat_command(&c, clean + 1);
    else
        chat_request(&c);
}
