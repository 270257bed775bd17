/*
 * rules - see rules.h.
 */
#include "show/rules.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "show/forbidden.h"
#include "show/viewers.h"

enum { MODERATORS_MAX = 64, BANNED_LINE_BYTES = 256, BANNED_FILE_BYTES = 1 << 20 };

struct ban {
    char who[REQUEST_USER_BYTES]; /* login or key */
    int64_t until_s;              /* Unix time; 0: for good */
};

struct rules {
    /* immutable after open */
    double cooldown_s, vote_share;
    int vote_min;
    char banned_file[OPTION_STRING_BYTES]; /* "": none */
    char moderators[MODERATORS_MAX][REQUEST_USER_BYTES];
    int moderator_count;

    pthread_mutex_t lock; /* leaf; guards everything below */
    struct forbidden *words;
    unsigned version;
    struct viewers *viewers;
    struct people *people;
    struct ban *bans; /* [ban_count], room for RULES_BANS_MAX */
    int ban_count;
    int64_t vote_turn;
    int votes;
    bool paused;
};

/* 0, or why not as a line without its place. Users are banned at once. */
static const char *take_line(struct rules *rules, struct forbidden *words, const char *line, size_t bytes)
{
    char clean[BANNED_LINE_BYTES];
    if (bytes >= sizeof clean)
        return "a longer line than fits";
    if (text_clean(clean, sizeof clean, line, bytes) == 0 || clean[0] == '#')
        return NULL;
    int rc = clean[0] == '@' ? rules_ban(rules, clean + 1) : forbidden_add(words, clean, FORBIDDEN_FILE);
    return rc == -ENOSPC   ? "more users or words than fit"
           : rc == -EINVAL ? "this is no word that could be looked for"
                           : NULL;
}

/* The lines of the file into `words`. */
static int read_banned(struct rules *rules, struct forbidden *words, struct error *e)
{
    const char *path = rules->banned_file;
    char *text;
    size_t bytes;
    int rc = file_read_all(path, BANNED_FILE_BYTES, &text, &bytes, e);
    if (rc < 0)
        return error_prefix(e, rc, "show.banned_file");
    const char *line = text, *end = text + bytes;
    for (int number = 1; rc == 0 && line < end; number++) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((stop ? stop : end) - line);
        const char *fault = take_line(rules, words, line, length);
        if (fault)
            rc = error_set(e, EINVAL, "%s:%d: %s", path, number, fault);
        line += length + 1;
    }
    free(text);
    return rc;
}

int rules_reload(struct rules *rules, struct error *e)
{
    pthread_mutex_lock(&rules->lock);
    struct forbidden *words = forbidden_copy(rules->words);
    pthread_mutex_unlock(&rules->lock);
    forbidden_forget_file(words);
    int rc = rules->banned_file[0] ? read_banned(rules, words, e) : 0;
    if (rc == 0) {
        pthread_mutex_lock(&rules->lock);
        struct forbidden *old = rules->words;
        rules->words = words;
        words = old;
        rules->version++;
        pthread_mutex_unlock(&rules->lock);
    }
    forbidden_close(&words);
    return rc;
}

static void read_moderators(struct rules *rules, const char *names)
{
    while (*names && rules->moderator_count < MODERATORS_MAX) {
        names += strspn(names, " ,;@");
        size_t n = strcspn(names, " ,;");
        char *to = rules->moderators[rules->moderator_count];
        if (n > 0 && n < REQUEST_USER_BYTES) {
            snprintf(to, REQUEST_USER_BYTES, "%.*s", (int)n, names);
            rules->moderator_count++;
        }
        names += n;
    }
}

int rules_open(struct rules **out, const struct show_config *c, struct error *e)
{
    struct rules *rules = xcalloc(1, sizeof *rules);
    rules->cooldown_s = c->cooldown_s;
    rules->vote_share = c->vote_share;
    rules->vote_min = (int)c->vote_min;
    rules->words = forbidden_open();
    rules->viewers = viewers_open(c->cooldown_s);
    rules->people = people_open();
    text_copy(rules->banned_file, sizeof rules->banned_file, c->banned_file);
    rules->bans = xcalloc(RULES_BANS_MAX, sizeof *rules->bans);
    pthread_mutex_init(&rules->lock, NULL);
    read_moderators(rules, c->moderators);
    int rc = rules_reload(rules, e);
    if (rc)
        rules_close(&rules);
    *out = rules;
    return rc;
}

void rules_close(struct rules **rules)
{
    if (!*rules)
        return;
    pthread_mutex_destroy(&(*rules)->lock);
    forbidden_close(&(*rules)->words);
    viewers_close(&(*rules)->viewers);
    people_close(&(*rules)->people);
    free((*rules)->bans);
    free(*rules);
    *rules = NULL;
}

