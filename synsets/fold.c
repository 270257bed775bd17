/*
 * fold - one spelling for all ways to write the same name.
 *
 * The names are ASCII, so what a viewer's phone adds is taken off. ASCII, nearly every line, is folded byte
 * by byte. Everything else goes through Unicode's own tables (libunistring): compatibility decomposition and
 * full case folding, which undo wide forms, fancy alphabets, ligatures, capitals and accents at once; marks
 * then fall away, punctuation, symbols and emoji become blanks. Letters of other scripts stay: "вулкан" must
 * be an unknown word, not an empty one.
 */
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#include "synsets/index.h"

/* Decomposed text of one piece; a longer one names nothing. Compatibility forms grow up to 18-fold (U+FDFA),
 * ordinary text hardly. */
enum { DECOMPOSED_BYTES = 2048, PIECE_BYTES_MAX = 512 };

size_t synsets_next_code(const char *text, uint32_t *code)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    uint32_t c = length == 1 ? s[0] : s[0] & (0xffu >> (length + 1));
    size_t i = 1;
    for (; i < length && s[i]; i++)
        c = c << 6 | (s[i] & 0x3f);
    *code = c;
    return i;
}

static int fold_ascii(uint32_t c)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return (int)c;
    if (c >= 'A' && c <= 'Z')
        return (int)c + 'a' - 'A';
    return c == '\'' || c == '.' ? SYNSETS_FOLD_GONE : SYNSETS_FOLD_BLANK;
}

/* Latin letters that Unicode does not take apart. */
static int base_letter(uint32_t c)
{
    static const struct {
        uint16_t code;
        char base;
    } letters[] = {{0xe6, 'a'},  {0xf0, 'd'},  {0xf8, 'o'},  {0xfe, 't'},  {0x111, 'd'},
                   {0x127, 'h'}, {0x131, 'i'}, {0x142, 'l'}, {0x14b, 'n'}, {0x153, 'o'}};
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        if (letters[i].code == c)
            return letters[i].base;
    return SYNSETS_FOLD_KEEP;
}

/* Letters by their category that nobody sees: Hangul's fillers. */
static bool is_filler(uint32_t c)
{
    return c == 0x115f || c == 0x1160 || c == 0x3164 || c == 0xffa0;
}

int synsets_fold_code(uint32_t c)
{
    if (c < 0x80)
        return fold_ascii(c);
    if (c == 0x2018 || c == 0x2019 || c == 0x2bc)
        return SYNSETS_FOLD_GONE; /* apostrophes */
    if (is_filler(c) || uc_is_general_category_withtable(c, UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_Cf))
        return SYNSETS_FOLD_GONE; /* accents, selectors, joiners */
    if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N))
        return base_letter(c);
    return SYNSETS_FOLD_BLANK;
}

bool synsets_decompose(const char *s, size_t bytes, char *out, size_t *length)
{
    uint8_t *got = u8_casefold((const uint8_t *)s, bytes, NULL, UNINORM_NFKD, (uint8_t *)out, length);
    if (got == (uint8_t *)out)
        return true;
    free(got); /* it did not fit, or is no UTF-8 */
    return false;
}

static bool is_ascii(const char *s, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)s[i] >= 0x80)
            return false;
    return true;
}

size_t synsets_fold(char *out, size_t size, const char *in, size_t in_bytes)
{
    char decomposed[DECOMPOSED_BYTES];
    const char *s = in;
    size_t left = in_bytes, n = 0;
    bool blank = false;
    if (!is_ascii(in, in_bytes)) {
        left = sizeof decomposed;
        s = in_bytes <= PIECE_BYTES_MAX && synsets_decompose(in, in_bytes, decomposed, &left) ? decomposed
                                                                                              : NULL;
    }
    for (size_t length; s && left > 0; s += length, left -= length) {
        uint32_t code = (unsigned char)*s;
        length = code < 0x80 ? 1 : synsets_next_code(s, &code);
        int folded = synsets_fold_code(code);
        if (folded == SYNSETS_FOLD_GONE)
            continue;
        if (folded == SYNSETS_FOLD_BLANK) {
            blank = n > 0;
            continue;
        }
        size_t bytes = folded == SYNSETS_FOLD_KEEP ? length : 1;
        if (n + (size_t)blank + bytes >= size)
            s = NULL;
        if (!s)
            break;
        if (blank)
            out[n++] = ' ';
        blank = false;
        memcpy(out + n, s, bytes);
        if (folded != SYNSETS_FOLD_KEEP)
            out[n] = (char)folded;
        n += bytes;
    }
    if (!s) {
        out[0] = '\0';
        return size;
    }
    out[n] = '\0';
    return n;
}
