/* SPDX-License-Identifier: MIT */
/*
 * What a DTLS echo costs at the least with libssl, a load to measure it with, and single visits:
 *
 *     dtls echo CERTIFICATE KEY                  a bare loop of recvmmsg, libssl and sendmmsg
 *     dtls load PORT CLIENTS WINDOW              64-byte messages
 *     dtls visit PORT COUNT                      prints the milliseconds of each handshake
 *
 * The loop prints its port and runs until it is killed. It asks for no cookie, knows no timer, and
 * tells its clients, all on 127.0.0.1, apart by their ports alone. The load connects and prints
 * "ready". For each line "SECONDS UNITS" on standard input it works until SECONDS have passed or
 * UNITS have come back, with WINDOW messages in flight on each of CLIENTS sessions, and prints how
 * many came back; what is lost is sent again after a tenth of a second. A visit is a handshake and
 * one echo, and prints "failed" where one of them fails; the next begins 50 ms after it. All use
 * DTLS 1.2, AES-128-GCM and X25519 (P-256 is that of the certificate).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 32,
    BYTES = 64,
    ROOM = 2048,
    MTU = 1400,
    PORTS = 65536,
    CLIENTS_MAX = 256,
    LOST_MS = 2000, /* under valgrind on a busy machine an answer takes long */
    PAUSE_US = 50 * 1000,
    PATIENCE_S = 5,
};

static _Noreturn void die(const char *what)
{
    unsigned long code = ERR_peek_last_error();
    fprintf(stderr, "dtls: %s: %s\n", what, code ? ERR_reason_error_string(code) : strerror(errno));
    exit(1);
}

static SSL_CTX *new_context(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx || !SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) ||
        !SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256") ||
        !SSL_CTX_set1_groups_list(ctx, "X25519:P-256"))
        die("SSL_CTX_new");
    SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU);
    return ctx;
}

static int open_socket(void)
{
    int opened = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (opened < 0)
        die("socket");
    return opened;
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* --- the bare loop --- */

static struct mmsghdr in[BATCH], out[BATCH];
static struct iovec in_parts[BATCH], out_parts[BATCH];
static struct sockaddr_in peers[BATCH];
static unsigned char in_data[BATCH][ROOM], out_data[BATCH][ROOM];
static int fd, now, waiting; /* the socket, the datagram that is served, and how many are to send */
static bool unread;          /* the datagram that is served */

static void send_waiting(void)
{
    if (waiting > 0 && sendmmsg(fd, out, (unsigned)waiting, 0) < 0)
        die("sendmmsg");
    waiting = 0;
}

static int wire_read(BIO *bio, char *data, int size)
{
    BIO_clear_retry_flags(bio);
    if (!unread) {
        BIO_set_retry_read(bio);
        return -1;
    }
    int n = (int)in[now].msg_len < size ? (int)in[now].msg_len : size;
    memcpy(data, in_data[now], (size_t)n);
    unread = false;
    return n;
}

static int wire_write(BIO *bio, const char *data, int size)
{
    (void)bio;
    if (waiting == BATCH)
        send_waiting();
    memcpy(out_data[waiting], data, (size_t)size);
    out_parts[waiting] = (struct iovec){out_data[waiting], (size_t)size};
    out[waiting].msg_hdr = (struct msghdr){.msg_iov = &out_parts[waiting],
                                           .msg_iovlen = 1,
                                           .msg_name = &peers[now],
                                           .msg_namelen = sizeof peers[now]};
    waiting++;
    return size;
}

static long wire_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static SSL *new_session(SSL_CTX *ctx)
{
    static BIO_METHOD *method;
    if (!method) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "batch");
        BIO_meth_set_read(method, wire_read);
        BIO_meth_set_write(method, wire_write);
        BIO_meth_set_ctrl(method, wire_ctrl);
    }
    SSL *ssl = SSL_new(ctx);
    BIO *bio = BIO_new(method);
    if (!ssl || !bio)
        die("SSL_new");
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_mtu(ssl, MTU);
    SSL_set_accept_state(ssl);
    return ssl;
}

static void serve(SSL **ssl, SSL_CTX *ctx)
{
    static unsigned char data[ROOM];
    size_t n, done;
    if (!*ssl)
        *ssl = new_session(ctx);
    unread = true;
    while (SSL_read_ex(*ssl, data, sizeof data, &n) == 1)
        SSL_write_ex(*ssl, data, n, &done);
    if (SSL_get_error(*ssl, 0) == SSL_ERROR_WANT_READ)
        return;
    SSL_free(*ssl);
    *ssl = NULL;
    ERR_clear_error();
}

static _Noreturn void echo(const char *certificate, const char *key)
{
    static SSL *sessions[PORTS];
    SSL_CTX *ctx = new_context(DTLS_server_method());
    struct sockaddr_in own = loopback(0);
    socklen_t length = sizeof own;
    fd = open_socket();
    if (!SSL_CTX_use_certificate_chain_file(ctx, certificate) ||
        !SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM))
        die(certificate);
    if (bind(fd, (struct sockaddr *)&own, sizeof own) ||
        getsockname(fd, (struct sockaddr *)&own, &length))
        die("bind");
    printf("%d\n", ntohs(own.sin_port));
    fflush(stdout);
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            in_parts[i] = (struct iovec){in_data[i], ROOM};
            in[i].msg_hdr = (struct msghdr){.msg_iov = &in_parts[i],
                                            .msg_iovlen = 1,
                                            .msg_name = &peers[i],
                                            .msg_namelen = sizeof peers[i]};
        }
        int n = recvmmsg(fd, in, BATCH, MSG_WAITFORONE, NULL);
        if (n < 0)
            die("recvmmsg");
        for (now = 0; now < n; now++)
            serve(&sessions[peers[now].sin_port], ctx);
        now = 0;
        send_waiting();
    }
}

