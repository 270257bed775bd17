/*
 * cmd_classify - `reverie classify`: what the network sees in pictures.
 *
 * A picture is scaled so that its shorter side is what the model calls one object (window_px) and cut square
 * in the middle; where a model has several logits on that square, their mean counts. Output is one line per
 * rank with tabs between the fields, for people and scripts alike.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "common/mem.h"
#include "engine/network.h"
#include "stream/picture.h"
#include "synsets/synsets.h"

enum { RANKS = 5 };

static const char usage[] =
    "usage: reverie classify [-m MODEL] IMAGE...\n"
    "\n"
    "Prints the five classes that the network sees most in each picture, with tabs between the fields:\n"
    "picture, rank, probability, WordNet id, name.\n"
    "\n"
    "  -m, --model MODEL   weights to use; the built-in model when absent\n"
    "      --help          this text\n";

struct classifier {
    struct model *model;
    struct pool *pool;
    struct network *network;
    int positions;       /* logits on the square, one way */
    float *square;       /* [3][window][window] */
    float *logits;       /* [classes][positions][positions] */
    double *probability; /* [classes] */
};

static void classifier_close(struct classifier *c)
{
    free(c->square);
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
    int side = c->model->window_px;
    if ((rc = pool_open(&c->pool, 1)) < 0)
        return error_set(e, -rc, "cannot start: %s", strerror(-rc));
    if ((rc = network_open(&c->network, c->model, c->pool, side, side, CPU_TIER_AUTO, e)) < 0)
        return rc;
    size_t classes = (size_t)c->model->classes;
    c->positions = model_map_size(c->model, side);
    c->square = xmalloc(3 * (size_t)side * (size_t)side * sizeof *c->square);
    c->logits = xmalloc(classes * (size_t)(c->positions * c->positions) * sizeof *c->logits);
    c->probability = xmalloc(classes * sizeof *c->probability);
    return 0;
}

/* Shorter side to `side`, then the middle square. `out` is [3][side][side]. */
static int middle_square(const float *rgb, int w, int h, int side, float *out)
{
    int shorter = w < h ? w : h;
    int sw = w == shorter ? side : (int)((int64_t)w * side / shorter);
    int sh = h == shorter ? side : (int)((int64_t)h * side / shorter);
    float *scaled = buffer_alloc(3 * (size_t)sw * (size_t)sh * sizeof *scaled);
    if (!scaled)
        return -1;
    int rc = picture_scale(rgb, w, h, scaled, sw, sh);
    int left = (sw - side) / 2, top = (sh - side) / 2;
    for (int y = 0; rc == 0 && y < 3 * side; y++)
        memcpy(out + (long)y * side, scaled + ((long)(y / side) * sh + top + y % side) * sw + left,
               (size_t)side * sizeof *out);
    free(scaled);
    return rc;
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

static int classify(struct classifier *c, const char *path)
{
    struct error e = {""};
    float *rgb;
    int w, h, side = c->model->window_px;
    if (picture_read(path, &rgb, &w, &h, &e) < 0) {
        fprintf(stderr, "reverie classify: %s\n", e.text);
        return 1;
    }
    int rc = middle_square(rgb, w, h, side, c->square);
    if (rc == 0)
        rc = network_logits(c->network, c->square, side, side, c->logits);
    free(rgb);
    if (rc < 0) {
        fprintf(stderr, "reverie classify: %s: no memory for a picture of %dx%d\n", path, w, h);
        return 1;
    }
    fill_probabilities(c);
    print_top(c, path);
    return 0;
}

int cmd_classify(int argc, char **argv)
{
    static const struct option options[] = {
        {"model", required_argument, NULL, 'm'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    const char *path = NULL;
    optind = 0; /* a new command line */
    for (int c; (c = getopt_long(argc, argv, "m:h", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (c != 'm') {
            fputs(usage, stderr);
            return 2;
        }
        path = optarg;
    }
    if (optind == argc) {
        fprintf(stderr, "reverie classify: which pictures?\n%s", usage);
        return 2;
    }
    struct classifier c;
    struct error e = {""};
    int status = 0;
    if (classifier_open(&c, path, &e) < 0) {
        fprintf(stderr, "reverie classify: %s\n", e.text);
        status = 1;
    }
    for (int i = optind; i < argc && c.network; i++)
        status |= classify(&c, argv[i]);
    classifier_close(&c);
    return status;
}
