/* SPDX-License-Identifier: MIT */
/*
 * One end of a DTLS 1.2 session (RFC 6347), without a socket: the caller feeds it the datagrams
 * that it received from the peer, and sends those that it makes. It knows no addresses and no clock
 * of a loop; nothing waits, and there are no callbacks.
 *
 * After each of dtls_session_new, _handshake, _read, _write, _retransmit and _close the caller
 * sends what dtls_session_next returns, until there is none; and it calls dtls_session_retransmit
 * once dtls_session_timeout_us has passed. A message is what one record carries: it comes whole or
 * not at all, and may be lost, repeated by nobody (RFC 6347 §4.1.2.6) and overtaken.
 *
 * Ownership: said at each function.   Threads: one at a time.
 */
#ifndef TLSECHO_DTLS_SESSION_H
#define TLSECHO_DTLS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/peer.h"
#include "tlsecho/tls/transport_tls.h"

struct dtls_session;
struct tls_chain;
struct tls_context;

enum {
    DTLS_DATA_MAX = 16384,   /* of a message, RFC 6347 §4.1.1 */
    DTLS_OVERHEAD_MAX = 96,  /* a record is at most so much longer than its message: with CBC and
                                SHA-384 by 93 */
    DTLS_MTU_MIN = 256,      /* of dtls_session_options.mtu */
    DTLS_MTU_DEFAULT = 1200, /* passes almost everywhere, IPv6 tunnels included */
};

struct dtls_session_options {
    struct tls_context *ctx; /* of tls_context_new_dtls: decides the role; the session holds its own
                                reference */
    const char *server_name; /* as in struct transport_tls_options */
    size_t mtu;              /* the longest datagram of a handshake, without IP and UDP headers; at
                                least DTLS_MTU_MIN; 0 = DTLS_MTU_DEFAULT */
    /* Server: the ClientHello for which dtls_cookies_check returned DTLS_FIRST_PROVEN; read at
     * once. It is not fed again. Client: NULL. */
    const unsigned char *hello;
    size_t hello_length;
};

/* ERROR_SYSTEM (memory), ERROR_INPUT (server_name); ERROR_TLS (the hello is not valid DTLS). */
int dtls_session_new(const struct dtls_session_options *options, struct dtls_session **ret,
                     struct error *err);
void dtls_session_free(struct dtls_session *s);

enum dtls_status {
    DTLS_OK,     /* done */
    DTLS_WAIT,   /* nothing of what was fed is left: feed the next datagram */
    DTLS_CLOSED, /* the peer sent close_notify */
    DTLS_FAILED, /* err says why; the alert is among the datagrams to send; only free it then */
};

/* A datagram from the peer. It is not copied, and must stay until dtls_session_handshake or
 * dtls_session_read has returned anything but DTLS_OK. What is no valid record of this session is
 * dropped there without a word (RFC 6347 §4.1.2.7). */
void dtls_session_feed(struct dtls_session *s, const unsigned char *data, size_t length);

/* Whether anything in the datagram fed last was valid, once it has been read; a part of a message
 * that is not encrypted counts as valid until the handshake is complete. */
bool dtls_session_accepted(const struct dtls_session *s);

/* DTLS_OK: it is complete, now or before. A client begins with it, without a datagram. */
enum dtls_status dtls_session_handshake(struct dtls_session *s, struct error *err);

/* After the handshake: one message; size: at least DTLS_DATA_MAX; *ret_length is 0 unless it
 * returns DTLS_OK. Call it until it returns something else: one datagram may have several. It also
 * answers a peer that repeats the end of its handshake. */
enum dtls_status dtls_session_read(struct dtls_session *s, void *data, size_t size,
                                   size_t *ret_length, struct error *err);

/* Whether something of what was fed last has not been read yet. */
bool dtls_session_has_more(const struct dtls_session *s);

/* Frees the buffers of a session that is idle for now, 34 KB; the next operation makes others.
 * dtls_session_read does so too when it returns DTLS_WAIT. */
void dtls_session_rest(struct dtls_session *s);

/* After the handshake: one message of 1 to DTLS_DATA_MAX bytes, as one datagram, however long.
 * DTLS_OK or DTLS_FAILED; with ERROR_INPUT, for another length, the session goes on. */
enum dtls_status dtls_session_write(struct dtls_session *s, const void *data, size_t length,
                                    struct error *err);

/* Makes a close_notify, once; nothing before the handshake is complete or after a failure. */
void dtls_session_close(struct dtls_session *s);

/* The next datagram to send, which stays until the next call for this session; false = none. */
bool dtls_session_next(struct dtls_session *s, const unsigned char **ret, size_t *ret_length);

/* How long the last flight may remain unanswered from now (RFC 6347 §4.2.4: 1 s, doubled each time,
 * at most 60 s), in microseconds; 0 = it is due; UINT64_MAX = nothing waits for an answer. */
uint64_t dtls_session_timeout_us(const struct dtls_session *s);

/*
 * If that is due, sends the last flight again; from the third time on in smaller datagrams
 * (§4.1.1.1: a path may drop long ones without a word). DTLS_OK; DTLS_FAILED: too many in vain,
 * ERROR_TIMEOUT.
 */
enum dtls_status dtls_session_retransmit(struct dtls_session *s, struct error *err);

/* How often a flight has been sent again. */
unsigned dtls_session_retransmissions(const struct dtls_session *s);

/* Lowers the MTU after EMSGSIZE, to that of the path if known, else 0 = to the next smaller usual
 * one; never raises it, and never below DTLS_MTU_MIN. The next flight, or retransmission, heeds it.
 */
void dtls_session_lower_mtu(struct dtls_session *s, size_t mtu);
size_t dtls_session_mtu(const struct dtls_session *s);

/* After the handshake: the longest message whose datagram has at most `datagram` bytes; 0 = none.
 */
size_t dtls_session_data_room(const struct dtls_session *s, size_t datagram);

/* What is known of the peer, as transport_peer and the functions of transport_tls.h say. */
void dtls_session_peer(const struct dtls_session *s, struct peer *ret);
bool dtls_session_resumed(const struct dtls_session *s);
void dtls_session_exporter(const struct dtls_session *s, char ret[TLS_EXPORTER_BYTES]);
void dtls_session_own_sha256(const struct dtls_session *s, char ret[PEER_SHA256_BYTES]);
void dtls_session_peer_names(const struct dtls_session *s, char ret[TLS_NAMES_BYTES]);
int dtls_session_chain(const struct dtls_session *s, struct tls_chain *ret, struct error *err);
int dtls_session_path(const struct dtls_session *s, struct tls_chain *ret, struct error *err);

#endif
