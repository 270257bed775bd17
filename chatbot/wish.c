/*
 * wish - from words to a request: what they mean, which of several classes is taken, what rules and queue say to
 * it, and how that is told.
 *
 * Where a word means several classes: names shared by two (crane) take the first one that is not on the
 * screen now, so asking again gives the other; a kind ("dog") draws one that is not on now. What the bot offers
 * instead it remembers for a minute, for a "yes".
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chatbot/bot.h"
#include "common/text.h"
#include "show/record.h"

enum { LABEL_BYTES = 256, OFFER_S = 60 };

static void offer(struct chat_call *c, const char *name)
{
    struct chatbot *b = c->bot;
    pthread_mutex_lock(&b->lock);
    b->offers[b->offers_at] = (struct chat_offer){text_hash_caseless(c->who.login), c->now_s, name};
    b->offers_at = (b->offers_at + 1) % CHAT_OFFERS_MAX;
    pthread_mutex_unlock(&b->lock);
}

const char *chat_offered(struct chat_call *c)
{
    struct chatbot *b = c->bot;
    uint64_t who = text_hash_caseless(c->who.login);
    const char *name = NULL;
    pthread_mutex_lock(&b->lock);
    for (int back = 1; !name && back <= CHAT_OFFERS_MAX; back++) {
        struct chat_offer *o = &b->offers[(b->offers_at + CHAT_OFFERS_MAX - back) % CHAT_OFFERS_MAX];
        if (o->who == who && o->name && c->now_s - o->at_s <= OFFER_S) {
            name = o->name;
            o->name = NULL;
        }
    }
    pthread_mutex_unlock(&b->lock);
    return name;
}

/* Seconds for which the rules leave this class alone. */
static double rests_s(const struct chat_call *c, int synset)
{
    return chat_is_moderator(c) ? 0 : requests_rest_s(c->bot->requests, synset, c->who.login, c->now_s);
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
    bool draw = s->how == SYNSETS_PARENT || s->how == SYNSETS_PARENT_FORM;
    int candidates[SYNSET_COUNT], count = 0;
    for (int i = 0; i < s->head_count && !s->meant_name; i++) {
        int synset = s->choices[i];
        if (c->known.known[synset] && !shown(now, synset) && !shown(q, synset) && rests_s(c, synset) <= 0)
            candidates[count++] = synset;
    }
    if (count > 0)
        return candidates[draw ? rng_below(&c->rng, (uint32_t)count) : 0];
    return first; /* all that it may mean is on already; the queue will say so */
}

static void make_request(struct chat_call *c, const struct synsets_result *r, struct request *q)
{
    struct request now;
    requests_list(c->bot->requests, &now, NULL, 0);
    *q = (struct request){.immediate = chat_is_operator(c),
                          .reserved = chat_is_moderator(c),
                          .favoured = requests_favours(c->bot->requests) &&
                                      (c->roles & (CHAT_VIP | CHAT_SUBSCRIBER))};
    text_copy(q->user, sizeof q->user, c->shown);
    text_copy(q->login, sizeof q->login, c->who.login);
    text_clean(q->message_id, sizeof q->message_id, c->message_id, strlen(c->message_id));
    for (int i = 0; i < r->count; i++) {
        q->synset[i] = choose(c, &r->subject[i], r->synset[i], &now, q);
        q->manner[i] = r->manner[i];
        q->count = i + 1;
    }
    q->change = r->change;
    if (r->placed && q->count == 2 && c->bot->first_below) { /* the line says which is on top */
        int top = q->synset[0];
        q->synset[0] = q->synset[1];
        q->synset[1] = top;
    }
}

/* "@ann goldfish" */
static void put_brief(struct chat_call *c, const char *label)
{
    size_t n = strlen(c->outcome->brief);
    if (n > 0)
        snprintf(c->outcome->brief + n, sizeof c->outcome->brief - n, " %s", label);
}

