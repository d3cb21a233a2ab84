/* SPDX-License-Identifier: MIT */
/* What the functions of transport_tls.h tell of the peer, at either end and at each time. */
#include <check.h>
#include <openssl/ssl.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "pair.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/tls_chain.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

static struct folder folder;
static struct pki ca, leaf;
static struct peer_certificate own;
static struct tls_context *server_context, *client_context;
static struct pair pair;
static int fds[2];
static struct error err;

static void set_up(void)
{
    folder_new(&folder);
    ca = pki_make(&(struct pki_spec){.subject = "Test CA", .ca = true});
    leaf = pki_make(&(struct pki_spec){.subject = "leaf", .names = "DNS:localhost", .issuer = &ca});
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server_context, &err), 0);
    ck_assert_int_eq(tls_context_new(TLS_CLIENT, &client_context, &err), 0);
    own = pki_present(&folder, &leaf, server_context);
    pki_trust(&folder, &ca, client_context);
    pair_sockets(false, fds);
}

static void tear_down(void)
{
    pair_done(&pair);
    pair = (struct pair){0};
    tls_context_free(client_context);
    tls_context_free(server_context);
    pki_free(&leaf);
    pki_free(&ca);
    folder_remove(&folder);
}

static size_t count_chain(const struct transport *t)
{
    struct tls_chain chain;
    ck_assert_int_eq(transport_tls_chain(t, &chain, &err), 0);
    size_t count = chain.count;
    tls_chain_done(&chain);
    return count;
}

static size_t count_path(const struct transport *t)
{
    struct tls_chain path;
    ck_assert_int_eq(transport_tls_path(t, &path, &err), 0);
    size_t count = path.count;
    tls_chain_done(&path);
    return count;
}

static void assert_knows_nothing(const struct transport *t)
{
    char exporter[TLS_EXPORTER_BYTES] = "?", sha256[PEER_SHA256_BYTES] = "?",
         names[TLS_NAMES_BYTES] = "?";
    transport_tls_exporter(t, exporter);
    transport_tls_own_sha256(t, sha256);
    transport_tls_peer_names(t, names);
    ck_assert_str_eq(exporter, "");
    ck_assert_str_eq(sha256, "");
    ck_assert_str_eq(names, "");
    ck_assert(!transport_tls_resumed(t));
    ck_assert(!transport_tls_refused_renegotiation(t));
    ck_assert_uint_eq(count_chain(t), 0);
    ck_assert_uint_eq(count_path(t), 0);
}

START_TEST(a_plain_transport_has_nothing_of_tls)
{
    pair_tcp(&pair, fds);
    assert_knows_nothing(pair.client);
}
END_TEST

START_TEST(a_server_without_a_hello_knows_that_it_is_tls)
{
    struct peer peer = {.tls = false, .version = "?"};
    pair_tls(&pair, fds, client_context, server_context, "localhost");
    assert_knows_nothing(pair.server);
    transport_peer(pair.server, &peer);
    ck_assert(peer.tls);
    ck_assert_str_eq(peer.version, "");
}
END_TEST

static void shake(void)
{
    enum io_status server;
    struct error server_err;
    pair_tls(&pair, fds, client_context, server_context, "localhost");
    ck_assert_msg(pair_handshake(&pair, &err, &server, &server_err) == IO_OK, "%s", err.text);
    ck_assert_int_eq(server, IO_OK);
}

START_TEST(a_client_knows_what_the_server_sent_and_what_was_verified)
{
    char sha256[PEER_SHA256_BYTES] = "?", names[TLS_NAMES_BYTES] = "?";
    shake();
    ck_assert_uint_eq(count_chain(pair.client), 1);
    ck_assert_uint_eq(count_path(pair.client), 2);
    transport_tls_peer_names(pair.client, names);
    ck_assert_mem_eq(names, "DNS:localhost\0", 15);
    transport_tls_own_sha256(pair.client, sha256);
    ck_assert_str_eq(sha256, "");
    ck_assert(!transport_tls_resumed(pair.client));
    ck_assert(!transport_tls_refused_renegotiation(pair.client));
}
END_TEST

START_TEST(both_ends_know_that_a_session_was_resumed)
{
    ck_assert_int_eq(tls_context_remember_session(client_context, &err), 0);
    for (int turn = 0; turn < 2; turn++) {
        if (turn > 0) {
            pair_done(&pair);
            pair_sockets(false, fds);
        }
        pair_tls(&pair, fds, client_context, server_context, "localhost");
        pair_connect(&pair);
        ck_assert(transport_tls_resumed(pair.client) == (turn > 0));
        ck_assert(transport_tls_resumed(pair.server) == (turn > 0));
        ck_assert_int_eq(transport_shutdown(pair.client, &err).status, IO_OK);
    }
}
END_TEST

START_TEST(a_server_knows_its_own_certificate_and_none_of_the_client)
{
    char sha256[PEER_SHA256_BYTES] = "?", names[TLS_NAMES_BYTES] = "?";
    shake();
    transport_tls_own_sha256(pair.server, sha256);
    ck_assert_str_eq(sha256, own.sha256);
    transport_tls_peer_names(pair.server, names);
    ck_assert_str_eq(names, "");
    ck_assert_uint_eq(count_chain(pair.server), 0);
    ck_assert_uint_eq(count_path(pair.server), 0);
}
END_TEST

