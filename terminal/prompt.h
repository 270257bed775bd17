/*
 * prompt - the line that a person is typing: a small editor, so that nothing that is printed elsewhere cuts it.
 *
 * The terminal gives every key as it is pressed and echoes nothing; this keeps the line, moves, deletes, and
 * remembers the last lines. UTF-8 is kept whole, control characters and foreign escape sequences never get in. A paste
 * of more than the line holds loses its end, not the line. Pure: no terminal is needed to test it.
 */
#ifndef TERMINAL_PROMPT_H
#define TERMINAL_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

enum { PROMPT_BYTES = 1024, PROMPT_HISTORY = 20 };

struct prompt {
    char text[PROMPT_BYTES]; /* UTF-8 */
    size_t bytes, cursor;    /* cursor: bytes before it, between characters */
    char history[PROMPT_HISTORY][PROMPT_BYTES];
    int history_count, history_at; /* history_at: lines back; 0: the line that is being typed */
    char escape[16];               /* an escape sequence or a character that has not ended yet */
    size_t escape_bytes;
};

/* One byte from the terminal. True when a line has ended: it is in p->text; prompt_clear begins the next. */
bool prompt_key(struct prompt *p, char byte);
void prompt_clear(struct prompt *p);

/* The part of the line that fits into `columns` with the cursor in sight; *cursor_column counts from 0. Characters
 * count as their width on a terminal. Returns the bytes at *text. */
size_t prompt_view(const struct prompt *p, int columns, const char **text, int *cursor_column);

#endif
