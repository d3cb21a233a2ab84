/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/endpoint.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Quoted input is cut to this length, so that the remedy after it always fits in an error. */
#define QUOTED "\"%.160s\""

static const struct {
    const char *name;
    uint16_t port;
} schemes[] = {
    [ENDPOINT_TCP] = {"tcp", ENDPOINT_PORT_TCP},
    [ENDPOINT_TLS] = {"tls", ENDPOINT_PORT_TLS},
    [ENDPOINT_UNIX] = {"unix", 0},
    [ENDPOINT_UDP] = {"udp", ENDPOINT_PORT_UDP},
    [ENDPOINT_DTLS] = {"dtls", ENDPOINT_PORT_DTLS},
};

const char *endpoint_scheme_name(enum endpoint_scheme scheme)
{
    return schemes[scheme].name;
}

bool endpoint_has_datagrams(enum endpoint_scheme scheme)
{
    return scheme == ENDPOINT_UDP || scheme == ENDPOINT_DTLS;
}

bool endpoint_has_tls(enum endpoint_scheme scheme)
{
    return scheme == ENDPOINT_TLS || scheme == ENDPOINT_DTLS;
}

static bool is_ipv6(const char *host)
{
    char address[INET6_ADDRSTRLEN];
    size_t length = strcspn(host, "%");
    if (length >= sizeof address)
        return false;
    memcpy(address, host, length);
    address[length] = '\0';

    if (host[length] == '%') {
        size_t scope = strlen(host + length + 1);
        if (scope == 0 || scope >= IF_NAMESIZE)
            return false;
    }
    struct in6_addr binary;
    return inet_pton(AF_INET6, address, &binary) == 1;
}

static bool is_ipv4(const char *host)
{
    struct in_addr binary;
    return inet_pton(AF_INET, host, &binary) == 1;
}

bool endpoint_host_is_address(const char *host)
{
    return is_ipv4(host) || is_ipv6(host);
}

/* Labels of 1 to 63 letters, digits, '-' and '_', with dots between them. A number at the end means
 * an IPv4 address, or a malformed one. */
bool endpoint_host_is_name(const char *host)
{
    for (const char *label = host;;) {
        size_t length = strspn(label, "abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
        if (length == 0 || length > 63)
            return false;
        const char *end = label + length;
        if (*end == '\0' || strcmp(end, ".") == 0)
            return strspn(label, "0123456789") < length;
        if (*end != '.')
            return false;
        label = end + 1;
    }
}

static bool has_control_character(const char *text)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return true;
    return false;
}

int endpoint_parse_port(const char *text, uint16_t *ret, struct error *err)
{
    size_t digits = strspn(text, "0123456789");
    unsigned value = 0;
    for (size_t i = 0; i < digits && value <= UINT16_MAX; i++)
        value = value * 10 + (unsigned)(text[i] - '0');

    if (has_control_character(text))
        return error_set(err, ERROR_INPUT,
                         "a port has a control character: write a number from 0 to 65535");
    if (digits == 0 || text[digits] != '\0')
        return error_set(err, ERROR_INPUT, QUOTED " is not a port: write a number from 0 to 65535",
                         text);
    if (value > UINT16_MAX)
        return error_set(err, ERROR_INPUT, "port %.100s is out of range: write 0 to 65535", text);
    *ret = (uint16_t)value;
    return 0;
}

static int parse_scheme(const char *text, enum endpoint_scheme *ret, const char **ret_rest,
                        struct error *err)
{
    const char *end = strstr(text, "://");
    if (!end && text[0] == '/')
        return error_set(err, ERROR_INPUT, QUOTED " has no scheme: write unix://%.160s", text,
                         text);
    if (!end)
        return error_set(err, ERROR_INPUT,
                         QUOTED " has no scheme: write tcp://%.100s or tls://%.100s", text, text,
                         text);

    /* RFC 3986 §3.1: schemes are case-insensitive. */
    size_t length = (size_t)(end - text);
    for (int i = 0; i < ENDPOINT_SCHEMES; i++) {
        if (strlen(schemes[i].name) == length && strncasecmp(schemes[i].name, text, length) == 0) {
            *ret = (enum endpoint_scheme)i;
            *ret_rest = end + 3;
            return 0;
        }
    }
    if (length == 4 && strncasecmp("quic", text, length) == 0)
        return error_set(err, ERROR_INPUT,
                         QUOTED
                         ": QUIC is not supported, its scheme is reserved: write tls://%.100s",
                         text, end + 3);
    return error_set(
        err, ERROR_INPUT,
        QUOTED " has an unknown scheme: write tcp://, tls://, udp://, dtls:// or unix://", text);
}

