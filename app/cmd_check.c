/*
 * cmd_check - `reverie check`: everything that would go wrong in a show, found in a second, before
 * it goes live.
 *
 * Each line is one thing: "ok" or "BAD" with the remedy. Every check runs even after one failed, so that the
 * operator sees the whole list at once. Exit 0 only when all are ok.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/settings.h"
#include "common/clock.h"
#include "common/log.h"
#include "stream/stream_check.h"

struct check {
    struct settings settings;
    int bad;
};

static void say(struct check *c, const char *what, int rc, const char *text)
{
    printf("%-4s %-9s %s\n", rc < 0 ? "BAD" : "ok", what, text);
    c->bad += rc < 0;
}

static void check_machine(struct check *c)
{
    char text[128];
    long cores = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    snprintf(text, sizeof text, "%ld cores, %.1f GB of memory", cores, (double)pages * (double)page / 1e9);
    say(c, "machine", 0, text);
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

static void say_stream(void *context, const char *what, int rc, const char *text)
{
    say(context, what, rc, text);
}

struct arguments {
    const char *config_path;
    struct arg_list sets;
};

static const struct arg arguments[] = {
    ARG_TEXT('c', "config", "FILE", struct arguments, config_path, "the settings to check"),
    ARG_LIST(0, "set", "KEY=VALUE", struct arguments, sets, "one setting, over the file's; may be repeated"),
};

int cmd_check(int argc, char **argv)
{
    struct check c = {.bad = 0};
    struct arguments a = {.config_path = NULL};
    const struct args_command command = {
        .name = "check",
        .operands = "",
        .text = "Is this configuration and this machine ready for a show? Exit 0 when it is, 1 when not.\n",
        .args = arguments,
        .count = ARRAY_LEN(arguments),
        .values = &a,
        .config = &c.settings.config};
    int first;
    struct error e = {0};
    settings_init(&c.settings);
    int code = args_parse(&command, argc, argv, &first);
    if (code != ARGS_OK) {
        settings_close(&c.settings);
        return code;
    }
    int rc = settings_load(&c.settings, a.config_path, &a.sets, &e);
    say(&c, "settings", rc, rc < 0 ? e.text : a.config_path ? a.config_path : "the defaults");
    if (rc == 0) {
        log_set_level(LOG_ERROR);
        check_machine(&c);
        check_dream(&c);
        stream_check(c.settings.stream, say_stream, &c);
    }
    settings_close(&c.settings);
    return c.bad > 0;
}
