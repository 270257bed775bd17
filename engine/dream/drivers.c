/*
 * drivers - which hardware a dream runs on, and what happens when it goes away.
 *
 * `auto` takes the first driver that can be used here. A driver that is lost on the way (a GPU that fell off
 * its bus, a sticky error) must not end the show: the last picture that was copied out is put into the same
 * driver opened anew, and when that does not help, into the CPU. Until one of them takes it the picture
 * stands still and every step says -EIO; a new try is made every RETRY_US.
 */
#include <errno.h>
#include <stddef.h>

#include "common/clock.h"
#include "common/log.h"
#include "engine/dream/internal.h"

enum { RETRY_US = 10000000, STEADY_US = 60000000 };

/* Those of the registry that the configuration asks for. */
static void choose_drivers(struct dream *d)
{
    int wanted = d->config.backend, count = 0;
    for (const struct backend_ops *const *b = backend_registry; *b; b++)
        if (wanted == DREAM_BACKEND_AUTO ? (*b)->is_auto : (*b)->setting == wanted)
            d->chosen[count++] = *b;
    d->chosen[count] = NULL;
    d->drivers = d->chosen;
}

/* Opens one driver with the copied picture. */
static int open_driver(struct dream *d, const struct backend_ops *ops, struct error *e)
{
    int rc = ops->supports(&d->params, e);
    if (rc == 0)
        rc = ops->open(&d->backend, &d->params, e);
    if (rc < 0)
        return rc;
    rc = ops->put(d->backend, d->copy);
    if (rc < 0) {
        ops->close(&d->backend);
        return error_set(e, -rc, "backend %s: the picture could not be handed over", ops->name);
    }
    if (d->is_low_priority && ops->lower_priority)
        ops->lower_priority(d->backend);
    d->ops = ops;
    if (d->params.detail.width_px > 0 && ops->prepared_views && !ops->has_detail)
        log_info("dream", "backend %s has no detail; dream.detail is for the CPU", ops->name);
    d->opened_us = clock_real_us();
    d->sums = (struct image_sums){0};
    d->moment = 0;
    return 0;
}

/* The first of a list that opens. Why others could not is said in the log, unless they were never built. */
static int open_first(struct dream *d, const struct backend_ops *const *list, struct error *e)
{
    int rc = -ENODEV;
    for (; *list; list++) {
        rc = open_driver(d, *list, e);
        if (rc == 0)
            return 0;
        if (list[1] && rc != -ENOENT)
            log_write(rc == -ENODEV ? LOG_DEBUG : LOG_INFO, "dream", "%s; %s computes instead", e->text,
                      list[1]->name); /* most machines have no card: nothing to tell */
    }
    return rc;
}

int dream_backend_open(struct dream *d, struct error *e)
{
    if (!d->drivers)
        choose_drivers(d);
    return open_first(d, d->drivers, e);
}

static void reopen(struct dream *d, const struct backend_ops *lost, bool was_steady)
{
    struct error e = {""};
    d->tried_us = clock_real_us();
    if (was_steady && open_driver(d, lost, &e) == 0) {
        log_warn("dream", "backend %s: opened anew; the picture goes on", lost->name);
        return;
    }
    if (e.text[0])
        log_warn("dream", "backend %s: %s", lost->name, e.text);
    const struct backend_ops *const *rest = d->drivers;
    while (*rest && *rest != lost)
        rest++;
    if (*rest && rest[1] && open_first(d, rest + 1, &e) == 0)
        log_warn("dream", "backend %s took over; the picture goes on", d->ops->name);
    else if (lost != &backend_cpu && open_driver(d, &backend_cpu, &e) == 0)
        log_warn("dream", "backend cpu took over; the picture goes on");
    else
        log_error("dream", "no backend could be opened (%s); the picture stands still; trying again in %d s",
                  e.text, RETRY_US / 1000000);
}

int dream_backend_check(struct dream *d, int rc)
{
    if (rc == 0 || rc == -ERANGE)
        return rc;
    const struct backend_ops *lost = d->ops;
    log_error("dream", "backend %s was lost (error %d)", lost->name, -rc);
    if (d->is_kept)
        (void)lost->kept(d->backend, d->copy); /* where there is none, the old one stays */
    d->is_kept = false;
    lost->close(&d->backend);
    /* One that breaks again within a minute of being opened is not trusted once more. */
    reopen(d, lost, clock_real_us() - d->opened_us > STEADY_US);
    return rc;
}

bool dream_backend_ready(struct dream *d)
{
    if (!d->backend && clock_real_us() - d->tried_us > RETRY_US)
        reopen(d, d->ops, true);
    return d->backend != NULL;
}

const char *dream_backend_name(const struct dream *d)
{
    return d->backend ? d->ops->name : "none";
}

const char *dream_hardware(const struct dream *d)
{
    return d->backend && d->ops->describe ? d->ops->describe(d->backend) : "";
}

void dream_lower_priority(struct dream *d)
{
    d->is_low_priority = true;
    if (d->backend && d->ops->lower_priority)
        d->ops->lower_priority(d->backend);
}
