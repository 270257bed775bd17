/*
 * weights - the table of tensors, and where its bytes come from; see weights.h.
 *
 * A file is mapped, not read: a model of half a gigabyte costs page cache instead of memory, and only what is
 * asked for is touched. The price is that a file which is cut short while it is open ends the program with
 * SIGBUS; weights are therefore closed as soon as the model has copied what it needs, but for a large head, which is
 * read where it lies until a network has packed it (engine/model/layers.c).
 */
#include "engine/weights/weights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/file.h"
#include "common/mem.h"
#include "engine/weights/reader.h"

/* Those with a certain sign come first. */
static const struct weights_reader *const readers[] = {
    &weights_torch_legacy, &weights_torch_zip, &weights_npy,
    &weights_safetensors,  &weights_refused,   &weights_caffe,
};

/* Memory of a tensor that was put into order. */
struct block {
    struct block *next;
    size_t bytes;
    uint8_t data[];
};

struct metadata {
    char *key, *value;
};

struct weights {
    char *path;
    const struct weights_reader *reader;
    const uint8_t *bytes;
    size_t size;
    void *mapping;        /* NULL for bytes that belong to the caller */
    struct block *blocks; /* the latest first */
    size_t blocks_bytes;

    struct tensor *tensors; /* file order */
    int count, room;
    int *by_name; /* [count] indices in the order of names */
    struct metadata *metadata;
    int metadata_count;
};

static bool lies_in(const uint8_t *data, size_t bytes, const uint8_t *room, size_t room_bytes)
{
    uintptr_t at = (uintptr_t)data, begin = (uintptr_t)room;
    return at >= begin && at - begin <= room_bytes && bytes <= room_bytes - (at - begin);
}

bool weights_are_in_file(const struct weights *w, const void *data, size_t bytes)
{
    return w->mapping && lies_in(data, bytes, w->bytes, w->size);
}

int weights_add_tensor(struct weights *w, const struct tensor *t, size_t size_bytes, struct error *e)
{
    if (w->count == WEIGHTS_TENSORS_MAX)
        return error_set(e, E2BIG, "more than %d tensors", WEIGHTS_TENSORS_MAX);
    if (t->dims < 0 || t->dims > TENSOR_DIMS_MAX)
        return error_set(e, EINVAL, "tensor %s: %d dimensions, at most %d are expected", t->name, t->dims,
                         TENSOR_DIMS_MAX);
    int64_t elements = 1;
    for (int i = 0; i < t->dims; i++)
        if (t->shape[i] < 0 || __builtin_mul_overflow(elements, t->shape[i], &elements))
            return error_set(e, EOVERFLOW, "tensor %s: its shape multiplies to more than 2^63 elements",
                             t->name);
    size_t expected;
    if (__builtin_mul_overflow((size_t)elements, tensor_dtype_bytes(t->dtype), &expected) ||
        expected != size_bytes)
        return error_set(e, EINVAL,
                         "tensor %s: %zu bytes of data, but its shape asks for %lld elements of %zu bytes",
                         t->name, size_bytes, (long long)elements, tensor_dtype_bytes(t->dtype));
    bool inside = lies_in(t->data, size_bytes, w->bytes, w->size) ||
                  (w->blocks && lies_in(t->data, size_bytes, w->blocks->data, w->blocks->bytes));
    if (!inside)
        return error_set(e, EINVAL, "tensor %s: its data lies outside of the file", t->name);

    if (w->count == w->room) {
        w->room = w->room ? 2 * w->room : 64;
        w->tensors = xrealloc(w->tensors, (size_t)w->room * sizeof *w->tensors);
    }
    struct tensor *copy = &w->tensors[w->count++];
    *copy = *t;
    copy->name = xstrdup(t->name);
    copy->elements = elements;
    return 0;
}

int weights_alloc(struct weights *w, size_t bytes, uint8_t **out, struct error *e)
{
    if (bytes > w->size - w->blocks_bytes)
        return error_set(e, EINVAL, "%zu bytes to put in order; the whole file has %zu", bytes, w->size);
    struct block *b = buffer_alloc(sizeof *b + bytes);
    if (!b)
        return error_set(e, ENOMEM, "no memory for %zu MB", (bytes >> 20) + 1);
    *b = (struct block){w->blocks, bytes};
    w->blocks = b;
    w->blocks_bytes += bytes;
    *out = b->data;
    return 0;
}

int weights_add_metadata(struct weights *w, const char *key, const char *value, struct error *e)
{
    if (w->metadata_count == WEIGHTS_METADATA_MAX)
        return error_set(e, E2BIG, "more than %d entries of metadata", WEIGHTS_METADATA_MAX);
    if (weights_metadata(w, key))
        return error_set(e, EINVAL, "metadata key %s is there twice", key);
    size_t bytes = (size_t)(w->metadata_count + 1) * sizeof *w->metadata;
    w->metadata = xrealloc(w->metadata, bytes);
    w->metadata[w->metadata_count++] = (struct metadata){xstrdup(key), xstrdup(value)};
    return 0;
}

