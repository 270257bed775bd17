/*
 * libFuzzer over lists that people hand one another, by the first byte: names for a model's classes (even), whose first lines
 * are asked for as well, and playlists of sound.
 */
#include <errno.h>

#include "common/text.h"
#include "engine/model/labels.h"
#include "stream/audio_list.h"
#include "tests/fuzz/fuzz.h"

enum { CLASSES = 3 };

static void check_names(const struct model *m)
{
    must(!m->wnids != !m->labels, "classes have ids or words");
    for (int i = 0; i < m->classes; i++) {
        const char *name = m->wnids ? m->wnids[i] : m->labels[i];
        size_t room = m->wnids ? sizeof *m->wnids : sizeof *m->labels, bytes = strnlen(name, room);
        must(bytes < room && text_line_bytes(name, bytes) == bytes, "each is a proper line");
        int found = model_named_class(m, name);
        must(!name[0] || name[0] == '#' || (found >= 0 && found <= i) || m->labels, "and is found by it");
    }
}

static void read_labels(const uint8_t *data, size_t size)
{
    struct model m = {.classes = CLASSES};
    struct error e = {""};
    struct fuzz_file f = fuzz_file_open(data, size);
    char *text = fuzz_text(data, size);
    int rc = model_read_labels(&m, f.path, &e);
    must(rc == 0 || (e.text[0] && !m.wnids && !m.labels), "what is refused is told, and changes nothing");
    if (rc == 0)
        check_names(&m);
    text[strcspn(text, "\n")] = '\0';
    int found = model_named_class(&m, text);
    must(found < CLASSES && (found >= -1 || found == -ERANGE), "a name is one of the classes, or none");
    fuzz_file_close(&f);
    free(text);
    free(m.wnids);
    free(m.labels);
}

static char folder[] = "/dev/shm/reverie-fuzz-XXXXXX";
static char path[sizeof folder + sizeof "/list.m3u"];

static void clean_up(void)
{
    remove(path);
    remove(folder);
}

static void check_sources(const struct audio_list *list)
{
    for (int i = 0; i < list->count; i++) {
        const char *source = list->sources[i];
        must(strpbrk(source, "\r\n") == NULL && source[0], "a source is a line");
        must(source[0] == '/' || strstr(source, "://"), "and begins where the playlist lies, or is whole");
    }
}

static void read_playlist(const uint8_t *data, size_t size)
{
    struct audio_list list;
    struct error e = {""};
    if (!path[0]) {
        must(mkdtemp(folder) != NULL, "there is a folder");
        snprintf(path, sizeof path, "%s/list.m3u", folder);
        atexit(clean_up);
    }
    FILE *f = fopen(path, "w");
    if (!f)
        return;
    must(fwrite(data, 1, size, f) == size, "the machine has room for an input");
    fclose(f);
    int rc = audio_list_read(&list, path, &e);
    must(rc == 0 ? list.count > 0 : e.text[0] != '\0', "there is something in it, or that is told");
    check_sources(&list);
    audio_list_free(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (data[0] % 2 == 0)
        read_labels(data + 1, size - 1);
    else
        read_playlist(data + 1, size - 1);
    return 0;
}
