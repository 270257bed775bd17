/*
 * libFuzzer over the recipe that a picture carries (`still --again` takes pictures from anybody). The first byte says whether the
 * bytes are the file, or a text that is put into a small PNG, JPEG or WebP, so that the settings in it are reached as well. What
 * is taken as a recipe must be the same after it was written into a picture and read again.
 */
#include "app/still_recipe.h"
#include "engine/recipe.h"
#include "stream/picture.h"
#include "stream/picture_meta.h"
#include "tests/fuzz/fuzz.h"

static const char png[] =
    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x8\0\0\0\0:~\x9bU\0\0\0\0IEND\xae\x42\x60\x82";
static const char jpeg[] = "\xff\xd8\xff\xdb\0\2\xff\xd9";
static const char webp[] = "RIFF\x16\0\0\0WEBPVP8X\12\0\0\0\0\0\0\0\0\0\0\0\0\0";

/* A small picture with the note; all zero: it cannot have this one. */
static struct picture_bytes picture_with(const char *note, int kind)
{
    static const struct picture_bytes kinds[] = {{(uint8_t *)png, sizeof png - 1},
                                                 {(uint8_t *)jpeg, sizeof jpeg - 1},
                                                 {(uint8_t *)webp, sizeof webp - 1}};
    struct picture_bytes file = {xmalloc(kinds[kind].bytes), kinds[kind].bytes};
    memcpy(file.data, kinds[kind].data, file.bytes);
    if (picture_meta_put(&file, note, 1, 1, 0) == 0)
        return file;
    free(file.data);
    return (struct picture_bytes){NULL, 0};
}

/* What was put in comes out. */
static void check_note(const struct picture_bytes *file, const char *note)
{
    char *again = picture_meta_note(file->data, file->bytes);
    must(again && strcmp(again, note) == 0, "a note is read as it was written");
    free(again);
}

static struct config settings(struct config_entry *entry, struct dream_config *dream)
{
    *entry = (struct config_entry){&dream_section, dream};
    const struct config c = {.entries = entry, .count = 1};
    config_defaults(&c);
    return c;
}

/* The recipe of the picture in `file`, as text; NULL: there is none. The caller's. */
static char *recipe_in(const struct picture_bytes *file)
{
    struct dream_config dream;
    struct config_entry entry;
    const struct config c = settings(&entry, &dream);
    struct error e = {""};
    struct fuzz_file f = fuzz_file_open(file->data, file->bytes);
    int rc = still_recipe_read(&c, f.path, &e);
    must(rc == 0 || e.text[0], "what is refused is told");
    fuzz_file_close(&f);
    return rc == 0 ? still_recipe_text(&c, "some model", 7) : NULL;
}

static void check_recipe(const struct picture_bytes *file, int kind)
{
    char *text = recipe_in(file);
    struct picture_bytes next = text ? picture_with(text, kind) : (struct picture_bytes){NULL, 0};
    char *again = next.data ? recipe_in(&next) : NULL;
    must(!next.data || (again && strcmp(again, text) == 0), "a recipe is the same when it is read again");
    free(again);
    free(next.data);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    int kind = data[0] % 4;
    if (kind == 0) {
        const struct picture_bytes as_it_is = {(uint8_t *)data + 1, size - 1};
        int held = picture_meta_png_orientation(data + 1, size - 1);
        must(held >= 1 && held <= 8, "it was held in one of eight ways");
        check_recipe(&as_it_is, (int)(size % 3));
        return 0;
    }
    char *note = fuzz_text(data + 1, size - 1);
    struct picture_bytes file = picture_with(note, kind - 1);
    if (file.data) {
        check_note(&file, note);
        check_recipe(&file, kind - 1);
    }
    free(file.data);
    free(note);
    return 0;
}
