/* SPDX-License-Identifier: MIT */
#include "tls_role.h"

#include <stdlib.h>

#include "tls_context_internal.h"
#include "tls_session.h"
#include "tls_session_memory.h"
#include "tls_verification.h"
#include "tls_verify.h"
#include "tlsecho/tls/tls_memory.h"

static int prepare_verification(SSL *ssl, struct tls_verification **ret, struct error *err)
{
    if (SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE)
        return 0;
    *ret = calloc(1, sizeof **ret);
    if (!*ret)
        return error_sys(err, "make a TLS transport");
    return tls_verification_attach(ssl, *ret, err);
}

static int prepare(struct tls_context *ctx, SSL *ssl, const char *server_name,
                   struct tls_verification **ret_verification, struct error *err)
{
    if (prepare_verification(ssl, ret_verification, err) < 0)
        return -1;
    if (ctx->role == TLS_SERVER) {
        SSL_set_accept_state(ssl);
        return 0;
    }
    SSL_set_connect_state(ssl);
    if (tls_verify_prepare(ssl, server_name, err) < 0 || tls_session_recall(ctx, ssl, err) < 0)
        return -1;
    return tls_session_offer(ctx, ssl, err);
}

/* Since OpenSSL 3.6 SSL_set_accept_state(3) allocates, and does not tell if it cannot. */
int tls_role_prepare(struct tls_context *ctx, SSL *ssl, const char *server_name,
                     struct tls_verification **ret_verification, struct error *err)
{
    return tls_memory_check(prepare(ctx, ssl, server_name, ret_verification, err), err);
}
