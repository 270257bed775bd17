/*
 * load - finds the GPU part of the program and forwards to it.
 *
 * Everything that needs CUDA lies in a module of its own, reverie-cuda.so, so that one and the same program
 * starts on machines with and without a driver. It is looked for beside the program (where `make` puts it)
 * and in ../lib/reverie (where `make install` does), is loaded when the driver is first asked for, and stays
 * loaded. Where NVIDIA's own library is missing it is not even tried: its libraries take 150 MB and a while.
 * The module takes what it needs of common/ and engine/ from the program itself.
 */
#include "engine/cuda/abi.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const places[] = {"reverie-cuda.so", "../lib/reverie/reverie-cuda.so"};

/* Set once, by load_once. */
static const struct backend_ops *module;
static struct error load_error;
static int load_rc;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The folder of the running program with a '/' behind it; "" when the kernel does not say. */
static void own_folder(char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    out[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(out, '/');
    if (slash)
        slash[1] = '\0';
}

/* The library that comes with the card's driver. */
static bool has_driver(void)
{
    void *driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (driver)
        dlclose(driver);
    return driver != NULL;
}

static int load(const char *path)
{
    if (!has_driver())
        return error_set(&load_error, ENODEV, "no NVIDIA driver on this machine (libcuda.so.1)");
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return error_set(&load_error, ENODEV, "the GPU part cannot be loaded: %.300s", dlerror());
    backend_cuda_entry *entry;
    void *symbol = dlsym(handle, BACKEND_CUDA_ENTRY);
    memcpy(&entry, &symbol, sizeof entry); /* POSIX lets a data pointer be a function's */
    module = symbol ? entry(BACKEND_CUDA_ABI) : NULL;
    return module ? 0
                  : error_set(&load_error, ENOTSUP, "%.200s belongs to another build of this program", path);
}

static void load_once(void)
{
    char path[PATH_MAX + 64];
    const char *named = getenv("REVERIE_CUDA_MODULE"); /* for tests, whose programs lie elsewhere */
    if (named && *named) {
        load_rc = load(named);
        return;
    }
    load_rc = error_set(&load_error, ENOENT, "this program was built without its GPU part (reverie-cuda.so)");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        own_folder(path, PATH_MAX);
        if (!path[0])
            return; /* by its name alone it would be looked for in the current folder */
        snprintf(path + strlen(path), 64, "%s", places[i]);
        if (access(path, R_OK) == 0) {
            load_rc = load(path);
            return;
        }
    }
}

static int cuda_supports(const struct backend_params *p, struct error *e)
{
    pthread_once(&once, load_once);
    if (load_rc < 0)
        return error_set(e, -load_rc, "backend cuda: %s", load_error.text);
    return module->supports(p, e);
}

static int cuda_open(struct backend **b, const struct backend_params *p, struct error *e)
{
    *b = NULL;
    int rc = cuda_supports(p, e);
    return rc < 0 ? rc : module->open(b, p, e);
}

static void cuda_close(struct backend **b)
{
    if (*b)
        module->close(b);
}

static int cuda_put(struct backend *b, const float *rgb)
{
    return module->put(b, rgb);
}

static int cuda_get(struct backend *b, float *rgb)
{
    return module->get(b, rgb);
}

static int cuda_warp(struct backend *b, const struct image_move *by)
{
    return module->warp(b, by);
}

static int cuda_step(struct backend *b, const struct backend_step *s)
{
    return module->step(b, s);
}

static int cuda_finish(struct backend *b, struct image_sums *sums)
{
    return module->finish(b, sums);
}

static int cuda_measure(struct backend *b, const struct backend_step *s, struct backend_measure *m)
{
    return module->measure(b, s, m);
}

static int cuda_frame(struct backend *b, uint8_t *nv12)
{
    return module->frame(b, nv12);
}

static int cuda_keep(struct backend *b)
{
    return module->keep(b);
}

static int cuda_kept(const struct backend *b, float *rgb)
{
    return module->kept(b, rgb);
}

static int cuda_momentum(struct backend *b, float *out, struct image_sums *sums)
{
    return module->momentum(b, out, sums);
}

static int cuda_set_momentum(struct backend *b, const float *in, const struct image_sums *sums)
{
    return module->set_momentum(b, in, sums);
}

static const char *cuda_describe(const struct backend *b)
{
    return module->describe ? module->describe(b) : "GPU";
}

const struct backend_ops backend_cuda = {
    .name = "cuda",
    .setting = DREAM_BACKEND_CUDA,
    .is_auto = true,
    .prepared_views = true,
    .can_be_lost = true,
    .supports = cuda_supports,
    .open = cuda_open,
    .close = cuda_close,
    .put = cuda_put,
    .get = cuda_get,
    .warp = cuda_warp,
    .step = cuda_step,
    .finish = cuda_finish,
    .measure = cuda_measure,
    .frame = cuda_frame,
    .keep = cuda_keep,
    .kept = cuda_kept,
    .momentum = cuda_momentum,
    .set_momentum = cuda_set_momentum,
    .describe = cuda_describe,
};
