/* SPDX-License-Identifier: MIT */
/* Records without data that only cost work, from OpenSSL's client or from the test. */
#include <check.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"
#include "suite.h"
#include "tlsecho/net/transport.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

enum {
    FREE_REKEYS = 128,
    HANDSHAKE = 22, /* content types, RFC 5246 §6.2.1 */
    ALERT = 21,
    DATA = 23,
};

static struct tls_context *context;
static struct tls_scratch *scratch;
static struct transport *server;
static SSL_CTX *client_context;
static SSL *client;
static int fds[2];
static struct error err;

/* Replaces the C library's, for the server: the errno with which it fails, 0 = the real one. */
static int send_fails;

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    errno = send_fails;
    return send_fails ? -1 : sendto(fd, data, size, flags, NULL, 0);
}

static void set_up(int version)
{
    struct peer_certificate ignored;
    send_fails = 0;
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &context, &err), 0);
    ck_assert_int_eq(tls_context_use_self_signed(context, NULL, &ignored, &err), 0);
    scratch = tls_scratch_new();
    pair_sockets(false, fds);
    struct transport_tls_options options = {.ctx = context, .scratch = scratch};
    ck_assert_int_eq(transport_tls_new(fds[1], &options, &server, &err), 0);

    client_context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(client_context, version);
    SSL_CTX_set_max_proto_version(client_context, version);
    SSL_CTX_set_cipher_list(client_context, "ECDHE-ECDSA-AES128-GCM-SHA256");
    client = SSL_new(client_context);
    SSL_set_fd(client, fds[0]);
    SSL_set_connect_state(client);
    enum io_status status = IO_WANT_READ;
    for (int turn = 0; turn < 10 && !(SSL_is_init_finished(client) && status == IO_OK); turn++) {
        SSL_do_handshake(client);
        if (status != IO_OK)
            status = transport_handshake(server, &err).status;
    }
    ck_assert_int_eq(status, IO_OK);
}

static void set_up_tls12(void)
{
    set_up(TLS1_2_VERSION);
}

static void set_up_tls13(void)
{
    set_up(TLS1_3_VERSION);
}

static void tear_down(void)
{
    transport_free(server);
    SSL_free(client);
    SSL_CTX_free(client_context);
    close(fds[0]);
    tls_scratch_free(scratch);
    tls_context_free(context);
}

static bool is_readable(void)
{
    struct pollfd waiting = {.fd = fds[1], .events = POLLIN};
    return poll(&waiting, 1, 0) == 1;
}

/* Reads everything that has arrived, as a loop would. Returns the status at which it stops. */
static enum io_status read_all(size_t *ret_bytes)
{
    unsigned char data[4096];
    struct io io;
    *ret_bytes = 0;
    do {
        io = transport_read(server, data, sizeof data, &err);
        *ret_bytes += io.n;
    } while (io.status == IO_OK || (io.status == IO_WANT_READ && is_readable()));
    return io.status;
}

/* The client drops its input. */
static void drain_client(void)
{
    unsigned char data[4096];
    while (SSL_read(client, data, sizeof data) > 0)
        ;
}

static void assert_flood(const char *words)
{
    size_t n;
    ck_assert_int_eq(read_all(&n), IO_FAILED);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(err.kind, ERROR_FLOOD);
    ck_assert_msg(strstr(err.text, words), "%s", err.text);
}

static void update_keys(int times)
{
    for (int i = 0; i < times; i++) {
        ck_assert_int_eq(SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED), 1);
        ck_assert_int_eq(SSL_do_handshake(client), 1);
    }
}

START_TEST(a_few_key_updates_are_followed)
{
    size_t n;
    for (int i = 0; i < FREE_REKEYS / 16; i++) {
        update_keys(16);
        ck_assert_int_eq(SSL_write(client, "x", 1), 1);
        ck_assert_int_eq(read_all(&n), IO_WANT_READ);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(transport_write(server, "y", 1, &err).status, IO_OK);
        drain_client();
    }
}
END_TEST

