/*
 * What engine/ opens, refused call by call: files of weights in every format, models, and each part of a dream.
 */
#include "tests/failures/inject.h"

#include <glob.h>

#include "config/config.h"
#include "engine/dream/dream.h"
#include "engine/weights/npy_write.h"

static const char *path; /* of the file that is opened */
static struct model *model;
static struct dream_config config;

OPENING(weights, weights, weights_open(out, path, e))
OPENING(model, model, model_load(out, path, e))
OPENING(settings_model, model, dream_load_model(out, &config, e))
OPENING(dream, dream, dream_open(out, &config, model, 1, NULL, e))

static char filters_path[64], means_path[64]; /* a NumPy pair */

static int open_filters_from(void **thing, const struct prior_source *source, struct error *e)
{
    static struct prior_filters filters;
    int rc = prior_filters_open(&filters, source, e);
    *thing = rc == 0 ? &filters : NULL;
    return rc;
}

static int open_filters(void **thing, struct error *e)
{
    return open_filters_from(thing, NULL, e);
}

static int open_old_filters(void **thing, struct error *e)
{
    const struct prior_source pair = {PRIOR_GAUSSIAN, filters_path, means_path};
    return open_filters_from(thing, &pair, e);
}

static void close_filters(void **thing)
{
    if (*thing)
        prior_filters_close(*thing);
    *thing = NULL;
}

/* Of a model that serves once the dream takes the weights: none may be lost or given back twice on the way. */
static struct only {
    struct model *model;
    struct dream *dream;
} only;

static int open_only_dream(void **thing, struct error *e)
{
    int rc = model_load(&only.model, NULL, e);
    if (rc < 0)
        return rc;
    only.model->serves_once = true;
    rc = dream_open(&only.dream, &config, only.model, 1, NULL, e);
    if (rc < 0)
        model_close(&only.model);
    else
        *thing = &only;
    return rc;
}

static void close_only_dream(void **thing)
{
    if (*thing) {
        dream_close(&only.dream);
        model_close(&only.model);
    }
    *thing = NULL;
}

static void every_format_of_weights(void **state)
{
    (void)state;
    glob_t files;
    assert_int_equal(glob("tests/golden/vgg*", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        path = files.gl_pathv[i];
        const struct opening openings[] = {OPENS(path, weights), OPENS(path, model)};
        fail_all(openings, ARRAY_LEN(openings));
    }
    assert_true(files.gl_pathc > 40);
    globfree(&files);
}

static void parts_of_a_dream(void **state)
{
    (void)state;
    path = NULL;
    static const struct opening openings[] = {
        OPENS("the embedded model", model),
        OPENS("the model of the settings", settings_model),
        OPENS("prior filters", filters),
        {.name = "prior filters of 2015", .open = open_old_filters, .close = close_filters},
        OPENS("model and dream", only_dream, .may_go_on = "fopen"), /* of what the system says of caches */
    };
    fail_all(openings, ARRAY_LEN(openings));
}

static void set(const char *assignment)
{
    struct error e = {""};
    const struct config_entry entry = {&dream_section, &config};
    const struct config all = {.entries = &entry, .count = 1};
    if (config_set(&all, assignment, &e) < 0)
        fail_msg("%s", e.text);
}

static void dreams(void **state)
{
    (void)state;
    static const char *const profiles[] = {"dream.profile=modern", "dream.profile=classic"};
    static const char *const backends[] = {"dream.backend=cpu", "dream.backend=null"};
    for (size_t p = 0; p < ARRAY_LEN(profiles); p++)
        for (size_t b = 0; b < ARRAY_LEN(backends); b++) {
            set(profiles[p]);
            set(backends[b]);
            print_message("# %s %s\n", profiles[p], backends[b]);
            static const struct opening opening = OPENS("dream", dream, .may_go_on = "fopen");
            fail_all(&opening, 1);
        }
}

static char folder[] = "/tmp/reverie-test-XXXXXX";

static void write_old_filters(void)
{
    static float data[192 * 5];
    struct error e = {""};
    assert_non_null(mkdtemp(folder));
    snprintf(filters_path, sizeof filters_path, "%s/filters.npy", folder);
    snprintf(means_path, sizeof means_path, "%s/means.npy", folder);
    if (npy_write(filters_path, data, (int[]){8, 8, 3, 5}, 4, &e) < 0 ||
        npy_write(means_path, data, (int[]){5}, 1, &e) < 0)
        fail_msg("%s", e.text);
}

static int setup(void **state)
{
    (void)state;
    struct error e = {""};
    write_old_filters();
    const struct config_entry entry = {&dream_section, &config};
    const struct config all = {.entries = &entry, .count = 1};
    config_defaults(&all);
    set("dream.size=64x64");
    set("dream.threads=2");
    return model_load(&model, NULL, &e) < 0;
}

static int teardown(void **state)
{
    (void)state;
    model_close(&model);
    unlink(filters_path);
    unlink(means_path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_of_weights),
        cmocka_unit_test(parts_of_a_dream),
        cmocka_unit_test(dreams),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
