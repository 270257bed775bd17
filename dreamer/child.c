/*
 * child - see child.h. Everything but the dream's thread and its callbacks (a snapshot, a line for the log) is on the main
 * thread.
 */
#include "dreamer/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "dreamer/process.h"

enum { SETUP_MS = 10000, PULSE_US = 250000 };

struct child {
    struct wire_setup setup; /* immutable after open, as is the next */
    struct wire_memory memory;
    struct clock clock;
    struct stats stats;
    struct stop stop;
    struct port *port;
    struct keyframes *keyframes;
    struct dreamer dreamer;
    int wake_fd; /* the dream has asked, told, or handed over */
    bool has_go, is_over;
    struct wire_go go;
    int64_t asked;     /* the question that was sent last */
    int64_t sent;      /* pictures so far */
    int64_t pulsed_us; /* real time */
};

static void on_log(void *context, enum log_level level, const char *part, const char *text)
{
    (void)context;
    struct wire_message m = {.kind = WIRE_LOG, .log = {.level = level}};
    text_copy(m.log.part, sizeof m.log.part, part);
    text_copy(m.log.text, sizeof m.log.text, text);
    wire_send(PROCESS_SOCKET_FD, &m, true); /* a show that is gone needs no log */
}

static int wait_for_setup(struct child *c, struct error *e)
{
    struct pollfd p = {.fd = PROCESS_SOCKET_FD, .events = POLLIN};
    struct wire_message m;
    int rc = poll(&p, 1, SETUP_MS) == 1 ? wire_receive(PROCESS_SOCKET_FD, &m) : -ETIMEDOUT;
    if (rc != 1 || m.kind != WIRE_SETUP)
        return error_set(e, EINVAL,
                         "`reverie dreamer` is a part of `reverie run`, which starts it by itself");
    c->setup = m.setup;
    return 0;
}

