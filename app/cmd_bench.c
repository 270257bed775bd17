/*
 * cmd_bench - `reverie bench`: how fast the network runs here, as JSON.
 *
 * For each size it takes gradient steps for a while and reports the median, the stages of the network, and
 * the rate at which a direct convolution would have had to compute to be as fast ("effective"), beside what
 * sgemm reaches on the same threads: their ratio says how good the engine is, whatever the machine. Then come
 * whole steps, with the prior and the update (bench_step.h): the figure that a GPU has too. Nothing is
 * printed before all is measured, so what stands on stdout is always whole.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/bench_error.h"
#include "app/bench_step.h"
#include "app/commands.h"
#include "app/dream_args.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/rng.h"
#include "engine/cpu/bf16.h"
#include "engine/cpu/matrix_rate.h"
#include "engine/cpu/net.h"
#include "engine/cpu/precision.h"
#include "engine/model/random.h"

enum {
    STEPS_MIN = 3,
    STEPS_MAX = 1000,
    SIDE_MAX_PX = 8192,
    MEASURE_US = 2000000,
    PRIOR_STRIDE_PX = 4, /* of whole steps */
};

struct bench {
    struct model *model; /* its weights are the network's */
    struct pool *pool;
    struct cpu_net *net;
    enum cpu_tier tier;
    int threads;
    double sgemm_gflops;
    size_t cpu_net_bytes;
    double peak_rss_mb; /* before whole steps */
    const char *tier_name;
    int dreamed_steps;
    bool has_error;                /* the tier is one of bf16 */
    double bf16_share;             /* of the convolutions' multiplications */
    const struct backend_ops *ops; /* of whole steps; not the CPU: they are all there is */
    struct dream_config config;    /* of whole steps, but for the size */
};

struct result {
    int size[2]; /* width, height in pixels */
    int steps;
    double median_ms, best_ms;
    double peak_rss_mb; /* of the process so far */
    int stage_count;
    struct {
        char name[32];
        double ms; /* mean */
    } stages[2 * (MODEL_CONVS_MAX + 3) + 1];
    struct bench_step whole;
    struct bench_error error, error_dreamed; /* of bf16; the latter after dreamed_steps */
};

static double peak_rss_mb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024.0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void name_stages(const struct cpu_net *n, struct result *r)
{
    const struct cpu_net_timing *t = cpu_net_timings(n, &r->stage_count);
    for (int i = 0; i < r->stage_count; i++)
        snprintf(r->stages[i].name, sizeof r->stages[i].name, "%s", t[i].stage);
}

/* Steps for MEASURE_US, after one to warm up. */
static void measure(struct cpu_net *n, const struct objective *o, const float *x, float *grad,
                    struct result *r)
{
    double step_ms[STEPS_MAX] = {0};
    const struct cpu_net_input in = {x, r->size[0], r->size[1]};
    cpu_net_gradient(n, &in, o, grad, NULL);
    name_stages(n, r);
    int64_t began_us = clock_real_us();
    while (r->steps < STEPS_MAX && (r->steps < STEPS_MIN || clock_real_us() - began_us < MEASURE_US)) {
        int64_t start_us = clock_real_us();
        cpu_net_gradient(n, &in, o, grad, NULL);
        step_ms[r->steps++] = (double)(clock_real_us() - start_us) / 1000.0;
        int count;
        const struct cpu_net_timing *t = cpu_net_timings(n, &count);
        for (int i = 0; i < count; i++)
            r->stages[i].ms += t[i].ms;
    }
    for (int i = 0; i < r->stage_count; i++)
        r->stages[i].ms /= r->steps;
    qsort(step_ms, (size_t)r->steps, sizeof *step_ms, by_value);
    r->median_ms = step_ms[r->steps / 2];
    r->best_ms = step_ms[0];
    r->peak_rss_mb = peak_rss_mb();
}

static int measure_size(const struct bench *b, struct result *r, struct error *e)
{
    int w = r->size[0], h = r->size[1], rc = 0;
    size_t values = 3 * (size_t)w * (size_t)h;
    size_t positions = (size_t)model_map_size(b->model, w) * (size_t)model_map_size(b->model, h);
    float *x = buffer_alloc(2 * values * sizeof *x), *weight = buffer_alloc(positions * sizeof *weight);
    if (x && weight) {
        struct rng random = rng_make(1, 0);
        for (size_t i = 0; i < values; i++)
            x[i] = 255.0f * rng_uniform(&random);
        for (size_t i = 0; i < positions; i++)
            weight[i] = 1.0f / (float)positions;
        struct objective_subject subject = {0, weight};
        measure(b->net, &(struct objective){&subject, 1, 1.0f, -1, -1, false}, x, x + values, r);
    } else {
        rc = error_set(e, ENOMEM, "no memory for pictures of %dx%d", w, h);
    }
    free(x);
    free(weight);
    return rc;
}

