/*
 * Files read and written whole: what is no file is refused without waiting, bounds hold, a write that fails leaves
 * the old file and no other, and nothing is written through a link that lies where the part goes.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/file.h"
#include "common/mem.h"

static char folder[] = "/tmp/reverie-file-XXXXXX";

static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void assert_holds(const char *path, const char *expected)
{
    char *text;
    size_t bytes;
    struct error e = {""};
    if (file_read_all(path, 1000, &text, &bytes, &e))
        fail_msg("%s", e.text);
    assert_int_equal(bytes, strlen(expected));
    assert_string_equal(text, expected);
    free(text);
}

static void write_text(const char *path, const char *text)
{
    struct error e = {""};
    if (file_write_whole(path, text, strlen(text), 0600, &e))
        fail_msg("%s", e.text);
}

static void reads_what_is_a_file(void **state)
{
    (void)state;
    char *text;
    size_t bytes;
    struct error e = {""};
    write_text(in_folder("a"), "0123456789");
    assert_int_equal(file_read_all(in_folder("a"), 10, &text, &bytes, &e), 0);
    assert_int_equal(bytes, 10);
    free(text);
    assert_int_equal(file_read_all(in_folder("a"), 9, &text, &bytes, &e), -EFBIG);
    assert_null(text);
    assert_non_null(strstr(e.text, "more than 9 bytes"));
    assert_int_equal(file_read_all(in_folder("none"), 9, &text, NULL, &e), -ENOENT);
    assert_non_null(strstr(e.text, "/none: "));
    write_text(in_folder("empty"), "");
    assert_holds(in_folder("empty"), "");
}

/* Its size is 0 to stat, and it is longer than the first piece that is read. */
static void reads_what_does_not_tell_its_size(void **state)
{
    (void)state;
    char *text;
    size_t bytes;
    assert_int_equal(file_read_all("/proc/self/status", 1 << 20, &text, &bytes, NULL), 0);
    assert_true(bytes > 100);
    assert_int_equal(strlen(text), bytes);
    assert_non_null(strstr(text, "VmSize"));
    free(text);
    assert_int_equal(file_read_all("/proc/self/status", 100, &text, &bytes, NULL), -EFBIG);
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    char *text;
    struct error e = {""};
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    const char *const none[] = {in_folder("fifo"), "/dev/zero"};
    alarm(10); /* a FIFO must not hold us up */
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        assert_int_equal(file_read_all(none[i], 10, &text, NULL, &e), -EINVAL);
        assert_non_null(strstr(e.text, "not a regular file"));
    }
    alarm(0);
    assert_int_equal(file_read_all(folder, 10, &text, NULL, &e), -EISDIR);
    assert_holds("/dev/null", "");
}

