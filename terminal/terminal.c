/*
 * terminal - see terminal.h.
 */
#include "terminal/terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "common/thread.h"

enum {
    QUEUE_MAX = 128,
    STATUS_EVERY_MS = 250,
    COLUMNS_MIN = 60,
};

static const int64_t PICTURE_EVERY_US = 1000000 / 6;

struct waiting_line {
    enum terminal_tone tone;
    char text[SCREEN_LINE_BYTES];
};

struct terminal {
    struct terminal_params p; /* immutable after open, as is the next */
    struct termios before;
    struct thread thread;
    int wake_fd; /* eventfd: there is something to show, or the end has come */
    atomic_bool ending;
    _Atomic int picture_columns, picture_rows; /* what is wanted now; 0: nothing */

    pthread_mutex_t lock;       /* guards the next six; leaf */
    struct waiting_line *queue; /* [QUEUE_MAX] a ring */
    int queue_count, queue_next, lost;
    struct halfblocks *middle; /* the newest picture, or one that was taken */
    bool is_fresh;             /* the former */

    struct halfblocks *back; /* the picture's thread only */
    int64_t shown_us;

    struct screen screen; /* the terminal's thread only, as is what follows */
    struct prompt prompt;
    struct halfblocks *front;
    bool deaf, dumb; /* the input has ended; the output has */
    int64_t status_us;
};