/* ---- Printing ---- */

/* Multiplications and additions of one gradient step done directly, forward and back to the picture. fc8
 * counts once: its forward pass is not needed. */
static double direct_gflop(const struct model *m, const struct result *r, bool is_convs_only)
{
    double sum = 0;
    int w = r->size[0], h = r->size[1], head = m->layer_count - 3;
    for (int i = 0; i < (is_convs_only ? head : m->layer_count); i++) {
        const struct model_layer *l = &m->layers[i];
        w -= i == head ? l->kernel - 1 : 0;
        h -= i == head ? l->kernel - 1 : 0;
        double ways = i == m->layer_count - 1 ? 1 : 2;
        sum += ways * 2 * l->in * l->out * l->kernel * l->kernel * (double)w * h;
        w /= l->pool_after ? 2 : 1;
        h /= l->pool_after ? 2 : 1;
    }
    return sum / 1e9;
}

static void put_network(struct json *j, const struct bench *b, const struct result *r)
{
    double gflop = direct_gflop(b->model, r, false), rate = gflop / r->median_ms * 1000.0;
    json_put_whole(j, "steps", r->steps);
    json_put_real(j, "step_ms", r->median_ms, 3);
    json_put_real(j, "best_step_ms", r->best_ms, 3);
    json_put_real(j, "steps_per_s", 1000.0 / r->median_ms, 2);
    json_put_real(j, "direct_gflop", gflop, 3);
    json_put_real(j, "direct_conv_gflop", direct_gflop(b->model, r, true), 3);
    json_put_real(j, "effective_gflops", rate, 1);
    json_put_real(j, "ratio_to_sgemm", b->sgemm_gflops > 0 ? rate / b->sgemm_gflops : 0, 3);
    json_put_real(j, "peak_rss_mb", r->peak_rss_mb, 1);
    struct json *stages = json_new_object();
    for (int i = 0; i < r->stage_count; i++)
        json_put_real(stages, r->stages[i].name, r->stages[i].ms, 3);
    json_put(j, "stages_ms", stages);
}

static void put_error(struct json *j, const struct bench_error *error, const char *cosine, const char *logits)
{
    json_put_real(j, cosine, error->cosine, 6);
    json_put_real(j, logits, error->logits, 6);
}

static struct json *describe_result(const struct bench *b, const struct result *r)
{
    struct json *j = json_new_object();
    json_put_whole(j, "width_px", r->size[0]);
    json_put_whole(j, "height_px", r->size[1]);
    if (b->cpu_net_bytes > 0)
        put_network(j, b, r);
    if (b->has_error)
        put_error(j, &r->error, "gradient_cosine_to_fp32", "logits_error_to_fp32");
    if (b->has_error && b->dreamed_steps > 0)
        put_error(j, &r->error_dreamed, "dreamed_gradient_cosine_to_fp32", "dreamed_logits_error_to_fp32");
    json_put_whole(j, "whole_steps", r->whole.steps);
    json_put_real(j, "step_with_prior_ms", r->whole.median_ms, 3);
    json_put_real(j, "best_step_with_prior_ms", r->whole.best_ms, 3);
    return j;
}

static void print_all(const struct bench *b, const struct result *results, int count)
{
    struct json *j = json_new_object(), *sizes = json_new_list();
    json_put_text(j, "model", b->model->name); /* comes from its file */
    json_put_text(j, "backend", b->ops->name);
    json_put_text(j, "hardware", results[0].whole.hardware);
    if (b->cpu_net_bytes > 0) {
        json_put_text(j, "tier", b->tier_name);
        json_put_text(j, "precision", bf16_is_tier(b->tier) ? "bf16" : "fp32");
        if (bf16_is_tier(b->tier))
            json_put_real(j, "bf16_share", b->bf16_share, 4);
        json_put_whole(j, "threads", b->threads);
        json_put_real(j, "sgemm_gflops", b->sgemm_gflops, 1);
        json_put_whole(j, "cpu_net_bytes", (int64_t)b->cpu_net_bytes);
    }
    json_put_real(j, "peak_rss_mb", b->peak_rss_mb, 1);
    for (int i = 0; i < count; i++)
        json_add(sizes, describe_result(b, &results[i]));
    json_put(j, "sizes", sizes);
    char *text = json_print(j, 2);
    fputs(text, stdout);
    free(text);
    json_close(&j);
}

/* ---- The command ---- */

