/*
 * resolve - names in a line of chat to subjects; see synsets.h for what it accepts, grammar.c for the signs.
 *
 * parse.c tells which things a line names. Here each is met with what the model has: a class that it knows, one
 * that stands in, or none; and the things of a line make one answer. One thing that names nothing does not spoil
 * another that does: half of the wish is granted, and the result says so.
 *
 * Cost: a lookup is a binary search over sorted constant data; everything is on the stack.
 */
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "synsets/parse.h"

enum { SUGGEST_BYTES_MIN = 5, UNKNOWN_WORDS_MAX = 3, MEANT_CHOICES_MAX = 8, CERTAIN_PIECES_MAX = 2 };

/* ---- What may have been meant ---- */

static bool offer(struct synsets_result *r, const struct synsets_key *k, const struct synsets_known *known)
{
    for (int i = 0; i < k->heads; i++) {
        int synset = synsets_pool[k->first + i];
        if (!known->known[synset])
            continue;
        for (int j = 0; j < r->suggestion_count; j++)
            if (r->suggestion[j] == synset)
                return false;
        if (r->suggestion_count == SYNSETS_SUGGESTIONS_MAX)
            return false;
        r->suggestion[r->suggestion_count] = synset;
        r->suggestion_name[r->suggestion_count++] = k->text;
        return true;
    }
    return false;
}

/* Words of their own are no misspelling: what looks like them is not what was meant. */
static bool is_words(const char *content)
{
    for (const char *w = content; *w;) {
        size_t bytes = strcspn(w, " ");
        if (!synsets_is_word(w, bytes))
            return false;
        w += bytes + (w[bytes] == ' ');
    }
    return true;
}

/* The names among a piece's words, or what it looks like. */
static void suggest(struct synsets_result *r, const struct piece *piece, const struct synsets_known *known)
{
    for (int i = 0; i < piece->name_count; i++)
        offer(r, piece->names[i], known);
    size_t bytes = strlen(piece->content);
    if (r->suggestion_count > 0 || piece->name_count > 0 || bytes < SUGGEST_BYTES_MIN ||
        is_words(piece->content))
        return;
    const struct synsets_key *keys[SYNSETS_SUGGESTIONS_MAX];
    int lacking, limit = synsets_slips(bytes);
    int count = synsets_nearest(piece->content, known, &limit, keys, &lacking);
    for (int i = 0; i < count; i++)
        offer(r, keys[i], known);
}

/* ---- What is there for it ---- */

static bool is_one_name(const struct synsets_subject *s)
{
    return s->how != SYNSETS_PARENT && s->how != SYNSETS_PARENT_FORM;
}

static bool is_taken(const struct synsets_result *r, int synset)
{
    for (int i = 0; i < r->count; i++)
        if (r->synset[i] == synset)
            return true;
    return false;
}

/* A known class that a kind may also mean and that is not taken, or -1. */
static int another(const struct synsets_result *r, const struct synsets_subject *s,
                   const struct synsets_known *known)
{
    for (int i = 0; i < s->choice_count && !is_one_name(s); i++)
        if (!is_taken(r, s->choices[i]) && known->known[s->choices[i]])
            return s->choices[i];
    return -1;
}

/* The class to dream for `s`, which says in meant and meant_name when it only stands in; -1: there is none, and
 * *r has what may be offered. */
static int find_class(struct synsets_result *r, struct synsets_subject *s, const struct synsets_known *known)
{
    for (int i = 0; i < s->choice_count; i++) {
        if (!known->known[s->choices[i]])
            continue;
        if (i >= s->head_count) {
            s->meant = s->head_count > 0 ? s->choices[0] : -1;
            s->meant_name = s->key;
        }
        return s->choices[i];
    }
    for (int i = 0; i < s->head_count && i < MEANT_CHOICES_MAX; i++) {
        int near[SYNSETS_SUGGESTIONS_MAX], count;
        const char *shared;
        int synset = synsets_stand_in(s->choices[i], known, near, &count, &shared);
        if (synset >= 0) {
            s->meant = s->choices[i];
            s->meant_name = s->key;
            return synset;
        }
        if (r->suggestion_count > 0)
            continue;
        for (r->suggestion_count = 0; r->suggestion_count < count; r->suggestion_count++) {
            r->suggestion[r->suggestion_count] = near[r->suggestion_count];
            r->suggestion_name[r->suggestion_count] = synset_table[near[r->suggestion_count]].names[0];
        }
        r->shared_name = count > 0 ? shared : NULL;
    }
    return -1;
}

