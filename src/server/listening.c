/* SPDX-License-Identifier: MIT */
#include "tlsecho/listening.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tlsecho/log.h"

enum { FREE_PORT_TRIES = 16 };

/* The addresses of one listener while they are being opened. */
struct opening {
    struct listening *all; /* opened so far, by other listeners */
    const struct settings *settings;
    const struct listener *listener;
    const struct listening *held; /* by the settings before these, or inherited; may be NULL */
    struct address_list addresses;
    struct listening_socket *sockets;
    size_t count;
};

/* 0 = it is no Unix socket, or its file is gone. */
static ino_t inode_of(const struct address *address)
{
    struct stat file;
    bool there = address->any.sa_family == AF_UNIX && lstat(address->local.sun_path, &file) == 0;
    return there ? file.st_ino : 0;
}

/* Somebody else may have put a socket of his own in the place of ours. */
static void close_socket(const struct listening_socket *socket)
{
    close(socket->source.fd);
    if (socket->inode != 0 && inode_of(&socket->address) == socket->inode)
        unlink(socket->address.local.sun_path);
}

/* Those that are held stay open. */
static void close_sockets(struct opening *o)
{
    for (size_t i = 0; i < o->count; i++)
        if (!o->sockets[i].adopted)
            close_socket(&o->sockets[i]);
    o->count = 0;
}

/*
 * What the kernel may hold follows what we may. Only who is answered byte for byte can leave us
 * with input that we do not read: with the other services the kernel's own measure is the best.
 */
static int set_buffers(const struct listener *listener, int fd, struct error *err)
{
    enum { UNSENT = 2, RECEIVE = 4 }; /* times limits.buffer: docs/adr/0007-kernel-buffers.md */
    size_t buffer = (size_t)listener->settings->config->limits.buffer_bytes;
    return socket_set_buffers(fd, UNSENT * buffer, listener->service->answer ? RECEIVE * buffer : 0,
                              err);
}

static int set_options(const struct listener *listener, int fd, struct error *err)
{
    const struct config *config = listener->settings->config;
    struct socket_keepalive keepalive = {
        .idle_s = (unsigned)(config->tcp.keepalive.idle_ms / 1000),
        .interval_s = (unsigned)(config->tcp.keepalive.interval_ms / 1000),
        .probes = (unsigned)config->tcp.keepalive.probes,
    };
    if (socket_set_nodelay(fd, config->tcp.nodelay, err) < 0 ||
        socket_set_urgent_inline(fd, err) < 0 || set_buffers(listener, fd, err) < 0)
        return -1;
    return socket_set_keepalive(fd, &keepalive, err);
}

/* A socket for that address that is held, and not adopted by these settings yet. */
static const struct listening_socket *find_held(const struct opening *o,
                                                const struct address *wanted)
{
    for (size_t i = 0; o->held && i < o->held->count; i++) {
        const struct listening_socket *held = &o->held->sockets[i];
        bool taken = held->inherited[0] != '\0';
        for (size_t j = 0; j < o->all->count; j++)
            taken = taken || o->all->sockets[j].source.fd == held->source.fd;
        if (!taken && address_equal(&held->wanted, wanted))
            return held;
    }
    return NULL;
}

/* Room for one more than there are. */
static int make_room(struct opening *o, struct error *err)
{
    struct listening_socket *sockets = realloc(o->sockets, (o->count + 1) * sizeof *sockets);
    if (!sockets)
        return error_sys(err, "memory for a listening socket");
    o->sockets = sockets;
    return 0;
}

/* Its descriptor and all that belongs to it; what the acceptor does with it is not ours to read. */
static int adopt(struct opening *o, const struct listening_socket *held, struct error *err)
{
    if (make_room(o, err) < 0)
        return -1;
    struct listening_socket *socket = &o->sockets[o->count++];
    *socket = (struct listening_socket){
        .source.fd = held->source.fd,
        .wanted = held->wanted,
        .address = held->address,
        .inode = held->inode,
        .adopted = true,
        .listener = o->listener,
    };
    memcpy(socket->inherited, held->inherited, sizeof socket->inherited);
    return 0;
}

