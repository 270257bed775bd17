/*
 * hls_folder - see hls_folder.h.
 */
#include "stream/hls_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NAME_BYTES = 600 };

static bool is_segment(const char *name, const char *playlist)
{
    size_t n = strlen(playlist);
    if (strncmp(name, playlist, n) != 0)
        return false;
    size_t digits = strspn(name + n, "0123456789");
    const char *end = name + n + digits;
    return digits > 0 && (strcmp(end, ".ts") == 0 || strcmp(end, ".ts.tmp") == 0);
}

static bool is_old(int dir_fd, const char *name, int64_t age_s)
{
    struct stat st;
    return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           time(NULL) - st.st_mtime > age_s;
}

int hls_folder_tidy(const char *dir, const char *playlist, int64_t age_s)
{
    char list[NAME_BYTES];
    int removed = 0;
    DIR *d = opendir(dir);
    if (!d)
        return 0;
    snprintf(list, sizeof list, "%s.m3u8", playlist);
    if (is_old(dirfd(d), list, age_s))
        unlinkat(dirfd(d), list, 0);
    for (const struct dirent *entry; (entry = readdir(d));)
        if (is_segment(entry->d_name, playlist) && is_old(dirfd(d), entry->d_name, age_s))
            removed += unlinkat(dirfd(d), entry->d_name, 0) == 0;
    closedir(d);
    return removed;
}
