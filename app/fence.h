/*
 * fence - the kernel keeps this process from writing anywhere but where a show writes, and from running anything but
 * itself (Landlock; Linux 5.13 and newer).
 *
 * The libraries that read what comes from outside (sound, pictures, TLS, text) are large and not ours. Should a fault in
 * one of them be used, the process can make or change no file outside of the folders that were opened in the fence, and
 * start no shell. Reading and the network stay as they are: a show needs both, and the unit's sandbox bounds them.
 *
 * A fence holds for the thread that closes it and for all threads and programs that it starts afterwards: so it is closed
 * before the first of them, and nothing opens it again. (Those that OpenBLAS starts when it is loaded only multiply.)
 * Files that were open before stay so.
 */
#ifndef APP_FENCE_H
#define APP_FENCE_H

#include <stdbool.h>

struct settings;

/* Section "fence". */
struct fence_config {
    bool enabled; /* true */
};

/* The fence of a show with these settings, and a word about it in the log. A kernel without one is no failure. Main
 * thread, before any other. */
void fence_show(const struct settings *s, const struct fence_config *c);

/* The fence of a command that writes one file (NULL: none) beside what it prints. Says nothing. */
void fence_command(const char *output_path);

#endif
