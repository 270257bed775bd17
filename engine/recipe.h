/*
 * recipe - section "dream" of the configuration: what is dreamed with, by whom, and the numbers
 * of the recipe.
 *
 * The rows stand in engine/dream/options.c, where every field is explained. The dream and every backend read
 * it; nobody writes it after the start.
 */
#ifndef ENGINE_RECIPE_H
#define ENGINE_RECIPE_H

#include "config/option.h"
#include "engine/model/prior_filters.h"

enum cpu_tier {
    CPU_TIER_AUTO,
    CPU_TIER_C,
    CPU_TIER_AVX2,
    CPU_TIER_AVX512,
    /* With products in bf16 (engine/cpu/bf16.h). */
    CPU_TIER_AVX512BF16,
    CPU_TIER_AMX,
    CPU_TIER_NEONBF16,
    CPU_TIER_ROUNDED /* imitated, to measure what it costs in exactness */
};
enum dream_profile { DREAM_MODERN, DREAM_CLASSIC };
enum dream_backend { DREAM_BACKEND_AUTO, DREAM_BACKEND_CPU, DREAM_BACKEND_CUDA, DREAM_BACKEND_NULL };
/* How a GPU stores and multiplies, and with what a CPU multiplies in the convolutions; sums are float32 in all of them.
 * auto: bf16 where the hardware has it; else a GPU takes fp16 and a CPU fp32. */
enum dream_precision {
    DREAM_PRECISION_AUTO,
    DREAM_PRECISION_BF16,
    DREAM_PRECISION_FP16,
    DREAM_PRECISION_TF32,
    DREAM_PRECISION_FP32
};
/* How long a GPU's engines are measured before the first step. */
enum dream_tuning { DREAM_TUNING_FAST, DREAM_TUNING_FULL };
/* Of the model's input; auto believes its file. */
enum dream_preprocessing {
    DREAM_INPUT_AUTO,
    DREAM_INPUT_TORCHVISION,
    DREAM_INPUT_CAFFE,
    DREAM_INPUT_CAFFE_RGB,
    DREAM_INPUT_CAFFE_GREY,
    DREAM_INPUT_CAFFE_RGB_GREY
};
/* Does a live show dream in a process of its own? */
enum dream_process { DREAM_PROCESS_AUTO, DREAM_PROCESS_YES, DREAM_PROCESS_NO };
enum dream_first { DREAM_FIRST_AUTO, DREAM_FIRST_TOP, DREAM_FIRST_BOTTOM };
enum { DREAM_SUBJECTS_MAX = 8 };

struct dream_config {
    struct option_size size;
    int profile;                      /* enum dream_profile */
    int64_t steps;                    /* per keyframe */
    int64_t threads;                  /* 0: as many as there are cores */
    int backend;                      /* enum dream_backend; null: no network, the picture only settles */
    int process;                      /* enum dream_process */
    bool resume;                      /* a live show goes on where the last one stopped */
    int cpu_tier;                     /* enum cpu_tier */
    int64_t device;                   /* cuda: which card */
    int precision;                    /* enum dream_precision */
    int tuning;                       /* enum dream_tuning */
    char model[OPTION_STRING_BYTES];  /* "" = embedded */
    char labels[OPTION_STRING_BYTES]; /* "" = what the model says of itself */
    int preprocessing;                /* enum dream_preprocessing */
    int prior;                        /* enum prior_kind */
    char prior_file[OPTION_STRING_BYTES], prior_mean[OPTION_STRING_BYTES]; /* "" = embedded */
    char start_image[OPTION_STRING_BYTES];                                 /* "" = noise */
    double transition_s;                                                   /* cross-fade between subjects */
    double border; /* between subjects, soft over this share of the height */

    /* The recipe of `modern`. */
    double object_large, object_small; /* sizes of objects, share of the picture's shorter side */
    double focus;                      /* of a single subject: weights fall off from the middle */
    double detail;                     /* against the gradient of whole things, root mean squares */
    double step_levels;
    double momentum;
    double input_noise;
    int64_t margin; /* pixels of mirrored picture around what the network sees */
    int64_t octaves;
    double octave_gain, finest_gain;
    double colour_gain;
    double prior_ratio;
    int64_t prior_stride;
    double brightness, contrast, colour_max, glare;

    int first; /* enum dream_first: half of the first of two subjects */
};
extern const struct option_section dream_section;

#endif
