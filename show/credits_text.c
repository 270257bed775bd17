/*
 * credits_text - the book of credits as JSON, which the gallery reads again, and as lines for people.
 */
#include "show/credits.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"

enum { RUN_LENGTH = CREDITS_RUN_BYTES - 1 };

/* More than a show ever has. A file may say anything, and sums and differences of what it says must not run over; names
 * of files have numbers of 15 digits at most. */
static const int64_t ID_MAX = 999999999999999, AT_MAX_S = INT64_C(1) << 40, BYTES_MAX = INT64_C(1) << 40;
static const double ON_MAX_S = 1e9;

char *credits_print_json(const struct credit *list, int count, bool has_logins)
{
    struct json *all = json_new_object(), *wishes = json_new_list();
    for (int i = 0; i < count; i++) {
        const struct credit *c = &list[i];
        struct json *o = json_new_object();
        json_put_text(o, "run", c->run);
        json_put_whole(o, "id", c->id);
        json_put_whole(o, "at", c->at_s);
        json_put_text(o, "text", c->text);
        json_put_text(o, "by", c->by);
        json_put_real(o, "on_s", c->on_s, 1);
        if (c->belief >= 0)
            json_put_real(o, "seen", c->belief, 3);
        json_put_whole(o, "still_bytes", c->still_bytes);
        json_put_whole(o, "loop_bytes", c->loop_bytes);
        if (has_logins) {
            json_put_text(o, "login", c->login);
            json_put_text(o, "message_id", c->message_id);
        }
        json_add(wishes, o);
    }
    json_put(all, "dreamed", wishes);
    char *text = json_print(all, 1);
    json_close(&all);
    return text;
}

/* "20261128-004451" and nothing else: names of files are made of it. */
static bool is_run(const char *text)
{
    if (!text || strlen(text) != RUN_LENGTH || text[8] != '-')
        return false;
    return strspn(text, "0123456789") == 8 && strspn(text + 9, "0123456789") == RUN_LENGTH - 9;
}

static void take_text(const struct json *o, const char *key, char *out, size_t size)
{
    const char *text = json_text(json_member(o, key));
    text_clean(out, size, text ? text : "", text ? strlen(text) : 0);
}

static bool is_within(int64_t v, int64_t least, int64_t most)
{
    return v >= least && v <= most;
}

static bool is_sound(const struct credit *c)
{
    return is_within(c->id, 1, ID_MAX) && is_within(c->at_s, 0, AT_MAX_S) && c->by[0] && c->login[0] &&
           is_within(c->still_bytes, 0, BYTES_MAX) && is_within(c->loop_bytes, 0, BYTES_MAX) &&
           c->on_s >= 0 && c->on_s <= ON_MAX_S && isfinite(c->belief) && c->belief <= 1;
}

static bool read_entry(const struct json *o, struct credit *c)
{
    const char *run = json_text(json_member(o, "run"));
    *c = (struct credit){.belief = -1};
    if (!is_run(run) || !json_whole(json_member(o, "id"), &c->id) ||
        !json_whole(json_member(o, "at"), &c->at_s))
        return false;
    text_copy(c->run, sizeof c->run, run);
    take_text(o, "text", c->text, sizeof c->text);
    take_text(o, "by", c->by, sizeof c->by);
    take_text(o, "login", c->login, sizeof c->login);
    take_text(o, "message_id", c->message_id, sizeof c->message_id);
    json_number(json_member(o, "on_s"), &c->on_s);
    json_number(json_member(o, "seen"), &c->belief);
    json_whole(json_member(o, "still_bytes"), &c->still_bytes);
    json_whole(json_member(o, "loop_bytes"), &c->loop_bytes);
    return is_sound(c);
}

int credits_parse(const char *text, size_t bytes, void (*each)(void *context, const struct credit *entry),
                  void *context)
{
    struct json *all;
    struct credit c;
    if (json_parse(&all, text, bytes, NULL) < 0)
        return -EINVAL;
    const struct json *wishes = json_member(all, "dreamed");
    for (int i = 0; i < json_count(wishes) && i < CREDITS_MAX; i++)
        if (read_entry(json_item(wishes, i), &c))
            each(context, &c);
    json_close(&all);
    return 0;
}

char *credits_print_lines(const struct credit *list, int count)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return xasprintf("%s", "");
    for (int i = 0; i < count; i++) {
        fprintf(out, "%4lld  %s, dreamed by %s", (long long)list[i].id, list[i].text, list[i].by);
        if (list[i].on_s > 0)
            fprintf(out, ", %.0f s", list[i].on_s);
        if (list[i].belief >= 0)
            fprintf(out, ", seen with %.0f %% certainty", 100 * list[i].belief);
        fprintf(out, "\n");
    }
    fclose(out);
    return text ? text : xasprintf("%s", "");
}
