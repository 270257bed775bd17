/*
 * upload - the composed frame into a graphics card's memory, for an encoder that works there.
 *
 * The caption is drawn on the processor, on planar 4:2:0; NVENC takes NV12 in the card's memory. So a frame
 * is interleaved into a staging frame and copied over, 1.4 MB at 1280x720. The card is the dream's, so that
 * a machine with several is not woken up twice, but the CUDA context is the libraries' own: what goes wrong in
 * the dream's does no harm here.
 *
 * One thread uses it.
 */
#ifndef STREAM_UPLOAD_H
#define STREAM_UPLOAD_H

#include <libavutil/buffer.h>
#include <libavutil/frame.h>

struct upload;

/* On card `gpu`, as CUDA counts; for frames of this size, both sides even. 0 or an AVERROR: there is no driver, no card, no memory; *u is
 * NULL then. */
int upload_open(struct upload **u, int gpu, int width_px, int height_px);
void upload_close(struct upload **u); /* NULL is fine */

/* The pool that the encoder is opened with (AVCodecContext.hw_frames_ctx takes a reference of it). */
AVBufferRef *upload_pool(const struct upload *u);

/* Copies a YUV420P frame with its time and colours. *out belongs to the upload and holds until the next call;
 * whoever needs it for longer takes a reference, as encoders do. 0 or an AVERROR. */
int upload_frame(struct upload *u, const AVFrame *from, AVFrame **out);

/* YUV420P -> NV12 of the same even size, in memory. */
void upload_interleave(const AVFrame *from, AVFrame *to);

#endif
