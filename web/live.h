/*
 * live - the preview's way from one encode to many viewers: a ring of fragments by reference.
 *
 * The stream's sink puts in what it has muxed, some ten fragments a second; every viewer reads at his own pace. A
 * viewer begins at the newest group of pictures, and one who falls behind skips forward, only ever forward, to
 * the newest group that is ahead of him. Nobody holds up the sink or another viewer. When the encoder begins
 * again there is a new header: the old answers end, and their pages ask anew.
 *
 * One leaf lock, held for moments; fragments are freed when the last reader lets go of them.
 */
#ifndef WEB_LIVE_H
#define WEB_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { LIVE_TYPE_BYTES = 96, LIVE_FRAGMENTS = 64, LIVE_BEHIND_MAX = 20 };

struct live;
struct live_viewer;

struct live *live_new(void);
void live_free(struct live *l); /* no viewer is left; NULL is fine */

/* The sink's side. */
void live_begin(struct live *l, const uint8_t *header, size_t bytes, const char *type);
void live_add(struct live *l, const uint8_t *fragment, size_t bytes, bool group, double end_s);

/* A new viewer, or NULL: there is nothing to see yet. `type` receives the media type. */
struct live_viewer *live_join(struct live *l, char type[LIVE_TYPE_BYTES]);
/* As http_source.read and .close; the context is the viewer. */
ssize_t live_read(void *viewer, char *out, size_t size);
void live_leave(void *viewer);

struct live_state {
    char type[LIVE_TYPE_BYTES]; /* "": nothing yet */
    double end_s;               /* of the newest fragment */
    int viewers;
    int64_t sent_bytes, skips; /* since the beginning */
};
void live_look(struct live *l, struct live_state *state);

#endif
