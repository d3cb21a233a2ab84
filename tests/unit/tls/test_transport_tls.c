/* SPDX-License-Identifier: MIT */
/* The contract of include/tlsecho/net/transport.h, checked with every transport. */
#include "tlsecho/net/transport.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "folder.h"
#include "kernel.h"
#include "loopback.h"
#include "pair.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

enum kind { TCP, TLS12, TLS13, KINDS };

enum { LARGE_BYTES = 200000, BAD_RECORD_MAC = 20 /* RFC 8446 §6 */ };

static const char *const versions[KINDS] = {"", "1.2", "1.3"};
static struct tls_context *client_context, *server_context;
static struct peer_certificate certificate;
static struct error err;

/* Replaces the C library's: the errno with which it fails, 0 = call the real one. */
static int send_fails;

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    errno = send_fails;
    return send_fails ? -1 : sendto(fd, data, size, flags, NULL, 0);
}

static void set_up(void)
{
    send_fails = 0;
    certificate = pair_contexts(&client_context, &server_context);
}

static void tear_down(void)
{
    tls_context_free(client_context);
    tls_context_free(server_context);
}

static void set_version(enum kind kind)
{
    const char *version = versions[kind];
    ck_assert_int_eq(tls_context_set_versions(server_context, version, version, &err), 0);
}

static void pair_up(enum kind kind, const int fds[2], struct pair *ret)
{
    if (kind == TCP) {
        pair_tcp(ret, fds);
        return;
    }
    set_version(kind);
    pair_tls(ret, fds, client_context, server_context, "localhost");
}

static void shake(struct pair *pair)
{
    enum io_status server;
    struct error server_error;
    ck_assert_msg(pair_handshake(pair, &err, &server, &server_error) == IO_OK, "%s", err.text);
    ck_assert_msg(server == IO_OK, "%s", server_error.text);
}

/* A pair after its handshake. tiny: kernel buffers of 4 KiB. */
static struct pair connected(enum kind kind, bool tiny)
{
    struct pair pair;
    int fds[2];
    pair_sockets(tiny, fds);
    pair_up(kind, fds, &pair);
    shake(&pair);
    return pair;
}

static bool is_ready(const struct transport *t, short events)
{
    struct pollfd waiting = {.fd = t->fd, .events = events};
    return poll(&waiting, 1, 0) == 1;
}

static void wait_readable(const struct transport *t)
{
    struct pollfd waiting = {.fd = t->fd, .events = POLLIN};
    ck_assert_int_eq(poll(&waiting, 1, 5000), 1);
}

/* The byte at a place of an endless stream: no two stretches of it are alike for long. */
static unsigned char byte_at(size_t place)
{
    return (unsigned char)(place ^ place >> 7 ^ place >> 13);
}

static size_t random_up_to(size_t most)
{
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return 1 + (state >> 8) % most;
}

/* One direction of a transfer, driven exactly as the contract says. */
struct flow {
    struct transport *from, *to;
    size_t size, sent, received;
    bool owes;    /* written, but not all of it handed to the kernel */
    bool waits;   /* write said IO_WANT_WRITE: not before the descriptor is writable */
    bool follows; /* read said `more` */
};

static bool flow_is_over(const struct flow *f)
{
    return f->sent == f->size && !f->owes && f->received == f->size;
}

/* Check's assertions write to a file each time: too slow for every operation. */
static void demand(bool holds, const char *what)
{
    if (!holds)
        ck_abort_msg("%s", what);
}

static bool flow_write(struct flow *f, size_t chunk_max)
{
    size_t chunk = f->size - f->sent, most = random_up_to(chunk_max);
    if ((chunk == 0 && !f->owes) || (f->waits && !is_ready(f->from, POLLOUT)))
        return false;
    if (chunk > most)
        chunk = most;
    unsigned char *data = malloc(chunk + 1); /* a new place for the rest, every time */
    for (size_t i = 0; i < chunk; i++)
        data[i] = byte_at(f->sent + i);
    struct io io = transport_write(f->from, data, chunk, &err);
    free(data);
    demand(io.status == IO_OK || io.status == IO_WANT_WRITE, "a write failed");
    demand(io.n <= chunk, "a write took more than there was");
    demand(io.status != IO_OK || io.n == chunk, "a write was done and was not");
    f->sent += io.n;
    f->owes = f->waits = io.status == IO_WANT_WRITE;
    return true;
}

static bool flow_read(struct flow *f, size_t chunk_max)
{
    if (!f->follows && !is_ready(f->to, POLLIN))
        return false;
    static unsigned char data[LARGE_BYTES];
    struct io io = transport_read(f->to, data, random_up_to(chunk_max), &err);
    demand(io.status == IO_OK || io.status == IO_WANT_READ, "a read failed");
    demand((io.status == IO_OK) == (io.n > 0), "a read was done without a byte");
    demand(!io.more || io.status == IO_OK, "more was said without a byte");
    for (size_t i = 0; i < io.n; i++)
        demand(data[i] == byte_at(f->received + i), "a byte is wrong, lost or doubled");
    f->received += io.n;
    f->follows = io.more;
    return true;
}

