/*
 * version - of the program.
 */
#ifndef APP_VERSION_H
#define APP_VERSION_H

#define REVERIE_VERSION "0.1.0"

#endif
