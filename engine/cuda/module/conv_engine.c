/*
 * conv_engine - see conv_engine.h.
 */
#include "engine/cuda/module/conv_engine.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/cuda/module/descriptor.h"

#if CUDNN_VERSION >= 90800
#define ATTR_PLAN_PROPERTIES   CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP
#define ATTR_ENGINE_PROPERTIES CUDNN_ATTR_ENGINE_DEVICEPROP
#else /* refused where they are set, and nobody sets them there */
#define ATTR_PLAN_PROPERTIES   CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG
#define ATTR_ENGINE_PROPERTIES CUDNN_ATTR_ENGINE_OPERATION_GRAPH
#endif

/* ---- What an engine is like ---- */

/* The engine of a configuration, to be destroyed; NULL: cuDNN does not say. */
static cudnnBackendDescriptor_t engine_of(cudnnBackendDescriptor_t config)
{
    int64_t got = 0;
    struct setter s = setter_make(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    if (s.status == CUDNN_STATUS_SUCCESS)
        s.status = cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE,
                                            CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &got, &s.of);
    return setter_take(&s);
}

static bool is_exact(const struct cuda_conv *c, cudnnBackendNumericalNote_t note)
{
    bool is_rough =
        note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE || note == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS;
    return note != CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC &&
           note != CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION &&
           !(is_rough && c->precision == DREAM_PRECISION_FP32);
}

bool cuda_conv_note(const struct cuda_conv *c, cudnnBackendDescriptor_t config, struct cuda_conv_notes *out)
{
    enum { NUMERICAL = CUDNN_NUMERICAL_NOTE_TYPE_COUNT, BEHAVIOR = CUDNN_BEHAVIOR_NOTE_TYPE_COUNT };
    cudnnBackendNumericalNote_t numerical[NUMERICAL];
    cudnnBackendBehaviorNote_t behavior[BEHAVIOR];
    int64_t numerical_count = 0, behavior_count = 0;
    cudnnBackendDescriptor_t engine = engine_of(config);
    if (!engine)
        return false;
    cudnnStatus_t status =
        cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                 NUMERICAL, &numerical_count, numerical);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE,
                                          BEHAVIOR, &behavior_count, behavior);
    (void)cudnnBackendDestroyDescriptor(engine);
    *out = (struct cuda_conv_notes){.is_exact = true};
    for (int64_t i = 0; i < numerical_count && i < NUMERICAL; i++)
        out->is_exact = out->is_exact && is_exact(c, numerical[i]);
    for (int64_t i = 0; i < behavior_count && i < BEHAVIOR; i++)
        out->is_compiled = out->is_compiled || behavior[i] == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION;
    return status == CUDNN_STATUS_SUCCESS;
}

/* ---- Engines as numbers ---- */

static cudnnStatus_t read_number(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name,
                                 cudnnBackendAttributeType_t type, int64_t *out)
{
    int64_t got = 0;
    union {
        int64_t number;
        cudnnBackendKnobType_t knob;
    } value = {0};
    cudnnStatus_t status = cudnnBackendGetAttribute(d, name, type, 1, &got, &value);
    *out = type == CUDNN_TYPE_KNOB_TYPE ? (int64_t)value.knob : value.number;
    return status;
}

