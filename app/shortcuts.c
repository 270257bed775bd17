/*
 * shortcuts - see shortcuts.h.
 */
#include "app/shortcuts.h"

#include <stdlib.h>

#include "common/mem.h"
#include "config/config.h"

static int set(const struct args_command *command, const struct config *config, const char *assignment)
{
    struct error e = {""};
    return config_set(config, assignment, &e) < 0 ? args_fault(command, "%s", e.text) : ARGS_OK;
}

int shortcuts_apply(const struct args_command *command, struct dream_config *dream,
                    const struct arg_list *sets, const struct shortcut *shortcuts, int count)
{
    const struct config_entry entry = {&dream_section, dream};
    const struct config config = {&entry, 1};
    int rc = ARGS_OK;
    for (int i = 0; sets && i < sets->count && rc == ARGS_OK; i++)
        rc = set(command, &config, sets->items[i]);
    for (int i = 0; i < count && rc == ARGS_OK; i++) {
        if (!shortcuts[i].value)
            continue;
        char *assignment = xasprintf("dream.%s=%s", shortcuts[i].key, shortcuts[i].value);
        rc = set(command, &config, assignment);
        free(assignment);
    }
    return rc;
}

void shortcuts_defaults(struct dream_config *dream)
{
    const struct config_entry entry = {&dream_section, dream};
    config_defaults(&(const struct config){&entry, 1});
}
