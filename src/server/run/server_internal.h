/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the server share: server.c (serving), server_start.c, server_signals.c,
 * server_reload.c, server_stop.c.
 *
 * Ownership: server_run's.   Threads: the main one.
 */
#ifndef TLSECHO_SERVER_INTERNAL_H
#define TLSECHO_SERVER_INTERNAL_H

#include "datagrams.h"
#include "lookups.h"
#include "reload_status.h"
#include "service_manager.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/server/acceptor.h"
#include "tlsecho/server/admin.h"
#include "tlsecho/server/listen_set.h"
#include "tlsecho/server/metrics.h"
#include "tlsecho/server/server.h"
#include "tlsecho/server/worker.h"

enum reload_kind { RELOAD_FILES, RELOAD_CONFIGURATION };

/* A reload that waits for look-ups, or for a retry. */
struct reload {
    const struct config_snapshot *next; /* NULL = no look-up is under way */
    struct listen_spec *specs;
    size_t spec_count;
    struct lookups *lookups;
    enum reload_kind again; /* what to retry */
    uint64_t again_us;      /* when to retry; UINT64_MAX = no retry */
    uint64_t delay_us; /* before the next retry, doubled each time; 0 = the last one succeeded */
};

struct server {
    const struct config_snapshot *snapshot; /* in force */
    struct config *started; /* with which it has started: some keys need a restart */
    uint64_t loaded_stamp,
        seen_stamp;          /* config_stamp of its files: when loaded, and at the last check */
    struct reactor *reactor; /* the main thread's */
    struct reactor_source signals;
    unsigned stop_signals; /* number of TERM and INT so far */
    int stop_signal;       /* the last of them */
    bool reload_wanted;    /* HUP */
    uint64_t look_us;      /* next check of the files */
    uint64_t daily_us;     /* next warnings about what expires */
    uint64_t renewal_us;   /* next check of self-signed certificates */
    struct service_manager manager;
    struct reload_status reload_status;
    struct listen_set listen_set; /* of listeners and the admin address */
    struct reload reload;
    bool given_up; /* privileges were dropped that a file or a port may need */
    struct worker_group *worker_group;
    struct worker **workers;
    unsigned worker_count;
    struct acceptor *acceptor;
    struct datagrams datagrams;
    struct metrics metrics;
    struct admission *admission;
    uint64_t descriptors; /* limit of them */
    unsigned cpus;        /* usable at once */
    struct admin *admin;
};

/* Binds, gives up privileges and starts the threads. After a failure server_stop is still due.
 * Errors: as server_run. */
int server_start(struct server *s, const char *state_directory, struct error *err);

/* Makes signals events of the main thread's loop. ERROR_SYSTEM. */
int server_open_signals(struct server *s, struct error *err);

/* "SIGTERM" or "SIGINT". */
const char *server_signal_name(int number);

/* Sets the snapshot whose listeners the metrics count, and the slot of each socket. */
void server_adopt_metrics(struct server *s, const struct config_snapshot *snapshot,
                          struct listen_set *listen_set);

/* Logs what is in force: certificates, addresses, and warnings. */
void server_announce(const struct server *s);

/*
 * All or nothing; the result is logged. _configuration reads the configuration too: its names are
 * looked up without blocking this thread, and an earlier reload that still waits is abandoned.
 * _files reads only the files that it names, without look-ups or binding. After a temporary error a
 * reload is retried.
 */
void server_reload_configuration(struct server *s, const char *reason);
void server_reload_files(struct server *s, const char *reason);

/* After each turn: finishes a reload whose look-ups are done, and retries what is due. */
void server_reload_continue(struct server *s);

/* When to call it at the latest; UINT64_MAX = after the next turn. */
uint64_t server_reload_due_us(const struct server *s);

bool server_reload_is_under_way(const struct server *s);

/* The server is stopping: refuses a reload that waits for look-ups, and one that HUP asks for. */
void server_reload_refuse_stopping(struct server *s);

/* Abandons a reload that waits for look-ups. */
void server_reload_abandon(struct server *s);

/* One turn of the main thread: waits until due_us, a signal, or the watchdog is due. */
void server_turn(struct server *s, uint64_t due_us);

/* Stops accepting, drains if a signal asked to stop, and frees all but the snapshot. why: the error
 * at the start, or NULL. */
void server_stop(struct server *s, const char *why);

#endif
