/*
 * npy_write - see npy_write.h. Format 1.0: magic, version, u16 length of the header, a Python dict as text,
 * padded with blanks so that the data begin at a multiple of 64 bytes (numpy/lib/format.py).
 */
#include "engine/weights/npy_write.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/mem.h"

enum { ALIGN = 64, PREAMBLE = 10, HEADER_MAX = 256 };

/* Returns the bytes in front of the data. */
static size_t make_header(uint8_t out[HEADER_MAX], const int *shape, int dims)
{
    char text[HEADER_MAX - PREAMBLE];
    int n = snprintf(text, sizeof text, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < dims; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%d, ", shape[i]);
    n += snprintf(text + n, sizeof text - (size_t)n, "), }");
    size_t all = (PREAMBLE + (size_t)n + 1 + ALIGN - 1) / ALIGN * ALIGN, length = all - PREAMBLE;
    memcpy(out, "\x93NUMPY\1\0", 8);
    out[8] = (uint8_t)length;
    out[9] = (uint8_t)(length >> 8);
    memset(out + PREAMBLE, ' ', length);
    memcpy(out + PREAMBLE, text, (size_t)n);
    out[all - 1] = '\n';
    return all;
}

int npy_write(const char *path, const float *data, const int *shape, int dims, struct error *e)
{
    uint8_t header[HEADER_MAX];
    size_t count = 1, begin = make_header(header, shape, dims);
    for (int i = 0; i < dims; i++)
        count *= (size_t)shape[i];
    size_t bytes = begin + count * sizeof(uint32_t);
    uint8_t *file = buffer_alloc(bytes);
    if (!file)
        return error_set(e, ENOMEM, "%s: no memory for %zu bytes", path, bytes);
    memcpy(file, header, begin);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &data[i], sizeof bits);
        bits = htole32(bits);
        memcpy(file + begin + i * sizeof bits, &bits, sizeof bits);
    }
    int rc = file_write_whole(path, file, bytes, 0666, e);
    free(file);
    return rc;
}
