/*
 * commands_camera - what everybody may do to the camera for a while: slow, fast, still, spin, dive,
 * left, right.
 *
 * One wish takes the place of the last, and for viewers there is a rest between two, for all of them together: a
 * camera that jerks to and fro is nobody's pleasure. How far it goes is not decided here (dreamer/motion.h).
 */
#include <math.h>

#include "chatbot/bot.h"

enum { STEER_REST_S = 20 };

void chatbot_on_steer(struct chatbot *b, void (*steer)(void *context, enum chat_steer how), void *context)
{
    b->steer = steer;
    b->steer_context = context;
}

/* Seconds that a viewer must wait; 0: it is his now. */
static double rest_s(struct chat_call *c)
{
    struct chatbot *b = c->bot;
    pthread_mutex_lock(&b->lock);
    double left_s = chat_is_moderator(c) || !b->has_steered ? 0 : b->steered_s + STEER_REST_S - c->now_s;
    if (left_s <= 0) {
        b->has_steered = true;
        b->steered_s = c->now_s;
    }
    pthread_mutex_unlock(&b->lock);
    return left_s > 0 ? left_s : 0;
}

static void steer(struct chat_call *c, enum chat_steer how, const char *text)
{
    double left_s = c->bot->steer ? rest_s(c) : 0;
    if (!c->bot->steer) {
        chat_print(c, "My eyes are closed; there is nothing to steer.");
    } else if (left_s > 0) {
        chat_print(c, "I am dizzy from the last one. Ask again in %d s.", (int)ceil(left_s));
    } else {
        c->bot->steer(c->bot->steer_context, how);
        chat_print(c, "%s", text);
    }
}

void run_slow(struct chat_call *c)
{
    steer(c, CHAT_STEER_SLOW, "I fall more slowly for a while.");
}

void run_fast(struct chat_call *c)
{
    steer(c, CHAT_STEER_FAST, "I fall faster for a while. Hold on to something.");
}

void run_still(struct chat_call *c)
{
    steer(c, CHAT_STEER_STILL, "I hold still for a moment.");
}

void run_spin(struct chat_call *c)
{
    steer(c, CHAT_STEER_SPIN, "Round and round I go. Do not look at the middle.");
}

void run_dive(struct chat_call *c)
{
    steer(c, CHAT_STEER_DIVE, "I dive into it. Take a deep breath.");
}

void run_left(struct chat_call *c)
{
    steer(c, CHAT_STEER_LEFT, "I lean to the left for a while.");
}

void run_right(struct chat_call *c)
{
    steer(c, CHAT_STEER_RIGHT, "I lean to the right for a while.");
}
