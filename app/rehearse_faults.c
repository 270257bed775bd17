/*
 * rehearse_faults - see rehearse_faults.h.
 */
#include "app/rehearse_faults.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chatbot/irc/irc.h"

enum { ROOM_BYTES = 256 << 10, CLOCK_OFF_S = 86400, QUEUE_WELL_US = 1000000 };

static struct stats_sink *row(struct fault_scene *s, const char *name)
{
    for (int i = 0; i < STATS_SINKS; i++) {
        const char *there = atomic_load(&s->stats->sinks[i].name);
        if (there && strcmp(there, name) == 0)
            return &s->stats->sinks[i];
    }
    return NULL;
}

static bool is_up(struct fault_scene *s, const char *name)
{
    struct stats_sink *r = row(s, name);
    return r && atomic_load(&r->state) == STATS_SINK_OK;
}

/* ---- the line ---- */

static const char *begin_dead(struct fault_scene *s)
{
    atomic_store(&s->stand_in.mood, STAND_IN_DEAD);
    return NULL;
}

static const char *begin_slow(struct fault_scene *s)
{
    struct stats_sink *r = row(s, "stand-in");
    s->before = r ? atomic_load(&r->dropped) : 0;
    atomic_store(&s->stand_in.mood, STAND_IN_SLOW);
    return NULL;
}

static void end_line(struct fault_scene *s)
{
    atomic_store(&s->stand_in.mood, STAND_IN_WELL);
}

static bool line_is_down(struct fault_scene *s)
{
    return !is_up(s, "stand-in");
}

static bool line_drops(struct fault_scene *s)
{
    struct stats_sink *r = row(s, "stand-in");
    return r && atomic_load(&r->dropped) > s->before;
}

static bool line_is_well(struct fault_scene *s)
{
    struct stats_sink *r = row(s, "stand-in");
    return is_up(s, "stand-in") && atomic_load(&r->queued_us) < QUEUE_WELL_US;
}

/* ---- the disk ---- */

/* Files of this process may not grow beyond what the log needs: writing fails as on a full disk (EFBIG in place of ENOSPC). */
static const char *begin_full(struct fault_scene *s)
{
    struct rlimit limit;
    struct stat log;
    if (!is_up(s, "record"))
        return "nothing is recorded";
    if (getrlimit(RLIMIT_FSIZE, &limit) < 0)
        return "the limit for files cannot be set";
    s->file_max = limit.rlim_cur;
    bool is_file = fstat(STDERR_FILENO, &log) == 0 && S_ISREG(log.st_mode);
    limit.rlim_cur = (rlim_t)(is_file ? log.st_size : 0) + ROOM_BYTES;
    return setrlimit(RLIMIT_FSIZE, &limit) < 0 ? "the limit for files cannot be set" : NULL;
}

static void end_full(struct fault_scene *s)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) < 0)
        return;
    limit.rlim_cur = (rlim_t)s->file_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static bool record_is_down(struct fault_scene *s)
{
    return !is_up(s, "record");
}

static bool record_is_well(struct fault_scene *s)
{
    return is_up(s, "record");
}

/* ---- the chat ---- */

static const char *begin_drop(struct fault_scene *s)
{
    if (atomic_load(&s->chat_state) != IRC_ONLINE)
        return "the chat is not there";
    s->before = atomic_load(&s->chat_logins);
    town_hang_up(s->town);
    return NULL;
}

static bool chat_is_gone(struct fault_scene *s)
{
    return atomic_load(&s->chat_state) != IRC_ONLINE || atomic_load(&s->chat_logins) > s->before;
}

static bool chat_is_back(struct fault_scene *s)
{
    return atomic_load(&s->chat_state) == IRC_ONLINE && atomic_load(&s->chat_logins) > s->before;
}

static const char *begin_jump(struct fault_scene *s)
{
    town_set_clock(s->town, CLOCK_OFF_S);
    return NULL;
}

static void end_jump(struct fault_scene *s)
{
    s->before = town_replies(s->town);
    town_set_clock(s->town, -CLOCK_OFF_S);
}

/* It answers, with the clock a day behind now. */
static bool chat_answers(struct fault_scene *s)
{
    return town_replies(s->town) > s->before;
}

/* ---- the dreamer ---- */

static const char *hit_dreamer(struct fault_scene *s, int signal)
{
    s->before = stats_get(s->stats, STAT_DREAMER_DEATHS);
    s->steps = -1;
    return dreaming_signal(s->dreaming, signal) < 0 ? "the dream has no process of its own" : NULL;
}

static const char *begin_kill(struct fault_scene *s)
{
    return hit_dreamer(s, SIGKILL);
}

