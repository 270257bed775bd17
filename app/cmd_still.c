/*
 * cmd_still - `reverie still`: one picture, by the same engine and settings as the show.
 *
 * With octaves the dream begins on a small picture and goes on on larger ones, each 1.4 times the last:
 * shapes first, details later. Every octave gets its share of the steps.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/cover.h"
#include "app/known.h"
#include "app/shortcuts.h"
#include "common/mem.h"
#include "engine/dream/dream.h"
#include "stream/picture.h"
#include "synsets/synsets.h"

enum { STEPS_DEFAULT = 160, STEPS_MAX = 100000, OCTAVES_MAX = 10, SIDE_MIN = 64, SIDE_MAX = 3840 };
#define OCTAVE_RATIO 1.4

struct arguments {
    const char *text, *layer, *output, *image;
    bool size_given;
    int64_t steps, octaves, seed;
    struct dream_config dream;
};

/* ---- Arguments ---- */

/* ARGS_OK, or the exit code after a line on stderr. */
static int parse_arguments(struct arguments *a, int argc, char **argv)
{
    struct shortcut s[] = {
        {"model", NULL}, {"preprocessing", NULL}, {"size", NULL}, {"profile", NULL}, {"threads", NULL}};
    struct arg_list sets = {.count = 0};
    *a = (struct arguments){.steps = STEPS_DEFAULT, .octaves = 1, .seed = 1};
    shortcuts_defaults(&a->dream);
    const struct arg args[] = {
        {'t', "text", "TEXT", ARG_STRING, &a->text, 0, 0,
         "what to dream, as in chat: \"goldfish\", or \"goldfish + pizza\" (on top + below; see "
         "dream.first)"},
        {0, "layer", "NAME[:N]", ARG_STRING, &a->layer, 0, 0,
         "climb a layer instead (conv4_2; with :N its channel N alone)"},
        {'o', "output", "OUT.png", ARG_STRING, &a->output, 0, 0, "where to write the picture"},
        {'i', "image", "IMAGE", ARG_STRING, &a->image, 0, 0, "begin with this picture instead of noise"},
        {0, "size", "WxH", ARG_STRING, &s[2].value, 0, 0, "default: the size of IMAGE, else dream.size"},
        {0, "steps", "N", ARG_INT, &a->steps, 1, STEPS_MAX, "gradient steps (default 160)"},
        {0, "octaves", "N", ARG_INT, &a->octaves, 1, OCTAVES_MAX,
         "begin N-1 times 1.4 smaller and grow (default 1)"},
        {0, "seed", "N", ARG_INT, &a->seed, 0, 9e15, "default 1"},
        {0, "profile", "P", ARG_STRING, &s[3].value, 0, 0, "modern or classic"},
        {0, "threads", "N", ARG_STRING, &s[4].value, 0, 0, "default: one per core"},
        {'m', "model", "FILE", ARG_STRING, &s[0].value, 0, 0,
         "weights to use; without it the embedded model"},
        {0, "preprocessing", "P", ARG_STRING, &s[1].value, 0, 0, PREPROCESSING_HELP},
        {0, "set", "KEY=VALUE", ARG_LIST, &sets, 0, 0, "any setting of section dream; may be repeated"},
    };
    const struct args_command command = {"still", "", "Dreams one picture.\n", args, (int)ARRAY_LEN(args),
                                         NULL};
    int first;
    int rc = args_parse(&command, argc, argv, &first);
    if (rc == ARGS_OK)
        rc = shortcuts_apply(&command, &a->dream, &sets, s, (int)ARRAY_LEN(s));
    if (rc != ARGS_OK)
        return rc;
    a->size_given = s[2].value != NULL;
    if (first < argc)
        return args_fault(&command, "'%.80s' is no option", argv[first]);
    if (!a->text == !a->layer)
        return args_fault(&command, "what to dream? Give -t TEXT or --layer NAME, one of them");
    if (!a->output)
        return args_fault(&command, "where to? Give -o OUT.png");
    return ARGS_OK;
}

