/*
 * cmd_run - `reverie run`: opens the parts, joins them, waits for the end, stops them in reverse order.
 *
 * The parts know nothing of each other. Here the terminal and the script get the parser, the parser the
 * request queue, the queue the dream, the dream the keyframes, the keyframes the camera. Ends on SIGINT,
 * SIGTERM, after --duration, or when the output side cannot go on; whatever part hangs then, the process is
 * gone after SHUTDOWN_MAX_S, and the recording is crash-safe at every moment.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/dreaming.h"
#include "app/gallery.h"
#include "app/subjects.h"
#include "app/ready.h"
#include "app/report.h"
#include "app/link.h"
#include "app/notify.h"
#include "app/output_desk.h"
#include "app/page.h"
#include "app/programme.h"
#include "app/rehearse.h"
#include "app/run_options.h"
#include "app/settings.h"
#include "app/signals.h"
#include "app/signs.h"
#include "app/taping.h"
#include "app/watch.h"
#include "show/credits.h"
#include "show/rules.h"
#include "show/record.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "stream/camera.h"

enum { SHUTDOWN_MAX_S = 5, REPORT_EVERY_MS = 30000 };
#define FRONT_MOST_PER_FRAME 0.02 /* of the height: faster would be a jump */

struct run {
    struct run_options options;
    struct settings settings;
    struct stats stats;
    struct clock clock;
    struct stop stop;
    struct notify notify;
    int64_t start_us;
    struct synsets_known known;
    bool begins_anew; /* a seed was asked for */
    struct dreaming *dreaming;
    struct rules *rules;
    struct requests *requests;
    struct record *record;
    struct credits *credits;
    struct tug *tug;
    struct way *way;
    struct chatbot *chatbot;
    struct script *script;
    struct console *console;
    struct watch *watch;
    struct link *link;
    struct page *page;
    struct gallery *gallery;
    struct fbdev *fbdev;
    struct stream *stream;
    struct output_desk outputs;
    struct port *port;
    struct taping *taping;
    struct programme programme;
    struct rehearsal *rehearsal; /* NULL: it is the show itself */
};

/* A moderator took a request back: its caption goes from the screen. */
static void on_withdrawn(void *context, int64_t request_id)
{
    struct run *r = context;
    if (r->stream)
        stream_withdraw(r->stream, request_id);
    taping_forget(r->taping, request_id);
    page_withdrawn(r->page, request_id);
    log_info("show", "request %lld was withdrawn; its caption is gone", (long long)request_id);
}

/* What still waits was never on, but the signs may have named it. */
static void forget_waiting(struct run *r, const char *login, const char *message_id)
{
    int room = r->taping ? requests_list(r->requests, NULL, NULL, 0) : 0;
    struct request *waiting = xcalloc((size_t)room + 1, sizeof *waiting);
    int count = room ? requests_list(r->requests, NULL, waiting, room) : 0;
    for (int i = 0; i < count && i < room; i++) {
        const struct request *q = &waiting[i];
        const char *whose = q->login[0] ? q->login : q->user;
        if (message_id ? strcmp(q->message_id, message_id) == 0 : !login || strcasecmp(whose, login) == 0)
            taping_forget(r->taping, q->id);
    }
    free(waiting);
}

/* The same, of all that was ever theirs in this show: names go from recordings and from the page. */
static void on_removed(void *context, const char *login, const char *message_id)
{
    struct run *r = context;
    struct credit *gone = xcalloc(CREDITS_MAX, sizeof *gone);
    int count = credits_remove(r->credits, login, message_id, gone);
    for (int i = 0; i < count; i++)
        if (strcmp(gone[i].run, credits_run(r->credits)) == 0) {
            if (r->stream)
                stream_withdraw(r->stream, gone[i].id);
            taping_forget(r->taping, gone[i].id);
            page_withdrawn(r->page, gone[i].id);
        }
    gallery_forget(r->gallery, gone, count);
    free(gone);
    forget_waiting(r, login, message_id);
}

static void on_quit(void *context)
{
    struct run *r = context;
    stop_request(&r->stop);
}

static void on_steer(void *context, enum chat_steer how)
{
    struct run *r = context;
    programme_steer(&r->programme, how);
}

static void set_manners(struct run *r)
{
    const struct irc_config *c = &r->settings.irc;
    const struct chatbot_manners manners = {.prefix = c->prefix,
                                            .ignore = c->ignore,
                                            .words_link = c->words_link,
                                            .reward = c->reward,
                                            .bits_min = c->bits_min,
                                            .replies = (enum chat_replies)c->replies,
                                            .tell_when_on = c->tell_when_on};
    chatbot_set_manners(r->chatbot, &manners);
}

