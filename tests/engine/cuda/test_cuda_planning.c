/*
 * test_cuda_planning - the graphs that the GPU module describes, given to the real cuDNN for cards that are
 * not here: every convolution of a VGG-11 to -19, in every precision, on five generations of cards, has an
 * engine that needs no compiling, and finding it takes no time. Needs the library (9.8 or newer), no GPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#ifdef HAVE_CUDA_TOOLKIT

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "common/mem.h"

/* The module's files: they are no part of the program. */
#include "engine/cuda/module/conv_engine.c"
#include "engine/cuda/module/conv_graph.c"

enum { FOUND_MS_MOST = 100 };

/* What cuDNN is told of a card (its own names), by the data sheets. */
static const struct card {
    const char *name;
    int version, multiprocessors, shared_kb, threads, blocks, sm_mhz, memory_mhz, l2_mb, memory_gb;
} cards[] = {
    {"Tesla T4", 750, 40, 64, 1024, 16, 1590, 5001, 4, 16},
    {"NVIDIA A100-SXM4-80GB", 800, 108, 163, 2048, 32, 1410, 1593, 40, 80},
    {"NVIDIA GeForce RTX 3090", 860, 82, 99, 1536, 16, 1695, 9751, 6, 24},
    {"NVIDIA GeForce RTX 4090", 890, 128, 99, 1536, 24, 2520, 10501, 72, 24},
    {"NVIDIA H100 80GB HBM3", 900, 132, 227, 2048, 32, 1980, 2619, 50, 80},
};

/* The shapes of all of them; layers of one size and width are one problem. The first layer has kernels of its
 * own. Sizes are those of a view of 1280x720. */
static const struct {
    int w, h, in, out;
} layers[] = {{1280, 720, 64, 64},  {640, 360, 64, 128}, {640, 360, 128, 128}, {320, 180, 128, 256},
              {320, 180, 256, 256}, {160, 90, 256, 512}, {160, 90, 512, 512},  {80, 45, 512, 512}};

