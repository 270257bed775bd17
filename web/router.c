/*
 * router - what there is, who may have it, and how mistakes are told: one table.
 *
 * The order of the looks is the order of safety: bounds of the server, Host, target, method, token, origin, body;
 * only then the page's own function runs. So no request reaches one that it may not reach, and GET changes
 * nothing, because every function that changes something is behind POST.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "web/site.h"

enum { WRONG_FREE = 10, WRONG_DELAY_US = 1000000 };

enum who { ANYONE, VIEWER, OPERATOR }; /* VIEWER: the page itself, or a token */

static const struct route {
    const char *path; /* one that ends with "/" but "/" takes all below it */
    const char *name; /* in the metrics and the log */
    bool post;
    enum who who;
    site_page *answer;
} routes[] = {
    {"/", "page", false, ANYONE, site_get_asset},
    {"/page.css", "asset", false, ANYONE, site_get_asset},
    {"/page.js", "asset", false, ANYONE, site_get_asset},
    {"/preview.js", "asset", false, ANYONE, site_get_asset},
    {"/icon.svg", "asset", false, ANYONE, site_get_asset},
    {"/api/openapi.json", "openapi", false, ANYONE, site_get_asset},
    {"/api/status", "status", false, ANYONE, site_get_status},
    {"/events", "events", false, ANYONE, site_get_events},
    {"/api/words", "words", false, ANYONE, site_get_words},
    {"/api/history", "history", false, ANYONE, site_get_history},
    {"/history/", "history_picture", false, ANYONE, site_get_history_picture},
    {"/gallery/", "gallery", false, ANYONE, site_get_gallery},
    {"/live.mp4", "live", false, ANYONE, site_get_live},
    {"/live.mjpg", "mjpg", false, ANYONE, site_get_mjpg},
    {"/frame.png", "frame", false, ANYONE, site_get_frame},
    {"/frame.jpg", "frame", false, ANYONE, site_get_frame},
    {"/healthz", "healthz", false, ANYONE, site_get_health},
    {"/metrics", "metrics", false, ANYONE, site_get_metrics},
    {"/api/request", "request", true, VIEWER, site_post_request},
    {"/api/frame", "frame_wish", true, VIEWER, site_post_frame},
    {"/api/frame/auto", "frame_auto", true, VIEWER, site_post_frame_auto},
    {"/api/skip", "skip", true, OPERATOR, site_post_skip},
    {"/api/resume", "resume", true, OPERATOR, site_post_resume},
    {"/api/pause", "pause", true, OPERATOR, site_post_pause},
    {"/api/clear", "clear", true, OPERATOR, site_post_clear},
    {"/api/hold", "hold", true, OPERATOR, site_post_hold},
    {"/api/withdraw", "withdraw", true, OPERATOR, site_post_withdraw},
    {"/api/ban", "ban", true, OPERATOR, site_post_ban},
    {"/api/unban", "unban", true, OPERATOR, site_post_unban},
    {"/api/output", "output", true, OPERATOR, site_post_output},
    {"/api/clip", "clip", true, OPERATOR, site_post_clip},
};
_Static_assert(ARRAY_LEN(routes) < SITE_ROUTES_MAX, "counts have a row for each route");

const char *site_route_name(int i)
{
    return i < (int)ARRAY_LEN(routes) ? routes[i].name : i == SITE_ROUTES_MAX - 1 ? "none" : NULL;
}

static int find(const char *path)
{
    for (int i = 0; i < (int)ARRAY_LEN(routes); i++) {
        size_t n = strlen(routes[i].path);
        bool below = n > 1 && routes[i].path[n - 1] == '/';
        if (below ? strncmp(path, routes[i].path, n) == 0 : strcmp(path, routes[i].path) == 0)
            return i;
    }
    return -1;
}

/* ---- answers ---- */

/* Bytes to escape at `p`: a character, or U+2028, U+2029. 0: none. */
static size_t is_risky(const char *p)
{
    if (*p == '<' || *p == '>' || *p == '&')
        return 1;
    return strncmp(p, "\xe2\x80\xa8", 3) == 0 || strncmp(p, "\xe2\x80\xa9", 3) == 0 ? 3 : 0;
}

/* All of these stand within texts only. */
char *site_json_text(struct json *value)
{
    char *plain = json_print(value, 0);
    json_close(&value);
    size_t n = 0, risky;
    char *text = xmalloc(6 * strlen(plain) + 1);
    for (const char *p = plain; *p; p += risky ? risky : 1)
        if ((risky = is_risky(p)))
            n += (size_t)sprintf(text + n, "\\u%04x", risky == 1 ? (unsigned)*p : 0x2028u + (p[2] == '\xa9'));
        else
            text[n++] = *p;
    n -= n > 0 && text[n - 1] == '\n';
    text[n] = '\0';
    free(plain);
    return text;
}

void site_json(struct call *c, int status, struct json *value)
{
    c->answer->status = status;
    c->answer->type = "application/json";
    c->answer->owned = site_json_text(value);
    c->answer->body_bytes = strlen(c->answer->owned);
}

