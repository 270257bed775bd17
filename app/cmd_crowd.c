/*
 * cmd_crowd - `reverie crowd`: the lines of a crowd that is not there (rehearsal/crowd.h), as a script for `run --offline`, or
 * with all that is known of them as JSON, for other programs that play a channel.
 *
 * A script knows viewers only: moderators' lines and what moderators remove are left out of it. Exit 0: printed; 2: wrong
 * usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/args.h"
#include "app/commands.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "rehearsal/crowd.h"

struct arguments {
    double minutes, lines_per_minute;
    int64_t seed;
    bool json;
};

static const struct arg rows[] = {
    ARG(0, "minutes", "N",
        OPTION_FLOAT(struct arguments, minutes, "5", 0.01, 100000, NULL, "how long they talk")),
    ARG(0, "lines-per-minute", "N",
        OPTION_FLOAT(struct arguments, lines_per_minute, "60", 1, 6000, NULL, "how busy the channel is")),
    ARG(0, "seed", "N", OPTION_INT(struct arguments, seed, "1", 0, 0x1p53, NULL, "same seed: same lines")),
    ARG_FLAG(0, "json", struct arguments, json, "an object for each line: time, kind, user, rank, text"),
};

static void print_json(const struct crowd_line *l)
{
    char clean[CROWD_TEXT_BYTES];
    struct json *o = json_new_object();
    text_clean(clean, sizeof clean, l->text, strlen(l->text));
    json_put_real(o, "at_s", l->at_s, 3);
    json_put_text(o, "kind", crowd_kinds[l->kind]);
    json_put_text(o, "user", l->user);
    json_put_truth(o, "moderator", l->is_moderator);
    json_put_truth(o, "wants_answer", crowd_wants_answer(l->kind));
    json_put_text(o, "text", clean);
    char *line = json_print(o, 0);
    fputs(line, stdout);
    free(line);
    json_close(&o);
}

static void print_line(const struct crowd_line *l, bool json)
{
    if (json)
        print_json(l);
    else if (!l->is_moderator && l->kind != CROWD_REMOVAL)
        printf("%.3f %s %s\n", l->at_s, l->user, l->text);
}

int cmd_crowd(int argc, char **argv)
{
    struct arguments a = {.seed = 0};
    const struct args_command command = {
        .name = "crowd",
        .operands = "",
        .text =
            "What a busy channel says, by a seed: talk, wishes, typos, questions, floods, abuse. Lines SECONDS USER\n"
            "TEXT, for `reverie run --offline --script FILE`.\n",
        .args = rows,
        .count = ARRAY_LEN(rows),
        .values = &a};
    struct crowd crowd;
    struct crowd_line line;
    int first, code = args_parse(&command, argc, argv, &first);
    if (code != ARGS_OK)
        return code;
    const struct crowd_params p = {
        .seed = (uint64_t)a.seed, .lines_per_s = a.lines_per_minute / 60, .prefix = "!", .bot = "reverie"};
    crowd_begin(&crowd, &p);
    for (crowd_next(&crowd, &line); line.at_s < 60 * a.minutes && !ferror(stdout); crowd_next(&crowd, &line))
        print_line(&line, a.json);
    return fflush(stdout) != 0 || ferror(stdout) ? 1 : 0;
}
