/*
 * commands_tug - the tug of war in words: !1 and !2, a bare "1" or "2", or the name of one of the two things while both
 * are on.
 *
 * In a channel a vote has no answer: the front on the picture moves, and a hundred replies would drown all others. A
 * name is a vote only where it is all that the line says and fits just one of the two; "!dream pizza" is a wish still,
 * and so is a line that was paid for, the operator's, and what is typed into the page, which has buttons.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "chatbot/bot.h"
#include "show/record.h"
#include "show/tug.h"

void chatbot_set_tug(struct chatbot *b, struct tug *tug)
{
    b->tug = tug;
}

static const char *name_of(const struct tug_view *v, int i)
{
    return synset_table[v->synset[i]].names[0];
}

static void tell_votes(struct chat_call *c, const char *before, const struct tug_view *v)
{
    chat_print(c, "%s%s %d, %s %d, and %.0f %% of the picture for the upper one. Pull with !1 or !2.", before,
               name_of(v, 0), v->votes[0], name_of(v, 1), v->votes[1], 100 * v->front);
}

static void pull(struct chat_call *c, enum tug_side side)
{
    struct tug_view v;
    int rc = c->bot->tug ? tug_vote(c->bot->tug, c->key, side, c->now_s) : -ENOENT;
    if (c->origin == CHAT_IRC)
        c->answered = false;
    if (rc == -ENOENT)
        chat_print(c, "There is nothing to pull at: wish for two things, like \"goldfish + pizza\".");
    else if (rc == -EPERM)
        chat_print(c, "A moderator has taken the rope away.");
    if (rc == -ENOENT || rc == -EPERM)
        return;
    tug_look(c->bot->tug, &v);
    if (rc == 0)
        tell_votes(c, "Heave! ", &v);
    else
        chat_print(c, "%s has won this one. Spit in your hands, the next one begins in a moment.",
                   name_of(&v, v.winner == TUG_LOWER));
}

void run_upper(struct chat_call *c)
{
    pull(c, TUG_UPPER);
}

void run_lower(struct chat_call *c)
{
    pull(c, TUG_LOWER);
}

static void stop(struct chat_call *c, bool stopped)
{
    tug_stop(c->bot->tug, stopped);
    record_command(c->bot->record, &c->who, stopped ? "tug off" : "tug on");
    chat_print(c,
               stopped ? "I have taken the rope away. !tug on brings it back." : "Here is the rope again.");
}

void run_tug(struct chat_call *c)
{
    struct tug_view v = {.is_on = false};
    if (c->bot->tug)
        tug_look(c->bot->tug, &v);
    bool off = strcasecmp(c->rest, "off") == 0, on = strcasecmp(c->rest, "on") == 0;
    if (c->rest[0] && !off && !on)
        chat_print(c, "Say it like this: !tug, !tug off, !tug on.");
    else if (c->rest[0] && !chat_is_moderator(c))
        chat_print(c, "The rope is the moderators'. You may pull at it.");
    else if (c->rest[0] && c->bot->tug)
        stop(c, off);
    else if (v.is_stopped)
        chat_print(c, "A moderator has taken the rope away.");
    else if (!v.is_on)
        chat_print(c, "Nobody pulls at anything: wish for two things, like \"goldfish + pizza\".");
    else
        tell_votes(c, "", &v);
}

/* The one of the two that all of the line names; TUG_NOBODY: none, both, or more than a name. */
static enum tug_side named(const struct chat_call *c, const char *line, const struct tug_view *v)
{
    struct synsets_result r;
    synsets_resolve(line, strlen(line), &c->known, &r);
    bool plain = r.count == 1 && r.verdict == SYNSETS_OK && r.subject[0].slips == 0 && r.talk == 0 &&
                 r.change.at == 0 && r.change.s <= 0 && r.manner[0].weight == 0 &&
                 r.manner[0].place == SYNSETS_ANYWHERE && synsets_is_plain(&r);
    bool fits[2] = {false, false};
    for (int i = 0; plain && i < r.subject[0].head_count; i++)
        for (int k = 0; k < 2; k++)
            fits[k] = fits[k] || r.subject[0].choices[i] == v->synset[k];
    return fits[0] == fits[1] ? TUG_NOBODY : fits[0] ? TUG_UPPER : TUG_LOWER;
}

bool chat_pulls(struct chat_call *c, const char *line)
{
    struct tug_view v = {.is_on = false};
    bool digit = (line[0] == '1' || line[0] == '2') && !line[1];
    if (c->bot->tug && !c->paid && (digit || c->origin == CHAT_IRC || c->origin == CHAT_SCRIPT))
        tug_look(c->bot->tug, &v);
    if (!v.is_on)
        return false;
    enum tug_side side = digit ? (line[0] == '1' ? TUG_UPPER : TUG_LOWER) : named(c, line, &v);
    if (side)
        pull(c, side);
    return side != TUG_NOBODY;
}

void chat_forget_pull(struct chatbot *b, const struct person *who)
{
    char key[REQUEST_USER_BYTES];
    if (!b->tug)
        return;
    tug_forget(b->tug, who ? who->login : NULL);
    if (who)
        tug_forget(b->tug, rules_key(who, key));
}

void chatbot_won(struct chatbot *b, int winner_synset, int votes, int votes_against)
{
    char text[CHAT_REPLY_BYTES];
    if (b->replies == CHAT_REPLIES_NONE)
        return;
    snprintf(text, sizeof text, "%s wins, %d to %d, and has all of my mind for ten seconds.",
             synset_table[winner_synset].names[0], votes, votes_against);
    chat_announce(b, text);
}
