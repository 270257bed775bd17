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
#include "common/rng.h"
#include "common/text.h"

enum { VIEWERS_MAX = 1024, WORDS_MAX = 1024, WORD_BYTES = 64, MODERATORS_MAX = 64 };

struct viewer {
    uint64_t key; /* 0: none */
    double heard_s, wished_s;
    int64_t voted_turn;
};

struct rules {
    /* immutable after open */
    double cooldown_s, vote_share;
    int vote_min;
    bool forbidden[SYNSET_COUNT];
    char (*words)[WORD_BYTES]; /* [word_count] folded to lower case, one blank at each end */
    int word_count;
    char moderators[MODERATORS_MAX][REQUEST_USER_BYTES];
    int moderator_count;

    pthread_mutex_t lock; /* leaf; guards everything below */
    struct viewer viewers[VIEWERS_MAX];
    char (*bans)[REQUEST_USER_BYTES]; /* [ban_count], room for RULES_BANS_MAX */
    int ban_count;
    int64_t vote_turn;
    int votes;
    bool paused;
};

static uint64_t key_of(const char *login)
{
    uint64_t h = 1;
    for (; *login; login++) {
        unsigned char c = (unsigned char)*login;
        h = rng_mix(h + (c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c));
    }
    return h | 1;
}

/* Lower case in ASCII, everything that is no letter or digit one blank, one blank at each end: so " ass " is
 * not in " bass ". */
static void simplify(const char *text, char *out, size_t size)
{
    size_t n = 0;
    out[n++] = ' ';
    for (; *text && n + 2 < size; text++) {
        unsigned char c = (unsigned char)*text;
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
        if (c >= 'A' && c <= 'Z')
            out[n++] = (char)(c + 'a' - 'A');
        else if (letter)
            out[n++] = (char)c;
        else if (out[n - 1] != ' ')
            out[n++] = ' ';
    }
    if (out[n - 1] != ' ')
        out[n++] = ' ';
    out[n] = '\0';
}

/* What a line of the file forbids: the classes that it names, else the word itself. */
static void forbid(struct rules *h, const char *text)
{
    static const struct synsets_known nothing = {{false}};
    struct synsets_result r;
    synsets_resolve(text, strlen(text), &nothing, &r);
    const struct synsets_subject *s = &r.subject[0];
    if (r.verdict == SYNSETS_LACKING && s->slips == 0 && s->how <= SYNSETS_PARENT_FORM) {
        for (int i = 0; i < s->choice_count; i++)
            h->forbidden[s->choices[i]] = true;
        return;
    }
    simplify(text, h->words[h->word_count++], WORD_BYTES);
}

static int read_banned(struct rules *h, const char *path, struct error *e)
{
    FILE *f = fopen(path, "re");
    if (!f) {
        int code = errno;
        return error_set(e, code, "show.banned_file %s cannot be opened: %s", path, strerror(code));
    }
    char line[256], clean[256];
    int rc = 0;
    for (int number = 1; rc == 0 && fgets(line, sizeof line, f); number++) {
        size_t length = strlen(line);
        if (length + 1 == sizeof line && line[length - 1] != '\n')
            rc = error_set(e, EINVAL, "%s:%d: a line of more than %zu bytes", path, number, sizeof line - 2);
        else if (text_clean(clean, sizeof clean, line, length) == 0 || clean[0] == '#')
            continue;
        else if (h->word_count == WORDS_MAX || h->ban_count == RULES_BANS_MAX)
            rc = error_set(e, EINVAL, "%s:%d: more than %d lines", path, number, WORDS_MAX);
        else if (clean[0] == '@')
            rules_ban(h, clean + 1);
        else
            forbid(h, clean);
    }
    if (rc == 0 && ferror(f))
        rc = error_set(e, EIO, "show.banned_file %s cannot be read", path);
    fclose(f);
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
    h->words = xcalloc(WORDS_MAX, sizeof *h->words);
    h->bans = xcalloc(RULES_BANS_MAX, sizeof *h->bans);
    pthread_mutex_init(&h->lock, NULL);
    read_moderators(h, c->moderators);
    int rc = c->banned_file[0] ? read_banned(h, c->banned_file, e) : 0;
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
    free((*h)->words);
    free((*h)->bans);
    free(*h);
    *h = NULL;
}

int rules_restrict(const struct rules *h, struct synsets_known *known)
{
    int left = 0;
    for (int s = 0; s < SYNSET_COUNT; s++) {
        known->known[s] = known->known[s] && !h->forbidden[s];
        left += known->known[s];
    }
    return left;
}

bool rules_forbids_class(const struct rules *h, int synset)
{
    return h->forbidden[synset];
}

bool rules_forbids_text(const struct rules *h, const char *text)
{
    char simple[SYNSETS_LINE_BYTES];
    if (h->word_count == 0)
        return false;
    simplify(text, simple, sizeof simple);
    for (int i = 0; i < h->word_count; i++)
        if (strstr(simple, h->words[i]))
            return true;
    return false;
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

/* The viewer's entry; a new one takes the place of whoever was heard longest ago. Under the lock. */
static struct viewer *viewer(struct rules *h, const char *login, double now_s)
{
    uint64_t key = key_of(login);
    struct viewer *oldest = &h->viewers[0];
    for (int i = 0; i < VIEWERS_MAX; i++) {
        struct viewer *v = &h->viewers[i];
        if (v->key == key)
            return v;
        if (oldest->key && (!v->key || v->heard_s < oldest->heard_s))
            oldest = v;
    }
    *oldest = (struct viewer){.key = key, .heard_s = now_s, .wished_s = -INFINITY};
    return oldest;
}

void rules_heard(struct rules *h, const char *login, double now_s)
{
    pthread_mutex_lock(&h->lock);
    viewer(h, login, now_s)->heard_s = now_s;
    pthread_mutex_unlock(&h->lock);
}

double rules_cooldown_s(struct rules *h, const char *login, double now_s)
{
    if (h->cooldown_s <= 0)
        return 0;
    pthread_mutex_lock(&h->lock);
    double left = viewer(h, login, now_s)->wished_s + h->cooldown_s - now_s;
    pthread_mutex_unlock(&h->lock);
    return left > 0 ? left : 0;
}

void rules_wished(struct rules *h, const char *login, double now_s)
{
    pthread_mutex_lock(&h->lock);
    viewer(h, login, now_s)->wished_s = now_s;
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
    struct viewer *v = viewer(h, login, now_s);
    h->votes += v->voted_turn != turn;
    v->voted_turn = turn;
    int active = 0;
    for (int i = 0; i < VIEWERS_MAX; i++)
        active += h->viewers[i].key && now_s - h->viewers[i].heard_s <= RULES_ACTIVE_S;
    *needed = (int)ceil(h->vote_share * active);
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
