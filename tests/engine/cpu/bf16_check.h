/*
 * bf16_check - what a driver of bf16.h is checked for: rounding, pairs and products of odd sizes, against the
 * definition in double precision and against another driver bit by bit.
 */
#ifndef TESTS_ENGINE_BF16_CHECK_H
#define TESTS_ENGINE_BF16_CHECK_H

#include "engine/cpu/bf16.h"
#include "tests/engine/cpu/kernel_check.h"

/* Any bits at all: NaN, infinities, denormals, numbers that round up to a power of two or to infinity. */
static inline float any_float(void)
{
    static const uint32_t edges[] = {0x7f7fffff, 0x7f7f8000, 0x7f7f7fff, 0x3f808000, 0x3f818000, 0x3f7fffff,
                                     0x00800000, 0x007fffff, 0x80000001, 0x7f800001, 0xff800000, 0x80000000};
    uint32_t bits = rng_below(&rng, 3) ? (uint32_t)rng_u64(&rng) : edges[rng_below(&rng, ARRAY_LEN(edges))];
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint16_t *halves(size_t count)
{
    uint16_t *p = xcalloc(count, sizeof *p);
    for (size_t i = 0; i < count; i++)
        p[i] = 0xabcd;
    return p;
}

/* `rounded` says what one float becomes. */
static inline void check_round(const struct bf16_kernels *k, uint16_t rounded(float x))
{
    enum { PLANES = 5, COUNT_MAX = 80, PLANE = COUNT_MAX + 7 };
    for (int count = 16; count <= COUNT_MAX; count += 16) {
        float from[PLANES * PLANE];
        uint16_t *to = halves((PLANES + 1) * PLANE);
        for (int i = 0; i < PLANES * PLANE; i++)
            from[i] = any_float();
        k->round(from, PLANE, PLANES, count, to, PLANE + 1);
        for (int i = 0; i < (PLANES + 1) * PLANE; i++) {
            int plane = i / (PLANE + 1), at = i % (PLANE + 1);
            bool is_written = plane < PLANES && at < count;
            assert_int_equal(to[i], is_written ? rounded(from[plane * PLANE + at]) : 0xabcd);
        }
        free(to);
    }
}

/* Where number x of a column lies in pairs of a panel of that depth. */
typedef int place_fn(int depth, int x, int column);

static inline int place_in_pairs(int depth, int x, int column)
{
    (void)depth;
    return (x / 2 * GROUP + column) * 2 + x % 2;
}

static inline void check_pair(const struct bf16_kernels *k, uint16_t rounded(float x), place_fn *place)
{
    enum { PLANES = 3, DEPTH_MAX = 34, PLANE = DEPTH_MAX * GROUP + 5 };
    for (int depth = 2; depth <= DEPTH_MAX; depth += 2) {
        static float from[PLANES * PLANE];
        uint16_t *to = halves(PLANES * PLANE);
        for (int i = 0; i < PLANES * PLANE; i++)
            from[i] = any_float();
        k->pair(from, PLANE, PLANES, depth, to, PLANE);
        for (int p = 0; p < PLANES; p++) {
            for (int x = 0; x < depth; x++)
                for (int i = 0; i < GROUP; i++)
                    assert_int_equal(to[p * PLANE + place(depth, x, i)],
                                     rounded(from[p * PLANE + x * GROUP + i]));
            for (int i = depth * GROUP; i < PLANE; i++)
                assert_int_equal(to[p * PLANE + i], 0xabcd);
        }
        free(to);
    }
}

/* ---- Products ---- */

struct product_case {
    int rows, depth, panels, add;
    size_t lda, ldc, panel_stride;
    uint16_t *a; /* rows */
    float *b;    /* [panels][depth][16], rounded */
    float *c;
};

static inline struct product_case product_case_make(int rows, float next(void))
{
    struct product_case p = {.rows = rows, .depth = 2 + 2 * (int)rng_below(&rng, 60)};
    p.panels = 1 + (int)rng_below(&rng, 5);
    p.add = (int)rng_below(&rng, 2);
    p.lda = (size_t)p.depth + rng_below(&rng, 5);
    p.ldc = (size_t)p.panels * GROUP + rng_below(&rng, 20);
    p.panel_stride = (size_t)p.depth * GROUP + 2 * rng_below(&rng, 9);
    p.a = halves((size_t)rows * p.lda);
    p.b = canaries((size_t)p.panels * (size_t)p.depth * GROUP);
    p.c = canaries((size_t)(rows + 1) * p.ldc);
    for (size_t i = 0; i < (size_t)rows * p.lda; i++)
        p.a[i] = bf16_of(next());
    for (size_t i = 0; i < (size_t)p.panels * (size_t)p.depth * GROUP; i++)
        p.b[i] = bf16_float(bf16_of(next()));
    for (size_t r = 0; r < (size_t)rows; r++)
        for (size_t j = 0; j < (size_t)p.panels * GROUP; j++)
            p.c[r * p.ldc + j] = next();
    return p;
}

static inline void product_case_free(struct product_case *p)
{
    free(p->a);
    free(p->b);
    free(p->c);
}

static inline void product_of(const struct bf16_kernels *k, const struct product_case *p, float *c)
{
    uint16_t *pairs = halves((size_t)p->panels * p->panel_stride);
    size_t panel = (size_t)p->depth * GROUP;
    k->pair(p->b, panel, p->panels, p->depth, pairs, p->panel_stride);
    k->multiply(p->a, p->lda, p->rows, p->depth, pairs, p->panel_stride, p->panels, c, p->ldc, p->add);
    free(pairs);
}

static inline double product_truth(const struct product_case *p, size_t row, size_t column)
{
    double sum = p->add ? (double)p->c[row * p->ldc + column] : 0;
    const float *b = p->b + (column / GROUP * (size_t)p->depth * GROUP + column % GROUP);
    for (size_t x = 0; x < (size_t)p->depth; x++)
        sum += (double)bf16_float(p->a[row * p->lda + x]) * (double)b[x * GROUP];
    return sum;
}

static inline float *copy_of_c(const struct product_case *p)
{
    size_t count = (size_t)(p->rows + 1) * p->ldc;
    float *c = canaries(count);
    memcpy(c, p->c, count * sizeof *c);
    return c;
}

/* Every count of rows around what a driver does at once. */
static inline void check_product(const struct bf16_kernels *k)
{
    for (int rows = 1; rows <= 70; rows++) {
        struct product_case p = product_case_make(rows, number);
        float *c = copy_of_c(&p);
        product_of(k, &p, c);
        struct distance d = {0};
        for (size_t r = 0; r <= (size_t)rows; r++)
            for (size_t j = 0; j < p.ldc; j++)
                if (r < (size_t)rows && j < (size_t)p.panels * GROUP)
                    differ(&d, c[r * p.ldc + j], product_truth(&p, r, j));
                else
                    assert_true(c[r * p.ldc + j] == canary);
        assert_near(&d);
        free(c);
        product_case_free(&p);
    }
}

/* The same bits from both, with numbers of `next`. */
static inline void check_same_bits(const struct bf16_kernels *k, const struct bf16_kernels *other,
                                   float next(void))
{
    for (int rows = 1; rows <= 70; rows++) {
        struct product_case p = product_case_make(rows, next);
        float *c = copy_of_c(&p), *d = copy_of_c(&p);
        product_of(k, &p, c);
        product_of(other, &p, d);
        assert_memory_equal(c, d, (size_t)(rows + 1) * p.ldc * sizeof *c);
        free(c);
        free(d);
        product_case_free(&p);
    }
}

/* How the rows are cut into calls is no matter. */
static inline void check_blocks(const struct bf16_kernels *k)
{
    for (int rows = 2; rows <= 70; rows += 3) {
        struct product_case p = product_case_make(rows, number);
        float *c = copy_of_c(&p), *d = copy_of_c(&p);
        product_of(k, &p, c);
        struct product_case part = p;
        int first = 1 + (int)rng_below(&rng, (uint32_t)rows - 1);
        part.rows = first;
        product_of(k, &part, d);
        part.rows = rows - first;
        part.a += (size_t)first * p.lda;
        product_of(k, &part, d + (size_t)first * p.ldc);
        assert_memory_equal(c, d, (size_t)(rows + 1) * p.ldc * sizeof *c);
        free(c);
        free(d);
        product_case_free(&p);
    }
}

#endif
