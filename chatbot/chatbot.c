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
#include <strings.h>

#include "show/record.h"
#include "common/mem.h"
#include "common/text.h"

enum { RNG_STREAM_REPLIES = 0x7265, LABEL_BYTES = 256, REROLLS = 8 };

#define OUR_NAME "reverie"

void chatbot_set_lag(struct chatbot *b, double lag_s)
{
    atomic_store(&b->lag_ms, (int64_t)(lag_s * 1000));
}

int chatbot_open(struct chatbot **out, struct requests *requests, const struct synsets_known *known,
                 uint64_t seed, double lag_s)
{
    struct chatbot *b = xcalloc(1, sizeof *b);
    b->requests = requests;
    b->known = *known;
    chatbot_set_lag(b, lag_s);
    b->rng = rng_make(seed, RNG_STREAM_REPLIES);
    text_copy(b->name, sizeof b->name, OUR_NAME);
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

bool chat_is_moderator(const struct chat_call *c)
{
    const struct rules *rules = c->bot->rules;
    return chat_is_operator(c) || (c->roles & (CHAT_BROADCASTER | CHAT_MODERATOR)) ||
           (rules && rules_is_moderator(rules, c->login));
}

void chat_login(const char *text, char out[REQUEST_USER_BYTES])
{
    text_clean(out, REQUEST_USER_BYTES, text + (text[0] == '@'), strlen(text) - (text[0] == '@'));
    char *blank = strpbrk(out, " ,");
    if (blank)
        *blank = '\0';
}

void chat_say(struct chat_call *c, enum reply reply, const struct reply_words *words)
{
    struct chatbot *b = c->bot;
    for (int i = 0; i < REROLLS; i++) {
        reply_write(reply, words, &c->rng, c->reply, c->reply_size);
        uint64_t h = text_hash(c->reply);
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
    double s = ceil(eta_s + (double)atomic_load(&c->bot->lag_ms) / 1000);
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
    bool draw = s->how == SYNSETS_PARENT || s->how == SYNSETS_PARENT_FORM;
    int candidates[SYNSET_COUNT], count = 0;
    for (int i = 0; i < s->head_count && !s->meant_name; i++) {
        int synset = s->choices[i];
        if (c->bot->known.known[synset] && !shown(now, synset) && !shown(q, synset))
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
    struct rules *rules = c->bot->rules;
    *q = (struct request){.immediate = chat_is_operator(c)};
    /* A name that may not be shown is not shown. */
    text_copy(q->user, sizeof q->user, rules && rules_forbids_name(rules, c->user) ? "somebody" : c->user);
    text_copy(q->login, sizeof q->login, c->login);
    text_clean(q->message_id, sizeof q->message_id, c->message_id, strlen(c->message_id));
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
    c->outcome->on_screen_s = eta_s + (double)atomic_load(&c->bot->lag_ms) / 1000;
    if (rc == -EALREADY)
        chat_say(c, now.id == q->id ? REPLY_ON_NOW : REPLY_HAVE_IT, &words);
    else if (rc)
        chat_say(c, REPLY_FULL, &words);
    else if (requests_is_lottery(c->bot->requests) && !q->immediate)
        chat_say(c, REPLY_LOTTERY, &words);
    else if (replaced && !q->immediate)
        chat_say(c, q->count > 1 ? REPLY_INSTEAD_TWO : REPLY_INSTEAD_ONE, &words);
    else
        chat_say(c, q->count > 1 ? REPLY_TWO : REPLY_ONE, &words);
}

static void tell_why_not(struct chat_call *c, const struct synsets_result *r)
{
    char list[LABEL_BYTES];
    struct reply_words words = {.part = r->missing_name ? r->missing_name : "that"};
    words.list = chat_list(r->suggestion_name, r->suggestion_count, list, sizeof list);
    c->outcome->near_count = r->suggestion_count;
    memcpy(c->outcome->near, r->suggestion_name, sizeof c->outcome->near);
    c->outcome->result = r->verdict == SYNSETS_LACKING    ? CHAT_LACKING
                         : r->verdict == SYNSETS_UNKNOWN  ? CHAT_UNKNOWN
                         : r->verdict == SYNSETS_TOO_MANY ? CHAT_TOO_MANY
                                                          : CHAT_SAID;
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

/* Says no where the rules do. A result of names that the show lacks may be lacking only by the rules. */
static bool refuse(struct chat_call *c, const struct synsets_result *r)
{
    struct rules *rules = c->bot->rules;
    char number[16];
    struct reply_words words = {.number = number};
    if (!rules || chat_is_operator(c))
        return false;
    double cooldown_s = chat_is_moderator(c) ? 0 : rules_cooldown_s(rules, c->login, c->now_s);
    bool forbidden = rules_forbids_wish(rules, c->rest, r);
    snprintf(number, sizeof number, "%d", (int)fmin(ceil(cooldown_s), 999999));
    c->outcome->wait_s = cooldown_s;
    if (forbidden) {
        c->outcome->result = CHAT_FORBIDDEN;
        chat_say(c, REPLY_FORBIDDEN, &words);
    } else if (synsets_granted(r) && rules_is_paused(rules) && !chat_is_moderator(c)) {
        c->outcome->result = CHAT_PAUSED;
        chat_say(c, REPLY_PAUSED, &words);
    } else if (synsets_granted(r) && cooldown_s > 0) {
        c->outcome->result = CHAT_COOLDOWN;
        chat_say(c, REPLY_COOLDOWN, &words);
    } else {
        return false;
    }
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
    int rc = requests_add(c->bot->requests, &q, c->now_s, &eta_s, &replaced);
    if (rc == 0)
        record_asked(c->bot->record, &q, c->rest);
    if (rc == 0 && c->bot->rules)
        rules_wished(c->bot->rules, c->login, c->now_s);
    tell(c, &q, rc, eta_s, replaced);
    tell_the_rest(c, r);
}

void chat_request(struct chat_call *c)
{
    struct synsets_result r;
    synsets_resolve(c->rest, strlen(c->rest), &c->bot->known, &r);
    if (c->addressed || synsets_is_plain(&r))
        take(c, &r);
    else
        c->answered = false;
}

/* Behind "name:", "name," or "@name"; NULL when the line does not begin with that. */
static const char *behind(const char *line, const char *name)
{
    bool at = line[0] == '@';
    size_t n = strlen(name);
    line += at;
    if (n == 0 || strncasecmp(line, name, n) != 0)
        return NULL;
    line += n;
    if (*line != ':' && *line != ',' && !(at && (*line == ' ' || !*line)))
        return NULL;
    return line + strspn(line, ":, ");
}

/* What people type at any prompt. In a room these are words like others. */
static const char *prompt_command(const struct chat_call *c, const char *line)
{
    static const char *const commands[][2] = {
        {"help", "help"}, {"?", "help"}, {"quit", "quit"}, {"exit", "quit"}};
    for (size_t i = 0; c->origin == CHAT_TERMINAL && i < ARRAY_LEN(commands); i++)
        if (strcasecmp(line, commands[i][0]) == 0)
            return commands[i][1];
    return NULL;
}

static void answer(struct chat_call *c, const char *line)
{
    const char *command = prompt_command(c, line);
    if (command)
        chat_command(c, command);
    else if (line[0] == '!')
        chat_command(c, line + 1);
    else
        chat_request(c);
}

/* Who speaks, cleaned; false: somebody who is not listened to. */
static bool meet(struct chat_call *c, const struct chat_line *line)
{
    const char *shown = line->display_name && line->display_name[0] ? line->display_name : line->user;
    if (text_clean(c->user, sizeof c->user, shown, strlen(shown)) == 0)
        text_copy(c->user, sizeof c->user, "somebody");
    if (text_clean(c->login, sizeof c->login, line->user, strlen(line->user)) == 0)
        text_copy(c->login, sizeof c->login, c->user);
    c->roles = line->roles;
    c->message_id = line->message_id ? line->message_id : "";
    struct rules *rules = c->bot->rules;
    if (!rules || chat_is_operator(c))
        return true;
    rules_heard(rules, c->login, c->now_s);
    return !rules_is_banned(rules, c->login) || chat_is_moderator(c);
}

void chatbot_line(struct chatbot *b, const struct chat_line *line, double now_s, char reply[CHAT_REPLY_BYTES])
{
    struct chat_outcome outcome;
    chatbot_ask(b, line, now_s, reply, &outcome);
}

/* False: somebody who is not listened to. */
static bool hear(struct chat_call *c, const struct chat_line *line, const char *clean,
                 char reply[CHAT_REPLY_BYTES])
{
    struct chatbot *b = c->bot;
    if (!meet(c, line))
        return false;
    const char *rest = behind(clean, b->name);
    if (!rest)
        rest = behind(clean, OUR_NAME);
    c->addressed = rest || line->origin != CHAT_IRC;
    c->rest = rest ? rest : clean;
    pthread_mutex_lock(&b->lock);
    c->rng = rng_make(rng_u64(&b->rng), RNG_STREAM_REPLIES);
    pthread_mutex_unlock(&b->lock);
    bool in_company = c->origin == CHAT_SCRIPT || c->origin == CHAT_IRC;
    size_t name = in_company ? (size_t)snprintf(reply, CHAT_REPLY_BYTES, "@%s ", c->user) : 0;
    c->reply = reply + name;
    c->reply_size = CHAT_REPLY_BYTES - name;
    answer(c, c->rest);
    if (!c->answered)
        reply[0] = '\0';
    return true;
}

void chatbot_ask(struct chatbot *b, const struct chat_line *line, double now_s, char reply[CHAT_REPLY_BYTES],
                 struct chat_outcome *outcome)
{
    char clean[SYNSETS_LINE_BYTES];
    struct chat_call c = {
        .bot = b, .origin = line->origin, .now_s = now_s, .answered = true, .outcome = outcome};
    *outcome = (struct chat_outcome){.result = CHAT_SAID};
    reply[0] = '\0';
    text_clean(clean, sizeof clean, line->text, line->bytes);
    if (clean[0] && !hear(&c, line, clean, reply))
        outcome->result = CHAT_BANNED;
    if (b->stats)
        atomic_fetch_add(&b->stats->requests[line->origin][outcome->result], 1);
}

_Static_assert(CHAT_FRAME + 1 == STATS_SOURCES && CHAT_BANNED + 1 == STATS_RESULTS,
               "stats have a row for each");

void chatbot_set_stats(struct chatbot *b, struct stats *stats)
{
    b->stats = stats;
}

void chatbot_set_rules(struct chatbot *b, struct rules *rules)
{
    b->rules = rules;
}

void chatbot_set_record(struct chatbot *b, struct record *record)
{
    b->record = record;
}

void chatbot_set_name(struct chatbot *b, const char *name)
{
    text_clean(b->name, sizeof b->name, name, strlen(name));
}

void chatbot_on_quit(struct chatbot *b, void (*quit)(void *context), void *context)
{
    b->quit = quit;
    b->quit_context = context;
}

void chatbot_set_first_below(struct chatbot *b, bool below)
{
    b->first_below = below;
}

void chatbot_clear_user(struct chatbot *b, const char *user)
{
    requests_withdraw(b->requests, user, NULL);
    record_removed(b->record, user, NULL);
}

void chatbot_delete(struct chatbot *b, const char *message_id)
{
    if (message_id && message_id[0]) {
        requests_withdraw(b->requests, NULL, message_id);
        record_removed(b->record, NULL, message_id);
    }
}
