/*
 * operator - what only the operator may do. The router has looked at his token before any of this runs.
 */
#include <string.h>

#include "common/log.h"
#include "web/site.h"

enum { HOLD_DEFAULT_S = 120, HOLD_MAX_S = 3600 };

static bool operate(struct call *c, const struct web_operation *o, const char *what)
{
    char reply[WEB_REPLY_BYTES] = "";
    bool done = c->web->p.show->operate(c->web->p.context, o, reply);
    log_info("web", "the operator's page: %s%s", what, done ? "" : ", to no effect");
    struct json *answer = json_new_object();
    json_put_truth(answer, "done", done);
    json_put_text(answer, "reply", reply);
    site_json(c, done ? 200 : 404, answer);
    site_changed(c->web);
    return true;
}

bool site_post_skip(struct call *c)
{
    return operate(c, &(struct web_operation){.order = WEB_SKIP}, "skip");
}

bool site_post_resume(struct call *c)
{
    return operate(c, &(struct web_operation){.order = WEB_RESUME}, "resume");
}

bool site_post_pause(struct call *c)
{
    return operate(c, &(struct web_operation){.order = WEB_PAUSE}, "pause");
}

bool site_post_clear(struct call *c)
{
    return operate(c, &(struct web_operation){.order = WEB_CLEAR}, "clear");
}

bool site_post_hold(struct call *c)
{
    const struct json *value = json_member(c->body, "seconds");
    double seconds = HOLD_DEFAULT_S;
    if ((value && !json_number(value, &seconds)) || !(seconds >= 0 && seconds <= HOLD_MAX_S)) {
        site_error(c, 400, "bad_seconds", "seconds is a number from 0, which lets go, to 3600");
        return true;
    }
    return operate(c, &(struct web_operation){.order = WEB_HOLD, .seconds = seconds}, "hold");
}

bool site_post_withdraw(struct call *c)
{
    int64_t id;
    if (!json_whole(json_member(c->body, "id"), &id) || id < 1) {
        site_error(c, 400, "bad_id", "id is the number of a wish, as in /api/status");
        return true;
    }
    return operate(c, &(struct web_operation){.order = WEB_WITHDRAW, .id = id}, "withdraw");
}

static bool about_name(struct call *c, enum web_order order, const char *what)
{
    const char *name = json_text(json_member(c->body, "name"));
    if (!name || !name[0] || strlen(name) >= WEB_NAME_BYTES) {
        site_error(c, 400, "bad_name", "name is the name of a viewer");
        return true;
    }
    return operate(c, &(struct web_operation){.order = order, .name = name}, what);
}

bool site_post_ban(struct call *c)
{
    return about_name(c, WEB_BAN, "ban");
}

bool site_post_unban(struct call *c)
{
    return about_name(c, WEB_UNBAN, "unban");
}

bool site_post_output(struct call *c)
{
    const char *name = json_text(json_member(c->body, "name"));
    const struct json *on = json_member(c->body, "on");
    if (!name || !name[0] || strlen(name) >= WEB_NAME_BYTES) {
        site_error(c, 400, "bad_name", "name is the name of an output, as /api/status has it in sinks");
        return true;
    }
    if (!json_is_truth(on)) {
        site_error(c, 400, "bad_on", "on is true or false");
        return true;
    }
    return operate(c, &(struct web_operation){.order = WEB_OUTPUT, .name = name, .on = json_truth(on)},
                   json_truth(on) ? "output on" : "output off");
}

bool site_post_clip(struct call *c)
{
    return operate(c, &(struct web_operation){.order = WEB_CLIP}, "clip");
}