static int check_sizes(const struct model *m, const struct result *results, int count, struct error *e)
{
    int min = model_min_px(m);
    for (int i = 0; i < count; i++)
        if (results[i].size[0] < min || results[i].size[1] < min)
            return error_set(e, ERANGE, "%dx%d is too small for %s: each side must have %d pixels",
                             results[i].size[0], results[i].size[1], m->name, min);
    return 0;
}

/* The largest width and height of all: one network serves every size. */
static int open_network(struct bench *b, const struct result *results, int count, struct error *e)
{
    int w = 0, h = 0;
    for (int i = 0; i < count; i++) {
        w = results[i].size[0] > w ? results[i].size[0] : w;
        h = results[i].size[1] > h ? results[i].size[1] : h;
    }
    const struct cpu_net_params params = {b->model, b->pool, w, h, b->tier, 0, false};
    return cpu_net_open(&b->net, &params, e);
}

/* The network alone, on the CPU. */
static int run_network(struct bench *b, struct result *results, int count, struct error *e)
{
    int rc = pool_open(&b->pool, b->threads);
    if (rc < 0)
        return error_set(e, -rc, "cannot start %d threads: %s", b->threads, strerror(-rc));
    rc = open_network(b, results, count, e);
    b->sgemm_gflops = rc < 0 ? 0 : matrix_rate_gflops(b->threads);
    for (int i = 0; i < count && rc == 0; i++)
        rc = measure_size(b, &results[i], e);
    if (rc == 0) {
        b->cpu_net_bytes = cpu_net_bytes(b->net);
        b->tier_name = cpu_net_tier_name(b->net);
        b->bf16_share = cpu_net_rounding_share(b->net);
    }
    cpu_net_close(&b->net);
    pool_close(&b->pool);
    return rc;
}

/* Whole steps, on whatever was asked for. */
static int run_steps(struct bench *b, struct result *results, int count, struct error *e)
{
    int rc = 0;
    for (int i = 0; i < count && rc == 0; i++) {
        b->config.size = (struct option_size){results[i].size[0], results[i].size[1]};
        rc = bench_step_measure(&results[i].whole, b->ops, &b->config, b->model, e);
    }
    return rc;
}

/* What bf16 costs in exactness. */
static int run_errors(struct bench *b, struct result *results, int count, struct error *e)
{
    int rc = 0;
    b->has_error = true;
    for (int i = 0; i < count && rc == 0; i++) {
        b->config.size = (struct option_size){results[i].size[0], results[i].size[1]};
        rc = bench_error_measure(&results[i].error, b->model, &b->config, b->tier, 0, e);
        if (rc == 0 && b->dreamed_steps > 0)
            rc = bench_error_measure(&results[i].error_dreamed, b->model, &b->config, b->tier,
                                     b->dreamed_steps, e);
    }
    return rc;
}

/* What to measure, as asked for on the command line. */
struct request {
    int random; /* index into widths */
    int64_t dreamed;
    struct arg_list sizes;
    struct dream_config dream;
};

enum { RANDOM_NONE, RANDOM_QUARTER, RANDOM_FULL };
static const char *const widths[] = {"none", "quarter", "full", NULL};

static const struct arg arguments[] = {
    ARG_DREAM_MODEL,
    ARG(0, "random", "WIDTH",
        OPTION_CHOICE(struct request, random, "none", widths,
                      "random weights instead: quarter (shapes of the built-in model) or full (VGG-16)")),
    ARG_LIST(0, "size", "WIDTHxHEIGHT", struct request, sizes,
             "picture size, may be repeated (default: 224x224, 640x360, 1280x720, 1920x1080)"),
    ARG_DREAM_THREADS,
    ARG_DREAM_TIER,
    ARG_DREAM(0, "backend", "B", backend, "what to measure; auto: a GPU where there is one"),
    ARG_DREAM(0, "device", "N", device, "which GPU, counted as the driver does"),
    ARG_DREAM(
        0, "precision", "P", precision,
        "of the arithmetic; auto: bf16 where the hardware has it, else a GPU takes fp16 and a CPU fp32"),
    ARG(0, "dreamed", "STEPS",
        OPTION_INT(
            struct request, dreamed, "0", 0, 100000, "steps",
            "bf16 on a CPU: compares with fp32 also on what so many steps of a dream have made of noise")),
    ARG_DREAM_SET,
};

static int parse_sizes(const struct request *r, struct result *results, struct error *e)
{
    static const struct option row = {.type = OPTION_TYPE_SIZE, .min = 1, .max = SIDE_MAX_PX, .unit = "px"};
    struct option_size size;
    for (int i = 0; i < r->sizes.count; i++) {
        int rc = option_parse(&row, &size, r->sizes.items[i], e);
        if (rc < 0)
            return error_prefix(e, rc, "--size");
        results[i].size[0] = size.width_px;
        results[i].size[1] = size.height_px;
    }
    return 0;
}

