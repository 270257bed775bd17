/*
 * refused: formats that are not read have a name and a way out; damage of any kind has an answer.
 */
#include "tests/engine/weights/refused.h"

#include "common/rng.h"

static void names_formats_that_are_not_read(void **state)
{
    (void)state;
    static const struct {
        const char *begins, *says;
    } cases[] = {
        {"\x89HDF\r\n\x1a\n", "HDF5 file (Keras)"},
        {"MATLAB 5.0 MAT-file, Platform: GLNXA64", "MATLAB"},
        {"\x1f\x8b\x08", "gunzip"},
        {"././@PaxHeader", "tar archive"},
        {"version https://git-lfs.github.com/spec/v1\n", "Git LFS"},
        {"<!DOCTYPE html><html>", "web page"},
        {"\x80\x03}q.", "torch.save did not write"},
        {"\x08\x03\x12\x05mxnet\x3a\x80\x80\x01", "ONNX"},
        {"\n\n<HTML><body>", "web page"},
        {"<?xml version=\"1.0\"?><Error><Code>AccessDenied", "XML text"},
        {"{\"error\": \"Not Found\"}", "JSON text"},
        {"{\"format\": \"layers-model\", \"modelTopology\": {", "TensorFlow.js"},
        {"\x0a\x10\x0a\x05input\x12\x07Placeholder", "TensorFlow graph"},
        {"A text of someone else", "not a file of weights"},
        {"\n\nA text", "not a file of weights"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes b = {0};
        op(&b, cases[i].begins);
        refused(&b, cases[i].says);
    }
    static const struct {
        const char *member, *says;
    } archives[] = {{"sys_info", "PyTorch file of 2017"},
                    {"net.pth", "a tar archive, which is not read here; unpack it"}};
    for (size_t i = 0; i < ARRAY_LEN(archives); i++) {
        struct bytes tar = {.data = xcalloc(1, 1024), .size = 1024};
        memcpy(tar.data + 257, "ustar", 5);
        memcpy(tar.data, archives[i].member, strlen(archives[i].member));
        refused(&tar, archives[i].says);
    }
}

/* Formats whose mark is not at the beginning. */
static void names_what_has_its_mark_inside(void **state)
{
    (void)state;
#define MARK(text) text, sizeof text - 1
    static const struct {
        const char *bytes;
        size_t held, size; /* of the bytes; of the file, which goes on with zeros */
        const char *says;
    } cases[] = {
        {MARK("\x1c\0\0\0TFL3\x14\0\x20\0"), 12, "TensorFlow Lite"},
        {MARK("\x04\0\0\0\1\0\0\0\3\0\0\0V 1\x0d\0\0\0nn.Sequential"), 32, "Torch7"},
        {MARK("\3\0\0\0\1\0\0\0\2\0\0\0\4\0\0\0\2\0\0\0\3\0\0\0V 1"), 32, "Torch7"},
        {MARK("\x08\1\x12\x90\x20\x0a\x80\1"), 8, "TensorFlow graph"},
        {MARK("\x08\1\x08\3\x08\xe0\1\x08\xe0\1\x10\1\x42\7data_0J"), 32, "a single array of ONNX"},
        {MARK("\x08\2\x10\1\x4a\x08"), 14, "a single array of ONNX"},
        {MARK("\x08\2\x10\1\x08\x08"), 14, "not a file of weights"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes b = {.data = xcalloc(1, 64), .size = cases[i].size};
        memcpy(b.data, cases[i].bytes, cases[i].held);
        refused(&b, cases[i].says);
    }
#undef MARK
}

/* Flipped bytes and cut ends of good files: any answer will do, as long as it is one. */
static void survives_damage(void **state)
{
    (void)state;
    static const char *const files[] = {
        "tests/golden/vgg11.legacy.pth",     "tests/golden/vgg11.py2.pth",
        "tests/golden/vgg11.zip.pth",        "tests/golden/vgg11.strided.pth",
        "tests/golden/vgg11.v1.caffemodel",  "tests/golden/vgg13.unpacked.caffemodel",
        "tests/golden/vgg16_bn.robust.ckpt", "tests/golden/vgg11.safetensors",
    };
    struct rng r = rng_make(11, 5);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct bytes b = file(files[i]);
        int refusals = 0;
        for (int round = 0; round < 800; round++) {
            size_t size = round % 4 ? b.size : 1 + rng_below(&r, (uint32_t)b.size);
            uint8_t *copy = xmalloc(size);
            memcpy(copy, b.data, size);
            uint32_t end = round % 2 ? (uint32_t)size : (uint32_t)(size < 3000 ? size : 3000);
            for (uint32_t flips = rng_below(&r, 6); flips > 0; flips--)
                copy[rng_below(&r, end)] = (uint8_t)rng_u64(&r);
            struct weights *w;
            struct error e = {""};
            int rc = weights_open_memory(&w, copy, size, "damaged", &e);
            assert_true(rc == 0 || e.text[0]);
            refusals += rc < 0;
            weights_close(&w);
            free(copy);
        }
        assert_true(refusals > 200);
        free(b.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_formats_that_are_not_read),
        cmocka_unit_test(names_what_has_its_mark_inside),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests_name("refused", tests, NULL, NULL);
}
