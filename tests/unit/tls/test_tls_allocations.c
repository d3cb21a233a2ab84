/* SPDX-License-Identifier: MIT */
/* What contexts, verification and the lists of certificates do without memory, and that they free
 * all that they have. */
#include <check.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "tls_chain_internal.h"
#include "tls_context_internal.h"
#include "tls_ticket_scope.h"
#include "tls_verification.h"

#include "allocations.h"
#include "mutual.h"
#include "pair.h"
#include "suite.h"
#include "tlsecho/tls/tls_memory.h"
#include "tlsecho/tls/transport_tls.h"

static long left(void)
{
    ERR_clear_error(); /* holds texts */
    return allocations_left();
}

/* Fails each allocation of `run` once, until there is none more; OpenSSL may do without. Returns
 * how often `run` failed, which then told it and kept nothing. */
static unsigned starve(int (*run)(void), void (*undo)(void))
{
    enum { LOST_MAX = 1 }; /* by OpenSSL, where it has no memory to parse an extension */
    unsigned failures = 0;
    bool failed = true;
    mutual_ok(run()); /* makes what is made once in a process */
    undo();
    tls_memory_ran_out();
    for (unsigned n = 0; failed; n++) {
        long before = left();
        allocations_fail_after(n);
        int result = run();
        failed = allocations_have_failed();
        ck_assert(failed || result == 0);
        ck_assert_msg(result == 0 || err.kind == ERROR_SYSTEM, "%u: %s", n, err.text);
        failures += result < 0;
        if (result == 0)
            undo();
        ck_assert_msg(left() - before <= (failed ? LOST_MAX : 0), "%u: %ld", n, left() - before);
    }
    return failures;
}

static STACK_OF(X509) * certificates;
static struct tls_chain chain;

static int list(void)
{
    return tls_chain_describe(certificates, &chain, &err);
}

static void undo_list(void)
{
    ck_assert_uint_eq(chain.count, 2);
    ck_assert_str_eq(chain.certificates[0].names, "DNS:a.example.org");
    for (size_t i = 0; i < chain.count; i++)
        ck_assert_msg(strstr(chain.certificates[i].pem, "-----END CERTIFICATE-----\n") != NULL,
                      "%s", chain.certificates[i].pem);
    tls_chain_done(&chain);
}

START_TEST(a_list_of_certificates_is_whole_or_not_made)
{
    certificates = sk_X509_new_null();
    sk_X509_push(certificates, leaf.certificate);
    sk_X509_push(certificates, ca.certificate);
    ck_assert_uint_gt(starve(list, undo_list), 5);
    ck_assert_str_eq(err.text, "no memory for the certificates");
    ck_assert_ptr_null(OPENSSL_malloc(SIZE_MAX / 2 + 1)); /* for something else */
    mutual_ok(list());
    undo_list();
    sk_X509_free(certificates);
}
END_TEST

static unsigned char scope[TLS_TICKET_SCOPE_BYTES];

static unsigned not_fixed;

static int fix_scope(void)
{
    int result = tls_ticket_scope_fix(server, TLS_CLIENT_AUTH_REQUIRED, &err);
    not_fixed += result < 0;
    return tls_memory_check(result, &err);
}

static void undo_scope(void)
{
    ck_assert_mem_eq(server->ticket_scope, scope, sizeof scope);
    memset(server->ticket_scope, 0, sizeof scope);
}

START_TEST(a_scope_of_tickets_is_that_of_the_settings_or_not_set)
{
    enum { NAMES = 20 };
    char name[32];
    mutual_use_ca(server, &ca, NULL);
    mutual_ok(mutual_use_crl(server, &leaf));
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "DNS:%d.example.org", i);
        mutual_ok(tls_context_allow_name(server, name, &err));
    }
    mutual_ok(fix_scope());
    memcpy(scope, server->ticket_scope, sizeof scope);
    starve(fix_scope, undo_scope);
    ck_assert_uint_gt(not_fixed, NAMES); /* of which each is copied */
}
END_TEST

START_TEST(a_certificate_that_was_made_is_not_replaced_without_memory)
{
    enum { STEP = 7 }; /* each needs a context, which takes time */
    for (int kept = 0; kept < 2; kept++) {
        const char *directory = kept ? folder.path : NULL;
        struct peer_certificate made, found;
        struct tls_context *ctx = mutual_new_server();
        mutual_ok(tls_context_use_self_signed(ctx, directory, &made, &err));
        bool failed = true;
        for (unsigned n = 0; failed; n += STEP) {
            tls_context_free(ctx);
            ctx = mutual_new_server();
            allocations_fail_after(n);
            int result =
                tls_memory_check(tls_context_use_self_signed(ctx, directory, &found, &err), &err);
            failed = allocations_have_failed();
            ck_assert(failed || result == 0);
            ck_assert_msg(result || strcmp(found.sha256, made.sha256) == 0, "%u", n);
        }
        tls_context_free(ctx);
    }
}
END_TEST

