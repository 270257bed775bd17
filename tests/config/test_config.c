/*
 * --set, suggestions, and secrets from the environment and from files.
 */
#include "tests/config/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

static void set_stores_values(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    assert_int_equal(config_set(&f.config, "camera.zoom=1.25", NULL), 0);
    assert_true(f.camera.zoom == 1.25);
    assert_int_equal(config_set(&f.config, "sink.title=a=b.c", NULL), 0);
    assert_string_equal(f.sink.title, "a=b.c");
    assert_int_equal(config_set(&f.config, "sink.title=", NULL), 0);
    assert_string_equal(f.sink.title, "");
}

static void set_names_faults(void **state)
{
    (void)state;
    static const struct {
        const char *assignment, *says;
    } cases[] = {
        {"camera.zoom=fast",
         "--set: camera.zoom: \"fast\" is not valid; expected number from 1 to 1.5 per second"},
        {"camera.zom=1.1", "--set: camera has no option \"zom\"; did you mean zoom?"},
        {"camera.hold=5", "did you mean hold_s?"},
        {"camera.hold-s=5", "did you mean hold_s?"},
        {"camera.title=x", "did you mean sink.title?"},
        {"camera.qwertz=x", "camera has no option \"qwertz\"; `reverie run --help=settings`"},
        {"camra.zoom=1.1", "there is no section \"camra\"; did you mean camera?"},
        {"zoom.zoom=1.1", "there is no section \"zoom\"; did you mean camera.zoom?"},
        {"qwertz.zoom=1.1", "there is no section \"qwertz\"; did you mean camera.zoom?"},
        {"qwertz.hold-s=1", "there is no section \"qwertz\"; did you mean camera.hold_s?"},
        {"qwertz.x=1", "there is no section \"qwertz\"; there are camera, sink"},
        {"camera.zoom", "--set takes section.key=value"},
        {"zoom=1.1", "--set takes section.key=value"},
        {"=", "--set takes section.key=value"},
        {"", "--set takes section.key=value"},
        {".=x", "--set takes section.key=value"},
    };
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error e = {""};
        assert_int_equal(config_set(&f.config, cases[i].assignment, &e), -EINVAL);
        assert_has(e.text, cases[i].says);
        assert_int_equal(config_set(&f.config, cases[i].assignment, NULL), -EINVAL);
    }
}

static void set_survives_long_text(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    char *text = xmalloc(100001);
    memset(text, 'x', 100000);
    text[100000] = '\0';
    assert_int_equal(config_set(&f.config, text, NULL), -EINVAL);
    memcpy(text, "sink.title=", 11);
    assert_int_equal(config_set(&f.config, text, NULL), -EINVAL);
    free(text);
}

static void set_refuses_secrets_without_echo(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct error e = {""};
    assert_int_equal(config_set(&f.config, "sink.key=live_98765", &e), -EINVAL);
    assert_has(e.text, "sink.key");
    assert_has(e.text, "REVERIE_SINK_KEY_FILE");
    assert_lacks(e.text, "98765");
    assert_string_equal(f.sink.key, "");
}

static void nearest_names(void **state)
{
    (void)state;
    static const char *const names[] = {"prior_ratio", "prior_file",  "steps",
                                        "threads",     "step_levels", "size"};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"step", "step_levels"}, /* the only one that goes on with '_' */
        {"stpes", "steps"},
        {"Steps", "steps"},
        {"thread", "threads"},
        {"prior-file", "prior_file"},
        {"prior_fiel", "prior_file"},
        {"sise", "size"},
        {"", NULL},
        {"x", NULL},
        {"volcano", NULL},
        {"threadsthreads", NULL},
        {"prior", NULL}, /* two go on: no guess */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = config_nearest(cases[i].word, names, ARRAY_LEN(names));
        if (cases[i].nearest == NULL)
            assert_null(got);
        else if (!got || strcmp(got, cases[i].nearest) != 0)
            fail_msg("%s: %s, not %s", cases[i].word, got ? got : "nothing", cases[i].nearest);
    }
    static const char *const close[] = {"room", "zoom", "boom"};
    assert_string_equal(config_nearest("zoomm", close, 3), "zoom"); /* not the last that is near enough */
    assert_string_equal(config_nearest("foom", close, 3), "room");  /* the first of equals */
    char endless[1000];
    memset(endless, 's', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_null(config_nearest(endless, names, ARRAY_LEN(names)));
}

static int forget_variables(void **state)
{
    (void)state;
    unsetenv("REVERIE_SINK_KEY");
    unsetenv("REVERIE_SINK_KEY_FILE");
    return 0;
}

