/*
 * The texts made from the tables: the documented file reads back to what was printed, nothing is missing in
 * the help, and no secret shows anywhere.
 */
#include "tests/config/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char *printed(void (*write)(const struct config *, FILE *), const struct config *c)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    write(c, out);
    fclose(out);
    return text;
}

/* Prints `f`, reads it over fresh defaults, and expects the same values. */
static void reads_back(const struct fixture *f)
{
    char path[] = "/tmp/reverie-print-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    config_write_yaml(&f->config, file);
    fclose(file);
    struct fixture g;
    struct error e = {""};
    fixture_init(&g);
    int rc = config_load(&g.config, path, &e);
    unlink(path);
    if (rc != 0)
        fail_msg("%s", e.text);
    assert_memory_equal(&g.camera, &f->camera, sizeof g.camera);
    assert_string_equal(g.sink.folder, f->sink.folder);
    assert_string_equal(g.sink.title, f->sink.title);
    assert_int_equal(g.sink.budget_mb, f->sink.budget_mb);
}

static void defaults_read_back(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    reads_back(&f);
}

static void other_values_read_back(void **state)
{
    (void)state;
    static const char *const titles[] = {"yes",
                                         " a ",
                                         "#",
                                         "a: b",
                                         "\"",
                                         "\\",
                                         "null",
                                         "~",
                                         "-",
                                         "- x",
                                         "1e5",
                                         "[a]",
                                         "\xc3\xa4 \xe2\x98\x83 \xf0\x9f\x90\xa0",
                                         "'",
                                         "C:\\new",
                                         "%x",
                                         "@",
                                         "...",
                                         "---"};
    struct fixture f;
    fixture_init(&f);
    f.camera.zoom = 1.0 + 1.0 / 3;
    f.camera.mirror = true;
    f.camera.curve = 2;
    f.camera.size = (struct option_size){1920, 1080};
    f.sink.budget_mb = 123456789012345678;
    for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
        strcpy(f.sink.title, titles[i]);
        reads_back(&f);
    }
}

static void the_file_is_documented(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    char *text = printed(config_write_yaml, &f.config);
    assert_has(text, "\n# The camera.\ncamera:\n");
    assert_has(text, "\n  # How fast the camera falls in.\n"
                     "  # (number from 1 to 1.5 per second; default 1.05)\n"
                     "  zoom: 1.05\n");
    assert_has(text, "(true or false; default false)\n  mirror: false\n");
    assert_has(text, "\n  title: \"\"\n");
    assert_has(text, "\n  folder: recordings\n");
    int lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        assert_true(strlen(line) <= 100);
        assert_true(line[strlen(line) - 1] != ' ');
    }
    assert_true(lines > 20);
    free(text);
}

static void secrets_stay_comments(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    strcpy(f.sink.key, "live_24680");
    char *yaml = printed(config_write_yaml, &f.config), *help = printed(config_write_help, &f.config);
    assert_lacks(yaml, "24680");
    assert_lacks(help, "24680");
    assert_lacks(yaml, "\n  key:");
    assert_has(yaml,
               "\n  # A secret: set the environment variable REVERIE_SINK_KEY, or REVERIE_SINK_KEY_FILE");
    assert_has(help, "REVERIE_SINK_KEY_FILE");
    free(yaml);
    free(help);
}

static void the_help_lists_all(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    char *text = printed(config_write_help, &f.config);
    for (size_t i = 0; i < f.config.count; i++) {
        const struct option_section *s = f.config.entries[i].section;
        for (size_t j = 0; j < s->count; j++) {
            char key[64];
            snprintf(key, sizeof key, "\n  %s.%s ", s->name, s->options[j].name);
            assert_has(text, key);
        }
    }
    assert_has(text, "(one of linear, smooth, steep; default smooth)");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_read_back),     cmocka_unit_test(other_values_read_back),
        cmocka_unit_test(the_file_is_documented), cmocka_unit_test(secrets_stay_comments),
        cmocka_unit_test(the_help_lists_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
