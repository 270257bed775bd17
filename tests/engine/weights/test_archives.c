/*
 * archives: zip files, which PyTorch writes since 1.6: what is damaged in them, and what is in them instead of weights.
 */
#include "tests/engine/weights/refused.h"

#include "engine/weights/zip.h"

static void patch(struct bytes *b, const char *signature, int nth, size_t offset, const void *with,
                  size_t bytes)
{
    for (size_t i = 0; i + 4 <= b->size; i++)
        if (memcmp(b->data + i, signature, 4) == 0 && nth-- == 0) {
            memcpy(b->data + i + offset, with, bytes);
            return;
        }
    fail_msg("there is no %s", signature);
}

static void refuses_bad_archives(void **state)
{
    (void)state;
    static const struct {
        const char *signature; /* of the record to patch */
        int nth;
        size_t offset;
        const char *with;
        size_t bytes;
        const char *says;
    } cases[] = {
        {"PK\1\2", 2, 10, "\x08\0", 2, "is compressed (method 8)"},
        {"PK\1\2", 2, 20, "\1\0\0\0", 4, "the directory is damaged"}, /* two sizes */
        {"PK\1\2", 2, 8, "\1\0", 2, "is encrypted"},
        {"PK\1\2", 2, 42, "\1\0\0\0", 4, "not where the directory says"},
        {"PK\1\2", 2, 42, "\xff\xff\xff\x7f", 4, "not where the directory says"},
        {"PK\1\2", 2, 20, "\0\0\0\x10\0\0\0\x10", 8, "the file has"},
        {"PK\1\2", 2, 28, "\0\0", 2, "name of 0 bytes"},
        {"PK\1\2", 1, 0, "PK\1\3", 4, "an entry of the zip directory"},
        {"PK\3\4", 2, 0, "PK\3\5", 4, "not where the directory says"},
        {"PK\6\7", 0, 8, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "zip64 end record"},
        {"PK\6\6", 0, 48, "\xff\xff\xff\xff\xff\xff\xff\x7f", 8, "directory is said to lie"},
        {"PK\6\6", 0, 32, "\xff\xff\xff\xff\xff\xff\xff\x7f", 8, "members; 4096"},
        {"PK\6\6", 0, 32, "\0\0\0\0\0\0\0\0", 8, "an empty zip archive"},
        {"PK\5\6", 0, 0, "PK\5\5", 4, "cut short"},
        {"PK\3\4", 1, 130, "\xaa\x55\xaa\x55", 4, "CRC-32"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes b = file("tests/golden/vgg11.zip.pth");
        patch(&b, cases[i].signature, cases[i].nth, cases[i].offset, cases[i].with, cases[i].bytes);
        refused(&b, cases[i].says);
    }
    struct bytes b = file("tests/golden/vgg11.zip.pth");
    b.size -= 30;
    refused(&b, "cut short");
    /* Two members at one place. */
    b = file("tests/golden/vgg11.zip.pth");
    for (size_t i = 0; i + 4 <= b.size; i++)
        if (memcmp(b.data + i, "PK\1\2", 4) == 0)
            memset(b.data + i + 42, 0, 4);
    refused(&b, "overlap");
}

/* Renames members in place, in both headers. */
static void refuses_other_archives(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"vgg11.zip/data.pkl", "vgg11.zip/data.npy", "NumPy"},
        {"vgg11.zip/data.pkl", "vgg11.zip/dato.pkl", "without data.pkl"},
        {"vgg11.zip/version", "vgg11.zip/code/aa", "TorchScript"},
        {"vgg11.zip/data/20", "vgg11.zip/data/2x", "member data/20 is missing"},
        {"vgg11.zip/data/20", "vgg11.zip/data/19", "is there twice"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes b = file("tests/golden/vgg11.zip.pth");
        size_t n = strlen(cases[i].from);
        int renamed = 0;
        for (size_t at = 0; at + n <= b.size; at++)
            if (memcmp(b.data + at, cases[i].from, n) == 0) {
                memcpy(b.data + at, cases[i].to, n);
                renamed++;
            }
        assert_int_equal(renamed, 2);
        refused(&b, cases[i].says);
    }
}

static void crc_is_zips(void **state)
{
    (void)state;
    assert_int_equal(zip_crc32((const uint8_t *)"123456789", 9), 0xcbf43926);
    assert_int_equal(zip_crc32((const uint8_t *)"", 0), 0);
    uint8_t *zeros = xcalloc(1, 100003); /* large enough for the fast way, with a rest */
    assert_int_equal(zip_crc32(zeros, 100003), 0xc5ee7c68);
    free(zeros);
    const char *longer = "The quick brown fox jumps over the lazy dog";
    assert_int_equal(zip_crc32((const uint8_t *)longer, strlen(longer)), 0x414fa339);
}

/* Real TorchScript files have their code deflated; only what is used has to be stored as it is. */
static void compressed_members_that_nobody_needs(void **state)
{
    (void)state;
    struct bytes b = file("tests/golden/vgg11.zip.pth");
    const char *from = "vgg11.zip/version", *to = "vgg11.zip/code/aa";
    for (size_t at = 0; at + strlen(from) <= b.size; at++)
        if (memcmp(b.data + at, from, strlen(from)) == 0) {
            memcpy(b.data + at, to, strlen(from));
            if (memcmp(b.data + at - 46, "PK\1\2", 4) == 0)
                b.data[at - 46 + 10] = 8;
        }
    refused(&b, "TorchScript");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bad_archives),
        cmocka_unit_test(refuses_other_archives),
        cmocka_unit_test(crc_is_zips),
        cmocka_unit_test(compressed_members_that_nobody_needs),
    };
    return cmocka_run_group_tests_name("archives", tests, NULL, NULL);
}
