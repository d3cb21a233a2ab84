/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/datagram_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/net/socket.h"

enum { IPV4_HEADER_BYTES = 20, IPV6_HEADER_BYTES = 40, UDP_HEADER_BYTES = 8 };

/* The first from `index` on that a socket can be connected to. */
static int connect_from(struct datagram_link *link, size_t index, struct error *err)
{
    struct session *s = link->session;
    const struct target *t = s->target;
    struct datagram_socket *socket;
    struct error ignored;
    for (; index < t->addresses.count; index++) {
        s->peer = t->addresses.items[index];
        if (datagram_connect(&s->peer, &t->origin, &link->options, &socket, err) < 0)
            continue;
        datagram_link_close(link);
        link->socket = socket;
        link->index = index;
        socket_addresses(socket->fd, NULL, &s->own, &ignored);
        return 0;
    }
    return -1;
}

int datagram_link_open(struct datagram_link *link, struct error *err)
{
    uint64_t deadline_us;
    if (session_resolve(link->session, &deadline_us, err) < 0)
        return -1;
    link->session->phase = PHASE_CONNECT;
    if (connect_from(link, 0, err) < 0)
        return -1;
    link->session->phase = PHASE_ECHO;
    return 0;
}

void datagram_link_close(struct datagram_link *link)
{
    datagram_free(link->socket);
    link->socket = NULL;
}

void datagram_link_keep_address(struct datagram_link *link)
{
    struct address_list *addresses = &link->session->target->addresses;
    addresses->items[0] = addresses->items[link->index];
    addresses->count = 1;
    link->index = 0;
}

bool datagram_link_try_next(struct datagram_link *link)
{
    struct error ignored;
    struct address peer = link->session->peer;
    if (connect_from(link, link->index + 1, &ignored) == 0)
        return true;
    link->session->peer = peer;
    return false;
}

enum datagram_link_event datagram_link_send(struct datagram_link *link, unsigned char *data,
                                            size_t n, struct datagram_error *ret_error)
{
    const struct datagram item = {.data = data, .length = n};
    struct error err = {.code = 0};
    switch (datagram_send(link->socket, &item, 1, &err).status) {
    case DATAGRAM_OK:
        return DATAGRAM_LINK_DONE;
    case DATAGRAM_WAIT:
        return DATAGRAM_LINK_WAIT;
    case DATAGRAM_FAILED:
        break;
    }
    if (!datagram_take_error(link->socket, ret_error))
        *ret_error = (struct datagram_error){.code = err.code, .local = true};
    return DATAGRAM_LINK_ERROR;
}

enum datagram_link_event datagram_link_receive(struct datagram_link *link, struct datagram *item,
                                               struct datagram_error *ret_error)
{
    struct error ignored; /* datagram_take_error tells it */
    if (datagram_receive(link->socket, item, 1, &ignored).status == DATAGRAM_OK)
        return DATAGRAM_LINK_DONE;
    return datagram_take_error(link->socket, ret_error) ? DATAGRAM_LINK_ERROR : DATAGRAM_LINK_WAIT;
}

/* How long it lay in the socket, by the clock that the kernel used; a step of that clock meanwhile
 * may make it negative. */
uint64_t datagram_link_received_us(const struct datagram *received)
{
    uint64_t now_us = clock_now_us();
    struct timespec now;
    if (!received->time.tv_sec)
        return now_us;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t lay_us = (now.tv_sec - received->time.tv_sec) * INT64_C(1000000) +
                     (now.tv_nsec - received->time.tv_nsec) / 1000;
    return lay_us > 0 && (uint64_t)lay_us < now_us ? now_us - (uint64_t)lay_us : now_us;
}

/* An address without a port. */
static const char *host_text(const struct address *address, char ret[ADDRESS_TEXT_BYTES])
{
    address_text(address, ret);
    char *port = strrchr(ret, ':');
    if (port)
        *port = '\0';
    return ret;
}

/* ip(7), "Path MTU discovery". */
static void judge_size(const struct datagram_error *error, const struct address *peer, size_t bytes,
                       struct outcome *ret)
{
    char from[ADDRESS_TEXT_BYTES + sizeof ", says "] = "", host[ADDRESS_TEXT_BYTES];
    bool ipv6 = peer->any.sa_family == AF_INET6;
    size_t headers = (ipv6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES) + UDP_HEADER_BYTES;
    if (error->from.length)
        snprintf(from, sizeof from, ", says %s", host_text(&error->from, host));
    if (error->mtu > headers)
        outcome_measure(ret, RESULT_UNREACHABLE,
                        "a datagram of %zu bytes does not pass unfragmented: the path MTU is "
                        "%zu%s; give -s %zu or less, or leave out -M do",
                        bytes, error->mtu, from, error->mtu - headers);
    else
        outcome_measure(ret, RESULT_UNREACHABLE,
                        "a datagram of %zu bytes is too long: give a smaller -s", bytes);
}

void datagram_link_judge(const struct datagram_error *error, const struct address *peer,
                         size_t bytes, const struct options *options, struct outcome *ret)
{
    char to[ADDRESS_TEXT_BYTES], from[ADDRESS_TEXT_BYTES];
    struct error err = {.alert = -1};
    if (error->code == EMSGSIZE) {
        judge_size(error, peer, bytes, ret);
        return;
    }
    address_text(peer, to);
    errno = error->code;
    if (error->from.length)
        error_sys(&err, "send to %s (ICMP from %s)", to, host_text(&error->from, from));
    else
        error_sys(&err, "send to %s", to);
    outcome_fail_to_open(ret, PHASE_ECHO, &err, options);
}