/* What the queue said, to a person. */
static void tell(struct chat_call *c, const struct request *q, int rc, double eta_s, bool replaced)
{
    char label[LABEL_BYTES], when[CHAT_WHEN_BYTES], number[16];
    request_label(q, label, sizeof label);
    int below = c->bot->first_below ? 0 : q->count - 1;
    struct reply_words words = {.subject = label,
                                .top = synset_table[q->synset[q->count - 1 - below]].names[0],
                                .bottom = synset_table[q->synset[below]].names[0],
                                .when = chat_when(c, eta_s, when)};
    struct request now;
    int waiting = requests_list(c->bot->requests, &now, NULL, 0);
    snprintf(number, sizeof number, "%d", waiting);
    words.number = number;
    c->outcome->result = rc == 0 ? CHAT_TAKEN : rc == -EALREADY ? CHAT_ALREADY : CHAT_FULL;
    c->outcome->request = *q;
    put_brief(c, label);
    if (rc == -EALREADY)
        chat_say(c, now.id == q->id ? REPLY_ON_NOW : REPLY_HAVE_IT, &words);
    else if (rc)
        chat_say(c, REPLY_FULL, &words);
    else if (requests_is_lottery(c->bot->requests) && !q->immediate)
        chat_say(c, REPLY_LOTTERY, &words);
    else if (replaced && !q->immediate)
        chat_say(c, request_is_halves(q) ? REPLY_INSTEAD_TWO : REPLY_INSTEAD_ONE, &words);
    else
        chat_say(c, request_is_halves(q) ? REPLY_TWO : REPLY_ONE, &words);
}

static void tell_why_not(struct chat_call *c, const struct synsets_result *r)
{
    char list[LABEL_BYTES];
    char known[LABEL_BYTES]; /* a word of ours stands in quotes, what is none is "that" */
    if (r->missing_name)
        snprintf(known, sizeof known, "\"%s\"", r->missing_name);
    struct reply_words words = {.part = r->missing_name ? known : "that"};
    words.list = chat_list(r->suggestion_name, r->suggestion_count, list, sizeof list);
    c->outcome->near_count = r->suggestion_count;
    memcpy(c->outcome->near, r->suggestion_name, sizeof c->outcome->near);
    c->outcome->result = r->verdict == SYNSETS_LACKING    ? CHAT_LACKING
                         : r->verdict == SYNSETS_UNKNOWN  ? CHAT_UNKNOWN
                         : r->verdict == SYNSETS_TOO_MANY ? CHAT_TOO_MANY
                                                          : CHAT_SAID;
    if (r->suggestion_count > 0)
        offer(c, r->suggestion_name[0]);
    switch (r->verdict) {
    case SYNSETS_LACKING:
        chat_say(c, r->suggestion_count ? REPLY_LACKING : REPLY_UNKNOWN, &words);
        break;
    case SYNSETS_UNSURE:
        chat_say(c, REPLY_DID_YOU_MEAN, &words);
        break;
    case SYNSETS_UNKNOWN:
        chat_say(c, REPLY_UNKNOWN, &words);
        break;
    case SYNSETS_TOO_MANY:
        chat_say(c, REPLY_TOO_MANY, &words);
        break;
    default:
        words.list = chat_command_names(c, list, sizeof list);
        chat_say(c, REPLY_HELP, &words);
    }
}

/* Something of theirs waits: another wish takes its place and costs nothing. */
static bool has_waiting(const struct chat_call *c)
{
    double eta_s;
    return requests_where(c->bot->requests, c->who.login, c->now_s, &eta_s) > 0;
}

static double cooldown_s(const struct chat_call *c)
{
    if (chat_is_moderator(c) || c->paid || has_waiting(c))
        return 0;
    return rules_cooldown_s(c->bot->rules, c->key, c->now_s);
}

/* Which rule says no, CHAT_TAKEN when none does. A result of names that the show lacks may be lacking only by
 * the rules. */
static enum chat_result judge(struct chat_call *c, const struct synsets_result *r)
{
    const struct chatbot *b = c->bot;
    bool is_viewer = !chat_is_moderator(c), costs = b->reward[0] || b->bits_min > 0;
    if (rules_forbids_wish(b->rules, c->rest, r))
        return CHAT_FORBIDDEN;
    if (!synsets_granted(r))
        return CHAT_TAKEN;
    if (rules_is_paused(b->rules) && is_viewer)
        return CHAT_PAUSED;
    if (c->origin == CHAT_IRC && costs && is_viewer && !c->paid)
        return CHAT_UNPAID;
    c->outcome->wait_s = cooldown_s(c);
    return c->outcome->wait_s > 0 ? CHAT_COOLDOWN : CHAT_TAKEN;
}

