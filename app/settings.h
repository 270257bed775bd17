/*
 * settings - every section of the configuration in one place, and the options that all commands share.
 *
 * The tables stand beside their modules; here they are only listed, with the structs that they fill. Commands
 * that take no -c still use it for the defaults.
 */
#ifndef APP_SETTINGS_H
#define APP_SETTINGS_H

#include "app/args.h"
#include "app/fence.h"
#include "app/gallery.h"
#include "chatbot/irc/irc.h"
#include "common/error.h"
#include "config/config.h"
#include "engine/dream/dream.h"
#include "show/requests.h"
#include "stream/fbdev.h"
#include "stream/stream.h"
#include "web/web.h"

/* Section "keyframes": the rhythm between dream and camera. */
struct keyframes_config {
    int mode; /* enum dreamer_mode */
    int64_t min_ms, max_ms, offline_ms;
};

/* Section "tape" (app/taping.h). */
struct tape_config {
    bool enabled;
    char dir[OPTION_STRING_BYTES];
};

/* Section "log". */
struct log_config {
    int level; /* enum log_level */
};

enum { SETTINGS_SECTIONS_MAX = 26 };

struct settings {
    struct log_config log;
    struct fence_config fence;
    struct show_config show;
    struct irc_config irc;
    struct dream_config dream;
    struct keyframes_config keyframes;
    struct stream_config *stream;
    struct web_config web;
    struct fbdev_config fbdev;
    struct tape_config tape;
    struct gallery_config gallery;

    struct config_entry entries[SETTINGS_SECTIONS_MAX];
    struct config config; /* over `entries` */
};

/* Defaults everywhere. Close it also after failures. */
void settings_init(struct settings *s);
void settings_close(struct settings *s);

/* The file (NULL: none), then each "section.key=value", then the secrets from the environment; sets the log
 * level. 0 or -errno with one line. */
int settings_load(struct settings *s, const char *path, const struct arg_list *sets, struct error *e);

#endif