/* Nothing else moves bytes: a turn without progress is a hang. */
static void run_flows(struct flow *flows, size_t count, size_t write_max, size_t read_max)
{
    for (bool over = false; !over;) {
        bool progress = false;
        over = true;
        for (size_t i = 0; i < count; i++) {
            progress |= flow_write(&flows[i], write_max);
            progress |= flow_read(&flows[i], read_max);
            over &= flow_is_over(&flows[i]);
        }
        demand(progress || over, "it hangs");
    }
}

/* All of size bytes, one way, after which both are quiet. */
static void transfer(struct transport *from, struct transport *to, size_t size)
{
    struct flow flow = {.from = from, .to = to, .size = size};
    run_flows(&flow, 1, size ? size : 1, 16384);
    ck_assert_uint_eq(flow.received, size);
}

/* Reads until something has happened, or the kernel has nothing more. */
static struct io read_on(struct transport *t, void *data, size_t size)
{
    struct io io;
    do
        io = transport_read(t, data, size, &err);
    while (io.status == IO_WANT_READ && is_ready(t, POLLIN));
    return io;
}

static void reads(struct transport *t, enum io_status status)
{
    unsigned char byte;
    for (int i = 0; i < 5; i++) {
        struct io io = read_on(t, &byte, 1);
        ck_assert_int_eq(io.status, status);
        ck_assert_uint_eq(io.n, 0);
        ck_assert(!io.more);
    }
}

static void shut_down(struct transport *t)
{
    ck_assert_int_eq(transport_shutdown(t, &err).status, IO_OK);
}

START_TEST(carries_every_byte_both_ways_whatever_the_sizes)
{
    static const size_t sizes[] = {1, 2, 1000, 16383, 16384, 16385, 65536, LARGE_BYTES};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        /* 7 bytes at a time a long stream takes seconds. */
        const size_t chunks[] = {sizes[i] == LARGE_BYTES ? 70 : 7, 1000, 20000, LARGE_BYTES};
        struct pair pair = connected((enum kind)_i, true);
        for (size_t j = sizes[i] > 20000 ? 1 : 0; j < sizeof chunks / sizeof *chunks; j++) {
            struct flow flows[] = {
                {.from = pair.client, .to = pair.server, .size = sizes[i]},
                {.from = pair.server, .to = pair.client, .size = sizes[i] / 2 + 1}};
            run_flows(flows, 2, chunks[j], chunks[3 - j]);
        }
        pair_done(&pair);
    }
}
END_TEST

START_TEST(separates_connections_that_share_a_scratch)
{
    struct pair first = connected((enum kind)_i, true), second;
    int fds[2];
    pair_sockets(true, fds);
    if (_i == TCP) {
        pair_tcp(&second, fds);
    } else {
        second = (struct pair){0};
        struct transport_tls_options of_client = {
            .ctx = client_context, .scratch = first.client_scratch, .server_name = "localhost"};
        struct transport_tls_options of_server = {.ctx = server_context,
                                                  .scratch = first.client_scratch};
        ck_assert_int_eq(transport_tls_new(fds[0], &of_client, &second.client, &err), 0);
        ck_assert_int_eq(transport_tls_new(fds[1], &of_server, &second.server, &err), 0);
    }
    shake(&second);
    struct flow flows[] = {{.from = first.client, .to = first.server, .size = LARGE_BYTES},
                           {.from = second.client, .to = second.server, .size = LARGE_BYTES},
                           {.from = second.server, .to = second.client, .size = LARGE_BYTES},
                           {.from = first.server, .to = first.client, .size = LARGE_BYTES}};
    run_flows(flows, 4, 50000, 3000);
    pair_done(&second);
    pair_done(&first);
}
END_TEST

START_TEST(returns_how_much_of_a_write_was_accepted)
{
    static unsigned char data[LARGE_BYTES];
    struct pair pair = connected((enum kind)_i, true);
    for (size_t i = 0; i < LARGE_BYTES; i++)
        data[i] = byte_at(i);
    struct io io = transport_write(pair.client, data, LARGE_BYTES, &err);
    ck_assert_int_eq(io.status, IO_WANT_WRITE);
    ck_assert_uint_lt(io.n, LARGE_BYTES);

    /* Without a read nothing changes. */
    struct io again = transport_write(pair.client, data + io.n, 0, &err);
    ck_assert_int_eq(again.status, _i == TCP ? IO_OK : IO_WANT_WRITE);
    ck_assert_uint_eq(again.n, 0);
    ck_assert(!again.progressed);

    /* An empty write flushes what was accepted, and not a byte more. */
    struct flow flow = {.from = pair.client,
                        .to = pair.server,
                        .size = io.n,
                        .sent = io.n,
                        .owes = true,
                        .waits = true};
    run_flows(&flow, 1, 1, 4096);
    reads(pair.server, IO_WANT_READ);
    pair_done(&pair);
}
END_TEST

