/* SPDX-License-Identifier: MIT */
/*
 * What -v prints of a session.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_SESSION_H
#define TLSECHO_OUTPUT_SESSION_H

#include "tlsecho/client/options.h"
#include "tlsecho/client/session.h"

/* Describes connection, TLS session and certificates, as far as they are known; nothing without -v.
 */
void output_session(const struct options *options, const struct session *session);

#endif
