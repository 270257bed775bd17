/*
 * pickle - a bounded machine for Python's pickles as PyTorch writes them; private to engine/weights/.
 *
 * A pickle is a program for a stack machine, and in Python it may call anything. Here nothing is ever called:
 * the machine builds a tree of nodes, a GLOBAL is looked up in a list of known names or refused, and the few
 * "calls" that matter (OrderedDict, a tensor from its storage, a parameter around a tensor) become nodes of
 * their own. Both dialects are read: Python 2's byte strings and OrderedDict out of one list, Python 3's
 * unicode and SETITEMS. Nodes refer to one another by index, so a pickle may contain itself: who walks the
 * tree bounds the depth.
 */
#ifndef ENGINE_WEIGHTS_PICKLE_H
#define ENGINE_WEIGHTS_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "engine/weights/weights.h"

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_TEXT,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,
    PICKLE_GLOBAL,
    PICKLE_TENSOR,  /* a call of _rebuild_tensor or _rebuild_tensor_v2; its items are the arguments */
    PICKLE_STORAGE, /* a persistent id; its items are the tuple's */
    PICKLE_OTHER    /* something that no weights are made of: floats, long integers, ignored objects */
};

enum pickle_global_role {
    GLOBAL_ORDERED_DICT,
    GLOBAL_REBUILD_TENSOR,
    GLOBAL_REBUILD_PARAMETER,
    GLOBAL_SIZE,
    GLOBAL_PARAMETER,
    GLOBAL_STORAGE,
    GLOBAL_IGNORED /* known and harmless beside the weights: optimiser state, numpy scalars */
};

struct pickle_global {
    const char *module, *name;
    enum pickle_global_role role;
    enum tensor_dtype dtype; /* GLOBAL_STORAGE */
};

struct pickle_node {
    enum pickle_kind kind;
    int count;       /* TEXT: bytes; containers, TENSOR, STORAGE: items (a DICT counts keys and values) */
    int first, last; /* containers: cells, -1 when there is none */
    union {
        int64_t number;   /* BOOL, INT */
        const char *text; /* TEXT: in the file, not terminated, any bytes */
        const struct pickle_global *global;
    };
};

struct pickle_cell {
    int node, next;
};

enum {
    PICKLE_BYTES_MAX = 16 << 20,
    PICKLE_NODES_MAX = 1 << 19,
    PICKLE_CELLS_MAX = 1 << 20,
    PICKLE_STACK_MAX = 100000,
    PICKLE_MEMO_MAX = 1 << 20,
    PICKLE_TEXT_MAX = 65536
};

struct pickle {
    struct pickle_node *nodes;
    struct pickle_cell *cells;
    int *stack, *memo;
    int node_count, node_room, cell_count, cell_room, stack_count, stack_room, memo_room;
    int root;
};

/* Runs the pickle that begins at bytes[*at] and moves *at behind it. 0 or -errno with a line that names the
 * byte. `p` is initialised here and needs pickle_free whatever the result. Texts stay in `bytes`. */
int pickle_read(struct pickle *p, const uint8_t *bytes, size_t size, size_t *at, struct error *e);
void pickle_free(struct pickle *p);

/* Item `index` of a container, NULL when there are fewer. */
const struct pickle_node *pickle_item(const struct pickle *p, const struct pickle_node *n, int index);

bool pickle_text_is(const struct pickle_node *n, const char *text);

/* The value of a text key, NULL when absent or `n` is no dict. */
const struct pickle_node *pickle_lookup(const struct pickle *p, const struct pickle_node *n, const char *key);

/* NULL: not on the list. */
const struct pickle_global *pickle_global_find(const char *module, size_t module_bytes, const char *name,
                                               size_t name_bytes);

#endif
