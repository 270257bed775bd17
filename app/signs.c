/*
 * signs - see signs.h.
 */
#include "app/signs.h"

#include <stdio.h>
#include <string.h>

#define MIDDLE     0.5
#define NEARLY_ALL 0.9 /* of the picture is a winner's: who it is may be seen */

/* Is what the queue has on what the pixels show? For a moment after a turn it is not. */
static bool is_shown(const struct request *now, int64_t request_id, const char *caption)
{
    char text[256];
    request_caption(now, text, sizeof text);
    return now->count > 0 && now->id == request_id && strcmp(text, caption) == 0;
}

static void fill_tug(const struct tug_view *v, double front, struct signs_content *c)
{
    const char *upper = synset_table[v->synset[0]].names[0], *lower = synset_table[v->synset[1]].names[0];
    bool upper_has_all = v->winner == TUG_UPPER && front > NEARLY_ALL;
    bool lower_has_all = v->winner == TUG_LOWER && front >= 0 && front < 1 - NEARLY_ALL;
    if (upper_has_all || lower_has_all) {
        snprintf(c->won, sizeof c->won, "%s wins", upper_has_all ? upper : lower);
        return;
    }
    c->front = front < 0 ? MIDDLE : front;
    snprintf(c->upper, sizeof c->upper, "!1 %s", upper);
    snprintf(c->lower, sizeof c->lower, "!2 %s", lower);
}

void signs_fill(const struct signs_source *s, int64_t request_id, const char *caption, double front,
                struct signs_content *c)
{
    struct request now;
    struct tug_view v;
    requests_list(s->requests, &now, NULL, 0);
    tug_look(s->tug, &v);
    if (v.is_on && v.turn == now.turn && is_shown(&now, request_id, caption))
        fill_tug(&v, front, c);
}
