/*
 * parse - see parse.h.
 *
 * The line is cut at + & / and , (in all their widths). In what is between, the longest run of words that is a
 * name is taken first, so that "black and gold garden spider" is one spider and a hot dog no dog; then the
 * longest phrase that falls away or joins. Words that are neither make a piece unknown, unless all of it is a
 * sure misspelling.
 */
#include "synsets/parse.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "synsets/phrase.h"

enum { KEY_WORDS_MAX = 6, WORDS_MAX = 40, NUMBER_DIGITS_MAX = 3 };

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

/* The first key that does not come before the first `bytes` of `text`; NULL when it does not begin so. */
static const struct synsets_key *find_beginning(const char *text, size_t bytes)
{
    int low = 0, high = synsets_key_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (strncmp(synsets_keys[middle].text, text, bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool begins = low < synsets_key_count && strncmp(synsets_keys[low].text, text, bytes) == 0;
    return begins ? &synsets_keys[low] : NULL;
}

/* The key of the most words that `text` begins with, and its length. */
static const struct synsets_key *find_longest(const char *text, size_t *bytes)
{
    size_t ends[KEY_WORDS_MAX];
    int words = 0;
    for (size_t end = 0; words < KEY_WORDS_MAX; end++) {
        end += strcspn(text + end, " ");
        if (end >= SYNSETS_KEY_BYTES)
            break;
        ends[words++] = end;
        if (!text[end])
            break;
    }
    if (words == 0 || !find_beginning(text, ends[0])) /* most words begin no key at all */
        return NULL;
    for (; words > 0; words--) {
        *bytes = ends[words - 1];
        const struct synsets_key *k = find_beginning(text, *bytes);
        if (k && !k->text[*bytes])
            return k;
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
    bool whole_name = k && k->kind != SYNSETS_PARENT && k->kind != SYNSETS_PARENT_FORM;
    return whole_name ? k : NULL;
}

/* The rest behind a leading article, or `folded` itself. */
static const char *behind_article(const char *folded)
{
    static const char *const articles[] = {"a ", "an ", "the ", "some "};
    for (size_t i = 0; i < ARRAY_LEN(articles); i++)
        if (strncmp(folded, articles[i], strlen(articles[i])) == 0)
            return folded + strlen(articles[i]);
    return folded;
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

bool synsets_understand(const char *folded, struct synsets_subject *subject)
{
    const char *const tries[] = {folded, behind_article(folded)};
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        const struct synsets_key *k = synsets_find(tries[i]);
        enum synsets_how how = k ? (enum synsets_how)k->kind : SYNSETS_SQUEEZED;
        if (!k)
            k = find_squeezed(tries[i]);
        if (!k)
            continue;
        *subject = subject_of(k, k->kind == SYNSETS_EVERYDAY ? SYNSETS_EVERYDAY : how);
        return true;
    }
    return false;
}

/* Surely meant, although misspelt. */
static bool guess(const char *folded, struct synsets_subject *subject)
{
    int slips;
    const struct synsets_key *k = synsets_typo(behind_article(folded), &slips);
    if (!k)
        return false;
    *subject = subject_of(k, (enum synsets_how)k->kind);
    subject->slips = slips;
    return true;
}

/* ---- Pieces ---- */

static struct piece *last(struct parse *p)
{
    return &p->pieces[p->count - 1];
}

static bool has_content(const struct piece *piece)
{
    return piece->content_words > 0 || piece->state != PIECE_EMPTY;
}

/* A piece of its own for what comes; one that holds nothing yet is taken. */
static void open_piece(struct parse *p, enum piece_join join)
{
    if (p->count > 0 && !has_content(last(p)) && !last(p)->weak) {
        if (p->count > 1 && join != PIECE_BESIDE)
            last(p)->join = join;
        last(p)->start = last(p)->end = NULL;
        return;
    }
    if (p->count == PIECES_MAX) {
        p->too_long = true;
        return;
    }
    p->pieces[p->count] = (struct piece){.join = p->count > 0 ? join : PIECE_BESIDE};
    p->count++;
}

static void add_content(struct piece *piece, const char *text, size_t bytes)
{
    size_t n = strlen(piece->content);
    snprintf(piece->content + n, sizeof piece->content - n, "%s%.*s", n > 0 ? " " : "", (int)bytes, text);
    piece->content_words++;
    piece->start = piece->start ? piece->start : text;
    piece->end = text + bytes;
}

static void add_name(struct piece *piece, const struct synsets_key *k)
{
    for (int i = 0; i < piece->name_count; i++)
        if (piece->names[i] == k)
            return;
    if (piece->name_count < PIECE_NAMES_MAX)
        piece->names[piece->name_count++] = k;
}

/* "at the top": behind a thing it is that thing's place, else that of the next. */
static void set_place(struct parse *p, int place)
{
    if (has_content(last(p)) && last(p)->place != 0)
        open_piece(p, PIECE_BESIDE);
    last(p)->place = place;
    last(p)->closed = has_content(last(p));
}

static void apply(struct parse *p, enum phrase_role role)
{
    switch (role) {
    case PHRASE_FILLER:
        break;
    case PHRASE_JOIN:
        open_piece(p, PIECE_BESIDE);
        break;
    case PHRASE_OVER:
        open_piece(p, PIECE_BELOW);
        break;
    case PHRASE_UNDER:
        open_piece(p, PIECE_ABOVE);
        break;
    case PHRASE_TOP:
    case PHRASE_BOTTOM:
        set_place(p, role == PHRASE_TOP ? 1 : -1);
        break;
    case PHRASE_IDIOM:
        p->idiom = true;
    }
}

static bool is_small_number(const char *text, size_t bytes)
{
    return bytes <= NUMBER_DIGITS_MAX && strspn(text, "0123456789") >= bytes;
}

static size_t words_bytes(const char *text, int words)
{
    size_t n = strcspn(text, " ");
    for (; words > 1; words--)
        n += 1 + strcspn(text + n + 1, " ");
    return n;
}

/* Takes the name, the phrase or the word at `text`; returns its length. */
static size_t take_words(struct parse *p, const char *text)
{
    enum phrase_role role = PHRASE_FILLER;
    size_t key_bytes = 0;
    int talk = 0, words = phrase_match(text, &role, &talk);
    size_t phrase_bytes = words ? words_bytes(text, words) : 0;
    const struct synsets_key *k = find_longest(text, &key_bytes);
    if (words && (!k || phrase_bytes >= key_bytes)) {
        apply(p, role);
        if (k && phrase_bytes == key_bytes)
            last(p)->weak = k;
        if (talk == 2 && role == PHRASE_FILLER && !last(p)->start)
            last(p)->start = text; /* "golden" of a misspelt retriever */
        int *most = last(p)->start ? &last(p)->talk : &p->talk;
        *most = talk > *most ? talk : *most;
        return phrase_bytes;
    }
    if (last(p)->closed)
        open_piece(p, PIECE_BESIDE);
    size_t bytes = k ? key_bytes : strcspn(text, " ");
    if (!k && is_small_number(text, bytes)) {
        p->talk = 2;
        return bytes;
    }
    add_content(last(p), text, bytes);
    if (k)
        add_name(last(p), k);
    else
        last(p)->others++;
    return bytes;
}

/* What the words of a piece come to. */
static void conclude(struct parse *p, struct piece *piece)
{
    char whole[PIECE_BYTES];
    int talk = piece->talk > p->talk ? piece->talk : p->talk;
    const struct synsets_key *k = piece->name_count ? piece->names[0] : piece->weak;
    if (piece->others == 0 && piece->name_count <= 1) {
        if (k)
            piece->subject = subject_of(k, (enum synsets_how)k->kind);
        piece->state = k ? PIECE_NAMED : PIECE_EMPTY;
        p->talk = talk;
        return;
    }
    snprintf(whole, sizeof whole, "%.*s", (int)(piece->end - piece->start), piece->start);
    piece->state = PIECE_NAMED;
    if (synsets_understand(whole, &piece->subject) || guess(whole, &piece->subject))
        return;
    p->talk = talk; /* what falls away was no part of the name */
    if (strcmp(whole, piece->content) == 0 ||
        (!synsets_understand(piece->content, &piece->subject) && !guess(piece->content, &piece->subject)))
        piece->state = PIECE_UNKNOWN;
}

/* One segment of the line that holds words. */
static void take_segment(struct parse *p, const char *folded)
{
    int first = p->count - 1, words = 0;
    for (const char *at = folded; *at && words <= WORDS_MAX; words++) {
        at += take_words(p, at);
        at += *at == ' ';
    }
    p->too_long = p->too_long || words > WORDS_MAX;
    bool failed = false;
    for (int i = first; i < p->count; i++) {
        conclude(p, &p->pieces[i]);
        failed = failed || p->pieces[i].state == PIECE_UNKNOWN;
    }
    /* "black and gold gardn spider" */
    struct synsets_subject whole;
    if (failed && strstr(folded, " and ") && guess(folded, &whole)) {
        p->count = first + 1;
        p->talk = 0;
        *last(p) = (struct piece){.state = PIECE_NAMED, .subject = whole};
    }
}

/* A segment of nothing but symbols: each picture in it is a piece; the same one several times is one. */
static void take_pictures(struct parse *p, const char *text)
{
    struct synsets_picture picture;
    const char *before = NULL;
    for (const char *at = text; synsets_next_emoji(&at, &picture);) {
        const char *word = picture.emoji ? picture.emoji->word : "";
        p->any_words = true;
        if (before == word)
            continue;
        before = word;
        open_piece(p, PIECE_BESIDE);
        last(p)->state = PIECE_UNKNOWN;
        last(p)->others = 1;
        if (!picture.emoji || !synsets_understand(word, &last(p)->subject))
            continue;
        last(p)->state = PIECE_NAMED;
        last(p)->subject.emoji = true;
        last(p)->subject.casual = picture.emoji->casual;
    }
}

/* Bytes up to the next separator or the end, and how long that one is. */
static size_t to_separator(const char *s, size_t *separator)
{
    static const char *const wide[] = {"＋", "＆", "，", "、", "﹐", "﹠", "﹢", "➕", "／"};
    for (size_t n = 0;; n++) {
        n += strcspn(s + n, "+&,/\xef\xe3\xe2"); /* those, and how the wide ones begin */
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

/* "lion on top, pizza below": the last words join nothing, they are places. */
static void place_what_ends(struct parse *p)
{
    int kept = 0;
    for (int i = 0; i < p->count; i++) {
        struct piece *piece = &p->pieces[i];
        if (piece->state == PIECE_EMPTY && piece->join != PIECE_BESIDE && kept > 0 &&
            p->pieces[kept - 1].place == 0)
            p->pieces[kept - 1].place = piece->join == PIECE_BELOW ? 1 : -1;
        if (piece->state != PIECE_EMPTY)
            p->pieces[kept++] = *piece;
    }
    p->count = kept;
}

/* The pictures of a part of the line. */
static void take_symbols(struct parse *p, const char *text, size_t bytes)
{
    char symbols[PIECE_BYTES];
    text_clean(symbols, sizeof symbols, text, bytes);
    take_pictures(p, symbols);
}

/* What is between two separators. */
static void take_part(struct parse *p, const char *text, size_t bytes)
{
    char folded[PIECE_BYTES];
    size_t n = synsets_fold(folded, sizeof folded, text, bytes);
    p->any_words = p->any_words || n > 0;
    p->too_long = n == sizeof folded;
    if (n == 0)
        take_symbols(p, text, bytes);
    else if (!p->too_long)
        open_piece(p, PIECE_BESIDE);
    if (n == 0 || p->too_long)
        return;
    take_segment(p, folded);
    if (p->count > 1 && last(p)->state == PIECE_EMPTY && !last(p)->weak) /* "pizza and 🦓" */
        take_symbols(p, text, bytes);
}

void synsets_parse(const char *clean, struct parse *p)
{
    *p = (struct parse){.count = 0};
    const char *start = clean;
    for (size_t separator = 1; separator > 0 && !p->too_long;) {
        size_t bytes = to_separator(start, &separator);
        take_part(p, start, bytes);
        start += bytes + separator;
    }
    place_what_ends(p);
}
