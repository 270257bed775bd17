/*
 * width - how many columns of a terminal text fills (libunistring's tables), and where it can be broken.
 *
 * Text is valid UTF-8 without control characters; width_is_proper says whether a character may get in.
 */
#ifndef TERMINAL_WIDTH_H
#define TERMINAL_WIDTH_H

#include <stdbool.h>
#include <stddef.h>

int width_of(const char *text, size_t bytes);

/* The bytes of the first character, and of those that the next ones add no width to. */
size_t width_step(const char *text, size_t bytes);

/* The bytes of as many characters as fit into `columns`. */
size_t width_cut(const char *text, size_t bytes, int columns);

/* The same, broken behind the last blank where there is one: a line of a paragraph. At least one character. */
size_t width_wrap(const char *text, size_t bytes, int columns);

/* One whole character, valid, and none that controls, hides or turns text. */
bool width_is_proper(const char *character, size_t bytes);

#endif
