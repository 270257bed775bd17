/*
 * fuzz_safetensors - arbitrary bytes as a file of weights; the corpus makes it safetensors.
 */
#include "tests/fuzz/fuzz_weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_weights(data, size);
    return 0;
}
