/*
 * report - figures of a running show: a line now and then, and a summary at the end.
 */
#ifndef APP_REPORT_H
#define APP_REPORT_H

#include <stdint.h>

#include "common/stats.h"

struct report {
    const struct stats *stats;
    int64_t began_us, line_us; /* real time */
    int64_t last[STAT_COUNT];  /* values at the last line */
};

void report_begin(struct report *r, const struct stats *stats);
void report_line(struct report *r);    /* since the last line */
void report_summary(struct report *r); /* since the beginning */

#endif
