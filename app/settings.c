/*
 * settings - see settings.h.
 */
#include "app/settings.h"

#include <errno.h>
#include <stdlib.h>

#include "app/taping.h"
#include "common/log.h"
#include "dreamer/dreamer.h"

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};

static const struct option log_rows[] = {
    OPTION_CHOICE(struct log_config, level, "info", log_levels, "How much is said on stderr."),
};
static const struct option_section log_section =
    OPTION_SECTION("log", struct log_config, log_rows, "What the program says about itself.");

static const struct option fence_rows[] = {
    OPTION_BOOL(
        struct fence_config, enabled, "true",
        "Have the kernel (Landlock) keep the show from making or changing files anywhere but in its state "
        "folder, record.dir and the folders of other outputs, and from running other programs. These folders "
        "must not be replaced while the show is on."),
};
static const struct option_section fence_section =
    OPTION_SECTION("fence", struct fence_config, fence_rows, "What the show could do if it were taken over.");

static const char *const show_modes[] = {"auto", "keyframes", "frames", NULL}; /* as enum dreamer_mode */

static const struct option keyframes_rows[] = {
    OPTION_CHOICE(
        struct keyframes_config, mode, "auto", show_modes,
        "frames: every frame of the video is dreamed, live with as many steps as there is time for, up to "
        "dream.steps; dream.size must be video.size. keyframes: the camera glides between pictures that are "
        "further apart. auto: frames in a live show on a GPU that is fast enough, when the sizes agree."),
    OPTION_INT(struct keyframes_config, min_ms, "200", 20, 60000, "ms",
               "Shortest distance between two keyframes, however fast the machine is."),
    OPTION_INT(struct keyframes_config, max_ms, "2000", 40, 60000, "ms",
               "Longest distance. A machine that is too slow takes fewer steps for each keyframe instead."),
    OPTION_INT(struct keyframes_config, offline_ms, "1000", 20, 60000, "ms",
               "Distance in an offline render, where it is always the same."),
};
static const struct option_section keyframes_section = OPTION_SECTION(
    "keyframes", struct keyframes_config, keyframes_rows,
    "The rhythm between dream and camera: a keyframe is a dreamed picture, and the camera glides "
    "from each to the next.");

void settings_init(struct settings *s)
{
    *s = (struct settings){.stream = stream_config_new()};
    const struct option_section *sections[SETTINGS_SECTIONS_MAX];
    void *configs[SETTINGS_SECTIONS_MAX];
    int n = stream_config_sections(s->stream, sections, configs, SETTINGS_SECTIONS_MAX - 10);

    size_t count = 0;
    s->entries[count++] = (struct config_entry){&show_section, &s->show};
    s->entries[count++] = (struct config_entry){&dream_section, &s->dream};
    s->entries[count++] = (struct config_entry){&keyframes_section, &s->keyframes};
    s->entries[count++] = (struct config_entry){&irc_section, &s->irc};
    for (int i = 0; i < n; i++)
        s->entries[count++] = (struct config_entry){sections[i], configs[i]};
    s->entries[count++] = (struct config_entry){&web_section, &s->web};
    s->entries[count++] = (struct config_entry){&gallery_section, &s->gallery};
    s->entries[count++] = (struct config_entry){&fbdev_section, &s->fbdev};
    s->entries[count++] = (struct config_entry){&tape_section, &s->tape};
    s->entries[count++] = (struct config_entry){&fence_section, &s->fence};
    s->entries[count++] = (struct config_entry){&log_section, &s->log};
    s->config = (struct config){s->entries, count, stream_config_outputs(s->stream)};
    config_defaults(&s->config);
}

void settings_close(struct settings *s)
{
    stream_config_free(s->stream);
    s->stream = NULL;
}

/* What options mean together. */
static int check_together(const struct settings *s, struct error *e)
{
    struct option_size dream = s->dream.size, video = stream_config_size(s->stream);
    if (s->keyframes.mode != DREAMER_FRAMES ||
        (dream.width_px == video.width_px && dream.height_px == video.height_px))
        return 0;
    return error_set(e, EINVAL, "keyframes.mode frames: dream.size %dx%d must be video.size %dx%d",
                     dream.width_px, dream.height_px, video.width_px, video.height_px);
}

int settings_load(struct settings *s, const char *path, const struct arg_list *sets, struct error *e)
{
    int rc = path ? config_load(&s->config, path, e) : 0;
    for (int i = 0; rc == 0 && i < sets->count; i++)
        rc = config_set(&s->config, sets->items[i], e);
    if (rc == 0)
        rc = config_read_secrets(&s->config, e);
    if (rc == 0)
        config_hide_secrets(&s->config);
    if (rc == 0)
        rc = check_together(s, e);
    if (rc == 0)
        log_set_level((enum log_level)s->log.level);
    return rc;
}
