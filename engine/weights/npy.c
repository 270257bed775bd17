/*
 * npy - NumPy's .npy: one array, given out as the tensor "array".
 *
 * Magic, version, length of the header (u16, from version 2 on u32), the header, the numbers (numpy/lib/
 * format.py, versions 1 to 3). The header is the text of a Python dict with three keys, and is read as just
 * that: strings, whole numbers, True and False, one level of brackets; nothing is evaluated. Python 2 wrote
 * an L behind numbers. Arrays in Fortran's order are put in C's.
 *
 * No network comes this way; it is here for the prior of 2015 (prior_filters.h).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/weights/reader.h"

enum { MAGIC_BYTES = 6, HEADER_MAX = 65535, WORD_BYTES = 32 };

struct walk {
    const uint8_t *at, *end; /* of the header */
    struct tensor t;
    bool fortran;
    const char *fault; /* what was expected at `at`; NULL: nothing is wrong */
};

static bool recognises(const uint8_t *bytes, size_t size)
{
    return size > MAGIC_BYTES && memcmp(bytes, "\x93NUMPY", MAGIC_BYTES) == 0;
}

static bool fail(struct walk *k, const char *expected)
{
    if (!k->fault)
        k->fault = expected;
    return false;
}

static void skip_blanks(struct walk *k)
{
    while (k->at < k->end && (*k->at == ' ' || *k->at == '\n' || *k->at == '\t'))
        k->at++;
}

/* Takes `c` if it comes next. */
static bool comes(struct walk *k, char c)
{
    skip_blanks(k);
    bool is = k->at < k->end && *k->at == (uint8_t)c;
    k->at += is;
    return is;
}

static bool read_string(struct walk *k, char out[WORD_BYTES])
{
    skip_blanks(k);
    uint8_t quote = k->at < k->end ? *k->at : 0;
    if (quote != '\'' && quote != '"')
        return fail(k, "a string");
    const uint8_t *from = ++k->at;
    while (k->at < k->end && *k->at != quote && *k->at >= ' ' && *k->at < 0x7f && *k->at != '\\')
        k->at++;
    size_t n = (size_t)(k->at - from);
    if (k->at == k->end || *k->at != quote || n >= WORD_BYTES)
        return fail(k, "the end of a short string");
    memcpy(out, from, n);
    out[n] = '\0';
    k->at++;
    return true;
}

static bool read_natural(struct walk *k, int64_t *out)
{
    skip_blanks(k);
    const uint8_t *from = k->at;
    *out = 0;
    for (; k->at < k->end && *k->at >= '0' && *k->at <= '9'; k->at++)
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *k->at - '0', out))
            return fail(k, "a whole number below 2^63");
    if (k->at == from)
        return fail(k, "a whole number below 2^63");
    k->at += k->at < k->end && *k->at == 'L';
    return true;
}

static bool read_bool(struct walk *k, bool *out)
{
    static const char words[2][6] = {"False", "True"};
    skip_blanks(k);
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(k->end - k->at) >= n && memcmp(k->at, words[i], n) == 0) {
            k->at += n;
            *out = i == 1;
            return true;
        }
    }
    return fail(k, "True or False");
}

static bool read_shape(struct walk *k)
{
    if (!comes(k, '('))
        return fail(k, "a tuple");
    while (!comes(k, ')')) {
        if (k->t.dims == TENSOR_DIMS_MAX)
            return fail(k, "at most eight dimensions");
        if (!read_natural(k, &k->t.shape[k->t.dims++]))
            return false;
        if (!comes(k, ',') && !(k->at < k->end && *k->at == ')'))
            return fail(k, "',' or ')'");
    }
    return true;
}

static bool read_dtype(struct walk *k)
{
    static const struct {
        char name[4];
        enum tensor_dtype dtype;
    } known[] = {{"<f4", TENSOR_F32}, {"<f8", TENSOR_F64}, {"<f2", TENSOR_F16},
                 {"<i8", TENSOR_I64}, {"<i4", TENSOR_I32}, {"<i2", TENSOR_I16},
                 {"|i1", TENSOR_I8},  {"|u1", TENSOR_U8},  {"|b1", TENSOR_BOOL}};
    char word[WORD_BYTES];
    if (!read_string(k, word))
        return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(word, known[i].name) == 0) {
            k->t.dtype = known[i].dtype;
            return true;
        }
    return fail(k, "an array of floats or whole numbers, little-endian ('<f8'),");
}

