/*
 * transport - see transport.h.
 */
#include "chatbot/irc/transport.h"

#include <stdlib.h>

#include "common/mem.h"

const struct transport_ops *const transports[] = {&transport_tls, &transport_plain, &transport_fake, NULL};

int transport_open(struct transport *t, const struct transport_ops *ops,
                   const struct transport_target *target, struct error *e)
{
    t->ops = ops;
    t->priv = xcalloc(1, ops->priv_size);
    int rc = ops->open(t->priv, target, e);
    if (rc < 0)
        transport_close(t);
    return rc;
}

void transport_close(struct transport *t)
{
    if (t->priv)
        t->ops->close(t->priv);
    free(t->priv);
    t->priv = NULL;
}
