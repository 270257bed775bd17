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

#include "common/mem.h"
#include "common/text.h"
#include "show/forbidden.h"
#include "show/viewers.h"

enum { MODERATORS_MAX = 64, BANNED_LINE_BYTES = 256 };

struct rules {
    /* immutable after open */
    double cooldown_s, vote_share;
    int vote_min;
    char banned_file[OPTION_STRING_BYTES]; /* "": none */
    char moderators[MODERATORS_MAX][REQUEST_USER_BYTES];
    int moderator_count;

    pthread_mutex_t lock; /* leaf; guards everything below */
    struct forbidden *words;
    bool forbidden[SYNSET_COUNT]; /* classes that lines of `words` name */
    unsigned version;
    struct viewers *viewers;
    char (*bans)[REQUEST_USER_BYTES]; /* [ban_count], room for RULES_BANS_MAX */
    int ban_count;
    int64_t vote_turn;
    int votes;
    bool paused;
};

/* 0, or why not as a line without its place. Users are banned at once. */
static const char *take_line(struct rules *h, struct forbidden *words, const char *line, size_t bytes)
{
    char clean[BANNED_LINE_BYTES];
    if (bytes + 1 == BANNED_LINE_BYTES && line[bytes - 1] != '\n')
        return "a longer line than fits";
    if (text_clean(clean, sizeof clean, line, bytes) == 0 || clean[0] == '#')
        return NULL;
    int rc = clean[0] == '@' ? rules_ban(h, clean + 1) : forbidden_add(words, clean, FORBIDDEN_FILE);
    return rc == -ENOSPC   ? "more users or words than fit"
           : rc == -EINVAL ? "this is no word that could be looked for"
                           : NULL;
}

/* The lines of the file into `words`. */
static int read_banned(struct rules *h, struct forbidden *words, struct error *e)
{
    const char *path = h->banned_file;
    FILE *f = fopen(path, "re");
    if (!f) {
        int code = errno;
        return error_set(e, code, "show.banned_file %s cannot be opened: %s", path, strerror(code));
    }
    char line[BANNED_LINE_BYTES];
    int rc = 0;
    for (int number = 1; rc == 0 && fgets(line, sizeof line, f); number++) {
        const char *fault = take_line(h, words, line, strlen(line));
        if (fault)
            rc = error_set(e, EINVAL, "%s:%d: %s", path, number, fault);
    }
    if (rc == 0 && ferror(f))
        rc = error_set(e, EIO, "show.banned_file %s cannot be read", path);
    fclose(f);
    return rc;
}

int rules_reload(struct rules *h, struct error *e)
{
    pthread_mutex_lock(&h->lock);
    struct forbidden *words = forbidden_copy(h->words);
    pthread_mutex_unlock(&h->lock);
    forbidden_forget_file(words);
    int rc = h->banned_file[0] ? read_banned(h, words, e) : 0;
    if (rc == 0) {
        pthread_mutex_lock(&h->lock);
        struct forbidden *old = h->words;
        h->words = words;
        words = old;
        h->version++;
        pthread_mutex_unlock(&h->lock);
    }
    forbidden_close(&words);
    return rc;
}

static void read_moderators(struct rules *h, const char *names)
{
    while (*names && h->moderator_count < MODERATORS_MAX) {
        names += strspn(names, " ,;@");
        size_t n = strcspn(names, " ,;");
        char *to = h->moderators[h->moderator_count];
        if (n > 0 && n < REQUEST_USER_BYTES) {
            snprintf(to, REQUEST_USER_BYTES, "%.*s", (int)n, names);
            h->moderator_count++;
        }
        names += n;
    }
}

int rules_open(struct rules **out, const struct show_config *c, struct error *e)
{
    struct rules *h = xcalloc(1, sizeof *h);
    h->cooldown_s = c->cooldown_s;
    h->vote_share = c->vote_share;
    h->vote_min = (int)c->vote_min;
    h->words = forbidden_open();
    h->viewers = viewers_open(c->cooldown_s);
    text_copy(h->banned_file, sizeof h->banned_file, c->banned_file);
    h->bans = xcalloc(RULES_BANS_MAX, sizeof *h->bans);
    pthread_mutex_init(&h->lock, NULL);
    read_moderators(h, c->moderators);
    int rc = rules_reload(h, e);
    if (rc)
        rules_close(&h);
    *out = h;
    return rc;
}

void rules_close(struct rules **h)
{
    if (!*h)
        return;
    pthread_mutex_destroy(&(*h)->lock);
    forbidden_close(&(*h)->words);
    viewers_close(&(*h)->viewers);
    free((*h)->bans);
    free(*h);
    *h = NULL;
}

int rules_restrict(struct rules *h, struct synsets_known *known)
{
    int left = 0;
    pthread_mutex_lock(&h->lock);
    for (int s = 0; s < SYNSET_COUNT; s++) {
        known->known[s] = known->known[s] && !forbidden_class(h->words, s);
        left += known->known[s];
    }
    pthread_mutex_unlock(&h->lock);
    return left;
}

unsigned rules_version(struct rules *h)
{
    pthread_mutex_lock(&h->lock);
    unsigned version = h->version;
    pthread_mutex_unlock(&h->lock);
    return version;
}

bool rules_forbids_class(struct rules *h, int synset)
{
    pthread_mutex_lock(&h->lock);
    bool forbids = forbidden_class(h->words, synset);
    pthread_mutex_unlock(&h->lock);
    return forbids;
}

bool rules_forbids_text(struct rules *h, const char *text)
{
    pthread_mutex_lock(&h->lock);
    bool forbids = forbidden_text(h->words, text);
    pthread_mutex_unlock(&h->lock);
    return forbids;
}

