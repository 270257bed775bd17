/*
 * fold - one spelling for all ways to write the same name.
 *
 * The names are ASCII, so what a viewer's phone adds is taken off: accents on Latin letters, the wide forms
 * of East Asian keyboards, typographic quotes and dashes, emoji and other symbols beside a word. Letters of
 * other scripts stay as they are: "вулкан" must be an unknown word, not an empty one.
 */
#include "synsets/index.h"

/* Base letters of U+00C0..U+017F; '.' is no letter with a base (the signs for times and division), letters
 * that are two in ASCII take the first. */
static const char latin[] = "aaaaaaaceeeeiiiidnooooo.ouuuuytsaaaaaaaceeeeiiiidnooooo.ouuuuyty"
                            "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
                            "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

enum { FOLD_GONE = 0, FOLD_BLANK = 1, FOLD_KEEP = 2 }; /* or an ASCII letter or digit */

/* Length of the character at s, and its code; the text is valid UTF-8. */
static size_t next_code(const unsigned char *s, size_t left, uint32_t *code)
{
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (length > left)
        length = left;
    uint32_t c = length == 1 ? s[0] : s[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++)
        c = c << 6 | (s[i] & 0x3f);
    *code = c;
    return length;
}

static int fold_ascii(uint32_t c)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return (int)c;
    if (c >= 'A' && c <= 'Z')
        return (int)c + 'a' - 'A';
    return c == '\'' || c == '.' ? FOLD_GONE : FOLD_BLANK;
}

static int fold_code(uint32_t c)
{
    if (c >= 0xff01 && c <= 0xff5e) /* wide forms of ! to ~ */
        c -= 0xff01 - '!';
    if (c < 0x80)
        return fold_ascii(c);
    if (c >= 0xc0 && c < 0x180)
        return latin[c - 0xc0] == '.' ? FOLD_BLANK : latin[c - 0xc0];
    if (c == 0x2018 || c == 0x2019 || c == 0x2bc || (c >= 0x300 && c <= 0x36f) || c == 0x200d ||
        (c >= 0xfe00 && c <= 0xfe0f))
        return FOLD_GONE; /* apostrophes, marks on letters, joiners and selectors between emoji */
    if ((c >= 0x80 && c < 0xc0) || (c >= 0x2010 && c <= 0x2bff) || (c >= 0x3000 && c <= 0x303f) ||
        (c >= 0x1f000 && c <= 0x1faff))
        return FOLD_BLANK; /* punctuation, arrows, symbols, emoji */
    return FOLD_KEEP;
}

size_t synsets_fold(char *out, size_t size, const char *in, size_t in_bytes)
{
    const unsigned char *s = (const unsigned char *)in;
    size_t n = 0;
    bool blank = false;
    for (size_t i = 0; i < in_bytes;) {
        uint32_t code;
        size_t length = next_code(s + i, in_bytes - i, &code), at = i;
        int folded = fold_code(code);
        i += length;
        if (folded == FOLD_GONE)
            continue;
        if (folded == FOLD_BLANK) {
            blank = n > 0;
            continue;
        }
        size_t bytes = folded == FOLD_KEEP ? length : 1;
        if (n + (size_t)blank + bytes >= size) {
            out[0] = '\0';
            return size;
        }
        if (blank)
            out[n++] = ' ';
        blank = false;
        for (size_t k = 0; k < bytes; k++)
            out[n++] = folded == FOLD_KEEP ? (char)s[at + k] : (char)folded;
    }
    out[n] = '\0';
    return n;
}
