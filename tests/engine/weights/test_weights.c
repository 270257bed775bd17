/*
 * weights: what is read, and what is refused. Every bad file must end in one line and no more memory than the
 * file itself; AddressSanitizer sees to the rest.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/rng.h"
#include "engine/weights/weights.h"
#include "tests/engine/weights/safetensors_builder.h"

/* Opens header + data_size zero bytes and returns the result; the line is left in `e`. */
static int open_raw(const char *header, uint64_t claimed, size_t data_size, struct error *e)
{
    size_t n = strlen(header);
    unsigned char *file = xcalloc(1, 8 + n + data_size);
    uint64_t le = htole64(claimed ? claimed : n);
    memcpy(file, &le, 8);
    memcpy(file + 8, header, n);
    struct weights *w;
    e->text[0] = '\0';
    int rc = weights_open_memory(&w, file, 8 + n + data_size, "test", e);
    assert_true((rc == 0) == (w != NULL));
    weights_close(&w);
    free(file);
    return rc;
}

static void reads_names_shapes_metadata(void **state)
{
    (void)state;
    struct builder b = {0};
    const float values[6] = {1, -2, 3.5f, 0, 1e30f, -0.125f};
    builder_tensor(&b, "b.weight", "[2,3]", values, 6);
    builder_tensor(&b, "a.bias", "[0]", NULL, 0);
    builder_tensor(&b, "scalar", "[]", values + 2, 1);
    builder_text(&b, ",\"__metadata__\":{\"k\":\"v\\u00e9\\n\\ud83d\\ude00\",\"empty\":\"\"}}  ");
    builder_finish(&b);
    struct weights *w;
    struct error e;
    assert_int_equal(weights_open_memory(&w, b.file, b.file_size, "m", &e), 0);
    assert_string_equal(weights_format(w), "safetensors");
    assert_int_equal(weights_count(w), 3);
    assert_string_equal(weights_at(w, 0)->name, "b.weight");
    const struct tensor *t = weights_find(w, "b.weight");
    assert_int_equal(t->dims, 2);
    assert_int_equal(t->shape[1], 3);
    assert_int_equal(t->elements, 6);
    float out[4];
    tensor_to_float(t, 2, 4, out);
    assert_memory_equal(out, values + 2, sizeof out);
    assert_int_equal(weights_find(w, "scalar")->elements, 1);
    assert_int_equal(weights_find(w, "a.bias")->elements, 0);
    assert_null(weights_find(w, "a.bia"));
    assert_string_equal(weights_metadata(w, "k"), "v\xc3\xa9\n\xf0\x9f\x98\x80");
    assert_string_equal(weights_metadata(w, "empty"), "");
    assert_null(weights_metadata(w, "absent"));
    weights_close(&w);
    assert_null(w);
    weights_close(&w);
    builder_free(&b);
}

