/*
 * net_rounding - which layers multiply in bf16, chosen when a network opens by what it costs in exactness.
 *
 * A gradient is worth its direction. Rounding on the way back bends it little, as any noise: to a cosine of 0.999
 * where every layer of a full VGG-16 does it. Rounding on the way there moves activations across zero and other pixels
 * to the top of pools, so that whole paths of the gradient are cut; the earlier the layer, the more of them
 * (bench/LOG.md has the cosine of every layer). So the way back rounds everywhere, and the way there from some
 * layer to the end, from as early a one as the gradient's cosine to fp32's on noise allows. That is searched by halves:
 * at most eight gradients of the smallest picture for a VGG-16, two where every layer may round. Only what was tried
 * is taken. Where not even the way back may round, the network stays in fp32.
 *
 * The head multiplies in floats, but its weights, most of a model, are rounded as well if that leaves the way back
 * enough: a third of their memory is saved then.
 *
 * The same model and tier give the same choice, for any picture of at least SIDE_PX and any number of threads.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/rng.h"
#include "engine/cpu/net_internal.h"

enum { SIDE_PX = 64, SEED = 18 };
/* 0.99 is what is promised; pictures differ by 0.001. */
static const double least_cosine = 0.992;

struct trial {
    struct cpu_net *net;
    int side_px;
    size_t values; /* of picture and gradients: [3][side_px][side_px] */
    float *noise, *exact, *is, *weight;
    int gradients; /* taken so far */
};

static int first_rounding(const struct cpu_net *n)
{
    return n->is_rgb_direct ? 1 : 0;
}

/* Layers from `forward` on round on the way there; on the way back all or none. */
static void round_from(struct cpu_net *n, int forward, bool is_backward, bool is_head)
{
    n->rounds_head = is_head;
    for (int i = 0; i < n->convs; i++) {
        bool can = i >= first_rounding(n);
        n->rounds[0][i] = can && i >= forward;
        n->rounds[1][i] = can && is_backward;
    }
}

static int smaller_of(int a, int b)
{
    return a < b ? a : b;
}

static void close_trial(struct trial *t)
{
    free(t->noise);
    free(t->exact);
    free(t->is);
    free(t->weight);
}

static int open_trial(struct trial *t, struct cpu_net *n, struct error *e)
{
    int least = model_min_px(n->model);
    int side = smaller_of(SIDE_PX, smaller_of(n->max_width_px, n->max_height_px));
    side = side < least ? least : side;
    size_t positions = (size_t)model_map_size(n->model, side) * (size_t)model_map_size(n->model, side);
    *t = (struct trial){.net = n, .side_px = side, .values = 3 * (size_t)side * (size_t)side};
    t->noise = buffer_alloc(t->values * sizeof(float));
    t->exact = buffer_alloc(t->values * sizeof(float));
    t->is = buffer_alloc(t->values * sizeof(float));
    t->weight = buffer_alloc(positions * sizeof(float));
    if (!t->noise || !t->exact || !t->is || !t->weight)
        return error_set(e, ENOMEM, "network: no memory to compare bf16 with fp32");
    struct rng r = rng_make(SEED, 0);
    for (size_t i = 0; i < t->values; i++)
        t->noise[i] = 255.0f * rng_uniform(&r);
    for (size_t i = 0; i < positions; i++)
        t->weight[i] = 1.0f / (float)positions;
    return 0;
}

static void take_gradient(struct trial *t, float *to)
{
    struct objective_subject subject = {0, t->weight};
    cpu_net_gradient(t->net, &(struct cpu_net_input){t->noise, t->side_px, t->side_px},
                     &(struct objective){&subject, 1, 1.0f, -1, -1, false}, to, NULL);
    t->gradients++;
}

/* Of the gradient with the layers that round now; no number where there is no gradient. */
static double cosine(struct trial *t)
{
    double both = 0, exact = 0, is = 0;
    take_gradient(t, t->is);
    for (size_t i = 0; i < t->values; i++) {
        both += (double)t->exact[i] * (double)t->is[i];
        exact += (double)t->exact[i] * (double)t->exact[i];
        is += (double)t->is[i] * (double)t->is[i];
    }
    return both / sqrt(exact * is);
}

/* Leaves the choice in rounds[][]; returns its cosine. */
static double search(struct trial *t)
{
    struct cpu_net *n = t->net;
    int low = first_rounding(n), high = n->convs; /* from `low` on is too much, from `high` on is not */
    take_gradient(t, t->exact);
    round_from(n, low, true, true);
    double best = cosine(t);
    if (best >= least_cosine)
        return best;
    bool is_head = true;
    round_from(n, high, true, is_head);
    best = cosine(t);
    if (!(best >= least_cosine)) {
        round_from(n, high, true, is_head = false);
        best = cosine(t);
    }
    if (!(best >= least_cosine)) {
        round_from(n, high, false, false);
        return 1.0;
    }
    while (high - low > 1) {
        int middle = (low + high) / 2;
        round_from(n, middle, true, is_head);
        double c = cosine(t);
        best = c >= least_cosine ? c : best;
        *(c >= least_cosine ? &high : &low) = middle;
    }
    round_from(n, high, true, is_head);
    return best;
}

/* Multiplications of the convolutions, in the sizes of the last call. */
static double share_of_rounding(const struct cpu_net *n)
{
    double all = 0, rounding = 0;
    for (int i = 0; i < n->convs; i++) {
        const struct model_layer *l = &n->model->layers[i];
        double products = (double)n->pre_w[i] * n->pre_h[i] * l->in * l->out;
        all += 2 * products;
        rounding += products * (n->rounds[0][i] + n->rounds[1][i]);
    }
    return rounding / all;
}

int cpu_net_choose_rounding(struct cpu_net *n, bool is_all, struct error *e)
{
    if (!n->bf16)
        return 0;
    if (is_all) {
        round_from(n, 0, true, true);
        n->rounding_share = share_of_rounding(n);
        return 0;
    }
    struct trial t;
    int rc = open_trial(&t, n, e);
    if (rc == 0) {
        int64_t began_us = clock_real_us();
        double is = search(&t);
        n->rounding_share = share_of_rounding(n);
        log_debug(
            "cpu",
            "%s: %.0f %% of the convolutions' multiplications, head of %d bits; the gradient's cosine to "
            "fp32's is %.4f (%d gradients tried, %.0f ms)",
            n->bf16->name, 100 * n->rounding_share, n->rounds_head ? 16 : 24, is, t.gradients,
            (double)(clock_real_us() - began_us) / 1000.0);
        if (n->rounding_share == 0) {
            n->bf16 = NULL;
            n->rounds_head = false;
        }
    }
    close_trial(&t);
    return rc;
}

double cpu_net_rounding_share(const struct cpu_net *n)
{
    return n->rounding_share;
}
