/*
 * webvtt - a list of what is shown when, as WebVTT (W3C): players and <track kind="chapters"> of web pages take it.
 *
 * A cue's text is one line; what would begin a tag, an entity or another cue is written as an entity.
 */
#ifndef STREAM_WEBVTT_H
#define STREAM_WEBVTT_H

struct webvtt_cue {
    double begin_s, end_s; /* one that does not last is left out */
    const char *text;      /* UTF-8 */
};

/* The whole file; the caller frees it. */
char *webvtt_text(const struct webvtt_cue *cues, int count);

#endif
