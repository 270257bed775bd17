/*
 * options - the settings of section "dream". The recipe's defaults were chosen by looking and by an
 * independent classifier; the figures stand in models/README.md.
 */
#include "engine/dream/dream.h"
#include "engine/model/labels.h"

static const char *const profiles[] = {"modern", "classic", NULL};
static const char *const backends[] = {"auto", "cpu", "cuda", "null", NULL};
static const char *const processes[] = {"auto", "yes", "no", NULL};
static const char *const precisions[] = {"auto", "bf16", "fp16", "tf32", "fp32", NULL};
static const char *const tunings[] = {"fast", "full", NULL};
static const char *const inputs[] = {"auto",       "torchvision",    "caffe", "caffe-rgb",
                                     "caffe-grey", "caffe-rgb-grey", NULL};
static const char *const priors[] = {"student-t", "gaussian", NULL};
static const char *const firsts[] = {"auto", "top", "bottom", NULL};
static const char *const tiers[] = {"auto", "c",        "avx2",    "avx512", "avx512bf16",
                                    "amx",  "neonbf16", "rounded", NULL};

#define C struct dream_config
static const struct option rows[] = {
    OPTION_SIZE(
        C, size, "640x360", 64, 16384,
        "Size of the picture that is dreamed; the camera scales it to the video. A step's time grows with "
        "its area."),
    OPTION_CHOICE(C, profile, "modern", profiles,
                  "modern: the recipe that looks best. classic: formulas and numbers of the system of 2015."),
    OPTION_INT(
        C, steps, "8", 1, 100000, "steps",
        "Gradient steps per keyframe; where every frame is dreamed (keyframes.mode), the most per frame."),
    OPTION_INT(C, threads, "0", 0, 64, "threads",
               "Threads that compute; 0 takes as many as there are cores."),
    OPTION_CHOICE(
        C, backend, "auto", backends,
        "Where the dream runs. auto: on a GPU when there is a usable one, else on the CPU. null runs no "
        "network: the picture only drifts, for tests of everything else."),
    OPTION_CHOICE(
        C, process, "auto", processes,
        "Whether a live show dreams in a process of its own: when that dies or hangs, the stream goes on and the "
        "dream is started again from where it was. auto: yes, but for backend null and where no process can be "
        "started. Offline renders always stay in one process."),
    OPTION_BOOL(
        C, resume, "true",
        "A live show goes on with the dream where the last one stopped, from show.state_dir. --seed begins "
        "a new one."),
    OPTION_CHOICE(
        C, cpu_tier, "auto", tiers,
        "Vector instructions to use; auto takes the best that there are. avx512bf16, amx and neonbf16 multiply in bf16; "
        "rounded imitates that on any processor, slowly, to measure what it costs in exactness."),
    OPTION_INT(
        C, device, "0", 0, 63, NULL,
        "Which GPU dreams, and encodes where video.encoder takes h264_nvenc; counted as the driver does."),
    OPTION_CHOICE(
        C, precision, "auto", precisions,
        "Arithmetic. On a GPU auto is bf16 where the card has it, else fp16; tf32 and fp32 are slower and more "
        "exact. On a CPU bf16 is what the convolutions multiply in, and auto is bf16 where the processor "
        "has it (AVX512-BF16, AMX, or Arm's FEAT_BF16), in as many layers as leave a gradient its direction, else fp32; fp16, tf32 and profile classic compute in fp32 there."),
    OPTION_CHOICE(
        C, tuning, "fast", tunings,
        "How a GPU's convolutions are chosen at the start. fast: by measuring those that cuDNN brings "
        "compiled, about a second. full: also those that it compiles first, a minute or more; the result is "
        "kept in $XDG_CACHE_HOME/reverie, for the next start with the same card, libraries and sizes."),
    OPTION_STRING(C, model, "", 0,
                  "File of the model (safetensors, PyTorch, Caffe); empty: the one inside the program."),
    OPTION_STRING(
        C, labels, "", 0,
        "File with the names of the model's classes, one a line: WordNet ids, or words; empty: those "
        "that the model brings."),
    OPTION_CHOICE(
        C, preprocessing, "auto", inputs,
        "What the model wants done to its input; auto goes by its file. torchvision: RGB, mean and "
        "deviation. caffe: BGR minus a mean colour; caffe-rgb: the same, RGB; with -grey: minus the mean of "
        "all colours, as in 2015."),
    OPTION_CHOICE(
        C, prior, "student-t", priors,
        "What the patch prior makes of a filter's response: student-t forgives a few large ones, such "
        "as edges, gaussian none."),
    OPTION_STRING(C, prior_file, "", 0,
                  "File of the patch prior, safetensors or the filters of 2015 (.npy); empty: the one inside "
                  "the program."),
    OPTION_STRING(C, prior_mean, "", 0, "The .npy of the means that go with a .npy of filters."),
    OPTION_STRING(C, start_image, "", 0, "Picture to begin with; empty: soft noise."),
    OPTION_FLOAT(C, transition_s, "4", 0, 60, "s", "Cross-fade from one subject to the next."),
    OPTION_FLOAT(
        C, border, "0.16", 0, 1, "of the height",
        "How soft the border is where one subject ends and another begins; 0: a hard one. classic has "
        "a hard one between two halves in any case."),
    OPTION_FLOAT(
        C, object_large, "0.9", 0.002, 4, "of the shorter side",
        "Largest size that objects are dreamed in. Every step draws a size between large and small."),
    OPTION_FLOAT(C, object_small, "0.28", 0.002, 4, "of the shorter side", "Smallest size of objects."),
    OPTION_FLOAT(
        C, focus, "0.8", 0, 1, NULL,
        "How much a single subject is drawn to the middle: 0 not at all, 1 it is asked for nowhere else."),
    OPTION_FLOAT(
        C, detail, "0", 0, 4, NULL,
        "Fine texture that the subject asks for (fur, feathers, spokes), against the gradient of whole things; "
        "0: none, 0.6: sharper, for a quarter of the steps. On a GPU there is none so far."),
    OPTION_FLOAT(C, step_levels, "2", 0.05, 32, "levels",
                 "How far one step moves the picture, root mean square."),
    OPTION_FLOAT(C, momentum, "0.9", 0, 0.99, NULL,
                 "Share of the last step's direction that the next one keeps."),
    OPTION_FLOAT(
        C, input_noise, "10", 0, 100, "levels",
        "Noise on what the network sees, new in every step; it makes gradients look at whole things."),
    OPTION_INT(
        C, margin, "0", 0, 128, "px",
        "Mirrored picture around what the network sees, so that its own edge, where it sees nothing, draws no "
        "frame; 48 for dreams of a layer."),
    OPTION_INT(C, octaves, "5", 1, 10, NULL,
               "Bands of the gradient that are evened out; 1 leaves it as it is."),
    OPTION_FLOAT(
        C, octave_gain, "0.85", 0.5, 4, "per octave",
        "Weight of each octave against the next finer one, where the network sees the picture at half its "
        "size or smaller; more where it sees it larger."),
    OPTION_FLOAT(
        C, finest_gain, "0.5", 0, 4, NULL,
        "Weight of the finest octave; networks leave a lattice there that no object needs, so it is less "
        "where the network sees the picture larger than half its size."),
    OPTION_FLOAT(C, colour_gain, "1", 0, 2, NULL, "Strength of the gradient's colours against its greys."),
    OPTION_FLOAT(C, prior_ratio, "0.2", 0, 10, NULL,
                 "Strength of the patch prior (what photographs look like) against the gradient."),
    OPTION_INT(C, prior_stride, "8", 1, 8, "px",
               "Grid of the prior's patches; larger is faster and rougher."),
    OPTION_FLOAT(C, brightness, "112", 32, 224, "levels", "Mean brightness that the picture drifts back to."),
    OPTION_FLOAT(
        C, contrast, "50", 0, 128, "levels",
        "Deviation of brightness that the picture drifts back to; 0 leaves brightness, contrast and colours "
        "to the dream."),
    OPTION_FLOAT(C, colour_max, "30", 1, 128, "levels",
                 "Deviation of colours from grey above which they are made paler."),
    OPTION_FLOAT(
        C, glare, "90", 1, 255, "levels",
        "How far a channel may be off its pixel's grey before that is bent back; photographs seldom pass 80."),
    OPTION_CHOICE(C, first, "auto", firsts,
                  "Which half the first of two subjects gets; auto: the top, but with profile classic the "
                  "bottom, as in 2015."),
};
#undef C

const struct option_section dream_section = OPTION_SECTION(
    "dream", struct dream_config, rows,
    "The picture, the network that looks at it, and how it is changed. object_large to colour_max "
    "are the recipe of profile modern.");

int dream_load_model(struct model **m, const struct dream_config *c, struct error *e)
{
    int rc = model_load(m, c->model, e);
    if (rc == 0 && c->preprocessing != DREAM_INPUT_AUTO)
        rc = model_set_preprocessing(*m, inputs[c->preprocessing], e);
    if (rc == 0 && c->labels[0])
        rc = model_read_labels(*m, c->labels, e);
    if (rc < 0)
        model_close(m);
    return rc;
}

bool dream_first_below(const struct dream_config *c)
{
    return c->first == DREAM_FIRST_BOTTOM || (c->first == DREAM_FIRST_AUTO && c->profile == DREAM_CLASSIC);
}
