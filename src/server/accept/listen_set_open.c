/* SPDX-License-Identifier: MIT */
/* From specs to sockets: all of them or none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "listen_set_internal.h"
#include "tlsecho/base/log.h"
#include "tlsecho/net/socket.h"

enum { FREE_PORT_TRIES = 16 };

static void close_since(struct listen_opening *o, size_t first)
{
    while (o->all.count > first) {
        struct listen_socket *socket = &o->all.sockets[--o->all.count];
        if (!socket->reused)
            listen_set_close_socket(socket);
    }
}

/* Whether no spec has reused it yet. */
static bool is_free(const struct listen_opening *o, const struct listen_socket *existing)
{
    return existing->source.fd >= 0 && !listen_set_has(&o->all, existing->source.fd);
}

static bool is_same(const struct listen_socket *existing, const struct address *configured)
{
    if (configured->any.sa_family == AF_UNIX)
        return address_equal(&existing->address, configured) && listen_set_has_file(existing);
    return address_equal(&existing->configured, configured) ||
           address_equal(&existing->address, configured);
}

/* An existing socket for that address that no spec has reused yet. */
static const struct listen_socket *find_existing(const struct listen_opening *o,
                                                 const struct address *configured)
{
    for (size_t i = 0; o->existing && i < o->existing->count; i++) {
        const struct listen_socket *existing = &o->existing->sockets[i];
        if (existing->fd_name[0] == '\0' && listen_set_is_kind(existing, o->spec) &&
            is_free(o, existing) && is_same(existing, configured))
            return existing;
    }
    return NULL;
}

static struct listen_socket *add(struct listen_opening *o, const struct listen_socket *socket,
                                 struct error *err)
{
    struct listen_socket *sockets = reallocarray(o->all.sockets, o->all.count + 1, sizeof *sockets);
    if (!sockets) {
        error_sys(err, "memory for a listening socket");
        return NULL;
    }
    o->all.sockets = sockets;
    sockets[o->all.count] = *socket;
    return &sockets[o->all.count++];
}

int listen_set_reuse(struct listen_opening *o, const struct listen_socket *existing,
                     const struct address *configured, struct error *err)
{
    struct listen_socket socket = {
        .source.fd = existing->source.fd,
        .configured = *configured,
        .address = existing->address,
        .device = existing->device,
        .inode = existing->inode,
        .datagrams = existing->datagrams,
        .worker = existing->worker,
        .reused = true,
        .listener = o->spec->listener,
    };
    memcpy(socket.fd_name, existing->fd_name, sizeof socket.fd_name);
    return add(o, &socket, err) ? 0 : -1;
}

/* Lets the address be bound beside the existing sockets that overlap it, until finish_sharing.
 * False: there are none. */
static bool share_port(struct listen_opening *o, const struct address *address)
{
    bool found = false;
    for (size_t i = 0; o->existing && i < o->existing->count; i++) {
        const struct listen_socket *existing = &o->existing->sockets[i];
        if (existing->fd_name[0] != '\0' || !listen_set_is_kind(existing, o->spec) ||
            !is_free(o, existing) || !address_overlaps(&existing->address, address))
            continue;
        socket_share_port(existing->source.fd, true);
        found = o->shared = true;
    }
    return found;
}

static int listen_on(struct listen_opening *o, struct address *address, int *ret, struct error *err)
{
    struct socket_listening how = {
        .backlog = (int)o->spec->config->tcp.backlog,
        .datagrams = endpoint_has_datagrams(o->spec->endpoint->scheme),
        .freebind = o->spec->listener && o->spec->listener->config->freebind,
    };
    if (socket_listen(address, &how, ret, err) == 0)
        return 0;
    if (err->code != EADDRINUSE || address->any.sa_family == AF_UNIX)
        return -1;
    if (listen_set_check_unheld(o, address, err) < 0)
        return -1;
    if (!share_port(o, address))
        return -1;
    how.share_port = true;
    return socket_listen(address, &how, ret, err);
}

/* configured: with the port of the configuration; *address: with the port to bind. */
static int open_one(struct listen_opening *o, const struct address *configured,
                    struct address *address, struct error *err)
{
    const struct listen_socket *existing = find_existing(o, configured);
    if (existing) {
        *address = existing->address;
        return listen_set_reuse(o, existing, configured, err);
    }
    struct listen_socket *socket =
        add(o, &(struct listen_socket){.source.fd = -1, .listener = o->spec->listener}, err);
    if (!socket)
        return -1;
    if (listen_on(o, address, &socket->source.fd, err) < 0) {
        o->all.count--;
        return -1;
    }
    socket->datagrams = endpoint_has_datagrams(o->spec->endpoint->scheme);
    socket->configured = *configured;
    socket->address = *address;
    listen_set_note_file(socket);
    return listen_set_apply_options(socket, o->spec->config, err);
}

/* Existing sockets that a wildcard covers stay open, so that connections to them are not reset. */
static int reuse_covered(struct listen_opening *o, const struct address *all, struct error *err)
{
    for (size_t i = 0; o->existing && i < o->existing->count; i++) {
        const struct listen_socket *existing = &o->existing->sockets[i];
        if (existing->fd_name[0] == '\0' && listen_set_is_kind(existing, o->spec) &&
            is_free(o, existing) && address_overlaps(all, &existing->address) &&
            address_covers(all, &existing->address) &&
            listen_set_reuse(o, existing, &existing->address, err) < 0)
            return -1;
    }
    return 0;
}

