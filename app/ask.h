/*
 * ask - what `reverie status` asks a running show, by the door in its state folder.
 */
#ifndef APP_ASK_H
#define APP_ASK_H

#include "common/error.h"
#include "common/json.h"

/* GET `target` of the show that has `folder`, an object of JSON: *answer, to be closed by the caller. It waits a few
 * seconds for a show that hangs. 0, or -errno with a line for people. */
int ask_show(const char *folder, const char *target, struct json **answer, struct error *e);

#endif
