/*
 * model: layouts out of shapes and numbers, folding of batch norm, metadata, and lines that name the tensor.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/rng.h"
#include "engine/model/labels.h"
#include "engine/model/model.h"
#include "tests/common/normal.h"
#include "tests/engine/weights/safetensors_builder.h"

static float *values(size_t count, uint64_t seed)
{
    float *v = xmalloc(count * sizeof *v);
    struct rng r = rng_make(seed, 3);
    for (size_t i = 0; i < count; i++)
        v[i] = rng_normal(&r);
    return v;
}

static void add(struct builder *b, const char *name, const char *shape, size_t count)
{
    float *v = values(count, count + strlen(name));
    builder_tensor(b, name, shape, v, count);
    free(v);
}

static void add_conv(struct builder *b, int number, int in, int out)
{
    char name[64], shape[64];
    snprintf(name, sizeof name, "features.%d.weight", number);
    snprintf(shape, sizeof shape, "[%d,%d,3,3]", out, in);
    add(b, name, shape, (size_t)(out * in * 9));
    snprintf(name, sizeof name, "features.%d.bias", number);
    snprintf(shape, sizeof shape, "[%d]", out);
    add(b, name, shape, (size_t)out);
}

static void add_linear(struct builder *b, const char *layer, int in, int out)
{
    char name[64], shape[64];
    snprintf(name, sizeof name, "%s.weight", layer);
    snprintf(shape, sizeof shape, "[%d,%d]", out, in);
    add(b, name, shape, (size_t)(out * in));
    snprintf(name, sizeof name, "%s.bias", layer);
    snprintf(shape, sizeof shape, "[%d]", out);
    add(b, name, shape, (size_t)out);
}

/* Convolutions at `numbers` (ends with -1), all of width 2; fc6 with a 2x2 kernel; three classes. */
static void add_vgg(struct builder *b, const int *numbers)
{
    for (int i = 0; numbers[i] >= 0; i++)
        add_conv(b, numbers[i], i ? 2 : 3, 2);
    add_linear(b, "classifier.0", 2 * 4, 5);
    add_linear(b, "classifier.3", 5, 4);
    add_linear(b, "classifier.6", 4, 3);
}

static int open_built(struct model **m, struct builder *b, struct error *e)
{
    builder_text(b, "}");
    builder_finish(b);
    struct weights *w;
    *m = NULL;
    int rc = weights_open_memory(&w, b->file, b->file_size, "built", e);
    if (rc == 0)
        rc = model_open(m, w, e);
    assert_true((rc == 0) == (*m != NULL));
    weights_close(&w);
    builder_free(b);
    return rc;
}

static void knows_the_vgg_family_by_its_gaps(void **state)
{
    (void)state;
    static const struct {
        int numbers[20];
        const char *names; /* of all layers; '|' stands for a pool */
    } cases[] = {
        {{0, 3, 6, 8, 11, 13, 16, 18, -1},
         "conv1_1|conv2_1|conv3_1 conv3_2|conv4_1 conv4_2|conv5_1 conv5_2|fc6 fc7 fc8 "},
        {{0, 2, 5, 7, 10, 12, 15, 17, 20, 22, -1},
         "conv1_1 conv1_2|conv2_1 conv2_2|conv3_1 conv3_2|conv4_1 conv4_2|conv5_1 conv5_2|fc6 fc7 fc8 "},
        {{0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28, -1},
         "conv1_1 conv1_2|conv2_1 conv2_2|conv3_1 conv3_2 conv3_3|conv4_1 conv4_2 conv4_3|"
         "conv5_1 conv5_2 conv5_3|fc6 fc7 fc8 "},
        {{0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34, -1},
         "conv1_1 conv1_2|conv2_1 conv2_2|conv3_1 conv3_2 conv3_3 conv3_4|"
         "conv4_1 conv4_2 conv4_3 conv4_4|conv5_1 conv5_2 conv5_3 conv5_4|fc6 fc7 fc8 "},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct builder b = {0};
        struct model *m;
        struct error e;
        add_vgg(&b, cases[i].numbers);
        assert_int_equal(open_built(&m, &b, &e), 0);
        char names[512] = "";
        for (int k = 0; k < m->layer_count; k++) {
            strcat(names, m->layers[k].name);
            strcat(names, m->layers[k].pool_after ? "|" : " ");
        }
        assert_string_equal(names, cases[i].names);
        assert_int_equal(m->stride_px, 32);
        assert_int_equal(m->layers[m->layer_count - 3].kernel, 2);
        assert_int_equal(model_min_px(m), 64);
        assert_int_equal(m->window_px, 64);
        assert_int_equal(m->classes, 3);
        assert_null(m->wnids);
        assert_int_equal(model_class(m, "n01443537"), -1);
        assert_float_equal(m->mean[0], 0.485, 1e-7);
        model_close(&m);
        assert_null(m);
        model_close(&m);
    }
}

