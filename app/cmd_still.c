/*
 * cmd_still - `reverie still`: one picture, a sheet of them or a film, by the same engine and settings as the show.
 *
 * still_options.c    what is asked for: command line, presets, recipes
 * still_target.c     what is climbed
 * still_output.c     where it goes
 * still_recipe.c     what is kept in the picture
 * still_dream.c      a picture, octave by octave; still_tiles.c: one that is larger than the memory
 * still_sheet.c, still_film.c, still_progress.c
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "app/dream_args.h"
#include "app/picture_fit.h"
#include "app/still_job.h"
#include "app/still_recipe.h"
#include "common/text.h"
#include "engine/model/labels.h"
#include "stream/picture.h"

/* ---- Opening ---- */

static int find_targets(struct still_job *job, struct error *e)
{
    const struct still_config *s = &job->options.still;
    const char *texts[STILL_TEXTS_MAX];
    char copy[OPTION_STRING_BYTES];
    snprintf(copy, sizeof copy, "%s", s->text);
    job->target_count = s->text[0] ? still_target_texts(copy, texts) : 1;
    if (job->target_count == 0)
        return error_set(e, E2BIG, "-t: more than %d texts", STILL_TEXTS_MAX);
    int rc = 0;
    for (int i = 0; i < job->target_count && rc == 0; i++)
        rc = still_target_find(&job->targets[i], job->model, &job->options, s->text[0] ? texts[i] : NULL, e);
    return rc;
}

/* Brightness, contrast and colours of a photograph are what the dream is led back to, where nobody has asked for
 * others. */
static void aim_at_original(struct dream_config *c, const float *x)
{
    struct dream_config usual;
    size_t pixels = (size_t)c->size.width_px * (size_t)c->size.height_px;
    double mean = 0, square = 0, chroma = 0;
    option_defaults(&dream_section, &usual);
    for (size_t i = 0; i < pixels; i++) {
        double r = (double)x[i], g = (double)x[i + pixels], b = (double)x[i + 2 * pixels],
               grey = (r + g + b) / 3;
        mean += grey;
        square += grey * grey;
        chroma += ((r - grey) * (r - grey) + (g - grey) * (g - grey) + (b - grey) * (b - grey)) / 3;
    }
    mean /= (double)pixels;
    if (c->brightness == usual.brightness)
        c->brightness = mean;
    if (c->contrast == usual.contrast)
        c->contrast = fmax(1, sqrt(fmax(0, square / (double)pixels - mean * mean)));
    if (c->colour_max == usual.colour_max)
        c->colour_max = fmax(usual.colour_max, sqrt(chroma / (double)pixels));
}

static void size_from(struct option_size *size, int width_px, int height_px)
{
    double fit = fmin(1, (double)PICTURE_SIDE_MAX / (width_px > height_px ? width_px : height_px));
    size->width_px = (int)fmax(STILL_SIDE_MIN, round(width_px * fit));
    size->height_px = (int)fmax(STILL_SIDE_MIN, round(height_px * fit));
}

/* [h][w] -> [3][h][w], for what takes pictures. NULL: no memory, or there is none. */
static float *three_planes(const float *plane, int w, int h)
{
    size_t pixels = (size_t)w * (size_t)h;
    float *out = plane ? buffer_alloc(3 * pixels * sizeof *out) : NULL;
    for (size_t c = 0; out && c < 3; c++)
        memcpy(out + c * pixels, plane, pixels * sizeof *out);
    return out;
}

/* The start picture at the dream's size, which it gives when none was asked for. */
static int read_original(struct still_job *job, struct error *e)
{
    struct dream_config *c = &job->options.dream;
    float *rgb, *alpha;
    int w, h;
    if (!c->start_image[0])
        return 0;
    int rc = picture_read_layered(c->start_image, &rgb, &alpha, &w, &h, e);
    if (rc < 0)
        return rc;
    if (!job->options.size_given)
        size_from(&c->size, w, h);
    rc = picture_fit(rgb, w, h, c->size, &job->original, e);
    float *planes = three_planes(alpha, w, h);
    if (rc == 0 && alpha)
        rc = planes ? picture_fit(planes, w, h, c->size, &job->alpha, e)
                    : error_set(e, ENOMEM, "%s: no memory for what is transparent", c->start_image);
    free(rgb);
    free(alpha);
    free(planes);
    return rc;
}

static int read_mask(struct still_job *job, struct error *e)
{
    const struct still_options *o = &job->options;
    if (!o->still.mask[0])
        return 0;
    int rc = picture_fit_file(o->still.mask, o->dream.size, &job->mask, e);
    size_t pixels = (size_t)o->dream.size.width_px * (size_t)o->dream.size.height_px;
    for (size_t i = 0; i < pixels && rc == 0; i++) {
        float *m = job->mask;
        m[i] = m[i + pixels] = m[i + 2 * pixels] = (m[i] + m[i + pixels] + m[i + 2 * pixels]) / 3;
    }
    return rc < 0 ? error_prefix(e, rc, "--mask") : 0;
}

