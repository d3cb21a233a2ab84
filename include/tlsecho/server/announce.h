/* SPDX-License-Identifier: MIT */
/*
 * The log lines at start, and of a snapshot when it is checked or takes effect.
 *
 * Ownership: none.   Threads: the main one.
 */
#ifndef TLSECHO_ANNOUNCE_H
#define TLSECHO_ANNOUNCE_H

#include "tlsecho/server/config_snapshot.h"
#include "tlsecho/server/listen_set.h"

/* event=library, at debug level: the versions and features of OpenSSL. */
void announce_library(void);

/* event=certificate, one line per certificate that is served. */
void announce_certificates(const struct config_snapshot *snapshot);

/* Warnings about the files of the snapshot, tls_context_warnings, and event=admin_exposed. */
void announce_warnings(const struct config_snapshot *snapshot);

/* event=listening, one line per socket. */
void announce_listening(const struct listen_set *listen_set);

#endif
