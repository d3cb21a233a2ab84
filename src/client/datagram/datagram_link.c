/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/datagram_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/want.h"
#include "tlsecho/client/datagram_dtls.h"
#include "tlsecho/client/session_wait.h"
#include "tlsecho/net/socket.h"

enum { IPV4_HEADER_BYTES = 20, IPV6_HEADER_BYTES = 40, UDP_HEADER_BYTES = 8 };

static int connect_socket(const struct datagram_link *link, const struct address *peer,
                          struct datagram_socket **ret, struct error *err)
{
    const struct target *t = link->session->target;
    const struct dtls_session_options dtls = {.ctx = t->context,
                                              .server_name = target_server_name(t)};
    struct datagram_options options = link->options;
    struct datagram_socket *plain;
    options.errors = true;
    if (datagram_connect(peer, &t->origin, &options, &plain, err) < 0)
        return -1;
    if (target_is_tls(t))
        return datagram_dtls_new(plain, &dtls, ret, err);
    *ret = plain;
    return 0;
}

/* The first from `index` on that a socket can be connected to. */
static int connect_from(struct datagram_link *link, size_t index, struct error *err)
{
    struct session *s = link->session;
    const struct target *t = s->target;
    struct datagram_socket *socket;
    struct error ignored;
    for (; index < t->addresses.count; index++) {
        struct address peer = s->peer = t->addresses.items[index];
        if (connect_socket(link, &peer, &socket, err) < 0)
            continue;
        datagram_link_close(link);
        link->socket = socket;
        link->index = index;
        s->dtls = datagram_dtls_session(socket);
        socket_addresses(socket->fd, NULL, &s->own, &ignored);
        return 0;
    }
    return -1;
}

static size_t headers_of(const struct address *peer)
{
    bool ipv6 = peer->any.sa_family == AF_INET6;
    return (ipv6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES) + UDP_HEADER_BYTES;
}

static const char *host_text(const struct address *address, char ret[ADDRESS_TEXT_BYTES]);

static int describe_error(const struct datagram_error *error, const struct address *peer,
                          struct error *err)
{
    char to[ADDRESS_TEXT_BYTES], from[ADDRESS_TEXT_BYTES];
    address_text(peer, to);
    errno = error->code;
    if (error->receiving)
        return error_sys(err, "receive from %s", to);
    if (error->from.length)
        return error_sys(err, "send to %s (ICMP from %s)", to, host_text(&error->from, from));
    return error_sys(err, "send to %s", to);
}

/* An ICMP error during the handshake: the MTU is lowered, or the next address tried. */
static int handle_error(struct datagram_link *link, const struct datagram_error *error,
                        struct error *err)
{
    struct address peer = link->session->peer;
    struct error ignored;
    if (error->code == EMSGSIZE) {
        size_t headers = headers_of(&peer);
        datagram_dtls_lower_mtu(link->socket, error->mtu > headers ? error->mtu - headers : 0);
        return 0;
    }
    if (connect_from(link, link->index + 1, &ignored) == 0)
        return 0;
    link->session->peer = peer;
    return describe_error(error, &peer, err);
}

static int await_flight(struct datagram_link *link, uint64_t deadline_us, struct error *err)
{
    uint64_t due_us = datagram_dtls_due_us(link->socket);
    struct session_wait wait = {.fd = link->socket->fd,
                                .want = WANT_READ,
                                .stop_fd = link->session->stop_fd,
                                .due_us = due_us < deadline_us ? due_us : deadline_us};
    int event = session_wait(&wait, err);
    if (event == SESSION_STOPPED)
        return error_set(err, ERROR_INTERRUPTED, "interrupted before the handshake was complete");
    if (event == SESSION_DUE && clock_now_us() >= deadline_us)
        return datagram_dtls_describe_silence(link->socket, err);
    return event < 0 ? -1 : 0;
}

static int shake_hands(struct datagram_link *link, uint64_t deadline_us, struct error *err)
{
    for (;;) {
        struct datagram_error error;
        enum dtls_status status = datagram_dtls_handshake(link->socket, err);
        if (status == DTLS_OK)
            return 0;
        if (status == DTLS_CLOSED)
            return error_set(err, ERROR_TLS,
                             "the server sent close_notify during the handshake: see its log");
        if (status == DTLS_FAILED)
            return err->kind == ERROR_TIMEOUT ? datagram_dtls_describe_silence(link->socket, err)
                                              : -1;
        if (datagram_take_error(link->socket, &error)) {
            if (handle_error(link, &error, err) < 0)
                return -1;
        } else if (await_flight(link, deadline_us, err) < 0) {
            return -1;
        }
    }
}

static int secure(struct datagram_link *link, uint64_t deadline_us, struct error *err)
{
    struct session *s = link->session;
    uint64_t since_us = clock_now_us();
    s->phase = PHASE_HANDSHAKE;
    if (shake_hands(link, deadline_us, err) < 0)
        return -1;
    s->phase_us[PHASE_HANDSHAKE] = clock_now_us() - since_us;
    return 0;
}

