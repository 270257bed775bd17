/*
 * backend - see backend.h: the registry.
 */
#include "engine/backend.h"

#include "common/mem.h"

const struct backend_ops *const backend_registry[] = {&backend_cuda, &backend_cpu, &backend_null, NULL};

_Static_assert(ARRAY_LEN(backend_registry) <= BACKENDS_MAX + 1, "BACKENDS_MAX");
