/* SPDX-License-Identifier: MIT */
/*
 * A load for one server on the loopback, as cheap as possible, to measure the cost of the server:
 *
 *     load PORT plain|1.2|1.3 stream CONNECTIONS
 *     load PORT 1.2|1.3 full|resumed THREADS         connect, one byte echoed, close, and again
 *
 * It connects, sends data over each connection, and prints "ready". For each line "SECONDS UNITS
 * WINDOW CHUNK" on standard input it works until SECONDS have passed or UNITS are done, and prints
 * "done UNITS": echoed bytes, or connections. A stream has WINDOW bytes in flight on each
 * connection, sent in pieces of CHUNK; if both are equal it is a ping-pong. The calling program
 * reads the server's CPU clock before and after. It exits at the end of standard input, and on any
 * error with a message and status 1.
 *
 * tlsecho-client measures time as its user sees it, and checks every byte; this program waits
 * between set-up and work, holds ten thousand connections, and costs as little as possible.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK_MAX = 64 * 1024, EVENTS = 256, THREADS_MAX = 64, PATIENCE_MS = 30 * 1000 };
enum { SOURCE_CONNECTIONS = 8000 };

static const char zeros[CHUNK_MAX];

static uint16_t port;
static uint32_t source = INADDR_LOOPBACK; /* of the next connection */
static SSL_CTX *tls;                      /* NULL = plain */
static SSL_SESSION *session;              /* to be resumed; NULL = full handshakes */

/* The work until the next "done". */
static struct {
    uint64_t until_ns, units;
    atomic_uint_fast64_t begun, done;
} work;

static _Noreturn void die(const char *what)
{
    unsigned long code = ERR_peek_last_error();
    fprintf(stderr, "load: %s: %s\n", what, code ? ERR_reason_error_string(code) : strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Whether another n units may begin. */
static bool may_begin(uint64_t n)
{
    return now_ns() < work.until_ns && atomic_fetch_add(&work.begun, n) < work.units;
}

struct conn {
    int fd;
    SSL *ssl;       /* NULL = plain */
    size_t flowing; /* sent, not yet back */
};

/* 0 = not now. */
static size_t conn_send(struct conn *c, size_t n)
{
    size_t done = 0;
    if (c->ssl) {
        if (SSL_write_ex(c->ssl, zeros, n, &done) != 1 &&
            SSL_get_error(c->ssl, 0) != SSL_ERROR_WANT_WRITE)
            die("SSL_write");
        return done;
    }
    ssize_t sent = send(c->fd, zeros, n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        die("send");
    return sent < 0 ? 0 : (size_t)sent;
}

/* 0 = not now. */
static size_t conn_receive(struct conn *c)
{
    static _Thread_local char back[CHUNK_MAX];
    size_t done = 0;
    if (c->ssl) {
        if (SSL_read_ex(c->ssl, back, sizeof back, &done) != 1 &&
            SSL_get_error(c->ssl, 0) != SSL_ERROR_WANT_READ)
            die("SSL_read");
        return done;
    }
    ssize_t got = recv(c->fd, back, sizeof back, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        die("recv");
    return got < 0 ? 0 : (size_t)got;
}

/* A source has too few ports for many connections. */
static void bind_to_source(int fd)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int)) < 0 ||
        bind(fd, (struct sockaddr *)&from, sizeof from) < 0)
        die("bind");
}

static void conn_open(struct conn *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *c = (struct conn){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (c->fd >= 0 && source != INADDR_LOOPBACK)
        bind_to_source(c->fd);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0)
        die("connect");
    if (!tls)
        return;
    SSL_SESSION *own = session ? SSL_SESSION_dup(session) : NULL; /* a handshake writes to it */
    c->ssl = SSL_new(tls);
    if (!c->ssl || !SSL_set_fd(c->ssl, c->fd) || (own && !SSL_set_session(c->ssl, own)) ||
        SSL_connect(c->ssl) != 1)
        die("handshake");
    if (own && !SSL_session_reused(c->ssl))
        die("the server did not resume the session");
    SSL_SESSION_free(own);
}

/* There and back, while the connection still blocks: afterwards the server is done with set-up. */
static void conn_exchange(struct conn *c, size_t size)
{
    size_t n = conn_send(c, size);
    while (n > 0)
        n -= conn_receive(c);
}

/* In order, and after the server, so that no port is left in TIME_WAIT on its side. */
static void conn_close(struct conn *c)
{
    char rest[1024];
    if (c->ssl)
        SSL_shutdown(c->ssl);
    shutdown(c->fd, SHUT_WR);
    while (recv(c->fd, rest, sizeof rest, 0) > 0)
        ;
    close(c->fd);
    SSL_free(c->ssl);
}

/* -- stream -- */

static struct {
    size_t count, window, chunk; /* the latter two by order */
    struct conn *conns;
    int epoll_fd;
    uint64_t flowing; /* over all of them */
} stream;

