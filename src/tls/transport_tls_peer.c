/* SPDX-License-Identifier: MIT */
/* What is known of the other end, and of what was agreed on with it. */
#include "tlsecho/base/container_of.h"
#include "transport_tls_internal.h"

/* Whether OpenSSL can be asked: over TLS, and at a server only once a ClientHello has come. */
static bool is_known(const struct transport *transport)
{
    return transport->ops == &transport_tls_ops && ((const struct transport_tls *)transport)->ssl;
}

void transport_tls_peer(const struct transport *transport, struct peer *ret)
{
    const struct transport_tls *t = container_of(transport, struct transport_tls, base);
    if (is_known(transport))
        tls_peer_describe(t->ssl, t->verdict, ret);
    else
        *ret = (struct peer){.tls = true};
}

bool transport_tls_refused_renegotiation(const struct transport *transport)
{
    const struct transport_tls *t = container_of(transport, struct transport_tls, base);
    return is_known(transport) && t->failure.renegotiation_refused;
}

bool transport_tls_resumed(const struct transport *transport)
{
    const struct transport_tls *t = container_of(transport, struct transport_tls, base);
    return is_known(transport) && SSL_session_reused(t->ssl);
}

int transport_tls_chain(const struct transport *transport, struct tls_chain *ret, struct error *err)
{
    const struct transport_tls *t = container_of(transport, struct transport_tls, base);
    bool known = is_known(transport) && t->ctx->role == TLS_CLIENT;
    return tls_chain_describe(known ? t->verdict->chain : NULL, ret, err);
}

int transport_tls_path(const struct transport *transport, struct tls_chain *ret, struct error *err)
{
    const struct transport_tls *t = container_of(transport, struct transport_tls, base);
    bool known = is_known(transport) && t->ctx->role == TLS_CLIENT;
    return tls_chain_describe(known ? t->verdict->path : NULL, ret, err);
}

void transport_tls_exporter(const struct transport *transport, char ret[TLS_EXPORTER_BYTES])
{
    const struct transport_tls *t = container_of(transport, struct transport_tls, base);
    ret[0] = '\0';
    if (is_known(transport))
        tls_peer_exporter(t->ssl, ret);
}

void transport_tls_own_sha256(const struct transport *transport, char ret[PEER_SHA256_BYTES])
{
    const struct transport_tls *t = container_of(transport, struct transport_tls, base);
    ret[0] = '\0';
    if (is_known(transport))
        tls_peer_own_sha256(t->ssl, ret);
}

void transport_tls_peer_names(const struct transport *transport, char ret[TLS_NAMES_BYTES])
{
    const struct transport_tls *t = container_of(transport, struct transport_tls, base);
    ret[0] = '\0';
    if (is_known(transport))
        tls_peer_names(t->ssl, ret);
}
