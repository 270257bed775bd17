/*
 * cmd_classify - `reverie classify`: what the network sees in pictures.
 *
 * A picture is scaled so that its shorter side is what the model calls one object (window_px) and cut square
 * in the middle; where a model has several logits on that square, their mean counts. Output is one line per
 * rank with tabs between the fields, for people and scripts alike.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/cover.h"
#include "common/mem.h"
#include "engine/network.h"
#include "synsets/synsets.h"

enum { RANKS = 5 };

struct classifier {
    struct model *model;
    struct pool *pool;
    struct network *network;
    int positions;       /* logits on the square, one way */
    float *logits;       /* [classes][positions][positions] */
    double *probability; /* [classes] */
};

static void classifier_close(struct classifier *c)
{
    free(c->logits);
    free(c->probability);
    network_close(&c->network);
    pool_close(&c->pool);
    model_close(&c->model);
}

static int classifier_open(struct classifier *c, const char *path, struct error *e)
{
    *c = (struct classifier){0};
    int rc = model_load(&c->model, path, e);
    if (rc < 0)
        return rc;
    c->model->serves_once = true;
    int side = c->model->window_px;
    if ((rc = pool_open(&c->pool, 1)) < 0)
        return error_set(e, -rc, "cannot start: %s", strerror(-rc));
    if ((rc = network_open(&c->network, c->model, c->pool, side, side, CPU_TIER_AUTO, e)) < 0)
        return rc;
    size_t classes = (size_t)c->model->classes;
    c->positions = model_map_size(c->model, side);
    c->logits = xmalloc(classes * (size_t)(c->positions * c->positions) * sizeof *c->logits);
    c->probability = xmalloc(classes * sizeof *c->probability);
    return 0;
}

static void fill_probabilities(struct classifier *c)
{
    int classes = c->model->classes, positions = c->positions * c->positions;
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
        const char *wnid = c->model->wnids ? c->model->wnids[best] : NULL;
        int synset = wnid ? synsets_by_wnid(wnid) : c->model->classes == SYNSET_COUNT ? best : -1;
        printf("%s\t%d\t%.4f\t%s\t%s\n", path, rank, c->probability[best],
               wnid          ? wnid
               : synset >= 0 ? synset_table[synset].wnid
                             : "-",
               synset >= 0 ? synset_table[synset].names[0] : "-");
        c->probability[best] = -1;
    }
}

static int classify(struct classifier *c, const char *path, struct error *e)
{
    int side = c->model->window_px;
    float *square; /* [3][side][side] */
    int rc = cover_file(path, (struct option_size){side, side}, &square, e);
    if (rc < 0)
        return rc;
    rc = network_logits(c->network, square, side, side, c->logits);
    free(square);
    if (rc < 0)
        return error_set(e, -rc, "%s: %s", path, strerror(-rc));
    fill_probabilities(c);
    print_top(c, path);
    return 0;
}

static int fail(const struct error *e)
{
    fprintf(stderr, "reverie classify: %s\n", e->text);
    return 1;
}

int cmd_classify(int argc, char **argv)
{
    const char *path = NULL;
    const struct arg args[] = {
        {'m', "model", "FILE", ARG_STRING, &path, 0, 0, "weights to use; without it the embedded model"},
    };
    const struct args_command command = {
        "classify",
        "IMAGE...",
        "Prints the five classes that the network sees most in each picture, with tabs between the fields:\n"
        "picture, rank, probability, WordNet id, name.\n",
        args,
        (int)ARRAY_LEN(args),
        NULL};
    int first;
    int status = args_parse(&command, argc, argv, &first);
    if (status != ARGS_OK)
        return status;
    if (first == argc)
        return args_fault(&command, "which pictures?");

    struct classifier c;
    struct error e = {""};
    bool open = classifier_open(&c, path, &e) == 0;
    status = open ? 0 : fail(&e);
    for (int i = first; open && i < argc; i++)
        if (classify(&c, argv[i], &e) < 0)
            status = fail(&e);
    classifier_close(&c);
    return status;
}
