/*
 * picture_digest - a digest of all pictures of a show before they are encoded: tells whether two shows are the same, byte by
 * byte, whatever the encoders made of them.
 *
 * Per picture it takes its frame (8 bytes, little-endian) and the rows of its planes, Y, Cb, Cr. A picture that is shown again
 * in the place of one that was missed counts once. At the end one line goes to standard output:
 *
 *     md5 pictures=<32 hex digits> frames=<pictures>
 *
 * It costs some 3 ms for a picture of 1280x720. One thread.
 */
#ifndef STREAM_PICTURE_DIGEST_H
#define STREAM_PICTURE_DIGEST_H

#include <stdint.h>

#include "common/error.h"
#include "stream/frame.h"

struct picture_digest;

/* 0 or -ENOMEM with a line; *d is NULL then. */
int picture_digest_open(struct picture_digest **d, struct error *e);

/* NULL is fine, as it is for the others. */
void picture_digest_add(struct picture_digest *d, const struct frame *f, int64_t frame);

/* Prints the line. Later ones are not counted. */
void picture_digest_end(struct picture_digest **d);

void picture_digest_close(struct picture_digest **d);

#endif
