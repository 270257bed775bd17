/*
 * commands_rules - what moderators decide, and viewers by vote.
 */
#include <stdlib.h>

#include "chatbot/bot.h"

enum { HOLD_DEFAULT_S = 60, HOLD_MAX_S = 3600 };

static void vote_skip(struct chat_call *c)
{
    struct request now;
    int needed, votes = 0;
    requests_list(c->bot->requests, &now, NULL, 0);
    if (c->bot->rules)
        votes = rules_vote(c->bot->rules, c->key, now.turn, c->now_s, &needed);
    if (votes == 0) {
        chat_print(c, "!skip is for moderators here. Bear with it, or call it art.");
    } else if (votes >= needed) {
        requests_skip(c->bot->requests);
        chat_print(c, "That makes %d of %d: out with it. The next one, please.", votes, needed);
    } else {
        chat_print(c, "%d of %d want something else. Find me %d more who are bored.", votes, needed,
                   needed - votes);
    }
}

void run_skip(struct chat_call *c)
{
    if (!chat_is_moderator(c)) {
        vote_skip(c);
        return;
    }
    requests_skip(c->bot->requests);
    chat_print(c, "Next, please. I was getting bored of it too.");
}

void run_hold(struct chat_call *c)
{
    long seconds = HOLD_DEFAULT_S;
    if (c->rest[0]) {
        char *end;
        seconds = strtol(c->rest, &end, 10);
        if (*end || seconds < 1 || seconds > HOLD_MAX_S) {
            chat_print(c, "!hold takes seconds from 1 to %d, like this: !hold 120.", HOLD_MAX_S);
            return;
        }
    }
    requests_hold(c->bot->requests, c->now_s + (double)seconds);
    chat_print(c, "I stay with this for %ld s. !skip lets go of it.", seconds);
}

static void set_paused(struct chat_call *c, bool paused, const char *said)
{
    if (!c->bot->rules) {
        chat_print(c, "There is nobody here to close the door for.");
        return;
    }
    rules_pause(c->bot->rules, paused);
    chat_print(c, "%s", said);
}

void run_pause(struct chat_call *c)
{
    set_paused(c, true,
               "I take no more wishes; those in the line still have their turn. !resume opens again.");
}

void run_resume(struct chat_call *c)
{
    set_paused(c, false, "I am all ears again.");
}

void run_clear(struct chat_call *c)
{
    int count = requests_clear(c->bot->requests);
    chat_print(c, count == 1 ? "One wish forgotten." : "%d wishes forgotten.", count);
}

void run_quit(struct chat_call *c)
{
    chat_print(c, "Good night. I am closing the recording.");
    c->bot->quit(c->bot->quit_context);
}
