/* SPDX-License-Identifier: MIT */
/*
 * A PROXY header in any pieces: after each of its bytes the reader is in one state, however they
 * came; nothing behind the header is read; and an end within it is told.
 */
#include <check.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "explore.h"
#include "pair.h"
#include "suite.h"
#include "tlsecho/net/proxy.h"

static const char rest[] = "\x16\x03\x01 rest";

enum { REST_BYTES = sizeof rest - 1, DATA_BYTES = 256 };

/* proxy_build makes those whose text is NULL, with a name of so many bytes. */
static const struct sample {
    const char *name, *text;
    int name_bytes;
    enum io_status status;
} samples[] = {
    {"proxy, version 1", "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", 0, IO_OK},
    {"proxy, version 1, unknown", "PROXY UNKNOWN ffff::1 a b c\r\n", 0, IO_OK},
    {"proxy, version 2", NULL, 40, IO_OK},
    {"proxy, version 2, no names", NULL, 0, IO_OK},
    {"proxy, wrong port", "PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n", 0, IO_FAILED},
    {"proxy, no header", "GET / HTTP/1.1\r\n", 0, IO_FAILED},
};

static const struct sample *sample;
static unsigned char data[DATA_BYTES];
static size_t header_bytes, data_bytes, sent;
static int fds[2] = {-1, -1}; /* the peer's, the reader's */
static bool peer_ended;
static struct io io;
static struct proxy proxy;
static unsigned char memory[PROXY_BYTES_MAX];
static struct buf received;

static void make_data(void)
{
    struct proxy made = {.version = 2, .local = false};
    unsigned char built[PROXY_BUILD_BYTES];
    made.source.length = made.destination.length = sizeof made.source.ipv4;
    made.source.ipv4.sin_family = made.destination.ipv4.sin_family = AF_INET;
    memset(made.authority, 'n', (size_t)sample->name_bytes);
    header_bytes = sample->text ? strlen(sample->text) : proxy_build(&made, built);
    ck_assert_uint_le(header_bytes + REST_BYTES, DATA_BYTES);
    memcpy(data, sample->text ? (const unsigned char *)sample->text : built, header_bytes);
    memcpy(data + header_bytes, rest, REST_BYTES);
    data_bytes = header_bytes + REST_BYTES;
}

static void finish_run(void)
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    fds[0] = fds[1] = -1;
}

static void reset(void)
{
    finish_run();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
        ck_abort_msg("socketpair");
    sent = 0;
    peer_ended = false;
    io = (struct io){.status = IO_WANT_READ};
    received = (struct buf){.data = memory, .size = sizeof memory};
}

static bool over(void)
{
    return io.status != IO_WANT_READ || peer_ended;
}

static void read_some(struct explore *x)
{
    struct error err;
    unsigned char left[DATA_BYTES];
    io = proxy_receive(fds[1], &received, &proxy, &err);
    bool whole = sent >= header_bytes;
    if (io.status == IO_FAILED) {
        explore_require(x, sample->status == IO_FAILED && err.kind == ERROR_INPUT,
                        "only a wrong header is refused");
        return;
    }
    explore_require(x, whole || received.end == sent, "what has arrived is read");
    explore_require(x, !whole || io.status == sample->status, "a whole header is taken");
    explore_require(x, whole || io.status == (peer_ended ? IO_CUT : IO_WANT_READ),
                    "a part of a header is no header");
    if (io.status != IO_OK)
        return;
    ssize_t n = recv(fds[1], left, sizeof left, 0);
    explore_require(x, received.end == header_bytes, "no byte behind the header is read");
    explore_require(x, (n > 0 ? (size_t)n : 0) == sent - header_bytes, "the rest is left");
    explore_require(x, n <= 0 || memcmp(left, rest, (size_t)n) == 0, "the rest is unchanged");
}

static void step(struct explore *x)
{
    size_t left = data_bytes - sent;
    unsigned n = explore_choose(x, "bytes", NULL, (unsigned)left + 1);
    if (n == 0) { /* the peer's end */
        peer_ended = true;
        shutdown(fds[0], SHUT_WR);
    } else if (send(fds[0], data + sent, n, 0) != (ssize_t)n) {
        ck_abort_msg("send");
    }
    sent += n;
    read_some(x);
}

static uint64_t state(void)
{
    uint64_t hash = explore_hash((uint64_t)io.status, received.end);
    if (over())
        return explore_hash(hash, peer_ended);
    for (size_t i = 0; i < received.end; i++)
        hash = explore_hash(hash, memory[i]);
    return explore_hash(hash, sent);
}

START_TEST(a_header_in_any_pieces)
{
    sample = &samples[_i];
    make_data();
    const struct explore_machine machine = {
        .name = sample->name, .reset = reset, .step = step, .over = over, .state = state};
    explore_assert(&machine);
    finish_run();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proxy_orders");
    TCase *tcase = tcase_create("every split");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, a_header_in_any_pieces, 0, sizeof samples / sizeof *samples);
    return suite_run(suite);
}
