/*
 * formats: what PyTorch's reader of pickles refuses, and how it says it. Every bad file must end in one
 * line; AddressSanitizer sees to the rest. Good files are in test_golden.c.
 */
#include "tests/engine/weights/refused.h"

#include <sys/resource.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_vector),         cmocka_unit_test(runs_nothing_that_a_pickle_asks_for),
        cmocka_unit_test(refuses_bad_pickles),    cmocka_unit_test(steps_over_known_objects),
        cmocka_unit_test(refuses_bad_headers),    cmocka_unit_test(refuses_bad_storages),
        cmocka_unit_test(refuses_bad_views),      cmocka_unit_test(bounds_what_views_grow_to),
        cmocka_unit_test(refuses_contradictions), cmocka_unit_test(bounds_what_pickles_grow_to),
    };
    return cmocka_run_group_tests_name("formats", tests, NULL, NULL);
}
