/*
 * way - how long a dream is on its way: from its turn to the pixels, and from the pixels to a viewer's eyes. Promises
 * ("on your screen in about 24 s") are made with both, so both are measured where they can be.
 *
 * The first part is the time between the turn (way_turned) and the moment when the picture shows that dream more than the
 * one before (way_shown): the median of the last turns, and until there was one what the dream guesses. The second is
 * encoder, network, platform and player together: show.platform_delay_s, until viewers have told by !seen when the new
 * picture came to them: the median over the last of them, one sample a viewer, once there are WAY_VIEWERS_MIN. What
 * cannot be true is not taken. One leaf lock. Times are show time in seconds.
 */
#ifndef SHOW_WAY_H
#define SHOW_WAY_H

#include <stdint.h>

enum { WAY_VIEWERS_MIN = 3, WAY_SAMPLES = 9 };
#define WAY_PLATFORM_MAX_S 60

struct way;

/* `platform_s`: as the settings have it. Never fails. */
struct way *way_open(double platform_s, double guess_s);
void way_close(struct way **w); /* NULL is fine */

/* What the dream guesses for the first part. Another guess than before: it works in another way now, and what was measured
 * no longer holds. */
void way_guess(struct way *w, double lag_s);

/* The dream of this request and caption has its turn; it is what the pixels show. */
void way_turned(struct way *w, int64_t request_id, const char *caption, double now_s);
void way_shown(struct way *w, int64_t request_id, const char *caption, double now_s);

/* This viewer sees the new picture. 0; -ENOENT: nothing has changed lately; -EALREADY: this viewer has said so for this
 * change; -ERANGE: sooner or later than can be true. */
int way_seen(struct way *w, const char *key, double now_s);

double way_lag_s(struct way *w);      /* from the turn to the pixels */
double way_platform_s(struct way *w); /* from the pixels to the viewers of the stream */

#endif
