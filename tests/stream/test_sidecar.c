/*
 * What is written beside recordings: who was on when, over several files, and what was withdrawn.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/file.h"
#include "common/json.h"
#include "stream/sidecar.h"
#include "tests/stream/media.h"

enum { FPS = 25 };

static struct json *read_beside(const char *mp4)
{
    char *path = xasprintf("%.*s.json", (int)strlen(mp4) - 4, mp4), *text;
    size_t bytes;
    struct json *all;
    assert_int_equal(file_read_all(path, 1 << 20, &text, &bytes, NULL), 0);
    assert_int_equal(json_parse(&all, text, bytes, NULL), 0);
    free(text);
    free(path);
    return all;
}

static void expect(const struct json *all, int i, int64_t id, const char *text, const char *by,
                   double begin_s)
{
    const struct json *entry = json_item(json_member(all, "shown"), i);
    int64_t entry_id = -1;
    double begins = -1;
    assert_true(json_whole(json_member(entry, "id"), &entry_id) &&
                json_number(json_member(entry, "begin_s"), &begins));
    assert_int_equal(entry_id, id);
    assert_string_equal(json_text(json_member(entry, "text")), text);
    assert_string_equal(json_text(json_member(entry, "by")), by);
    assert_true(begins > begin_s - 0.006 && begins < begin_s + 0.006);
}

static void test_each_file_has_what_is_in_it(void **state)
{
    (void)state;
    char *folder = media_folder(), *first = xasprintf("%s/a.mp4", folder),
         *second = xasprintf("%s/b.mp4", folder);
    struct sidecar *s = sidecar_new();
    sidecar_note(s, 0, "volcano", "", 0);
    sidecar_note(s, 1, "goldfish + pizza", "ann", 100);
    sidecar_note(s, 2, "lion", "b\"o\nb", 1000);
    assert_int_equal(sidecar_write(s, first, 0, 1500, FPS, true), 0);
    sidecar_note(s, 3, "cliff", "cy", 1600);
    sidecar_note(s, 2, NULL, "", 1700); /* withdrawn while the second file is written */
    assert_int_equal(sidecar_write(s, second, 1500, 3000, FPS, true), 0);

    struct json *all = read_beside(first);
    assert_string_equal(json_text(json_member(all, "file")), "a.mp4");
    assert_int_equal(json_count(json_member(all, "shown")), 3);
    expect(all, 0, 0, "volcano", "", 0);
    expect(all, 1, 1, "goldfish + pizza", "ann", 4);
    expect(all, 2, 2, "lion", "b\"o b", 40);
    json_close(&all);
    all = read_beside(second);
    assert_int_equal(json_count(json_member(all, "shown")), 2);
    expect(all, 0, 2, "lion", "", 0); /* it was on when the file began */
    expect(all, 1, 3, "cliff", "cy", 4);
    json_close(&all);
    sidecar_free(s);
    free(first);
    free(second);
    media_remove(folder);
}

static char *read_whole(const char *mp4, const char *ending)
{
    char *path = xasprintf("%.*s%s", (int)strlen(mp4) - 4, mp4, ending), *text = NULL;
    assert_int_equal(file_read_all(path, 1 << 20, &text, NULL, NULL), 0);
    free(path);
    return text;
}

static void test_players_can_read_it(void **state)
{
    (void)state;
    char *folder = media_folder(), *mp4 = xasprintf("%s/a.mp4", folder);
    struct sidecar *s = sidecar_new();
    sidecar_note(s, 0, "volcano", "", 0);
    sidecar_note(s, 1, "goldfish & pizza", "<b> --> ann", 110);
    sidecar_note(s, 2, "lion", "bob", 110); /* at once: the one before was never seen */
    sidecar_note(s, 0, "cliff", "", FPS * 3725);
    assert_int_equal(sidecar_write(s, mp4, 0, FPS * 3726, FPS, true), 0);
    char *text = read_whole(mp4, ".vtt");
    assert_string_equal(text, "WEBVTT\n"
                              "\n00:00:00.000 --> 00:00:04.400\nvolcano\n"
                              "\n00:00:04.400 --> 01:02:05.000\nlion (bob)\n"
                              "\n01:02:05.000 --> 01:02:06.000\ncliff\n");
    free(text);
    sidecar_note(s, 3, "goldfish & pizza", "<b> --> ann", FPS * 3727);
    assert_int_equal(sidecar_write(s, mp4, FPS * 3726, FPS * 3728, FPS, false), 0);
    text = read_whole(mp4, ".vtt");
    assert_non_null(strstr(text, "\ngoldfish &amp; pizza (&lt;b&gt; --&gt; ann)\n"));
    free(text);
    sidecar_free(s);
    free(mp4);
    media_remove(folder);
}