static char key_file[FOLDER_FILE_BYTES];

static void make_and_free(void)
{
    const struct pki_crl_spec crls[] = {
        {.issuer = &ca,
         .revoked = &leaf,
         .extension = {"crlNumber", "DER:020101"},
         .entry_extension = {"CRLReason", "DER:0A0101"}},
        {.issuer = &ca, .revoked = &leaf, .extension = {"crlNumber", "DER:020102"}},
        {.issuer = &middle},
    };
    struct tls_context *ctx = mutual_new_server();
    mutual_use_ca(ctx, &ca, &middle);
    mutual_ok(mutual_use_crls(ctx, crls, sizeof crls / sizeof *crls));
    mutual_ok(tls_context_allow_name(ctx, "DNS:a.example.org", &err));
    for (int i = 0; i < 2; i++)
        mutual_ok(tls_context_use_ticket_keys(ctx, key_file, &err));
    mutual_ok(tls_context_set_client_auth(ctx, TLS_CLIENT_AUTH_REQUIRED, &err));
    tls_context_free(ctx);
}

START_TEST(a_context_frees_all_that_it_has)
{
    static const unsigned char keys[2 * 80] = {1};
    strcpy(key_file, folder_write(&folder, "ticket.keys", keys, sizeof keys));
    chmod(key_file, 0600);
    make_and_free();
    long before = left();
    make_and_free();
    ck_assert_int_eq(left(), before);
}
END_TEST

START_TEST(a_key_file_that_is_refused_is_freed)
{
    static const unsigned char keys[81] = {1};
    strcpy(key_file, folder_write(&folder, "ticket.keys", keys, sizeof keys));
    chmod(key_file, 0600);
    for (long before = 0, i = 0; i < 2; i++) {
        mutual_refused(tls_context_use_ticket_keys(server, key_file, &err), "has 81 bytes");
        ck_assert(i == 0 || left() == before);
        before = left();
    }
}
END_TEST

/* Fails each allocation of one attempt; its store has a chain that is out of date. */
START_TEST(a_chain_that_is_not_verified_to_its_end_is_not_good)
{
    unsigned out_of_memory = 0;
    bool failed = true;
    struct pki old = pki_make(
        &(struct pki_spec){.subject = "old", .issuer = &ca, .starts_days = -20, .ends_days = -10});
    X509_STORE *trusted = X509_STORE_new();
    X509_STORE_add_cert(trusted, ca.certificate);
    SSL *ssl = SSL_new(server->ssl);
    mutual_ok(tls_verification_attach(ssl, NULL, &err)); /* makes the indices */
    SSL_free(ssl);
    for (unsigned n = 0; failed; n++) {
        struct tls_verification verification = {0};
        X509_STORE_CTX *store = X509_STORE_CTX_new();
        ck_assert_int_eq(X509_STORE_CTX_init(store, trusted, old.certificate, NULL), 1);
        allocations_fail_after(n);
        long error = tls_verification_run(store, &verification).error;
        failed = allocations_have_failed();
        ck_assert_int_ne(error, X509_V_OK);
        ck_assert(failed || error == X509_V_ERR_CERT_HAS_EXPIRED);
        out_of_memory += error == X509_V_ERR_OUT_OF_MEM;
        X509_STORE_CTX_free(store);
    }
    ck_assert_uint_gt(out_of_memory, 0);
    X509_STORE_free(trusted);
    pki_free(&old);
}
END_TEST

START_TEST(a_verification_is_attached_or_that_it_is_not_is_told)
{
    struct tls_verification verification = {0};
    int result = -1, failures = 0;
    for (unsigned n = 0; result < 0; n++) {
        SSL *ssl = SSL_new(server->ssl);
        allocations_fail_after(n);
        result = tls_verification_attach(ssl, &verification, &err);
        ck_assert(allocations_have_failed() == (result < 0));
        failures -= result;
        ck_assert(result == 0 || err.kind == ERROR_SYSTEM);
        ck_assert_ptr_eq(tls_verification_of(ssl), result == 0 ? &verification : NULL);
        SSL_free(ssl);
    }
    ck_assert_int_gt(failures, 0);
}
END_TEST

static void shake_and_free(const struct pki *presented, enum io_status expected)
{
    mutual_use_version("1.3");
    foreign_present(&client, presented, NULL);
    ck_assert_int_eq(foreign_shake(&client, server).status, expected);
    foreign_free(&client);
    client = (struct foreign){0};
}

static struct pki wanted;

/* The server requires a client like `wanted`. */
static void require_wanted(void)
{
    wanted = pki_make(
        &(struct pki_spec){.subject = "wanted", .names = "email:b@example.org", .issuer = &ca});
    mutual_use_ca(server, &ca, &middle);
    mutual_ok(tls_context_allow_name(server, "email:b@example.org", &err));
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
}

