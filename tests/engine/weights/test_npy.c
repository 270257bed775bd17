/*
 * npy: what is written is read again, in both orders and by every number type; bad headers end in one line.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/rng.h"
#include "engine/weights/npy_write.h"
#include "engine/weights/weights.h"
#include "tests/engine/weights/npy_builder.h"

static void reads_what_it_writes(void **state)
{
    (void)state;
    static const float data[24] = {1, -2, 0.5f, 1e30f, [23] = -7};
    static const int shape[4] = {2, 3, 1, 4};
    char folder[] = "/tmp/test_npy.XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.npy", folder);
    struct weights *w;
    struct error e = {""};
    for (int dims = 1; dims <= 4; dims += 3) {
        const int *s = dims == 1 ? (const int[]){24} : shape;
        assert_int_equal(npy_write(path, data, s, dims, &e), 0);
        assert_int_equal(weights_open(&w, path, &e), 0);
        assert_string_equal(weights_format(w), "NumPy");
        const struct tensor *t = weights_find(w, "array");
        assert_int_equal(t->dims, dims);
        for (int i = 0; i < dims; i++)
            assert_int_equal(t->shape[i], s[i]);
        float out[24];
        tensor_to_float(t, 0, 24, out);
        assert_memory_equal(out, data, sizeof data);
        weights_close(&w);
    }
    unlink(path);
    rmdir(folder);
    assert_int_equal(npy_write("/nonexistent/a.npy", data, shape, 4, &e), -ENOENT);
    assert_non_null(strstr(e.text, "/nonexistent/a.npy"));
}

static int open_npy(struct weights **w, const char *header, const void *data, size_t bytes, uint8_t **file,
                    struct error *e)
{
    size_t size;
    *file = npy_build(header, data, bytes, &size);
    return weights_open_memory(w, *file, size, "test", e);
}

static void reads_every_order_and_type(void **state)
{
    (void)state;
    static const double columns[6] = {1, 4, 2, 5, 3, 6}; /* [2][3] by columns */
    static const uint8_t small[3] = {0, 128, 255};
    struct weights *w;
    struct error e = {""};
    uint8_t *file;
    float out[6];
    /* Python 2 on Windows wrote L behind lengths. */
    const char *header = " {\"shape\": (2L, 3L), 'fortran_order': True,'descr':'<f8'}   \n";
    if (open_npy(&w, header, columns, sizeof columns, &file, &e) < 0)
        fail_msg("%s", e.text);
    tensor_to_float(weights_at(w, 0), 0, 6, out);
    for (int i = 0; i < 6; i++)
        assert_true(out[i] == (float)(i + 1));
    weights_close(&w);
    free(file);

    /* Three dimensions by columns: element i, j, k holds 100 i + 10 j + k. */
    float cube[24];
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 4; k++)
                cube[i + 2 * (j + 3 * k)] = (float)(100 * i + 10 * j + k);
    header = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 4), }";
    assert_int_equal(open_npy(&w, header, cube, sizeof cube, &file, &e), 0);
    float ordered[24];
    tensor_to_float(weights_at(w, 0), 0, 24, ordered);
    for (int n = 0; n < 24; n++)
        assert_true(ordered[n] == (float)(100 * (n / 12) + 10 * (n / 4 % 3) + n % 4));
    weights_close(&w);
    free(file);

    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }";
    assert_int_equal(open_npy(&w, header, small, sizeof small, &file, &e), 0);
    tensor_to_float(weights_at(w, 0), 0, 3, out);
    assert_true(out[0] == 0 && out[1] == 128 && out[2] == 255);
    weights_close(&w);
    free(file);

    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (), }";
    assert_int_equal(open_npy(&w, header, small + 1, 1, &file, &e), 0);
    assert_int_equal(weights_at(w, 0)->dims, 0);
    weights_close(&w);
    free(file);
}

#define HEADER(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"

