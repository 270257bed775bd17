/*
 * reader - what a reader of one file format sees of the weights; private to engine/weights/.
 *
 * A reader gets all bytes of the file and reports tensors and metadata through weights_add_*, which keep the
 * rules that hold for every format: shapes multiply without overflow, data lies inside of the file, names
 * are short and (checked once all are in) unique.
 */
#ifndef ENGINE_WEIGHTS_READER_H
#define ENGINE_WEIGHTS_READER_H

#include <stdbool.h>

#include "engine/weights/weights.h"

enum {
    WEIGHTS_TENSORS_MAX = 65536,
    WEIGHTS_METADATA_MAX = 1024,
    WEIGHTS_NAME_BYTES = 256,
    WEIGHTS_VALUE_BYTES = 65536
};

struct weights_reader {
    const char *name; /* "safetensors" */
    /* True when the bytes look like this format, even if they turn out to be damaged: then read()
     * can say how. */
    bool (*recognises)(const uint8_t *bytes, size_t size);
    /* Adds all tensors. 0 or -errno with a line that begins with the fault, not with the file's name. */
    int (*read)(struct weights *w, const uint8_t *bytes, size_t size, struct error *e);
};

extern const struct weights_reader weights_safetensors, weights_torch_legacy, weights_torch_zip, weights_npy,
    weights_caffe, weights_refused;

/* `t->name` is copied; t->elements is computed here; t->data + size_bytes must be what shape and dtype say
 * and lie in the file or in the latest memory of weights_alloc. */
int weights_add_tensor(struct weights *w, const struct tensor *t, size_t size_bytes, struct error *e);

/* Memory for a tensor whose numbers do not lie in C order in the file; it belongs to the weights, is not
 * zeroed and bytes > 0. All together never exceed the size of the file. */
int weights_alloc(struct weights *w, size_t bytes, uint8_t **out, struct error *e);

int weights_add_metadata(struct weights *w, const char *key, const char *value, struct error *e);

#endif
