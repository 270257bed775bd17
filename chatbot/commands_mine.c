/*
 * commands_mine - what became of one's own wishes: which waits, which were dreamed and by which number people find them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chatbot/bot.h"
#include "common/mem.h"
#include "show/credits.h"

enum { MINE_SHOWN = 3 };

/* The one that waits. False: none. */
static bool find_waiting(const struct chat_call *c, struct request *out)
{
    bool found = false;
    int max = requests_list(c->bot->requests, NULL, NULL, 0);
    struct request *next = xcalloc((size_t)max + 1, sizeof *next);
    int count = requests_list(c->bot->requests, NULL, next, max);
    for (int i = 0; i < count && i < max && !found; i++) {
        found = strcasecmp(next[i].login[0] ? next[i].login : next[i].user, c->who.login) == 0;
        *out = next[i];
    }
    free(next);
    return found;
}

/* "number 7, goldfish + pizza, which I saw with 83 % certainty" */
static size_t put_credit(char *out, size_t size, const struct credit *m, bool sure)
{
    int n = snprintf(out, size, "number %lld, %s", (long long)m->id, m->text);
    if (sure && m->belief >= 0 && n > 0 && (size_t)n < size)
        n += snprintf(out + n, size - (size_t)n, ", which I saw with %.0f %% certainty", 100 * m->belief);
    return n > 0 && (size_t)n < size ? (size_t)n : size - 1;
}

/* What is on the screen has no picture yet: it comes with its end. NULL: there is none. */
static const struct credit *newest_kept(const struct credit *mine, int count)
{
    for (int i = 0; i < count; i++)
        if (mine[i].still_bytes > 0)
            return &mine[i];
    return NULL;
}

void run_mine(struct chat_call *c)
{
    struct credit mine[MINE_SHOWN];
    struct request waiting;
    char text[CHAT_REPLY_BYTES] = "", label[CREDITS_TEXT_BYTES];
    int count = credits_of(c->bot->credits, c->who.login, mine, MINE_SHOWN);
    bool waits = find_waiting(c, &waiting);
    size_t n = 0;
    if (waits) {
        request_label(&waiting, label, sizeof label);
        n = (size_t)snprintf(text, sizeof text, "number %lld, %s, which waits still", (long long)waiting.id,
                             label);
    }
    for (int i = 0; i < count && n + 4 < sizeof text; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s", n ? "; " : "");
        n += put_credit(text + n, sizeof text - n, &mine[i], i == 0);
    }
    const struct credit *kept = newest_kept(mine, count);
    if (kept) {
        snprintf(c->outcome->run, sizeof c->outcome->run, "%s", kept->run);
        c->outcome->kept_id = kept->id;
        c->outcome->has_loop = kept->loop_bytes > 0;
    }
    if (n == 0)
        chat_print(c, "I have dreamed nothing of yours yet. Name a thing and I will.");
    else
        chat_print(c, "Yours: %s.", text);
}