static int compare_names(const void *a, const void *b, void *tensors)
{
    const struct tensor *t = tensors;
    return strcmp(t[*(const int *)a].name, t[*(const int *)b].name);
}

static int index_names(struct weights *w, struct error *e)
{
    w->by_name = xcalloc((size_t)w->count, sizeof *w->by_name);
    for (int i = 0; i < w->count; i++)
        w->by_name[i] = i;
    if (w->count)
        qsort_r(w->by_name, (size_t)w->count, sizeof *w->by_name, compare_names, w->tensors);
    for (int i = 1; i < w->count; i++) {
        const char *name = w->tensors[w->by_name[i]].name;
        if (strcmp(name, w->tensors[w->by_name[i - 1]].name) == 0)
            return error_set(e, EINVAL, "tensor %s is there twice", name);
    }
    return 0;
}

static int read_all(struct weights *w, struct error *e)
{
    if (w->size == 0)
        return error_set(e, EINVAL, "the file is empty; safetensors, PyTorch or Caffe is expected");
    for (size_t i = 0; i < ARRAY_LEN(readers) && !w->reader; i++)
        if (readers[i]->recognises(w->bytes, w->size))
            w->reader = readers[i];
    if (!w->reader)
        return error_set(e, EINVAL, "not a file of weights; safetensors, PyTorch or Caffe is expected");
    int rc = w->reader->read(w, w->bytes, w->size, e);
    return rc < 0 ? rc : index_names(w, e);
}

static int map_file(struct weights *w, struct error *e)
{
    struct stat st;
    int fd = file_open_regular(w->path, &st, e), rc = 0;
    if (fd < 0)
        return fd;
    if (st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            rc = error_set(e, errno, "%s: cannot map it: %s", w->path, strerror(errno));
        else {
            w->mapping = p;
            w->bytes = p;
            w->size = (size_t)st.st_size;
        }
    }
    close(fd);
    return rc;
}

static int fail(struct weights **out, int rc, struct error *e)
{
    rc = error_prefix(e, rc, "%s", (*out)->path);
    weights_close(out);
    return rc;
}

int weights_open(struct weights **out, const char *path, struct error *e)
{
    struct weights *w = *out = xcalloc(1, sizeof *w);
    w->path = xstrdup(path);
    int rc = map_file(w, e);
    if (rc < 0) {
        weights_close(out);
        return rc;
    }
    rc = read_all(w, e);
    return rc < 0 ? fail(out, rc, e) : 0;
}

int weights_open_memory(struct weights **out, const void *bytes, size_t size, const char *name,
                        struct error *e)
{
    struct weights *w = *out = xcalloc(1, sizeof *w);
    w->path = xstrdup(name);
    w->bytes = bytes;
    w->size = size;
    int rc = read_all(w, e);
    return rc < 0 ? fail(out, rc, e) : 0;
}

void weights_close(struct weights **out)
{
    struct weights *w = *out;
    if (!w)
        return;
    for (int i = 0; i < w->count; i++)
        free((char *)w->tensors[i].name);
    for (int i = 0; i < w->metadata_count; i++) {
        free(w->metadata[i].key);
        free(w->metadata[i].value);
    }
    for (struct block *b = w->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    if (w->mapping)
        munmap(w->mapping, w->size);
    free(w->metadata);
    free(w->by_name);
    free(w->tensors);
    free(w->path);
    free(w);
    *out = NULL;
}

void weights_drop(const struct weights *w, const struct tensor *t, int64_t first, int64_t count)
{
    size_t each = tensor_dtype_bytes(t->dtype), page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = (uintptr_t)t->data + (size_t)first * each, end = begin + (size_t)count * each;
    uintptr_t mapping = (uintptr_t)w->mapping;
    if (!w->mapping || begin < mapping || end > mapping + w->size)
        return;                  /* its own memory, which would be lost */
    begin = begin / page * page; /* its neighbours are read again: no loss, the pages are the file's */
    madvise((void *)begin, end - begin, MADV_DONTNEED);
}

const char *weights_path(const struct weights *w)
{
    return w->path;
}

const char *weights_format(const struct weights *w)
{
    return w->reader->name;
}

int weights_count(const struct weights *w)
{
    return w->count;
}

const struct tensor *weights_at(const struct weights *w, int index)
{
    return &w->tensors[index];
}

const struct tensor *weights_find(const struct weights *w, const char *name)
{
    int lo = 0, hi = w->count;
    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;
        const struct tensor *t = &w->tensors[w->by_name[mid]];
        int order = strcmp(name, t->name);
        if (order == 0)
            return t;
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

const char *weights_metadata(const struct weights *w, const char *key)
{
    for (int i = 0; i < w->metadata_count; i++)
        if (strcmp(w->metadata[i].key, key) == 0)
            return w->metadata[i].value;
    return NULL;
}
