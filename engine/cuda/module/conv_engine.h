/*
 * conv_engine - cuDNN's engines for a convolution, and the plans that are made of them.
 *
 * An engine is a family of kernels, its knobs choose among them; both are plain numbers that mean the same
 * for any graph of the same kind and in any run of the same cuDNN. Some engines come compiled; others write a
 * kernel and compile it when a plan is made, which takes a quarter of a second to more than two.
 */
#ifndef ENGINE_CUDA_MODULE_CONV_ENGINE_H
#define ENGINE_CUDA_MODULE_CONV_ENGINE_H

#include "engine/cuda/module/conv_graph.h"

enum { CUDA_CONV_KNOBS_MAX = 24 };

struct cuda_conv_engine {
    int64_t index;
    int knob_count;
    struct {
        int64_t type, value;
    } knobs[CUDA_CONV_KNOBS_MAX];
};

/* What cuDNN notes about a configuration's engine, as far as it matters here. */
struct cuda_conv_notes {
    bool is_exact;    /* as exact as the precision asks for, and the same bits every time */
    bool is_compiled; /* when its plan is made */
};

/* false: cuDNN does not say. */
bool cuda_conv_note(const struct cuda_conv *c, cudnnBackendDescriptor_t config, struct cuda_conv_notes *out);

/* The engine of a configuration. */
cudnnStatus_t cuda_conv_engine_of(cudnnBackendDescriptor_t config, struct cuda_conv_engine *out);

/* Appends a configuration of that engine to the graph's, where it can do this graph at all. */
cudnnStatus_t cuda_conv_recall(struct cuda_conv_graph *g, const struct cuda_conv_engine *e);

/* Makes a configuration executable. NULL in *plan with a status other than success. Destroy with
 * cudnnBackendDestroyDescriptor. */
cudnnStatus_t cuda_conv_plan(const struct cuda_conv_target *t, cudnnBackendDescriptor_t config,
                             cudnnBackendDescriptor_t *plan, int64_t *workspace_bytes);

/* A plan as text, compiled kernels included, and back: for the same device and libraries only. `text` is
 * allocated. */
cudnnStatus_t cuda_conv_plan_write(cudnnBackendDescriptor_t plan, char **text, int64_t *bytes);
cudnnStatus_t cuda_conv_plan_read(const struct cuda_conv_target *t, const char *text, int64_t bytes,
                                  cudnnBackendDescriptor_t *plan, int64_t *workspace_bytes);

#endif
