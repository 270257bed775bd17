/*
 * stream_options - see stream_options.h; the tables themselves stand beside the code that they steer.
 */
#include "stream/stream_options.h"

#include <stdlib.h>

#include "stream/sink.h"

struct stream_config *stream_config_new(void)
{
    struct stream_config *c = xcalloc(1, sizeof *c);
    for (int i = 0; sink_registry[i] && i < STREAM_SINKS_MAX; i++)
        if (sink_registry[i]->config_size)
            c->sinks[i] = xcalloc(1, sink_registry[i]->config_size);

    const struct option_section *sections[STREAM_SINKS_MAX + 4];
    void *configs[STREAM_SINKS_MAX + 4];
    int count = stream_config_sections(c, sections, configs, STREAM_SINKS_MAX + 4);
    for (int i = 0; i < count; i++)
        option_defaults(sections[i], configs[i]);
    return c;
}

void stream_config_free(struct stream_config *c)
{
    for (int i = 0; c && i < STREAM_SINKS_MAX; i++)
        free(c->sinks[i]);
    free(c);
}

int stream_config_sections(struct stream_config *c, const struct option_section **sections, void **configs,
                           int max)
{
    const struct option_section *const own[] = {&video_section, &camera_section, &overlay_section,
                                                &audio_section};
    void *const own_configs[] = {&c->video, &c->camera, &c->caption, &c->audio};
    int count = 0;
    for (size_t i = 0; i < ARRAY_LEN(own); i++, count++)
        if (count < max) {
            sections[count] = own[i];
            configs[count] = own_configs[i];
        }
    for (int i = 0; sink_registry[i] && i < STREAM_SINKS_MAX; i++) {
        if (!sink_registry[i]->section)
            continue;
        if (count < max) {
            sections[count] = sink_registry[i]->section;
            configs[count] = c->sinks[i];
        }
        count++;
    }
    return count;
}

int stream_config_fps(const struct stream_config *c)
{
    return (int)c->video.fps;
}

struct option_size stream_config_size(const struct stream_config *c)
{
    return c->video.size;
}

const struct camera_config *stream_config_camera(const struct stream_config *c)
{
    return &c->camera;
}

void stream_config_set_page(struct stream_config *c, const struct stream_page *page)
{
    for (int i = 0; sink_registry[i] && i < STREAM_SINKS_MAX; i++)
        if (sink_registry[i] == &sink_page)
            *(struct stream_page *)c->sinks[i] = *page;
}
