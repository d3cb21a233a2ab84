/* SPDX-License-Identifier: MIT */
/*
 * What the log says at start, and of settings when they are checked or come into force. Ownership:
 * none. Threads: the main one.
 */
#ifndef TLSECHO_ANNOUNCE_H
#define TLSECHO_ANNOUNCE_H

#include "tlsecho/server/config_snapshot.h"
#include "tlsecho/server/listen_set.h"

/* event=library, at debug level: which OpenSSL it is, and what it offers. */
void announce_library(void);

/* event=certificate, one line per certificate that is served. */
void announce_certificates(const struct config_snapshot *snapshot);

/* What was found in the files of the settings that does harm: tls_context_warnings. */
void announce_warnings(const struct config_snapshot *snapshot);

/* event=listening, one line per socket. */
void announce_listening(const struct listen_set *listen_set);

#endif
