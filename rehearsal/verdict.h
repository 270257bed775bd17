/*
 * verdict - what a rehearsal promises, whether it was kept, and the report that a person reads.
 *
 * Pure functions over what was seen: each row says what, what was measured, what is asked, and whether that was kept. What
 * the rehearsal did itself (a fault of its own) is taken out before by who fills struct verdict_seen.
 */
#ifndef REHEARSAL_VERDICT_H
#define REHEARSAL_VERDICT_H

#include <stdio.h>

#include "rehearsal/town.h"

enum {
    VERDICT_OUTPUTS = 24,
    VERDICT_FAULTS = 16,
    VERDICT_WARNINGS = 64,
    VERDICT_TEXT_BYTES = 256,
    VERDICT_ROWS = 64
};

/* An output, faults of the rehearsal's own apart. */
struct verdict_output {
    char name[64];
    double down_s; /* in all */
    bool is_up;    /* at the end */
    long dropped;  /* packets */
};

/* Something that the rehearsal did to the show. Times < 0: it never happened. */
struct verdict_fault {
    const char *name;
    double at_s, noticed_s, ended_s, healed_s;
    double heals_s;       /* within so many from its end */
    bool wants_notice;    /* the show must have seen it */
    const char *left_out; /* why it was not done; NULL: it was */
};

struct verdict_warning {
    double at_s;
    bool is_explained; /* it belongs to a fault of the rehearsal's own */
    char text[VERDICT_TEXT_BYTES];
};

struct verdict_seen {
    double length_s, hold_s;
    long long seed;
    struct town_figures town;
    int outputs;
    struct verdict_output output[VERDICT_OUTPUTS];
    long frames, left_out; /* of the video; those while the machine was overloaded on purpose apart */
    double still_s;        /* the longest time without a new picture of the dream */
    double still_most_s;   /* that it may be */
    long deaths, hangs;    /* of the dreamer */
    int formed, unformed;  /* wishes on the screen for ten seconds, which the network saw or did not see */
    int faults;
    struct verdict_fault fault[VERDICT_FAULTS];
    int warnings; /* the first VERDICT_WARNINGS of them are kept */
    struct verdict_warning warning[VERDICT_WARNINGS];
};

enum verdict { VERDICT_BROKEN, VERDICT_KEPT, VERDICT_NONE };

struct verdict_row {
    char what[96], measured[192], bound[96];
    enum verdict verdict;
};

/* At most VERDICT_ROWS. Returns how many. */
int verdict_judge(const struct verdict_seen *seen, struct verdict_row rows[VERDICT_ROWS]);

/* Writes the report. Returns how many promises were broken. */
int verdict_print(const struct verdict_seen *seen, FILE *out);

#endif