/* Removes "//" and "/./", which mean "/" (path_resolution(7)), so that equal paths have equal
 * texts. ".." is kept: after a symbolic link it does not mean the folder before it. */
static void normalise_path(char *path)
{
    char *out = path;
    for (const char *in = path; *in;) {
        if (in[0] == '/' && in[1] == '/')
            in++;
        else if (in[0] == '/' && in[1] == '.' && in[2] == '/')
            in += 2;
        else
            *out++ = *in++;
    }
    *out = '\0';
}

static bool names_folder(const char *path)
{
    const char *last = strrchr(path, '/') + 1;
    return *last == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

static int parse_path(const char *text, const char *path, struct endpoint *ret, struct error *err)
{
    size_t length = strlen(path);
    if (path[0] != '/')
        return error_set(err, ERROR_INPUT,
                         QUOTED " has no absolute path: write unix:///PATH, with three slashes",
                         text);
    if (length >= sizeof ret->path)
        return error_set(err, ERROR_INPUT,
                         QUOTED " has a path of %zu bytes: a Unix socket's has at most %zu", text,
                         length, sizeof ret->path - 1);
    if (names_folder(path))
        return error_set(err, ERROR_INPUT, QUOTED " names a folder: name a file in it", text);
    memcpy(ret->path, path, length + 1);
    normalise_path(ret->path);
    return 0;
}

/* A mapped address (RFC 4291 §2.5.5.2) is the IPv4 address in it, wherever it is used. */
static void unmap_host(char host[ENDPOINT_HOST_BYTES])
{
    struct in6_addr binary;
    if (inet_pton(AF_INET6, host, &binary) == 1 && IN6_IS_ADDR_V4MAPPED(&binary))
        inet_ntop(AF_INET, &binary.s6_addr[12], host, INET_ADDRSTRLEN);
}

/* The same address may exist on every link: RFC 4007 §6. */
static bool lacks_zone(const char *host)
{
    struct in6_addr binary;
    return inet_pton(AF_INET6, host, &binary) == 1 && IN6_IS_ADDR_LINKLOCAL(&binary);
}

void endpoint_decode_zone(char *host)
{
    char *percent = strchr(host, '%');
    if (percent && strncmp(percent, "%25", 3) == 0 && percent[3] != '\0')
        memmove(percent + 1, percent + 3, strlen(percent + 3) + 1);
}

/* Checks the host that was read, and writes an IPv4-mapped address as IPv4. */
static int check_host(const char *text, bool brackets, struct endpoint *ret, struct error *err)
{
    const char *scheme = endpoint_scheme_name(ret->scheme);
    if (brackets && !is_ipv6(ret->host))
        return error_set(err, ERROR_INPUT,
                         QUOTED " has no IPv6 address in the brackets: write %s://[::1]:PORT for "
                                "one, and names and IPv4 addresses without brackets",
                         text, scheme);
    if (brackets && lacks_zone(ret->host))
        return error_set(err, ERROR_INPUT,
                         QUOTED
                         " has a link-local address without its zone: write %s://[%s%%eth0], "
                         "with the interface after %%",
                         text, scheme, ret->host);
    if (brackets)
        unmap_host(ret->host);
    if (!brackets && !is_ipv4(ret->host) && !endpoint_host_is_name(ret->host))
        return error_set(err, ERROR_INPUT,
                         QUOTED " has a host that is neither a name nor an address: "
                                "write %s://HOST:PORT",
                         text, scheme);
    return 0;
}

/* Sets the host and returns where it ends. */
static int parse_host(const char *text, const char *host, struct endpoint *ret,
                      const char **ret_end, struct error *err)
{
    const char *scheme = endpoint_scheme_name(ret->scheme);
    bool brackets = host[0] == '[';
    size_t length = brackets ? strcspn(++host, "]") : strcspn(host, ":");
    const char *end = host + length;

    if (brackets && *end != ']')
        return error_set(err, ERROR_INPUT, QUOTED " has no closing ] after its address: write it",
                         text);
    if (!brackets && length == 0 && end[0] == ':' && end[1] != ':')
        return error_set(err, ERROR_INPUT,
                         QUOTED " has no host: write %s://localhost%.100s, "
                                "or %s://[::]%.100s for every address",
                         text, scheme, end, scheme, end);
    if (!brackets && strchr(end, ':') != strrchr(end, ':'))
        return error_set(err, ERROR_INPUT,
                         QUOTED " has an IPv6 address without brackets: write %s://[ADDRESS]:PORT",
                         text, scheme);
    if (length == 0)
        return error_set(err, ERROR_INPUT, QUOTED " has no host: write %s://HOST:PORT", text,
                         scheme);
    if (length >= sizeof ret->host)
        return error_set(err, ERROR_INPUT, QUOTED " has a host of %zu bytes: a name has at most %d",
                         text, length, ENDPOINT_HOST_BYTES - 1);
    memcpy(ret->host, host, length);
    ret->host[length] = '\0';
    if (brackets)
        endpoint_decode_zone(ret->host);
    *ret_end = end + (brackets ? 1 : 0);
    return check_host(text, brackets, ret, err);
}

static int parse_host_port(const char *text, const char *rest, struct endpoint *ret,
                           struct error *err)
{
    size_t length = strcspn(rest, "/?#");
    if (rest[length] != '\0')
        return error_set(err, ERROR_INPUT,
                         QUOTED " continues after the port: write %s://%.*s without \"%.60s\"",
                         text, endpoint_scheme_name(ret->scheme), length > 100 ? 100 : (int)length,
                         rest, rest + length);
    const char *user = strchr(rest, '@');
    if (user)
        return error_set(err, ERROR_INPUT, QUOTED " names a user: write %s://%.100s", text,
                         endpoint_scheme_name(ret->scheme), user + 1);

    const char *end = rest;
    if (parse_host(text, rest, ret, &end, err))
        return -1;
    ret->port = schemes[ret->scheme].port;
    if (*end == '\0')
        return 0;
    if (*end != ':')
        return error_set(err, ERROR_INPUT,
                         QUOTED " has no colon between address and port: write it", text);
    if (endpoint_parse_port(end + 1, &ret->port, err))
        return error_prefix(err, QUOTED, text);
    return 0;
}

int endpoint_parse(const char *text, struct endpoint *ret, struct error *err)
{
    if (text[0] == '\0')
        return error_set(err, ERROR_INPUT,
                         "an endpoint is empty: write tcp://HOST:PORT, tls://HOST:PORT, "
                         "udp://HOST:PORT, dtls://HOST:PORT or unix:///PATH");
    if (has_control_character(text))
        return error_set(err, ERROR_INPUT, "an endpoint has a control character: remove it");

    struct endpoint endpoint = {0};
    const char *rest = text;
    if (parse_scheme(text, &endpoint.scheme, &rest, err))
        return -1;
    if (endpoint.scheme == ENDPOINT_UNIX ? parse_path(text, rest, &endpoint, err)
                                         : parse_host_port(text, rest, &endpoint, err))
        return -1;
    *ret = endpoint;
    return 0;
}

void endpoint_text(const struct endpoint *endpoint, char ret[ENDPOINT_TEXT_BYTES])
{
    const char *scheme = endpoint_scheme_name(endpoint->scheme);
    bool brackets = strchr(endpoint->host, ':') != NULL;
    const char *zone = strchr(endpoint->host, '%');
    bool encode = zone && strncmp(zone, "%25", 3) == 0; /* an interface whose name begins with 25 */
    int before = (int)(encode ? zone + 1 - endpoint->host : 0);

    if (endpoint->scheme == ENDPOINT_UNIX)
        snprintf(ret, ENDPOINT_TEXT_BYTES, "%s://%s", scheme, endpoint->path);
    else
        snprintf(ret, ENDPOINT_TEXT_BYTES, "%s://%s%.*s%s%s%s:%u", scheme, brackets ? "[" : "",
                 before, endpoint->host, encode ? "25" : "", endpoint->host + before,
                 brackets ? "]" : "", endpoint->port);
}

enum host_kind { HOST_NAME, HOST_LOOPBACK, HOST_IPV4, HOST_IPV6 };

/* RFC 6761 §6.3: localhost is the loopback address, without asking a name server. */
static enum host_kind host_kind(const char *host)
{
    if (strcasecmp(host, "localhost") == 0 || strcasecmp(host, "localhost.") == 0)
        return HOST_LOOPBACK;
    return is_ipv4(host) ? HOST_IPV4 : is_ipv6(host) ? HOST_IPV6 : HOST_NAME;
}

/* Without its zone; an IPv4 address is mapped. */
static void host_binary(const char *host, struct in6_addr *ret)
{
    char text[ENDPOINT_HOST_BYTES + sizeof "::ffff:"];
    snprintf(text, sizeof text, "%s%.*s", is_ipv4(host) ? "::ffff:" : "", (int)strcspn(host, "%"),
             host);
    inet_pton(AF_INET6, text, ret);
}

static bool is_loopback(const struct in6_addr *address)
{
    static const unsigned char ipv4[] = {127, 0, 0, 1};
    return IN6_IS_ADDR_LOOPBACK(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && memcmp(&address->s6_addr[12], ipv4, sizeof ipv4) == 0);
}

bool endpoint_is_local(const struct endpoint *endpoint)
{
    struct in6_addr address;
    enum host_kind kind = host_kind(endpoint->host);
    if (endpoint->scheme == ENDPOINT_UNIX || kind == HOST_LOOPBACK)
        return true;
    if (kind == HOST_NAME)
        return false;
    host_binary(endpoint->host, &address);
    return IN6_IS_ADDR_LOOPBACK(&address) ||
           (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == IN_LOOPBACKNET);
}

#define LOOPBACK_BROADCAST 0x7fffffff /* 127.255.255.255 */

bool endpoint_host_is_for_many(const char *host)
{
    struct in6_addr address;
    if (!endpoint_host_is_address(host))
        return false;
    host_binary(host, &address);
    if (!IN6_IS_ADDR_V4MAPPED(&address))
        return IN6_IS_ADDR_MULTICAST(&address);
    uint32_t ipv4;
    memcpy(&ipv4, &address.s6_addr[12], sizeof ipv4);
    return IN_MULTICAST(ntohl(ipv4)) || ipv4 == INADDR_NONE || ntohl(ipv4) == LOOPBACK_BROADCAST;
}

/* Whether a is a wildcard that covers b. */
static bool covers(const char *a, const char *b)
{
    struct in6_addr address;
    enum host_kind kind = host_kind(a);
    if (kind != HOST_IPV4 && kind != HOST_IPV6)
        return false;
    host_binary(a, &address);
    if (kind == HOST_IPV6)
        return IN6_IS_ADDR_UNSPECIFIED(&address);
    return strcmp(a, "0.0.0.0") == 0 &&
           (host_kind(b) == HOST_IPV4 || host_kind(b) == HOST_LOOPBACK);
}

static bool same_host(const char *a, const char *b)
{
    struct in6_addr left = in6addr_any, right = in6addr_any;
    enum host_kind a_kind = host_kind(a), b_kind = host_kind(b);
    if (a_kind == HOST_NAME || b_kind == HOST_NAME)
        return strcasecmp(a, b) == 0;
    if (a_kind == HOST_LOOPBACK && b_kind == HOST_LOOPBACK)
        return true;
    if (a_kind != HOST_LOOPBACK)
        host_binary(a, &left);
    if (b_kind != HOST_LOOPBACK)
        host_binary(b, &right);
    if (a_kind == HOST_LOOPBACK || b_kind == HOST_LOOPBACK)
        return is_loopback(a_kind == HOST_LOOPBACK ? &right : &left);
    return memcmp(&left, &right, sizeof left) == 0 &&
           strcmp(a + strcspn(a, "%"), b + strcspn(b, "%")) == 0;
}

bool endpoint_overlap(const struct endpoint *a, const struct endpoint *b)
{
    if (a->scheme == ENDPOINT_UNIX || b->scheme == ENDPOINT_UNIX)
        return a->scheme == b->scheme && strcmp(a->path, b->path) == 0;
    if (endpoint_has_datagrams(a->scheme) != endpoint_has_datagrams(b->scheme))
        return false;
    return a->port != 0 && a->port == b->port &&
           (same_host(a->host, b->host) || covers(a->host, b->host) || covers(b->host, a->host));
}