/* ARGS_OK or the exit code. */
static int parse(struct request *r, struct result *results, int argc, char **argv)
{
    const struct config_entry entry = {&dream_section, &r->dream};
    const struct config config = {.entries = &entry, .count = 1};
    const struct args_command command = {
        .name = "bench",
        .operands = "",
        .text = "Takes gradient steps of the network for two seconds per size and prints what they cost as\n"
                "JSON: per step and by stage, and the rate of a direct computation beside that of sgemm;\n"
                "then of whole steps, with a prior of stride 4 and the update. On a GPU only of those.\n"
                "With bf16 on a CPU also how far gradient and logits are from those of fp32.\n",
        .args = arguments,
        .count = ARRAY_LEN(arguments),
        .values = r,
        .config = &config};
    int first;
    struct error e = {""};
    config_defaults(&config);
    r->dream.backend = DREAM_BACKEND_CPU;
    r->dream.prior_stride = PRIOR_STRIDE_PX;
    int code = args_parse(&command, argc, argv, &first);
    if (code == ARGS_OK && parse_sizes(r, results, &e) < 0)
        return args_fault(&command, "%s", e.text);
    if (code == ARGS_OK && r->dream.backend == DREAM_BACKEND_NULL)
        return args_fault(&command, "--backend: null computes nothing that could be measured");
    return code;
}

static int open_model(struct bench *b, const struct request *r, struct error *e)
{
    model_close(&b->model);
    if (r->random == RANDOM_NONE)
        return model_load(&b->model, r->dream.model, e);
    return model_random(&b->model, r->random == RANDOM_FULL ? MODEL_RANDOM_FULL : MODEL_RANDOM_QUARTER, 1, e);
}

static const struct backend_ops *choose_backend(struct bench *b, const struct request *r,
                                                const struct result *first)
{
    struct error e;
    struct backend_params p = {.config = &b->config, .model = b->model, .view_count = 1};
    p.views[0] = (struct image_view){first->size[0], first->size[1], 1, 0, 0};
    b->config.size = (struct option_size){first->size[0], first->size[1]};
    if (r->dream.backend == DREAM_BACKEND_CPU)
        return &backend_cpu;
    return r->dream.backend == DREAM_BACKEND_CUDA || backend_cuda.supports(&p, &e) == 0 ? &backend_cuda
                                                                                        : &backend_cpu;
}

static int run(struct bench *b, const struct request *r, struct result *results, int count, struct error *e)
{
    int rc = open_model(b, r, e);
    if (rc == 0)
        rc = check_sizes(b->model, results, count, e);
    if (rc < 0)
        return rc;
    b->ops = choose_backend(b, r, results);
    if (b->ops == &backend_cpu) {
        b->config.backend = DREAM_BACKEND_CPU;
        if ((rc = cpu_precision_tier(&b->config, &b->tier, e)) < 0)
            return rc;
        b->config.cpu_tier = b->tier; /* said once what is imitated */
        b->model->serves_once = true; /* as in a show, so that memory is what a show takes */
        rc = run_network(b, results, count, e);
        b->peak_rss_mb = peak_rss_mb();
        if (rc == 0)
            rc = open_model(b, r, e);
    }
    if (rc == 0)
        rc = run_steps(b, results, count, e);
    if (rc == 0 && b->ops == &backend_cpu && bf16_is_tier(b->tier))
        rc = run_errors(b, results, count, e);
    if (b->ops != &backend_cpu)
        b->peak_rss_mb = peak_rss_mb();
    if (rc == 0)
        print_all(b, results, count);
    return rc;
}

int cmd_bench(int argc, char **argv)
{
    static const int defaults[][2] = {{224, 224}, {640, 360}, {1280, 720}, {1920, 1080}};
    struct result results[ARG_LIST_MAX] = {{.steps = 0}};
    struct request r = {.sizes = {.count = 0}};
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        memcpy(results[i].size, defaults[i], sizeof results[i].size);
    int code = parse(&r, results, argc, argv);
    if (code != ARGS_OK)
        return code;
    struct error e = {""};
    struct bench b = {.threads = (int)r.dream.threads, .dreamed_steps = (int)r.dreamed};
    if (b.threads == 0)
        b.threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    b.config = r.dream;
    b.config.threads = b.threads;
    int rc = run(&b, &r, results, r.sizes.count ? r.sizes.count : (int)ARRAY_LEN(defaults), &e);
    model_close(&b.model);
    return rc < 0 ? args_failed("bench", &e) : 0;
}
