/*
 * Recordings: which files go and which never do, the length in the header, and a disk that hangs.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "stream/disk_watch.h"
#include "stream/mp4_length.h"
#include "stream/recordings.h"
#include "tests/stream/media.h"

enum { DAY_S = 86400, MB = 1000000 };

static void put(const char *folder, const char *name, int age_s, size_t bytes)
{
    char *path = xasprintf("%s/%s", folder, name), *data = xcalloc(1, bytes);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    fclose(f);
    const struct timespec times[2] = {{time(NULL) - age_s, 0}, {time(NULL) - age_s, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    free(data);
    free(path);
}

static bool is_there(const char *folder, const char *name)
{
    char *path = xasprintf("%s/%s", folder, name);
    struct stat st;
    bool there = lstat(path, &st) == 0;
    free(path);
    return there;
}

static void test_old_ones_go_and_nothing_else(void **state)
{
    (void)state;
    char *folder = media_folder();
    static const char *const strangers[] = {"20200101-000000-000.mp4.part", "20200101-000000-000.mkv",
                                            "holiday.mp4", "x20200101-000000-000.mp4",
                                            "20200101-000000-0000.mp4"};
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        put(folder, strangers[i], 400 * DAY_S, 10);
    put(folder, "20200101-000000-000.mp4", 31 * DAY_S, 10);
    put(folder, "20200201-000000-001.mp4", 29 * DAY_S, 10);
    char *link = xasprintf("%s/20200101-000000-007.mp4", folder);
    assert_int_equal(symlink("/etc/hostname", link), 0);
    const struct recordings_limits none = {0, 0, 0}, month = {.days = 30};
    assert_int_equal(recordings_tidy(folder, &none), 0);
    assert_int_equal(recordings_tidy(folder, &month), 1);
    assert_false(is_there(folder, "20200101-000000-000.mp4"));
    assert_true(is_there(folder, "20200201-000000-001.mp4"));
    assert_true(is_there(folder, "20200101-000000-007.mp4"));
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        assert_true(is_there(folder, strangers[i]));
    assert_int_equal(recordings_tidy("/nonexistent", &month), 0);
    free(link);
    media_remove(folder);
}

static void test_the_oldest_go_until_the_rest_is_small_enough(void **state)
{
    (void)state;
    char *folder = media_folder();
    put(folder, "20200103-000000-000.mp4", 100, 3 * MB);
    put(folder, "20200101-000000-000.mp4", 300, 3 * MB);
    put(folder, "20200102-000000-000.mp4", 200, 3 * MB);
    const struct recordings_limits limits = {.gb = 0.0075}, tiny = {.gb = 0.0001};
    assert_int_equal(recordings_tidy(folder, &limits), 1);
    assert_false(is_there(folder, "20200101-000000-000.mp4"));
    assert_int_equal(recordings_tidy(folder, &limits), 0);
    put(folder, "20200104-000000-000.mp4", 0, 3 * MB); /* being written */
    assert_int_equal(recordings_tidy(folder, &tiny), 2);
    assert_int_equal(media_file_count(folder), 1);
    assert_true(is_there(folder, "20200104-000000-000.mp4"));
    media_remove(folder);
}

static void test_room_is_made(void **state)
{
    (void)state;
    char *folder = media_folder();
    put(folder, "20200101-000000-000.mp4", 300, MB);
    put(folder, "20200101-000000-000.json", 300, 10);
    put(folder, "20200101-000000-000.vtt", 300, 10);
    put(folder, "notes.json", 300, 10);
    const struct recordings_limits enough = {.free_mb = 1}, never = {.free_mb = 1000000000};
    if (recordings_free_mb(folder) > 1)
        assert_int_equal(recordings_tidy(folder, &enough), 0);
    assert_int_equal(recordings_tidy(folder, &never), 1);
    assert_int_equal(media_file_count(folder), 1);
    assert_true(is_there(folder, "notes.json"));
    media_remove(folder);
}