START_TEST(treats_an_empty_write_as_a_flush)
{
    struct pair pair = connected((enum kind)_i, true);
    struct io io = transport_write(pair.client, NULL, 0, &err);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(io.n, 0);
    reads(pair.server, IO_WANT_READ);
    pair_done(&pair);
}
END_TEST

START_TEST(leaves_no_record_behind_while_the_peer_stays_open)
{
    enum { RECORDS = 100, RECORD_BYTES = 10 };
    static const size_t sizes[] = {1, 7, 10, 64, 999, 1000, 65536};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct pair pair = connected((enum kind)_i, false);
        unsigned char data[RECORDS * RECORD_BYTES], got[65536];
        for (size_t j = 0; j < sizeof data; j++)
            data[j] = byte_at(j);
        for (size_t j = 0; j < RECORDS; j++)
            ck_assert_int_eq(
                transport_write(pair.client, data + j * RECORD_BYTES, RECORD_BYTES, &err).status,
                IO_OK);

        size_t received = 0;
        for (bool more = false; received < sizeof data;) {
            ck_assert_msg(more || is_ready(pair.server, POLLIN), "%zu bytes are stuck",
                          sizeof data - received);
            struct io io = transport_read(pair.server, got + received, sizes[i], &err);
            ck_assert(io.status == IO_OK || io.status == IO_WANT_READ);
            received += io.n;
            more = io.more;
            if (sizes[i] == sizeof got)
                break; /* one read takes all that arrived */
        }
        ck_assert_uint_eq(received, sizeof data);
        ck_assert_mem_eq(got, data, sizeof data);
        reads(pair.server, IO_WANT_READ);
        pair_done(&pair);
    }
}
END_TEST

/* A client and a server whose records a test can hold: client - raw[0] .. raw[1] - server. */
struct relay {
    struct pair pair;
    int raw[2];
};

static size_t relay_take(int fd, unsigned char *data, size_t size)
{
    ssize_t n = recv(fd, data, size, MSG_DONTWAIT);
    return n > 0 ? (size_t)n : 0;
}

static void relay_give(int fd, const unsigned char *data, size_t size)
{
    ck_assert_int_eq(send(fd, data, size, MSG_NOSIGNAL), (ssize_t)size);
}

static void relay_open(struct relay *relay, enum kind kind)
{
    int client[2], server[2];
    unsigned char data[65536];
    struct error ignored;
    pair_sockets(false, client);
    pair_sockets(false, server);
    relay->raw[0] = client[1];
    relay->raw[1] = server[1];
    pair_up(kind, (int[2]){client[0], server[0]}, &relay->pair);

    for (int turn = 0, done = 0; done < 2; turn++) {
        ck_assert_int_lt(turn, 100);
        done = (transport_handshake(relay->pair.client, &err).status == IO_OK) +
               (transport_handshake(relay->pair.server, &ignored).status == IO_OK);
        relay_give(relay->raw[1], data, relay_take(relay->raw[0], data, sizeof data));
        relay_give(relay->raw[0], data, relay_take(relay->raw[1], data, sizeof data));
    }
}

static void relay_done(struct relay *relay)
{
    pair_done(&relay->pair);
    close(relay->raw[0]);
    close(relay->raw[1]);
}

START_TEST(waits_without_more_for_the_rest_of_half_a_record)
{
    struct relay relay;
    unsigned char record[1000], data[100];
    relay_open(&relay, (enum kind)_i);
    ck_assert_int_eq(transport_write(relay.pair.client, "0123456789", 10, &err).status, IO_OK);
    size_t n = relay_take(relay.raw[0], record, sizeof record);
    for (size_t cut = 1; cut < n; cut += n / 3) {
        relay_give(relay.raw[1], record, cut);
        struct io half = transport_read(relay.pair.server, data, sizeof data, &err);
        ck_assert_int_eq(half.status, IO_WANT_READ);
        ck_assert(half.progressed);
        ck_assert(!transport_read(relay.pair.server, data, sizeof data, &err).progressed);
        reads(relay.pair.server, IO_WANT_READ);
        relay_give(relay.raw[1], record + cut, n - cut);
        struct io io = read_on(relay.pair.server, data, sizeof data);
        ck_assert_int_eq(io.status, IO_OK);
        ck_assert_uint_eq(io.n, 10);
        ck_assert_mem_eq(data, "0123456789", 10);
        reads(relay.pair.server, IO_WANT_READ);
        ck_assert_int_eq(transport_write(relay.pair.client, "0123456789", 10, &err).status, IO_OK);
        n = relay_take(relay.raw[0], record, sizeof record);
    }
    relay_done(&relay);
}
END_TEST

