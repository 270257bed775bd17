/*
 * kernels_split_impl - a product of any height out of products of at most ROWS rows, each with its height known to the
 * compiler. Whoever includes it has ROWS, multiply_parts and OPERAND, the type of what is multiplied.
 */
#define MULTIPLY_CASE(n)                                                                                     \
    case n:                                                                                                  \
        if (n <= ROWS)                                                                                       \
            multiply_parts(a, lda, parts, depth, packed, panel_stride, panels, c, ldc, add,                  \
                           n <= ROWS ? n : ROWS);                                                            \
        break

static void multiply_parts_of(int rows, const OPERAND *a, size_t lda, int parts, int depth,
                              const OPERAND *packed, size_t panel_stride, int panels, float *c, size_t ldc,
                              int add)
{
    switch (parts ? rows : 0) {
        MULTIPLY_CASE(1);
        MULTIPLY_CASE(2);
        MULTIPLY_CASE(3);
        MULTIPLY_CASE(4);
        MULTIPLY_CASE(5);
        MULTIPLY_CASE(6);
        MULTIPLY_CASE(7);
        MULTIPLY_CASE(8);
        MULTIPLY_CASE(9);
        MULTIPLY_CASE(10);
        MULTIPLY_CASE(11);
        MULTIPLY_CASE(12);
        MULTIPLY_CASE(13);
        MULTIPLY_CASE(14);
    }
}

/* Parts of nearly equal height, the higher ones first: a last part of a single row would be slow. */
static void multiply(const OPERAND *a, size_t lda, int rows, int depth, const OPERAND *packed,
                     size_t panel_stride, int panels, float *c, size_t ldc, int add)
{
    int parts = (rows + ROWS - 1) / ROWS, low = rows / parts, high_parts = rows % parts;
    size_t first = (size_t)(high_parts * (low + 1));
    multiply_parts_of(low + 1, a, lda, high_parts, depth, packed, panel_stride, panels, c, ldc, add);
    multiply_parts_of(low, a + first * lda, lda, parts - high_parts, depth, packed, panel_stride, panels,
                      c + first * ldc, ldc, add);
}
