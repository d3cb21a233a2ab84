/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

#include "folder.h"
#include "foreign.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/tls_context.h"

static const char *const versions[] = {"1.2", "1.3"};

static struct folder folder;
static struct pki ca, rsa, both;
static struct tls_context *server;
static struct error err;

/* Once for all tests: generating RSA keys is slow. */
static void make_keys(void)
{
    ca = pki_make(&(struct pki_spec){.subject = "CA", .ca = true});
    rsa = pki_make(&(struct pki_spec){
        .subject = "rsa", .names = "DNS:a.example,DNS:c.example", .issuer = &ca, .rsa = true});
    both = pki_make(&(struct pki_spec){
        .subject = "both", .names = "DNS:C.example.,DNS:a.example,DNS:A.EXAMPLE", .issuer = &ca});
}

static void free_keys(void)
{
    pki_free(&ca);
    pki_free(&rsa);
    pki_free(&both);
}

static void set_up(void)
{
    folder_new(&folder);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
}

static void tear_down(void)
{
    tls_context_free(server);
    folder_remove(&folder);
}

static int add_certificate(const struct pki *pki, const struct pki *issuer)
{
    struct peer_certificate about;
    return tls_context_use_certificate(server, pki_write_chain(&folder, "c", pki, issuer), &about,
                                       &err);
}

static void add(const struct pki *pki)
{
    ck_assert_msg(add_certificate(pki, NULL) == 0, "%s", err.text);
    ck_assert_msg(tls_context_use_key(server, pki_write_key(&folder, "k", pki, NULL), &err) == 0,
                  "%s", err.text);
}

static void add_new(const char *subject, const char *names)
{
    struct pki pki =
        pki_make(&(struct pki_spec){.subject = subject, .names = names, .issuer = &ca});
    add(&pki);
    pki_free(&pki);
}

static void refused(int result, const char *text)
{
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}

/* The certificate that a client receives if it requests sni and supports sigalgs (NULL = all); ""
 * if the handshake fails. */
static const char *received(const char *version, const char *sigalgs, const char *sni)
{
    static char subject[64];
    struct foreign client;
    foreign_new(&client, version);
    if (sigalgs)
        ck_assert_int_eq(SSL_CTX_set1_sigalgs_list(client.ctx, sigalgs), 1);
    client.sni = sni;
    struct foreign_result result = foreign_shake(&client, server);
    ck_assert_str_eq(result.peer.sni, sni ? sni : "");
    strcpy(subject, result.status == IO_OK ? result.server : "");
    foreign_free(&client);
    return subject;
}

static void shows(const char *sni, const char *subject)
{
    for (size_t i = 0; i < 2; i++)
        ck_assert_str_eq(received(versions[i], NULL, sni), subject);
}

START_TEST(sends_the_certificate_for_the_requested_name)
{
    add_new("first", "DNS:a.example,DNS:b.example");
    add_new("second", "DNS:c.example");
    shows("a.example", "first");
    shows("b.example", "first");
    shows("c.example", "second");
}
END_TEST

START_TEST(sends_the_first_certificate_for_an_unknown_name_and_for_none)
{
    add_new("first", "DNS:a.example");
    add_new("second", "DNS:b.example");
    shows("c.example", "first");
    shows("example", "first");
    shows(".example", "first");
    shows(".", "first");
    shows(NULL, "first");
}
END_TEST

START_TEST(prefers_the_exact_name_to_a_wildcard)
{
    add_new("other", "DNS:other.example");
    add_new("wild", "DNS:*.example");
    add_new("exact", "DNS:a.example");
    shows("a.example", "exact");
    shows("b.example", "wild");
}
END_TEST

START_TEST(takes_a_wildcard_for_one_whole_label)
{
    add_new("other", "DNS:other.example");
    add_new("wild", "DNS:*.b.example,DNS:f*.c.example");
    shows("a.b.example", "wild");
    shows("A.B.EXAMPLE.", "wild");
    shows("a.a.b.example", "other");
    shows("b.example", "other");
    shows(".b.example", "other");
    shows("foo.c.example", "other");
}
END_TEST

START_TEST(compares_without_case_and_without_a_dot_at_the_end)
{
    add_new("other", "DNS:other.example");
    add_new("mixed", "DNS:Mixed.Example");
    add_new("dotted", "DNS:dotted.example.");
    shows("mixed.example", "mixed");
    shows("MIXED.EXAMPLE.", "mixed");
    shows("dotted.example", "dotted");
    shows("Dotted.example.", "dotted");
    shows("mixed.example..", "other");
}
END_TEST

