/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/datagram.h"

#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kernel.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/net/socket.h"

enum { ITEMS = 48 };

static unsigned char room[ITEMS][2048], large[DATAGRAM_BYTES_MAX + 1];
static struct datagram items[ITEMS];
static struct error err;

static const struct datagram_options everything = {
    .own = true, .time = true, .ttl = true, .tos = true};
static const struct datagram_options nothing = {.own = false};

/* An unconnected socket; *address gets its port. */
static struct datagram_socket *bound(struct address *address,
                                     const struct datagram_options *options)
{
    const struct socket_listening how = {.datagrams = true};
    struct datagram_socket *s;
    int fd;
    ck_assert_msg(socket_listen(address, &how, &fd, &err) == 0, "%s", err.text);
    ck_assert_msg(datagram_new(fd, false, options, &s, &err) == 0, "%s", err.text);
    return s;
}

/* Not from /sys, which a system that builds packages may lack. */
static size_t loopback_mtu(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(ioctl(fd, SIOCGIFMTU, &request), 0);
    close(fd);
    return (size_t)request.ifr_mtu;
}

START_TEST(knows_how_much_the_path_carries_in_one_piece)
{
    if (!kernel_has(KERNEL_PATH_MTU))
        return;
    const struct address ipv4 = loopback_address("udp://127.0.0.1:9"),
                         nowhere = {.length = sizeof(sa_family_t)};
    size_t mtu = loopback_mtu();
    ck_assert_uint_eq(datagram_path_room(&ipv4), (mtu < 65535 ? mtu : 65535) - 28); /* RFC 791 */
    ck_assert_uint_eq(datagram_path_room(&nowhere), 0);
    if (!loopback_has_ipv6())
        return;
    const struct address ipv6 = loopback_address("udp://[::1]:9");
    ck_assert_uint_eq(datagram_path_room(&ipv6), mtu - 48);
}
END_TEST

static struct datagram_socket *connected(const struct address *peer)
{
    struct datagram_socket *s;
    ck_assert_msg(datagram_connect(peer, NULL, &everything, &s, &err) == 0, "%s", err.text);
    return s;
}

static void wait_for(const struct datagram_socket *s)
{
    struct pollfd fd = {.fd = s->fd, .events = POLLIN};
    ck_assert_int_eq(poll(&fd, 1, 10000), 1);
}

/* What has arrived, in `items`. */
static size_t received(struct datagram_socket *s, size_t count)
{
    for (size_t i = 0; i < ITEMS; i++) {
        memset(&items[i], 0x55, sizeof items[i]); /* whatever is not filled shows */
        items[i].data = room[i];
        items[i].size = sizeof room[i];
    }
    wait_for(s);
    struct datagram_io io = datagram_receive(s, items, count, &err);
    ck_assert_int_eq(io.status, DATAGRAM_OK);
    return io.n;
}

/* To be sent before the next five. */
static struct datagram text(const char *data)
{
    static unsigned char copies[5][32];
    static unsigned next;
    unsigned char *copy = copies[next++ % 5];
    memcpy(copy, data, strlen(data) + 1);
    return (struct datagram){.data = copy, .length = strlen(data)};
}

static void sent(struct datagram_socket *s, struct datagram item)
{
    struct datagram_io io = datagram_send(s, &item, 1, &err);
    ck_assert_msg(io.status == DATAGRAM_OK && io.n == 1, "%s", err.text);
}

static void was(const struct datagram *item, const char *data)
{
    ck_assert_uint_eq(item->length, strlen(data));
    ck_assert_mem_eq(item->data, data, strlen(data));
}

/* Where a server listens, where a client connects to, and the address that the server sees. */
static const struct {
    const char *listen, *connect, *own;
} routes[] = {
    {"udp://127.0.0.1:0", "udp://127.0.0.1:0", "127.0.0.1:0"},
    {"udp://0.0.0.0:0", "udp://127.0.0.2:0", "127.0.0.2:0"},
    {"udp://[::]:0", "udp://127.0.0.3:0", "127.0.0.3:0"},
    {"udp://[::1]:0", "udp://[::1]:0", "[::1]:0"},
    {"udp://[::]:0", "udp://[::1]:0", "[::1]:0"},
};
enum { ROUTES = sizeof routes / sizeof *routes };

