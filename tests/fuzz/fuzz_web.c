/*
 * libFuzzer over what a browser or a program sends to the page: the router with its guard, targets and JSON bodies,
 * over a show that only remembers what it was asked. The first byte chooses the method and which headers are right.
 */
#include <errno.h>

#include "common/log.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"
#include "web/site.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

/* What reached the show, and whether it might. */
static bool is_post, is_own, is_operator;

static void status(void *context, struct web_status *s)
{
    (void)context;
    *s = (struct web_status){.fps = 25, .seen = -1, .now = {.count = 1, .turn = 1, .text = "goldfish"}};
    s->now.subjects[0] = (struct web_subject){.name = "goldfish", .wnid = "n01443537"};
}

static void wish(void *context, const struct web_wish *w, struct web_answer *a)
{
    (void)context;
    must(is_post && (is_own || is_operator), "a wish came from the page or a program");
    must(w->text && w->text[0] && w->name && w->viewer, "a wish has its texts");
    must(text_line_bytes(w->viewer, strlen(w->viewer)) == strlen(w->viewer), "the mark is proper");
    *a = (struct web_answer){.result = (enum web_result)(strlen(w->text) % WEB_RESULTS), .id = 1};
}

static bool operate(void *context, const struct web_operation *o, char reply[WEB_REPLY_BYTES])
{
    (void)context;
    must(is_post && is_operator, "only the operator operates");
    must(o->seconds >= 0 && o->seconds <= 3600, "a hold has an end");
    text_copy(reply, WEB_REPLY_BYTES, "done");
    return o->id % 2 == 0;
}

static int words(void *context, const char *text, struct web_word *out, int max)
{
    (void)context;
    must(max >= 1 && max <= WEB_WORDS_MAX, "so many words");
    out[0] = (struct web_word){.word = "goldfish", .wnid = text[0] ? "n01443537" : "n1"};
    return 1;
}

static int picture(void *context, const struct web_picture_want *w, int64_t after, struct web_picture *out)
{
    (void)context;
    (void)after;
    must(w->width_px <= 2048 && w->height_px <= 2048, "pictures are bounded");
    out->bytes = xcalloc(1, 16);
    out->size = 16;
    return 0;
}

static int gallery(void *context, const char *name, uint8_t **bytes, size_t *size)
{
    (void)context;
    must(memchr(name, '\0', 4096) != NULL, "a name ends");
    if (name[0] != 'k')
        return -ENOENT;
    *bytes = xcalloc(1, 16);
    *size = 16;
    return 0;
}

static void no_wake(void *context)
{
    (void)context;
}

static struct web *site(void)
{
    static const struct web_show show = {status, wish, operate, words, picture, NULL, gallery};
    static const struct web_config config = {.viewers_max = 2};
    static struct stats stats;
    static struct web *w;
    if (w)
        return w;
    w = xcalloc(1, sizeof *w);
    w->p =
        (struct web_params){.config = &config, .stats = &stats, .show = &show, .version = "0", .model = "m"};
    w->guard = (struct guard){.port = 8080, .hosts = "", .token = TOKEN, .csrf = TOKEN};
    w->live = live_new();
    w->history = history_new();
    pthread_mutex_init(&w->lock, NULL);
    pictures_open(&w->pictures, &show, NULL, no_wake, NULL);
    live_begin(w->live, (const uint8_t *)"head", 4, "video/mp4");
    live_add(w->live, (const uint8_t *)"body", 4, true, 1);
    return w;
}

/* Answers go on for ever: some of each is enough. */
static void drain(struct http_answer *a)
{
    char out[4096];
    for (int i = 0; a->source.read && i < 4; i++)
        if (a->source.read(a->source.context, out, sizeof out) <= 0)
            break;
    if (a->source.close)
        a->source.close(a->source.context);
    free(a->owned);
}

static void check(const struct http_request *r, const struct http_answer *a)
{
    must(a->status >= 200 && a->status < 600, "a status");
    must(a->status == 200 || !a->source.read, "only what is there goes on");
    if (a->type && strcmp(a->type, "application/json") == 0) {
        const char *body = a->owned ? a->owned : a->body;
        struct json *value;
        must(json_parse(&value, body, a->body_bytes, NULL) == 0, "what is said to be JSON is");
        must(a->status != 200 || r->method != HTTP_POST || is_own || is_operator, "nobody else is obeyed");
        json_close(&value);
    }
    for (int i = 0; i < a->header_count; i++)
        must(strpbrk(a->headers[i].value, "\r\n") == NULL, "headers are lines");
}

/* "CHOICE TARGET\nBODY" */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    log_set_level(LOG_ERROR);
    unsigned choice = data[0];
    char *text = xmalloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    char *line_end = memchr(text, '\n', size - 1);
    size_t target_bytes = line_end ? (size_t)(line_end - text) : size - 1;
    char *target = xasprintf("%.*s", (int)target_bytes, text);
    const char *body = line_end ? line_end + 1 : text + size - 1;
    size_t body_bytes = line_end ? size - 2 - target_bytes : 0;
    is_post = choice & 1;
    is_own = choice & 2;
    is_operator = choice & 4;
    struct http_request r = {.method = is_post      ? HTTP_POST
                                       : choice & 8 ? HTTP_HEAD
                                                    : HTTP_GET,
                             .target = target,
                             .body = body_bytes <= HTTP_BODY_BYTES ? body : "",
                             .body_bytes = body_bytes <= HTTP_BODY_BYTES ? body_bytes : 0,
                             .peer = choice & 16 ? "10.0.0.1" : "127.0.0.1",
                             .age_us = (int64_t)100000000};
    r.header[HTTP_HOST] = choice & 32 ? "evil.example" : "127.0.0.1:8080";
    r.header[HTTP_CONTENT_TYPE] = choice & 64 ? "text/plain" : "application/json";
    r.header[HTTP_ORIGIN] = is_own ? "http://127.0.0.1:8080" : "http://evil.example";
    r.header[HTTP_CSRF] = TOKEN;
    r.header[HTTP_AUTHORIZATION] = is_operator ? "Bearer " TOKEN : NULL;
    struct http_answer a = {0};
    if (site_handle(site(), &r, &a))
        check(&r, &a);
    drain(&a);
    free(target);
    free(text);
    return 0;
}
