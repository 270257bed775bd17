/*
 * How often people are understood: heldout.tsv, line by line, with all 1000 classes and with the embedded
 * model's. Prints a table by kind of line and holds the sums to what was promised.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/subjects.h"
#include "common/mem.h"
#include "synsets/index.h"

enum { KINDS_MAX = 32, ROW_BYTES = 1024, FIELDS = 4, LINES_MIN = 400 };

/* What became of a line. */
enum outcome { GRANTED, NEAREST, NO, HINT, ASKS, LACKS, MISSED, WRONG, OUTCOMES };
static const char *const outcome_names[] = {"granted", "nearest", "no",     "no+hint",
                                            "asks",    "lacks",   "missed", "wrong"};

struct tally {
    char kind[32];
    int lines, has; /* has: it names something that ImageNet has */
    int outcome[OUTCOMES], has_granted, has_nearest;
};

static struct synsets_known everything, embedded;

static int set_up(void **state)
{
    (void)state;
    struct model *m;
    struct error e;
    if (model_load(&m, NULL, &e))
        return -1;
    subjects_known(m, &embedded);
    model_close(&m);
    for (int i = 0; i < SYNSET_COUNT; i++)
        everything.known[i] = true;
    return 0;
}

static int index_of(const char *name)
{
    for (int i = 0; i < SYNSET_COUNT; i++)
        if (strcmp(synset_table[i].names[0], name) == 0)
            return i;
    fail_msg("no class is called %s", name);
    return -1;
}

/* `what`: "goldfish" or "~dog". */
static bool is_a(int synset, const char *what)
{
    if (what[0] != '~')
        return strcmp(synset_table[synset].names[0], what) == 0 || (index_of(what), false);
    int found[SYNSET_COUNT], count = synsets_browse(what + 1, &everything, found, SYNSET_COUNT);
    for (int i = 0; i < count; i++)
        if (found[i] == synset)
            return true;
    return false;
}

/* Subject `i` of a granted result; `lenient`: the wanted class may be lacking and the nearest be taken. */
static bool fits(const struct synsets_result *r, int i, const char *part, bool lenient)
{
    const struct synsets_subject *s = &r->subject[i];
    if (part[0] == '*')
        return s->meant_name && is_a(r->synset[i], part + 1);
    if (!s->meant_name)
        return is_a(r->synset[i], part);
    return lenient && s->meant >= 0 && is_a(s->meant, part);
}

/* "a + b + c", all of them and no more. */
static bool answers_all(const struct synsets_result *r, char *wanted, bool lenient)
{
    int count = 0;
    for (char *next; wanted; wanted = next) {
        next = strstr(wanted, " + ");
        if (next) {
            *next = '\0';
            next += strlen(" + ");
        }
        if (count == r->count || !fits(r, count++, wanted, lenient))
            return false;
    }
    return count == r->count;
}

/* "a", "a + b", "a + -", "-", "?x" against what came out. */
static bool answers(const struct synsets_result *r, char *wanted, bool lenient)
{
    const char *join = strstr(wanted, " + ");
    if (join && strstr(join + 1, " + "))
        return answers_all(r, wanted, lenient);
    char *second = strstr(wanted, " + ");
    if (second) {
        *second = '\0';
        second += strlen(" + ");
    }
    if (wanted[0] == '?') {
        for (int i = 0; i < r->suggestion_count; i++)
            if (strcmp(r->suggestion_name[i], wanted + 1) == 0)
                return r->verdict == SYNSETS_UNSURE;
        return false;
    }
    if (!second)
        return strcmp(wanted, "-") == 0
                   ? !synsets_granted(r)
                   : r->count == 1 && r->verdict != SYNSETS_HALF && fits(r, 0, wanted, lenient);
    if (strcmp(wanted, "-") == 0 || strcmp(second, "-") == 0)
        return r->verdict == SYNSETS_HALF && fits(r, 0, wanted[0] == '-' ? second : wanted, lenient);
    return r->count == 2 && fits(r, 0, wanted, lenient) && fits(r, 1, second, lenient);
}

static bool any_answers(const struct synsets_result *r, const char *list, bool lenient)
{
    char copy[ROW_BYTES], *rest = copy;
    snprintf(copy, sizeof copy, "%s", list);
    for (char *one; (one = strsep(&rest, "|"));)
        if (answers(r, one, lenient))
            return true;
    return false;
}

/* One of two wanted things is granted and the other said to be lacking: no grant, and no mistake. */
static bool is_honest_half(const struct synsets_result *r, const char *wanted)
{
    char copy[ROW_BYTES];
    snprintf(copy, sizeof copy, "%.*s", (int)strcspn(wanted, "|"), wanted);
    char *second = strstr(copy, " + ");
    if (!second || r->verdict != SYNSETS_HALF || !r->missing_name)
        return false;
    *second = '\0';
    return fits(r, 0, copy, true) || fits(r, 0, second + strlen(" + "), true);
}

static bool names_something(const char *list)
{
    return list[0] != '-' && list[0] != '*' && list[0] != '?' && !strstr(list, "|-") && !strstr(list, "|*") &&
           !strstr(list, "|?");
}

static enum outcome judge(const struct synsets_result *r, const char *wanted, bool lenient)
{
    bool right = any_answers(r, wanted, lenient);
    if (!right && lenient && is_honest_half(r, wanted))
        return LACKS;
    if (synsets_granted(r))
        return !right ? WRONG : r->verdict == SYNSETS_NEAREST ? NEAREST : GRANTED;
    if (r->verdict == SYNSETS_LACKING)
        return LACKS;
    if (right && r->verdict == SYNSETS_UNSURE && !strchr(wanted, '?'))
        return HINT;
    if (r->verdict == SYNSETS_UNSURE)
        return right ? ASKS : names_something(wanted) ? ASKS : HINT;
    return right || strchr(wanted, '*') ? NO : MISSED;
}

