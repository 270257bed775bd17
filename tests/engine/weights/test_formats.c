/*
 * formats: what PyTorch's and Caffe's readers refuse, and how they say it. Every bad file must end in one
 * line; AddressSanitizer sees to the rest. Good files are in test_golden.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "common/rng.h"
#include "engine/weights/weights.h"
#include "engine/weights/zip.h"
#include "tests/engine/weights/pickle_builder.h"

static void refused(struct bytes *b, const char *says)
{
    struct weights *w;
    struct error e = {""};
    uint8_t *copy = xmalloc(b->size); /* of its own, so that every byte behind it is out of bounds */
    memcpy(copy, b->data, b->size);
    int rc = weights_open_memory(&w, copy, b->size, "test", &e);
    if (rc >= 0 || w || !strstr(e.text, says) || strncmp(e.text, "test: ", 6) != 0 || strchr(e.text, '\n'))
        fail_msg("%d, \"%s\" does not say \"%s\"", rc, e.text, says);
    free(copy);
    free(b->data);
    *b = (struct bytes){0};
}

static struct bytes file(const char *path)
{
    struct bytes b = {0};
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t part[4096];
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        put(&b, part, n);
    fclose(f);
    return b;
}

/* A dict with one vector "a"; the storages are left to the caller. */
static struct bytes with_vector(int64_t count, int64_t offset, int64_t size, int64_t stride)
{
    struct bytes b = {0};
    header(&b);
    op(&b, "}");
    text(&b, "a");
    vector(&b, "1", count, offset, size, stride);
    op(&b, "s.");
    return b;
}

static void reads_a_vector(void **state)
{
    (void)state;
    struct bytes b = with_vector(6, 1, 2, 3);
    keys(&b, "1", NULL);
    floats(&b, 6, 6);
    const float values[2] = {1.5f, -2};
    memcpy(b.data + b.size - 20, values, 4);
    memcpy(b.data + b.size - 8, values + 1, 4);
    struct weights *w;
    struct error e;
    assert_int_equal(weights_open_memory(&w, b.data, b.size, "test", &e), 0);
    float out[2];
    tensor_to_float(weights_find(w, "a"), 0, 2, out);
    assert_memory_equal(out, values, sizeof out);
    weights_close(&w);
    free(b.data);
}

