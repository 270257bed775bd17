/*
 * report - see report.h.
 */
#include "app/report.h"

#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

/* Resident memory in MB, from /proc; 0 when it cannot be read. */
static double report_rss_mb(void)
{
    long pages_total, pages_resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    if (fscanf(f, "%ld %ld", &pages_total, &pages_resident) != 2)
        pages_resident = 0;
    fclose(f);
    return (double)pages_resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

void report_begin(struct report *r, const struct stats *stats)
{
    *r = (struct report){.stats = stats, .began_us = clock_real_us(), .line_us = clock_real_us()};
}

static double ratio(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

/* One line of figures for `seconds`, in which the counters grew by `d`. */
static void say(const char *when, double seconds, const int64_t d[STAT_COUNT])
{
    char skipped[64] = "";
    if (d[STAT_FRAMES_SKIPPED] > 0)
        snprintf(skipped, sizeof skipped, ", %lld left out (too slow)", (long long)d[STAT_FRAMES_SKIPPED]);
    log_info(
        "stats",
        "%s: %lld frames, %.2f %% repeated%s; %.1f steps/s in %lld keyframes, %.0f ms a step; camera %.1f ms, "
        "encoder %.1f ms a frame; %lld packets dropped; %.0f MB resident",
        when, (long long)d[STAT_FRAMES], 100 * ratio(d[STAT_FRAMES_REPEATED], d[STAT_FRAMES]), skipped,
        (double)d[STAT_STEPS] / seconds, (long long)d[STAT_KEYFRAMES],
        ratio(d[STAT_STEP_US], d[STAT_STEPS]) / 1000, ratio(d[STAT_RENDER_US], d[STAT_FRAMES]) / 1000,
        ratio(d[STAT_ENCODE_US], d[STAT_FRAMES]) / 1000, (long long)d[STAT_SINK_PACKETS_DROPPED],
        report_rss_mb());
}

void report_line(struct report *r)
{
    int64_t now_us = clock_real_us(), grown[STAT_COUNT];
    for (int i = 0; i < STAT_COUNT; i++) {
        int64_t value = stats_get(r->stats, (enum stat_id)i);
        grown[i] = value - r->last[i];
        r->last[i] = value;
    }
    char when[32];
    snprintf(when, sizeof when, "last %.0f s", (double)(now_us - r->line_us) / 1e6);
    say(when, (double)(now_us - r->line_us) / 1e6, grown);
    r->line_us = now_us;
}

void report_summary(struct report *r)
{
    int64_t values[STAT_COUNT];
    for (int i = 0; i < STAT_COUNT; i++)
        values[i] = stats_get(r->stats, (enum stat_id)i);
    double seconds = (double)(clock_real_us() - r->began_us) / 1e6;
    char when[32];
    snprintf(when, sizeof when, "all %.1f s", seconds);
    say(when, seconds, values);
    if (values[STAT_FRAMES_BRIDGED] > 0)
        log_info("stats", "%lld of %lld frames were bridged: the dreamed one was not there in time",
                 (long long)values[STAT_FRAMES_BRIDGED], (long long)values[STAT_FRAMES]);
    log_info("stats", "longest gap between keyframes %lld ms; late %lld times; %lld requests",
             (long long)values[STAT_KEYFRAME_GAP_MAX_MS], (long long)values[STAT_KEYFRAMES_LATE],
             (long long)values[STAT_REQUESTS]);
}
