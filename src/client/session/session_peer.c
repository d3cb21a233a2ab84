/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/session_peer.h"

#include "tlsecho/tls/dtls_session.h"
#include "tlsecho/tls/tls_chain.h"

void session_peer(const struct session *s, struct peer *ret)
{
    *ret = (struct peer){.tls = false};
    if (s->dtls)
        dtls_session_peer(s->dtls, ret);
    else if (s->transport)
        transport_peer(s->transport, ret);
}

int session_peer_chain(const struct session *s, struct tls_chain *ret, struct error *err)
{
    *ret = (struct tls_chain){.count = 0};
    if (s->dtls)
        return dtls_session_chain(s->dtls, ret, err);
    return s->transport ? transport_tls_chain(s->transport, ret, err) : 0;
}

int session_peer_path(const struct session *s, struct tls_chain *ret, struct error *err)
{
    *ret = (struct tls_chain){.count = 0};
    if (s->dtls)
        return dtls_session_path(s->dtls, ret, err);
    return s->transport ? transport_tls_path(s->transport, ret, err) : 0;
}

void session_peer_exporter(const struct session *s, char ret[TLS_EXPORTER_BYTES])
{
    ret[0] = '\0';
    if (s->dtls)
        dtls_session_exporter(s->dtls, ret);
    else if (s->transport)
        transport_tls_exporter(s->transport, ret);
}

void session_peer_own_sha256(const struct session *s, char ret[PEER_SHA256_BYTES])
{
    ret[0] = '\0';
    if (s->dtls)
        dtls_session_own_sha256(s->dtls, ret);
    else if (s->transport)
        transport_tls_own_sha256(s->transport, ret);
}