static void stream_open(void)
{
    stream.conns = calloc(stream.count, sizeof *stream.conns);
    stream.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!stream.conns || stream.epoll_fd < 0)
        die("start");
    for (size_t i = 0; i < stream.count; i++) {
        struct conn *c = &stream.conns[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        source = INADDR_LOOPBACK + (uint32_t)(i / SOURCE_CONNECTIONS);
        conn_open(c);
        conn_exchange(c, 1);
        if (fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0 ||
            epoll_ctl(stream.epoll_fd, EPOLL_CTL_ADD, c->fd, &event) < 0)
            die("watch");
    }
}

static void stream_send(struct conn *c)
{
    while (c->flowing + stream.chunk <= stream.window && may_begin(stream.chunk)) {
        size_t n = conn_send(c, stream.chunk);
        c->flowing += n;
        stream.flowing += n;
        if (n < stream.chunk) {
            atomic_fetch_sub(&work.begun, stream.chunk - n);
            return; /* what comes back makes room */
        }
    }
}

static void stream_ready(struct conn *c)
{
    size_t n = conn_receive(c);
    if (n > c->flowing)
        die("more came back than was sent");
    c->flowing -= n;
    stream.flowing -= n;
    work.done += n;
    stream_send(c);
}

static void stream_work(void)
{
    for (size_t i = 0; i < stream.count; i++)
        stream_send(&stream.conns[i]);
    while (stream.flowing > 0) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(stream.epoll_fd, events, EVENTS, PATIENCE_MS);
        if (n <= 0)
            die("nothing comes back");
        for (int i = 0; i < n; i++)
            stream_ready(events[i].data.ptr);
    }
}

/* -- handshakes -- */

static unsigned threads;

static void one_connection(void)
{
    struct conn c;
    conn_open(&c);
    conn_exchange(&c, 1);
    conn_close(&c);
}

static void *handshakes(void *unused)
{
    while (may_begin(1)) {
        one_connection();
        work.done++;
    }
    return unused;
}

static void handshakes_work(void)
{
    pthread_t thread[THREADS_MAX];
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, handshakes, NULL) != 0)
            die("start a thread");
    for (unsigned i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
}

/* The first ticket serves all further connections. */
static int on_session(SSL *ssl, SSL_SESSION *fresh)
{
    (void)ssl;
    if (session)
        return 0;
    session = fresh;
    return 1;
}

static void handshakes_open(bool resumed)
{
    if (resumed) {
        SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(tls, on_session);
    }
    one_connection();
    if (resumed && !session)
        die("the server sent no ticket");
    one_connection();
}

/* -- the program -- */

/* All servers get the same cipher and key exchange: no server gains by a cheaper choice. */
static void make_tls(int version)
{
    tls = SSL_CTX_new(TLS_client_method());
    if (!tls || !SSL_CTX_set_min_proto_version(tls, version) ||
        !SSL_CTX_set_max_proto_version(tls, version) ||
        !SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") ||
        !SSL_CTX_set_cipher_list(tls, "ECDHE+AES128+AESGCM") ||
        !SSL_CTX_set1_groups_list(tls, "X25519:P-256"))
        die("TLS");
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
}

static void serve_orders(void (*run)(void))
{
    double seconds;
    puts("ready");
    fflush(stdout);
    while (scanf("%lf %" SCNu64 " %zu %zu", &seconds, &work.units, &stream.window, &stream.chunk) ==
           4) {
        if (stream.chunk < 1 || stream.chunk > CHUNK_MAX)
            die("a chunk of that size");
        work.begun = work.done = 0;
        work.until_ns = now_ns() + (uint64_t)(seconds * 1e9);
        run();
        printf("done %" PRIu64 "\n", (uint64_t)work.done);
        fflush(stdout);
    }
}

static size_t number(const char *text)
{
    return (size_t)strtoull(text, NULL, 10);
}

int main(int count, char **words)
{
    const char *mode = count > 3 ? words[3] : "";
    bool is_stream = strcmp(mode, "stream") == 0 && count == 5;
    bool is_resumed = strcmp(mode, "resumed") == 0 && count == 5;
    bool is_full = strcmp(mode, "full") == 0 && count == 5;
    if (!is_stream && !is_resumed && !is_full) {
        fputs("usage: see the head of bench/load.c\n", stderr);
        return 2;
    }
    port = (uint16_t)number(words[1]);
    if (strcmp(words[2], "plain") != 0)
        make_tls(strcmp(words[2], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
    if (is_stream) {
        stream.count = number(words[4]);
        stream_open();
        serve_orders(stream_work);
        return 0;
    }
    threads = (unsigned)number(words[4]);
    if (!tls || threads < 1 || threads > THREADS_MAX)
        return 2;
    handshakes_open(is_resumed);
    serve_orders(handshakes_work);
    return 0;
}
