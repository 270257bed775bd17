/*
 * test_kernels_seven - the transforms of F(2x2,7x7) of every tier against their definition in double
 * precision: polynomials over the points 0, +-1, +-2, +-1/2 and infinity.
 */
#include "tests/engine/cpu/kernel_check.h"

static const double points[7] = {0, 1, -1, 2, -2, 0.5, -0.5};

/* Product of the distances of point i to the others; its sign goes to the data for point 0. */
static double distances(int i)
{
    double product = i == 0 ? -1 : 1;
    for (int k = 0; k < 7; k++)
        product *= k == i ? 1 : points[i] - points[k];
    return product;
}

static double g_of(int i, int j)
{
    return i == 7 ? j == 6 : pow(points[i], j) / distances(i);
}

/* Coefficient j of the product of (x - b) over all points but number i; of all of them for i = 7. */
static double b_of(int i, int j)
{
    double c[9] = {1};
    for (int k = 0; k < 7; k++)
        for (int power = 8; power >= 0 && k != i; power--)
            c[power] = (power ? c[power - 1] : 0) - points[k] * c[power];
    return i == 0 ? -c[j] : c[j];
}

static double a_of(int i, int j)
{
    return j == 7 ? i == 1 : pow(points[j], i);
}

typedef double matrix_fn(int i, int j);

/* One number of m x m^T, or of its transpose, with x[rows][rows] numbers `stride` apart. */
static double both_ways(matrix_fn *m, bool is_turned, int rows, int at, int width, const float *x,
                        size_t stride)
{
    double sum = 0;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < rows; j++) {
            double left = is_turned ? m(i, at / width) : m(at / width, i);
            double right = is_turned ? m(j, at % width) : m(at % width, j);
            sum += left * right * (double)x[(size_t)(i * rows + j) * stride];
        }
    return sum;
}

/* Two panels of 32 inputs, one way and the other; of 24 bits or of 16. */
static void check_filters_of(const struct kernels *k, bool has_low)
{
    enum { IN = 32, TAP = IN * GROUP, PANEL = 49 * TAP, ALL = 2 * PANEL, PLANE = 2 * GROUP * GROUP + GROUP };
    static uint16_t high[ALL + 256];
    static int8_t lower[ALL + 256];
    const int8_t *low = has_low ? lower : NULL, *next = has_low ? lower + 256 : NULL;
    static float values[ALL], u[64 * PLANE];
    for (size_t i = 0; i < ALL; i++) {
        uint32_t bits;
        float x = rng_normal(&rng);
        memcpy(&bits, &x, sizeof bits);
        high[i] = (uint16_t)(bits >> 16);
        lower[i] = (int8_t)rng_u64(&rng);
        bits = ((uint32_t)high[i] << 16) + (uint32_t)(has_low ? lower[i] * 256 : 0);
        memcpy(&values[i], &bits, sizeof bits);
    }
    for (size_t turned = 0; turned < 2; turned++)
        for (int depth = turned ? IN : 4; depth <= IN; depth += 12) {
            struct distance d = {0};
            for (size_t i = 0; i < ARRAY_LEN(u); i++)
                u[i] = canary;
            if (turned)
                k->seven_filters_turned(high + 256, next, TAP, PANEL, 2, u, PLANE);
            else
                k->seven_filters(high, low, TAP, depth, u, PLANE);
            for (size_t i = 0; i < ARRAY_LEN(u); i++) {
                size_t at = i % PLANE, row = at / GROUP, column = i % GROUP;
                size_t from = turned ? row / GROUP * PANEL + 256 + column * GROUP + row % GROUP : at;
                if (at < (size_t)depth * GROUP)
                    differ(&d, u[i], both_ways(g_of, false, 7, (int)(i / PLANE), 8, values + from, TAP));
                else
                    assert_true(u[i] == canary);
            }
            assert_near(&d);
        }
}

static void check_filters(const struct kernels *k)
{
    check_filters_of(k, true);
    check_filters_of(k, false);
}

/* Numbers of one tile, [64][channels] with planes longer than that; a canary at the end of each. */
enum { CHANNELS = 48, PLANE = CHANNELS + 5 };

static void compare_plane(const float *to, int count, matrix_fn *m, bool is_turned, int rows, int width,
                          const float *from, size_t stride)
{
    struct distance d = {0};
    for (int at = 0; at < count; at++) {
        for (int c = 0; c < CHANNELS; c++)
            differ(&d, to[at * PLANE + c], both_ways(m, is_turned, rows, at, width, from + c, stride));
        assert_true(to[at * PLANE + CHANNELS] == canary);
    }
    assert_near(&d);
}

static void check_data(const struct kernels *k)
{
    float *pixels = numbers(64 * PLANE), *v = canaries(64 * PLANE);
    k->seven_in(pixels, 8 * PLANE, PLANE, CHANNELS, v, PLANE);
    compare_plane(v, 64, b_of, false, 8, 8, pixels, PLANE);
    free(v);
    v = canaries(64 * PLANE);
    k->seven_in_adjoint(pixels, PLANE, CHANNELS, v, PLANE);
    compare_plane(v, 64, b_of, true, 8, 8, pixels, PLANE);
    free(v);
    free(pixels);
}

static void check_outputs(const struct kernels *k)
{
    for (int shape = 0; shape < 4; shape++) {
        int rows = 1 + shape / 2, columns = 1 + shape % 2;
        float *m = numbers(64 * PLANE), *out = canaries(4 * PLANE), *z = canaries(64 * PLANE);
        float *whole = numbers(4 * PLANE);
        struct distance d = {0};
        k->seven_out(m, PLANE, CHANNELS, rows, columns, 2 * PLANE, PLANE, out);
        for (int i = 0; i < 4 * PLANE; i++) {
            int at = i / PLANE, c = i % PLANE;
            if (at / 2 < rows && at % 2 < columns && c < CHANNELS)
                differ(&d, out[i], both_ways(a_of, false, 8, at, 2, m + c, PLANE));
            else
                assert_true(out[i] == canary);
        }
        assert_near(&d);
        k->seven_out_adjoint(whole, 2 * PLANE, PLANE, rows, columns, CHANNELS, z, PLANE);
        for (int at = 0; at < 4; at++) /* outputs that are not there */
            for (int c = 0; c < CHANNELS && (at / 2 >= rows || at % 2 >= columns); c++)
                whole[at * PLANE + c] = 0;
        compare_plane(z, 64, a_of, true, 2, 8, whole, PLANE);
        free(m);
        free(out);
        free(z);
        free(whole);
    }
}

TEST_OF(filters)
TEST_OF(data)
TEST_OF(outputs)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters),
        cmocka_unit_test(data),
        cmocka_unit_test(outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
