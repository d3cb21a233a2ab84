/* SPDX-License-Identifier: MIT */
#include "dtls_context.h"

/* SSL_CTX_set_cookie_verify_cb(3): there is an SSL only for a ClientHello whose cookie has been
 * checked (dtls_cookie.h). */
static int accept_cookie(SSL *ssl, const unsigned char *cookie, unsigned n)
{
    (void)ssl, (void)cookie, (void)n;
    return 1;
}

/* Never called, but DTLSv1_listen(3) requires it. */
static int make_no_cookie(SSL *ssl, unsigned char *ret, unsigned *ret_n)
{
    (void)ssl, (void)ret, (void)ret_n;
    return 0;
}

bool dtls_context_install(SSL_CTX *ssl)
{
    SSL_CTX_set_options(ssl, SSL_OP_NO_QUERY_MTU); /* there is no socket to ask */
    /* With RFC 7366 OpenSSL ends a session for one forged record, against RFC 6347 §4.1.2.7. */
    SSL_CTX_set_options(ssl, SSL_OP_NO_ENCRYPT_THEN_MAC);
    SSL_CTX_set_cookie_verify_cb(ssl, accept_cookie);
    SSL_CTX_set_cookie_generate_cb(ssl, make_no_cookie);
    return SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) &&
           SSL_CTX_set_max_proto_version(ssl, DTLS1_2_VERSION);
}
