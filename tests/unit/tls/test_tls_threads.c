/* SPDX-License-Identifier: MIT */
/* Contexts that threads share. What goes wrong is rarely seen without ThreadSanitizer. */
#include <check.h>
#include <pthread.h>

#include "folder.h"
#include "pair.h"
#include "pki.h"
#include "suite.h"

enum { THREADS = 4, ROUNDS = 10 /* one in six shows a race */ };

static struct folder folder;
static struct pki root, middle, leaf;
static struct tls_context *server, *client;
static pthread_barrier_t barrier;

struct handshake {
    pthread_t thread;
    struct pair pair;
    enum io_status client, server;
    struct error client_error, server_error;
};

static void ok(int result, const struct error *err)
{
    ck_assert_msg(result == 0, "%s", err->text);
}

/* Both present the leaf with its issuer, and trust the root. */
static struct tls_context *new_context(enum tls_role role)
{
    struct error err;
    struct tls_context *ctx;
    ok(tls_context_new(role, &ctx, &err), &err);
    pki_present_chain(&folder, &leaf, &middle, ctx);
    return ctx;
}

static void authenticate_clients(void)
{
    struct error err;
    const struct pki_crl_spec crls[] = {{.issuer = &root, .revoked = &leaf},
                                        {.issuer = &middle, .revoked = &root}};
    ok(tls_context_use_client_ca(server, pki_write_chain(&folder, "ca.pem", &root, &middle), &err),
       &err);
    ok(tls_context_use_crl(server, pki_write_crls(&folder, "crl.pem", crls, 2), &err), &err);
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err), &err);
}

static void set_up(void)
{
    struct error err;
    folder_new(&folder);
    root = pki_make(&(struct pki_spec){.subject = "Root", .ca = true, .key_ids = true});
    middle = pki_make(
        &(struct pki_spec){.subject = "Middle", .ca = true, .key_ids = true, .issuer = &root});
    leaf = pki_make(&(struct pki_spec){
        .subject = "leaf", .names = "DNS:localhost", .key_ids = true, .issuer = &middle});
    server = new_context(TLS_SERVER);
    client = new_context(TLS_CLIENT);
    authenticate_clients();
    ok(tls_context_trust(client, pki_write_certificate(&folder, "root.pem", &root), &err), &err);
    pthread_barrier_init(&barrier, NULL, THREADS);
}

static void tear_down(void)
{
    pthread_barrier_destroy(&barrier);
    tls_context_free(client);
    tls_context_free(server);
    pki_free(&leaf);
    pki_free(&middle);
    pki_free(&root);
    folder_remove(&folder);
}

static void *shake(void *arg)
{
    struct handshake *h = arg;
    pthread_barrier_wait(&barrier);
    h->client = pair_handshake(&h->pair, &h->client_error, &h->server, &h->server_error);
    return NULL;
}

START_TEST(the_first_handshakes_can_be_in_several_threads)
{
    static struct handshake handshakes[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        int fds[2];
        pair_sockets(false, fds);
        pair_tls(&handshakes[i].pair, fds, client, server, "localhost");
    }
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&handshakes[i].thread, NULL, shake, &handshakes[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(handshakes[i].thread, NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        struct handshake *h = &handshakes[i];
        ck_assert_msg(h->client == IO_OK, "%s", h->client_error.text);
        ck_assert_msg(h->server == IO_OK, "%s", h->server_error.text);
        pair_done(&h->pair);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_threads");
    TCase *tests = tcase_create("threads");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, the_first_handshakes_can_be_in_several_threads, 0, ROUNDS);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
