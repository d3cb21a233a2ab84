/* SPDX-License-Identifier: MIT */
/*
 * The running server: from bound sockets to the last connection's end.   Threads: the main one.
 */
#ifndef TLSECHO_SERVER_H
#define TLSECHO_SERVER_H

#include "tlsecho/base/error.h"
#include "tlsecho/server/config_snapshot.h"

/*
 * Takes over a draft. Binds, drops privileges, builds the snapshot again, with self-signed
 * certificates in state_directory (NULL = in memory), and serves until
 * SIGTERM or SIGINT, then drains: connections may finish until timeouts.drain has passed; a second
 * signal ends them at once. SIGHUP reads the configuration again, a change of a file that it names
 * (unless `watch` is off) the files: all or nothing. SIGUSR1 logs the counters, SIGUSR2 a line for
 * each live connection. The log must be open; it is started. 0 = stopped by a signal.
 * ERROR_SYSTEM, ERROR_DNS: refused by the system; ERROR_INPUT: wrong in the configuration.
 */
int server_run(const struct config_snapshot *draft, const char *state_directory, struct error *err);

/*
 * To be called first, signal(7): from now on HUP, USR1 and USR2 are pending until server_run, and
 * TERM and INT end the process with status 0, whatever mask and dispositions were inherited.
 */
void server_hold_signals(void);

/*
 * Restores the default dispositions. As process 1 of a PID namespace TERM and INT end the process
 * with status 128 + their number instead: pid_namespaces(7), the kernel drops them by default.
 */
void server_release_signals(void);

#endif
