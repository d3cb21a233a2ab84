/* SPDX-License-Identifier: MIT */
/*
 * What is known of a connection, for a service that reports it. Unknown: "" or false.
 *
 * Ownership: a value, no heap; the texts it points to live as long as the connection.
 * Threads: its worker's.
 */
#ifndef TLSECHO_CONN_INFO_H
#define TLSECHO_CONN_INFO_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "tlsecho/base/identity.h"
#include "tlsecho/net/address.h"
#include "tlsecho/net/datagram.h"
#include "tlsecho/net/peer.h"
#include "tlsecho/net/proxy.h"
#include "tlsecho/net/syn.h"
#include "tlsecho/net/transport.h"
#include "tlsecho/tls/transport_tls.h"

enum { CONN_INFO_SERVER_BYTES = 256 };

struct conn_info {
    struct timespec time;                /* when the connection was accepted */
    char server[CONN_INFO_SERVER_BYTES]; /* gethostname(2) */
    const struct identity *identity;     /* NULL = unknown */
    bool stopping;                       /* the server accepts for timeouts.lame_duck more */
    const char *listener;
    uint64_t connection;             /* its id in the log; 0 = it is a datagram */
    const struct datagram *datagram; /* NULL = it is a connection */
    char source[ADDRESS_TEXT_BYTES], destination[ADDRESS_TEXT_BYTES];
    const struct proxy *proxy; /* its header, source of those two unless LOCAL; or NULL */
    char proxy_source[ADDRESS_TEXT_BYTES], proxy_destination[ADDRESS_TEXT_BYTES];
    bool proxy_tcp;        /* the header came over TCP: the SYN was the proxy's */
    const struct syn *syn; /* the client's; NULL = unknown, or that of the proxy */
    struct peer peer;
    char exporter[TLS_EXPORTER_BYTES];
    char certificate[PEER_SHA256_BYTES]; /* the server's, as sent to the client */
    char client_names[TLS_NAMES_BYTES];  /* one after the other, an empty one at the end */
};

#endif
