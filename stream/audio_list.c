/*
 * audio_list - see audio_list.h.
 */
#include "stream/audio_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/mem.h"
#include "stream/audio_net.h"

enum { SOURCES_MAX = 10000, PLAYLIST_BYTES = 1 << 20 };

static bool ends_in(const char *path, const char *const *endings)
{
    const char *dot = strrchr(path, '.');
    for (int i = 0; dot && endings[i]; i++)
        if (strcasecmp(dot + 1, endings[i]) == 0)
            return true;
    return false;
}

static void add(struct audio_list *list, char *source /* taken over */)
{
    list->sources = xrealloc(list->sources, sizeof *list->sources * (size_t)(list->count + 1));
    list->sources[list->count++] = source;
}

static int is_sound(const struct dirent *d)
{
    static const char *const endings[] = {"aac", "flac", "m4a", "mka",  "mp3", "mp4", "oga",
                                          "ogg", "opus", "wav", "webm", "wma", NULL};
    return d->d_name[0] != '.' && ends_in(d->d_name, endings);
}

static int read_folder(struct audio_list *list, const char *folder, struct error *e)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_sound, alphasort);
    if (count < 0)
        return error_set(e, errno, "%s", strerror(errno));
    for (int i = 0; i < count; i++) {
        if (i < SOURCES_MAX)
            add(list, xasprintf("%s/%s", folder, names[i]->d_name));
        free(names[i]);
    }
    free(names);
    return list->count ? 0 : error_set(e, ENOENT, "there are no sound files in this folder");
}

/* Lines of `text`, which is cut up. */
static int read_lines(struct audio_list *list, const char *path, char *text, struct error *e)
{
    const char *slash = strrchr(path, '/');
    int folder_bytes = slash ? (int)(slash - path) + 1 : 0;
    char *rest = text, *line;
    while ((line = strsep(&rest, "\r\n")) && list->count < SOURCES_MAX) {
        line += strspn(line, " \t");
        if (line[0] == '\0' || line[0] == '#' || strncmp(line, "\xef\xbb\xbf#", 4) == 0)
            continue;
        bool whole = line[0] == '/' || audio_net_is_address(line);
        add(list, xasprintf("%.*s%s", whole ? 0 : folder_bytes, path, line));
    }
    return list->count ? 0 : error_set(e, ENOENT, "there is nothing in this playlist");
}

static int read_file(struct audio_list *list, const char *path, struct error *e)
{
    static const char *const playlists[] = {"m3u", "m3u8", NULL};
    char *text = NULL;
    if (!ends_in(path, playlists)) {
        add(list, xstrdup(path));
        return 0;
    }
    int rc = file_read_all(path, PLAYLIST_BYTES, &text, NULL, e);
    if (rc == 0 && strstr(text, "#EXT-X-"))
        add(list, xstrdup(path));
    else if (rc == 0)
        rc = read_lines(list, path, text, e);
    free(text);
    return rc;
}

int audio_list_read(struct audio_list *list, const char *source, struct error *e)
{
    struct stat st;
    *list = (struct audio_list){NULL, 0};
    if (audio_net_is_address(source)) {
        add(list, xstrdup(source));
        return 0;
    }
    if (stat(source, &st) < 0)
        return error_set(e, errno, "%s", strerror(errno));
    return S_ISDIR(st.st_mode) ? read_folder(list, source, e) : read_file(list, source, e);
}

void audio_list_free(struct audio_list *list)
{
    for (int i = 0; i < list->count; i++)
        free(list->sources[i]);
    free(list->sources);
    *list = (struct audio_list){NULL, 0};
}
