/*
 * The list of the file: items of several kinds, their secrets, and bad lists refused with the line.
 */
#include "tests/config/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/list.h"

static const struct option_section *const kinds[] = {&camera_section, &sink_section, NULL};
static const char *const taken[] = {"page", "camera", NULL};

/* Items of the kind "sink" need a folder. */
static int check_item(const struct config_item *item, struct error *e)
{
    const struct sink_config *c = item->entry.module_config;
    if (item->kind == &sink_section && c->folder[0] == '\0')
        return error_set(e, EINVAL, "%s.folder is empty", item->section.name);
    return 0;
}

struct lists {
    struct fixture f;
    struct config_list list;
};

static void lists_init(struct lists *l)
{
    fixture_init(&l->f);
    l->list = (struct config_list){
        .name = "outputs", .text = "More of them.", .kinds = kinds, .taken = taken, .valid = check_item};
    l->f.config.list = &l->list;
}

static int load(struct lists *l, const char *text, struct error *e)
{
    char path[] = "/tmp/reverie-list-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    int rc = config_load(&l->f.config, path, e);
    unlink(path);
    return rc;
}

static const struct config_item *find(const struct config_list *l, const char *name)
{
    for (int i = 0; i < l->count; i++)
        if (strcmp(l->items[i]->name, name) == 0)
            return l->items[i];
    fail_msg("no item %s", name);
    return NULL;
}

static void items_have_kinds_and_values(void **state)
{
    (void)state;
    struct lists l;
    struct error e = {""};
    lists_init(&l);
    assert_int_equal(
        load(&l,
             "camera:\n  zoom: 1.25\noutputs:\n  - kind: sink\n    name: one\n    folder: here\n"
             "  - budget_mb: 7\n    name: two-2\n    kind: sink\n  - {kind: camera, name: c, mirror: true}\n",
             &e),
        0);
    assert_int_equal(l.list.count, 3);
    const struct sink_config *one = find(&l.list, "one")->entry.module_config,
                             *two = find(&l.list, "two-2")->entry.module_config;
    assert_string_equal(one->folder, "here");
    assert_int_equal(one->budget_mb, 0);
    assert_string_equal(two->folder, "recordings");
    assert_int_equal(two->budget_mb, 7);
    assert_true(l.list.items[2]->kind == &camera_section);
    assert_true(((const struct camera_config *)l.list.items[2]->entry.module_config)->mirror);
    assert_string_equal(l.list.items[2]->section.name, "outputs.c");
    config_list_close(&l.list);
}

/* Each is refused in the line that is to be mended, in words that help. */
static void bad_lists_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
        const char *words;
    } bad[] = {
        {"outputs: yes\n", 1, "is a list"},
        {"outputs:\n  kind: sink\n", 2, "is a list"},
        {"outputs:\n  - sink\n", 2, "options behind"},
        {"outputs:\n  - name: a\n", 2, "no kind; give it one of camera, sink"},
        {"outputs:\n  - kind: sink\n", 2, "no name"},
        {"outputs:\n  - name: a\n    kind: snik\n", 3, "did you mean sink?"},
        {"outputs:\n  - name: a\n    kind: submarine\n", 3, "there are camera, sink"},
        {"outputs:\n  - kind: sink\n    name: a b\n", 3, "\"a b\" is no name"},
        {"outputs:\n  - kind: sink\n    name: abcdefghijklmnopqrstuvwxyz\n", 3, "is no name"},
        {"outputs:\n  - kind: sink\n    name: -a\n", 3, "is no name"},
        {"outputs:\n  - kind: sink\n    name: camera\n", 3, "taken"},
        {"outputs:\n  - kind: sink\n    name: Page\n", 3, "taken"},
        {"outputs:\n  - kind: sink\n    name: a-b\n  - kind: sink\n    name: A_b\n", 5, "two of the name"},
        {"outputs:\n  - kind: sink\n    name: a\n    foldr: x\n", 4,
         "outputs.a has no option \"foldr\"; did you mean folder?"},
        {"outputs:\n  - kind: sink\n    name: a\n    folder: x\n    folder: y\n", 5,
         "set twice in one item, first in line 4"},
        {"outputs:\n  - kind: sink\n    name: a\n    budget_mb: many\n", 4, "outputs.a.budget_mb: \"many\""},
        {"outputs:\n  - kind: sink\n    name: a\n    budget_mb:\n", 4, "has no value"},
        {"outputs:\n  - kind: sink\n    name: a\n    budget_mb: [1]\n", 4, "takes one value, not a list"},
        {"outputs:\n  - kind: sink\n    name: a\n    key: 1234567\n", 4, "REVERIE_OUTPUTS_A_KEY_FILE"},
        {"outputs:\n  - kind: sink\n    name: a\n    folder: \"\"\n", 2, "outputs.a.folder is empty"},
        {"outputs:\noutputs:\n", 2, "set twice, first in line 1"},
        {"outputs:\n  - kind: sink\n    name: a\noutputs.a:\n  folder: x\n", 4, "set in the list"},
        {"output:\n  - kind: sink\n", 1, "did you mean outputs?"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct lists l;
        struct error e = {""};
        char line[16];
        lists_init(&l);
        assert_int_equal(load(&l, bad[i].text, &e), -EINVAL);
        snprintf(line, sizeof line, ":%d: ", bad[i].line);
        assert_has(e.text, line);
        assert_has(e.text, bad[i].words);
        assert_lacks(e.text, "1234567");
        config_list_close(&l.list);
    }
}

