/* SPDX-License-Identifier: MIT */
/*
 * What --show-certs prints.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_SHOW_CERTS_H
#define TLSECHO_OUTPUT_SHOW_CERTS_H

#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"

/* Prints the server's certificates on standard output in the format of `openssl s_client
 * -showcerts`; nothing if it sent none. ERROR_SYSTEM. */
int output_show_certs_chain(const struct session *session, struct error *err);

/* Prints the JSON object or the failure on standard error. */
void output_show_certs(const struct options *options, const struct session *session,
                       const struct outcome *outcome);

#endif
