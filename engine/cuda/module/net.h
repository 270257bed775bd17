/*
 * net - the model on a GPU: logits of a view, and the gradient of an objective to the view.
 *
 * Computes what engine/cpu/net.c computes, in the arithmetic that was asked for: channels innermost, stored
 * as bf16, fp16 or fp32, sums always in fp32. Views are those of backend_params; each has its own prepared
 * plans, all share the same buffers.
 *
 * cuda_net_gradient and cuda_net_logits only put work on the device's stream: they allocate nothing, wait
 * for nothing and read no host memory later, so they may be captured in a CUDA graph. What may differ from
 * one replay to the next (classes, weights, the view's pixels) is read from device memory.
 *
 * How a module puts itself together:
 *     cuda_device_open(&d, ...)
 *     cuda_net_precision(&d, config->precision, &precision, e)
 *     cuda_plan_make(&plan, params, cuda_net_storage(precision), e)          engine/cuda/plan.h
 *     cuda_plan_fit(&plan, params, its own bytes, d.free_bytes, e)
 *     cuda_arena_open(&d, plan.bytes + its own bytes, e)
 *     cuda_net_open(&net, &d, params, &plan, precision, e)                   carves plan.bytes
 *     cuda_carve(&d, ...) for its own
 */
#ifndef ENGINE_CUDA_MODULE_NET_H
#define ENGINE_CUDA_MODULE_NET_H

#include "engine/backend.h"
#include "engine/cuda/plan.h"
#include "engine/cuda/module/device.h"
#include "engine/cuda/module/net_target.h"

struct cuda_net;

_Static_assert((int)CUDA_SUBJECTS_MAX == (int)BACKEND_SUBJECTS_MAX, "kernels and interface agree");

/* As struct objective (engine/step.h). */
struct cuda_objective {
    const struct cuda_target *target; /* device; copied there before the work runs (with a graph: before each
                                       * replay); not read when layer >= 0 */
    const float *weights;             /* device [BACKEND_SUBJECTS_MAX][map_h][map_w] of the view */
    int layer, channel;               /* host: they decide what is put on the stream; -1: none */
    bool falls;                       /* host, the same */
};

/* What `wanted` comes to on this device: auto is bf16 where the card has it, else fp16. 0, or -ENOTSUP with a
 * line: bf16 and tf32 need compute capability 8.0. */
int cuda_net_precision(const struct cuda_device *d, int wanted, enum dream_precision *precision,
                       struct error *e);
enum cuda_storage cuda_net_storage(enum dream_precision precision);
const char *cuda_net_precision_name(enum dream_precision precision);

/* Packs the weights (the model keeps its own: another backend may have to take over), carves `plan->bytes`
 * from the device's arena and prepares every view: times the libraries' engines for each convolution and
 * matrix product and keeps the fastest; dream.tuning says how long that may take. `d`, the model and the
 * views must outlive it. 0; -EINVAL, -ENOMEM (host or device), -ENOTSUP (a layer for which cuDNN has no
 * engine), -EIO, or -EAGAIN (the device is lost to an engine that will not be tried again) with a line; *n is
 * NULL then. */
int cuda_net_open(struct cuda_net **n, struct cuda_device *d, const struct backend_params *params,
                  const struct cuda_plan *plan, enum dream_precision precision, struct error *e);
void cuda_net_close(struct cuda_net **n); /* NULL is fine; before cuda_device_close */

/* Puts on the stream: gradient of the objective to x, both [3][height][width] fp32 on the device, x in 0..255
 * and the gradient per such unit (whatever scale it was computed in is taken out). `value` (device, may be
 * NULL) receives the objective. `grad` may not be `x`. 0; -EINVAL for a view, layer or channel that is not
 * there; -EIO. */
int cuda_net_gradient(struct cuda_net *n, int view_index, const float *x, const struct cuda_objective *o,
                      float *grad, double *value);

/* Puts on the stream: logits [classes][map_h][map_w] fp32 of x, both on the device. 0, -EINVAL, -EIO. */
int cuda_net_logits(struct cuda_net *n, int view_index, const float *x, float *logits);

#endif