static void reads_timm_names_and_square_kernels(void **state)
{
    (void)state;
    struct builder b = {0};
    struct model *m;
    struct error e;
    add_conv(&b, 0, 3, 2);
    add(&b, "pre_logits.fc1.weight", "[5,2,7,7]", 5 * 2 * 49);
    add(&b, "pre_logits.fc1.bias", "[5]", 5);
    add(&b, "pre_logits.fc2.weight", "[4,5,1,1]", 20);
    add(&b, "pre_logits.fc2.bias", "[4]", 4);
    add_linear(&b, "head.fc", 4, 2);
    assert_int_equal(open_built(&m, &b, &e), 0);
    assert_int_equal(m->layers[1].kernel, 7);
    assert_int_equal(model_min_px(m), 14);
    model_close(&m);
}

static void folds_batch_norm(void **state)
{
    (void)state;
    struct builder b = {0};
    struct model *m;
    struct error e;
    const float weight[2 * 27] = {1, 2, [27] = -3}, bias[2] = {0.5f, 0.25f};
    const float gain[2] = {-2, 3}, beta[2] = {10, 20}, mean[2] = {1, -1}, variance[2] = {4, 9};
    builder_tensor(&b, "features.0.weight", "[2,3,3,3]", weight, 54);
    builder_tensor(&b, "features.0.bias", "[2]", bias, 2);
    builder_tensor(&b, "features.1.weight", "[2]", gain, 2);
    builder_tensor(&b, "features.1.bias", "[2]", beta, 2);
    builder_tensor(&b, "features.1.running_mean", "[2]", mean, 2);
    builder_tensor(&b, "features.1.running_var", "[2]", variance, 2);
    add_linear(&b, "classifier.0", 2, 2);
    add_linear(&b, "classifier.3", 2, 2);
    add_linear(&b, "classifier.6", 2, 2);
    assert_int_equal(open_built(&m, &b, &e), 0);
    const struct model_layer *l = &m->layers[0];
    assert_float_equal(l->weight[0], -1, 1e-5);
    assert_float_equal(l->weight[1], -2, 1e-5);
    assert_float_equal(l->weight[27], -3, 1e-5);
    assert_float_equal(l->bias[0], (0.5 - 1) * -1 + 10, 1e-4);
    assert_float_equal(l->bias[1], (0.25 + 1) * 1 + 20, 1e-4);
    assert_float_equal(l->stat_mean[1], 20, 0);
    assert_float_equal(l->stat_std[0], 2, 0);
    model_close(&m);
}

/* VGG-16 of width 1 with 1000 classes whose first filter begins with `first`. */
static void add_known(struct builder *b, const float *first, int count)
{
    static const int numbers[] = {0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28};
    float filter[27] = {0};
    memcpy(filter, first, (size_t)count * sizeof *first);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char name[64];
        snprintf(name, sizeof name, "features.%d.weight", numbers[i]);
        if (i == 0)
            builder_tensor(b, name, "[1,3,3,3]", filter, 27);
        else
            add(b, name, "[1,1,3,3]", 9);
        snprintf(name, sizeof name, "features.%d.bias", numbers[i]);
        add(b, name, "[1]", 1);
    }
    add_linear(b, "classifier.0", 1, 1);
    add_linear(b, "classifier.3", 1, 1);
    add_linear(b, "classifier.6", 1, 1000);
}

