/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_internal.h"
#include "tlsecho/base/text.h"
#include "tlsecho/net/proxy.h"

static const char v1_prefix[] = "PROXY ";

enum {
    V1_PREFIX_BYTES = sizeof v1_prefix - 1,
    V1_BYTES_MAX = 107, /* specification, §2.1, with CR LF */
    V1_WORDS = 5,
};

static int refuse(struct error *err, const char *what)
{
    return error_set(err, ERROR_INPUT, "PROXY header: %s", what);
}

static void set_internet(int family, const void *host, uint16_t port, struct address *ret)
{
    *ret = (struct address){.any.sa_family = (sa_family_t)family};
    if (family == AF_INET) {
        ret->length = sizeof ret->ipv4;
        memcpy(&ret->ipv4.sin_addr, host, sizeof ret->ipv4.sin_addr);
    } else {
        ret->length = sizeof ret->ipv6;
        memcpy(&ret->ipv6.sin6_addr, host, sizeof ret->ipv6.sin6_addr);
    }
    address_set_port(ret, port);
    address_unmap(ret);
}

/* Decimal, without leading zeros. */
static bool parse_port(const char *text, uint16_t *ret)
{
    struct error ignored;
    return (text[0] != '0' || text[1] == '\0') && endpoint_parse_port(text, ret, &ignored) == 0;
}

static int parse_v1_address(int family, const char *host, const char *port, struct address *ret,
                            struct error *err)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    uint16_t number;
    if (inet_pton(family, host, bytes) != 1)
        return refuse(err, "an address in it is not of its family");
    if (!parse_port(port, &number))
        return refuse(err, "a port in it is not a number from 0 to 65535");
    set_internet(family, bytes, number, ret);
    return 0;
}

/* line: between "PROXY " and CR LF; modified. */
static int parse_v1_line(char *line, struct proxy *ret, struct error *err)
{
    char *words[V1_WORDS] = {line};
    int count = 1;
    for (char *c = line; *c; c++) {
        if (*c != ' ')
            continue;
        *c = '\0';
        if (strcmp(line, "UNKNOWN") == 0)
            break;
        if (count == V1_WORDS)
            return refuse(err, "it has more than two addresses and two ports");
        words[count++] = c + 1;
    }
    ret->local = strcmp(words[0], "UNKNOWN") == 0;
    if (ret->local)
        return 0;
    int family = strcmp(words[0], "TCP4") == 0   ? AF_INET
                 : strcmp(words[0], "TCP6") == 0 ? AF_INET6
                                                 : AF_UNSPEC;
    if (family == AF_UNSPEC)
        return refuse(err, "its protocol is not TCP4, TCP6 or UNKNOWN");
    if (count < V1_WORDS)
        return refuse(err, "it has fewer than two addresses and two ports");
    if (parse_v1_address(family, words[1], words[3], &ret->source, err) < 0)
        return -1;
    return parse_v1_address(family, words[2], words[4], &ret->destination, err);
}

static int parse_v1(const char *data, size_t n, struct proxy *ret, size_t *ret_bytes,
                    struct error *err)
{
    size_t limit = n < V1_BYTES_MAX ? n : V1_BYTES_MAX;
    const char *end = memchr(data, '\n', limit);
    if (!end && n >= V1_BYTES_MAX)
        return refuse(err, "it has no end of line within 107 bytes");
    if (!end)
        return 0;
    size_t length = (size_t)(end - data) + 1;
    if (data[length - 2] != '\r')
        return refuse(err, "its line ends without CR");
    char line[V1_BYTES_MAX];
    size_t line_bytes = length - V1_PREFIX_BYTES - 2;
    memcpy(line, data + V1_PREFIX_BYTES, line_bytes);
    line[line_bytes] = '\0';
    if (strlen(line) < line_bytes)
        return refuse(err, "it contains a NUL");
    ret->version = 1;
    if (parse_v1_line(line, ret, err) < 0)
        return -1;
    *ret_bytes = length;
    return 0;
}

static uint16_t get_u16(const unsigned char *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get_u32(const unsigned char *at)
{
    return (uint32_t)get_u16(at) << 16 | get_u16(at + 2);
}

static void set_local(const unsigned char *path, struct address *ret)
{
    *ret = (struct address){.local = {.sun_family = AF_UNIX}};
    memcpy(ret->local.sun_path, path, PROXY_UNIX_PATH_BYTES);
    ret->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + PROXY_UNIX_PATH_BYTES);
}

