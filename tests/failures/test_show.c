/*
 * What stands between the viewers and the dream, refused call by call: queue, rules, record, bot, terminal, script,
 * the port, and the chat on IRC with its transports.
 */
#include "tests/failures/inject.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <libircclient.h>
#include <sys/socket.h>

#include "app/link.h"
#include "chatbot/irc/bridge.h"
#include "chatbot/irc/client.h"
#include "chatbot/irc/dial.h"
#include "chatbot/irc/tuning.h"
#include "common/log.h"
#include "dreamer/port.h"
#include "show/journal.h"
#include "show/record.h"
#include "show/store.h"
#include "terminal/terminal.h"
#include "web/web.h"

IN_PLACE_OF(irc_session_t *, irc_create_session, (irc_callbacks_t * callbacks), (callbacks), NULL)
IN_PLACE_OF(int, gnutls_certificate_allocate_credentials, (gnutls_certificate_credentials_t * out), (out),
            GNUTLS_E_MEMORY_ERROR)
IN_PLACE_OF(int, gnutls_certificate_set_x509_system_trust, (gnutls_certificate_credentials_t c), (c),
            GNUTLS_E_MEMORY_ERROR)
IN_PLACE_OF(int, gnutls_init, (gnutls_session_t * out, unsigned flags), (out, flags), GNUTLS_E_MEMORY_ERROR)
IN_PLACE_OF(int, gnutls_set_default_priority, (gnutls_session_t s), (s), GNUTLS_E_MEMORY_ERROR)
IN_PLACE_OF(int, gnutls_credentials_set, (gnutls_session_t s, gnutls_credentials_type_t type, void *c),
            (s, type, c), GNUTLS_E_MEMORY_ERROR)

static struct show_config config = {.hold_s = 60, .idle_s = 30, .queue_max = 8, .daydream = true};
static struct irc_config irc_config = {.port = 6667, .channel = "reverie", .nick = "reverie"}, link_config;
static const struct irc_events irc_events = {.context = NULL};
static struct irc_tuning tuning;
static struct irc_counters counters;
static struct synsets_known known;
static struct requests *requests;
static struct chatbot *bot;
static struct clock show_clock;
static struct stop stop;
static struct store *journal_store;
static int typed[2];    /* a pipe */
static int master, tty; /* of a terminal that nobody sees */
static char folder[] = "/tmp/reverie-test-XXXXXX", journal_folder[64], script_path[64], log_path[64];

OPENING(requests, requests, requests_open(out, &config, &known, 1, NULL))
OPENING(rules, rules, rules_open(out, &config, e))
OPENING(record, record, record_open(out, &(struct record_params){.config = &config, .requests = requests}, e))
OPENING(store, store, store_open(out, &(struct store_params){.folder = folder}, e))
OPENING(chatbot, chatbot, chatbot_open(out, requests, &known, 1, 3))
OPENING(console, console, console_open(out, bot, typed[0], &show_clock, 0, e))
OPENING(script, script, script_open(out, script_path, e))
OPENING(port, port, port_open(out))
OPENING(irc, irc, irc_open(out, &irc_config, &irc_events, &tuning, e))
OPENING(link, link, link_open(out, &(struct link_params){&link_config, bot, NULL, NULL, &show_clock, 0}, e))
OPENING(resolver, resolver, resolver_open(out, NULL, NULL))

static void on_line(void *context, const char *text, size_t bytes)
{
    (void)context;
    (void)text;
    (void)bytes;
}

static void status(void *context, char *out, size_t size)
{
    (void)context;
    snprintf(out, size, "well");
}

static int open_terminal_on(struct terminal **out, struct error *e)
{
    const struct terminal_params p = {
        .in_fd = tty, .out_fd = tty, .width_px = 64, .height_px = 36, .on_line = on_line, .status = status};
    return terminal_open(out, &p, e);
}

OPENING(terminal, terminal, open_terminal_on(out, e))

static void no_state(void *context, struct store_state *out)
{
    (void)context;
    *out = (struct store_state){.wish_count = 0};
}

