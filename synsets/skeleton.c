/*
 * skeleton - see skeleton.h.
 *
 * Two passes over the same table of look-alikes: before case folding, because "Н" looks like a Latin H and "н"
 * does not, and after decomposition, which sets letters free that were joined with a mark.
 */
#include "synsets/skeleton.h"

#include <string.h>

#include "common/mem.h"
#include "synsets/index.h"

/* Compatibility forms grow up to 11-fold in bytes (U+FDFA, 33 for 3). */
enum { WORD_BYTES_MAX = 256, DECOMPOSED_BYTES = 12 * WORD_BYTES_MAX };

/* Letters in squares and circles that Unicode does not take apart, and flags: 26 from each of these. */
static const uint32_t alphabets[] = {0x1f150, 0x1f170, 0x1f1e6};

/* What `code` looks like, "" when it is none of ours. */
static const char *look_alike(uint32_t code, char letter[2])
{
    for (size_t i = 0; i < ARRAY_LEN(alphabets); i++)
        if (code >= alphabets[i] && code < alphabets[i] + 26) {
            letter[0] = (char)('a' + (code - alphabets[i]));
            letter[1] = '\0';
            return letter;
        }
    int low = 0, high = skeleton_confusable_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (skeleton_confusables[middle].code == code)
            return skeleton_confusables[middle].like;
        if (skeleton_confusables[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return "";
}

/* `text` with its look-alikes as ASCII; the rest as it is. */
static size_t put_ascii(char *out, size_t size, const char *text, size_t bytes)
{
    size_t n = 0;
    for (const char *end = text + bytes; text < end;) {
        uint32_t code;
        char letter[2];
        size_t length = synsets_next_code(text, &code);
        const char *put = code < 0x80 ? "" : look_alike(code, letter);
        size_t put_bytes = *put ? strlen(put) : length;
        if (n + put_bytes >= size)
            break;
        memcpy(out + n, *put ? put : text, put_bytes);
        n += put_bytes;
        text += length;
    }
    out[n] = '\0';
    return n;
}

/* The letter that a digit or a sign may stand for, '*' for any, or 0. */
static char read_sign(uint32_t code)
{
    static const struct {
        uint16_t code;
        char letter;
    } signs[] = {{'0', 'o'},  {'1', 'i'},  {'2', 'z'},  {'3', 'e'},  {'4', 'a'},    {'5', 's'},
                 {'6', 'g'},  {'7', 't'},  {'8', 'b'},  {'9', 'g'},  {'@', 'a'},    {'$', 's'},
                 {'!', 'i'},  {'|', 'i'},  {'+', 't'},  {'*', '*'},  {'#', '*'},    {0xa1, 'i'},
                 {0xa2, 'c'}, {0xa3, 'i'}, {0xa5, 'y'}, {0xa7, 's'}, {0x20ac, 'e'}, {0x20bd, 'p'}};
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (signs[i].code == code)
            return signs[i].letter;
    return 0;
}

/* Whether such a character begins at `s`, or a letter. */
static bool reads_on(const char *s, const char *end)
{
    uint32_t code;
    if (s == end)
        return false;
    synsets_next_code(s, &code);
    return read_sign(code) || synsets_fold_code(code) > SYNSETS_FOLD_BLANK;
}

/* Signs that end sentences or stand apart are letters only inside a word. */
static bool is_punctuation(uint32_t code)
{
    return code == '!' || code == '|' || code == '+' || code == '*' || code == '#';
}

/* A word of nothing but digits is a number: "455" says nothing. */
static bool is_number(const char *word, size_t bytes)
{
    return bytes > 1 && strspn(word, "0123456789") == bytes;
}

/* As synsets_fold_code, for the character between `s` and `next`. */
static int fold_letter(const char *s, const char *next, const char *end, bool first, bool signs)
{
    uint32_t code;
    synsets_next_code(s, &code);
    char sign = read_sign(code);
    if (sign && (!signs || (is_punctuation(code) && !reads_on(next, end)) || (sign == '*' && first)))
        return SYNSETS_FOLD_BLANK;
    int folded = sign ? sign : synsets_fold_code(code);
    return folded == 'l' ? 'i' : folded == 'v' ? 'u' : folded;
}

/* One word, decomposed and in lower case. */
static size_t fold_word(char *out, size_t size, const char *word, size_t bytes, bool signs)
{
    size_t n = 0;
    bool blank = false;
    if (is_number(word, bytes) && bytes < size) {
        memcpy(out, word, bytes);
        return bytes;
    }
    for (const char *s = word, *next, *end = word + bytes; s < end; s = next) {
        uint32_t code;
        next = s + synsets_next_code(s, &code);
        int folded = fold_letter(s, next, end, n == 0, signs);
        size_t put = folded == SYNSETS_FOLD_KEEP ? (size_t)(next - s) : 1;
        blank = blank || folded == SYNSETS_FOLD_BLANK;
        if (folded == SYNSETS_FOLD_BLANK || folded == SYNSETS_FOLD_GONE)
            continue;
        if (n + blank + put >= size)
            break;
        if (blank && n > 0)
            out[n++] = ' ';
        blank = false;
        memcpy(out + n, s, put);
        if (folded != SYNSETS_FOLD_KEEP)
            out[n] = (char)folded;
        n += put;
    }
    return n;
}

/* The bytes up to the next blank, at most WORD_BYTES_MAX of whole characters. */
static size_t word_bytes(const char *text)
{
    size_t n = strcspn(text, " ");
    if (n > WORD_BYTES_MAX)
        for (n = WORD_BYTES_MAX; (text[n] & 0xc0) == 0x80;)
            n--;
    return n;
}

size_t skeleton_fold(char *out, size_t size, const char *text, enum skeleton_reading reading)
{
    size_t n = 0;
    while (*(text += strspn(text, " ")) && n + 2 < size) {
        char plain[WORD_BYTES_MAX + 1], decomposed[DECOMPOSED_BYTES], word[DECOMPOSED_BYTES];
        size_t bytes = word_bytes(text), length = sizeof decomposed;
        size_t plain_bytes = put_ascii(plain, sizeof plain, text, bytes);
        text += bytes;
        if (!synsets_decompose(plain, plain_bytes, decomposed, &length))
            continue; /* no UTF-8 */
        length = put_ascii(word, sizeof word, decomposed, length);
        size_t blank = n > 0;
        size_t put =
            fold_word(out + n + blank, size - n - blank, word, length, reading == SKELETON_SIGNS_READ);
        if (put > 0 && blank)
            out[n++] = ' ';
        n += put;
    }
    out[n] = '\0';
    return n;
}
