/*
 * grammar - the signs in a wish: how much of a thing, where, away from it, and what comes after it.
 *
 *     line   = things [(">" | ">>") things [TIME]]      TIME: 30s, 2 min
 *     things = thing {("+" | "," | "&" | " -") thing}
 *     thing  = ["-"] [NUMBER "*"] NAME [PLACE]          PLACE: left, top right, in the middle ...
 *
 * Chats are full of such marks that mean nothing: "cats > dogs", "5* pizza", "<3", "-bob", "cat right?". So a line
 * without a sign that can be read goes to resolve.c as it is; each thing of one that has some goes there alone;
 * and only signs that nobody types by chance leave a line plainly a wish (may_be_talk).
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "synsets/manner.h"
#include "synsets/parse.h"

enum { THINGS_MAX = 12, TIME_BYTES_MAX = 16 };
static const float weight_max = 9;

/* ---- Things ---- */

struct thing {
    const char *text;
    size_t bytes;
    struct synsets_manner manner;
};

struct things {
    struct thing thing[THINGS_MAX];
    int count;
    bool too_many, joined;       /* joined: by + & or , */
    bool weights, minus, places; /* places: other than top and bottom, which two things have without signs */
};

/* "3*", "0.5 * ": its bytes, 0 when there is none. */
static size_t read_weight(const char *text, size_t bytes, float *weight)
{
    size_t n = 0, digits = 0, dots = 0;
    for (; n < bytes && (isdigit((unsigned char)text[n]) || text[n] == '.'); n++) {
        digits += text[n] != '.';
        dots += text[n] == '.';
    }
    if (digits < 1 || digits > 3 || dots > 1)
        return 0;
    double value = 0, unit = 1;
    bool whole = true;
    for (size_t i = 0; i < n; i++)
        if (text[i] == '.')
            whole = false;
        else if (whole)
            value = 10 * value + text[i] - '0';
        else
            value += (text[i] - '0') * (unit /= 10);
    while (n < bytes && text[n] == ' ')
        n++;
    if (n == bytes || text[n] != '*' || value < 0.05)
        return 0;
    *weight = value < (double)weight_max ? (float)value : weight_max;
    return n + 1;
}

static bool begins_name(const char *text, size_t bytes)
{
    float weight;
    return bytes > 0 &&
           (isalpha((unsigned char)text[0]) || (text[0] & 0x80) || read_weight(text, bytes, &weight));
}

static void trim(const char **text, size_t *bytes)
{
    while (*bytes > 0 && **text == ' ') {
        ++*text;
        --*bytes;
    }
    while (*bytes > 0 && (*text)[*bytes - 1] == ' ')
        --*bytes;
}

/* All of it. */
static bool is_one_name(const char *text, size_t bytes)
{
    char folded[PIECE_BYTES];
    struct synsets_subject s;
    return synsets_fold(folded, sizeof folded, text, bytes) < sizeof folded && synsets_understand(folded, &s);
}

static void add_thing(struct things *all, const char *text, size_t bytes)
{
    struct thing t = {.text = NULL};
    float weight = 1;
    trim(&text, &bytes);
    bool minus = bytes > 1 && text[0] == '-' && begins_name(text + 1, bytes - 1);
    text += minus;
    bytes -= minus;
    size_t used = read_weight(text, bytes, &weight);
    text += used;
    bytes -= used;
    trim(&text, &bytes);
    if (!is_one_name(text, bytes)) /* "entertainment center" */
        t.manner.place = synsets_cut_place(text, &bytes);
    t.manner.weight = minus ? -weight : weight == 1 ? 0 : weight;
    t.text = text;
    t.bytes = bytes;
    if (bytes == 0)
        return;
    all->minus |= minus;
    all->weights |= used > 0;
    all->places |= t.manner.place > SYNSETS_BOTTOM;
    all->too_many |= all->count == THINGS_MAX;
    if (all->count < THINGS_MAX)
        all->thing[all->count++] = t;
}

/* What stands between two of + & and , is cut once more where " -" begins a name. */
static void add_part(struct things *all, const char *text, size_t bytes)
{
    size_t start = 0;
    for (size_t i = 1; i + 1 < bytes; i++)
        if (text[i] == '-' && text[i - 1] == ' ' && begins_name(text + i + 1, bytes - i - 1) &&
            !is_one_name(text, bytes)) { /* "ice -cream" */
            add_thing(all, text + start, i - start);
            start = i;
        }
    add_thing(all, text + start, bytes - start);
}

