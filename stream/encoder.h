/*
 * encoder - one H.264 encode and one AAC encode for all sinks.
 *
 * Time is counted, never measured: video frame n has the pts n (time base 1/fps; frames may be left out), audio frame m the pts
 * 1024 m (time base 1/48000), and before each video frame is encoded all audio that begins before it is, by
 * av_compare_ts. So sound and picture cannot drift apart in weeks.
 *
 * Packets leave in one order that suits every muxer: both tracks are held back until their turn has come (the
 * codecs delay them differently), and when an IDR leaves, all audio before its pts has left and none after
 * it. A sink may therefore begin or cut a file at any IDR without losing a sample or a frame.
 *
 * The stream is what ingest servers ask for: constant bit rate with a buffer of one second, closed GOPs of
 * exactly two seconds, no scene-cut keyframes, BT.709 limited range, headers once in the extradata. The
 * number of encoder threads is an option and not taken from the machine: same frames, same packets.
 */
#ifndef STREAM_ENCODER_H
#define STREAM_ENCODER_H

#include <stdbool.h>

#include <libavcodec/packet.h>
#include <libavcodec/codec_par.h>

#include "config/option.h"
#include "stream/audio.h"
#include "stream/frame.h"

enum video_encoder { VIDEO_ENCODER_AUTO, VIDEO_ENCODER_LIBX264, VIDEO_ENCODER_NVENC };

struct video_config {
    struct option_size size;
    int64_t fps;
    int64_t bitrate_kbps;
    int encoder; /* enum video_encoder */
    int preset;
    int64_t b_frames;
    int64_t threads;
    int64_t bitrate_floor_kbps; /* on a thin line; 0: the bit rate is constant whatever happens */
    bool adapt;                 /* a faster preset when this machine is too slow */
    bool half_rate;             /* after that: every second frame only */
    int flash_guard;            /* enum flash_guard_mode */
};
extern const struct option_section video_section; /* "video" */

/* Packets carry the track in stream_index and their time base in time_base. */
enum track { TRACK_VIDEO, TRACK_AUDIO, TRACK_COUNT };

/* What a sink must know to write headers. Belongs to the encoder, constant while it lives. */
struct encoder_tracks {
    AVCodecParameters *parameters[TRACK_COUNT];
    AVRational time_base[TRACK_COUNT];
    int fps;
};

struct encoder_params {
    const struct video_config *video; /* used during encoder_open only */
    const struct audio_config *audio; /* must outlive the encoder */
    int fps;
    int gpu;           /* which graphics card NVENC is asked on, as CUDA counts */
    bool reproducible; /* offline: `auto` means libx264, and sound is waited for */
    bool filler;       /* pad to the bit rate when the picture needs less: for ingest servers */
};

struct encoder;

/* Takes each packet as it comes; `packet` belongs to the encoder and is valid during the call. */
typedef void encoder_packet_fn(void *context, const AVPacket *packet);

/* Can any encoder take these settings? 0 or -EINVAL with one line. */
int encoder_valid(const struct video_config *v, struct error *error);

/* 0 or -errno with one line; *e is NULL then. */
int encoder_open(struct encoder **e, const struct encoder_params *p, struct error *error);
void encoder_close(struct encoder **e); /* NULL is fine */

const struct encoder_tracks *encoder_tracks(const struct encoder *e);

/* The bit rate from the next frame on. */
void encoder_set_bitrate(struct encoder *e, int64_t kbps);

/* A faster preset for libx264, when this encoder is that and there is one: superfast, then ultrafast. */
bool encoder_faster(const struct encoder *e, struct video_config *c);
/* "medium"; "" when the graphics card encodes. */
const char *encoder_preset(const struct encoder *e, const struct video_config *c);

/* What audio.source=synth goes by from the next push on. */
void encoder_set_mood(struct encoder *e, const struct synth_mood *m);

/* audio.beat in the sound pushed so far, see audio_beat. */
double encoder_beat(const struct encoder *e);

/* The picture to fill before encoder_push. It keeps its content, so pushing again repeats it. The memory is
 * valid until the next push. False when there is no memory for it. */
bool encoder_picture(struct encoder *e, struct frame *picture);

/* Encodes the picture as the next frame, and the audio that is due with it. 0 or -errno: then this frame is
 * missing in the stream, later ones keep their time. */
int encoder_push(struct encoder *e, encoder_packet_fn *fn, void *context);

/* So many frames are left out: the next one has its true time, with the sound up to it, and an IDR comes in time. */
void encoder_skip(struct encoder *e, int frames);

/* Hands out everything that is still inside, and the audio up to the end of the last frame. Once,
 * at the end. `until_us`, real time: pictures that are not ready by then are lost; INT64_MAX: takes its time. */
int encoder_finish(struct encoder *e, int64_t until_us, encoder_packet_fn *fn, void *context);

#endif
