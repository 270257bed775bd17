/*
 * fuzz_torch - arbitrary bytes as PyTorch's files.
 *
 * Two ways in: an input that begins with '#' is a pickle and the bytes of its storage (u16 length of the
 * pickle, pickle, storage), which are packed into a sound zip archive here, because no mutation finds a
 * CRC-32. Anything else is the file itself.
 */
#include "common/mem.h"
#include "engine/weights/zip.h"
#include "tests/fuzz/fuzz_weights.h"

enum { LOCAL_BYTES = 30, CENTRAL_BYTES = 46, END_BYTES = 22, NAME_BYTES = 10 };

static void set(uint8_t *at, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

/* Fields that the local and the central record share, from `version` on. */
static void set_common(uint8_t *at, const uint8_t *data, size_t size)
{
    set(at + 10, zip_crc32(data, size), 4);
    set(at + 14, size, 4);
    set(at + 18, size, 4);
    set(at + 22, NAME_BYTES, 2);
}

static void fuzz_archive(const uint8_t *const parts[2], const size_t sizes[2])
{
    static const char names[2][NAME_BYTES + 1] = {"a/data.pkl", "a/data/0zz"};
    size_t room = sizes[0] + sizes[1] + END_BYTES + 2 * (LOCAL_BYTES + CENTRAL_BYTES + 2 * NAME_BYTES);
    uint8_t *zip = xcalloc(1, room), *at = zip, *local[2];
    for (int i = 0; i < 2; i++) {
        local[i] = at;
        memcpy(at, "PK\3\4", 4);
        set_common(at + 4, parts[i], sizes[i]);
        memcpy(at + LOCAL_BYTES, names[i], NAME_BYTES);
        if (sizes[i])
            memcpy(at + LOCAL_BYTES + NAME_BYTES, parts[i], sizes[i]);
        at += LOCAL_BYTES + NAME_BYTES + sizes[i];
    }
    uint8_t *directory = at;
    for (int i = 0; i < 2; i++, at += CENTRAL_BYTES + NAME_BYTES) {
        memcpy(at, "PK\1\2", 4);
        set_common(at + 6, parts[i], sizes[i]);
        set(at + 42, (uint64_t)(local[i] - zip), 4);
        memcpy(at + CENTRAL_BYTES, names[i], NAME_BYTES);
    }
    memcpy(at, "PK\5\6", 4);
    set(at + 10, 2, 2);
    set(at + 12, (uint64_t)(at - directory), 4);
    set(at + 16, (uint64_t)(directory - zip), 4);
    fuzz_weights(zip, room);
    free(zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || data[0] != '#') {
        fuzz_weights(data, size);
        return 0;
    }
    size_t pickle = data[1] | (size_t)data[2] << 8;
    if (pickle > size - 3)
        pickle = size - 3;
    fuzz_archive((const uint8_t *const[2]){data + 3, data + 3 + pickle},
                 (const size_t[2]){pickle, size - 3 - pickle});
    return 0;
}
