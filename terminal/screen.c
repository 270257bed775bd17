/*
 * screen - see screen.h. Control sequences are those of ECMA-48 and of every terminal since the VT220.
 */
#include "terminal/screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "terminal/width.h"

enum {
    LINES_LEAST = 6,      /* rows for lines, below a picture */
    PICTURE_ROWS_MIN = 6, /* smaller ones say nothing */
    PICTURE_COLUMNS_MIN = 60,
    BELOW = 2, /* status and prompt */
};

static const char hint[] =
    "type a thing to dream: goldfish, or two: goldfish + pizza. help tells more, Ctrl-C ends";

static void put(struct screen *s, const char *text, size_t bytes)
{
    if (s->bytes + bytes > s->size) {
        s->size = 2 * (s->bytes + bytes) + 4096;
        s->out = xrealloc(s->out, s->size);
    }
    memcpy(s->out + s->bytes, text, bytes);
    s->bytes += bytes;
}

static void puts_of(struct screen *s, const char *text)
{
    put(s, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void put_format(struct screen *s, const char *format, ...)
{
    char text[64];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(s, text, (size_t)n);
}

static int lines_end(const struct screen *s)
{
    return s->rows - BELOW;
}

bool screen_resize(struct screen *s, int columns, int rows, int width_px, int height_px)
{
    int picture_columns = 0, picture_rows = 0;
    columns = columns < 20 ? 20 : columns;
    rows = rows < 5 ? 5 : rows;
    if (columns >= PICTURE_COLUMNS_MIN && rows - BELOW - LINES_LEAST >= PICTURE_ROWS_MIN)
        halfblocks_fit(width_px, height_px, columns, rows - BELOW - LINES_LEAST, &picture_columns,
                       &picture_rows);
    if (columns == s->columns && rows == s->rows && picture_columns == s->picture_columns &&
        picture_rows == s->picture_rows)
        return false;
    s->columns = columns;
    s->rows = rows;
    s->picture_columns = picture_columns;
    s->picture_rows = picture_rows;
    return true;
}

static const char *tone_sequence(enum terminal_tone tone)
{
    static const char *const sequences[] = {[TERMINAL_PLAIN] = "\033[2m",
                                            [TERMINAL_TYPED] = "\033[1m",
                                            [TERMINAL_ANSWER] = "\033[36m",
                                            [TERMINAL_WARNING] = "\033[33m",
                                            [TERMINAL_ERROR] = "\033[1;31m"};
    return sequences[tone];
}

/* Each row of it scrolls the region by one and is written at its bottom. */
static void write_line(struct screen *s, enum terminal_tone tone, const char *text)
{
    size_t left = strlen(text);
    do {
        size_t n = width_wrap(text, left, s->columns - 1);
        put_format(s, "\033[%d;1H\n\033[K", lines_end(s));
        puts_of(s, tone_sequence(tone));
        put(s, text, n);
        puts_of(s, "\033[0m");
        text += n;
        left -= n;
    } while (left > 0);
}

void screen_redraw(struct screen *s)
{
    screen_begin(s);
    put_format(s, "\033[r\033[2J\033[%d;%dr", s->picture_rows + 1, lines_end(s));
    for (int i = 0; i < s->line_count; i++) {
        int at = (s->line_next - s->line_count + i + SCREEN_LINES) % SCREEN_LINES;
        write_line(s, s->lines[at].tone, s->lines[at].text);
    }
}

void screen_begin(struct screen *s)
{
    puts_of(s, "\033[?2026h\033[?25l");
}

void screen_line(struct screen *s, enum terminal_tone tone, const char *text)
{
    struct screen_line *line = &s->lines[s->line_next];
    line->tone = tone;
    text_copy(line->text, sizeof line->text, text);
    s->line_next = (s->line_next + 1) % SCREEN_LINES;
    s->line_count += s->line_count < SCREEN_LINES;
    write_line(s, tone, line->text);
}

void screen_picture(struct screen *s, const struct halfblocks *h)
{
    char row[HALFBLOCKS_COLUMNS_MAX * HALFBLOCKS_CELL_BYTES + 16];
    int left = (s->columns - h->columns) / 2 + 1;
    if (h->columns != s->picture_columns || h->rows != s->picture_rows)
        return; /* made for another size */
    for (int i = 0; i < h->rows; i++) {
        put_format(s, "\033[%d;%dH", i + 1, left);
        put(s, row, halfblocks_row(h, i, s->colours, row));
    }
}

void screen_status(struct screen *s, const char *text)
{
    put_format(s, "\033[%d;1H\033[7m ", s->rows - 1);
    size_t n = width_cut(text, strlen(text), s->columns - 2);
    put(s, text, n);
    for (int i = width_of(text, n); i < s->columns - 1; i++)
        puts_of(s, " ");
    puts_of(s, "\033[0m");
}

void screen_end(struct screen *s, const struct prompt *p)
{
    const char *text;
    int column, shown = s->columns - 3;
    size_t n = prompt_view(p, shown, &text, &column);
    put_format(s, "\033[%d;1H\033[K\033[1m>\033[0m ", s->rows);
    if (p->bytes > 0) {
        put(s, text, n);
    } else {
        puts_of(s, "\033[2m");
        put(s, hint, width_cut(hint, sizeof hint - 1, shown));
        puts_of(s, "\033[0m");
    }
    put_format(s, "\033[%d;%dH\033[?25h\033[?2026l", s->rows, column + 3);
}

void screen_leave(struct screen *s)
{
    put_format(s, "\033[r\033[%d;1H\033[J\033[?25h", s->rows - 1);
}

void screen_free(struct screen *s)
{
    free(s->out);
    s->out = NULL;
    s->bytes = s->size = 0;
}
