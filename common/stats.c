/*
 * stats - the names; see stats.h.
 */
#include "common/stats.h"

const struct stat_info stat_infos[STAT_COUNT] = {
#define X(id, name, counter, text) [STAT_##id] = {name, text, counter},
    STATS_LIST(X)
#undef X
};
