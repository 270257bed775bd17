/*
 * av_log - see av_log.h. The libraries build one line from several calls, so a line is collected per thread
 * until its newline comes.
 */
#include "stream/av_log.h"

#include <stdio.h>
#include <string.h>

#include <libavutil/error.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>

#include "common/log.h"
#include "common/text.h"

enum { ALLOC_BYTES_MAX = 512 << 20, LINE_BYTES = 512, FIRST_BYTES = 200 };

struct line {
    char text[LINE_BYTES];
    size_t used;
    int level; /* the gravest of the parts */
};

static _Thread_local struct line line;
static _Thread_local char first_error[FIRST_BYTES];

static void finish_line(void)
{
    line.text[line.used] = '\0';
    log_redact(line.text);
    if (line.level <= AV_LOG_ERROR && !first_error[0])
        text_clean(first_error, sizeof first_error, line.text, strlen(line.text));
    log_write(line.level <= AV_LOG_FATAL ? LOG_WARN : LOG_DEBUG, "ffmpeg", "%s", line.text);
    line.used = 0;
}

static void on_line(void *context, int level, const char *format, va_list args)
{
    if (level > AV_LOG_WARNING)
        return;
    const char *name = NULL;
    if (line.used == 0) {
        const AVClass *const *class = context;
        name = class && *class ? (*class)->item_name(context) : NULL;
        line.level = level;
    }
    if (level < line.level)
        line.level = level;
    if (name)
        line.used = (size_t)snprintf(line.text, 64, "%.40s: ", name);
    size_t room = LINE_BYTES - line.used;
    int n = vsnprintf(line.text + line.used, room, format, args);
    if (n > 0)
        line.used += (size_t)n < room ? (size_t)n : room - 1;
    if (line.used > 0 && line.text[line.used - 1] == '\n') {
        line.used--;
        finish_line();
    } else if (line.used == LINE_BYTES - 1) {
        finish_line();
    }
}

void av_log_install(void)
{
    av_max_alloc(ALLOC_BYTES_MAX);
    av_log_set_callback(on_line);
}

void av_log_forget(void)
{
    first_error[0] = '\0';
}

struct av_error_text av_error_describe(int code)
{
    struct av_error_text t;
    char words[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(code, words, sizeof words);
    if (first_error[0])
        snprintf(t.text, sizeof t.text, "%s (%s)", words, first_error);
    else
        snprintf(t.text, sizeof t.text, "%s", words);
    return t;
}
