/*
 * pickle_ops - what each operation of a pickle does: one handler per opcode in a table. What has no
 * handler is refused with its byte. Opcodes and their meaning: CPython's Lib/pickletools.py.
 */
#include <string.h>

#include "engine/weights/pickle_machine.h"

enum { LINE_BYTES_MAX = 256 };

static int op_proto(struct machine *m)
{
    uint64_t version;
    int rc = machine_number(m, 1, &version);
    if (rc == 0 && (version < 2 || version > 5))
        return machine_fault(m, "protocol %d; 2 to 5 is expected", (int)version);
    return rc;
}

static int op_frame(struct machine *m)
{
    uint64_t bytes;
    int rc = machine_number(m, 8, &bytes);
    if (rc == 0 && bytes > (uint64_t)(m->end - m->at))
        return machine_fault(m, "a frame of %llu bytes; the file has %zu left", (unsigned long long)bytes,
                             (size_t)(m->end - m->at));
    return rc;
}

static int op_stop(struct machine *m)
{
    int rc = machine_pop(m, &m->p->root);
    if (rc == 0 && m->p->stack_count != 0)
        return machine_fault(m, "%d values are left on the stack at the end", m->p->stack_count);
    m->stopped = true;
    return rc;
}

static int op_mark(struct machine *m)
{
    return machine_push(m, MARK);
}

static int op_none(struct machine *m)
{
    return machine_push_kind(m, PICKLE_NONE);
}

static int op_true(struct machine *m)
{
    return machine_push_number(m, PICKLE_BOOL, 1);
}

static int op_false(struct machine *m)
{
    return machine_push_number(m, PICKLE_BOOL, 0);
}

static int op_int(struct machine *m)
{
    uint64_t v;
    int rc = machine_number(m, *m->opcode == 'K' ? 1 : *m->opcode == 'M' ? 2 : 4, &v);
    return rc < 0 ? rc
                  : machine_push_number(m, PICKLE_INT, *m->opcode == 'J' ? (int32_t)(uint32_t)v : (int64_t)v);
}

static int op_long(struct machine *m)
{
    uint64_t bytes, v;
    int rc = machine_number(m, 1, &bytes);
    if (rc < 0)
        return rc;
    if (bytes > 8) {
        const uint8_t *skipped;
        rc = machine_take(m, (size_t)bytes, &skipped);
        return rc < 0 ? rc : machine_push_kind(m, PICKLE_OTHER);
    }
    rc = machine_number(m, (size_t)bytes, &v);
    if (rc == 0 && bytes > 0 && bytes < 8 && v >> (8 * bytes - 1))
        v |= UINT64_MAX << 8 * bytes;
    return rc < 0 ? rc : machine_push_number(m, PICKLE_INT, (int64_t)v);
}

static int op_float(struct machine *m)
{
    const uint8_t *skipped;
    int rc = machine_take(m, 8, &skipped);
    return rc < 0 ? rc : machine_push_kind(m, PICKLE_OTHER);
}

static int push_text(struct machine *m, size_t length_bytes)
{
    uint64_t bytes;
    const uint8_t *text;
    int rc = machine_number(m, length_bytes, &bytes);
    if (rc == 0 && bytes > PICKLE_TEXT_MAX)
        return machine_fault(m, "a text of %llu bytes; %d are the most", (unsigned long long)bytes,
                             PICKLE_TEXT_MAX);
    if (rc == 0)
        rc = machine_take(m, (size_t)bytes, &text);
    if (rc < 0)
        return rc;
    return machine_push_new(
        m,
        (struct pickle_node){
            .kind = PICKLE_TEXT, .first = -1, .last = -1, .count = (int)bytes, .text = (const char *)text});
}

static int op_text_short(struct machine *m)
{
    return push_text(m, 1);
}

static int op_text(struct machine *m)
{
    return push_text(m, 4);
}

static int op_empty(struct machine *m)
{
    return machine_push_kind(m, *m->opcode == ')'   ? PICKLE_TUPLE
                                : *m->opcode == ']' ? PICKLE_LIST
                                                    : PICKLE_DICT);
}

static int op_tuple(struct machine *m)
{
    int begin;
    int rc = machine_find_mark(m, &begin);
    if (rc < 0)
        return rc;
    rc = machine_push_kind(m, PICKLE_TUPLE);
    if (rc < 0)
        return rc;
    int tuple = m->p->stack[--m->p->stack_count];
    rc = machine_collect(m, tuple, begin);
    return rc < 0 ? rc : machine_push(m, tuple);
}

static int op_tuple_small(struct machine *m)
{
    int count = *m->opcode - 0x85 + 1, items[3];
    for (int i = count - 1; i >= 0; i--) {
        int rc = machine_pop(m, &items[i]);
        if (rc < 0)
            return rc;
    }
    int rc = machine_push_kind(m, PICKLE_TUPLE);
    int tuple = m->p->node_count - 1;
    for (int i = 0; i < count && rc == 0; i++)
        rc = machine_append(m, tuple, items[i]);
    return rc;
}

