/*
 * screen - what is written to a terminal: the picture on top, lines that scroll below it, a status line, the prompt.
 *
 *     rows 1 .. picture_rows          the picture, centred
 *     ..   .. rows - 2                lines, the newest at the bottom (the terminal's scroll region)
 *     rows - 1                        status
 *     rows                            prompt, where the cursor is
 *
 * Everything is composed in one buffer and goes out in one write, inside a synchronised update (CSI ? 2026), so a
 * terminal never shows half of it. On a small terminal there is no picture; lines, status and prompt need 5 rows of 20
 * columns. Not thread-safe, and nothing here reads or writes: the caller does.
 */
#ifndef TERMINAL_SCREEN_H
#define TERMINAL_SCREEN_H

#include <stddef.h>

#include "terminal/halfblocks.h"
#include "terminal/prompt.h"

enum terminal_tone { TERMINAL_PLAIN, TERMINAL_TYPED, TERMINAL_ANSWER, TERMINAL_WARNING, TERMINAL_ERROR };

enum { SCREEN_LINES = 64, SCREEN_LINE_BYTES = 1024 };

struct screen {
    int columns, rows;
    int picture_columns, picture_rows; /* 0: there is no room for a picture */
    enum terminal_colours colours;
    char *out; /* what is to be written */
    size_t bytes, size;
    /* The last lines, for when the size changes. */
    struct screen_line {
        enum terminal_tone tone;
        char text[SCREEN_LINE_BYTES];
    } lines[SCREEN_LINES]; /* a ring */
    int line_count, line_next;
};

/* Plans for this size and a picture of that shape. True when that is a change: call screen_redraw. */
bool screen_resize(struct screen *s, int columns, int rows, int width_px, int height_px);

/* Clears the terminal, sets it up and writes the remembered lines. */
void screen_redraw(struct screen *s);

void screen_begin(struct screen *s); /* of an update; the cursor is hidden until screen_end */
void screen_line(struct screen *s, enum terminal_tone tone, const char *text);
void screen_picture(struct screen *s,
                    const struct halfblocks *h); /* reduced to picture_columns x picture_rows */
void screen_status(struct screen *s, const char *text);
void screen_end(struct screen *s, const struct prompt *p);

/* The terminal is an ordinary one again, the cursor below everything. */
void screen_leave(struct screen *s);

void screen_free(struct screen *s);

#endif
