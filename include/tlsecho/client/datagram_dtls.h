/* SPDX-License-Identifier: MIT */
/*
 * A client's end of DTLS (RFC 6347) over a connected UDP socket, behind the operations of
 * datagram.h: what is sent is one record in one datagram, what is received the message of a record.
 *
 * Before anything else the handshake has to be complete. Once the session has ended, receive and
 * send return DATAGRAM_FAILED, and datagram_dtls_end says how.
 *
 * Ownership: the socket owns the session and the UDP socket.   Threads: one at a time per socket.
 */
#ifndef TLSECHO_DATAGRAM_DTLS_H
#define TLSECHO_DATAGRAM_DTLS_H

#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/datagram.h"
#include "tlsecho/tls/dtls_session.h"

/* Takes the connected UDP socket over, on failure too. ERROR_SYSTEM (memory), ERROR_INPUT
 * (server_name). */
int datagram_dtls_new(struct datagram_socket *plain, const struct dtls_session_options *options,
                      struct datagram_socket **ret, struct error *err);

/*
 * A step of the handshake: receives and sends what can be now, and sends the last flight again if
 * that is due. DTLS_WAIT: call it again when the socket is readable, or at datagram_dtls_due_us;
 * datagram_take_error may know more. DTLS_FAILED: err says why.
 */
enum dtls_status datagram_dtls_handshake(struct datagram_socket *s, struct error *err);

/* When the last flight is due again, by clock_now_us; UINT64_MAX = it is answered. */
uint64_t datagram_dtls_due_us(const struct datagram_socket *s);

/* The handshake took too long, or was given up: what came until then, if it was not DTLS.
 * ERROR_NOT_TLS, ERROR_TIMEOUT. Returns -1. */
int datagram_dtls_describe_silence(const struct datagram_socket *s, struct error *err);

/* As dtls_session_lower_mtu. */
void datagram_dtls_lower_mtu(struct datagram_socket *s, size_t mtu);

/* DTLS_OK: the session goes on. DTLS_CLOSED: the server sent close_notify. DTLS_FAILED: *ret says
 * why. */
enum dtls_status datagram_dtls_end(const struct datagram_socket *s, struct error *ret);

/* Sends close_notify, unless that has been done, or the session has ended; it ends with that. */
void datagram_dtls_close(struct datagram_socket *s);

/* NULL: it is not DTLS. */
const struct dtls_session *datagram_dtls_session(const struct datagram_socket *s);

#endif
