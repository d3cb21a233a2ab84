/* SPDX-License-Identifier: MIT */
/*
 * Connections that wait in the backlogs of listening sockets, as the kernel has them: for tests
 * that replace accept4(2) and close(2). Each is a pair of Unix sockets.
 *
 * Ownership: static.   Threads: one at a time.
 */
#ifndef TLSECHO_EXPLORED_BACKLOG_H
#define TLSECHO_EXPLORED_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { EXPLORED_BACKLOGS = 2, EXPLORED_CONNECTIONS = 3 };

struct explored_connection {
    enum { EXPLORED_NOT_YET, EXPLORED_WAITS, EXPLORED_ACCEPTED, EXPLORED_GONE } stage;
    unsigned backlog;
    int ours, theirs; /* -1 = closed */
};

struct explored_backlogs {
    struct explored_connection connections[EXPLORED_CONNECTIONS];
    int listening[EXPLORED_BACKLOGS]; /* readable while a connection waits; -1 = closed */
    bool aborts;                      /* the next one has gone: ECONNABORTED */
    const char *violation;            /* a rule that has been broken; NULL = none */
};

extern struct explored_backlogs explored;

/* Without connections. The listening sockets stay. */
void explored_backlogs_reset(void);

void explored_backlogs_open(unsigned backlog);

/* What waits there is reset. */
void explored_backlogs_close(unsigned backlog);

bool explored_backlogs_can_connect(void);
void explored_backlogs_connect(unsigned backlog);
bool explored_backlogs_has_waiting(unsigned backlog);

/* This end is closed. */
void explored_backlogs_leave(struct explored_connection *connection);

/* How many have been accepted. */
unsigned explored_backlogs_accepted(void);

/* The replacements. */
int explored_backlogs_accept(int fd, struct sockaddr *address, socklen_t *length);
int explored_backlogs_close_fd(int fd);

uint64_t explored_backlogs_state(void);

#endif
