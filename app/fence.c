/*
 * fence - see fence.h. Landlock's system calls have no functions in Debian 12's C library.
 */
#include "app/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/settings.h"
#include "common/file.h"
#include "common/log.h"
#include "show/state_folder.h"

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) /* newer than Debian 12's headers */
#endif

enum { KNOWS_REFER = 2, KNOWS_TRUNCATE = 3 }; /* versions of Landlock */

/* Rights, as Landlock has them. */
enum {
    TO_MAKE = LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
              LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
              LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM,
    TO_WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE,
    IN_FOLDER = TO_MAKE | TO_WRITE | LANDLOCK_ACCESS_FS_REFER,
};

struct fence {
    int fd, version; /* of the kernel's Landlock */
};

/* ---- the kernel's ---- */

/* All that a fence is about, as far as this kernel knows it. */
static uint64_t handled(const struct fence *f)
{
    uint64_t rights = IN_FOLDER | LANDLOCK_ACCESS_FS_EXECUTE;
    if (f->version < KNOWS_REFER)
        rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
    if (f->version < KNOWS_TRUNCATE)
        rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_TRUNCATE;
    return rights;
}

/* 0; -ENOTSUP with a line: this kernel has none, or it is switched off. */
static int begin(struct fence *f, struct error *e)
{
    f->fd = -1;
    f->version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (f->version < 1)
        return error_set(e, ENOTSUP, "this kernel has no Landlock");
    const struct landlock_ruleset_attr attributes = {.handled_access_fs = handled(f)};
    f->fd = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    return f->fd < 0 ? error_set(e, ENOTSUP, "Landlock: %s", strerror(errno)) : 0;
}

/* Beneath this path. One that cannot be had stays closed. */
static void allow(struct fence *f, const char *path, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights & handled(f)};
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return;
    syscall(SYS_landlock_add_rule, f->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
}

/* Where files are made, written and removed. */
static void open_folder(struct fence *f, const char *path)
{
    file_make_folders(path, 0777, NULL);
    allow(f, path, IN_FOLDER);
}

/* From now on, for this thread and those that it starts. 0 or -errno with a line. */
static int close_up(struct fence *f, struct error *e)
{
    int rc = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_landlock_restrict_self, f->fd, 0) == 0
                 ? 0
                 : error_set(e, errno, "Landlock: %s", strerror(errno));
    close(f->fd);
    f->fd = -1;
    return rc;
}

/* ---- a show's ---- */

/* The one that loads this program, which the kernel runs with it: named in the program itself. */
static int find_loader(struct dl_phdr_info *program, size_t size, void *path)
{
    (void)size;
    for (int i = 0; i < program->dlpi_phnum; i++)
        if (program->dlpi_phdr[i].p_type == PT_INTERP)
            snprintf(path, PATH_MAX, "%s",
                     (const char *)(program->dlpi_addr + program->dlpi_phdr[i].p_vaddr));
    return 1; /* the first is the program */
}

/* Whatever a show starts, it starts itself. */
static void open_own_program(struct fence *f)
{
    char loader[PATH_MAX] = "";
    dl_iterate_phdr(find_loader, loader);
    allow(f, "/proc/self/exe", LANDLOCK_ACCESS_FS_EXECUTE);
    allow(f, loader, LANDLOCK_ACCESS_FS_EXECUTE);
}

/* What drivers of GPUs and the tuning of our own keep for the next start (engine/cuda). */
static void open_caches(struct fence *f)
{
    static const char *const below[][2] = {
        {"XDG_CACHE_HOME", "/reverie"}, {"HOME", "/.cache/reverie"}, {"HOME", "/.nv"}};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        const char *value = getenv(below[i][0]);
        if (value && value[0] == '/' &&
            snprintf(path, sizeof path, "%s%s", value, below[i][1]) < (int)sizeof path)
            allow(f, path, IN_FOLDER);
    }
}

/* One that is switched on later must be there already. */
static void open_output(void *context, const char *path, bool is_on)
{
    if (is_on)
        open_folder(context, path);
    else
        allow(context, path, IN_FOLDER);
}

static void open_state(struct fence *f, const struct settings *s)
{
    char folder[STATE_PATH_BYTES];
    if (!state_folder_find(s->show.state_dir, folder))
        return;
    file_make_folders(folder, 0700, NULL);
    open_folder(f, folder);
}

void fence_show(const struct settings *s, const struct fence_config *c)
{
    struct fence f;
    struct error e = {""};
    if (!c->enabled)
        return;
    int rc = begin(&f, &e);
    if (rc == 0) {
        open_state(&f, s);
        stream_config_folders(s->stream, open_output, &f);
        if (s->tape.enabled)
            open_folder(&f, s->tape.dir);
        if (s->gallery.enabled)
            open_folder(&f, s->gallery.dir);
        open_caches(&f);
        allow(&f, "/dev", TO_WRITE);
        open_own_program(&f);
        rc = close_up(&f, &e);
    }
    if (rc < 0)
        log_info("fence", "%s: the show runs without a fence", e.text);
    else
        log_info(
            "fence",
            "closed: files are made in the folders of state and recordings only, and nothing else is run");
}

void fence_command(const char *output_path)
{
    struct fence f;
    char folder[PATH_MAX] = ".";
    if (begin(&f, NULL) < 0)
        return;
    if (output_path) {
        const char *slash = strrchr(output_path, '/');
        if (slash)
            snprintf(folder, sizeof folder, "%.*s", slash == output_path ? 1 : (int)(slash - output_path),
                     output_path);
        allow(&f, folder, IN_FOLDER);
    }
    allow(&f, "/dev", TO_WRITE);
    close_up(&f, NULL);
}