/* The container below `begin` values; refuses what is of another kind. */
static int container_below(struct machine *m, int begin, enum pickle_kind kind, int *node)
{
    struct pickle *p = m->p;
    *node = begin > 0 ? p->stack[begin - 1] : MARK;
    enum pickle_kind have = *node == MARK ? PICKLE_NONE : p->nodes[*node].kind;
    if (have != kind && have != PICKLE_OTHER)
        return machine_fault(m, "operation 0x%02x on something that is no %s", *m->opcode,
                             kind == PICKLE_DICT ? "dict" : "list");
    return 0;
}

static int op_append(struct machine *m)
{
    int item = 0, list = 0;
    int rc = machine_pop(m, &item);
    if (rc == 0)
        rc = container_below(m, m->p->stack_count, PICKLE_LIST, &list);
    return rc < 0 ? rc : machine_append(m, list, item);
}

static int op_appends(struct machine *m)
{
    int begin = 0, list = 0;
    int rc = machine_find_mark(m, &begin);
    if (rc == 0)
        rc = container_below(m, begin - 1, PICKLE_LIST, &list);
    return rc < 0 ? rc : machine_collect(m, list, begin);
}

static int op_setitem(struct machine *m)
{
    int key = 0, value = 0, dict = 0;
    int rc = machine_pop(m, &value);
    if (rc == 0)
        rc = machine_pop(m, &key);
    if (rc == 0)
        rc = container_below(m, m->p->stack_count, PICKLE_DICT, &dict);
    if (rc == 0)
        rc = machine_append(m, dict, key);
    return rc < 0 ? rc : machine_append(m, dict, value);
}

static int op_setitems(struct machine *m)
{
    int begin = 0, dict = 0;
    int rc = machine_find_mark(m, &begin);
    if (rc == 0)
        rc = container_below(m, begin - 1, PICKLE_DICT, &dict);
    if (rc == 0 && (m->p->stack_count - begin) % 2)
        return machine_fault(m, "a key without a value");
    return rc < 0 ? rc : machine_collect(m, dict, begin);
}

static int op_put(struct machine *m)
{
    uint64_t index;
    int rc = machine_number(m, *m->opcode == 'q' ? 1 : 4, &index);
    return rc < 0 ? rc : machine_memo_put(m, index);
}

static int op_memoize(struct machine *m)
{
    return machine_memo_put(m, (uint64_t)m->next_memo++);
}

static int op_get(struct machine *m)
{
    uint64_t index;
    int rc = machine_number(m, *m->opcode == 'h' ? 1 : 4, &index);
    if (rc < 0)
        return rc;
    if (index >= (uint64_t)m->p->memo_room || m->p->memo[index] == MARK)
        return machine_fault(m, "memo %llu was never kept", (unsigned long long)index);
    return machine_push(m, m->p->memo[index]);
}

static int push_global(struct machine *m, const char *module, size_t module_bytes, const char *name,
                       size_t name_bytes)
{
    const struct pickle_global *g = pickle_global_find(module, module_bytes, name, name_bytes);
    if (g)
        return machine_push_new(
            m, (struct pickle_node){.kind = PICKLE_GLOBAL, .first = -1, .last = -1, .global = g});
    bool whole = (module_bytes > 9 && memcmp(module, "torch.nn.", 9) == 0) ||
                 (module_bytes > 12 && memcmp(module, "torchvision.", 12) == 0);
    return machine_fault(m, "it asks for %.*s.%.*s, %s", (int)(module_bytes < 80 ? module_bytes : 80), module,
                         (int)(name_bytes < 80 ? name_bytes : 80), name,
                         whole ? "so it holds a whole model object; save its state_dict() instead"
                               : "which is not on the list of what weights are made of; nothing was run");
}

static int take_line(struct machine *m, const char **text, size_t *bytes)
{
    size_t left = (size_t)(m->end - m->at);
    const uint8_t *end = memchr(m->at, '\n', left < LINE_BYTES_MAX ? left : LINE_BYTES_MAX);
    if (!end)
        return machine_fault(m, "a global's name of less than %d bytes is expected", LINE_BYTES_MAX);
    *text = (const char *)m->at;
    *bytes = (size_t)(end - m->at);
    m->at = end + 1;
    return 0;
}

static int op_global(struct machine *m)
{
    const char *module = NULL, *name = NULL;
    size_t module_bytes = 0, name_bytes = 0;
    int rc = take_line(m, &module, &module_bytes);
    if (rc == 0)
        rc = take_line(m, &name, &name_bytes);
    return rc < 0 ? rc : push_global(m, module, module_bytes, name, name_bytes);
}

static int op_stack_global(struct machine *m)
{
    int module, name;
    int rc = machine_pop(m, &name);
    if (rc == 0)
        rc = machine_pop(m, &module);
    if (rc < 0)
        return rc;
    const struct pickle_node *a = &m->p->nodes[module], *b = &m->p->nodes[name];
    if (a->kind != PICKLE_TEXT || b->kind != PICKLE_TEXT)
        return machine_fault(m, "a global's module and name are expected as texts");
    return push_global(m, a->text, (size_t)a->count, b->text, (size_t)b->count);
}