static bool is_missing(const char *endpoint)
{
    return strchr(endpoint, '[') && !loopback_has_ipv6();
}

START_TEST(answers_from_the_address_that_was_asked)
{
    if (is_missing(routes[_i].listen))
        return;
    struct address listen = loopback_address(routes[_i].listen);
    struct address peer = loopback_address(routes[_i].connect), own;
    struct datagram_socket *server = bound(&listen, &everything);
    address_set_port(&peer, address_port(&listen));
    struct datagram_socket *client = connected(&peer);
    sent(client, text("question"));

    char seen[ADDRESS_TEXT_BYTES];
    ck_assert_uint_eq(received(server, ITEMS), 1);
    was(&items[0], "question");
    address_text(&items[0].own, seen);
    ck_assert_str_eq(seen, routes[_i].own);
    ck_assert_int_eq(socket_addresses(client->fd, NULL, &own, &err), 0);
    ck_assert(address_equal(&items[0].peer, &own));
    ck_assert(!items[0].truncated);
    ck_assert(!items[0].to_many);

    struct datagram answer = text("answer");
    answer.peer = items[0].peer;
    answer.own = items[0].own;
    sent(server, answer);
    ck_assert_uint_eq(received(client, ITEMS), 1);
    was(&items[0], "answer");
    datagram_free(client);
    datagram_free(server);
}
END_TEST

START_TEST(tells_ttl_dscp_ecn_and_when_it_arrived)
{
    if (is_missing(routes[_i].listen))
        return;
    struct address listen = loopback_address(routes[_i].listen);
    struct address peer = loopback_address(routes[_i].connect);
    struct datagram_socket *server = bound(&listen, &everything);
    address_set_port(&peer, address_port(&listen));
    struct datagram_socket *client = connected(&peer);
    bool ipv6 = peer.any.sa_family == AF_INET6;
    int ttl = 77, tos = 46 << 2 | 1;
    ck_assert_int_eq(setsockopt(client->fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                ipv6 ? IPV6_UNICAST_HOPS : IP_TTL, &ttl, sizeof ttl),
                     0);
    ck_assert_int_eq(setsockopt(client->fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                ipv6 ? IPV6_TCLASS : IP_TOS, &tos, sizeof tos),
                     0);
    struct timespec before, after;
    clock_gettime(CLOCK_REALTIME, &before);
    sent(client, text("x"));
    ck_assert_uint_eq(received(server, 1), 1);
    clock_gettime(CLOCK_REALTIME, &after);
    ck_assert_int_eq(items[0].ttl, 77);
    if (!ipv6 || kernel_has(KERNEL_TRAFFIC_CLASS))
        ck_assert_int_eq(items[0].tos, tos);
    if (kernel_has(KERNEL_DATAGRAM_TIMES)) {
        ck_assert_int_ge(items[0].time.tv_sec, before.tv_sec);
        ck_assert_int_le(items[0].time.tv_sec, after.tv_sec);
    }
    datagram_free(client);
    datagram_free(server);
}
END_TEST

START_TEST(tells_nothing_that_was_not_asked_for)
{
    struct address listen = loopback_address("udp://127.0.0.1:0");
    struct datagram_socket *server = bound(&listen, &everything), *client = connected(&listen);
    ck_assert_int_eq(datagram_set_options(server, &nothing, &err), 0);
    sent(client, text("x"));
    ck_assert_uint_eq(received(server, 1), 1);
    ck_assert_uint_eq(items[0].own.length, 0);
    ck_assert_int_eq(items[0].ttl, DATAGRAM_UNKNOWN);
    ck_assert_int_eq(items[0].tos, DATAGRAM_UNKNOWN);
    ck_assert_int_eq(items[0].time.tv_sec, 0);
    datagram_free(client);
    datagram_free(server);
}
END_TEST