/* Reads while there is a reason to. Returns how many bytes came. */
static size_t read_all(struct transport *t, size_t size)
{
    unsigned char data[64];
    size_t received = 0, turns = 0;
    for (bool more = false; more || is_ready(t, POLLIN);) {
        struct io io = transport_read(t, data, size, &err);
        ck_assert_uint_lt(turns++, 1000);
        received += io.n;
        more = io.more;
    }
    return received;
}

START_TEST(follows_more_to_an_end_when_half_a_record_comes_behind_a_whole_one)
{
    static const size_t sizes[] = {1, 4, 8, 64};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct relay relay;
        unsigned char records[1000];
        relay_open(&relay, (enum kind)_i);
        ck_assert_int_eq(transport_write(relay.pair.client, "01234567", 8, &err).status, IO_OK);
        ck_assert_int_eq(transport_write(relay.pair.client, "89abcdef", 8, &err).status, IO_OK);
        size_t n = relay_take(relay.raw[0], records, sizeof records);
        relay_give(relay.raw[1], records, n * 3 / 4);
        ck_assert_uint_eq(read_all(relay.pair.server, sizes[i]), 8);
        reads(relay.pair.server, IO_WANT_READ);
        relay_give(relay.raw[1], records + n * 3 / 4, n - n * 3 / 4);
        ck_assert_uint_eq(read_all(relay.pair.server, sizes[i]), 8);
        relay_done(&relay);
    }
}
END_TEST

START_TEST(leaves_no_record_behind_one_that_came_in_two_parts)
{
    struct relay relay;
    unsigned char records[1000], data[100] = {0};
    relay_open(&relay, (enum kind)_i);
    ck_assert_int_eq(transport_write(relay.pair.client, data, sizeof data, &err).status, IO_OK);
    ck_assert_int_eq(transport_write(relay.pair.client, "x", 1, &err).status, IO_OK);
    size_t n = relay_take(relay.raw[0], records, sizeof records);

    /* The second part brings the small record along, and the large one fills the buffer. */
    relay_give(relay.raw[1], records, 60);
    reads(relay.pair.server, IO_WANT_READ);
    relay_give(relay.raw[1], records + 60, n - 60);
    struct io io = transport_read(relay.pair.server, data, sizeof data, &err);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(io.n, sizeof data);
    ck_assert(!is_ready(relay.pair.server, POLLIN));
    ck_assert(io.more);
    io = transport_read(relay.pair.server, data, sizeof data, &err);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(io.n, 1);
    ck_assert_int_eq(data[0], 'x');
    relay_done(&relay);
}
END_TEST

START_TEST(reports_a_clean_end_repeatedly_and_after_all_bytes)
{
    struct pair pair = connected((enum kind)_i, false);
    unsigned char data[10];
    ck_assert_int_eq(transport_write(pair.client, "0123456789", 10, &err).status, IO_OK);
    shut_down(pair.client);
    for (size_t received = 0; received < sizeof data; received++) {
        struct io io = read_on(pair.server, data + received, 1);
        ck_assert_int_eq(io.status, IO_OK);
        ck_assert_uint_eq(io.n, 1);
    }
    ck_assert_mem_eq(data, "0123456789", 10);
    reads(pair.server, IO_EOF);
    pair_done(&pair);
}
END_TEST

START_TEST(still_writes_after_the_peer_has_ended)
{
    struct pair pair = connected((enum kind)_i, true);
    shut_down(pair.client);
    wait_readable(pair.server);
    reads(pair.server, IO_EOF);
    transfer(pair.server, pair.client, LARGE_BYTES);
    shut_down(pair.server);
    reads(pair.client, IO_EOF);
    pair_done(&pair);
}
END_TEST

START_TEST(still_reads_after_its_own_end)
{
    struct pair pair = connected((enum kind)_i, true);
    shut_down(pair.server);
    transfer(pair.client, pair.server, LARGE_BYTES);
    reads(pair.client, IO_EOF);
    shut_down(pair.client);
    reads(pair.server, IO_EOF);
    pair_done(&pair);
}
END_TEST

START_TEST(distinguishes_a_bare_fin_from_an_end_and_still_writes)
{
    struct pair pair = connected((enum kind)_i, true);
    transfer(pair.client, pair.server, 1000);
    ck_assert_int_eq(shutdown(pair.client->fd, SHUT_WR), 0);
    reads(pair.server, _i == TCP ? IO_EOF : IO_CUT);
    transfer(pair.server, pair.client, LARGE_BYTES);
    shut_down(pair.server);
    reads(pair.client, IO_EOF);
    pair_done(&pair);
}
END_TEST

START_TEST(both_ends_of_one_session_export_the_same_value)
{
    char client[TLS_EXPORTER_BYTES] = "?", server[TLS_EXPORTER_BYTES] = "?";
    struct pair pair = connected((enum kind)_i, false);
    transport_tls_exporter(pair.client, client);
    transport_tls_exporter(pair.server, server);
    ck_assert_uint_eq(strlen(client), _i == TCP ? 0 : 64);
    ck_assert_str_eq(client, server);

    struct pair other = connected((enum kind)_i, false);
    transport_tls_exporter(other.server, server);
    ck_assert(_i == TCP || strcmp(client, server) != 0);
    pair_done(&pair);
    pair_done(&other);
}
END_TEST

