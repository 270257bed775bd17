/*
 * stream_check - would the output side start? Opens the encoder and lets each enabled sink look at its place,
 * without making a file or sending a byte.
 */
#ifndef STREAM_STREAM_CHECK_H
#define STREAM_STREAM_CHECK_H

#include "stream/stream.h"

/* Called once per thing: `what` is its section, rc < 0 a fault, `text` one line. */
typedef void stream_check_fn(void *context, const char *what, int rc, const char *text);

void stream_check(const struct stream_config *c, stream_check_fn *say, void *context);

#endif
