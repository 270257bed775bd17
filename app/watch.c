/*
 * watch - see watch.h.
 */
#include "app/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "terminal/terminal.h"

enum { FIGURES_EVERY_US = 1000000, CAPTION_BYTES = 40 };

struct watch {
    struct watch_params p; /* immutable after open */
    struct terminal *terminal;

    /* The terminal's thread only: figures of the last second. */
    int64_t figures_us, frames, repeated, steps;
    double frames_per_s, steps_per_s, repeated_share;
};

bool watch_is_wanted(enum watch_mode mode)
{
    if (mode == WATCH_YES)
        return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    return mode == WATCH_AUTO && terminal_is_able(STDIN_FILENO, STDERR_FILENO);
}

static double show_time_s(const struct watch *w)
{
    return (double)(clock_now_us(w->p.clock) - w->p.start_us) / 1e6;
}

static void on_log(void *context, enum log_level level, const char *part, const char *text)
{
    const struct watch *w = context;
    char line[SCREEN_LINE_BYTES];
    snprintf(line, sizeof line, "%s: %s", part, text);
    terminal_say(w->terminal,
                 level == LOG_ERROR  ? TERMINAL_ERROR
                 : level == LOG_WARN ? TERMINAL_WARNING
                                     : TERMINAL_PLAIN,
                 line);
}

static void on_line(void *context, const char *text, size_t bytes)
{
    struct watch *w = context;
    char reply[CHAT_REPLY_BYTES];
    struct chat_line line = {.origin = CHAT_TERMINAL, .user = "operator", .text = text, .bytes = bytes};
    chatbot_line(w->p.chatbot, &line, show_time_s(w), reply);
    if (reply[0])
        terminal_say(w->terminal, TERMINAL_ANSWER, reply);
}

static void count(struct watch *w)
{
    int64_t now_us = clock_real_us();
    if (w->figures_us && now_us - w->figures_us < FIGURES_EVERY_US)
        return;
    double seconds = (double)(now_us - w->figures_us) / 1e6;
    int64_t frames = stats_get(w->p.stats, STAT_FRAMES), steps = stats_get(w->p.stats, STAT_STEPS),
            repeated = stats_get(w->p.stats, STAT_FRAMES_REPEATED);
    if (w->figures_us) {
        w->frames_per_s = (double)(frames - w->frames) / seconds;
        w->steps_per_s = (double)(steps - w->steps) / seconds;
        w->repeated_share =
            frames > w->frames ? (double)(repeated - w->repeated) / (double)(frames - w->frames) : 0;
    }
    w->figures_us = now_us;
    w->frames = frames;
    w->steps = steps;
    w->repeated = repeated;
}

/* "goldfish  @ann, seen 42 % | 25 fps | 25 steps/s | 3 waiting | 0:12:34" */
static void status(void *context, char *out, size_t size)
{
    struct watch *w = context;
    struct request now;
    struct port_state dream;
    char caption[256] = "", shown[CAPTION_BYTES], repeated[48] = "";
    int waiting = requests_list(w->p.requests, &now, NULL, 0);
    int show_s = (int)show_time_s(w);
    port_state(w->p.port, &dream);
    count(w);
    if (now.count > 0)
        request_caption(&now, caption, sizeof caption);
    text_copy(shown, sizeof shown, caption); /* cut, so that what follows is not */
    if (w->repeated_share > 0.01)
        snprintf(repeated, sizeof repeated, ", %.0f %% repeated", 100 * w->repeated_share);
    snprintf(out, size, "%s, seen %.0f %% | %.0f fps%s | %.0f steps/s | %d waiting | %d:%02d:%02d", shown,
             100 * dream.belief[0], w->frames_per_s, repeated, w->steps_per_s, waiting, show_s / 3600,
             show_s / 60 % 60, show_s % 60);
}

void watch_picture(struct watch *w, const struct frame *f)
{
    if (!w)
        return;
    struct terminal_picture p = {
        .width_px = f->width_px,
        .height_px = f->height_px,
        .planes = {f->planes[0], f->planes[1], f->planes[2]},
        .strides = {f->strides[0], f->strides[1], f->strides[2]},
    };
    terminal_show(w->terminal, &p);
}

void watch_say(struct watch *w, const char *text)
{
    terminal_say(w->terminal, TERMINAL_PLAIN, text);
}

int watch_open(struct watch **out, const struct watch_params *p, struct error *e)
{
    struct watch *w = *out = xcalloc(1, sizeof *w);
    w->p = *p;
    struct terminal_params params = {
        .in_fd = STDIN_FILENO,
        .out_fd = STDERR_FILENO,
        .width_px = p->width_px,
        .height_px = p->height_px,
        .on_line = on_line,
        .status = status,
        .context = w,
    };
    int rc = terminal_open(&w->terminal, &params, e);
    if (rc < 0) {
        watch_close(out);
        return rc;
    }
    log_set_writer(on_log, w);
    return 0;
}

void watch_close(struct watch **out)
{
    struct watch *w = *out;
    if (!w)
        return;
    if (w->terminal)
        log_set_writer(NULL, NULL);
    terminal_close(&w->terminal);
    free(w);
    *out = NULL;
}

void watch_restore(struct watch *w)
{
    if (w)
        terminal_restore(w->terminal);
}
