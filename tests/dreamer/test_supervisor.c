/*
 * The dreamer's process dies, hangs or lies, and the show goes on. The process is this program once more, in a part of its own
 * (scripted_child.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "config/config.h"
#include "dreamer/supervisor.h"
#include "tests/dreamer/scripted_child.h"

enum { SIDE = 64, PICTURES = 8 };

static struct {
    pthread_mutex_t lock;
    char text[16384];
} said = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_log(void *context, enum log_level level, const char *part, const char *text)
{
    (void)context;
    (void)level;
    pthread_mutex_lock(&said.lock);
    size_t n = strlen(said.text);
    snprintf(said.text + n, sizeof said.text - n, "%s: %s\n", part, text);
    pthread_mutex_unlock(&said.lock);
}

/* How often it was said. */
static int count_said(const char *what)
{
    int count = 0;
    pthread_mutex_lock(&said.lock);
    for (const char *at = said.text; (at = strstr(at, what)); at++)
        count++;
    pthread_mutex_unlock(&said.lock);
    return count;
}

static void assert_said(const char *what)
{
    if (!count_said(what))
        fail_msg("'%s' was not said: %s", what, said.text);
}

struct show {
    char *arguments[4];
    struct keyframes *keyframes;
    struct port *port;
    struct stats stats;
    struct stop stop;
    struct supervisor *supervisor;
    struct thread programme;
    atomic_int kept, kept_last;
    int pictures;
    int64_t z;
    float grey; /* of the last picture */
};

/* One wish at the beginning, and nothing more. */
static void *programme_main(void *arg)
{
    struct show *s = arg;
    double now_s;
    bool asked = false;
    while (port_question(s->port, &now_s)) {
        struct port_target t = {.request_id = 5, .count = 1, .caption = "goldfish  @ann"};
        port_answer(s->port, asked ? NULL : &t);
        asked = true;
    }
    return NULL;
}

static void keep(void *context, const struct snapshot *snapshot, bool last)
{
    struct show *s = context;
    assert_non_null(snapshot);
    s->kept++;
    s->kept_last += last;
}

static int try_open(struct show *s, const char *part, struct error *e)
{
    struct supervisor_params p = {.path = "/proc/self/exe",
                                  .keyframes = NULL,
                                  .stats = &s->stats,
                                  .stop = &s->stop,
                                  .first_start_s = 60,
                                  .keep = keep,
                                  .context = s};
    const struct config_entry entry = {&dream_section, &p.setup.config};
    const struct config all = {.entries = &entry, .count = 1};
    said.text[0] = '\0';
    *s = (struct show){.arguments = {"test", "child", (char *)part, NULL}, .z = -1};
    p.arguments = s->arguments;
    config_defaults(&all);
    assert_int_equal(config_set(&all, "dream.size=64x64", e), 0);
    assert_int_equal(config_set(&all, part[0] == 'G' ? "dream.backend=cuda" : "dream.backend=cpu", e), 0);
    assert_int_equal(stop_init(&s->stop), 0);
    assert_int_equal(keyframes_open(&s->keyframes, SIDE, SIDE, false), 0);
    assert_int_equal(port_open(&s->port), 0);
    p.keyframes = s->keyframes;
    p.setup.log_level = LOG_INFO;
    p.setup.snapshot_every_us = 1000000;
    p.setup.fps = 25;
    return supervisor_open(&s->supervisor, &p, e);
}

