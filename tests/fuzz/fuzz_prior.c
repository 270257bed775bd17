/*
 * libFuzzer over the prior's files: one (filters and means in it), or a pair of NumPy arrays. The first two bytes say
 * where the second one begins, and the third which energy it is for.
 */
#include "engine/model/prior_filters.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    size_t at = (size_t)data[0] | (size_t)data[1] << 8, rest = size - 3;
    int kind = data[2] & 1 ? PRIOR_GAUSSIAN : PRIOR_STUDENT_T;
    at = at < rest ? at : rest;
    struct weights *first = NULL, *second = NULL;
    struct prior_filters f = {.filters = NULL};
    struct error e = {""};
    if (weights_open_memory(&first, data + 3, at, "filters", &e) == 0 &&
        (at == rest || weights_open_memory(&second, data + 3 + at, rest - at, "means", &e) == 0)) {
        int rc = prior_filters_read(&f, kind, first, second, &e);
        must(rc == 0 ? f.filters && f.offset && f.count >= 1 && f.count <= PRIOR_DIM : e.text[0] != '\0',
             "there are filters, or a word why not");
        prior_filters_close(&f);
    }
    weights_close(&second);
    weights_close(&first);
    return 0;
}