static int check_size(const struct still_job *job, struct error *e)
{
    if (job->options.still.animate_s > 0)
        return still_film_check(job, e);
    struct option_size size = still_sheet_size(job);
    int rc = picture_fits(&job->output.style, size.width_px, size.height_px, e);
    return rc < 0 ? error_prefix(e, rc, "%s", job->output.path) : 0;
}

static int open_job(struct still_job *job, struct error *e)
{
    struct still_options *o = &job->options;
    int rc = still_output_open(&job->output, o, e);
    if (rc == 0)
        still_output_fence(&job->output);
    if (rc == 0)
        rc = dream_load_model(&job->model, &o->dream, e);
    if (rc == 0)
        rc = find_targets(job, e);
    if (rc == 0)
        rc = read_original(job, e);
    if (rc == 0)
        rc = read_mask(job, e);
    if (rc == 0)
        rc = check_size(job, e);
    if (rc < 0)
        return rc;
    uint64_t fingerprint = model_fingerprint(job->model);
    if (o->again)
        still_recipe_compare(o->again, fingerprint);
    if (o->still.recipe)
        job->output.style.note = job->note = still_recipe_text(&o->config, job->model->name, fingerprint);
    still_options_objects(o);
    if (job->original)
        aim_at_original(&o->dream, job->original);
    job->model->serves_once =
        o->still.octaves == 1 && job->target_count * o->still.seeds == 1 && o->still.animate_s == 0;
    return 0;
}

static void close_job(struct still_job *job)
{
    free(job->note);
    free(job->original);
    free(job->alpha);
    free(job->mask);
    model_close(&job->model);
}

/* ---- Dreaming ---- */

static int save(void *context, const float *rgb, struct error *e)
{
    const struct still_job *job = context;
    return still_job_write(job, rgb, job->options.dream.size, true, e);
}

int still_job_dream(struct still_job *job, int target, int64_t seed, float **out, struct error *e)
{
    bool is_alone = job->target_count * job->options.still.seeds == 1 && job->options.still.animate_s == 0;
    const struct still_run run = {.options = &job->options,
                                  .model = job->model,
                                  .target = &job->targets[target],
                                  .seed = (uint64_t)seed,
                                  .original = job->original,
                                  .mask = job->mask,
                                  .has_alpha = job->alpha != NULL,
                                  .progress = &job->progress,
                                  .save = is_alone ? save : NULL,
                                  .context = job};
    return still_dream(&run, out, e);
}

int still_job_write(const struct still_job *job, const float *rgb, struct option_size size, bool is_alone,
                    struct error *e)
{
    bool has_alpha = is_alone && job->output.style.format != PICTURE_JPEG;
    const struct picture_image p = {rgb, has_alpha ? job->alpha : NULL, size.width_px, size.height_px};
    return still_output_write(&job->output, &p, e);
}

static int make_one(struct still_job *job, struct error *e)
{
    float *x;
    int rc = still_job_dream(job, 0, job->options.still.seed, &x, e);
    still_progress_end(&job->progress);
    if (rc == 0)
        rc = still_job_write(job, x, job->options.dream.size, true, e);
    free(x);
    return rc;
}

static int make(struct still_job *job, struct error *e)
{
    int64_t pictures = job->target_count * job->options.still.seeds;
    if (job->options.still.animate_s > 0)
        return still_film(job, e);
    still_progress_begin(&job->progress, pictures * job->options.all_steps,
                         (double)pictures * still_dream_pixels(&job->options));
    return pictures > 1 ? still_sheet(job, e) : make_one(job, e);
}

int cmd_still(int argc, char **argv)
{
    struct still_job *job = xcalloc(1, sizeof *job);
    struct error e = {""};
    int status = still_options_parse(&job->options, argc, argv);
    if (status == ARGS_OK) {
        int rc = open_job(job, &e);
        if (rc == 0)
            rc = make(job, &e);
        status = rc < 0 ? args_failed("still", &e) : 0;
        if (rc == 0 && still_is_stopped()) {
            fprintf(stderr, "reverie still: stopped at step %lld of %lld\n", (long long)job->progress.steps,
                    (long long)job->progress.all_steps);
            status = 1;
        }
        struct option_size size =
            job->options.still.animate_s > 0 ? job->options.dream.size : still_sheet_size(job);
        if (rc == 0)
            fprintf(stderr, "wrote %s, %dx%d\n", text_shown(job->output.path).text, size.width_px,
                    size.height_px);
        close_job(job);
    }
    free(job);
    return status;
}
