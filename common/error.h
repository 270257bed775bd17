/*
 * error - how a function tells its caller, and in the end a person, what went wrong.
 *
 * Functions that can fail return 0 or a negative errno. Where the number alone would leave a person without a
 * remedy they also take a `struct error *` and write one line into it: what, where (file, line, tensor), what
 * to do. The callee writes, the outermost caller prints; nothing in between logs the same fault again. Text
 * from outside (file contents, chat) may be quoted in it: the log makes control characters visible.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

struct error {
    char text[512]; /* UTF-8, always terminated; "" when nothing went wrong */
};

/* Writes the line and returns -code, so that `return error_set(e, EINVAL, "...")` is one statement.
 * `e` may be NULL. `code` is a positive errno. */
int error_set(struct error *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "where: " in front of the line that is there. Returns `negative_code` unchanged. */
int error_prefix(struct error *e, int negative_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
