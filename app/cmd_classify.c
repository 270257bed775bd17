/*
 * cmd_classify - `reverie classify`: what the network sees in pictures.
 *
 * A picture is scaled so that its shorter side is what the model calls one object (window_px) and cut square
 * in the middle; or, with --whole, it is taken as it is. Where a model has several logits on that, their mean
 * counts. Output is one line per rank with tabs between the fields, for people and scripts alike.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "app/dream_args.h"
#include "app/fence.h"
#include "app/picture_fit.h"
#include "common/mem.h"
#include "common/text.h"
#include "engine/cpu/net.h"
#include "stream/picture.h"
#include "synsets/synsets.h"

enum { RANKS = 5 };

struct classifier {
    struct model *model;
    struct pool *pool;
    struct cpu_net *net;
    bool whole;
    struct option_size size; /* of the square, or with `whole` of the largest picture each way */
    float *logits;           /* [classes][largest map] */
    double *probability;     /* [classes] */
};

static void classifier_close(struct classifier *c)
{
    free(c->logits);
    free(c->probability);
    cpu_net_close(&c->net);
    pool_close(&c->pool);
    model_close(&c->model);
}

/* Each side's largest among the pictures, at least the smallest that the model takes. What cannot be read is
 * left to classify(), which says so. */
static struct option_size largest(const struct model *m, char **paths, int count)
{
    struct option_size size = {model_min_px(m), model_min_px(m)};
    for (int i = 0; i < count; i++) {
        float *rgb;
        int w, h;
        struct error e;
        if (picture_read(paths[i], &rgb, &w, &h, &e) < 0)
            continue;
        free(rgb);
        size.width_px = w > size.width_px ? w : size.width_px;
        size.height_px = h > size.height_px ? h : size.height_px;
    }
    return size;
}

static int classifier_open(struct classifier *c, const struct dream_config *config, bool whole, char **paths,
                           int count, struct error *e)
{
    *c = (struct classifier){.whole = whole};
    int rc = dream_load_model(&c->model, config, e);
    if (rc < 0)
        return rc;
    if (c->model->is_headless)
        return error_set(e, EINVAL, "%s: its file has no classes to see", c->model->name);
    c->model->serves_once = true;
    int side = c->model->window_px;
    c->size = whole ? largest(c->model, paths, count) : (struct option_size){side, side};
    if ((rc = pool_open(&c->pool, 1)) < 0)
        return error_set(e, -rc, "cannot start: %s", strerror(-rc));
    int w = c->size.width_px, h = c->size.height_px;
    const struct cpu_net_params params = {c->model, c->pool, w, h, CPU_TIER_AUTO, 0, false};
    if ((rc = cpu_net_open(&c->net, &params, e)) < 0)
        return rc;
    size_t classes = (size_t)c->model->classes;
    size_t positions = (size_t)model_map_size(c->model, w) * (size_t)model_map_size(c->model, h);
    c->logits = buffer_alloc(classes * positions * sizeof *c->logits);
    c->probability = xmalloc(classes * sizeof *c->probability);
    return c->logits ? 0 : error_set(e, ENOMEM, "no memory for the logits of %dx%d", w, h);
}

static void fill_probabilities(struct classifier *c, int positions)
{
    int classes = c->model->classes;
    double top = -INFINITY, sum = 0;
    for (int k = 0; k < classes; k++) {
        double mean = 0;
        for (int p = 0; p < positions; p++)
            mean += (double)c->logits[(long)k * positions + p] / positions;
        c->probability[k] = mean;
        top = fmax(top, mean);
    }
    for (int k = 0; k < classes; k++)
        sum += c->probability[k] = exp(c->probability[k] - top);
    for (int k = 0; k < classes; k++)
        c->probability[k] /= sum;
}

static void print_top(struct classifier *c, const char *path)
{
    for (int rank = 1; rank <= RANKS && rank <= c->model->classes; rank++) {
        int best = 0;
        for (int k = 1; k < c->model->classes; k++)
            if (c->probability[k] > c->probability[best])
                best = k;
        char number[16];
        snprintf(number, sizeof number, "#%d", best);
        const char *wnid = c->model->wnids ? c->model->wnids[best] : number;
        int synset = synsets_by_wnid(wnid);
        const char *label = c->model->labels ? c->model->labels[best] : "-";
        printf("%s\t%d\t%.4f\t%s\t%s\n", text_shown(path).text, rank, c->probability[best], wnid,
               synset >= 0 ? synset_table[synset].names[0] : label);
        c->probability[best] = -1;
    }
}

static int classify(struct classifier *c, const char *path, struct error *e)
{
    int w = c->size.width_px, h = c->size.height_px;
    float *rgb; /* [3][h][w] */
    int rc = c->whole ? picture_read(path, &rgb, &w, &h, e) : picture_fit_file(path, c->size, &rgb, e);
    if (rc < 0)
        return rc;
    int least = model_min_px(c->model);
    if (w < least || h < least)
        rc = error_set(e, ERANGE, "%s: %dx%d; the model needs %d pixels on both sides", path, w, h, least);
    else if ((rc = cpu_net_logits(c->net, &(struct cpu_net_input){rgb, w, h}, c->logits)) <
             0) /* replaced by a larger one */
        error_set(e, -rc, "%s: %s", path, strerror(-rc));
    free(rgb);
    if (rc < 0)
        return rc;
    fill_probabilities(c, model_map_size(c->model, w) * model_map_size(c->model, h));
    print_top(c, path);
    return 0;
}

struct arguments {
    bool whole;
    struct dream_config dream;
};

static const struct arg arguments[] = {
    ARG_DREAM_MODEL,
    ARG_DREAM_LABELS,
    ARG_DREAM_PREPROCESSING,
    ARG_FLAG(0, "whole", struct arguments, whole,
             "the picture as it is, instead of the middle at the size of one object"),
    ARG_DREAM_SET,
};

static int parse_arguments(struct arguments *a, int argc, char **argv, int *first)
{
    const struct config_entry entry = {&dream_section, &a->dream};
    const struct config config = {.entries = &entry, .count = 1};
    const struct args_command command = {
        .name = "classify",
        .operands = "IMAGE...",
        .text =
            "Prints the five classes that the network sees most in each picture, with tabs between the fields:\n"
            "picture, rank, probability, WordNet id (or #N, the class's number), name.\n",
        .args = arguments,
        .count = ARRAY_LEN(arguments),
        .values = a,
        .config = &config};
    config_defaults(&config);
    int rc = args_parse(&command, argc, argv, first);
    return rc == ARGS_OK && *first == argc ? args_fault(&command, "which pictures?") : rc;
}

int cmd_classify(int argc, char **argv)
{
    struct arguments a;
    int first, status = parse_arguments(&a, argc, argv, &first);
    if (status != ARGS_OK)
        return status;
    fence_command(NULL);
    struct classifier c;
    struct error e = {""};
    bool open = classifier_open(&c, &a.dream, a.whole, argv + first, argc - first, &e) == 0;
    status = open ? 0 : args_failed("classify", &e);
    for (int i = first; open && i < argc; i++)
        if (classify(&c, argv[i], &e) < 0)
            status = args_failed("classify", &e);
    classifier_close(&c);
    return status;
}
