/*
 * forbidden - see forbidden.h. A word is searched where a word of the text begins (or anywhere, with a star in
 * front), letter by letter; a letter of the text that only repeats the one before is passed over, and so is a
 * blank between letters that were spelled apart. What ends inside a word of the text is no find without a star
 * behind.
 */
#include "show/forbidden.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/text.h"
#include "synsets/skeleton.h"

/* Letters spelled apart: in pieces this short, or a word too long to come about by chance ("pen is"). */
enum { TEXT_BYTES = 2048, APART_PIECE_BYTES = 2, APART_WORD_BYTES = 6, REPEATS_MIN = 3, INNOCENT_MAX = 32 };

struct entry {
    char written[FORBIDDEN_WORD_BYTES];
    char letters[FORBIDDEN_WORD_BYTES]; /* skeleton without blanks */
    bool open_front, open_back, has_blank;
    bool is_class; /* it names classes and is no word */
    enum forbidden_source source;
};

struct forbidden {
    struct entry entries[FORBIDDEN_WORDS_MAX];
    int count;
    bool classes[SYNSET_COUNT];                        /* what its entries name */
    char innocent[INNOCENT_MAX][FORBIDDEN_WORD_BYTES]; /* [innocent_count] skeletons */
    int innocent_count;
};

static void drop_blanks(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++)
        if (*from != ' ')
            *to++ = *from;
    *to = '\0';
}

struct forbidden *forbidden_open(void)
{
    struct forbidden *f = xcalloc(1, sizeof *f);
    for (const char *const *word = forbidden_built_in; *word; word++)
        forbidden_add(f, *word, FORBIDDEN_BUILT_IN);
    for (const char *const *word = forbidden_innocent; *word && f->innocent_count < INNOCENT_MAX; word++)
        skeleton_fold(f->innocent[f->innocent_count++], FORBIDDEN_WORD_BYTES, *word, SKELETON_SIGNS_READ);
    return f;
}

struct forbidden *forbidden_copy(const struct forbidden *f)
{
    struct forbidden *copy = xcalloc(1, sizeof *copy);
    *copy = *f;
    return copy;
}

void forbidden_close(struct forbidden **f)
{
    free(*f);
    *f = NULL;
}

static int find(const struct forbidden *f, const char *written)
{
    for (int i = 0; i < f->count; i++)
        if (strcasecmp(f->entries[i].written, written) == 0)
            return i;
    return -1;
}

/* Marks the classes that an entry names, whatever the model has. */
static bool mark_classes(struct forbidden *f, const char *written)
{
    static const struct synsets_known nothing = {{false}};
    struct synsets_result r;
    synsets_resolve(written, strlen(written), &nothing, &r);
    const struct synsets_subject *s = &r.subject[0];
    if (r.verdict != SYNSETS_LACKING || s->slips > 0 || s->how > SYNSETS_PARENT_FORM)
        return false;
    for (int i = 0; i < s->head_count; i++)
        f->classes[s->choices[i]] = true;
    return true;
}

/* After something was taken out. */
static void mark_all_classes(struct forbidden *f)
{
    memset(f->classes, 0, sizeof f->classes);
    for (int i = 0; i < f->count; i++)
        if (f->entries[i].is_class && f->entries[i].source != FORBIDDEN_ALLOWED)
            mark_classes(f, f->entries[i].written);
}

int forbidden_add(struct forbidden *f, const char *entry, enum forbidden_source source)
{
    struct entry new = {.source = source};
    size_t bytes = strlen(entry);
    int at = find(f, entry);
    if (at >= 0 && f->entries[at].source == FORBIDDEN_ALLOWED && source == FORBIDDEN_MODERATOR) {
        f->entries[at].source = source;
        mark_all_classes(f);
        return 0;
    }
    if (at >= 0)
        return -EEXIST;
    if (bytes >= sizeof new.written)
        return -EINVAL;
    text_copy(new.written, sizeof new.written, entry);
    new.open_front = entry[0] == '*';
    new.open_back = bytes > 0 && entry[bytes - 1] == '*';
    char inner[FORBIDDEN_WORD_BYTES];
    snprintf(inner, sizeof inner, "%.*s", (int)bytes - new.open_front - (new.open_back &&bytes > 1),
             entry + new.open_front);
    skeleton_fold(new.letters, sizeof new.letters, inner, SKELETON_SIGNS_READ);
    new.has_blank = strchr(new.letters, ' ') != NULL;
    drop_blanks(new.letters);
    if (!new.letters[0])
        return -EINVAL;
    if (f->count == FORBIDDEN_WORDS_MAX)
        return -ENOSPC;
    new.is_class = source != FORBIDDEN_BUILT_IN && !new.open_front && !new.open_back &&mark_classes(f, entry);
    f->entries[f->count++] = new;
    return 0;
}

int forbidden_allow(struct forbidden *f, const char *entry)
{
    int at = find(f, entry);
    if (at < 0 || f->entries[at].source == FORBIDDEN_ALLOWED)
        return -ENOENT;
    f->entries[at].source = FORBIDDEN_ALLOWED;
    mark_all_classes(f);
    return 0;
}

void forbidden_forget_file(struct forbidden *f)
{
    int kept = 0;
    for (int i = 0; i < f->count; i++)
        if (f->entries[i].source != FORBIDDEN_FILE)
            f->entries[kept++] = f->entries[i];
    f->count = kept;
    mark_all_classes(f);
}

