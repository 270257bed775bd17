/*
 * names - the names that VGGs go by.
 *
 *     torchvision   features.N (N as below)        classifier.0, .3, .6; before 2017 classifier.1, .4, .6
 *     timm          features.N                     pre_logits.fc1, pre_logits.fc2, head.fc
 *     Caffe         conv1_1 ... conv5_4            fc6, fc7, fc8 (fine-tuned ones: fc8 and a suffix)
 *     nn.Sequential N                              none
 *     small nets    any of these                   classifier, fc, linear or head; or one to three classifier.N
 *
 * Without linear layers a network can still be asked for what its layers see.
 *
 * Training scripts put names in front ("module.", "module.model."), and several copies of a net may lie in
 * one checkpoint: the one with the shortest prefix is the net itself.
 *
 * Torchvision's file says nothing about pools; the numbers N do. Every convolution is followed by its ReLU,
 * so the next convolution is two places on, and three when a pool stands between; with batch norm three and
 * four. VGG-11, 13, 16 and 19 differ in nothing but these gaps. In Caffe the first number counts the blocks
 * that end with a pool.
 */
#include "engine/model/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

enum { FEATURES_MAX = 128, PART_BYTES = 40, LINEARS_MAX = 16 };

static const char *const heads[][3] = {
    {"classifier.0", "classifier.3", "classifier.6"},
    {"classifier.1", "classifier.4", "classifier.6"},
    {"pre_logits.fc1", "pre_logits.fc2", "head.fc"},
    {"fc6", "fc7", "fc8"},
};

enum { NAMED_HEADS = 2 }; /* from here on nobody else has such names */

/* What small networks call their only linear layer. */
static const char *const singles[] = {"classifier", "fc", "linear", "head.fc", "head", "output"};

/* The convolution that every family begins with, and what the others' names begin with. */
enum { FIRST_CAFFE = 2, FIRST_BARE = 3 };
static const struct first {
    const char *layer, *features;
} firsts[] = {
    {"features.0", "features."}, {"features.module.0", "features.module."}, {"conv1_1", ""}, {"0", ""}};

/* Parts that a layer's weights may be saved as. */
static const struct parts {
    const char *values, *mask, *lengths;
} parts[] = {{"weight", NULL, NULL},
             {"weight_orig", "weight_mask", NULL},
             {"weight_v", NULL, "weight_g"},
             {"parametrizations.weight.original1", NULL, "parametrizations.weight.original0"}};

const struct tensor *model_part(const struct weights *w, const char *layer, const char *part)
{
    char name[LAYER_NAME_BYTES + PART_BYTES];
    snprintf(name, sizeof name, "%s.%s", layer, part);
    return weights_find(w, name);
}

struct model_weight model_weight(const struct weights *w, const char *layer)
{
    struct model_weight found = {NULL, NULL, NULL};
    for (size_t i = 0; i < ARRAY_LEN(parts) && !found.values; i++) {
        found.values = model_part(w, layer, parts[i].values);
        found.mask = parts[i].mask ? model_part(w, layer, parts[i].mask) : NULL;
        found.lengths = parts[i].lengths ? model_part(w, layer, parts[i].lengths) : NULL;
        if ((parts[i].mask && !found.mask) || (parts[i].lengths && !found.lengths))
            found.values = NULL;
    }
    return found;
}

/* Bytes in front of `tail`, -1 when the name does not end with it behind nothing or a dot. */
static int prefix_bytes(const char *name, const char *tail)
{
    size_t n = strlen(name), t = strlen(tail);
    if (n < t || strcmp(name + n - t, tail) != 0 || (n > t && name[n - t - 1] != '.'))
        return -1;
    return (int)(n - t);
}

/* Finds the shortest prefix and which of `firsts` stands behind it; -1: none. */
static int find_prefix(char prefix[LAYER_NAME_BYTES], const struct weights *w)
{
    int shortest = LAYER_NAME_BYTES / 2, found = -1;
    prefix[0] = '\0';
    for (int i = 0; i < weights_count(w); i++)
        for (size_t k = 0; k < ARRAY_LEN(firsts) * ARRAY_LEN(parts); k++) {
            const struct tensor *t = weights_at(w, i);
            size_t first = k / ARRAY_LEN(parts);
            char tail[LAYER_NAME_BYTES];
            snprintf(tail, sizeof tail, "%s.%s", firsts[first].layer, parts[k % ARRAY_LEN(parts)].values);
            int bytes = prefix_bytes(t->name, tail);
            if (bytes < 0 || bytes >= shortest || t->dims != 4 || (first == FIRST_BARE && bytes > 0))
                continue;
            shortest = bytes;
            found = (int)first;
            memcpy(prefix, t->name, (size_t)bytes);
            prefix[bytes] = '\0';
        }
    return found;
}

/* Numbers N of the convolutions "<prefix>features.N.weight", ascending. Returns how many. */
static int find_numbers(const struct weights *w, const char *features, int numbers[FEATURES_MAX])
{
    int count = 0;
    for (int n = 0; n < FEATURES_MAX; n++) {
        char layer[LAYER_NAME_BYTES];
        snprintf(layer, sizeof layer, "%.180s%d", features, n);
        const struct tensor *t = model_weight(w, layer).values;
        if (t && t->dims == 4)
            numbers[count++] = n;
    }
    return count;
}

static int too_many(struct error *e, int count)
{
    return error_set(e, EINVAL, "%d convolutions; at most %d are expected", count, MODEL_CONVS_MAX);
}

