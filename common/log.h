/*
 * log - one line per event on stderr: time, level, part, text.
 *
 *     12:04:55 info  sink: recording to recordings/20261121-120455-000.mp4
 *
 * Invariants: a line is written by one write under one lock, so lines of different threads never mix; a
 * secret that was registered is replaced by "***" wherever it turns up; what comes from chat, files and server
 * replies is written as text_escape does it, so nothing logged can steer a terminal. The
 * show never waits for its log: when nobody reads stderr (a paused terminal, a stuck collector) lines are
 * lost, and counted once it is read again. Safe from every thread; not from signal handlers. The logger is
 * process-wide state, because passing it through every call would hide what those calls are about. The only
 * other such state is what must be: the flag of the signal handlers (app/cmd_run.c), the loaded GPU module
 * (engine/cuda/load.c) and the libraries' own log (stream/av_log.c).
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Lines above `level` are dropped. Start value: LOG_INFO. */
void log_set_level(enum log_level level);

/* From now on `secret` is never shown. Shorter than 4 bytes is ignored: it would blank half of every line.
 * The text is copied and kept until the program ends. */
void log_add_secret(const char *secret);

/* Replaces every registered secret in `text` in place (it never gets longer). The beginning of one that
 * stands at the very end goes too: the text may have been cut there. */
void log_redact(char *text);

/* Somebody else shows the lines from now on: a program that owns the terminal. `text` is what would have been written
 * behind "part: ", cleaned and without secrets. Called on the thread that logs, outside of every lock; it must not log.
 * NULL: stderr again; waits until no line is on its way through the old one. */
typedef void log_writer(void *context, enum log_level level, const char *part, const char *text);
void log_set_writer(log_writer *writer, void *context);

/* From now on `heard` is told every warning and error as it goes to stderr (secrets blanked, one line), on the thread
 * that says it and outside of every lock; it must not log. NULL: nobody. When this returns, the former one is not
 * called any more. */
void log_listen(void (*heard)(void *context, enum log_level level, const char *part, const char *text),
                void *context);

/* `part` is the module's short name ("engine", "rtmp"). */
void log_write(enum log_level level, const char *part, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(part, ...) log_write(LOG_ERROR, part, __VA_ARGS__)
#define log_warn(part, ...)  log_write(LOG_WARN, part, __VA_ARGS__)
#define log_info(part, ...)  log_write(LOG_INFO, part, __VA_ARGS__)
#define log_debug(part, ...) log_write(LOG_DEBUG, part, __VA_ARGS__)

#endif
