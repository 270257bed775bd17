/*
 * still_tiles: windows add up to one over every place, and a picture that was dreamed by tiles shows nowhere where they met.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/args.h"
#include "app/still_grid.h"
#include "app/still_parts.h"
#include "common/mem.h"

enum { WIDTH = 1024, HEIGHT = 832, SIDE = 256, STEPS = 20 };

static void windows_add_up_to_one(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1000, 192}, {577, 256}, {193, 192}, {192, 192}, {100, 192}, {4096, 1536}};
    struct rng rng = still_grid_rng(3, 1);
    for (int round = 0; round < 120; round++) {
        const int *s = sizes[round % 6];
        struct still_cells c = still_cells_lay(s[0], s[1], &rng);
        for (int i = 0; i < c.count; i++)
            assert_true(still_cell_begin(&c, i) >= 0 && still_cell_begin(&c, i) + c.side <= c.size);
        for (int at = 0; at < c.size; at++) {
            float sum = 0;
            for (int i = 0; i < c.count; i++) {
                int begin = still_cell_begin(&c, i);
                bool is_inside = at >= begin && at < begin + c.side;
                sum += is_inside ? still_cell_window(&c, i, at) : 0;
            }
            if (fabsf(sum - 1) > 1e-5f)
                fail_msg("%d of %d by %d: %g", at, s[0], s[1], (double)sum);
        }
    }
}

/* Places of a grid where a tile begins or ends count: within two pixels of it. */
static void mark(const struct still_cells *c, bool *is_border)
{
    for (int i = 0; i < c->count; i++)
        for (int end = 0; end < 2; end++) {
            int at = c->first + i * (c->side - c->overlap) + end * c->side;
            for (int k = at - 2; k < at + 2; k++)
                if (k > 1 && k < c->size - 1)
                    is_border[k] = true;
        }
}

struct sums {
    double border, elsewhere;
    long border_count, elsewhere_count;
};

/* Mean gradients of grey along `axis`, at borders and elsewhere. A border has its seam across it. */
static void measure(const float *x, const bool *is_border, bool is_across, struct sums *s)
{
    const size_t pixels = (size_t)WIDTH * HEIGHT;
    for (int y = 1; y < HEIGHT; y++)
        for (int k = 1; k < WIDTH; k++) {
            size_t at = (size_t)y * WIDTH + (size_t)k, before = at - (is_across ? 1 : WIDTH);
            double d = 0;
            for (size_t c = 0; c < 3; c++)
                d += (double)x[c * pixels + at] - (double)x[c * pixels + before];
            bool counts = is_border[is_across ? k : y];
            *(counts ? &s->border : &s->elsewhere) += fabs(d) / 3;
            *(counts ? &s->border_count : &s->elsewhere_count) += 1;
        }
}

/* Mean gradient at the borders of `round`'s grid against elsewhere, both directions added to *s. */
static void measure_round(const float *x, uint64_t seed, int round, struct sums *s)
{
    bool columns[WIDTH] = {false}, rows[HEIGHT] = {false};
    struct rng rng = still_grid_rng(seed, 0);
    struct still_cells across, down;
    for (int i = 0; i <= round; i++) {
        across = still_cells_lay(WIDTH, SIDE, &rng);
        down = still_cells_lay(HEIGHT, SIDE, &rng);
    }
    mark(&across, columns);
    mark(&down, rows);
    measure(x, columns, true, s);
    measure(x, rows, false, s);
}

static void begin_options(struct still_options *o)
{
    char *const words[] = {"still",
                           "--layer",
                           "conv3_1",
                           "--size",
                           "1024x832",
                           "-o",
                           "-",
                           "--set",
                           "dream.object_small=0.1",
                           "--set",
                           "dream.object_large=0.17",
                           "--octave-steps",
                           "20",
                           NULL};
    assert_int_equal(still_options_parse(o, (int)ARRAY_LEN(words) - 1, (char **)words), ARGS_OK);
}

/* Dreams by tiles; returns mean gradient at borders / elsewhere over all rounds' grids, and *last of the last one's. */
static double seam(const struct still_run *run, double *last)
{
    struct error e = {""};
    const struct dream_config *c = &run->options->dream;
    const size_t count = 3 * (size_t)WIDTH * HEIGHT;
    float *x = xmalloc(count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = 118;
    if (still_dream_tiles(run, c, x, 0, SIDE, &e) < 0)
        fail_msg("%s", e.text);
    struct sums all = {0}, one = {0};
    for (int round = 0; round < STEPS / STILL_ROUND_STEPS; round++) {
        one = (struct sums){0};
        measure_round(x, run->seed, round, &one);
        all.border += one.border;
        all.elsewhere += one.elsewhere;
        all.border_count += one.border_count;
        all.elsewhere_count += one.elsewhere_count;
    }
    free(x);
    *last = one.border / (double)one.border_count / (one.elsewhere / (double)one.elsewhere_count);
    return all.border / (double)all.border_count / (all.elsewhere / (double)all.elsewhere_count);
}

static void borders_are_like_everything_else(void **state)
{
    (void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    skip(); /* ten times as long, and nothing about memory or threads that others do not see */
#endif
    static struct still_options o;
    struct error e = {""};
    struct model *model;
    struct still_target target;
    struct still_progress progress;
    begin_options(&o);
    assert_int_equal(dream_load_model(&model, &o.dream, &e), 0);
    assert_int_equal(still_target_find(&target, model, &o, NULL, &e), 0);
    still_progress_begin(&progress, STEPS, (double)STEPS * WIDTH * HEIGHT);
    const struct still_run run = {
        .options = &o, .model = model, .target = &target, .seed = 5, .progress = &progress};
    double last, ratio = seam(&run, &last);
    print_message("# mean gradient at borders / elsewhere: %.4f, of the last round's %.4f\n", ratio, last);
    assert_true(fabs(ratio - 1) < 0.02);
    assert_true(fabs(last - 1) < 0.04); /* fewer places, so more of it is chance */
    model_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_add_up_to_one),
        cmocka_unit_test(borders_are_like_everything_else),
    };
    return cmocka_run_group_tests_name("still_tiles", tests, NULL, NULL);
}
