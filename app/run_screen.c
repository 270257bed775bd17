/*
 * run_screen - what comes to the screen and who is told of it: page, terminal, gallery, tape, a screen of this machine. The
 * callbacks run on the stream's thread and none of them waits.
 */
#include <string.h>
#include <time.h>

#include "app/run_parts.h"
#include "app/signs.h"
#include "common/log.h"
#include "common/text.h"

/* Beside the recordings. An idea of the dream's own ends in " ~" on the screen. */
static void describe(struct run *r, int64_t request_id, const char *caption)
{
    struct request q;
    char text[256];
    if (request_id != 0 && requests_find_shown(r->requests, request_id, &q)) {
        request_label(&q, text, sizeof text);
        stream_describe(r->stream, request_id, text, q.user);
        return;
    }
    text_copy(text, sizeof text, caption);
    char *end = strstr(text, " ~");
    if (end)
        *end = '\0';
    stream_describe(r->stream, request_id, request_id ? "" : text, "");
}

double run_now_s(struct run *r)
{
    return (double)(clock_now_us(&r->clock) - r->start_us) / 1e6;
}

static void on_shown(void *context, int64_t request_id, const char *caption, int64_t frame)
{
    struct run *r = context;
    double at_s = (double)frame / stream_config_fps(r->settings.stream);
    page_shown(r->page, request_id, caption);
    if (r->way)
        way_shown(r->way, request_id, caption, run_now_s(r));
    describe(r, request_id, caption);
    struct request q;
    bool is_known = requests_find_shown(r->requests, request_id, &q);
    gallery_shown(r->gallery, is_known ? request_id : 0);
    credits_shown(r->credits, is_known ? &q : NULL, (int64_t)time(NULL), at_s);
    if (is_known && request_id != 0)
        rehearsal_shown(r->rehearsal, q.login[0] ? q.login : q.user);
    if (request_id != 0)
        log_info("show", "%.1f s: request %lld is on the screen", at_s, (long long)request_id);
    chatbot_shown(r->chatbot, request_id);
}

/* A page beside a live show; before the stream, which feeds it. */
int run_open_page(struct run *r, struct error *e)
{
    if (r->options.offline)
        return 0;
    struct page_params p = {
        .settings = &r->settings,
        .requests = r->requests,
        .rules = r->rules,
        .tug = r->tug,
        .record = r->record,
        .gallery = r->gallery,
        .chatbot = r->chatbot,
        .outputs = &r->outputs,
        .port = r->port,
        .model = dreaming_model(r->dreaming),
        .known = &r->known,
        .stats = &r->stats,
        .clock = &r->clock,
        .start_us = r->start_us,
        .fps = stream_config_fps(r->settings.stream),
        .first_below = dream_first_below(&r->settings.dream),
        .rehearsal = r->rehearsal,
    };
    return page_open(&r->page, &p, e);
}

/* Beside a live show; before the page, which shows what is in it. */
int run_open_gallery(struct run *r, struct error *e)
{
    struct option_size size = stream_config_size(r->settings.stream);
    const struct gallery_params p = {.config = &r->settings.gallery,
                                     .credits = r->credits,
                                     .port = r->port,
                                     .width_px = size.width_px,
                                     .height_px = size.height_px};
    return r->options.offline ? 0 : gallery_open(&r->gallery, &p, e);
}

/* A screen of this machine; without it the show goes on. */
void run_open_fbdev(struct run *r)
{
    struct option_size size = stream_config_size(r->settings.stream);
    struct error e = {""};
    if (!r->options.offline && r->settings.fbdev.enabled &&
        fbdev_open(&r->fbdev, &r->settings.fbdev, size.width_px, size.height_px, &fbdev_system, &e) < 0)
        log_warn("fbdev", "%s; the show goes on without this screen", e.text);
}

/* Of what it shows, that which is seen best. The credits get what is seen of all. */
static double best_belief(const struct run *r)
{
    struct port_state state;
    double best = 0;
    port_state(r->port, &state);
    credits_seen(r->credits, state.request_id, state.share);
    for (int i = 0; i < PORT_SUBJECTS_MAX; i++)
        best = state.belief[i] > best ? state.belief[i] : best;
    return best;
}

static void on_picture(void *context, const struct frame *f)
{
    struct run *r = context;
    if (!r->options.offline)
        stream_set_belief(r->stream, best_belief(r));
    notify_frame(&r->notify);
    watch_picture(r->watch, f);
    page_picture(r->page, f);
    fbdev_picture(r->fbdev, f, stats_get(&r->stats, STAT_FRAMES));
}

/* Who waits may be named by the signs. */
static void name_next(struct run *r)
{
    struct request now, next;
    if (!r->taping)
        return;
    if (requests_list(r->requests, &now, &next, 1) > 0)
        taping_name(r->taping, next.id, next.user);
    taping_name(r->taping, now.id, now.user);
}

static void on_dreamed(void *context, const struct frame *f)
{
    struct run *r = context;
    gallery_picture(r->gallery, f);
}

static void on_signs(void *context, int64_t request_id, const char *caption, double front,
                     struct signs_content *c)
{
    struct run *r = context;
    const struct signs_source s = {.requests = r->requests,
                                   .tug = r->tug,
                                   .way = r->way,
                                   .port = r->port,
                                   .model = dreaming_model(r->dreaming),
                                   .known = &r->known,
                                   .now_s = run_now_s(r)};
    name_next(r);
    signs_fill(&s, request_id, caption, front, c);
    if (r->rehearsal)
        text_copy(c->lines[SIGNS_NOTE], sizeof c->lines[SIGNS_NOTE], "rehearsal");
    name_next(r); /* it may have changed in between */
    taping_signs(r->taping, stream_frame(r->stream), front, c);
}

/* An offline render is its own tape: its script and its seed. */
int run_open_taping(struct run *r, struct error *e)
{
    const struct taping_params p = {.settings = &r->settings,
                                    .model = dreaming_model(r->dreaming),
                                    .fingerprint = dreaming_fingerprint(r->dreaming),
                                    .seed = (uint64_t)r->options.seed,
                                    .resumed = dreaming_resumed(r->dreaming)};
    return r->options.offline ? 0 : taping_open(&r->taping, &p, e);
}

int run_open_stream(struct run *r, struct error *e)
{
    int fps = stream_config_fps(r->settings.stream);
    struct stream_params p = {
        .config = r->settings.stream,
        .keyframes = dreaming_keyframes(r->dreaming),
        .clock = &r->clock,
        .stats = &r->stats,
        .stop = &r->stop,
        .duration_frames = (int64_t)(r->options.duration_s * fps + 0.5),
        .fps = fps,
        .gpu = (int)r->settings.dream.device,
        .on_shown = on_shown,
        .on_dreamed = on_dreamed,
        .on_picture = on_picture,
        .on_signs = r->options.offline ? NULL : on_signs,
        .context = r,
        .witness = taping_witness(r->taping),
    };
    int rc = stream_open(&r->stream, &p, e);
    output_desk_set(&r->outputs, r->stream);
    return rc;
}
