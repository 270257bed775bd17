/*
 * caffe: what Caffe's reader refuses, how it says it, and names that it must not mind.
 */
#include "tests/engine/weights/refused.h"

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

/* Converters leave the net without a name; people name it in their own script. */
static void names_of_nets_do_not_matter(void **state)
{
    (void)state;
    static const char *const names[] = {"", "\xe7\xbd\x91\xe7\xbb\x9c", "my net", "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct bytes whole = file("tests/golden/vgg11.v2.caffemodel"), b = {0};
        assert_int_equal(whole.data[0], 0x0a); /* the name */
        PUT(&b, "\x0a");
        put(&b, (uint8_t[1]){(uint8_t)strlen(names[i])}, 1);
        op(&b, names[i]);
        size_t head = 2u + whole.data[1];
        put(&b, whole.data + head, whole.size - head);
        struct weights *w;
        struct error e = {""};
        if (weights_open_memory(&w, b.data, b.size, "test", &e) < 0)
            fail_msg("name %zu: %s", i, e.text);
        assert_int_equal(weights_count(w), 22);
        weights_close(&w);
        free(b.data);
        free(whole.data);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_nets_do_not_matter),
        cmocka_unit_test(refuses_bad_blobs),
        cmocka_unit_test(refuses_bad_caffemodels),
    };
    return cmocka_run_group_tests_name("caffe", tests, NULL, NULL);
}
