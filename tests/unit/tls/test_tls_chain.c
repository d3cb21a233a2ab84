/* SPDX-License-Identifier: MIT */
#include "tlsecho/tls/tls_chain.h"

#include <check.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls_chain_internal.h"

#include "folder.h"
#include "pair.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/transport_tls.h"

static struct folder folder;
static struct pki ca, leaf;
static struct error err;

static void set_up(void)
{
    folder_new(&folder);
    ca = pki_make(&(struct pki_spec){.subject = "CA", .ca = true});
    leaf = pki_make(&(struct pki_spec){
        .subject = "leaf",
        .names = "DNS:localhost,IP:127.0.0.1,IP:::1,URI:spiffe://td/sa,email:a@example.org",
        .issuer = &ca});
}

static void tear_down(void)
{
    pki_free(&leaf);
    pki_free(&ca);
    folder_remove(&folder);
}

static struct tls_chain described(const struct pki *first, const struct pki *second)
{
    struct tls_chain chain;
    STACK_OF(X509) *stack = sk_X509_new_null();
    sk_X509_push(stack, first->certificate);
    if (second)
        sk_X509_push(stack, second->certificate);
    ck_assert_int_eq(tls_chain_describe(stack, &chain, &err), 0);
    sk_X509_free(stack);
    return chain;
}

START_TEST(lists_every_name_with_its_kind)
{
    static const char *const names[] = {"DNS:localhost", "IP:127.0.0.1", "IP:::1",
                                        "URI:spiffe://td/sa", "email:a@example.org"};
    struct tls_chain chain = described(&leaf, &ca);
    ck_assert_uint_eq(chain.count, 2);
    const char *name = chain.certificates[0].names;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++, name += strlen(name) + 1)
        ck_assert_str_eq(name, names[i]);
    ck_assert_str_eq(name, "");
    ck_assert_str_eq(chain.certificates[1].names, "");
    tls_chain_done(&chain);
    ck_assert_uint_eq(chain.count, 0);
    ck_assert_ptr_null(chain.certificates);
    tls_chain_done(&chain); /* of none it frees nothing */
}
END_TEST

START_TEST(lists_all_names_however_many_there_are)
{
    enum { NAMES = 500 };
    static char names[NAMES * 24];
    for (int i = 0; i < NAMES; i++)
        sprintf(names + strlen(names), "%sDNS:n%d.example.org", i ? "," : "", i);
    struct pki many = pki_make(&(struct pki_spec){.subject = "many", .names = names});
    struct tls_chain chain = described(&many, NULL);
    int count = 0;
    for (const char *name = chain.certificates[0].names; *name; name += strlen(name) + 1)
        count++;
    ck_assert_int_eq(count, NAMES);
    tls_chain_done(&chain);
    pki_free(&many);
}
END_TEST

START_TEST(a_name_cannot_forge_a_line)
{
    /* OpenSSL's parser would refuse it; a hostile CA would not. */
    struct pki odd = pki_make(&(struct pki_spec){.subject = "odd"});
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    ASN1_STRING_set(value, "a\0b\n\x1b[0m\xff", 9);
    GENERAL_NAME_set0_value(name, GEN_DNS, value);
    sk_GENERAL_NAME_push(names, name);
    ck_assert_int_eq(X509_add1_ext_i2d(odd.certificate, NID_subject_alt_name, names, 0, 0), 1);
    GENERAL_NAMES_free(names);
    struct tls_chain chain = described(&odd, NULL);
    ck_assert_str_eq(chain.certificates[0].names, "DNS:a\\00b\\0A\\1B[0m\\FF");
    tls_chain_done(&chain);
    pki_free(&odd);
}
END_TEST

START_TEST(its_pem_is_the_certificate_s)
{
    char file[4096] = "";
    struct tls_chain chain = described(&leaf, NULL);
    FILE *in = fopen(pki_write_certificate(&folder, "x.pem", &leaf), "r");
    ck_assert_uint_gt(fread(file, 1, sizeof file - 1, in), 0);
    fclose(in);
    ck_assert_str_eq(chain.certificates[0].pem, file);
    tls_chain_done(&chain);
}
END_TEST

START_TEST(is_available_even_if_the_server_was_refused)
{
    struct pair pair;
    struct tls_context *client, *server;
    struct peer peer;
    struct tls_chain chain = {0};
    int fds[2];
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    pki_present_chain(&folder, &leaf, &ca, server);
    ck_assert_int_eq(tls_context_new(TLS_CLIENT, &client, &err), 0); /* trusts no CA */
    pair_sockets(false, fds);
    pair_tls(&pair, fds, client, server, "localhost");
    ck_assert_int_eq(transport_tls_chain(pair.client, &chain, &err), 0);
    ck_assert_uint_eq(chain.count, 0);
    tls_chain_done(&chain);

    ck_assert_int_eq(pair_handshake(&pair, &err, NULL, &err), IO_FAILED);
    ck_assert_int_eq(transport_tls_chain(pair.client, &chain, &err), 0);
    ck_assert_uint_eq(chain.count, 2);
    ck_assert_str_eq(chain.certificates[1].about.subject, "CN=CA");
    tls_chain_done(&chain);
    transport_peer(pair.client, &peer);
    ck_assert(peer.certificate.present && !peer.certificate.verified);
    ck_assert_str_eq(peer.verification, "the issuer \"CN=CA\" is not trusted");
    ck_assert_str_eq(peer.version, "");
    pair_done(&pair);
    tls_context_free(client);
    tls_context_free(server);
}
END_TEST

START_TEST(there_is_none_over_plain_tcp)
{
    struct pair pair;
    struct tls_chain chain = {.count = 7};
    int fds[2];
    pair_sockets(false, fds);
    pair_tcp(&pair, fds);
    ck_assert_int_eq(transport_tls_chain(pair.client, &chain, &err), 0);
    ck_assert_uint_eq(chain.count, 0);
    tls_chain_done(&chain);
    pair_done(&pair);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("chain");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, lists_every_name_with_its_kind);
    tcase_add_test(cases, lists_all_names_however_many_there_are);
    tcase_add_test(cases, a_name_cannot_forge_a_line);
    tcase_add_test(cases, its_pem_is_the_certificate_s);
    tcase_add_test(cases, is_available_even_if_the_server_was_refused);
    tcase_add_test(cases, there_is_none_over_plain_tcp);

    Suite *suite = suite_create("tls_chain");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
