/*
 * bf16_amx - products by tdpbf16ps: 16 rows by 16 outputs by 32 inputs at once, in tiles.
 *
 * Four tiles of sums (32 rows by two panels) take two tiles of V and two of pairs: four instructions for four loads,
 * which is what keeps the unit busy. The shape of tiles is set before they are used, and setting it forgets them; so
 * what is left of the depth behind the whole 32s is a pass of its own, and so are the rows behind the whole 32s.
 * Rounding and pairing are those of bf16_avx512.c. Compiled for x86-64-v4 with AMX; test_bf16.c compiles this file once
 * more with the intrinsics in plain C.
 */
#include "engine/cpu/bf16.h"

/* Clang up to 14 spells it without the bar. */
#if defined(__AMX_BF16__) || defined(__AMXBF16__) || defined(BF16_EMULATED)
#include "engine/cpu/kernels.h"
#ifndef BF16_EMULATED
#include <immintrin.h>
#endif

enum { TILE_ROWS = 16, TILE_DEPTH = 32, WORD = 4 };

/* Tiles by number, which the intrinsics want as constants: sums of upper and lower rows with the first and second
 * panel, V of upper and lower rows, pairs of both panels. */
#define UPPER_FIRST  0
#define UPPER_SECOND 1
#define LOWER_FIRST  2
#define LOWER_SECOND 3
#define UPPER        4
#define LOWER        5
#define FIRST        6
#define SECOND       7

/* What ldtilecfg reads (Intel's manual, volume 1, chapter 18). */
struct shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static void set_shapes(int upper_rows, int lower_rows, int depth)
{
    struct shapes s = {.palette = 1};
    int rows[8] = {upper_rows, upper_rows, lower_rows, lower_rows,
                   upper_rows, lower_rows, depth / 2,  depth / 2};
    for (int i = 0; i < 8; i++) {
        s.rows[i] = (uint8_t)rows[i];
        s.row_bytes[i] = (uint16_t)(rows[i] == 0 ? 0 : i == UPPER || i == LOWER ? depth * 2 : GROUP * WORD);
    }
    /* GCC's intrinsic says that it reads eight bytes of these 64. */
    __asm__ volatile("" : : "r"(&s) : "memory");
    _tile_loadconfig(&s);
}

/* One block of rows against all panels, for `steps` times the depth of the shapes. */
struct block {
    const uint16_t *a;
    size_t lda;
    bool has_lower;
    int steps, step_depth;
    const uint16_t *pairs;
    size_t panel_stride;
    float *c;
    size_t ldc;
    bool add;
};

static void begin_sums(const struct block *b, bool has_second)
{
    size_t row = b->ldc * sizeof *b->c;
    const float *lower = b->c + TILE_ROWS * b->ldc;
    _tile_zero(UPPER_FIRST);
    if (b->add)
        _tile_loadd(UPPER_FIRST, b->c, row);
    if (has_second) {
        _tile_zero(UPPER_SECOND);
        if (b->add)
            _tile_loadd(UPPER_SECOND, b->c + GROUP, row);
    }
    if (b->has_lower) {
        _tile_zero(LOWER_FIRST);
        if (b->add)
            _tile_loadd(LOWER_FIRST, lower, row);
    }
    if (b->has_lower && has_second) {
        _tile_zero(LOWER_SECOND);
        if (b->add)
            _tile_loadd(LOWER_SECOND, lower + GROUP, row);
    }
}

static void end_sums(const struct block *b, bool has_second)
{
    size_t row = b->ldc * sizeof *b->c;
    float *lower = b->c + TILE_ROWS * b->ldc;
    _tile_stored(UPPER_FIRST, b->c, row);
    if (has_second)
        _tile_stored(UPPER_SECOND, b->c + GROUP, row);
    if (b->has_lower)
        _tile_stored(LOWER_FIRST, lower, row);
    if (b->has_lower && has_second)
        _tile_stored(LOWER_SECOND, lower + GROUP, row);
}