START_TEST(matches_an_address_in_each_of_its_texts)
{
    add_new("other", "DNS:other.example");
    add_new("four", "IP:192.0.2.1");
    add_new("six", "IP:2001:db8::1");
    shows("192.0.2.1", "four");
    shows("192.0.2.2", "other");
    shows("2001:db8::1", "six");
    shows("2001:DB8:0:0::1", "six");
    shows("2001:db8::2", "other");
}
END_TEST

START_TEST(ignores_the_common_name)
{
    add_new("other", "DNS:other.example");
    add_new("a.example", NULL);
    add_new("third", "DNS:b.example,email:a@a.example,URI:https://a.example/");
    shows("a.example", "other");
}
END_TEST

START_TEST(sends_a_certificate_that_the_client_can_verify)
{
    static const char rsa_only[] = "rsa_pss_rsae_sha256:RSA+SHA256";
    static const char ecdsa_only[] = "ECDSA+SHA256";
    add_new("other", "DNS:other.example");
    add(&rsa);
    add(&both);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_str_eq(received(versions[i], rsa_only, "a.example"), "rsa");
        ck_assert_str_eq(received(versions[i], ecdsa_only, "a.example"), "both");
        ck_assert_str_eq(received(versions[i], NULL, "c.example"), "both");
        ck_assert_str_eq(received(versions[i], rsa_only, "other.example"), "");
    }
}
END_TEST

START_TEST(selects_by_signature_scheme_among_certificates_for_the_first_names)
{
    static const char rsa_only[] = "rsa_pss_rsae_sha256:RSA+SHA256";
    add(&rsa);
    add_new("other", "DNS:other.example");
    add(&both); /* for the names of the RSA one, but in another order, case and number */
    for (size_t i = 0; i < 2; i++) {
        ck_assert_str_eq(received(versions[i], rsa_only, "unknown.example"), "rsa");
        ck_assert_str_eq(received(versions[i], NULL, "unknown.example"), "both");
        ck_assert_str_eq(received(versions[i], NULL, NULL), "both");
        ck_assert_str_eq(received(versions[i], NULL, "other.example"), "other");
        ck_assert_str_eq(received(versions[i], rsa_only, "other.example"), "");
    }
}
END_TEST

START_TEST(sends_the_first_of_several_with_the_same_kind_of_key)
{
    add_new("other", "DNS:other.example");
    add_new("first", "DNS:a.example,DNS:b.example");
    add_new("second", "DNS:b.example,DNS:c.example");
    shows("b.example", "first");
    shows("c.example", "second");
}
END_TEST

START_TEST(refuses_a_certificate_that_would_never_be_sent)
{
    struct pki again =
        pki_make(&(struct pki_spec){.subject = "again", .names = "DNS:a.example,DNS:c.example"});
    add_new("first", "DNS:other.example");
    add(&both);
    refused(add_certificate(&again, NULL), "would never be used");
    add(&rsa);
    refused(add_certificate(&rsa, NULL), "would never be used");
    pki_free(&again);
}
END_TEST

START_TEST(sends_each_certificate_with_its_own_chain)
{
    struct foreign client;
    add_new("first", "DNS:first.example");
    ck_assert_int_eq(add_certificate(&both, &ca), 0);
    ck_assert_int_eq(tls_context_use_key(server, pki_write_key(&folder, "k", &both, NULL), &err),
                     0);
    for (size_t i = 0; i < 2; i++) {
        foreign_new(&client, versions[i]);
        client.sni = "a.example";
        ck_assert_int_eq(foreign_shake(&client, server).chain, 2);
        client.sni = "first.example";
        SSL_SESSION_free(client.session);
        client.session = NULL;
        ck_assert_int_eq(foreign_shake(&client, server).chain, 1);
        foreign_free(&client);
    }
}
END_TEST

START_TEST(resumes_a_session_whatever_certificate_it_began_with)
{
    add_new("first", "DNS:first.example");
    add(&both);
    for (size_t i = 0; i < 2; i++) {
        struct foreign client;
        foreign_new(&client, versions[i]);
        client.sni = "A.example";
        struct foreign_result result = foreign_shake(&client, server);
        ck_assert_str_eq(result.server, "both");
        ck_assert(!result.resumed);
        result = foreign_shake(&client, server);
        ck_assert_int_eq(result.status, IO_OK);
        ck_assert(result.resumed);
        ck_assert(result.peer.resumed);
        ck_assert_str_eq(result.peer.sni, "A.example");
        foreign_free(&client);
    }
}
END_TEST

