/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/listen_set.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "listen_set_internal.h"
#include "tlsecho/net/socket.h"

static bool stat_file(const struct address *address, struct stat *ret)
{
    return address->any.sa_family == AF_UNIX && lstat(address->local.sun_path, ret) == 0;
}

bool listen_set_has_file(const struct listen_socket *socket)
{
    struct stat file;
    return socket->inode != 0 && stat_file(&socket->address, &file) &&
           file.st_ino == socket->inode && file.st_dev == socket->device;
}

void listen_set_note_file(struct listen_socket *socket)
{
    struct stat file;
    if (!stat_file(&socket->address, &file))
        return;
    socket->inode = file.st_ino;
    socket->device = file.st_dev;
}

/* Another process may have bound a socket of its own to the path. */
void listen_set_close_socket(struct listen_socket *socket)
{
    if (socket->source.fd < 0)
        return;
    close(socket->source.fd);
    socket->source.fd = -1;
    if (listen_set_has_file(socket))
        unlink(socket->address.local.sun_path);
}

bool listen_set_has(const struct listen_set *listen_set, int fd)
{
    for (size_t i = 0; listen_set && i < listen_set->count; i++)
        if (listen_set->sockets[i].source.fd == fd)
            return true;
    return false;
}

/*
 * Kernel buffers follow limits.buffer. Only a service that answers its input can leave input
 * unread, so with the others the receive buffer keeps the kernel's default.
 */
static int set_buffers(const struct listen_socket *socket, const struct config *config,
                       struct error *err)
{
    enum { UNSENT = 2, RECEIVE = 4 }; /* times limits.buffer: docs/adr/0007-kernel-buffers.md */
    size_t buffer = (size_t)config->limits.buffer_bytes;
    bool answers = socket->listener && socket->listener->service->answer;
    return socket_set_buffers(socket->source.fd, UNSENT * buffer, answers ? RECEIVE * buffer : 0,
                              err);
}

int listen_set_apply_options(const struct listen_socket *socket, const struct config *config,
                             struct error *err)
{
    int fd = socket->source.fd;
    if (socket->datagrams)
        return 0;
    socket_save_syn(fd, socket->listener && socket->listener->service->wants_info);
    struct socket_keepalive keepalive = {
        /* each .max in the table of keys fits: test_config_walk.c */
        .idle_s = (unsigned)(config->tcp.keepalive.idle_ms / 1000),
        .interval_s = (unsigned)(config->tcp.keepalive.interval_ms / 1000),
        .probes = (unsigned)config->tcp.keepalive.probes,
    };
    if (socket_set_nodelay(fd, config->tcp.nodelay, err) < 0 ||
        socket_set_urgent_inline(fd, err) < 0 || set_buffers(socket, config, err) < 0)
        return -1;
    return socket_set_keepalive(fd, &keepalive, err);
}

static size_t add_specs(const struct config_snapshot *snapshot, bool datagrams,
                        struct listen_spec *ret)
{
    const struct config *config = snapshot->config;
    size_t count = 0;
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        if (endpoint_has_datagrams(listener->listen.scheme) == datagrams)
            ret[count++] = (struct listen_spec){
                .config = config,
                .endpoint = &listener->listen,
                .place = listener->place,
                .what = "listen",
                .name = listener->name.value,
                .listener = &snapshot->listeners[i],
            };
    }
    return count;
}

int listen_set_specs(const struct config_snapshot *snapshot, struct listen_spec **ret,
                     size_t *ret_count, struct error *err)
{
    const struct config *config = snapshot->config;
    struct listen_spec *specs = calloc(config->listener_count + 1, sizeof *specs);
    if (!specs)
        return error_sys(err, "open the listeners");
    size_t count = add_specs(snapshot, false, specs);
    count += add_specs(snapshot, true, specs + count);
    if (config->admin.listen.value[0] != '\0')
        specs[count++] = (struct listen_spec){.config = config,
                                              .endpoint = &config->admin.endpoint,
                                              .place = config->admin.listen.place,
                                              .what = "admin.listen"};
    *ret = specs;
    *ret_count = count;
    return 0;
}

int listen_set_copy(const struct listen_set *from, const struct config_snapshot *to,
                    struct listen_set *ret, struct error *err)
{
    struct listen_socket *sockets = calloc(from->count + 1, sizeof *sockets);
    if (!sockets)
        return error_sys(err, "keep the listeners");
    for (size_t i = 0; i < from->count; i++) {
        const struct listen_socket *socket = &from->sockets[i];
        const struct listener *listener = socket->listener;
        sockets[i] = *socket;
        sockets[i].source = (struct reactor_source){.fd = socket->source.fd};
        sockets[i].reused = true;
        if (listener)
            sockets[i].listener = &to->listeners[listener - listener->snapshot->listeners];
    }
    *ret = (struct listen_set){.sockets = sockets, .count = from->count};
    return 0;
}

void listen_set_update(const struct listen_set *listen_set, const struct config *config)
{
    struct error ignored;
    for (size_t i = 0; i < listen_set->count; i++) {
        const struct listen_socket *socket = &listen_set->sockets[i];
        if (socket->reused && !socket->datagrams &&
            listen_set_apply_options(socket, config, &ignored) == 0)
            listen(socket->source.fd, (int)config->tcp.backlog);
    }
}

static size_t count_for_listeners(const struct listen_set *listen_set)
{
    size_t n = 0;
    while (n < listen_set->count && listen_set->sockets[n].listener)
        n++;
    return n;
}

static size_t count_for_streams(const struct listen_set *listen_set)
{
    size_t n = 0, all = count_for_listeners(listen_set);
    while (n < all && !listen_set->sockets[n].datagrams)
        n++;
    return n;
}

static struct listen_set view(const struct listen_set *listen_set, size_t first, size_t end)
{
    if (first == end)
        return (struct listen_set){.count = 0};
    return (struct listen_set){listen_set->sockets + first, end - first};
}

struct listen_set listen_set_for_streams(const struct listen_set *listen_set)
{
    return view(listen_set, 0, count_for_streams(listen_set));
}

struct listen_set listen_set_for_datagrams(const struct listen_set *listen_set)
{
    return view(listen_set, count_for_streams(listen_set), count_for_listeners(listen_set));
}

struct listen_set listen_set_for_admin(const struct listen_set *listen_set)
{
    return view(listen_set, count_for_listeners(listen_set), listen_set->count);
}

void listen_set_close(struct listen_set *listen_set, const struct listen_set *kept)
{
    for (size_t i = 0; i < listen_set->count; i++)
        if (!listen_set_has(kept, listen_set->sockets[i].source.fd))
            listen_set_close_socket(&listen_set->sockets[i]);
    free(listen_set->sockets);
    *listen_set = (struct listen_set){.count = 0};
}

void listen_set_close_listeners(struct listen_set *listen_set)
{
    for (size_t i = 0; i < count_for_listeners(listen_set); i++)
        listen_set_close_socket(&listen_set->sockets[i]);
}