static void converts_every_dtype_unaligned(void **state)
{
    (void)state;
    static const struct {
        enum tensor_dtype dtype;
        unsigned char bytes[8];
        float expected;
    } cases[] = {
        {TENSOR_F32, {0, 0, 0x20, 0xc1}, -10},
        {TENSOR_F16, {0x00, 0x3c}, 1},
        {TENSOR_F16, {0xff, 0x7b}, 65504},
        {TENSOR_F16, {0x01, 0x80}, -0x1p-24f},
        {TENSOR_F16, {0xff, 0x03}, 1023 * 0x1p-24f},
        {TENSOR_F16, {0x00, 0xfc}, -INFINITY},
        {TENSOR_BF16, {0x80, 0xbf}, -1},
        {TENSOR_F64, {0, 0, 0, 0, 0, 0, 0x04, 0x40}, 2.5f},
        {TENSOR_I64, {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, -2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        unsigned char room[32];
        memcpy(room + 1, cases[i].bytes, 8);
        struct tensor t = {.dtype = cases[i].dtype, .elements = 1, .data = room + 1};
        float out = 0;
        tensor_to_float(&t, 0, 1, &out);
        if (memcmp(&out, &cases[i].expected, sizeof out) != 0)
            fail_msg("case %zu: %g instead of %g", i, (double)out, (double)cases[i].expected);
    }
    unsigned char nan_half[2] = {0x01, 0x7c};
    struct tensor t = {.dtype = TENSOR_F16, .elements = 1, .data = nan_half};
    float out;
    tensor_to_float(&t, 0, 1, &out);
    assert_true(isnan(out));
}

#define T(name, dtype, shape, offsets)                                                                       \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void refuses_bad_headers_with_a_line(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *says; /* part of the line */
    } cases[] = {
        {"{" T("a", "F32", "[2]", "[0,8]") "}", 12, "belong to none"},
        {"{" T("a", "F32", "[2]", "[0,8]") "}", 4, "a: data_offsets"},
        {"{" T("a", "F32", "[2]", "[8,0]") "}", 8, "a: data_offsets"},
        {"{" T("a", "F32", "[3]", "[0,8]") "}", 8, "shape asks for 3"},
        {"{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[2,6]") "}", 6, "overlap"},
        {"{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[8,12]") "}", 12, "hole"},
        {"{" T("a", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[4,8]") "}", 8, "a is there twice"},
        {"{" T("a", "F32", "[4611686018427387904,4]", "[0,8]") "}", 8, "2^63"},
        {"{" T("a", "F32", "[9223372036854775807,2]", "[0,8]") "}", 8, "2^63"},
        {"{" T("a", "F64", "[2305843009213693953]", "[0,8]") "}", 8, "a: 8 bytes"},
        {"{" T("a", "F32", "[9223372036854775808]", "[0,8]") "}", 8, "below 2^63"},
        {"{" T("a", "F32", "[-1]", "[0,8]") "}", 8, "whole number"},
        {"{" T("a", "F32", "[1.0]", "[0,4]") "}", 4, "whole number"},
        {"{" T("a", "F32", "[01]", "[0,4]") "}", 4, "whole number"},
        {"{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "eight dimensions"},
        {"{" T("a", "Q8", "[1]", "[0,4]") "}", 4, "dtype Q8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 0, "data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 0, "once each"},
        {"{\"a\":{\"x\":[[[[[[[[[1]]]]]]]]]}}", 0, "fewer brackets"},
        {"{\"a\":7}", 0, "'{'"},
        {"{\"a", 0, "end of a string"},
        {"{\"a\\", 0, "UTF-8"},
        {"{\"a\\u12", 0, "UTF-8"},
        {"{\"a\\ud800x\":", 0, "UTF-8"},
        {"{\"\xc0\x80\":1}", 0, "UTF-8"},
        {"{\"a\\u0000\":1}", 0, "UTF-8"},
        {"{} x", 0, "end of the header"},
        {"{", 0, "a string"},
        {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "k is there twice"},
        {"{\"__metadata__\":{\"k\":1}}", 0, "a string"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error e;
        int rc = open_raw(cases[i].header, 0, cases[i].data, &e);
        if (rc >= 0 || !strstr(e.text, cases[i].says) || strncmp(e.text, "test: ", 6) != 0)
            fail_msg("%s: %d, \"%s\" does not say \"%s\"", cases[i].header, rc, e.text, cases[i].says);
    }
}

static void refuses_long_names_and_claims(void **state)
{
    (void)state;
    struct error e;
    char header[1024];
    snprintf(header, sizeof header, "{\"%0300d\":{}}", 0);
    assert_int_equal(open_raw(header, 0, 0, &e), -EINVAL);
    assert_non_null(strstr(e.text, "shorter"));
    static const uint64_t claims[] = {100, 100000001, UINT64_MAX, 1ull << 63};
    for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
        assert_int_equal(open_raw("{}", claims[i], 0, &e), -EINVAL);
        assert_non_null(strstr(e.text, "header claims"));
    }
    assert_int_equal(open_raw("{}", 0, 0, &e), 0);
}

