/*
 * outputs - all outputs of a show: those that the settings know, which of them run, and the way to switch one meanwhile.
 *
 * The stream's thread opens, feeds and frees them; other threads only say what they want, and outputs_tend does it. One
 * that is switched off gets to its end in its own thread and is freed when that is over: nobody waits for it, the others
 * go on as if it had never been there.
 */
#ifndef STREAM_OUTPUTS_H
#define STREAM_OUTPUTS_H

#include <stdbool.h>

#include "stream/encoder.h"
#include "stream/stream_options.h"

struct outputs;

/* Nothing is open yet. `config` and `stats` must outlive it. */
struct outputs *outputs_new(const struct stream_config *config, struct stats *stats, bool offline);
void outputs_free(struct outputs **o); /* closed; NULL is fine */

/* ---- the stream's thread, or that of stream_open before it ---- */

/* Is there one that must be padded to its bit rate? */
bool outputs_want_constant_rate(const struct outputs *o);

/* Opens all that are wanted. 0 or -errno with a line. */
int outputs_open(struct outputs *o, const struct encoder_tracks *tracks, struct error *e);

/* All end at once, against one deadline of three seconds. */
void outputs_close(struct outputs *o);

void outputs_put(struct outputs *o, const AVPacket *packet);
void outputs_shown(struct outputs *o, int64_t request_id, const char *text, const char *by, int64_t pts);

/* Once a frame: does what was wanted since, and frees what has ended. Never waits. */
void outputs_tend(struct outputs *o);

/* The shortest queue of those that have a line to feed and are up: while one line takes all, fewer bits would only harm
 * who watches there, and a thin one leaves pictures out. The state table gets all queues. */
int64_t outputs_lag_us(const struct outputs *o);

/* ---- any thread; see stream.h ---- */

int outputs_switch(struct outputs *o, const char *name, bool on);
int outputs_clip(struct outputs *o);
int outputs_list(const struct outputs *o, struct stream_output *out, int max);

#endif
