/*
 * chatbot - see chatbot.h. Who speaks, whether the line is for us, where it goes, and how a reply is said. What
 * it means as a wish is in wish.c, commands are in commands*.c.
 */
#include "chatbot/bot.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "show/record.h"
#include "show/way.h"

enum { RNG_STREAM_REPLIES = 0x7265, REROLLS = 8 };

void chatbot_set_lag(struct chatbot *b, double lag_s)
{
    atomic_store(&b->lag_ms, (int64_t)(lag_s * 1000));
    if (b->way)
        way_guess(b->way, lag_s);
}

void chatbot_set_way(struct chatbot *b, struct way *way)
{
    b->way = way;
}

/* From a turn to the eyes of whoever reads the answer: the stream's viewers see it later than those who sit here. */
static double way_of(const struct chat_call *c)
{
    const struct chatbot *b = c->bot;
    if (!b->way)
        return (double)atomic_load(&b->lag_ms) / 1000;
    return way_lag_s(b->way) + (c->origin == CHAT_IRC ? way_platform_s(b->way) : 0);
}

void chatbot_set_sight(struct chatbot *b, int64_t request_id, double share, int also_synset)
{
    pthread_mutex_lock(&b->lock);
    b->sight = (struct chat_sight){request_id, share, also_synset};
    pthread_mutex_unlock(&b->lock);
}

int chatbot_open(struct chatbot **out, struct requests *requests, const struct synsets_known *known,
                 uint64_t seed, double lag_s)
{
    struct chatbot *b = xcalloc(1, sizeof *b);
    b->requests = requests;
    b->all = b->known = *known;
    b->sight.share = -1;
    text_copy(b->prefix, sizeof b->prefix, "!");
    chatbot_set_lag(b, lag_s);
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

bool chat_is_moderator(const struct chat_call *c)
{
    const struct rules *rules = c->bot->rules;
    return chat_is_operator(c) || (c->roles & (CHAT_BROADCASTER | CHAT_MODERATOR)) ||
           (rules && rules_is_moderator(rules, c->who.login));
}

/* Replies are written with "!": the prefix of this channel goes there, before the name of a command. */
static void put_prefix(struct chat_call *c)
{
    char text[CHAT_REPLY_BYTES];
    const char *prefix = c->bot->prefix;
    if (strcmp(prefix, "!") == 0)
        return;
    size_t n = 0;
    for (const char *at = c->reply; *at && n + CHAT_PREFIX_BYTES < sizeof text; at++) {
        bool begins = at == c->reply || strchr(" \"(", at[-1]);
        bool names = (at[1] >= 'a' && at[1] <= 'z') || at[1] == '1' || at[1] == '2';
        if (*at == '!' && begins && names)
            n += text_copy(text + n, sizeof text - n, prefix);
        else
            text[n++] = *at;
    }
    text[n] = '\0';
    text_clean(c->reply, c->reply_size, text, n);
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
            break;
    }
    put_prefix(c);
}

