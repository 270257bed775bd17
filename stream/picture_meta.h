/*
 * picture_meta - what a picture's file says beside its pixels: how the camera was held, and a text of ours.
 *
 * PNG keeps the text as iTXt under the keyword "Reverie", JPEG and WebP as EXIF's ImageDescription (tag 0x010e), so
 * any viewer of properties shows it. Private to stream/. Files from outside are walked chunk by chunk, each length
 * checked against the bytes that are there.
 */
#ifndef STREAM_PICTURE_META_H
#define STREAM_PICTURE_META_H

#include <stddef.h>
#include <stdint.h>

enum { PICTURE_NOTE_MAX_BYTES = 32768 };

/* A file of `bytes` bytes, in memory that free() gives back. */
struct picture_bytes {
    uint8_t *data;
    size_t bytes;
};

/* Puts the text into a whole PNG, JPEG or WebP, whose bytes are replaced; `width_px`, `height_px`, `has_alpha`: of the
 * picture. 0; -EINVAL for what is none of these or a text that is too long; -ENOMEM. */
int picture_meta_put(struct picture_bytes *file, const char *note, int width_px, int height_px,
                     int has_alpha);

/* The text of such a file: new memory, NULL when there is none. */
char *picture_meta_note(const uint8_t *data, size_t bytes);

/* EXIF's orientation of a PNG, 1..8; 1 when it says nothing. (JPEG's and WebP's comes from their decoders.) */
int picture_meta_png_orientation(const uint8_t *data, size_t bytes);

#endif
