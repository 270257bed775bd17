/*
 * zip - the members of a zip archive that are stored as they are; private to engine/weights/.
 *
 * The central directory is believed, because writers that stream leave the local headers' sizes at zero; the
 * local header only says where the data begins. Compressed or encrypted members are refused, not inflated:
 * PyTorch stores its members, and what is not inflated cannot be a bomb.
 */
#ifndef ENGINE_WEIGHTS_ZIP_H
#define ENGINE_WEIGHTS_ZIP_H

#include <stdint.h>
#include <stddef.h>

#include "common/error.h"

enum { ZIP_ENTRIES_MAX = 4096, ZIP_NAME_MAX = 512 };

struct zip_entry {
    const char *name; /* in the file, not terminated */
    size_t name_bytes;
    const uint8_t *header; /* local */
    const uint8_t *data;
    size_t bytes;    /* as they lie in the file */
    unsigned method; /* 0: stored as it is; zip_check refuses all others */
    uint32_t crc;
};

struct zip {
    struct zip_entry *entries; /* [count] in the order of names */
    int count;
};

/* 0 or -errno with a line that names the byte or the member. zip_close whatever the result. */
int zip_open(struct zip *z, const uint8_t *bytes, size_t size, struct error *e);
void zip_close(struct zip *z);

/* NULL: absent. */
const struct zip_entry *zip_find(const struct zip *z, const char *name, size_t name_bytes);

/* Compares the data with its CRC-32. 0 or -EINVAL with a line. */
int zip_check(const struct zip_entry *entry, struct error *e);

/* CRC-32 as zip, PNG and gzip have it (reflected polynomial 0xedb88320). */
uint32_t zip_crc32(const uint8_t *bytes, size_t size);

#endif
