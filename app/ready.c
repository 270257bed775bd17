/*
 * ready - see ready.h.
 */
#include "app/ready.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/picture_fit.h"
#include "chatbot/chatbot.h"
#include "show/record.h"
#include "show/rules.h"
#include "stream/stream_check.h"

static int check_chat(const struct ready *r, char *text, size_t size, struct error *e)
{
    const struct irc_config *c = &r->settings->irc;
    if (r->offline || !c->enabled)
        return 0;
    int rc = irc_valid(c, e);
    if (rc < 0)
        return rc;
    snprintf(text, size, "%s on %s", c->channel, c->server);
    if (!c->nick[0] || c->token[0])
        return 0;
    snprintf(text, size,
             "there is no token for %s: on Twitch it can only listen; set REVERIE_CHAT_TOKEN, or "
             "REVERIE_CHAT_TOKEN_FILE to a file that only you can read",
             c->nick);
    return 1;
}

static int check_script(const struct ready *r, char *text, size_t size, struct error *e)
{
    struct script *script = NULL;
    if (!r->script_path)
        return 0;
    int rc = script_open(&script, r->script_path, e);
    script_close(&script);
    snprintf(text, size, "%s", r->script_path);
    return rc;
}

static int check_start(const struct ready *r, char *text, size_t size, struct error *e)
{
    const struct dream_config *c = &r->settings->dream;
    float *picture;
    if (!c->start_image[0])
        return 0;
    int rc = picture_fit_file(c->start_image, c->size, &picture, e);
    free(picture);
    snprintf(text, size, "%s", c->start_image);
    return rc < 0 ? error_prefix(e, rc, "dream.start_image") : 0;
}

static int check_rules(const struct ready *r, char *text, size_t size, struct error *e)
{
    struct rules *rules;
    int rc = rules_open(&rules, &r->settings->show, e);
    rules_close(&rules);
    snprintf(text, size, "%s", r->settings->show.banned_file);
    return rc;
}

static int check_state(const struct ready *r, char *text, size_t size, struct error *e)
{
    return r->offline ? 0 : record_check(&r->settings->show, text, size, e);
}

static int check_page(const struct ready *r, char *text, size_t size, struct error *e)
{
    const struct web_config *c = &r->settings->web;
    return r->offline || !c->enabled ? 0 : web_check(c, text, size, e);
}

/* The tape knows no sound, so a replay could not fall as the show did. An offline render writes no tape. */
static int check_tape(const struct ready *r, char *text, size_t size, struct error *e)
{
    const struct settings *s = r->settings;
    if (r->offline || !s->tape.enabled)
        return 0;
    if (stream_config_nudges(s->stream))
        return error_set(
            e, EINVAL,
            "tape.enabled: a tape cannot hold what audio.beat does to the picture; set audio.beat to 0 or "
            "tape.enabled to false");
    snprintf(text, size, "%s", s->tape.dir);
    return 0;
}

const struct ready_row ready_rows[] = {
    {"chat", check_chat},   {"script", check_script}, {"start", check_start}, {"rules", check_rules},
    {"state", check_state}, {"page", check_page},     {"tape", check_tape},   {NULL, NULL},
};

int ready_first_fault(const struct ready *r, struct error *e)
{
    char text[sizeof e->text] = "";
    int rc = stream_valid(r->settings->stream, r->offline, e);
    for (const struct ready_row *row = ready_rows; row->name && rc >= 0; row++)
        rc = row->check(r, text, sizeof text, e);
    return rc < 0 ? rc : 0;
}

void ready_variables(const struct settings *s, void (*say)(void *context, const char *text), void *context)
{
    static const char *const others[] = {"REVERIE_CUDA", "REVERIE_CUDA_MODULE", NULL};
    config_stray_variables(&s->config, others, say, context);
}
