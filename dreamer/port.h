/*
 * port - the door between the programme and the dream: all that crosses it, either way.
 *
 * In: what to dream next (struct port_target). Out: pictures, through common/keyframes (H2), and what the dream
 * says of itself (struct port_state). Nothing else passes: the dream knows no queue, no chat and no script, and the
 * programme knows no network. What crosses is plain data without pointers, of fixed size, so that the two sides
 * can be threads of one process or processes of their own.
 *
 * The dream asks at the beginning of every picture (port_ask, with its show time) and the programme's side
 * answers (port_question, port_answer). Offline the dream waits for the answer, so that a script's line meets the
 * same picture on every machine; live it waits at most ANSWER_US and asks again with the next picture: a
 * programme that hangs never stops the dream. One leaf lock; it guards everything in struct port.
 */
#ifndef DREAMER_PORT_H
#define DREAMER_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/keyframes.h"

enum { PORT_SUBJECTS_MAX = 8, PORT_SEEN_MAX = 5, PORT_NAME_BYTES = 96 };

/* One thing to be seen. Places are shares of the picture, 0..1 from its left and top. */
struct port_subject {
    int32_t class_index; /* of the model */
    float weight;        /* 1, and 0, are as much as the others; below 0: away from it */
    /* Where; it rides along with the zoom. right 0: no place of its own, the dream lays it out beside the
     * others. */
    float left, top, right, bottom;
};

/* How the new target takes over: everywhere at once, more and more, or as a disc that grows from the middle. */
enum port_change { PORT_FADE, PORT_WIPE };

/* A wish for the camera: how it falls for a while. Limits: dreamer/motion.h. */
struct port_motion {
    float speed; /* times the settings' zoom; 1: as always, 0: still */
    float turn;  /* degrees per second on top, clockwise */
    float for_s;
    int32_t aims; /* 1: it falls to the point x, y; 0: to where it would without a wish */
    float x, y;   /* off the picture's middle, shares of its width and height */
};

/* What to dream from now on. */
struct port_target {
    int64_t number;     /* of the targets of this show, from 1; 0: port_answer numbers it */
    int64_t request_id; /* 0: the dream's own idea */
    float fade_s;       /* until it has taken over from what was dreamed before; 0: at once */
    int32_t change;     /* enum port_change */
    int32_t count;      /* 0: keep drifting */
    struct port_subject subjects[PORT_SUBJECTS_MAX];
    char caption[KEYFRAME_CAPTION_BYTES]; /* UTF-8, may be empty; goes with the pictures */
    int32_t only_motion;                  /* 1: all above stays as it is, `motion` is what is new */
    struct port_motion motion;
    int32_t only_front; /* 1: all above stays as it is, `front` is what is new */
    float front;        /* where two that share the picture meet: share of its height from above, 0..1 */
};

/* A class that the network sees, whoever wished for it. */
struct port_seen {
    int32_t class_index; /* of the model */
    float probability;   /* over all of the picture */
};

/* Could the programme have said this? For one that comes from a file or from a process that may have gone mad: counts,
 * numbers and text. Classes are for the dream to look at. */
bool port_target_is_sound(const struct port_target *t);

/* What the dream says of itself, anew with every picture. */
struct port_state {
    int64_t request_id;                     /* of the last picture */
    double lag_s;                           /* from a new target to the screen, about */
    double belief[PORT_SUBJECTS_MAX];       /* how surely each subject is seen, 0..1 */
    double share;                           /* all that are wanted; < 0: not known */
    int32_t seen_count;                     /* 0: nothing is known */
    struct port_seen seen[PORT_SEEN_MAX];   /* what is seen most, surest first */
    double mean, contrast, colour, extreme; /* struct dream_health */
    int32_t dreams_frames;                  /* 1: every frame is dreamed; 0: keyframes */
    int32_t deaths;  /* of the dreamer's process so far; what follows is known without one, too */
    int32_t is_away; /* 1: it died, and the next one has not begun */
    char backend[PORT_NAME_BYTES], hardware[PORT_NAME_BYTES]; /* "cpu", "avx512" */
};

struct port;

/* 0 or -ENOMEM; *p is NULL then. */
int port_open(struct port **p);
void port_close(struct port **p); /* both sides must have stopped; NULL is fine */

/* Ends all waiting on both sides, for good. From any thread. */
void port_shutdown(struct port *p);

/* ---- the programme's side ---- */

/* Waits for the dream's next question and says for which show time it is. False after port_shutdown. */
bool port_question(struct port *p, double *now_s);

/* Answers it: the new target (copied), or NULL: go on as before. */
void port_answer(struct port *p, const struct port_target *t);

/* The latest that the dream said of itself; all zero before its first picture. From any thread. */
void port_state(struct port *p, struct port_state *state);

/* ---- the dream's side ---- */

/* Asks what to dream at `now_s`. True with a new target in *t. `waits`: until there is an answer, else for a
 * moment only. False: go on as before. */
bool port_ask(struct port *p, double now_s, bool waits, struct port_target *t);

void port_tell(struct port *p, const struct port_state *state);

/* ---- for a relay between two processes, which plays the programme's side and waits in poll() ---- */

/* `fd`, an eventfd that does not block, becomes readable whenever the dream has asked or told; -1: none. */
void port_set_wake_fd(struct port *p, int fd);

/* The number of the question that has no answer, for show time *now_s; 0: there is none. Does not wait. */
int64_t port_pending(struct port *p, double *now_s);

/* True when the dream has told something of itself since the last call. For one asker. */
bool port_news(struct port *p, struct port_state *state);

#endif
