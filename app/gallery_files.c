/*
 * gallery_files - see gallery_parts.h. No name from outside is ever part of a path: a name that somebody asks for is taken
 * apart into numbers first, and the path is made of these.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/gallery_parts.h"
#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"

enum { RUN_LENGTH = CREDITS_RUN_BYTES - 1, ID_DIGITS_MAX = 15, LIST_BYTES_MAX = 1 << 20 };

static const char *const endings[] = {"jpg", "mp4", "webp"};
static const char *const credits_endings[] = {"jpg", "json", "txt"};
#define CREDITS_PREFIX "credits-"

/* "20261128-004451" at the beginning of `text`. */
static bool has_run(const char *text, char run[CREDITS_RUN_BYTES])
{
    for (int i = 0; i < RUN_LENGTH; i++)
        if (i == 8 ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return false;
    memcpy(run, text, RUN_LENGTH);
    run[RUN_LENGTH] = '\0';
    return true;
}

bool gallery_name_parse(const char *text, struct gallery_name *n)
{
    if (!has_run(text, n->run) || text[RUN_LENGTH] != '-')
        return false;
    const char *id = text + RUN_LENGTH + 1;
    size_t digits = strspn(id, "0123456789");
    if (digits == 0 || digits > ID_DIGITS_MAX || id[0] == '0' || id[digits] != '.')
        return false;
    n->id = atoll(id);
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (strcmp(id + digits + 1, endings[i]) == 0) {
            n->ending = endings[i];
            return true;
        }
    return false;
}

void gallery_path(const char *dir, const char *run, int64_t id, const char *ending,
                  char out[GALLERY_PATH_BYTES])
{
    snprintf(out, GALLERY_PATH_BYTES, "%s/%s-%lld.%s", dir, run, (long long)id, ending);
}

static void credits_path(const char *dir, const char *run, const char *ending, char out[GALLERY_PATH_BYTES])
{
    snprintf(out, GALLERY_PATH_BYTES, "%s/" CREDITS_PREFIX "%s.%s", dir, run, ending);
}

int gallery_read(const char *dir, const struct gallery_name *n, uint8_t **bytes, size_t *size)
{
    char path[GALLERY_PATH_BYTES];
    struct stat st;
    gallery_path(dir, n->run, n->id, n->ending, path);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = fstat(fd, &st) < 0                                      ? -errno
             : !S_ISREG(st.st_mode) || st.st_size > GALLERY_FILE_MAX ? -ENOENT
                                                                     : 0;
    if (rc == 0) {
        *bytes = xmalloc((size_t)st.st_size + 1);
        ssize_t got = file_read(fd, *bytes, (size_t)st.st_size);
        *size = got > 0 ? (size_t)got : 0;
        if (got <= 0) {
            free(*bytes);
            rc = got < 0 ? (int)got : -ENOENT;
        }
    }
    close(fd);
    return rc;
}

/* ---- the list ---- */

static void restore(void *context, const struct credit *entry)
{
    credits_restore(context, entry);
}

void gallery_load(const char *dir, struct credits *book)
{
    char path[GALLERY_PATH_BYTES], *text = NULL;
    size_t bytes;
    struct error e = {""};
    snprintf(path, sizeof path, "%s/gallery.json", dir);
    int rc = file_read_all(path, LIST_BYTES_MAX, &text, &bytes, &e);
    if (rc == -ENOENT)
        return;
    if (rc == 0 && credits_parse(text, bytes, restore, book) < 0)
        rc = error_set(&e, EINVAL, "%s is no list of a gallery", path);
    if (rc < 0)
        log_warn("gallery", "%s; what earlier shows left in the folder is removed", e.text);
    free(text);
}

int gallery_save(const char *dir, struct credits *book, struct error *e)
{
    char path[GALLERY_PATH_BYTES];
    struct credit *list = xcalloc(CREDITS_MAX, sizeof *list);
    int count = credits_list(book, list, CREDITS_MAX), kept = 0;
    for (int i = 0; i < count; i++)
        if (list[i].still_bytes > 0)
            list[kept++] = list[i];
    char *text = credits_print_json(list, kept, true);
    snprintf(path, sizeof path, "%s/gallery.json", dir);
    int rc = file_write_whole(path, text, strlen(text), 0600, e);
    free(text);
    free(list);
    return rc;
}

/* ---- what has to go ---- */

static bool has_run_entries(const struct credit *list, int count, const char *run)
{
    for (int i = 0; i < count; i++)
        if (strcmp(list[i].run, run) == 0)
            return true;
    return false;
}

/* Is it ours, and nobody's any more? */
static bool is_left_over(const char *name, struct credits *book, const struct credit *list, int count)
{
    struct gallery_name n;
    struct credit c;
    char run[CREDITS_RUN_BYTES];
    const size_t prefix = strlen(CREDITS_PREFIX);
    if (gallery_name_parse(name, &n)) {
        bool is_loop = strcmp(n.ending, "jpg") != 0;
        return !credits_find(book, n.run, n.id, &c) || (is_loop ? c.loop_bytes : c.still_bytes) == 0;
    }
    if (strncmp(name, CREDITS_PREFIX, prefix) != 0 || !has_run(name + prefix, run))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(credits_endings); i++)
        if (name[prefix + RUN_LENGTH] == '.' &&
            strcmp(name + prefix + RUN_LENGTH + 1, credits_endings[i]) == 0)
            return !has_run_entries(list, count, run);
    return false;
}

void gallery_tidy(const char *dir, struct credits *book)
{
    struct credit *list = xcalloc(CREDITS_MAX, sizeof *list);
    int count = credits_list(book, list, CREDITS_MAX);
    DIR *d = opendir(dir);
    for (struct dirent *entry; d && (entry = readdir(d));)
        if (is_left_over(entry->d_name, book, list, count) && unlinkat(dirfd(d), entry->d_name, 0) < 0)
            log_warn("gallery", "cannot remove %s/%s: %s", dir, entry->d_name, strerror(errno));
    if (d)
        closedir(d);
    free(list);
}

/* ---- credits ---- */

static int write_text(const char *dir, const char *run, const char *ending, char *text, struct error *e)
{
    char path[GALLERY_PATH_BYTES];
    credits_path(dir, run, ending, path);
    int rc = file_write_whole(path, text, strlen(text), 0666, e);
    free(text);
    return rc;
}

static int write_sheet(const char *dir, const char *run, const struct credit *list, int count,
                       int64_t until_us, struct error *e)
{
    char path[GALLERY_PATH_BYTES];
    uint8_t *data;
    size_t bytes;
    credits_path(dir, run, "jpg", path);
    int rc = gallery_sheet(dir, list, count, until_us, &data, &bytes, e);
    if (rc == -ENOENT) {
        unlink(path);
        return 0;
    }
    if (rc == 0) {
        rc = file_write_whole(path, data, bytes, 0666, e);
        free(data);
    }
    return rc;
}

int gallery_write_credits(const char *dir, struct credits *book, const char *run, int64_t until_us,
                          struct error *e)
{
    struct credit *list = xcalloc(CREDITS_MAX, sizeof *list);
    int all = credits_list(book, list, CREDITS_MAX), count = 0, rc = 0;
    for (int i = 0; i < all; i++)
        if (strcmp(list[i].run, run) == 0)
            list[count++] = list[i];
    if (count > 0) {
        rc = write_text(dir, run, "json", credits_print_json(list, count, false), e);
        if (rc == 0)
            rc = write_text(dir, run, "txt", credits_print_lines(list, count), e);
        if (rc == 0)
            rc = write_sheet(dir, run, list, count, until_us, e);
    }
    free(list);
    return rc;
}
