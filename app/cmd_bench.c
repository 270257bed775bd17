/*
 * cmd_bench - how fast the network runs here, as JSON on stdout.
 *
 * For each size it takes gradient steps for a while and reports the median, the stages of the network, and
 * the rate at which a direct convolution would have had to compute to be as fast ("effective"), beside what
 * sgemm reaches on the same threads: their ratio says how good the engine is, whatever the machine.
 */
#include "app/cmd_bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/rng.h"
#include "engine/matrix_rate.h"
#include "engine/model_random.h"
#include "engine/network.h"

enum { STEPS_MIN = 3, STEPS_MAX = 1000, SIZES_MAX = 8, SIDE_MAX_PX = 8192, THREADS_MAX = 256 };
static const int64_t measure_us = 2000000;

struct size {
    int w, h;
};

struct bench {
    const char *model_path;
    const char *random; /* "quarter", "full" or NULL */
    struct size sizes[SIZES_MAX];
    int size_count;
    int threads;
    enum cpu_tier tier;
};

static const char usage[] =
    "usage: reverie bench [-m MODEL | --random quarter|full] [--size WxH]... [--threads N] [--tier T]\n"
    "Measures gradient steps of the network and prints JSON.\n"
    "  -m, --model MODEL   weights to measure with (default: the embedded model)\n"
    "      --random WIDTH  random weights instead: quarter (shapes of the embedded model) or full (VGG-16)\n"
    "      --size WxH      picture size; may be repeated (default: 224x224, 640x360, 1280x720)\n"
    "      --threads N     default: one per core\n"
    "      --tier T        auto, c, avx2 or avx512 (default: auto)\n"
    "  -h, --help\n";

/* ---- Arguments ---- */

static int usage_error(const char *what, const char *value)
{
    fprintf(stderr, "reverie bench: %s: %s\n%s", what, value, usage);
    return 2;
}

static bool parse_int(const char *s, int min, int max, int *out, const char **end)
{
    char *after;
    errno = 0;
    long v = strtol(s, &after, 10);
    if (errno || after == s || *s < '0' || *s > '9' || v < min || v > max)
        return false;
    *out = (int)v;
    *end = after;
    return true;
}

static bool parse_size(const char *s, struct size *out)
{
    return parse_int(s, 1, SIDE_MAX_PX, &out->w, &s) && *s++ == 'x' &&
           parse_int(s, 1, SIDE_MAX_PX, &out->h, &s) && *s == '\0';
}

static bool parse_tier(const char *s, enum cpu_tier *out)
{
    static const char *const names[] = {"auto", "c", "avx2", "avx512"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(s, names[i]) == 0) {
            *out = (enum cpu_tier)i;
            return true;
        }
    return false;
}

/* 0 to go on, 2 for wrong usage, -1 when help was all that was wanted. */
static int parse_arguments(int argc, char **argv, struct bench *b)
{
    enum { RANDOM = 1000, SIZE, THREADS, TIER };
    static const struct option options[] = {
        {"model", required_argument, NULL, 'm'},
        {"random", required_argument, NULL, RANDOM},
        {"size", required_argument, NULL, SIZE},
        {"threads", required_argument, NULL, THREADS},
        {"tier", required_argument, NULL, TIER},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *end;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "m:h", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            return -1;
        } else if (c == 'm') {
            b->model_path = optarg;
        } else if (c == RANDOM) {
            if (strcmp(optarg, "quarter") != 0 && strcmp(optarg, "full") != 0)
                return usage_error("--random is quarter or full, not", optarg);
            b->random = optarg;
        } else if (c == SIZE) {
            if (b->size_count == SIZES_MAX)
                return usage_error("too many sizes at", optarg);
            if (!parse_size(optarg, &b->sizes[b->size_count++]))
                return usage_error("--size is WIDTHxHEIGHT, 1 to 8192 each, not", optarg);
        } else if (c == THREADS) {
            if (!parse_int(optarg, 1, THREADS_MAX, &b->threads, &end) || *end)
                return usage_error("--threads is 1 to 256, not", optarg);
        } else if (c == TIER) {
            if (!parse_tier(optarg, &b->tier))
                return usage_error("--tier is auto, c, avx2 or avx512, not", optarg);
        } else {
            fputs(usage, stderr);
            return 2;
        }
    }
    return optind < argc ? usage_error("unexpected argument", argv[optind]) : 0;
}