int rules_restrict(struct rules *rules, struct synsets_known *known)
{
    int left = 0;
    pthread_mutex_lock(&rules->lock);
    for (int s = 0; s < SYNSET_COUNT; s++) {
        known->known[s] = known->known[s] && !forbidden_class(rules->words, s);
        left += known->known[s];
    }
    pthread_mutex_unlock(&rules->lock);
    return left;
}

unsigned rules_version(struct rules *rules)
{
    pthread_mutex_lock(&rules->lock);
    unsigned version = rules->version;
    pthread_mutex_unlock(&rules->lock);
    return version;
}

static bool forbids_class(struct rules *rules, int synset)
{
    pthread_mutex_lock(&rules->lock);
    bool forbids = forbidden_class(rules->words, synset);
    pthread_mutex_unlock(&rules->lock);
    return forbids;
}

static bool forbids_text(struct rules *rules, const char *text)
{
    pthread_mutex_lock(&rules->lock);
    bool forbids = forbidden_text(rules->words, text);
    pthread_mutex_unlock(&rules->lock);
    return forbids;
}

bool rules_forbids_name(struct rules *rules, const char *name)
{
    pthread_mutex_lock(&rules->lock);
    bool forbids = forbidden_name(rules->words, name);
    pthread_mutex_unlock(&rules->lock);
    return forbids;
}

/* What is not known may be so by the rules only. */
bool rules_forbids_wish(struct rules *rules, const char *text, const struct synsets_result *r)
{
    if (forbids_text(rules, text) || (r->missing >= 0 && forbids_class(rules, r->missing)))
        return true;
    for (int i = 0; i < r->count; i++)
        if (forbids_class(rules, r->synset[i]) ||
            (r->subject[i].meant >= 0 && forbids_class(rules, r->subject[i].meant)))
            return true;
    return false;
}

int rules_forbid(struct rules *rules, const char *entry)
{
    pthread_mutex_lock(&rules->lock);
    int rc = forbidden_add(rules->words, entry, FORBIDDEN_MODERATOR);
    rules->version += rc == 0;
    pthread_mutex_unlock(&rules->lock);
    return rc;
}

int rules_allow(struct rules *rules, const char *entry)
{
    pthread_mutex_lock(&rules->lock);
    int rc = forbidden_allow(rules->words, entry);
    rules->version += rc == 0;
    pthread_mutex_unlock(&rules->lock);
    return rc;
}

struct each_word {
    void (*each)(void *context, const char *entry, bool forbidden);
    void *context;
};

static void if_of_moderators(void *each_word, const char *entry, enum forbidden_source source)
{
    const struct each_word *w = each_word;
    if (source == FORBIDDEN_MODERATOR || source == FORBIDDEN_ALLOWED)
        w->each(w->context, entry, source == FORBIDDEN_MODERATOR);
}

void rules_each_word(struct rules *rules, void (*each)(void *context, const char *entry, bool forbidden),
                     void *context)
{
    struct each_word w = {each, context};
    pthread_mutex_lock(&rules->lock);
    forbidden_each(rules->words, if_of_moderators, &w);
    pthread_mutex_unlock(&rules->lock);
}

bool rules_is_moderator(const struct rules *rules, const char *login)
{
    for (int i = 0; i < rules->moderator_count; i++)
        if (strcasecmp(rules->moderators[i], login) == 0)
            return true;
    return false;
}

const char *rules_key(const struct person *who, char out[REQUEST_USER_BYTES])
{
    out[0] = '#';
    text_copy(out + (who->id[0] != '\0'), REQUEST_USER_BYTES - 1, who->id[0] ? who->id : who->login);
    return out;
}

static void remove_ban(struct rules *rules, int at)
{
    rules->bans[at] = rules->bans[--rules->ban_count];
}

/* Under the lock. -1: there is none, or it is over. */
static int find_ban(struct rules *rules, const char *who)
{
    for (int i = 0; i < rules->ban_count; i++) {
        if (strcasecmp(rules->bans[i].who, who) != 0)
            continue;
        if (rules->bans[i].until_s == 0 || rules->bans[i].until_s > (int64_t)time(NULL))
            return i;
        remove_ban(rules, i);
        return -1;
    }
    return -1;
}

/* Under the lock. */
static int add_ban(struct rules *rules, const char *who, int64_t until_s)
{
    int at = find_ban(rules, who);
    if (at >= 0 && rules->bans[at].until_s == until_s)
        return -EEXIST;
    if (at < 0 && rules->ban_count == RULES_BANS_MAX)
        return -ENOSPC;
    struct ban *ban = &rules->bans[at < 0 ? rules->ban_count++ : at];
    text_copy(ban->who, sizeof ban->who, who);
    ban->until_s = until_s;
    return 0;
}