START_TEST(leaves_the_fin_to_the_peer_where_asked)
{
    struct pair pair = connected((enum kind)_i, false);
    char byte;
    ck_assert_int_eq(transport_tls_close_notify(pair.client, &err).status, IO_OK);
    ck_assert(is_ready(pair.server, POLLIN));
    reads(pair.server, IO_EOF);
    ssize_t n = recv(pair.server->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    ck_assert_int_eq(n, _i == TCP ? 0 : -1); /* plain TCP ends with a FIN only */
    shut_down(pair.server);
    reads(pair.client, IO_EOF);
    pair_done(&pair);
}
END_TEST

START_TEST(a_finish_sends_close_notify_and_leaves_the_fin_to_the_close)
{
    struct pair pair = connected((enum kind)_i, false);
    shut_down(pair.client);
    reads(pair.server, IO_EOF);
    ck_assert_int_eq(transport_finish(pair.server, &err).status, IO_OK);
    char byte;
    ck_assert_int_ne(recv(pair.client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT), 0);
    transport_free(pair.server);
    pair.server = NULL;
    reads(pair.client, IO_EOF);
    ck_assert_int_eq(recv(pair.client->fd, &byte, 1, 0), 0); /* the FIN */
    pair_done(&pair);
}
END_TEST

START_TEST(sends_pending_output_before_its_end)
{
    static unsigned char data[LARGE_BYTES];
    struct pair pair = connected((enum kind)_i, true);
    for (size_t i = 0; i < LARGE_BYTES; i++)
        data[i] = byte_at(i);
    struct io io = transport_write(pair.client, data, LARGE_BYTES, &err);
    ck_assert_int_eq(io.status, IO_WANT_WRITE);

    struct flow flow = {.to = pair.server, .size = io.n};
    enum io_status status;
    do {
        status = transport_shutdown(pair.client, &err).status;
        ck_assert(status == IO_OK || status == IO_WANT_WRITE);
        while (flow.received < flow.size && flow_read(&flow, 4096))
            ;
    } while (status != IO_OK);
    ck_assert_uint_eq(flow.received, flow.size);
    reads(pair.server, IO_EOF);
    pair_done(&pair);
}
END_TEST

/* A pair over real TCP. */
static struct pair network_pair(enum kind kind)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int listening = loopback_listen(&address, 8);
    int fds[] = {loopback_connect(&address), loopback_accept(listening)};
    struct pair pair;
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
    pair_up(kind, fds, &pair);
    for (enum io_status client = IO_WANT_READ, server = IO_WANT_READ;
         client != IO_OK || server != IO_OK;) {
        client = client == IO_OK ? IO_OK : transport_handshake(pair.client, &err).status;
        server = server == IO_OK ? IO_OK : transport_handshake(pair.server, &err).status;
    }
    close(listening);
    return pair;
}

static unsigned segments_sent(const struct transport *t)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    ck_assert_int_eq(getsockopt(t->fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    return info.tcpi_segs_out;
}

/* How many segments the server sends to end; *ret_us = the time since its last data. Counted where
 * they are sent: one from before may still be on its way to the client. */
static unsigned segments_of_end(enum kind kind, uint64_t *ret_us)
{
    struct pair pair = network_pair(kind);
    transfer(pair.client, pair.server, 1);
    ck_assert_int_eq(setsockopt(pair.server->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)),
                     0);
    uint64_t start_us = clock_now_us();    /* before what is sent again if it is not acknowledged */
    transfer(pair.server, pair.client, 1); /* acknowledges: no segment is due but the end */
    unsigned before = segments_sent(pair.server);
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_OK);
    unsigned count = segments_sent(pair.server) - before;
    *ret_us = clock_now_us() - start_us; /* after the count, which may be late as well */
    reads(pair.client, IO_EOF);
    pair_done(&pair);
    return count;
}

START_TEST(sends_close_notify_and_fin_in_one_segment)
{
    if (!kernel_has(KERNEL_TCP_INFO))
        return;
    enum {
        HELD_BACK_US = 200 * 1000
    }; /* at most, tcp(7): interrupted for longer, it tries again */
    uint64_t us;
    unsigned count;
    do
        count = segments_of_end((enum kind)_i, &us);
    while (us >= HELD_BACK_US);
    ck_assert_uint_eq(count, 1);
}
END_TEST

/* A pair over real TCP whose client has sent RST; only the server is left. */
static struct pair reset_pair(enum kind kind)
{
    struct pair pair = network_pair(kind);
    transfer(pair.client, pair.server, 1);

