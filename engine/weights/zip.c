/*
 * zip - see zip.h. Layout: PKWARE's APPNOTE.TXT 6.3, sections 4.3.7 to 4.3.16 and 4.5.3.
 *
 * From the end of the file: the end record (22 bytes and a comment), in front of it perhaps the zip64 locator
 * (20 bytes), which says where the zip64 end record is; one of the two says where the central directory is.
 * Every number is read by bytes, so nothing needs to be aligned.
 */
#include "engine/weights/zip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum {
    END_BYTES = 22,
    LOCATOR_BYTES = 20,
    END64_BYTES = 56,
    CENTRAL_BYTES = 46,
    LOCAL_BYTES = 30,
    COMMENT_MAX = 65535
};
enum { FLAG_ENCRYPTED = 1, FLAG_PATCH = 32, FLAG_STRONG = 64, FLAG_MASKED = 8192 };

struct directory {
    uint64_t offset, bytes, count;
};

static uint64_t number(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

static bool is(const uint8_t *p, const char *signature)
{
    return memcmp(p, signature, 4) == 0;
}

static int show(const struct zip_entry *e)
{
    return (int)(e->name_bytes < 80 ? e->name_bytes : 80);
}

static const uint8_t *find_end(const uint8_t *bytes, size_t size)
{
    if (size < END_BYTES)
        return NULL;
    size_t first = size - END_BYTES > COMMENT_MAX ? size - END_BYTES - COMMENT_MAX : 0;
    for (size_t at = size - END_BYTES + 1; at-- > first;)
        if (is(bytes + at, "PK\5\6") && at + END_BYTES + number(bytes + at + 20, 2) == size)
            return bytes + at;
    return NULL;
}

static int find_directory(struct directory *d, const uint8_t *bytes, size_t size, struct error *e)
{
    const uint8_t *end = find_end(bytes, size);
    if (!end)
        return error_set(e, EINVAL, "a zip archive without its end record; the file was cut short");
    *d = (struct directory){number(end + 16, 4), number(end + 12, 4), number(end + 10, 2)};
    size_t at = (size_t)(end - bytes);
    if (at >= LOCATOR_BYTES && is(end - LOCATOR_BYTES, "PK\6\7")) {
        uint64_t at64 = number(end - LOCATOR_BYTES + 8, 8);
        if (at64 > at || at - at64 < END64_BYTES || !is(bytes + at64, "PK\6\6"))
            return error_set(e, EINVAL, "byte %zu: the zip64 end record is not where its locator says",
                             at - LOCATOR_BYTES);
        const uint8_t *end64 = bytes + at64;
        *d = (struct directory){number(end64 + 48, 8), number(end64 + 40, 8), number(end64 + 32, 8)};
    }
    if (d->offset > at || d->bytes > at - d->offset)
        return error_set(e, EINVAL, "the zip directory is said to lie at byte %llu; the file has %zu bytes",
                         (unsigned long long)d->offset, size);
    if (d->count > ZIP_ENTRIES_MAX)
        return error_set(e, E2BIG, "a zip archive with %llu members; %d are the most",
                         (unsigned long long)d->count, ZIP_ENTRIES_MAX);
    return 0;
}

/* Replaces what is 2^32-1 in the record by the numbers of its zip64 extra field. */
static bool read_zip64(const uint8_t *extra, size_t bytes, uint64_t values[3])
{
    for (size_t at = 0; at + 4 <= bytes;) {
        size_t field = (size_t)number(extra + at + 2, 2);
        if (field > bytes - at - 4)
            return false;
        const uint8_t *p = extra + at + 4, *end = p + field;
        for (int i = 0; number(extra + at, 2) == 1 && i < 3; i++)
            if (values[i] == UINT32_MAX) {
                if (end - p < 8)
                    return false;
                values[i] = number(p, 8);
                p += 8;
            }
        at += 4 + field;
    }
    return true;
}

/* `central` is one record of the directory, of which `left` bytes are there. Its size goes to *used. */
static int read_entry(struct zip_entry *out, const uint8_t *bytes, size_t limit, const uint8_t *central,
                      size_t left, size_t *used, struct error *e)
{
    size_t at = (size_t)(central - bytes);
    if (left < CENTRAL_BYTES || !is(central, "PK\1\2"))
        return error_set(e, EINVAL, "byte %zu: an entry of the zip directory is expected", at);
    size_t name = (size_t)number(central + 28, 2), extra = (size_t)number(central + 30, 2);
    *used = CENTRAL_BYTES + name + extra + (size_t)number(central + 32, 2);
    if (*used > left || name == 0 || name > ZIP_NAME_MAX)
        return error_set(e, EINVAL, "byte %zu: a zip member's name of %zu bytes; 1 to %d are expected", at,
                         name, ZIP_NAME_MAX);
    uint64_t v[3] = {number(central + 24, 4), number(central + 20, 4), number(central + 42, 4)};
    bool whole = read_zip64(central + CENTRAL_BYTES + name, extra, v);
    uint64_t full = v[0], packed = v[1], local = v[2];
    *out = (struct zip_entry){.name = (const char *)central + CENTRAL_BYTES,
                              .name_bytes = name,
                              .crc = (uint32_t)number(central + 16, 4)};
    unsigned flags = (unsigned)number(central + 8, 2), method = (unsigned)number(central + 10, 2);
    if (flags & (FLAG_ENCRYPTED | FLAG_PATCH | FLAG_STRONG | FLAG_MASKED))
        return error_set(e, EINVAL, "member %.*s is encrypted", show(out), out->name);
    out->method = method;
    if (method == 0 && packed != full)
        return error_set(e, EINVAL,
                         "member %.*s has %llu bytes and %llu in the archive; the directory is damaged",
                         show(out), out->name, (unsigned long long)full, (unsigned long long)packed);
    if (!whole || local > limit || limit - local < LOCAL_BYTES || !is(bytes + local, "PK\3\4"))
        return error_set(e, EINVAL, "member %.*s: its header is not where the directory says", show(out),
                         out->name);
    out->header = bytes + local;
    size_t before = LOCAL_BYTES + (size_t)number(out->header + 26, 2) + (size_t)number(out->header + 28, 2);
    if (before > limit - local || packed > limit - local - before)
        return error_set(e, EINVAL, "member %.*s: %llu bytes from byte %llu on; the file has %zu", show(out),
                         out->name, (unsigned long long)packed, (unsigned long long)local, limit);
    out->data = out->header + before;
    out->bytes = (size_t)packed;
    return 0;
}

static int compare_bytes(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);
    return order ? order : a_bytes < b_bytes ? -1 : a_bytes > b_bytes;
}