START_TEST(keeps_the_order_over_several_batches)
{
    struct address listen = loopback_address("udp://127.0.0.1:0");
    struct datagram_socket *server = bound(&listen, &nothing), *client = connected(&listen);
    struct datagram out[ITEMS];
    unsigned char numbers[ITEMS];
    for (int i = 0; i < ITEMS; i++) {
        numbers[i] = (unsigned char)i;
        out[i] = (struct datagram){.data = &numbers[i], .length = 1};
    }
    struct datagram_io io = datagram_send(client, out, ITEMS, &err);
    ck_assert_int_eq(io.status, DATAGRAM_OK);
    ck_assert_uint_eq(io.n, ITEMS);

    for (size_t n = 0, got; n < ITEMS; n += got) {
        got = received(server, ITEMS);
        ck_assert_uint_eq(got, n == 0 ? DATAGRAM_BATCH : ITEMS - DATAGRAM_BATCH);
        for (size_t i = 0; i < got; i++)
            ck_assert_uint_eq(items[i].data[0], n + i);
    }
    ck_assert_int_eq(datagram_receive(server, items, ITEMS, &err).status, DATAGRAM_WAIT);
    datagram_free(client);
    datagram_free(server);
}
END_TEST

START_TEST(carries_nothing_at_all_and_the_largest)
{
    struct address listen = loopback_address("udp://127.0.0.1:0");
    struct datagram_socket *server = bound(&listen, &nothing), *client = connected(&listen);
    sent(client, text(""));
    ck_assert_uint_eq(received(server, ITEMS), 1);
    ck_assert_uint_eq(items[0].length, 0);

    enum { LARGEST = 65507 };
    memset(large, 'x', LARGEST);
    sent(client, (struct datagram){.data = large, .length = LARGEST});
    memset(large, 0, LARGEST);
    wait_for(server);
    items[0].data = large;
    items[0].size = sizeof large;
    ck_assert_uint_eq(datagram_receive(server, items, 1, &err).n, 1);
    ck_assert_uint_eq(items[0].length, LARGEST);
    ck_assert_uint_eq(large[LARGEST - 1], 'x');
    ck_assert(!items[0].truncated);
    datagram_free(client);
    datagram_free(server);
}
END_TEST

START_TEST(says_that_a_datagram_was_cut_to_the_buffer)
{
    struct address listen = loopback_address("udp://127.0.0.1:0");
    struct datagram_socket *server = bound(&listen, &nothing), *client = connected(&listen);
    sent(client, text("12345"));
    wait_for(server);
    items[0].data = room[0];
    items[0].size = 4;
    ck_assert_uint_eq(datagram_receive(server, items, 1, &err).n, 1);
    was(&items[0], "1234");
    ck_assert(items[0].truncated);
    datagram_free(client);
    datagram_free(server);
}
END_TEST

START_TEST(names_the_datagram_that_cannot_be_sent)
{
    struct address listen = loopback_address("udp://127.0.0.1:0");
    struct datagram_socket *server = bound(&listen, &nothing), *client = connected(&listen);
    struct datagram out[] = {text("a"), text("b"), {.data = large, .length = 65508}, text("d")};
    struct datagram_io io = datagram_send(client, out, 4, &err);
    ck_assert_int_eq(io.status, DATAGRAM_FAILED);
    ck_assert_uint_eq(io.n, 2);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_int_eq(err.code, EMSGSIZE);
    io = datagram_send(client, out + 3, 1, &err);
    ck_assert_int_eq(io.status, DATAGRAM_OK);
    ck_assert_uint_eq(received(server, ITEMS), 3);
    was(&items[2], "d");
    datagram_free(client);
    datagram_free(server);
}
END_TEST

/* The address of a port that was free a moment ago. */
static struct address closed_port(const char *endpoint)
{
    struct address address = loopback_address(endpoint);
    datagram_free(bound(&address, &nothing));
    return address;
}