/* ---- Measuring ---- */

struct result {
    int steps;
    double median_ms, best_ms;
    double logits_ms;
};

/* Multiply-adds of a direct computation of one gradient step (forward and back to the picture), as GFLOP.
 * fc8 counts once: its forward pass is not needed. */
static double direct_gflop(const struct model *m, int w, int h, bool convs_only)
{
    double sum = 0;
    for (int i = 0; i < m->layer_count; i++) {
        const struct model_layer *l = &m->layers[i];
        bool is_head = i >= m->layer_count - 3;
        if (i == m->layer_count - 3) {
            w -= l->kernel - 1;
            h -= l->kernel - 1;
        }
        double ways = i == m->layer_count - 1 ? 1 : 2;
        if (!is_head || !convs_only)
            sum += ways * 2 * l->in * l->out * l->kernel * l->kernel * (double)w * h;
        w /= l->pool_after ? 2 : 1;
        h /= l->pool_after ? 2 : 1;
    }
    return sum / 1e9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Steps for `measure_us`, after one to warm up. Adds up the stages' times into stage_ms. */
static void measure(struct network *n, const struct size *s, const struct objective *o, const float *x,
                    float *grad, double *stage_ms, struct result *r)
{
    static double step_ms[STEPS_MAX];
    network_gradient(n, x, s->w, s->h, o, grad, NULL);
    int64_t began_us = clock_real_us();
    r->steps = 0;
    while (r->steps < STEPS_MAX && (r->steps < STEPS_MIN || clock_real_us() - began_us < measure_us)) {
        int64_t start_us = clock_real_us();
        network_gradient(n, x, s->w, s->h, o, grad, NULL);
        step_ms[r->steps++] = (double)(clock_real_us() - start_us) / 1000.0;
        int count;
        const struct network_timing *t = network_timings(n, &count);
        for (int i = 0; i < count; i++)
            stage_ms[i] += t[i].ms;
    }
    qsort(step_ms, (size_t)r->steps, sizeof *step_ms, by_value);
    r->median_ms = step_ms[r->steps / 2];
    r->best_ms = step_ms[0];
}

static void print_result(const struct network *n, const struct model *m, const struct size *s,
                         const double *stage_ms, const struct result *r, double sgemm, bool is_last)
{
    double all = direct_gflop(m, s->w, s->h, false);
    printf("    {\"width_px\": %d, \"height_px\": %d, \"steps\": %d, \"step_ms\": %.3f, "
           "\"best_step_ms\": %.3f, \"steps_per_s\": %.2f,\n",
           s->w, s->h, r->steps, r->median_ms, r->best_ms, 1000.0 / r->median_ms);
    printf("     \"direct_gflop\": %.3f, \"direct_conv_gflop\": %.3f, \"effective_gflops\": %.1f, "
           "\"ratio_to_sgemm\": %.3f, \"network_bytes\": %zu,\n",
           all, direct_gflop(m, s->w, s->h, true), all / r->median_ms * 1000.0,
           sgemm > 0 ? all / r->median_ms * 1000.0 / sgemm : 0.0, network_bytes(n));
    printf("     \"stages_ms\": {");
    int count;
    const struct network_timing *t = network_timings(n, &count);
    for (int i = 0; i < count; i++)
        printf("%s\"%s\": %.3f", i ? ", " : "", t[i].stage, stage_ms[i] / r->steps);
    printf("}}%s\n", is_last ? "" : ",");
}

static int bench_size(const struct bench *b, const struct model *m, struct pool *pool, int index,
                      double sgemm, struct error *e)
{
    const struct size *s = &b->sizes[index];
    struct network *n = NULL;
    int rc = network_open(&n, m, pool, s->w, s->h, b->tier, e);
    if (rc < 0)
        return rc;
    size_t values = 3 * (size_t)s->w * (size_t)s->h;
    size_t positions = (size_t)model_map_size(m, s->w) * (size_t)model_map_size(m, s->h);
    float *x = buffer_alloc(2 * values * sizeof *x), *weight = buffer_alloc(positions * sizeof *weight);
    if (x && weight) {
        double stage_ms[64] = {0};
        struct result r;
        struct rng random = rng_make(1, 0);
        for (size_t i = 0; i < values; i++)
            x[i] = 255.0f * rng_uniform(&random);
        for (size_t i = 0; i < positions; i++)
            weight[i] = 1.0f / (float)positions;
        struct objective_subject subject = {0, weight};
        struct objective o = {&subject, 1, 1.0f, -1, -1};
        measure(n, s, &o, x, x + values, stage_ms, &r);
        print_result(n, m, s, stage_ms, &r, sgemm, index == b->size_count - 1);
    } else {
        rc = error_set(e, ENOMEM, "bench: no memory for pictures of %dx%d", s->w, s->h);
    }
    free(x);
    free(weight);
    network_close(&n);
    return rc;
}

static double peak_rss_mb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024.0;
}

