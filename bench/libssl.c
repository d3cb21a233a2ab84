/* SPDX-License-Identifier: MIT */
/*
 * The least that an echo over TLS can cost with libssl: one thread, one recv and one send for what
 * has arrived, and one BIO over two buffers for all connections. It knows neither time-outs nor
 * back-pressure nor a log, and frees nothing but the connection.
 *
 *     libssl CERTIFICATE KEY        listens on a free port of 127.0.0.1 and prints it
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_BYTES = 64 * 1024, OUT_BYTES = 2 * BUFFER_BYTES, EVENTS = 128, FDS_MAX = 64 * 1024 };

/* The input and output of the connection whose turn it is. */
static unsigned char in[BUFFER_BYTES], out[OUT_BYTES], data[BUFFER_BYTES];
static size_t in_at, in_n, out_n;

static SSL *connections[FDS_MAX]; /* by descriptor */

static _Noreturn void die(const char *what)
{
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static int wire_read(BIO *bio, char *to, int size)
{
    size_t n = in_n - in_at < (size_t)size ? in_n - in_at : (size_t)size;
    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(to, in + in_at, n);
    in_at += n;
    return (int)n;
}

static int wire_write(BIO *bio, const char *from, int size)
{
    (void)bio;
    if (out_n + (size_t)size > sizeof out)
        die("a flight of that size");
    memcpy(out + out_n, from, (size_t)size);
    out_n += (size_t)size;
    return size;
}

static long wire_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO *new_wire(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
    if (!method || !BIO_meth_set_read(method, wire_read) ||
        !BIO_meth_set_write(method, wire_write) || !BIO_meth_set_ctrl(method, wire_ctrl))
        die("BIO");
    BIO *bio = BIO_new(method);
    if (!bio)
        die("BIO");
    BIO_set_init(bio, 1);
    return bio;
}

static SSL_CTX *new_context(const char *certificate, const char *key)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) ||
        SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
        !SSL_CTX_set_num_tickets(ctx, 1) || !SSL_CTX_set1_groups_list(ctx, "X25519:P-256"))
        die("TLS");
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

static void send_out(int fd)
{
    for (size_t at = 0; at < out_n;) {
        ssize_t n = send(fd, out + at, out_n - at, MSG_NOSIGNAL);
        if (n < 0)
            break; /* the next recv tells */
        at += (size_t)n;
    }
    out_n = 0;
}

static void end(int fd)
{
    if (SSL_is_init_finished(connections[fd]))
        SSL_shutdown(connections[fd]);
    send_out(fd);
    SSL_free(connections[fd]);
    ERR_clear_error();
    close(fd);
}

/* Everything that has arrived, back. False: the connection is over. */
static bool echo(SSL *ssl)
{
    size_t n, done;
    int result = 1;
    if (!SSL_is_init_finished(ssl))
        result = SSL_do_handshake(ssl);
    while (result == 1 && (in_at < in_n || SSL_pending(ssl) > 0)) {
        result = SSL_read_ex(ssl, data, sizeof data, &n);
        if (result == 1 && SSL_write_ex(ssl, data, n, &done) != 1)
            return false;
    }
    return result == 1 || SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ;
}

static void ready(int fd)
{
    ssize_t n = recv(fd, in, sizeof in, 0);
    in_at = 0;
    in_n = n > 0 ? (size_t)n : 0;
    if (n > 0 && echo(connections[fd]))
        send_out(fd);
    else
        end(fd);
}

static void watch(int epoll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        die("watch");
}

static int listen_somewhere(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, length) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &length) < 0)
        die("listen");
    printf("%u\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static int accept_one(int listener, SSL_CTX *ctx, BIO *wire)
{
    int fd = accept(listener, NULL, NULL);
    if (fd < 0 || fd >= FDS_MAX ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0)
        die("accept");
    SSL *ssl = SSL_new(ctx);
    if (!ssl || !BIO_up_ref(wire))
        die("SSL");
    SSL_set_bio(ssl, wire, wire);
    SSL_set_accept_state(ssl);
    connections[fd] = ssl;
    return fd;
}

static void raise_descriptors(void)
{
    struct rlimit most;
    if (getrlimit(RLIMIT_NOFILE, &most) == 0) {
        most.rlim_cur = most.rlim_max;
        setrlimit(RLIMIT_NOFILE, &most);
    }
}

int main(int count, char **words)
{
    if (count != 3) {
        fputs("usage: libssl CERTIFICATE KEY\n", stderr);
        return 2;
    }
    raise_descriptors();
    SSL_CTX *ctx = new_context(words[1], words[2]);
    BIO *wire = new_wire();
    int listener = listen_somewhere();
    int epoll_fd = epoll_create1(0);
    watch(epoll_fd, listener);
    for (;;) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                watch(epoll_fd, accept_one(listener, ctx, wire));
            else
                ready(events[i].data.fd);
        }
    }
}
