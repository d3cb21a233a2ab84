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

static int prepare_worker(struct datagrams *d, const struct listen_set *sockets, unsigned worker,
                          struct datagram_set **ret, struct error *err)
{
    size_t count = 0;
    struct datagram_binding *bindings = calloc(sockets->count + 1, sizeof *bindings);
    uint16_t *ports = calloc(sockets->count + 1, sizeof *ports);
    for (size_t i = 0; bindings && ports && i < sockets->count; i++) {
        const struct listen_socket *socket = &sockets->sockets[i];
        ports[i] = address_port(&socket->address);
        if (socket->worker == worker + 1)
            bindings[count++] = (struct datagram_binding){
                .fd = socket->source.fd, .listener = socket->listener, .port = ports[i]};
    }
    struct datagram_place place = worker_datagram_place(d->workers[worker]);
    place.admission = d->admission;
    place.stamp = d->stamp;
    int result = bindings && ports ? 0 : error_sys(err, "serve datagrams");
    if (result == 0 && count > 0 && !d->servers[worker])
        result = datagram_server_new(&place, &d->servers[worker], err);
    if (result == 0 && count > 0)
        result = datagram_set_new(bindings, count, ports, sockets->count, ret, err);
    free(bindings);
    free(ports);
    return result;
}

static void free_plan(const struct datagrams *d, struct datagrams_plan *plan)
{
    for (unsigned i = 0; plan->sets && i < d->worker_count; i++)
        datagram_set_free(plan->sets[i]);
    free(plan->sets);
}

int datagrams_prepare(struct datagrams *datagrams, struct listen_set *listen_set,
                      struct datagrams_plan *ret, struct error *err)
{
    struct listen_set sockets = listen_set_for_datagrams(listen_set);
    struct datagrams_plan plan = {
        .sets = calloc(datagrams->worker_count, sizeof(struct datagram_set *))};
    if (!plan.sets)
        return error_sys(err, "serve datagrams");
    assign(datagrams, &sockets);
    for (unsigned i = 0; i < datagrams->worker_count; i++)
        if (prepare_worker(datagrams, &sockets, i, &plan.sets[i], err) < 0) {
            free_plan(datagrams, &plan);
            return -1;
        }
    *ret = plan;
    return 0;
}

void datagrams_serve(struct datagrams *datagrams, const struct listen_set *listen_set,
                     struct datagrams_plan *plan)
{
    struct listen_set sockets = listen_set_for_datagrams(listen_set);
    for (size_t i = 0; i < sockets.count; i++)
        datagram_set_count(plan->sets[sockets.sockets[i].worker - 1], sockets.sockets[i].source.fd,
                           sockets.sockets[i].slot);
    for (unsigned i = 0; i < datagrams->worker_count; i++)
        if (datagrams->servers[i])
            worker_serve_datagrams(datagrams->workers[i], datagrams->servers[i], plan->sets[i]);
    free(plan->sets);
}

void datagrams_stop(struct datagrams *datagrams)
{
    for (unsigned i = 0; datagrams->servers && i < datagrams->worker_count; i++)
        if (datagrams->servers[i])
            worker_serve_datagrams(datagrams->workers[i], datagrams->servers[i], NULL);
}