bool rules_forbids_name(struct rules *h, const char *name)
{
    pthread_mutex_lock(&h->lock);
    bool forbids = forbidden_name(h->words, name);
    pthread_mutex_unlock(&h->lock);
    return forbids;
}

/* What is not known may be so by the rules only. */
bool rules_forbids_wish(struct rules *h, const char *text, const struct synsets_result *r)
{
    if (rules_forbids_text(h, text) || (r->missing >= 0 && rules_forbids_class(h, r->missing)))
        return true;
    for (int i = 0; i < r->count; i++)
        if (rules_forbids_class(h, r->synset[i]) ||
            (r->subject[i].meant >= 0 && rules_forbids_class(h, r->subject[i].meant)))
            return true;
    return false;
}

int rules_forbid(struct rules *h, const char *entry)
{
    pthread_mutex_lock(&h->lock);
    int rc = forbidden_add(h->words, entry, FORBIDDEN_MODERATOR);
    h->version += rc == 0;
    pthread_mutex_unlock(&h->lock);
    return rc;
}

int rules_allow(struct rules *h, const char *entry)
{
    pthread_mutex_lock(&h->lock);
    int rc = forbidden_allow(h->words, entry);
    h->version += rc == 0;
    pthread_mutex_unlock(&h->lock);
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

void rules_each_word(struct rules *h, void (*each)(void *context, const char *entry, bool forbidden),
                     void *context)
{
    struct each_word w = {each, context};
    pthread_mutex_lock(&h->lock);
    forbidden_each(h->words, if_of_moderators, &w);
    pthread_mutex_unlock(&h->lock);
}

bool rules_is_moderator(const struct rules *h, const char *login)
{
    for (int i = 0; i < h->moderator_count; i++)
        if (strcasecmp(h->moderators[i], login) == 0)
            return true;
    return false;
}

/* Under the lock. */
static int find_ban(const struct rules *h, const char *login)
{
    for (int i = 0; i < h->ban_count; i++)
        if (strcasecmp(h->bans[i], login) == 0)
            return i;
    return -1;
}

int rules_ban(struct rules *h, const char *login)
{
    pthread_mutex_lock(&h->lock);
    int rc = find_ban(h, login) >= 0 ? -EEXIST : h->ban_count == RULES_BANS_MAX ? -ENOSPC : 0;
    if (rc == 0)
        text_copy(h->bans[h->ban_count++], REQUEST_USER_BYTES, login);
    pthread_mutex_unlock(&h->lock);
    return rc;
}

int rules_unban(struct rules *h, const char *login)
{
    pthread_mutex_lock(&h->lock);
    int at = find_ban(h, login);
    if (at >= 0)
        memmove(h->bans[at], h->bans[--h->ban_count], REQUEST_USER_BYTES);
    pthread_mutex_unlock(&h->lock);
    return at < 0 ? -ENOENT : 0;
}

bool rules_is_banned(struct rules *h, const char *login)
{
    pthread_mutex_lock(&h->lock);
    bool banned = h->ban_count > 0 && find_ban(h, login) >= 0;
    pthread_mutex_unlock(&h->lock);
    return banned;
}

void rules_each_ban(struct rules *h, void (*each)(void *context, const char *login), void *context)
{
    pthread_mutex_lock(&h->lock);
    for (int i = 0; i < h->ban_count; i++)
        each(context, h->bans[i]);
    pthread_mutex_unlock(&h->lock);
}

void rules_heard(struct rules *h, const char *login, double now_s)
{
    pthread_mutex_lock(&h->lock);
    viewers_heard(h->viewers, login, now_s, h->vote_turn);
    pthread_mutex_unlock(&h->lock);
}

double rules_cooldown_s(struct rules *h, const char *login, double now_s)
{
    if (h->cooldown_s <= 0)
        return 0;
    pthread_mutex_lock(&h->lock);
    double left = viewers_get(h->viewers, login, now_s, h->vote_turn)->wished_s + h->cooldown_s - now_s;
    pthread_mutex_unlock(&h->lock);
    return left > 0 ? left : 0;
}

void rules_wished(struct rules *h, const char *login, double now_s)
{
    pthread_mutex_lock(&h->lock);
    viewers_get(h->viewers, login, now_s, h->vote_turn)->wished_s = now_s;
    pthread_mutex_unlock(&h->lock);
}

int rules_vote(struct rules *h, const char *login, int64_t turn, double now_s, int *needed)
{
    *needed = 0;
    if (h->vote_share <= 0)
        return 0;
    pthread_mutex_lock(&h->lock);
    if (h->vote_turn != turn) {
        h->vote_turn = turn;
        h->votes = 0;
    }
    viewers_heard(h->viewers, login, now_s, turn);
    struct viewer *v = viewers_get(h->viewers, login, now_s, turn);
    h->votes += v->voted_turn != turn;
    v->voted_turn = turn;
    *needed = (int)ceil(h->vote_share * viewers_active(h->viewers, now_s));
    if (*needed < h->vote_min)
        *needed = h->vote_min;
    int votes = h->votes;
    pthread_mutex_unlock(&h->lock);
    return votes;
}

void rules_pause(struct rules *h, bool paused)
{
    pthread_mutex_lock(&h->lock);
    h->paused = paused;
    pthread_mutex_unlock(&h->lock);
}

bool rules_is_paused(struct rules *h)
{
    pthread_mutex_lock(&h->lock);
    bool paused = h->paused;
    pthread_mutex_unlock(&h->lock);
    return paused;
}
