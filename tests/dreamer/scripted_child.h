/*
 * scripted_child - a dreamer's process that plays a part: it dies, hangs or lies on demand. The test's own program, started once more
 * with the words "child PART". It paints instead of dreaming. Most parts are played in the first life only; what
 * follows does its work.
 */
#ifndef TESTS_DREAMER_SCRIPTED_CHILD_H
#define TESTS_DREAMER_SCRIPTED_CHILD_H

#include <dirent.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dreamer/process.h"
#include "dreamer/wire.h"

struct play {
    const char *part;
    struct wire_setup setup;
    struct wire_memory memory;
    struct wire_go go;
    struct port_target target; /* what was answered last */
    int64_t taken, sent, z, steps;
    int life; /* from 1 */
};

static inline void say(const struct wire_message *m)
{
    if (wire_send(PROCESS_SOCKET_FD, m, true) < 0)
        _exit(0);
}

/* The next packet within a quarter of a second; 0: none. */
static inline int hear(struct play *p)
{
    struct wire_message m;
    struct pollfd fd = {.fd = PROCESS_SOCKET_FD, .events = POLLIN};
    poll(&fd, 1, 250);
    int rc = wire_receive(PROCESS_SOCKET_FD, &m);
    if (rc < 0)
        _exit(0);
    if (rc == 0)
        return 0;
    if (m.kind == WIRE_SETUP)
        p->setup = m.setup;
    else if (m.kind == WIRE_GO)
        p->go = m.go;
    else if (m.kind == WIRE_TAKEN)
        p->taken = m.taken;
    else if (m.kind == WIRE_ANSWER && m.answer.has_target)
        p->target = m.answer.target;
    else if (m.kind == WIRE_STOP && strcmp(p->part, "stubborn") != 0)
        _exit(0);
    return m.kind;
}

static inline void wait_for(struct play *p, int kind)
{
    while (hear(p) != kind)
        ;
}

static inline void log_line(const char *text)
{
    struct wire_message m = {.kind = WIRE_LOG, .log = {.level = 2, .part = "child"}};
    snprintf(m.log.text, sizeof m.log.text, "%s", text);
    say(&m);
}

static inline void pulse(struct play *p)
{
    struct wire_message m = {.kind = WIRE_PULSE, .pulse = {.steps = p->steps, .step_us = p->steps}};
    say(&m);
}

/* A grey of 10 times the life, plus its number. */
static inline struct wire_message paint(struct play *p)
{
    struct wire_message m = {
        .kind = WIRE_PICTURE,
        .picture = {.number = p->sent, .z_frames = p->z, .request_id = p->target.request_id}};
    float *rgb = p->memory.slots[p->sent % 3].rgb;
    memcpy(m.picture.caption, p->target.caption, sizeof m.picture.caption);
    for (int i = 0; i < 3 * 64 * 64; i++)
        rgb[i] = (float)(10 * p->life + p->sent % 10);
    p->sent++;
    p->z += 10;
    p->steps += 2;
    return m;
}

/* One picture, once the camera has taken the last. */
static inline void work_once(struct play *p)
{
    struct wire_message ask = {.kind = WIRE_ASK, .ask_s = 1};
    while (p->sent > p->taken) {
        pulse(p);
        hear(p);
    }
    say(&ask);
    wait_for(p, WIRE_ANSWER);
    struct wire_message m = paint(p);
    say(&m);
    struct wire_message state = {.kind = WIRE_STATE, .state = {.lag_s = 1, .mean = p->life}};
    snprintf(state.state.backend, sizeof state.state.backend, "%s", p->part[0] == 'G' ? "cuda" : "cpu");
    say(&state);
}

static inline void snapshot(struct play *p, int place)
{
    struct wire_message m = {.kind = WIRE_SNAPSHOT, .snapshot = {.place = place, .target = p->target.number}};
    say(&m);
}