/* OpenSSL's own, which shakes hands with a client of ours. */
static SSL *foreign_server(SSL_CTX *ctx, const struct pki *own_pki, enum io_status *ret)
{
    ck_assert_int_eq(SSL_CTX_use_certificate(ctx, own_pki->certificate), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, own_pki->key), 1);
    SSL *server = SSL_new(ctx);
    SSL_set_fd(server, fds[1]);
    SSL_set_accept_state(server);
    pair.client_scratch = tls_scratch_new();
    struct transport_tls_options options = {
        .ctx = client_context, .scratch = pair.client_scratch, .server_name = "localhost"};
    ck_assert_int_eq(transport_tls_new(fds[0], &options, &pair.client, &err), 0);
    *ret = IO_WANT_READ;
    for (int turn = 0; turn < 10 && *ret == IO_WANT_READ; turn++) {
        *ret = transport_handshake(pair.client, &err).status;
        SSL_do_handshake(server);
    }
    return server;
}

/* Which can ask for renegotiation. */
static SSL *connect_foreign_server(SSL_CTX *ctx)
{
    enum io_status status;
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    SSL *server = foreign_server(ctx, &leaf, &status);
    ck_assert_int_eq(status, IO_OK);
    return server;
}

START_TEST(a_client_has_read_a_chain_that_it_does_not_trust)
{
    enum io_status status;
    struct pki other = pki_make(&(struct pki_spec){.subject = "other", .names = "DNS:localhost"});
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL *server = foreign_server(ctx, &other, &status);
    ck_assert_int_eq(status, IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_UNTRUSTED);
    ck_assert_int_eq(err.code, 0);
    SSL_free(server);
    SSL_CTX_free(ctx);
    close(fds[1]);
    pki_free(&other);
}
END_TEST

START_TEST(a_client_says_why_it_has_not_read_a_chain)
{
    static const int maxima[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    enum io_status status;
    struct pki compressed = pki_make(&(struct pki_spec){.subject = "compressed",
                                                        .names = "DNS:localhost",
                                                        .issuer = &ca,
                                                        .compressed_point = true});
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_max_proto_version(ctx, maxima[_i]);
    SSL *server = foreign_server(ctx, &compressed, &status);
    ck_assert_int_eq(status, IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_UNTRUSTED);
    ck_assert_int_eq(err.code, ERROR_CODE_UNREAD);
    ck_assert_msg(strstr(err.text, "\"CN=compressed\" refused: its chain has a key") != NULL, "%s",
                  err.text);
    SSL_free(server);
    SSL_CTX_free(ctx);
    close(fds[1]);
    pki_free(&compressed);
}
END_TEST

START_TEST(a_client_tells_that_it_refused_renegotiation)
{
    char data[200];
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL *server = connect_foreign_server(ctx);
    ck_assert_int_eq(SSL_renegotiate(server), 1);
    SSL_do_handshake(server);
    ck_assert_int_eq(transport_read(pair.client, data, sizeof data, &err).status, IO_WANT_READ);
    ck_assert(transport_tls_refused_renegotiation(pair.client));
    SSL_read(server, data, sizeof data);
    ck_assert_int_eq(transport_read(pair.client, data, sizeof data, &err).status, IO_FAILED);
    ck_assert_msg(strstr(err.text, "asked for renegotiation") != NULL, "%s", err.text);
    SSL_free(server);
    SSL_CTX_free(ctx);
    close(fds[1]);
}
END_TEST

START_TEST(a_client_fails_in_a_flood_of_requests_for_renegotiation)
{
    enum { FREE_REKEYS = 128 };
    static char data[32 * 1024];
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL *server = connect_foreign_server(ctx);
    for (int i = 0; i < FREE_REKEYS; i++) {
        ck_assert_int_eq(SSL_renegotiate(server), 1);
        SSL_do_handshake(server);
    }
    ck_assert_int_eq(transport_read(pair.client, data, sizeof data, &err).status, IO_WANT_READ);
    ck_assert_int_eq(SSL_renegotiate(server), 1);
    SSL_do_handshake(server);
    ck_assert_int_eq(transport_read(pair.client, data, sizeof data, &err).status, IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_FLOOD);
    SSL_free(server);
    SSL_CTX_free(ctx);
    close(fds[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transport_tls_peer");
    TCase *tcase = tcase_create("transport_tls_peer");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_plain_transport_has_nothing_of_tls);
    tcase_add_test(tcase, a_server_without_a_hello_knows_that_it_is_tls);
    tcase_add_test(tcase, a_client_knows_what_the_server_sent_and_what_was_verified);
    tcase_add_test(tcase, both_ends_know_that_a_session_was_resumed);
    tcase_add_test(tcase, a_server_knows_its_own_certificate_and_none_of_the_client);
    tcase_add_test(tcase, a_client_has_read_a_chain_that_it_does_not_trust);
    tcase_add_loop_test(tcase, a_client_says_why_it_has_not_read_a_chain, 0, 2);
    tcase_add_test(tcase, a_client_tells_that_it_refused_renegotiation);
    tcase_add_test(tcase, a_client_fails_in_a_flood_of_requests_for_renegotiation);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
