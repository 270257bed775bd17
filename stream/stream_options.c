/*
 * stream_options - see stream_options.h; the tables themselves stand beside the code that they steer.
 */
#include "stream/stream_options.h"

#include <stdlib.h>

#include "stream/sink.h"

/* ---- the list ---- */

static const struct sink_ops *ops_of(const struct option_section *kind)
{
    const struct sink_ops *const *ops = sink_registry;
    while ((*ops)->kind != kind)
        ops++;
    return *ops;
}

static struct sink_setup setup_of(const struct config_item *item)
{
    return (struct sink_setup){ops_of(item->kind), item->name, &item->section, item->entry.module_config};
}

static int is_item_valid(const struct config_item *item, struct error *e)
{
    struct sink_setup o = setup_of(item);
    return o.ops->valid ? o.ops->valid(&o, e) : 0;
}

static void init_outputs(struct stream_config *c)
{
    int count = 0, taken = 0;
    for (int i = 0; sink_registry[i] && i < STREAM_SINKS_MAX; i++) {
        if (sink_registry[i]->section || !sink_registry[i]->kind)
            c->taken[taken++] = sink_registry[i]->name;
        if (sink_registry[i]->kind)
            c->kinds[count++] = sink_registry[i]->kind;
    }
    c->outputs = (struct config_list){
        .name = "outputs",
        .text =
            "More outputs, as many as you like: a list. Each has a kind, a name of your own and the settings of "
            "its kind. The show is encoded once for all; a slow or dead one never delays another.",
        .kinds = c->kinds,
        .taken = c->taken,
        .valid = is_item_valid};
}

struct config_list *stream_config_outputs(struct stream_config *c)
{
    return &c->outputs;
}

static bool is_rehearsed(const struct sink_ops *ops)
{
    return ops == &sink_mp4 || ops == &sink_page || ops == &sink_stand_in;
}

int stream_config_setups(const struct stream_config *c, struct sink_setup *out)
{
    int count = 0;
    for (int i = 0; sink_registry[i] && i < STREAM_SINKS_MAX; i++)
        if (!c->is_rehearsal || is_rehearsed(sink_registry[i]))
            out[count++] = (struct sink_setup){sink_registry[i], sink_registry[i]->name,
                                               sink_registry[i]->section, c->sinks[i]};
    for (int i = 0; !c->is_rehearsal && i < c->outputs.count; i++)
        out[count++] = setup_of(c->outputs.items[i]);
    return count;
}

/* ---- all ---- */

struct stream_config *stream_config_new(void)
{
    struct stream_config *c = xcalloc(1, sizeof *c);
    init_outputs(c);
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
    if (c)
        config_list_close(&c->outputs);
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

bool stream_config_draws_belief(const struct stream_config *c)
{
    return c->caption.enabled && (c->caption.belief || c->caption.meter);
}

bool stream_config_nudges(const struct stream_config *c)
{
    return c->audio.beat > 0;
}

const struct camera_config *stream_config_camera(const struct stream_config *c)
{
    return &c->camera;
}

void stream_config_folders(const struct stream_config *c,
                           void (*each)(void *context, const char *path, bool is_on), void *context)
{
    struct sink_setup setups[STREAM_OUTPUTS_MAX];
    int count = stream_config_setups(c, setups);
    for (int i = 0; i < count; i++) {
        const struct sink_setup *o = &setups[i];
        char path[OPTION_STRING_BYTES] = "";
        if (o->ops->folder)
            o->ops->folder(o->config, path);
        bool is_listed = o->section && o->section != o->ops->section; /* it is there to be switched on */
        if (path[0])
            each(context, path, is_listed || (o->ops->enabled && o->ops->enabled(o->config)));
    }
}

bool stream_config_wants_digest(const struct stream_config *c)
{
    bool wants = false;
    for (int i = 0; sink_registry[i] && i < STREAM_SINKS_MAX; i++)
        wants = wants || (sink_registry[i] == &sink_md5 && sink_md5_wants_pictures(c->sinks[i]));
    return wants;
}

void stream_config_set_page(struct stream_config *c, const struct stream_page *page)
{
    for (int i = 0; sink_registry[i] && i < STREAM_SINKS_MAX; i++)
        if (sink_registry[i] == &sink_page)
            *(struct stream_page *)c->sinks[i] = *page;
}

void stream_config_rehearse(struct stream_config *c, struct stand_in *stand_in, bool with_outputs)
{
    c->is_rehearsal = !with_outputs;
    for (int i = 0; sink_registry[i] && i < STREAM_SINKS_MAX; i++)
        if (sink_registry[i] == &sink_stand_in)
            *(struct stand_in **)c->sinks[i] = stand_in;
}