/* What a mad one says, by name. */
static inline void lie(struct play *p)
{
    const char *what = p->part + 4;
    struct wire_message m = paint(p);
    if (strcmp(what, "nan") == 0)
        p->memory.slots[m.picture.number % 3].rgb[100] = NAN;
    else if (strcmp(what, "number") == 0)
        m.picture.number += 7;
    else if (strcmp(what, "back") == 0)
        m.picture.z_frames = 0;
    else if (strcmp(what, "far") == 0)
        m.picture.z_frames = INT64_MAX;
    else if (strcmp(what, "frame") == 0)
        m.picture.is_frame = 1;
    else if (strcmp(what, "front") == 0)
        m.picture.front = 1.5;
    else if (strcmp(what, "move") == 0)
        m.picture.zoom_per_frame = NAN;
    else if (strcmp(what, "point") == 0)
        m.picture.x = NAN;
    else if (strcmp(what, "seen") == 0)
        m = (struct wire_message){.kind = WIRE_STATE, .state = {.seen_count = 1000}};
    else if (strcmp(what, "caption") == 0)
        snprintf(m.picture.caption, sizeof m.picture.caption, "buy now");
    else if (strcmp(what, "place") == 0)
        m = (struct wire_message){.kind = WIRE_SNAPSHOT, .snapshot = {.place = -1}};
    else if (strcmp(what, "pulse") == 0)
        m = (struct wire_message){.kind = WIRE_PULSE, .pulse = {.steps = -1}};
    else if (strcmp(what, "state") == 0)
        m = (struct wire_message){.kind = WIRE_STATE, .state = {.belief = {NAN}}};
    else if (strcmp(what, "level") == 0)
        m = (struct wire_message){.kind = WIRE_LOG, .log = {.level = 99}};
    else if (strcmp(what, "show") == 0)
        m = (struct wire_message){.kind = WIRE_TAKEN};
    else if (strcmp(what, "time") == 0)
        m = (struct wire_message){.kind = WIRE_ASK, .ask_s = NAN};
    if (strcmp(what, "kind") == 0)
        m.kind = 1000, send(PROCESS_SOCKET_FD, &m, 100, 0);
    else if (strcmp(what, "short") == 0)
        send(PROCESS_SOCKET_FD, &m, 20, 0);
    else
        say(&m);
    while (strcmp(what, "flood") == 0)
        pulse(p);
    for (;;)
        pause();
}

/* What it has of the show's: descriptors, and the environment. */
static inline void report(void)
{
    char text[200];
    int count = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        count++;
    closedir(d);
    snprintf(text, sizeof text, "fds %d key %s cuda %s", count - 3, getenv("REVERIE_RTMP_STREAM_KEY"),
             getenv("REVERIE_CUDA"));
    log_line(text);
    fputs("a library\ncomplains\n", stderr);
}

static inline void misbehave(struct play *p)
{
    if (strcmp(p->part, "exit") == 0 || p->part[0] == 'G')
        _exit(3);
    if (strcmp(p->part, "kill") == 0)
        raise(SIGKILL);
    if (strcmp(p->part, "stop") == 0)
        raise(SIGSTOP);
    while (strcmp(p->part, "stuck") == 0) {
        pulse(p);
        hear(p);
    }
    if (strncmp(p->part, "lie-", 4) == 0)
        lie(p);
}

static inline int play(const char *part)
{
    struct play p = {.part = part, .taken = 0};
    const struct wire_message ready = {.kind = WIRE_READY};
    struct wire_message refused = {.kind = WIRE_REFUSED, .refused = "there is no such model"};
    wait_for(&p, WIRE_SETUP);
    process_die_with_parent((pid_t)p.setup.parent_pid);
    if (strcmp(part, "never") == 0)
        _exit(1);
    if (strcmp(part, "refuse") == 0) {
        say(&refused);
        pause();
    }
    if (wire_memory_map(&p.memory, PROCESS_MEMORY_FD, &p.setup.config, p.setup.has_frames) < 0)
        _exit(9);
    p.life = ++((int *)p.memory.places[1])[2000]; /* nobody else uses the second place here */
    say(&ready);
    wait_for(&p, WIRE_GO);
    p.z = p.go.z_least;
    if (p.setup.has_target)
        p.target = p.setup.target;
    char text[100];
    snprintf(text, sizeof text, "life %d from %d target %lld backend %d", p.life, p.setup.resume_place,
             (long long)p.target.number, p.setup.config.backend);
    log_line(text);
    if (strcmp(part, "good") == 0)
        report();
    for (int i = 0; i < 3; i++)
        work_once(&p);
    snapshot(&p, 0);
    if (p.life == 1 || (part[0] == 'G' && p.setup.config.backend != DREAM_BACKEND_CPU && p.life < 6))
        misbehave(&p);
    for (;;)
        work_once(&p);
}

#endif