/* Sets a subject apart from those that are there, or finds that it is one of them. */
static bool is_same(struct synsets_result *r, const struct synsets_subject *s, int *synset,
                    const struct synsets_known *known)
{
    int i = 0;
    while (i < r->count && r->synset[i] != *synset)
        i++;
    if (i == r->count)
        return false;
    if (is_one_name(s) && is_one_name(&r->subject[i]))
        return true; /* "tench, Tinca tinca" is one */
    int other = another(r, s, known);
    if (other >= 0) { /* "Chihuahua + dog": another dog */
        *synset = other;
        return false;
    }
    int theirs = another(r, &r->subject[i], known);
    if (theirs >= 0)
        r->synset[i] = theirs;
    return theirs < 0;
}

static bool fail(struct synsets_result *r, enum synsets_verdict verdict)
{
    r->verdict = verdict;
    r->count = 0;
    r->placed = false;
    return false;
}

/* ---- The line ---- */

static void swap_subjects(struct synsets_result *r)
{
    int synset = r->synset[0];
    struct synsets_subject subject = r->subject[0];
    r->synset[0] = r->synset[1];
    r->subject[0] = r->subject[1];
    r->synset[1] = synset;
    r->subject[1] = subject;
}

/* Which of two is on top, when the line says it. */
static void place(struct synsets_result *r, const struct parse *p)
{
    if (r->count == 1 && p->pieces[0].place != 0)
        r->talk = 2; /* "top cat": a place for one thing alone is not how people wish */
    if (r->count != 2 || p->count != 2)
        return;
    const struct piece *first = &p->pieces[0], *second = &p->pieces[1];
    bool below = first->place < 0 || second->place > 0 || second->join == PIECE_ABOVE;
    r->placed = first->place != 0 || second->place != 0 || second->join != PIECE_BESIDE;
    if (below)
        swap_subjects(r);
}

static void note_lacking(struct synsets_result *lacking, const struct synsets_subject *s,
                         const struct synsets_result *offered)
{
    if (lacking->missing_name)
        return;
    *lacking = *offered;
    lacking->missing_name = s->key;
    lacking->subject[0] = *s;
    lacking->missing = lacking->synset[0] = s->head_count > 0 ? s->choices[0] : -1;
}

/* What stands in for a thing may be another thing of the line already: "lion + tiger" of a model without tigers
 * is half a wish. True: that was so. */
static bool stands_in_twice(struct synsets_result *r, const struct synsets_subject *s, int synset,
                            struct synsets_result *lacking)
{
    static const struct synsets_result nothing = {.suggestion_count = 0};
    int i = 0;
    while (i < r->count && r->synset[i] != synset)
        i++;
    if (i == r->count || (!s->meant_name && !r->subject[i].meant_name))
        return false;
    if (s->meant_name) {
        note_lacking(lacking, s, &nothing);
        return true;
    }
    note_lacking(lacking, &r->subject[i], &nothing);
    r->subject[i] = *s;
    return true;
}

/* One thing more. False: the line has failed. */
static bool add(struct synsets_result *r, const struct piece *piece, struct synsets_result *lacking,
                const struct synsets_known *known)
{
    struct synsets_subject s = piece->subject;
    struct synsets_result one = {.suggestion_count = 0};
    int synset = find_class(&one, &s, known);
    if (synset < 0) {
        note_lacking(lacking, &s, &one);
        return true;
    }
    if (stands_in_twice(r, &s, synset, lacking) || is_same(r, &s, &synset, known))
        return true;
    if (r->count == SYNSETS_SUBJECTS_MAX)
        return fail(r, SYNSETS_TOO_MANY);
    r->subject[r->count] = s;
    r->synset[r->count++] = synset;
    return true;
}

