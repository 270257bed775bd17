/*
 * supervisor_hear - what a dreamer's process says, and what the show makes of it. Nothing is believed: each of these
 * returns NULL, or why what was said cannot be true.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "dreamer/supervisor_parts.h"

enum { LOG_A_SECOND = 50 };

static const char *hear_ready(struct supervisor *s)
{
    vitals_ready(&s->vitals);
    supervisor_progress(s, SUPERVISOR_OPENED, 0, "");
    return NULL;
}

/* At the start of the show that ends it; later it is one more death. */
static const char *hear_refused(struct supervisor *s, const char *why)
{
    if (!supervisor_progress(s, SUPERVISOR_REFUSED, -EIO, why))
        log_warn("dreamer", "the dream cannot be opened again: %s", why);
    return "that it cannot go on";
}

/* The programme is asked on its behalf. */
static const char *hear_question(struct supervisor *s, double now_s)
{
    struct wire_message m = {.kind = WIRE_ANSWER};
    struct port *port = supervisor_port(s);
    if (!port || !(now_s >= 0 && now_s < 1e12))
        return "a question from another time";
    m.answer.has_target = port_ask(port, now_s, false, &m.answer.target);
    if (m.answer.has_target)
        intake_target(&s->intake, &m.answer.target);
    return wire_send(s->process.socket_fd, &m, false) < 0 ? "nothing that could be answered" : NULL;
}

/* Sums of shares are rounded. */
static bool is_share(double v)
{
    return v > -1e-6 && v < 1 + 1e-6;
}

/* What it says that the network sees. */
static bool sees_classes(const struct supervisor *s, const struct port_state *state)
{
    bool good = state->seen_count >= 0 && state->seen_count <= PORT_SEEN_MAX && state->share > -2 &&
                state->share < 1 + 1e-6;
    for (int i = 0; good && i < state->seen_count; i++)
        good = state->seen[i].class_index >= 0 &&
               (!s->p.model || state->seen[i].class_index < s->p.model->classes) &&
               is_share((double)state->seen[i].probability);
    return good;
}

static const char *hear_state(struct supervisor *s, const struct port_state *state)
{
    bool good = is_share(state->extreme) && state->lag_s >= 0 && state->lag_s < 1e6 && state->mean >= -1e6 &&
                state->mean < 1e6 && state->contrast >= 0 && state->contrast < 1e6 && state->colour >= 0 &&
                state->colour < 1e6;
    for (int i = 0; i < PORT_SUBJECTS_MAX; i++)
        good = good && is_share(state->belief[i]);
    if (!good || !sees_classes(s, state))
        return "numbers that no dream has";
    s->state = *state;
    text_clean(s->state.backend, sizeof s->state.backend, state->backend, strlen(state->backend));
    text_clean(s->state.hardware, sizeof s->state.hardware, state->hardware, strlen(state->hardware));
    s->on_gpu = strcmp(s->state.backend, "cpu") != 0 && strcmp(s->state.backend, "null") != 0 &&
                supervisor_may_use_gpu(s);
    supervisor_tell(s);
    return NULL;
}

static const char *hear_pulse(struct supervisor *s, const struct wire_pulse *now)
{
    static const int64_t most = INT64_C(1) << 40;
    const struct wire_pulse *old = &s->pulse;
    if (now->steps < old->steps || now->step_us < old->step_us || now->restores < old->restores ||
        now->steps > most || now->step_us > most || now->restores > most)
        return "that it has done less than nothing";
    stats_add(s->p.stats, STAT_STEPS, now->steps - old->steps);
    stats_add(s->p.stats, STAT_STEP_US, now->step_us - old->step_us);
    stats_add(s->p.stats, STAT_RESTORES, now->restores - old->restores);
    if (now->steps > old->steps)
        vitals_got_on(&s->vitals);
    s->pulse = *now;
    return NULL;
}

static const char *hear_snapshot(struct supervisor *s, const struct wire_snapshot *n)
{
    if (n->place < 0 || n->place >= SNAPSHOT_PLACES)
        return "a snapshot that is nowhere";
    s->place = n->place;
    s->place_target = n->target;
    if (s->p.keep)
        s->p.keep(s->p.context, s->memory.places[s->place], false);
    return NULL;
}

static const char *hear_log(struct supervisor *s, const struct wire_log *l)
{
    if (l->level < LOG_ERROR || l->level > LOG_DEBUG)
        return "a line of no level";
    if (clock_real_us() - s->log_second_us > 1000000) {
        if (s->log_lines > LOG_A_SECOND)
            log_warn("dreamer", "%d lines of the dreamer were left out", s->log_lines - LOG_A_SECOND);
        s->log_second_us = clock_real_us();
        s->log_lines = 0;
    }
    if (++s->log_lines <= LOG_A_SECOND)
        log_write((enum log_level)l->level, l->part, "%s", l->text);
    return NULL;
}

static void say_who_is_back(struct supervisor *s)
{
    log_info("dreamer", "the dreamer is back after %.1f s", (double)(clock_real_us() - s->died_us) / 1e6);
    s->died_us = 0;
    supervisor_tell(s);
}

const char *supervisor_deliver(struct supervisor *s)
{
    const char *lie = NULL;
    if (intake_deliver(&s->intake, &lie)) {
        vitals_got_on(&s->vitals);
        if (s->died_us)
            say_who_is_back(s);
    }
    int64_t taken = intake_taken(&s->intake);
    const struct wire_message m = {.kind = WIRE_TAKEN, .taken = taken};
    if (taken >= 0 && wire_send(s->process.socket_fd, &m, false) < 0 && !lie)
        lie = "nothing that could be answered";
    return lie;
}

static const char *hear_picture(struct supervisor *s, const struct wire_picture *p)
{
    const char *lie = intake_picture(&s->intake, p);
    return lie ? lie : supervisor_deliver(s);
}

const char *supervisor_hear(struct supervisor *s, const struct wire_message *m)
{
    vitals_heard(&s->vitals);
    switch (m->kind) {
    case WIRE_READY:
        return hear_ready(s);
    case WIRE_REFUSED:
        return hear_refused(s, m->refused);
    case WIRE_ASK:
        return hear_question(s, m->ask_s);
    case WIRE_PICTURE:
        return hear_picture(s, &m->picture);
    case WIRE_STATE:
        return hear_state(s, &m->state);
    case WIRE_PULSE:
        return hear_pulse(s, &m->pulse);
    case WIRE_SNAPSHOT:
        return hear_snapshot(s, &m->snapshot);
    case WIRE_LOG:
        return hear_log(s, &m->log);
    default:
        return "what only a show says";
    }
}

/* What libraries write to stderr, line by line into the log. */
void supervisor_read_errors(struct supervisor *s)
{
    char piece[SUPERVISOR_LINE_BYTES];
    ssize_t n = read(s->process.errors_fd, piece, sizeof piece);
    for (ssize_t i = 0; i < n; i++) {
        if (piece[i] != '\n')
            s->errors[s->errors_bytes++] = piece[i] ? piece[i] : ' ';
        if ((piece[i] != '\n' && s->errors_bytes < sizeof s->errors - 1) || s->errors_bytes == 0)
            continue;
        struct wire_log line = {.level = LOG_WARN, .part = "dreamer"};
        s->errors[s->errors_bytes] = '\0';
        text_copy(line.text, sizeof line.text, s->errors);
        s->errors_bytes = 0;
        hear_log(s, &line);
    }
}
