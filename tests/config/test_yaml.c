/*
 * The configuration file: what is read, and that every fault is refused with file, line and remedy.
 */
#include "tests/config/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/rng.h"

static char path[64];

static int load_bytes(struct fixture *f, const void *bytes, size_t size, struct error *e)
{
    fixture_init(f);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    return config_load(&f->config, path, e);
}

static int load(struct fixture *f, const char *text, struct error *e)
{
    return load_bytes(f, text, strlen(text), e);
}

static void loads(struct fixture *f, const char *text)
{
    struct error e = {""};
    if (load(f, text, &e) != 0)
        fail_msg("refused: %s", e.text);
}

/* Refused with a line that begins "PATH:LINE: " and holds `says`. */
static void refused(const char *text, int line, const char *says)
{
    struct fixture f;
    struct error e = {""};
    char where[128];
    snprintf(where, sizeof where, "%s:%d: ", path, line);
    if (load(&f, text, &e) != -EINVAL)
        fail_msg("accepted: %s", text);
    if (strncmp(e.text, where, strlen(where)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", e.text, where);
    assert_has(e.text, says);
}

static void reads_values(void **state)
{
    (void)state;
    struct fixture f;
    loads(&f, "# a comment\n"
              "camera:\n"
              "  zoom: 1.25   # falls faster\n"
              "  hold_s: \"90\"\n"
              "  mirror: yes\n"
              "  curve: linear\n"
              "  size: 1280x720\n"
              "sink:\n"
              "  title: 'it''s a \"show\": # 1'\n"
              "  folder: \"/srv/\\u00e4/rec\"\n");
    assert_true(f.camera.zoom == 1.25);
    assert_int_equal(f.camera.hold_s, 90);
    assert_true(f.camera.mirror);
    assert_int_equal(f.camera.curve, 0);
    assert_int_equal(f.camera.size.width_px, 1280);
    assert_string_equal(f.sink.title, "it's a \"show\": # 1");
    assert_string_equal(f.sink.folder, "/srv/\xc3\xa4/rec");
}

static void other_shapes_of_the_same(void **state)
{
    (void)state;
    struct fixture f;
    loads(&f, "{camera: {zoom: 1.25, mirror: true}, sink: {folder: x}}\n");
    assert_true(f.camera.zoom == 1.25);
    loads(&f, "---\ncamera:\n    zoom: 1.25\n...\n");
    assert_true(f.camera.zoom == 1.25);
    loads(&f, "camera:\r\n  zoom: 1.25\r\n  mirror: on\r\n");
    assert_true(f.camera.zoom == 1.25 && f.camera.mirror);
    loads(&f, "\xef\xbb\xbf"
              "camera:\n  zoom: 1.25");
    assert_true(f.camera.zoom == 1.25);
}

static void empty_files_keep_the_defaults(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",          "\n\n", "# nothing\n",  "---\n",
        "camera:\n", "{}\n", "camera: {}\n", "camera:\n  # zoom: 1.2\nsink:\n",
        "~\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct fixture f, fresh;
        loads(&f, texts[i]);
        fixture_init(&fresh);
        assert_memory_equal(&f.camera, &fresh.camera, sizeof f.camera);
        assert_memory_equal(&f.sink, &fresh.sink, sizeof f.sink);
    }
}

static void names_unknown_keys(void **state)
{
    (void)state;
    refused("camera:\n  zoom: 1.1\n  zom: 1.2\n", 3, "camera has no option \"zom\"; did you mean zoom?");
    refused("\n\ncamra:\n  zoom: 1.1\n", 3, "there is no section \"camra\"; did you mean camera?");
    refused("zoom: 1.1\n", 1, "there is no section \"zoom\"; did you mean camera.zoom?");
    refused("camera:\n  title: x\n", 2, "did you mean sink.title?");
    refused("camera:\n  <<: x\n", 2, "camera has no option \"<<\"");
    refused("\"\": 1\n", 1, "there is no section \"\"");
}

static void names_bad_values(void **state)
{
    (void)state;
    refused("camera:\n  zoom: fast\n", 2,
            "camera.zoom: \"fast\" is not valid; expected number from 1 to 1.5");
    refused("camera:\n  zoom: 9\n", 2, "camera.zoom: \"9\" is not valid");
    refused("camera:\n  hold_s: 1.5\n", 2, "whole number from 1 to 3600 s");
    refused("camera:\n  mirror: maybe\n", 2, "camera.mirror: \"maybe\" is not valid; expected true or false");
    refused("camera:\n  curve: smoth\n", 2, "did you mean smooth?");
    refused("camera:\n  size: 12x12\n", 2, "WIDTHxHEIGHT, each side from 64 to 3840 px");
    refused("camera:\n  zoom:\n  mirror: no\n", 2, "camera.zoom: has no value");
    refused("sink:\n  title:\n", 2, "write \"\" for empty text");
    refused("sink:\n  title: ~\n", 2, "has no value");
    refused("sink:\n  title: |\n    two\n    lines\n", 2, "sink.title: the text holds a line break");
    refused("sink:\n  title: \"a\\0b\"\n", 2, "zero byte");
    refused("sink:\n  key: live_13579\n", 2, "REVERIE_SINK_KEY");
}

static void keeps_secrets_out_of_messages(void **state)
{
    (void)state;
    struct fixture f;
    struct error e = {""};
    assert_int_equal(load(&f, "sink:\n  key: live_13579\n", &e), -EINVAL);
    assert_lacks(e.text, "13579");
}

static void refuses_what_has_no_place(void **state)
{
    (void)state;
    refused("camera:\n  zoom: 1.1\n  mirror: no\n  zoom: 1.2\n", 4,
            "camera.zoom: is set twice, first in line 2");
    refused("camera:\n  zoom: 1.1\nsink:\n  title: x\ncamera:\n  mirror: no\n", 5,
            "section camera is set twice, first in line 1");
    refused("camera:\nsink:\ncamera:\n", 3, "twice");
    refused("camera: &a\n  zoom: 1.1\n", 1, "anchors (&a)");
    refused("camera:\n  zoom: &b 1.1\n", 2, "anchors (&b)");
    refused("camera: *a\n", 1, "aliases (*a)");
    refused("camera:\n  zoom: !!float 1.1\n", 2, "tags");
    refused("!x camera:\n  zoom: 1.1\n", 1, "tags");
    refused("camera:\n  zoom:\n    deep: 1\n", 2, "camera.zoom: takes one value, not a section");
    refused("camera:\n  zoom: [1, 2]\n", 2, "camera.zoom: takes one value, not a list");
    refused("camera:\n  - zoom\n", 2, "section camera takes options below it");
    refused("camera: 1.1\n", 1, "section camera takes options below it");
    refused("- camera\n", 1, "expected sections");
    refused("camera\n", 1, "expected sections");
    refused("? [a]\n: b\n", 1, "expected the name of a section, found a list");
    refused("camera:\n  ? {a: b}\n  : c\n", 2, "expected the name of an option, found a section");
    refused("camera:\n  zoom: 1.1\n---\ncamera:\n", 3, "second document");
}

static void names_broken_yaml(void **state)
{
    (void)state;
    refused("camera:\n\tzoom: 1.1\n", 2, "tab");
    refused("camera:\n  zoom: 1.1\n \t mirror: no\n", 3, "tab");
    refused("camera:\n  zoom 1.1\n  mirror: no\n", 2, "as in \"  key: value\"");
    refused("camera:\n  zoom: 1.1\n mirror: no\n", 3, "sections look like");
    refused("camera: {zoom: 1.1\n", 2, "sections look like");
    refused("sink:\n  title: \"open\n", 3, "");
    refused("camera:\n  zoom: 1.1\nsink:\n  title: \xff\xfe\n", 4, "not UTF-8");
    refused("camera:\n  zoom: 1.1\n\x1b[2J", 3, "not UTF-8 text (control characters");
    refused("%YAML 9.9\n---\n", 1, "");
}

static void sixteen_bit_text_and_zero_bytes(void **state)
{
    (void)state;
    struct fixture f;
    struct error e = {""};
    assert_int_equal(load_bytes(&f,
                                "\xff\xfe"
                                "c\0a\0m\0",
                                8, &e),
                     -EINVAL);
    assert_has(e.text, ":1: the file is not UTF-8");
    assert_int_equal(load_bytes(&f, "camera:\n  zo\0om: 1\n", 19, &e), -EINVAL);
    assert_has(e.text, ":2: ");
}

static void files_that_are_none(void **state)
{
    (void)state;
    struct fixture f;
    struct error e = {""};
    fixture_init(&f);
    assert_int_equal(config_load(&f.config, "/nowhere/show.yaml", &e), -ENOENT);
    assert_has(e.text, "/nowhere/show.yaml: No such file");
    assert_int_equal(config_load(&f.config, "/tmp", &e), -EISDIR);
    assert_has(e.text, "/tmp: is a folder");
    assert_int_equal(config_load(&f.config, "/dev/zero", &e), -EINVAL);
    assert_has(e.text, "not a regular file");
    assert_int_equal(config_load(&f.config, "/dev/null", &e), 0);
}

/* Files that are all of one thing, up to the size limit: refused or read, but in no time. */
static void huge_files_cost_nothing(void **state)
{
    (void)state;
    static const char *const units[] = {"[",  "{", "? ",  "- ", "a: ", "#",   "\n",
                                        "\"", "x", "&a ", "!",  "%",   "|\n", "'"};
    enum { BYTES = 1 << 20 };
    char *text = xmalloc(BYTES + 1);
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        for (size_t at = 0, n = strlen(units[i]); at < BYTES; at++)
            text[at] = units[i][at % n];
        struct fixture f;
        struct error e = {""};
        int64_t began = clock_real_us();
        int rc = load_bytes(&f, text, BYTES, &e);
        assert_true(rc == 0 || strlen(e.text) > 0);
        if (clock_real_us() - began > 20000000)
            fail_msg("a file of \"%s\" takes %lld ms", units[i], (long long)(clock_real_us() - began) / 1000);
    }
    text[BYTES] = '\n';
    struct fixture f;
    struct error e = {""};
    memset(text, '\n', BYTES);
    assert_int_equal(load_bytes(&f, text, BYTES, &e), 0);
    assert_int_equal(load_bytes(&f, text, BYTES + 1, &e), -EINVAL);
    assert_has(e.text, "over 1 MiB");
    free(text);
}

