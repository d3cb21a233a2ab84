/* SPDX-License-Identifier: MIT */
/* Which inherited sockets are for which spec. */
#include <errno.h>
#include <string.h>

#include "listen_set_internal.h"

/* The service manager keeps it open even if the server closes its descriptor. */
static const struct listen_socket *find_inherited(const struct listen_opening *o,
                                                  const struct address *address)
{
    for (size_t i = 0; o->existing && i < o->existing->count; i++) {
        const struct listen_socket *existing = &o->existing->sockets[i];
        if (existing->fd_name[0] != '\0' && listen_set_is_kind(existing, o->spec) &&
            address_overlaps(&existing->address, address))
            return existing;
    }
    return NULL;
}

int listen_set_check_unheld(const struct listen_opening *o, const struct address *address,
                            struct error *err)
{
    const struct listen_socket *inherited = find_inherited(o, address);
    if (!inherited)
        return 0;
    char configured[ADDRESS_TEXT_BYTES], existing[ADDRESS_TEXT_BYTES];
    address_text(address, configured);
    address_text(&inherited->address, existing);
    error_set(err, ERROR_SYSTEM,
              "listen on %s: the service manager holds %s (%s): change its .socket unit",
              configured, existing, inherited->fd_name);
    err->code = EADDRINUSE;
    return -1;
}

/* Whether the service manager has passed the socket for that spec. ListenStream= and
 * ListenDatagram= of one unit have one name. */
static bool is_named(const struct listen_socket *inherited, const struct listen_spec *spec)
{
    return spec->name && strcmp(inherited->fd_name, spec->name) == 0 &&
           listen_set_is_kind(inherited, spec);
}

static const struct listen_spec *find_named(const struct listen_opening *o,
                                            const struct listen_socket *inherited)
{
    for (size_t i = 0; i < o->spec_count; i++)
        if (is_named(inherited, &o->specs[i]))
            return &o->specs[i];
    return NULL;
}

static bool has_address(const struct listen_opening *o, const struct address *address)
{
    for (size_t i = 0; i < o->addresses.count; i++)
        if (address_equal(&o->addresses.items[i], address))
            return true;
    return false;
}

static bool is_ours(const struct listen_opening *o, const struct listen_socket *inherited)
{
    const struct listen_spec *named = find_named(o, inherited);
    if (named)
        return named == o->spec;
    return listen_set_is_kind(inherited, o->spec) && has_address(o, &inherited->address);
}

bool listen_set_is_inherited(const struct listen_set *existing, const struct listen_spec *spec)
{
    for (size_t i = 0; existing && i < existing->count; i++)
        if (is_named(&existing->sockets[i], spec))
            return true;
    return false;
}

int listen_set_reuse_inherited(struct listen_opening *o, struct error *err)
{
    for (size_t i = 0; o->existing && i < o->existing->count; i++) {
        const struct listen_socket *existing = &o->existing->sockets[i];
        if (existing->fd_name[0] == '\0' || !is_ours(o, existing))
            continue;
        bool local = o->spec->endpoint->scheme == ENDPOINT_UNIX;
        if ((existing->address.any.sa_family == AF_UNIX) != local)
            return error_set(err, ERROR_SYSTEM,
                             "inherited descriptor %d (%s) is %s Unix socket, but the listener of "
                             "that name is%s: change one of them",
                             existing->source.fd, existing->fd_name, local ? "not a" : "a",
                             local ? "" : " not");
        if (listen_set_reuse(o, existing, &existing->configured, err) < 0)
            return -1;
    }
    return 0;
}

/* Clients of a socket that is never accepted from would wait forever. */
int listen_set_check_inherited(const struct listen_opening *o, struct error *err)
{
    for (size_t i = 0; o->existing && i < o->existing->count; i++) {
        const struct listen_socket *socket = &o->existing->sockets[i];
        if (socket->fd_name[0] == '\0' || listen_set_has(&o->all, socket->source.fd))
            continue;
        char address[ADDRESS_TEXT_BYTES];
        address_text(&socket->address, address);
        return error_set(err, ERROR_SYSTEM,
                         "inherited descriptor %d (%s, %s) matches no listener by name or "
                         "address: add one, or remove it from its .socket unit",
                         socket->source.fd, socket->fd_name, address);
    }
    return 0;
}