START_TEST(a_flood_of_key_updates_fails_and_ends_in_order)
{
    update_keys(FREE_REKEYS + 1);
    ck_assert_int_eq(SSL_write(client, "never read", 10), 10);
    assert_flood("too many key updates");
    ck_assert_int_eq(err.alert, -1);
    size_t n;
    ck_assert_int_eq(read_all(&n), IO_WANT_READ); /* dropped, and nothing spins */
    ck_assert_int_eq(transport_shutdown(server, &err).status, IO_OK);
    drain_client();
    ck_assert_int_eq(SSL_get_shutdown(client) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
}
END_TEST

START_TEST(returns_data_that_came_before_a_flood)
{
    unsigned char data[64 * 1024];
    ck_assert_int_eq(SSL_write(client, "first", 5), 5);
    update_keys(FREE_REKEYS + 1);
    struct io io = transport_read(server, data, sizeof data, &err);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(io.n, 5);
    assert_flood("too many key updates");
}
END_TEST

START_TEST(allows_more_key_updates_after_data)
{
    static unsigned char data[16384];
    size_t n;
    for (int i = 0; i < 4 * FREE_REKEYS / 16; i++) {
        update_keys(16);
        ck_assert_int_eq(SSL_write(client, data, sizeof data), sizeof data);
        ck_assert_int_eq(read_all(&n), IO_WANT_READ);
        ck_assert_uint_eq(n, sizeof data);
        drain_client();
    }
}
END_TEST

START_TEST(as_many_key_updates_as_there_is_credit_are_followed)
{
    size_t n;
    update_keys(FREE_REKEYS);
    ck_assert_int_eq(SSL_write(client, "x", 1), 1);
    ck_assert_int_eq(read_all(&n), IO_WANT_READ);
    ck_assert_uint_eq(n, 1);
    drain_client();
    update_keys(1); /* a byte is not enough for one more */
    assert_flood("too many key updates");
}
END_TEST

START_TEST(data_in_advance_buys_no_further_key_update)
{
    static unsigned char data[16384];
    size_t n;
    for (int i = 0; i < 64; i++) {
        ck_assert_int_eq(SSL_write(client, data, sizeof data), sizeof data);
        ck_assert_int_eq(read_all(&n), IO_WANT_READ);
    }
    update_keys(FREE_REKEYS + 1);
    assert_flood("too many key updates");
}
END_TEST

/* The peer reads none of them. */
START_TEST(waits_for_room_for_the_answers_to_key_updates)
{
    static unsigned char data[2048];
    size_t n;
    struct io io = {.status = IO_OK};
    send_fails = EAGAIN;
    for (int i = 0; i < 5000 && !io.more; i++) {
        ck_assert_int_eq(SSL_write(client, data, sizeof data / 2), sizeof data / 2);
        update_keys(1);
        io = transport_read(server, data, sizeof data, &err);
        ck_assert_int_eq(io.status, IO_OK);
    }
    ck_assert(io.more);
    io = transport_read(server, data, sizeof data, &err);
    ck_assert_int_eq(io.status, IO_WANT_WRITE);
    ck_assert(!io.more);
    send_fails = 0;
    io = transport_read(server, data, sizeof data, &err);
    ck_assert_int_eq(io.status, IO_WANT_WRITE);
    ck_assert_int_eq(read_all(&n), IO_WANT_READ);
}
END_TEST

/* Records of a TLS 1.2 client, built by the test: RFC 5246 §6.3, RFC 5288 §3. */
static struct {
    unsigned char key[16], salt[4];
    uint64_t sequence;
} forger;

static void begin_forging(void)
{
    unsigned char master[48], randoms[64], block[2 * (16 + 4)];
    ck_assert_uint_eq(SSL_SESSION_get_master_key(SSL_get_session(client), master, sizeof master),
                      sizeof master);
    SSL_get_server_random(client, randoms, 32);
    SSL_get_client_random(client, randoms + 32, 32);
    static char digest[] = "SHA256", label[] = "key expansion";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string("digest", digest, 0),
        OSSL_PARAM_construct_octet_string("secret", master, sizeof master),
        OSSL_PARAM_construct_octet_string("seed", label, sizeof label - 1),
        OSSL_PARAM_construct_octet_string("seed", randoms, sizeof randoms),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    ck_assert_int_eq(EVP_KDF_derive(ctx, block, sizeof block, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    memcpy(forger.key, block, sizeof forger.key);
    memcpy(forger.salt, block + 32, sizeof forger.salt);
    forger.sequence = 1; /* 0 was Finished */
}

static void set_number(unsigned char *at, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(number >> 8 * (bytes - 1 - i));
}

static void forge(int type, const void *data, size_t n)
{
    unsigned char record[512] = {(unsigned char)type, 3, 3}, nonce[12], extra[13];
    int used = 0;
    memcpy(nonce, forger.salt, 4);
    set_number(nonce + 4, forger.sequence, 8);
    set_number(extra, forger.sequence++, 8);
    memcpy(extra + 8, record, 3);
    set_number(extra + 11, n, 2);
    set_number(record + 3, 8 + n + 16, 2);
    memcpy(record + 5, nonce + 4, 8);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, forger.key, nonce);
    EVP_EncryptUpdate(ctx, NULL, &used, extra, sizeof extra);
    EVP_EncryptUpdate(ctx, record + 13, &used, data, (int)n);
    EVP_EncryptFinal_ex(ctx, record + 13 + n, &used);
    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, record + 13 + n);
    EVP_CIPHER_CTX_free(ctx);
    size_t whole = 13 + n + 16;
    ck_assert_int_eq(write(fds[0], record, whole), (ssize_t)whole);
}

static void ask_for_renegotiation(void)
{
    static const unsigned char client_hello[] = {1, 0, 0, 2, 3, 3};
    forge(HANDSHAKE, client_hello, sizeof client_hello);
}

START_TEST(one_attempt_at_renegotiation_is_refused_and_the_session_continues)
{
    size_t n;
    begin_forging();
    ask_for_renegotiation();
    forge(DATA, "still here", 10);
    ck_assert_int_eq(read_all(&n), IO_WANT_READ);
    ck_assert_uint_eq(n, 10);
    char alert[64];
    ck_assert_int_gt(read(fds[0], alert, sizeof alert), 5); /* no_renegotiation, encrypted */
    ck_assert_int_eq(alert[0], ALERT);
    ck_assert(!transport_tls_refused_renegotiation(server)); /* that is for a client to tell */
}
END_TEST

START_TEST(a_flood_of_renegotiation_fails)
{
    begin_forging();
    for (int i = 0; i <= FREE_REKEYS; i++)
        ask_for_renegotiation();
    assert_flood("attempts at renegotiation");
}
END_TEST

START_TEST(an_attempt_at_renegotiation_costs_as_much_as_a_key_update)
{
    size_t n;
    begin_forging();
    for (int i = 0; i < FREE_REKEYS; i++)
        ask_for_renegotiation();
    forge(DATA, "x", 1);
    ck_assert_int_eq(read_all(&n), IO_WANT_READ);
    ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(a_flood_of_empty_records_fails)
{
    size_t n;
    begin_forging();
    for (int i = 0; i < 32; i++)
        forge(DATA, "", 0);
    forge(DATA, "x", 1);
    ck_assert_int_eq(read_all(&n), IO_WANT_READ);
    ck_assert_uint_eq(n, 1);
    for (int i = 0; i < 40; i++)
        forge(DATA, "", 0);
    assert_flood("empty records");
    ck_assert_int_ge(err.alert, 0);
}
END_TEST

START_TEST(a_flood_of_warning_alerts_fails)
{
    static const unsigned char warning[] = {1, 90}; /* user_canceled */
    begin_forging();
    for (int i = 0; i < 10; i++)
        forge(ALERT, warning, sizeof warning);
    assert_flood("warning alerts");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transport_floods");
    TCase *tcase = tcase_create("TLS 1.3");
    tcase_add_checked_fixture(tcase, set_up_tls13, tear_down);
    tcase_add_test(tcase, a_few_key_updates_are_followed);
    tcase_add_test(tcase, a_flood_of_key_updates_fails_and_ends_in_order);
    tcase_add_test(tcase, returns_data_that_came_before_a_flood);
    tcase_add_test(tcase, allows_more_key_updates_after_data);
    tcase_add_test(tcase, as_many_key_updates_as_there_is_credit_are_followed);
    tcase_add_test(tcase, data_in_advance_buys_no_further_key_update);
    tcase_add_test(tcase, waits_for_room_for_the_answers_to_key_updates);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("TLS 1.2");
    tcase_add_checked_fixture(tcase, set_up_tls12, tear_down);
    tcase_add_test(tcase, one_attempt_at_renegotiation_is_refused_and_the_session_continues);
    tcase_add_test(tcase, a_flood_of_renegotiation_fails);
    tcase_add_test(tcase, an_attempt_at_renegotiation_costs_as_much_as_a_key_update);
    tcase_add_test(tcase, a_flood_of_empty_records_fails);
    tcase_add_test(tcase, a_flood_of_warning_alerts_fails);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