static void there_is_an_end(void **state)
{
    (void)state;
    struct lists l;
    struct error e = {""};
    char text[2048] = "outputs:\n";
    lists_init(&l);
    for (int i = 0; i <= CONFIG_ITEMS_MAX; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "  - {kind: sink, name: n%d}\n", i);
    assert_int_equal(load(&l, text, &e), -EINVAL);
    assert_has(e.text, ":18: outputs: there are more than 16");
    config_list_close(&l.list);
}

static void the_command_line_sets_items(void **state)
{
    (void)state;
    struct lists l;
    struct error e = {""};
    lists_init(&l);
    assert_int_equal(config_set(&l.f.config, "outputs.tv.folder=x", &e), -EINVAL);
    assert_has(e.text, "begin it with outputs.tv.kind=");
    assert_int_equal(config_set(&l.f.config, "outputs.tv.kind=sink", &e), 0);
    assert_int_equal(config_set(&l.f.config, "outputs.tv.folder=a.b=c", &e), 0);
    assert_string_equal(((struct sink_config *)l.list.items[0]->entry.module_config)->folder, "a.b=c");
    assert_int_equal(config_set(&l.f.config, "outputs.tv.key=secret", &e), -EINVAL);
    assert_int_equal(config_set(&l.f.config, "outputs.tv=x", &e), -EINVAL);
    config_list_close(&l.list);
}

static void items_have_secrets_of_their_own(void **state)
{
    (void)state;
    struct lists l;
    struct error e = {""};
    lists_init(&l);
    setenv("REVERIE_OUTPUTS_TV_2_KEY", "0123456789", 1);
    assert_int_equal(load(&l, "outputs:\n  - {kind: sink, name: tv-2}\n  - {kind: sink, name: b}\n", &e), 0);
    assert_int_equal(config_read_secrets(&l.f.config, &e), 0);
    unsetenv("REVERIE_OUTPUTS_TV_2_KEY");
    assert_string_equal(((struct sink_config *)l.list.items[0]->entry.module_config)->key, "0123456789");
    assert_string_equal(((struct sink_config *)l.list.items[1]->entry.module_config)->key, "");
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    config_write_yaml(&l.f.config, out);
    fclose(out);
    assert_lacks(text, "0123456789");
    assert_has(text, "REVERIE_OUTPUTS_TV_2_KEY_FILE");
    free(text);
    config_list_close(&l.list);
}

static void what_is_printed_reads_back(void **state)
{
    (void)state;
    struct lists l, again;
    struct error e = {""};
    char *text = NULL;
    size_t bytes;
    lists_init(&l);
    lists_init(&again);
    assert_int_equal(
        load(
            &l,
            "outputs:\n  - {kind: sink, name: \"1\", title: \"a: b\"}\n  - {kind: camera, name: yes, zoom: 1.5}\n",
            &e),
        0);
    FILE *out = open_memstream(&text, &bytes);
    config_write_yaml(&l.f.config, out);
    fclose(out);
    if (load(&again, text, &e) < 0)
        fail_msg("%s\n%s", e.text, text);
    assert_int_equal(again.list.count, 2);
    assert_string_equal(again.list.items[1]->name, "yes");
    assert_string_equal(((struct sink_config *)again.list.items[0]->entry.module_config)->title, "a: b");
    assert_has(text, "  # - kind: sink\n  #   name: NAME\n");
    free(text);
    config_list_close(&l.list);
    config_list_close(&again.list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_have_kinds_and_values),
        cmocka_unit_test(bad_lists_are_refused),
        cmocka_unit_test(there_is_an_end),
        cmocka_unit_test(the_command_line_sets_items),
        cmocka_unit_test(items_have_secrets_of_their_own),
        cmocka_unit_test(what_is_printed_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
