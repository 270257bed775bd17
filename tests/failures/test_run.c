/*
 * The whole program, refused call by call: `reverie run` opens all its parts, and whichever of them is refused, it says
 * one line, gives everything back and ends with 1.
 */
#include "tests/failures/inject_libav.h"

#include "app/commands.h"

static char folder[] = "/tmp/reverie-test-XXXXXX", settings[11][128];
static int caught; /* the file that stderr goes to */

/* The line that tells of an error; more of them than one are an error of their own. */
static void read_error(struct error *e)
{
    static char text[1 << 16];
    ssize_t n = pread(caught, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    int count = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strstr(line, " error ") && ++count)
            error_set(e, EIO, "%s", line);
    if (count > 1)
        error_set(e, EIO, "%d errors\nare too many", count);
}

static int run_show(void **thing, struct error *e)
{
    char *argv[5 + 2 * ARRAY_LEN(settings) + 1] = {"run", "--duration", "0.2", "--seed", "1"};
    int argc = 5;
    for (size_t i = 0; i < ARRAY_LEN(settings) && settings[i][0]; i++) {
        argv[argc++] = "--set";
        argv[argc++] = settings[i];
    }
    (void)thing;
    /* A token of the page's own would be one more secret for the log to remember, each time. */
    setenv("REVERIE_WEB_TOKEN", "0123456789abcdef0123456789abcdef", 1);
    assert_int_equal(ftruncate(caught, 0), 0);
    fflush(stderr);
    int before = dup(STDERR_FILENO);
    dup2(caught, STDERR_FILENO);
    int code = cmd_run(argc, argv);
    dup2(before, STDERR_FILENO);
    close(before);
    read_error(e);
    return code == 0 ? 0 : -code;
}

static void close_nothing(void **thing)
{
    (void)thing;
}

static void all_is_given_back(void **state)
{
    (void)state;
    static const struct opening opening = {.name = "reverie run",
                                           .open = run_show,
                                           .close = close_nothing,
                                           /* /proc/self/statm, for the report; the page, whose port may be
                                            * another's; its door, which scripts can do without */
                                           .may_go_on = "fopen socket bind listen"};
    fail_all(&opening, 1);
}

static int setup(void **state)
{
    (void)state;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
    caught = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    unlink(path);
    dup2(null, STDIN_FILENO);
    close(null);
    static const char *const fixed[] = {
        "dream.size=64x64",      "dream.backend=null", "video.size=64x64",
        "video.encoder=libx264", "chat.enabled=true",  "chat.channel=nowhere",
        "chat.server=127.0.0.1", "fence.enabled=false" /* it would be for good */};
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        snprintf(settings[i], sizeof settings[i], "%s", fixed[i]);
    snprintf(settings[ARRAY_LEN(fixed)], sizeof settings[0], "record.dir=%s", folder);
    snprintf(settings[ARRAY_LEN(fixed) + 1], sizeof settings[0], "show.state_dir=%s", folder);
    return caught < 0;
}

static int teardown(void **state)
{
    (void)state;
    close(caught);
    DIR *d = opendir(folder);
    for (const struct dirent *entry; d && (entry = readdir(d));)
        unlinkat(dirfd(d), entry->d_name, 0);
    closedir(d);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_is_given_back)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
