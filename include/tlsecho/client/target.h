/* SPDX-License-Identifier: MIT */
/*
 * Where and how to connect: prepared once for any number of connections. Reading the files of the
 * options and looking up the name are separate steps, as they fail and take time separately.
 *
 * Ownership: a target owns its TLS context, which transports keep alive, and its scratch; options
 * and endpoint are the caller's and outlive it.   Threads: one until it is resolved; then any may
 * read it, each with a scratch of its own (tls_scratch_new) instead of the target's.
 */
#ifndef TLSECHO_TARGET_H
#define TLSECHO_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/base/error.h"
#include "tlsecho/client/options.h"
#include "tlsecho/net/address.h"
#include "tlsecho/net/dial.h"
#include "tlsecho/net/endpoint.h"
#include "tlsecho/net/transport.h"
#include "tlsecho/tls/tls_context.h"

struct target {
    const struct options *options;
    const struct endpoint *endpoint;
    bool prepared;
    struct tls_context *context; /* NULL unless TLS */
    struct tls_scratch *scratch;
    struct dial_origin origin;
    struct address_list addresses; /* empty = not looked up yet; session_open does */
};

/* Does not read any file. */
void target_init(struct target *t, const struct options *options, const struct endpoint *endpoint);
void target_done(struct target *t);

/* What is looked up and connected to: the endpoint, or that of --connect-to. */
const struct endpoint *target_destination(const struct target *t);

/* The next session looks the name up again. */
void target_forget_addresses(struct target *t);

bool target_is_tls(const struct target *t);

/* The name or address that the server's certificate must be for. */
const char *target_server_name(const struct target *t);

/* Reads the files that the options name, unless that has been done: PHASE_OPTIONS. ERROR_INPUT
 * names the option; ERROR_SYSTEM (memory). */
int target_prepare(struct target *t, struct error *err);

/*
 * Sends the PROXY header if the options ask for one, before any other byte of the connection, with
 * the addresses of both ends, the server name and the first ALPN protocol. It fits into the
 * socket's buffer, so that it never waits. ERROR_SYSTEM.
 */
int target_send_proxy_header(const struct target *t, int fd, struct error *err);

#endif
