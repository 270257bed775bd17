/*
 * still_options - see still_options.h. The command line is read twice: first to learn which preset or recipe it names,
 * then to go over what they say.
 */
#include "app/still_options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "app/dream_args.h"
#include "app/still_presets.h"
#include "app/still_recipe.h"

enum { USUAL_STEPS = 160 };

#define C struct still_config
static const struct option rows[] = {
    OPTION_STRING(C, text, "", 0, "What to dream, in words as in chat; \"a | b\" makes a sheet of both."),
    OPTION_STRING(
        C, layer, "", 0,
        "Layers to climb instead: conv4_2; conv4_2:5,9 of it two channels; \"2 conv4_2 + conv5_1\" weighs them, "
        "\"conv4_2 - conv5_1:7\" goes away from the second."),
    OPTION_STRING(C, guide, "", 0, "A picture whose strongest channels of the layer are climbed."),
    OPTION_STRING(C, mask, "", 0,
                  "A picture that is white where to dream and black where nothing may change."),
    OPTION_INT(C, seed, "1", 0, 0x1p53, NULL, "The same seed gives the same picture."),
    OPTION_INT(C, seeds, "1", 1, STILL_SEEDS_MAX, NULL, "So many seeds from the first on, as a sheet."),
    OPTION_INT(C, octaves, "1", 1, STILL_OCTAVES_MAX, NULL,
               "Begin so many sizes less one smaller, and grow."),
    OPTION_FLOAT(C, octave_scale, "1.4", 1.05, 4, NULL, "From one octave's size to the next."),
    OPTION_STRING(C, octave_steps, "", 0,
                  "Steps of each octave with commas, coarsest first; empty: equal shares."),
    OPTION_STRING(
        C, objects, "", 0,
        "Sizes of objects in pixels of the finished picture, as 60-200; empty: dream.object_small and _large."),
    OPTION_BOOL(C, keep_detail, "yes", "Whether the start picture's detail comes back with each octave."),
    OPTION_BOOL(C, original_colours, "no", "The start picture's colours with the dream's light."),
    OPTION_INT(C, memory_mb, "2400", 64, 1 << 20, "MB",
               "Memory to stay under; a picture that needs more is dreamed in tiles."),
    OPTION_BOOL(C, recipe, "yes", "Whether the picture keeps what it was made with."),
    OPTION_INT(C, quality, "92", 1, 100, NULL, "Of JPEG and WebP; WebP keeps every byte at 100."),
    OPTION_INT(C, bits, "8", 8, 16, NULL, "Bits of each colour in a PNG: 8 or 16."),
    OPTION_INT(C, save_every, "0", 0, 1000000, "steps",
               "Writes the picture so far, every so many steps; 0: once."),
    OPTION_SPAN(C, animate_s, "0", 0, 3600, "So long a film that falls into the picture; 0: a picture."),
    OPTION_FLOAT(C, animate_zoom, "1.2", 1, 4, "per second", "How fast the film falls in."),
    OPTION_INT(C, fps, "12", 1, 60, "frames/s", "Frames of the film a second."),
};
#undef C

static const struct option_section still_section =
    OPTION_SECTION("still", struct still_config, rows, "What `reverie still` makes of a dream.");

#define ARG_STILL(letter, name, metavar, f, text)                                                            \
    ARG_SETTING(letter, name, metavar, still_section, struct still_config, f, text)
