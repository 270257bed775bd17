/*
 * rehearse_faults - what a rehearsal does to a show, one thing after the other: each fault says how it begins and ends, by
 * what the show can be seen to have noticed it, and what must be true when it is over.
 *
 * All of them are done from within, with nothing that needs a right: a stand-in for the outputs, the process's own limit for
 * files, signals to the show's own dreamer, loops on all processors. Watcher's thread only.
 */
#ifndef APP_REHEARSE_FAULTS_H
#define APP_REHEARSE_FAULTS_H

#include "app/dreaming.h"
#include "common/stats.h"
#include "rehearsal/town.h"
#include "stream/stream.h"

enum { FAULTS_BUSY_MAX = 64 };

/* What faults are done to, and what is remembered from their beginning. */
struct fault_scene {
    struct dreaming *dreaming;
    struct stats *stats;
    struct town *town;
    struct stand_in stand_in;
    _Atomic int chat_state; /* enum irc_state */
    _Atomic int chat_logins;

    int64_t before;    /* of the count that the fault is seen by */
    int64_t steps;     /* when the dreamer was seen to be gone */
    uint64_t file_max; /* the limit that was there */
    atomic_bool busy;
    struct thread loops[FAULTS_BUSY_MAX];
    int loop_count;
};

struct fault {
    const char *name;
    double lasts_s, heals_s;
    double echoes_s;     /* its warnings may come so much later; 0: a little */
    const char *parts;   /* of the log whose warnings it explains, with blanks between */
    const char *outputs; /* whose troubles it explains; "*": all */
    bool stills_dream;   /* it explains that no new picture comes */
    bool kills_dreamer;
    bool wants_notice;
    /* NULL, or why it cannot be done here. */
    const char *(*begin)(struct fault_scene *s);
    void (*end)(struct fault_scene *s);
    bool (*is_noticed)(struct fault_scene *s);
    bool (*is_healed)(struct fault_scene *s);
};

/* The plan, in its order; `name` NULL ends it. */
extern const struct fault fault_plan[];

#endif
