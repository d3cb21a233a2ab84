/* SPDX-License-Identifier: MIT */
/* Staples OCSP responses to the certificates of a server. */
#include <time.h>

#include "tls_certificates.h"
#include "tls_context_internal.h"
#include "tls_files.h"
#include "tls_staple.h"

/* SSL_CTX_set_tlsext_status_cb(3): the client asked for one. */
static int on_status(SSL *ssl, void *arg)
{
    const struct tls_certificate *c = tls_certificates_used(arg, ssl);
    const struct tls_staple *staple = c ? c->staple : NULL;
    int64_t now = time(NULL);
    if (!staple || now < staple->from || now > staple->until)
        return SSL_TLSEXT_ERR_NOACK;
    unsigned char *copy = OPENSSL_memdup(staple->der, staple->n);
    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)staple->n);
    return SSL_TLSEXT_ERR_OK;
}

int tls_context_use_staple(struct tls_context *ctx, const char *path, struct error *err)
{
    struct tls_staple *staple;
    struct tls_certificate *c = tls_certificates_last(ctx);
    if (!c)
        return error_set(err, ERROR_INPUT, "%s: there is no certificate to staple it to", path);
    if (tls_staple_read(path, c->leaf, &staple, err))
        return -1;
    tls_staple_free(c->staple);
    c->staple = staple;
    SSL_CTX_set_tlsext_status_cb(ctx->ssl, on_status);
    SSL_CTX_set_tlsext_status_arg(ctx->ssl, ctx);
    return tls_files_warn(ctx, path, false, err);
}

int64_t tls_context_staple_expires(const struct tls_context *ctx)
{
    const struct tls_certificate *c = tls_certificates_last(ctx);
    return c && c->staple ? c->staple->until : INT64_MAX;
}