static void refuses_what_is_no_weights_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_weights.XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    struct error e;
    struct weights *w;
    static const char *const special[] = {"/dev/zero", "/", "/nonexistent/weights"};
    for (size_t i = 0; i < ARRAY_LEN(special); i++) {
        assert_true(weights_open(&w, special[i], &e) < 0);
        assert_null(w);
        assert_non_null(strstr(e.text, special[i]));
    }
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(weights_open(&w, path, &e), -EINVAL);
    assert_non_null(strstr(e.text, "regular"));
    unlink(path);
    static const char *const contents[] = {"", "x", "12345678", "This is a text, and a longer one at that."};
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        FILE *f = fopen(path, "w");
        fputs(contents[i], f);
        fclose(f);
        assert_int_equal(weights_open(&w, path, &e), -EINVAL);
        assert_non_null(strstr(e.text, i ? "not a file of weights" : "empty"));
    }
    unlink(path);
    rmdir(folder);
}

static void reads_the_model_in_the_repository(void **state)
{
    (void)state;
    struct weights *w;
    struct error e;
    assert_int_equal(weights_open(&w, "models/reverie-mini.safetensors", &e), 0);
    assert_int_equal(weights_count(w), 62);
    assert_string_equal(weights_metadata(w, "reverie.window_px"), "64");
    weights_close(&w);
}

/* Flipped bytes and cut ends of a good file: any answer will do, as long as it is one. */
static void survives_damage(void **state)
{
    (void)state;
    struct builder b = {0};
    builder_tensor(&b, "first", "[2,2]", NULL, 4);
    builder_tensor(&b, "second", "[3]", NULL, 3);
    builder_text(&b, ",\"__metadata__\":{\"key\":\"value\"}}");
    builder_finish(&b);
    struct rng r = rng_make(7, 1);
    int refused = 0;
    for (int round = 0; round < 20000; round++) {
        size_t size = round % 3 ? b.file_size : rng_below(&r, (uint32_t)b.file_size);
        unsigned char *copy = xmalloc(size); /* of its own, so that every byte behind it is out of bounds */
        memcpy(copy, b.file, size);
        for (uint32_t flips = rng_below(&r, 4); flips > 0 && size > 0; flips--)
            copy[rng_below(&r, (uint32_t)size)] = (unsigned char)rng_u64(&r);
        struct weights *w;
        struct error e = {""};
        int rc = weights_open_memory(&w, copy, size, "damaged", &e);
        assert_true(rc == 0 || e.text[0]);
        refused += rc < 0;
        weights_close(&w);
        free(copy);
    }
    assert_true(refused > 10000);
    builder_free(&b);
}

/* Tensors of a file that are not where the file says, but copies that a reader has put in order. */
static int copies_in(const char *path)
{
    struct weights *w;
    struct error e = {""};
    int copies = 0;
    assert_int_equal(weights_open(&w, path, &e), 0);
    for (int i = 0; i < weights_count(w); i++) {
        const struct tensor *t = weights_at(w, i);
        copies += !weights_are_in_file(w, t->data, (size_t)t->elements * tensor_dtype_bytes(t->dtype));
    }
    weights_close(&w);
    return copies;
}

static void knows_copies_from_the_file(void **state)
{
    (void)state;
    assert_int_equal(copies_in("tests/golden/vgg11.safetensors"), 0);
    assert_true(copies_in("tests/golden/vgg11.strided.pth") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_names_shapes_metadata),
        cmocka_unit_test(converts_every_dtype_unaligned),
        cmocka_unit_test(refuses_bad_headers_with_a_line),
        cmocka_unit_test(refuses_long_names_and_claims),
        cmocka_unit_test(refuses_what_is_no_weights_file),
        cmocka_unit_test(reads_the_model_in_the_repository),
        cmocka_unit_test(knows_copies_from_the_file),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests_name("weights", tests, NULL, NULL);
}