/* Nothing is granted: why not. */
static void refuse(struct synsets_result *r, const struct parse *p, const struct piece *unknown,
                   const struct synsets_result *lacking, const struct synsets_known *known)
{
    struct synsets_result no = {.verdict = SYNSETS_UNKNOWN, .talk = p->talk, .missing = -1};
    if (lacking->missing_name) {
        no = *lacking;
        no.talk = p->talk;
        no.verdict = lacking->synset[0] >= 0 ? SYNSETS_LACKING : SYNSETS_UNKNOWN;
    } else if (unknown && !p->idiom) {
        suggest(&no, unknown, known);
        for (int i = 0; no.suggestion_count == 0 && i < p->count; i++) /* the half that is known */
            if (p->pieces[i].name_count > 0)
                offer(&no, p->pieces[i].names[0], known);
        if (no.suggestion_count > 0)
            no.verdict = SYNSETS_UNSURE;
    }
    *r = no;
}

/* Everything that the line names together. */
static void join(struct synsets_result *r, const struct parse *p, const struct synsets_known *known)
{
    struct synsets_result lacking = {.missing = -1};
    const struct piece *unknown = NULL;
    int unknowns = 0;
    for (int i = 0; i < p->count; i++) {
        const struct piece *piece = &p->pieces[i];
        if (piece->state == PIECE_UNKNOWN) {
            unknown = unknown ? unknown : piece;
            unknowns++;
        } else if (!add(r, piece, &lacking, known)) {
            return;
        }
    }
    /* A whole sentence beside a name is talk; a word or two are the other half of a wish. */
    bool talk = p->idiom || unknowns > 1 || p->count > CERTAIN_PIECES_MAX ||
                (unknown && (unknown->name_count > 0 || unknown->content_words > UNKNOWN_WORDS_MAX));
    bool half = unknowns > 0 || lacking.missing_name;
    if (r->count == 0 || (half && talk)) {
        refuse(r, p, unknown, &lacking, known);
        return;
    }
    r->missing_name = lacking.missing_name;
    r->missing = lacking.missing;
    r->verdict = half ? SYNSETS_HALF : SYNSETS_OK;
    for (int i = 0; i < r->count && !half; i++)
        if (r->subject[i].meant_name)
            r->verdict = SYNSETS_NEAREST;
    place(r, p);
}

/* A name that is written with a sign for its "and": "black & gold garden spider". */
static bool is_signed(const char *clean, struct synsets_subject *subject)
{
    const char *sign = strchr(clean, '&');
    char spelled[PIECE_BYTES], folded[PIECE_BYTES];
    if (!sign || strchr(sign + 1, '&'))
        return false;
    int n = snprintf(spelled, sizeof spelled, "%.*s and %s", (int)(sign - clean), clean, sign + 1);
    if (n >= (int)sizeof spelled || synsets_fold(folded, sizeof folded, spelled, (size_t)n) == sizeof folded)
        return false;
    return synsets_understand(folded, subject) && is_one_name(subject);
}

void synsets_resolve_names(const char *clean, const struct synsets_known *known,
                           struct synsets_result *result)
{
    struct parse p;
    struct synsets_subject whole;
    if (is_signed(clean, &whole))
        p = (struct parse){
            .count = 1, .any_words = true, .pieces = {{.state = PIECE_NAMED, .subject = whole}}};
    else
        synsets_parse(clean, &p);
    *result = (struct synsets_result){.verdict = SYNSETS_OK, .talk = p.talk, .missing = -1};
    if (p.too_long)
        fail(result, SYNSETS_UNKNOWN);
    else if (!p.any_words)
        fail(result, SYNSETS_EMPTY);
    else
        join(result, &p, known);
}
