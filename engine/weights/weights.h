/*
 * weights - named tensors from a file or from memory, checked before anything is believed.
 *
 * A reader recognises its format by content, validates every offset and size against the bytes that are
 * there, and never executes or allocates by what a file claims. Readers are a family (struct weights_reader):
 * safetensors, both layouts of PyTorch, Caffe; other formats that networks come in are recognised and refused
 * with the way out.
 */
#ifndef ENGINE_WEIGHTS_WEIGHTS_H
#define ENGINE_WEIGHTS_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum tensor_dtype {
    TENSOR_F32,
    TENSOR_F16,
    TENSOR_BF16,
    TENSOR_F64,
    TENSOR_I64,
    TENSOR_I32,
    TENSOR_I16,
    TENSOR_I8,
    TENSOR_U8,
    TENSOR_BOOL
};
enum { TENSOR_DIMS_MAX = 8 };

struct tensor {
    const char *name;
    enum tensor_dtype dtype;
    int dims;
    int64_t shape[TENSOR_DIMS_MAX];
    int64_t elements;
    const uint8_t *data; /* C order, little-endian, any alignment; belongs to the weights */
};

struct weights;

/* Maps the file. 0, or -errno with one line: file, offset or tensor, what was expected. */
int weights_open(struct weights **w, const char *path, struct error *e);

/* The same over bytes that stay valid as long as `w` does. `name` is for messages. */
int weights_open_memory(struct weights **w, const void *bytes, size_t size, const char *name,
                        struct error *e);
void weights_close(struct weights **w); /* NULL is fine */

/* What `count` elements from `first` on take in memory may be dropped: they come from the file again when
 * they are read again. Only a hint, which makes loading hold one copy of the weights instead of two. */
void weights_drop(const struct weights *w, const struct tensor *t, int64_t first, int64_t count);

const char *weights_path(const struct weights *w);
const char *weights_format(const struct weights *w); /* "safetensors" */
int weights_count(const struct weights *w);
const struct tensor *weights_at(const struct weights *w, int index);          /* file order */
const struct tensor *weights_find(const struct weights *w, const char *name); /* NULL: absent */
const char *weights_metadata(const struct weights *w, const char *key);       /* NULL: absent */

/* "F32", as safetensors spells it. */
const char *tensor_dtype_name(enum tensor_dtype dtype);
size_t tensor_dtype_bytes(enum tensor_dtype dtype); /* of one element */

/* Elements first..first+count-1 as float. */
void tensor_to_float(const struct tensor *t, int64_t first, int64_t count, float *out);

/* Whether these bytes of a tensor are the mapped file's own, and not a copy that was put in order. */
bool weights_are_in_file(const struct weights *w, const void *data, size_t bytes);

#endif
