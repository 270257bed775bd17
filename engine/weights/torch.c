/*
 * torch - see torch.h.
 *
 * A tensor is (storage, offset, size, stride): usually one whole storage in C order, and then it is used
 * where it lies. Other strides (a transposed matrix, channels-last kernels) are copied into C order. A
 * checkpoint may hold much else; only what the state_dict names is looked at.
 */
#include "engine/weights/torch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

enum { WRAPPERS_MAX = 4 };

/* A view of a storage, all of it checked. */
struct view {
    struct torch_storage *storage;
    int64_t offset;
    int64_t stride[TENSOR_DIMS_MAX];
    bool contiguous;
};

static int compare_keys(const void *a, const void *b)
{
    const struct torch_storage *x = a, *y = b;
    int order = memcmp(x->key, y->key, x->key_bytes < y->key_bytes ? x->key_bytes : y->key_bytes);
    return order ? order : x->key_bytes < y->key_bytes ? -1 : x->key_bytes > y->key_bytes;
}

/* ('storage', type, key, location, elements), in legacy files with a view (None) as sixth. */
static int read_storage(struct torch_storage *out, const struct pickle *p, const struct pickle_node *id,
                        struct error *e)
{
    const struct pickle_node *type = pickle_item(p, id, 1), *key = pickle_item(p, id, 2),
                             *count = pickle_item(p, id, 4), *view = pickle_item(p, id, 5);
    if (!pickle_text_is(pickle_item(p, id, 0), "storage") || id->count < 5 || id->count > 6 ||
        type->kind != PICKLE_GLOBAL || type->global->role != GLOBAL_STORAGE || key->kind != PICKLE_TEXT ||
        count->kind != PICKLE_INT || count->number < 0)
        return error_set(e, EINVAL, "a persistent id that is not ('storage', type, key, location, elements)");
    if (view && view->kind != PICKLE_NONE)
        return error_set(e, EINVAL, "storage %.*s is a view of another one, which only files of 2016 have",
                         key->count < 80 ? key->count : 80, key->text);
    *out = (struct torch_storage){.key = key->text,
                                  .key_bytes = (size_t)key->count,
                                  .dtype = type->global->dtype,
                                  .count = count->number};
    return 0;
}

/* One entry for each key; what is said twice must be said alike. */
static int merge(struct torch_storages *s, struct error *e)
{
    if (s->count)
        qsort(s->items, (size_t)s->count, sizeof *s->items, compare_keys);
    int kept = 0;
    for (int i = 0; i < s->count; i++) {
        struct torch_storage *last = kept ? &s->items[kept - 1] : NULL, *next = &s->items[i];
        if (!last || compare_keys(last, next) != 0)
            s->items[kept++] = *next;
        else if (last->dtype != next->dtype || last->count != next->count)
            return error_set(e, EINVAL, "storage %.*s is described in two ways",
                             (int)(next->key_bytes < 80 ? next->key_bytes : 80), next->key);
    }
    s->count = kept;
    return 0;
}

int torch_collect(struct torch_storages *s, const struct pickle *p, struct error *e)
{
    *s = (struct torch_storages){0};
    int room = 0;
    for (int i = 0; i < p->node_count; i++) {
        if (p->nodes[i].kind != PICKLE_STORAGE)
            continue;
        if (s->count == WEIGHTS_TENSORS_MAX)
            return error_set(e, E2BIG, "more than %d storages", WEIGHTS_TENSORS_MAX);
        if (s->count == room) {
            room = room ? 2 * room : 64;
            s->items = xrealloc(s->items, (size_t)room * sizeof *s->items);
        }
        int rc = read_storage(&s->items[s->count++], p, &p->nodes[i], e);
        if (rc < 0)
            return rc;
    }
    return merge(s, e);
}

void torch_free(struct torch_storages *s)
{
    free(s->items);
    *s = (struct torch_storages){0};
}

struct torch_storage *torch_find(struct torch_storages *s, const char *key, size_t key_bytes)
{
    struct torch_storage wanted = {.key = key, .key_bytes = key_bytes};
    return s->count ? bsearch(&wanted, s->items, (size_t)s->count, sizeof wanted, compare_keys) : NULL;
}

static bool read_numbers(const struct pickle *p, const struct pickle_node *n, int64_t *out, int *count)
{
    if (!n || (n->kind != PICKLE_TUPLE && n->kind != PICKLE_LIST) || n->count > TENSOR_DIMS_MAX)
        return false;
    *count = n->count;
    for (int i = 0; i < n->count; i++) {
        const struct pickle_node *item = pickle_item(p, n, i);
        if (item->kind != PICKLE_INT || item->number < 0)
            return false;
        out[i] = item->number;
    }
    return true;
}

/* The last element that the view touches lies in the storage, and it has no more elements than that. */
static bool check_bounds(struct tensor *t, struct view *v)
{
    int64_t last = v->offset, step, expected = 1;
    t->elements = 1;
    v->contiguous = true;
    for (int i = t->dims - 1; i >= 0; i--) {
        if (__builtin_mul_overflow(t->elements, t->shape[i], &t->elements))
            return false;
        if (t->shape[i] > 1 && v->stride[i] != expected)
            v->contiguous = false;
        if (t->shape[i] > 0 && (__builtin_mul_overflow(t->shape[i] - 1, v->stride[i], &step) ||
                                __builtin_add_overflow(last, step, &last)))
            return false;
        expected = t->elements;
    }
    if (t->elements == 0)
        return v->offset <= v->storage->count;
    return last < v->storage->count && t->elements <= v->storage->count;
}