START_TEST(the_verification_of_a_client_frees_all_that_it_has)
{
    long before = 0;
    require_wanted();
    for (int i = 0; i < 3; i++) {
        shake_and_free(&wanted, IO_OK);
        shake_and_free(&leaf, IO_FAILED); /* of other names */
        shake_and_free(&own, IO_FAILED);
        ck_assert_msg(i < 2 || left() == before, "%ld more", left() - before);
        before = left();
    }
    pki_free(&wanted);
}
END_TEST

/* A server's handshake, whose n-th allocation fails once the client's certificate is there. Returns
 * whether there were as many. */
static bool verify_client_without_memory(struct tls_context *ctx, unsigned n, enum io_status *ret)
{
    struct pair pair;
    struct error ignored;
    int fds[2];
    pair_sockets(false, fds);
    pair_tls(&pair, fds, ctx, server, "server");
    ck_assert_int_eq(transport_handshake(pair.client, &ignored).status, IO_WANT_READ);
    ck_assert_int_eq(transport_handshake(pair.server, &ignored).status, IO_WANT_READ);
    ck_assert_int_eq(transport_handshake(pair.client, &ignored).status, IO_OK);
    allocations_fail_after(n);
    *ret = transport_handshake(pair.server, &err).status;
    bool failed = allocations_have_failed();
    pair_done(&pair);
    return failed;
}

START_TEST(a_client_is_not_verified_without_memory_and_it_is_not_its_fault)
{
    enum { STEP = 5 }; /* as many, in a row, fail before a certificate is at fault */
    enum io_status status;
    struct tls_context *ctx;
    require_wanted();
    mutual_ok(tls_context_new(TLS_CLIENT, &ctx, &err));
    pki_present(&folder, &wanted, ctx);
    pki_trust(&folder, &own, ctx);
    for (unsigned n = 0; verify_client_without_memory(ctx, n, &status); n += STEP)
        ck_assert_msg(status == IO_OK || err.code == ENOMEM, "%u: %s", n, err.text);
    ck_assert_int_eq(status, IO_OK);
    tls_context_free(ctx);
    pki_free(&wanted);
}
END_TEST

/* The client's handshake with a server of that name. */
static enum io_status meet(const char *name, const struct pki *trusted)
{
    struct tls_context *ctx;
    struct peer ignored;
    mutual_ok(tls_context_new(TLS_CLIENT, &ctx, &err));
    pki_trust(&folder, trusted, ctx);
    enum io_status status = pair_meet(ctx, server, name, &ignored, &err);
    tls_context_free(ctx);
    return status;
}

START_TEST(the_verification_of_a_server_frees_all_that_it_has)
{
    long before = 0;
    struct pki odd = pki_make(&(struct pki_spec){.subject = "odd", .names = "DNS:192.0.2.1"});
    struct tls_context *usual = server, *other;
    mutual_ok(tls_context_new(TLS_SERVER, &other, &err));
    pki_present(&folder, &odd, other);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(meet("server", &own), IO_OK);
        ck_assert_int_eq(meet("elsewhere", &own), IO_FAILED);
        ck_assert_int_eq(meet("server", &ca), IO_FAILED);
        server = other;
        ck_assert_int_eq(meet("192.0.2.1", &odd), IO_FAILED); /* which is no address */
        server = usual;
        ck_assert_msg(i < 2 || left() == before, "%ld more", left() - before);
        before = left();
    }
    tls_context_free(other);
    pki_free(&odd);
}
END_TEST

int main(void)
{
    tls_memory_watch(); /* OpenSSL's allocations are ours */
    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
    Suite *suite = suite_create("tls_allocations");
    TCase *tcase = tcase_create("tls_allocations");
    tcase_add_checked_fixture(tcase, mutual_set_up, mutual_tear_down);
    tcase_add_test(tcase, a_list_of_certificates_is_whole_or_not_made);
    tcase_add_test(tcase, a_scope_of_tickets_is_that_of_the_settings_or_not_set);
    tcase_add_test(tcase, a_certificate_that_was_made_is_not_replaced_without_memory);
    tcase_add_test(tcase, a_context_frees_all_that_it_has);
    tcase_add_test(tcase, a_key_file_that_is_refused_is_freed);
    tcase_add_test(tcase, a_chain_that_is_not_verified_to_its_end_is_not_good);
    tcase_add_test(tcase, a_verification_is_attached_or_that_it_is_not_is_told);
    tcase_add_test(tcase, a_client_is_not_verified_without_memory_and_it_is_not_its_fault);
    tcase_add_test(tcase, the_verification_of_a_client_frees_all_that_it_has);
    tcase_add_test(tcase, the_verification_of_a_server_frees_all_that_it_has);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
