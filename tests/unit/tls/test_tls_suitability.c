/* SPDX-License-Identifier: MIT */
/* What a server's context warns of in a certificate. */
#include <check.h>
#include <openssl/pem.h>
#include <string.h>

#include "folder.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/tls_context.h"

static struct folder folder;
static struct pki ca, middle;
static struct tls_context *server;
static struct error err;

static void set_up(void)
{
    folder_new(&folder);
    ca = pki_make(&(struct pki_spec){.subject = "CA", .ca = true});
    middle = pki_make(&(struct pki_spec){.subject = "Middle", .ca = true, .issuer = &ca});
    server = NULL;
}

static void tear_down(void)
{
    tls_context_free(server);
    pki_free(&middle);
    pki_free(&ca);
    folder_remove(&folder);
}

/* A server's or client's context with that certificate, its issuer behind it where given. */
static size_t count_warnings(enum tls_role role, const struct pki *leaf, const struct pki *issuer,
                             const struct tls_warning **ret)
{
    struct peer_certificate about;
    size_t count;
    tls_context_free(server);
    ck_assert_int_eq(tls_context_new(role, &server, &err), 0);
    ck_assert_msg(tls_context_use_certificate(
                      server, pki_write_chain(&folder, "c.pem", leaf, issuer), &about, &err) == 0,
                  "%s", err.text);
    *ret = tls_context_warnings(server, &count);
    return count;
}

/* One warning, of that event and with that in its reason; NULL = none. */
static void warns(const struct pki_spec *spec, const struct pki *sent, const char *event,
                  const char *reason)
{
    const struct tls_warning *warnings;
    struct pki leaf = pki_make(spec);
    size_t count = count_warnings(TLS_SERVER, &leaf, sent, &warnings);
    pki_free(&leaf);
    ck_assert_msg(count == (event ? 1 : 0), "%zu: %s", count,
                  count ? warnings[count - 1].reason : "");
    if (!event)
        return;
    ck_assert_str_eq(warnings->event, event);
    ck_assert_ptr_nonnull(strstr(warnings->file, "/c.pem"));
    ck_assert_msg(strstr(warnings->reason, reason) != NULL, "%s", warnings->reason);
}

START_TEST(logs_nothing_of_certificates_that_clients_accept)
{
    static const char *const curves[] = {"P-256", "P-384", "P-521"};
    for (size_t i = 0; i < 3; i++)
        warns(&(struct pki_spec){.subject = "a", .names = "DNS:a", .curve = curves[i]}, NULL, NULL,
              NULL);
    warns(&(struct pki_spec){.subject = "a", .names = "DNS:a", .rsa = true}, NULL, NULL, NULL);
    warns(&(struct pki_spec){.subject = "a",
                             .names = "URI:spiffe://td/a",
                             .usage = "clientAuth,serverAuth",
                             .key_usage = "critical,digitalSignature,keyAgreement",
                             .issuer = &middle},
          &middle, NULL, NULL);
}
END_TEST

START_TEST(warns_of_keys_without_a_signature_in_tls_1_3)
{
    static const char *const curves[] = {"secp256k1", "brainpoolP256r1", "brainpoolP384r1",
                                         "secp224r1"};
    for (size_t i = 0; i < 4; i++)
        warns(&(struct pki_spec){.subject = "a", .names = "DNS:a", .curve = curves[i]}, NULL,
              "certificate_unsuitable", curves[i]);
}
END_TEST

START_TEST(warns_of_certificates_that_are_not_for_servers)
{
    warns(&(struct pki_spec){.subject = "a", .names = "DNS:a", .usage = "clientAuth"}, NULL,
          "certificate_unsuitable", "extendedKeyUsage lacks serverAuth");
    warns(&(struct pki_spec){.subject = "a", .names = "DNS:a", .usage = "anyExtendedKeyUsage"},
          NULL, "certificate_unsuitable", "extendedKeyUsage lacks serverAuth");
    warns(
        &(struct pki_spec){
            .subject = "a", .names = "DNS:a", .rsa = true, .key_usage = "keyEncipherment"},
        NULL, "certificate_unsuitable", "keyUsage lacks digitalSignature");
    warns(&(struct pki_spec){.subject = "a"}, NULL, "certificate_unsuitable",
          "has no subjectAltName");
}
END_TEST

START_TEST(warns_of_a_leaf_without_its_issuer)
{
    const struct pki_spec leaf = {.subject = "a", .names = "DNS:a", .issuer = &middle};
    warns(&leaf, NULL, "certificate_chain_incomplete",
          "its issuer \"CN=Middle\" is not in the file: append the intermediate");
    warns(&leaf, &ca, "certificate_chain_incomplete", "\"CN=Middle\"");
    warns(&leaf, &middle, NULL, NULL);
}
END_TEST

START_TEST(warns_of_a_chain_that_is_too_long_for_clients)
{
    enum { NAMES = 9000 };
    char *names = malloc(NAMES * 16 + 1), *at = names;
    ck_assert_ptr_nonnull(names);
    for (int i = 0; i < NAMES; i++)
        at += sprintf(at, "%sDNS:%010d", i ? "," : "", i);
    warns(&(struct pki_spec){.subject = "a", .names = names}, NULL, "certificate_unsuitable",
          "many clients take no more than 100 KiB");
    free(names);
}
END_TEST

START_TEST(a_client_has_no_warnings_of_its_own_certificate)
{
    const struct tls_warning *warnings;
    struct pki leaf = pki_make(&(struct pki_spec){.subject = "a", .issuer = &middle});
    ck_assert_uint_eq(count_warnings(TLS_CLIENT, &leaf, NULL, &warnings), 0);
    ck_assert_ptr_null(warnings);
    pki_free(&leaf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_suitability");
    TCase *tcase = tcase_create("warnings");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, logs_nothing_of_certificates_that_clients_accept);
    tcase_add_test(tcase, warns_of_keys_without_a_signature_in_tls_1_3);
    tcase_add_test(tcase, warns_of_certificates_that_are_not_for_servers);
    tcase_add_test(tcase, warns_of_a_leaf_without_its_issuer);
    tcase_add_test(tcase, warns_of_a_chain_that_is_too_long_for_clients);
    tcase_add_test(tcase, a_client_has_no_warnings_of_its_own_certificate);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
