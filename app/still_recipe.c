/*
 * still_recipe - see still_recipe.h. A recipe may come from anybody: its lines are settings like those of a
 * configuration file, checked by the same rows, and nothing in it says where anything is written.
 */
#include "app/still_recipe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/version.h"
#include "common/text.h"
#include "stream/picture.h"

enum { NAME_BYTES = 64 };

static const char first_word[] = "Reverie ", model_word[] = "model ";

/* Hardware, and what says nothing about the picture. */
static const char *const left_out[] = {"dream.threads",      "dream.backend",   "dream.cpu_tier",
                                       "dream.device",       "dream.precision", "dream.tuning",
                                       "dream.transition_s", "still.save_every"};

/* What a still has other defaults for than a show. */
static const char *const always[] = {"dream.size", "dream.steps"};

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The value as --set takes it: texts without quotes. False: one line cannot hold it. */
static bool print_value(const struct option *o, const void *values, char out[OPTION_PRINT_BYTES])
{
    if (o->type != OPTION_TYPE_STRING) {
        option_print(o, values, out, OPTION_PRINT_BYTES);
        return true;
    }
    const char *text = (const char *)values + o->offset;
    snprintf(out, OPTION_PRINT_BYTES, "%s", text);
    return text_line_bytes(text, strlen(text)) == strlen(text);
}

static void write_section(FILE *out, const struct config_entry *entry)
{
    void *usual = xcalloc(1, entry->section->struct_size);
    option_defaults(entry->section, usual);
    for (size_t i = 0; i < entry->section->count; i++) {
        const struct option *o = &entry->section->options[i];
        char value[OPTION_PRINT_BYTES], initial[OPTION_PRINT_BYTES], name[2 * NAME_BYTES];
        snprintf(name, sizeof name, "%s.%s", entry->section->name, o->name);
        print_value(o, usual, initial);
        bool is_usual = !print_value(o, entry->module_config, value) || strcmp(value, initial) == 0;
        if ((!is_usual && !is_among(name, left_out, ARRAY_LEN(left_out))) ||
            is_among(name, always, ARRAY_LEN(always)))
            fprintf(out, "%s=%s\n", name, value);
    }
    free(usual);
}

char *still_recipe_text(const struct config *c, const char *model_name, uint64_t fingerprint)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return NULL;
    fprintf(out, "%s%s\n%s%016" PRIx64 " %s\n", first_word, REVERIE_VERSION, model_word, fingerprint,
            model_name);
    for (size_t i = 0; i < c->count; i++)
        write_section(out, &c->entries[i]);
    fclose(out);
    return text;
}

static int read_line(const struct config *c, const char *line, struct error *e)
{
    char section[NAME_BYTES], key[NAME_BYTES];
    size_t dot = strcspn(line, "."), equals = strcspn(line, "=");
    if (!line[equals] || dot + 1 >= equals || dot >= sizeof section || equals - dot > sizeof key)
        return error_set(e, EINVAL, "\"%.40s\" is no setting", line);
    snprintf(section, sizeof section, "%.*s", (int)dot, line);
    snprintf(key, sizeof key, "%.*s", (int)(equals - dot - 1), line + dot + 1);
    return config_assign(c, section, key, line + equals + 1, e);
}

int still_recipe_read(const struct config *c, const char *picture, struct error *e)
{
    char *text, *rest;
    int rc = picture_read_note(picture, &text, e);
    if (rc < 0)
        return rc;
    char *line = strtok_r(text, "\n", &rest);
    if (!line || strncmp(line, first_word, sizeof first_word - 1) != 0)
        rc = error_set(e, ENODATA, "%s: no recipe is kept in it", picture);
    while (rc == 0 && (line = strtok_r(NULL, "\n", &rest)))
        if (strncmp(line, model_word, sizeof model_word - 1) != 0)
            rc = read_line(c, line, e) < 0 ? error_prefix(e, -EINVAL, "%s: its recipe", picture) : 0;
    free(text);
    return rc;
}

void still_recipe_compare(const char *picture, uint64_t fingerprint)
{
    char *text, *rest;
    struct error e;
    if (picture_read_note(picture, &text, &e) < 0)
        return;
    const char *version = strtok_r(text, "\n", &rest), *model = strtok_r(NULL, "\n", &rest);
    size_t skipped = sizeof first_word - 1;
    if (version && strlen(version) > skipped && strcmp(version + skipped, REVERIE_VERSION) != 0)
        fprintf(stderr, "reverie still: %s was made by version %.20s; this is " REVERIE_VERSION "\n",
                text_shown(picture).text, text_shown(version + skipped).text);
    if (model && strncmp(model, model_word, sizeof model_word - 1) == 0 &&
        strtoull(model + sizeof model_word - 1, NULL, 16) != fingerprint)
        fprintf(stderr, "reverie still: %s was made with another model: %.100s\n", text_shown(picture).text,
                text_shown(model + sizeof model_word - 1).text);
    free(text);
}
