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

#include "app/commands.h"
#include "app/known.h"
#include "common/mem.h"
#include "config/config.h"
#include "engine/dream.h"
#include "stream/picture.h"
#include "synsets/synsets.h"

enum { STEPS_DEFAULT = 160, STEPS_MAX = 100000, OCTAVES_MAX = 10, SIDE_MIN = 64, SIDE_MAX = 3840 };
#define OCTAVE_RATIO 1.4

static const char usage[] =
    "usage: reverie still [-m MODEL] (-t TEXT | --layer NAME[:CHANNEL]) [options] -o OUT.png\n"
    "\n"
    "Dreams one picture.\n"
    "\n"
    "  -t, --text TEXT       what to dream, as in chat: \"goldfish\", or \"goldfish + pizza\" (on top + "
    "below)\n"
    "      --layer NAME[:N]  climb a layer instead (conv4_2; with :N its channel N alone)\n"
    "  -o, --output OUT.png  where to write the picture\n"
    "  -i, --image IMAGE     begin with this picture instead of noise\n"
    "      --size WxH        default: the size of IMAGE, else that of the settings\n"
    "      --steps N         gradient steps (default 160)\n"
    "      --octaves N       begin N-1 times 1.4 smaller and grow (default 1)\n"
    "      --seed N          default 1\n"
    "      --profile P       modern or classic\n"
    "      --threads N       default: one per core\n"
    "  -m, --model MODEL     weights to use; the built-in model when absent\n"
    "      --set KEY=VALUE   any setting of section dream, such as dream.object_large=0.5\n"
    "      --help            this text\n";

struct arguments {
    const char *text, *layer, *output, *image;
    bool size_given;
    int64_t steps, octaves, seed;
    struct dream_config dream;
};

static int complain(const char *what)
{
    fprintf(stderr, "reverie still: %s\n", what);
    return 2;
}

/* ---- Arguments ---- */

/* getopt.h has a struct option of its own, so the options stand here. All but --help take a value. */
static const struct flag {
    char letter; /* what take_option goes by; typed with one dash where it `is_short` */
    bool is_short;
    const char *name;
} flags[] = {
    {'t', true, "--text"},  {'l', false, "--layer"},   {'o', true, "--output"},   {'i', true, "--image"},
    {'m', true, "--model"}, {'z', false, "--size"},    {'n', false, "--steps"},   {'k', false, "--octaves"},
    {'r', false, "--seed"}, {'p', false, "--profile"}, {'j', false, "--threads"}, {'s', false, "--set"},
};

static bool parse_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    *out = v;
    return !errno && end != text && !*end && v >= min && v <= max;
}

static int set(const struct config *config, const char *key, const char *value)
{
    struct error e = {""};
    char *assignment = key ? xasprintf("%s=%s", key, value) : xstrdup(value);
    int rc = config_set(config, assignment, &e);
    free(assignment);
    return rc < 0 ? complain(e.text) : 0;
}

static int number(const char *flag, const char *text, int64_t min, int64_t max, int64_t *out)
{
    if (parse_number(text, min, max, out))
        return 0;
    fprintf(stderr, "reverie still: %s %s: a number from %lld to %lld is expected\n", flag, text,
            (long long)min, (long long)max);
    return 2;
}

static int take_option(struct arguments *a, const struct config *config, const struct flag *f,
                       const char *value)
{
    switch (f->letter) {
    case 't':
        a->text = value;
        return 0;
    case 'l':
        a->layer = value;
        return 0;
    case 'o':
        a->output = value;
        return 0;
    case 'i':
        a->image = value;
        return 0;
    case 'm':
        return set(config, "dream.model", value);
    case 'z':
        a->size_given = true;
        return set(config, "dream.size", value);
    case 'p':
        return set(config, "dream.profile", value);
    case 'j':
        return set(config, "dream.threads", value);
    case 's':
        return set(config, NULL, value);
    case 'n':
        return number(f->name, value, 1, STEPS_MAX, &a->steps);
    case 'k':
        return number(f->name, value, 1, OCTAVES_MAX, &a->octaves);
    default:
        return number(f->name, value, 0, INT64_MAX, &a->seed);
    }
}

static const struct flag *find_flag(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (strcmp(text, flags[i].name) == 0 ||
            (flags[i].is_short && text[0] == '-' && text[1] == flags[i].letter && !text[2]))
            return &flags[i];
    return NULL;
}

