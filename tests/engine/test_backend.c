/*
 * backend: the choice of hardware, its loss in the middle of a dream, views that were prepared, frames. A
 * driver that fails when it is told to stands in for a GPU: it forwards to the CPU.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/log.h"
#include "common/mem.h"
#include "config/config.h"
#include "engine/nv12.h"
#include "engine/dream/internal.h"

static struct model *model;

static int load_model(void **state)
{
    (void)state;
    struct error e;
    unsetenv("REVERIE_CUDA_MODULE");
    log_set_level(LOG_ERROR - 1); /* losses are logged, and there are many of them here */
    return model_load(&model, NULL, &e);
}

static int close_model(void **state)
{
    (void)state;
    model_close(&model);
    return 0;
}

/* What the stand-in does next. */
static struct {
    int steps_left, opens_left, frames_left;
    int opened, closed, stepped, kept;
    int supports_rc;
    struct image_view seen[64];
    struct backend_params params;
} fake;

static int fake_supports(const struct backend_params *p, struct error *e)
{
    (void)p;
    return fake.supports_rc ? error_set(e, -fake.supports_rc, "stand-in: not here") : 0;
}

static int fake_open(struct backend **b, const struct backend_params *p, struct error *e)
{
    *b = NULL;
    if (fake.opens_left-- <= 0)
        return error_set(e, EIO, "stand-in: gone");
    fake.opened++;
    fake.params = *p;
    return backend_cpu.open(b, p, e);
}

static void fake_close(struct backend **b)
{
    fake.closed += *b != NULL;
    backend_cpu.close(b);
}

static int fake_step(struct backend *b, const struct backend_step *s)
{
    if (fake.steps_left-- <= 0)
        return -EIO;
    fake.seen[fake.stepped++ % 64] = s->view;
    return backend_cpu.step(b, s);
}

static int fake_put(struct backend *b, const float *rgb)
{
    return backend_cpu.put(b, rgb);
}

static int fake_get(struct backend *b, float *rgb)
{
    return backend_cpu.get(b, rgb);
}

static int fake_warp(struct backend *b, const struct image_move *by)
{
    return backend_cpu.warp(b, by);
}

static int fake_finish(struct backend *b, struct image_sums *sums)
{
    return backend_cpu.finish(b, sums);
}

static int fake_frame(struct backend *b, uint8_t *nv12)
{
    (void)b;
    memset(nv12, 7, 128 * 96 * 3 / 2);
    return fake.frames_left-- > 0 ? 0 : -EIO;
}

/* Its copy of the picture is 200 everywhere. */
static int fake_keep(struct backend *b)
{
    (void)b;
    fake.kept++;
    return 0;
}

static int fake_kept(const struct backend *b, float *rgb)
{
    (void)b;
    for (int i = 0; i < 3 * 128 * 96; i++)
        rgb[i] = 200;
    return 0;
}

static const struct backend_ops stand_in = {
    .name = "stand-in",
    .prepared_views = true,
    .can_be_lost = true,
    .supports = fake_supports,
    .open = fake_open,
    .close = fake_close,
    .put = fake_put,
    .get = fake_get,
    .warp = fake_warp,
    .step = fake_step,
    .finish = fake_finish,
    .frame = fake_frame,
};
static const struct backend_ops *const drivers[] = {&stand_in, &backend_cpu, NULL};
static const struct backend_ops *const alone[] = {&stand_in, NULL};

static struct dream_config config_of(const char *const *assignments)
{
    struct dream_config c;
    const struct config_entry entry = {&dream_section, &c};
    const struct config all = {.entries = &entry, .count = 1};
    struct error e = {""};
    config_defaults(&all);
    for (; *assignments; assignments++)
        if (config_set(&all, *assignments, &e) < 0)
            fail_msg("%s", e.text);
    return c;
}

#define CONFIG(...) config_of((const char *const[]){"dream.size=128x96", __VA_ARGS__, NULL})