static const char *const loopbacks[] = {"udp://127.0.0.1:0", "udp://[::1]:0"};

START_TEST(reports_icmp_with_its_sender_and_what_it_is_about)
{
    if (is_missing(loopbacks[_i]))
        return;
    struct address peer = closed_port(loopbacks[_i]);
    const struct datagram_options options = {.errors = true};
    struct datagram_socket *client;
    struct datagram_error error;
    ck_assert_int_eq(datagram_connect(&peer, NULL, &options, &client, &err), 0);
    ck_assert(!datagram_take_error(client, &error));
    sent(client, text("lost"));
    wait_for(client);
    ck_assert(datagram_take_error(client, &error));
    ck_assert_int_eq(error.code, ECONNREFUSED);
    ck_assert(!error.local);
    ck_assert_uint_eq(error.mtu, 0);
    ck_assert_uint_eq(error.length, strlen("lost"));
    ck_assert_mem_eq(error.data, "lost", strlen("lost"));
    if (kernel_has(KERNEL_ERROR_SENDER)) {
        address_set_port(&error.from, address_port(&peer));
        ck_assert(address_equal(&error.from, &peer));
    }
    ck_assert(!datagram_take_error(client, &error));
    datagram_free(client);
}
END_TEST

START_TEST(fails_once_where_the_port_is_closed)
{
    struct address peer = closed_port("udp://127.0.0.1:0");
    struct datagram_socket *client = connected(&peer);
    sent(client, text("lost"));
    wait_for(client);
    struct datagram_io io = datagram_receive(client, items, 1, &err);
    ck_assert_int_eq(io.status, DATAGRAM_FAILED);
    ck_assert_uint_eq(io.n, 0);
    ck_assert_int_eq(err.code, ECONNREFUSED);
    ck_assert_int_eq(datagram_receive(client, items, 1, &err).status, DATAGRAM_WAIT);
    datagram_free(client);
}
END_TEST

/* The loopback interface has 65,536 bytes, so that nothing smaller than the largest is too long. */
START_TEST(a_datagram_beyond_the_path_fails_where_it_may_not_be_fragmented)
{
    struct address listen = loopback_address("udp://127.0.0.1:0");
    struct datagram_socket *server = bound(&listen, &nothing), *client;
    const struct datagram_options options = {.never_fragment = true};
    int value;
    socklen_t length = sizeof value;
    ck_assert_int_eq(datagram_connect(&listen, NULL, &options, &client, &err), 0);
    ck_assert_int_eq(getsockopt(client->fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, &length), 0);
    ck_assert_int_eq(value, IP_PMTUDISC_DO);
    ck_assert_int_eq(getsockopt(server->fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, &length), 0);
    ck_assert_int_eq(value, IP_PMTUDISC_WANT);
    datagram_free(client);
    datagram_free(server);
}
END_TEST

static bool asks_for_the_address(const struct datagram_socket *s, int level, int name)
{
    int on;
    socklen_t size = sizeof on;
    ck_assert_int_eq(getsockopt(s->fd, level, name, &on, &size), 0);
    return on;
}

START_TEST(asks_the_kernel_for_the_address_only_where_there_are_several)
{
    const struct {
        const char *listen;
        bool ipv4, ipv6;
    } all[] = {
        {"udp://127.0.0.1:0", false, false},      {"udp://0.0.0.0:0", true, false},
        {"udp://127.255.255.255:0", true, false}, {"udp://224.0.0.1:0", true, false},
        {"udp://[::1]:0", false, false},          {"udp://[::]:0", true, true},
        {"udp://[ff02::1%lo]:0", true, true},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all && !is_missing(all[i].listen); i++) {
        struct address listen = loopback_address(all[i].listen);
        struct datagram_socket *s = bound(&listen, &everything);
        ck_assert_msg(asks_for_the_address(s, IPPROTO_IP, IP_PKTINFO) == all[i].ipv4, "%s",
                      all[i].listen);
        ck_assert(listen.any.sa_family == AF_INET ||
                  asks_for_the_address(s, IPPROTO_IPV6, IPV6_RECVPKTINFO) == all[i].ipv6);
        datagram_free(s);
    }
}
END_TEST

