/* SPDX-License-Identifier: MIT */
/* Headers of both versions that are built are parsed to the same, however they are split. */
#include <check.h>
#include <string.h>

#include "property.h"
#include "suite.h"
#include "tlsecho/net/proxy.h"

enum { CASES = 10000 };

static void make_name(char *ret, size_t bytes_max, bool printable)
{
    size_t n = (size_t)property_below(property_below(4) && bytes_max > 20 ? 20 : bytes_max);
    for (size_t i = 0; i < n; i++)
        ret[i] = (char)(printable ? '!' + property_below('~' - '!') : 1 + property_below(255));
    ret[n] = '\0';
}

/* Of either family: a header with both has the IPv4 address mapped. */
static void make_address(struct address *ret)
{
    uint64_t bits[2] = {property_random(), property_random()};
    in_port_t port = (in_port_t)property_random();
    if (property_below(2)) {
        ret->length = sizeof ret->ipv4;
        ret->ipv4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
        memcpy(&ret->ipv4.sin_addr, bits, sizeof ret->ipv4.sin_addr);
    } else {
        ret->length = sizeof ret->ipv6;
        ret->ipv6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
        memcpy(&ret->ipv6.sin6_addr, bits, sizeof ret->ipv6.sin6_addr);
    }
}

static void make_tls(struct proxy_tls *ret)
{
    if (!(ret->present = property_below(2)))
        return;
    ret->certificate = property_below(2);
    ret->verified = ret->certificate && property_below(2);
    make_name(ret->version, sizeof ret->version, true);
    make_name(ret->cipher, sizeof ret->cipher, true);
    make_name(ret->group, sizeof ret->group, true);
    make_name(ret->common_name, sizeof ret->common_name, false);
}

static void make_header(struct proxy *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->version = 1 + (int)property_below(2);
    ret->local = property_below(8) == 0;
    if (ret->local)
        return;
    make_address(&ret->source);
    make_address(&ret->destination);
    if (ret->version == 1)
        return;
    make_name(ret->alpn, sizeof ret->alpn, false);
    make_name(ret->authority, sizeof ret->authority, false);
    make_name(ret->unique_id, 128, true);
    make_tls(&ret->tls);
}

static void require_equal(const struct proxy *a, const struct proxy *b)
{
    property_require(a->version == b->version && a->local == b->local, "version and command");
    if (a->local)
        return;
    property_require(address_equal(&a->source, &b->source) &&
                         address_equal(&a->destination, &b->destination),
                     "the addresses are the same");
    property_require(strcmp(a->alpn, b->alpn) == 0 && strcmp(a->authority, b->authority) == 0 &&
                         strcmp(a->unique_id, b->unique_id) == 0,
                     "the names are the same");
    property_require(a->tls.present == b->tls.present && a->tls.certificate == b->tls.certificate &&
                         a->tls.verified == b->tls.verified,
                     "the TLS session is the same");
    property_require(strcmp(a->tls.version, b->tls.version) == 0 &&
                         strcmp(a->tls.cipher, b->tls.cipher) == 0 &&
                         strcmp(a->tls.group, b->tls.group) == 0 &&
                         strcmp(a->tls.common_name, b->tls.common_name) == 0,
                     "the names of the TLS session are the same");
}

static void build_and_parse(void)
{
    unsigned char data[PROXY_BUILD_BYTES + 8];
    struct proxy proxy, again;
    struct error err;
    size_t bytes = 0;
    make_header(&proxy);
    size_t n = proxy_build(&proxy, data);
    for (size_t i = 0; i < 8; i++)
        data[n + i] = (unsigned char)property_random();
    property_require(proxy_parse(data, n + 8, &again, &bytes, &err) == 0, "it is parsed");
    property_require(bytes == n, "its length is known");
    require_equal(&proxy, &again);
    size_t part = (size_t)property_below(n);
    property_require(proxy_parse(data, part, &again, &bytes, &err) == 0 && bytes == 0,
                     "a part of it is no header yet, and no error");
}

START_TEST(a_header_that_was_built_is_parsed_to_the_same)
{
    property_check("proxy, build and parse", CASES, build_and_parse);
}
END_TEST

SUITE_OF_ONE_TEST("proxy_properties", a_header_that_was_built_is_parsed_to_the_same)
