/* SPDX-License-Identifier: MIT */
/*
 * What a transport knows of the peer of its connection.
 *
 * Ownership: a value, no heap.   Threads: any.
 */
#ifndef TLSECHO_PEER_H
#define TLSECHO_PEER_H

#include <stdbool.h>
#include <stdint.h>

enum { PEER_NAME_BYTES = 256, PEER_SHA256_BYTES = 65, PEER_VERIFICATION_BYTES = 512 };

struct peer_certificate {
    bool present;
    bool verified;                  /* chain, dates and name are valid, or the pin matches */
    char subject[PEER_NAME_BYTES];  /* RFC 2253 */
    char issuer[PEER_NAME_BYTES];   /* RFC 2253 */
    char names[PEER_NAME_BYTES];    /* the first subjectAltNames, "DNS:a, URI:b://c and 7 more" */
    int64_t not_before, not_after;  /* seconds since 1970, UTC */
    char sha256[PEER_SHA256_BYTES]; /* of the DER, lower-case hex */
};

/* What is unknown is "" or false. */
struct peer {
    bool tls;
    char version[16];   /* "TLSv1.3" */
    char cipher[64];    /* IANA name, "TLS_AES_128_GCM_SHA256" */
    char group[32];     /* key exchange, "X25519" */
    char signature[40]; /* of the server, named as in RFC 8446 §4.2.3, "ecdsa_secp256r1_sha256" */
    char sni[PEER_NAME_BYTES];
    char alpn[PEER_NAME_BYTES]; /* escaped (text.h), like subject, issuer and names */
    bool resumed;
    char staple[8]; /* a server's OCSP response: none, good, revoked, expired or invalid */
    /* "ok", or what is wrong with the server's certificate, also if it is accepted. */
    char verification[PEER_VERIFICATION_BYTES];
    struct peer_certificate certificate;
};

#endif