static void runs_nothing_that_a_pickle_asks_for(void **state)
{
    (void)state;
    static const struct {
        const char *module, *name, *says;
    } cases[] = {
        {"os", "system", "os.system, which is not on the list"},
        {"posix", "system", "posix.system"},
        {"builtins", "eval", "builtins.eval"},
        {"torch", "load", "torch.load"},
        {"torch._utils", "_rebuild_tensor_v2x", "_rebuild_tensor_v2x"},
        {"torchvision.models.vgg", "VGG", "save its state_dict() instead"},
        {"torch.nn.modules.container", "Sequential", "save its state_dict() instead"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes b = {0};
        header(&b);
        global(&b, cases[i].module, cases[i].name);
        text(&b, "touch /tmp/reverie-was-here");
        op(&b, "\x85R.");
        refused(&b, cases[i].says);
    }
}

static void refuses_bad_pickles(void **state)
{
    (void)state;
    static const struct {
        const char *operations, *says;
    } cases[] = {
        {"", "ends in the middle"},
        {".", "no value"},
        {"P1\n.", "operation 0x50"},
        {"i", "operation 0x69"},
        {"NN.", "left on the stack"},
        {"e.", "no mark"},
        {"(.", "no value"},
        {"N(e.", "no list"},
        {"(e.", "no list"},
        {"](Nu.", "no dict"},
        {"}(Nu.", "key without a value"},
        {"N\x85\x86.", "no value"},
        {"h\x01.", "memo 1 was never kept"},
        {"q\x01.", "nothing to keep"},
        {"Nr\xff\xff\xff\xff.", "memo 4294967295"},
        {"j\xff\xff\xff\xff.", "never kept"},
        {"X\xff\xff\xff\xff.", "a text of 4294967295"},
        {"Uzabc", "ends in the middle"},
        {"cabc", "a global's name"},
        {"ccollections\nOrderedDict\nNR.", "no tuple"},
        {"N)R.", "no function"},
        {"ctorch\nSize\n)R.", "without its argument"},
        {"ccollections\nOrderedDict\n](](NNNee\x85R.", "pairs"},
        {"NQ.", "no tuple"},
        {"b.", "no value"},
        {"Nb.", "state without an object"},
        {")Q.", "not ('storage'"},
        {"N.", "neither a state_dict"},
        {"].", "neither a state_dict"},
        {"}.", "neither a state_dict"},
        {"}U\x01"
         "aNs.",
         "neither a state_dict"},
        {"}q\x01U\x05modelh\x01s.", "neither a state_dict"}, /* a dict that is its own "model" */
        {"]q\x01h\x01\x85"
         "a.",
         "neither a state_dict"}, /* a list that contains itself */
        {"ctorch._utils\n_rebuild_tensor\n)R\x85.", "neither a state_dict"},
        {"}U\x01"
         "actorch._utils\n_rebuild_tensor\n)Rs.",
         "a: not made of"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes b = {0};
        header(&b);
        op(&b, cases[i].operations);
        if (strncmp(cases[i].says, "neither", 7) == 0 || strstr(cases[i].says, "made of"))
            keys(&b, NULL, NULL);
        refused(&b, cases[i].says);
    }
}

/* What training leaves beside the weights is stepped over, and is no tensor even where one is expected. */
static void steps_over_known_objects(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct bytes b = {0};
        header(&b);
        op(&b, "}");
        text(&b, i ? "state_dict" : "args");
        global(&b, "dill._dill", "_create_function");
        op(&b, "(");
        global(&b, "dill._dill", "_create_code");
        text(&b, "touch /tmp/reverie-was-here");
        op(&b, "\x85RtR}bs");
        text(&b, "a");
        vector(&b, "1", 1, 0, 1, 1);
        op(&b, "s.");
        keys(&b, "1", NULL);
        floats(&b, 1, 1);
        struct weights *w;
        struct error e;
        assert_int_equal(weights_open_memory(&w, b.data, b.size, "test", &e), 0);
        assert_int_equal(weights_count(w), 1);
        weights_close(&w);
        free(b.data);
    }
}

static void refuses_bad_headers(void **state)
{
    (void)state;
    struct bytes b = {0};
    PUT(&b, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe8\x03.");
    refused(&b, "version 1001");
    PUT(&b, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.");
    PUT(&b, "\x80\x02}U\rlittle_endian\x89s.");
    refused(&b, "little-endian");
    PUT(&b, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x01M\xe9\x03.");
    refused(&b, "protocol 1");
}

static void refuses_bad_storages(void **state)
{
    (void)state;
    struct bytes b = with_vector(4, 0, 4, 1);
    keys(&b, "1", NULL);
    floats(&b, 4, 3);
    refused(&b, "storage 1: 4 elements of 4 bytes");

    b = with_vector(4, 0, 4, 1);
    keys(&b, "1", NULL);
    floats(&b, 5, 5);
    refused(&b, "has 5 elements; 4 are expected");

    b = with_vector(INT64_MAX, 0, 4, 1);
    keys(&b, "1", NULL);
    floats(&b, INT64_MAX, 4);
    refused(&b, "storage 1: 9223372036854775807 elements");

    b = with_vector(-1, 0, 4, 1);
    keys(&b, "1", NULL);
    refused(&b, "not ('storage'");

    b = with_vector(4, 0, 4, 1);
    keys(&b, "1", NULL);
    refused(&b, "storage 1: the file ends");

    b = with_vector(4, 0, 4, 1);
    keys(&b, NULL, NULL);
    refused(&b, "a: its storage 1 is not in the list");

    b = with_vector(4, 0, 4, 1);
    keys(&b, "2", NULL);
    refused(&b, "names one that no tensor has");

    b = with_vector(1, 0, 1, 1);
    keys(&b, "1", "1");
    floats(&b, 1, 1);
    floats(&b, 1, 1);
    refused(&b, "storage 1 stands twice");

    b = with_vector(1, 0, 1, 1);
    keys(&b, "1", NULL);
    floats(&b, 1, 2);
    refused(&b, "4 bytes behind the last storage");
}

static void refuses_bad_views(void **state)
{
    (void)state;
    static const struct {
        int64_t offset, size, stride;
        const char *says;
    } cases[] = {
        {1, 4, 1, "a: reaches beyond the 4 elements"},
        {0, 5, 0, "a: reaches beyond"}, /* an expanded tensor claims more than is there */
        {0, 3, 2, "a: reaches beyond"},
        {0, INT64_MAX, 1, "a: reaches beyond"},
        {0, INT64_MAX, INT64_MAX, "a: reaches beyond"},
        {INT64_MAX, 2, INT64_MAX, "a: reaches beyond"},
        {5, 0, 1, "a: reaches beyond"},
        {-1, 1, 1, "a: not made of"},
        {0, -1, 1, "a: not made of"},
        {3, 2, -1, "a: not made of"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes b = with_vector(4, cases[i].offset, cases[i].size, cases[i].stride);
        keys(&b, "1", NULL);
        floats(&b, 4, 4);
        refused(&b, cases[i].says);
    }
}

/* Views that have to be put in order take memory, but never more than the file has bytes. */
static void bounds_what_views_grow_to(void **state)
{
    (void)state;
    struct bytes b = {0};
    header(&b);
    op(&b, "}(");
    for (char name[2] = "a"; name[0] <= 'h'; name[0]++) {
        text(&b, name);
        vector(&b, "1", 4096, 0, 2048, 2);
    }
    op(&b, "u.");
    keys(&b, "1", NULL);
    floats(&b, 4096, 4096);
    refused(&b, "c: 8192 bytes to put in order");
}

/* Two tensors of one name; one storage described in two ways; a name that is no line. */
static void refuses_contradictions(void **state)
{
    (void)state;
    struct bytes b = {0};
    for (int i = 0; i < 3; i++) {
        header(&b);
        op(&b, "}(");
        text(&b, i == 2 ? "a\nb" : "a");
        vector(&b, "1", 4, 0, 1, 1);
        text(&b, "a");
        vector(&b, "1", i == 1 ? 5 : 4, 0, 1, 1);
        op(&b, "u.");
        keys(&b, "1", NULL);
        floats(&b, 4, 4);
        refused(&b, i == 0 ? "a is there twice" : i == 1 ? "described in two ways" : "one line");
    }
}

static long peak_kb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

/* Small pickles that would grow without bounds; what the machine takes for them stays below 64 MB.
 * (AddressSanitizer keeps freed memory, so it is not measured there.) */
static void bounds_what_pickles_grow_to(void **state)
{
    (void)state;
    long before = peak_kb();
    struct bytes b = {0};
    header(&b);
    for (int i = 0; i < 120000; i++)
        op(&b, "(");
    refused(&b, "values on the stack");

    header(&b);
    for (int i = 0; i < 600000; i++)
        op(&b, i % 2 ? "\x85" : "N");
    refused(&b, "more than");

    header(&b);
    op(&b, "](");
    for (int i = 0; i < 1000; i++)
        op(&b, "](NNe");
    op(&b, "e\x85q\x01");
    for (int i = 0; i < 1000; i++)
        op(&b, "ccollections\nOrderedDict\nh\x01R");
    refused(&b, "entries of tuples");
#ifndef __SANITIZE_ADDRESS__
    assert_true(peak_kb() - before < 64 << 10);
#else
    (void)before;
#endif
}

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

/* A net of one layer with one blob of these bytes; V1 or V2. */
static struct bytes net(bool first, const char *name, const char *blob, size_t blob_bytes)
{
    struct bytes layer = {0}, b = {0};
    uint8_t head[2] = {first ? 0x22 : 0x0a, (uint8_t)strlen(name)};
    put(&layer, head, 2);
    op(&layer, name);
    put(&layer, (uint8_t[2]){first ? 0x32 : 0x3a, (uint8_t)blob_bytes}, 2);
    put(&layer, blob, blob_bytes);
    PUT(&b, "\x0a\x03net");
    op(&b, first ? "\x12" : "\xa2\x06");
    put(&b, (uint8_t[1]){(uint8_t)layer.size}, 1);
    put(&b, layer.data, layer.size);
    free(layer.data);
    return b;
}

static void refuses_bad_blobs(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *says;
    } cases[] = {
#define BLOB(bytes, says) {bytes, sizeof(bytes) - 1, says}
        BLOB("\x2a\x02\0\0", "fc6x.weight: 2 bytes"),
        BLOB("\x2a\x04\0\0\0\0\x10\x02", "its shape asks for 2"),
        BLOB("\x2a\x09\0\0\0\0", "fc6x.weight: byte"),
        BLOB("\x3b", "wire type 0, 1, 2 or 5"),
        BLOB("\x02", "field number"),
        BLOB("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "at most ten bytes"),
        BLOB("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x2a\x04\0\0\0\0", "2^63"),
        BLOB("\x3a\x0c\x0a\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "2^63"),
        BLOB("\x3a\x09\x0a\x07\x80\x80\x80\x80\x80\x80\x10", "its shape asks for"),
        BLOB("\x3a\x0b\x0a\x09\1\1\1\1\1\1\1\1\1", "more than 8 dimensions"),
        BLOB("\x3a\x03\x0a\x01\x01\x3a\x03\x0a\x01\x01", "a shape that is there twice"),
        BLOB("\x2a\x04\0\0\0\0\x41\0\0\0\0\0\0\0\0", "as float and as double"),
        BLOB("\x2a\x08\0\0\0\0\0\0\0\0", "its shape asks for 1"),
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (int first = 0; first < 2; first++) {
            struct bytes b = net(first, "fc6x", cases[i].bytes, cases[i].size);
            refused(&b, cases[i].says);
        }
}

static void refuses_bad_caffemodels(void **state)
{
    (void)state;
    struct bytes b = {0};
    PUT(&b, "\x0a\x03net\x12\x06\x22\x04"
            "data");
    refused(&b, "without weights");
    PUT(&b, "\x0a\x03net\xa2\x06\x7f\x0a\x04"
            "fc6x");
    refused(&b, "field 100 has 127 bytes, but 6 are left");
    PUT(&b, "\x0a\x03net\x12\x08\x22\x04"
            "fc6x\x0a\0");
    refused(&b, "upgrade_net_proto_binary");
    PUT(&b, "\x0a\x03net\xa2\x06\x0e\x12\x04"
            "type\x3a\x06\x2a\x04\0\0\0\0");
    refused(&b, "without a name");
    b = net(true, "a\tb", "\x2a\x04\0\0\0\0", 6);
    refused(&b, "not a file of weights");
    b = file("tests/golden/vgg11.v1.caffemodel");
    struct bytes twice = {0};
    put(&twice, b.data, b.size);
    put(&twice, b.data, b.size);
    refused(&twice, "is there twice");
    b.size -= 100;
    refused(&b, "are left in its message");
}

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
    static const struct {
        const char *bytes;
        size_t size;
        const char *says;
    } cases[] = {
        {"\x1c\0\0\0TFL3\x14\0\x20\0", 12, "TensorFlow Lite"},
        {"\x04\0\0\0\1\0\0\0\3\0\0\0V 1\x0d\0\0\0nn.Sequential", 32, "Torch7"},
        {"\3\0\0\0\1\0\0\0\2\0\0\0\4\0\0\0\2\0\0\0\3\0\0\0V 1", 32, "Torch7"},
        {"\x08\1\x12\x90\x20\x0a\x80\1", 8, "TensorFlow graph"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes b = {.data = xcalloc(1, 64), .size = cases[i].size};
        memcpy(b.data, cases[i].bytes, cases[i].size - (i == 2 ? 5 : 0));
        refused(&b, cases[i].says);
    }
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
        cmocka_unit_test(reads_a_vector),
        cmocka_unit_test(runs_nothing_that_a_pickle_asks_for),
        cmocka_unit_test(refuses_bad_pickles),
        cmocka_unit_test(steps_over_known_objects),
        cmocka_unit_test(refuses_bad_headers),
        cmocka_unit_test(refuses_bad_storages),
        cmocka_unit_test(refuses_bad_views),
        cmocka_unit_test(bounds_what_views_grow_to),
        cmocka_unit_test(refuses_contradictions),
        cmocka_unit_test(bounds_what_pickles_grow_to),
        cmocka_unit_test(refuses_bad_archives),
        cmocka_unit_test(refuses_other_archives),
        cmocka_unit_test(crc_is_zips),
        cmocka_unit_test(refuses_bad_blobs),
        cmocka_unit_test(refuses_bad_caffemodels),
        cmocka_unit_test(names_formats_that_are_not_read),
        cmocka_unit_test(names_what_has_its_mark_inside),
        cmocka_unit_test(compressed_members_that_nobody_needs),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests_name("formats", tests, NULL, NULL);
}