/* The length of the addresses; 0 if there are none, or if they cannot be told from TLVs. */
static size_t address_bytes(int family)
{
    switch (family) {
    case PROXY_TCP4:
    case PROXY_UDP4:
        return PROXY_TCP4_BYTES;
    case PROXY_TCP6:
    case PROXY_UDP6:
        return PROXY_TCP6_BYTES;
    case PROXY_UNIX:
    case PROXY_UNIX_DATAGRAM:
        return PROXY_UNIX_BYTES;
    }
    return 0;
}

static void take_addresses(int family, const unsigned char *at, struct proxy *ret)
{
    if (family == PROXY_TCP4) {
        set_internet(AF_INET, at, get_u16(at + 8), &ret->source);
        set_internet(AF_INET, at + 4, get_u16(at + 10), &ret->destination);
    } else if (family == PROXY_TCP6) {
        set_internet(AF_INET6, at, get_u16(at + 32), &ret->source);
        set_internet(AF_INET6, at + 16, get_u16(at + 34), &ret->destination);
    } else if (family == PROXY_UNIX) {
        set_local(at, &ret->source);
        set_local(at + PROXY_UNIX_PATH_BYTES, &ret->destination);
    } else {
        ret->local = true;
    }
}

/* The state of reading the TLVs of one header. */
struct tlvs {
    const unsigned char *header; /* all of it, for the CRC */
    size_t header_bytes;
    struct proxy *ret;
    bool inside;   /* in the PP2_TYPE_SSL TLV, which has types of its own */
    uint64_t seen; /* set of the types read so far, all below 64 */
    struct error *err;
};

struct tlv {
    int type;
    const unsigned char *value;
    size_t n;
};

static void take_text(const struct tlv *tlv, char *ret, size_t size)
{
    if (tlv->n >= size || memchr(tlv->value, '\0', tlv->n))
        return;
    memcpy(ret, tlv->value, tlv->n);
    ret[tlv->n] = '\0';
}

/* Opaque bytes: specification, §2.2.5. */
static void take_unique_id(const struct tlv *tlv, char ret[PROXY_UNIQUE_ID_BYTES])
{
    if (tlv->n > PROXY_UNIQUE_ID_MAX)
        return;
    take_text(tlv, ret, PROXY_UNIQUE_ID_BYTES);
    if (*ret && text_printable(ret))
        return;
    ret[0] = '\0';
    for (size_t i = 0; i < tlv->n; i++)
        snprintf(ret + 2 * i, 3, "%02x", tlv->value[i]);
}

static int check_crc(struct tlvs *all, const struct tlv *tlv)
{
    if (tlv->n != PROXY_CRC_BYTES)
        return refuse(all->err, "its CRC32C is not 4 bytes long");
    size_t at = (size_t)(tlv->value - all->header);
    if (proxy_crc32c(all->header, all->header_bytes, at) != get_u32(tlv->value))
        return refuse(all->err, "its CRC32C is wrong");
    return 0;
}

static int take_tlvs(struct tlvs *all, const unsigned char *at, size_t n);

static int take_ssl(struct tlvs *all, const struct tlv *tlv)
{
    if (tlv->n < PROXY_SSL_BYTES)
        return refuse(all->err, "its TLV about TLS is too short");
    struct proxy_tls *tls = &all->ret->tls;
    int flags = tlv->value[0];
    tls->present = flags & PROXY_CLIENT_SSL;
    tls->certificate = tls->present && flags & (PROXY_CLIENT_CERT_CONN | PROXY_CLIENT_CERT_SESS);
    tls->verified = tls->certificate && get_u32(tlv->value + 1) == 0;
    all->inside = true;
    int result = take_tlvs(all, tlv->value + PROXY_SSL_BYTES, tlv->n - PROXY_SSL_BYTES);
    all->inside = false;
    return result;
}

static int take_tlv(struct tlvs *all, const struct tlv *tlv)
{
    struct proxy *ret = all->ret;
    switch (tlv->type) {
    case PROXY_TLV_CRC32C:
        return check_crc(all, tlv);
    case PROXY_TLV_SSL:
        return take_ssl(all, tlv);
    case PROXY_TLV_ALPN:
        take_text(tlv, ret->alpn, sizeof ret->alpn);
        break;
    case PROXY_TLV_AUTHORITY:
        take_text(tlv, ret->authority, sizeof ret->authority);
        break;
    case PROXY_TLV_UNIQUE_ID:
        take_unique_id(tlv, ret->unique_id);
        break;
    case PROXY_TLV_SSL_VERSION:
        take_text(tlv, ret->tls.version, sizeof ret->tls.version);
        break;
    case PROXY_TLV_SSL_CN:
        take_text(tlv, ret->tls.common_name, sizeof ret->tls.common_name);
        break;
    case PROXY_TLV_SSL_CIPHER:
        take_text(tlv, ret->tls.cipher, sizeof ret->tls.cipher);
        break;
    case PROXY_TLV_SSL_GROUP:
        take_text(tlv, ret->tls.group, sizeof ret->tls.group);
        break;
    }
    return 0;
}

