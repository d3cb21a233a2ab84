/* SPDX-License-Identifier: MIT */
/*
 * The sockets that the listeners listen on: one per address, opened once.
 *
 * Ownership: owns its sockets; a Unix socket's file is removed with them.   Threads: one at a time.
 */
#ifndef TLSECHO_LISTENING_H
#define TLSECHO_LISTENING_H

#include <stddef.h>
#include <sys/types.h>

#include "tlsecho/reactor.h"
#include "tlsecho/settings.h"
#include "tlsecho/socket.h"

enum { LISTENING_NAME_BYTES = 256 }; /* systemd.socket(5): FileDescriptorName= has at most 255 */

struct listening_socket {
    struct reactor_source source; /* its fd, and the acceptor's interest in it */
    struct address wanted;        /* as the configuration says, port 0 included */
    struct address address;       /* as bound, with its real port */
    ino_t inode;                  /* of a Unix socket's file: only that one is removed */
    bool adopted;                 /* it was open before these settings */
    const struct listener *listener;
    char inherited[LISTENING_NAME_BYTES]; /* its name by who opened it for us; "" = we did */
    void *owner;                          /* the acceptor's */
};

struct listening {
    struct listening_socket *sockets;
    size_t count;
};

/*
 * Opens every listener of the settings or none. What is held and inherited goes to the listener of
 * its name, else to that of its address, which then binds nothing itself; one that none is there
 * for is an error: whoever connects to it would wait for ever. Another name binds all its
 * addresses; a family that the host lacks is skipped with a warning in the log unless none is left;
 * port 0 is one free port for all of them. An address that `held` (may be NULL) listens on is
 * adopted, never opened again. Accepted sockets inherit TCP_NODELAY and keepalive from here,
 * tcp(7). ERROR_SYSTEM, ERROR_DNS, ERROR_INPUT (an address that is listed twice).
 */
int listening_open(const struct settings *settings, const struct listening *held,
                   struct listening *ret, struct error *err);

/* The same sockets for other settings of the same configuration. */
void listening_relink(struct listening *listening, const struct settings *from,
                      const struct settings *to);

/* Closes what `kept` (may be NULL) has not adopted, and forgets the rest. */
void listening_close(struct listening *listening, const struct listening *kept);

#endif