static void find_things(struct things *all, const char *text)
{
    *all = (struct things){.count = 0};
    for (;;) {
        size_t bytes = strcspn(text, "+&,");
        add_part(all, text, bytes);
        if (!text[bytes])
            return;
        all->joined = true;
        text += bytes + 1;
    }
}

static bool holds(const struct synsets_result *r, int synset, const struct synsets_manner *manner)
{
    for (int i = 0; i < r->count; i++)
        if (r->synset[i] == synset && r->manner[i].place == manner->place)
            return true;
    return false;
}

/* What was understood of one thing, behind the others. False: the line has failed. */
static bool append(struct synsets_result *r, const struct synsets_result *one,
                   const struct synsets_manner *manner)
{
    for (int i = 0; i < one->count; i++) {
        if (holds(r, one->synset[i], manner))
            continue;
        if (r->count == SYNSETS_SUBJECTS_MAX) {
            *r = (struct synsets_result){.verdict = SYNSETS_TOO_MANY, .talk = r->talk, .missing = -1};
            return false;
        }
        r->synset[r->count] = one->synset[i];
        r->subject[r->count] = one->subject[i];
        r->manner[r->count++] = *manner;
    }
    if (one->verdict == SYNSETS_NEAREST && r->verdict == SYNSETS_OK)
        r->verdict = SYNSETS_NEAREST;
    return true;
}

/* Could somebody have typed these signs who wished for nothing? */
static bool may_be_talk(const struct things *all)
{
    bool several = all->joined && all->count > 1;
    return !several && (all->places || all->minus || all->weights);
}

/* Everything on one side of the change. */
static void resolve_things(const char *text, const struct synsets_known *known, struct synsets_result *r)
{
    struct things all;
    find_things(&all, text);
    if (!all.weights && !all.minus && !all.places) {
        synsets_resolve_names(text, known, r);
        return;
    }
    *r = (struct synsets_result){.verdict = SYNSETS_OK, .missing = -1};
    for (int i = 0; i < all.count; i++) {
        char name[SYNSETS_LINE_BYTES];
        struct synsets_result one;
        snprintf(name, sizeof name, "%.*s", (int)all.thing[i].bytes, all.thing[i].text);
        synsets_resolve_names(name, known, &one);
        if (!synsets_granted(&one) || one.verdict == SYNSETS_HALF) {
            *r = one; /* what is no thing spoils the rest: it may not have been meant so at all */
            r->count = 0;
            r->verdict = one.verdict == SYNSETS_HALF ? SYNSETS_UNKNOWN : one.verdict;
            r->talk = 2;
            return;
        }
        r->talk = one.talk > r->talk ? one.talk : r->talk;
        if (!append(r, &one, &all.thing[i].manner))
            return;
    }
    if (all.too_many)
        *r = (struct synsets_result){.verdict = SYNSETS_TOO_MANY, .missing = -1};
    if (may_be_talk(&all))
        r->talk = 2;
}

/* ---- What comes after what ---- */

struct change {
    size_t before; /* bytes of what comes first */
    const char *after;
    struct synsets_change how;
};

/* The time at the end, "30s" or "over 2 minutes"; the text is cut before it. 0: there is none. */
static double cut_time(char *text)
{
    static const char *const seconds[] = {"s", "sec", "secs", "second", "seconds", NULL},
                             *const minutes[] = {"m", "min", "mins", "minute", "minutes", NULL},
                             *const before[] = {"in", "over", "within", NULL};
    struct line_word w[LINE_WORDS_MAX];
    int count = line_last_words(text, strlen(text), w), at = 0;
    if (count == 0)
        return 0;
    size_t digits = strspn(w[0].text, "0123456789.");
    struct line_word unit = {w[0].text + digits, w[0].bytes - (digits < w[0].bytes ? digits : w[0].bytes)};
    if (digits == 0 && count > 1 && strspn(w[1].text, "0123456789.") == w[1].bytes) { /* "30 s" */
        unit = w[0];
        at = 1;
    }
    double length = line_word_is(unit, seconds) ? 1 : line_word_is(unit, minutes) ? 60 : 0;
    if (length == 0 || !isdigit((unsigned char)w[at].text[0]) || w[at].bytes > TIME_BYTES_MAX)
        return 0;
    double s = strtod(w[at].text, NULL) * length;
    size_t start = (size_t)(w[at].text - text);
    if (at + 1 < count && line_word_is(w[at + 1], before))
        start = (size_t)(w[at + 1].text - text);
    text[start] = '\0';
    return s < 1 ? 1 : s > SYNSETS_CHANGE_MAX_S ? SYNSETS_CHANGE_MAX_S : s;
}

