/*
 * life - see life.h.
 */
#include "chatbot/irc/life.h"

#include <string.h>

#include "common/backoff.h"

const struct irc_tuning irc_tuning_default = {
    .connect_us = 10000000,
    .login_us = 15000000,
    .join_us = 10000000,
    .join_tries = 3,
    .join_slow_us = 60000000,
    .ping_us = 45000000,
    .pong_us = 15000000,
    .retry_min_us = 1000000,
    .retry_max_us = 60000000,
    .stable_us = 30000000,
    .quick_us = 500000,
    .login_retry_us = 60000000,
    .fallback_us = 900000000,
    .pause_us = 30000000,
    .limits = {.per_window = 18,
               .reserved = 4,
               .window_us = 30000000,
               .gap_us = 1100000,
               .stale_us = 10000000,
               .max_chars = 500,
               .max_bytes = IRC_OUT_BYTES - 1},
};

void irc_life_init(struct irc_life *l, const struct irc_tuning *tuning, uint64_t seed)
{
    memset(l, 0, sizeof *l);
    l->tuning = tuning;
    l->rng = rng_make(seed, 61);
}

void irc_life_attempt(struct irc_life *l, int64_t now_us)
{
    l->began_us[l->attempts++ % IRC_LOGINS_MAX] = now_us;
}

/* The earliest time that keeps any 20 + 1 attempts from falling into one window. */
static int64_t allowed_us(const struct irc_life *l)
{
    if (l->attempts < IRC_LOGINS_MAX)
        return INT64_MIN;
    return l->began_us[l->attempts % IRC_LOGINS_MAX] + IRC_LOGINS_WINDOW_US;
}

int64_t irc_life_next_us(struct irc_life *l, enum irc_outcome outcome, int64_t online_us, int64_t now_us)
{
    bool stable = online_us >= l->tuning->stable_us;
    if (stable)
        l->failures = 0;
    int64_t next;
    if (outcome == IRC_END_LOGIN) {
        next = now_us + backoff_jitter_us(&l->rng, l->tuning->login_retry_us, 1.0, 1.25);
    } else if (outcome == IRC_END_TOKEN || (outcome == IRC_END_RECONNECT && stable)) {
        next = now_us + backoff_jitter_us(&l->rng, l->tuning->quick_us, 0.75, 1.25);
    } else {
        next = now_us + backoff_us(&l->rng, l->failures, l->tuning->retry_min_us, l->tuning->retry_max_us);
        l->failures++;
    }
    return next > allowed_us(l) ? next : allowed_us(l);
}
