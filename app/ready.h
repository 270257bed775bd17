/*
 * ready - what a show needs and what can be tried before the model is loaded and without a network.
 *
 * One table for two readers: `run` ends at the first fault of it, before the work of loading; `check` shows every row.
 * So the two never judge differently.
 */
#ifndef APP_READY_H
#define APP_READY_H

#include "app/settings.h"

struct ready {
    const struct settings *settings;
    const char *script_path; /* NULL: none */
    bool offline;            /* a render: neither chat nor what is kept between shows */
};

struct ready_row {
    const char *name;
    /* 0 with what was found in `text` ("": it is not in use), 1 when that is a warning, or -errno with a line. */
    int (*check)(const struct ready *r, char *text, size_t size, struct error *e);
};

extern const struct ready_row ready_rows[]; /* ends with a name of NULL */

/* The first fault among the settings of the output side and the rows. 0 or -errno with a line. */
int ready_first_fault(const struct ready *r, struct error *e);

/* Calls `say` for each REVERIE_ variable that nothing reads. */
void ready_variables(const struct settings *s, void (*say)(void *context, const char *text), void *context);

#endif
