/* SPDX-License-Identifier: MIT */
/*
 * Arbitrary datagrams at a listener of each service: no answer is longer than a datagram from
 * there, and none goes where none may go.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "datagram_server_internal.h"
#include "fake_datagram.h"
#include "tlsecho/server/config_load.h"

enum { SERVICES = 5, PORTS = 2, HEADER_BYTES = 6 };

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static struct fake_datagrams fake;
static const uint16_t ports[PORTS] = {7007, 40000};
static const struct config_snapshot *snapshot;
static struct datagram_server *server;

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Six bytes of an address, a port, flags and a length, then the payload. */
static size_t add(const unsigned char *data, size_t size)
{
    size_t length = data[5] * 8U < size - HEADER_BYTES ? data[5] * 8U : size - HEADER_BYTES;
    struct fake_datagram *d = &fake.in[fake.in_count++];
    *d = (struct fake_datagram){.length = length, .ttl = data[4], .tos = data[5]};
    d->own.length = sizeof d->own.ipv4;
    d->own.ipv4.sin_family = AF_INET;
    d->to_many = data[4] & 0x80;
    d->peer.length = sizeof d->peer.ipv4;
    d->peer.ipv4.sin_family = AF_INET;
    memcpy(&d->peer.ipv4.sin_port, data, 2);
    d->peer.ipv4.sin_addr.s_addr = htonl((uint32_t)data[2] << 24 | data[3]);
    if (data[4] & 0x40) {
        d->peer.length = sizeof d->peer.ipv6;
        d->peer.ipv6 =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = d->peer.ipv4.sin_port};
        memcpy(&d->peer.ipv6.sin6_addr, data + 2, 2);
    }
    memcpy(d->data, data + HEADER_BYTES, length);
    return HEADER_BYTES + length;
}

static bool was_asked(const struct fake_datagram *answer)
{
    for (size_t i = 0; i < fake.in_count; i++)
        if (!fake.in[i].to_many && fake.in[i].length >= answer->length &&
            address_equal(&fake.in[i].peer, &answer->peer))
            return true;
    return false;
}

static void check_answer(const struct fake_datagram *answer)
{
    uint16_t port = address_port(&answer->peer);
    require(was_asked(answer));
    require(port >= 1024 && port != ports[0] && port != ports[1]);
    if (answer->peer.any.sa_family == AF_INET)
        require(!IN_MULTICAST(ntohl(answer->peer.ipv4.sin_addr.s_addr)));
    else
        require(!IN6_IS_ADDR_MULTICAST(&answer->peer.ipv6.sin6_addr));
}

static struct datagram_set *new_set(unsigned service)
{
    struct datagram_set *set = calloc(1, sizeof *set + sizeof set->listeners[0]);
    require(set != NULL);
    set->ports = malloc(sizeof ports);
    require(set->ports != NULL);
    memcpy(set->ports, ports, sizeof ports);
    set->port_count = PORTS;
    set->count = 1;
    set->listeners[0].socket = &fake.base;
    set->listeners[0].listener = &snapshot->listeners[service];
    set->listeners[0].port = ports[0];
    set->listeners[0].server = server;
    return set;
}

/* With a table of loops of its own: the answer depends on this input alone. */
static void serve(unsigned service)
{
    struct error err;
    datagram_loops_free(server->loops);
    require(datagram_loops_new(&server->loops, &err) == 0);
    server->set = new_set(service);
    while (datagram_server_serve(&server->set->listeners[0]))
        ;
    datagram_set_free(server->set);
    server->set = NULL;
}

static void load(void)
{
    static const char text[] = "listeners: [{ listen: 'udp://127.0.0.1:1', service: echo },\n"
                               "{ listen: 'udp://127.0.0.1:2', service: upper },\n"
                               "{ listen: 'udp://127.0.0.1:3', service: discard },\n"
                               "{ listen: 'udp://127.0.0.1:4', service: report },\n"
                               "{ listen: 'udp://127.0.0.1:5', service: stamp }]\n"
                               "limits: { datagram_rate: 0 }";
    struct datagram_place place = {.metrics = metrics_shard_new()};
    struct config *config;
    struct error err;
    require(config_parse("fuzz", text, strlen(text), &config, &err) == 0 &&
            config_snapshot_draft(config, &snapshot, &err) == 0);
    require(place.metrics && admission_new(&place.admission, &err) == 0 &&
            stamp_sessions_new(&place.stamp, &err) == 0 &&
            datagram_server_new(&place, &server, &err) == 0);
    admission_limit(place.admission, snapshot->config);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    if (!snapshot)
        load();
    if (size == 0)
        return 0;
    fake_datagrams_init(&fake);
    unsigned service = data[0] % SERVICES;
    fake.room = data[0] & 0x80 ? 3 : SIZE_MAX;
    fake.fail_at = data[0] & 0x40 ? 2 : SIZE_MAX;
    for (size_t at = 1; at + HEADER_BYTES <= size && fake.in_count < FAKE_DATAGRAMS;)
        at += add(data + at, size - at);
    serve(service);
    require(fake.out_count <= fake.in_count && fake.freed == 1);
    for (size_t i = 0; i < fake.out_count; i++)
        check_answer(&fake.out[i]);
    return 0;
}
