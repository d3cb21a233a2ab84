/* SPDX-License-Identifier: MIT */
/*
 * The sockets that the server listens on, one per address.
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

enum { LISTEN_SET_NAME_BYTES = 256 }; /* systemd.socket(5): FileDescriptorName= has at most 255 */

/* Something to listen on: one endpoint. What it points to must stay while it is used. */
struct listen_spec {
    const struct config *config; /* for tcp and limits, and the file that errors name */
    const struct endpoint *endpoint;
    struct config_place place;       /* of the endpoint */
    const char *what;                /* the key, for errors */
    const char *name;                /* under which a service manager passes sockets; NULL = none */
    const struct listener *listener; /* NULL = the admin address */
    const struct address_list *addresses; /* of the endpoint's name, with any port; NULL =
                                             listen_set_open looks them up, and blocks */
};

struct listen_socket {
    struct reactor_source source;        /* its fd, -1 = closed, and its events */
    struct address configured;           /* as the configuration says, port 0 included */
    struct address address;              /* as bound, with its real port */
    dev_t device;                        /* of a Unix socket's file: only that one is removed */
    ino_t inode;                         /* 0 = no file to remove */
    bool datagrams;                      /* UDP */
    unsigned worker;                     /* that serves its datagrams, from 1; 0 = none yet */
    bool reused;                         /* it was open before this set */
    const struct listener *listener;     /* NULL = the admin address */
    unsigned slot;                       /* metrics_slot, for its connections */
    char fd_name[LISTEN_SET_NAME_BYTES]; /* of a socket that a service manager passed, its
                                            FileDescriptorName=; "" = the server opened it */
    void *owner;                         /* the acceptor or the admin */
};

struct listen_set {
    struct listen_socket *sockets; /* in the order of their specs */
    size_t count;
};

/* What a snapshot listens on: the listeners of streams, then those of datagrams, then the admin
 * address if there is one. The caller frees *ret. ERROR_SYSTEM (memory). */
int listen_set_specs(const struct config_snapshot *snapshot, struct listen_spec **ret,
                     size_t *ret_count, struct error *err);

/* Whether a service manager has passed a socket under the name of that spec. */
bool listen_set_is_inherited(const struct listen_set *existing, const struct listen_spec *spec);

/*
 * Opens all specs or none. `existing` (may be NULL) has the sockets that are open already: those of
 * the running configuration, or those that a service manager passed, which are called inherited.
 *
 * An inherited socket goes to the spec with its name, or else with its address, and that spec binds
 * nothing itself; an inherited socket without a spec is an error, since clients in its backlog
 * would wait forever. A host name binds all of its addresses; an address family that the host lacks
 * is skipped with a warning, unless none is left; port 0 is one free port for all of them.
 *
 * A socket that listens on the address of a spec is reused, not opened again, unless it is a Unix
 * socket whose file is gone. An address that overlaps that of an existing socket, as [::] overlaps
 * 127.0.0.1, is bound beside it. An existing socket that a new wildcard covers stays open, as
 * closing it would reset the connections in its backlog.
 *
 * Accepted sockets have the options that are set here, tcp(7); those of reused sockets stay as they
 * were until listen_set_update. ERROR_SYSTEM, ERROR_DNS, ERROR_INPUT (an address that is listed
 * twice).
 */
int listen_set_open(const struct listen_spec specs[], size_t count,
                    const struct listen_set *existing, struct listen_set *ret, struct error *err);

/* Gives the reused sockets the options and the backlog of the configuration of their listeners,
 * which the connections in their backlog have too. Last, when nothing can fail any more: a reload
 * that is refused changes nothing. */
void listen_set_update(const struct listen_set *listen_set, const struct config *config);

/* The sockets of `from`, all reused, for another snapshot `to` of the same configuration. The
 * caller passes `from` to listen_set_close, with *ret as `kept`. ERROR_SYSTEM (memory). */
int listen_set_copy(const struct listen_set *from, const struct config_snapshot *to,
                    struct listen_set *ret, struct error *err);

/* The sockets for listeners, of streams and of datagrams, and those for the admin address. Views:
 * not to be closed. */
struct listen_set listen_set_for_streams(const struct listen_set *listen_set);
struct listen_set listen_set_for_datagrams(const struct listen_set *listen_set);
struct listen_set listen_set_for_admin(const struct listen_set *listen_set);

/* Closes the sockets that are not in `kept` (may be NULL), and frees the set. */
void listen_set_close(struct listen_set *listen_set, const struct listen_set *kept);

/* Closes the sockets for listeners only. */
void listen_set_close_listeners(struct listen_set *listen_set);

#endif
