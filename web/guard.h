/*
 * guard - who may come in: pure functions over what a request says of itself.
 *
 * The page is on this machine's own address, and that is no protection: any page that a browser shows here can
 * send requests to it (CSRF), can make its own name mean our address (DNS rebinding), and every user of the
 * machine reaches the port. So the Host must be one of ours; what changes anything must come from our own page
 * with the token that only it can read, or from a program that knows the operator's token; and that one alone
 * makes an operator.
 */
#ifndef WEB_GUARD_H
#define WEB_GUARD_H

#include <stdbool.h>

#include "web/http.h"

enum { GUARD_TOKEN_BYTES = 33 }; /* 128 bits as hexadecimal digits */

struct guard {
    int port;
    bool any_address;  /* not bound to loopback: every IP address may be ours */
    const char *hosts; /* further names, separated by commas or blanks; with or without :PORT */
    const char *token; /* the operator's; never empty */
    const char *csrf;
};

/* A new secret from the kernel. 0 or -errno. */
int guard_make_token(char out[GUARD_TOKEN_BYTES]);

/* May a request with this Host be answered at all? "127.0.0.1:8080" is, "127.0.0.1.evil.example" is not. */
bool guard_knows_host(const struct guard *g, const char *host);

/* Of the Authorization header: none, a wrong one, the operator's. */
enum guard_bearer { GUARD_NONE, GUARD_WRONG, GUARD_OPERATOR };
enum guard_bearer guard_bearer(const struct guard *g, const struct http_request *r);

/* May a POST be acted on? NULL, or why not in words; *status is 403 or 415 then. The bearer was looked at. */
const char *guard_refuses_post(const struct guard *g, const struct http_request *r, enum guard_bearer bearer,
                               int *status);

#endif
