/*
 * still_presets - see still_presets.h.
 */
#include "app/still_presets.h"

#include <errno.h>
#include <string.h>

#include "common/mem.h"

#define PRESET(name) extern const char still_preset_##name[], still_preset_##name##_end[]
PRESET(class);
PRESET(photo);
PRESET(deepdream);
PRESET(print);
PRESET(classic2015);

static const struct preset {
    const char *name, *text, *end;
} presets[] = {
    {"class", still_preset_class, still_preset_class_end},
    {"photo", still_preset_photo, still_preset_photo_end},
    {"deepdream", still_preset_deepdream, still_preset_deepdream_end},
    {"print", still_preset_print, still_preset_print_end},
    {"classic2015", still_preset_classic2015, still_preset_classic2015_end},
};

static int unknown(const char *name, struct error *e)
{
    const char *names[ARRAY_LEN(presets)];
    for (size_t i = 0; i < ARRAY_LEN(presets); i++)
        names[i] = presets[i].name;
    const char *near = config_nearest(name, names, ARRAY_LEN(names));
    return error_set(
        e, EINVAL,
        "--preset: there is no \"%.40s\"%s%s%s; there are class, photo, deepdream, print, classic2015, and "
        "files that end in .yaml",
        name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

int still_preset_load(const struct config *c, const char *name, struct error *e)
{
    size_t bytes = strlen(name);
    if (bytes > 5 && strcmp(name + bytes - 5, ".yaml") == 0)
        return config_load(c, name, e);
    for (size_t i = 0; i < ARRAY_LEN(presets); i++)
        if (strcmp(presets[i].name, name) == 0)
            return config_read(c, name, presets[i].text, (size_t)(presets[i].end - presets[i].text), e);
    return unknown(name, e);
}
