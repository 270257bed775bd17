/*
 * script - see chatbot.h. The whole file is read and checked before the show begins: a fault in its last line
 * is found now and not in an hour.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chatbot/chatbot.h"
#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"

#define BLANKS " \t\r"

enum { SECONDS_DIGITS_MAX = 15 };

struct script_line {
    double at_s;
    char *user, *text; /* owned */
};

struct script {
    struct script_line *lines;
    int count, next; /* next: the first that has not been fed */
};

/* Reads the next line without its end. 0; -ENODATA behind the last one; -EMSGSIZE, -EILSEQ (a NUL byte) or
 * what reading failed with. */
static int read_line(FILE *f, char line[SYNSETS_LINE_BYTES])
{
    size_t n = 0;
    int c;
    errno = 0;
    while ((c = getc(f)) != EOF && c != '\n') {
        if (n + 1 == SYNSETS_LINE_BYTES)
            return -EMSGSIZE;
        if (c == '\0')
            return -EILSEQ;
        line[n++] = (char)c;
    }
    line[n] = '\0';
    if (ferror(f))
        return errno ? -errno : -EIO;
    return c == EOF && n == 0 ? -ENODATA : 0;
}

/* A decimal number and nothing else: no sign, exponent, "inf" or hexadecimal, whatever the locale. */
static bool parse_seconds(const char *text, double *seconds)
{
    double value = 0, unit = 1;
    int digits = 0;
    bool point = false;
    for (; *text; text++) {
        if (*text == '.' && !point) {
            point = true;
        } else if (*text >= '0' && *text <= '9' && digits < SECONDS_DIGITS_MAX) {
            digits++;
            value = value * 10 + (*text - '0');
            unit *= point ? 10 : 1;
        } else {
            return false;
        }
    }
    *seconds = value / unit;
    return digits > 0;
}

/* Cuts the first word off *rest in place; "" when there is none. */
static char *cut_word(char **rest)
{
    char *word = *rest + strspn(*rest, BLANKS);
    char *end = word + strcspn(word, BLANKS);
    *rest = end + (*end != '\0');
    *end = '\0';
    return word;
}

static int parse_line(struct script *s, char *line, const char *path, int number, struct error *e)
{
    char *rest = line;
    const char *seconds = cut_word(&rest);
    if (!*seconds || *seconds == '#')
        return 0;
    double at_s;
    if (!parse_seconds(seconds, &at_s))
        return error_set(e, EINVAL,
                         "%s:%d: \"%.40s\" is not a time; write SECONDS USER TEXT, like 12.5 ann goldfish",
                         path, number, seconds);
    const char *user = cut_word(&rest), *text = rest + strspn(rest, BLANKS);
    if (!*text)
        return error_set(e, EINVAL, "%s:%d: %s is missing; write SECONDS USER TEXT, like 12.5 ann goldfish",
                         path, number, *user ? "the text" : "the user");
    if (s->count > 0 && at_s < s->lines[s->count - 1].at_s)
        return error_set(e, EINVAL, "%s:%d: %s is earlier than the line before (%g); sort the lines by time",
                         path, number, seconds, s->lines[s->count - 1].at_s);
    if (s->count == SCRIPT_LINES_MAX)
        return error_set(e, EINVAL, "%s:%d: more than %d lines", path, number, SCRIPT_LINES_MAX);
    if ((s->count & (s->count - 1)) == 0) /* full at every power of two */
        s->lines = xrealloc(s->lines, (s->count ? 2 * (size_t)s->count : 1) * sizeof *s->lines);
    s->lines[s->count++] = (struct script_line){.at_s = at_s, .user = xstrdup(user), .text = xstrdup(text)};
    return 0;
}

static int read_lines(struct script *s, FILE *f, const char *path, struct error *e)
{
    char line[SYNSETS_LINE_BYTES];
    for (int number = 1;; number++) {
        int rc = read_line(f, line);
        if (rc == -ENODATA)
            return 0;
        if (rc == -EMSGSIZE)
            return error_set(e, EINVAL, "%s:%d: more than %d bytes in one line", path, number,
                             SYNSETS_LINE_BYTES - 1);
        if (rc == -EILSEQ)
            return error_set(e, EINVAL, "%s:%d: a NUL byte; a script is plain text", path, number);
        if (rc)
            return error_set(e, -rc, "%s:%d: cannot be read: %s", path, number, strerror(-rc));
        rc = parse_line(s, line, path, number, e);
        if (rc)
            return rc;
    }
}

int script_open(struct script **out, const char *path, struct error *e)
{
    *out = NULL;
    struct stat st;
    int fd = file_open_regular(path, &st, e);
    if (fd < 0)
        return fd;
    FILE *f = fdopen(fd, "r");
    if (!f) {
        close(fd);
        return error_set(e, ENOMEM, "%s: no memory to read it", path);
    }
    struct script *s = xcalloc(1, sizeof *s);
    int rc = read_lines(s, f, path, e);
    fclose(f);
    if (rc)
        script_close(&s);
    *out = s;
    return rc;
}

void script_close(struct script **s)
{
    if (!*s)
        return;
    for (int i = 0; i < (*s)->count; i++) {
        free((*s)->lines[i].user);
        free((*s)->lines[i].text);
    }
    free((*s)->lines);
    free(*s);
    *s = NULL;
}

void script_feed(struct script *s, struct chatbot *b, double now_s)
{
    for (; s->next < s->count && s->lines[s->next].at_s <= now_s; s->next++) {
        const struct script_line *line = &s->lines[s->next];
        char reply[CHAT_REPLY_BYTES];
        struct chat_line said = {
            .origin = CHAT_SCRIPT, .user = line->user, .text = line->text, .bytes = strlen(line->text)};
        chatbot_line(b, &said, line->at_s, reply);
        log_info("chat", "%s: %s", line->user, line->text);
        if (reply[0])
            log_info("chat", "%s", reply);
    }
}
