/* SPDX-License-Identifier: MIT */
/* The operands that say where to connect, in the forms that other clients take. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "options_internal.h"

enum { OPERAND_BYTES = 512 };

int option_parse_port(const char *text, uint16_t *ret, struct error *err)
{
    uint16_t port;
    const struct servent *service = NULL;
    if (text[strspn(text, "0123456789")] != '\0') {
        service = getservbyname(text, "tcp");
        if (!service)
            service = getservbyname(text, "udp");
        if (!service)
            return error_set(
                err, ERROR_INPUT,
                "'%.160s' is not a port: give 1 to 65535, or a service of /etc/services, "
                "such as https",
                text);
        port = ntohs((uint16_t)service->s_port);
    } else if (endpoint_parse_port(text, &port, err) < 0) {
        return error_set(err, ERROR_INPUT, "'%.160s' is not a port: give 1 to 65535", text);
    }
    if (!port)
        return error_set(err, ERROR_INPUT, "port 0 cannot be connected to: give 1 to 65535");
    *ret = port;
    return 0;
}

/* The port of SCHEME://HOST:PORT; NULL if there is none, or if it is a number. */
static const char *find_named_port(const char *uri)
{
    const char *host = strstr(uri, "://");
    const char *bracket = strrchr(uri, ']');
    const char *colon = strchr(bracket ? bracket : host + strlen("://"), ':');
    if (!colon || strpbrk(colon, "/?#@") || strchr(colon + 1, ':'))
        return NULL;
    return colon[1 + strspn(colon + 1, "0123456789")] ? colon + 1 : NULL;
}

/* As endpoint_parse, and PORT may be the name of a service. */
static int parse_uri(const char *uri, struct endpoint *ret, struct error *err)
{
    char numbered[OPERAND_BYTES];
    uint16_t port;
    const char *name = find_named_port(uri);
    if (name && (size_t)(name - uri) < sizeof numbered - sizeof "65535") {
        if (option_parse_port(name, &port, err) < 0)
            return -1;
        snprintf(numbered, sizeof numbered, "%.*s%u", (int)(name - uri), uri, port);
        uri = numbered;
    }
    if (endpoint_parse(uri, ret, err) < 0)
        return -1;
    if (ret->scheme != ENDPOINT_UNIX && !ret->port)
        return error_set(err, ERROR_INPUT, "port 0 cannot be connected to: give 1 to 65535");
    return 0;
}

/* HOST, where an IPv6 address may have brackets. */
static int parse_host(const char *text, bool tls, struct endpoint *ret, struct error *err)
{
    const char *host = text;
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    }
    if (!length || length >= sizeof ret->host)
        return error_set(err, ERROR_INPUT, "HOST must have 1 to %zu bytes", sizeof ret->host - 1);
    *ret = (struct endpoint){.scheme = tls ? ENDPOINT_TLS : ENDPOINT_TCP,
                             .port = tls ? ENDPOINT_PORT_TLS : ENDPOINT_PORT_TCP};
    memcpy(ret->host, host, length);
    if (host != text)
        endpoint_decode_zone(ret->host);
    if (strchr(ret->host, ':') && !endpoint_host_is_address(ret->host))
        return error_set(err, ERROR_INPUT,
                         "'%s' is not an IPv6 address: give HOST, HOST:PORT or [ADDRESS]:PORT",
                         ret->host);
    return 0;
}

/* HOST:PORT or [ADDRESS]:PORT, without a scheme. */
static bool has_port(const char *text)
{
    const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL;
    if (bracket)
        return bracket[1] == ':';
    return strchr(text, ':') && !endpoint_host_is_address(text);
}

/* RFC 4007 §11: a link-local address without its zone is ambiguous. */
static int check_zone(const struct endpoint *endpoint, struct error *err)
{
    struct in6_addr address;
    if (inet_pton(AF_INET6, endpoint->host, &address) != 1 || !IN6_IS_ADDR_LINKLOCAL(&address))
        return 0;
    return error_set(err, ERROR_INPUT, "%s is link-local: give its zone, as in %s%%eth0",
                     endpoint->host, endpoint->host);
}

int option_parse_endpoint(const char *text, const char *port, bool tls, struct endpoint *ret,
                          struct error *err)
{
    char uri[OPERAND_BYTES];
    struct endpoint endpoint;
    if (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0)
        return error_set(err, ERROR_INPUT,
                         "'%.160s' is for HTTP, which this client does not speak: give "
                         "tls://HOST:443 or tcp://HOST:80, and --expect none",
                         text);
    const char *scheme = strstr(text, "://"), *host = scheme ? scheme + strlen("://") : text;
    if (host[0] == ':' && host[1] != ':' && strncasecmp(text, "unix:", 5) != 0)
        return error_set(err, ERROR_INPUT, "'%.160s' has no host: give %.*slocalhost%.160s", text,
                         (int)(host - text), text, host);
    bool whole = scheme;
    if (!whole && !has_port(text)) {
        if (parse_host(text, tls, &endpoint, err) < 0 ||
            (port && option_parse_port(port, &endpoint.port, err) < 0))
            return -1;
    } else if (port) {
        return error_set(
            err, ERROR_INPUT,
            "'%.160s' follows an endpoint, which has its port in it: write %s or HOST PORT", port,
            tls ? "tls://HOST:PORT" : "tcp://HOST:PORT");
    } else {
        if (!whole && strlen(text) < sizeof uri - sizeof "tls://") {
            snprintf(uri, sizeof uri, "%s://%s", tls ? "tls" : "tcp", text);
            text = uri;
        }
        if (parse_uri(text, &endpoint, err) < 0)
            return -1;
    }
    if (check_zone(&endpoint, err) < 0)
        return -1;
    *ret = endpoint;
    return 0;
}
