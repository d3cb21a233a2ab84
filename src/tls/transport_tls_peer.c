/* SPDX-License-Identifier: MIT */
/* What is known of the peer, and of what was negotiated with it. */
#include "tls_chain_internal.h"
#include "tls_context_internal.h"
#include "tls_peer.h"
#include "tls_verification.h"
#include "tlsecho/base/container_of.h"
#include "transport_tls_internal.h"

/* NULL unless it is TLS and has an SSL, which a server makes when a ClientHello has arrived. */
static const struct transport_tls *with_ssl(const struct transport *transport)
{
    const struct transport_tls *t = container_of(transport, struct transport_tls, base);
    return transport->ops == &transport_tls_ops && t->ssl ? t : NULL;
}

/* Likewise, of a client. */
static const struct transport_tls *with_client_ssl(const struct transport *transport)
{
    const struct transport_tls *t = with_ssl(transport);
    return t && t->ctx->role == TLS_CLIENT ? t : NULL;
}

void transport_tls_peer(const struct transport *transport, struct peer *ret)
{
    const struct transport_tls *t = with_ssl(transport);
    if (t)
        tls_peer_describe(t->ssl, t->verification, t->established, ret);
    else
        *ret = (struct peer){.tls = true};
}

bool transport_tls_refused_renegotiation(const struct transport *transport)
{
    const struct transport_tls *t = with_ssl(transport);
    return t && t->failure.renegotiation_refused;
}

bool transport_tls_resumed(const struct transport *transport)
{
    const struct transport_tls *t = with_ssl(transport);
    return t && SSL_session_reused(t->ssl);
}

int transport_tls_chain(const struct transport *transport, struct tls_chain *ret, struct error *err)
{
    const struct transport_tls *t = with_client_ssl(transport);
    return tls_chain_describe(t ? t->verification->chain : NULL, ret, err);
}

int transport_tls_path(const struct transport *transport, struct tls_chain *ret, struct error *err)
{
    const struct transport_tls *t = with_client_ssl(transport);
    return tls_chain_describe(t ? t->verification->path : NULL, ret, err);
}

void transport_tls_exporter(const struct transport *transport, char ret[TLS_EXPORTER_BYTES])
{
    const struct transport_tls *t = with_ssl(transport);
    ret[0] = '\0';
    if (t)
        tls_peer_exporter(t->ssl, ret);
}

void transport_tls_own_sha256(const struct transport *transport, char ret[PEER_SHA256_BYTES])
{
    const struct transport_tls *t = with_ssl(transport);
    ret[0] = '\0';
    if (t)
        tls_peer_own_sha256(t->ssl, ret);
}

void transport_tls_peer_names(const struct transport *transport, char ret[TLS_NAMES_BYTES])
{
    const struct transport_tls *t = with_ssl(transport);
    ret[0] = '\0';
    if (t)
        tls_peer_names(t->ssl, ret);
}