    static const struct linger now = {.l_onoff = 1};
    ck_assert_int_eq(setsockopt(pair.client->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    transport_free(pair.client);
    pair.client = NULL;
    wait_readable(pair.server);
    return pair;
}

START_TEST(reports_a_reset_on_read)
{
    struct pair pair = reset_pair((enum kind)_i);
    err.kind = ERROR_INPUT;
    reads(pair.server, IO_RESET);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_int_eq(err.code, ECONNRESET);
    ck_assert_int_eq(transport_write(pair.server, "x", 1, &err).status, IO_RESET);
    reads(pair.server, IO_RESET);
    ck_assert_int_eq(err.code, ECONNRESET);
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_RESET);
    pair_done(&pair);
}
END_TEST

START_TEST(reports_a_reset_on_shutdown)
{
    struct pair pair = reset_pair((enum kind)_i);
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_RESET);
    ck_assert_int_eq(err.code, ECONNRESET);
    pair_done(&pair);
}
END_TEST

START_TEST(reports_a_reset_on_write_and_then_on_read)
{
    struct pair pair = reset_pair((enum kind)_i);
    ck_assert_int_eq(transport_write(pair.server, "x", 1, &err).status, IO_RESET);
    ck_assert_int_eq(err.code, ECONNRESET);
    reads(pair.server, IO_RESET);
    ck_assert_int_eq(err.code, ECONNRESET);
    pair_done(&pair);
}
END_TEST

START_TEST(completes_a_handshake_whose_flight_does_not_fit_in_the_kernel)
{
    struct folder folder;
    folder_new(&folder);
    static char names[30000];
    strcpy(names, "DNS:localhost");
    for (int i = 0; i < 500; i++)
        sprintf(names + strlen(names), ",DNS:host-%038d", i);
    struct pki pki = pki_make(&(struct pki_spec){.subject = "large", .names = names});
    tls_context_free(server_context);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server_context, &err), 0);
    certificate = pki_present(&folder, &pki, server_context);
    ck_assert_int_eq(tls_context_pin(client_context, certificate.sha256, &err), 0);

    struct pair pair;
    int fds[2];
    bool crossed = false;
    pair_sockets(true, fds);
    pair_up((enum kind)_i, fds, &pair);
    for (enum io_status client = IO_WANT_READ, server = IO_WANT_READ;
         client != IO_OK || server != IO_OK;) {
        if (client != IO_OK)
            client = transport_handshake(pair.client, &err).status;
        ck_assert_int_ne(client, IO_FAILED);
        if (server != IO_OK)
            server = transport_handshake(pair.server, &err).status;
        ck_assert_int_ne(server, IO_FAILED);
        crossed |= server == IO_WANT_WRITE;
    }
    ck_assert(crossed);
    transfer(pair.client, pair.server, LARGE_BYTES);
    transfer(pair.server, pair.client, LARGE_BYTES);
    pair_done(&pair);
    pki_free(&pki);
    folder_remove(&folder);
}
END_TEST

START_TEST(describes_the_peer)
{
    static const char *const ciphers[] = {"", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                                          "TLS_AES_128_GCM_SHA256"};
    struct pair pair = connected((enum kind)_i, false);
    struct peer peer;
    char version[16] = "";
    if (_i != TCP)
        snprintf(version, sizeof version, "TLSv%s", versions[_i]);
    for (int i = 0; i < 2; i++) {
        transport_peer(i ? pair.server : pair.client, &peer);
        ck_assert_int_eq(peer.tls, _i != TCP);
        ck_assert_str_eq(peer.version, version);
        ck_assert_str_eq(peer.cipher, ciphers[_i]);
        ck_assert_int_eq(peer.group[0] != '\0', _i != TCP);
        ck_assert_str_eq(peer.sni, _i != TCP ? "localhost" : "");
        ck_assert_str_eq(peer.alpn, "");
        ck_assert(!peer.resumed);
        bool present = _i != TCP && i == 0;
        ck_assert_int_eq(peer.certificate.present, present);
        ck_assert_int_eq(peer.certificate.verified, present);
        ck_assert_str_eq(peer.certificate.sha256, present ? certificate.sha256 : "");
    }
    pair_done(&pair);
}
END_TEST

/* What a server's TLS port makes of bytes that arrive first; the rest of the peer's side is raw. */
struct other_protocol {
    const char *bytes;
    size_t n;
    enum error_kind kind;
};

#define BYTES(text) text, sizeof text - 1

static const struct other_protocol other_protocols[] = {
    {BYTES("GET / HTTP/1.0\r\n\r\n"), ERROR_NOT_TLS},
    {BYTES("hello, world\n"), ERROR_NOT_TLS},
    {BYTES("\x16\x03\x01\x00\x05nonsense and more of it"), ERROR_TLS},
    {BYTES("\x16\x03\x01\xff\xff long"), ERROR_TLS},
    {BYTES("\x17\x03\x03\x00\x05 data"), ERROR_TLS},
};

