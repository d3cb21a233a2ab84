/* SPDX-License-Identifier: MIT */
#include "tlsecho/listening.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tlsecho/log.h"

enum { FREE_PORT_TRIES = 16 };

/* The addresses of one listener while they are being opened. */
struct opening {
    const struct settings *settings;
    const struct listener *listener;
    struct address addresses[SOCKET_ADDRESSES_MAX];
    size_t address_count;
    struct listening_socket sockets[SOCKET_ADDRESSES_MAX];
    size_t count;
};

static void close_sockets(struct opening *o)
{
    for (size_t i = 0; i < o->count; i++)
        close(o->sockets[i].source.fd);
    o->count = 0;
}

static int set_options(const struct config *config, int fd, struct error *err)
{
    struct socket_keepalive keepalive = {
        .idle_s = (unsigned)(config->tcp.keepalive.idle_ms / 1000),
        .interval_s = (unsigned)(config->tcp.keepalive.interval_ms / 1000),
        .probes = (unsigned)config->tcp.keepalive.probes,
    };
    if (config->tcp.nodelay && socket_set_nodelay(fd, err) < 0)
        return -1;
    return socket_set_keepalive(fd, &keepalive, err);
}

static int open_one(struct opening *o, struct address *address, struct error *err)
{
    int fd;
    if (socket_listen(address, (int)o->settings->config->tcp.backlog, &fd, err) < 0)
        return -1;
    o->sockets[o->count++] = (struct listening_socket){
        .source = {.fd = fd}, .address = *address, .listener = o->listener};
    return set_options(o->settings->config, fd, err);
}

static bool is_missing_family(const struct error *err)
{
    return err->kind == ERROR_SYSTEM && (err->code == EAFNOSUPPORT || err->code == EADDRNOTAVAIL);
}

/* Binds all addresses to one port: a free one that the first of them is given, if it is 0. */
static int open_addresses(struct opening *o, struct error *err)
{
    uint16_t port = o->listener->config->listen.port;
    for (size_t i = 0; i < o->address_count; i++) {
        struct address address = o->addresses[i];
        if (port != 0)
            address_set_port(&address, port);
        if (open_one(o, &address, err) == 0) {
            port = address_port(&address);
            continue;
        }
        if (!is_missing_family(err) || o->address_count == 1)
            return -1;
        log_reason(LOG_LEVEL_WARNING, "address_skipped", err->text);
    }
    return o->count > 0 ? 0 : -1;
}

/* The port that was free for the first address may be taken for the next one: then another. */
static int open_listener(struct opening *o, struct error *err)
{
    const struct endpoint *listen = &o->listener->config->listen;
    if (address_resolve(listen, AF_UNSPEC, true, o->addresses, &o->address_count, err) < 0)
        return -1;
    for (int try = 1;; try++) {
        if (open_addresses(o, err) == 0)
            return 0;
        close_sockets(o);
        bool taken = err->kind == ERROR_SYSTEM && err->code == EADDRINUSE;
        if (!taken || listen->port != 0 || try == FREE_PORT_TRIES)
            return -1;
    }
}

static int append(struct listening *all, struct opening *o, struct error *err)
{
    struct listening_socket *sockets =
        realloc(all->sockets, (all->count + o->count) * sizeof *sockets);
    if (!sockets) {
        close_sockets(o);
        return error_sys(err, "open the listeners");
    }
    for (size_t i = 0; i < o->count; i++)
        sockets[all->count++] = o->sockets[i];
    all->sockets = sockets;
    return 0;
}

/* The same address by another name would only show as "in use", by ourselves. */
static const struct listening_socket *find_clash(const struct listening *all,
                                                 const struct opening *o)
{
    for (size_t i = 0; i < all->count; i++)
        for (size_t j = 0; j < o->address_count; j++) {
            struct address wanted = o->addresses[j];
            if (o->listener->config->listen.port != 0)
                address_set_port(&wanted, o->listener->config->listen.port);
            if (address_equal(&all->sockets[i].address, &wanted))
                return &all->sockets[i];
        }
    return NULL;
}

static int open_and_append(struct listening *all, struct opening *o, struct error *err)
{
    if (open_listener(o, err) == 0)
        return append(all, o, err);
    const struct listening_socket *clash = find_clash(all, o);
    if (!clash)
        return -1;
    char text[ADDRESS_TEXT_BYTES];
    address_text(&clash->address, text);
    return config_refuse(o->settings->config, o->listener->config->place, err,
                         "listen: %s is listed twice: listener %s has it already", text,
                         clash->listener->config->name.value);
}

int listening_open(const struct settings *settings, struct listening *ret, struct error *err)
{
    struct listening all = {.count = 0};
    for (size_t i = 0; i < settings->config->listener_count; i++) {
        struct opening o = {.settings = settings, .listener = &settings->listeners[i]};
        if (open_and_append(&all, &o, err) < 0) {
            listening_close(&all);
            return -1;
        }
    }
    *ret = all;
    return 0;
}

void listening_close(struct listening *listening)
{
    for (size_t i = 0; i < listening->count; i++) {
        struct listening_socket *socket = &listening->sockets[i];
        close(socket->source.fd);
        if (socket->address.any.sa_family == AF_UNIX)
            unlink(socket->address.local.sun_path);
    }
    free(listening->sockets);
    *listening = (struct listening){.count = 0};
}