#define O struct still_options
static const struct arg arguments[] = {
    ARG_STILL(
        't', "text", "TEXT", text,
        "what to dream, as in chat: \"goldfish\", or \"goldfish + pizza\" (on top + below; see dream.first); "
        "#12 or a WordNet id for a class without a name; \"a | b\": a sheet of both"),
    ARG_STILL(
        0, "layer", "NAMES", layer,
        "climb layers instead: conv4_2, conv4_2:5,9 for two of its channels, \"2 conv4_2 + conv5_1\" weighed, "
        "\"conv4_2 - conv5_1:7\" away from the second; "
        "`reverie inspect --layers` lists them"),
    ARG_TEXT(
        'o', "output", "OUT", O, output,
        "where to write the picture: .png, .jpg, .webp; a device; - is stdout. With --animate .mp4, .webp, .gif"),
    ARG_DREAM('i', "image", "IMAGE", start_image, "begin with this picture instead of noise"),
    ARG_TEXT(0, "preset", "NAME", O, preset, STILL_PRESETS_HELP),
    ARG_TEXT(0, "again", "PICTURE", O, again,
             "all that this picture was made with, but for what is given beside it"),
    ARG_DREAM(0, "size", "WxH", size, "default: the size of IMAGE, else 640x360"),
    ARG_DREAM(0, "steps", "N", steps, "gradient steps, of all octaves together"),
    ARG_STILL(0, "octaves", "N", octaves, "begin N-1 sizes smaller and grow"),
    ARG_STILL(0, "octave-scale", "X", octave_scale, "from one octave's size to the next"),
    ARG_STILL(0, "octave-steps", "N,N", octave_steps,
              "steps of each octave, the smallest first, instead of --steps"),
    ARG_STILL(0, "objects", "A-B", objects, "sizes of objects in pixels of the picture, as 60-200"),
    ARG_DREAM(0, "focus", "X", focus,
              "how much a single subject is drawn to the middle: 0 not at all, 1 only there"),
    ARG_STILL(0, "keep-detail", "yes|no", keep_detail, "give IMAGE's detail back in each octave"),
    ARG_STILL(0, "original-colours", NULL, original_colours, "IMAGE's colours with the dream's light"),
    ARG_STILL(0, "guide", "PICTURE", guide,
              "with --layer: climb the channels that are strong in this picture"),
    ARG_STILL(0, "mask", "PICTURE", mask, "dream where this picture is white; black stays as it was"),
    ARG_STILL(0, "seed", "N", seed, "the same seed gives the same picture"),
    ARG_STILL(0, "seeds", "N", seeds, "a sheet of N seeds from --seed on"),
    ARG_STILL(0, "animate", "SECONDS", animate_s, "a film that falls into the picture"),
    ARG_STILL(0, "recipe", "yes|no", recipe, "keep in the picture what it was made with, for --again"),
    ARG_STILL(0, "quality", "N", quality, "of JPEG and WebP; WebP keeps every byte at 100"),
    ARG_STILL(0, "bits", "8|16", bits, "of each colour in a PNG"),
    ARG_STILL(0, "save-every", "N", save_every, "write the picture so far every N steps"),
    ARG_STILL(0, "memory", "MB", memory_mb, "stay under it: what needs more is dreamed in tiles"),
    ARG_DREAM(0, "profile", "P", profile, "the recipe"),
    ARG_DREAM_THREADS,
    ARG_DREAM_MODEL,
    ARG_DREAM_LABELS,
    ARG_DREAM_PREPROCESSING,
    ARG_SET("any setting of sections dream and still; may be repeated"),
};
#undef O

static const struct args_command command = {.name = "still",
                                            .operands = "",
                                            .text = "Dreams one picture, a sheet of them, or a film.\n",
                                            .args = arguments,
                                            .count = ARRAY_LEN(arguments),
                                            .stray_option = "-t"};

/* ---- What belongs together ---- */

static void begin(struct still_options *o)
{
    *o = (struct still_options){.output = NULL};
    o->entries[0] = (struct config_entry){&still_section, &o->still};
    o->entries[1] = (struct config_entry){&dream_section, &o->dream};
    o->config = (struct config){.entries = o->entries, .count = ARRAY_LEN(o->entries)};
    config_defaults(&o->config);
    o->dream.steps = USUAL_STEPS;
    o->dream.size = (struct option_size){0, 0}; /* not given */
}

/* What suits what was asked for, where no preset is named. */
static const char *usual_preset(const struct still_options *asked)
{
    if (asked->still.layer[0])
        return "deepdream";
    return asked->dream.start_image[0] ? "photo" : NULL;
}

/* The settings that go below the command line's: of a recipe, of a preset, or the usual ones. */
static int lay_ground(struct still_options *o, const struct still_options *asked, struct error *e)
{
    if (asked->again) {
        int rc = still_recipe_read(&o->config, asked->again, e);
        if (rc == 0 && asked->still.layer[0])
            o->still.text[0] = '\0';
        if (rc == 0 && asked->still.text[0])
            o->still.layer[0] = '\0';
        if (asked->dream.start_image[0])
            o->dream.size = (struct option_size){0, 0}; /* another photograph has its own */
        return rc;
    }
    const char *preset = asked->preset ? asked->preset : usual_preset(asked);
    return preset ? still_preset_load(&o->config, preset, e) : 0;
}

