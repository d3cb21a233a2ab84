/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "dtls_set_internal.h"

void dtls_socket_free(struct dtls_socket *socket)
{
    if (!socket)
        return;
    datagram_free(socket->datagrams);
    free(socket);
}

static int open_socket(const struct datagram_binding *binding, struct dtls_socket **ret,
                       struct error *err)
{
    const struct datagram_options options = {.own = true, .never_fragment = true};
    struct dtls_socket *socket = calloc(1, sizeof *socket);
    int fd = socket ? fcntl(binding->fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd < 0) {
        free(socket);
        return error_sys(err, "serve DTLS");
    }
    *socket = (struct dtls_socket){
        .source.fd = fd, .fd = binding->fd, .listener = binding->listener, .port = binding->port};
    if (datagram_new(fd, false, &options, &socket->datagrams, err) < 0) {
        free(socket);
        return -1;
    }
    *ret = socket;
    return 0;
}

int dtls_set_new(const struct datagram_binding bindings[], size_t count, const uint16_t ports[],
                 size_t port_count, struct dtls_set **ret, struct error *err)
{
    struct dtls_set *set = calloc(1, sizeof *set + count * sizeof(struct dtls_socket *));
    if (!set)
        return error_sys(err, "serve DTLS");
    set->ports = calloc(port_count + 1, sizeof *ports);
    if (!set->ports) {
        error_sys(err, "serve DTLS");
        dtls_set_free(set);
        return -1;
    }
    memcpy(set->ports, ports, port_count * sizeof *ports);
    set->port_count = port_count;
    for (; set->count < count; set->count++)
        if (open_socket(&bindings[set->count], &set->sockets[set->count], err) < 0) {
            dtls_set_free(set);
            return -1;
        }
    *ret = set;
    return 0;
}

void dtls_set_free(struct dtls_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        dtls_socket_free(set->sockets[i]);
    free(set->ports);
    free(set);
}

void dtls_set_count(struct dtls_set *set, int fd, unsigned slot)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->sockets[i]->fd == fd)
            set->sockets[i]->slot = slot;
}
