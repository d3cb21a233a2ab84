/* SPDX-License-Identifier: MIT */
#include "pair.h"

#include <check.h>
#include <sys/socket.h>

#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

void pair_sockets(bool tiny, int ret[2])
{
    static const int bytes = 4096;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret), 0);
    for (int i = 0; tiny && i < 2; i++) {
        ck_assert_int_eq(setsockopt(ret[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
        ck_assert_int_eq(setsockopt(ret[i], SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
    }
}

void pair_tcp(struct pair *pair, const int fds[2])
{
    struct error err;
    *pair = (struct pair){0};
    ck_assert_int_eq(transport_tcp_new(fds[0], &pair->client, &err), 0);
    ck_assert_int_eq(transport_tcp_new(fds[1], &pair->server, &err), 0);
}

struct peer_certificate pair_contexts(struct tls_context **ret_client,
                                      struct tls_context **ret_server)
{
    struct peer_certificate own;
    struct error err;
    ck_assert_int_eq(tls_context_new(TLS_SERVER, ret_server, &err), 0);
    ck_assert_int_eq(tls_context_new(TLS_CLIENT, ret_client, &err), 0);
    ck_assert_int_eq(tls_context_use_self_signed(*ret_server, NULL, &own, &err), 0);
    ck_assert_int_eq(tls_context_pin(*ret_client, own.sha256, &err), 0);
    return own;
}

void pair_tls(struct pair *pair, const int fds[2], struct tls_context *client,
              struct tls_context *server, const char *server_name)
{
    struct error err;
    *pair = (struct pair){.client_scratch = tls_scratch_new(), .server_scratch = tls_scratch_new()};
    ck_assert_ptr_nonnull(pair->client_scratch);
    ck_assert_ptr_nonnull(pair->server_scratch);
    struct transport_tls_options of_client = {
        .ctx = client, .scratch = pair->client_scratch, .server_name = server_name};
    struct transport_tls_options of_server = {.ctx = server, .scratch = pair->server_scratch};
    ck_assert_msg(transport_tls_new(fds[0], &of_client, &pair->client, &err) == 0, "%s", err.text);
    ck_assert_msg(transport_tls_new(fds[1], &of_server, &pair->server, &err) == 0, "%s", err.text);
}

void pair_done(struct pair *pair)
{
    transport_free(pair->client);
    transport_free(pair->server);
    tls_scratch_free(pair->client_scratch);
    tls_scratch_free(pair->server_scratch);
}

static bool is_waiting(enum io_status status)
{
    return status == IO_WANT_READ || status == IO_WANT_WRITE;
}

enum io_status pair_handshake(struct pair *pair, struct error *ret_client,
                              enum io_status *ret_server, struct error *ret_server_error)
{
    enum { TURNS_MAX = 100 };
    enum io_status client = IO_WANT_READ, server = IO_WANT_READ;
    struct error ignored;
    for (int turn = 0; turn < TURNS_MAX && (is_waiting(client) || is_waiting(server)); turn++) {
        if (is_waiting(client))
            client = transport_handshake(pair->client, ret_client).status;
        if (client == IO_FAILED)
            transport_shutdown(pair->client, &ignored);
        if (is_waiting(server))
            server = transport_handshake(pair->server, ret_server_error).status;
        if (server == IO_FAILED)
            transport_shutdown(pair->server, &ignored);
    }
    if (ret_server)
        *ret_server = server;
    return client;
}

void pair_connect(struct pair *pair)
{
    static char tickets[32 * 1024];
    struct error err, server_err;
    enum io_status server;
    ck_assert_msg(pair_handshake(pair, &err, &server, &server_err) == IO_OK, "%s", err.text);
    ck_assert_msg(server == IO_OK, "%s", server_err.text);
    while (transport_read(pair->client, tickets, sizeof tickets, &err).progressed)
        ;
}

enum io_status pair_meet(struct tls_context *client, struct tls_context *server,
                         const char *server_name, struct peer *ret, struct error *err)
{
    struct pair pair;
    struct error ignored;
    int fds[2];
    pair_sockets(false, fds);
    pair_tls(&pair, fds, client, server, server_name);
    enum io_status status = pair_handshake(&pair, err, NULL, &ignored);
    transport_peer(pair.client, ret);
    pair_done(&pair);
    return status;
}