/* 0, 2 after a line on stderr, or -1 when --help was asked for. */
static int parse_arguments(struct arguments *a, int argc, char **argv)
{
    *a = (struct arguments){.steps = STEPS_DEFAULT, .octaves = 1, .seed = 1};
    const struct config_entry entry = {&dream_section, &a->dream};
    const struct config config = {&entry, 1};
    config_defaults(&config);
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return -1;
        const struct flag *f = find_flag(argv[i]);
        if (!f || i + 1 == argc) {
            fprintf(stderr, "reverie still: %s: %s; see reverie still --help\n", argv[i],
                    f ? "a value is missing behind it" : "there is no such option");
            return 2;
        }
        int rc = take_option(a, &config, f, argv[i + 1]);
        if (rc != 0)
            return rc;
    }
    if (!a->text == !a->layer)
        return complain("what to dream? Give -t TEXT or --layer NAME, one of them; see reverie still --help");
    if (!a->output)
        return complain("where to? Give -o OUT.png");
    return 0;
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
            if (text[name] && !parse_number(text + name + 1, 0, m->layers[i].out - 1, &channel))
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
    if (r.verdict == SYNSETS_OK) {
        for (int i = 0; i < r.count; i++)
            s->target.class_index[i] = model_class(m, synset_table[r.synset[i]].wnid);
        s->target.count = r.count;
        return 0;
    }
    if (r.verdict == SYNSETS_EMPTY)
        return fail("-t \"%s\": there is no word in it", text);
    if (r.verdict == SYNSETS_TOO_MANY)
        return fail("-t \"%s\": more than two things", text);
    fprintf(stderr, "reverie still: \"%s\" %s", r.part,
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

/* Scales so that the picture covers w x h and cuts what is over, the middle kept. */
static float *covering(const float *rgb, int w, int h, int out_w, int out_h, struct error *e)
{
    double ratio = fmax((double)out_w / w, (double)out_h / h);
    int sw = (int)fmax(out_w, round(w * ratio)), sh = (int)fmax(out_h, round(h * ratio));
    float *large = scaled(rgb, w, h, sw, sh, e), *out = large ? picture_alloc(out_w, out_h, e) : NULL;
    for (int y = 0; out && y < 3 * out_h; y++)
        memcpy(out + (long)y * out_w,
               large + ((long)(y / out_h) * sh + (sh - out_h) / 2 + y % out_h) * sw + (sw - out_w) / 2,
               (size_t)out_w * sizeof *out);
    free(large);
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
    *out = covering(rgb, w, h, size->width_px, size->height_px, e);
    free(rgb);
    return *out ? 0 : -ENOMEM;
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

/* One octave at the size in `c`. `start` may be NULL. The result is new memory, NULL on failure. */
static float *dream_octave(const struct arguments *a, const struct dream_config *c, const struct model *m,
                           const struct subject *s, const float *start, int octave, struct error *e)
{
    struct dream *d;
    int64_t first = a->steps * octave / a->octaves, end = a->steps * (octave + 1) / a->octaves;
    if (dream_open(&d, c, m, (uint64_t)a->seed + (uint64_t)octave * 1000003, start, e) < 0)
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

static float *dream_all(const struct arguments *a, const struct model *m, const struct subject *s,
                        float *start, struct error *e)
{
    struct dream_config c = a->dream;
    struct option_size at = a->dream.size;
    float *x = start;
    for (int octave = 0; octave < a->octaves; octave++) {
        c.size = octave_size(a, octave);
        float *sized = x ? scaled(x, at.width_px, at.height_px, c.size.width_px, c.size.height_px, e) : NULL;
        bool lost = x && !sized;
        free(x);
        x = lost ? NULL : dream_octave(a, &c, m, s, sized, octave, e);
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
    if (rc < 0)
        fputs(usage, stdout);
    if (rc != 0)
        return rc < 0 ? 0 : rc;
    if (model_load(&m, a.dream.model, &e) < 0)
        return fail("%s", e.text);
    int status = find_subject(&subject, m, &a);
    if (status == 0 && read_start(&a, &start, &e) < 0)
        status = fail("%s", e.text);
    if (status == 0 && !(x = dream_all(&a, m, &subject, start, &e)))
        status = fail("%s", e.text);
    if (status == 0 && picture_write_png(a.output, x, a.dream.size.width_px, a.dream.size.height_px, &e) < 0)
        status = fail("%s", e.text);
    free(x);
    model_close(&m);
    return status;
}