static struct tally *tally_of(struct tally *tallies, const char *kind)
{
    int i = 0;
    while (tallies[i].kind[0] && strcmp(tallies[i].kind, kind) != 0)
        i++;
    assert_true(i < KINDS_MAX);
    snprintf(tallies[i].kind, sizeof tallies[i].kind, "%s", kind);
    return &tallies[i];
}

static void tell(const char *line, const char *wanted, const struct synsets_result *r, enum outcome outcome)
{
    char label[256] = "";
    synsets_label(r, label, sizeof label);
    const char *hint = r->suggestion_count ? r->suggestion_name[0] : "";
    print_message("  %-8s %-34s -> %s%s%s%s (%s)\n", outcome_names[outcome], line, label,
                  r->count && r->subject[0].meant_name ? " for "
                  : hint[0]                            ? "? "
                                                       : "",
                  r->count && r->subject[0].meant_name ? r->subject[0].meant_name : hint,
                  r->verdict == SYNSETS_HALF ? " half" : "", wanted);
}

static void count(struct tally *t, const char *line, const char *fields[FIELDS],
                  const struct synsets_known *known)
{
    bool own = known == &embedded && fields[3][0];
    const char *wanted = own ? fields[3] : fields[2];
    struct synsets_result r;
    synsets_resolve(line, strlen(line), known, &r);
    enum outcome outcome = judge(&r, wanted, known == &embedded && !own);
    t->lines++;
    t->outcome[outcome]++;
    bool has = names_something(fields[2]);
    t->has += has;
    t->has_granted += has && outcome == GRANTED;
    t->has_nearest += has && outcome == NEAREST;
    if (outcome == WRONG || outcome == HINT ||
        (getenv("VERBOSE") && (outcome == MISSED || outcome == ASKS || outcome == LACKS)))
        tell(line, wanted, &r, outcome);
}

static int read_lines(struct tally *tallies, const struct synsets_known *known)
{
    FILE *f = fopen("tests/synsets/heldout.tsv", "r");
    if (!f)
        fail_msg("tests/synsets/heldout.tsv cannot be read; tests run in the repository's root");
    static char row[ROW_BYTES];
    int lines = 0;
    while (fgets(row, sizeof row, f)) {
        char *rest = row;
        const char *fields[FIELDS] = {"", "", "", ""};
        row[strcspn(row, "\n")] = '\0';
        if (row[0] == '#')
            continue;
        for (int i = 0; i < FIELDS && rest; i++)
            fields[i] = strsep(&rest, "\t");
        assert_true(fields[2][0] != '\0');
        count(tally_of(tallies, fields[0]), fields[1], fields, known);
        lines++;
    }
    fclose(f);
    return lines;
}

static struct tally sum_up(struct tally *tallies)
{
    struct tally sum = {.kind = "all"};
    print_message("  %-10s %5s %5s", "kind", "lines", "has");
    for (int o = 0; o < OUTCOMES; o++)
        print_message(" %7s", outcome_names[o]);
    print_message("\n");
    for (int i = 0; tallies[i].kind[0]; i++) {
        struct tally *t = &tallies[i];
        print_message("  %-10s %5d %5d", t->kind, t->lines, t->has);
        for (int o = 0; o < OUTCOMES; o++) {
            print_message(" %7d", t->outcome[o]);
            sum.outcome[o] += t->outcome[o];
        }
        print_message("\n");
        sum.lines += t->lines;
        sum.has += t->has;
        sum.has_granted += t->has_granted;
        sum.has_nearest += t->has_nearest;
    }
    print_message(
        "  all %d: named %d, granted at once %d, by the nearest %d; wrong %d, hints that nobody meant %d\n",
        sum.lines, sum.has, sum.has_granted, sum.has_nearest, sum.outcome[WRONG], sum.outcome[HINT]);
    return sum;
}

static void test_all_classes(void **state)
{
    (void)state;
    static struct tally tallies[KINDS_MAX + 1];
    int lines = read_lines(tallies, &everything);
    struct tally sum = sum_up(tallies), *phrases = tally_of(tallies, "phrase"),
                 *obscene = tally_of(tallies, "obscene");
    assert_true(lines >= LINES_MIN);
    assert_true(sum.has_granted * 100 >= sum.has * 90);
    assert_true(sum.outcome[WRONG] * 100 <= lines * 2);
    assert_true(sum.outcome[HINT] * 100 <= lines * 3);
    assert_true(phrases->has_granted * 100 >= phrases->has * 80);
    assert_int_equal(obscene->outcome[NO], obscene->lines);
}

static void test_embedded_model(void **state)
{
    (void)state;
    static struct tally tallies[KINDS_MAX + 1];
    int lines = read_lines(tallies, &embedded);
    struct tally sum = sum_up(tallies), *obscene = tally_of(tallies, "obscene");
    assert_true((sum.has_granted + sum.has_nearest) * 100 >= sum.has * 60);
    assert_true(sum.outcome[WRONG] * 100 <= lines * 2);
    assert_true(sum.outcome[HINT] * 100 <= lines * 3);
    assert_int_equal(obscene->outcome[NO], obscene->lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_classes),
        cmocka_unit_test(test_embedded_model),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
