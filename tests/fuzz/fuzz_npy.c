/*
 * fuzz_npy - arbitrary bytes as a NumPy array, and that array as the filters and as the means of a prior.
 */
#include "engine/model/prior_filters.h"
#include "tests/fuzz/fuzz_weights.h"

static void fuzz_prior(const struct weights *w, const struct weights *mean)
{
    struct prior_filters f;
    struct error e = {""};
    for (int kind = PRIOR_STUDENT_T; kind <= PRIOR_GAUSSIAN; kind++) {
        if (prior_filters_read(&f, kind, w, mean, &e) < 0 && (f.filters || !e.text[0]))
            abort();
        prior_filters_close(&f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char means[] =
        "\x93NUMPY\1\0\x39\0{'descr': '|i1', 'fortran_order': False, 'shape': (2,)} \n\1\2";
    struct weights *w, *two;
    struct error e = {""};
    fuzz_weights(data, size);
    if (weights_open_memory(&w, data, size, "fuzz", &e) < 0)
        return 0;
    if (weights_open_memory(&two, means, sizeof means - 1, "means", &e) < 0)
        abort();
    fuzz_prior(w, NULL);
    fuzz_prior(w, two);
    fuzz_prior(w, w);
    fuzz_prior(two, w);
    weights_close(&two);
    weights_close(&w);
    return 0;
}
