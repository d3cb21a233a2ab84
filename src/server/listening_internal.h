/* SPDX-License-Identifier: MIT */
/* What listening.c and listening_open.c share.   Threads: as listening.h. */
#ifndef TLSECHO_LISTENING_INTERNAL_H
#define TLSECHO_LISTENING_INTERNAL_H

#include "tlsecho/listening.h"

/* Whether the file of a Unix socket is still that socket's. */
bool listening_has_file(const struct listening_socket *socket);

/* Notes which file it is. */
void listening_note_file(struct listening_socket *socket);

/* Closes it, and removes the file that is still its own. */
void listening_close_socket(struct listening_socket *socket);

bool listening_has(const struct listening *listening, int fd);

/* The options that accepted sockets inherit, and the backlog. ERROR_SYSTEM. */
int listening_set_options(const struct listen_spec *spec, int fd, struct error *err);

#endif
