/*
 * bitrate - see bitrate.h.
 */
#include "stream/bitrate.h"

enum {
    LOOK_US = 1000000,
    LAG_SLOW_US = 400000,
    LAG_CALM_US = 150000,
    SLOW_LOOKS = 2,
    CALM_LOOKS = 6,
    CALM_AGAIN = 3, /* looks between two steps up */
};

void bitrate_init(struct bitrate *b, int64_t nominal_kbps, int64_t floor_kbps)
{
    *b = (struct bitrate){.nominal_kbps = nominal_kbps,
                          .floor_kbps = floor_kbps < nominal_kbps ? floor_kbps : nominal_kbps,
                          .kbps = nominal_kbps};
}

static int64_t within(const struct bitrate *b, int64_t kbps)
{
    kbps = kbps > b->floor_kbps ? kbps : b->floor_kbps;
    return kbps < b->nominal_kbps ? kbps : b->nominal_kbps;
}

int64_t bitrate_look(struct bitrate *b, int64_t lag_us, int64_t now_us)
{
    if (now_us - b->looked_us < LOOK_US)
        return b->kbps;
    b->looked_us = now_us;
    b->slow = lag_us > LAG_SLOW_US ? b->slow + 1 : 0;
    b->calm = lag_us < LAG_CALM_US ? b->calm + 1 : 0;
    if (b->slow >= SLOW_LOOKS) {
        b->kbps = within(b, b->kbps * 65 / 100);
        b->slow = 0;
    } else if (b->calm >= CALM_LOOKS) {
        b->kbps = within(b, b->kbps * 5 / 4 + 1);
        b->calm = CALM_LOOKS - CALM_AGAIN;
    }
    return b->kbps;
}