static struct dream *open_on(const struct dream_config *c, const struct backend_ops *const *list)
{
    struct dream *d;
    struct error e = {""};
    if (dream_open_on(&d, &(struct dream_params){c, model, 4, NULL, list}, &e) < 0)
        fail_msg("%s", e.text);
    struct dream_target goldfish = {.count = 1,
                                    .subjects = {{.class_index = model_class(model, "n01443537")}}};
    dream_set_target(d, &goldfish, 0);
    return d;
}

static float *picture_of(struct dream *d)
{
    float *x = xmalloc(d->floats * sizeof *x);
    dream_picture(d, x);
    return x;
}

static void set_up(int steps_left, int opens_left)
{
    memset(&fake, 0, sizeof fake);
    fake.steps_left = steps_left;
    fake.opens_left = opens_left;
}

static void a_lost_device_hands_its_picture_to_the_cpu(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.threads=1");
    set_up(3, 1);
    struct dream *d = open_on(&c, drivers);
    assert_string_equal(dream_backend_name(d), "stand-in");
    assert_int_equal(dream_steps(d, 2), 0);
    float *copied = picture_of(d); /* what the camera got last */
    assert_int_equal(dream_steps(d, 2), -EIO);
    assert_string_equal(dream_backend_name(d), "cpu");
    assert_int_equal(fake.closed, 1);
    float *after = picture_of(d);
    assert_memory_equal(copied, after, d->floats * sizeof *after);
    assert_int_equal(dream_step(d), 0);
    free(after);
    after = picture_of(d);
    assert_memory_not_equal(copied, after, d->floats * sizeof *after);
    free(copied);
    free(after);
    dream_close(&d);
}

static void one_that_worked_for_long_is_opened_anew(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.threads=1");
    set_up(1, 2);
    struct dream *d = open_on(&c, drivers);
    assert_int_equal(dream_step(d), 0);
    d->opened_us -= 3600 * INT64_C(1000000);
    assert_int_equal(dream_step(d), -EIO);
    assert_string_equal(dream_backend_name(d), "stand-in");
    assert_int_equal(fake.opened, 2);
    assert_int_equal(dream_step(d), -EIO); /* at once again: not trusted once more */
    assert_string_equal(dream_backend_name(d), "cpu");
    dream_close(&d);
}

/* When no other driver was asked for the CPU still takes over: a show goes on. */
static void the_cpu_helps_out_uninvited(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.threads=1");
    set_up(0, 1);
    struct dream *d = open_on(&c, alone);
    assert_int_equal(dream_step(d), -EIO);
    assert_string_equal(dream_backend_name(d), "cpu");
    assert_int_equal(dream_step(d), 0);
    dream_close(&d);
}

/* The CPU cannot be opened either: the picture stays what it was, everything can be called, and a later call
 * finds the device again. */
static void without_any_backend_the_picture_stands_still(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.threads=1");
    set_up(1, 1);
    struct dream *d = open_on(&c, alone);
    assert_int_equal(dream_step(d), 0);
    float *before = picture_of(d);
    snprintf(d->config.prior_file, sizeof d->config.prior_file, "/nonexistent"); /* opens nowhere now */
    assert_int_equal(dream_step(d), -EIO);
    assert_string_equal(dream_backend_name(d), "none");
    dream_warp(d, 1.1, 0, 1);
    assert_int_equal(dream_step(d), -EIO);
    double belief[DREAM_SUBJECTS_MAX];
    dream_belief(d, belief);
    assert_false(dream_makes_frames(d));
    uint8_t *nv12 = xmalloc(128 * 96 * 3 / 2);
    dream_frame(d, nv12);
    free(nv12);
    float *after = picture_of(d);
    assert_memory_equal(before, after, d->floats * sizeof *after);
    d->config.prior_file[0] = '\0';
    d->tried_us -= 3600 * INT64_C(1000000);
    fake.opens_left = fake.steps_left = 1;
    assert_int_equal(dream_step(d), 0);
    assert_string_equal(dream_backend_name(d), "stand-in");
    free(before);
    free(after);
    dream_close(&d);
}