static bool is_missing_family(const struct error *err)
{
    return err->kind == ERROR_SYSTEM && (err->code == EAFNOSUPPORT || err->code == EADDRNOTAVAIL);
}

/* Binds all addresses to one port. If it is 0, to the free one that the first address gets. */
static int open_addresses(struct listen_opening *o, struct error *err)
{
    uint16_t port = o->spec->endpoint->port;
    for (size_t i = 0; i < o->addresses.count; i++) {
        const struct address *configured = &o->addresses.items[i];
        struct address address = *configured;
        address_set_port(&address, port);
        if (open_one(o, configured, &address, err) == 0) {
            port = address_port(&address);
            if (reuse_covered(o, &address, err) < 0)
                return -1;
            continue;
        }
        if (!is_missing_family(err) || o->addresses.count == 1)
            return -1;
        log_reason(LOG_LEVEL_WARNING, "address_skipped", err->text);
    }
    return o->all.count > o->first ? 0 : -1;
}

/* The addresses of the spec's endpoint, with its port. */
static int find_addresses(struct listen_opening *o, struct error *err)
{
    const struct endpoint *endpoint = o->spec->endpoint;
    const struct address_list *known = o->spec->addresses;
    if (!known && address_resolve(endpoint, AF_UNSPEC, true, &o->addresses, err) < 0)
        return -1;
    if (known) {
        o->addresses.items = calloc(known->count + 1, sizeof *known->items);
        if (!o->addresses.items)
            return error_sys(err, "memory for addresses");
        memcpy(o->addresses.items, known->items, known->count * sizeof *known->items);
        o->addresses.count = known->count;
    }
    for (size_t i = 0; i < o->addresses.count; i++) {
        address_unmap(&o->addresses.items[i]);
        address_set_port(&o->addresses.items[i], endpoint->port);
    }
    return 0;
}

/* The port that was free for the first address may be in use for the next: try another one. */
static int open_port(struct listen_opening *o, struct error *err)
{
    for (int try = 1;; try++) {
        if (open_addresses(o, err) == 0)
            return 0;
        close_since(o, o->first);
        bool taken = err->kind == ERROR_SYSTEM && err->code == EADDRINUSE;
        if (!taken || o->spec->endpoint->port != 0 || try == FREE_PORT_TRIES)
            return -1;
    }
}

/* The error of the system or the resolver, with its place in the configuration. */
static int refuse(struct listen_opening *o, struct error *err)
{
    struct error cause = *err;
    close_since(o, o->first);
    config_refuse(o->spec->config, o->spec->place, err, "%s: %s", o->spec->what, cause.text);
    err->kind = cause.kind;
    err->code = cause.code;
    return -1;
}

/* A socket of an earlier spec that overlaps this one; NULL = none. */
static const struct listen_socket *find_clash(const struct listen_opening *o)
{
    for (size_t i = 0; i < o->first; i++)
        for (size_t j = 0; j < o->addresses.count; j++)
            if (listen_set_is_kind(&o->all.sockets[i], o->spec) &&
                address_overlaps(&o->all.sockets[i].address, &o->addresses.items[j]))
                return &o->all.sockets[i];
    return NULL;
}

static int refuse_clash(const struct listen_opening *o, const struct listen_socket *clash,
                        struct error *err)
{
    char configured[ENDPOINT_TEXT_BYTES], existing[ADDRESS_TEXT_BYTES];
    endpoint_text(o->spec->endpoint, configured);
    address_text(&clash->address, existing);
    return config_refuse(o->spec->config, o->spec->place, err,
                         "%s: %s is listed twice: listener %s already listens on %s", o->spec->what,
                         configured, clash->listener->config->name.value, existing);
}

static int open_spec(struct listen_opening *o, struct error *err)
{
    if (listen_set_reuse_inherited(o, err) < 0) /* by name: needs no addresses */
        return refuse(o, err);
    if (o->all.count > o->first)
        return 0;
    if (find_addresses(o, err) < 0 || listen_set_reuse_inherited(o, err) < 0) /* by address */
        return refuse(o, err);
    if (o->all.count > o->first)
        return 0;
    const struct listen_socket *clash = find_clash(o);
    if (clash)
        return refuse_clash(o, clash, err);
    return open_port(o, err) < 0 ? refuse(o, err) : 0;
}

static int open_all(struct listen_opening *o, struct error *err)
{
    for (size_t i = 0; i < o->spec_count; i++) {
        o->spec = &o->specs[i];
        o->first = o->all.count;
        int result = open_spec(o, err);
        address_list_free(&o->addresses);
        if (result < 0)
            return -1;
    }
    return listen_set_check_inherited(o, err);
}

/* No other socket can bind these ports from now on. */
static void finish_sharing(const struct listen_opening *o)
{
    for (size_t i = 0; i < o->all.count; i++)
        socket_share_port(o->all.sockets[i].source.fd, false);
    for (size_t i = 0; i < o->existing->count; i++)
        socket_share_port(o->existing->sockets[i].source.fd, false);
}

int listen_set_open(const struct listen_spec specs[], size_t count,
                    const struct listen_set *existing, struct listen_set *ret, struct error *err)
{
    struct listen_opening o = {.specs = specs, .spec_count = count, .existing = existing};
    int result = open_all(&o, err);
    if (result < 0)
        close_since(&o, 0);
    if (o.shared)
        finish_sharing(&o);
    if (result < 0) {
        free(o.all.sockets);
        return -1;
    }
    *ret = o.all;
    return 0;
}
