/*
 * torch_zip - PyTorch's files since version 1.6: a zip archive of one folder.
 *
 *     NAME/data.pkl     the object; tensors name their storages by key
 *     NAME/data/KEY     one storage, little-endian
 *     NAME/byteorder    "little", in newer files
 *
 * Only the storages that a tensor of the state_dict needs are looked at, and these are compared with their
 * CRC-32. Source of the layout: torch/serialization.py, _save, and caffe2/serialize/inline_container.cc.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "engine/weights/torch.h"
#include "engine/weights/zip.h"

struct archive {
    struct zip zip;
    const char *folder; /* "NAME/" in the file */
    size_t folder_bytes;
};

static bool recognises(const uint8_t *bytes, size_t size)
{
    return size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0;
}

static const struct zip_entry *member(const struct archive *a, const char *name, size_t name_bytes)
{
    char path[2 * ZIP_NAME_MAX];
    if (name_bytes >= ZIP_NAME_MAX)
        return NULL;
    memcpy(path, a->folder, a->folder_bytes);
    memcpy(path + a->folder_bytes, name, name_bytes);
    return zip_find(&a->zip, path, a->folder_bytes + name_bytes);
}

static bool ends_with(const struct zip_entry *m, const char *end)
{
    size_t n = strlen(end);
    return m->name_bytes >= n && memcmp(m->name + m->name_bytes - n, end, n) == 0;
}

static int find_pickle(struct archive *a, const struct zip_entry **out, struct error *e)
{
    static const char *const weights[] = {".pth", ".pt", ".ckpt", ".safetensors", ".caffemodel"};
    const struct zip_entry *inside = NULL;
    bool numpy = false;
    for (int i = 0; i < a->zip.count; i++) {
        const struct zip_entry *m = &a->zip.entries[i];
        const char *slash = memchr(m->name, '/', m->name_bytes);
        numpy = numpy || ends_with(m, ".npy");
        for (size_t k = 0; k < ARRAY_LEN(weights); k++)
            inside = ends_with(m, weights[k]) ? m : inside;
        if (!slash || !ends_with(m, "/data.pkl") || slash + 9 != m->name + m->name_bytes)
            continue;
        if (*out)
            return error_set(e, EINVAL, "a zip archive with more than one data.pkl");
        *out = m;
        a->folder = m->name;
        a->folder_bytes = (size_t)(slash + 1 - m->name);
    }
    if (*out)
        return 0;
    if (numpy)
        return error_set(e, EINVAL,
                         "a NumPy archive (.npz); load it in Python and save a state_dict with torch.save");
    if (inside)
        return error_set(e, EINVAL, "a zip archive that holds %.*s; unpack it with unzip",
                         (int)(inside->name_bytes < 80 ? inside->name_bytes : 80), inside->name);
    return error_set(e, EINVAL,
                     "a zip archive, but without data.pkl; a file written by torch.save is expected");
}

static int check_kind(const struct archive *a, struct error *e)
{
    bool script = member(a, "constants.pkl", 13) != NULL;
    for (int i = 0; i < a->zip.count; i++) {
        const struct zip_entry *m = &a->zip.entries[i];
        script = script ||
                 (m->name_bytes > a->folder_bytes + 5 && memcmp(m->name, a->folder, a->folder_bytes) == 0 &&
                  memcmp(m->name + a->folder_bytes, "code/", 5) == 0);
    }
    if (script)
        return error_set(
            e, EINVAL,
            "a TorchScript program; load it in Python and write its weights alone: "
            "torch.save(torch.jit.load(FILE, map_location=\"cpu\").state_dict(), \"weights.pth\")");
    const struct zip_entry *order = member(a, "byteorder", 9);
    int rc = order ? zip_check(order, e) : 0;
    if (rc < 0)
        return rc;
    if (order && (order->bytes != 6 || memcmp(order->data, "little", 6) != 0))
        return error_set(e, EINVAL, "a file from a little-endian machine is expected");
    return 0;
}

static int locate(void *context, struct torch_storage *s, struct error *e)
{
    const struct archive *a = context;
    char name[ZIP_NAME_MAX];
    int shown = (int)(s->key_bytes < 80 ? s->key_bytes : 80);
    if (s->key_bytes > ZIP_NAME_MAX - 16)
        return error_set(e, EINVAL, "the key of its storage has %zu bytes", s->key_bytes);
    memcpy(name, "data/", 5);
    memcpy(name + 5, s->key, s->key_bytes);
    const struct zip_entry *m = member(a, name, 5 + s->key_bytes);
    if (!m)
        return error_set(e, EINVAL, "member data/%.*s is missing", shown, s->key);
    size_t bytes;
    if (__builtin_mul_overflow((size_t)s->count, tensor_dtype_bytes(s->dtype), &bytes) || bytes != m->bytes)
        return error_set(e, EINVAL, "member data/%.*s has %zu bytes; %lld elements of %zu are expected",
                         shown, s->key, m->bytes, (long long)s->count, tensor_dtype_bytes(s->dtype));
    int rc = zip_check(m, e);
    if (rc == 0)
        s->data = m->data;
    return rc;
}

static int read_object(struct weights *w, struct archive *a, const uint8_t *bytes, const struct zip_entry *m,
                       struct error *e)
{
    int rc = zip_check(m, e);
    if (rc < 0)
        return rc;
    struct pickle p;
    struct torch_storages s = {0};
    size_t at = (size_t)(m->data - bytes), end = at + m->bytes;
    rc = pickle_read(&p, bytes, end, &at, e);
    if (rc == 0 && at != end)
        rc = error_set(e, EINVAL, "%zu bytes behind the pickle in data.pkl", end - at);
    if (rc == 0)
        rc = torch_collect(&s, &p, e);
    if (rc == 0)
        rc = torch_add_tensors(w, &p, &s, locate, a, e);
    torch_free(&s);
    pickle_free(&p);
    return rc;
}

static int read_file(struct weights *w, const uint8_t *bytes, size_t size, struct error *e)
{
    struct archive a;
    const struct zip_entry *object = NULL;
    int rc = zip_open(&a.zip, bytes, size, e);
    if (rc == 0)
        rc = find_pickle(&a, &object, e);
    if (rc == 0)
        rc = check_kind(&a, e);
    if (rc == 0)
        rc = read_object(w, &a, bytes, object, e);
    zip_close(&a.zip);
    return rc;
}

const struct weights_reader weights_torch_zip = {
    .name = "PyTorch",
    .recognises = recognises,
    .read = read_file,
};
