/* SPDX-License-Identifier: MIT */
/*
 * Where a server's ticket is valid.
 *
 * Ownership: the context's.   Threads: as tls_context.h.
 */
#ifndef TLSECHO_TLS_TICKET_SCOPE_H
#define TLSECHO_TLS_TICKET_SCOPE_H

#include <stdbool.h>

#include "tlsecho/base/error.h"
#include "tlsecho/tls/tls_context.h"

/*
 * Sets the scope of a server's tickets. Before, they are valid within one context; afterwards in
 * all contexts with the same client authentication (mode, CAs, CRLs, names) and with certificates
 * for the same names; always only for the requested server name, RFC 6066 §3. Call it after all
 * certificates and client settings. ERROR_SYSTEM.
 */
bool tls_ticket_scope_install(struct tls_context *ctx);
int tls_ticket_scope_fix(struct tls_context *ctx, enum tls_client_auth mode, struct error *err);

#endif
