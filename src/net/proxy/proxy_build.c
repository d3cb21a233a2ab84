/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "proxy_internal.h"
#include "tlsecho/net/proxy.h"

/* A header being built. It has room for every field of a struct proxy. */
struct writer {
    unsigned char *data;
    size_t n;
};

static void put(struct writer *w, const void *bytes, size_t n)
{
    memcpy(w->data + w->n, bytes, n);
    w->n += n;
}

static void set_u16(unsigned char *at, size_t number)
{
    at[0] = (unsigned char)(number >> 8);
    at[1] = (unsigned char)number;
}

static void put_port(struct writer *w, const struct address *address)
{
    set_u16(w->data + w->n, address_port(address));
    w->n += 2;
}

/* Writes both as IPv6 if one of them is: the protocol has no mixed pairs. */
static void host_bytes(const struct address *address, unsigned char ret[16])
{
    if (address->any.sa_family == AF_INET6) {
        memcpy(ret, &address->ipv6.sin6_addr, 16);
        return;
    }
    memset(ret, 0, 10);
    memset(ret + 10, 0xff, 2);
    memcpy(ret + 12, &address->ipv4.sin_addr, 4);
}

/* The family byte of version 2. */
static int family_of(const struct proxy *proxy)
{
    sa_family_t source = proxy->source.any.sa_family;
    sa_family_t destination = proxy->destination.any.sa_family;
    bool internet = (source == AF_INET || source == AF_INET6) &&
                    (destination == AF_INET || destination == AF_INET6);
    if (proxy->local)
        return PROXY_UNSPEC;
    if (internet)
        return source == AF_INET && destination == AF_INET ? PROXY_TCP4 : PROXY_TCP6;
    return source == AF_UNIX && destination == AF_UNIX ? PROXY_UNIX : PROXY_UNSPEC;
}

static size_t build_v1(const struct proxy *proxy, unsigned char ret[PROXY_BUILD_BYTES])
{
    char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    int family = family_of(proxy), n;
    if (family != PROXY_TCP4 && family != PROXY_TCP6)
        return (size_t)snprintf((char *)ret, PROXY_BUILD_BYTES, "PROXY UNKNOWN\r\n");
    if (family == PROXY_TCP4) {
        inet_ntop(AF_INET, &proxy->source.ipv4.sin_addr, source, sizeof source);
        inet_ntop(AF_INET, &proxy->destination.ipv4.sin_addr, destination, sizeof destination);
    } else {
        host_bytes(&proxy->source, bytes);
        inet_ntop(AF_INET6, bytes, source, sizeof source);
        host_bytes(&proxy->destination, bytes);
        inet_ntop(AF_INET6, bytes, destination, sizeof destination);
    }
    n = snprintf((char *)ret, PROXY_BUILD_BYTES, "PROXY TCP%c %s %s %u %u\r\n",
                 family == PROXY_TCP4 ? '4' : '6', source, destination,
                 address_port(&proxy->source), address_port(&proxy->destination));
    return (size_t)n;
}

static void put_local(struct writer *w, const struct address *address)
{
    size_t before = offsetof(struct sockaddr_un, sun_path);
    size_t n = address->length > before ? address->length - before : 0;
    memset(w->data + w->n, 0, PROXY_UNIX_PATH_BYTES);
    memcpy(w->data + w->n, address->local.sun_path,
           n < PROXY_UNIX_PATH_BYTES ? n : PROXY_UNIX_PATH_BYTES);
    w->n += PROXY_UNIX_PATH_BYTES;
}

static void put_addresses(struct writer *w, int family, const struct proxy *proxy)
{
    unsigned char bytes[16];
    if (family == PROXY_UNIX) {
        put_local(w, &proxy->source);
        put_local(w, &proxy->destination);
    } else if (family == PROXY_TCP4) {
        put(w, &proxy->source.ipv4.sin_addr, 4);
        put(w, &proxy->destination.ipv4.sin_addr, 4);
    } else if (family == PROXY_TCP6) {
        host_bytes(&proxy->source, bytes);
        put(w, bytes, sizeof bytes);
        host_bytes(&proxy->destination, bytes);
        put(w, bytes, sizeof bytes);
    }
    if (family == PROXY_TCP4 || family == PROXY_TCP6) {
        put_port(w, &proxy->source);
        put_port(w, &proxy->destination);
    }
}

static size_t begin_tlv(struct writer *w, int type)
{
    size_t at = w->n;
    w->data[at] = (unsigned char)type;
    w->n += PROXY_TLV_BYTES;
    return at;
}

static void end_tlv(struct writer *w, size_t at)
{
    set_u16(w->data + at + 1, w->n - at - PROXY_TLV_BYTES);
}

static void put_text(struct writer *w, int type, const char *text)
{
    if (!*text)
        return;
    size_t at = begin_tlv(w, type);
    put(w, text, strlen(text));
    end_tlv(w, at);
}

static void put_tls(struct writer *w, const struct proxy_tls *tls)
{
    if (!tls->present)
        return;
    size_t at = begin_tlv(w, PROXY_TLV_SSL);
    unsigned char flags = PROXY_CLIENT_SSL;
    if (tls->certificate)
        flags |= PROXY_CLIENT_CERT_CONN | PROXY_CLIENT_CERT_SESS;
    put(w, &flags, 1);
    put(w, tls->verified ? "\0\0\0\0" : "\0\0\0\1", 4);
    put_text(w, PROXY_TLV_SSL_VERSION, tls->version);
    put_text(w, PROXY_TLV_SSL_CN, tls->common_name);
    put_text(w, PROXY_TLV_SSL_CIPHER, tls->cipher);
    put_text(w, PROXY_TLV_SSL_GROUP, tls->group);
    end_tlv(w, at);
}

static void put_names(struct writer *w, const struct proxy *proxy)
{
    put_text(w, PROXY_TLV_ALPN, proxy->alpn);
    put_text(w, PROXY_TLV_AUTHORITY, proxy->authority);
    if (strlen(proxy->unique_id) <= PROXY_UNIQUE_ID_MAX)
        put_text(w, PROXY_TLV_UNIQUE_ID, proxy->unique_id);
    put_tls(w, &proxy->tls);
}

static void put_crc(struct writer *w)
{
    size_t at = begin_tlv(w, PROXY_TLV_CRC32C) + PROXY_TLV_BYTES;
    put(w, "\0\0\0\0", PROXY_CRC_BYTES);
    end_tlv(w, at - PROXY_TLV_BYTES);
    set_u16(w->data + PROXY_V2_BYTES - 2, w->n - PROXY_V2_BYTES);
    uint32_t crc = proxy_crc32c(w->data, w->n, at);
    set_u16(w->data + at, crc >> 16);
    set_u16(w->data + at + 2, crc & 0xffff);
}

size_t proxy_build(const struct proxy *proxy, unsigned char ret[PROXY_BUILD_BYTES])
{
    if (proxy->version == 1)
        return build_v1(proxy, ret);
    int family = family_of(proxy);
    struct writer w = {.data = ret};
    put(&w, proxy_signature, PROXY_SIGNATURE_BYTES);
    put(&w,
        (const unsigned char[]){proxy->local ? PROXY_LOCAL : PROXY_PROXY, (unsigned char)family, 0,
                                0},
        PROXY_V2_BYTES - PROXY_SIGNATURE_BYTES);
    put_addresses(&w, family, proxy);
    if (!proxy->local)
        put_names(&w, proxy);
    put_crc(&w);
    return w.n;
}