/* (storage, offset, size, stride, ...) */
static int read_tensor(struct tensor *t, struct view *v, const struct pickle *p, struct torch_storages *s,
                       const struct pickle_node *call, struct error *e)
{
    const struct pickle_node *id = pickle_item(p, call, 0), *offset = pickle_item(p, call, 1);
    int strides;
    if (call->count < 4 || id->kind != PICKLE_STORAGE || offset->kind != PICKLE_INT || offset->number < 0 ||
        !read_numbers(p, pickle_item(p, call, 2), t->shape, &t->dims) ||
        !read_numbers(p, pickle_item(p, call, 3), v->stride, &strides) || strides != t->dims)
        return error_set(e, EINVAL,
                         "tensor %s: not made of (storage, offset, size, stride) with at most %d dimensions",
                         t->name, TENSOR_DIMS_MAX);
    const struct pickle_node *key = pickle_item(p, id, 2);
    v->storage = torch_find(s, key->text, (size_t)key->count);
    v->offset = offset->number;
    t->dtype = v->storage->dtype;
    if (!check_bounds(t, v))
        return error_set(e, EINVAL, "tensor %s: reaches beyond the %lld elements of its storage %.*s",
                         t->name, (long long)v->storage->count, key->count < 80 ? key->count : 80, key->text);
    return 0;
}

/* Walks the view in C order and copies it element by element. */
static void copy_strided(uint8_t *out, const struct tensor *t, const struct view *v, size_t element)
{
    int64_t index[TENSOR_DIMS_MAX] = {0}, at = v->offset;
    for (int64_t i = 0; i < t->elements; i++, out += element) {
        memcpy(out, v->storage->data + (size_t)at * element, element);
        for (int d = t->dims - 1; d >= 0; d--) {
            at += v->stride[d];
            if (++index[d] < t->shape[d])
                break;
            at -= index[d] * v->stride[d];
            index[d] = 0;
        }
    }
}

static int add_tensor(struct weights *w, struct tensor *t, const struct view *v, struct error *e)
{
    size_t element = tensor_dtype_bytes(t->dtype);
    size_t bytes = (size_t)t->elements * element;
    t->data = v->storage->data;
    if (v->contiguous && t->elements)
        t->data += (size_t)v->offset * element;
    if (!v->contiguous && t->elements) {
        uint8_t *copy;
        int rc = weights_alloc(w, bytes, &copy, e);
        if (rc < 0)
            return error_prefix(e, rc, "tensor %s", t->name);
        copy_strided(copy, t, v, element);
        t->data = copy;
    }
    return weights_add_tensor(w, t, bytes, e);
}

/* Where tensors come from and go to. */
struct passage {
    struct weights *to;
    const struct pickle *from;
    struct torch_storages *storages;
    torch_locate *locate;
    void *context; /* of locate */
};

static int add_entry(const struct passage *a, const struct pickle_node *key, const struct pickle_node *value,
                     struct error *e)
{
    char name[WEIGHTS_NAME_BYTES];
    size_t bytes = (size_t)key->count;
    if (key->kind != PICKLE_TEXT || bytes >= sizeof name || text_line_bytes(key->text, bytes) != bytes)
        return error_set(e, EINVAL, "a tensor's name is expected as one line of less than %zu bytes",
                         sizeof name);
    memcpy(name, key->text, bytes);
    name[bytes] = '\0';
    struct tensor t = {.name = name};
    struct view v;
    int rc = read_tensor(&t, &v, a->from, a->storages, value, e);
    if (rc == 0 && !v.storage->data) {
        rc = a->locate(a->context, v.storage, e);
        if (rc < 0)
            return error_prefix(e, rc, "tensor %s", name);
    }
    return rc < 0 ? rc : add_tensor(a->to, &t, &v, e);
}

static bool holds_tensors(const struct pickle *p, const struct pickle_node *dict)
{
    for (int cell = dict->first; cell >= 0; cell = p->cells[cell].next)
        if (p->nodes[p->cells[cell].node].kind == PICKLE_TENSOR)
            return true;
    return false;
}

/* The dict with the tensors: the root, or below it under one of the names that trainers use. */
static const struct pickle_node *find_state_dict(const struct pickle *p)
{
    static const char *const wrappers[] = {"state_dict", "model", "model_state_dict", "net"};
    const struct pickle_node *n = &p->nodes[p->root];
    for (int depth = 0; depth <= WRAPPERS_MAX && n && n->kind == PICKLE_DICT; depth++) {
        const struct pickle_node *inner = NULL;
        for (size_t i = 0; i < ARRAY_LEN(wrappers) && !inner; i++) {
            inner = pickle_lookup(p, n, wrappers[i]);
            if (inner && inner->kind != PICKLE_DICT)
                inner = NULL;
        }
        if (!inner)
            return holds_tensors(p, n) ? n : NULL;
        n = inner;
    }
    return NULL;
}

int torch_add_tensors(struct weights *w, const struct pickle *p, struct torch_storages *s,
                      torch_locate *locate, void *context, struct error *e)
{
    const struct passage a = {.to = w, .from = p, .storages = s, .locate = locate, .context = context};
    const struct pickle_node *dict = find_state_dict(p);
    if (!dict)
        return error_set(e, EINVAL,
                         "neither a state_dict nor a checkpoint with one under \"state_dict\" or \"model\"");
    for (int cell = dict->first; cell >= 0;) {
        int value = p->cells[cell].next;
        const struct pickle_node *k = &p->nodes[p->cells[cell].node], *v = &p->nodes[p->cells[value].node];
        int rc = v->kind == PICKLE_TENSOR ? add_entry(&a, k, v, e) : 0;
        if (rc < 0)
            return rc;
        cell = p->cells[value].next;
    }
    return 0;
}