static void open_credits(struct run *r)
{
    char began[CREDITS_RUN_BYTES];
    struct tm t;
    time_t now = time(NULL);
    localtime_r(&now, &t);
    strftime(began, sizeof began, "%Y%m%d-%H%M%S", &t);
    r->credits = credits_open(began);
    chatbot_set_credits(r->chatbot, r->credits);
}

/* Chat and queue: everything that a request passes on its way to the dream. */
static int open_chat(struct run *r, struct error *e)
{
    uint64_t seed = (uint64_t)r->options.seed;
    double lag_s = dreaming_lag_s(&r->settings, r->options.offline);
    struct synsets_known all;
    subjects_known(dreaming_model(r->dreaming), &all);
    r->known = all;
    int rc = rules_open(&r->rules, &r->settings.show, e);
    if (rc < 0)
        return rc;
    if (rules_restrict(r->rules, &r->known) == 0)
        return error_set(e, EINVAL, "show.banned_file leaves nothing that could be dreamed");
    rc = requests_open(&r->requests, &r->settings.show, &r->known, seed, &r->stats);
    if (rc == 0)
        rc = chatbot_open(&r->chatbot, r->requests, &all, seed, lag_s);
    if (rc < 0)
        return error_set(e, -rc, "cannot open the chat: %s", strerror(-rc));
    requests_on_withdrawn(r->requests, on_withdrawn, r);
    requests_on_removed(r->requests, on_removed, r);
    open_credits(r);
    r->tug = tug_open(&r->settings.show, FRONT_MOST_PER_FRAME * stream_config_fps(r->settings.stream));
    chatbot_set_tug(r->chatbot, r->tug);
    r->way = r->options.offline
                 ? NULL
                 : way_open(r->settings.show.platform_delay_s, lag_s); /* which is no clock's */
    chatbot_set_way(r->chatbot, r->way);
    chatbot_set_rules(r->chatbot, r->rules);
    chatbot_set_stats(r->chatbot, &r->stats);
    chatbot_set_first_below(r->chatbot, dream_first_below(&r->settings.dream));
    /* An offline render is the same every time, whatever waited when the last show ended. */
    const struct record_params record = {
        .config = &r->settings.show, .requests = r->requests, .rules = r->rules, .seed = r->options.seed};
    if (!r->options.offline && (rc = record_open(&r->record, &record, e)) < 0)
        return rc;
    chatbot_set_record(r->chatbot, r->record);
    chatbot_set_name(r->chatbot, r->settings.irc.nick);
    set_manners(r);
    chatbot_on_quit(r->chatbot, on_quit, r);
    chatbot_on_steer(r->chatbot, on_steer, r);
    output_desk_init(&r->outputs, r->chatbot);
    if (r->options.script_path)
        return script_open(&r->script, r->options.script_path, e);
    return 0;
}

static int open_dream(struct run *r, struct error *e)
{
    const struct dreaming_params p = {.settings = &r->settings,
                                      .stats = &r->stats,
                                      .stop = &r->stop,
                                      .seed = (uint64_t)r->options.seed,
                                      .offline = r->options.offline,
                                      .begins_anew = r->begins_anew,
                                      .is_taped = r->settings.tape.enabled && !r->options.offline};
    return dreaming_open(&r->dreaming, &p, e);
}

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

static double show_now_s(struct run *r)
{
    return (double)(clock_now_us(&r->clock) - r->start_us) / 1e6;
}

static void on_shown(void *context, int64_t request_id, const char *caption, int64_t frame)
{
    struct run *r = context;
    double at_s = (double)frame / stream_config_fps(r->settings.stream);
    page_shown(r->page, request_id, caption);
    if (r->way)
        way_shown(r->way, request_id, caption, show_now_s(r));
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
static int open_page(struct run *r, struct error *e)
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
static int open_gallery(struct run *r, struct error *e)
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
static void open_fbdev(struct run *r)
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
                                   .now_s = show_now_s(r)};
    name_next(r);
    signs_fill(&s, request_id, caption, front, c);
    if (r->rehearsal)
        text_copy(c->lines[SIGNS_NOTE], sizeof c->lines[SIGNS_NOTE], "rehearsal");
    name_next(r); /* it may have changed in between */
    taping_signs(r->taping, stream_frame(r->stream), front, c);
}

