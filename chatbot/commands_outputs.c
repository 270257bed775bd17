/*
 * commands_outputs - where the show goes, and the last minute of it: for moderators. Outputs are named as the settings
 * have them; what was typed is never repeated.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "chatbot/bot.h"
#include "common/text.h"

enum { TYPED_BYTES = 64 };

/* "rtmp (on), twitch (off)". Returns out; "" where there are none. */
static const char *list_outputs(const struct chat_call *c, char *out, size_t size)
{
    const struct chatbot_outputs *o = &c->bot->outputs;
    const char *name;
    size_t n = 0;
    bool on;
    out[0] = '\0';
    for (int i = 0; o->get && n < size && (name = o->get(o->context, i, &on)); i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s (%s)", i ? ", " : "", name, on ? "on" : "off");
    return out;
}

static void tell_outputs(struct chat_call *c, const char *before)
{
    char list[CHAT_REPLY_BYTES / 2];
    if (list_outputs(c, list, sizeof list)[0])
        chat_print(c, "%sI go to: %s.", before, list);
    else
        chat_print(c, "I go nowhere that could be switched.");
}

void run_output(struct chat_call *c)
{
    const struct chatbot_outputs *o = &c->bot->outputs;
    const char *blank = strchr(c->rest, ' '), *word = blank ? blank + 1 : "";
    bool on = strcasecmp(word, "on") == 0;
    char typed[TYPED_BYTES];
    if (!c->rest[0] || !o->turn) {
        tell_outputs(c, "");
        return;
    }
    if (!on && strcasecmp(word, "off") != 0) {
        chat_print(c, "Say it like this: !output NAME on, or !output NAME off.");
        return;
    }
    snprintf(typed, sizeof typed, "%.*s", (int)(blank - c->rest), c->rest);
    const char *name = typed;
    int rc = o->turn(o->context, &name, on);
    if (rc == 0)
        chat_print(c, on ? "%s begins." : "%s comes to its end.", name);
    else if (rc == -EALREADY)
        chat_print(c, "%s is %s already.", name, on ? "on" : "off");
    else if (rc == -ENOENT)
        tell_outputs(c, "Not there. ");
    else
        chat_print(c, "That cannot be switched now.");
}

void run_clip(struct chat_call *c)
{
    const struct chatbot_outputs *o = &c->bot->outputs;
    int rc = o->clip ? o->clip(o->context) : -ENOENT;
    if (rc == 0)
        chat_print(c, "Kept. The last minute is among the clips in a moment.");
    else if (rc == -EBUSY)
        chat_print(c, "I have kept one just now. Wait a few seconds.");
    else if (rc == -ENOENT)
        chat_print(c, "I remember nothing of the last minute. !output clip on changes that from now on.");
    else
        chat_print(c, "There is nothing to keep now.");
}