/* A good file with random bytes changed: never a crash, and when it is refused there is a line. */
static void mutated_files_are_survived(void **state)
{
    (void)state;
    static const char good[] =
        "camera:\n  zoom: 1.25\n  size: 1280x720\nsink:\n  title: \"a \\\" b\"\n  folder: x\n";
    static const char spice[] = ":-?[]{}&*!|>'\"%@`#,\n\t \\~0\xff\xc3\x80";
    struct rng r = rng_make(3, 3);
    int refusals = 0;
    for (int i = 0; i < 3000; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (uint32_t changes = 1 + rng_below(&r, 4); changes > 0; changes--)
            text[rng_below(&r, sizeof good - 1)] = spice[rng_below(&r, sizeof spice - 1)];
        struct fixture f;
        struct error e = {""};
        if (load_bytes(&f, text, sizeof good - 1, &e) != 0) {
            assert_int_equal(strncmp(e.text, path, strlen(path)), 0);
            refusals++;
        }
    }
    assert_in_range(refusals, 1000, 2999);
}

static int make_path(void **state)
{
    (void)state;
    strcpy(path, "/tmp/reverie-yaml-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values),
        cmocka_unit_test(other_shapes_of_the_same),
        cmocka_unit_test(empty_files_keep_the_defaults),
        cmocka_unit_test(names_unknown_keys),
        cmocka_unit_test(names_bad_values),
        cmocka_unit_test(keeps_secrets_out_of_messages),
        cmocka_unit_test(refuses_what_has_no_place),
        cmocka_unit_test(names_broken_yaml),
        cmocka_unit_test(sixteen_bit_text_and_zero_bytes),
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(huge_files_cost_nothing),
        cmocka_unit_test(mutated_files_are_survived),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
