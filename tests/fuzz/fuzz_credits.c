/*
 * libFuzzer over the gallery's own list (gallery.json), as it may lie in a folder that somebody else can write: read into a
 * book, trimmed, printed and read again. Names of files are made of what comes out of it.
 */
#include <ctype.h>
#include <math.h>

#include "common/text.h"
#include "show/credits.h"
#include "tests/fuzz/fuzz.h"

#define RUN "20261128-004451"
enum { NOW_S = 1795826691, ID_DIGITS_MAX = 15 };

static bool is_clean(const char *text, size_t room)
{
    char clean[CREDITS_TEXT_BYTES];
    size_t bytes = strnlen(text, room);
    return bytes < room && text_clean(clean, sizeof clean, text, bytes) == bytes && strcmp(clean, text) == 0;
}

/* Digits, and a hyphen between date and time. */
static bool is_run(const char *run)
{
    for (int i = 0; i < CREDITS_RUN_BYTES - 1; i++)
        if (i == 8 ? run[i] != '-' : !isdigit((unsigned char)run[i]))
            return false;
    return run[CREDITS_RUN_BYTES - 1] == '\0';
}

static void check_entry(const struct credit *c)
{
    char digits[32];
    must(is_run(c->run), "names of files are made of the show");
    must(c->id > 0 && snprintf(digits, sizeof digits, "%lld", (long long)c->id) <= ID_DIGITS_MAX,
         "and of a number that the gallery reads again");
    must(is_clean(c->text, sizeof c->text) && is_clean(c->by, sizeof c->by) &&
             is_clean(c->login, sizeof c->login) && is_clean(c->message_id, sizeof c->message_id),
         "texts end and are clean");
    must(c->by[0] && c->login[0], "it was somebody's");
    must(c->still_bytes >= 0 && c->loop_bytes >= 0, "sizes are sizes");
    must(isfinite(c->on_s) && c->on_s >= 0 && isfinite(c->belief) && c->belief <= 1, "numbers are numbers");
}

struct reading {
    struct credits *book;
    int count;
};

static void on_entry(void *context, const struct credit *c)
{
    struct reading *r = context;
    check_entry(c);
    credits_restore(r->book, c);
    r->count++;
}

/* As text, once more through a book; the caller's. */
static char *print(struct credits *book, struct credit *list, bool has_logins, int *count)
{
    *count = credits_list(book, list, CREDITS_MAX);
    return credits_print_json(list, *count, has_logins);
}

/* What was read can be written, and is the same when it is read again. */
static void check_round(struct credits *book, struct credit *list)
{
    int count, again;
    char *text = print(book, list, true, &count);
    struct reading r = {credits_open(RUN), 0};
    must(credits_parse(text, strlen(text), on_entry, &r) == 0 && r.count == count,
         "what is written can be read");
    char *second = print(r.book, list, true, &again);
    must(again == count && strcmp(text, second) == 0, "and stays as it is");
    credits_close(&r.book);
    free(second);
    free(text);
}

/* What people get. */
static void check_lists(struct credits *book, struct credit *list)
{
    int count, lines = 0;
    char *text = print(book, list, false, &count);
    must(strstr(text, "\"login\"") == NULL && strstr(text, "\"message_id\"") == NULL, "no login goes out");
    free(text);
    text = credits_print_lines(list, count);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    must(lines == count, "a line for each");
    free(text);
}

static void check_limits(struct credits *book, struct credit *list)
{
    static const struct credits_limits limits = {.days = 30, .count = 3, .bytes = 1000000};
    int kept = 0;
    credits_trim(book, &limits, NOW_S);
    for (int i = credits_list(book, list, CREDITS_MAX) - 1; i >= 0; i--)
        kept += list[i].still_bytes > 0;
    must(kept <= limits.count, "limits hold");
    credits_remove(book, NULL, NULL, list);
    must(credits_list(book, list, 1) == 0, "all can be removed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct credit list[CREDITS_MAX];
    char *text = fuzz_text(data, size);
    struct reading r = {credits_open(RUN), 0};
    int rc = credits_parse(text, size, on_entry, &r);
    must(rc == 0 || r.count == 0, "what is refused brings nothing");
    if (r.count > 0) {
        check_round(r.book, list);
        check_lists(r.book, list);
        check_limits(r.book, list);
    }
    credits_close(&r.book);
    free(text);
    return 0;
}
