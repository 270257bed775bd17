/*
 * cmd_check - `reverie check`: everything that would go wrong in a show, found in seconds, before it goes live.
 *
 * Each line is one thing: "ok", "warn" (the show runs, but not as wished) or "BAD", with the remedy. Every check runs
 * even after one failed, so that the operator sees the whole list at once. Exit 0 unless something is BAD. What needs
 * the network (the chat's login, the ingest server, a sound from an address) is tried too, last and for some seconds at
 * most, unless --offline-checks is given.
 */
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/ready.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "stream/stream_check.h"

#define CHAT_TIMEOUT_S 15.0
enum { BORN_YEAR = 2026 }; /* no clock that is right shows less */

struct arguments {
    const char *config_path, *script_path;
    struct arg_list sets;
    bool offline_checks;
};

static const struct arg arguments[] = {
    ARG_TEXT('c', "config", "FILE", struct arguments, config_path, "the settings to check"),
    ARG_LIST(0, "set", "KEY=VALUE", struct arguments, sets, "one setting, over the file's; may be repeated"),
    ARG_TEXT(0, "script", "FILE", struct arguments, script_path, "a script to check, too"),
    ARG_FLAG(0, "offline-checks", struct arguments, offline_checks, "leave out what needs the network"),
};

struct check {
    struct arguments arguments;
    struct settings settings;
    int bad;
};

/* rc < 0: BAD, > 0: a warning. */
static void say(void *context, const char *what, int rc, const char *text)
{
    struct check *c = context;
    printf("%-4s %-9s %s\n", rc < 0 ? "BAD" : rc > 0 ? "warn" : "ok", what, text_shown(text).text);
    fflush(stdout);
    c->bad += rc < 0;
}

static void check_machine(struct check *c)
{
    char text[128];
    long cores = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    snprintf(text, sizeof text, "%ld cores, %.1f GB of memory", cores, (double)pages * (double)page / 1e9);
    say(c, "machine", 0, text);
}

/* A wrong clock makes every certificate invalid. */
static void check_clock(struct check *c)
{
    char text[160];
    struct tm utc;
    struct timex state = {.modes = 0};
    time_t now = time(NULL);
    gmtime_r(&now, &utc);
    size_t n = strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc);
    bool wrong = utc.tm_year + 1900 < BORN_YEAR, lost = !wrong && adjtimex(&state) == TIME_ERROR;
    if (wrong)
        snprintf(text + n, sizeof text - n, " is in the past: no certificate can be verified; set the clock");
    if (lost)
        snprintf(text + n, sizeof text - n, ", not kept by NTP as far as the kernel knows");
    say(c, "clock", wrong ? -1 : 0, text);
}

static void say_variable(void *context, const char *text)
{
    say(context, "secrets", 1, text);
}

static void check_dream(struct check *c)
{
    const struct dream_config *d = &c->settings.dream;
    struct error e = {0};
    struct model *m = NULL;
    struct dream *dream = NULL;
    char text[512];
    int rc = dream_load_model(&m, d, &e);
    if (rc == 0)
        snprintf(text, sizeof text, "%s, %d classes", m->name, m->classes);
    say(c, "model", rc, rc < 0 ? e.text : text);
    if (rc == 0) {
        m->serves_once = true;
        rc = dream_open(&dream, d, m, 1, NULL, &e);
        int64_t began_us = clock_real_us();
        if (rc == 0 && (rc = dream_step(dream)) == 0)
            snprintf(text, sizeof text, "%dx%d on %s (%s), one gradient step took %.0f ms", d->size.width_px,
                     d->size.height_px, dream_backend_name(dream), dream_hardware(dream),
                     (double)(clock_real_us() - began_us) / 1000);
        else if (e.text[0] == '\0')
            error_set(&e, -rc, "the first gradient step failed: %s", strerror(-rc));
        say(c, "dream", rc, rc < 0 ? e.text : text);
    }
    dream_close(&dream);
    model_close(&m);
}

/* Returns whether the chat's settings can work at all. */
static bool check_rows(struct check *c)
{
    const struct ready ready = {.settings = &c->settings, .script_path = c->arguments.script_path};
    bool chat_can = c->settings.irc.enabled;
    for (const struct ready_row *row = ready_rows; row->name; row++) {
        struct error e = {0};
        char text[sizeof e.text] = "";
        int rc = row->check(&ready, text, sizeof text, &e);
        if (rc != 0 || text[0])
            say(c, row->name, rc, rc < 0 ? e.text : text);
        if (row == ready_rows && rc < 0)
            chat_can = false;
    }
    return chat_can;
}

static void check_login(struct check *c)
{
    struct error e = {0};
    char text[sizeof e.text] = "";
    int rc = irc_try(&c->settings.irc, CHAT_TIMEOUT_S, text, sizeof text, &e);
    say(c, "login", rc, rc < 0 ? e.text : text);
}

static void check_all(struct check *c)
{
    bool network = !c->arguments.offline_checks;
    log_set_level(LOG_ERROR);
    check_machine(c);
    check_clock(c);
    ready_variables(&c->settings, say_variable, c);
    bool chat_can = check_rows(c);
    check_dream(c);
    stream_check(c->settings.stream, network, say, c);
    if (network && chat_can)
        check_login(c);
}

int cmd_check(int argc, char **argv)
{
    struct check c = {.bad = 0};
    const struct args_command command = {
        .name = "check",
        .operands = "",
        .text = "Is this configuration and this machine ready for a show? Exit 0 when it is, 1 when not.\n",
        .args = arguments,
        .count = ARRAY_LEN(arguments),
        .values = &c.arguments,
        .config = &c.settings.config};
    int first;
    struct error e = {0};
    settings_init(&c.settings);
    int code = args_parse(&command, argc, argv, &first);
    if (code == ARGS_OK) {
        const char *path = c.arguments.config_path;
        int rc = settings_load(&c.settings, path, &c.arguments.sets, &e);
        say(&c, "settings", rc, rc < 0 ? e.text : path ? path : "the defaults");
        if (rc == 0)
            check_all(&c);
        code = c.bad > 0;
    }
    settings_close(&c.settings);
    return code;
}
