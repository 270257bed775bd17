/*
 * config - all sections of one program together: defaults, YAML file, --set, and the texts made
 * from the tables.
 *
 * main.c lists the sections with the structs that they fill, and the one list (list.h); nothing here knows what they are for. Later
 * sources win: defaults, then the file, then --set in order. Every fault names file and line (or the --set
 * text), the key, and the nearest valid name.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdio.h>

#include "config/option.h"

struct config_entry {
    const struct option_section *section;
    void *module_config; /* the struct that the section's offsets refer to */
};

struct config_list;

struct config {
    const struct config_entry *entries;
    size_t count;
    struct config_list *list; /* the list of the file (list.h); NULL: there is none */
};

/* All that can be set now: the entries, then the items of the list, each as an entry. */
size_t config_entries(const struct config *c);
const struct config_entry *config_entry_at(const struct config *c, size_t i);

void config_defaults(const struct config *c);

/* Reads a YAML file over what is there. 0; -ENOENT and the like when it cannot be read; -EINVAL with
 * "FILE:LINE: ..." in `e`. Files over 1 MiB, duplicate keys, anchors and nesting other than section/key and the one
 * list's are refused. On failure the structs may be half-filled: do not use them. (yaml.c) */
int config_load(const struct config *c, const char *path, struct error *e);

/* The same from a text; `name` stands for the file in what is said. */
int config_read(const struct config *c, const char *name, const char *text, size_t bytes, struct error *e);

/* One value into one option, as the file and --set do it; the value of "kind" for an item of the list that is not there
 * makes it. Unknown names, secrets and values that do not fit
 * are -EINVAL with a line that begins "section.key: ". */
int config_assign(const struct config *c, const char *section, const char *key, const char *value,
                  struct error *e);

/* The entry of that name, or NULL with a line that suggests the nearest one. */
const struct config_entry *config_find(const struct config *c, const char *section, struct error *e);

/* "section.key=value" or, of the list, "outputs.NAME.key=value": the text after --set. 0 or -EINVAL. */
int config_set(const struct config *c, const char *assignment, struct error *e);

/* Secrets: for each row with OPTION_SECRET, environment REVERIE_<SECTION>_<NAME> in upper case, else the file
 * that REVERIE_<SECTION>_<NAME>_FILE names (first line; must not be readable by others). Registers them with
 * the log. 0 or -errno with a line. */
int config_read_secrets(const struct config *c, struct error *e);

/* What was read stays between us and whoever gave it: variables that hold a secret are blanked and taken out of the
 * environment (also in /proc/PID/environ and for programs that are started), and a process that holds one leaves no core
 * file and lets no other process of its user look into it (PR_SET_DUMPABLE). Before threads start. */
void config_hide_secrets(const struct config *c);

/* The environment variable of a secret: "REVERIE_RTMP_KEY". Returns `out`. */
enum { CONFIG_VARIABLE_BYTES = 96 };
char *config_variable(const struct option_section *s, const struct option *o,
                      char out[CONFIG_VARIABLE_BYTES]);

/* Calls `say` for each REVERIE_ variable of the environment that names no secret and is none of `others` (ends with
 * NULL), with a line that says what may be meant. Values are not looked at. */
void config_stray_variables(const struct config *c, const char *const *others,
                            void (*say)(void *context, const char *text), void *context);

/* The documented file with the values that the structs hold now: after config_defaults it is
 * config/default.yaml. Secrets stand in it only as a comment that says where they come from. */
void config_write_yaml(const struct config *c, FILE *out);

/* The option part of --help: section.key, type, range, default, text. */
void config_write_help(const struct config *c, FILE *out);

/* `text` broken at blanks into lines of at most 100 columns, each behind `prefix`; the first goes on behind
 * `used` columns already written. Ends with a line break. */
void config_write_wrapped(FILE *out, const char *prefix, const char *text, int used);

/* The setting of exactly this name (no section in front; '-' counts as '_'), with its section in *section, or
 * NULL: what somebody means who types --backend for --set dream.backend. */
const struct option *config_setting(const struct config *c, const char *name,
                                    const struct option_section **section);

/* config/suggest.c: the nearest of `names` (distance scaled by length), or NULL when none is near. */
const char *config_nearest(const char *word, const char *const *names, size_t count);

#endif