int rules_ban_until(struct rules *rules, const char *login, int64_t until_s)
{
    pthread_mutex_lock(&rules->lock);
    int rc = add_ban(rules, login, until_s);
    pthread_mutex_unlock(&rules->lock);
    return rc;
}

int rules_ban(struct rules *rules, const char *login)
{
    return rules_ban_until(rules, login, 0);
}

int rules_unban(struct rules *rules, const char *login)
{
    pthread_mutex_lock(&rules->lock);
    int at = find_ban(rules, login);
    if (at >= 0)
        remove_ban(rules, at);
    pthread_mutex_unlock(&rules->lock);
    return at < 0 ? -ENOENT : 0;
}

bool rules_is_banned(struct rules *rules, const struct person *who)
{
    char key[REQUEST_USER_BYTES];
    rules_key(who, key);
    pthread_mutex_lock(&rules->lock);
    int by_login = rules->ban_count > 0 ? find_ban(rules, who->login) : -1;
    int by_key = rules->ban_count > 0 ? find_ban(rules, key) : -1;
    if (by_login >= 0 && by_key < 0)
        add_ban(rules, key, rules->bans[by_login].until_s);
    pthread_mutex_unlock(&rules->lock);
    return by_login >= 0 || by_key >= 0;
}

void rules_each_ban(struct rules *rules, void (*each)(void *context, const char *login), void *context)
{
    pthread_mutex_lock(&rules->lock);
    for (int i = 0; i < rules->ban_count; i++)
        if (rules->bans[i].until_s == 0)
            each(context, rules->bans[i].who);
    pthread_mutex_unlock(&rules->lock);
}

bool rules_find(struct rules *rules, const char *name, struct person *out)
{
    pthread_mutex_lock(&rules->lock);
    bool found = people_find(rules->people, name, out);
    pthread_mutex_unlock(&rules->lock);
    return found;
}

void rules_heard(struct rules *rules, const struct person *who, double now_s)
{
    char key[REQUEST_USER_BYTES];
    rules_key(who, key);
    pthread_mutex_lock(&rules->lock);
    viewers_heard(rules->viewers, key, now_s, rules->vote_turn);
    people_heard(rules->people, who);
    pthread_mutex_unlock(&rules->lock);
}

double rules_cooldown_s(struct rules *rules, const char *login, double now_s)
{
    if (rules->cooldown_s <= 0)
        return 0;
    pthread_mutex_lock(&rules->lock);
    double left =
        viewers_get(rules->viewers, login, now_s, rules->vote_turn)->wished_s + rules->cooldown_s - now_s;
    pthread_mutex_unlock(&rules->lock);
    return left > 0 ? left : 0;
}

void rules_wished(struct rules *rules, const char *login, double now_s)
{
    pthread_mutex_lock(&rules->lock);
    viewers_get(rules->viewers, login, now_s, rules->vote_turn)->wished_s = now_s;
    pthread_mutex_unlock(&rules->lock);
}

void rules_unwished(struct rules *rules, const char *login, double now_s)
{
    pthread_mutex_lock(&rules->lock);
    viewers_get(rules->viewers, login, now_s, rules->vote_turn)->wished_s = -INFINITY;
    pthread_mutex_unlock(&rules->lock);
}

int rules_vote(struct rules *rules, const char *login, int64_t turn, double now_s, int *needed)
{
    *needed = 0;
    if (rules->vote_share <= 0)
        return 0;
    pthread_mutex_lock(&rules->lock);
    if (rules->vote_turn != turn) {
        rules->vote_turn = turn;
        rules->votes = 0;
    }
    viewers_heard(rules->viewers, login, now_s, turn);
    struct viewer *v = viewers_get(rules->viewers, login, now_s, turn);
    rules->votes += v->voted_turn != turn;
    v->voted_turn = turn;
    *needed = (int)ceil(rules->vote_share * viewers_active(rules->viewers, now_s));
    if (*needed < rules->vote_min)
        *needed = rules->vote_min;
    int votes = rules->votes;
    pthread_mutex_unlock(&rules->lock);
    return votes;
}

void rules_pause(struct rules *rules, bool paused)
{
    pthread_mutex_lock(&rules->lock);
    rules->paused = paused;
    pthread_mutex_unlock(&rules->lock);
}

bool rules_is_paused(struct rules *rules)
{
    pthread_mutex_lock(&rules->lock);
    bool paused = rules->paused;
    pthread_mutex_unlock(&rules->lock);
    return paused;
}
