/* SPDX-License-Identifier: MIT */
/* The warnings of a server's context for a certificate that the library's configuration disables.
 * Each test is a process of its own: the library reads its configuration once. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "pair.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/tls_context.h"

static struct folder folder;
static struct error err;

static void set_up(void)
{
    folder_new(&folder);
}

static void tear_down(void)
{
    folder_remove(&folder);
}

static void configure(const char *algorithms)
{
    char text[300];
    int n = snprintf(text, sizeof text,
                     "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
                     "SignatureAlgorithms = %s\n",
                     algorithms);
    setenv("OPENSSL_CONF", folder_write(&folder, "openssl.cnf", text, (size_t)n), 1);
}

START_TEST(reports_a_library_without_ciphers_with_the_remedy)
{
    struct tls_context *server;
    static const char text[] = "openssl_conf = a\n[a]\nproviders = b\n[b]\nbase = c\n[c]\n"
                               "activate = 1\n";
    setenv("OPENSSL_CONF", folder_write(&folder, "openssl.cnf", text, sizeof text - 1), 1);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), -1);
    ck_assert_str_eq(err.text, "make a TLS context: library has no ciphers: correct the providers "
                               "and properties in the configuration of OpenSSL (OPENSSL_CONF)");
}
END_TEST

static struct tls_context *new_server(const char *lowest, const char *highest)
{
    struct tls_context *server;
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    ck_assert_int_eq(tls_context_set_versions(server, lowest, highest, &err), 0);
    return server;
}

/* reason NULL = no warning. */
static void assert_warned(struct tls_context *server, const char *reason)
{
    size_t count;
    const struct tls_warning *warnings = tls_context_warnings(server, &count);
    ck_assert_uint_eq(count, reason ? 1 : 0);
    if (!reason)
        return;
    ck_assert_str_eq(warnings->event, "certificate_unsuitable");
    ck_assert_msg(strstr(warnings->reason, reason) != NULL, "%s", warnings->reason);
}

static void with_key(bool rsa, const char *lowest, const char *highest, const char *reason)
{
    struct peer_certificate about;
    struct tls_context *server = new_server(lowest, highest);
    struct pki leaf = pki_make(&(struct pki_spec){.subject = "a", .names = "DNS:a", .rsa = rsa});
    ck_assert_msg(tls_context_use_certificate(
                      server, pki_write_certificate(&folder, "c.pem", &leaf), &about, &err) == 0,
                  "%s", err.text);
    assert_warned(server, reason);
    pki_free(&leaf);
    tls_context_free(server);
}

START_TEST(the_defaults_serve_every_key)
{
    with_key(true, "1.2", "1.3", NULL);
    with_key(false, "1.2", "1.3", NULL);
    with_key(true, "1.3", "1.3", NULL);
    with_key(false, "1.2", "1.2", NULL);
}
END_TEST

START_TEST(warns_of_a_key_without_any_scheme)
{
    configure("ECDSA+SHA256");
    with_key(true, "1.2", "1.3", "scheme for its key (RSA), and every handshake with it fails");
    with_key(true, "1.2", "1.2", "every handshake with it fails");
    with_key(false, "1.2", "1.3", NULL);
}
END_TEST

START_TEST(warns_of_a_key_without_a_scheme_of_tls_1_3_if_that_is_enabled)
{
    configure("RSA+SHA256:ECDSA+SHA384");
    with_key(true, "1.2", "1.3", "(RSA), and clients that use TLS 1.3 are refused");
    with_key(true, "1.3", "1.3", "every handshake with it fails");
    with_key(true, "1.2", "1.2", NULL);
    with_key(false, "1.2", "1.3", "(EC), and clients that use TLS 1.3 are refused");
    with_key(false, "1.2", "1.2", NULL);
}
END_TEST

START_TEST(warns_of_a_self_signed_certificate_which_clients_do_refuse)
{
    struct peer_certificate about;
    struct peer peer;
    struct tls_context *client;
    configure("RSA-PSS+SHA256");
    struct tls_context *server = new_server("1.2", "1.3");
    ck_assert_int_eq(tls_context_use_self_signed(server, NULL, &about, &err), 0);
    assert_warned(server, "(EC), and every handshake with it fails");
    ck_assert_int_eq(tls_context_new(TLS_CLIENT, &client, &err), 0);
    tls_context_trust_any(client);
    ck_assert_int_eq(pair_meet(client, server, "localhost", &peer, &err), IO_FAILED);
    tls_context_free(client);
    tls_context_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_signatures");
    TCase *tcase = tcase_create("signatures");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_defaults_serve_every_key);
    tcase_add_test(tcase, warns_of_a_key_without_any_scheme);
    tcase_add_test(tcase, warns_of_a_key_without_a_scheme_of_tls_1_3_if_that_is_enabled);
    tcase_add_test(tcase, reports_a_library_without_ciphers_with_the_remedy);
    tcase_add_test(tcase, warns_of_a_self_signed_certificate_which_clients_do_refuse);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
