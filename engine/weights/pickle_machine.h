/*
 * pickle_machine - the stack machine that the pickle operations work on; private to engine/weights/. Every
 * function returns 0 or -errno with a line that names the byte.
 */
#ifndef ENGINE_WEIGHTS_PICKLE_MACHINE_H
#define ENGINE_WEIGHTS_PICKLE_MACHINE_H

#include "engine/weights/pickle.h"

enum { MARK = -1 }; /* on the stack; and a memo that was never kept */

struct machine {
    struct pickle *p;
    const uint8_t *begin, *at, *end; /* begin: of the file, for offsets in messages */
    const uint8_t *opcode;           /* where the current one stands */
    struct error *e;
    int next_memo; /* MEMOIZE counts by itself */
    bool stopped;
};

typedef int pickle_operation(struct machine *m);

/* By opcode; NULL: refused. */
extern pickle_operation *const pickle_operations[256];

int machine_fault(struct machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

int machine_take(struct machine *m, size_t bytes, const uint8_t **out);

/* A little-endian number of 0 to 8 bytes without sign. */
int machine_number(struct machine *m, size_t bytes, uint64_t *out);

int machine_push(struct machine *m, int node);
int machine_pop(struct machine *m, int *node); /* a mark on top is a fault */

/* A new node, pushed. */
int machine_push_new(struct machine *m, struct pickle_node n);
int machine_push_kind(struct machine *m, enum pickle_kind kind); /* without items */
int machine_push_number(struct machine *m, enum pickle_kind kind, int64_t number);

/* A new item at the end of a container. */
int machine_append(struct machine *m, int container, int node);

/* Where the values above the topmost mark begin; the mark itself stands below that. */
int machine_find_mark(struct machine *m, int *begin);

/* Moves the values stack[begin..] into a container and drops the mark below them. */
int machine_collect(struct machine *m, int container, int begin);

/* Keeps the top of the stack. */
int machine_memo_put(struct machine *m, uint64_t index);

#endif
