/*
 * safetensors - the safetensors format: u64 little-endian N, N bytes of JSON, then raw tensors.
 *
 * The JSON maps names to {"dtype", "shape", "data_offsets": [begin, end]}, offsets relative to the byte
 * behind it, and "__metadata__" to strings. As the reference implementation does (huggingface/safetensors,
 * tensor.rs) we insist that the tensors cover the data exactly: no overlap, no hole, nothing behind the last
 * one. That leaves no place to hide anything in, and finds every file that was cut short.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/weights/json.h"
#include "engine/weights/reader.h"

#define HEADER_MAX ((uint64_t)100000000)

struct span {
    int64_t begin, end;
    int tensor;
};

/* What the walk over the header gathers. */
struct walk {
    struct weights *weights;
    const uint8_t *data; /* the byte buffer behind the header */
    int64_t data_bytes;
    struct span *spans; /* [count] */
    int count, room;
    char *value; /* [WEIGHTS_VALUE_BYTES] scratch for metadata */
    struct error *e;
    int rc;
};

static uint64_t header_size(const uint8_t *bytes)
{
    uint64_t n;
    memcpy(&n, bytes, sizeof n);
    return le64toh(n);
}

static bool recognises(const uint8_t *bytes, size_t size)
{
    return size >= 9 && bytes[8] == '{';
}

static bool dtype_from(const char *text, enum tensor_dtype *dtype)
{
    for (int i = TENSOR_F32; i <= TENSOR_BOOL; i++)
        if (strcmp(text, tensor_dtype_name((enum tensor_dtype)i)) == 0) {
            *dtype = (enum tensor_dtype)i;
            return true;
        }
    return false;
}

static bool stop(struct walk *k, int rc)
{
    k->rc = rc;
    return false;
}

static bool read_shape(struct cursor *j, struct tensor *t)
{
    for (bool first = true; cursor_next(j, ']', &first);) {
        if (t->dims == TENSOR_DIMS_MAX)
            return cursor_fail(j, "at most eight dimensions");
        if (!cursor_natural(j, &t->shape[t->dims++]))
            return false;
    }
    return !j->fault;
}

static bool read_offsets(struct cursor *j, struct span *s)
{
    return cursor_take(j, '[') && cursor_natural(j, &s->begin) && cursor_take(j, ',') &&
           cursor_natural(j, &s->end) && cursor_take(j, ']');
}

static bool remember(struct walk *k, const struct tensor *t, struct span s)
{
    if (s.begin > s.end || s.end > k->data_bytes)
        return stop(k, error_set(k->e, EINVAL,
                                 "tensor %s: data_offsets %lld..%lld, but the file has %lld bytes of data",
                                 t->name, (long long)s.begin, (long long)s.end, (long long)k->data_bytes));
    struct tensor placed = *t;
    placed.data = k->data + s.begin;
    int rc = weights_add_tensor(k->weights, &placed, (size_t)(s.end - s.begin), k->e);
    if (rc < 0)
        return stop(k, rc);
    if (k->count == k->room) {
        k->room = k->room ? 2 * k->room : 64;
        k->spans = xrealloc(k->spans, (size_t)k->room * sizeof *k->spans);
    }
    s.tensor = k->count;
    k->spans[k->count++] = s;
    return true;
}

static bool read_tensor(struct walk *k, struct cursor *j, const char *name)
{
    struct tensor t = {.name = name};
    struct span s = {0};
    char key[32], dtype[16];
    unsigned seen = 0;
    for (bool first = true; cursor_next(j, '}', &first);) {
        if (!cursor_key(j, key, sizeof key))
            return false;
        unsigned bit = strcmp(key, "dtype") == 0          ? 1
                       : strcmp(key, "shape") == 0        ? 2
                       : strcmp(key, "data_offsets") == 0 ? 4
                                                          : 0;
        if (seen & bit)
            return cursor_fail(j, "dtype, shape and data_offsets once each");
        seen |= bit;
        if (bit == 0 && !cursor_skip(j))
            return false;
        if (bit == 1 && !cursor_string(j, dtype, sizeof dtype))
            return false;
        if (bit == 2 && !read_shape(j, &t))
            return false;
        if (bit == 4 && !read_offsets(j, &s))
            return false;
    }
    if (j->fault)
        return false;
    if (seen != 7)
        return cursor_fail(j, "dtype, shape and data_offsets");
    if (!dtype_from(dtype, &t.dtype))
        return stop(k, error_set(k->e, EINVAL,
                                 "tensor %s: dtype %s; F32, F16, BF16, F64 or a whole number is expected",
                                 name, dtype));
    return remember(k, &t, s);
}

static bool read_metadata(struct walk *k, struct cursor *j)
{
    char key[WEIGHTS_NAME_BYTES];
    for (bool first = true; cursor_next(j, '}', &first);) {
        if (!cursor_key(j, key, sizeof key) || !cursor_string(j, k->value, WEIGHTS_VALUE_BYTES))
            return false;
        int rc = weights_add_metadata(k->weights, key, k->value, k->e);
        if (rc < 0)
            return stop(k, rc);
    }
    return !j->fault;
}

static bool read_header(struct walk *k, struct cursor *j)
{
    char name[WEIGHTS_NAME_BYTES];
    for (bool first = true; cursor_next(j, '}', &first);) {
        if (!cursor_key(j, name, sizeof name))
            return false;
        bool ok = strcmp(name, "__metadata__") == 0 ? read_metadata(k, j) : read_tensor(k, j, name);
        if (!ok)
            return false;
    }
    return !j->fault && cursor_end(j);
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static int check_cover(struct walk *k)
{
    if (k->count)
        qsort(k->spans, (size_t)k->count, sizeof *k->spans, compare_spans);
    int64_t at = 0;
    for (int i = 0; i < k->count; i++) {
        const struct span *s = &k->spans[i];
        if (s->begin != at)
            return error_set(k->e, EINVAL,
                             "tensor %s: begins at byte %lld of the data, %lld is expected (%s)",
                             weights_at(k->weights, s->tensor)->name, (long long)s->begin, (long long)at,
                             s->begin < at ? "two tensors overlap" : "there is a hole");
        at = s->end;
    }
    if (at != k->data_bytes)
        return error_set(k->e, EINVAL, "%lld bytes behind the last tensor belong to none",
                         (long long)(k->data_bytes - at));
    return 0;
}

static int read_file(struct weights *w, const uint8_t *bytes, size_t size, struct error *e)
{
    uint64_t n = header_size(bytes);
    if (n > HEADER_MAX || n > size - 8)
        return error_set(
            e, EINVAL,
            "the header claims %llu bytes; the file has %zu behind its first 8, and %llu are the most",
            (unsigned long long)n, size - 8, (unsigned long long)HEADER_MAX);
    struct cursor j = cursor_begin(bytes + 8, (size_t)n);
    struct walk k = {.weights = w, .data = bytes + 8 + n, .data_bytes = (int64_t)(size - 8 - n), .e = e};
    k.value = xmalloc(WEIGHTS_VALUE_BYTES);
    bool ok = read_header(&k, &j);
    if (!ok && k.rc == 0)
        k.rc = error_set(e, EINVAL, "byte %zu of the header: %s is expected", 8 + cursor_offset(&j),
                         j.fault ? j.fault : "'{'");
    if (k.rc == 0)
        k.rc = check_cover(&k);
    free(k.value);
    free(k.spans);
    return k.rc;
}

const struct weights_reader weights_safetensors = {
    .name = "safetensors",
    .recognises = recognises,
    .read = read_file,
};