static void test_names_are_never_taken_twice(void **state)
{
    (void)state;
    char *folder = media_folder(), *a, *b;
    unsigned serial = 0;
    int first = recordings_create(folder, &serial, &a);
    serial = 0;
    int second = recordings_create(folder, &serial, &b);
    assert_true(first >= 0 && second >= 0);
    assert_string_not_equal(a, b);
    close(first);
    close(second);
    free(a);
    free(b);
    assert_int_equal(recordings_create("/nonexistent", &serial, &a), -ENOENT);
    assert_null(a);
    media_remove(folder);
}

/* A header of one movie box and its first one, and what is no header at all. */
static void test_length_goes_where_it_belongs(void **state)
{
    (void)state;
    for (int version = 0; version < 2; version++) {
        uint8_t box[8 + 8 + 120] = {0, 0, 0, sizeof box,     'm', 'o', 'o', 'v',
                                    0, 0, 0, sizeof box - 8, 'm', 'v', 'h', 'd'};
        uint8_t *body = box + 16, after[sizeof box];
        body[0] = (uint8_t)version;
        body[(version ? 20 : 12) + 2] = 1000 >> 8;
        body[(version ? 20 : 12) + 3] = 1000 & 255;
        char *folder = media_folder(), *path = xasprintf("%s/x", folder);
        int fd = open(path, O_RDWR | O_CREAT, 0600);
        assert_int_equal(write(fd, box, sizeof box), sizeof box);
        assert_int_equal(mp4_length_write(fd, sizeof box, 70.5), 0);
        assert_int_equal(pread(fd, after, sizeof after, 0), sizeof after);
        int at = 16 + (version ? 28 : 16); /* the low 32 bits */
        assert_int_equal(after[at] << 24 | after[at + 1] << 16 | after[at + 2] << 8 | after[at + 3], 70500);
        memset(after + at, 0, 4);
        assert_memory_equal(after, box, sizeof box);
        for (int cut = 0; cut < (int)sizeof box; cut += 3)
            (void)mp4_length_write(fd, cut, 70.5); /* must not read beyond: for the sanitizers */
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(mp4_length_write(fd, sizeof box, 1), -EIO);
        memset(box, 255, sizeof box);
        assert_int_equal(pwrite(fd, box, sizeof box, 0), sizeof box);
        assert_int_equal(mp4_length_write(fd, sizeof box, 1), -EINVAL);
        assert_int_equal(mp4_length_write(fd, 0, 1), -EINVAL);
        close(fd);
        free(path);
        media_remove(folder);
    }
}

struct heard {
    _Atomic int warned, back;
};

static void on_log(void *context, enum log_level level, const char *part, const char *text)
{
    struct heard *h = context;
    (void)part;
    h->warned += level == LOG_WARN && strstr(text, "has answered nothing for 5 s");
    h->back += level == LOG_INFO && strstr(text, "answers again");
}

/* The writer is in the kernel, as far as anybody can see. */
static void test_a_hanging_disk_is_told_once_within_ten_seconds(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct disk_watch *w;
    log_set_writer(on_log, &heard);
    assert_int_equal(disk_watch_open(&w, "record", "the folder", NULL), 0);
    disk_watch_begin(w);
    disk_watch_end(w);
    usleep(1200000);
    assert_int_equal(heard.warned, 0);
    disk_watch_begin(w);
    int64_t began_us = clock_real_us();
    while (heard.warned == 0 && clock_real_us() - began_us < 10000000)
        usleep(50000);
    print_message("told after %.1f s\n", (double)(clock_real_us() - began_us) / 1e6);
    assert_int_equal(heard.warned, 1);
    usleep(1200000);
    assert_int_equal(heard.warned, 1);
    assert_int_equal(heard.back, 0);
    disk_watch_end(w);
    for (int i = 0; heard.back == 0 && i < 100; i++)
        usleep(50000);
    assert_int_equal(heard.back, 1);
    disk_watch_close(&w);
    log_set_writer(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_ones_go_and_nothing_else),
        cmocka_unit_test(test_the_oldest_go_until_the_rest_is_small_enough),
        cmocka_unit_test(test_room_is_made),
        cmocka_unit_test(test_names_are_never_taken_twice),
        cmocka_unit_test(test_length_goes_where_it_belongs),
        cmocka_unit_test(test_a_hanging_disk_is_told_once_within_ten_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
