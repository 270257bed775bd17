/*
 * pickle - see pickle.h. Here is the machine; pickle_ops.c holds what the operations do with it. Every bound
 * is there because some short pickle would pass it without: memo indices up to 2^32, tuples of the same
 * tuple, lists that are handed to OrderedDict again and again.
 */
#include "engine/weights/pickle_machine.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

int machine_fault(struct machine *m, const char *format, ...)
{
    char text[320];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(m->e, EINVAL, "pickle at byte %zu: %s", (size_t)(m->opcode - m->begin), text);
}

int machine_take(struct machine *m, size_t bytes, const uint8_t **out)
{
    if (bytes > (size_t)(m->end - m->at))
        return machine_fault(m, "it ends in the middle of an operation that takes %zu bytes more", bytes);
    *out = m->at;
    m->at += bytes;
    return 0;
}

int machine_number(struct machine *m, size_t bytes, uint64_t *out)
{
    const uint8_t *b = m->at;
    int rc = machine_take(m, bytes, &b);
    *out = 0;
    for (size_t i = 0; rc == 0 && i < bytes; i++)
        *out |= (uint64_t)b[i] << 8 * i;
    return rc;
}

/* Room for one more of `count`: 1 when *room became larger, and the caller reallocates; 0; or a fault. */
static int grow(struct machine *m, int *room, int count, int max, const char *what)
{
    if (count < *room)
        return 0;
    if (count >= max)
        return machine_fault(m, "more than %d %s", max, what);
    int wanted = *room ? 2 * *room : 256;
    *room = wanted > max ? max : wanted;
    return 1;
}

int machine_push(struct machine *m, int node)
{
    struct pickle *p = m->p;
    int rc = grow(m, &p->stack_room, p->stack_count, PICKLE_STACK_MAX, "values on the stack");
    if (rc > 0)
        p->stack = xrealloc(p->stack, (size_t)p->stack_room * sizeof *p->stack);
    if (rc < 0)
        return rc;
    p->stack[p->stack_count++] = node;
    return 0;
}

int machine_pop(struct machine *m, int *node)
{
    struct pickle *p = m->p;
    if (p->stack_count == 0 || p->stack[p->stack_count - 1] == MARK)
        return machine_fault(m, "the stack has no value for operation 0x%02x", *m->opcode);
    *node = p->stack[--p->stack_count];
    return 0;
}

int machine_push_new(struct machine *m, struct pickle_node n)
{
    struct pickle *p = m->p;
    int rc = grow(m, &p->node_room, p->node_count, PICKLE_NODES_MAX, "values");
    if (rc > 0)
        p->nodes = xrealloc(p->nodes, (size_t)p->node_room * sizeof *p->nodes);
    if (rc < 0)
        return rc;
    p->nodes[p->node_count] = n;
    return machine_push(m, p->node_count++);
}

int machine_push_kind(struct machine *m, enum pickle_kind kind)
{
    return machine_push_new(m, (struct pickle_node){.kind = kind, .first = -1, .last = -1});
}

int machine_push_number(struct machine *m, enum pickle_kind kind, int64_t number)
{
    return machine_push_new(m, (struct pickle_node){.kind = kind, .first = -1, .last = -1, .number = number});
}

int machine_append(struct machine *m, int container, int node)
{
    struct pickle *p = m->p;
    int rc = grow(m, &p->cell_room, p->cell_count, PICKLE_CELLS_MAX, "entries of tuples, lists and dicts");
    if (rc > 0)
        p->cells = xrealloc(p->cells, (size_t)p->cell_room * sizeof *p->cells);
    if (rc < 0)
        return rc;
    struct pickle_node *c = &p->nodes[container];
    p->cells[p->cell_count] = (struct pickle_cell){node, -1};
    if (c->last >= 0)
        p->cells[c->last].next = p->cell_count;
    else
        c->first = p->cell_count;
    c->last = p->cell_count++;
    c->count++;
    return 0;
}

