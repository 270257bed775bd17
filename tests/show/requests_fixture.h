/*
 * requests_fixture - what the tests of requests begin with: a rhythm, a queue of four, and one line to add a wish.
 */
#ifndef TESTS_SHOW_REQUESTS_FIXTURE_H
#define TESTS_SHOW_REQUESTS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "show/requests.h"

enum { GOLDFISH = 1, TENCH = 0, VOLCANO = 980, PIZZA = 963 };

static const struct show_config config = {.hold_s = 60, .idle_s = 30, .queue_max = 4, .daydream = true};
static struct stats stats;

static inline struct synsets_known knows(int count)
{
    struct synsets_known known = {{false}};
    for (int i = 0; i < count; i++)
        known.known[i] = true;
    return known;
}

static inline struct requests *open_with(const struct show_config *c, int count, uint64_t seed)
{
    struct requests *r;
    struct synsets_known known = knows(count);
    memset(&stats, 0, sizeof stats);
    assert_int_equal(requests_open(&r, c, &known, seed, &stats), 0);
    return r;
}

static inline int add(struct requests *r, const char *user, int synset, double now_s, double *eta_s)
{
    struct request q = {.count = 1, .synset = {synset}};
    bool replaced;
    snprintf(q.user, sizeof q.user, "%s", user);
    return requests_add(r, &q, now_s, eta_s, &replaced);
}

#endif