int datagram_link_open(struct datagram_link *link, struct error *err)
{
    uint64_t deadline_us;
    if (session_resolve(link->session, &deadline_us, err) < 0)
        return -1;
    link->session->phase = PHASE_CONNECT;
    if (connect_from(link, 0, err) < 0)
        return -1;
    if (link->session->dtls && secure(link, deadline_us, err) < 0)
        return -1;
    link->session->phase = PHASE_ECHO;
    return 0;
}

void datagram_link_end(struct datagram_link *link)
{
    if (link->socket)
        datagram_dtls_close(link->socket);
}

void datagram_link_close(struct datagram_link *link)
{
    datagram_free(link->socket);
    link->socket = NULL;
    if (link->session)
        link->session->dtls = NULL;
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
    if (link->session->dtls)
        return false;
    if (connect_from(link, link->index + 1, &ignored) == 0)
        return true;
    link->session->peer = peer;
    return false;
}

static bool has_ended(const struct datagram_link *link)
{
    struct error ignored;
    return datagram_dtls_end(link->socket, &ignored) != DTLS_OK;
}

/* Why an operation has not succeeded; DATAGRAM_LINK_WAIT: nothing has told. */
static enum datagram_link_event explain(struct datagram_link *link,
                                        struct datagram_error *ret_error)
{
    if (datagram_take_error(link->socket, ret_error))
        return DATAGRAM_LINK_ERROR;
    return has_ended(link) ? DATAGRAM_LINK_ENDED : DATAGRAM_LINK_WAIT;
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
    enum datagram_link_event event = explain(link, ret_error);
    if (event != DATAGRAM_LINK_WAIT)
        return event;
    *ret_error = (struct datagram_error){.code = err.code, .local = true};
    return DATAGRAM_LINK_ERROR;
}

enum datagram_link_event datagram_link_receive(struct datagram_link *link, struct datagram *item,
                                               struct datagram_error *ret_error)
{
    struct error err = {.code = 0};
    enum datagram_status status = datagram_receive(link->socket, item, 1, &err).status;
    if (status == DATAGRAM_OK)
        return DATAGRAM_LINK_DONE;
    enum datagram_link_event event = explain(link, ret_error);
    if (event != DATAGRAM_LINK_WAIT || status == DATAGRAM_WAIT)
        return event;
    *ret_error = (struct datagram_error){.code = err.code, .local = true, .receiving = true};
    return DATAGRAM_LINK_ERROR;
}

bool datagram_link_cannot_receive(const struct datagram_error *error)
{
    const struct error err = {.kind = ERROR_SYSTEM, .code = error->code};
    return error->receiving && result_of(PHASE_ECHO, &err) == RESULT_LOCAL_IO;
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

/* The longest payload of a datagram that fits a path MTU; 0 = none, or unknown. */
static size_t room_of(const struct datagram_attempt *attempt, size_t mtu)
{
    const struct dtls_session *dtls = datagram_dtls_session(attempt->socket);
    size_t headers = headers_of(attempt->peer);
    if (mtu <= headers)
        return 0;
    return dtls ? dtls_session_data_room(dtls, mtu - headers) : mtu - headers;
}

/* ip(7), "Path MTU discovery". */
static void judge_size(const struct datagram_error *error, const struct datagram_attempt *attempt,
                       struct outcome *ret)
{
    char from[ADDRESS_TEXT_BYTES + sizeof ", says "] = "", host[ADDRESS_TEXT_BYTES];
    size_t room = room_of(attempt, error->mtu);
    if (error->from.length)
        snprintf(from, sizeof from, ", says %s", host_text(&error->from, host));
    if (room)
        outcome_measure(ret, RESULT_UNREACHABLE,
                        "a datagram of %zu bytes does not pass unfragmented: the path MTU is "
                        "%zu%s; give -s %zu or less, or leave out -M do",
                        attempt->bytes, error->mtu, from, room);
    else
        outcome_measure(ret, RESULT_UNREACHABLE,
                        "a datagram of %zu bytes is too long: give a smaller -s", attempt->bytes);
}

void datagram_link_judge(const struct datagram_error *error, const struct datagram_attempt *attempt,
                         const struct options *options, struct outcome *ret)
{
    struct error err = {.alert = -1};
    if (error->code == EMSGSIZE) {
        judge_size(error, attempt, ret);
        return;
    }
    describe_error(error, attempt->peer, &err);
    outcome_fail_to_open(ret, PHASE_ECHO, &err, options);
}

void datagram_link_judge_end(const struct datagram_socket *socket, const struct options *options,
                             struct outcome *ret)
{
    struct error err = {.alert = -1};
    if (datagram_dtls_end(socket, &err) == DTLS_FAILED)
        outcome_fail_to_open(ret, PHASE_ECHO, &err, options);
    else
        outcome_measure(ret, RESULT_TRUNCATED,
                        "the server ended the session with close_notify: see its log");
}
