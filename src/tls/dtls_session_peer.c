/* SPDX-License-Identifier: MIT */
/* What is known of the peer of a DTLS session. */
#include "dtls_session_internal.h"
#include "tls_chain_internal.h"
#include "tls_context_internal.h"
#include "tls_peer.h"
#include "tls_verification.h"

void dtls_session_peer(const struct dtls_session *s, struct peer *ret)
{
    tls_peer_describe(s->ssl, s->verification, s->established, ret);
}

bool dtls_session_resumed(const struct dtls_session *s)
{
    return SSL_session_reused(s->ssl);
}

void dtls_session_exporter(const struct dtls_session *s, char ret[TLS_EXPORTER_BYTES])
{
    ret[0] = '\0';
    tls_peer_exporter(s->ssl, ret);
}

void dtls_session_own_sha256(const struct dtls_session *s, char ret[PEER_SHA256_BYTES])
{
    ret[0] = '\0';
    tls_peer_own_sha256(s->ssl, ret);
}

void dtls_session_peer_names(const struct dtls_session *s, char ret[TLS_NAMES_BYTES])
{
    ret[0] = '\0';
    tls_peer_names(s->ssl, ret);
}

int dtls_session_chain(const struct dtls_session *s, struct tls_chain *ret, struct error *err)
{
    bool client = s->ctx->role == TLS_CLIENT;
    return tls_chain_describe(client ? s->verification->chain : NULL, ret, err);
}

int dtls_session_path(const struct dtls_session *s, struct tls_chain *ret, struct error *err)
{
    bool client = s->ctx->role == TLS_CLIENT;
    return tls_chain_describe(client ? s->verification->path : NULL, ret, err);
}