/* Somebody whom a moderator removed is in no file of this show any more, also not in those that are closed. */
static void test_closed_files_forget(void **state)
{
    (void)state;
    char *folder = media_folder(), *first = xasprintf("%s/a.mp4", folder),
         *second = xasprintf("%s/b.mp4", folder), *gone = xasprintf("%s/c.mp4", folder);
    struct sidecar *s = sidecar_new();
    sidecar_note(s, 1, "goldfish", "ann", 0);
    sidecar_note(s, 2, "lion", "bob", 100);
    assert_int_equal(sidecar_write(s, first, 0, 500, FPS, true), 0);
    sidecar_note(s, 3, "cliff", "ann", 600);
    assert_int_equal(sidecar_write(s, second, 500, 1000, FPS, true), 0);
    assert_int_equal(sidecar_write(s, gone, 1000, 1500, FPS, true), 0);
    assert_int_equal(file_write_whole(first, "x", 1, 0600, NULL), 0); /* recordings without chapters */
    assert_int_equal(file_write_whole(second, "x", 1, 0600, NULL), 0);
    char *path = xasprintf("%s/c.json", folder);
    assert_int_equal(remove(path), 0);
    free(path);
    assert_int_equal(sidecar_mend(s), 0);
    sidecar_note(s, 1, NULL, "", 1600);
    sidecar_note(s, 3, NULL, "", 1600);
    assert_int_equal(sidecar_mend(s), 0);

    struct json *all = read_beside(first);
    expect(all, 0, 1, "goldfish", "", 0);
    expect(all, 1, 2, "lion", "bob", 4);
    json_close(&all);
    all = read_beside(second);
    expect(all, 0, 2, "lion", "bob", 0);
    expect(all, 1, 3, "cliff", "", 4);
    json_close(&all);
    char *text = read_whole(first, ".vtt");
    assert_null(strstr(text, "ann"));
    assert_non_null(strstr(text, "lion (bob)"));
    free(text);
    path = xasprintf("%s/c.json", folder); /* nothing comes back beside a recording that was removed */
    assert_true(access(path, F_OK) != 0);
    free(path);
    sidecar_free(s);
    free(first);
    free(second);
    free(gone);
    media_remove(folder);
}

static void test_nobody_asked_for_anything(void **state)
{
    (void)state;
    char *folder = media_folder(), *mp4 = xasprintf("%s/a.mp4", folder);
    struct sidecar *s = sidecar_new();
    assert_int_equal(sidecar_write(s, mp4, 0, 100, FPS, true), 0);
    sidecar_note(s, 0, "volcano", "", 0);
    sidecar_note(s, 1, "lion", "ann", 100); /* of the next file */
    assert_int_equal(sidecar_write(s, mp4, 0, 100, FPS, false), 0);
    assert_int_equal(media_file_count(folder), 0);
    assert_int_equal(sidecar_write(s, "/nonexistent/a.mp4", 0, 200, FPS, false), -ENOENT);
    sidecar_free(s);
    free(mp4);
    media_remove(folder);
}

static void test_a_long_file_is_bounded(void **state)
{
    (void)state;
    char *folder = media_folder(), *mp4 = xasprintf("%s/a.mp4", folder);
    struct sidecar *s = sidecar_new();
    for (int i = 1; i <= 20000; i++)
        sidecar_note(s, i, "lion", "ann", i);
    assert_int_equal(sidecar_write(s, mp4, 19000, 20001, FPS, true), 0);
    struct json *all = read_beside(mp4);
    assert_int_equal(json_count(json_member(all, "shown")), 1001);
    expect(all, 1000, 20000, "lion", "ann", 40);
    json_close(&all);
    sidecar_free(s);
    free(mp4);
    media_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_file_has_what_is_in_it), cmocka_unit_test(test_players_can_read_it),
        cmocka_unit_test(test_closed_files_forget),         cmocka_unit_test(test_nobody_asked_for_anything),
        cmocka_unit_test(test_a_long_file_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
