/*
 * cmd_probe - `reverie probe`: the numbers behind one picture, for comparing this program with others.
 *
 * The picture is taken as it is, without scaling. Losses go to stdout as key=value, arrays to the folder.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "app/dream_args.h"
#include "app/subjects.h"
#include "common/file.h"
#include "common/mem.h"
#include "engine/dream/probe.h"
#include "engine/weights/npy_write.h"
#include "stream/picture.h"

struct arguments {
    const char *image, *text, *folder;
    struct dream_config dream;
};

#define S struct arguments
static const struct arg arguments[] = {
    ARG_TEXT('i', "image", "IMAGE", S, image, "the picture, taken as it is"),
    ARG_TEXT('t', "text", "TEXT", S, text,
             "what to dream, as in chat: \"goldfish\", or \"goldfish + pizza\" (classic: below + on top)"),
    ARG_TEXT(0, "dump", "DIR", S, folder, "where to write logits.npy and gradient.npy"),
    ARG_DREAM_MODEL,
    ARG_DREAM_PREPROCESSING,
    ARG_DREAM(0, "profile", "P", profile, "the recipe"),
    ARG_DREAM(0, "backend", "B", backend, "where it is computed"),
    ARG_DREAM_TIER,
    ARG_DREAM_THREADS,
    ARG_DREAM_SET,
};
#undef S

static int parse_arguments(struct arguments *a, int argc, char **argv)
{
    const struct config_entry entry = {&dream_section, &a->dream};
    const struct config config = {.entries = &entry, .count = 1};
    const struct args_command command = {
        .name = "probe",
        .operands = "",
        .text =
            "Computes the loss of a picture and its gradient. Prints losses as key=value (network; prior_P per\n"
            "pool of P pixels; total) and writes logits.npy [classes, height, width] and gradient.npy\n"
            "[3, height, width] of the whole loss, per unit of 0..255.\n",
        .args = arguments,
        .count = ARRAY_LEN(arguments),
        .values = a,
        .config = &config,
        .stray_option = "-i"};
    int first;
    *a = (struct arguments){.image = NULL};
    config_defaults(&config);
    a->dream.profile = DREAM_CLASSIC;
    int rc = args_parse(&command, argc, argv, &first);
    if (rc == ARGS_OK && (!a->image || !a->text || !a->folder))
        return args_fault(&command, "-i IMAGE, -t TEXT and --dump DIR are needed");
    return rc;
}

static int dump(const struct arguments *a, const struct model *m, const struct dream_probe *p,
                const float *logits, const float *gradient, struct error *e)
{
    int rc = file_make_folders(a->folder, 0777, e);
    if (rc < 0)
        return rc;
    const int logits_shape[3] = {m->classes, p->map_height, p->map_width};
    const int gradient_shape[3] = {3, a->dream.size.height_px, a->dream.size.width_px};
    char *path = xasprintf("%s/logits.npy", a->folder);
    rc = npy_write(path, logits, logits_shape, 3, e);
    free(path);
    if (rc < 0)
        return rc;
    path = xasprintf("%s/gradient.npy", a->folder);
    rc = npy_write(path, gradient, gradient_shape, 3, e);
    free(path);
    return rc;
}

static void print_losses(const struct dream_probe *p)
{
    printf("network=%.9g\n", p->network);
    for (int i = 0; i < p->prior_count; i++)
        printf("prior_%d=%.9g\n", p->prior[i].pool_px, p->prior[i].energy);
    for (int i = 0; i < p->prior_count; i++)
        printf("prior_%d_weight=%.9g\n", p->prior[i].pool_px, p->prior[i].weight);
    printf("total=%.9g\n", p->total);
}

/* One moment of a dream of the picture `rgb`, which has the size of a->dream.size. */
static int probe(const struct arguments *a, struct model *m, const float *rgb, struct error *e)
{
    struct dream *d = NULL;
    struct dream_target target;
    struct dream_probe p;
    float *logits = NULL, *gradient = NULL;
    m->serves_once = true;
    int rc = subjects_find(&target, m, a->text, NULL, e);
    if (rc == 0)
        rc = dream_open(&d, &a->dream, m, 1, rgb, e);
    if (rc < 0)
        return rc;
    dream_set_target(d, &target, 0);
    rc = dream_probe(d, &p, &logits, &gradient);
    if (rc < 0)
        error_set(e, -rc, "%s", rc == -ENODATA ? "this backend has no network" : strerror(-rc));
    if (rc == 0)
        rc = dump(a, m, &p, logits, gradient, e);
    if (rc == 0)
        print_losses(&p);
    free(logits);
    free(gradient);
    dream_close(&d);
    return rc;
}

int cmd_probe(int argc, char **argv)
{
    struct arguments a;
    struct error e = {""};
    struct model *m = NULL;
    float *rgb = NULL;
    int status = parse_arguments(&a, argc, argv);
    if (status != ARGS_OK)
        return status;
    int rc = dream_load_model(&m, &a.dream, &e);
    if (rc == 0)
        rc = picture_read(a.image, &rgb, &a.dream.size.width_px, &a.dream.size.height_px, &e);
    if (rc == 0)
        rc = probe(&a, m, rgb, &e);
    free(rgb);
    model_close(&m);
    return rc < 0 ? args_failed("probe", &e) : 0;
}
