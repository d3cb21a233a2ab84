/* SPDX-License-Identifier: MIT */
/*
 * The modes of the client. A mode opens the sessions that it needs (target.h, session.h), does its
 * work, prints its results (output_*.h) and stores the outcome in *ret, which is RESULT_OK before.
 * options.h says how to add one.
 *
 * Ownership: everything stays the caller's.   Threads: one calls; a mode may start more and ends
 * them.
 */
#ifndef TLSECHO_MODE_H
#define TLSECHO_MODE_H

#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"

/*
 * Sends standard input, half-closes at its end, and writes what comes back to standard output. The
 * directions are independent: a blocked standard output stops only receiving.
 */
void mode_pipe(const struct options *options, struct outcome *ret);

/*
 * Sends each line and shows its echo, with editing and history; an empty line is not sent. Ctrl-D
 * ends our direction and waits for the server's; Ctrl-C ends at once with the result so far.
 */
void mode_prompt(const struct options *options, struct outcome *ret);

/*
 * Like ping(8): sends a probe each interval on one connection, and prints a line for its reply. A
 * failure ends the run, or with reconnect leads to another connection. SIGINT ends it with the
 * result so far; SIGQUIT prints the state.
 */
void mode_ping(const struct options *options, struct outcome *ret);

/* One connection, a few bytes echoed (none with --expect none), and the dates of the chain. */
void mode_check(const struct options *options, struct outcome *ret);

/* Compares what a `report` listener sees of the connection with what the client sees. */
void mode_report(const struct options *options, struct outcome *ret);

/* What is wrong on the way to the servers: findings, with their evidence and remedies. */
void mode_path(const struct options *options, struct outcome *ret);

/* Prints the server's certificates, even if they are refused; sends no data. */
void mode_show_certs(const struct options *options, struct outcome *ret);

/* Generates load over many connections, and prints what was measured. */
void mode_bench(const struct options *options, struct outcome *ret);

/* Adds up the summaries of several loads, from files. */
void mode_merge(const struct options *options, struct outcome *ret);

#endif