static const char *const shared[] = {"udp://0.0.0.0:0", "udp://127.255.255.255:0"};

START_TEST(tells_what_was_sent_to_many)
{
    struct address listen = loopback_address(shared[_i]);
    struct datagram_socket *server = bound(&listen, &everything);
    struct address many = loopback_address("udp://127.255.255.255:0");
    struct address any = loopback_address("udp://127.0.0.1:0");
    address_set_port(&many, address_port(&listen));
    struct datagram_socket *client = bound(&any, &nothing);
    int on = 1;
    ck_assert_int_eq(setsockopt(client->fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on), 0);
    struct datagram item = text("all of you");
    item.peer = many;
    sent(client, item);
    ck_assert_uint_eq(received(server, 1), 1);
    ck_assert(items[0].to_many);
    datagram_free(client);
    datagram_free(server);
}
END_TEST

START_TEST(tells_what_was_sent_to_a_multicast_group)
{
    struct address listen = loopback_address("udp://0.0.0.0:0");
    struct address any = loopback_address("udp://127.0.0.1:0");
    struct address group = loopback_address("udp://239.1.2.3:0");
    struct datagram_socket *server = bound(&listen, &everything), *client = bound(&any, &nothing);
    /* By address: emulators get the index of an interface wrong. The client's source chooses it. */
    const struct ip_mreq loopback = {.imr_multiaddr = group.ipv4.sin_addr,
                                     .imr_interface = any.ipv4.sin_addr};
    ck_assert_int_eq(
        setsockopt(server->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &loopback, sizeof loopback), 0);
    struct datagram item = text("all of you");
    item.peer = group;
    address_set_port(&item.peer, address_port(&listen));
    sent(client, item);
    ck_assert_uint_eq(received(server, 1), 1);
    ck_assert(items[0].to_many);
    datagram_free(client);
    datagram_free(server);
}
END_TEST

/* How many wait, which are received. */
static size_t drained(struct datagram_socket *s)
{
    size_t arrived = 0;
    struct datagram_io io;
    do {
        for (size_t i = 0; i < ITEMS; i++)
            items[i] = (struct datagram){.data = room[i], .size = sizeof room[i]};
        io = datagram_receive(s, items, ITEMS, &err);
        arrived += io.n;
    } while (io.status == DATAGRAM_OK);
    return arrived;
}

/* As many as the usual net.core.rmem_max has room for, and half as many again as the default. */
START_TEST(loses_none_of_a_burst)
{
    struct address listen = loopback_address("udp://127.0.0.1:0");
    struct datagram_socket *server = bound(&listen, &nothing), *client = connected(&listen);
    enum { MANY = 400 };
    for (int i = 0; i < MANY; i++)
        sent(client, (struct datagram){.data = large, .length = 100});
    ck_assert_uint_eq(drained(server), MANY);
    datagram_free(client);
    datagram_free(server);
}
END_TEST

START_TEST(counts_what_the_kernel_had_no_room_for)
{
    if (!kernel_has(KERNEL_DATAGRAM_DROPS))
        return;
    struct address listen = loopback_address("udp://127.0.0.1:0");
    struct datagram_socket *server = bound(&listen, &nothing), *client = connected(&listen);
    int least = 1;
    enum { MANY = 200 };
    ck_assert_int_eq(setsockopt(server->fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least), 0);
    for (int i = 0; i < MANY; i++)
        sent(client, (struct datagram){.data = large, .length = 500});
    size_t arrived = drained(server);
    ck_assert_uint_lt(arrived, MANY);
    sent(client, text("the next one tells"));
    ck_assert_uint_eq(received(server, 1), 1);
    ck_assert_uint_eq(server->kernel_drops, MANY - arrived);
    datagram_free(client);
    datagram_free(server);
}
END_TEST