START_TEST(does_not_send_a_certificate_without_its_key)
{
    struct pki third =
        pki_make(&(struct pki_spec){.subject = "third", .names = "DNS:third.example"});
    add_new("first", "DNS:first.example");
    add(&rsa);
    ck_assert_int_eq(add_certificate(&both, NULL), 0);
    ck_assert_int_eq(add_certificate(&third, NULL), 0);
    shows("a.example", "rsa");
    shows("third.example", "first");
    pki_free(&third);
}
END_TEST

START_TEST(refuses_a_weak_key_or_digest_anywhere_in_the_chain)
{
    struct pki small =
        pki_make(&(struct pki_spec){.subject = "small", .ca = true, .rsa = true, .rsa_bits = 1024});
    struct pki leaf =
        pki_make(&(struct pki_spec){.subject = "leaf", .names = "DNS:a", .issuer = &small});
    refused(add_certificate(&leaf, &small),
            "c cannot be used: ca key too small: use a CA with a larger key");
    ck_assert_int_ne(X509_sign(leaf.certificate, ca.key, EVP_sha1()), 0);
    refused(add_certificate(&leaf, NULL),
            "c cannot be used: a signature in its chain has a weak digest");
    pki_free(&small);
    pki_free(&leaf);
}
END_TEST

START_TEST(refuses_a_key_that_is_not_a_regular_file_without_waiting)
{
    ck_assert_int_eq(add_certificate(&both, NULL), 0);
    ck_assert_int_eq(mkfifo(folder_file(&folder, "fifo"), 0600), 0);
    refused(tls_context_use_key(server, folder.file, &err), "not a regular file");
    refused(tls_context_use_key(server, "/dev/zero", &err), "not a regular file");
    refused(tls_context_use_key(server, folder.path, &err), "not a regular file");
}
END_TEST

START_TEST(refuses_an_encrypted_key_of_either_format_without_asking)
{
    static unsigned char phrase[] = "secret";
    ck_assert_int_eq(add_certificate(&both, NULL), 0);
    refused(tls_context_use_key(server, pki_write_key(&folder, "k", &both, "secret"), &err),
            "k is encrypted: write it without a passphrase");
    BIO *out = BIO_new_file(folder.file, "w");
    ck_assert_int_eq(PEM_write_bio_PrivateKey_traditional(out, both.key, EVP_aes_128_cbc(), phrase,
                                                          sizeof phrase - 1, NULL, NULL),
                     1);
    BIO_free(out);
    refused(tls_context_use_key(server, folder.file, &err),
            "k is encrypted: write it without a passphrase");
}
END_TEST

START_TEST(refuses_a_key_before_its_certificate)
{
    refused(tls_context_use_key(server, pki_write_key(&folder, "k", &both, NULL), &err),
            "k is not the key");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_certificates");
    TCase *tcase = tcase_create("choice");
    tcase_add_unchecked_fixture(tcase, make_keys, free_keys);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, sends_the_certificate_for_the_requested_name);
    tcase_add_test(tcase, sends_the_first_certificate_for_an_unknown_name_and_for_none);
    tcase_add_test(tcase, prefers_the_exact_name_to_a_wildcard);
    tcase_add_test(tcase, takes_a_wildcard_for_one_whole_label);
    tcase_add_test(tcase, compares_without_case_and_without_a_dot_at_the_end);
    tcase_add_test(tcase, matches_an_address_in_each_of_its_texts);
    tcase_add_test(tcase, ignores_the_common_name);
    tcase_add_test(tcase, sends_a_certificate_that_the_client_can_verify);
    tcase_add_test(tcase, selects_by_signature_scheme_among_certificates_for_the_first_names);
    tcase_add_test(tcase, sends_the_first_of_several_with_the_same_kind_of_key);
    tcase_add_test(tcase, sends_each_certificate_with_its_own_chain);
    tcase_add_test(tcase, resumes_a_session_whatever_certificate_it_began_with);
    tcase_add_test(tcase, does_not_send_a_certificate_without_its_key);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("files");
    tcase_add_unchecked_fixture(tcase, make_keys, free_keys);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, refuses_a_certificate_that_would_never_be_sent);
    tcase_add_test(tcase, refuses_a_weak_key_or_digest_anywhere_in_the_chain);
    tcase_add_test(tcase, refuses_a_key_that_is_not_a_regular_file_without_waiting);
    tcase_add_test(tcase, refuses_an_encrypted_key_of_either_format_without_asking);
    tcase_add_test(tcase, refuses_a_key_before_its_certificate);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
