/* SPDX-License-Identifier: MIT */
/* Streams that are echoed inside the kernel: transport_splice, and when a connection uses it. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loopback.h"
#include "suite.h"
#include "tlsecho/server/conn.h"

enum { BUFFER_BYTES = 16 * 1024 };

static struct pool pool;
static struct transport *transport; /* ours, which does not block */
static int peer;                    /* blocks */
static struct error err;
static unsigned char data[BUFFER_BYTES];
static const struct buf into = {.data = data, .size = sizeof data};
static size_t back;

static struct transport_ops counting; /* those of tcp, and splices are counted */
static unsigned splices;
static struct io (*tcp_splice)(struct transport *t, const int pipe[2], const struct buf *into,
                               size_t *ret_back, struct error *err);

static struct io count_splice(struct transport *t, const int pipe[2], const struct buf *room,
                              size_t *ret_back, struct error *error)
{
    splices++;
    return tcp_splice(t, pipe, room, ret_back, error);
}

static void set_up(void)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int listening = loopback_listen(&address, 8);
    peer = loopback_connect(&address);
    int fd = loopback_accept(listening);
    close(listening);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(transport_tcp_new(fd, &transport, &err), 0);
    counting = *transport->ops;
    tcp_splice = counting.splice;
    counting.splice = count_splice;
    transport->ops = &counting;
    splices = 0;
    pool_init(&pool, BUFFER_BYTES);
    signal(SIGPIPE, SIG_IGN);
}

static void tear_down(void)
{
    if (peer >= 0)
        close(peer);
    pool_done(&pool);
}

static void wait_readable(int fd)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    ck_assert_int_eq(poll(&waiting, 1, 5000), 1);
}

static unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 7 + i / 256);
}

/* Bytes of the stream, from its offset on; they have arrived when this returns. */
static void send_stream(size_t offset, size_t n)
{
    static unsigned char stream[BUFFER_BYTES];
    ck_assert_uint_le(n, sizeof stream);
    for (size_t i = 0; i < n; i++)
        stream[i] = byte_at(offset + i);
    ck_assert_int_eq(send(peer, stream, n, 0), (ssize_t)n);
    unsigned char probe[BUFFER_BYTES];
    do
        wait_readable(transport->fd);
    while (recv(transport->fd, probe, n, MSG_PEEK) < (ssize_t)n);
}

static void assert_stream(const unsigned char *bytes, size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(bytes[i], byte_at(offset + i));
}

static void expect_stream(size_t offset, size_t n)
{
    unsigned char got[BUFFER_BYTES];
    ck_assert_int_eq(recv(peer, got, n, MSG_WAITALL), (ssize_t)n);
    assert_stream(got, offset, n);
}

static struct io do_splice(void)
{
    return transport_splice(transport, pool_pipe(&pool), &into, &back, &err);
}

static void assert_pipe_empty(void)
{
    char byte;
    ck_assert_int_eq(read(pool_pipe(&pool)[0], &byte, 1), -1);
    ck_assert_int_eq(errno, EAGAIN);
}

START_TEST(sends_back_what_arrives)
{
    send_stream(0, 1000);
    struct io io = do_splice();
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(io.n, 1000);
    ck_assert(io.progressed);
    ck_assert_uint_eq(back, 1000);
    expect_stream(0, 1000);
    assert_pipe_empty();
    transport_free(transport);
}
END_TEST

START_TEST(returns_what_the_peer_does_not_accept_and_empties_the_pipe)
{
    ck_assert_int_eq(setsockopt(transport->fd, SOL_SOCKET, SO_SNDBUF, &(int){4096}, sizeof(int)),
                     0);
    ck_assert_int_eq(setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int)), 0);
    size_t sent = 0;
    struct io io;
    do {
        send_stream(sent, 8192);
        io = do_splice();
        ck_assert_int_eq(io.status, IO_OK);
        ck_assert_uint_eq(io.n, 8192);
        ck_assert_uint_le(back, 8192);
        sent += back;
    } while (back == 8192);
    assert_stream(data, sent, io.n - back);
    assert_pipe_empty();
    for (size_t got = 0, n; got < sent; got += n) {
        n = sent - got < BUFFER_BYTES ? sent - got : BUFFER_BYTES;
        expect_stream(got, n);
    }
    transport_free(transport);
}
END_TEST

START_TEST(returns_what_a_read_would_return)
{
    ck_assert_int_eq(do_splice().status, IO_WANT_READ);
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    wait_readable(transport->fd);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(do_splice().status, IO_EOF);
    transport_free(transport);
}
END_TEST

START_TEST(reports_a_reset)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    ck_assert_int_eq(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(peer);
    peer = -1;
    wait_readable(transport->fd);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(do_splice().status, IO_RESET);
    transport_free(transport);
}
END_TEST