/* {'descr': '<f8', 'fortran_order': False, 'shape': (8, 8), } in any order, each once. */
static bool read_header(struct walk *k)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    char key[WORD_BYTES];
    unsigned seen = 0;
    if (!comes(k, '{'))
        return fail(k, "'{'");
    while (!comes(k, '}')) {
        if (!read_string(k, key))
            return false;
        int which = 0;
        while (which < 3 && strcmp(key, keys[which]) != 0)
            which++;
        if (which == 3 || seen & 1u << which)
            return fail(k, "descr, fortran_order and shape, once each,");
        seen |= 1u << which;
        if (!comes(k, ':'))
            return fail(k, "':'");
        if (which == 0 ? !read_dtype(k) : which == 1 ? !read_bool(k, &k->fortran) : !read_shape(k))
            return false;
        if (!comes(k, ',') && !(k->at < k->end && *k->at == '}'))
            return fail(k, "',' or '}'");
    }
    skip_blanks(k);
    if (k->at != k->end)
        return fail(k, "the end of the header");
    return seen == 7 || fail(k, "descr, fortran_order and shape, once each,");
}

/* Elements with the first index fastest into elements with the last one fastest. */
static void reorder(const struct tensor *t, int64_t elements, const uint8_t *from, uint8_t *to)
{
    size_t each = tensor_dtype_bytes(t->dtype);
    int64_t index[TENSOR_DIMS_MAX] = {0};
    for (int64_t n = 0; n < elements; n++) {
        int64_t at = 0;
        for (int d = t->dims - 1; d >= 0; d--)
            at = at * t->shape[d] + index[d];
        memcpy(to + (size_t)n * each, from + (size_t)at * each, each);
        for (int d = t->dims - 1; d >= 0 && ++index[d] == t->shape[d]; d--)
            index[d] = 0;
    }
}

static int add_array(struct weights *w, struct walk *k, size_t bytes, struct error *e)
{
    size_t each = tensor_dtype_bytes(k->t.dtype);
    int64_t elements = 1;
    bool fits = true;
    for (int i = 0; i < k->t.dims; i++)
        fits = fits && !__builtin_mul_overflow(elements, k->t.shape[i], &elements);
    if (fits && k->fortran && k->t.dims > 1 && elements > 0 && (size_t)elements == bytes / each &&
        bytes % each == 0) {
        uint8_t *ordered;
        int rc = weights_alloc(w, bytes, &ordered, e);
        if (rc < 0)
            return rc;
        reorder(&k->t, elements, k->t.data, ordered);
        k->t.data = ordered;
    }
    return weights_add_tensor(w, &k->t, bytes, e); /* says what is wrong with the size */
}

static int read_file(struct weights *w, const uint8_t *bytes, size_t size, struct error *e)
{
    int version = bytes[MAGIC_BYTES];
    size_t count_bytes = version == 1 ? 2 : 4, preamble = MAGIC_BYTES + 2 + count_bytes, length = 0;
    if (version < 1 || version > 3)
        return error_set(e, EINVAL, "NumPy's format version %d; 1 to 3 are expected", version);
    if (size < preamble)
        return error_set(e, EINVAL, "the file ends in the middle of its first %zu bytes", preamble);
    for (size_t i = 0; i < count_bytes; i++)
        length |= (size_t)bytes[MAGIC_BYTES + 2 + i] << 8 * i;
    if (length > HEADER_MAX || length > size - preamble)
        return error_set(e, EINVAL, "the header claims %zu bytes; the file has %zu behind its first %zu",
                         length, size - preamble, preamble);
    const uint8_t *header = bytes + preamble;
    struct walk k = {.at = header, .end = header + length};
    k.t.name = "array";
    k.t.data = k.end;
    if (!read_header(&k))
        return error_set(e, EINVAL, "byte %zu: %s is expected", (size_t)(k.at - bytes), k.fault);
    return add_array(w, &k, size - preamble - length, e);
}

const struct weights_reader weights_npy = {
    .name = "NumPy",
    .recognises = recognises,
    .read = read_file,
};
