/*
 * stats - what the show counts: lock-free counters and gauges, one list, every reader walks the same list.
 *
 * Counters only grow; gauges hold the latest value. Names follow the Prometheus habit (unit last); the metrics page
 * prints times in seconds.
 */
#ifndef COMMON_STATS_H
#define COMMON_STATS_H

#include <stdatomic.h>
#include <stdint.h>

/* id, name, is it a counter, what it says */
#define STATS_LIST(X)                                                                                        \
    X(STEPS, "dream_steps_total", 1, "gradient steps taken")                                                 \
    X(STEP_US, "dream_step_us_total", 1, "time spent in gradient steps, microseconds")                       \
    X(KEYFRAMES, "dream_keyframes_total", 1, "keyframes handed to the camera")                               \
    X(KEYFRAME_GAP_MAX_MS, "dream_keyframe_gap_max_ms", 0, "longest time between two keyframes so far")      \
    X(KEYFRAMES_LATE, "camera_keyframes_late_total", 1, "times the camera had to zoom on without a new one") \
    X(FRAMES_BRIDGED, "camera_frames_bridged_total", 1,                                                      \
      "frames shown by zooming on because the dreamed one was not there; only where every frame is dreamed") \
    X(RESTORES, "dream_restores_total", 1, "times a picture went bad and the last good one was restored")    \
    X(DREAMER_DEATHS, "dreamer_deaths_total", 1,                                                             \
      "times the dreamer's process died or was ended and began again")                                       \
    X(DREAMER_HANGS, "dreamer_hangs_total", 1, "of these, times it was ended because it hung")               \
    X(FRAMES, "video_frames_total", 1, "frames encoded, repeated ones included")                             \
    X(FRAMES_REPEATED, "video_frames_repeated_total", 1, "frames repeated because encoding was late")        \
    X(FRAMES_SKIPPED, "video_frames_skipped_total", 1, "frames left out because this machine is too slow")   \
    X(STANDSTILL_US, "video_standstill_us_total", 1, "time given up while the whole program stood still")    \
    X(BITRATE_KBPS, "video_bitrate_kbps", 0,                                                                 \
      "bit rate of the video now; less than the setting on a thin line")                                     \
    X(FLASH_FRAMES, "video_flash_frames_total", 1, "frames in which the flash guard held flashes back")      \
    X(RENDER_US, "video_render_us_total", 1, "time spent in the camera, microseconds")                       \
    X(ENCODE_US, "video_encode_us_total", 1, "time spent in the encoder, microseconds")                      \
    X(REQUESTS, "requests_total", 1, "requests accepted")                                                    \
    X(REQUESTS_REFUSED, "requests_refused_total", 1, "lines that named nothing known, or met a full queue")  \
    X(SINK_PACKETS_DROPPED, "sink_packets_dropped_total", 1, "packets that a sink was too slow for")         \
    X(SINK_ERRORS, "sink_errors_total", 1, "write or connection errors of sinks")

enum stat_id {
#define X(id, name, counter, text) STAT_##id,
    STATS_LIST(X)
#undef X
        STAT_COUNT
};

/* Where wishes come from, and what becomes of them: enum chat_origin and enum chat_result have the same order. */
enum { STATS_SOURCES = 5, STATS_RESULTS = 12 };
extern const char *const stats_sources[STATS_SOURCES], *const stats_results[STATS_RESULTS];

/* How an output is doing: on air, down since, off, and on its way there for the first time. */
enum stats_sink_state { STATS_SINK_OK, STATS_SINK_RETRYING, STATS_SINK_ENDED, STATS_SINK_CONNECTING };

enum { STATS_SINKS = 24 };

/* How long the camera waited from one keyframe to the next, by upper bounds in ms; the last one has none. */
enum { STATS_GAPS = 8 };
extern const int stats_gap_bounds_ms[STATS_GAPS - 1];

/* One output. Rows are taken in order, by name, and stay. */
struct stats_sink {
    const char *_Atomic name;  /* outlives the table; NULL: this row and all behind it are free */
    _Atomic int state;         /* enum stats_sink_state */
    _Atomic int64_t since_us;  /* clock_real_us at the last change of state */
    _Atomic int64_t bytes;     /* written or sent so far */
    _Atomic int64_t connects;  /* times that it became ok */
    _Atomic int64_t dropped;   /* packets that it was too slow for */
    _Atomic int64_t queued_us; /* of the stream, that wait for it now */
};

struct stats {
    _Atomic int64_t values[STAT_COUNT]; /* all zero at start */
    struct stats_sink sinks[STATS_SINKS];
    _Atomic int64_t requests[STATS_SOURCES][STATS_RESULTS];
    _Atomic int64_t keyframe_gaps[STATS_GAPS], keyframe_gaps_ms; /* how many, and their sum */
};

/* The row of that name, a new one if need be; NULL when all are taken. From any thread. */
struct stats_sink *stats_sink(struct stats *s, const char *name);

/* One more keyframe, so long after the one before. */
void stats_keyframe_gap(struct stats *s, int64_t ms);

/* `row` may be NULL. */
void stats_sink_tell(struct stats_sink *row, enum stats_sink_state state);

struct stat_info {
    const char *name, *text;
    int is_counter;
};
extern const struct stat_info stat_infos[STAT_COUNT];

static inline void stats_add(struct stats *s, enum stat_id id, int64_t n)
{
    atomic_fetch_add_explicit(&s->values[id], n, memory_order_relaxed);
}

static inline void stats_set(struct stats *s, enum stat_id id, int64_t value)
{
    atomic_store_explicit(&s->values[id], value, memory_order_relaxed);
}

static inline int64_t stats_get(const struct stats *s, enum stat_id id)
{
    return atomic_load_explicit(&s->values[id], memory_order_relaxed);
}

/* Keeps the larger one. */
static inline void stats_max(struct stats *s, enum stat_id id, int64_t value)
{
    int64_t old = stats_get(s, id);
    while (value > old && !atomic_compare_exchange_weak(&s->values[id], &old, value))
        ;
}

#endif
