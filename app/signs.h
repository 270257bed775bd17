/*
 * signs - what the show has to say on the picture besides the caption: filled from the queue, the tug of war and the
 * dream, for what the pixels show just then (stream/signs.h draws it).
 */
#ifndef APP_SIGNS_H
#define APP_SIGNS_H

#include "dreamer/port.h"
#include "engine/model/model.h"
#include "show/requests.h"
#include "show/tug.h"
#include "show/way.h"
#include "stream/signs.h"

/* Where it is taken from; all must outlive the stream. */
struct signs_source {
    struct requests *requests;
    struct tug *tug;
    struct way *way;
    struct port *port;
    const struct model *model;         /* for the names of its classes */
    const struct synsets_known *known; /* what may be named */
    double now_s;                      /* show time */
};

/* For a picture of this request, caption and front. In a live show only: what is true when a picture is
 * drawn depends on the machine, and an offline render must not. The stream's thread. */
void signs_fill(const struct signs_source *s, int64_t request_id, const char *caption, double front,
                struct signs_content *c);

#endif
