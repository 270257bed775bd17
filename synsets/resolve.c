/*
 * resolve - a line of chat to subjects; see synsets.h for what it accepts.
 *
 * The line is cleaned and cut at + & and , (in all their widths). Each piece is looked up whole first, so
 * that "black and gold garden spider" is one spider; only then it is cut at "and", always taking the longest
 * run of its pieces that is a name. One piece that names nothing spoils the whole line: half of a wish is not
 * what was wished.
 *
 * Cost: a lookup is one binary search over sorted constant data; everything else is on the stack.
 */
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "synsets/index.h"

enum { PART_BYTES = 256, AND_PIECES_MAX = 6, SUGGEST_WORDS_MAX = 6 };

const struct synsets_key *synsets_find(const char *folded)
{
    int low = 0, high = synsets_key_count;
    while (low < high) {
        int middle = (low + high) / 2;
        int order = strcmp(folded, synsets_keys[middle].text);
        if (order == 0)
            return &synsets_keys[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* "gold fish", "ice-cream": the name without its blanks, or with blanks that it has not. */
static const struct synsets_key *find_squeezed(const char *folded)
{
    char squeezed[SYNSETS_KEY_BYTES];
    size_t n = 0;
    for (const char *c = folded; *c; c++)
        if (*c != ' ') {
            if (n + 1 >= sizeof squeezed)
                return NULL;
            squeezed[n++] = *c;
        }
    squeezed[n] = '\0';
    const struct synsets_key *k = synsets_find(squeezed);
    bool whole_name =
        k && (k->kind == SYNSETS_NAME || k->kind == SYNSETS_NAME_FORM || k->kind == SYNSETS_SQUEEZED);
    return whole_name ? k : NULL;
}

/* The rest behind a leading article, or NULL when there is none. */
static const char *behind_article(const char *folded)
{
    static const char *const articles[] = {"a ", "an ", "the ", "some "};
    for (size_t i = 0; i < sizeof articles / sizeof articles[0]; i++)
        if (strncmp(folded, articles[i], strlen(articles[i])) == 0)
            return folded + strlen(articles[i]);
    return NULL;
}

static struct synsets_subject subject_of(const struct synsets_key *k, enum synsets_how how)
{
    return (struct synsets_subject){.how = how,
                                    .key = k->text,
                                    .choices = synsets_pool + k->first,
                                    .choice_count = k->count,
                                    .head_count = k->heads,
                                    .meant = -1};
}

static bool understand(const char *folded, struct synsets_subject *subject)
{
    const char *rest = behind_article(folded);
    const char *const tries[] = {folded, rest};
    for (int i = 0; i < 2 && tries[i]; i++) {
        const struct synsets_key *k = synsets_find(tries[i]);
        enum synsets_how how = SYNSETS_SQUEEZED;
        if (k)
            how = (enum synsets_how)k->kind;
        else
            k = find_squeezed(tries[i]);
        if (!k)
            continue;
        *subject = subject_of(k, how);
        return true;
    }
    return false;
}

/* Surely meant, although misspelt. */
static bool guess(const char *folded, struct synsets_subject *subject)
{
    const char *rest = behind_article(folded);
    int slips;
    const struct synsets_key *k = synsets_typo(rest ? rest : folded, &slips);
    if (!k)
        return false;
    *subject = subject_of(k, (enum synsets_how)k->kind);
    subject->slips = slips;
    return true;
}

/* The words of the piece that are names themselves: "volcano please" may well have meant volcano. */
static int find_inside(const char *folded, const struct synsets_known *known, const struct synsets_key **out)
{
    const char *starts[SUGGEST_WORDS_MAX + 1];
    int words = 0, count = 0;
    for (const char *c = folded; c; c = strchr(c, ' ') ? strchr(c, ' ') + 1 : NULL) {
        if (words == SUGGEST_WORDS_MAX)
            return 0;
        starts[words++] = c;
    }
    starts[words] = folded + strlen(folded) + 1;
    for (int length = words - 1; length > 0 && count == 0; length--)
        for (int i = 0; i + length <= words && count < SYNSETS_SUGGESTIONS_MAX; i++) {
            char run[PART_BYTES];
            snprintf(run, sizeof run, "%.*s", (int)(starts[i + length] - starts[i] - 1), starts[i]);
            const struct synsets_key *k = synsets_find(run);
            bool has = false;
            for (int c = 0; k && c < k->count; c++)
                has = has || known->known[synsets_pool[k->first + c]];
            if (has && k->kind <= SYNSETS_PARENT && (count == 0 || out[count - 1] != k))
                out[count++] = k;
        }
    return count;
}

/* Offers what the model has and is most like a class that it has not. */
static void suggest_neighbours(struct synsets_result *r, int synset, const struct synsets_known *known)
{
    r->suggestion_count = synsets_neighbours(synset, known, r->suggestion, SYNSETS_SUGGESTIONS_MAX);
    for (int i = 0; i < r->suggestion_count; i++)
        r->suggestion_name[i] = synset_table[r->suggestion[i]].names[0];
}

static void suggest(struct synsets_result *r, const char *folded, const struct synsets_known *known)
{
    const struct synsets_key *keys[SYNSETS_SUGGESTIONS_MAX];
    int lacking, limit = synsets_slips(strnlen(folded, SYNSETS_KEY_BYTES));
    int count = synsets_nearest(folded, known, &limit, keys, &lacking);
    if (lacking >= 0 && count == 0) {
        suggest_neighbours(r, lacking, known);
        return;
    }
    if (count == 0)
        count = find_inside(folded, known, keys);
    for (int i = 0; i < count; i++) {
        const uint16_t *choices = synsets_pool + keys[i]->first;
        int c = 0;
        while (!known->known[choices[c]])
            c++;
        r->suggestion[i] = choices[c];
        r->suggestion_name[i] = keys[i]->text;
    }
    r->suggestion_count = count;
}

static bool fail(struct synsets_result *r, enum synsets_verdict verdict)
{
    r->verdict = verdict;
    r->count = 0;
    return false;
}

static bool is_name(const struct synsets_subject *s)
{
    return s->how == SYNSETS_NAME || s->how == SYNSETS_NAME_FORM || s->how == SYNSETS_SQUEEZED;
}

/* A known class that a kind or a word may also mean, or -1. */
static int another(const struct synsets_subject *s, int synset, const struct synsets_known *known)
{
    for (int i = 0; i < s->choice_count && !is_name(s); i++)
        if (s->choices[i] != synset && known->known[s->choices[i]])
            return s->choices[i];
    return -1;
}

/* Takes the first choice that the model knows. False: the line has failed. */
static bool add(struct synsets_result *r, const struct synsets_subject *subject,
                const struct synsets_known *known)
{
    int choice = 0;
    while (choice < subject->choice_count && !known->known[subject->choices[choice]])
        choice++;
    if (choice == subject->choice_count) {
        fail(r, SYNSETS_LACKING);
        r->synset[0] = subject->choices[0];
        r->subject[0] = *subject;
        r->missing_name = subject->key;
        suggest_neighbours(r, r->synset[0], known);
        return false;
    }
    int synset = subject->choices[choice];
    for (int i = 0; i < r->count; i++) {
        if (r->synset[i] != synset)
            continue;
        if (is_name(subject) && is_name(&r->subject[i]))
            return true; /* "tench, Tinca tinca" is one */
        int other = another(subject, synset, known), theirs = another(&r->subject[i], synset, known);
        if (other < 0 && theirs < 0)
            return true;
        if (other >= 0) /* "Chihuahua + dog": another dog */
            synset = other;
        else
            r->synset[i] = theirs;
    }
    if (r->count == SYNSETS_SUBJECTS_MAX)
        return fail(r, SYNSETS_TOO_MANY);
    r->subject[r->count] = *subject;
    r->synset[r->count++] = synset;
    return true;
}

/* A folded piece that is no name itself, cut at "and". */
static bool take_pieces(struct synsets_result *r, char *folded, const struct synsets_known *known)
{
    char *pieces[AND_PIECES_MAX + 1];
    int count = 0;
    char *c = folded;
    do {
        if (count == AND_PIECES_MAX)
            return fail(r, SYNSETS_TOO_MANY);
        pieces[count++] = c;
        c = strstr(c, " and ");
        if (c)
            c += strlen(" and ");
    } while (c);
    pieces[count] = folded + strlen(folded) + strlen(" and ");
    struct synsets_subject whole;
    if (count > 1 && guess(folded, &whole))
        return add(r, &whole, known);
    for (int i = 0, end; i < count; i = end) {
        struct synsets_subject subject;
        char run[PART_BYTES];
        bool found = false;
        for (end = count + 1; !found && end > i + 1;) {
            end--;
            snprintf(run, sizeof run, "%.*s", (int)(pieces[end] - pieces[i] - (int)strlen(" and ")),
                     pieces[i]);
            found = understand(run, &subject);
        }
        if (!found && !guess(run, &subject)) { /* `run` is the single piece now */
            fail(r, SYNSETS_UNKNOWN);
            suggest(r, run, known);
            if (r->suggestion_count > 0)
                r->verdict = SYNSETS_UNSURE;
            return false;
        }
        if (!add(r, &subject, known))
            return false;
    }
    return true;
}

/* A piece of nothing but symbols: each picture in it is a part; the same one several times is one. */
static bool take_pictures(struct synsets_result *r, const char *text, const struct synsets_known *known)
{
    struct synsets_picture picture;
    const char *last = NULL;
    for (const char *at = text; synsets_next_emoji(&at, &picture);) {
        if (!picture.emoji)
            return fail(r, SYNSETS_UNKNOWN);
        if (last == picture.emoji->word)
            continue;
        last = picture.emoji->word;
        struct synsets_subject subject;
        if (!understand(picture.emoji->word, &subject))
            return fail(r, SYNSETS_UNKNOWN); /* a test sees to it that this cannot be */
        subject.emoji = true;
        subject.casual = picture.emoji->casual;
        if (!add(r, &subject, known))
            return false;
    }
    return true;
}

/* One piece between separators; a piece of nothing but blanks and punctuation is passed over. */
static bool take(struct synsets_result *r, const char *text, size_t bytes, const struct synsets_known *known)
{
    char folded[PART_BYTES];
    size_t n = synsets_fold(folded, sizeof folded, text, bytes);
    if (n == sizeof folded)
        return fail(r, SYNSETS_UNKNOWN);
    if (n == 0) {
        char symbols[PART_BYTES];
        text_clean(symbols, sizeof symbols, text, bytes);
        return take_pictures(r, symbols, known);
    }
    struct synsets_subject subject;
    if (understand(folded, &subject))
        return add(r, &subject, known);
    return take_pieces(r, folded, known);
}

/* Bytes up to the next separator or the end, and how long that one is. */
static size_t to_separator(const char *s, size_t *separator)
{
    static const char *const wide[] = {"＋", "＆", "，", "、", "﹐", "﹠", "﹢", "➕"};
    for (size_t n = 0;; n++) {
        n += strcspn(s + n, "+&,\xef\xe3\xe2"); /* those, and how the wide ones begin */
        *separator = s[n] != '\0';
        if (!s[n] || !((unsigned char)s[n] & 0x80))
            return n;
        for (size_t i = 0; i < ARRAY_LEN(wide); i++)
            if (strncmp(s + n, wide[i], strlen(wide[i])) == 0) {
                *separator = strlen(wide[i]);
                return n;
            }
    }
}

/* A name that is written with a sign for its "and": "black & gold garden spider". */
static bool take_signed(struct synsets_result *r, const char *clean, const struct synsets_known *known)
{
    const char *sign = strchr(clean, '&');
    char spelled[PART_BYTES], folded[PART_BYTES];
    struct synsets_subject subject;
    if (!sign || strchr(sign + 1, '&'))
        return false;
    int n = snprintf(spelled, sizeof spelled, "%.*s and %s", (int)(sign - clean), clean, sign + 1);
    if (n >= (int)sizeof spelled || synsets_fold(folded, sizeof folded, spelled, (size_t)n) == sizeof folded)
        return false;
    return understand(folded, &subject) && is_name(&subject) && add(r, &subject, known);
}

void synsets_resolve(const char *line, size_t bytes, const struct synsets_known *known,
                     struct synsets_result *result)
{
    char clean[SYNSETS_LINE_BYTES];
    text_clean(clean, sizeof clean, line, bytes);
    struct synsets_result *r = result;
    *r = (struct synsets_result){.verdict = SYNSETS_OK};
    if (take_signed(r, clean, known) || r->verdict != SYNSETS_OK)
        return;
    const char *start = clean;
    for (size_t separator = 1; separator > 0;) {
        size_t n = to_separator(start, &separator);
        if (!take(r, start, n, known))
            return;
        start += n + separator;
    }
    if (r->count == 0)
        r->verdict = SYNSETS_EMPTY;
}

bool synsets_granted(const struct synsets_result *result)
{
    return result->verdict <= SYNSETS_HALF;
}

void synsets_label(const struct synsets_result *result, char *out, size_t size)
{
    const char *first = result->count > 0 ? synset_table[result->synset[0]].names[0] : "";
    if (result->count > 1)
        snprintf(out, size, "%s + %s", first, synset_table[result->synset[1]].names[0]);
    else
        snprintf(out, size, "%s", first);
}
