/* SPDX-License-Identifier: MIT */
/* What listen_set.c and listening_open.c share.   Threads: as listen_set.h. */
#ifndef TLSECHO_LISTEN_SET_INTERNAL_H
#define TLSECHO_LISTEN_SET_INTERNAL_H

#include "tlsecho/server/listen_set.h"

/* Whether the file of a Unix socket is still that socket's. */
bool listen_set_has_file(const struct listen_socket *socket);

/* Notes which file it is. */
void listen_set_note_file(struct listen_socket *socket);

/* Closes it, and removes the file that is still its own. */
void listen_set_close_socket(struct listen_socket *socket);

bool listen_set_has(const struct listen_set *listen_set, int fd);

/* The options that accepted sockets inherit, and the backlog. ERROR_SYSTEM. */
int listen_set_set_options(const struct listen_spec *spec, int fd, struct error *err);

#endif
