/* SPDX-License-Identifier: MIT */
/* Refuses chains of a peer before OpenSSL parses them. */
#include "tls_screen_peer.h"

#include <stdio.h>
#include <string.h>

#include "tls_certificate.h"
#include "tls_screen.h"
#include "tls_verification.h"

enum {
    HEADER_BYTES = 4,       /* RFC 8446 §4: type and length */
    DTLS_HEADER_BYTES = 12, /* RFC 6347 §4.2.2: also its number, and which part of it */
    FRAMING_BYTES = 64      /* of a Certificate: context, lengths, empty extensions */
};

void tls_screen_limit(SSL_CTX *ssl, enum tls_role role)
{
    SSL_CTX_set_max_cert_list(ssl, FRAMING_BYTES + (role == TLS_SERVER ? TLS_CLIENT_CHAIN_BYTES
                                                                       : TLS_SERVER_CHAIN_BYTES));
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION /* since 3.2: RFC 8879 would bypass these checks */
    SSL_CTX_set_options(ssl, SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);
#endif
}

static const struct tls_screen_limits of_client = {TLS_CLIENT_CHAIN_COUNT, 4096},
                                      of_server = {TLS_SERVER_CHAIN_COUNT, 32768};

static void describe_leaf(const struct tls_screening *s, char *ret, size_t size)
{
    const unsigned char *der = s->subject;
    X509_NAME *name = der ? d2i_X509_NAME(NULL, &der, (long)s->subject_n) : NULL;
    *ret = '\0';
    if (name)
        tls_certificate_name(name, ret, size);
    X509_NAME_free(name);
}

static void describe(const struct tls_screening *s, const struct tls_screen_limits *limits,
                     char *ret, size_t size)
{
    switch (s->fault) {
    case TLS_SCREEN_TOO_MANY:
        snprintf(ret, size, "its chain has %zu certificates, and at most %zu are read", s->count,
                 limits->certificates);
        return;
    case TLS_SCREEN_TOO_COMPLEX:
        snprintf(ret, size,
                 "its chain has more than %zu ASN.1 elements, or what looks like that many in the "
                 "values of its extensions: issue it with fewer names and shorter extensions",
                 limits->elements);
        return;
    case TLS_SCREEN_COMPRESSED_POINT:
        snprintf(ret, size,
                 "its chain has a key that is a compressed point: reissue it with an "
                 "uncompressed one");
        return;
    case TLS_SCREEN_LONG_RSA:
        snprintf(ret, size,
                 "its chain has an RSA key of more than 8192 bits or an exponent of more than 32: "
                 "reissue it with a shorter one");
        return;
    case TLS_SCREEN_EXPLICIT_CURVE:
        snprintf(ret, size,
                 "its chain has a key with explicit curve parameters, which RFC 5480 "
                 "forbids: reissue it with a named curve");
        return;
    case TLS_SCREEN_RELATIVE_NAME:
        snprintf(
            ret, size,
            "its chain has a CRL distribution point with a relative name: reissue it with URLs");
        return;
    case TLS_SCREEN_NOT_DER:
    case TLS_SCREEN_OK:
        break;
    }
    snprintf(ret, size, "its chain has a certificate that is not in DER");
}

/*
 * A message callback cannot refuse a message, but OpenSSL then parses these bytes, which are its
 * own and not constant: zeroed, no message is valid.
 */
static void erase(const unsigned char *body, size_t n)
{
    unsigned char *writable;
    memcpy(&writable, &body, sizeof writable);
    memset(writable, 0, n);
}

bool tls_screen_peer(SSL *ssl, const void *message, size_t n, struct tls_verification *verification)
{
    size_t header = SSL_is_dtls(ssl) ? DTLS_HEADER_BYTES : HEADER_BYTES;
    const unsigned char *type = message, *body = type + header;
    if (n < header || *type != SSL3_MT_CERTIFICATE)
        return true;
    bool server = SSL_is_server(ssl);
    const struct tls_screen_limits *limits = server ? &of_client : &of_server;
    struct tls_screening found =
        tls_screen_message(body, n - header, SSL_version(ssl) == TLS1_3_VERSION, limits);
    if (found.fault == TLS_SCREEN_OK)
        return true;

    char leaf[PEER_NAME_BYTES / 2], fault[160];
    describe_leaf(&found, leaf, sizeof leaf);
    describe(&found, limits, fault, sizeof fault);
    snprintf(verification->text, sizeof verification->text, "%s certificate \"%s\" refused: %s",
             server ? "client" : "server", leaf, fault);
    verification->untrusted = true;
    verification->error = X509_V_ERR_CERT_REJECTED;
    erase(body, n - header);
    return false;
}
