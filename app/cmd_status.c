/*
 * cmd_status - `reverie status`: how the running show is doing, in a few lines or as JSON, and whether it is well as the
 * exit code.
 *
 * It asks by the door in the state folder (web/door.h), as the show's own user may: so it needs no token, works with
 * the page off or its port taken, and asks the right one of several shows. Exit 0: all that should run runs; 1:
 * something does not, or no show answers; 2: wrong usage. What viewers typed is cleaned before it is printed, and lines
 * are broken where the terminal ends.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "app/args.h"
#include "app/ask.h"
#include "app/commands.h"
#include "app/settings.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "show/state_folder.h"
#include "terminal/width.h"

enum { LABEL_COLUMNS = 9, COLUMNS_MIN = 40, LINE_BYTES = 1024, SPAN_BYTES = 24, ALARMS_TOLD = 3 };

struct arguments {
    const char *config_path;
    struct arg_list sets;
    bool json, quiet;
};

static const struct arg rows[] = {
    ARG_FLAG(0, "json", struct arguments, json, "print all that the show says of itself as JSON"),
    ARG_FLAG('q', "quiet", struct arguments, quiet,
             "print nothing; the exit code says whether the show is well"),
    ARG_TEXT('c', "config", "FILE", struct arguments, config_path, "the show's settings, for show.state_dir"),
    ARG_LIST(0, "set", "KEY=VALUE", struct arguments, sets, "one setting, over the file's; may be repeated"),
};

/* ---- reading ---- */

static double number(const struct json *object, const char *key, double otherwise)
{
    double value;
    return json_number(json_member(object, key), &value) ? value : otherwise;
}

static const char *text(const struct json *object, const char *key)
{
    const char *value = json_text(json_member(object, key));
    return value ? value : "";
}

/* ---- printing ---- */

static int columns(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return LINE_BYTES;
    return size.ws_col > COLUMNS_MIN ? size.ws_col : COLUMNS_MIN;
}

/* A paragraph behind its label, hanging. */
static void __attribute__((format(printf, 2, 3))) say(const char *label, const char *format, ...)
{
    char raw[LINE_BYTES], clean[LINE_BYTES];
    int indent = label[0] ? LABEL_COLUMNS : 0, width = columns() - indent;
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    size_t bytes = text_clean(clean, sizeof clean, raw, strlen(raw)), n;
    for (size_t at = 0; at < bytes || at == 0; at += n ? n : 1, label = "") {
        n = width_wrap(clean + at, bytes - at, width);
        printf("%-*s%.*s\n", indent, label, (int)n, clean + at);
    }
}

static const char *span(char out[SPAN_BYTES], double s)
{
    if (s < 90)
        snprintf(out, SPAN_BYTES, "%.0f s", s);
    else if (s < 90 * 60)
        snprintf(out, SPAN_BYTES, "%.0f min", s / 60);
    else if (s < 48 * 3600)
        snprintf(out, SPAN_BYTES, "%.1f h", s / 3600);
    else
        snprintf(out, SPAN_BYTES, "%.1f days", s / 86400);
    return out;
}

static void say_head(const struct json *s)
{
    char since[32], length[SPAN_BYTES];
    double uptime_s = number(s, "uptime_s", 0);
    time_t began = time(NULL) - (time_t)uptime_s;
    struct tm local;
    localtime_r(&began, &local);
    strftime(since, sizeof since, "%Y-%m-%d %H:%M", &local);
    const struct json *unwell = json_member(s, "unwell");
    say("", "Reverie %s, on since %s (%s): %s", text(s, "version"), since, span(length, uptime_s),
        json_truth(json_member(s, "healthy")) ? "all is well" : "not well");
    for (int i = 0; i < json_count(unwell); i++)
        say("  !", "%s", json_text(json_item(unwell, i)));
}

static void say_now(const struct json *s)
{
    const struct json *now = json_member(s, "now");
    char since[SPAN_BYTES], left[SPAN_BYTES], seen[32] = "";
    double held_s = number(s, "held_for_s", 0), share = number(now, "seen", -1);
    if (!now) {
        say("now", "nothing yet");
        return;
    }
    if (share >= 0)
        snprintf(seen, sizeof seen, "; seen %.0f %%", 100 * share);
    say("now", "%s%s%s, for %s%s; %s %s%s", text(now, "text"), text(now, "by")[0] ? ", asked by " : "",
        text(now, "by"), span(since, number(now, "since_s", 0)), seen, held_s > 0 ? "held for" : "changes in",
        span(left, held_s > 0 ? held_s : number(now, "changes_in_s", 0)),
        json_truth(json_member(s, "paused")) ? "; wishes are paused" : "");
}

static void say_next(const struct json *s)
{
    const struct json *first = json_item(json_member(s, "next"), 0);
    char in[SPAN_BYTES], more[48] = "";
    double waiting = number(s, "waiting", 0);
    if (waiting > 1)
        snprintf(more, sizeof more, "; %.0f more wait", waiting - 1);
    if (first)
        say("next", "%s%s%s, in %s%s", text(first, "text"), text(first, "by")[0] ? ", asked by " : "",
            text(first, "by"), span(in, number(first, "in_s", 0)), more);
    else
        say("next", "an idea of its own; nobody waits");
}