static void secret_from_environment(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    assert_int_equal(config_read_secrets(&f.config, NULL), 0);
    assert_string_equal(f.sink.key, "");

    setenv("REVERIE_SINK_KEY", "live_abcdef", 1);
    assert_int_equal(config_read_secrets(&f.config, NULL), 0);
    assert_string_equal(f.sink.key, "live_abcdef");
    char line[] = "to rtmp://host/app/live_abcdef and on";
    log_redact(line);
    assert_string_equal(line, "to rtmp://host/app/*** and on");
}

static void bad_secret_is_not_echoed(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct error e = {""};
    setenv("REVERIE_SINK_KEY", "live_qqqqqq\n", 1);
    assert_int_equal(config_read_secrets(&f.config, &e), -EINVAL);
    assert_has(e.text, "REVERIE_SINK_KEY: ");
    assert_lacks(e.text, "qqqqqq");
}

static int write_file(const char *path, mode_t mode, const void *bytes, size_t size)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    return 0;
}

static void secret_from_file(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    char path[] = "/tmp/reverie-secret-XXXXXX";
    close(mkstemp(path));
    setenv("REVERIE_SINK_KEY_FILE", path, 1);
    struct {
        mode_t mode;
        const char *bytes;
        size_t size;
        int rc;
        const char *result; /* the key, or what the message says */
    } cases[] = {
        {0600, "live_one\n", 9, 0, "live_one"},
        {0400, "live_two \r\nmore\n", 16, 0, "live_two"},
        {0640, "live_three", 10, 0, "live_three"},
        {0604, "live_four", 9, -EPERM, "chmod 600"},
        {0660, "live_five", 9, -EPERM, "chmod 600"},
        {0600, "", 0, -EINVAL, "empty"},
        {0600, "\nlive_six\n", 10, -EINVAL, "empty"},
        {0600, "live\x01seven\n", 11, -EINVAL, "control character"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error e = {""};
        write_file(path, cases[i].mode, cases[i].bytes, cases[i].size);
        assert_int_equal(config_read_secrets(&f.config, &e), cases[i].rc);
        if (cases[i].rc == 0) {
            assert_string_equal(f.sink.key, cases[i].result);
        } else {
            assert_has(e.text, "REVERIE_SINK_KEY_FILE: ");
            assert_has(e.text, cases[i].result);
            assert_lacks(e.text, "live");
        }
    }
    char *endless = xmalloc(100000);
    memset(endless, 'k', 100000);
    struct error e = {""};
    write_file(path, 0600, endless, 100000);
    assert_int_equal(config_read_secrets(&f.config, &e), -EINVAL);
    assert_has(e.text, "longer than 511 bytes");
    free(endless);

    unlink(path);
    assert_int_equal(config_read_secrets(&f.config, &e), -ENOENT);
    assert_has(e.text, path);
    setenv("REVERIE_SINK_KEY_FILE", "/tmp", 1);
    assert_int_equal(config_read_secrets(&f.config, &e), -EISDIR);
    assert_has(e.text, "not a regular file");
}

static void environment_goes_over_file(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    setenv("REVERIE_SINK_KEY", "live_direct", 1);
    setenv("REVERIE_SINK_KEY_FILE", "/nowhere/at/all", 1);
    assert_int_equal(config_read_secrets(&f.config, NULL), 0);
    assert_string_equal(f.sink.key, "live_direct");
}

/* Neither a program that we start nor a core file gets to know it. */
static void secret_is_hidden(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    config_hide_secrets(&f.config); /* there is none */
    assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
    setenv("REVERIE_SINK_KEY", "live_hidden", 1);
    setenv("REVERIE_SINK_KEY_FILE", "/nowhere/at/all", 1);
    char *value = getenv("REVERIE_SINK_KEY");
    assert_int_equal(config_read_secrets(&f.config, NULL), 0);
    config_hide_secrets(&f.config);
    assert_string_equal(f.sink.key, "live_hidden");
    assert_string_equal(value, ""); /* where it was, too */
    assert_null(getenv("REVERIE_SINK_KEY"));
    assert_null(getenv("REVERIE_SINK_KEY_FILE"));
    assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
    prctl(PR_SET_DUMPABLE, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_stores_values),
        cmocka_unit_test(set_names_faults),
        cmocka_unit_test(set_survives_long_text),
        cmocka_unit_test(set_refuses_secrets_without_echo),
        cmocka_unit_test(nearest_names),
        cmocka_unit_test_setup_teardown(secret_from_environment, forget_variables, forget_variables),
        cmocka_unit_test_setup_teardown(bad_secret_is_not_echoed, forget_variables, forget_variables),
        cmocka_unit_test_setup_teardown(secret_from_file, forget_variables, forget_variables),
        cmocka_unit_test_setup_teardown(environment_goes_over_file, forget_variables, forget_variables),
        cmocka_unit_test_setup_teardown(secret_is_hidden, forget_variables, forget_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
