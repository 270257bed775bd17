/*
 * transport - the ways to a chat server: encrypted, plain, a replayed log for tests, and the crowd of a rehearsal.
 *
 * A family: a driver file exports its `struct transport_ops` and nothing else; transport.c lists them, and is
 * the only caller of their functions. The chat thread opens a fresh one for every attempt, waits for its
 * descriptor together with everything else, and closes it. Opening may take until the deadline but ends at
 * once when the program stops; reading and writing never wait.
 */
#ifndef CHATBOT_IRC_TRANSPORT_H
#define CHATBOT_IRC_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"
#include "common/thread.h"

struct resolver; /* common/resolve.h */
struct town;     /* rehearsal/town.h */

struct transport_target {
    const char *host; /* name or address; the fake one: path of its log */
    int port;
    const char *ca_file; /* "": what the system trusts */
    struct resolver *resolver;
    int64_t deadline_us; /* clock_real_us */
    struct stop *stop;
    struct town *town; /* of a rehearsal; else NULL */
};

struct transport_ops {
    const char *name, *description;
    bool encrypted;   /* a secret may travel on it */
    size_t priv_size; /* bytes; 0: none */

    /* Connects, shakes hands, verifies. `priv` is zeroed. 0; -ECANCELED when stopped, -ETIMEDOUT, -EACCES
     * when the server is not who it should be, else -errno, with a line. On failure close follows. */
    int (*open)(void *priv, const struct transport_target *target, struct error *e);
    /* Readable when there may be something to read; below FD_SETSIZE. */
    int (*fd)(void *priv);
    /* Bytes, 0 at the end of the stream, -EAGAIN, or another -errno. */
    ssize_t (*read)(void *priv, void *data, size_t bytes);
    /* Bytes taken, -EAGAIN, or another -errno. After -EAGAIN the same bytes are offered again. */
    ssize_t (*write)(void *priv, const void *data, size_t bytes);
    /* (optional: NULL means never) Bytes can be read although the descriptor does not say so. */
    bool (*pending)(void *priv);
    /* (optional: NULL means it is not) The other end of the connection is this machine itself. */
    bool (*is_local)(void *priv);
    /* Also half-open ones. Never waits. */
    void (*close)(void *priv);
};

extern const struct transport_ops transport_tls, transport_plain, transport_fake, transport_rehearsal;

/* The registry, those for use before those for tests; ends with NULL. */
extern const struct transport_ops *const transport_registry[];

/* The first of them that encrypts, or that does not. */
const struct transport_ops *transport_find(bool is_encrypted);

/* One connection; zeroed: none. Chat thread only. */
struct transport {
    const struct transport_ops *ops;
    void *priv; /* ops->priv_size bytes, zeroed before open */
};

/* Results of these are those of the functions of struct transport_ops. After a failed open `t` is as one that
 * was closed. */
int transport_open(struct transport *t, const struct transport_ops *ops,
                   const struct transport_target *target, struct error *e);
int transport_fd(const struct transport *t);
ssize_t transport_read(const struct transport *t, void *data, size_t bytes);
ssize_t transport_write(const struct transport *t, const void *data, size_t bytes);
bool transport_pending(const struct transport *t);

/* Nobody between can read along: it is encrypted, or never leaves this machine. */
bool transport_is_private(const struct transport *t);

void transport_close(struct transport *t); /* one that was never opened is fine, if zeroed */

#endif