START_TEST(answers_bytes_that_are_not_tls_with_an_alert_and_a_reason)
{
    const struct other_protocol *other_protocol = &other_protocols[_i];
    struct tls_scratch *scratch = tls_scratch_new();
    struct transport *t;
    int fds[2];
    unsigned char answer[100];
    pair_sockets(false, fds);
    struct transport_tls_options options = {.ctx = server_context, .scratch = scratch};
    ck_assert_int_eq(transport_tls_new(fds[1], &options, &t, &err), 0);
    ck_assert_int_eq(send(fds[0], other_protocol->bytes, other_protocol->n, 0),
                     (ssize_t)other_protocol->n);
    ck_assert_int_eq(transport_handshake(t, &err).status, IO_FAILED);
    ck_assert_msg(err.kind == other_protocol->kind, "%d: %s", err.kind, err.text);
    shut_down(t);

    /* RFC 8446 §5.1 and §6: an alert record, of two bytes, fatal; then FIN. */
    ssize_t n = recv(fds[0], answer, sizeof answer, 0);
    ck_assert_int_eq(n, 7);
    ck_assert_mem_eq(answer, "\x15\x03", 2);
    ck_assert_mem_eq(answer + 3, "\x00\x02\x02", 3);
    ck_assert_int_eq(recv(fds[0], answer, sizeof answer, 0), 0);
    transport_free(t);
    tls_scratch_free(scratch);
    close(fds[0]);
}
END_TEST

START_TEST(reports_that_the_peer_closed_during_the_handshake)
{
    struct pair pair;
    int fds[2];
    pair_sockets(false, fds);
    pair_up((enum kind)_i, fds, &pair);
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_WANT_READ);
    ck_assert_int_eq(shutdown(pair.client->fd, SHUT_WR), 0);
    enum io_status status = IO_WANT_READ;
    for (int turn = 0; turn < 5 && (status == IO_WANT_READ || status == IO_WANT_WRITE); turn++)
        status = transport_handshake(pair.server, &err).status;
    ck_assert_int_eq(status, IO_CUT);
    pair_done(&pair);
}
END_TEST

START_TEST(fails_on_a_forged_record_and_sends_the_alert)
{
    struct relay relay;
    unsigned char record[1000], byte;
    relay_open(&relay, (enum kind)_i);
    ck_assert_int_eq(transport_write(relay.pair.client, "0123456789", 10, &err).status, IO_OK);
    size_t n = relay_take(relay.raw[0], record, sizeof record);
    record[n - 1] ^= 1;
    relay_give(relay.raw[1], record, n);
    ck_assert_int_eq(read_on(relay.pair.server, &byte, 1).status, IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_TLS);
    ck_assert_int_eq(err.alert, BAD_RECORD_MAC);
    shut_down(relay.pair.server);

    n = relay_take(relay.raw[1], record, sizeof record);
    relay_give(relay.raw[0], record, n);
    enum io_status status = read_on(relay.pair.client, &byte, 1).status;
    ck_assert_int_eq(status, IO_FAILED);
    ck_assert_int_eq(err.alert, BAD_RECORD_MAC);
    relay_done(&relay);
}
END_TEST

START_TEST(returns_data_that_came_before_a_forged_record)
{
    struct relay relay;
    unsigned char records[1000], data[100];
    relay_open(&relay, (enum kind)_i);
    ck_assert_int_eq(transport_write(relay.pair.client, "0123456789", 10, &err).status, IO_OK);
    ck_assert_int_eq(transport_write(relay.pair.client, "0123456789", 10, &err).status, IO_OK);
    size_t n = relay_take(relay.raw[0], records, sizeof records);
    records[n - 1] ^= 1;
    relay_give(relay.raw[1], records, n);
    struct io io = read_on(relay.pair.server, data, sizeof data);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(io.n, 10);
    ck_assert(io.more); /* or it would never be reported */
    io = read_on(relay.pair.server, data, sizeof data);
    ck_assert_int_eq(io.status, IO_FAILED);
    ck_assert_int_eq(err.alert, BAD_RECORD_MAC);
    relay_done(&relay);
}
END_TEST

START_TEST(reports_a_plain_server_to_a_client)
{
    static const char *const answers[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", NULL};
    struct tls_scratch *scratch = tls_scratch_new();
    for (size_t i = 0; i < 2; i++) {
        struct transport *t;
        int fds[2];
        unsigned char hello[65536];
        pair_sockets(false, fds);
        struct transport_tls_options options = {
            .ctx = client_context, .scratch = scratch, .server_name = "localhost"};
        ck_assert_int_eq(transport_tls_new(fds[0], &options, &t, &err), 0);
        ck_assert_int_eq(transport_handshake(t, &err).status, IO_WANT_READ);
        size_t n = relay_take(fds[1], hello, sizeof hello);
        if (answers[i])
            relay_give(fds[1], (const unsigned char *)answers[i], strlen(answers[i]));
        else
            relay_give(fds[1], hello, n); /* an echo */
        ck_assert_int_eq(transport_handshake(t, &err).status, IO_FAILED);
        ck_assert_msg(err.kind == ERROR_NOT_TLS, "%d: %s", err.kind, err.text);
        transport_free(t);
        close(fds[1]);
    }
    tls_scratch_free(scratch);
}
END_TEST

/* Not as after RST, which a read would report. */
START_TEST(a_flight_that_cannot_be_sent_fails_the_handshake)
{
    struct pair pair;
    int fds[2];
    pair_sockets(false, fds);
    pair_up(_i, fds, &pair);
    send_fails = ENOMEM;
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_FAILED);
    ck_assert_int_eq(err.code, ENOMEM);
    pair_done(&pair);
}
END_TEST