/* "60-200" or "120": two positive numbers in order; false: neither. */
static bool read_objects(const char *text, double *small, double *large)
{
    char *end;
    *small = *large = strtod(text, &end);
    if (end == text)
        return false;
    if (*end == '-') {
        text = end + 1;
        *large = strtod(text, &end);
    }
    return end != text && !*end && *small >= 1 && *large >= *small && *large <= 65536;
}

/* Numbers with commas into octave_steps; they say how many octaves there are. */
static bool read_octave_steps(struct still_options *o)
{
    int64_t count = 0;
    o->all_steps = 0;
    for (const char *s = o->still.octave_steps; count < STILL_OCTAVES_MAX; s++) {
        char *end;
        errno = 0;
        long long n = strtoll(s, &end, 10);
        if (errno || end == s || n < 0 || n > 100000 || (*end && *end != ','))
            return false;
        o->octave_steps[count++] = n;
        o->all_steps += n;
        if (!*end) {
            o->still.octaves = count;
            return o->all_steps > 0;
        }
        s = end;
    }
    return false;
}

static void share_steps(struct still_options *o)
{
    int64_t octaves = o->still.octaves;
    o->all_steps = o->dream.steps;
    for (int64_t i = 0; i < octaves; i++)
        o->octave_steps[i] = o->all_steps * (i + 1) / octaves - o->all_steps * i / octaves;
}

static int check(struct still_options *o)
{
    double small, large;
    bool takes_photograph = o->dream.start_image[0] != '\0';
    if (!o->still.text[0] == !o->still.layer[0])
        return args_fault(&command, "what to dream? Give -t TEXT or --layer NAME, one of them");
    if (!o->output)
        return args_fault(&command, "where to? Give -o OUT.png");
    if (o->still.bits != 8 && o->still.bits != 16)
        return args_fault(&command, "--bits: %d is neither 8 nor 16", (int)o->still.bits);
    if (o->still.objects[0] && !read_objects(o->still.objects, &small, &large))
        return args_fault(&command, "--objects: \"%.40s\" is no size in pixels; write 60-200",
                          o->still.objects);
    if (o->still.guide[0] && !o->still.layer[0])
        return args_fault(&command, "--guide chooses channels of a layer; give --layer NAME");
    if (!takes_photograph && (o->still.original_colours || o->still.mask[0]))
        return args_fault(&command,
                          "--original-colours and --mask keep something of a picture; give one with -i");
    if (!o->still.octave_steps[0])
        share_steps(o);
    else if (!read_octave_steps(o))
        return args_fault(&command,
                          "--octave-steps: \"%.80s\" are no steps of up to %d octaves; write 60,40,20",
                          o->still.octave_steps, STILL_OCTAVES_MAX);
    return ARGS_OK;
}

int still_options_parse(struct still_options *o, int argc, char **argv)
{
    struct args_command c = command;
    struct still_options asked;
    struct error e = {""};
    int first;
    begin(&asked);
    c.values = &asked;
    c.config = &asked.config;
    int rc = args_parse(&c, argc, argv, &first);
    if (rc != ARGS_OK)
        return rc;
    begin(o);
    if (lay_ground(o, &asked, &e) < 0)
        return args_failed("still", &e);
    c.values = o;
    c.config = &o->config;
    rc = args_parse(&c, argc, argv, &first);
    o->size_given = o->dream.size.width_px > 0;
    if (!o->size_given) {
        struct dream_config usual;
        option_defaults(&dream_section, &usual);
        o->dream.size = usual.size;
    }
    return rc == ARGS_OK ? check(o) : rc;
}

void still_options_objects(struct still_options *o)
{
    double small, large;
    int side =
        o->dream.size.width_px < o->dream.size.height_px ? o->dream.size.width_px : o->dream.size.height_px;
    if (!o->still.objects[0] || !read_objects(o->still.objects, &small, &large))
        return;
    o->dream.object_small = fmin(small / side, 4);
    o->dream.object_large = fmin(large / side, 4);
}
