/* SPDX-License-Identifier: MIT */
/*
 * The modes: what a run of the client is for. A mode opens the sessions that it needs (target.h,
 * session.h), does its work, says what it measured (output.h) and leaves the outcome in *ret, which
 * comes to it as RESULT_OK. options.h says how one is added.
 *
 * Ownership: everything stays the caller's.   Threads: one calls; a mode may start more and ends
 * them.
 */
#ifndef TLSECHO_MODE_H
#define TLSECHO_MODE_H

#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"

/*
 * Standard input to the server, half-closed at its end, what comes back to standard output. All
 * directions move independently: a stopped standard output stops nothing but reading.
 */
void mode_pipe(const struct options *options, struct outcome *ret);

/*
 * A line out, its echo back, with editing and history; an empty line is not sent. Ctrl-D ends our
 * direction and waits for the server's; Ctrl-C ends at once, by what was measured until then.
 */
void mode_prompt(const struct options *options, struct outcome *ret);

/*
 * Like ping(8): a probe of so many bytes each interval on one connection, and a line for its reply.
 * With reconnect a failure is followed by another connection, else it ends the run. SIGINT ends it,
 * by what was measured until then; SIGQUIT says how it stands.
 */
void mode_ping(const struct options *options, struct outcome *ret);

/*
 * One connection, a few bytes there and back (with --expect none nothing is sent), and the dates of
 * the chain: one verdict.
 */
void mode_check(const struct options *options, struct outcome *ret);

/* What a `report` listener says that it sees of us, beside what we see, and the verdict about what
 * is in between. */
void mode_report(const struct options *options, struct outcome *ret);

/* What is wrong on the way to the servers: findings, with their evidence and remedies. */
void mode_path(const struct options *options, struct outcome *ret);

/* The server's certificates to standard output, also where they are refused; no byte is sent. */
void mode_show_certs(const struct options *options, struct outcome *ret);

/* A load on the server, over many connections, and what was measured. */
void mode_bench(const struct options *options, struct outcome *ret);

/* The summaries that several loads left in files, added up. */
void mode_merge(const struct options *options, struct outcome *ret);

#endif
