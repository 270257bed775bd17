/*
 * The small parts: counters, error lines, memory.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/stats.h"
#include "common/thread.h"

static void every_count_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    for (int i = 0; i < STAT_COUNT; i++) {
        const struct stat_info *s = &stat_infos[i];
        for (const char *c = s->name; *c; c++)
            assert_true(islower((unsigned char)*c) || *c == '_');
        assert_true(strlen(s->text) > 10);
        /* The habit of the metrics page: counters end in _total, gauges do not. */
        const char *end = strstr(s->name, "_total");
        assert_int_equal(s->is_counter, end && strcmp(end, "_total") == 0);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(s->name, stat_infos[j].name);
    }
}

enum { THREADS = 4, ADDS = 20000 };
static struct stats shared;

static void *count(void *arg)
{
    int64_t base = *(int64_t *)arg;
    for (int64_t i = 1; i <= ADDS; i++) {
        stats_add(&shared, STAT_STEPS, 2);
        stats_max(&shared, STAT_KEYFRAME_GAP_MAX_MS, base + i);
    }
    return NULL;
}

static void counts_of_threads_add_up(void **state)
{
    (void)state;
    struct thread threads[THREADS];
    int64_t bases[THREADS];
    for (int i = 0; i < THREADS; i++) {
        bases[i] = i * 10;
        assert_int_equal(thread_start(&threads[i], "count", count, &bases[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    assert_int_equal(stats_get(&shared, STAT_STEPS), 2 * THREADS * ADDS);
    assert_int_equal(stats_get(&shared, STAT_KEYFRAME_GAP_MAX_MS), ADDS + 10 * (THREADS - 1));
    stats_max(&shared, STAT_KEYFRAME_GAP_MAX_MS, 5); /* smaller: ignored */
    assert_int_equal(stats_get(&shared, STAT_KEYFRAME_GAP_MAX_MS), ADDS + 10 * (THREADS - 1));
    stats_set(&shared, STAT_KEYFRAME_GAP_MAX_MS, 5);
    assert_int_equal(stats_get(&shared, STAT_KEYFRAME_GAP_MAX_MS), 5);
    assert_int_equal(stats_get(&shared, STAT_FRAMES), 0);
}

static void error_lines(void **state)
{
    (void)state;
    struct error e = {""};
    assert_int_equal(error_set(&e, ENOENT, "no %s", "file"), -ENOENT);
    assert_string_equal(e.text, "no file");
    assert_int_equal(error_prefix(&e, -ENOENT, "%s:%d", "show.yaml", 3), -ENOENT);
    assert_string_equal(e.text, "show.yaml:3: no file");
    assert_int_equal(error_set(NULL, EIO, "x"), -EIO);
    assert_int_equal(error_prefix(NULL, -EIO, "x"), -EIO);

    char text[2000];
    memset(text, 'z', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&e, EINVAL, "%s", text);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    error_prefix(&e, -EINVAL, "where");
    assert_int_equal(strncmp(e.text, "where: zzz", 10), 0);
    error_prefix(&e, -EINVAL, "%s", text); /* no room for what was there: cut, not overrun */
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

static void memory(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 63, 64, 65, 1000000};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *p = buffer_alloc(sizes[i]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        memset(p, 1, sizes[i]);
        free(p);
    }
    assert_null(buffer_alloc(0));
    assert_null(buffer_alloc(SIZE_MAX));
    assert_null(buffer_alloc(SIZE_MAX / 2 - 1000));

    char *zeroed = xcalloc(3, 5), *formatted = xasprintf("%d-%s", 7, "x"), *copy = xstrdup("word");
    for (int i = 0; i < 15; i++)
        assert_int_equal(zeroed[i], 0);
    assert_string_equal(formatted, "7-x");
    copy = xrealloc(copy, 100);
    assert_string_equal(copy, "word");
    free(zeroed);
    free(formatted);
    free(copy);
    free(xmalloc(0));
    free(xcalloc(0, 0));
}

/* x-functions end the program with a line; a child of its own shows it. */
static void running_out_aborts(void **state)
{
    (void)state;
    int fds[2], status;
    char line[200] = "";
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], STDERR_FILENO);
        free(xcalloc(SIZE_MAX / 2, 4));
        _exit(0);
    }
    close(fds[1]);
    assert_true(read(fds[0], line, sizeof line - 1) > 0);
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void outputs_have_rows(void **state)
{
    (void)state;
    static struct stats s;
    static const char record[] = "record";
    static char names[STATS_SINKS][4];
    struct stats_sink *row = stats_sink(&s, record);
    stats_sink_tell(row, STATS_SINK_OK);
    assert_int_equal(atomic_load(&row->connects), 1);
    stats_sink_tell(row, STATS_SINK_OK); /* nothing new */
    assert_int_equal(atomic_load(&row->connects), 1);
    stats_sink_tell(row, STATS_SINK_RETRYING);
    stats_sink_tell(row, STATS_SINK_OK);
    assert_int_equal(atomic_load(&row->connects), 2);
    assert_true(atomic_load(&row->since_us) > 0);
    assert_ptr_equal(stats_sink(&s, "record"), row); /* by name, not by place */
    for (int i = 0; i < STATS_SINKS - 1; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        assert_ptr_equal(stats_sink(&s, names[i]), row + 1 + i);
    }
    assert_null(stats_sink(&s, "one too many"));
    stats_sink_tell(NULL, STATS_SINK_OK);
}

static void gaps_are_sorted(void **state)
{
    (void)state;
    static struct stats s;
    stats_keyframe_gap(&s, 0);
    stats_keyframe_gap(&s, 50);
    stats_keyframe_gap(&s, 51);
    stats_keyframe_gap(&s, 100000);
    assert_int_equal(atomic_load(&s.keyframe_gaps[0]), 2);
    assert_int_equal(atomic_load(&s.keyframe_gaps[1]), 1);
    assert_int_equal(atomic_load(&s.keyframe_gaps[STATS_GAPS - 1]), 1);
    assert_int_equal(atomic_load(&s.keyframe_gaps_ms), 100101);
    assert_int_equal(stats_get(&s, STAT_KEYFRAME_GAP_MAX_MS), 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_count_has_a_name_and_a_sentence),
        cmocka_unit_test(counts_of_threads_add_up),
        cmocka_unit_test(outputs_have_rows),
        cmocka_unit_test(gaps_are_sorted),
        cmocka_unit_test(error_lines),
        cmocka_unit_test(memory),
        cmocka_unit_test(running_out_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
