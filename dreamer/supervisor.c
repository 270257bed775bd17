/*
 * supervisor - see supervisor.h.
 *
 * The thread goes round: start a process, talk with it until it ends or must be ended, end it, wait. `lock` guards only
 * what supervisor_open and supervisor_begin exchange with the thread.
 */
#include "dreamer/supervisor_parts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"

enum {
    LOOK_MS = 250,
    FIRST_TRIES = 4, /* processes that may die before the first dream is open */
    BAD_STARTS = 3,  /* that die before their first picture, and the snapshot is not used any more */
    OPEN_POLL_US = 100000,
    EXIT_MS = 200,        /* one that has closed its socket is about to end */
    PACKETS_A_LOOK = 512, /* more of them, and it has gone mad */
};

struct port *supervisor_port(struct supervisor *s)
{
    pthread_mutex_lock(&s->lock);
    struct port *port = s->port;
    pthread_mutex_unlock(&s->lock);
    return port;
}

bool supervisor_progress(struct supervisor *s, enum supervisor_progress progress, int rc, const char *why)
{
    pthread_mutex_lock(&s->lock);
    bool is_first = s->progress == SUPERVISOR_OPENING;
    if (is_first) {
        s->progress = progress;
        s->refusal_rc = rc;
        text_copy(s->refusal.text, sizeof s->refusal.text, why);
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    return is_first;
}

static enum supervisor_progress progress_of(struct supervisor *s)
{
    pthread_mutex_lock(&s->lock);
    enum supervisor_progress progress = s->progress;
    pthread_mutex_unlock(&s->lock);
    return progress;
}

/* What the show knows of the dream, with what only the supervisor knows. */
void supervisor_tell(struct supervisor *s)
{
    struct port *port = supervisor_port(s);
    s->state.deaths = (int32_t)stats_get(s->p.stats, STAT_DREAMER_DEATHS);
    s->state.is_away = s->died_us != 0;
    if (port)
        port_tell(port, &s->state);
}

/* ---- starting ---- */

bool supervisor_may_use_gpu(const struct supervisor *s)
{
    int backend = s->p.setup.config.backend;
    return backend == DREAM_BACKEND_AUTO || backend == DREAM_BACKEND_CUDA;
}

static int send_setup(struct supervisor *s)
{
    const struct port_target *newest = intake_newest_target(&s->intake);
    struct wire_message m = {.kind = WIRE_SETUP, .setup = s->p.setup};
    m.setup.parent_pid = getpid();
    m.setup.resume_place = s->place;
    if (newest && (s->place < 0 || newest->number > s->place_target)) {
        m.setup.has_target = true;
        m.setup.target = *newest;
    }
    return wire_send(s->process.socket_fd, &m, false);
}

static int start(struct supervisor *s, struct error *e)
{
    int rc = process_start(&s->process, s->p.path, s->p.arguments, s->memory.fd, e);
    if (rc < 0)
        return rc;
    s->pulse = (struct wire_pulse){0};
    s->has_gone = false;
    s->on_gpu = supervisor_may_use_gpu(s);
    s->packets = 0;
    s->errors_bytes = 0;
    s->state.backend[0] = '\0';
    intake_begin(&s->intake);
    vitals_born(&s->vitals, clock_real_us());
    rc = send_setup(s);
    return rc < 0 ? error_set(e, -rc, "the dreamer's process cannot be talked to: %s", strerror(-rc)) : 0;
}

/* The show has begun, and the process is ready for it. */
static int go(struct supervisor *s)
{
    pthread_mutex_lock(&s->lock);
    struct wire_message m = {.kind = WIRE_GO,
                             .go = {.start_us = s->start_us, .z_least = s->intake.z_last + 1}};
    bool begins = s->port && s->vitals.is_ready && !s->has_gone;
    pthread_mutex_unlock(&s->lock);
    if (!begins)
        return 0;
    s->has_gone = true;
    return wire_send(s->process.socket_fd, &m, false);
}

/* Why the process is at its end. */
struct end {
    bool is_over;    /* it must be, or is, ended */
    bool is_gone;    /* by itself */
    bool is_alive;   /* it could be started at all */
    const char *lie; /* it said this */
    enum vitals_verdict verdict;
};

static void hear_all(struct supervisor *s, struct end *end)
{
    struct wire_message m;
    int rc = 0;
    while (!end->is_over && s->packets < PACKETS_A_LOOK &&
           (rc = wire_receive(s->process.socket_fd, &m)) == 1) {
        s->packets++;
        end->lie = supervisor_hear(s, &m);
        end->is_over = end->lie != NULL;
    }
    if (s->packets >= PACKETS_A_LOOK)
        rc = -EPROTO;
    if (rc == -EPROTO && !end->lie)
        end->lie = "what is no word at all";
    end->is_gone = rc == -EPIPE;
    end->is_over = end->is_over || rc < 0;
}

static void look(struct supervisor *s, int64_t *looked_us, struct end *end)
{
    int64_t now_us = clock_real_us();
    if (end->is_over || now_us - *looked_us < LOOK_MS * 1000 / 2)
        return;
    *looked_us = now_us;
    s->packets = 0;
    end->verdict = vitals_look(&s->vitals, now_us, s->has_gone && intake_is_hungry(&s->intake));
    end->is_over = end->verdict != VITALS_GOOD;
}

/* Talks with the process until it ends, must be ended, or the show is stopped. */
static struct end serve(struct supervisor *s)
{
    struct end end = {.verdict = VITALS_GOOD, .is_alive = true};
    int64_t looked_us = clock_real_us();
    while (!end.is_over && !stop_requested(s->p.stop)) {
        struct pollfd fds[] = {{.fd = s->process.socket_fd, .events = POLLIN},
                               {.fd = s->process.errors_fd, .events = POLLIN},
                               {.fd = s->wake_fd, .events = POLLIN},
                               {.fd = s->p.stop->fd, .events = POLLIN}};
        uint64_t count;
        poll(fds, ARRAY_LEN(fds), LOOK_MS);
        if (fds[2].revents && read(s->wake_fd, &count, sizeof count) < 0)
            count = 0;
        if (fds[1].revents)
            supervisor_read_errors(s);
        hear_all(s, &end);
        if (!end.is_over && (go(s) < 0 || (end.lie = supervisor_deliver(s))))
            end.is_over = true;
        look(s, &looked_us, &end);
    }
    return end;
}

/* ---- ending ---- */

/* In words, for the log. */
static void explain(const struct supervisor *s, const struct end *end, const char *how, char *text,
                    size_t size)
{
    double patience_s = (double)vitals_patience_us(&s->vitals) / 1e6;
    if (end->lie)
        snprintf(text, size, "it said %s", end->lie);
    else if (end->verdict == VITALS_SILENT)
        snprintf(text, size, "it has said nothing for 5 s");
    else if (end->verdict == VITALS_STUCK)
        snprintf(text, size, "it has not got on for %.0f s", patience_s);
    else if (end->verdict == VITALS_NEVER_STARTED)
        snprintf(text, size, "it was not ready after %.0f s", patience_s);
    else
        snprintf(text, size, "%s", how[0] ? how : "it closed its connection");
}

static void fall_to_cpu(struct supervisor *s)
{
    if (!vitals_gives_up_gpu(&s->vitals) || !supervisor_may_use_gpu(s))
        return;
    s->p.setup.config.backend = DREAM_BACKEND_CPU;
    log_warn("dreamer", "it died three times on the GPU: the CPU dreams from now on; restart the show to try "
                        "the GPU again");
}

static void tell_death(const char *why, int64_t wait_us)
{
    char when[48] = "at once";
    if (wait_us > 0)
        snprintf(when, sizeof when, "in %.1f s", (double)wait_us / 1e6);
    log_warn("dreamer", "the dreamer's process is gone: %s; the camera goes on, and it is started again %s",
             why, when);
}

/* What it went on from may be what kills it. */
static void distrust_snapshot(struct supervisor *s)
{
    if (s->vitals.has_begun || s->vitals.failures < BAD_STARTS || s->place < 0)
        return;
    s->place = -1;
    log_warn("dreamer", "the dream begins anew: with where it was it dies");
}

/* After its end: counts it, tells it, and says how long to wait. */
static int64_t bury(struct supervisor *s, const struct end *end, const char *how)
{
    char why[256];
    explain(s, end, how, why, sizeof why);
    int64_t wait_us = vitals_died(&s->vitals, s->on_gpu);
    s->died_us = s->died_us ? s->died_us : clock_real_us();
    stats_add(s->p.stats, STAT_DREAMER_DEATHS, 1);
    if (end->verdict != VITALS_GOOD)
        stats_add(s->p.stats, STAT_DREAMER_HANGS, 1);
    fall_to_cpu(s);
    distrust_snapshot(s);
    bool is_hopeless = !end->is_alive || s->vitals.failures >= FIRST_TRIES;
    if (progress_of(s) != SUPERVISOR_OPENING || !is_hopeless)
        tell_death(why, wait_us);
    else
        supervisor_progress(s, SUPERVISOR_REFUSED, -ECHILD, why);
    supervisor_tell(s);
    return wait_us;
}

/* The show ends: it may take a last snapshot and go, in a second. */
static void part(struct supervisor *s)
{
    static const struct wire_message stop = {.kind = WIRE_STOP};
    int64_t until_us = clock_real_us() + SUPERVISOR_STOP_MS * 1000;
    struct end end = {0};
    if (wire_send(s->process.socket_fd, &stop, false) < 0)
        return;
    while (!end.is_over && clock_real_us() < until_us) {
        struct pollfd p = {.fd = s->process.socket_fd, .events = POLLIN};
        s->packets = 0;
        poll(&p, 1, LOOK_MS);
        hear_all(s, &end);
    }
}

static void may_signal(struct supervisor *s, pid_t pid)
{
    pthread_mutex_lock(&s->lock);
    s->signalled = pid;
    pthread_mutex_unlock(&s->lock);
}

/* One process, from its start to its end. Returns how long to wait before the next. */
static int64_t live(struct supervisor *s)
{
    struct error e = {""};
    struct end end = {.is_over = true};
    char how[128];
    if (start(s, &e) == 0) {
        may_signal(s, s->process.pid);
        end = serve(s);
    }
    if (stop_requested(s->p.stop) && s->process.pid > 0)
        part(s);
    else if (end.is_gone && process_is_over(&s->process, EXIT_MS))
        supervisor_read_errors(s);
    may_signal(s, 0);
    process_end(&s->process, how, sizeof how);
    if (stop_requested(s->p.stop) || progress_of(s) == SUPERVISOR_REFUSED)
        return 0;
    return bury(s, &end, e.text[0] ? e.text : how);
}

static void *supervisor_main(void *arg)
{
    struct supervisor *s = arg;
    while (!stop_requested(s->p.stop)) {
        int64_t wait_us = live(s);
        if (progress_of(s) == SUPERVISOR_REFUSED)
            return NULL;
        struct pollfd p = {.fd = s->p.stop->fd, .events = POLLIN};
        if (wait_us > 0)
            poll(&p, 1, (int)(wait_us / 1000));
    }
    if (s->place >= 0 && s->p.keep)
        s->p.keep(s->p.context, s->memory.places[s->place], true);
    return NULL;
}

/* ---- outside of the thread ---- */

/* Until the thread knows whether there is a dream. */
static int wait_until_open(struct supervisor *s, struct error *e)
{
    pthread_mutex_lock(&s->lock);
    while (s->progress == SUPERVISOR_OPENING && !stop_requested(s->p.stop))
        cond_wait_us(&s->changed, &s->lock, OPEN_POLL_US);
    bool refused = s->progress == SUPERVISOR_REFUSED;
    int rc = s->refusal_rc;
    struct error why = s->refusal;
    pthread_mutex_unlock(&s->lock);
    return refused ? error_set(e, -rc, "%s", why.text) : 0;
}

int supervisor_open(struct supervisor **out, const struct supervisor_params *p, struct error *e)
{
    const struct dream_config *c = &p->setup.config;
    struct supervisor *s = *out = xcalloc(1, sizeof *s);
    s->p = *p;
    s->process = (struct process){.socket_fd = -1, .errors_fd = -1};
    s->place = -1;
    s->state.share = -1; /* nothing is known yet */
    pthread_mutex_init(&s->lock, NULL);
    cond_init_monotonic(&s->changed);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = s->wake_fd < 0 ? error_set(e, errno, "no descriptor for the dreamer's process") : 0;
    if (rc == 0)
        rc = wire_memory_make(&s->memory, c, p->setup.has_frames, e);
    if (rc == 0 && p->resumed) {
        memcpy(s->memory.places[0], p->resumed, snapshot_bytes(c));
        s->place = 0;
    }
    s->intake = (struct intake){.keyframes = p->keyframes,
                                .memory = &s->memory,
                                .stats = p->stats,
                                .has_frames = p->setup.has_frames};
    intake_init(&s->intake);
    vitals_init(&s->vitals, (int64_t)(p->first_start_s * 1e6), p->setup.seed);
    if (rc == 0 && (rc = thread_start(&s->thread, "supervisor", supervisor_main, s)) < 0)
        error_set(e, -rc, "cannot start the supervisor's thread: %s", strerror(-rc));
    if (rc == 0)
        rc = wait_until_open(s, e);
    if (rc < 0)
        supervisor_close(out);
    return rc;
}

void supervisor_begin(struct supervisor *s, struct port *port, int64_t start_us)
{
    const uint64_t one = 1;
    keyframes_send_position(s->p.keyframes, s->memory.position);
    keyframes_set_wake_fd(s->p.keyframes, s->wake_fd);
    pthread_mutex_lock(&s->lock);
    s->port = port;
    s->start_us = start_us;
    pthread_mutex_unlock(&s->lock);
    ssize_t n = write(s->wake_fd, &one, sizeof one);
    (void)n;
}

int supervisor_signal(struct supervisor *s, int signal)
{
    pthread_mutex_lock(&s->lock);
    int rc = s->signalled > 0 && kill(s->signalled, signal) == 0 ? 0 : -ESRCH;
    pthread_mutex_unlock(&s->lock);
    return rc;
}

void supervisor_close(struct supervisor **out)
{
    struct supervisor *s = *out;
    if (!s)
        return;
    thread_join(&s->thread);
    keyframes_set_wake_fd(s->p.keyframes, -1);
    keyframes_send_position(s->p.keyframes, NULL);
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    wire_memory_close(&s->memory);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
    *out = NULL;
}
