/*
 * dream - the picture and the loop that changes it: gradient steps towards subjects, zoom, profiles.
 *
 * One dream is one picture of fixed size with its momentum and random stream. The caller (the dream
 * thread, or `still`) says what to dream and how many steps to take; where keyframes go is not its
 * business. Not thread-safe: one thread at a time. Same seed, same calls, same CPU tier: same bytes,
 * whatever the number of threads.
 */
#ifndef ENGINE_DREAM_DREAM_H
#define ENGINE_DREAM_DREAM_H

#include "engine/recipe.h"
#include "engine/step.h"
#include "engine/model/model.h"

/* A part of the picture: shares of it, 0..1 from its left and top. right 0: no place of its own. */
struct dream_place {
    float left, top, right, bottom;
};

/* One thing to be seen. Those without a place share the picture: the first half of them in a row above the
 * other half (dream.first), each with as much room as its weight is of all; the weight of one that is alone, or has
 * a place, is how strongly it is climbed. A place rides along with the zoom, and what is dreamed there goes
 * before what has none. */
struct dream_subject {
    int class_index;
    float weight; /* 0: the usual, 1. Below 0: away from it */
    struct dream_place place;
};

/* How a new target takes over: everywhere at once more and more, or as a disc that grows from the middle. */
enum dream_change { DREAM_FADE, DREAM_WIPE };

/* What to dream. count 0: keep drifting. */
struct dream_target {
    int count;
    struct dream_subject subjects[DREAM_SUBJECTS_MAX];
    enum dream_change change;
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

/* Class indices are the model's; one out of its range is ignored. `fade_s` of show time (dream_warp) until it has
 * taken over; 0: at once. */
void dream_set_target(struct dream *d, const struct dream_target *t, double fade_s);

/* Where the two subjects meet that share the picture, as a share of its height from above: at 0 and 1 one of them has
 * all of it, soft border included. While targets fade it is the newest's. False, and nothing changes, unless just two share the
 * picture. */
bool dream_set_front(struct dream *d, double front);

/* Instead of subjects: climb activations of layers (DeepDream). `layer` indexes model.layers; `channel` -1 takes all
 * of them. Of several each step climbs one, drawn by weight, so that each moves the picture by its share whatever the
 * scale of its numbers. One of negative weight is descended. 1 to DREAM_LAYERS_MAX count. The next dream_set_target ends it. */
enum { DREAM_LAYERS_MAX = 64 };
struct dream_layer {
    int layer, channel;
    double weight;
};
void dream_set_layers(struct dream *d, const struct dream_layer *layers, int count);

/* Another picture [3][h][w] in the place of this one; its momentum goes. What is dreamed stays. */
void dream_put(struct dream *d, const float *rgb);

/* The picture is this part of a larger one: what has its place in that one has it there. Profile `modern`. */
void dream_set_window(struct dream *d, const struct dream_place *window);

/* Zooms and rotates the picture (bicubic, edges repeated) and prepares the next keyframe: `classic` resets its
 * moments here (docs/original-2015.md, item 36), `modern` carries its momentum along. Places ride along.
 * `elapsed_s` is show time since the last call and drives fades. */
void dream_move(struct dream *d, const struct image_move *by, double elapsed_s);
/* The same about the picture's middle. */
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

/* The picture as NV12 (engine/nv12.h), [3/2 height][width] bytes; sizes must be even. `makes_frames`:
 * its backend does this itself and fast, so that every frame of a video can be dreamed. */
void dream_frame(struct dream *d, uint8_t *nv12);
bool dream_makes_frames(const struct dream *d);

/* "cpu", "cuda", "null"; "none" while a lost one has no successor. */
const char *dream_backend_name(const struct dream *d);
/* What that runs on, for people: "avx512", "NVIDIA H200, bf16". Valid while the dream has this backend. */
const char *dream_hardware(const struct dream *d);

/* What the network sees in the picture now, in softmax probabilities averaged over places. Nothing (seen_count 0,
 * share -1) without a network. Costs about a third of a step. */
enum { DREAM_SEEN_MAX = 5 };
struct dream_sight {
    double belief[DREAM_SUBJECTS_MAX]; /* each subject of the newest target, over its own part */
    double share;                      /* mean belief of those that are wanted; -1: none is */
    double x,
        y; /* the middle of what is wanted as the logits have it, off the picture's: shares of its sides */
    int seen_count;
    struct {
        int class_index;
        double probability;
    } seen[DREAM_SEEN_MAX]; /* the surest classes over all of the picture, surest first */
};
void dream_look(struct dream *d, struct dream_sight *s);

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

#endif
