/*
 * preprocess - see preprocess.h.
 *
 * Two families are about. The networks of 2014 (Oxford) take blue, green, red in 0..255 minus a mean colour;
 * torchvision's of 2017 take red, green, blue in 0..1, minus a mean, over a deviation. The engine computes
 * (x / 255 - mean) / std of RGB for both: the deviation of the first is 1/255, and its order of colours goes
 * into conv1_1, whose planes are swapped once. The mean does not go into conv1_1: the zeros around the
 * picture stand for the mean, and would no longer.
 *
 * Who is asked, in this order: the file's metadata; a normaliser that was saved with the network; the numbers
 * themselves, because Oxford's filters travel in all formats (the first filter of conv1_1 is known); the
 * format's family.
 */
#include "engine/model/preprocess.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

struct family {
    const char *name;
    bool bgr; /* order of conv1_1's planes */
    float mean[3], std[3];
};

#define OXFORD_MEAN                                                                                          \
    {                                                                                                        \
        123.68f / 255, 116.779f / 255, 103.939f / 255                                                        \
    }
#define OXFORD_STD                                                                                           \
    {                                                                                                        \
        1.0f / 255, 1.0f / 255, 1.0f / 255                                                                   \
    }
/* In 2015 one number was taken from all three colours: the mean of the mean picture
 * (docs/original-2015.md, item 32). */
#define OXFORD_GREY ((123.68f + 116.779f + 103.939f) / 3 / 255)
#define OXFORD_GREYS                                                                                         \
    {                                                                                                        \
        OXFORD_GREY, OXFORD_GREY, OXFORD_GREY                                                                \
    }
static const struct family families[] = {
    {"torchvision", false, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}},
    {"caffe", true, OXFORD_MEAN, OXFORD_STD},
    {"caffe-rgb", false, OXFORD_MEAN, OXFORD_STD},
    {"caffe-grey", true, OXFORD_GREYS, OXFORD_STD},
    {"caffe-rgb-grey", false, OXFORD_GREYS, OXFORD_STD},
};
/* One plane: the means of torchvision's three. */
static const struct family grey = {"grey", false, {0.449f, 0.449f, 0.449f}, {0.226f, 0.226f, 0.226f}};
enum { FAMILY_TORCHVISION, FAMILY_CAFFE, FAMILY_CAFFE_RGB };

/* The beginning of conv1_1's first filter in files that are known: printed by others who have them. */
static const struct fingerprint {
    const char *name;
    int family, convolutions, classes;
    int count;
    float first[9]; /* [kh][kw] of the first plane */
} fingerprints[] = {
    {"torchvision vgg16",
     FAMILY_TORCHVISION,
     13,
     1000,
     9,
     {-0.5537f, 0.1427f, 0.5290f, -0.5831f, 0.3566f, 0.7657f, -0.6902f, -0.0480f, 0.4841f}},
    {"Oxford VGG-16",
     FAMILY_CAFFE,
     13,
     1000,
     9,
     {0.42947057f, 0.373467f, -0.06136011f, 0.27476987f, 0.03868078f, -0.36722335f, -0.05746817f,
      -0.26224968f, -0.35009676f}},
    {"Oxford VGG-16, RGB", FAMILY_CAFFE_RGB, 13, 1000, 1, {0.4800154f}},
};
#define FINGERPRINT_TOLERANCE 1e-4

/* A decimal fraction such as "0.4802" in the C locale, without strtod's dependence on the user's locale. */
static const char *parse_decimal(const char *s, float *out)
{
    double value = 0, place = 1;
    int digits = 0;
    bool minus = *s == '-';
    bool behind_point = false;
    for (s += minus; (*s >= '0' && *s <= '9') || (*s == '.' && !behind_point); s++) {
        if (*s == '.') {
            behind_point = true;
            continue;
        }
        value = value * 10 + (*s - '0');
        place *= behind_point ? 10 : 1;
        if (++digits > 15)
            return NULL;
    }
    *out = (float)((minus ? -value : value) / place);
    return digits ? s : NULL;
}

/* "a,b,c" under `key` into out[3]; the default stays when the key is absent. */
static int read_triple(const struct weights *w, const char *key, float out[3], struct error *e)
{
    const char *text = weights_metadata(w, key), *s = text;
    if (!text)
        return 0;
    for (int i = 0; i < 3; i++) {
        s = parse_decimal(s, &out[i]);
        if (!s || *s != (i < 2 ? ',' : '\0'))
            return error_set(e, EINVAL, "metadata %s: \"%.40s\"; three decimals with commas are expected",
                             key, text);
        s++;
    }
    return 0;
}