/* "a > b", "a -> b", "a → b", "a >> b", "> b". False: the line has none, or marks that are none. */
static bool find_change(char *text, struct change *c)
{
    static const char arrow[] = "→";
    char *sign = strchr(text, '>'), *wide = strstr(text, arrow);
    if (!sign == !wide) /* none, or both */
        return false;
    char *at = sign ? sign : wide, *end = at + (sign ? strspn(at, ">") : strlen(arrow));
    size_t length = (size_t)(end - at);
    if ((sign && length > 2) || strchr(end, '>') || strstr(end, arrow))
        return false;
    while (sign && at > text && (at[-1] == '-' || at[-1] == '='))
        at--;
    end += strspn(end, " ");
    bool before = at == text || at[-1] == ' ' || isalnum((unsigned char)at[-1]) || (at[-1] & 0x80);
    if (!before || !begins_name(end + (end[0] == '-'), strlen(end + (end[0] == '-')))) /* "> <", ">:(" */
        return false;
    *c = (struct change){.before = (size_t)(at - text), .after = end};
    c->how.wipes = sign && length == 2;
    c->how.s = cut_time(end);
    return end[0] != '\0';
}

/* Both sides together. The first one that is no wish is what there is to say. */
static void resolve_change(const char *text, const struct change *c, const struct synsets_known *known,
                           struct synsets_result *r)
{
    char before[SYNSETS_LINE_BYTES];
    struct synsets_result then;
    snprintf(before, sizeof before, "%.*s", (int)c->before, text);
    resolve_things(before, known, r);
    if (r->verdict == SYNSETS_EMPTY)
        *r = (struct synsets_result){.verdict = SYNSETS_OK, .missing = -1};
    resolve_things(c->after, known, &then);
    int talk = c->how.s > 0 ? (r->talk > then.talk ? r->talk : then.talk) : 2; /* "cats > dogs" */
    if (!synsets_granted(r) || !synsets_granted(&then)) {
        if (synsets_granted(r))
            *r = then;
        r->talk = talk;
        return;
    }
    struct synsets_change how = c->how;
    how.at = r->count;
    if (how.at + then.count > SYNSETS_SUBJECTS_MAX) {
        *r = (struct synsets_result){.verdict = SYNSETS_TOO_MANY, .talk = talk, .missing = -1};
        return;
    }
    for (int i = 0; i < then.count; i++) {
        r->synset[how.at + i] = then.synset[i];
        r->subject[how.at + i] = then.subject[i];
        r->manner[how.at + i] = then.manner[i];
    }
    r->count += then.count;
    r->change = how;
    r->talk = talk;
    r->placed = false;
    r->verdict = then.verdict > r->verdict ? then.verdict : r->verdict;
    r->missing_name = r->missing_name ? r->missing_name : then.missing_name;
}

/* ---- Lines ---- */

/* A command of another bot, or a link: nothing in it is meant for us, whatever it holds. */
static bool is_not_for_us(const char *clean)
{
    static const char *const marks[] = {"://",   "www.",  ".com",  ".net", ".org", ".gg",  ".tv",
                                        ".io",   ".ly/",  ".me/",  ".xyz", ".ru",  ".co/", ".example",
                                        ".link", ".shop", ".info", ".to/", ".be/"};
    if ((clean[0] == '!' || clean[0] == '/') && ((clean[1] | 32) >= 'a' && (clean[1] | 32) <= 'z'))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (strcasestr(clean, marks[i]))
            return true;
    return false;
}

void synsets_resolve(const char *line, size_t bytes, const struct synsets_known *known,
                     struct synsets_result *result)
{
    char clean[SYNSETS_LINE_BYTES];
    struct change change;
    text_clean(clean, sizeof clean, line, bytes);
    if (is_not_for_us(clean))
        *result = (struct synsets_result){.verdict = SYNSETS_UNKNOWN, .missing = -1};
    else if (find_change(clean, &change))
        resolve_change(clean, &change, known, result);
    else
        resolve_things(clean, known, result);
}

bool synsets_granted(const struct synsets_result *result)
{
    return result->verdict <= SYNSETS_HALF;
}
