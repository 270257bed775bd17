/*
 * cmd_log - `reverie log`: what was asked and shown, from the store, a line of JSON for each event.
 *
 * It only reads, so a show may be on. Exit 0: printed, be it nothing; 1: there is nothing that could be read; 2:
 * wrong usage.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/settings.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "show/state_folder.h"
#include "show/store.h"

struct arguments {
    const char *config_path, *since, *user;
    struct arg_list sets;
    int64_t limit;
};

static const struct arg rows[] = {
    ARG_TEXT(0, "since", "TIME", struct arguments, since,
             "only from then on: 90m, 2h, 7d ago, or 2026-11-27 or 2026-11-27T13:00 (UTC)"),
    ARG_TEXT(0, "user", "NAME", struct arguments, user, "only of this viewer, by name or login"),
    ARG('n', "limit", "N",
        OPTION_INT(struct arguments, limit, "0", 0, 1000000000, NULL, "only the last N events; 0 is all")),
    ARG_TEXT('c', "config", "FILE", struct arguments, config_path, "the show's settings, for show.state_dir"),
    ARG_LIST(0, "set", "KEY=VALUE", struct arguments, sets, "one setting, over the file's; may be repeated"),
};

/* ---- printing ---- */

static void put_time(struct json *o, int64_t at_ms)
{
    char at[32];
    time_t s = (time_t)(at_ms / 1000);
    struct tm utc;
    gmtime_r(&s, &utc);
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_put_text(o, "at", at);
}

static void put_request(struct json *o, const struct request *q)
{
    char label[256];
    struct json *wnids = json_new_list();
    json_put_whole(o, "id", q->id);
    json_put_text(o, "user", q->user);
    json_put_text(o, "login", q->login);
    for (int i = 0; i < q->count; i++)
        json_add_text(wnids, q->synset[i] < 0 ? "?" : synset_table[q->synset[i]].wnid);
    json_put(o, "wnid", wnids);
    for (int i = 0; i < q->count; i++)
        if (q->synset[i] < 0)
            return;
    request_label(q, label, sizeof label);
    json_put_text(o, "name", label);
}

static void print(void *context, const struct store_row *row)
{
    (void)context;
    struct json *o = json_new_object();
    put_time(o, row->at_ms);
    json_put_text(o, "event", row->event);
    if (strcmp(row->event, "asked") == 0) {
        put_request(o, &row->request);
        json_put_text(o, "text", row->text);
    } else if (strcmp(row->event, "shown") == 0) {
        json_put_whole(o, "turn", row->request.turn);
        put_request(o, &row->request);
        json_put_whole(o, "seed", row->seed);
        if (row->on_ms >= 0)
            json_put_real(o, "on_s", (double)row->on_ms / 1000, 3);
    } else if (strcmp(row->event, "command") == 0) {
        json_put_text(o, "text", row->text);
    } else if (strcmp(row->event, "removed") == 0) {
        json_put_text(o, "of", row->text);
        json_put_whole(o, "rows", row->count);
    } else {
        json_put_whole(o, "events", row->count);
    }
    char *line = json_print(o, 0);
    fputs(line, stdout);
    free(line);
    json_close(&o);
}

/* ---- arguments ---- */

/* "90m", "2h", "7d" ago, or "2026-11-27", "2026-11-27T13:00", UTC. False: neither. */
static bool read_since(const char *text, int64_t *ms)
{
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%dT%H:%M:%SZ"};
    static const struct {
        char unit;
        int64_t s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (end > text && n >= 0 && n < 100000 && end[0] == units[i].unit && !end[1]) {
            *ms = ((int64_t)time(NULL) - n * units[i].s) * 1000;
            return true;
        }
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct tm utc = {.tm_year = 0};
        const char *rest = strptime(text, forms[i], &utc);
        if (rest && !*rest) {
            *ms = (int64_t)timegm(&utc) * 1000;
            return true;
        }
    }
    return false;
}

/* ---- command ---- */

static int print_log(const struct arguments *a, const struct show_config *show, int64_t since_ms)
{
    char folder[STATE_PATH_BYTES];
    struct store *s = NULL;
    struct error e = {""};
    int rc = 0;
    if (!state_folder_find(show->state_dir, folder))
        rc = error_set(&e, ENOENT, "show.state_dir names no folder: nothing is kept");
    if (rc == 0)
        rc = store_open_to_read(&s, folder, &e);
    if (rc == 0)
        rc = store_each_event(s, a->limit, since_ms, a->user, print, NULL, &e);
    store_close(&s);
    if (rc == 0 && fflush(stdout) != 0)
        rc = error_set(&e, errno, "the output cannot be written: %s", strerror(errno));
    return rc < 0 ? args_failed("log", &e) : 0;
}

int cmd_log(int argc, char **argv)
{
    static struct settings settings;
    struct arguments a = {.limit = 0};
    struct error e = {""};
    int64_t since_ms = INT64_MIN;
    int first;
    settings_init(&settings);
    const struct args_command command = {
        .name = "log",
        .operands = "",
        .text =
            "Prints what was asked and shown, and that moderators removed something, as lines of JSON, oldest\n"
            "first, from the folder show.state_dir. A show may be on.\n",
        .args = rows,
        .count = ARRAY_LEN(rows),
        .values = &a,
        .config = &settings.config};
    int code = args_parse(&command, argc, argv, &first);
    if (code == ARGS_OK && a.since && !read_since(a.since, &since_ms))
        code = args_fault(&command,
                          "--since is 90m, 2h or 7d ago, or 2026-11-27 or 2026-11-27T13:00, not '%.40s'",
                          a.since);
    if (code == ARGS_OK) {
        log_set_level(LOG_ERROR);
        code = settings_load(&settings, a.config_path, &a.sets, &e) < 0
                   ? args_failed("log", &e)
                   : print_log(&a, &settings.show, since_ms);
    }
    settings_close(&settings);
    return code;
}