static int read_metadata(struct model *m, const struct weights *w, struct error *e)
{
    int rc = read_triple(w, "reverie.mean", m->mean, e);
    if (rc == 0)
        rc = read_triple(w, "reverie.std", m->std, e);
    if (rc < 0)
        return rc;
    for (int i = 0; i < 3; i++)
        if (!(m->std[i] >= 1e-4f))
            return error_set(e, EINVAL, "metadata reverie.std: %g; a positive number is expected",
                             (double)m->std[i]);
    const char *order = weights_metadata(w, "reverie.channels");
    if (order && strcmp(order, "rgb") != 0 && strcmp(order, "bgr") != 0)
        return error_set(e, EINVAL, "metadata reverie.channels: \"%.40s\"; rgb or bgr is expected", order);
    if (order)
        m->bgr = order[0] == 'b';
    return 0;
}

/* robustness (MadryLab) saves its normaliser beside the network: module.normalizer next to module.model. */
static int read_normaliser(struct model *m, const struct weights *w, const struct model_names *n,
                           struct error *e)
{
    char layer[LAYER_NAME_BYTES];
    static const char inner[] = "model.";
    size_t bytes = strlen(n->prefix), tail = sizeof inner - 1;
    if (bytes < tail || strcmp(n->prefix + bytes - tail, inner) != 0)
        return 0;
    snprintf(layer, sizeof layer, "%.*snormalizer", (int)(bytes - tail), n->prefix);
    const struct tensor *mean = model_part(w, layer, "new_mean"), *std = model_part(w, layer, "new_std");
    if (!mean || !std || mean->elements != 3 || std->elements != 3)
        return 0;
    tensor_to_float(mean, 0, 3, m->mean);
    tensor_to_float(std, 0, 3, m->std);
    for (int i = 0; i < 3; i++)
        if (!isfinite(m->mean[i]) || !(m->std[i] >= 1e-4f) || !isfinite(m->std[i]))
            return error_set(e, EDOM,
                             "tensor %s.new_std: a mean and a deviation that can be divided by are expected",
                             layer);
    return 0;
}

static bool carries(const struct model *m, const struct fingerprint *f)
{
    const struct model_layer *l = &m->layers[0];
    if (m->layer_count - 3 != f->convolutions || (m->classes != f->classes && !m->is_headless))
        return false;
    for (int i = 0; i < f->count; i++)
        if (!(fabs((double)l->weight[i] - (double)f->first[i]) <= FINGERPRINT_TOLERANCE))
            return false;
    return true;
}

static void apply(struct model *m, const struct family *f)
{
    memcpy(m->mean, f->mean, sizeof m->mean);
    memcpy(m->std, f->std, sizeof m->std);
    m->bgr = f->bgr;
    snprintf(m->family, sizeof m->family, "%s", f->name);
}

/* Exchanges the first and the last plane of each filter of conv1_1. */
static void swap_planes(struct model_layer *l)
{
    for (int o = 0; o < l->out; o++)
        for (int i = 0; i < 9; i++) {
            float *a = l->weight + (size_t)o * 27 + i, *b = a + 18;
            float keep = *a;
            *a = *b;
            *b = keep;
        }
}

int model_read_preprocessing(struct model *m, const struct weights *w, const struct model_names *n,
                             struct error *e)
{
    apply(m, &families[n->caffe ? FAMILY_CAFFE : FAMILY_TORCHVISION]);
    for (size_t i = 0; i < ARRAY_LEN(fingerprints); i++)
        if (carries(m, &fingerprints[i])) {
            apply(m, &families[fingerprints[i].family]);
            snprintf(m->family, sizeof m->family, "%s", fingerprints[i].name);
            break;
        }
    if (m->is_grey)
        apply(m, &grey);
    int rc = read_normaliser(m, w, n, e);
    if (rc == 0)
        rc = read_metadata(m, w, e);
    if (rc == 0 && m->bgr)
        swap_planes(&m->layers[0]);
    return rc;
}

int model_set_preprocessing(struct model *m, const char *name, struct error *e)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        if (strcmp(families[i].name, name) == 0) {
            if (families[i].bgr != m->bgr)
                swap_planes(&m->layers[0]);
            apply(m, &families[i]);
            return 0;
        }
    return error_set(
        e, EINVAL,
        "there is no preprocessing \"%.40s\"; torchvision, caffe, caffe-rgb, caffe-grey or caffe-rgb-grey is "
        "expected",
        name);
}
