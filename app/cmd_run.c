/*
 * cmd_run - `reverie run`: opens the parts, joins them, waits for the end, stops them in reverse order.
 *
 * The parts know nothing of each other. Here the terminal and the script get the parser, the parser the
 * request queue, the queue the dream, the dream the keyframes, the keyframes the camera. Ends on SIGINT,
 * SIGTERM, after --duration, or when the output side cannot go on; whatever part hangs then, the process is
 * gone after SHUTDOWN_MAX_S, and the recording is crash-safe at every moment.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/ready.h"
#include "app/report.h"
#include "app/run_parts.h"
#include "app/signals.h"
#include "common/log.h"
#include "common/mem.h"

#ifdef __SANITIZE_THREAD__
enum { SHUTDOWN_MAX_S = 60 }; /* steps take twenty times as long, and it reports what a forced end leaves */
#else
enum { SHUTDOWN_MAX_S = 5 };
#endif
enum { REPORT_EVERY_MS = 30000 };

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
    if ((rc = open_dream(r, e)) < 0 || (rc = run_open_chat(r, e)) < 0)
        return rc;
    if ((rc = port_open(&r->port)) < 0)
        return error_set(e, -rc, "no memory for the door to the dream");
    r->start_us = clock_now_us(&r->clock);
    run_open_fbdev(r);
    if ((rc = run_open_gallery(r, e)) < 0 || (rc = run_open_page(r, e)) < 0 || (rc = open_watch(r, e)) < 0 ||
        (rc = run_open_taping(r, e)) < 0 || (rc = run_open_stream(r, e)) < 0 ||
        (rc = start_programme(r, e)) < 0 ||
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
    credits_shown(r->credits, NULL, 0, run_now_s(r));
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
