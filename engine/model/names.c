/*
 * names - the names that VGGs go by.
 *
 *     torchvision   features.N (N as below)        classifier.0, .3, .6; before 2017 classifier.1, .4, .6
 *     timm          features.N                     pre_logits.fc1, pre_logits.fc2, head.fc
 *     Caffe         conv1_1 ... conv5_4            fc6, fc7, fc8 (fine-tuned ones: fc8 and a suffix)
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

enum { FEATURES_MAX = 128, PART_BYTES = 16 };

static const char *const heads[][3] = {
    {"classifier.0", "classifier.3", "classifier.6"},
    {"classifier.1", "classifier.4", "classifier.6"},
    {"pre_logits.fc1", "pre_logits.fc2", "head.fc"},
    {"fc6", "fc7", "fc8"},
};

/* The convolution that every family begins with. */
static const char *const firsts[] = {"features.0.weight", "features.module.0.weight", "conv1_1.weight"};

const struct tensor *model_part(const struct weights *w, const char *layer, const char *part)
{
    char name[LAYER_NAME_BYTES + PART_BYTES];
    snprintf(name, sizeof name, "%s.%s", layer, part);
    return weights_find(w, name);
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
        for (size_t k = 0; k < ARRAY_LEN(firsts); k++) {
            const struct tensor *t = weights_at(w, i);
            int bytes = prefix_bytes(t->name, firsts[k]);
            if (bytes < 0 || bytes >= shortest || t->dims != 4)
                continue;
            shortest = bytes;
            found = (int)k;
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
        const struct tensor *t = model_part(w, layer, "weight");
        if (t && t->dims == 4)
            numbers[count++] = n;
    }
    return count;
}

static int too_many(struct error *e, int count)
{
    return error_set(e, EINVAL, "%d convolutions; at most %d are expected", count, MODEL_CONVS_MAX);
}

static int name_torchvision(struct model_names *n, const struct weights *w, bool wrapped, struct error *e)
{
    char features[LAYER_NAME_BYTES], second[LAYER_NAME_BYTES];
    int numbers[FEATURES_MAX];
    snprintf(features, sizeof features, "%.160s%s", n->prefix, wrapped ? "features.module." : "features.");
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

static int name_caffe(struct model_names *n, const struct weights *w, struct error *e)
{
    for (int block = 1, in_block = 1; n->convolutions < MODEL_CONVS_MAX;) {
        struct model_conv_name *c = &n->conv[n->convolutions];
        snprintf(c->layer, sizeof c->layer, "%.160sconv%d_%d", n->prefix, block, in_block);
        if (model_part(w, c->layer, "weight")) {
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

/* The head that begins with what is there; whether the rest is there shows when it is read. */
static void name_head(struct model_names *n, const struct weights *w)
{
    for (size_t family = 0; family < ARRAY_LEN(heads); family++) {
        for (int i = 0; i < 3; i++)
            snprintf(n->head[i], sizeof n->head[i], "%.160s%s", n->prefix, heads[family][i]);
        if (!model_part(w, n->head[0], "weight"))
            continue;
        if (n->caffe && !model_part(w, n->head[2], "weight"))
            name_last(n, w);
        return;
    }
    snprintf(n->head[0], sizeof n->head[0], "%.160s%s", n->prefix, n->caffe ? "fc6" : "classifier.0");
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
    n->caffe = first == 2;
    int rc = n->caffe ? name_caffe(n, w, e) : name_torchvision(n, w, first == 1, e);
    if (rc == 0)
        name_head(n, w);
    return rc;
}
