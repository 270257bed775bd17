/*
 * Lists of sound: what a folder and a playlist stand for.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "stream/audio_list.h"
#include "tests/stream/media.h"

static char *put(const char *folder, const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

static void test_folder_gives_its_sound_files_by_name(void **state)
{
    (void)state;
    struct audio_list list;
    struct error e = {""};
    char *folder = media_folder();
    assert_int_equal(audio_list_read(&list, folder, &e), -ENOENT);
    assert_non_null(strstr(e.text, "no sound files"));
    const char *names[] = {"b.MP3", "a.ogg", "cover.jpg", "c", ".hidden.mp3"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        free(put(folder, names[i], ""));
    assert_int_equal(audio_list_read(&list, folder, &e), 0);
    assert_int_equal(list.count, 2);
    assert_non_null(strstr(list.sources[0], "/a.ogg"));
    assert_non_null(strstr(list.sources[1], "/b.MP3"));
    audio_list_free(&list);
    media_remove(folder);
}

static void test_playlist_gives_its_lines(void **state)
{
    (void)state;
    struct audio_list list;
    char *folder = media_folder(), *beside = xasprintf("%s/one.ogg", folder);
    char *path = put(folder, "list.m3u",
                     "\xef\xbb\xbf#EXTM3U\r\n#EXTINF:3,One\r\none.ogg\r\n\r\n  /abs/two.ogg\nhttp://h/x\n");
    assert_int_equal(audio_list_read(&list, path, NULL), 0);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.sources[0], beside);
    assert_string_equal(list.sources[1], "/abs/two.ogg");
    assert_string_equal(list.sources[2], "http://h/x");
    audio_list_free(&list);
    free(path);
    path = put(folder, "list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:3\npart.ts\n");
    assert_int_equal(audio_list_read(&list, path, NULL), 0);
    assert_int_equal(list.count, 1); /* one stream in parts */
    assert_string_equal(list.sources[0], path);
    audio_list_free(&list);
    free(path);
    path = put(folder, "empty.m3u", "# nothing\n");
    assert_int_equal(audio_list_read(&list, path, NULL), -ENOENT);
    audio_list_free(&list);
    free(path);
    free(beside);
    media_remove(folder);
}

static void test_what_is_one_source_stays_one(void **state)
{
    (void)state;
    struct audio_list list;
    assert_int_equal(audio_list_read(&list, "http://radio/list.m3u", NULL), 0);
    assert_int_equal(list.count, 1);
    audio_list_free(&list);
    assert_int_equal(audio_list_read(&list, "/nonexistent.ogg", NULL), -ENOENT);
    assert_int_equal(list.count, 0);
    audio_list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder_gives_its_sound_files_by_name),
        cmocka_unit_test(test_playlist_gives_its_lines),
        cmocka_unit_test(test_what_is_one_source_stays_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
