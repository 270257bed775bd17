/*
 * page - see page.h: opens it and hands on what the stream says.
 */
#include "app/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/page_parts.h"
#include "app/version.h"
#include "app/watch.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "stream/still.h"

enum { SNAPSHOT_US = 200000 };

/* ---- from the stream ---- */

static void on_begin(void *context, const uint8_t *header, size_t bytes, const char *type, int64_t zero_frame)
{
    struct page *p = context;
    atomic_store(&p->zero_frame, zero_frame);
    web_live_begin(p->web, header, bytes, type);
}

static void on_fragment(void *context, const uint8_t *data, size_t bytes, bool group, double end_s)
{
    struct page *p = context;
    web_live_fragment(p->web, data, bytes, group, end_s);
}

void page_shown(struct page *p, int64_t request_id, const char *caption)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->shown_id = request_id;
    text_copy(p->shown_caption, sizeof p->shown_caption, caption);
    pthread_mutex_unlock(&p->lock);
    web_shown(p->web);
}

void page_withdrawn(struct page *p, int64_t request_id)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->withdrawn[p->withdrawn_count++ % PAGE_TURNS] = request_id;
    pthread_mutex_unlock(&p->lock);
    web_forget(p->web, request_id);
    web_shown(p->web);
}

/* ---- pictures ---- */

static const struct panel *panel_of(enum web_palette palette)
{
    static const char *const names[WEB_PALETTES] = {"", "inky7", "spectra6", "bw", "gray4", "gray16"};
    return palette == WEB_RGB ? NULL : panel_find(names[palette]);
}

static int on_picture(void *context, const struct web_picture_want *w, int64_t after, struct web_picture *out)
{
    static const enum panel_dither dithers[WEB_DITHERS] = {
        [WEB_FLOYD] = PANEL_FLOYD, [WEB_ORDERED] = PANEL_ORDERED, [WEB_PLAIN] = PANEL_PLAIN};
    struct page *p = context;
    struct frame f;
    struct still_params still = {.png = w->png,
                                 .width_px = w->width_px,
                                 .height_px = w->height_px,
                                 .contain = w->contain,
                                 .panel = panel_of(w->palette),
                                 .dither = dithers[w->dither]};
    int rc = snapshot_borrow(p->snapshot, after, SNAPSHOT_US, &f, &out->frame);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&p->lock);
    out->dream = p->shown;
    out->seen = p->seen;
    pthread_mutex_unlock(&p->lock);
    rc = still_make(&f, &still, &out->bytes, &out->size);
    snapshot_return(p->snapshot);
    return rc;
}

/* ---- open and close ---- */

static const struct web_show show = {.status = page_status,
                                     .wish = page_wish,
                                     .operate = page_operate,
                                     .words = page_words,
                                     .picture = on_picture,
                                     .dreamed = page_dreamed,
                                     .gallery = page_gallery};

/* With its port, or with the door alone. */
static int open_web(struct page *p, bool port, struct error *e)
{
    const struct settings *s = p->p.settings;
    p->is_watched = port;
    struct web_params params = {.config = &s->web,
                                .stats = p->p.stats,
                                .show = &show,
                                .context = p,
                                .version = REVERIE_VERSION,
                                .model = s->dream.model[0] ? "file" : "embedded",
                                .folder = p->folder[0] ? p->folder : NULL,
                                .no_port = !port};
    return web_open(&p->web, &params, e);
}

static void hear_alarm(void *context, enum log_level level, const char *part, const char *text)
{
    struct page *p = context;
    char line[WEB_TEXT_BYTES];
    snprintf(line, sizeof line, "%s: %s", part, text);
    web_alarm(p->web, level == LOG_ERROR ? "error" : "warn", line);
    rehearsal_alarm(p->p.rehearsal, part, text);
}

/* Where the port cannot be had or is not wanted, the door is left; where there is no door, nothing: 1. */
static int open_somehow(struct page *p, struct error *e)
{
    bool wanted = p->p.settings->web.enabled;
    int rc = wanted ? open_web(p, true, e) : -EADDRINUSE;
    if (rc != -EADDRINUSE)
        return rc;
    if (wanted)
        log_warn("web",
                 "%s; the show goes on without its page. Choose another web.port, or web.enabled false",
                 e->text);
    if (!p->folder[0])
        return 1;
    if ((rc = open_web(p, false, e)) < 0)
        log_warn("web", "%s; `reverie status` cannot ask this show", e->text);
    return rc < 0;
}

int page_open(struct page **out, const struct page_params *params, struct error *e)
{
    struct page *p = *out = xcalloc(1, sizeof *p);
    struct option_size video = stream_config_size(params->settings->stream);
    p->p = *params;
    if (!params->record || !state_folder_find(params->settings->show.state_dir, p->folder))
        p->folder[0] = '\0'; /* without the folder's lock another show's door could be there */
    p->seen = -1;
    p->chat_state = "off";
    p->steps.per_s = p->keyframes.per_s = p->left_out.per_s = -1;
    pthread_mutex_init(&p->lock, NULL);
    int rc = snapshot_open(&p->snapshot, video.width_px, video.height_px);
    if (rc < 0)
        error_set(e, -rc, "no memory for the page's pictures");
    else
        rc = open_somehow(p, e);
    if (rc != 0) {
        page_close(out);
        return rc < 0 ? error_prefix(e, rc, "the page") : 0;
    }
    struct stream_page preview = {.begin = on_begin, .fragment = on_fragment, .context = p};
    if (p->is_watched)
        stream_config_set_page(params->settings->stream, &preview);
    page_recall(p);
    log_listen(hear_alarm, p);
    return 0;
}

void page_close(struct page **out)
{
    struct page *p = *out;
    if (!p)
        return;
    log_listen(NULL, NULL);
    stream_config_set_page(p->p.settings->stream, &(struct stream_page){0});
    web_close(&p->web);
    snapshot_close(&p->snapshot);
    pthread_mutex_destroy(&p->lock);
    free(p);
    *out = NULL;
}

/* The operator's address holds a secret: for the terminal alone, and never for the log, which others may read. */
void page_announce(const struct page *p, struct watch *watch)
{
    char address[WEB_ADDRESS_BYTES], secret[2 * WEB_ADDRESS_BYTES];
    if (!p)
        return;
    web_operator_address(p->web, address);
    snprintf(secret, sizeof secret, "%s%s", address[0] ? "the operator's page, for you alone: " : "",
             address);
    web_address(p->web, address);
    if (!address[0])
        return;
    if (secret[0] && watch)
        watch_say(watch, secret);
    else if (secret[0] && isatty(STDERR_FILENO))
        fprintf(stderr, "%s\n", secret);
    explicit_bzero(secret, sizeof secret);
    log_info("web", "watch it: %s", address);
}

void page_picture(struct page *p, const struct frame *f)
{
    if (p && p->is_watched)
        snapshot_offer(p->snapshot, f, stats_get(p->p.stats, STAT_FRAMES));
}

void page_chat(struct page *p, enum irc_state state, const char *text)
{
    static const char *const names[] = {[IRC_CONNECTING] = "connecting",
                                        [IRC_JOINING] = "joining",
                                        [IRC_ONLINE] = "online",
                                        [IRC_WAITING] = "waiting",
                                        [IRC_ALARM] = "alarm"};
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->chat_state = names[state];
    text_copy(p->chat_text, sizeof p->chat_text, text);
    pthread_mutex_unlock(&p->lock);
    web_shown(p->web);
}