/* An offline render is its own tape: its script and its seed. */
static int open_taping(struct run *r, struct error *e)
{
    const struct taping_params p = {.settings = &r->settings,
                                    .model = dreaming_model(r->dreaming),
                                    .fingerprint = dreaming_fingerprint(r->dreaming),
                                    .seed = (uint64_t)r->options.seed,
                                    .resumed = dreaming_resumed(r->dreaming)};
    return r->options.offline ? 0 : taping_open(&r->taping, &p, e);
}

static int open_stream(struct run *r, struct error *e)
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

/* Between the queue and the dream. */
static int start_programme(struct run *r, struct error *e)
{
    r->programme = (struct programme){
        .port = r->port,
        .model = dreaming_model(r->dreaming),
        .has_begun = dreaming_goes_on(r->dreaming),
        .requests = r->requests,
        .chatbot = r->chatbot,
        .script = r->script,
        .tug = r->tug,
        .way = r->way,
        .taping = r->taping,
        .first_below = dream_first_below(&r->settings.dream),
        .fade_s = r->settings.dream.transition_s,
        .moves_on_when_formed = r->settings.show.adaptive_hold,
    };
    int rc = programme_start(&r->programme);
    return rc < 0 ? error_set(e, -rc, "cannot start the programme's thread: %s", strerror(-rc)) : 0;
}

/* Where there is a terminal to show it, the dream is seen at once. */
static int open_watch(struct run *r, struct error *e)
{
    if (r->options.offline || !watch_is_wanted((enum watch_mode)r->options.watch))
        return 0;
    struct option_size size = stream_config_size(r->settings.stream);
    struct watch_params p = {
        .chatbot = r->chatbot,
        .requests = r->requests,
        .port = r->port,
        .stats = &r->stats,
        .clock = &r->clock,
        .start_us = r->start_us,
        .width_px = size.width_px,
        .height_px = size.height_px,
    };
    int rc = watch_open(&r->watch, &p, e);
    signals_watched(r->watch);
    return rc;
}

static int open_all(struct run *r, struct error *e)
{
    int rc = stop_init(&r->stop);
    if (rc < 0)
        return error_set(e, -rc, "cannot make an event descriptor: %s", strerror(-rc));
    if ((rc = signals_catch(&r->stop)) < 0)
        return error_set(e, -rc, "cannot listen to signals: %s", strerror(-rc));
    notify_open(&r->notify);
    const struct ready ready = {&r->settings, r->options.script_path, r->options.offline};
    if ((rc = ready_first_fault(&ready, e)) < 0)
        return rc;
    fence_show(&r->settings, &r->settings.fence); /* before the first thread */
    if (r->options.offline)
        clock_init_virtual(&r->clock, 0);
    else
        clock_init_monotonic(&r->clock);
    if ((rc = open_dream(r, e)) < 0 || (rc = open_chat(r, e)) < 0)
        return rc;
    if ((rc = port_open(&r->port)) < 0)
        return error_set(e, -rc, "no memory for the door to the dream");
    r->start_us = clock_now_us(&r->clock);
    open_fbdev(r);
    if ((rc = open_gallery(r, e)) < 0 || (rc = open_page(r, e)) < 0 || (rc = open_watch(r, e)) < 0 ||
        (rc = open_taping(r, e)) < 0 || (rc = open_stream(r, e)) < 0 || (rc = start_programme(r, e)) < 0 ||
        (rc = dreaming_start(r->dreaming, r->port, &r->clock, r->start_us, r->record != NULL, e)) < 0)
        return rc;
    if (r->options.offline)
        return 0; /* what people say now comes at wall time and would make the render depend on it */
    const struct link_params link = {&r->settings.irc, r->chatbot, r->page,
                                     r->rehearsal,     &r->clock,  r->start_us};
    if (r->settings.irc.enabled && (rc = link_open(&r->link, &link, e)) < 0)
        return rc;
    const struct rehearsal_show show = {r->dreaming, &r->stats, &r->stop, r->port};
    if ((rc = rehearsal_begin(r->rehearsal, &show, e)) < 0)
        return rc;
    if (!r->watch)
        rc = console_open(&r->console, r->chatbot, STDIN_FILENO, &r->clock, r->start_us, e);
    if (rc == 0)
        page_announce(r->page, r->watch);
    return rc;
}

