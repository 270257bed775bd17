/*
 * still_film - a film that begins with the still and falls into it: for each frame the picture is zoomed by a frame's
 * worth and gets a few fresh steps, as the show does where it dreams every frame.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "app/still_job.h"
#include "app/still_parts.h"
#include "stream/animation.h"

enum { STEPS_OF_FRAME = 3 };

static struct animation_params params_of(const struct still_job *job)
{
    const struct still_options *o = &job->options;
    return (struct animation_params){.path = o->output,
                                     .width_px = o->dream.size.width_px,
                                     .height_px = o->dream.size.height_px,
                                     .fps = (int)o->still.fps,
                                     .quality = (int)o->still.quality,
                                     .note = job->note};
}

int still_film_check(const struct still_job *job, struct error *e)
{
    struct animation_params p = params_of(job);
    if (job->target_count * job->options.still.seeds > 1)
        return error_set(e, EINVAL, "--animate: one text and one seed make a film");
    return animation_valid(&p, e);
}

/* The frames behind the first; x: scratch of a picture. */
static int fall(struct still_job *job, struct animation *a, struct dream *d, float *x, int frames,
                struct error *e)
{
    const struct still_options *o = &job->options;
    double zoom = pow(o->still.animate_zoom, 1.0 / (double)o->still.fps);
    double pixels = (double)o->dream.size.width_px * o->dream.size.height_px;
    int rc = 0;
    for (int i = 1; i < frames && rc == 0 && !still_is_stopped(); i++) {
        dream_warp(d, zoom, 0, 1.0 / (double)o->still.fps);
        for (int s = 0; s < STEPS_OF_FRAME; s++) {
            dream_step(d);
            still_progress_step(&job->progress, pixels, true);
        }
        dream_picture(d, x);
        rc = animation_add(a, x, e);
    }
    return rc;
}

static int write_film(struct still_job *job, struct animation *a, struct error *e)
{
    uint8_t *data;
    size_t bytes;
    int rc = animation_finish(a, &data, &bytes, e);
    still_progress_end(&job->progress);
    if (rc == 0)
        rc = still_output_bytes(&job->output, data, bytes, e);
    free(data);
    return rc;
}

int still_film(struct still_job *job, struct error *e)
{
    struct still_options *o = &job->options;
    const struct still_run run = {.options = o, .model = job->model, .target = &job->targets[0]};
    struct animation_params p = params_of(job);
    struct animation *a = NULL;
    struct dream *d = NULL;
    float *x = NULL;
    int frames = (int)fmax(1, round(o->still.animate_s * (double)o->still.fps));
    double pixels = (double)o->dream.size.width_px * o->dream.size.height_px;
    still_progress_begin(&job->progress, o->all_steps + (int64_t)(frames - 1) * STEPS_OF_FRAME,
                         still_dream_pixels(o) + pixels * (frames - 1) * STEPS_OF_FRAME);
    int rc = still_job_dream(job, 0, o->still.seed, &x, e);
    if (rc == 0)
        rc = animation_open(&a, &p, e);
    if (rc == 0)
        rc = animation_add(a, x, e);
    if (rc == 0)
        rc = still_dream_open(&d, &run, &o->dream, (uint64_t)o->still.seed, x, e);
    if (rc == 0)
        rc = fall(job, a, d, x, frames, e);
    if (rc == 0)
        rc = write_film(job, a, e);
    dream_close(&d);
    animation_close(&a);
    free(x);
    return rc;
}
