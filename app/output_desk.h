/*
 * output_desk - the way from the chat and the page to the stream's outputs. Both are there before the stream and, the
 * page, after it.
 */
#ifndef APP_OUTPUT_DESK_H
#define APP_OUTPUT_DESK_H

#include <pthread.h>

#include "chatbot/chatbot.h"
#include "stream/stream.h"

struct output_desk {
    pthread_mutex_t lock; /* leaf; guards the stream, which it also keeps open meanwhile */
    struct stream *stream;
};

/* The chat's !output and !clip go this way. The desk must outlive the bot's threads. */
void output_desk_init(struct output_desk *d, struct chatbot *b);
void output_desk_close(struct output_desk *d);

/* The stream is open; NULL: it is about to close. */
void output_desk_set(struct output_desk *d, struct stream *s);

/* Is there an output of this name? From any thread. */
bool output_desk_knows(struct output_desk *d, const char *name);

#endif