/* SIGHUP: reads again what can be read again, and says what cannot. */
static void reload(struct run *r)
{
    struct error e = {""};
    const char *file = r->settings.show.banned_file;
    log_info("run", "SIGHUP: the show goes on, with or without its terminal");
    if (chatbot_reload(r->chatbot, &e) < 0)
        log_error("run", "%s; what is forbidden stays as it was", e.text);
    else
        log_info("run", "%s; other settings want a restart",
                 file[0] ? "what is forbidden was read again"
                         : "there is no show.banned_file to be read again");
}

/* Waits until somebody wants the end; reports now and then. */
static void wait_for_end(struct run *r)
{
    struct report report;
    bool timed_out;
    report_begin(&report, &r->stats);
    while (!stop_requested(&r->stop)) {
        if (signals_wait(&r->stop, REPORT_EVERY_MS, &timed_out))
            reload(r);
        if (timed_out && !r->watch) /* whose status line says it */
            report_line(&report);
    }
    notify_say(&r->notify, "STOPPING=1");
    log_info("run", "stopping");
    report_summary(&report);
}

/* Reverse order of open_all; every part may be missing. */
static int close_all(struct run *r, struct error *e)
{
    signals_deadline(SHUTDOWN_MAX_S);
    stop_request(&r->stop);
    rehearsal_stop(r->rehearsal);
    console_close(&r->console);
    link_close(&r->link);
    if (r->dreaming)
        keyframes_shutdown(dreaming_keyframes(r->dreaming));
    if (r->port)
        port_shutdown(r->port);
    output_desk_set(&r->outputs, NULL);
    int rc = stream_close(&r->stream, e);
    signals_watched(NULL);
    watch_close(&r->watch);
    page_close(&r->page);
    credits_shown(r->credits, NULL, 0, show_now_s(r));
    gallery_close(&r->gallery);
    fbdev_close(&r->fbdev);
    dreaming_stop(r->dreaming);
    programme_stop(&r->programme);
    taping_close(&r->taping, stats_get(&r->stats, STAT_FRAMES) + stats_get(&r->stats, STAT_FRAMES_SKIPPED));
    port_close(&r->port);
    script_close(&r->script);
    record_close(&r->record);
    chatbot_close(&r->chatbot);
    credits_close(&r->credits);
    tug_close(&r->tug);
    way_close(&r->way);
    output_desk_close(&r->outputs);
    requests_close(&r->requests);
    rules_close(&r->rules);
    dreaming_close(&r->dreaming);
    notify_close(&r->notify);
    signals_release();
    stop_close(&r->stop);
    return rc;
}

static void warn_of_variable(void *context, const char *text)
{
    (void)context;
    log_warn("run", "%s", text);
}

/* Before anything else is opened: what would reach real people is taken out of the settings. */
static int open_rehearsal(struct run *r, struct error *e)
{
    const struct rehearsal_params p = {.length_s = r->options.duration_s,
                                       .seed = r->options.seed,
                                       .calm = r->options.calm,
                                       .with_outputs = r->options.with_outputs};
    return r->options.rehearse_min > 0 ? rehearsal_open(&r->rehearsal, &p, &r->settings, e) : 0;
}

static int run_show(struct run *r)
{
    ready_variables(&r->settings, warn_of_variable, NULL);
    struct error e = {0}, closing = {0};
    int rc = open_rehearsal(r, &e), broken = 0;
    if (rc == 0)
        rc = open_all(r, &e);
    if (rc == 0) {
        wait_for_end(r);
        broken = rehearsal_report(r->rehearsal); /* first: a part that hangs may take the program with it */
    }
    int closed = close_all(r, &closing);
    if (rc < 0 || closed < 0)
        log_error("run", "%s", rc < 0 ? e.text : closing.text);
    rehearsal_close(&r->rehearsal);
    return rc < 0 || closed < 0 || broken != 0;
}

int cmd_run(int argc, char **argv)
{
    struct run *r = xcalloc(1, sizeof *r);
    struct error e = {0};
    r->stop.fd = r->notify.fd = -1;
    settings_init(&r->settings);
    int code = run_options_parse(&r->options, &r->settings.config, argc, argv);
    if (code == ARGS_OK) {
        if (settings_load(&r->settings, r->options.config_path, &r->options.sets, &e) < 0) {
            args_failed("run", &e);
            code = 2;
        } else if (r->options.print_config) {
            config_write_yaml(&r->settings.config, stdout);
            code = 0;
        } else {
            r->begins_anew = r->options.seed >= 0;
            if (!r->begins_anew)
                r->options.seed = clock_real_us() & 0x7fffffff;
            log_info("run", "seed %lld", (long long)r->options.seed);
            code = run_show(r);
        }
    }
    settings_close(&r->settings);
    free(r);
    return code;
}