/* A token of its own: a made one would stay among the secrets of the log. */
static struct web_config web_config = {.bind = "127.0.0.1", .viewers_max = 4, .token = "0123456789abcdef"};
static struct stats web_stats;

static void web_status(void *context, struct web_status *s)
{
    (void)context;
    *s = (struct web_status){.seen = -1};
}

static int web_picture(void *context, const struct web_picture_want *w, int64_t after,
                       struct web_picture *out)
{
    (void)context;
    (void)w;
    (void)after;
    (void)out;
    return -EAGAIN;
}

/* What it asks for on its own: the other functions are called for nobody. */
static const struct web_show web_show = {.status = web_status, .picture = web_picture};

static int open_web_on(struct web **out, struct error *e)
{
    const struct web_params p = {
        .config = &web_config, .stats = &web_stats, .show = &web_show, .version = "0", .model = "m"};
    return web_open(out, &p, e);
}

OPENING(web, web, open_web_on(out, e))

static int open_journal(void **thing, struct error *e)
{
    const struct journal_params p = {.store = journal_store, .state = no_state};
    return journal_open((struct journal **)thing, &p, e);
}

static void close_journal(void **thing)
{
    journal_close((struct journal **)thing);
}

static void the_programme(void **state)
{
    (void)state;
    static const struct opening openings[] = {
        OPENS("requests", requests, .has_no_line = true),
        OPENS("rules", rules),
        OPENS("store", store),
        OPENS("journal", journal),
        OPENS("record", record),
        OPENS("chatbot", chatbot, .has_no_line = true),
        OPENS("console", console),
        OPENS("terminal", terminal),
        OPENS("script", script),
        OPENS("port", port, .has_no_line = true),
        OPENS("web", web),
    };
    fail_all(openings, ARRAY_LEN(openings));
}

/* ---- IRC ---- */

/* A server that takes connections and says nothing. */
static int listener, listener_port;

static void listen_anywhere(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(listener, 4096), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &size), 0);
    listener_port = ntohs(a.sin_port);
}

static int open_transport(void **thing, const struct transport_ops *ops, const char *host, int patience_ms,
                          struct error *e)
{
    static struct transport t;
    struct transport_target target = {.host = host,
                                      .port = listener_port,
                                      .ca_file = "",
                                      .stop = &stop,
                                      .deadline_us = clock_real_us() + 1000 * patience_ms};
    int rc = resolver_open(&target.resolver, NULL, NULL);
    if (rc < 0)
        return error_set(e, -rc, "no resolver");
    rc = transport_open(&t, ops, &target, e);
    resolver_close(&target.resolver);
    *thing = rc == 0 ? &t : NULL;
    return rc;
}

static void close_transport(void **thing)
{
    if (*thing)
        transport_close(*thing);
    *thing = NULL;
}

static int open_fake(void **thing, struct error *e)
{
    return open_transport(thing, &transport_fake, log_path, 5000, e);
}

static int open_plain(void **thing, struct error *e)
{
    return open_transport(thing, &transport_plain, "127.0.0.1", 5000, e);
}

static int open_tls(void **thing, struct error *e)
{
    return open_transport(thing, &transport_tls, "127.0.0.1", 200, e);
}

/* A bridge on a transport, and the library's session on the bridge. */
static struct session {
    void *transport;
    struct irc_bridge *bridge;
    struct irc_client *client;
} session;

static void close_session(void **thing)
{
    (void)thing;
    irc_client_close(&session.client);
    irc_bridge_close(&session.bridge);
    close_transport(&session.transport);
    *thing = NULL;
}

static void on_event(void *context, uint64_t sequence)
{
    (void)context;
    (void)sequence;
}

static int open_client(struct error *e)
{
    const struct irc_client_params p = {.port = irc_bridge_port(session.bridge),
                                        .password = irc_bridge_nonce(session.bridge),
                                        .nick = "reverie",
                                        .on_event = on_event};
    return irc_client_open(&session.client, &p, e);
}

