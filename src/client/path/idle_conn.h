/* SPDX-License-Identifier: MIT */
/*
 * A connection to an echo that is silent for some time, and what became of it.
 *
 * Ownership: it owns its session; the peer is the caller's and outlives it.   Threads: one.
 */
#ifndef TLSECHO_IDLE_CONN_H
#define TLSECHO_IDLE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "path_internal.h"

/* How long an echo may take at most, and how often a connection is tried that fails at random. */
enum { IDLE_ECHO_US = 5 * 1000 * 1000, IDLE_TRIES = 5 };

enum idle_fate {
    IDLE_SILENT,   /* it is still silent */
    IDLE_PROBED,   /* a line was sent, its echo is awaited */
    IDLE_ALIVE,    /* the echo came */
    IDLE_LOST,     /* the line was never acknowledged */
    IDLE_MUTE,     /* acknowledged, but no echo came */
    IDLE_RESET,    /* RST */
    IDLE_CUT,      /* FIN; over TLS without close_notify */
    IDLE_FINISHED, /* the server's own end: close_notify or an alert; over TCP a FIN may be it */
};

struct idle_conn {
    struct session session;
    enum idle_fate fate;
    bool told;            /* the end came by itself, before anything was sent */
    unsigned keepalive_s; /* of TCP; 0 = it has none */
    uint64_t planned_us;  /* how long it shall be silent */
    uint64_t last_us;     /* when the last byte came */
    uint64_t seen_us;     /* when it was last known to be there */
    uint64_t probed_us;
    uint64_t silence_us;            /* how long it was silent when it was probed, or ended */
    uint64_t took_us;               /* the echo */
    size_t sent, matched, received; /* of the line; all that came since it was sent */
    uint64_t patience_us;           /* how long an echo may take; 0 = IDLE_ECHO_US */
    unsigned want;
    bool failed; /* by an alert, or what is no TLS any more: */
    struct error error;
};

/* Connects and waits for the echo of a line, at most until deadline_us. *ret_echoes = false: what
 * is there is no echo, and c->fate says what it did. -1: p->phase and err say why. Call
 * idle_conn_close in any case. */
int idle_conn_open(struct idle_conn *c, struct path *p, struct path_peer *peer,
                   uint64_t deadline_us, bool *ret_echoes, struct error *err);
void idle_conn_close(struct idle_conn *c);

/*
 * As idle_conn_open, but what may be an accident of one connection (lost packets, an RST, an end)
 * is tried again, IDLE_TRIES times in all, each time for half of what is left. *err is the first
 * one. If a later one echoes, the path is unsteady.
 */
int idle_conn_open_again(struct idle_conn *c, struct path *p, struct path_peer *peer,
                         uint64_t deadline_us, bool *ret_echoes, struct error *err);

/* After so many seconds of silence, and then as often, TCP asks whether the peer is there. */
int idle_conn_keep_alive(struct idle_conn *c, unsigned idle_s, struct error *err);

/* Ends the silence. */
void idle_conn_probe(struct idle_conn *c);

/* After an echo: a new silence begins. */
void idle_conn_rest(struct idle_conn *c);

/* Does what can be done now. */
void idle_conn_step(struct idle_conn *c);

bool idle_conn_is_decided(const struct idle_conn *c);

/* It did not survive, and the server itself did not end it. */
bool idle_conn_is_gone(const struct idle_conn *c);

/* A FIN on plain TCP ended it: nobody can tell the server's from a proxy's. */
bool idle_conn_has_fin(const struct idle_conn *c);

/* When to call idle_conn_step though nothing has come; UINT64_MAX = never. */
uint64_t idle_conn_due_us(const struct idle_conn *c);

/* That of a run in which nothing echoes, of a fate that is decided. */
enum result idle_conn_result(const struct idle_conn *c);

/* "RST", "FIN without close_notify", ... */
const char *idle_conn_fate_text(const struct idle_conn *c);

#endif
