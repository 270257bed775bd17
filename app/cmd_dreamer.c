/*
 * cmd_dreamer - `reverie dreamer`: the process in which a show dreams. `reverie run` starts it (dreamer/process.h); no
 * person does.
 */
#include <stdio.h>
#include <sys/prctl.h>

#include "app/commands.h"
#include "app/dreaming.h"
#include "common/log.h"
#include "dreamer/child.h"

static int dream(struct child *c)
{
    const struct wire_setup *u = child_setup(c);
    struct model *model = NULL;
    struct dream *dream = NULL;
    struct error e = {""};
    if (dreaming_open_dream(&model, &dream, &u->config, u->seed, NULL, &e) < 0) {
        child_refuse(c, e.text);
        return 1;
    }
    int rc = child_run(c, dream, model);
    if (rc < 0)
        log_error("dreamer", "the dreamer's process cannot begin (error %d)", -rc);
    dream_close(&dream);
    model_close(&model);
    return rc < 0;
}

int cmd_dreamer(int argc, char **argv)
{
    struct child *c;
    struct error e = {""};
    (void)argc;
    (void)argv;
    if (child_open(&c, &e) < 0) {
        fprintf(stderr, "reverie dreamer: %s\n", e.text);
        return 2;
    }
    prctl(PR_SET_NAME, "reverie-dreamer");
    int code = dream(c);
    child_close(&c);
    return code;
}