/* wanted: with the port that the configuration names; *address: with the one to bind. */
static int open_one(struct opening *o, const struct address *wanted, struct address *address,
                    struct error *err)
{
    const struct config *config = o->settings->config;
    const struct listening_socket *held = find_held(o, wanted);
    if (held) {
        *address = held->address;
        return adopt(o, held, err);
    }
    struct listening_socket socket = {.wanted = *wanted, .listener = o->listener};
    if (make_room(o, err) < 0 ||
        socket_listen(address, (int)config->tcp.backlog, &socket.source.fd, err) < 0)
        return -1;
    socket.address = *address;
    socket.inode = inode_of(address);
    o->sockets[o->count++] = socket;
    return set_options(o->listener, socket.source.fd, err);
}

static const struct listener *find_listener(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->config->listener_count; i++)
        if (strcmp(settings->config->listeners[i].name.value, name) == 0)
            return &settings->listeners[i];
    return NULL;
}

static bool has_address(const struct opening *o, const struct address *address)
{
    for (size_t i = 0; i < o->addresses.count; i++) {
        struct address wanted = o->addresses.items[i];
        address_set_port(&wanted, o->listener->config->listen.port);
        if (address_equal(&wanted, address))
            return true;
    }
    return false;
}

static bool is_ours(const struct opening *o, const struct listening_socket *inherited)
{
    const struct listener *named = find_listener(o->settings, inherited->inherited);
    return named ? named == o->listener : has_address(o, &inherited->address);
}

/* Adopts what the service manager has opened for this listener. */
static int adopt_inherited(struct opening *o, struct error *err)
{
    for (size_t i = 0; o->held && i < o->held->count; i++) {
        const struct listening_socket *held = &o->held->sockets[i];
        if (held->inherited[0] == '\0' || !is_ours(o, held))
            continue;
        bool local = o->listener->config->listen.scheme == ENDPOINT_UNIX;
        if ((held->address.any.sa_family == AF_UNIX) != local)
            return error_set(err, ERROR_SYSTEM,
                             "descriptor %d (%s) is %s Unix socket, unlike the listener of that "
                             "name",
                             held->source.fd, held->inherited, local ? "no" : "a");
        if (adopt(o, held, err) < 0)
            return -1;
    }
    return 0;
}

static bool is_missing_family(const struct error *err)
{
    return err->kind == ERROR_SYSTEM && (err->code == EAFNOSUPPORT || err->code == EADDRNOTAVAIL);
}

/* Binds all addresses to one port: a free one that the first of them is given, if it is 0. */
static int open_addresses(struct opening *o, struct error *err)
{
    uint16_t port = o->listener->config->listen.port;
    for (size_t i = 0; i < o->addresses.count; i++) {
        struct address wanted = o->addresses.items[i];
        address_set_port(&wanted, o->listener->config->listen.port);
        struct address address = wanted;
        address_set_port(&address, port);
        if (open_one(o, &wanted, &address, err) == 0) {
            port = address_port(&address);
            continue;
        }
        if (!is_missing_family(err) || o->addresses.count == 1)
            return -1;
        log_reason(LOG_LEVEL_WARNING, "address_skipped", err->text);
    }
    return o->count > 0 ? 0 : -1;
}

/* The port that was free for the first address may be taken for the next one: then another. */
static int open_listener(struct opening *o, struct error *err)
{
    const struct endpoint *listen = &o->listener->config->listen;
    if (adopt_inherited(o, err) < 0) /* by name: what it listens on need not be known */
        return -1;
    if (o->count > 0)
        return 0;
    if (address_resolve(listen, AF_UNSPEC, true, &o->addresses, err) < 0)
        return -1;
    if (adopt_inherited(o, err) < 0) /* by address */
        return -1;
    if (o->count > 0)
        return 0;
    for (int try = 1;; try++) {
        if (open_addresses(o, err) == 0)
            return 0;
        close_sockets(o);
        bool taken = err->kind == ERROR_SYSTEM && err->code == EADDRINUSE;
        if (!taken || listen->port != 0 || try == FREE_PORT_TRIES)
            return -1;
    }
}