/* The types that are read, each at most once. */
static bool is_known(int type, bool inside)
{
    if (inside)
        return (type >= PROXY_TLV_SSL_VERSION && type <= PROXY_TLV_SSL_CIPHER) ||
               type == PROXY_TLV_SSL_GROUP;
    return (type >= PROXY_TLV_ALPN && type <= PROXY_TLV_CRC32C) || type == PROXY_TLV_UNIQUE_ID ||
           type == PROXY_TLV_SSL;
}

static int take_tlvs(struct tlvs *all, const unsigned char *at, size_t n)
{
    while (n > 0) {
        if (n < PROXY_TLV_BYTES || n - PROXY_TLV_BYTES < get_u16(at + 1))
            return refuse(all->err, "a TLV in it extends beyond its end");
        struct tlv tlv = {.type = at[0], .value = at + PROXY_TLV_BYTES, .n = get_u16(at + 1)};
        if (is_known(tlv.type, all->inside) && !(all->seen >> tlv.type & 1)) {
            all->seen |= UINT64_C(1) << tlv.type;
            if (take_tlv(all, &tlv) < 0)
                return -1;
        }
        at = tlv.value + tlv.n;
        n -= PROXY_TLV_BYTES + tlv.n;
    }
    return 0;
}

/*
 * After UNSPEC, or an unassigned family or protocol: either TLVs, as haproxy sends them, or
 * addresses of unknown length. Read if they parse as TLVs.
 */
static void take_unspecified(const unsigned char *header, size_t n, struct proxy *ret)
{
    struct error ignored;
    struct proxy found = *ret;
    struct tlvs all = {.header = header, .header_bytes = n, .ret = &found, .err = &ignored};
    if (take_tlvs(&all, header + PROXY_V2_BYTES, n - PROXY_V2_BYTES) == 0)
        *ret = found;
}

static int parse_v2(const unsigned char *data, size_t n, struct proxy *ret, size_t *ret_bytes,
                    struct error *err)
{
    if (n < PROXY_V2_BYTES)
        return 0;
    size_t length = PROXY_V2_BYTES + (size_t)get_u16(data + 14);
    int command = data[PROXY_SIGNATURE_BYTES];
    if (command != PROXY_LOCAL && command != PROXY_PROXY)
        return refuse(err, "its command is neither LOCAL nor PROXY of version 2");
    if (length > PROXY_BYTES_MAX)
        return refuse(err, "it is longer than 16384 bytes");
    if (n < length)
        return 0;
    ret->version = 2;
    *ret_bytes = length;
    if (command == PROXY_LOCAL) { /* its content must be ignored: specification, §2.2 */
        ret->local = true;
        return 0;
    }
    int family = data[PROXY_SIGNATURE_BYTES + 1];
    size_t addresses = address_bytes(family), n_behind = length - PROXY_V2_BYTES;
    if (n_behind < addresses)
        return refuse(err, "it is too short for the addresses of its family");
    take_addresses(family, data + PROXY_V2_BYTES, ret);
    if (addresses == 0) {
        take_unspecified(data, length, ret);
        return 0;
    }
    struct tlvs all = {.header = data, .header_bytes = length, .ret = ret, .err = err};
    return take_tlvs(&all, data + PROXY_V2_BYTES + addresses, n_behind - addresses);
}

/* Whether the bytes so far are the beginning of that signature. */
static bool begins(const void *data, size_t n, const void *with, size_t with_n)
{
    return memcmp(data, with, n < with_n ? n : with_n) == 0;
}

bool proxy_begins(const void *data, size_t n)
{
    return n >= PROXY_PREFIX_BYTES && (begins(data, n, v1_prefix, V1_PREFIX_BYTES) ||
                                       begins(data, n, proxy_signature, PROXY_SIGNATURE_BYTES));
}

int proxy_parse(const void *data, size_t n, struct proxy *ret, size_t *ret_bytes, struct error *err)
{
    struct proxy proxy = {.version = 0};
    size_t bytes = 0;
    int result = 0;
    if (begins(data, n, proxy_signature, PROXY_SIGNATURE_BYTES))
        result = parse_v2(data, n, &proxy, &bytes, err);
    else if (begins(data, n, v1_prefix, V1_PREFIX_BYTES))
        result = parse_v1(data, n, &proxy, &bytes, err);
    else
        result = refuse(err, "the connection does not start with one");
    if (result < 0)
        return -1;
    if (bytes > 0)
        *ret = proxy;
    *ret_bytes = bytes;
    return 0;
}
