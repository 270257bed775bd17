/*
 * daydream_table - how well the embedded model dreams each of its classes, and which of them are alike to it.
 *
 * Made by scripts/gen_daydreams from a run of bench/quality and the model's last layer; models with other classes have
 * no rows for them. Inside this folder only.
 */
#ifndef SHOW_DAYDREAM_TABLE_H
#define SHOW_DAYDREAM_TABLE_H

#include <stdint.h>

enum { DAYDREAM_NEAR = 6, DAYDREAM_USUAL_WEIGHT = 30 };

struct daydream_row {
    uint16_t synset;
    uint8_t weight;               /* 100: an independent network recognises it at first sight; at least 5 */
    uint16_t near[DAYDREAM_NEAR]; /* the most alike first; all of the table */
};

/* By synset, ascending. */
extern const struct daydream_row daydream_table[];
extern const int daydream_table_count;

#endif