static int append(struct opening *o, struct error *err)
{
    struct listening *all = o->all;
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

static bool overlap(const struct address *a, const struct address *b)
{
    bool wildcard = address_is_wildcard(a) || address_is_wildcard(b);
    return address_equal(a, b) || (wildcard && address_port(a) == address_port(b));
}

/* The same address by another name would only show as "in use", by ourselves. */
static const struct listening_socket *find_clash(const struct opening *o)
{
    for (size_t i = 0; i < o->all->count; i++)
        for (size_t j = 0; j < o->addresses.count; j++) {
            struct address wanted = o->addresses.items[j];
            address_set_port(&wanted, o->listener->config->listen.port);
            if (overlap(&o->all->sockets[i].address, &wanted))
                return &o->all->sockets[i];
        }
    return NULL;
}

/* What the system, or a name server, has refused, with the place of what asked for it. */
static int refuse(const struct opening *o, struct error *err)
{
    struct error cause = *err;
    config_refuse(o->settings->config, o->listener->config->place, err, "listen: %s", cause.text);
    err->kind = cause.kind;
    err->code = cause.code;
    return -1;
}

static int open_and_append(struct opening *o, struct error *err)
{
    if (open_listener(o, err) == 0)
        return append(o, err);
    const struct listening_socket *clash = find_clash(o);
    if (!clash)
        return refuse(o, err);
    char wanted[ENDPOINT_TEXT_BYTES], held[ADDRESS_TEXT_BYTES];
    endpoint_text(&o->listener->config->listen, wanted);
    address_text(&clash->address, held);
    return config_refuse(o->settings->config, o->listener->config->place, err,
                         "listen: %s is listed twice: listener %s has it already, as %s", wanted,
                         clash->listener->config->name.value, held);
}

/* Only now, when nothing can be refused any more: a refused reload leaves everything as it was. */
static void renew_adopted(const struct listening *all, const struct config *config)
{
    struct error ignored;
    for (size_t i = 0; i < all->count; i++) {
        int fd = all->sockets[i].source.fd;
        if (all->sockets[i].adopted && set_options(all->sockets[i].listener, fd, &ignored) == 0)
            listen(fd, (int)config->tcp.backlog);
    }
}

static bool has(const struct listening *listening, int fd)
{
    for (size_t i = 0; listening && i < listening->count; i++)
        if (listening->sockets[i].source.fd == fd)
            return true;
    return false;
}

/* Whoever connects to a socket that nobody accepts from would wait for ever. */
static int check_inherited(const struct listening *held, const struct listening *all,
                           struct error *err)
{
    for (size_t i = 0; held && i < held->count; i++) {
        const struct listening_socket *socket = &held->sockets[i];
        if (socket->inherited[0] == '\0' || has(all, socket->source.fd))
            continue;
        char address[ADDRESS_TEXT_BYTES];
        address_text(&socket->address, address);
        return error_set(err, ERROR_SYSTEM,
                         "descriptor %d (%s, %s) was handed to us, but no listener has that name "
                         "or address: add one, or remove it from its .socket unit",
                         socket->source.fd, socket->inherited, address);
    }
    return 0;
}

int listening_open(const struct settings *settings, const struct listening *held,
                   struct listening *ret, struct error *err)
{
    struct listening all = {.count = 0};
    for (size_t i = 0; i < settings->config->listener_count; i++) {
        struct opening o = {
            .all = &all, .settings = settings, .listener = &settings->listeners[i], .held = held};
        int result = open_and_append(&o, err);
        address_list_free(&o.addresses);
        free(o.sockets);
        if (result < 0) {
            listening_close(&all, held);
            return -1;
        }
    }
    if (check_inherited(held, &all, err) < 0) {
        listening_close(&all, held);
        return -1;
    }
    renew_adopted(&all, settings->config);
    *ret = all;
    return 0;
}

void listening_relink(struct listening *listening, const struct settings *from,
                      const struct settings *to)
{
    for (size_t i = 0; i < listening->count; i++)
        listening->sockets[i].listener =
            &to->listeners[listening->sockets[i].listener - from->listeners];
}

void listening_close(struct listening *listening, const struct listening *kept)
{
    for (size_t i = 0; i < listening->count; i++)
        if (!has(kept, listening->sockets[i].source.fd))
            close_socket(&listening->sockets[i]);
    free(listening->sockets);
    *listening = (struct listening){.count = 0};
}