static void what_cannot_be_had_is_refused_or_passed_over(void **state)
{
    (void)state;
    struct error e = {""};
    struct dream *d;
    struct dream_config c = CONFIG("dream.threads=1");
    set_up(9, 9);
    fake.supports_rc = -ENODEV;
    d = open_on(&c, drivers);
    assert_string_equal(dream_backend_name(d), "cpu");
    assert_int_equal(fake.opened, 0);
    dream_close(&d);
    assert_int_equal(dream_open_on(&d, &(struct dream_params){&c, model, 1, NULL, alone}, &e), -ENODEV);
    assert_null(d);
    assert_non_null(strstr(e.text, "not here"));
    set_up(9, 0);
    d = open_on(&c, drivers);
    assert_string_equal(dream_backend_name(d), "cpu");
    dream_close(&d);
}

/* The test programs have no GPU module beside them. */
static void cuda_by_name_says_what_is_missing(void **state)
{
    (void)state;
    struct error e = {""};
    struct dream *d;
    struct dream_config c = CONFIG("dream.backend=cuda");
    assert_true(dream_open(&d, &c, model, 1, NULL, &e) < 0);
    assert_null(d);
    assert_non_null(strstr(e.text, "cuda"));
    c = CONFIG("dream.backend=auto");
    assert_int_equal(dream_open(&d, &c, model, 1, NULL, &e), 0);
    assert_string_equal(dream_backend_name(d), "cpu");
    dream_close(&d);
}

static const struct option *backend_option(void)
{
    for (size_t i = 0; i < dream_section.count; i++)
        if (strcmp(dream_section.options[i].name, "backend") == 0)
            return &dream_section.options[i];
    return NULL;
}

/* Each choice of dream.backend is one member of the family, by number and by name. */
static void every_member_is_whole(void **state)
{
    (void)state;
    const char *const *choices = backend_option()->choices;
    int count = 0;
    for (const struct backend_ops *const *b = backend_registry; *b; b++, count++) {
        const struct backend_ops *o = *b;
        assert_true(o->supports && o->open && o->close && o->put && o->get);
        assert_true(o->warp && o->step && o->finish && o->measure);
        assert_true(o->setting > DREAM_BACKEND_AUTO && o->setting <= DREAM_BACKEND_NULL);
        assert_string_equal(o->name, choices[o->setting]);
        for (const struct backend_ops *const *other = backend_registry; other != b; other++)
            assert_int_not_equal(o->setting, (*other)->setting);
    }
    assert_int_equal(count, DREAM_BACKEND_NULL);
    assert_null(choices[count + 1]);
}

static void auto_prefers_a_gpu_and_never_takes_null(void **state)
{
    (void)state;
    const char *tried[BACKENDS_MAX];
    int count = 0;
    for (const struct backend_ops *const *b = backend_registry; *b; b++)
        if ((*b)->is_auto)
            tried[count++] = (*b)->name;
    assert_int_equal(count, 2);
    assert_string_equal(tried[0], "cuda");
    assert_string_equal(tried[1], "cpu");
}

static void a_backend_by_name_is_that_one(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.backend=null");
    struct dream *d = open_on(&c, NULL);
    assert_string_equal(dream_backend_name(d), "null");
    dream_close(&d);
    c = CONFIG("dream.backend=cpu");
    d = open_on(&c, NULL);
    assert_string_equal(dream_backend_name(d), "cpu");
    dream_close(&d);
}

/* The stand-in says neither what it runs on nor how its workers give way; this one makes no frames either. */
static void what_is_optional_may_be_missing(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.threads=1");
    struct backend_ops bare = stand_in;
    bare.frame = NULL;
    const struct backend_ops *const list[] = {&bare, NULL};
    uint8_t *nv12 = malloc(128 * 96 * 3 / 2);
    set_up(9, 9);
    struct dream *d = open_on(&c, list);
    assert_string_equal(dream_hardware(d), "");
    dream_lower_priority(d);
    assert_false(dream_makes_frames(d));
    dream_frame(d, nv12);
    assert_string_equal(dream_backend_name(d), "stand-in");
    free(nv12);
    dream_close(&d);
}

