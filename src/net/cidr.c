/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/cidr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
    MAPPED_BITS = 96, /* of ::ffff:0:0/96, RFC 4291 §2.5.5.2 */
    TOO_LONG = 129,   /* a prefix */
};

static unsigned bits_of_family(int family)
{
    return family == AF_INET ? 32 : family == AF_INET6 ? 128 : 0;
}

/* Decimal without leading zeros; TOO_LONG at most; -1 for anything else. */
static int read_prefix(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0' || (text[0] == '0' && digits > 1))
        return -1;
    int value = 0;
    for (size_t i = 0; i < digits && value < TOO_LONG; i++)
        value = value * 10 + (text[i] - '0');
    return value < TOO_LONG ? value : TOO_LONG;
}

/* The address before the slash; false if there is none. */
static bool read_address(const char *text, size_t length, struct cidr *ret)
{
    char address[INET6_ADDRSTRLEN];
    if (length >= sizeof address)
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    ret->family = memchr(text, ':', length) ? AF_INET6 : AF_INET;
    return inet_pton(ret->family, address, ret->network) == 1;
}

static void unmap(struct cidr *cidr)
{
    struct in6_addr address;
    memcpy(&address, cidr->network, sizeof address);
    if (cidr->family != AF_INET6 || cidr->bits < MAPPED_BITS || !IN6_IS_ADDR_V4MAPPED(&address))
        return;
    struct cidr ipv4 = {.family = AF_INET, .bits = cidr->bits - MAPPED_BITS};
    memcpy(ipv4.network, cidr->network + MAPPED_BITS / 8, 4);
    *cidr = ipv4;
}

static void clear_host_bits(struct cidr *cidr)
{
    for (unsigned i = 0; i < sizeof cidr->network; i++) {
        unsigned kept = cidr->bits > i * 8 ? cidr->bits - i * 8 : 0;
        if (kept < 8)
            cidr->network[i] &= (unsigned char)~(0xffu >> kept);
    }
}

/* 10.0.0.1/8 is a mistake: either the network 10.0.0.0/8 or the address 10.0.0.1 was meant. */
static int refuse_host_bits(const char *text, const struct cidr *network, struct error *err)
{
    char right[CIDR_TEXT_BYTES];
    cidr_text(network, right);
    return error_set(err, ERROR_INPUT,
                     "\"%s\" is an address inside a network: write %s for the network, "
                     "or %.*s for that address alone",
                     text, right, (int)strcspn(text, "/"), text);
}

int cidr_parse(const char *text, struct cidr *ret, struct error *err)
{
    struct cidr cidr = {.family = AF_UNIX};
    if (strcmp(text, "unix") == 0) {
        *ret = cidr;
        return 0;
    }
    size_t length = strcspn(text, "/");
    if (!read_address(text, length, &cidr))
        return error_set(
            err, ERROR_INPUT,
            "\"%.60s\" is not a network: write one such as 10.0.0.0/8 or 2001:db8::/32, "
            "an address, or unix",
            text);
    unsigned most = bits_of_family(cidr.family);
    int prefix = text[length] == '/' ? read_prefix(text + length + 1) : (int)most;
    if (prefix < 0)
        return error_set(err, ERROR_INPUT,
                         "\"%.60s\" has no prefix length after the slash: write a number "
                         "from 0 to %u",
                         text, most);
    if ((unsigned)prefix > most)
        return error_set(err, ERROR_INPUT,
                         "the prefix length of \"%.60s\" is out of range: write 0 to %u after the "
                         "slash",
                         text, most);
    cidr.bits = (unsigned)prefix;

    struct cidr network = cidr;
    clear_host_bits(&network);
    bool inside = !cidr_equal(&network, &cidr);
    unmap(&network);
    if (inside)
        return refuse_host_bits(text, &network, err);
    *ret = network;
    return 0;
}

void cidr_text(const struct cidr *cidr, char ret[CIDR_TEXT_BYTES])
{
    char address[INET6_ADDRSTRLEN];
    if (cidr->family != AF_UNIX && inet_ntop(cidr->family, cidr->network, address, sizeof address))
        snprintf(ret, CIDR_TEXT_BYTES, "%s/%u", address, cidr->bits);
    else
        snprintf(ret, CIDR_TEXT_BYTES, "unix");
}

bool cidr_equal(const struct cidr *a, const struct cidr *b)
{
    return a->family == b->family && a->bits == b->bits &&
           memcmp(a->network, b->network, sizeof a->network) == 0;
}

/* The network of that single address. */
static struct cidr of_address(const struct address *address)
{
    struct cidr host = {.family = address->any.sa_family};
    host.bits = bits_of_family(host.family);
    if (host.family == AF_INET)
        memcpy(host.network, &address->ipv4.sin_addr, 4);
    else if (host.family == AF_INET6)
        memcpy(host.network, &address->ipv6.sin6_addr, 16);
    unmap(&host);
    return host;
}

bool cidr_match(const struct cidr *cidrs, size_t count, const struct address *address)
{
    const struct cidr host = of_address(address);
    for (size_t i = 0; i < count; i++) {
        struct cidr network = host;
        if (cidrs[i].family != host.family)
            continue;
        network.bits = cidrs[i].bits;
        clear_host_bits(&network);
        if (cidr_equal(&network, &cidrs[i]))
            return true;
    }
    return false;
}
