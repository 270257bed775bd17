/*
 * transport - see transport.h: the registry, and the only calls of the drivers' functions.
 */
#include "chatbot/irc/transport.h"

#include <stdlib.h>

#include "common/mem.h"

const struct transport_ops *const transport_registry[] = {&transport_tls, &transport_plain, &transport_fake,
                                                          &transport_rehearsal, NULL};

const struct transport_ops *transport_find(bool is_encrypted)
{
    const struct transport_ops *const *t = transport_registry;
    while (*t && (*t)->encrypted != is_encrypted)
        t++;
    return *t;
}

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

int transport_fd(const struct transport *t)
{
    return t->ops->fd(t->priv);
}

ssize_t transport_read(const struct transport *t, void *data, size_t bytes)
{
    return t->ops->read(t->priv, data, bytes);
}

ssize_t transport_write(const struct transport *t, const void *data, size_t bytes)
{
    return t->ops->write(t->priv, data, bytes);
}

bool transport_pending(const struct transport *t)
{
    return t->ops->pending && t->ops->pending(t->priv);
}

bool transport_is_private(const struct transport *t)
{
    return t->ops->encrypted || (t->ops->is_local && t->ops->is_local(t->priv));
}

void transport_close(struct transport *t)
{
    if (t->priv)
        t->ops->close(t->priv);
    free(t->priv);
    t->priv = NULL;
}