static void prepared_views_are_the_only_ones(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.threads=1");
    set_up(40, 1);
    struct dream *d = open_on(&c, drivers);
    struct dream_target two = {.count = 2, .subjects = {{.class_index = 3}, {.class_index = 4}}};
    assert_int_equal(dream_steps(d, 20), 0);
    dream_set_target(d, &two, 0);
    assert_int_equal(dream_steps(d, 20), 0);
    assert_true(fake.params.view_count > 2 && fake.params.view_count <= BACKEND_VIEWS_MAX);
    bool used[BACKEND_VIEWS_MAX] = {false};
    for (int i = 0; i < 40; i++) {
        const struct image_view *v = &fake.seen[i];
        int k = 0;
        while (k < fake.params.view_count && fake.params.views[k].scale != v->scale)
            k++;
        assert_true(k < fake.params.view_count);
        used[k] = true;
        assert_int_equal(v->width_px, fake.params.views[k].width_px);
        assert_int_equal(v->height_px, fake.params.views[k].height_px);
        assert_true(v->offset_x >= 0 && v->offset_x <= v->width_px - v->scale * 128);
        assert_true(k == 0 || fake.params.views[k - 1].scale > v->scale);
    }
    int kinds = 0;
    for (int k = 0; k < BACKEND_VIEWS_MAX; k++)
        kinds += used[k];
    assert_true(kinds > 2);
    dream_close(&d);
}

static void steps_together_are_steps_one_by_one(void **state)
{
    (void)state;
    static const char *const profiles[] = {"dream.profile=modern", "dream.profile=classic"};
    for (int p = 0; p < 2; p++) {
        struct dream_config c = CONFIG("dream.backend=cpu", profiles[p]);
        struct dream *a = open_on(&c, NULL), *b = open_on(&c, NULL);
        assert_int_equal(dream_steps(a, 4), 0);
        for (int i = 0; i < 4; i++)
            assert_int_equal(dream_step(b), 0);
        float *x = picture_of(a), *y = picture_of(b);
        assert_memory_equal(x, y, a->floats * sizeof *x);
        free(x);
        free(y);
        dream_close(&a);
        dream_close(&b);
    }
}

/* NV12 of single colours, by the numbers of BT.709 worked out by hand. */
static void frames_have_the_colours_of_bt709(void **state)
{
    (void)state;
    static const struct {
        float rgb[3];
        int y, cb, cr;
    } known[] = {{{0, 0, 0}, 16, 128, 128},   {{255, 255, 255}, 235, 128, 128},
                 {{255, 0, 0}, 63, 102, 240}, {{0, 255, 0}, 173, 42, 26},
                 {{0, 0, 255}, 32, 240, 118}, {{128, 128, 128}, 126, 128, 128}};
    struct dream_config c = CONFIG("dream.backend=null");
    float *x = xmalloc(3 * 128 * 96 * sizeof *x);
    uint8_t *nv12 = xmalloc(128 * 96 * 3 / 2);
    for (size_t k = 0; k < ARRAY_LEN(known); k++) {
        struct dream *d;
        struct error e = {""};
        for (int i = 0; i < 3 * 128 * 96; i++)
            x[i] = known[k].rgb[i / (128 * 96)];
        assert_int_equal(dream_open(&d, &c, model, 1, x, &e), 0);
        assert_false(dream_makes_frames(d));
        dream_frame(d, nv12);
        for (int i = 0; i < 128 * 96; i++)
            assert_int_equal(nv12[i], known[k].y);
        for (int i = 0; i < 128 * 96 / 2; i += 2) {
            assert_int_equal(nv12[128 * 96 + i], known[k].cb);
            assert_int_equal(nv12[128 * 96 + i + 1], known[k].cr);
        }
        dream_close(&d);
    }
    free(x);
    free(nv12);
}

