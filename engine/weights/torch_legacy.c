/*
 * torch_legacy - PyTorch's files before version 1.6: five pickles and then the storages, raw.
 *
 *     magic number   a pickled long, 0x1950a86a20f9469cfc6c
 *     1001           the protocol's version
 *     dict           {"protocol_version": 1001, "little_endian": True, "type_sizes": {...}}
 *     the object     tensors name their storages by key
 *     list           of the keys, in the order in which the storages follow
 *     per key        i64 number of elements, then the elements; nothing is aligned
 *
 * The file must end with the last storage. torchvision's VGG-16 and VGG-19 are such files of 2017, some
 * others (LPIPS) were written by Python 2. Source of the layout: torch/serialization.py, _legacy_save.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "engine/weights/torch.h"

static const uint8_t magic[] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
enum { VERSION = 1001 };

static bool recognises(const uint8_t *bytes, size_t size)
{
    return size >= 2 + sizeof magic && bytes[0] == 0x80 && memcmp(bytes + 2, magic, sizeof magic) == 0;
}

static int read_version(const uint8_t *bytes, size_t size, size_t *at, struct error *e)
{
    struct pickle p;
    int rc = pickle_read(&p, bytes, size, at, e);
    if (rc == 0 && (p.nodes[p.root].kind != PICKLE_INT || p.nodes[p.root].number != VERSION))
        rc = error_set(e, EINVAL, "byte %zu: version %d of PyTorch's old format is expected", *at, VERSION);
    pickle_free(&p);
    return rc;
}

static int read_system(const uint8_t *bytes, size_t size, size_t *at, struct error *e)
{
    struct pickle p;
    int rc = pickle_read(&p, bytes, size, at, e);
    const struct pickle_node *little = rc < 0 ? NULL : pickle_lookup(&p, &p.nodes[p.root], "little_endian");
    if (rc == 0 && (!little || little->kind != PICKLE_BOOL || !little->number))
        rc = error_set(e, EINVAL, "byte %zu: a file from a little-endian machine is expected", *at);
    pickle_free(&p);
    return rc;
}

/* One storage at *at, moved behind it. */
static int place(struct torch_storages *s, const struct pickle_node *key, const uint8_t *bytes, size_t size,
                 size_t *at, struct error *e)
{
    int shown = key->count < 80 ? key->count : 80;
    struct torch_storage *storage =
        key->kind == PICKLE_TEXT ? torch_find(s, key->text, (size_t)key->count) : NULL;
    if (!storage)
        return error_set(e, EINVAL, "byte %zu: the list of storages names one that no tensor has", *at);
    if (storage->data)
        return error_set(e, EINVAL, "storage %.*s stands twice in the list of storages", shown, key->text);
    uint64_t count;
    if (size - *at < sizeof count)
        return error_set(e, EINVAL, "storage %.*s: the file ends before it, at byte %zu", shown, key->text,
                         size);
    memcpy(&count, bytes + *at, sizeof count);
    count = le64toh(count);
    *at += sizeof count;
    if (count != (uint64_t)storage->count)
        return error_set(e, EINVAL, "byte %zu: storage %.*s has %lld elements; %lld are expected",
                         *at - sizeof count, shown, key->text, (long long)count, (long long)storage->count);
    size_t element = tensor_dtype_bytes(storage->dtype);
    if (count > (size - *at) / element)
        return error_set(e, EINVAL,
                         "storage %.*s: %lld elements of %zu bytes from byte %zu on; the file has %zu", shown,
                         key->text, (long long)count, element, *at, size);
    storage->data = bytes + *at;
    *at += (size_t)count * element;
    return 0;
}

static int place_all(struct torch_storages *s, const uint8_t *bytes, size_t size, size_t *at, struct error *e)
{
    struct pickle p;
    int rc = pickle_read(&p, bytes, size, at, e);
    if (rc == 0 && p.nodes[p.root].kind != PICKLE_LIST)
        rc = error_set(e, EINVAL, "byte %zu: a list of storages is expected", *at);
    for (int cell = rc < 0 ? -1 : p.nodes[p.root].first; cell >= 0 && rc == 0; cell = p.cells[cell].next)
        rc = place(s, &p.nodes[p.cells[cell].node], bytes, size, at, e);
    if (rc == 0 && *at != size)
        rc = error_set(e, EINVAL, "%zu bytes behind the last storage belong to none", size - *at);
    pickle_free(&p);
    return rc;
}

static int locate(void *context, struct torch_storage *s, struct error *e)
{
    (void)context; /* all have been placed: what is left over is not in the file */
    return error_set(e, EINVAL, "its storage %.*s is not in the list of storages",
                     (int)(s->key_bytes < 80 ? s->key_bytes : 80), s->key);
}

static int read_file(struct weights *w, const uint8_t *bytes, size_t size, struct error *e)
{
    size_t at = 2 + sizeof magic;
    int rc = read_version(bytes, size, &at, e);
    if (rc == 0)
        rc = read_system(bytes, size, &at, e);
    if (rc < 0)
        return rc;
    struct pickle p;
    struct torch_storages s = {0};
    rc = pickle_read(&p, bytes, size, &at, e);
    if (rc == 0)
        rc = torch_collect(&s, &p, e);
    if (rc == 0)
        rc = place_all(&s, bytes, size, &at, e);
    if (rc == 0)
        rc = torch_add_tensors(w, &p, &s, locate, NULL, e);
    torch_free(&s);
    pickle_free(&p);
    return rc;
}

const struct weights_reader weights_torch_legacy = {
    .name = "PyTorch (before 1.6)",
    .recognises = recognises,
    .read = read_file,
};
