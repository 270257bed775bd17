/*
 * web - see web.h: opens the parts and joins them.
 */
#include "web/web.h"

#include <stdio.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "web/listen.h"
#include "web/site.h"

static void wake(void *context)
{
    struct web *w = context;
    if (w->http)
        http_wake(w->http);
}

static int check_token(const struct web_config *c, struct error *e)
{
    if (c->token[0] || listen_is_loopback(c->bind))
        return 0;
    return error_set(
        e, EPERM,
        "web.bind %s can be reached by others: choose a token and put it into REVERIE_WEB_TOKEN or "
        "the file that REVERIE_WEB_TOKEN_FILE names",
        c->bind);
}

int web_check(const struct web_config *c, char *text, size_t size, struct error *e)
{
    struct error why = {""};
    int rc = check_token(c, e);
    if (rc < 0)
        return rc;
    rc = listen_try(c->bind, (int)c->port, &why);
    if (rc == -EADDRINUSE) { /* the show goes on without it */
        snprintf(text, size, "%s; there would be no page. Choose another web.port, or web.enabled false",
                 why.text);
        return 1;
    }
    snprintf(text, size, "%s port %d is free", c->bind, (int)c->port);
    return rc < 0 ? error_set(e, -rc, "%s", why.text) : 0;
}

/* The operator's token: his own, or a new one. Beyond this machine only his own will do. */
static int make_tokens(struct web *w, struct error *e)
{
    const struct web_config *c = w->p.config;
    int rc = w->p.no_port ? 0 : check_token(c, e);
    if (rc < 0)
        return rc;
    rc = guard_make_token(w->csrf);
    if (rc == 0 && !c->token[0])
        rc = guard_make_token(w->token);
    if (rc < 0)
        return error_set(e, -rc, "no random numbers for the page's tokens: %s", strerror(-rc));
    if (w->token[0])
        log_add_secret(w->token);
    w->guard = (struct guard){.any_address = !listen_is_loopback(c->bind),
                              .hosts = c->hosts,
                              .token = c->token[0] ? c->token : w->token,
                              .csrf = w->csrf};
    return 0;
}

static int start(struct web *w, struct error *e)
{
    const struct web_config *c = w->p.config;
    struct http_params p = {.bind = c->bind,
                            .port = (int)c->port,
                            .no_port = w->p.no_port,
                            .folder = w->p.folder,
                            .handler = site_handle,
                            .tick = site_tick,
                            .context = w};
    return http_open(&w->http, &p, e);
}

int web_open(struct web **out, const struct web_params *p, struct error *e)
{
    struct web *w = *out = xcalloc(1, sizeof *w);
    w->p = *p;
    w->began_us = clock_real_us();
    w->live = live_new();
    w->history = history_new();
    pthread_mutex_init(&w->lock, NULL);
    int rc = make_tokens(w, e);
    if (rc == 0 && (rc = pictures_open(&w->pictures, p->show, p->context, wake, w)) < 0)
        error_set(e, -rc, "cannot start a thread: %s", strerror(-rc));
    if (rc == 0)
        rc = start(w, e);
    if (rc < 0)
        web_close(out);
    return rc;
}

void web_close(struct web **out)
{
    struct web *w = *out;
    if (!w)
        return;
    http_close(&w->http); /* lets go of every viewer and picture */
    if (w->pictures)
        pictures_release(w->pictures, w->ending_picture);
    pictures_close(&w->pictures);
    live_free(w->live);
    history_free(w->history);
    free(w->board.for_viewers);
    free(w->board.for_operators);
    pthread_mutex_destroy(&w->lock);
    explicit_bzero(w->token, sizeof w->token);
    free(w);
    *out = NULL;
}

/* An address that a browser can go to: 0.0.0.0 is everywhere, so also here. */
static void write_address(const struct web *w, const char *behind, char out[WEB_ADDRESS_BYTES])
{
    const char *bind = w->p.config->bind;
    out[0] = '\0';
    if (w->p.no_port)
        return;
    if (strcmp(bind, "0.0.0.0") == 0)
        bind = "127.0.0.1";
    else if (strcmp(bind, "::") == 0)
        bind = "::1";
    bool v6 = strchr(bind, ':') != NULL;
    snprintf(out, WEB_ADDRESS_BYTES, "http://%s%.60s%s:%d/%s", v6 ? "[" : "", bind, v6 ? "]" : "",
             http_port(w->http), behind);
}

void web_address(const struct web *w, char out[WEB_ADDRESS_BYTES])
{
    write_address(w, "", out);
}

void web_operator_address(const struct web *w, char out[WEB_ADDRESS_BYTES])
{
    char behind[GUARD_TOKEN_BYTES + 16];
    snprintf(behind, sizeof behind, "#operator=%s", w->token);
    out[0] = '\0';
    if (w->token[0])
        write_address(w, behind, out);
}

void web_live_begin(struct web *w, const uint8_t *header, size_t bytes, const char *type)
{
    live_begin(w->live, header, bytes, type);
    http_wake(w->http);
}

void web_live_fragment(struct web *w, const uint8_t *fragment, size_t bytes, bool group, double end_s)
{
    live_add(w->live, fragment, bytes, group, end_s);
    http_wake(w->http);
}

void web_shown(struct web *w)
{
    site_changed(w);
}

void web_remember(struct web *w, const struct web_memory *m)
{
    struct history_entry e = {
        .dream = m->dream, .ended = (time_t)m->ended_s, .on_s = m->on_s, .seen = m->seen};
    history_add(w->history, &e, m->jpeg, m->jpeg_bytes);
}

void web_forget(struct web *w, int64_t wish_id)
{
    history_forget(w->history, wish_id);
}

void web_alarm(struct web *w, const char *level, const char *text)
{
    pthread_mutex_lock(&w->lock);
    struct alarm *a = &w->alarms[++w->alarm_count % WEB_ALARMS_MAX];
    *a = (struct alarm){.number = w->alarm_count, .at_s = (double)(clock_real_us() - w->began_us) / 1e6};
    text_copy(a->level, sizeof a->level, level);
    text_copy(a->text, sizeof a->text, text);
    pthread_mutex_unlock(&w->lock);
    web_shown(w);
}