/* ---- What to dream ---- */

struct subject {
    struct dream_target target; /* when layer is -1 */
    int layer, channel;
};

static int fail(const char *format, const char *what)
{
    fputs("reverie still: ", stderr);
    fprintf(stderr, format, what);
    fputc('\n', stderr);
    return 1;
}

static int find_layer(struct subject *s, const struct model *m, const char *text)
{
    size_t name = strcspn(text, ":");
    int64_t channel = -1;
    for (int i = 0; i < m->layer_count; i++)
        if (strlen(m->layers[i].name) == name && strncmp(m->layers[i].name, text, name) == 0) {
            if (text[name] && !args_parse_int(text + name + 1, 0, m->layers[i].out - 1, &channel))
                return fail("--layer %s: the layer does not have that channel", text);
            s->layer = i;
            s->channel = (int)channel;
            return 0;
        }
    return fail("--layer %s: no such layer; reverie inspect lists them", text);
}

static int find_subjects(struct subject *s, const struct model *m, const char *text)
{
    struct synsets_known known;
    struct synsets_result r;
    known_from_model(m, &known);
    synsets_resolve(text, strlen(text), &known, &r);
    if (synsets_granted(&r)) {
        for (int i = 0; i < r.count; i++)
            s->target.class_index[i] = model_class(m, synset_table[r.synset[i]].wnid);
        s->target.count = r.count;
        return 0;
    }
    if (r.verdict == SYNSETS_EMPTY)
        return fail("-t \"%s\": there is no word in it", text);
    if (r.verdict == SYNSETS_TOO_MANY)
        return fail("-t \"%s\": more than two things", text);
    fprintf(stderr, "reverie still: \"%s\" %s", r.missing_name ? r.missing_name : text,
            r.verdict == SYNSETS_LACKING ? "is a class that this model does not have"
                                         : "names none of the classes");
    for (int i = 0; i < r.suggestion_count; i++)
        fprintf(stderr, "%s%s", i ? ", " : "; near it: ", r.suggestion_name[i]);
    fputc('\n', stderr);
    return 1;
}

static int find_subject(struct subject *s, const struct model *m, const struct arguments *a)
{
    *s = (struct subject){.layer = -1, .channel = -1};
    return a->layer ? find_layer(s, m, a->layer) : find_subjects(s, m, a->text);
}

/* ---- Pictures ---- */

static float *picture_alloc(int w, int h, struct error *e)
{
    float *x = buffer_alloc(3 * (size_t)w * (size_t)h * sizeof *x);
    if (!x)
        error_set(e, ENOMEM, "no memory for a picture of %dx%d", w, h);
    return x;
}

static float *scaled(const float *rgb, int w, int h, int out_w, int out_h, struct error *e)
{
    float *out = picture_alloc(out_w, out_h, e);
    if (out && picture_scale(rgb, w, h, out, out_w, out_h) < 0) {
        free(out);
        error_set(e, ENOMEM, "no memory to scale a picture to %dx%d", out_w, out_h);
        return NULL;
    }
    return out;
}

/* The start picture at the dream's size, which it gives when none was asked for; *out NULL: none. */
static int read_start(struct arguments *a, float **out, struct error *e)
{
    struct option_size *size = &a->dream.size;
    float *rgb;
    int w, h;
    *out = NULL;
    if (!a->image)
        return 0;
    int rc = picture_read(a->image, &rgb, &w, &h, e);
    if (rc < 0)
        return rc;
    if (!a->size_given) {
        double fit = fmin(1, (double)SIDE_MAX / (w > h ? w : h));
        size->width_px = (int)fmax(SIDE_MIN, round(w * fit));
        size->height_px = (int)fmax(SIDE_MIN, round(h * fit));
    }
    rc = cover(rgb, w, h, *size, out, e);
    free(rgb);
    return rc;
}

