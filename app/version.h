/*
 * version - of the program, and of the libraries that it runs with.
 */
#ifndef APP_VERSION_H
#define APP_VERSION_H

#include <stdbool.h>

#define REVERIE_VERSION "0.1.0"

/* `reverie --version`: one line; in detail also the compiler and each library that the program is
 * linked with: name, the version that is loaded, licence, what for. To standard output. Returns the exit code. */
int version_print(bool in_detail);

#endif
