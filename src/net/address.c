/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The length of a Unix address's path; 0 if it is unnamed or abstract. */
static size_t path_length(const struct address *address)
{
    size_t before = offsetof(struct sockaddr_un, sun_path);
    if (address->length <= before)
        return 0;
    return strnlen(address->local.sun_path, address->length - before);
}

/* Puts a number before end; returns its start. */
static char *put_number(char *end, unsigned number)
{
    do
        *--end = (char)('0' + number % 10);
    while (number /= 10);
    return end;
}

/* getnameinfo(3) takes ten times as long, and each line of the log has two addresses. */
static void ipv4_text(const struct sockaddr_in *address, char ret[ADDRESS_TEXT_BYTES])
{
    char text[sizeof "255.255.255.255:65535"], *end = text + sizeof text;
    uint32_t host = ntohl(address->sin_addr.s_addr);
    *--end = '\0';
    end = put_number(end, ntohs(address->sin_port));
    for (int i = 0; i < 4; i++, host >>= 8) {
        *--end = i == 0 ? ':' : '.';
        end = put_number(end, host & 0xff);
    }
    memcpy(ret, end, (size_t)(text + sizeof text - end));
}

void address_text(const struct address *address, char ret[ADDRESS_TEXT_BYTES])
{
    if (address->any.sa_family == AF_INET) {
        ipv4_text(&address->ipv4, ret);
        return;
    }
    if (address->any.sa_family == AF_UNIX) {
        size_t length = path_length(address);
        snprintf(ret, ADDRESS_TEXT_BYTES, length ? "unix:%.*s" : "unix", (int)length,
                 address->local.sun_path);
        return;
    }

    char host[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE], port[sizeof "65535"];
    if (getnameinfo(&address->any, address->length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        snprintf(ret, ADDRESS_TEXT_BYTES, "unknown");
    else
        snprintf(ret, ADDRESS_TEXT_BYTES, "[%s]:%s", host, port);
}

void address_unmap(struct address *address)
{
    if (address->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->ipv6.sin6_addr))
        return;

    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = address->ipv6.sin6_port};
    memcpy(&ipv4.sin_addr, address->ipv6.sin6_addr.s6_addr + 12, sizeof ipv4.sin_addr);
    address->ipv4 = ipv4;
    address->length = sizeof ipv4;
}

bool address_is_wildcard(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return address->ipv4.sin_addr.s_addr == htonl(INADDR_ANY);
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->ipv6.sin6_addr);
}

bool address_is_loopback(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohl(address->ipv4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address->ipv6.sin6_addr);
}

bool address_equal(const struct address *a, const struct address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->ipv4.sin_port == b->ipv4.sin_port &&
               a->ipv4.sin_addr.s_addr == b->ipv4.sin_addr.s_addr;
    if (a->any.sa_family == AF_INET6)
        return a->ipv6.sin6_port == b->ipv6.sin6_port &&
               a->ipv6.sin6_scope_id == b->ipv6.sin6_scope_id &&
               IN6_ARE_ADDR_EQUAL(&a->ipv6.sin6_addr, &b->ipv6.sin6_addr);

    size_t length = path_length(a);
    return length == path_length(b) && memcmp(a->local.sun_path, b->local.sun_path, length) == 0;
}

bool address_covers(const struct address *all, const struct address *one)
{
    int family = one->any.sa_family;
    return address_is_wildcard(all) &&
           (family == AF_INET || (family == AF_INET6 && all->any.sa_family == AF_INET6));
}

bool address_overlaps(const struct address *a, const struct address *b)
{
    if (a->any.sa_family == AF_UNIX || b->any.sa_family == AF_UNIX)
        return address_equal(a, b);
    return address_port(a) == address_port(b) &&
           (address_equal(a, b) || address_covers(a, b) || address_covers(b, a));
}

uint16_t address_port(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohs(address->ipv4.sin_port);
    if (address->any.sa_family == AF_INET6)
        return ntohs(address->ipv6.sin6_port);
    return 0;
}

void address_set_port(struct address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET)
        address->ipv4.sin_port = htons(port);
    else if (address->any.sa_family == AF_INET6)
        address->ipv6.sin6_port = htons(port);
}

static void local_address(const char *path, struct address *ret)
{
    *ret = (struct address){.local = {.sun_family = AF_UNIX}};
    size_t length = strlen(path);
    memcpy(ret->local.sun_path, path, length + 1);
    ret->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

static int distinct(const struct addrinfo *found, struct address_list *ret)
{
    size_t count = 0;
    for (const struct addrinfo *item = found; item; item = item->ai_next)
        count++;
    assert(count > 0); /* else getaddrinfo(3) would have failed */
    struct address_list list = {.items = calloc(count, sizeof *list.items)};
    if (!list.items)
        return -1;

    for (const struct addrinfo *item = found; item; item = item->ai_next) {
        struct address *address = &list.items[list.count];
        *address = (struct address){.length = item->ai_addrlen};
        memcpy(&address->any, item->ai_addr, item->ai_addrlen);

        size_t same = 0;
        while (!address_equal(&list.items[same], address))
            same++;
        if (same == list.count)
            list.count++;
    }
    *ret = list;
    return 0;
}

static int resolve_local(const char *path, struct address_list *ret, struct error *err)
{
    struct address *address = malloc(sizeof *address);
    if (!address)
        return error_sys(err, "memory for an address");
    local_address(path, address);
    *ret = (struct address_list){.items = address, .count = 1};
    return 0;
}

/* The resolver reports a file or a socket that it cannot open as a name that does not exist. */
static int check_descriptors(const char *host, struct error *err)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd < 0)
        return error_sys(err, "look up %s", host);
    close(fd);
    return 0;
}

static void explain(const char *host, int code, struct error *err)
{
    const char *zone = endpoint_host_is_address(host) ? strchr(host, '%') : NULL;
    if (zone && code == EAI_NONAME)
        error_set(err, ERROR_DNS,
                  "%s: this host has no interface %s: write one that \"ip link\" lists", host,
                  zone + 1);
    else
        error_set(err, ERROR_DNS, "look up %s: %s", host, gai_strerror(code));
}

int address_resolve(const struct endpoint *endpoint, int family, bool passive,
                    struct address_list *ret, struct error *err)
{
    if (endpoint->scheme == ENDPOINT_UNIX)
        return resolve_local(endpoint->path, ret, err);

    char port[sizeof "65535"];
    snprintf(port, sizeof port, "%u", endpoint->port);
    struct addrinfo hints = {
        .ai_family = family,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0) |
                    (endpoint_host_is_address(endpoint->host) ? AI_NUMERICHOST : 0),
    };
    struct addrinfo *found;
    int code = getaddrinfo(endpoint->host, port, &hints, &found);
    if (code != 0 && check_descriptors(endpoint->host, err) < 0)
        return -1;
    if (code != 0) {
        if (code == EAI_SYSTEM)
            error_sys(err, "look up %s", endpoint->host);
        else
            explain(endpoint->host, code, err);
        err->kind = ERROR_DNS;
        err->code = code;
        return -1;
    }
    int result = distinct(found, ret);
    freeaddrinfo(found);
    return result < 0 ? error_sys(err, "memory for the addresses of %s", endpoint->host) : 0;
}

void address_list_free(struct address_list *list)
{
    free(list->items);
    *list = (struct address_list){.count = 0};
}
