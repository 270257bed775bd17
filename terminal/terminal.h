/*
 * terminal - the show in the terminal that it was started from: the picture, what happens, and a prompt.
 *
 * One thread owns the terminal: it reads keys and does all the writing, so a slow line (ssh) makes neither the show nor
 * the log wait. Lines that come faster than they are shown are bounded; the oldest go, and are counted. The terminal's
 * mode is changed so that keys come one by one, and put back by terminal_close; Ctrl-C still sends SIGINT.
 */
#ifndef TERMINAL_TERMINAL_H
#define TERMINAL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "terminal/screen.h"

struct terminal;

struct terminal_params {
    int in_fd, out_fd;       /* of the same terminal; they stay the caller's */
    int width_px, height_px; /* of the pictures */
    /* Both are called on the terminal's thread. A line was typed: */
    void (*on_line)(void *context, const char *text, size_t bytes);
    /* What the status line is to say now, four times a second: */
    void (*status)(void *context, char *out, size_t size);
    void *context;
};

/* Is there a terminal that can show this, and does its owner want colours? Two terminals in the foreground, TERM not
 * dumb, NO_COLOR (no-color.org) not set, at least 60 columns. */
bool terminal_is_able(int in_fd, int out_fd);

/* 0 or -errno with a line; *t is NULL then. */
int terminal_open(struct terminal **t, const struct terminal_params *p, struct error *e);
void terminal_close(struct terminal **t); /* shows what waits, puts the terminal back; NULL is fine */

/* A line below the picture; valid UTF-8 without control characters. From any thread; never waits. */
void terminal_say(struct terminal *t, enum terminal_tone tone, const char *text);

/* A picture, of which it takes six a second and passes the others over. From one thread, which never waits. */
void terminal_show(struct terminal *t, const struct terminal_picture *p);

/* For a signal handler just before _exit: the mode of the terminal as it was. */
void terminal_restore(struct terminal *t);

#endif
