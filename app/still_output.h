/*
 * still_output - where a still goes: a file, whose name says the format, a device or FIFO, or stdout as "-".
 *
 * The place is tried before the work. A file appears whole under its name, or not at all; a link is followed; what is no
 * file is opened and written.
 */
#ifndef APP_STILL_OUTPUT_H
#define APP_STILL_OUTPUT_H

#include "app/still_options.h"
#include "stream/picture.h"

struct still_output {
    const char *path;
    bool is_stdout, is_special; /* nothing can be written there twice */
    struct picture_style style;
};

/* 0 or -errno with a line: the name asks for a format that is not written, the place takes nothing. */
int still_output_open(struct still_output *out, const struct still_options *o, struct error *e);

/* From here on this process makes and changes files only where the picture goes (app/fence.h). Before any thread. */
void still_output_fence(const struct still_output *out);

/* 0 or -errno with a line that names the place. */
int still_output_write(const struct still_output *out, const struct picture_image *p, struct error *e);

/* Bytes of another kind to the same place. As still_output_write. */
int still_output_bytes(const struct still_output *out, const void *data, size_t bytes, struct error *e);

#endif