/* The name of the best or asked-for tier, found by opening the smallest network. */
static int tier_name(const struct bench *b, const struct model *m, struct pool *pool, const char **name,
                     struct error *e)
{
    struct network *n;
    int side = model_min_px(m), rc = network_open(&n, m, pool, side, side, b->tier, e);
    if (rc == 0)
        *name = network_tier_name(n); /* a constant */
    network_close(&n);
    return rc;
}

static int run(const struct bench *b, const struct model *m, struct error *e)
{
    struct pool *pool;
    const char *tier = NULL;
    int rc = pool_open(&pool, b->threads);
    if (rc < 0)
        return error_set(e, -rc, "bench: cannot start %d threads: %s", b->threads, strerror(-rc));
    rc = tier_name(b, m, pool, &tier, e);
    if (rc == 0) {
        double sgemm = matrix_rate_gflops(b->threads);
        printf("{\n  \"model\": \"%s\", \"tier\": \"%s\", \"threads\": %d, \"sgemm_gflops\": %.1f,\n"
               "  \"sizes\": [\n",
               m->name, tier, b->threads, sgemm);
        for (int i = 0; i < b->size_count && rc == 0; i++)
            rc = bench_size(b, m, pool, i, sgemm, e);
        printf("  ],\n  \"peak_rss_mb\": %.1f\n}\n", peak_rss_mb());
    }
    pool_close(&pool);
    return rc;
}

int cmd_bench(int argc, char **argv)
{
    struct bench b = {.threads = (int)sysconf(_SC_NPROCESSORS_ONLN)};
    int rc = parse_arguments(argc, argv, &b);
    if (rc)
        return rc < 0 ? 0 : rc;
    if (b.size_count == 0) {
        static const struct size defaults[] = {{224, 224}, {640, 360}, {1280, 720}};
        memcpy(b.sizes, defaults, sizeof defaults);
        b.size_count = ARRAY_LEN(defaults);
    }
    struct model *m = NULL;
    struct error e = {""};
    rc = b.random ? model_random(&m, strcmp(b.random, "full") == 0 ? MODEL_RANDOM_FULL : MODEL_RANDOM_QUARTER,
                                 1, &e)
                  : model_load(&m, b.model_path, &e);
    if (rc == 0)
        rc = run(&b, m, &e);
    model_close(&m);
    if (rc < 0)
        fprintf(stderr, "reverie bench: %s\n", e.text);
    return rc < 0 ? 1 : 0;
}
