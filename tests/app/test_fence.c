/*
 * The fence: what it keeps from happening, what it lets happen, and that threads and programs inherit it. Each test is
 * a process of its own, since a fence is for good.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/settings.h"
#include "common/log.h"

static char folder[] = "/tmp/reverie-fence-XXXXXX";
static int version; /* of the kernel's Landlock; truncate(2) is denied from the third on */

static const char *in(const char *name)
{
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* The line of the first thing that was not as it should be, as a process's end. */
#define SHOULD(holds)                                                                                        \
    do {                                                                                                     \
        if (!(holds)) {                                                                                      \
            fprintf(stderr, "# line %d: %s: %s\n", __LINE__, #holds, strerror(errno));                       \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

static bool is_denied(int result)
{
    return result < 0 && (errno == EACCES || errno == EXDEV || errno == EPERM);
}

static int make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd;
}

static int run(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        execl(path, path, "--version", (char *)NULL);
        _exit(errno == EACCES ? 126 : 127);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void *make_file_in_thread(void *path)
{
    errno = 0;
    return is_denied(make_file(path)) ? path : NULL;
}

static void check_denied(void)
{
    pthread_t thread;
    void *denied;
    SHOULD(is_denied(make_file(in("outside/new"))));
    SHOULD(is_denied(open(in("outside/there"), O_WRONLY | O_APPEND)));
    SHOULD(is_denied(open(in("outside/there"), O_RDWR)));
    SHOULD(version < 3 || is_denied(truncate(in("outside/there"), 0)));
    SHOULD(is_denied(unlink(in("outside/there"))));
    SHOULD(is_denied(mkdir(in("outside/folder"), 0700)));
    SHOULD(is_denied(symlink("/etc/passwd", in("outside/link"))));
    SHOULD(is_denied(mkfifo(in("outside/fifo"), 0600)));
    SHOULD(is_denied(rename(in("inside/there"), in("outside/moved"))));
    SHOULD(is_denied(rename(in("outside/there"), in("inside/moved"))));
    SHOULD(run("/bin/true") == 126);
    SHOULD(run("/bin/sh") == 126);
    SHOULD(pthread_create(&thread, NULL, make_file_in_thread, (void *)in("outside/new")) == 0);
    pthread_join(thread, &denied);
    SHOULD(denied);
}

static void check_allowed(void)
{
    char text[8] = "";
    SHOULD(make_file(in("inside/new")) >= 0);
    SHOULD(rename(in("inside/new"), in("inside/renamed")) == 0);
    SHOULD(unlink(in("inside/renamed")) == 0);
    SHOULD(mkdir(in("inside/folder"), 0700) == 0 && make_file(in("inside/folder/new")) >= 0);
    int fd = open(in("outside/there"), O_RDONLY);
    SHOULD(fd >= 0 && read(fd, text, sizeof text) == 4);
    fd = open("/dev/null", O_WRONLY);
    SHOULD(fd >= 0 && write(fd, text, 1) == 1);
}

static void prepare(void)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    SHOULD(mkdtemp(folder));
    SHOULD(mkdir(in("outside"), 0700) == 0 && mkdir(in("inside"), 0700) == 0);
    SHOULD(make_file(in("inside/there")) >= 0);
    int fd = open(in("outside/there"), O_WRONLY | O_CREAT, 0600);
    SHOULD(write(fd, "mine", 4) == 4);
    close(fd);
}

/* 77: the kernel has none. */
static void need_landlock(void)
{
    version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        _exit(77);
}

static void of_a_command(void)
{
    need_landlock();
    int before = open(in("outside/open"), O_WRONLY | O_CREAT, 0600);
    fence_command(in("inside/picture.png"));
    check_denied();
    check_allowed();
    SHOULD(run("/proc/self/exe") == 126);
    SHOULD(write(before, "x", 1) == 1); /* what was open stays open */
}

static void of_one_that_writes_nothing(void)
{
    need_landlock();
    fence_command(NULL);
    check_denied();
    SHOULD(is_denied(make_file(in("inside/new"))));
}

/* A show's own: its state and its recordings, whose folders it makes, and itself as a program. */
static void of_a_show(void)
{
    static struct settings s;
    struct error e = {""};
    char set[3][160];
    settings_init(&s);
    snprintf(set[0], sizeof set[0], "show.state_dir=%s", in("state/deep"));
    snprintf(set[1], sizeof set[1], "record.dir=%s", in("records"));
    snprintf(set[2], sizeof set[2], "md5.file=%s", in("inside/md5"));
    for (int i = 0; i < 3; i++)
        SHOULD(config_set(&s.config, set[i], &e) == 0);
    SHOULD(config_set(&s.config, "md5.enabled=true", &e) == 0);
    need_landlock();
    log_set_level(LOG_ERROR);
    fence_show(&s, &s.fence);
    SHOULD(make_file(in("state/deep/a")) >= 0 && make_file(in("records/a")) >= 0);
    check_denied();
    check_allowed();
    const char *program = getenv("REVERIE");
    SHOULD(run("/proc/self/exe") != 126); /* this test; another program is not */
    SHOULD(!program || !program[0] || run(program) == 126);
    settings_close(&s);
}

static void of_none(void)
{
    static struct settings s;
    struct error e = {""};
    settings_init(&s);
    SHOULD(config_set(&s.config, "fence.enabled=false", &e) == 0);
    fence_show(&s, &s.fence);
    SHOULD(make_file(in("outside/new")) >= 0 && run("/bin/true") == 0);
}

static void in_a_process(void (*body)(void))
{
    int status;
    char remove[64];
    prepare();
    pid_t child = fork();
    if (child == 0) {
        body();
        _exit(0);
    }
    waitpid(child, &status, 0);
    snprintf(remove, sizeof remove, "rm -rf %s", folder);
    assert_int_equal(system(remove), 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("# skip: this kernel has no Landlock\n");
        skip();
    }
    assert_int_equal(status, 0);
}

static void test_of_commands(void **state)
{
    (void)state;
    in_a_process(of_a_command);
    in_a_process(of_one_that_writes_nothing);
}

static void test_of_a_show(void **state)
{
    (void)state;
    in_a_process(of_a_show);
}

static void test_of_none(void **state)
{
    (void)state;
    in_a_process(of_none);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) /* we were run by ourselves */
        return 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_of_commands), cmocka_unit_test(test_of_a_show),
                                       cmocka_unit_test(test_of_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
