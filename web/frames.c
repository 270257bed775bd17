/*
 * frames - picture frames on desks and walls: buttons become wishes, and a finished picture is waited for.
 *
 * A frame has a name. It asks for the same thing again, for anything, or for a thing by name, and learns the number
 * of its wish; /frame.png?id=NUMBER then answers 202 until the dream has come out: seen surely enough by the network,
 * or on for long enough. One that is left alone may also ask for something by itself every now and then.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "web/site.h"

enum { SEEN_DEFAULT_PERCENT = 25, ON_DEFAULT_S = 30, ON_MAX_S = 3600, AUTO_MIN_S = 60, AUTO_MAX_S = 604800 };

/* The frame of that name, a new one in the place of the one that was silent longest. */
static struct frame_box *find_box(struct web *w, const char *name)
{
    struct frame_box *oldest = &w->boxes[0];
    for (int i = 0; i < SITE_BOXES; i++) {
        if (strcmp(w->boxes[i].name, name) == 0)
            return &w->boxes[i];
        if (w->boxes[i].used_us < oldest->used_us)
            oldest = &w->boxes[i];
    }
    *oldest = (struct frame_box){.seen = SEEN_DEFAULT_PERCENT / 100.0, .on_s = ON_DEFAULT_S};
    text_copy(oldest->name, sizeof oldest->name, name);
    return oldest;
}

/* The body's name, letters and digits; "frame" without one. NULL: it is no name. */
static const char *name_of(const struct call *c)
{
    const struct json *value = json_member(c->body, "name");
    const char *name = value ? json_text(value) : "frame";
    if (!name || !name[0] || strlen(name) >= SITE_BOX_BYTES)
        return NULL;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p))
            return NULL;
    return name;
}

static void wish_for(struct web *w, struct frame_box *box, const char *text, struct web_answer *a)
{
    char viewer[SITE_BOX_BYTES + 8], name[SITE_BOX_BYTES + 8];
    snprintf(viewer, sizeof viewer, "frame%s", box->name);
    snprintf(name, sizeof name, "frame-%s", box->name);
    struct web_wish wish = {.text = text, .name = name, .viewer = viewer, .frame = true};
    w->p.show->wish(w->p.context, &wish, a);
    if (a->id > 0) {
        box->id = a->id;
        box->on_since_us = 0;
        box->ready = false;
        text_copy(box->text, sizeof box->text, text);
    }
    site_changed(w);
}

/* What the button means. NULL: nothing that is known. */
static const char *text_for(struct web *w, const struct frame_box *box, const char *what,
                            const struct json *text)
{
    static const char orders[][8] = {"again", "random", "text"};
    struct web_word word;
    if (strcmp(what, orders[2]) == 0) {
        const char *given = json_text(text);
        return given && given[0] && given[0] != '!' && strlen(given) < WEB_TEXT_BYTES ? given : NULL;
    }
    if (strcmp(what, orders[0]) == 0 && box->text[0])
        return box->text;
    if (strcmp(what, orders[0]) != 0 && strcmp(what, orders[1]) != 0)
        return NULL;
    return w->p.show->words(w->p.context, "", &word, 1) > 0 ? word.word : NULL;
}

/* When a picture counts as ready; false: not such numbers. */
static bool read_ready(const struct json *ready, struct frame_box *box)
{
    const struct json *seen = json_member(ready, "seen"), *on = json_member(ready, "at_most_s");
    double seen_value = SEEN_DEFAULT_PERCENT / 100.0, on_value = ON_DEFAULT_S;
    bool fits = (!seen || json_number(seen, &seen_value)) && (!on || json_number(on, &on_value));
    if (!fits || !(seen_value >= 0 && seen_value <= 1) || !(on_value >= 0 && on_value <= ON_MAX_S))
        return false;
    box->seen = seen_value;
    box->on_s = on_value;
    return true;
}

bool site_post_frame(struct call *c)
{
    const char *name = name_of(c), *what = json_text(json_member(c->body, "do"));
    struct frame_box *box = name ? find_box(c->web, name) : NULL;
    const char *text = box && what ? text_for(c->web, box, what, json_member(c->body, "text")) : NULL;
    struct web_answer a = {0};
    if (!text || !read_ready(json_member(c->body, "ready"), box)) {
        site_error(
            c, 400, "bad_frame",
            "send {\"do\": \"again\"}, \"random\" or \"text\" with a \"text\"; a name is letters and digits");
        return true;
    }
    box->used_us = clock_real_us();
    wish_for(c->web, box, text, &a);
    struct json *o = json_new_object();
    json_put_text(o, "reply", a.reply);
    if (a.id > 0) {
        json_put_whole(o, "id", a.id);
        json_put_text(o, "text", a.text);
        json_put_real(o, "ready_in_s", a.on_screen_in_s + box->on_s, 1);
    }
    site_json(c, a.id > 0 ? 202 : 422, o);
    return true;
}

bool site_post_frame_auto(struct call *c)
{
    const char *name = name_of(c);
    double every_s;
    if (!name || !json_number(json_member(c->body, "every_s"), &every_s) ||
        !(every_s == 0 || (every_s >= AUTO_MIN_S && every_s <= AUTO_MAX_S))) {
        site_error(c, 400, "bad_frame",
                   "every_s is 0 for never, or from 60 to 604800; a name is letters and digits");
        return true;
    }
    struct frame_box *box = find_box(c->web, name);
    box->used_us = clock_real_us();
    box->every_us = (int64_t)(every_s * 1e6);
    box->next_us = box->used_us + box->every_us;
    struct json *o = json_new_object();
    json_put_real(o, "every_s", every_s, 3);
    site_json(c, 200, o);
    return true;
}

void site_tick_frames(struct web *w, int64_t now_us)
{
    const struct web_status *s = &w->status;
    for (int i = 0; i < SITE_BOXES; i++) {
        struct frame_box *box = &w->boxes[i];
        if (box->id > 0 && s->now.id == box->id) {
            if (box->on_since_us == 0)
                box->on_since_us = now_us;
            box->ready |= s->seen >= box->seen || (double)(now_us - box->on_since_us) / 1e6 >= box->on_s;
        }
        if (box->every_us > 0 && now_us >= box->next_us) {
            struct web_answer a = {0};
            struct web_word word;
            box->next_us = now_us + box->every_us;
            if (w->p.show->words(w->p.context, "", &word, 1) > 0)
                wish_for(w, box, word.word, &a);
        }
    }
}

enum frame_state site_frame_state(const struct web *w, int64_t id)
{
    for (int i = 0; i < SITE_BOXES; i++) {
        const struct frame_box *box = &w->boxes[i];
        if (box->id != id)
            continue;
        if (box->on_since_us && w->status.now.id != id)
            return FRAME_OVER;
        return box->ready ? FRAME_READY : FRAME_WAITS;
    }
    return FRAME_UNKNOWN;
}