void chat_print(struct chat_call *c, const char *format, ...)
{
    char text[2 * CHAT_REPLY_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_clean(c->reply, c->reply_size, text, strlen(text));
    put_prefix(c);
}

const char *chat_when(struct chat_call *c, double eta_s, char out[CHAT_WHEN_BYTES])
{
    double on_screen_s = eta_s + way_of(c);
    c->outcome->on_screen_s = on_screen_s;
    snprintf(out, CHAT_WHEN_BYTES, "on your screen %s", text_when(c->when, on_screen_s));
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

/* What people type at any prompt. In a channel these are words like others. */
static const char *prompt_command(const struct chat_call *c, const char *line)
{
    static const char *const commands[][2] = {
        {"help", "help"}, {"?", "help"}, {"quit", "quit"}, {"exit", "quit"}};
    for (size_t i = 0; c->origin == CHAT_TERMINAL && i < ARRAY_LEN(commands); i++)
        if (strcasecmp(line, commands[i][0]) == 0)
            return commands[i][1];
    return NULL;
}

static bool is_yes(const char *line)
{
    static const char *const words[] = {"yes", "yes please", "yes pls", "yep", "yeah", "y", "yes!"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(line, words[i]) == 0)
            return true;
    return false;
}

static void answer(struct chat_call *c, const char *line)
{
    const char *command = prompt_command(c, line);
    if (!command)
        command = chat_behind_prefix(c, line);
    if (command)
        chat_command(c, command);
    else if (c->by_name && chat_is_talk(line))
        c->answered = false;
    else if (chat_pulls(c, line))
        c->outcome->result = CHAT_SAID;
    else if (is_yes(line) && (command = chat_offered(c)))
        chat_wish_for(c, command);
    else
        chat_request(c);
}

/* Who speaks, cleaned; false: somebody who is not listened to. */
static bool meet(struct chat_call *c, const struct chat_line *line)
{
    const char *name = line->display_name && line->display_name[0] ? line->display_name : line->user;
    const char *id = line->user_id ? line->user_id : "";
    if (text_clean(c->who.name, sizeof c->who.name, name, strlen(name)) == 0)
        text_copy(c->who.name, sizeof c->who.name, REQUEST_SOMEBODY);
    if (text_clean(c->who.login, sizeof c->who.login, line->user, strlen(line->user)) == 0)
        text_copy(c->who.login, sizeof c->who.login, c->who.name);
    text_clean(c->who.id, sizeof c->who.id, id, strlen(id));
    c->roles = line->roles;
    c->message_id = line->message_id ? line->message_id : "";
    struct rules *rules = c->bot->rules;
    rules_key(&c->who, c->key);
    if (!rules || chat_is_operator(c))
        return true;
    rules_heard(rules, &c->who, c->now_s);
    return !rules_is_banned(rules, &c->who) || chat_is_moderator(c);
}

/* Wishes cost points or bits here, and this line brought them. */
static bool is_paid(const struct chatbot *b, const struct chat_line *line)
{
    return (b->reward[0] && line->reward && strcmp(b->reward, line->reward) == 0) ||
           (b->bits_min > 0 && line->bits >= b->bits_min);
}

/* Whether this channel wants to read the answer. */
static bool may_reply(const struct chat_call *c)
{
    if (c->origin != CHAT_IRC)
        return true;
    switch (c->bot->replies) {
    case CHAT_REPLIES_ALL:
        return true;
    case CHAT_REPLIES_ADDRESSED:
        return c->addressed;
    case CHAT_REPLIES_MODERATORS:
        return chat_is_moderator(c);
    default:
        return false;
    }
}

/* The reply's time becomes CHAT_WHEN, for whoever says it later. */
static void leave_time_open(const struct chat_call *c)
{
    char *when = c->when[0] ? strstr(c->reply, c->when) : NULL;
    if (!when)
        return;
    when[0] = CHAT_WHEN[0];
    memmove(when + 1, when + strlen(c->when), strlen(when + strlen(c->when)) + 1);
}

/* "@ann " in front, where others read it too. Returns its length. */
static size_t begin_reply(struct chat_call *c, char reply[CHAT_REPLY_BYTES])
{
    char at[CHAT_AT_BYTES];
    chat_at(c->bot, c->who.name, at);
    text_copy(c->shown, sizeof c->shown, at + (at[0] == '@'));
    if (c->origin != CHAT_SCRIPT && c->origin != CHAT_IRC)
        return 0;
    snprintf(c->outcome->brief, sizeof c->outcome->brief, "%s", at);
    return (size_t)snprintf(reply, CHAT_REPLY_BYTES, "%s%s ", at, at[0] == '@' ? "" : ":");
}

static void begin_call(struct chat_call *c)
{
    struct chatbot *b = c->bot;
    chat_follow_rules(b);
    pthread_mutex_lock(&b->lock);
    c->rng = rng_make(rng_u64(&b->rng), RNG_STREAM_REPLIES);
    c->known = b->known;
    pthread_mutex_unlock(&b->lock);
}

void chatbot_line(struct chatbot *b, const struct chat_line *line, double now_s, char reply[CHAT_REPLY_BYTES])
{
    struct chat_outcome outcome;
    chatbot_ask(b, line, now_s, reply, &outcome);
}

/* False: somebody who is not listened to. */
static bool hear(struct chat_call *c, const char *clean, char reply[CHAT_REPLY_BYTES])
{
    char without_mentions[SYNSETS_LINE_BYTES];
    if (!meet(c, c->line))
        return false;
    c->rest = chat_address(c, clean, without_mentions);
    if (!c->rest)
        return true;
    c->paid = is_paid(c->bot, c->line);
    c->addressed = c->addressed || c->paid;
    begin_call(c);
    size_t name = begin_reply(c, reply);
    c->reply = reply + name;
    c->reply_size = CHAT_REPLY_BYTES - name;
    answer(c, c->rest);
    if (c->line->times_later)
        leave_time_open(c);
    if (!c->answered || !may_reply(c))
        reply[0] = '\0';
    return true;
}

void chatbot_ask(struct chatbot *b, const struct chat_line *line, double now_s, char reply[CHAT_REPLY_BYTES],
                 struct chat_outcome *outcome)
{
    char clean[SYNSETS_LINE_BYTES];
    struct chat_call c = {
        .bot = b, .origin = line->origin, .line = line, .now_s = now_s, .answered = true, .outcome = outcome};
    *outcome = (struct chat_outcome){.result = CHAT_SAID};
    reply[0] = '\0';
    text_clean(clean, sizeof clean, line->text, line->bytes);
    if (clean[0] && !hear(&c, clean, reply))
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

void chat_follow_rules(struct chatbot *b)
{
    unsigned version = b->rules ? rules_version(b->rules) : 0;
    pthread_mutex_lock(&b->lock);
    bool is_new = version != b->known_version;
    b->known_version = version;
    pthread_mutex_unlock(&b->lock);
    if (!is_new)
        return;
    struct synsets_known known = b->all;
    rules_restrict(b->rules, &known);
    if (requests_restrict(b->requests, &known) < 0)
        log_warn("chat",
                 "what is forbidden leaves nothing that could be dreamed; the classes stay as they were");
    pthread_mutex_lock(&b->lock);
    b->known = known;
    pthread_mutex_unlock(&b->lock);
    int max = requests_list(b->requests, NULL, NULL, 0);
    struct request *waiting = xcalloc((size_t)max + 1, sizeof *waiting);
    int count = requests_list(b->requests, NULL, waiting, max);
    for (int i = 0; i < count && i < max; i++)
        if (!chat_name_is_fit(b, waiting[i].user))
            requests_hide_name(b->requests, waiting[i].id);
    free(waiting);
}

int chatbot_reload(struct chatbot *b, struct error *e)
{
    int rc = b->rules ? rules_reload(b->rules, e) : 0;
    if (rc == 0)
        chat_follow_rules(b);
    return rc;
}

void chat_announce(struct chatbot *b, const char *text)
{
    pthread_mutex_lock(&b->lock);
    if (b->notice_count < CHAT_NOTICES_MAX) /* nobody listens to the channel: it can wait no longer */
        text_copy(b->notices[b->notice_count++], CHAT_REPLY_BYTES, text);
    pthread_mutex_unlock(&b->lock);
}

void chatbot_shown(struct chatbot *b, int64_t request_id)
{
    struct request q;
    char text[CHAT_REPLY_BYTES], label[256], at[CHAT_AT_BYTES];
    if (!b->tell_when_on || !requests_find_shown(b->requests, request_id, &q) || !q.user[0] || q.immediate)
        return;
    request_label(&q, label, sizeof label);
    snprintf(text, sizeof text, "%s, yours is on now: %s.", chat_at(b, q.user, at), label);
    chat_announce(b, text);
}

bool chatbot_notice(struct chatbot *b, char text[CHAT_REPLY_BYTES])
{
    pthread_mutex_lock(&b->lock);
    bool found = b->notice_count > 0;
    if (found) {
        text_copy(text, CHAT_REPLY_BYTES, b->notices[0]);
        memmove(b->notices[0], b->notices[1], (size_t)--b->notice_count * sizeof b->notices[0]);
    }
    pthread_mutex_unlock(&b->lock);
    return found;
}

void chatbot_set_manners(struct chatbot *b, const struct chatbot_manners *m)
{
    text_copy(b->prefix, sizeof b->prefix, m->prefix[0] ? m->prefix : "!");
    text_copy(b->ignore, sizeof b->ignore, m->ignore);
    text_copy(b->words_link, sizeof b->words_link, m->words_link);
    text_copy(b->reward, sizeof b->reward, m->reward);
    b->bits_min = m->bits_min;
    b->replies = m->replies;
    b->tell_when_on = m->tell_when_on;
}

void chatbot_set_rules(struct chatbot *b, struct rules *rules)
{
    b->rules = rules;
    b->known_version = rules ? rules_version(rules) : 0;
    if (rules)
        rules_restrict(rules, &b->known);
}

void chatbot_set_record(struct chatbot *b, struct record *record)
{
    b->record = record;
    chat_follow_rules(b); /* it may have brought what an earlier show forbade */
}

void chatbot_set_credits(struct chatbot *b, struct credits *credits)
{
    b->credits = credits;
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

void chatbot_set_outputs(struct chatbot *b, const struct chatbot_outputs *o)
{
    b->outputs = *o;
}

void chatbot_set_first_below(struct chatbot *b, bool below)
{
    b->first_below = below;
}

void chatbot_clear_user(struct chatbot *b, const char *user)
{
    struct person who = {.id = ""};
    if (user && (!b->rules || !rules_find(b->rules, user, &who)))
        text_copy(who.login, sizeof who.login, user);
    chat_forget_pull(b, user ? &who : NULL);
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
