/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets that a service manager passes to the server: LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES, sd_listen_fds(3), without its library.
 *
 * Threads: the main one, before the others.
 */
#ifndef TLSECHO_INHERITED_H
#define TLSECHO_INHERITED_H

#include "tlsecho/server/listen_set.h"

/*
 * All of them, set to non-blocking and close-on-exec; none if they are meant for another process.
 * listen_set_open assigns them to listeners. Unsets the variables. ERROR_SYSTEM names the
 * descriptor that is neither a listening stream socket nor a UDP one.
 */
int inherited_take(struct listen_set *ret, struct error *err);

#endif
