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
#include <strings.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/dream_args.h"
#include "app/fence.h"
#include "app/picture_fit.h"
#include "app/subjects.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "stream/picture.h"

enum { SIDE_MIN = 64, SIDE_MAX = 3840 };
#define OCTAVE_RATIO 1.4

struct arguments {
    const char *text, *layer, *output, *image;
    bool size_given;
    int64_t steps, octaves, seed;
    struct dream_config dream;
};

/* ---- Arguments ---- */

#define S struct arguments
static const struct arg arguments[] = {
    ARG_TEXT(
        't', "text", "TEXT", S, text,
        "what to dream, as in chat: \"goldfish\", or \"goldfish + pizza\" (on top + below; see dream.first)"),
    ARG_TEXT(0, "layer", "NAME[:N]", S, layer,
             "climb a layer instead (conv4_2; with :N its channel N alone)"),
    ARG_TEXT('o', "output", "OUT.png", S, output, "where to write the picture"),
    ARG_TEXT('i', "image", "IMAGE", S, image, "begin with this picture instead of noise"),
    ARG_DREAM(0, "size", "WxH", size, "default: the size of IMAGE, else 640x360"),
    ARG(0, "steps", "N", OPTION_INT(S, steps, "160", 1, 100000, NULL, "gradient steps")),
    ARG(0, "octaves", "N", OPTION_INT(S, octaves, "1", 1, 10, NULL, "begin N-1 times 1.4 smaller and grow")),
    ARG(0, "seed", "N", OPTION_INT(S, seed, "1", 0, 0x1p53, NULL, "the same seed gives the same picture")),
    ARG_DREAM(0, "profile", "P", profile, "the recipe"),
    ARG_DREAM_THREADS,
    ARG_DREAM_MODEL,
    ARG_DREAM_PREPROCESSING,
    ARG_DREAM_SET,
};
#undef S

/* ARGS_OK, or the exit code after a line on stderr. */
static int parse_arguments(struct arguments *a, int argc, char **argv)
{
    const struct config_entry entry = {&dream_section, &a->dream};
    const struct config config = {.entries = &entry, .count = 1};
    const struct args_command command = {.name = "still",
                                         .operands = "",
                                         .text = "Dreams one picture.\n",
                                         .args = arguments,
                                         .count = ARRAY_LEN(arguments),
                                         .values = a,
                                         .config = &config,
                                         .stray_option = "-t"};
    int first;
    *a = (struct arguments){.text = NULL};
    config_defaults(&config);
    struct option_size usual = a->dream.size;
    a->dream.size = (struct option_size){0, 0};
    int rc = args_parse(&command, argc, argv, &first);
    if (rc != ARGS_OK)
        return rc;
    a->size_given = a->dream.size.width_px > 0;
    if (!a->size_given)
        a->dream.size = usual;
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

static int find_channel(int *channel, const struct model_layer *l, const char *text, struct error *e)
{
    const struct option row = {.type = OPTION_TYPE_INT, .max = l->out - 1};
    int64_t value;
    int rc = option_parse(&row, &value, text, e);
    if (rc < 0)
        return error_prefix(e, rc, "--layer: channel of %s", l->name);
    *channel = (int)value;
    return 0;
}

static int find_layer(struct subject *s, const struct model *m, const char *text, struct error *e)
{
    size_t name = strcspn(text, ":");
    for (int i = 0; i < m->layer_count; i++)
        if (strlen(m->layers[i].name) == name && strncmp(m->layers[i].name, text, name) == 0) {
            s->layer = i;
            return text[name] ? find_channel(&s->channel, &m->layers[i], text + name + 1, e) : 0;
        }
    return error_set(e, EINVAL, "--layer %.80s: no such layer; reverie inspect lists them", text);
}

static int find_subject(struct subject *s, const struct model *m, const struct arguments *a, struct error *e)
{
    *s = (struct subject){.layer = -1, .channel = -1};
    if (a->layer)
        return find_layer(s, m, a->layer, e);
    struct error note;
    int rc = subjects_find(&s->target, m, a->text, &note, e);
    if (rc == 0 && note.text[0])
        fprintf(stderr, "reverie still: %s\n", text_shown(note.text).text);
    return rc;
}

/* ---- Pictures ---- */

/* Before the work, not after it: only PNG is written, and the place must take it. */
static int check_output(const char *path, struct error *e)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    if (dot && dot[1] && strcasecmp(dot, ".png") != 0)
        return error_set(e, EINVAL, "%s: only PNG is written; give a name that ends in .png", path);
    return file_check_target(path, NULL, e);
}

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
    rc = picture_fit(rgb, w, h, *size, out, e);
    free(rgb);
    return rc;
}

/* ---- Dreaming ---- */

/* A line that a terminal draws over: how far, how long it will still take, and what the network sees by now. */
static void show_progress(struct dream *d, int64_t done, int64_t all, int64_t began_us)
{
    if (!isatty(STDERR_FILENO) || (done % 5 && done != all))
        return;
    double left_s = (double)(clock_real_us() - began_us) / 1e6 / (double)done * (double)(all - done);
    fprintf(stderr, "\rstep %lld of %lld, %.0f s left ", (long long)done, (long long)all, ceil(left_s));
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
    int64_t began_us; /* real time */
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
        dream_set_layers(d, &(struct dream_layer){s->layer, s->channel, 1}, 1);
    else
        dream_set_target(d, &s->target, 0);
    for (int64_t i = first; i < end; i++) {
        dream_step(d);
        show_progress(d, i + 1, a->steps, still->began_us);
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
    int status = parse_arguments(&a, argc, argv);
    if (status != ARGS_OK)
        return status;
    int rc = check_output(a.output, &e);
    fence_command(a.output);
    if (rc == 0)
        rc = dream_load_model(&m, &a.dream, &e);
    if (rc == 0)
        rc = find_subject(&subject, m, &a, &e);
    if (rc == 0)
        rc = read_start(&a, &start, &e);
    if (rc == 0) {
        x = dream_all(&(struct still){&a, m, &subject, clock_real_us()}, start, &e);
        rc = x ? picture_write_png(a.output, x, a.dream.size.width_px, a.dream.size.height_px, &e) : -1;
    }
    if (rc == 0)
        fprintf(stderr, "wrote %s, %dx%d\n", text_shown(a.output).text, a.dream.size.width_px,
                a.dream.size.height_px);
    free(x);
    model_close(&m);
    return rc < 0 ? args_failed("still", &e) : 0;
}