START_TEST(the_end_of_the_stream_follows_a_failed_send)
{
    struct pair pair = connected(_i, false);
    unsigned char byte = 'x';
    send_fails = ENOBUFS;
    ck_assert_int_eq(transport_write(pair.client, &byte, 1, &err).status, IO_FAILED);
    ck_assert_int_eq(transport_shutdown(pair.client, &err).status, IO_FAILED);
    send_fails = 0;
    ck_assert_int_eq(transport_read(pair.server, &byte, 1, &err).status, IO_CUT);
    pair_done(&pair);
}
END_TEST

static void add_contract(TCase *tcase)
{
    tcase_add_loop_test(tcase, carries_every_byte_both_ways_whatever_the_sizes, 0, KINDS);
    tcase_add_loop_test(tcase, separates_connections_that_share_a_scratch, 0, KINDS);
    tcase_add_loop_test(tcase, returns_how_much_of_a_write_was_accepted, 0, KINDS);
    tcase_add_loop_test(tcase, treats_an_empty_write_as_a_flush, 0, KINDS);
    tcase_add_loop_test(tcase, leaves_no_record_behind_while_the_peer_stays_open, 0, KINDS);
    tcase_add_loop_test(tcase, reports_a_clean_end_repeatedly_and_after_all_bytes, 0, KINDS);
    tcase_add_loop_test(tcase, still_writes_after_the_peer_has_ended, 0, KINDS);
    tcase_add_loop_test(tcase, still_reads_after_its_own_end, 0, KINDS);
    tcase_add_loop_test(tcase, leaves_the_fin_to_the_peer_where_asked, 0, KINDS);
    tcase_add_loop_test(tcase, distinguishes_a_bare_fin_from_an_end_and_still_writes, 0, KINDS);
    tcase_add_loop_test(tcase, both_ends_of_one_session_export_the_same_value, 0, KINDS);
    tcase_add_loop_test(tcase, a_finish_sends_close_notify_and_leaves_the_fin_to_the_close, 0,
                        KINDS);
    tcase_add_loop_test(tcase, sends_pending_output_before_its_end, 0, KINDS);
    tcase_add_loop_test(tcase, sends_close_notify_and_fin_in_one_segment, 0, KINDS);
    tcase_add_loop_test(tcase, reports_a_reset_on_read, 0, KINDS);
    tcase_add_loop_test(tcase, reports_a_reset_on_shutdown, 0, KINDS);
    tcase_add_loop_test(tcase, reports_a_reset_on_write_and_then_on_read, 0, KINDS);
    tcase_add_loop_test(tcase, describes_the_peer, 0, KINDS);
}

static void add_tls(TCase *tcase)
{
    int count = sizeof other_protocols / sizeof *other_protocols;
    tcase_add_loop_test(tcase, completes_a_handshake_whose_flight_does_not_fit_in_the_kernel, TLS12,
                        KINDS);
    tcase_add_loop_test(tcase, waits_without_more_for_the_rest_of_half_a_record, TLS12, KINDS);
    tcase_add_loop_test(tcase, follows_more_to_an_end_when_half_a_record_comes_behind_a_whole_one,
                        TLS12, KINDS);
    tcase_add_loop_test(tcase, leaves_no_record_behind_one_that_came_in_two_parts, TLS12, KINDS);
    tcase_add_loop_test(tcase, answers_bytes_that_are_not_tls_with_an_alert_and_a_reason, 0, count);
    tcase_add_loop_test(tcase, reports_that_the_peer_closed_during_the_handshake, TLS12, KINDS);
    tcase_add_loop_test(tcase, fails_on_a_forged_record_and_sends_the_alert, TLS12, KINDS);
    tcase_add_loop_test(tcase, returns_data_that_came_before_a_forged_record, TLS12, KINDS);
    tcase_add_loop_test(tcase, a_flight_that_cannot_be_sent_fails_the_handshake, TLS12, KINDS);
    tcase_add_loop_test(tcase, the_end_of_the_stream_follows_a_failed_send, TLS12, KINDS);
    tcase_add_test(tcase, reports_a_plain_server_to_a_client);
}

int main(void)
{
    Suite *suite = suite_create("transport");
    TCase *tcase = tcase_create("contract");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    add_contract(tcase);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("tls");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    add_tls(tcase);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