static const char *begin_stop(struct fault_scene *s)
{
    return hit_dreamer(s, SIGSTOP);
}

static bool dreamer_is_gone(struct fault_scene *s)
{
    bool gone = stats_get(s->stats, STAT_DREAMER_DEATHS) > s->before;
    if (gone && s->steps < 0)
        s->steps = stats_get(s->stats, STAT_STEPS);
    return gone;
}

static bool dreamer_is_back(struct fault_scene *s)
{
    return dreamer_is_gone(s) && stats_get(s->stats, STAT_STEPS) > s->steps;
}

/* ---- overload ---- */

static void *be_busy(void *arg)
{
    struct fault_scene *s = arg;
    while (atomic_load_explicit(&s->busy, memory_order_relaxed))
        ;
    return NULL;
}

static const char *begin_busy(struct fault_scene *s)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    atomic_store(&s->busy, true);
    for (s->loop_count = 0; s->loop_count < count && s->loop_count < FAULTS_BUSY_MAX; s->loop_count++)
        if (thread_start(&s->loops[s->loop_count], "rehearsed-load", be_busy, s) < 0)
            break;
    return s->loop_count > 0 ? NULL : "no thread can be started";
}

static void end_busy(struct fault_scene *s)
{
    atomic_store(&s->busy, false);
    for (int i = 0; i < s->loop_count; i++)
        thread_join(&s->loops[i]);
    s->loop_count = 0;
    s->before = stats_get(s->stats, STAT_FRAMES);
    s->steps = stats_get(s->stats, STAT_STEPS);
}

static bool show_goes_on(struct fault_scene *s)
{
    return stats_get(s->stats, STAT_FRAMES) > s->before && stats_get(s->stats, STAT_STEPS) > s->steps;
}

/* ---- the plan ---- */

static void end_nothing(struct fault_scene *s)
{
    (void)s;
}

static bool is_never_noticed(struct fault_scene *s)
{
    (void)s;
    return false;
}

const struct fault fault_plan[] = {
    {.name = "the line goes dead",
     .lasts_s = 4,
     .heals_s = 10,
     .parts = "stand-in",
     .outputs = "stand-in",
     .wants_notice = true,
     .begin = begin_dead,
     .end = end_line,
     .is_noticed = line_is_down,
     .is_healed = line_is_well},
    {.name = "the chat hangs up",
     .lasts_s = 1,
     .heals_s = 20,
     .parts = "chat",
     .outputs = "",
     .wants_notice = true,
     .begin = begin_drop,
     .end = end_nothing,
     .is_noticed = chat_is_gone,
     .is_healed = chat_is_back},
    {.name = "the dreamer is killed",
     .lasts_s = 1,
     .heals_s = 30,
     .parts = "dream dreamer engine backend",
     .outputs = "",
     .stills_dream = true,
     .kills_dreamer = true,
     .wants_notice = true,
     .begin = begin_kill,
     .end = end_nothing,
     .is_noticed = dreamer_is_gone,
     .is_healed = dreamer_is_back},
    {.name = "the recording cannot be written",
     .lasts_s = 6,
     .heals_s = 70,
     .parts = "record sidecar store journal show",
     .outputs = "record",
     .wants_notice = true,
     .begin = begin_full,
     .end = end_full,
     .is_noticed = record_is_down,
     .is_healed = record_is_well},
    {.name = "the line is too slow",
     .lasts_s = 5,
     .heals_s = 20,
     .echoes_s = 45, /* a sink tells of its losses every half minute */
     .parts = "stand-in stream",
     .outputs = "stand-in",
     .wants_notice = true,
     .begin = begin_slow,
     .end = end_line,
     .is_noticed = line_drops,
     .is_healed = line_is_well},
    {.name = "the chat's clock jumps by a day, and back by two",
     .lasts_s = 4,
     .heals_s = 20,
     .parts = "chat",
     .outputs = "",
     .begin = begin_jump,
     .end = end_jump,
     .is_noticed = is_never_noticed,
     .is_healed = chat_answers},
    {.name = "other programs take all processors",
     .lasts_s = 6,
     .heals_s = 20,
     .parts = "stream dream camera",
     .outputs = "*",
     .stills_dream = true,
     .begin = begin_busy,
     .end = end_busy,
     .is_noticed = is_never_noticed,
     .is_healed = show_goes_on},
    {.name = "the dreamer hangs",
     .lasts_s = 1,
     .heals_s = 60,
     .parts = "dream dreamer engine backend",
     .outputs = "",
     .stills_dream = true,
     .kills_dreamer = true,
     .wants_notice = true,
     .begin = begin_stop,
     .end = end_nothing,
     .is_noticed = dreamer_is_gone,
     .is_healed = dreamer_is_back},
    {.name = NULL},
};