START_TEST(connects_from_a_source_and_with_a_dscp)
{
    struct address listen = loopback_address("udp://127.0.0.1:0");
    struct datagram_socket *server = bound(&listen, &everything), *client;
    const struct dial_origin origin = {.source = loopback_address("udp://127.0.0.9:0"), .dscp = 46};
    ck_assert_int_eq(datagram_connect(&listen, &origin, &nothing, &client, &err), 0);
    sent(client, text("x"));
    ck_assert_uint_eq(received(server, 1), 1);
    address_set_port(&items[0].peer, 0);
    ck_assert(address_equal(&items[0].peer, &origin.source));
    ck_assert_int_eq(items[0].tos, 46 << 2);
    datagram_free(client);
    datagram_free(server);
}
END_TEST

START_TEST(refuses_a_source_of_the_other_family)
{
    struct address peer = loopback_address("udp://127.0.0.1:7");
    const struct dial_origin origin = {.source = loopback_address("udp://[::1]:0")};
    struct datagram_socket *client;
    ck_assert_int_eq(datagram_connect(&peer, &origin, &nothing, &client, &err), -1);
    ck_assert_int_eq(err.code, EAFNOSUPPORT);
    ck_assert_ptr_nonnull(strstr(err.text, "127.0.0.1:7"));
}
END_TEST

START_TEST(leaves_a_lent_descriptor_open)
{
    struct address listen = loopback_address("udp://127.0.0.1:0");
    struct datagram_socket *owner = bound(&listen, &nothing), *borrower;
    ck_assert_int_eq(datagram_new(owner->fd, true, &nothing, &borrower, &err), 0);
    datagram_free(borrower);
    ck_assert_int_eq(datagram_receive(owner, items, 1, &err).status, DATAGRAM_WAIT);
    datagram_free(owner);
}
END_TEST

START_TEST(a_second_socket_cannot_have_the_port)
{
    const struct socket_listening how = {.datagrams = true};
    struct address listen = loopback_address("udp://127.0.0.1:0");
    struct datagram_socket *server = bound(&listen, &nothing);
    int fd;
    ck_assert_int_eq(socket_listen(&listen, &how, &fd, &err), -1);
    ck_assert_int_eq(err.code, EADDRINUSE);
    datagram_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("datagram_udp");
    TCase *tests = tcase_create("datagram_udp");
    tcase_add_loop_test(tests, answers_from_the_address_that_was_asked, 0, ROUTES);
    tcase_add_loop_test(tests, tells_ttl_dscp_ecn_and_when_it_arrived, 0, ROUTES);
    tcase_add_test(tests, tells_nothing_that_was_not_asked_for);
    tcase_add_test(tests, keeps_the_order_over_several_batches);
    tcase_add_test(tests, carries_nothing_at_all_and_the_largest);
    tcase_add_test(tests, says_that_a_datagram_was_cut_to_the_buffer);
    tcase_add_test(tests, names_the_datagram_that_cannot_be_sent);
    tcase_add_loop_test(tests, reports_icmp_with_its_sender_and_what_it_is_about, 0, 2);
    tcase_add_test(tests, fails_once_where_the_port_is_closed);
    tcase_add_test(tests, a_datagram_beyond_the_path_fails_where_it_may_not_be_fragmented);
    tcase_add_test(tests, asks_the_kernel_for_the_address_only_where_there_are_several);
    tcase_add_loop_test(tests, tells_what_was_sent_to_many, 0, 2);
    tcase_add_test(tests, tells_what_was_sent_to_a_multicast_group);
    tcase_add_test(tests, loses_none_of_a_burst);
    tcase_add_test(tests, counts_what_the_kernel_had_no_room_for);
    tcase_add_test(tests, connects_from_a_source_and_with_a_dscp);
    tcase_add_test(tests, refuses_a_source_of_the_other_family);
    tcase_add_test(tests, knows_how_much_the_path_carries_in_one_piece);
    tcase_add_test(tests, leaves_a_lent_descriptor_open);
    tcase_add_test(tests, a_second_socket_cannot_have_the_port);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
