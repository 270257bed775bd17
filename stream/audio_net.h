/*
 * audio_net - what a sound address may lead to, and how much it may send.
 *
 * libavformat follows whatever a playlist or a redirect names, and checks the certificate of the first address only.
 * So every address that it wants passes through here: http or https only, certificates verified, and none on this
 * machine or its private networks but the very place (host and port) that audio.source names. Redirects are
 * followed here, one after the other, and the goal of each is looked at before it is asked anything. Memory is bounded by what may
 * come in: 32 MB for one step of the demuxer (an opening, a packet), 2 MB of it in playlists, 64 further
 * addresses, 20 s of time.
 */
#ifndef STREAM_AUDIO_NET_H
#define STREAM_AUDIO_NET_H

#include <stdbool.h>

#include <libavformat/avformat.h>

struct audio_net;

/* An http or https address? */
bool audio_net_is_address(const char *source);

/* Opens `source` as format->pb, and whatever the demuxer asks for later. `stop` is asked while it waits. 0 or AVERROR;
 * then, too, audio_net_close. */
int audio_net_open(struct audio_net **n, AVFormatContext *format, const char *source, AVIOInterruptCB stop);

/* After avformat_close_input. NULL is fine. */
void audio_net_close(struct audio_net **n);

/* The next step of the demuxer begins: it may take what one may. NULL is fine. */
void audio_net_step(struct audio_net *n);

/* What was refused last, in words; "": nothing. NULL is fine. */
const char *audio_net_refused(const struct audio_net *n);

#endif
