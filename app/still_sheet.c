/*
 * still_sheet - several stills on one sheet: a row for each text and a column for each seed; seeds of a single text in a
 * block. What is on it is told on stderr; the one that pleases is made again by its text and seed alone.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/still_job.h"
#include "app/still_parts.h"

enum { GAP_PX = 8, GAP_LEVEL = 24 };

static int columns(const struct still_job *job)
{
    int seeds = (int)job->options.still.seeds;
    return job->target_count > 1 ? seeds : (int)ceil(sqrt(seeds));
}

static int count(const struct still_job *job)
{
    return job->target_count * (int)job->options.still.seeds;
}

struct option_size still_sheet_size(const struct still_job *job)
{
    struct option_size each = job->options.dream.size;
    int across = columns(job), down = (count(job) + across - 1) / across;
    return (struct option_size){across * (each.width_px + GAP_PX) - GAP_PX,
                                down * (each.height_px + GAP_PX) - GAP_PX};
}

/* Puts picture `index` in its place. */
static void place(const struct still_job *job, float *sheet, struct option_size size, const float *x,
                  int index)
{
    struct option_size each = job->options.dream.size;
    size_t w = (size_t)each.width_px, h = (size_t)each.height_px;
    size_t left = (size_t)(index % columns(job)) * (w + GAP_PX),
           top = (size_t)(index / columns(job)) * (h + GAP_PX);
    for (size_t row = 0; row < 3 * h; row++)
        memcpy(sheet + ((row / h) * (size_t)size.height_px + top + row % h) * (size_t)size.width_px + left,
               x + row * w, w * sizeof *x);
}

int still_sheet(struct still_job *job, struct error *e)
{
    struct option_size size = still_sheet_size(job);
    int seeds = (int)job->options.still.seeds, rc = 0;
    float *sheet = still_picture_alloc(size, e);
    if (!sheet)
        return -1;
    for (size_t i = 0; i < 3 * (size_t)size.width_px * (size_t)size.height_px; i++)
        sheet[i] = GAP_LEVEL;
    for (int i = 0; i < count(job) && rc == 0 && !still_is_stopped(); i++) {
        float *x = NULL;
        rc = still_job_dream(job, i / seeds, job->options.still.seed + i % seeds, &x, e);
        if (rc == 0)
            place(job, sheet, size, x, i);
        free(x);
    }
    still_progress_end(&job->progress);
    if (rc == 0)
        rc = still_job_write(job, sheet, size, false, e);
    if (rc == 0 && job->target_count > 1)
        fprintf(stderr, "rows: the texts, in order; columns: seeds %lld to %lld\n",
                (long long)job->options.still.seed, (long long)job->options.still.seed + seeds - 1);
    else if (rc == 0)
        fprintf(stderr, "seeds %lld to %lld, line by line\n", (long long)job->options.still.seed,
                (long long)job->options.still.seed + seeds - 1);
    free(sheet);
    return rc;
}