static void knows_public_files_by_their_numbers(void **state)
{
    (void)state;
    static const struct {
        float first[9];
        const char *family;
        bool bgr;
        float mean;
    } cases[] = {
        {{-0.5537f, 0.1427f, 0.5290f, -0.5831f, 0.3566f, 0.7657f, -0.6902f, -0.0480f, 0.4841f},
         "torchvision vgg16",
         false,
         0.485f},
        {{0.42947057f, 0.373467f, -0.06136011f, 0.27476987f, 0.03868078f, -0.36722335f, -0.05746817f,
          -0.26224968f, -0.35009676f},
         "Oxford VGG-16",
         true,
         123.68f / 255},
        {{0.4800154f, 1, 2}, "Oxford VGG-16, RGB", false, 123.68f / 255},
        {{-0.5537f, 0.1427f, 0.5290f, -0.5831f, 0.3566f, 0.7657f, -0.6902f, -0.0480f, 0.4851f},
         "torchvision",
         false,
         0.485f},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct builder b = {0};
        struct model *m;
        struct error e;
        add_known(&b, cases[i].first, 9);
        assert_int_equal(open_built(&m, &b, &e), 0);
        assert_string_equal(m->family, cases[i].family);
        assert_int_equal(m->bgr, cases[i].bgr);
        assert_float_equal(m->mean[0], cases[i].mean, 1e-6);
        assert_float_equal(m->layers[0].weight[cases[i].bgr ? 18 : 0], cases[i].first[0], 0);
        assert_string_equal(m->wnids[0], "n01440764"); /* 1000 classes are those of ILSVRC-2012 */
        assert_int_equal(model_class(m, "n09472597"), 980);
        assert_int_equal(model_class(m, "n15075141"), 999);
        model_close(&m);
    }
}

