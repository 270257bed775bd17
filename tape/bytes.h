/*
 * bytes - the numbers and texts that a tape is made of; private to tape/.
 *
 * Writing never goes beyond the room that there is, reading never beyond the bytes that there are: both only note that
 * something did not fit, and whoever writes or reads looks once, at the end of an event.
 */
#ifndef TAPE_BYTES_H
#define TAPE_BYTES_H

#include <stddef.h>

#include "tape/tape.h"

/* Bytes that are being written; `room` is the caller's. What does not fit sets `full`. */
struct tape_out {
    uint8_t *at;
    size_t used, room;
    bool full;
};

/* Bytes that are being read. What is not there, or makes no sense, sets `bad`; then everything reads as 0. */
struct tape_in {
    const uint8_t *at;
    size_t used, size;
    bool bad;
};

uint32_t tape_checksum(const uint8_t *data, size_t bytes);

/* A count: seven bits a byte, the lowest first. A number of either sign: small when it is near 0. Fixed: little-endian. */
void tape_put_byte(struct tape_out *o, int v);
void tape_put_count(struct tape_out *o, uint64_t v);
void tape_put_number(struct tape_out *o, int64_t v);
void tape_put_fixed(struct tape_out *o, uint64_t v, int bytes);
void tape_put_float(struct tape_out *o, float v);
void tape_put_double(struct tape_out *o, double v);
void tape_put_text(struct tape_out *o, const char *text);
/* A text by what it has in common with the one before it, in front and behind. */
void tape_put_change(struct tape_out *o, const char *old, const char *text);

int tape_take_byte(struct tape_in *in);
int64_t tape_take_up_to(struct tape_in *in, int64_t most); /* a count */
int64_t tape_take_number(struct tape_in *in);
uint64_t tape_take_fixed(struct tape_in *in, int bytes);
float tape_take_float(struct tape_in *in); /* finite, as is the next */
double tape_take_double(struct tape_in *in);
/* Into out[size]; a line, or `lines`. */
void tape_take_text(struct tape_in *in, char *out, size_t size, bool lines);
void tape_take_change(struct tape_in *in, char text[TAPE_TEXT_BYTES]); /* `text` is the one before it */

#endif
