/*
 * run_chat - how the parts are joined that stand between people and the dream: rules, queue, bot, credits, votes; and what
 * is done when a moderator takes somebody out: names go from the screen, from tape, gallery and page.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/run_parts.h"
#include "app/subjects.h"
#include "common/log.h"
#include "common/mem.h"

#define FRONT_MOST_PER_FRAME 0.02 /* of the height: faster would be a jump */

/* A moderator took a request back: its caption goes from the screen. */
static void on_withdrawn(void *context, int64_t request_id)
{
    struct run *r = context;
    if (r->stream)
        stream_withdraw(r->stream, request_id);
    taping_forget(r->taping, request_id);
    page_withdrawn(r->page, request_id);
    log_info("show", "request %lld was withdrawn; its caption is gone", (long long)request_id);
}

/* What still waits was never on, but the signs may have named it. */
static void forget_waiting(struct run *r, const char *login, const char *message_id)
{
    int room = r->taping ? requests_list(r->requests, NULL, NULL, 0) : 0;
    struct request *waiting = xcalloc((size_t)room + 1, sizeof *waiting);
    int count = room ? requests_list(r->requests, NULL, waiting, room) : 0;
    for (int i = 0; i < count && i < room; i++) {
        const struct request *q = &waiting[i];
        const char *whose = q->login[0] ? q->login : q->user;
        if (message_id ? strcmp(q->message_id, message_id) == 0 : !login || strcasecmp(whose, login) == 0)
            taping_forget(r->taping, q->id);
    }
    free(waiting);
}

/* The same, of all that was ever theirs in this show: names go from recordings and from the page. */
static void on_removed(void *context, const char *login, const char *message_id)
{
    struct run *r = context;
    struct credit *gone = xcalloc(CREDITS_MAX, sizeof *gone);
    int count = credits_remove(r->credits, login, message_id, gone);
    for (int i = 0; i < count; i++)
        if (strcmp(gone[i].run, credits_run(r->credits)) == 0) {
            if (r->stream)
                stream_withdraw(r->stream, gone[i].id);
            taping_forget(r->taping, gone[i].id);
            page_withdrawn(r->page, gone[i].id);
        }
    gallery_forget(r->gallery, gone, count);
    free(gone);
    forget_waiting(r, login, message_id);
}

static void on_quit(void *context)
{
    struct run *r = context;
    stop_request(&r->stop);
}

static void on_steer(void *context, enum chat_steer how)
{
    struct run *r = context;
    programme_steer(&r->programme, how);
}

static void set_manners(struct run *r)
{
    const struct irc_config *c = &r->settings.irc;
    const struct chatbot_manners manners = {.prefix = c->prefix,
                                            .ignore = c->ignore,
                                            .words_link = c->words_link,
                                            .reward = c->reward,
                                            .bits_min = c->bits_min,
                                            .replies = (enum chat_replies)c->replies,
                                            .tell_when_on = c->tell_when_on};
    chatbot_set_manners(r->chatbot, &manners);
}

static void open_credits(struct run *r)
{
    char began[CREDITS_RUN_BYTES];
    struct tm t;
    time_t now = time(NULL);
    localtime_r(&now, &t);
    strftime(began, sizeof began, "%Y%m%d-%H%M%S", &t);
    r->credits = credits_open(began);
    chatbot_set_credits(r->chatbot, r->credits);
}

int run_open_chat(struct run *r, struct error *e)
{
    uint64_t seed = (uint64_t)r->options.seed;
    double lag_s = dreaming_lag_s(&r->settings, r->options.offline);
    struct synsets_known all;
    subjects_known(dreaming_model(r->dreaming), &all);
    r->known = all;
    int rc = rules_open(&r->rules, &r->settings.show, e);
    if (rc < 0)
        return rc;
    if (rules_restrict(r->rules, &r->known) == 0)
        return error_set(e, EINVAL, "show.banned_file leaves nothing that could be dreamed");
    rc = requests_open(&r->requests, &r->settings.show, &r->known, seed, &r->stats);
    if (rc == 0)
        rc = chatbot_open(&r->chatbot, r->requests, &all, seed, lag_s);
    if (rc < 0)
        return error_set(e, -rc, "cannot open the chat: %s", strerror(-rc));
    requests_on_withdrawn(r->requests, on_withdrawn, r);
    requests_on_removed(r->requests, on_removed, r);
    open_credits(r);
    r->tug = tug_open(&r->settings.show, FRONT_MOST_PER_FRAME * stream_config_fps(r->settings.stream));
    chatbot_set_tug(r->chatbot, r->tug);
    r->way = r->options.offline
                 ? NULL
                 : way_open(r->settings.show.platform_delay_s, lag_s); /* which is no clock's */
    chatbot_set_way(r->chatbot, r->way);
    chatbot_set_rules(r->chatbot, r->rules);
    chatbot_set_stats(r->chatbot, &r->stats);
    chatbot_set_first_below(r->chatbot, dream_first_below(&r->settings.dream));
    /* An offline render is the same every time, whatever waited when the last show ended. */
    const struct record_params record = {
        .config = &r->settings.show, .requests = r->requests, .rules = r->rules, .seed = r->options.seed};
    if (!r->options.offline && (rc = record_open(&r->record, &record, e)) < 0)
        return rc;
    chatbot_set_record(r->chatbot, r->record);
    chatbot_set_name(r->chatbot, r->settings.irc.nick);
    set_manners(r);
    chatbot_on_quit(r->chatbot, on_quit, r);
    chatbot_on_steer(r->chatbot, on_steer, r);
    output_desk_init(&r->outputs, r->chatbot);
    if (r->options.script_path)
        return script_open(&r->script, r->options.script_path, e);
    return 0;
}