void site_error(struct call *c, int status, const char *error, const char *text)
{
    struct json *o = json_new_object();
    json_put_text(o, "error", error);
    json_put_text(o, "text", text);
    site_json(c, status, o);
}

static void server_fault(struct call *c)
{
    if (c->request->fault == 413)
        site_error(c, 413, "too_large", "a body may have 2048 bytes");
    else if (c->request->fault == 411)
        site_error(c, 411, "length_required", "say how long the body is: Content-Length");
    else
        site_error(c, 400, "bad_request", "a body comes in one piece, with a Content-Length");
}

/* ---- the looks ---- */

/* An absolute target and a foreign Host are both somebody who takes us for another. */
static bool is_misdirected(struct call *c)
{
    const struct http_request *r = c->request;
    if (!r->repeated && r->target[0] == '/' &&
        (r->by_door || guard_knows_host(&c->web->guard, r->header[HTTP_HOST])))
        return false;
    site_error(c, 421, "unknown_host", "this page is not known by that name; web.hosts lists further ones");
    return true;
}

static bool is_method_wrong(struct call *c, const struct route *route)
{
    enum http_method m = c->request->method;
    if (route->post ? m == HTTP_POST : m == HTTP_GET || m == HTTP_HEAD)
        return false;
    site_error(c, 405, "method_not_allowed", route->post ? "this takes POST" : "this takes GET");
    http_add_header(c->answer, "Allow", "%s", route->post ? "POST" : "GET, HEAD");
    return true;
}

enum look { PASS, ANSWERED, LATER };

/* The token, where one was sent. Guesses become slow. */
static enum look look_at_token(struct call *c, enum guard_bearer bearer)
{
    struct web *w = c->web;
    if (bearer == GUARD_OPERATOR) {
        w->wrong_tokens = 0;
        c->is_operator = true;
    }
    if (bearer != GUARD_WRONG)
        return PASS;
    bool slow = w->wrong_tokens >= WRONG_FREE;
    if (slow && c->request->age_us < WRONG_DELAY_US)
        return LATER;
    w->wrong_tokens++;
    site_error(c, 401, "wrong_token", "that is not the operator's token");
    http_add_header(c->answer, "WWW-Authenticate", "Bearer");
    return ANSWERED;
}

static bool take_body(struct call *c)
{
    const struct http_request *r = c->request;
    int rc = json_parse(&c->body, r->body_bytes ? r->body : "{}", r->body_bytes ? r->body_bytes : 2, NULL);
    if (rc == 0 && json_has_members(c->body))
        return true;
    site_error(c, 400, "bad_json", "the body must be one JSON object");
    return false;
}

static enum look look_at_post(struct call *c, const struct route *route, enum guard_bearer bearer)
{
    int status;
    const char *why = guard_refuses_post(&c->web->guard, c->request, bearer, &status);
    if (!why && route->who == OPERATOR && !c->is_operator) {
        site_error(c, 401, "operators_only",
                   "this is the operator's: send his token, Authorization: Bearer TOKEN");
        http_add_header(c->answer, "WWW-Authenticate", "Bearer");
        return ANSWERED;
    }
    if (why) {
        site_error(c, status, status == 415 ? "not_json" : "foreign", why);
        return ANSWERED;
    }
    return take_body(c) ? PASS : ANSWERED;
}

static bool answer(struct call *c, int *number)
{
    if (c->request->fault) {
        server_fault(c);
        return true;
    }
    if (is_misdirected(c))
        return true;
    if (!target_parse(c->request->target, &c->target) || (*number = find(c->target.path)) < 0) {
        site_error(c, 404, "not_found", "there is no such page");
        return true;
    }
    const struct route *route = &routes[*number];
    if (is_method_wrong(c, route))
        return true;
    enum guard_bearer bearer =
        c->request->by_door ? GUARD_OPERATOR : guard_bearer(&c->web->guard, c->request);
    enum look look = look_at_token(c, bearer);
    if (look == PASS && route->post)
        look = look_at_post(c, route, bearer);
    return look == PASS ? route->answer(c) : look == ANSWERED;
}

static void count(struct web *w, int number, const struct http_request *r, const struct http_answer *a)
{
    static const int64_t bounds_us[SITE_DURATIONS] = {1000, 5000, 25000, 100000, 500000, 2500000};
    int row = number < 0 ? SITE_ROUTES_MAX - 1 : number, i = 0;
    int64_t us = r->age_us;
    w->counts.requests[row][a->status / 100 % 6]++;
    w->counts.seconds += (double)us / 1e6;
    while (i < SITE_DURATIONS && us > bounds_us[i])
        i++;
    w->counts.slow[i]++;
    log_debug("web", "%s %d", site_route_name(row), a->status);
}

bool site_handle(void *context, struct http_request *r, struct http_answer *a)
{
    struct call c = {.web = context, .request = r, .answer = a};
    int number = -1;
    if (c.web->http)
        c.web->guard.port = http_port(c.web->http);
    bool answered = answer(&c, &number);
    json_close(&c.body);
    if (answered)
        count(c.web, number, r, a);
    return answered;
}
