/*
 * descriptor - a row of attribute settings of one of cuDNN's descriptors, which stops at the first failure.
 */
#ifndef ENGINE_CUDA_MODULE_DESCRIPTOR_H
#define ENGINE_CUDA_MODULE_DESCRIPTOR_H

#include <cudnn.h>

struct setter {
    cudnnBackendDescriptor_t of;
    cudnnStatus_t status;
};

static inline struct setter setter_make(cudnnBackendDescriptorType_t type)
{
    struct setter s = {NULL, CUDNN_STATUS_SUCCESS};
    s.status = cudnnBackendCreateDescriptor(type, &s.of);
    return s;
}

static inline void set(struct setter *s, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                       int64_t count, const void *values)
{
    if (s->status == CUDNN_STATUS_SUCCESS)
        s->status = cudnnBackendSetAttribute(s->of, name, type, count, values);
}

static inline void set_descriptor(struct setter *s, cudnnBackendAttributeName_t name,
                                  cudnnBackendDescriptor_t d)
{
    set(s, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &d);
}

static inline void finalize(struct setter *s)
{
    if (s->status == CUDNN_STATUS_SUCCESS)
        s->status = cudnnBackendFinalize(s->of);
}

/* What has been made, for the caller to destroy; NULL, with nothing left behind, when something failed. */
static inline cudnnBackendDescriptor_t setter_take(struct setter *s)
{
    if (s->status == CUDNN_STATUS_SUCCESS)
        return s->of;
    if (s->of)
        (void)cudnnBackendDestroyDescriptor(s->of);
    return s->of = NULL;
}

#endif