/* Other people's names for the same layers. */
static void finds_layers_behind_other_names(void **state)
{
    (void)state;
    static const struct {
        const char *conv, *fc6, *fc7, *fc8, *family;
    } cases[] = {
        {"features.0", "classifier.1", "classifier.4", "classifier.6", "torchvision"},
        {"module.features.0", "module.classifier.0", "module.classifier.3", "module.classifier.6",
         "torchvision"},
        {"features.module.0", "classifier.0", "classifier.3", "classifier.6", "torchvision"},
        {"net.vgg.features.0", "net.vgg.pre_logits.fc1", "net.vgg.pre_logits.fc2", "net.vgg.head.fc",
         "torchvision"},
        {"conv1_1", "fc6", "fc7", "fc8", "caffe"},
        {"conv1_1", "fc6", "fc7", "fc8_flickr", "caffe"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct builder b = {0};
        struct model *m;
        struct error e = {""};
        const char *const linear[] = {cases[i].fc6, cases[i].fc7, cases[i].fc8};
        char name[64];
        snprintf(name, sizeof name, "%s.weight", cases[i].conv);
        add(&b, name, "[2,3,3,3]", 54);
        snprintf(name, sizeof name, "%s.bias", cases[i].conv);
        add(&b, name, "[2]", 2);
        snprintf(name, sizeof name, "copy.%s.weight", cases[i].conv); /* a second net further inside */
        add(&b, name, "[7,3,3,3]", 189);
        for (int k = 0; k < 3; k++)
            add_linear(&b, linear[k], 2, 2);
        if (open_built(&m, &b, &e) < 0)
            fail_msg("%s: %s", cases[i].conv, e.text);
        assert_int_equal(m->layers[0].out, 2);
        assert_string_equal(m->family, cases[i].family);
        model_close(&m);
    }
}

static void names_the_tensor_that_is_wrong(void **state)
{
    (void)state;
    static const int vgg[] = {0, 2, 5, -1}, gap[] = {0, 4, -1}, late[] = {1, 3, -1};
    const float nan_bias[3] = {0, NAN, 0};
    struct error e;
    struct model *m;
    for (int i = 0; i < 8; i++) {
        struct builder b = {0};
        const char *says = NULL;
        switch (i) {
        case 0:
            add_vgg(&b, gap);
            says = "features.0.weight";
            break;
        case 1:
            add_vgg(&b, late);
            says = "features.0.weight";
            break;
        case 2:
            add_linear(&b, "classifier.0", 4, 4);
            says = "features.0.weight";
            break;
        case 3:
            add_conv(&b, 0, 3, 2);
            add_conv(&b, 2, 3, 2);
            says = "tensor features.2.weight: its shape is [2, 3, 3, 3]";
            break;
        case 4:
            add_conv(&b, 0, 3, 2);
            add_linear(&b, "classifier.0", 2 * 5, 4);
            says = "tensor classifier.0.weight: its shape is [4, 10]";
            break;
        case 5:
            add_conv(&b, 0, 3, 2);
            add_linear(&b, "classifier.0", 2 * 9, 4);
            add_linear(&b, "classifier.6", 4, 4);
            says = "classifier.3.weight is missing";
            break;
        case 6:
            add_conv(&b, 0, 3, 2);
            add_linear(&b, "classifier.0", 2, 2);
            add_linear(&b, "classifier.3", 2, 2);
            add(&b, "classifier.6.weight", "[3,2]", 6);
            builder_tensor(&b, "classifier.6.bias", "[3]", nan_bias, 3);
            says = "tensor classifier.6.bias: element 1 is not a finite";
            break;
        case 7:
            add_vgg(&b, vgg);
            add(&b, "stats.features.2.mean", "[2]", 2);
            says = "stats.features.2.std is missing";
            break;
        }
        int rc = open_built(&m, &b, &e);
        if (rc >= 0 || !strstr(e.text, says) || strncmp(e.text, "built: ", 7) != 0)
            fail_msg("case %d: %d, \"%s\" does not say \"%s\"", i, rc, e.text, says);
    }
}

static void checks_metadata(void **state)
{
    (void)state;
    static const struct {
        const char *metadata, *says; /* says NULL: fine */
    } cases[] = {
        {"\"reverie.mean\":\"0.5,0.25,0\",\"reverie.window_px\":\"128\"", NULL},
        {"\"reverie.wnids\":\"n01443537,n07873807,n09472597\"", NULL},
        {"\"reverie.mean\":\"0.5,0.25\"", "reverie.mean"},
        {"\"reverie.mean\":\"0.5,0.25,0,\"", "reverie.mean"},
        {"\"reverie.mean\":\"0.5,0..25,0\"", "reverie.mean"},
        {"\"reverie.mean\":\"0.5,nan,0\"", "reverie.mean"},
        {"\"reverie.channels\":\"bgr\"", NULL},
        {"\"reverie.channels\":\"grb\"", "reverie.channels"},
        {"\"reverie.std\":\"0.5,0,1\"", "reverie.std"},
        {"\"reverie.std\":\"0.5,-1,1\"", "reverie.std"},
        {"\"reverie.window_px\":\"63\"", "reverie.window_px"},
        {"\"reverie.window_px\":\"64px\"", "reverie.window_px"},
        {"\"reverie.window_px\":\"99999999999999999999\"", "reverie.window_px"},
        {"\"reverie.wnids\":\"n01443537,n07873807\"", "2 ids; the model has 3 classes"},
        {"\"reverie.wnids\":\"n01443537,n07873807,n09472597,n09472598\"", "4 ids; the model has 3 classes"},
        {"\"reverie.wnids\":\"n01443537,n07873807,n0947259x\"", "entry 2 is \"n0947259x\";"},
        {"\"reverie.wnids\":\"n01443537,,n07873807\"", "entry 1 is \"\";"},
        {"\"reverie.wnids\":\"n01443537,n07873807,n01443537\"", "twice"},
        {"\"reverie.wnids\":\"\"", "0 ids"},
    };
    static const int vgg[] = {0, 3, 6, 9, 12, -1};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct builder b = {0};
        struct model *m;
        struct error e = {""};
        add_vgg(&b, vgg);
        builder_text(&b, ",\"__metadata__\":{%s}", cases[i].metadata);
        int rc = open_built(&m, &b, &e);
        if ((rc == 0) != (cases[i].says == NULL) || (rc < 0 && !strstr(e.text, cases[i].says)))
            fail_msg("%s: %d, \"%s\"", cases[i].metadata, rc, e.text);
        if (i == 0) {
            assert_float_equal(m->mean[1], 0.25, 0);
            assert_int_equal(m->window_px, 128);
        }
        if (i == 1)
            assert_int_equal(model_class(m, "n09472597"), 2);
        model_close(&m);
    }
}

