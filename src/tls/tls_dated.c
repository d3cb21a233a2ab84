/* SPDX-License-Identifier: MIT */
/* Certificates of a context whose dates matter to peers: a server's issuers and client CAs. */
#include "tls_dated.h"

#include <stdlib.h>
#include <string.h>

#include "tls_certificate.h"
#include "tls_context_internal.h"

int tls_dated_add(struct tls_context *ctx, enum tls_dated_role role, const char *path,
                  X509 *certificate, struct error *err)
{
    size_t count = ctx->dated_count;
    struct tls_dated *more = realloc(ctx->dated, (count + 1) * sizeof *more);
    if (!more)
        return error_sys(err, "read %s", path);
    ctx->dated = more;
    struct tls_dated *d = &more[count];
    *d = (struct tls_dated){.role = role, .file = strdup(path)};
    if (!d->file)
        return error_sys(err, "read %s", path);
    tls_certificate_name(X509_get_subject_name(certificate), d->subject, sizeof d->subject);
    d->not_before = tls_certificate_date_seconds(X509_get0_notBefore(certificate));
    d->not_after = tls_certificate_date_seconds(X509_get0_notAfter(certificate));
    ctx->dated_count++;
    return 0;
}

void tls_dated_free(struct tls_context *ctx)
{
    for (size_t i = 0; i < ctx->dated_count; i++)
        free(ctx->dated[i].file);
    free(ctx->dated);
}

const struct tls_dated *tls_context_dated(const struct tls_context *ctx, size_t *ret_count)
{
    *ret_count = ctx->dated_count;
    return ctx->dated;
}