/* Chroma is sited left: a vertical edge between columns 2 and 3 counts a quarter of column 3 at site 1. */
static void chroma_lies_at_even_columns(void **state)
{
    (void)state;
    float plane[2 * 8];
    for (int i = 0; i < 16; i++)
        plane[i] = i % 8 >= 3 ? 100 : 0;
    assert_float_equal(image_nv12_chroma_site(plane, 8, 0, 0), 0, 1e-6);
    assert_float_equal(image_nv12_chroma_site(plane, 8, 1, 0), 25, 1e-6);
    assert_float_equal(image_nv12_chroma_site(plane, 8, 2, 0), 100, 1e-6);
}

/* Every so many frames it is told to keep a copy, and what it kept is what the next one goes on with; but not when
 * the whole picture has been fetched since. */
static void what_a_lost_driver_kept_is_gone_on_with(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.threads=1");
    struct backend_ops keeps = stand_in;
    keeps.keep = fake_keep;
    keeps.kept = fake_kept;
    const struct backend_ops *const list[] = {&keeps, &backend_cpu, NULL};
    for (int fetched = 0; fetched < 2; fetched++) {
        set_up(9, 1);
        fake.frames_left = 40;
        struct dream *d = open_on(&c, list);
        uint8_t *nv12 = xmalloc(128 * 96 * 3 / 2);
        float *rgb = xmalloc(3 * 128 * 96 * sizeof *rgb);
        for (int i = 0; i < 40; i++)
            dream_frame(d, nv12);
        assert_int_equal(fake.kept, 1);
        if (fetched)
            dream_picture(d, rgb);
        dream_frame(d, nv12); /* lost */
        assert_string_equal(dream_backend_name(d), "cpu");
        dream_picture(d, rgb);
        assert_int_equal(rgb[0] == 200 && rgb[3 * 128 * 96 - 1] == 200, !fetched);
        free(nv12);
        free(rgb);
        dream_close(&d);
    }
}

static void a_driver_that_makes_frames_is_asked_for_them(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.threads=1");
    set_up(9, 1);
    fake.frames_left = 2;
    struct dream *d = open_on(&c, drivers);
    uint8_t *nv12 = xmalloc(128 * 96 * 3 / 2);
    assert_true(dream_makes_frames(d));
    dream_frame(d, nv12);
    assert_true(nv12[0] == 7 && nv12[128 * 96 * 3 / 2 - 1] == 7);
    dream_frame(d, nv12);
    dream_frame(d, nv12); /* lost: the CPU has the copy already and makes the frame of it */
    assert_string_equal(dream_backend_name(d), "cpu");
    assert_false(dream_makes_frames(d));
    assert_true(nv12[0] >= 16 && nv12[0] <= 235 && nv12[0] != 7);
    free(nv12);
    dream_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_device_hands_its_picture_to_the_cpu),
        cmocka_unit_test(one_that_worked_for_long_is_opened_anew),
        cmocka_unit_test(the_cpu_helps_out_uninvited),
        cmocka_unit_test(without_any_backend_the_picture_stands_still),
        cmocka_unit_test(what_cannot_be_had_is_refused_or_passed_over),
        cmocka_unit_test(cuda_by_name_says_what_is_missing),
        cmocka_unit_test(every_member_is_whole),
        cmocka_unit_test(auto_prefers_a_gpu_and_never_takes_null),
        cmocka_unit_test(a_backend_by_name_is_that_one),
        cmocka_unit_test(what_is_optional_may_be_missing),
        cmocka_unit_test(prepared_views_are_the_only_ones),
        cmocka_unit_test(steps_together_are_steps_one_by_one),
        cmocka_unit_test(frames_have_the_colours_of_bt709),
        cmocka_unit_test(chroma_lies_at_even_columns),
        cmocka_unit_test(a_driver_that_makes_frames_is_asked_for_them),
        cmocka_unit_test(what_a_lost_driver_kept_is_gone_on_with),
    };
    return cmocka_run_group_tests(tests, load_model, close_model);
}