static cudnnStatus_t read_knobs(cudnnBackendDescriptor_t config, struct cuda_conv_engine *out)
{
    cudnnBackendDescriptor_t knobs[CUDA_CONV_KNOBS_MAX] = {NULL};
    cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
    int64_t got = 0;
    for (int i = 0; i < CUDA_CONV_KNOBS_MAX && status == CUDNN_STATUS_SUCCESS; i++)
        status = cudnnBackendCreateDescriptor(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, &knobs[i]);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES,
                                          CUDNN_TYPE_BACKEND_DESCRIPTOR, CUDA_CONV_KNOBS_MAX, &got, knobs);
    if (got > CUDA_CONV_KNOBS_MAX)
        status = CUDNN_STATUS_NOT_SUPPORTED;
    for (int i = 0; i < got && status == CUDNN_STATUS_SUCCESS; i++) {
        status = read_number(knobs[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE,
                             &out->knobs[i].type);
        if (status == CUDNN_STATUS_SUCCESS)
            status = read_number(knobs[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64,
                                 &out->knobs[i].value);
    }
    out->knob_count = (int)got;
    for (int i = 0; i < CUDA_CONV_KNOBS_MAX; i++)
        if (knobs[i])
            (void)cudnnBackendDestroyDescriptor(knobs[i]);
    return status;
}

cudnnStatus_t cuda_conv_engine_of(cudnnBackendDescriptor_t config, struct cuda_conv_engine *out)
{
    memset(out, 0, sizeof *out);
    cudnnBackendDescriptor_t engine = engine_of(config);
    if (!engine)
        return CUDNN_STATUS_NOT_SUPPORTED;
    cudnnStatus_t status = read_number(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, &out->index);
    (void)cudnnBackendDestroyDescriptor(engine);
    return status == CUDNN_STATUS_SUCCESS ? read_knobs(config, out) : status;
}

/* Knobs as descriptors, to be destroyed by the caller whatever the status. */
static cudnnStatus_t make_knobs(const struct cuda_conv_engine *e, cudnnBackendDescriptor_t *knobs)
{
    cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
    for (int i = 0; i < e->knob_count && status == CUDNN_STATUS_SUCCESS; i++) {
        cudnnBackendKnobType_t type = (cudnnBackendKnobType_t)e->knobs[i].type;
        struct setter s = setter_make(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
        set(&s, CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &type);
        set(&s, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &e->knobs[i].value);
        finalize(&s);
        knobs[i] = setter_take(&s);
        status = s.status;
    }
    return status;
}

cudnnStatus_t cuda_conv_recall(struct cuda_conv_graph *g, const struct cuda_conv_engine *e)
{
    cudnnBackendDescriptor_t knobs[CUDA_CONV_KNOBS_MAX] = {NULL};
    if (g->config_count == CUDA_CONV_CONFIGS_MAX || g->part_count == CUDA_CONV_PARTS_MAX)
        return CUDNN_STATUS_NOT_SUPPORTED;
    struct setter engine = setter_make(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    set_descriptor(&engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, g->graph);
    set(&engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &e->index);
    if (g->target.properties)
        set_descriptor(&engine, ATTR_ENGINE_PROPERTIES, g->target.properties);
    finalize(&engine);
    if (!setter_take(&engine))
        return engine.status;
    g->parts[g->part_count++] = engine.of;
    struct setter config = setter_make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    if (config.status == CUDNN_STATUS_SUCCESS)
        config.status = make_knobs(e, knobs);
    set_descriptor(&config, CUDNN_ATTR_ENGINECFG_ENGINE, engine.of);
    if (e->knob_count > 0)
        set(&config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR, e->knob_count, knobs);
    finalize(&config);
    if (setter_take(&config))
        g->configs[g->config_count++] = config.of;
    for (int i = 0; i < e->knob_count; i++)
        if (knobs[i])
            (void)cudnnBackendDestroyDescriptor(knobs[i]);
    return config.status;
}

/* ---- Plans ---- */

static void read_workspace(struct setter *plan, int64_t *bytes)
{
    int64_t got = 0;
    *bytes = 0;
    if (plan->status == CUDNN_STATUS_SUCCESS)
        plan->status = cudnnBackendGetAttribute(plan->of, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                                CUDNN_TYPE_INT64, 1, &got, bytes);
}

static struct setter begin_plan(const struct cuda_conv_target *t)
{
    struct setter s = setter_make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    if (t->handle)
        set(&s, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &t->handle);
    if (t->properties)
        set_descriptor(&s, ATTR_PLAN_PROPERTIES, t->properties);
    return s;
}

cudnnStatus_t cuda_conv_plan(const struct cuda_conv_target *t, cudnnBackendDescriptor_t config,
                             cudnnBackendDescriptor_t *plan, int64_t *workspace_bytes)
{
    struct setter s = begin_plan(t);
    set_descriptor(&s, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
    finalize(&s);
    read_workspace(&s, workspace_bytes);
    *plan = setter_take(&s);
    return s.status;
}

cudnnStatus_t cuda_conv_plan_write(cudnnBackendDescriptor_t plan, char **text, int64_t *bytes)
{
    int64_t got = 0;
    *text = NULL;
    *bytes = 0;
    cudnnStatus_t status = cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION,
                                                    CUDNN_TYPE_CHAR, 0, bytes, NULL);
    if (status != CUDNN_STATUS_SUCCESS || *bytes <= 0)
        return status != CUDNN_STATUS_SUCCESS ? status : CUDNN_STATUS_NOT_SUPPORTED;
    *text = xmalloc((size_t)*bytes);
    status = cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                                      *bytes, &got, *text);
    if (status == CUDNN_STATUS_SUCCESS)
        return status;
    free(*text);
    *text = NULL;
    return status;
}

cudnnStatus_t cuda_conv_plan_read(const struct cuda_conv_target *t, const char *text, int64_t bytes,
                                  cudnnBackendDescriptor_t *plan, int64_t *workspace_bytes)
{
    struct setter s = begin_plan(t);
    set(&s, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, bytes, text);
    finalize(&s);
    read_workspace(&s, workspace_bytes);
    *plan = setter_take(&s);
    return s.status;
}
