/*
 * journal - a log of lines that grows on disk, and one small file that is always whole, both written by a
 * thread of their own.
 *
 * journal_write copies the line and returns: nobody waits for a disk. The log is cut at JOURNAL_FILE_BYTES:
 * then it becomes NAME.1, and the NAME.1 before it is gone, so it never takes more than twice that. The small
 * file, the state, is asked for every JOURNAL_TICK_MS and written anew when it differs: to a file beside it,
 * synced, renamed; a crash leaves the old or the new one, never half of each. The log is synced at the same
 * times. When the disk is full or the folder gone, one warning says so, lines are lost (and counted in the
 * log later), and all is tried again.
 */
#ifndef SHOW_JOURNAL_H
#define SHOW_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum { JOURNAL_TICK_MS = 1000, JOURNAL_FILE_BYTES = 8 << 20 };

struct journal;

struct journal_params {
    const char *folder; /* made when it is not there */
    const char *log_name, *state_name;
    int64_t file_bytes; /* 0: JOURNAL_FILE_BYTES */
    int tick_ms;        /* 0: JOURNAL_TICK_MS */
    /* The whole state, on the journal's thread: lines, allocated for the caller; NULL: nothing new. */
    char *(*state)(void *context, size_t *bytes);
    void *context;
};

/* 0 or -errno with a line. Texts are copied. */
int journal_open(struct journal **j, const struct journal_params *p, struct error *e);
/* Writes what is left, the state too, and ends the thread; NULL is fine. */
void journal_close(struct journal **j);

/* A whole line with its end. From any thread; never waits for the disk. */
void journal_write(struct journal *j, const char *line, size_t bytes);

/* The state that was left by the last run: *text is allocated for the caller and terminated, NULL when there is none.
 * 0, or -errno with a line when it cannot be read or holds more than `max` bytes: whoever goes on then writes over it. */
int journal_read_state(const char *folder, const char *state_name, size_t max, char **text, struct error *e);

#endif
