/*
 * secrets - stream keys and tokens, from the environment or from files that it names.
 *
 * They never stand in the YAML file (people paste those into bug reports) nor on the command line (every user
 * of the machine can read it). What is read is registered with the log at once, before anything can print it,
 * and no message here quotes a value.
 */
#include "config/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/file.h"
#include "common/log.h"

char *config_variable(const struct option_section *s, const struct option *o, char out[CONFIG_VARIABLE_BYTES])
{
    snprintf(out, CONFIG_VARIABLE_BYTES, "REVERIE_%s_%s", s->name, o->name);
    for (char *p = out; *p; p++)
        *p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
    return out;
}

/* Group may read: that is how a service account gets at it. The world may not, nobody else may write. */
static int check_mode(const struct stat *st, const char *path, struct error *e)
{
    if (st->st_mode & (S_IRWXO | S_IWGRP))
        return error_set(e, EPERM, "%s is open to other users (mode %03o); run: chmod 600 %s", path,
                         (unsigned)st->st_mode & 0777u, path);
    return 0;
}

static int read_first_line(int fd, const char *path, char *out, size_t size, struct error *e)
{
    ssize_t n = file_read(fd, out, size);
    if (n < 0)
        return error_set(e, (int)-n, "%s: %s", path, strerror((int)-n));
    size_t line = 0;
    while (line < (size_t)n && out[line] != '\n' && out[line] != '\0')
        line++;
    if (line == size)
        return error_set(e, EINVAL, "%s: the first line is longer than %d bytes", path,
                         OPTION_STRING_BYTES - 1);
    while (line > 0 && isspace((unsigned char)out[line - 1]))
        line--;
    out[line] = '\0';
    return line ? 0 : error_set(e, EINVAL, "%s: the first line is empty", path);
}

static int read_file(const char *path, char out[OPTION_STRING_BYTES], struct error *e)
{
    struct stat st;
    int fd = file_open_regular(path, &st, e);
    if (fd < 0)
        return fd;
    int rc = check_mode(&st, path, e);
    if (rc == 0)
        rc = read_first_line(fd, path, out, OPTION_STRING_BYTES, e);
    close(fd);
    return rc;
}

static int read_secret(const struct config_entry *entry, const struct option *o, struct error *e)
{
    char variable[CONFIG_VARIABLE_BYTES], file_variable[CONFIG_VARIABLE_BYTES + 8];
    config_variable(entry->section, o, variable);
    snprintf(file_variable, sizeof file_variable, "%s_FILE", variable);
    const char *value = getenv(variable), *path = getenv(file_variable);
    if (value && *value) {
        log_add_secret(value);
        int rc = option_parse(o, entry->module_config, value, e);
        return rc < 0 ? error_prefix(e, rc, "%s", variable) : 0;
    }
    if (!path || !*path)
        return 0;
    char line[OPTION_STRING_BYTES];
    int rc = read_file(path, line, e);
    if (rc == 0) {
        log_add_secret(line);
        rc = option_parse(o, entry->module_config, line, e);
    }
    explicit_bzero(line, sizeof line);
    return rc < 0 ? error_prefix(e, rc, "%s", file_variable) : 0;
}

int config_read_secrets(const struct config *c, struct error *e)
{
    for (size_t i = 0; i < config_entries(c); i++) {
        const struct option_section *s = config_entry_at(c, i)->section;
        for (size_t j = 0; j < s->count; j++) {
            if (!(s->options[j].flags & OPTION_SECRET))
                continue;
            int rc = read_secret(config_entry_at(c, i), &s->options[j], e);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* ---- Hiding ---- */

/* With the value goes the name of a file that stood back behind it, lest it be read later instead. */
static void forget_variable(const char *variable)
{
    char file_variable[CONFIG_VARIABLE_BYTES + 8];
    char *value = getenv(variable);
    if (!value || !*value)
        return;
    explicit_bzero(value, strlen(value));
    unsetenv(variable);
    snprintf(file_variable, sizeof file_variable, "%s_FILE", variable);
    unsetenv(file_variable);
}

void config_hide_secrets(const struct config *c)
{
    for (size_t i = 0; i < config_entries(c); i++) {
        const struct option_section *s = config_entry_at(c, i)->section;
        const char *values = config_entry_at(c, i)->module_config;
        for (size_t j = 0; j < s->count; j++) {
            char variable[CONFIG_VARIABLE_BYTES];
            const struct option *o = &s->options[j];
            if (!(o->flags & OPTION_SECRET) || !values[o->offset])
                continue;
            prctl(PR_SET_DUMPABLE, 0);
            forget_variable(config_variable(s, o, variable));
        }
    }
}

/* ---- Variables that nobody reads ---- */

static bool is_variable(const char *name, size_t bytes, const char *wanted)
{
    size_t n = strlen(wanted);
    return strncmp(name, wanted, n < bytes ? n : bytes) == 0 &&
           (bytes == n || (bytes == n + 5 && strncmp(name + n, "_FILE", 5) == 0));
}

/* The secret that `name` is a variable of, or else the one whose section it names. */
static bool find_secret(const struct config *c, const char *name, size_t bytes,
                        char meant[CONFIG_VARIABLE_BYTES])
{
    meant[0] = '\0';
    for (size_t i = 0; i < config_entries(c); i++) {
        const struct option_section *s = config_entry_at(c, i)->section;
        for (size_t j = 0; j < s->count; j++) {
            char variable[CONFIG_VARIABLE_BYTES];
            size_t head = strlen("REVERIE_") + strlen(s->name);
            if (!(s->options[j].flags & OPTION_SECRET))
                continue;
            config_variable(s, &s->options[j], variable);
            if (is_variable(name, bytes, variable))
                return true;
            if (bytes >= head && strncmp(name, variable, head) == 0)
                memcpy(meant, variable, sizeof variable);
        }
    }
    return false;
}

static bool is_one_of(const char *name, size_t bytes, const char *const *others)
{
    for (; *others; others++)
        if (strlen(*others) == bytes && strncmp(name, *others, bytes) == 0)
            return true;
    return false;
}

void config_stray_variables(const struct config *c, const char *const *others,
                            void (*say)(void *context, const char *text), void *context)
{
    for (char **v = environ; *v; v++) {
        char meant[CONFIG_VARIABLE_BYTES], text[CONFIG_VARIABLE_BYTES * 4];
        size_t bytes = strcspn(*v, "=");
        if (strncmp(*v, "REVERIE_", 8) != 0 || is_one_of(*v, bytes, others) ||
            find_secret(c, *v, bytes, meant))
            continue;
        snprintf(text, sizeof text, "nothing reads the variable %.*s%s%s%s", bytes < 80 ? (int)bytes : 80, *v,
                 meant[0] ? "; did you mean "
                          : "; settings come from -c and --set, secrets alone from variables",
                 meant, meant[0] ? "?" : "");
        say(context, text);
    }
}