bool terminal_is_able(int in_fd, int out_fd)
{
    struct winsize size;
    const char *name = getenv("TERM"), *no_color = getenv("NO_COLOR");
    if (!isatty(in_fd) || !isatty(out_fd) || tcgetpgrp(in_fd) != getpgrp())
        return false;
    if (!name || strcmp(name, "dumb") == 0 || strcmp(name, "") == 0 || (no_color && no_color[0]))
        return false;
    return ioctl(out_fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= COLUMNS_MIN;
}

static enum terminal_colours colours_here(void)
{
    const char *colours = getenv("COLORTERM");
    bool all = colours && (strcmp(colours, "truecolor") == 0 || strcmp(colours, "24bit") == 0);
    return all ? TERMINAL_COLOURS_24_BIT : TERMINAL_COLOURS_256;
}

/* ---- from other threads ---- */

static void wake(struct terminal *t)
{
    uint64_t one = 1;
    ssize_t n = write(t->wake_fd, &one, sizeof one);
    (void)n; /* full: it is awake */
}

void terminal_say(struct terminal *t, enum terminal_tone tone, const char *text)
{
    pthread_mutex_lock(&t->lock);
    struct waiting_line *line = &t->queue[t->queue_next];
    t->queue_next = (t->queue_next + 1) % QUEUE_MAX;
    if (t->queue_count < QUEUE_MAX)
        t->queue_count++;
    else
        t->lost++;
    line->tone = tone;
    text_copy(line->text, sizeof line->text, text);
    pthread_mutex_unlock(&t->lock);
    wake(t);
}

void terminal_show(struct terminal *t, const struct terminal_picture *p)
{
    int64_t now_us = clock_real_us();
    struct halfblocks *h = t->back;
    h->columns = atomic_load(&t->picture_columns);
    h->rows = atomic_load(&t->picture_rows);
    if (h->columns == 0 || h->rows == 0 || now_us - t->shown_us < PICTURE_EVERY_US)
        return;
    t->shown_us = now_us;
    halfblocks_reduce(h, p);
    pthread_mutex_lock(&t->lock);
    t->back = t->middle;
    t->middle = h;
    t->is_fresh = true;
    pthread_mutex_unlock(&t->lock);
    wake(t);
}

/* ---- the terminal's thread ---- */

static void write_out(struct terminal *t)
{
    struct screen *s = &t->screen;
    for (size_t done = 0; done < s->bytes && !t->dumb;) {
        ssize_t n = write(t->p.out_fd, s->out + done, s->bytes - done);
        if (n < 0 && errno == EAGAIN)
            poll(&(struct pollfd){.fd = t->p.out_fd, .events = POLLOUT}, 1, STATUS_EVERY_MS);
        else if (n < 0 && errno != EINTR)
            t->dumb = true; /* it is gone; the show goes on */
        else if (n > 0)
            done += (size_t)n;
    }
    s->bytes = 0;
}

/* Keys come one by one and unechoed; signals are still signals. */
static void set_mode(struct terminal *t)
{
    struct termios mode = t->before;
    mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    tcsetattr(t->p.in_fd, TCSADRAIN, &mode);
}

/* Whoever stopped us and let us go on (Ctrl-Z, fg) had the terminal meanwhile. */
static bool was_away(struct terminal *t)
{
    struct termios now;
    if (tcgetattr(t->p.in_fd, &now) < 0 || !(now.c_lflag & ICANON) || tcgetpgrp(t->p.in_fd) != getpgrp())
        return false;
    set_mode(t);
    return true;
}

static void fit(struct terminal *t)
{
    struct winsize size = {.ws_col = 80, .ws_row = 24};
    struct screen *s = &t->screen;
    ioctl(t->p.out_fd, TIOCGWINSZ, &size);
    bool changed = screen_resize(s, size.ws_col, size.ws_row, t->p.width_px, t->p.height_px);
    if (was_away(t) || changed)
        screen_redraw(s);
    atomic_store(&t->picture_columns, s->picture_columns);
    atomic_store(&t->picture_rows, s->picture_rows);
}

/* One line of the queue; false when there is none. *lost: so many before it are gone. */
static bool next_line(struct terminal *t, struct waiting_line *line, int *lost)
{
    pthread_mutex_lock(&t->lock);
    bool is_there = t->queue_count > 0;
    if (is_there)
        *line = t->queue[(t->queue_next - t->queue_count-- + QUEUE_MAX) % QUEUE_MAX];
    *lost = t->lost;
    t->lost = 0;
    pthread_mutex_unlock(&t->lock);
    return is_there;
}

static void show_lines(struct terminal *t)
{
    struct waiting_line line;
    int lost;
    while (next_line(t, &line, &lost)) {
        if (lost > 0) {
            char text[64];
            snprintf(text, sizeof text, "(%d lines were not shown)", lost);
            screen_line(&t->screen, TERMINAL_WARNING, text);
        }
        screen_line(&t->screen, line.tone, line.text);
    }
}

static void show_picture(struct terminal *t)
{
    pthread_mutex_lock(&t->lock);
    bool is_fresh = t->is_fresh;
    if (is_fresh) {
        struct halfblocks *h = t->middle;
        t->middle = t->front;
        t->front = h;
        t->is_fresh = false;
    }
    pthread_mutex_unlock(&t->lock);
    if (is_fresh)
        screen_picture(&t->screen, t->front);
}

static void show_status(struct terminal *t, bool now)
{
    char text[512] = "";
    int64_t now_us = clock_real_us();
    if (!now && now_us - t->status_us < STATUS_EVERY_MS * 1000)
        return;
    t->status_us = now_us;
    t->p.status(t->p.context, text, sizeof text);
    screen_status(&t->screen, text);
}

static void end_line(struct terminal *t)
{
    char typed[PROMPT_BYTES];
    text_copy(typed, sizeof typed, t->prompt.text);
    size_t bytes = t->prompt.bytes;
    prompt_clear(&t->prompt);
    if (bytes == 0)
        return;
    terminal_say(t, TERMINAL_TYPED, typed);
    t->p.on_line(t->p.context, typed, bytes);
}

static void read_keys(struct terminal *t)
{
    char keys[256];
    ssize_t n = read(t->p.in_fd, keys, sizeof keys);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
        t->deaf = true;
    for (ssize_t i = 0; i < n; i++)
        if (prompt_key(&t->prompt, keys[i]))
            end_line(t);
}

static void redraw(struct terminal *t)
{
    bool first = t->screen.columns == 0;
    fit(t);
    screen_begin(&t->screen);
    show_lines(t);
    show_picture(t);
    show_status(t, first || t->screen.bytes > 1024);
    screen_end(&t->screen, &t->prompt);
    write_out(t);
}

static void *terminal_main(void *arg)
{
    struct terminal *t = arg;
    uint64_t count;
    while (!atomic_load(&t->ending)) {
        redraw(t);
        struct pollfd fds[] = {{.fd = t->wake_fd, .events = POLLIN},
                               {.fd = t->deaf ? -1 : t->p.in_fd, .events = POLLIN}};
        poll(fds, ARRAY_LEN(fds), STATUS_EVERY_MS);
        if (fds[0].revents && read(t->wake_fd, &count, sizeof count) < 0)
            continue;
        if (fds[1].revents)
            read_keys(t);
    }
    show_lines(t);
    screen_leave(&t->screen);
    write_out(t);
    return NULL;
}

/* ---- open and close ---- */

void terminal_restore(struct terminal *t)
{
    tcsetattr(t->p.in_fd, TCSANOW, &t->before);
}

/* A wake-up descriptor, memory and the terminal's mode; 0 or -errno. */
static int make(struct terminal *t)
{
    t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (t->wake_fd < 0)
        return -errno;
    if (tcgetattr(t->p.in_fd, &t->before) < 0)
        return -errno;
    t->queue = calloc(QUEUE_MAX, sizeof *t->queue);
    t->front = calloc(1, sizeof *t->front);
    t->middle = calloc(1, sizeof *t->middle);
    t->back = calloc(1, sizeof *t->back);
    if (!t->queue || !t->front || !t->middle || !t->back)
        return -ENOMEM;
    set_mode(t);
    return thread_start(&t->thread, "terminal", terminal_main, t);
}

int terminal_open(struct terminal **out, const struct terminal_params *p, struct error *e)
{
    struct terminal *t = *out = xcalloc(1, sizeof *t);
    t->p = *p;
    t->wake_fd = -1;
    t->screen.colours = colours_here();
    pthread_mutex_init(&t->lock, NULL);
    int rc = make(t);
    if (rc < 0) {
        if (t->back) /* the mode was changed */
            terminal_restore(t);
        terminal_close(out);
        return error_set(e, -rc, "the terminal cannot be used: %s", strerror(-rc));
    }
    return 0;
}

void terminal_close(struct terminal **out)
{
    struct terminal *t = *out;
    if (!t)
        return;
    if (t->thread.running) {
        atomic_store(&t->ending, true);
        wake(t);
        thread_join(&t->thread);
        terminal_restore(t);
    }
    if (t->wake_fd >= 0)
        close(t->wake_fd);
    screen_free(&t->screen);
    pthread_mutex_destroy(&t->lock);
    free(t->queue);
    free(t->front);
    free(t->middle);
    free(t->back);
    free(t);
    *out = NULL;
}