static void say_machine(const struct json *s)
{
    const struct json *video = json_member(s, "video"), *frames = json_member(s, "frames");
    const struct json *dream = json_member(s, "dream");
    double encoded = number(frames, "encoded", 0), keyframe_s = number(dream, "keyframe_s", -1);
    char gap[48] = "";
    if (keyframe_s >= 0)
        snprintf(gap, sizeof gap, ", a keyframe each %.2f s", keyframe_s);
    say("picture",
        "%s, %.0f frames/s, %.0f kbit/s; %.0f frames, %.2f %% repeated, %.0f left out (%.0f %% lately)",
        text(video, "size"), number(video, "fps", 0), number(frames, "bitrate_kbps", 0), encoded,
        encoded > 0 ? 100 * number(frames, "repeated", 0) / encoded : 0, number(frames, "left_out", 0),
        100 * number(frames, "left_out_lately", 0));
    say("dream", "%.1f steps/s on %s%s%s%s%s", number(dream, "steps_per_s", 0), text(dream, "backend"),
        text(dream, "hardware")[0] ? " (" : "", text(dream, "hardware"),
        text(dream, "hardware")[0] ? ")" : "", gap);
}

static void say_outputs(const struct json *s)
{
    const struct json *sinks = json_member(s, "sinks"), *chat = json_member(s, "chat");
    for (int i = 0; i < json_count(sinks); i++) {
        const struct json *k = json_item(sinks, i);
        const char *name = text(k, "name");
        bool fits = strlen(name) < LABEL_COLUMNS;
        say(fits ? name : "output", "%s%s%s, %s, %.1f MB", fits ? "" : name, fits ? "" : ": ",
            text(k, "state"), text(k, "text"), number(k, "bytes", 0) / 1e6);
    }
    say("chat", "%s%s%s", text(chat, "state"), text(chat, "text")[0] ? ": " : "", text(chat, "text"));
    if (json_member(s, "viewers"))
        say("watching", "%.0f on the page", number(s, "viewers", 0));
}

static void say_alarms(const struct json *s)
{
    const struct json *alarms = json_member(s, "alarms");
    char ago[SPAN_BYTES];
    int count = json_count(alarms);
    for (int i = 0; i < count && i < ALARMS_TOLD; i++) {
        const struct json *a = json_item(alarms, i);
        say("alarm", "%s ago: %s%s", span(ago, number(s, "uptime_s", 0) - number(a, "at_s", 0)),
            text(a, "text"),
            i == ALARMS_TOLD - 1 && count > ALARMS_TOLD ? " (earlier ones are in the log)" : "");
    }
}

static void print_lines(const struct json *s)
{
    say_head(s);
    say_now(s);
    say_next(s);
    say_machine(s);
    say_outputs(s);
    say_alarms(s);
}

/* ---- command ---- */

static int report(const struct arguments *a, const struct json *s, struct error *e)
{
    if (a->json && !a->quiet) {
        char *all = json_print(s, 2);
        fputs(all, stdout);
        free(all);
    } else if (!a->quiet) {
        print_lines(s);
    }
    if (fflush(stdout) != 0)
        return error_set(e, errno, "the output cannot be written: %s", strerror(errno));
    return json_truth(json_member(s, "healthy")) ? 0 : 1;
}

static int ask(const struct arguments *a, const struct show_config *show)
{
    char folder[STATE_PATH_BYTES];
    struct json *s = NULL;
    struct error e = {""};
    int rc = 0;
    if (!state_folder_find(show->state_dir, folder))
        rc = error_set(&e, ENOENT, "show.state_dir names no folder: a show without one cannot be asked");
    if (rc == 0)
        rc = ask_show(folder, "/api/status", &s, &e);
    if (rc == 0)
        rc = report(a, s, &e);
    json_close(&s);
    if (rc < 0 && a->quiet)
        return 1;
    return rc < 0 ? args_failed("status", &e) : rc;
}

int cmd_status(int argc, char **argv)
{
    static struct settings settings;
    struct arguments a = {.json = false};
    struct error e = {""};
    int first;
    settings_init(&settings);
    const struct args_command command = {
        .name = "status",
        .operands = "",
        .text =
            "Says how the running show is doing. Exit 0: all that should run runs; 1: something does not, or no\n"
            "show answers. The show is the one whose state folder is show.state_dir.\n",
        .args = rows,
        .count = ARRAY_LEN(rows),
        .values = &a,
        .config = &settings.config};
    int code = args_parse(&command, argc, argv, &first);
    if (code == ARGS_OK) {
        log_set_level(LOG_ERROR);
        code = settings_load(&settings, a.config_path, &a.sets, &e) < 0 ? args_failed("status", &e)
                                                                        : ask(&a, &settings.show);
    }
    settings_close(&settings);
    return code;
}