static int name_torchvision(struct model_names *n, const struct weights *w, const char *inner,
                            struct error *e)
{
    char features[LAYER_NAME_BYTES], second[LAYER_NAME_BYTES];
    int numbers[FEATURES_MAX];
    snprintf(features, sizeof features, "%.160s%s", n->prefix, inner);
    int count = find_numbers(w, features, numbers);
    if (count > MODEL_CONVS_MAX)
        return too_many(e, count);
    snprintf(second, sizeof second, "%.180s1", features);
    bool norm = model_part(w, second, "running_var") != NULL;
    for (int i = 0; i < count; i++) {
        struct model_conv_name *c = &n->conv[i];
        snprintf(c->layer, sizeof c->layer, "%.180s%d", features, numbers[i]);
        if (norm)
            snprintf(c->norm, sizeof c->norm, "%.180s%d", features, numbers[i] + 1);
        int gap = i + 1 < count ? numbers[i + 1] - numbers[i] - norm : 3;
        if (gap != 2 && gap != 3)
            return error_set(e, EINVAL,
                             "tensor %s.weight: a convolution, its ReLU and at most one pool are expected "
                             "before the next convolution, %s%d",
                             c->layer, features, numbers[i + 1]);
        c->pool_after = gap == 3;
    }
    n->convolutions = count;
    return 0;
}

/* Batch norm of a net that somebody wrote with Caffe's names. */
static void name_norm(struct model_names *n, const struct weights *w, int block, int in_block)
{
    char *norm = n->conv[n->convolutions].norm;
    snprintf(norm, LAYER_NAME_BYTES, "%.160sbn%d_%d", n->prefix, block, in_block);
    if (!model_part(w, norm, "running_var"))
        norm[0] = '\0';
}

static int name_caffe(struct model_names *n, const struct weights *w, struct error *e)
{
    for (int block = 1, in_block = 1; n->convolutions < MODEL_CONVS_MAX;) {
        struct model_conv_name *c = &n->conv[n->convolutions];
        snprintf(c->layer, sizeof c->layer, "%.160sconv%d_%d", n->prefix, block, in_block);
        if (model_weight(w, c->layer).values) {
            name_norm(n, w, block, in_block);
            n->convolutions++;
            in_block++;
            continue;
        }
        if (in_block == 1) /* the block before was the last */
            return 0;
        n->conv[n->convolutions - 1].pool_after = true;
        block++;
        in_block = 1;
    }
    return too_many(e, n->convolutions + 1);
}

/* fc8 of a fine-tuned net has a suffix, so that Caffe does not load the old one into it. */
static void name_last(struct model_names *n, const struct weights *w)
{
    size_t bytes = strlen(n->head[2]);
    for (int i = 0; i < weights_count(w); i++) {
        const char *name = weights_at(w, i)->name;
        size_t all = strlen(name);
        if (all > bytes + 7 && strncmp(name, n->head[2], bytes) == 0 &&
            strcmp(name + all - 7, ".weight") == 0 && all - 7 < LAYER_NAME_BYTES) {
            memcpy(n->head[2], name, all - 7);
            n->head[2][all - 7] = '\0';
            return;
        }
    }
}

/* A head of three, by its first layer and, where others have names like these too, its last. What is missing between
 * them shows when it is read. */
static bool name_family(struct model_names *n, const struct weights *w)
{
    for (size_t family = 0; family < ARRAY_LEN(heads); family++) {
        for (int i = 0; i < 3; i++)
            snprintf(n->head[i], sizeof n->head[i], "%.160s%s", n->prefix, heads[family][i]);
        if (!model_weight(w, n->head[0]).values)
            continue;
        if (n->caffe && !model_weight(w, n->head[2]).values)
            name_last(n, w);
        if (family >= NAMED_HEADS || model_weight(w, n->head[2]).values)
            return true;
    }
    return false;
}

static bool is_linear(const struct weights *w, const char *layer)
{
    const struct tensor *t = model_weight(w, layer).values;
    return t && (t->dims == 2 || t->dims == 4);
}

/* The head: of a family, or one to three linear layers under "classifier.N", or a single one. */
static void name_head(struct model_names *n, const struct weights *w)
{
    n->heads = name_family(n, w) ? 3 : 0;
    for (int i = 0, counts = n->heads == 0; counts && i < LINEARS_MAX && n->heads < 3; i++) {
        snprintf(n->head[n->heads], sizeof n->head[0], "%.160sclassifier.%d", n->prefix, i);
        n->heads += is_linear(w, n->head[n->heads]);
    }
    for (size_t i = 0; n->heads == 0 && i < ARRAY_LEN(singles); i++) {
        snprintf(n->head[0], sizeof n->head[0], "%.160s%s", n->prefix, singles[i]);
        n->heads = is_linear(w, n->head[0]);
    }
}

int model_find_names(struct model_names *n, const struct weights *w, struct error *e)
{
    *n = (struct model_names){0};
    int first = find_prefix(n->prefix, w);
    if (first < 0)
        return error_set(
            e, EINVAL,
            "there is neither a tensor features.0.weight nor conv1_1.weight of four dimensions; a "
            "VGG in the layout of torchvision, timm or Caffe is expected");
    n->caffe = first == FIRST_CAFFE;
    int rc = n->caffe ? name_caffe(n, w, e) : name_torchvision(n, w, firsts[first].features, e);
    if (rc == 0 && n->convolutions == 0)
        return error_set(
            e, EINVAL,
            "the weights of %.160s%s are not whole: weight_orig goes with weight_mask, weight_v with weight_g",
            n->prefix, firsts[first].layer);
    if (rc == 0)
        name_head(n, w);
    return rc;
}
