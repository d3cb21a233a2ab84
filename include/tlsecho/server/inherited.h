/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets that a service manager opened for us: LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES, sd_listen_fds(3), without its library.
 *
 * Threads: the main one, before the others.
 */
#ifndef TLSECHO_INHERITED_H
#define TLSECHO_INHERITED_H

#include "tlsecho/server/listen_set.h"

/*
 * All of them, non-blocking and close-on-exec from now on; none if they are meant for another
 * process. listening_open gives them to their listeners. The environment forgets them. ERROR_SYSTEM
 * names the descriptor that is no stream socket that listens.
 */
int inherited_take(struct listen_set *ret, struct error *err);

#endif