static int open_session(void **thing, struct error *e)
{
    int rc = open_fake(&session.transport, e);
    if (rc == 0)
        rc = irc_bridge_open(&session.bridge, session.transport, "", &counters, e);
    if (rc == 0)
        rc = open_client(e);
    *thing = &session;
    if (rc < 0)
        close_session(thing);
    return rc;
}

static void the_chat(void **state)
{
    (void)state;
    static const struct opening openings[] = {
        OPENS("resolver", resolver, .has_no_line = true),
        {.name = "fake transport", .open = open_fake, .close = close_transport},
        {.name = "plain transport", .open = open_plain, .close = close_transport},
        {.name = "TLS transport", .open = open_tls, .close = close_transport, .fails_anyway = true},
        OPENS("bridge and client", session),
        OPENS("irc", irc),
        OPENS("link", link),
    };
    fail_all(openings, ARRAY_LEN(openings));
}

/* Transport, bridge and client are opened by the chat's thread. */
static atomic_int told; /* states after the first, IRC_CONNECTING */

static void on_state(void *context, enum irc_state state, const char *text)
{
    (void)context;
    (void)text;
    atomic_fetch_add(&told, state != IRC_CONNECTING);
}

static int open_busy_irc(void **thing, struct error *e)
{
    static const struct irc_events events = {.on_state = on_state};
    atomic_store(&told, 0);
    return irc_open((struct irc **)thing, &irc_config, &events, &tuning, e);
}

static void close_busy_irc(void **thing)
{
    for (int ms = 0; ms < 5000 && atomic_load(&told) == 0; ms++)
        usleep(1000);
    assert_true(atomic_load(&told) >
                0); /* it is in the room, or says why not and waits for the next attempt */
    close_irc(thing);
}

static void the_chat_goes_on(void **state)
{
    (void)state;
    static const struct opening opening = OPENS("irc, its thread", busy_irc);
    int calls = fail_each_in_threads(&opening);
    print_message("# %s: %d calls\n", opening.name, calls);
    assert_true(calls >= 5);
}

static void write_file(char path[64], const char *name, const char *text)
{
    snprintf(path, 64, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    char banned[64];
    log_set_level(LOG_ERROR);
    memset(known.known, true, sizeof known.known);
    assert_non_null(mkdtemp(folder));
    write_file(script_path, "script", "1 ann goldfish\n2 bob volcano\n");
    write_file(log_path, "irc", "> NICK reverie\n< :s 001 reverie :hello\n=\n");
    write_file(banned, "banned", "goldfish\n@eve\n");
    snprintf(config.banned_file, sizeof config.banned_file, "%s", banned);
    snprintf(config.state_dir, sizeof config.state_dir, "%s", folder);
    snprintf(journal_folder, sizeof journal_folder, "%s/journal", folder);
    struct error e = {""};
    if (store_open(&journal_store, &(struct store_params){.folder = journal_folder}, &e) < 0)
        fail_msg("%s", e.text);
    link_config = irc_config; /* whose transport is the settings' */
    snprintf(link_config.server, sizeof link_config.server, "127.0.0.1");
    snprintf(irc_config.server, sizeof irc_config.server, "%s", log_path);
    tuning = irc_tuning_default;
    tuning.transport = &transport_fake;
    clock_init_monotonic(&show_clock);
    listen_anywhere();
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(tty >= 0);
    return pipe(typed) < 0 || stop_init(&stop) < 0 ||
           requests_open(&requests, &config, &known, 1, NULL) < 0 ||
           chatbot_open(&bot, requests, &known, 1, 3) < 0;
}

static int teardown(void **state)
{
    (void)state;
    chatbot_close(&bot);
    requests_close(&requests);
    stop_close(&stop);
    close(typed[0]);
    close(typed[1]);
    close(listener);
    close(tty);
    close(master);
    store_close(&journal_store);
    static const char *const names[] = {
        "journal/lock", "journal/reverie.db", "journal",        "script",        "irc", "banned",
        "lock",         "reverie.db",         "reverie.db-wal", "reverie.db-shm"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        remove(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_programme),
        cmocka_unit_test(the_chat),
        cmocka_unit_test(the_chat_goes_on),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
