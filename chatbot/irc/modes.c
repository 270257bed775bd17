/*
 * modes - see modes.h. The ids of refusals: https://dev.twitch.tv/docs/irc/msg-id/
 */
#include "chatbot/irc/modes.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum { TOLD_SLOW = 62, TOLD_EMOTES = 61, SLOW_GUESS_S = 30 };

#define MAKE_MODERATOR "make the bot a moderator or VIP there: /mod or /vip and its name"

static const struct {
    const char *id;
    int pauses; /* so many times the usual one */
    const char *advice;
} refusals[] = {
    {"msg_ratelimit", 1, "the bot spoke too often; it is silent for a while. " MAKE_MODERATOR},
    {"msg_slowmode", 0, "slow mode keeps the bot from answering in time; " MAKE_MODERATOR},
    {"msg_followersonly", 1, "only followers may speak; let the bot follow, or " MAKE_MODERATOR},
    {"msg_followersonly_followed", 1, "the bot has not followed for long enough; " MAKE_MODERATOR},
    {"msg_followersonly_zero", 1, "only followers may speak; let the bot follow, or " MAKE_MODERATOR},
    {"msg_subsonly", 1, "only subscribers may speak; " MAKE_MODERATOR},
    {"msg_emoteonly", 1, "only emotes are allowed; " MAKE_MODERATOR},
    {"msg_requires_verified_phone_number", 1,
     "the bot's account needs a verified phone number to speak here; give it one, or " MAKE_MODERATOR},
    {"msg_verified_email", 1, "the bot's account needs a verified e-mail address to speak here"},
    {"msg_r9k", 0, "unique-chat mode refuses answers that repeat; " MAKE_MODERATOR},
    {"msg_duplicate", 0, NULL},
    {"msg_rejected", 0, "AutoMod holds an answer back until a moderator looks; " MAKE_MODERATOR},
    {"msg_rejected_mandatory", 0, "AutoMod refused an answer; " MAKE_MODERATOR},
    {"msg_timedout", 2, "the bot is timed out there; it is silent for a while"},
    {"msg_banned", 2, "the bot is banned there; let it speak again with /unban and its name"},
    {"msg_channel_suspended", 2, "the channel is suspended"},
};

/* False: the operator knows that already. */
static bool tell(struct irc_modes *m, int bit)
{
    bool is_new = !(m->told >> bit & 1);
    m->told |= UINT64_C(1) << bit;
    return is_new;
}

static void forget(struct irc_modes *m, int bit)
{
    m->told &= ~(UINT64_C(1) << bit);
}

void irc_modes_take(struct irc_modes *m, const struct irc_event *ev, char advice[IRC_ADVICE_BYTES])
{
    advice[0] = '\0';
    if (ev->kind == IRC_EV_SELF)
        m->exempt = ev->message.roles & (IRC_MODERATOR | IRC_VIP | IRC_BROADCASTER);
    if (ev->kind == IRC_EV_ROOM && ev->modes.slow_s >= 0)
        m->slow_s = ev->modes.slow_s;
    if (ev->kind == IRC_EV_ROOM && ev->modes.emote_only >= 0)
        m->emote_only = ev->modes.emote_only > 0;
    if (m->slow_s == 0)
        forget(m, TOLD_SLOW);
    if (!m->emote_only)
        forget(m, TOLD_EMOTES);
    if (m->exempt)
        return;
    if (m->emote_only && tell(m, TOLD_EMOTES))
        snprintf(advice, IRC_ADVICE_BYTES, "%s takes only emotes, so the bot is silent; " MAKE_MODERATOR,
                 ev->channel);
    else if (m->slow_s > 1 && tell(m, TOLD_SLOW))
        snprintf(advice, IRC_ADVICE_BYTES,
                 "%s is in slow mode: the bot answers once in %lld s and joins answers; " MAKE_MODERATOR,
                 ev->channel, (long long)m->slow_s);
}

/* "You will be able to talk again in 12 seconds." */
static int64_t first_number(const char *text)
{
    while (*text && !isdigit((unsigned char)*text))
        text++;
    return *text ? strtoll(text, NULL, 10) : 0;
}

double irc_modes_refused(struct irc_modes *m, const struct irc_event *ev, double pause_s,
                         char advice[IRC_ADVICE_BYTES])
{
    advice[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (strcmp(ev->id, refusals[i].id) != 0)
            continue;
        if (refusals[i].advice && tell(m, (int)i))
            snprintf(advice, IRC_ADVICE_BYTES, "%s: %s", ev->channel, refusals[i].advice);
        if (strcmp(ev->id, "msg_slowmode") != 0)
            return refusals[i].pauses * pause_s;
        if (m->slow_s == 0)
            m->slow_s = SLOW_GUESS_S; /* until ROOMSTATE says better */
        int64_t wait_s = first_number(ev->message.text);
        return (double)(wait_s > 0 && wait_s <= 3600 ? wait_s : m->slow_s);
    }
    return 0;
}

double irc_modes_gap_s(const struct irc_modes *m)
{
    return m->exempt ? 0 : (double)m->slow_s;
}

bool irc_modes_mute(const struct irc_modes *m)
{
    return m->emote_only && !m->exempt;
}