int machine_find_mark(struct machine *m, int *begin)
{
    struct pickle *p = m->p;
    int i = p->stack_count;
    while (i > 0 && p->stack[i - 1] != MARK)
        i--;
    if (i == 0)
        return machine_fault(m, "there is no mark for operation 0x%02x", *m->opcode);
    *begin = i;
    return 0;
}

int machine_collect(struct machine *m, int container, int begin)
{
    struct pickle *p = m->p;
    int rc = 0;
    for (int i = begin; i < p->stack_count && rc == 0; i++)
        rc = machine_append(m, container, p->stack[i]);
    p->stack_count = begin - 1;
    return rc;
}

int machine_memo_put(struct machine *m, uint64_t index)
{
    struct pickle *p = m->p;
    if (index >= PICKLE_MEMO_MAX)
        return machine_fault(m, "memo %llu; %d is the most", (unsigned long long)index, PICKLE_MEMO_MAX - 1);
    if (p->stack_count == 0 || p->stack[p->stack_count - 1] == MARK)
        return machine_fault(m, "nothing to keep as memo %llu", (unsigned long long)index);
    if ((int)index >= p->memo_room) {
        int room = p->memo_room ? p->memo_room : 256;
        while (room <= (int)index)
            room *= 2;
        p->memo = xrealloc(p->memo, (size_t)room * sizeof *p->memo);
        for (int i = p->memo_room; i < room; i++)
            p->memo[i] = MARK;
        p->memo_room = room;
    }
    p->memo[index] = p->stack[p->stack_count - 1];
    return 0;
}

int pickle_read(struct pickle *p, const uint8_t *bytes, size_t size, size_t *at, struct error *e)
{
    *p = (struct pickle){.root = -1};
    struct machine m = {.p = p, .begin = bytes, .at = bytes + *at, .end = bytes + size, .e = e};
    if (m.end - m.at > PICKLE_BYTES_MAX)
        m.end = m.at + PICKLE_BYTES_MAX;
    while (!m.stopped) {
        m.opcode = m.at;
        const uint8_t *op = m.at;
        int rc = machine_take(&m, 1, &op);
        if (rc == 0 && !pickle_operations[*op])
            rc = machine_fault(&m, "operation 0x%02x, which no file of weights needs", *op);
        if (rc == 0)
            rc = pickle_operations[*op](&m);
        if (rc < 0)
            return rc;
    }
    *at = (size_t)(m.at - bytes);
    return 0;
}

void pickle_free(struct pickle *p)
{
    free(p->nodes);
    free(p->cells);
    free(p->stack);
    free(p->memo);
    *p = (struct pickle){.root = -1};
}

const struct pickle_node *pickle_item(const struct pickle *p, const struct pickle_node *n, int index)
{
    if (n->kind < PICKLE_TUPLE || n->kind == PICKLE_GLOBAL)
        return NULL;
    int cell = n->first;
    while (cell >= 0 && index-- > 0)
        cell = p->cells[cell].next;
    return cell >= 0 ? &p->nodes[p->cells[cell].node] : NULL;
}

bool pickle_text_is(const struct pickle_node *n, const char *text)
{
    return n && n->kind == PICKLE_TEXT && (size_t)n->count == strlen(text) &&
           memcmp(n->text, text, (size_t)n->count) == 0;
}

const struct pickle_node *pickle_lookup(const struct pickle *p, const struct pickle_node *n, const char *key)
{
    if (!n || n->kind != PICKLE_DICT)
        return NULL;
    for (int cell = n->first; cell >= 0;) {
        int value = p->cells[cell].next; /* keys and values alternate, always in pairs */
        if (pickle_text_is(&p->nodes[p->cells[cell].node], key))
            return &p->nodes[p->cells[value].node];
        cell = p->cells[value].next;
    }
    return NULL;
}
