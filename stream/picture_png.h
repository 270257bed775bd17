/*
 * picture_png - floats as a PNG of any size that the format is used for here. Private to stream/.
 */
#ifndef STREAM_PICTURE_PNG_H
#define STREAM_PICTURE_PNG_H

#include "stream/picture.h"
#include "stream/picture_meta.h"

/* The whole file, with 8 or 16 bits a colour and with alpha when there is one. file->data is the caller's to free, NULL on
 * failure. 0 or -ENOMEM. */
int picture_png(struct picture_bytes *file, const struct picture_image *p, int bits);

#endif