/* Python 2 writes OrderedDict([[key, value], ...]), Python 3 OrderedDict() and SETITEMS. */
static int make_dict(struct machine *m, int args)
{
    struct pickle *p = m->p;
    const struct pickle_node *list = pickle_item(p, &p->nodes[args], 0);
    int pair = list && list->kind == PICKLE_LIST ? list->first : -1;
    int rc = machine_push_kind(m, PICKLE_DICT);
    int dict = p->node_count - 1;
    for (; pair >= 0 && rc == 0; pair = p->cells[pair].next) {
        const struct pickle_node *n = &p->nodes[p->cells[pair].node];
        if ((n->kind != PICKLE_LIST && n->kind != PICKLE_TUPLE) || n->count != 2)
            return machine_fault(m, "an OrderedDict out of something else than pairs");
        int key = p->cells[n->first].node, value = p->cells[n->last].node;
        rc = machine_append(m, dict, key);
        if (rc == 0)
            rc = machine_append(m, dict, value);
    }
    return rc;
}

/* A node of `kind` with the items of the tuple `args`, which never change again. */
static int push_view(struct machine *m, enum pickle_kind kind, int args)
{
    struct pickle_node n = m->p->nodes[args];
    n.kind = kind;
    return machine_push_new(m, n);
}

static int op_reduce(struct machine *m)
{
    struct pickle *p = m->p;
    int args, callable;
    int rc = machine_pop(m, &args);
    if (rc == 0)
        rc = machine_pop(m, &callable);
    if (rc < 0)
        return rc;
    if (p->nodes[args].kind != PICKLE_TUPLE)
        return machine_fault(m, "a call whose arguments are no tuple");
    if (p->nodes[callable].kind == PICKLE_OTHER)
        return machine_push_kind(m, PICKLE_OTHER);
    if (p->nodes[callable].kind != PICKLE_GLOBAL)
        return machine_fault(m, "a call of something that is no function");
    switch (p->nodes[callable].global->role) {
    case GLOBAL_ORDERED_DICT:
        return make_dict(m, args);
    case GLOBAL_REBUILD_TENSOR:
        return push_view(m, PICKLE_TENSOR, args);
    case GLOBAL_REBUILD_PARAMETER:
    case GLOBAL_SIZE:
        if (p->nodes[args].count < 1)
            return machine_fault(m, "a call without its argument");
        return machine_push(m, p->cells[p->nodes[args].first].node);
    case GLOBAL_PARAMETER:
    case GLOBAL_STORAGE:
    case GLOBAL_IGNORED:
        break;
    }
    return machine_push_kind(m, PICKLE_OTHER);
}

static int op_newobj(struct machine *m)
{
    int args, class;
    int rc = machine_pop(m, &args);
    if (rc == 0)
        rc = machine_pop(m, &class);
    return rc < 0 ? rc : machine_push_kind(m, PICKLE_OTHER);
}

/* The state of an object: the `_metadata` of a state_dict, or an ignored object's. Dropped. */
static int op_build(struct machine *m)
{
    int state;
    int rc = machine_pop(m, &state);
    if (rc == 0 && (m->p->stack_count == 0 || m->p->stack[m->p->stack_count - 1] == MARK))
        return machine_fault(m, "state without an object");
    return rc;
}

static int op_persistent(struct machine *m)
{
    int id;
    int rc = machine_pop(m, &id);
    if (rc == 0 && m->p->nodes[id].kind != PICKLE_TUPLE)
        return machine_fault(m, "a persistent id that is no tuple");
    return rc < 0 ? rc : push_view(m, PICKLE_STORAGE, id);
}

pickle_operation *const pickle_operations[256] = {
    [0x80] = op_proto,       [0x95] = op_frame,      ['.'] = op_stop,         ['('] = op_mark,
    ['N'] = op_none,         [0x88] = op_true,       [0x89] = op_false,       ['J'] = op_int,
    ['K'] = op_int,          ['M'] = op_int,         [0x8a] = op_long,        ['G'] = op_float,
    ['U'] = op_text_short,   [0x8c] = op_text_short, ['X'] = op_text,         ['T'] = op_text,
    ['C'] = op_text_short,   ['B'] = op_text,        [')'] = op_empty,        [']'] = op_empty,
    ['}'] = op_empty,        ['t'] = op_tuple,       [0x85] = op_tuple_small, [0x86] = op_tuple_small,
    [0x87] = op_tuple_small, ['a'] = op_append,      ['e'] = op_appends,      ['s'] = op_setitem,
    ['u'] = op_setitems,     ['q'] = op_put,         ['r'] = op_put,          [0x94] = op_memoize,
    ['h'] = op_get,          ['j'] = op_get,         ['c'] = op_global,       [0x93] = op_stack_global,
    ['R'] = op_reduce,       [0x81] = op_newobj,     ['b'] = op_build,        ['Q'] = op_persistent,
};