static void begin(struct show *s, const char *part)
{
    struct error e = {""};
    if (try_open(s, part, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(thread_start(&s->programme, "programme", programme_main, s), 0);
    supervisor_begin(s->supervisor, s->port, clock_real_us());
}

static void end(struct show *s)
{
    int64_t began_us = clock_real_us();
    stop_request(&s->stop);
    keyframes_shutdown(s->keyframes);
    port_shutdown(s->port);
    thread_join(&s->programme);
    supervisor_close(&s->supervisor);
    assert_in_range(clock_real_us() - began_us, 0, 3000000);
    port_close(&s->port);
    keyframes_close(&s->keyframes);
    stop_close(&s->stop);
}

/* The camera takes a picture, and looks at it as the camera does. */
static bool take(struct show *s, double seconds)
{
    const struct keyframe *k = keyframes_next(s->keyframes, (int64_t)(seconds * 1e6));
    if (!k)
        return false;
    assert_true(k->z_frames > s->z);
    for (int i = 0; i < 3 * SIDE * SIDE; i++)
        assert_true(k->rgb[i] >= 0 && k->rgb[i] <= 255);
    if (strcmp(k->caption, "goldfish  @ann") != 0)
        assert_string_equal(k->caption, "");
    s->z = k->z_frames;
    s->grey = k->rgb[0];
    s->pictures++;
    keyframes_set_position(s->keyframes, s->z);
    return true;
}

static void take_some(struct show *s, int count)
{
    for (int i = 0; i < count; i++)
        if (!take(s, 60))
            fail_msg("no picture %d: %s", i, said.text);
}

static void test_a_process_that_works(void **state)
{
    (void)state;
    struct show s;
    struct port_state told;
    int leak = open("/dev/null", O_RDONLY); /* a library's, not closed on exec */
    setenv("REVERIE_RTMP_STREAM_KEY", "live_secret", 1);
    setenv("REVERIE_CUDA", "eager", 1);
    begin(&s, "good");
    take_some(&s, PICTURES);
    port_state(s.port, &told);
    end(&s);
    unsetenv("REVERIE_RTMP_STREAM_KEY");
    unsetenv("REVERIE_CUDA");
    close(leak);
    assert_said("child: fds 5 key (null) cuda eager");
    assert_said("dreamer: a library\n");
    assert_said("dreamer: complains\n");
    assert_true(told.mean == 1 && told.deaths == 0 && !told.is_away);
    assert_string_equal(told.backend, "cpu");
    assert_true(stats_get(&s.stats, STAT_STEPS) >= 2 * (PICTURES - 2));
    assert_in_range(stats_get(&s.stats, STAT_KEYFRAMES), PICTURES, PICTURES + 1);
    assert_int_equal(stats_get(&s.stats, STAT_DREAMER_DEATHS), 0);
    assert_int_equal(s.kept_last, 1);
    assert_true(s.kept > 1);
}

/* It goes on from the snapshot, behind all that the camera has, and the show has heard of it once. */
static void survives(const char *part, const char *why, bool is_hang)
{
    struct show s;
    struct port_state told;
    begin(&s, part);
    take_some(&s, PICTURES);
    port_state(s.port, &told);
    end(&s);
    if (!count_said(why))
        fail_msg("%s: not '%s' but: %s", part, why, said.text);
    assert_int_equal(count_said("the dreamer's process is gone"), 1);
    assert_said("life 2 from 0 target 0"); /* the snapshot knows the newest target already */
    assert_said("the dreamer is back after");
    assert_true(s.grey >= 20); /* painted in the second life */
    assert_int_equal(told.deaths, 1);
    assert_int_equal(stats_get(&s.stats, STAT_DREAMER_DEATHS), 1);
    assert_int_equal(stats_get(&s.stats, STAT_DREAMER_HANGS), is_hang);
}

static void test_death(void **state)
{
    (void)state;
    survives("exit", "it ended with code 3", false);
    survives("kill", "it was killed by signal 9", false);
}

static void test_hanging(void **state)
{
    (void)state;
    survives("stop", "it has said nothing for 5 s", true);
    survives("stuck", "it has not got on for 20 s", true);
}

static void test_lies(void **state)
{
    (void)state;
    static const char *const lies[][2] = {
        {"lie-nan", "a picture that is none"},
        {"lie-number", "pictures that it cannot have"},
        {"lie-back", "where the camera never comes"},
        {"lie-far", "where the camera never comes"},
        {"lie-frame", "frames where none are asked for"},
        {"lie-caption", "a caption of its own"},
        {"lie-move", "a movement that no camera makes"},
        {"lie-front", "subjects that meet outside of the picture"},
        {"lie-point", "a movement that no camera makes"},
        {"lie-seen", "numbers that no dream has"},
        {"lie-place", "a snapshot that is nowhere"},
        {"lie-pulse", "less than nothing"},
        {"lie-state", "numbers that no dream has"},
        {"lie-level", "a line of no level"},
        {"lie-show", "what only a show says"},
        {"lie-time", "a question from another time"},
        {"lie-kind", "no word at all"},
        {"lie-short", "no word at all"},
        {"lie-flood", "no word at all"},
    };
    for (size_t i = 0; i < ARRAY_LEN(lies); i++)
        survives(lies[i][0], lies[i][1], false);
}

static void test_the_gpu_is_given_up(void **state)
{
    (void)state;
    struct show s;
    char cpu[64];
    begin(&s, "GPU");
    take_some(&s, 4 * 3 + 2);
    end(&s);
    snprintf(cpu, sizeof cpu, "life 4 from 0 target 0 backend %d", DREAM_BACKEND_CPU);
    assert_said(cpu);
    assert_int_equal(count_said("the CPU dreams from now on"), 1);
    assert_int_equal(stats_get(&s.stats, STAT_DREAMER_DEATHS), 3);
}

static void test_what_cannot_begin_is_refused(void **state)
{
    (void)state;
    struct show s;
    struct error e = {""};
    assert_int_equal(try_open(&s, "refuse", &e), -EIO);
    assert_string_equal(e.text, "there is no such model");
    assert_null(s.supervisor);
    end(&s);
    assert_int_equal(try_open(&s, "never", &e), -ECHILD);
    assert_string_equal(e.text, "it ended with code 1");
    end(&s);
}

static void test_a_process_that_does_not_go(void **state)
{
    (void)state;
    struct show s;
    begin(&s, "stubborn");
    take_some(&s, 2);
    end(&s); /* within its time */
    assert_int_equal(count_said("is gone"), 0);
}

/* A show that is stopped while the process opens its dream, or before it begins. */
static void test_stopped_early(void **state)
{
    (void)state;
    struct show s;
    struct error e = {""};
    assert_int_equal(try_open(&s, "good", &e), 0);
    end(&s);
    assert_int_equal(s.pictures, 0);
}

static int setup(void **state)
{
    (void)state;
    log_set_writer(on_log, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "child") == 0)
        return play(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_process_that_works),
        cmocka_unit_test(test_death),
        cmocka_unit_test(test_hanging),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_the_gpu_is_given_up),
        cmocka_unit_test(test_what_cannot_begin_is_refused),
        cmocka_unit_test(test_a_process_that_does_not_go),
        cmocka_unit_test(test_stopped_early),
    };
    return cmocka_run_group_tests_name("supervisor", tests, setup, NULL);
}