/* --- clients --- */

static SSL *new_client(SSL_CTX *ctx, int port)
{
    struct sockaddr_in to = loopback(port);
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int own = open_socket();
    SSL *ssl = SSL_new(ctx);
    BIO *bio = BIO_new_dgram(own, BIO_CLOSE);
    if (!ssl || !bio || connect(own, (struct sockaddr *)&to, sizeof to))
        die("connect");
    BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &to);
    BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_RECV_TIMEOUT, 0, &patience);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_mtu(ssl, MTU);
    return ssl;
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void send_some(SSL *ssl, uint64_t count)
{
    static unsigned char data[BYTES];
    size_t n;
    for (uint64_t i = 0; i < count; i++)
        if (SSL_write_ex(ssl, data, sizeof data, &n) != 1)
            die("SSL_write");
}

static uint64_t receive_some(SSL *ssl)
{
    unsigned char data[ROOM];
    size_t n;
    uint64_t count = 0;
    while (SSL_read_ex(ssl, data, sizeof data, &n) == 1)
        count++;
    if (SSL_get_error(ssl, 0) != SSL_ERROR_WANT_READ)
        die("SSL_read");
    return count;
}

struct load {
    int clients, window;
    SSL *sessions[CLIENTS_MAX];
    struct pollfd fds[CLIENTS_MAX];
};

static void open_sessions(struct load *l, int port)
{
    SSL_CTX *ctx = new_context(DTLS_client_method());
    for (int i = 0; i < l->clients; i++) {
        l->sessions[i] = new_client(ctx, port);
        if (SSL_connect(l->sessions[i]) != 1)
            die("SSL_connect");
        l->fds[i] = (struct pollfd){.fd = SSL_get_fd(l->sessions[i]), .events = POLLIN};
        if (fcntl(l->fds[i].fd, F_SETFL, O_NONBLOCK))
            die("fcntl");
    }
}

/* Sends up to `most` messages on one session, of `units` in all. Returns how many. */
static uint64_t send_more(SSL *ssl, uint64_t most, uint64_t units, uint64_t begun)
{
    uint64_t left = units > begun ? units - begun : 0;
    uint64_t n = most < left ? most : left;
    send_some(ssl, n);
    return n;
}

/* Returns how many came back until then. */
static uint64_t exchange(struct load *l, uint64_t end_us, uint64_t units)
{
    uint64_t begun = 0, done = 0, window = (uint64_t)l->window;
    for (int i = 0; i < l->clients; i++)
        begun += send_more(l->sessions[i], window, units, begun);
    while (now_us() < end_us && done < units) {
        int ready = poll(l->fds, (nfds_t)l->clients, LOST_MS);
        if (ready == 0)
            begun = done; /* all are lost */
        for (int i = 0; i < l->clients; i++) {
            uint64_t n = l->fds[i].revents ? receive_some(l->sessions[i]) : 0;
            done += n;
            begun += send_more(l->sessions[i], ready == 0 ? window : n, units, begun);
        }
    }
    return done;
}

static void load(int port, int clients, int window)
{
    static struct load l;
    double seconds;
    uint64_t units;
    l.clients = clients;
    l.window = window;
    open_sessions(&l, port);
    puts("ready");
    fflush(stdout);
    while (scanf("%lf %" SCNu64, &seconds, &units) == 2) {
        printf("%" PRIu64 "\n", exchange(&l, now_us() + (uint64_t)(seconds * 1e6), units));
        fflush(stdout);
    }
    for (int i = 0; i < clients; i++)
        SSL_shutdown(l.sessions[i]);
}

static void visit(int port, int count)
{
    SSL_CTX *ctx = new_context(DTLS_client_method());
    for (int i = 0; i < count; i++) {
        SSL *ssl = new_client(ctx, port);
        char data = 'x';
        uint64_t begin_us = now_us();
        bool connected = SSL_connect(ssl) == 1;
        uint64_t took_us = now_us() - begin_us;
        if (connected && SSL_write(ssl, &data, 1) == 1 && SSL_read(ssl, &data, 1) == 1)
            printf("%.3f\n", (double)took_us / 1e3);
        else
            puts("failed");
        SSL_shutdown(ssl);
        SSL_free(ssl);
        ERR_clear_error();
        usleep(PAUSE_US);
    }
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (argc == 4 && strcmp(mode, "echo") == 0)
        echo(argv[2], argv[3]);
    if (argc == 5 && strcmp(mode, "load") == 0 && atoi(argv[3]) <= CLIENTS_MAX) {
        load(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
        return 0;
    }
    if (argc == 4 && strcmp(mode, "visit") == 0) {
        visit(atoi(argv[2]), atoi(argv[3]));
        return 0;
    }
    fprintf(stderr, "usage: dtls echo CERTIFICATE KEY | load PORT CLIENTS WINDOW | "
                    "visit PORT COUNT\n");
    return 2;
}