static void two_panels(const struct block *b, bool has_second)
{
    const uint16_t *a = b->a, *pairs = b->pairs;
    size_t a_row = b->lda * sizeof *a, pairs_row = 2 * GROUP * sizeof *pairs;
    begin_sums(b, has_second);
    for (int i = 0; i < b->steps; i++, a += b->step_depth, pairs += (size_t)b->step_depth * GROUP) {
        _tile_loadd(UPPER, a, a_row);
        _tile_loadd(FIRST, pairs, pairs_row);
        _tile_dpbf16ps(UPPER_FIRST, UPPER, FIRST);
        if (has_second) {
            _tile_loadd(SECOND, pairs + b->panel_stride, pairs_row);
            _tile_dpbf16ps(UPPER_SECOND, UPPER, SECOND);
        }
        if (b->has_lower) {
            _tile_loadd(LOWER, a + TILE_ROWS * b->lda, a_row);
            _tile_dpbf16ps(LOWER_FIRST, LOWER, FIRST);
        }
        if (b->has_lower && has_second)
            _tile_dpbf16ps(LOWER_SECOND, LOWER, SECOND);
    }
    end_sums(b, has_second);
}

static void all_panels(struct block b, int panels)
{
    for (int p = 0; p < panels; p += 2, b.pairs += 2 * b.panel_stride, b.c += 2 * GROUP)
        two_panels(&b, p + 1 < panels);
}

/* All rows for a part of the depth: whole blocks with one shape, what is left with another. */
static void all_rows(struct block b, int rows, int panels)
{
    int blocks = rows / (2 * TILE_ROWS), left = rows % (2 * TILE_ROWS);
    b.has_lower = true;
    if (blocks > 0)
        set_shapes(TILE_ROWS, TILE_ROWS, b.step_depth);
    for (int i = 0; i < blocks; i++, b.a += 2 * TILE_ROWS * b.lda, b.c += 2 * TILE_ROWS * b.ldc)
        all_panels(b, panels);
    if (left == 0)
        return;
    int upper = left < TILE_ROWS ? left : TILE_ROWS;
    b.has_lower = left > TILE_ROWS;
    set_shapes(upper, left - upper, b.step_depth);
    all_panels(b, panels);
}

static void multiply(const uint16_t *a, size_t lda, int rows, int depth, const uint16_t *pairs,
                     size_t panel_stride, int panels, float *c, size_t ldc, int add)
{
    int whole = depth / TILE_DEPTH * TILE_DEPTH, left = depth - whole;
    struct block b = {.a = a,
                      .lda = lda,
                      .steps = whole / TILE_DEPTH,
                      .step_depth = TILE_DEPTH,
                      .pairs = pairs,
                      .panel_stride = panel_stride,
                      .c = c,
                      .ldc = ldc,
                      .add = add};
    if (whole > 0)
        all_rows(b, rows, panels);
    if (left > 0) {
        b.a += whole;
        b.pairs += (size_t)whole * GROUP;
        b.steps = 1;
        b.step_depth = left;
        b.add = add || whole > 0;
        all_rows(b, rows, panels);
    }
    _tile_release();
}

static void round_rows(const float *from, size_t from_plane, int planes, int count, uint16_t *to,
                       size_t to_plane)
{
    bf16_avx512->round(from, from_plane, planes, count, to, to_plane);
}

static void pair_rows(const float *from, size_t from_plane, int planes, int depth, uint16_t *to,
                      size_t to_plane)
{
    bf16_avx512->pair(from, from_plane, planes, depth, to, to_plane);
}

static const struct bf16_kernels table = {
    .name = "amx-bf16", .round = round_rows, .pair = pair_rows, .multiply = multiply};
const struct bf16_kernels *const bf16_amx = &table;
#else
const struct bf16_kernels *const bf16_amx = NULL;
#endif