int child_open(struct child **out, struct error *e)
{
    struct child *c = *out = xcalloc(1, sizeof *c);
    c->stop.fd = c->wake_fd = -1;
    int rc = wait_for_setup(c, e);
    if (rc == 0) {
        process_die_with_parent((pid_t)c->setup.parent_pid);
        signal(SIGINT, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        log_set_level((enum log_level)c->setup.log_level);
        log_set_writer(on_log, NULL);
        rc = wire_memory_map(&c->memory, PROCESS_MEMORY_FD, &c->setup.config, c->setup.has_frames);
        if (rc < 0)
            error_set(e, -rc, "the memory of the show is not what it should be");
    }
    if (rc < 0)
        child_close(out);
    return rc;
}

void child_close(struct child **out)
{
    struct child *c = *out;
    if (!c)
        return;
    log_set_writer(NULL, NULL);
    port_close(&c->port);
    keyframes_close(&c->keyframes);
    stop_close(&c->stop);
    if (c->wake_fd >= 0)
        close(c->wake_fd);
    wire_memory_close(&c->memory);
    free(c);
    *out = NULL;
}

const struct wire_setup *child_setup(const struct child *c)
{
    return &c->setup;
}

void child_refuse(struct child *c, const char *why)
{
    (void)c;
    struct wire_message m = {.kind = WIRE_REFUSED};
    text_copy(m.refused, sizeof m.refused, why);
    wire_send(PROCESS_SOCKET_FD, &m, true);
}

/* ---- out: what the dream wants to say ---- */

static void send_out(struct child *c, const struct wire_message *m)
{
    if (wire_send(PROCESS_SOCKET_FD, m, true) < 0)
        c->is_over = true; /* nobody is there any more */
}

static void send_question(struct child *c)
{
    struct wire_message m = {.kind = WIRE_ASK};
    int64_t question = port_pending(c->port, &m.ask_s);
    if (question <= c->asked)
        return;
    c->asked = question;
    send_out(c, &m);
}

static void send_pictures(struct child *c)
{
    const struct keyframe *k;
    while ((k = keyframes_peek(c->keyframes, c->sent))) {
        struct wire_message m = {.kind = WIRE_PICTURE,
                                 .picture = {.number = c->sent,
                                             .z_frames = k->z_frames,
                                             .request_id = k->request_id,
                                             .zoom_per_frame = k->zoom_per_frame,
                                             .degrees_per_frame = k->degrees_per_frame,
                                             .front = k->front,
                                             .x = k->x,
                                             .y = k->y,
                                             .is_frame = k->is_frame,
                                             .made = k->made}};
        text_copy(m.picture.caption, sizeof m.picture.caption, k->caption);
        send_out(c, &m);
        c->sent++;
    }
}

static void send_state(struct child *c)
{
    struct wire_message m = {.kind = WIRE_STATE};
    if (port_news(c->port, &m.state))
        send_out(c, &m);
}

static void send_pulse(struct child *c)
{
    if (clock_real_us() - c->pulsed_us < PULSE_US)
        return;
    c->pulsed_us = clock_real_us();
    struct wire_message m = {.kind = WIRE_PULSE,
                             .pulse = {.steps = stats_get(&c->stats, STAT_STEPS),
                                       .step_us = stats_get(&c->stats, STAT_STEP_US),
                                       .restores = stats_get(&c->stats, STAT_RESTORES)}};
    send_out(c, &m);
}

/* The dream's thread. */
static void on_snapshot(void *context, int place)
{
    const struct child *c = context;
    struct wire_message m = {.kind = WIRE_SNAPSHOT,
                             .snapshot = {.place = place, .target = c->memory.places[place]->target.number}};
    wire_send(PROCESS_SOCKET_FD, &m, true);
}

static void send_all(struct child *c)
{
    send_question(c);
    send_pictures(c);
    send_state(c);
}

/* ---- in ---- */

static void take_taken(struct child *c, int64_t count)
{
    int64_t published, taken;
    keyframes_count(c->keyframes, &published, &taken);
    for (; taken < count && taken < published; taken++)
        keyframes_next(c->keyframes, 0);
}

static void obey(struct child *c, const struct wire_message *m)
{
    if (m->kind == WIRE_GO) {
        c->has_go = true;
        c->go = m->go;
    } else if (m->kind == WIRE_ANSWER) {
        port_answer(c->port, m->answer.has_target ? &m->answer.target : NULL);
    } else if (m->kind == WIRE_TAKEN) {
        take_taken(c, m->taken);
    } else if (m->kind == WIRE_STOP) {
        c->is_over = true;
    }
}

static void listen_once(struct child *c)
{
    struct wire_message m;
    struct pollfd fds[] = {{.fd = PROCESS_SOCKET_FD, .events = POLLIN}, {.fd = c->wake_fd, .events = POLLIN}};
    uint64_t count;
    int rc = 1;
    poll(fds, ARRAY_LEN(fds), PULSE_US / 1000);
    if (fds[1].revents && read(c->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        c->is_over = true;
    while (!c->is_over && (rc = wire_receive(PROCESS_SOCKET_FD, &m)) == 1)
        obey(c, &m);
    if (rc < 0)
        c->is_over = true;
}

/* ---- life ---- */

static int open_hand_offs(struct child *c)
{
    const struct option_size *size = &c->setup.config.size;
    int rc = stop_init(&c->stop);
    if (rc == 0)
        rc = port_open(&c->port);
    if (rc == 0)
        rc = keyframes_open_in(&c->keyframes, size->width_px, size->height_px, c->setup.has_frames,
                               c->memory.slots);
    c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (rc < 0 || c->wake_fd < 0)
        return rc < 0 ? rc : -errno;
    keyframes_follow_position(c->keyframes, c->memory.position);
    keyframes_set_wake_fd(c->keyframes, c->wake_fd);
    port_set_wake_fd(c->port, c->wake_fd);
    return 0;
}

/* What the dreamer goes on from, unless it is damaged; the child that has written it may have been mad. */
static const struct snapshot *resume(struct child *c, struct dream *dream, const struct model *model)
{
    const struct wire_setup *u = &c->setup;
    struct error e = {""};
    if (u->resume_place < 0 || u->resume_place >= SNAPSHOT_PLACES)
        return NULL;
    struct snapshot *s = c->memory.places[u->resume_place];
    if (snapshot_check(s, snapshot_bytes(&u->config), &u->config, model, &e) < 0) {
        log_warn("dream", "the dream begins anew; what is kept of it cannot be used: %s", e.text);
        return NULL;
    }
    return dream_load(dream, &s->dream, snapshot_planes(s)) == 0 ? s : NULL;
}

static int begin(struct child *c, struct dream *dream, const struct snapshot *resumed)
{
    const struct wire_setup *u = &c->setup;
    const struct dreamer_params p = {
        .dream = dream,
        .keyframes = c->keyframes,
        .port = c->port,
        .clock = &c->clock,
        .start_us = c->go.start_us,
        .stats = &c->stats,
        .stop = &c->stop,
        .mode = (enum dreamer_mode)u->mode,
        .governor = u->governor,
        .frame_governor = u->frame_governor,
        .retreat_s = u->retreat_s,
        .keyframes_lag_s = u->keyframes_lag_s,
        .zoom_per_frame = u->zoom_per_frame,
        .degrees_per_frame = u->degrees_per_frame,
        .follows = u->follows != 0,
        .fps = u->fps,
        .snapshots = {.config = &u->config,
                      .places = {c->memory.places[0], c->memory.places[1]},
                      .next = resumed && u->resume_place == 0 ? 1 : 0,
                      .every_us = u->snapshot_every_us,
                      .taken = on_snapshot,
                      .context = c},
        .resumed = resumed,
        .z_least = c->go.z_least,
    };
    if (u->has_target)
        port_answer(c->port, &u->target); /* waits there for the first question */
    return dreamer_start(&c->dreamer, &p);
}

static void end(struct child *c)
{
    stop_request(&c->stop);
    keyframes_shutdown(c->keyframes);
    port_shutdown(c->port);
    dreamer_stop(&c->dreamer); /* which takes a last snapshot */
}

int child_run(struct child *c, struct dream *dream, const struct model *model)
{
    const struct wire_message ready = {.kind = WIRE_READY};
    int rc = open_hand_offs(c);
    if (rc < 0)
        return rc;
    clock_init_monotonic(&c->clock);
    const struct snapshot *resumed = resume(c, dream, model);
    send_out(c, &ready);
    while (!c->is_over && !c->has_go)
        listen_once(c);
    if (!c->is_over)
        rc = begin(c, dream, resumed);
    while (!c->is_over && rc == 0) {
        listen_once(c);
        send_all(c);
        send_pulse(c);
    }
    end(c);
    return rc;
}
