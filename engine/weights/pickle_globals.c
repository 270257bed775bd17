/*
 * pickle_globals - the only names that a pickle of weights may mention.
 *
 * Whole names are compared. What is marked as ignored turns up beside the weights in training checkpoints
 * and is never looked into.
 */
#include <string.h>

#include "common/mem.h"
#include "engine/weights/pickle.h"

static const struct pickle_global globals[] = {
    {"collections", "OrderedDict", GLOBAL_ORDERED_DICT, 0},
    {"torch._utils", "_rebuild_tensor", GLOBAL_REBUILD_TENSOR, 0},
    {"torch._utils", "_rebuild_tensor_v2", GLOBAL_REBUILD_TENSOR, 0},
    {"torch._utils", "_rebuild_parameter", GLOBAL_REBUILD_PARAMETER, 0},
    {"torch", "Size", GLOBAL_SIZE, 0},
    {"torch.nn.parameter", "Parameter", GLOBAL_PARAMETER, 0},
    {"torch", "FloatStorage", GLOBAL_STORAGE, TENSOR_F32},
    {"torch", "HalfStorage", GLOBAL_STORAGE, TENSOR_F16},
    {"torch", "BFloat16Storage", GLOBAL_STORAGE, TENSOR_BF16},
    {"torch", "DoubleStorage", GLOBAL_STORAGE, TENSOR_F64},
    {"torch", "LongStorage", GLOBAL_STORAGE, TENSOR_I64},
    {"torch", "IntStorage", GLOBAL_STORAGE, TENSOR_I32},
    {"torch", "ShortStorage", GLOBAL_STORAGE, TENSOR_I16},
    {"torch", "CharStorage", GLOBAL_STORAGE, TENSOR_I8},
    {"torch", "ByteStorage", GLOBAL_STORAGE, TENSOR_U8},
    {"torch", "BoolStorage", GLOBAL_STORAGE, TENSOR_BOOL},
    {"torch.cuda", "FloatStorage", GLOBAL_STORAGE, TENSOR_F32},
    {"torch.cuda", "HalfStorage", GLOBAL_STORAGE, TENSOR_F16},
    {"torch.cuda", "LongStorage", GLOBAL_STORAGE, TENSOR_I64},
    {"collections", "defaultdict", GLOBAL_IGNORED, 0},
    {"collections", "Counter", GLOBAL_IGNORED, 0},
    {"argparse", "Namespace", GLOBAL_IGNORED, 0},
    {"builtins", "set", GLOBAL_IGNORED, 0},
    {"__builtin__", "set", GLOBAL_IGNORED, 0},
    {"__builtin__", "dict", GLOBAL_IGNORED, 0},
    {"__builtin__", "object", GLOBAL_IGNORED, 0},
    {"copy_reg", "_reconstructor", GLOBAL_IGNORED, 0},
    {"_codecs", "encode", GLOBAL_IGNORED, 0},
    {"numpy", "dtype", GLOBAL_IGNORED, 0},
    {"numpy", "ndarray", GLOBAL_IGNORED, 0},
    {"numpy.core.multiarray", "scalar", GLOBAL_IGNORED, 0},
    {"numpy.core.multiarray", "_reconstruct", GLOBAL_IGNORED, 0},
    {"torch", "device", GLOBAL_IGNORED, 0},
    {"torch", "float32", GLOBAL_IGNORED, 0},
    {"torch.optim.lr_scheduler", "StepLR", GLOBAL_IGNORED, 0},
    {"torch.optim.lr_scheduler", "LambdaLR", GLOBAL_IGNORED, 0},
    {"torch.optim.lr_scheduler", "MultiStepLR", GLOBAL_IGNORED, 0},
    {"torch.optim.sgd", "SGD", GLOBAL_IGNORED, 0},
    {"cox.utils", "Parameters", GLOBAL_IGNORED, 0},
    /* dill, with which the robustness library saves: it writes functions and types down piece by piece. */
    {"dill._dill", "_load_type", GLOBAL_IGNORED, 0},
    {"dill._dill", "_create_type", GLOBAL_IGNORED, 0},
    {"dill._dill", "_create_function", GLOBAL_IGNORED, 0},
    {"dill._dill", "_create_code", GLOBAL_IGNORED, 0},
    {"dill._dill", "_create_cell", GLOBAL_IGNORED, 0},
    {"dill._dill", "_get_attr", GLOBAL_IGNORED, 0},
    {"__builtin__", "__main__", GLOBAL_IGNORED, 0},
    {"builtins", "__main__", GLOBAL_IGNORED, 0},
};

static bool same(const char *have, const char *bytes, size_t count)
{
    return strlen(have) == count && memcmp(have, bytes, count) == 0;
}

const struct pickle_global *pickle_global_find(const char *module, size_t module_bytes, const char *name,
                                               size_t name_bytes)
{
    for (size_t i = 0; i < ARRAY_LEN(globals); i++)
        if (same(globals[i].module, module, module_bytes) && same(globals[i].name, name, name_bytes))
            return &globals[i];
    return NULL;
}