/* A head whose fc7 is large enough to stay in the file, or not. Space behind the header puts numbers where floats may be. */
static void build_large(struct builder *b, int hidden)
{
    static const int numbers[] = {0, 3, 6, 8, 11, 13, 16, 18, -1};
    for (int i = 0; numbers[i] >= 0; i++)
        add_conv(b, numbers[i], i ? 2 : 3, 2);
    add_linear(b, "classifier.0", 2 * 4, 4096);
    add_linear(b, "classifier.3", 4096, hidden);
    add_linear(b, "classifier.6", hidden, 3);
    builder_text(b, "}");
    while (b->header_size % 8)
        builder_text(b, " ");
    builder_finish(b);
}

static void write_built(const struct builder *b, const char *path)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b->file, 1, b->file_size, f), b->file_size);
    assert_int_equal(fclose(f), 0);
}

static void a_large_head_stays_in_its_file(void **state)
{
    (void)state;
    enum { LARGE = 1024, FLOATS = 4096 * LARGE };
    char folder[] = "/tmp/reverie-model-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/large.safetensors", folder);
    struct error e;
    struct model *m, *copy;
    for (int hidden = LARGE - 1; hidden <= LARGE; hidden++) {
        struct builder b = {0};
        build_large(&b, hidden);
        write_built(&b, path);
        struct weights *w;
        assert_int_equal(weights_open_memory(&w, b.file, b.file_size, "built", &e), 0);
        assert_int_equal(model_open(&copy, w, &e), 0);
        weights_close(&w);
        builder_free(&b);
        assert_int_equal(model_load(&m, path, &e), 0);
        int fc7 = m->layer_count - 2;
        assert_int_equal(m->layers[fc7].is_in_file, hidden == LARGE);
        assert_int_equal(m->file != NULL, hidden == LARGE);
        assert_false(copy->layers[fc7].is_in_file || copy->file || m->layers[fc7 - 1].is_in_file);
        assert_true(model_fingerprint(m) == model_fingerprint(copy));
        assert_memory_equal(m->layers[fc7].weight, copy->layers[fc7].weight,
                            4096 * (size_t)hidden * sizeof(float));
        model_drop_layer(&m->layers[fc7]);
        assert_null(m->layers[fc7].weight);
        model_close(&m);
        model_close(&copy);
    }
    float inf = INFINITY;
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, -(long)((FLOATS / 2 + 3 * LARGE) * sizeof inf), SEEK_END), 0);
    assert_int_equal(fwrite(&inf, 1, sizeof inf, f), sizeof inf);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(model_load(&m, path, &e), -EDOM);
    assert_null(m);
    assert_non_null(strstr(e.text, "classifier.3.weight"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void loads_the_embedded_model(void **state)
{
    (void)state;
    struct model *m, *same;
    struct error e;
    assert_int_equal(model_load(&m, NULL, &e), 0);
    assert_int_equal(m->layer_count, 16);
    assert_int_equal(m->classes, 200);
    assert_int_equal(m->window_px, 64);
    assert_int_equal(model_min_px(m), 64);
    assert_int_equal(model_map_size(m, 63), 0);
    assert_int_equal(model_map_size(m, 64), 1);
    assert_int_equal(model_map_size(m, 640), 19);
    assert_int_equal(model_class(m, "n01443537"), 0);
    assert_int_equal(model_class(m, "n01440764"), -1);
    assert_float_equal(m->std[2], 0.282, 1e-6);
    assert_string_equal(m->layers[12].name, "conv5_3");
    assert_non_null(m->layers[14].stat_std);
    assert_null(m->layers[15].stat_std);
    assert_int_equal(model_load(&same, "models/reverie-mini.safetensors", &e), 0);
    assert_memory_equal(m->layers[15].weight, same->layers[15].weight, 200 * 512 * sizeof(float));
    model_close(&same);
    model_close(&m);
    assert_int_equal(model_load(&m, "/nonexistent.safetensors", &e), -ENOENT);
    assert_null(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_vgg_family_by_its_gaps),
        cmocka_unit_test(reads_timm_names_and_square_kernels),
        cmocka_unit_test(folds_batch_norm),
        cmocka_unit_test(knows_public_files_by_their_numbers),
        cmocka_unit_test(finds_layers_behind_other_names),
        cmocka_unit_test(names_the_tensor_that_is_wrong),
        cmocka_unit_test(checks_metadata),
        cmocka_unit_test(a_large_head_stays_in_its_file),
        cmocka_unit_test(loads_the_embedded_model),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