static void writes_whole_files(void **state)
{
    (void)state;
    struct stat st;
    write_text(in_folder("w"), "old");
    write_text(in_folder("w"), "new and longer");
    assert_holds(in_folder("w"), "new and longer");
    assert_int_equal(access(in_folder("w.part"), F_OK), -1);
    assert_int_equal(stat(in_folder("w"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    umask(022);
    assert_int_equal(file_write_whole(in_folder("open"), "x", 1, 0666, NULL), 0);
    assert_int_equal(stat(in_folder("open"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(chdir(folder), 0); /* a bare name: its folder is "." */
    write_text("bare", "b");
    assert_holds("bare", "b");
}

static void leaves_the_old_file_when_it_fails(void **state)
{
    (void)state;
    char big[10000];
    struct error e = {""};
    struct rlimit old, small;
    memset(big, 'x', sizeof big);
    write_text(in_folder("kept"), "old");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = file_write_whole(in_folder("kept"), big, sizeof big, 0600, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(rc, -EFBIG);
    assert_non_null(strstr(e.text, "/kept: cannot be written"));
    assert_holds(in_folder("kept"), "old");
    assert_int_equal(access(in_folder("kept.part"), F_OK), -1);
    assert_int_equal(file_write_whole(in_folder("none/x"), "x", 1, 0600, &e), -ENOENT);
    assert_int_equal(file_write_whole(folder, "x", 1, 0600, &e), -EISDIR);
}

static void writes_through_no_link(void **state)
{
    (void)state;
    write_text(in_folder("victim"), "mine");
    assert_int_equal(symlink(in_folder("victim"), in_folder("l.part")), 0);
    write_text(in_folder("l"), "theirs");
    assert_holds(in_folder("victim"), "mine");
    assert_holds(in_folder("l"), "theirs");
}

static void short_writes_go_on(void **state)
{
    (void)state;
    int fds[2];
    char *data = xcalloc(1, 1 << 20), *got = xcalloc(1, 1 << 20);
    for (int i = 0; i < 1 << 20; i++)
        data[i] = (char)(i * 7);
    assert_int_equal(pipe(fds), 0); /* holds 64 KiB: the rest comes in pieces */
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        _exit(file_write(fds[1], data, 1 << 20) == 1 << 20 ? 0 : 1);
    }
    close(fds[1]);
    assert_int_equal(file_read(fds[0], got, 1 << 20), 1 << 20);
    assert_memory_equal(data, got, 1 << 20);
    assert_int_equal(file_read(fds[0], got, 1), 0);
    close(fds[0]);
    assert_int_equal(file_write(-1, data, 5), 0);
    assert_int_equal(errno, EBADF);
    free(data);
    free(got);
}

static void makes_folders(void **state)
{
    (void)state;
    struct error e = {""};
    struct stat st;
    assert_int_equal(file_make_folders(in_folder("a1/b/c"), 0755, &e), 0);
    assert_int_equal(stat(in_folder("a1/b/c"), &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(file_make_folders(in_folder("a1/b/c/"), 0755, &e), 0);
    write_text(in_folder("file"), "");
    assert_int_equal(file_make_folders(in_folder("file"), 0755, &e), -ENOTDIR);
    assert_int_equal(file_make_folders(in_folder("file/x"), 0755, &e), -ENOTDIR);
    assert_non_null(strstr(e.text, "/file/x: cannot be made"));
    assert_int_equal(file_make_folders("", 0755, &e), -EINVAL);
    assert_int_equal(file_make_folders("/", 0755, &e), 0);
}

/* Two that write the same file: it is whole at each moment, whoever was last. */
static char shared[128];

static void *write_often(void *text)
{
    for (int i = 0; i < 100; i++)
        file_write_whole(shared, text, strlen(text), 0600, NULL); /* -EBUSY, -ENOENT may be */
    return NULL;
}

static void two_writers_make_no_half_file(void **state)
{
    (void)state;
    static char texts[2][5000];
    pthread_t threads[2];
    memset(texts[0], 'a', sizeof texts[0] - 1);
    memset(texts[1], 'b', sizeof texts[1] - 1);
    snprintf(shared, sizeof shared, "%s", in_folder("shared"));
    write_text(shared, texts[0]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_often, texts[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    char *text;
    assert_int_equal(file_read_all(shared, 5000, &text, NULL, NULL), 0);
    assert_int_equal(strlen(text), sizeof texts[0] - 1);
    assert_true(strspn(text, "a") == strlen(text) || strspn(text, "b") == strlen(text));
    free(text);
}

static int enter(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    char *command = xasprintf("rm -rf %s", folder);
    int rc = system(command);
    free(command);
    return rc;
}

/* A place that a person names is what it is: a link leads to its file, a FIFO stays one, nobody's read-only file goes. */
static void writes_to_the_place_that_was_named(void **state)
{
    (void)state;
    struct error e = {""};
    struct stat st;
    char text[8] = "", link[200], target[200];
    snprintf(link, sizeof link, "%s/link", folder);
    snprintf(target, sizeof target, "%s/linked", folder);
    assert_int_equal(symlink("linked", link), 0);
    for (int i = 0; i < 2; i++) { /* first there is nothing behind it */
        assert_int_equal(file_write_place(link, i ? "two" : "one", 3, 0644, &e), 0);
        assert_true(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
        assert_true(lstat(target, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 3);
    }
    assert_int_equal(file_write_place("/dev/null", "x", 1, 0644, &e), 0);
    assert_true(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
    const char *fifo = in_folder("named");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    int fd = open(fifo, O_RDWR | O_NONBLOCK);
    assert_int_equal(file_write_place(fifo, "abc", 3, 0644, &e), 0);
    assert_int_equal(read(fd, text, sizeof text), 3);
    assert_true(stat(fifo, &st) == 0 && S_ISFIFO(st.st_mode));
    close(fd);
    assert_int_equal(chmod(target, 0444), 0);
    assert_int_equal(file_write_place(target, "no", 2, 0644, &e), -EACCES);
    assert_int_equal(file_check_target(link, NULL, &e), -EACCES);
}

/* A folder that is missing would be made, and nothing stays behind of the trial. */
static void tells_whether_it_would_work(void **state)
{
    (void)state;
    struct error e = {""};
    int64_t free_mb = -1;
    char deep[200];
    snprintf(deep, sizeof deep, "%s/no/such/folder", folder);
    assert_int_equal(file_check_folder(deep, &free_mb, &e), 0);
    assert_true(free_mb >= 0);
    assert_int_equal(file_check_target(deep, NULL, &e), -ENOENT);
    assert_non_null(strstr(e.text, "/no/such/folder: cannot be written"));
    assert_int_equal(access(deep, F_OK), -1);
    bool is_special;
    assert_int_equal(file_check_target("/dev/null", &is_special, &e), 0);
    assert_true(is_special);
    assert_int_equal(file_check_target("", NULL, &e), -EINVAL);
    assert_int_equal(file_check_target(in_folder("new"), &is_special, &e), 0);
    assert_false(is_special);
    assert_int_equal(file_check_target(folder, NULL, &e), -EISDIR);
    write_text(in_folder("way"), "");
    snprintf(deep, sizeof deep, "%s/way/x", folder);
    assert_int_equal(file_check_folder(deep, NULL, &e), -ENOTDIR);
    assert_int_equal(file_check_target(deep, NULL, &e), -ENOTDIR);
    assert_int_equal(file_check_folder("/proc/absent", NULL, &e), -ENOENT);
    assert_non_null(strstr(e.text, "in /proc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_a_file),
        cmocka_unit_test(reads_what_does_not_tell_its_size),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(writes_whole_files),
        cmocka_unit_test(leaves_the_old_file_when_it_fails),
        cmocka_unit_test(writes_through_no_link),
        cmocka_unit_test(short_writes_go_on),
        cmocka_unit_test(makes_folders),
        cmocka_unit_test(writes_to_the_place_that_was_named),
        cmocka_unit_test(tells_whether_it_would_work),
        cmocka_unit_test(two_writers_make_no_half_file),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