/* ---- Dreaming ---- */

static void show_progress(struct dream *d, int64_t done, int64_t all)
{
    if (!isatty(STDERR_FILENO) || (done % 5 && done != all))
        return;
    fprintf(stderr, "\rstep %lld of %lld", (long long)done, (long long)all);
    if (done % 25 == 0 || done == all) {
        double belief[DREAM_SUBJECTS_MAX];
        dream_belief(d, belief);
        fprintf(stderr, "  seen: %2.0f %%", 100 * belief[0]);
        if (belief[1] > 0)
            fprintf(stderr, ", %2.0f %%", 100 * belief[1]);
        fputs("   ", stderr);
    }
    if (done == all)
        fputc('\n', stderr);
}

/* What all octaves have in common. */
struct still {
    const struct arguments *a;
    struct model *model;
    const struct subject *subject;
};

/* One octave at the size in `c`. `start` may be NULL. The result is new memory, NULL on failure. */
static float *dream_octave(const struct still *still, const struct dream_config *c, const float *start,
                           int octave, struct error *e)
{
    const struct arguments *a = still->a;
    const struct subject *s = still->subject;
    struct dream *d;
    int64_t first = a->steps * octave / a->octaves, end = a->steps * (octave + 1) / a->octaves;
    if (dream_open(&d, c, still->model, (uint64_t)a->seed + (uint64_t)octave * 1000003, start, e) < 0)
        return NULL;
    if (s->layer >= 0)
        dream_set_layer(d, s->layer, s->channel);
    else
        dream_set_target(d, &s->target, 0);
    for (int64_t i = first; i < end; i++) {
        dream_step(d);
        show_progress(d, i + 1, a->steps);
    }
    float *out = picture_alloc(c->size.width_px, c->size.height_px, e);
    if (out)
        dream_picture(d, out);
    dream_close(&d);
    return out;
}

static struct option_size octave_size(const struct arguments *a, int octave)
{
    double ratio = pow(OCTAVE_RATIO, (double)(a->octaves - 1 - octave));
    struct option_size s = a->dream.size;
    s.width_px = (int)fmax(SIDE_MIN, round(s.width_px / ratio));
    s.height_px = (int)fmax(SIDE_MIN, round(s.height_px / ratio));
    return s;
}

static float *dream_all(const struct still *still, float *start, struct error *e)
{
    const struct arguments *a = still->a;
    struct dream_config c = a->dream;
    struct option_size at = a->dream.size;
    float *x = start;
    still->model->serves_once = a->octaves == 1;
    for (int octave = 0; octave < a->octaves; octave++) {
        c.size = octave_size(a, octave);
        float *sized = x ? scaled(x, at.width_px, at.height_px, c.size.width_px, c.size.height_px, e) : NULL;
        bool lost = x && !sized;
        free(x);
        x = lost ? NULL : dream_octave(still, &c, sized, octave, e);
        free(sized);
        if (!x)
            return NULL;
        at = c.size;
    }
    return x;
}

int cmd_still(int argc, char **argv)
{
    struct arguments a;
    struct subject subject;
    struct error e = {""};
    struct model *m = NULL;
    float *start = NULL, *x = NULL;
    int rc = parse_arguments(&a, argc, argv);
    if (rc != ARGS_OK)
        return rc;
    if (dream_load_model(&m, &a.dream, &e) < 0)
        return fail("%s", e.text);
    int status = find_subject(&subject, m, &a);
    if (status == 0 && read_start(&a, &start, &e) < 0)
        status = fail("%s", e.text);
    if (status == 0 && !(x = dream_all(&(struct still){&a, m, &subject}, start, &e)))
        status = fail("%s", e.text);
    if (status == 0 && picture_write_png(a.output, x, a.dream.size.width_px, a.dream.size.height_px, &e) < 0)
        status = fail("%s", e.text);
    free(x);
    model_close(&m);
    return status;
}