static cudnnBackendDescriptor_t properties_of(const struct card *c)
{
    char text[1024];
    int n = snprintf(
        text, sizeof text,
        "{\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],\"regsPerBlock\":65536,"
        "\"multiProcessorCount\":%d,\"warpSize\":32,\"maxSharedMemoryPerBlock\":49152,"
        "\"maxSharedMemoryPerBlockOptin\":%d,\"reservedSharedMemoryPerBlock\":%d,"
        "\"maxRegistersPerSM\":65536,\"maxCtasPerSM\":%d,\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":%d,"
        "\"pciDeviceId\":0,\"isTccDriver\":0,\"supportCoopLaunch\":1,\"smClockRateKHz\":%d000,"
        "\"memClockRateKHz\":%d000,\"l2CacheSize\":%d,\"deviceName\":\"%s\",\"deviceVer\":%d,"
        "\"driverVer\":13000,\"cudaDeviceId\":0,\"totalGlobalMem\":%lld}",
        c->multiprocessors, c->shared_kb << 10, c->version < 800 ? 0 : 1024, c->blocks, c->threads, c->sm_mhz,
        c->memory_mhz, c->l2_mb << 20, c->name, c->version, (long long)c->memory_gb << 30);
    struct setter s = setter_make(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    set(&s, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, n, text);
    finalize(&s);
    return setter_take(&s);
}

/* Of this process: the machine may have other work. */
static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool can(const struct card *c, enum dream_precision p)
{
    return c->version >= 800 || p == DREAM_PRECISION_FP16 || p == DREAM_PRECISION_FP32;
}

/* A plan of the first engine that is exact and compiled; NULL when there is none. */
static cudnnBackendDescriptor_t first_plan(struct cuda_conv_graph *g, const struct cuda_conv *c, int *usable)
{
    cudnnBackendDescriptor_t first = NULL;
    *usable = 0;
    for (int i = 0; i < g->config_count; i++) {
        struct cuda_conv_notes notes;
        int64_t workspace_bytes;
        if (!cuda_conv_note(c, g->configs[i], &notes) || !notes.is_exact || notes.is_compiled)
            continue;
        ++*usable;
        if (!first)
            (void)cuda_conv_plan(&g->target, g->configs[i], &first, &workspace_bytes);
    }
    return first;
}

/* A plan survives being written down, and so does its engine. */
static void check_memory(struct cuda_conv_graph *g, cudnnBackendDescriptor_t plan)
{
    struct cuda_conv_engine e, again;
    int before = g->config_count;
    assert_int_equal(cuda_conv_engine_of(g->configs[0], &e), CUDNN_STATUS_SUCCESS);
    assert_int_equal(cuda_conv_recall(g, &e), CUDNN_STATUS_SUCCESS);
    assert_int_equal(cuda_conv_engine_of(g->configs[before], &again), CUDNN_STATUS_SUCCESS);
    assert_memory_equal(&again, &e, sizeof e);
    char *text;
    int64_t bytes, workspace_bytes;
    cudnnBackendDescriptor_t read = NULL;
    assert_int_equal(cuda_conv_plan_write(plan, &text, &bytes), CUDNN_STATUS_SUCCESS);
    assert_int_equal(cuda_conv_plan_read(&g->target, text, bytes, &read, &workspace_bytes),
                     CUDNN_STATUS_SUCCESS);
    (void)cudnnBackendDestroyDescriptor(read);
    free(text);
}

static void check_graph(const struct cuda_conv_target *t, const char *card, const struct cuda_conv *c)
{
    struct cuda_conv_graph g;
    int usable;
    double began_ms = cpu_ms();
    cudnnStatus_t status = cuda_conv_graph_open(&g, t, c);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cuda_conv_propose(&g);
    if (status != CUDNN_STATUS_SUCCESS)
        fail_msg("%s: no graph: %s", card, cudnnGetErrorString(status));
    cudnnBackendDescriptor_t plan = first_plan(&g, c, &usable);
    double took_ms = cpu_ms() - began_ms;
    if (!plan || took_ms > FOUND_MS_MOST)
        fail_msg("%s: %s %s, precision %d, %dx%d, %d to %d: %d of %d engines usable, %.0f ms", card,
                 c->is_backward ? "backward" : "forward", c->is_fused ? "fused" : "alone", c->precision, c->w,
                 c->h, c->in, c->out, usable, g.config_count, took_ms);
    check_memory(&g, plan);
    (void)cudnnBackendDestroyDescriptor(plan);
    cuda_conv_graph_close(&g);
}

/* The first question loads libraries. */
static void wake(const struct cuda_conv_target *t)
{
    struct cuda_conv c = {.precision = DREAM_PRECISION_FP16, .w = 64, .h = 64, .in = 64, .out = 64};
    struct cuda_conv_graph g;
    assert_int_equal(cuda_conv_graph_open(&g, t, &c), CUDNN_STATUS_SUCCESS);
    assert_int_equal(cuda_conv_propose(&g), CUDNN_STATUS_SUCCESS);
    cuda_conv_graph_close(&g);
}

static void check_card(const struct card *card)
{
    const struct cuda_conv_target target = {NULL, properties_of(card)};
    assert_non_null(target.properties);
    wake(&target);
    for (int precision = DREAM_PRECISION_BF16; precision <= DREAM_PRECISION_FP32; precision++)
        for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
            for (int kind = 0; kind < 4 && can(card, (enum dream_precision)precision); kind++) {
                struct cuda_conv c = {.is_backward = kind == 1 || kind == 3,
                                      .is_turned = kind == 3,
                                      .is_fused = kind == 2,
                                      .precision = (enum dream_precision)precision,
                                      .w = layers[i].w,
                                      .h = layers[i].h,
                                      .in = layers[i].in,
                                      .out = layers[i].out};
                check_graph(&target, card->name, &c);
            }
    (void)cudnnBackendDestroyDescriptor(target.properties);
}

static void every_convolution_has_an_engine_at_once(void **state)
{
    (void)state;
    if (cudnnGetVersion() < 90800)
        skip();
#ifdef __SANITIZE_ADDRESS__
    __lsan_disable(); /* cuDNN's heuristics keep a handle of cuBLASLt for each question, for good */
#endif
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++)
        check_card(&cards[i]);
#ifdef __SANITIZE_ADDRESS__
    __lsan_enable();
#endif
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(every_convolution_has_an_engine_at_once)};
    return cmocka_run_group_tests(all, NULL, NULL);
}

#else

static void needs_the_toolkit(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(needs_the_toolkit)};
    return cmocka_run_group_tests(all, NULL, NULL);
}

#endif
