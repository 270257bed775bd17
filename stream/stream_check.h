/*
 * stream_check - would the output side start? Opens the encoder and the sound, lets each enabled sink look at its
 * place and, when the network may be used, connect to it; no file is made and no picture sent.
 */
#ifndef STREAM_STREAM_CHECK_H
#define STREAM_STREAM_CHECK_H

#include "stream/stream.h"

/* Called once per thing: `what` is its section; rc < 0 a fault, > 0 a warning; `text` one line. */
typedef void stream_check_fn(void *context, const char *what, int rc, const char *text);

/* `network`: addresses are tried too, which may take seconds. */
void stream_check(const struct stream_config *c, bool network, stream_check_fn *say, void *context);

/* Only what the settings themselves tell: what stream_open would refuse whatever the machine is, in a live show or an
 * `offline` render. 0 or -EINVAL with one line. */
int stream_valid(const struct stream_config *c, bool offline, struct error *e);

#endif
