/*
 * cmd_probe - `reverie probe`: the numbers behind one picture, for comparing this program with others.
 *
 * The picture is taken as it is, without scaling. Losses go to stdout as key=value, arrays to the folder.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/known.h"
#include "app/shortcuts.h"
#include "common/file.h"
#include "common/mem.h"
#include "engine/dream/probe.h"
#include "engine/weights/npy_write.h"
#include "stream/picture.h"
#include "synsets/synsets.h"

struct arguments {
    const char *image, *text, *folder;
    struct dream_config dream;
};

static int fail(const struct error *e)
{
    fprintf(stderr, "reverie probe: %s\n", e->text);
    return 1;
}

static int parse_arguments(struct arguments *a, int argc, char **argv)
{
    struct shortcut s[] = {{"model", NULL},   {"preprocessing", NULL}, {"profile", NULL},
                           {"backend", NULL}, {"cpu_tier", NULL},      {"threads", NULL}};
    struct arg_list sets = {.count = 0};
    *a = (struct arguments){0};
    shortcuts_defaults(&a->dream);
    a->dream.profile = DREAM_CLASSIC;
    const struct arg args[] = {
        {'i', "image", "IMAGE", ARG_STRING, &a->image, 0, 0, "the picture, taken as it is"},
        {'t', "text", "TEXT", ARG_STRING, &a->text, 0, 0,
         "what to dream, as in chat: \"goldfish\", or \"goldfish + pizza\" (classic: below + on top)"},
        {0, "dump", "DIR", ARG_STRING, &a->folder, 0, 0, "where to write logits.npy and gradient.npy"},
        {'m', "model", "FILE", ARG_STRING, &s[0].value, 0, 0,
         "weights to use; without it the embedded model"},
        {0, "preprocessing", "P", ARG_STRING, &s[1].value, 0, 0, PREPROCESSING_HELP},
        {0, "profile", "P", ARG_STRING, &s[2].value, 0, 0, "classic (default) or modern"},
        {0, "backend", "B", ARG_STRING, &s[3].value, 0, 0, "auto, cpu or cuda"},
        {0, "tier", "T", ARG_STRING, &s[4].value, 0, 0, "kernels: auto, c, avx2, avx512"},
        {0, "threads", "N", ARG_STRING, &s[5].value, 0, 0, "default: one per core"},
        {0, "set", "KEY=VALUE", ARG_LIST, &sets, 0, 0, "any setting of section dream; may be repeated"},
    };
    const struct args_command command = {
        "probe",
        "",
        "Computes the loss of a picture and its gradient. Prints losses as key=value (network; prior_P per\n"
        "pool of P pixels; total) and writes logits.npy [classes, height, width] and gradient.npy\n"
        "[3, height, width] of the whole loss, per unit of 0..255.\n",
        args,
        (int)ARRAY_LEN(args),
        NULL};
    int first;
    int rc = args_parse(&command, argc, argv, &first);
    if (rc == ARGS_OK)
        rc = shortcuts_apply(&command, &a->dream, &sets, s, (int)ARRAY_LEN(s));
    if (rc != ARGS_OK)
        return rc;
    if (first < argc)
        return args_fault(&command, "'%.80s' is no option", argv[first]);
    if (!a->image || !a->text || !a->folder)
        return args_fault(&command, "-i IMAGE, -t TEXT and --dump DIR are needed");
    return ARGS_OK;
}

static int find_target(struct dream_target *t, const struct model *m, const char *text, struct error *e)
{
    struct synsets_known known;
    struct synsets_result r;
    known_from_model(m, &known);
    synsets_resolve(text, strlen(text), &known, &r);
    if (r.verdict != SYNSETS_OK)
        return error_set(e, EINVAL, "-t \"%.80s\": %s; see reverie synsets", text,
                         r.verdict == SYNSETS_LACKING    ? "this model does not have that class"
                         : r.verdict == SYNSETS_TOO_MANY ? "more than two things"
                                                         : "names none of the classes");
    *t = (struct dream_target){.count = r.count};
    for (int i = 0; i < r.count; i++)
        t->class_index[i] = model_class(m, synset_table[r.synset[i]].wnid);
    return 0;
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
    int rc = find_target(&target, m, a->text, e);
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
    int rc = parse_arguments(&a, argc, argv);
    if (rc != ARGS_OK)
        return rc;
    rc = dream_load_model(&m, &a.dream, &e);
    if (rc == 0)
        rc = picture_read(a.image, &rgb, &a.dream.size.width_px, &a.dream.size.height_px, &e);
    if (rc == 0)
        rc = probe(&a, m, rgb, &e);
    free(rgb);
    model_close(&m);
    return rc < 0 ? fail(&e) : 0;
}
