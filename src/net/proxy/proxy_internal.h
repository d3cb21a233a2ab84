/* SPDX-License-Identifier: MIT */
/*
 * The constants of PROXY version 2 (specification, §2.2), for parsing and building.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_PROXY_INTERNAL_H
#define TLSECHO_PROXY_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

enum {
    PROXY_SIGNATURE_BYTES = 12,
    PROXY_V2_BYTES = 16, /* signature, version and command, family, length */
    PROXY_LOCAL = 0x20,
    PROXY_PROXY = 0x21,
    PROXY_UNSPEC = 0x00,
    PROXY_TCP4 = 0x11,
    PROXY_UDP4 = 0x12,
    PROXY_TCP6 = 0x21,
    PROXY_UDP6 = 0x22,
    PROXY_UNIX = 0x31,
    PROXY_UNIX_DATAGRAM = 0x32,
    PROXY_TCP4_BYTES = 12,
    PROXY_TCP6_BYTES = 36,
    PROXY_UNIX_BYTES = 216,
    PROXY_UNIX_PATH_BYTES = 108,

    PROXY_TLV_BYTES = 3, /* type and length */
    PROXY_TLV_ALPN = 0x01,
    PROXY_TLV_AUTHORITY = 0x02,
    PROXY_TLV_CRC32C = 0x03,
    PROXY_TLV_UNIQUE_ID = 0x05,
    PROXY_TLV_SSL = 0x20,
    PROXY_TLV_SSL_VERSION = 0x21,
    PROXY_TLV_SSL_CN = 0x22,
    PROXY_TLV_SSL_CIPHER = 0x23,
    PROXY_TLV_SSL_GROUP = 0x26,
    PROXY_SSL_BYTES = 5, /* flags and verify, before its own TLVs */
    PROXY_CLIENT_SSL = 1,
    PROXY_CLIENT_CERT_CONN = 2,
    PROXY_CLIENT_CERT_SESS = 4,
    PROXY_CRC_BYTES = 4,
    PROXY_UNIQUE_ID_MAX = 128, /* bytes, as sent */
};

extern const unsigned char proxy_signature[PROXY_SIGNATURE_BYTES];

/* CRC-32C (RFC 9260, appendix A) of n bytes, with the four bytes at `zero` taken as 0. */
uint32_t proxy_crc32c(const unsigned char *data, size_t n, size_t zero);

#endif
