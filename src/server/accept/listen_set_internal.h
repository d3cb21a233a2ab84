/* SPDX-License-Identifier: MIT */
/* Shared by listen_set.c and listen_set_open.c.   Threads: as listen_set.h. */
#ifndef TLSECHO_LISTEN_SET_INTERNAL_H
#define TLSECHO_LISTEN_SET_INTERNAL_H

#include "tlsecho/server/listen_set.h"

/* Whether the path of a Unix socket still names this socket. */
bool listen_set_has_file(const struct listen_socket *socket);

/* Records which file that is. */
void listen_set_note_file(struct listen_socket *socket);

/* Closes it, and removes its file if it is still its own. */
void listen_set_close_socket(struct listen_socket *socket);

bool listen_set_has(const struct listen_set *listen_set, int fd);

/* The socket options, on the listening socket: accepted ones inherit them. ERROR_SYSTEM. */
int listen_set_apply_options(const struct listen_spec *spec, int fd, struct error *err);

#endif
