/*
 * webvtt - see webvtt.h.
 */
#include "stream/webvtt.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"

/* "01:02:03.400" */
static void put_time(FILE *out, double s)
{
    int64_t ms = (int64_t)llround(fmax(s, 0) * 1000);
    fprintf(out, "%02lld:%02d:%02d.%03d", (long long)(ms / 3600000), (int)(ms / 60000 % 60),
            (int)(ms / 1000 % 60), (int)(ms % 1000));
}

static void put_text(FILE *out, const char *text)
{
    for (; *text; text++)
        if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else
            fputc(*text == '\n' || *text == '\r' ? ' ' : *text, out);
}

char *webvtt_text(const struct webvtt_cue *cues, int count)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return xasprintf("WEBVTT\n");
    fputs("WEBVTT\n", out);
    for (int i = 0; i < count; i++) {
        if (cues[i].end_s - cues[i].begin_s < 0.001)
            continue;
        fputs("\n", out);
        put_time(out, cues[i].begin_s);
        fputs(" --> ", out);
        put_time(out, cues[i].end_s);
        fputs("\n", out);
        put_text(out, cues[i].text);
        fputs("\n", out);
    }
    fclose(out);
    return text ? text : xasprintf("WEBVTT\n");
}