/* splice(2) does not go past it, and says that there is nothing, or that this was the end. */
START_TEST(splices_past_urgent_data_without_reporting_eof)
{
    ck_assert_int_eq(setsockopt(transport->fd, SOL_SOCKET, SO_OOBINLINE, &(int){1}, sizeof(int)),
                     0);
    ck_assert_int_eq(send(peer, "!", 1, MSG_OOB), 1);
    ck_assert_int_eq(send(peer, "rest", 4, 0), 4);
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    unsigned char got[8] = {0};
    size_t n = 0;
    for (struct io io; n < 5; n += io.n) {
        wait_readable(transport->fd);
        io = do_splice();
        ck_assert_int_eq(io.status, IO_OK);
        ck_assert_uint_le(n + io.n, 5);
        ck_assert_int_eq(send(transport->fd, data, io.n - back, 0), (ssize_t)(io.n - back));
    }
    ck_assert_int_eq(recv(peer, got, 5, MSG_WAITALL), 5);
    ck_assert_str_eq((const char *)got, "!rest");
    ck_assert_int_eq(do_splice().status, IO_EOF);
    transport_free(transport);
}
END_TEST

/* A kernel, or a sandbox, may not allow it. */
START_TEST(reads_where_it_cannot_splice)
{
    int no_pipe[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, no_pipe), 0);
    send_stream(0, 1000);
    struct io io = transport_splice(transport, no_pipe, &into, &back, &err);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(io.n, 1000);
    ck_assert_uint_eq(back, 0);
    assert_stream(data, 0, 1000);
    close(no_pipe[0]);
    close(no_pipe[1]);
    transport_free(transport);
}
END_TEST

static void run_stream(struct conn *conn, size_t *offset, size_t n)
{
    send_stream(*offset, n);
    conn_run(conn);
    ck_assert_uint_eq(conn->want, WANT_READ);
    ck_assert(conn->progressed);
    expect_stream(*offset, n);
    *offset += n;
    ck_assert_uint_eq(conn->received_bytes, *offset);
    ck_assert_uint_eq(conn->sent_bytes, *offset);
}

START_TEST(a_connection_splices_a_stream_and_reads_messages)
{
    struct conn conn;
    size_t offset = 0;
    conn_init(&conn, transport, &service_echo, &pool, NULL);
    run_stream(&conn, &offset, 64);
    run_stream(&conn, &offset, 64);
    ck_assert_uint_eq(splices, 0);
    run_stream(&conn, &offset, BUFFER_BYTES);
    ck_assert_uint_eq(splices, 0);
    run_stream(&conn, &offset, BUFFER_BYTES);
    run_stream(&conn, &offset, 64);
    ck_assert_uint_eq(splices, 2);
    run_stream(&conn, &offset, 64);
    ck_assert_uint_eq(splices, 2);
    ck_assert_ptr_null(conn.output.data);
    conn_done(&conn);
}
END_TEST

START_TEST(a_connection_sends_what_a_splice_left)
{
    struct conn conn;
    size_t offset = 0;
    conn_init(&conn, transport, &service_echo, &pool, NULL);
    run_stream(&conn, &offset, BUFFER_BYTES);
    ck_assert_int_eq(setsockopt(transport->fd, SOL_SOCKET, SO_SNDBUF, &(int){4096}, sizeof(int)),
                     0);
    ck_assert_int_eq(setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int)), 0);
    size_t sent = offset;
    do {
        send_stream(sent, BUFFER_BYTES);
        sent += BUFFER_BYTES;
        conn_run(&conn);
    } while (!conn.sending);
    ck_assert_uint_eq(conn.want, WANT_WRITE);
    ck_assert_uint_gt(splices, 0);
    ck_assert_uint_eq(conn.received_bytes, sent);
    while (offset < sent) {
        expect_stream(offset, 1024);
        offset += 1024;
        conn_run(&conn);
    }
    ck_assert_uint_eq(conn.sent_bytes, sent);
    conn_done(&conn);
}
END_TEST

START_TEST(a_service_that_changes_bytes_sees_a_stream)
{
    struct conn conn;
    char got[BUFFER_BYTES];
    conn_init(&conn, transport, &service_upper, &pool, NULL);
    for (int i = 0; i < 3; i++) {
        memset(data, 'a', sizeof data);
        ck_assert_int_eq(send(peer, data, sizeof data, 0), (ssize_t)sizeof data);
        while (conn.received_bytes < (size_t)(i + 1) * sizeof data) {
            wait_readable(transport->fd);
            conn_run(&conn);
        }
        ck_assert_int_eq(recv(peer, got, sizeof got, MSG_WAITALL), (ssize_t)sizeof got);
        for (size_t j = 0; j < sizeof got; j++)
            ck_assert_int_eq(got[j], 'A');
    }
    ck_assert_uint_eq(splices, 0);
    conn_done(&conn);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("splice");
    TCase *tcase = tcase_create("splice");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, sends_back_what_arrives);
    tcase_add_test(tcase, returns_what_the_peer_does_not_accept_and_empties_the_pipe);
    tcase_add_test(tcase, returns_what_a_read_would_return);
    tcase_add_test(tcase, reports_a_reset);
    tcase_add_test(tcase, splices_past_urgent_data_without_reporting_eof);
    tcase_add_test(tcase, reads_where_it_cannot_splice);
    tcase_add_test(tcase, a_connection_splices_a_stream_and_reads_messages);
    tcase_add_test(tcase, a_connection_sends_what_a_splice_left);
    tcase_add_test(tcase, a_service_that_changes_bytes_sees_a_stream);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
