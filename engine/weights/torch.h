/*
 * torch - tensors out of PyTorch's pickles, the same for both layouts of file; private to engine/weights/.
 */
#ifndef ENGINE_WEIGHTS_TORCH_H
#define ENGINE_WEIGHTS_TORCH_H

#include "engine/weights/pickle.h"
#include "engine/weights/reader.h"

/* A run of numbers in the file that tensors are views of. */
struct torch_storage {
    const char *key; /* in the file, not terminated */
    size_t key_bytes;
    enum tensor_dtype dtype;
    int64_t count;       /* elements, as the pickle says */
    const uint8_t *data; /* NULL until it was found */
};

struct torch_storages {
    struct torch_storage *items; /* [count] in the order of keys */
    int count;
};

/* All storages that the pickle names. 0 or -errno with a line. torch_free whatever the result. */
int torch_collect(struct torch_storages *s, const struct pickle *p, struct error *e);
void torch_free(struct torch_storages *s);

/* NULL: absent. */
struct torch_storage *torch_find(struct torch_storages *s, const char *key, size_t key_bytes);

/* Finds the data of a storage when a tensor asks for it. 0 or -errno with a line. */
typedef int torch_locate(void *context, struct torch_storage *s, struct error *e);

/* Adds the tensors of the state_dict: the root of the pickle, or its entry "state_dict", "model" ... */
int torch_add_tensors(struct weights *w, const struct pickle *p, struct torch_storages *s,
                      torch_locate *locate, void *context, struct error *e);

#endif
