/*
 * guard - see guard.h.
 */
#include "web/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { HOST_BYTES = 256 };

#define SEPARATORS ", \t"

int guard_make_token(char out[GUARD_TOKEN_BYTES])
{
    unsigned char bytes[(GUARD_TOKEN_BYTES - 1) / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return errno ? -errno : -EIO;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    explicit_bzero(bytes, sizeof bytes);
    return 0;
}

/* ---- Host ---- */

/* Cuts "name:port" or "[v6]:port" in place. False when it is neither; *port is -1 where none is named. */
static bool split(char *host, char **name, int *port)
{
    char *end = host[0] == '[' ? strchr(host, ']') : host + strcspn(host, ":");
    *port = -1;
    if (!end || end == host)
        return false;
    *name = host;
    if (host[0] == '[') {
        *name = host + 1;
        *end++ = '\0';
    }
    if (*end == '\0')
        return true;
    if (*end != ':')
        return false;
    *end++ = '\0';
    size_t digits = strspn(end, "0123456789");
    if (digits == 0 || digits > 5 || end[digits])
        return false;
    *port = atoi(end);
    return true;
}

static bool is_address(const char *name)
{
    struct in6_addr address;
    return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

/* One of web.hosts, which may name a port of its own (a proxy's). */
static bool is_listed(const struct guard *g, const char *name, int port)
{
    char list[2 * HOST_BYTES + 1], *rest, *word, *listed;
    int listed_port;
    if (snprintf(list, sizeof list, "%s", g->hosts ? g->hosts : "") >= (int)sizeof list)
        return false;
    for (word = strtok_r(list, SEPARATORS, &rest); word; word = strtok_r(NULL, SEPARATORS, &rest))
        if (split(word, &listed, &listed_port) && strcasecmp(listed, name) == 0 &&
            (listed_port < 0 || listed_port == port))
            return true;
    return false;
}

bool guard_knows_host(const struct guard *g, const char *host)
{
    char text[HOST_BYTES], *name;
    int port;
    if (!host || snprintf(text, sizeof text, "%s", host) >= (int)sizeof text || !split(text, &name, &port))
        return false;
    if (is_listed(g, name, port))
        return true;
    bool ours = strcmp(name, "127.0.0.1") == 0 || strcmp(name, "::1") == 0 ||
                strcasecmp(name, "localhost") == 0 || (g->any_address && is_address(name));
    return ours && (port == g->port || (port < 0 && g->port == 80));
}

/* ---- secrets ---- */

/* The same text? Takes as long whatever the first difference is. */
static bool is_equal(const char *given, const char *secret)
{
    size_t n = strlen(given), m = strlen(secret);
    unsigned char difference = n != m;
    for (size_t i = 0; i < n; i++)
        difference |= (unsigned char)(given[i] ^ secret[m ? i % m : 0]);
    return difference == 0;
}

enum guard_bearer guard_bearer(const struct guard *g, const struct http_request *r)
{
    static const char scheme[] = "Bearer ";
    const char *given = r->header[HTTP_AUTHORIZATION];
    if (!given)
        return GUARD_NONE;
    if (strncasecmp(given, scheme, sizeof scheme - 1) != 0 || !g->token[0])
        return GUARD_WRONG;
    return is_equal(given + sizeof scheme - 1, g->token) ? GUARD_OPERATOR : GUARD_WRONG;
}

/* ---- POST ---- */

static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    size_t n = sizeof json - 1;
    return type && strncasecmp(type, json, n) == 0 && (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

/* The page's own origin: where it says so, or where the browser does. A proxy may speak TLS for us. */
static bool is_own_origin(const struct http_request *r)
{
    const char *origin = r->header[HTTP_ORIGIN], *site = r->header[HTTP_FETCH_SITE];
    if (site && strcmp(site, "same-origin") != 0)
        return false;
    if (!origin)
        return site != NULL;
    const char *host = strncmp(origin, "http://", 7) == 0    ? origin + 7
                       : strncmp(origin, "https://", 8) == 0 ? origin + 8
                                                             : "";
    return host[0] && strcasecmp(host, r->header[HTTP_HOST]) == 0;
}

const char *guard_refuses_post(const struct guard *g, const struct http_request *r, enum guard_bearer bearer,
                               int *status)
{
    *status = 415;
    if (!is_json(r->header[HTTP_CONTENT_TYPE]))
        return "send Content-Type: application/json";
    *status = 403;
    if (bearer == GUARD_OPERATOR)
        return NULL;
    if (!is_own_origin(r))
        return "this did not come from the page itself; programs send Authorization: Bearer TOKEN";
    if (!r->header[HTTP_CSRF] || !is_equal(r->header[HTTP_CSRF], g->csrf))
        return "the page's token is missing or old: load the page again";
    return NULL;
}
