/* SPDX-License-Identifier: MIT */
/*
 * The TLS transport: how it is made, and what is known of a TLS connection beyond struct peer.
 * Every function that takes a transport accepts one that is not TLS too, and says what it returns
 * then.
 *
 * Ownership: as transport.h.   Threads: one at a time.
 */
#ifndef TLSECHO_TRANSPORT_TLS_H
#define TLSECHO_TRANSPORT_TLS_H

#include <stdbool.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/peer.h"
#include "tlsecho/net/transport.h"

struct tls_context;
struct tls_chain;
struct tls_scratch;

struct transport_tls_options {
    struct tls_context *ctx; /* decides the role; the transport holds its own reference */
    struct tls_scratch *scratch;
    const char *const *alpn; /* server: the only protocols to offer, the preferred one first,
                                static, NULL behind the last; NULL = those of the context */
    const char *server_name; /* client: the name or address to send (names only, RFC 6066 §3) and to
                                verify; server: NULL */
};

/*
 * TLS over the connected, non-blocking fd, which it takes over, on failure too. Set TCP_NODELAY
 * first, or the first answer waits for a delayed ACK. ERROR_SYSTEM (memory), ERROR_INPUT
 * (server_name is neither a name nor an address).
 */
int transport_tls_new(int fd, const struct transport_tls_options *options, struct transport **ret,
                      struct error *err);

/*
 * As transport_shutdown, but sends close_notify without a FIN; transport_free sends the FIN. If the
 * peer's FIN arrives before, TIME_WAIT is on the peer's side (RFC 9293 §3.6.1) and occupies no port
 * of this host. Not TLS: transport_shutdown.
 */
struct io transport_tls_close_notify(struct transport *t, struct error *err);

/* Client: the server asked to renegotiate, which is always refused; it may close the connection
 * because of that. Not TLS: false. */
bool transport_tls_refused_renegotiation(const struct transport *t);

/* The handshake resumed an earlier session: the same as peer.resumed, without filling the rest.
 * Not TLS: false. */
bool transport_tls_resumed(const struct transport *t);

/* Client: the certificates that the server sent, also if they were refused. Free them with
 * tls_chain_done. Not TLS: none. ERROR_SYSTEM (memory). */
int transport_tls_chain(const struct transport *t, struct tls_chain *ret, struct error *err);

/* Client: the path that was verified, from the server's certificate to the trust anchor (RFC 5280
 * §6.1); only the leaf where it is pinned; none where nothing was verified. Not TLS: none.
 * ERROR_SYSTEM (memory). */
int transport_tls_path(const struct transport *t, struct tls_chain *ret, struct error *err);

/*
 * The tls-exporter channel binding (RFC 9266) in hex. Both ends get the same value only if one TLS
 * session connects them. "" before the handshake is complete, and with TLS 1.2 without
 * extended_master_secret, where it would prove nothing. Not TLS: "".
 */
enum { TLS_EXPORTER_BYTES = 65 };
void transport_tls_exporter(const struct transport *t, char ret[TLS_EXPORTER_BYTES]);

/* The SHA-256 of our own certificate, in the form of peer_certificate.sha256: the one that a server
 * sent, or that a client would send. "" without a certificate, and for a server that resumed a
 * session, as it sent none. Not TLS: "". */
void transport_tls_own_sha256(const struct transport *t, char ret[PEER_SHA256_BYTES]);

/* The subjectAltNames of the peer's certificate, "DNS:a", as many as fit, each ended by a NUL, and
 * an empty one at the end. Not TLS: only the empty one. */
enum { TLS_NAMES_BYTES = 2048 };
void transport_tls_peer_names(const struct transport *t, char ret[TLS_NAMES_BYTES]);

#endif
