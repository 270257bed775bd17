/*
 * transport_tls - TLS over TCP by GnuTLS, which FFmpeg pulls in anyway.
 *
 * Certificate chain, dates and host name are verified within the handshake, against what the system trusts or
 * against ca_file alone; there is no switch to leave that out, and no way back to plain text. Server name
 * indication goes along unless the host is an address.
 */
#include "chatbot/irc/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chatbot/irc/dial.h"
#include "common/file.h"
#include "common/mem.h"

enum { CA_BYTES_MAX = 4 << 20 };

/* PROFILE_MEDIUM: no key under 112 bits, no SHA-1 in the chain. */
static const char priority[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%PROFILE_MEDIUM";

struct tls {
    int fd_plus_one; /* zeroed: none */
    gnutls_certificate_credentials_t trust;
    gnutls_session_t session;
    gnutls_typed_vdata_st demands[2]; /* on the certificate; the session reads them in the handshake */
    bool ready;                       /* the handshake is done */
    bool unfinished;                  /* the last write said -EAGAIN: GnuTLS holds its bytes */
};

static int tls_fd(void *priv)
{
    return ((struct tls *)priv)->fd_plus_one - 1;
}

static int fail(struct error *e, int code, const struct transport_target *t, const char *what, int tls_code)
{
    return error_set(e, code, "%s port %d: %s: %s", t->host, t->port, what, gnutls_strerror(tls_code));
}

static int load_trust(struct tls *s, const struct transport_target *t, struct error *e)
{
    int rc = gnutls_certificate_allocate_credentials(&s->trust);
    if (rc < 0)
        return fail(e, ENOMEM, t, "TLS", rc);
    if (t->ca_file && t->ca_file[0]) {
        char *pem;
        size_t bytes;
        rc = file_read_all(t->ca_file, CA_BYTES_MAX, &pem, &bytes, e);
        if (rc < 0)
            return error_prefix(e, rc, "chat.ca_file");
        const gnutls_datum_t data = {(unsigned char *)pem, (unsigned)bytes};
        rc = gnutls_certificate_set_x509_trust_mem(s->trust, &data, GNUTLS_X509_FMT_PEM);
        free(pem);
        if (rc <= 0)
            return error_set(e, EINVAL, "chat.ca_file %s: no certificate could be read from it", t->ca_file);
        return 0;
    }
    rc = gnutls_certificate_set_x509_system_trust(s->trust);
    if (rc <= 0)
        return error_set(e, EINVAL, "the system trusts no certificates at all; install ca-certificates");
    return 0;
}

static bool is_address(const char *host)
{
    unsigned char scratch[16];
    return inet_pton(AF_INET, host, scratch) == 1 || inet_pton(AF_INET6, host, scratch) == 1;
}

static int begin_session(struct tls *s, const struct transport_target *t, struct error *e)
{
    int rc = gnutls_init(&s->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
    if (rc == 0)
        rc = gnutls_priority_set_direct(s->session, priority, NULL);
    if (rc == 0)
        rc = gnutls_credentials_set(s->session, GNUTLS_CRD_CERTIFICATE, s->trust);
    if (rc == 0 && !is_address(t->host))
        rc = gnutls_server_name_set(s->session, GNUTLS_NAME_DNS, t->host, strlen(t->host));
    if (rc < 0)
        return fail(e, EPROTO, t, "TLS", rc);
    s->demands[0] = (gnutls_typed_vdata_st){.type = GNUTLS_DT_DNS_HOSTNAME, .data = (void *)t->host};
    s->demands[1] =
        (gnutls_typed_vdata_st){.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (void *)GNUTLS_KP_TLS_WWW_SERVER};
    gnutls_session_set_verify_cert2(s->session, s->demands, ARRAY_LEN(s->demands), 0);
    gnutls_transport_set_int(s->session, tls_fd(s));
    return 0;
}

/* Why the certificate was refused, in GnuTLS's words ("The certificate is NOT trusted. ..."). */
static int refuse_certificate(struct tls *s, const struct transport_target *t, struct error *e)
{
    gnutls_datum_t why = {NULL, 0};
    unsigned status = gnutls_session_get_verify_cert_status(s->session);
    gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &why, 0);
    int rc = error_set(e, EACCES, "%s port %d does not prove who it is: %s", t->host, t->port,
                       why.data ? (const char *)why.data : "its certificate is refused");
    gnutls_free(why.data);
    return rc;
}

static int shake_hands(struct tls *s, const struct transport_target *t, struct error *e)
{
    for (;;) {
        int rc = gnutls_handshake(s->session);
        if (rc == 0)
            return 0;
        if (rc == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
            return refuse_certificate(s, t, e);
        if (gnutls_error_is_fatal(rc))
            return fail(e, EPROTO, t, "TLS handshake", rc);
        if (rc != GNUTLS_E_AGAIN)
            continue;
        short events = gnutls_record_get_direction(s->session) ? POLLOUT : POLLIN;
        rc = dial_wait(tls_fd(s), events, t, t->deadline_us);
        if (rc < 0)
            return error_set(e, -rc, "%s port %d: no TLS handshake: %s", t->host, t->port, strerror(-rc));
    }
}

static int tls_open(void *priv, const struct transport_target *t, struct error *e)
{
    struct tls *s = priv;
    int rc = load_trust(s, t, e);
    if (rc < 0)
        return rc;
    int fd = dial(t, e);
    if (fd < 0)
        return fd;
    s->fd_plus_one = fd + 1;
    rc = begin_session(s, t, e);
    if (rc == 0)
        rc = shake_hands(s, t, e);
    s->ready = rc == 0;
    return rc;
}

static ssize_t result(ssize_t n)
{
    if (n >= 0)
        return n;
    if (n == GNUTLS_E_PREMATURE_TERMINATION)
        return -ECONNRESET;
    return gnutls_error_is_fatal((int)n) ? -EPROTO : -EAGAIN;
}

static ssize_t tls_read(void *priv, void *data, size_t bytes)
{
    return result(gnutls_record_recv(((struct tls *)priv)->session, data, bytes));
}

static ssize_t tls_write(void *priv, const void *data, size_t bytes)
{
    struct tls *s = priv;
    ssize_t n =
        s->unfinished ? gnutls_record_send(s->session, NULL, 0) : gnutls_record_send(s->session, data, bytes);
    s->unfinished = n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED;
    return result(n);
}

static bool tls_pending(void *priv)
{
    return gnutls_record_check_pending(((struct tls *)priv)->session) > 0;
}

static bool tls_is_local(void *priv)
{
    return dial_is_local(tls_fd(priv));
}

static void tls_close(void *priv)
{
    struct tls *s = priv;
    if (s->ready)
        gnutls_bye(s->session, GNUTLS_SHUT_WR); /* once; the socket does not block */
    if (s->session)
        gnutls_deinit(s->session);
    if (s->trust)
        gnutls_certificate_free_credentials(s->trust);
    if (tls_fd(s) >= 0)
        close(tls_fd(s));
}

const struct transport_ops transport_tls = {
    .name = "tls",
    .description = "TLS, certificate and host name verified",
    .encrypted = true,
    .priv_size = sizeof(struct tls),
    .open = tls_open,
    .fd = tls_fd,
    .read = tls_read,
    .write = tls_write,
    .pending = tls_pending,
    .is_local = tls_is_local,
    .close = tls_close,
};
