/*
 * dream - the picture and the loop that changes it: gradient steps towards subjects, zoom, profiles.
 *
 * One dream is one picture of fixed size with its momentum and random stream. The caller (the dream thread,
 * or `still`) says what to dream and how many steps to take; where keyframes go is not its business. Not
 * thread-safe: one thread at a time. Same seed, same calls, same CPU tier: same bytes, whatever the number of
 * threads.
 */
#ifndef ENGINE_DREAM_H
#define ENGINE_DREAM_H

#include "common/stats.h"
#include "config/option.h"
#include "engine/model.h"
#include "engine/network.h"

enum dream_profile { DREAM_MODERN, DREAM_CLASSIC };
enum dream_backend { DREAM_BACKEND_AUTO, DREAM_BACKEND_CPU, DREAM_BACKEND_CUDA, DREAM_BACKEND_NULL };
/* How a GPU stores and multiplies; sums are float32 in all of them. auto: bf16 where the card has it, else
 * fp16. */
enum dream_precision {
    DREAM_PRECISION_AUTO,
    DREAM_PRECISION_BF16,
    DREAM_PRECISION_FP16,
    DREAM_PRECISION_TF32,
    DREAM_PRECISION_FP32
};
/* Of the model's input; auto believes its file. */
enum dream_preprocessing {
    DREAM_INPUT_AUTO,
    DREAM_INPUT_TORCHVISION,
    DREAM_INPUT_CAFFE,
    DREAM_INPUT_CAFFE_RGB,
    DREAM_INPUT_CAFFE_GREY,
    DREAM_INPUT_CAFFE_RGB_GREY
};
enum dream_first { DREAM_FIRST_AUTO, DREAM_FIRST_TOP, DREAM_FIRST_BOTTOM };
enum { DREAM_SUBJECTS_MAX = 2 };

/* Section "dream" of the configuration; the rows stand in dream_options.c, where every field is explained. */
struct dream_config {
    struct option_size size;
    int profile;                     /* enum dream_profile */
    int64_t steps;                   /* per keyframe */
    int64_t threads;                 /* 0: as many as there are cores */
    int backend;                     /* enum dream_backend; null: no network, the picture only settles */
    int cpu_tier;                    /* enum cpu_tier */
    int64_t device;                  /* cuda: which card */
    int precision;                   /* enum dream_precision */
    char model[OPTION_STRING_BYTES]; /* "" = embedded */
    int preprocessing;               /* enum dream_preprocessing */
    int prior;                       /* enum prior_kind */
    char prior_file[OPTION_STRING_BYTES], prior_mean[OPTION_STRING_BYTES]; /* "" = embedded */
    char start_image[OPTION_STRING_BYTES];                                 /* "" = noise */
    double transition_s;                                                   /* cross-fade between subjects */

    /* The recipe of `modern`. */
    double object_large, object_small; /* sizes of objects, share of the picture's shorter side */
    double step_levels;
    double momentum;
    double input_noise;
    int64_t octaves;
    double octave_gain, finest_gain;
    double colour_gain;
    double prior_ratio;
    int64_t prior_stride;
    double brightness, contrast, colour_max;

    int first; /* enum dream_first: half of the first of two subjects */
};
extern const struct option_section dream_section;

/* What to dream: one or two classes of the model, each with its half. count 0: keep drifting. */
struct dream_target {
    int count;
    int class_index[DREAM_SUBJECTS_MAX];
};

/* The model that the settings name, with the preprocessing that they ask for. 0 or -errno with a line. */
int dream_load_model(struct model **m, const struct dream_config *c, struct error *e);

/* Does the first of two subjects get the bottom half under these settings? */
bool dream_first_below(const struct dream_config *c);

struct dream;

/* Picture: `start` [3][h][w] 0..255 of the configured size (copied), or NULL for smooth noise from the seed.
 * `m` must outlive the dream. 0 or -errno with a line; *d is NULL then. */
int dream_open(struct dream **d, const struct dream_config *c, struct model *m, uint64_t seed,
               const float *start, struct error *e);
void dream_close(struct dream **d);

/* Class indices are the model's; one out of its range is ignored. */
void dream_set_target(struct dream *d, const struct dream_target *t, double fade_s);

/* Instead of subjects: climb a layer's activations (DeepDream). `layer` indexes model.layers; `channel` -1
 * takes all of them. The next dream_set_target ends it. */
void dream_set_layer(struct dream *d, int layer, int channel);

/* Zooms and rotates the picture about its centre (bicubic, edges repeated) and prepares the next keyframe:
 * `classic` resets its moments here (item 36), `modern` carries its momentum along. `elapsed_s` is show time
 * since the last call and drives fades. */
void dream_warp(struct dream *d, double zoom, double degrees, double elapsed_s);

/* The workers give way to other threads of the machine: for a live show, where frames have deadlines. */
void dream_lower_priority(struct dream *d);

/* One gradient step. 0; -EDOM when the picture had gone bad (NaN) and was restored to the last good one; -EIO
 * when the hardware was lost: another has taken over, or will be looked for at the next call. */
int dream_step(struct dream *d);

/* `count` steps, handed to the backend together: what there is to wait for is waited for once. As dream_step;
 * -EDOM when the picture went bad in any of them. */
int dream_steps(struct dream *d, int count);

/* Copies the picture [3][h][w] 0..255. */
void dream_picture(struct dream *d, float *rgb);

/* The picture as NV12 (engine/image_nv12.h), [3/2 height][width] bytes; sizes must be even. `makes_frames`:
 * its backend does this itself and fast, so that every frame of a video can be dreamed. */
void dream_frame(struct dream *d, uint8_t *nv12);
bool dream_makes_frames(const struct dream *d);

/* "cpu", "cuda", "null"; "none" while a lost one has no successor. */
const char *dream_backend_name(const struct dream *d);
/* What that runs on, for people: "avx512", "NVIDIA H200, bf16". Valid while the dream has this backend. */
const char *dream_hardware(const struct dream *d);

/* How strongly the network sees each subject now, softmax probability averaged over its part of the picture;
 * 0 for subjects that are not there. */
void dream_belief(struct dream *d, double belief[DREAM_SUBJECTS_MAX]);

/* What the picture is like after the last step, for logs and metrics. */
struct dream_health {
    double mean, contrast; /* of grey, levels */
    double colour;         /* deviation of the channels from grey, levels */
    double extreme;        /* share of values beyond 4..251 */
};
struct dream_health dream_health(const struct dream *d);

/* For bench and inspect; NULL where the network is not the CPU's. */
const struct network *dream_network(const struct dream *d);

#endif