bool forbidden_class(const struct forbidden *f, int synset)
{
    return f->classes[synset];
}

void forbidden_each(const struct forbidden *f,
                    void (*each)(void *context, const char *entry, enum forbidden_source source),
                    void *context)
{
    for (int i = 0; i < f->count; i++)
        each(context, f->entries[i].written, f->entries[i].source);
}

/* At a word's end, or before the ending of its plural. */
static bool ends(const char *text)
{
    size_t n = strcspn(text, " ");
    return n == 0 || (n == 1 && (text[0] == 's' || text[0] == 'z')) ||
           (n == 2 && strncmp(text, "es", 2) == 0);
}

/* Whether the letters between `text` and `end` repeat those of the word as nobody spells by chance: a letter three
 * times, or several of them twice. "rapping" has one p more than another word. */
static bool repeats_on_purpose(const char *letters, const char *text, const char *end)
{
    int longer = 0, doubled = 0;
    while (*letters) {
        char letter = *letters;
        int wanted = 0, there = 0;
        for (; *letters == letter; letters++)
            wanted++;
        for (; text < end && (*text == letter || *text == ' ' || (*text == '*' && there < wanted)); text++)
            there += *text != ' ';
        longer += there > wanted;
        doubled += there > wanted && there < REPEATS_MIN;
    }
    return doubled == 0 || longer > 1;
}

/* Whether the letters of `e` begin at `text`; `start`: there a word begins. */
static bool matches(const struct entry *e, const char *text, bool start)
{
    bool apart = false;
    size_t longest_piece = 0;
    const char *t = text, *piece = text, *letter = e->letters;
    while (*letter) {
        if (*t == ' ' && letter > e->letters) {
            longest_piece = (size_t)(t - piece) > longest_piece ? (size_t)(t - piece) : longest_piece;
            piece = t + 1;
            apart = true;
        } else if (*t && (*t == *letter || (*t == '*' && letter > e->letters))) {
            letter++;
        } else if (!*t || letter == e->letters || *t != letter[-1]) {
            return false;
        }
        t++;
    }
    while (*t == letter[-1])
        t++;
    if (!repeats_on_purpose(e->letters, text, t))
        return false;
    if (!apart)
        return e->open_back || ends(t);
    longest_piece = (size_t)(t - piece) > longest_piece ? (size_t)(t - piece) : longest_piece;
    bool meant =
        e->has_blank || longest_piece <= APART_PIECE_BYTES || letter - e->letters >= APART_WORD_BYTES;
    return start && ends(t) && meant;
}

static bool is_in(const struct entry *e, const char *text, bool anywhere)
{
    bool start = true;
    for (const char *t = text; *t; start = *t == ' ', t++)
        if (*t == e->letters[0] && (start || e->open_front || anywhere) && matches(e, t, start))
            return true;
    return false;
}

/* Takes out the innocent words that hold a bad one. */
static void blank_innocent(const struct forbidden *f, char *text)
{
    for (int i = 0; i < f->innocent_count; i++)
        for (char *at = text; (at = strstr(at, f->innocent[i])); at += strlen(f->innocent[i]))
            memset(at, '-', strlen(f->innocent[i]));
}

static bool is_word(const struct entry *e)
{
    return !e->is_class && e->source != FORBIDDEN_ALLOWED;
}

static bool any_in(const struct forbidden *f, const char *clean)
{
    for (int reading = SKELETON_SIGNS_READ; reading <= SKELETON_SIGNS_BLANKED; reading++) {
        char text[TEXT_BYTES];
        skeleton_fold(text, sizeof text, clean, (enum skeleton_reading)reading);
        blank_innocent(f, text);
        for (int i = 0; i < f->count; i++)
            if (is_word(&f->entries[i]) && is_in(&f->entries[i], text, false))
                return true;
    }
    return false;
}

bool forbidden_text(const struct forbidden *f, const char *text)
{
    char clean[TEXT_BYTES];
    text_clean(clean, sizeof clean, text, strlen(text));
    return any_in(f, clean);
}

/* "CoonHunter" as "Coon Hunter". */
static void part_at_capitals(const char *name, char *out, size_t size)
{
    size_t n = 0;
    for (const char *c = name; *c && n + 2 < size; c++) {
        if (c > name && *c >= 'A' && *c <= 'Z' && c[-1] >= 'a' && c[-1] <= 'z')
            out[n++] = ' ';
        out[n++] = *c;
    }
    out[n] = '\0';
}

bool forbidden_name(const struct forbidden *f, const char *name)
{
    char clean[TEXT_BYTES], parted[TEXT_BYTES];
    text_clean(clean, sizeof clean, name, strlen(name));
    part_at_capitals(clean, parted, sizeof parted);
    if (any_in(f, clean) || any_in(f, parted))
        return true;
    for (int reading = SKELETON_SIGNS_READ; reading <= SKELETON_SIGNS_BLANKED; reading++) {
        char text[TEXT_BYTES];
        skeleton_fold(text, sizeof text, clean, (enum skeleton_reading)reading);
        drop_blanks(text);
        blank_innocent(f, text);
        for (int i = 0; i < f->count; i++) {
            struct entry e = f->entries[i];
            bool anywhere = e.source != FORBIDDEN_BUILT_IN || e.open_front;
            e.open_back = e.open_back || anywhere;
            if (is_word(&e) && is_in(&e, text, anywhere))
                return true;
        }
    }
    return false;
}
