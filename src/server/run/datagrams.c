/* SPDX-License-Identifier: MIT */
#include "datagrams.h"

#include <stdlib.h>

int datagrams_init(struct datagrams *datagrams, struct error *err)
{
    datagrams->servers = calloc(datagrams->worker_count, sizeof(struct datagram_server *));
    if (!datagrams->servers)
        return error_sys(err, "serve datagrams");
    return stamp_sessions_new(&datagrams->stamp, err);
}

void datagrams_done(struct datagrams *datagrams)
{
    for (unsigned i = 0; datagrams->servers && i < datagrams->worker_count; i++)
        datagram_server_free(datagrams->servers[i]);
    free(datagrams->servers);
    stamp_sessions_free(datagrams->stamp);
}

static unsigned count_of(const struct listen_set *sockets, unsigned worker)
{
    unsigned count = 0;
    for (size_t i = 0; i < sockets->count; i++)
        count += sockets->sockets[i].worker == worker + 1;
    return count;
}

/* New sockets go to the workers with the fewest. */
static void assign(const struct datagrams *d, struct listen_set *sockets)
{
    for (size_t i = 0; i < sockets->count; i++) {
        unsigned best = 0;
        for (unsigned w = 1; sockets->sockets[i].worker == 0 && w < d->worker_count; w++)
            if (count_of(sockets, w) < count_of(sockets, best))
                best = w;
        if (sockets->sockets[i].worker == 0)
            sockets->sockets[i].worker = best + 1;
    }
}

/* The sockets of one worker, by kind. */
struct bindings {
    struct datagram_binding *udp, *dtls;
    size_t udp_count, dtls_count;
};

static void bind_worker(const struct listen_set *sockets, unsigned worker, struct bindings *ret)
{
    for (size_t i = 0; i < sockets->count; i++) {
        const struct listen_socket *socket = &sockets->sockets[i];
        bool dtls = socket->listener->config->listen.scheme == ENDPOINT_DTLS;
        if (socket->worker == worker + 1)
            *(dtls ? &ret->dtls[ret->dtls_count++] : &ret->udp[ret->udp_count++]) =
                (struct datagram_binding){.fd = socket->source.fd,
                                          .listener = socket->listener,
                                          .port = address_port(&socket->address)};
    }
}

static int make_server(struct datagrams *d, unsigned worker, struct error *err)
{
    struct datagram_place place = worker_datagram_place(d->workers[worker]);
    place.admission = d->admission;
    place.stamp = d->stamp;
    return d->servers[worker] ? 0 : datagram_server_new(&place, &d->servers[worker], err);
}

static int prepare_worker(struct datagrams *d, const struct listen_set *sockets, unsigned worker,
                          struct worker_datagrams *ret, struct error *err)
{
    size_t count = sockets->count;
    struct bindings b = {.udp = calloc(count + 1, sizeof *b.udp),
                         .dtls = calloc(count + 1, sizeof *b.dtls)};
    uint16_t *ports = calloc(count + 1, sizeof *ports);
    int result = b.udp && b.dtls && ports ? 0 : error_sys(err, "serve datagrams");
    for (size_t i = 0; result == 0 && i < count; i++)
        ports[i] = address_port(&sockets->sockets[i].address);
    if (result == 0)
        bind_worker(sockets, worker, &b);
    if (result == 0 && b.udp_count > 0)
        result = make_server(d, worker, err);
    if (result == 0 && b.udp_count > 0)
        result = datagram_set_new(b.udp, b.udp_count, ports, count, &ret->set, err);
    if (result == 0 && b.dtls_count > 0)
        result = dtls_set_new(b.dtls, b.dtls_count, ports, count, &ret->dtls, err);
    free(b.udp);
    free(b.dtls);
    free(ports);
    return result;
}

static void free_plan(const struct datagrams *d, struct datagrams_plan *plan)
{
    for (unsigned i = 0; plan->workers && i < d->worker_count; i++) {
        datagram_set_free(plan->workers[i].set);
        dtls_set_free(plan->workers[i].dtls);
    }
    free(plan->workers);
}

int datagrams_prepare(struct datagrams *datagrams, struct listen_set *listen_set,
                      struct datagrams_plan *ret, struct error *err)
{
    struct listen_set sockets = listen_set_for_datagrams(listen_set);
    struct datagrams_plan plan = {.workers = calloc(datagrams->worker_count, sizeof *plan.workers)};
    if (!plan.workers)
        return error_sys(err, "serve datagrams");
    assign(datagrams, &sockets);
    for (unsigned i = 0; i < datagrams->worker_count; i++)
        if (prepare_worker(datagrams, &sockets, i, &plan.workers[i], err) < 0) {
            free_plan(datagrams, &plan);
            return -1;
        }
    *ret = plan;
    return 0;
}

static void set_slot(const struct listen_socket *socket, const struct worker_datagrams *next)
{
    if (socket->listener->config->listen.scheme == ENDPOINT_DTLS)
        dtls_set_count(next->dtls, socket->source.fd, socket->slot);
    else
        datagram_set_count(next->set, socket->source.fd, socket->slot);
}

void datagrams_serve(struct datagrams *datagrams, const struct listen_set *listen_set,
                     struct datagrams_plan *plan)
{
    struct listen_set sockets = listen_set_for_datagrams(listen_set);
    for (size_t i = 0; i < sockets.count; i++)
        set_slot(&sockets.sockets[i], &plan->workers[sockets.sockets[i].worker - 1]);
    bool any = sockets.count > 0 || datagrams->serving;
    for (unsigned i = 0; any && i < datagrams->worker_count; i++) {
        plan->workers[i].server = datagrams->servers[i];
        worker_serve_datagrams(datagrams->workers[i], &plan->workers[i]);
    }
    datagrams->serving = sockets.count > 0;
    free(plan->workers);
}

void datagrams_stop(struct datagrams *datagrams)
{
    for (unsigned i = 0; datagrams->serving && i < datagrams->worker_count; i++) {
        struct worker_datagrams none = {.server = datagrams->servers[i], .keep_dtls = true};
        worker_serve_datagrams(datagrams->workers[i], &none);
    }
}