/* Says no where the rules do. */
static bool refuse(struct chat_call *c, const struct synsets_result *r)
{
    static const enum reply replies[] = {[CHAT_FORBIDDEN] = REPLY_FORBIDDEN,
                                         [CHAT_PAUSED] = REPLY_PAUSED,
                                         [CHAT_UNPAID] = REPLY_UNPAID,
                                         [CHAT_COOLDOWN] = REPLY_COOLDOWN};
    char number[16];
    struct reply_words words = {.number = number};
    if (!c->bot->rules || chat_is_operator(c))
        return false;
    enum chat_result result = judge(c, r);
    if (result == CHAT_TAKEN)
        return false;
    snprintf(number, sizeof number, "%d", (int)fmin(ceil(c->outcome->wait_s), 999999));
    c->outcome->result = result;
    if (result == CHAT_UNPAID && !c->addressed)
        c->answered = false; /* everybody who only names a thing would be told */
    else
        chat_say(c, replies[result], &words);
    requests_refused(c->bot->requests);
    return true;
}

/* Says no to what was on a short while ago. */
static bool refuse_again(struct chat_call *c, const struct request *q)
{
    char label[LABEL_BYTES], number[32];
    double least_s = INFINITY;
    for (int i = 0; i < q->count; i++)
        least_s = fmin(least_s, rests_s(c, q->synset[i]));
    struct request now;
    requests_list(c->bot->requests, &now, NULL, 0);
    if (!(least_s > 0) || request_is_same(&now, q))
        return false; /* what is on is told by the queue */
    request_label(q, label, sizeof label);
    text_when(number, least_s);
    chat_say(c, REPLY_RESTS, &(struct reply_words){.subject = label, .when = number});
    c->outcome->result = CHAT_COOLDOWN;
    c->outcome->wait_s = least_s;
    requests_refused(c->bot->requests);
    return true;
}

/* What was granted otherwise than it was named, behind the reply. */
static void tell_the_rest(struct chat_call *c, const struct synsets_result *r)
{
    char rest[LABEL_BYTES] = "";
    size_t n = 0;
    for (int i = 0; i < r->count && n < sizeof rest; i++)
        if (r->subject[i].meant_name)
            n += (size_t)snprintf(rest + n, sizeof rest - n, " No %s here; %s comes nearest.",
                                  r->subject[i].meant_name, synset_table[r->synset[i]].names[0]);
    if (r->verdict == SYNSETS_HALF && n < sizeof rest)
        snprintf(rest + n, sizeof rest - n, " No %s here, so that is half of it.",
                 r->missing_name ? r->missing_name : "such other thing");
    n = strlen(c->reply);
    snprintf(c->reply + n, c->reply_size - n, "%s", rest);
}

static void take(struct chat_call *c, const struct synsets_result *r)
{
    if (refuse(c, r))
        return;
    if (!synsets_granted(r)) {
        requests_refused(c->bot->requests);
        tell_why_not(c, r);
        return;
    }
    struct request q;
    double eta_s;
    bool replaced;
    make_request(c, r, &q);
    if (refuse_again(c, &q))
        return;
    int rc = requests_add(c->bot->requests, &q, c->now_s, &eta_s, &replaced);
    if (rc == 0)
        record_asked(c->bot->record, &q, c->rest);
    if (rc == 0 && c->bot->rules && !replaced)
        rules_wished(c->bot->rules, c->key, c->now_s);
    tell(c, &q, rc, eta_s, replaced);
    tell_the_rest(c, r);
}

/* "L imo" is no limousine: a name only without its blanks, and with a letter alone in it. */
static bool is_chance(const char *line, const struct synsets_result *r)
{
    bool squeezed = false, lone = false;
    for (int i = 0; i < r->count; i++)
        squeezed |= r->subject[i].how == SYNSETS_SQUEEZED;
    for (const char *at = line; *at; at += strcspn(at, " "), at += *at == ' ')
        lone |= strcspn(at, " ") == 1;
    return squeezed && lone;
}

void chat_request(struct chat_call *c)
{
    struct synsets_result r;
    synsets_resolve(c->rest, strlen(c->rest), &c->known, &r);
    if (c->by_name && !synsets_granted(&r) && r.verdict != SYNSETS_EMPTY && chat_is_talk(c->rest))
        c->answered = false; /* "@mybot thanks!" */
    else if (c->addressed || (synsets_is_plain(&r) && !is_chance(c->rest, &r)))
        take(c, &r);
    else
        c->answered = false;
}

void chat_wish_for(struct chat_call *c, const char *name)
{
    c->rest = name;
    c->addressed = true;
    c->by_name = false;
    chat_request(c);
}
