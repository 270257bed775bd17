/*
 * state_folder - the folder in which a show keeps what outlives it: which one it is, that it is private, and that one
 * show at a time writes there.
 *
 * Logins and texts of viewers lie in it, so folder (0700) and files (0600) are for the owner alone, and no file in it is
 * reached through a link. A lock on the file "lock" is held while a show runs; the kernel lets go of it however
 * the show ends.
 */
#ifndef SHOW_STATE_FOLDER_H
#define SHOW_STATE_FOLDER_H

#include <stdbool.h>

#include "common/error.h"

enum { STATE_PATH_BYTES = 4096 };

/* What show.state_dir means: "" nothing, "auto" the folder for states of the service manager ($STATE_DIRECTORY), of the
 * user ($XDG_STATE_HOME/reverie) or ~/.local/state/reverie, else the folder itself. False: nothing is kept, or the
 * environment names no place. Not thread-safe: reads the environment. */
bool state_folder_find(const char *state_dir, char out[STATE_PATH_BYTES]);

/* Makes it where it is missing, writes its path without links to `real`, and locks it: *fd holds the lock until it
 * is closed. 0, or -errno with a line; -EBUSY: another show has it. */
int state_folder_lock(const char *folder, char real[STATE_PATH_BYTES], int *fd, struct error *e);

/* Makes sure that the file is there, is regular and nobody else's to read. 0 or -errno with a line. */
int state_folder_make_private(const char *path, struct error *e);

/* A damaged file, and those beside it whose names have one of these `ends` ("" is the file itself; NULL ends them), get
 * another name, and the log a warning. 0 or -errno with a line. */
int state_folder_set_aside(const char *path, const char *const *ends, struct error *e);

#endif
