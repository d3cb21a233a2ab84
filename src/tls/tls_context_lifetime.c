/* SPDX-License-Identifier: MIT */
/* Puts a context together from the parts that the modules of this room install, and takes it apart.
 */
#include <openssl/err.h>
#include <stdlib.h>

#include "dtls_context.h"
#include "tls_certificates.h"
#include "tls_clients.h"
#include "tls_context_internal.h"
#include "tls_dated.h"
#include "tls_error.h"
#include "tls_keylog.h"
#include "tls_policy.h"
#include "tls_screen_peer.h"
#include "tls_session.h"
#include "tls_session_memory.h"
#include "tls_ticket_scope.h"
#include "tls_tickets.h"
#include "tls_verify.h"
#include "tls_warning.h"

static bool set_defaults(struct tls_context *ctx)
{
    SSL_CTX *ssl = ctx->ssl;
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF); /* tickets hold the sessions */
    tls_screen_limit(ssl, ctx->role);
    if (ctx->role == TLS_CLIENT)
        tls_verify_install(ctx);
    else if (!tls_tickets_install(ctx) || !tls_ticket_scope_install(ctx))
        return false;
    if (ctx->role == TLS_SERVER) {
        tls_certificates_install(ctx);
        tls_policy_answer_alpn(ctx);
    }
    return tls_policy_set_defaults(ssl) && SSL_CTX_set_num_tickets(ssl, 1) &&
           (!ctx->dtls || dtls_context_install(ssl));
}

static int make(enum tls_role role, bool dtls, struct tls_context **ret, struct error *err)
{
    const SSL_METHOD *methods[2][2] = {
        [false] = {[TLS_SERVER] = TLS_server_method(), [TLS_CLIENT] = TLS_client_method()},
        [true] = {[TLS_SERVER] = DTLS_server_method(), [TLS_CLIENT] = DTLS_client_method()},
    };
    struct tls_context *ctx = calloc(1, sizeof *ctx);
    if (!ctx)
        return error_sys(err, "make a TLS context");
    ctx->role = role;
    ctx->dtls = dtls;
    ctx->keylog_fd = -1;
    atomic_init(&ctx->count, 1);
    ERR_clear_error();
    ctx->ssl = SSL_CTX_new(methods[dtls][role]);
    if (!ctx->ssl || !set_defaults(ctx)) {
        tls_error_set(err, ERROR_SYSTEM, "make a TLS context");
        tls_context_free(ctx);
        return -1;
    }
    *ret = ctx;
    return 0;
}

int tls_context_new(enum tls_role role, struct tls_context **ret, struct error *err)
{
    return make(role, false, ret, err);
}

int tls_context_new_dtls(enum tls_role role, struct tls_context **ret, struct error *err)
{
    return make(role, true, ret, err);
}

void tls_context_free(struct tls_context *ctx)
{
    if (!ctx || atomic_fetch_sub(&ctx->count, 1) > 1)
        return;
    SSL_CTX_free(ctx->ssl);
    EVP_MD_free(ctx->sha256);
    tls_session_file_free(ctx->session_file);
    tls_session_memory_free(ctx->session_memory);
    tls_certificates_free(ctx);
    tls_keylog_close(ctx);
    free(ctx->alpn);
    tls_clients_free(ctx->clients);
    tls_tickets_free(ctx);
    tls_warnings_free(ctx);
    tls_dated_free(ctx);
    free(ctx);
}
