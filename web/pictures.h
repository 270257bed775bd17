/*
 * pictures - the newest picture as PNG or JPEG, made on a thread of its own for those who ask.
 *
 * Nothing is encoded that nobody waits for. Who asks for a kind that is not there orders it and asks again after
 * the next ring; all who want the same kind share one. There are KINDS of them at once: more are turned away.
 */
#ifndef WEB_PICTURES_H
#define WEB_PICTURES_H

#include "web/web.h"

enum { PICTURES_KINDS = 8 };

struct pictures;

/* One finished picture, shared; constant. */
struct picture {
    struct web_picture made;
    int64_t made_us; /* clock_real_us */
    int holders;     /* of pictures.c alone */
};

/* `wake` is called from the thread when one is ready. 0 or -errno. */
int pictures_open(struct pictures **p, const struct web_show *show, void *context,
                  void (*wake)(void *context), void *wake_context);
void pictures_close(struct pictures **p); /* all pictures were released; NULL is fine */

/* One that shows a later frame than `after`, or with after < 0 one that is not older than a second: *out, to be
 * released. 0; -EAGAIN: ordered, ask again; -EBUSY: too many kinds at once; else why it cannot be made. */
int pictures_get(struct pictures *p, const struct web_picture_want *want, int64_t after,
                 const struct picture **out);
void pictures_release(struct pictures *p, const struct picture *picture); /* NULL is fine */

#endif
