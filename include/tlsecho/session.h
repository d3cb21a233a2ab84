/* SPDX-License-Identifier: MIT */
/*
 * One connection to the far end, from its name to a finished handshake, with the time that each
 * phase took.
 *
 * Ownership: a session owns its transport and TLS context.   Threads: one at a time.
 */
#ifndef TLSECHO_SESSION_H
#define TLSECHO_SESSION_H

#include <stdint.h>

#include "tlsecho/error.h"
#include "tlsecho/options.h"
#include "tlsecho/result.h"
#include "tlsecho/socket.h"
#include "tlsecho/transport.h"

#define SESSION_UNKNOWN_US UINT64_MAX

struct session {
    struct transport *transport; /* NULL until TCP is connected */
    struct tls_context *context; /* NULL unless TLS */
    struct tls_scratch *scratch;
    enum phase phase;          /* the present one; after a failure the one that failed */
    struct address peer, own;  /* length 0 = unknown; peer is the one that was tried last */
    uint64_t started_us;       /* clock_now_us */
    uint64_t phase_us[PHASES]; /* how long each took; SESSION_UNKNOWN_US = not finished, or none */
};

void session_init(struct session *s);

/*
 * Reads what the options name, resolves, connects (RFC 8305), shakes hands. Blocks, at most for
 * options->connect_timeout_ms once the name is resolved. On failure s->phase says how far it came,
 * and err why.
 */
int session_open(struct session *s, const struct options *options, struct error *err);

/* Saves what `resume` of the options will want next time, if there is anything. ERROR_SYSTEM. */
int session_save(struct session *s, struct error *err);

/* Ends our direction if that has not been done, and closes. */
void session_close(struct session *s);

#endif
