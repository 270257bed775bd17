/*
 * cmd_inspect - `reverie inspect`: what is in a file of weights, and what this program makes of it.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/args.h"
#include "app/commands.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "engine/model/model.h"
#include "synsets/synsets.h"

enum { CHUNK = 4096 };

static void print_shape(const struct tensor *t)
{
    char shape[128] = "";
    size_t n = 0;
    for (int i = 0; i < t->dims && n < sizeof shape; i++)
        n += (size_t)snprintf(shape + n, sizeof shape - n, "%s%lld", i ? "x" : "", (long long)t->shape[i]);
    printf("%-16s", t->dims ? shape : "scalar");
}

static void print_tensor(const struct tensor *t)
{
    float values[CHUNK];
    double low = INFINITY, high = -INFINITY, sum = 0;
    int64_t bad = 0;
    for (int64_t first = 0; first < t->elements; first += CHUNK) {
        int64_t count = t->elements - first < CHUNK ? t->elements - first : CHUNK;
        tensor_to_float(t, first, count, values);
        for (int64_t i = 0; i < count; i++) {
            if (!isfinite(values[i])) {
                bad++;
                continue;
            }
            low = fmin(low, (double)values[i]);
            high = fmax(high, (double)values[i]);
            sum += (double)values[i];
        }
    }
    printf("%-28s %-4s ", text_shown(t->name).text, tensor_dtype_name(t->dtype));
    print_shape(t);
    if (t->elements > bad)
        printf(" min %-11.5g max %-11.5g mean %.5g", low, high, sum / (double)(t->elements - bad));
    if (bad)
        printf("  %lld values are not finite", (long long)bad);
    putchar('\n');
}

static void print_layers(const struct model *m)
{
    printf("\nlayers\n");
    for (int i = 0; i < m->layer_count; i++) {
        const struct model_layer *l = &m->layers[i];
        printf("%3d  %-8s %4d -> %4d  %dx%d%s%s\n", i, l->name, l->in, l->out, l->kernel, l->kernel,
               l->pool_after  ? "  pool"
               : l->tensor[0] ? ""
                              : "  added here",
               l->stat_mean ? "  statistics" : "");
    }
    printf("\npreprocessing (%s%s)\nx = (rgb / 255 - mean) / std, zero padding behind that\n"
           "mean %g %g %g, std %g %g %g\n"
           "objects of %d px, one logit per %d px, smallest picture %dx%d\n",
           m->family, m->bgr ? "; the file's conv1_1 takes BGR, here turned to RGB" : "", (double)m->mean[0],
           (double)m->mean[1], (double)m->mean[2], (double)m->std[0], (double)m->std[1], (double)m->std[2],
           m->window_px, m->stride_px, model_min_px(m), model_min_px(m));
}

static void print_classes(const struct model *m)
{
    printf("\n%d classes\n", m->is_headless ? 0 : m->classes);
    for (int i = 0; m->wnids && i < m->classes; i++) {
        int synset = synsets_by_wnid(m->wnids[i]);
        printf("%3d  %s  %s\n", i, m->wnids[i], synset >= 0 ? synset_table[synset].names[0] : "-");
    }
    if (m->is_headless)
        printf("the file holds convolutions alone: `still --layer` climbs them\n");
    else if (!m->wnids)
        printf("the file does not say which; `still -t` takes #0 to #%d, or names from --labels\n",
               m->classes - 1);
}

/* The layers as --layer of `still` takes them: the name, what other programs call it, channels, pixels of a cell. */
static int list_layers(const struct weights *w, struct error *e)
{
    struct model *m;
    int px = 1;
    if (model_open(&m, w, e) < 0)
        return args_failed("inspect", e);
    printf("layer     also           channels  a cell is\n");
    for (int i = 0; i < m->layer_count; i++) {
        const struct model_layer *l = &m->layers[i];
        if (l->tensor[0])
            printf("%-9s %-14s %8d  %d px\n", l->name, l->tensor, l->out, px);
        px *= l->pool_after ? 2 : 1;
    }
    model_close(&m);
    return 0;
}

static int inspect(const struct weights *w)
{
    printf("%s: %s, %d tensors\n\n", text_shown(weights_path(w)).text, weights_format(w), weights_count(w));
    for (int i = 0; i < weights_count(w); i++)
        print_tensor(weights_at(w, i));
    struct model *m;
    struct error e = {""};
    if (model_open(&m, w, &e) < 0) {
        printf("\nnot a model that can dream: %s\n", text_shown(e.text).text);
        return 1;
    }
    print_layers(m);
    print_classes(m);
    model_close(&m);
    return 0;
}

/* The file is mapped: when somebody cuts it now, the pages behind its new end are gone (weights.h). */
static void on_cut_file(int signal)
{
    static const char text[] = "reverie inspect: the file became shorter while it was read\n";
    (void)signal;
    file_write(STDERR_FILENO, text, sizeof text - 1);
    _exit(1);
}

struct arguments {
    bool layers;
};

static const struct arg arguments[] = {
    ARG_FLAG(0, "layers", struct arguments, layers,
             "only the layers, as --layer of `reverie still` takes them"),
};

int cmd_inspect(int argc, char **argv)
{
    struct arguments a;
    const struct args_command command = {
        .name = "inspect",
        .operands = "[MODEL]",
        .text =
            "Lists the tensors of a file of weights (name, type, shape, smallest, largest and mean value), then the\n"
            "layers, the preprocessing and the classes of the model that they make. Without MODEL: the embedded one.\n"
            "Exit code 1: it is not a model that can dream.\n",
        .args = arguments,
        .count = ARRAY_LEN(arguments),
        .values = &a};
    int first;
    int code = args_parse(&command, argc, argv, &first);
    if (code != ARGS_OK)
        return code;
    if (argc - first > 1)
        return args_fault(&command, "one model at a time");
    signal(SIGBUS, on_cut_file);
    struct weights *w;
    struct error e = {""};
    int rc = model_weights(&w, first < argc ? argv[first] : NULL, &e);
    if (rc < 0)
        return args_failed("inspect", &e);
    rc = a.layers ? list_layers(w, &e) : inspect(w);
    weights_close(&w);
    return rc;
}
