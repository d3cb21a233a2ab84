/* SPDX-License-Identifier: MIT */
/*
 * What the client says about a run: in words on standard error, or as one JSON object.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_H
#define TLSECHO_OUTPUT_H

#include <stdio.h>

#include "tlsecho/client/exchange.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"

/* "tlsecho-client: warning: ...", unless quiet. */
void output_warn(const struct options *options, const char *text);

/* "tlsecho-client: ...", what somebody at a terminal should know now, unless quiet. */
void output_notice(const struct options *options, const char *text);

/* How the session came about, as far as it did, if the user wants to know. */
void output_session(const struct options *options, const struct session *session);

/* "tlsecho-client: PHASE: ...", unless the outcome is ok. */
void output_failure(const struct outcome *outcome);
/* Likewise without the phase: it was another process's. */
void output_failure_elsewhere(const struct outcome *outcome);

/* Why nothing was begun, for the mode and in the form that the options say: one line, of a Nagios
 * plug-in too, or a JSON object. */
void output_refusal(const struct options *options, const struct outcome *outcome);

/* Where the JSON object goes: standard error where standard output has the data. */
FILE *output_json_stream(const struct options *options);

/* Everything that the run had to say is written, its JSON object included. ERROR_SYSTEM. */
int output_finish(const struct options *options, struct error *err);

/* What was printed on standard output so far is there. ERROR_SYSTEM, now and from then on. */
int output_flush(struct error *err);

/* The server's certificates on standard output, as `openssl s_client -showcerts` has them; nothing
 * if it showed none. ERROR_SYSTEM. */
int output_certificates(const struct session *session, struct error *err);

/* The end of a run, a function per mode: the JSON object, or the failure and what was measured.
 * Both on standard error where standard output has the data. */
void output_stream(const struct options *options, const struct session *session,
                   const struct exchange *exchange, const struct outcome *outcome);
void output_show_certs(const struct options *options, const struct session *session,
                       const struct outcome *outcome);

#endif