static int by_name(const void *a, const void *b)
{
    const struct zip_entry *x = a, *y = b;
    return compare_bytes(x->name, x->name_bytes, y->name, y->name_bytes);
}

static int by_place(const void *a, const void *b)
{
    const struct zip_entry *x = a, *y = b;
    return x->header < y->header ? -1 : x->header > y->header;
}

static int check_entries(struct zip *z, struct error *e)
{
    qsort(z->entries, (size_t)z->count, sizeof *z->entries, by_place);
    for (int i = 1; i < z->count; i++) {
        const struct zip_entry *a = &z->entries[i - 1], *b = &z->entries[i];
        if (b->header < a->data + a->bytes)
            return error_set(e, EINVAL, "members %.*s and %.*s overlap", show(a), a->name, show(b), b->name);
    }
    qsort(z->entries, (size_t)z->count, sizeof *z->entries, by_name);
    for (int i = 1; i < z->count; i++)
        if (by_name(&z->entries[i - 1], &z->entries[i]) == 0)
            return error_set(e, EINVAL, "member %.*s is there twice", show(&z->entries[i]),
                             z->entries[i].name);
    return 0;
}

int zip_open(struct zip *z, const uint8_t *bytes, size_t size, struct error *e)
{
    *z = (struct zip){0};
    struct directory d = {0};
    int rc = find_directory(&d, bytes, size, e);
    if (rc < 0)
        return rc;
    if (d.count == 0)
        return error_set(e, EINVAL, "an empty zip archive");
    z->entries = xcalloc((size_t)d.count, sizeof *z->entries);
    const uint8_t *at = bytes + d.offset, *end = at + d.bytes;
    for (; z->count < (int)d.count; z->count++) {
        size_t used = 0;
        rc = read_entry(&z->entries[z->count], bytes, (size_t)d.offset, at, (size_t)(end - at), &used, e);
        if (rc < 0)
            return rc;
        at += used;
    }
    return check_entries(z, e);
}

void zip_close(struct zip *z)
{
    free(z->entries);
    *z = (struct zip){0};
}

const struct zip_entry *zip_find(const struct zip *z, const char *name, size_t name_bytes)
{
    struct zip_entry key = {.name = name, .name_bytes = name_bytes};
    return z->count ? bsearch(&key, z->entries, (size_t)z->count, sizeof key, by_name) : NULL;
}

int zip_check(const struct zip_entry *entry, struct error *e)
{
    if (entry->method != 0)
        return error_set(e, EINVAL,
                         "member %.*s is compressed (method %u); members that are stored as they are, as "
                         "torch.save writes them, are expected",
                         show(entry), entry->name, entry->method);
    if (zip_crc32(entry->data, entry->bytes) == entry->crc)
        return 0;
    return error_set(e, EINVAL, "member %.*s: its %zu bytes differ from their CRC-32; the file is damaged",
                     show(entry), entry->name, entry->bytes);
}
