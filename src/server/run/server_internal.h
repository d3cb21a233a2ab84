/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the server share: server.c (serving), server_start.c, server_signals.c,
 * server_reload.c, server_stop.c.
 *
 * Ownership: server_run's.   Threads: the main one.
 */
#ifndef TLSECHO_SERVER_INTERNAL_H
#define TLSECHO_SERVER_INTERNAL_H

#include "lookups.h"
#include "outcome.h"
#include "service_manager.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/server/acceptor.h"
#include "tlsecho/server/admin.h"
#include "tlsecho/server/listen_set.h"
#include "tlsecho/server/metrics.h"
#include "tlsecho/server/server.h"
#include "tlsecho/server/worker.h"

enum reload_kind { RELOAD_FILES, RELOAD_CONFIGURATION };

/* One that waits: for name look-ups, or to be tried again. */
struct reload {
    const struct config_snapshot *next; /* NULL = no look-up is under way */
    struct listen_spec *specs;
    size_t spec_count;
    struct lookups *lookups;
    enum reload_kind again; /* what is to be tried again */
    uint64_t again_us;      /* and when; UINT64_MAX = nothing */
    uint64_t delay_us; /* that grows from one attempt to the next; 0 = the last one succeeded */
};

struct server {
    const struct config_snapshot *snapshot; /* in force */
    uint64_t loaded_stamp, seen_stamp;      /* of their files: when read, and when looked at last */
    struct reactor *reactor; /* the main thread's: signals, and the ends of workers */
    struct reactor_source signals;
    unsigned stop_signals; /* TERM and INT received so far */
    bool reload_wanted;    /* HUP */
    uint64_t look_us;      /* when to look at the files again */
    uint64_t daily_us;     /* when to warn again of what runs out */
    uint64_t renewal_us;   /* when to look again whether a certificate of ours must be renewed */
    struct service_manager manager;
    struct outcome outcome;
    struct listen_set listen_set; /* for listeners and for the admin address */
    struct reload reload;
    bool given_up; /* privileges that opening a file or a port may need */
    struct worker_group *worker_group;
    struct worker **workers;
    unsigned worker_count;
    struct acceptor *acceptor;
    struct metrics metrics;
    struct admission *admission;
    uint64_t descriptors; /* that there may be */
    unsigned cpus;        /* that may be used at once */
    struct admin *admin;
};

/* Binds, gives up privileges and starts the threads. After a failure server_stop is still due.
 * Errors: as server_run. */
int server_start(struct server *s, const char *state_directory, struct error *err);

/* The signals that are for us become events of the main thread's loop. ERROR_SYSTEM. */
int server_open_signals(struct server *s, struct error *err);

/* The snapshot's listeners are the ones that count from now on, and each of its sockets knows its
 * listener's slot. */
void server_adopt_metrics(struct server *s, const struct config_snapshot *snapshot,
                          struct listen_set *listen_set);

/* Logs what is in force: certificates, addresses, and what may run out. */
void server_announce(const struct server *s);

/*
 * All or nothing, and the log says which. The configuration too: its names are looked up while this
 * thread goes on, and an earlier reload that still waits for its own is abandoned. Or only the
 * files that it names, for which nothing is looked up or bound. What is refused for a reason that
 * may pass is tried again.
 */
void server_reload_configuration(struct server *s, const char *reason);
void server_reload_files(struct server *s, const char *reason);

/* After each turn: ends a reload whose look-ups are done, and tries again what is due. */
void server_reload_continue(struct server *s);

/* When it is to be called at the latest; UINT64_MAX = after the next turn. */
uint64_t server_reload_due_us(const struct server *s);

bool server_reload_is_under_way(const struct server *s);

/* A reload that waits for look-ups is given up. */
void server_reload_abandon(struct server *s);

/* One turn of the main thread: waits until due_us, a signal, or the watchdog is due. */
void server_turn(struct server *s, uint64_t due_us);

/* Accepts nobody any more, drains if it was asked to stop, and gives back all but the settings.
 * why: what kept it from serving, or NULL. */
void server_stop(struct server *s, const char *why);

#endif