static void refuses_bad_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t bytes;
        const char *says;
    } cases[] = {
        {HEADER("'<f4'", "False", "(3,)"), 8, "8 bytes of data, but its shape asks for 3"},
        {HEADER("'<f4'", "False", "(3,)"), 16, "16 bytes of data"},
        {HEADER("'<f4'", "True", "(3, 2)"), 23, "23 bytes of data"},
        {HEADER("'<f4'", "False", "(4611686018427387904, 4)"), 8, "2^63"},
        {HEADER("'<f4'", "True", "(4611686018427387904, 4)"), 8, "2^63"},
        {HEADER("'<f4'", "False", "(9223372036854775808,)"), 8, "below 2^63"},
        {HEADER("'<f4'", "False", "(-1,)"), 8, "whole number"},
        {HEADER("'<f4'", "False", "(1.0,)"), 8, "',' or ')'"},
        {HEADER("'<f4'", "False", "[2]"), 8, "a tuple"},
        {HEADER("'<f4'", "False", "(1,1,1,1,1,1,1,1,2)"), 8, "eight dimensions"},
        {HEADER("'<f4'", "None", "(2,)"), 8, "True or False"},
        {HEADER("'>f4'", "False", "(2,)"), 8, "little-endian"},
        {HEADER("'|O'", "False", "(2,)"), 8, "little-endian"},
        {HEADER("[('a', '<f4')]", "False", "(2,)"), 8, "a string"},
        {HEADER("'<f4", "False", "(2,)"), 8, "little-endian"}, /* the string goes on to the next quote */
        {"{'descr': '<f4', 'fortran_order': False}", 8, "once each"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8, "once each"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'run': 'x'}", 8, "once each"},
        {"{'descr' '<f4'}", 8, "':'"},
        {HEADER("'<f4'", "False", "(2,)") "; import os", 8, "the end of the header"},
        {"", 8, "'{'"},
        {"{", 8, "a string"},
        {"{'", 8, "end of a short string"},
        {"{'a\\x27': 1}", 8, "end of a short string"},
        {"{'0123456789012345678901234567890123456789': 1}", 8, "end of a short string"},
    };
    static const uint8_t zeros[32] = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct weights *w;
        struct error e = {""};
        uint8_t *file;
        int rc = open_npy(&w, cases[i].header, zeros, cases[i].bytes, &file, &e);
        if (rc >= 0 || w || !strstr(e.text, cases[i].says) || strncmp(e.text, "test: ", 6) != 0)
            fail_msg("%s: %d, \"%s\" does not say \"%s\"", cases[i].header, rc, e.text, cases[i].says);
        free(file);
    }
}

static void refuses_bad_preambles(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *says;
    } cases[] = {
        {"\x93NUMPY\1", 7, "in the middle"},
        {"\x93NUMPY\0\0\0\0", 10, "version 0"},
        {"\x93NUMPY\4\0\0\0\0\0", 12, "version 4"},
        {"\x93NUMPY\2\0\0\0\0", 11, "in the middle"},
        {"\x93NUMPY\1\0\1\0", 10, "header claims 1"},
        {"\x93NUMPY\2\0\xff\xff\xff\xff", 12, "claims 4294967295"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct weights *w;
        struct error e = {""};
        uint8_t *copy = xmalloc(cases[i].size);
        memcpy(copy, cases[i].bytes, cases[i].size);
        assert_true(weights_open_memory(&w, copy, cases[i].size, "test", &e) < 0);
        if (!strstr(e.text, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].says);
        free(copy);
    }
}

/* Flipped bytes and cut ends of a good file: any answer will do, as long as it is one. */
static void survives_damage(void **state)
{
    (void)state;
    static const float data[6] = {1, 2, 3, 4, 5, 6};
    struct rng r = rng_make(5, 2);
    int refused = 0;
    size_t all;
    uint8_t *good = npy_build(HEADER("'<f4'", "True", "(2, 3)"), data, sizeof data, &all);
    for (int round = 0; round < 20000; round++) {
        size_t size = round % 3 ? all : rng_below(&r, (uint32_t)all);
        uint8_t *copy = xmalloc(size + !size); /* of its own, so that every byte behind it is out of bounds */
        memcpy(copy, good, size);
        for (uint32_t flips = rng_below(&r, 4); flips > 0 && size > 0; flips--)
            copy[rng_below(&r, (uint32_t)size)] = (uint8_t)rng_u64(&r);
        struct weights *w;
        struct error e = {""};
        int rc = weights_open_memory(&w, copy, size, "damaged", &e);
        assert_true(rc == 0 || e.text[0]);
        refused += rc < 0;
        weights_close(&w);
        free(copy);
    }
    assert_true(refused > 5000);
    free(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_writes), cmocka_unit_test(reads_every_order_and_type),
        cmocka_unit_test(refuses_bad_headers),  cmocka_unit_test(refuses_bad_preambles),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests_name("npy", tests, NULL, NULL);
}
