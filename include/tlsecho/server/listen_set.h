/* SPDX-License-Identifier: MIT */
/*
 * The sockets that the server listens on: one per address, opened once.
 *
 * Ownership: owns its sockets; a Unix socket's file is removed with them.   Threads: one at a time.
 */
#ifndef TLSECHO_LISTEN_SET_H
#define TLSECHO_LISTEN_SET_H

#include <stddef.h>
#include <sys/types.h>

#include "tlsecho/net/address.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/server/config_snapshot.h"

enum { LISTENING_NAME_BYTES = 256 }; /* systemd.socket(5): FileDescriptorName= has at most 255 */

/* Something to listen on: one endpoint. What it points to must stay while it is used. */
struct listen_spec {
    const struct config *config; /* its tcp and limits hold; errors name its file */
    const struct endpoint *endpoint;
    struct config_place place; /* of the endpoint */
    const char *what;          /* the key that names it */
    const char *name;          /* by which a service manager hands sockets over; NULL = none */
    const struct listener *listener;      /* that connections are for; NULL = the admin address */
    const struct address_list *addresses; /* of the endpoint's name, whatever their port; NULL =
                                             listening_open looks them up, and blocks */
};

struct listen_socket {
    struct reactor_source source;    /* its fd, -1 = closed; and the interest of whoever accepts */
    struct address wanted;           /* as the configuration says, port 0 included */
    struct address address;          /* as bound, with its real port */
    dev_t device;                    /* of a Unix socket's file: only that one is removed */
    ino_t inode;                     /* 0 = no file of ours */
    bool adopted;                    /* it was open before these settings */
    const struct listener *listener; /* NULL = the admin address */
    unsigned slot;                   /* its connections are counted in it: metrics_slot */
    char inherited[LISTENING_NAME_BYTES]; /* its name by who opened it for us; "" = we did */
    void *owner;                          /* whoever accepts */
};

struct listen_set {
    struct listen_socket *sockets; /* in the order of their specs */
    size_t count;
};

/* All that these settings listen on: every listener, then the admin address if they have one. The
 * caller frees *ret. ERROR_SYSTEM (memory). */
int listen_set_specs(const struct config_snapshot *snapshot, struct listen_spec **ret,
                     size_t *ret_count, struct error *err);

/* Whether a service manager has handed a socket over by the name of that spec. */
bool listen_set_is_inherited(const struct listen_set *held, const struct listen_spec *spec);

/*
 * Opens all specs or none. What is held and inherited goes to the spec of its name, else to that of
 * its address, which then binds nothing itself; one that none is there for is an error: whoever
 * connects to it would wait for ever. Another name binds all its addresses; a family that the host
 * lacks is skipped with a warning in the log unless none is left; port 0 is one free port for all
 * of them. An address that `held` (may be NULL) listens on is adopted, never opened again, unless
 * the file of a Unix socket is gone. An address that overlaps with one that is held, as [::] does
 * with 127.0.0.1, is bound beside it; and one that a wildcard covers stays open beside that for as
 * long as it does: closing it would reset connections that are being made. Accepted sockets inherit
 * TCP_NODELAY and keepalive from here, tcp(7). ERROR_SYSTEM, ERROR_DNS, ERROR_INPUT (an address
 * that is listed twice).
 */
int listen_set_open(const struct listen_spec specs[], size_t count, const struct listen_set *held,
                    struct listen_set *ret, struct error *err);

/* The sockets of `from`, all adopted, for other settings `to` of the same configuration. `from` is
 * for listening_close, with these as the kept ones. ERROR_SYSTEM (memory). */
int listen_set_copy(const struct listen_set *from, const struct config_snapshot *to,
                    struct listen_set *ret, struct error *err);

/* The part that is for listeners, and the part that is for the admin address. Neither is to be
 * closed: the sockets stay those of the whole. */
struct listen_set listen_set_for_listeners(const struct listen_set *listen_set);
struct listen_set listen_set_for_admin(const struct listen_set *listen_set);

/* Closes what `kept` (may be NULL) has not adopted, and forgets the rest. */
void listen_set_close(struct listen_set *listen_set, const struct listen_set *kept);

/* Closes those that are for listeners; the rest stays as it is. */
void listen_set_close_listeners(struct listen_set *listen_set);

#endif
