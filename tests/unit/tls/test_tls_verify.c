/* SPDX-License-Identifier: MIT */
/* What a client says of a certificate that it refuses, and what it keeps of the chain. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tls_certificate.h"

#include "folder.h"
#include "pair.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/tls_chain.h"
#include "tlsecho/tls/tls_context.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

static struct folder folder;
static struct pki ca, leaf;
static struct tls_context *server, *client;
static struct error err;
static size_t chain_count, path_count;

static void set_up(void)
{
    folder_new(&folder);
    ca = pki_make(&(struct pki_spec){.subject = "CA", .ca = true});
    leaf = pki_make(&(struct pki_spec){.subject = "leaf", .names = "DNS:localhost", .issuer = &ca});
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    ck_assert_int_eq(tls_context_new(TLS_CLIENT, &client, &err), 0);
}

static void tear_down(void)
{
    tls_context_free(server);
    tls_context_free(client);
    pki_free(&leaf);
    pki_free(&ca);
    folder_remove(&folder);
}

static void serve(const struct pki *pki, const struct pki *issuer)
{
    pki_present_chain(&folder, pki, issuer, server);
}

static void trust(const struct pki *pki)
{
    pki_trust(&folder, pki, client);
}

static size_t count(int (*list)(const struct transport *, struct tls_chain *, struct error *),
                    const struct transport *t)
{
    struct tls_chain chain;
    ck_assert_int_eq(list(t, &chain, &err), 0);
    size_t n = chain.count;
    tls_chain_done(&chain);
    return n;
}

static enum io_status shake(const char *name)
{
    struct pair pair;
    struct error ignored, found = {.text = ""};
    int fds[2];
    pair_sockets(false, fds);
    pair_tls(&pair, fds, client, server, name);
    enum io_status status = pair_handshake(&pair, &found, NULL, &ignored);
    chain_count = count(transport_tls_chain, pair.client);
    path_count = count(transport_tls_path, pair.client);
    pair_done(&pair);
    err = found;
    return status;
}

/* The text begins and ends like this; there is a date or a digest between them. */
static void says(const char *name, enum error_kind kind, const char *begin, const char *end)
{
    ck_assert_int_eq(shake(name), IO_FAILED);
    ck_assert_int_eq(err.kind, kind);
    ck_assert_msg(strncmp(err.text, begin, strlen(begin)) == 0, "%s", err.text);
    ck_assert_uint_ge(strlen(err.text), strlen(end));
    ck_assert_str_eq(err.text + strlen(err.text) - strlen(end), end);
    ck_assert_uint_eq(path_count, 0);
}

static void says_exactly(const char *name, enum error_kind kind, const char *text)
{
    says(name, kind, text, text);
}

START_TEST(says_which_issuer_is_not_trusted)
{
    serve(&leaf, NULL);
    says_exactly("localhost", ERROR_UNTRUSTED,
                 "the issuer \"CN=CA\" is not trusted: give its CA with --cacert; if that is an "
                 "intermediate CA, add it to the server's certificate file: the server sent no "
                 "chain");
    ck_assert_uint_eq(chain_count, 1);
}
END_TEST

START_TEST(says_which_root_of_a_chain_is_not_trusted)
{
    serve(&leaf, &ca);
    says_exactly("localhost", ERROR_UNTRUSTED,
                 "the issuer \"CN=CA\" is not trusted: give its CA with --cacert");
    ck_assert_uint_eq(chain_count, 2);
}
END_TEST

START_TEST(says_that_it_is_self_signed)
{
    struct pki self = pki_make(&(struct pki_spec){.subject = "self", .names = "DNS:localhost"});
    serve(&self, NULL);
    says_exactly("localhost", ERROR_UNTRUSTED,
                 "the certificate \"CN=self\" is self-signed and not trusted: give it with "
                 "--cacert, or the SHA-256 that the server logs with --pin");
    pki_free(&self);
}
END_TEST

START_TEST(says_which_end_entity_plays_ca)
{
    struct pki last =
        pki_make(&(struct pki_spec){.subject = "last", .names = "DNS:localhost", .issuer = &leaf});
    serve(&last, &leaf);
    trust(&ca);
    says_exactly("localhost", ERROR_UNTRUSTED,
                 "the certificate \"CN=leaf\" is not trusted: invalid CA certificate: reissue it");
    pki_free(&last);
}
END_TEST

START_TEST(says_since_when_it_is_out_of_its_time)
{
    struct pki_spec spec = {.subject = "old",
                            .names = "DNS:localhost",
                            .issuer = &ca,
                            .starts_days = -20,
                            .ends_days = -10};
    if (_i == 1) {
        spec.starts_days = 10;
        spec.ends_days = 20;
    }
    struct pki late = pki_make(&spec);
    char date[TLS_CERTIFICATE_DATE_BYTES], text[200];
    tls_certificate_date_text(_i == 0 ? X509_get0_notAfter(late.certificate)
                                      : X509_get0_notBefore(late.certificate),
                              date);
    snprintf(
        text, sizeof text,
        _i == 0 ? "the certificate \"CN=old\" expired on %s UTC: renew it on the server"
                : "the certificate \"CN=old\" is not valid before %s UTC: check the clocks of both "
                  "hosts",
        date);
    serve(&late, NULL);
    trust(&ca);
    says_exactly("localhost", ERROR_EXPIRED, text);
    pki_free(&late);
}
END_TEST

START_TEST(says_for_which_names_it_is)
{
    trust(&ca);
    serve(&leaf, NULL);
    says_exactly("example.org", ERROR_NAME_MISMATCH,
                 "the certificate is for localhost, and not for example.org: connect to one of "
                 "its names, or give it with --servername");
    says_exactly("192.0.2.1", ERROR_NAME_MISMATCH,
                 "the certificate is for localhost, and not for 192.0.2.1: connect to one of its "
                 "names, or give it with --servername");
}
END_TEST

START_TEST(says_that_it_has_no_name)
{
    struct pki nameless = pki_make(&(struct pki_spec){.subject = "localhost", .issuer = &ca});
    trust(&ca);
    serve(&nameless, NULL);
    says_exactly("localhost", ERROR_NAME_MISMATCH,
                 "the certificate is for no name at all, and not for localhost: reissue it with a "
                 "subjectAltName");
    pki_free(&nameless);
}
END_TEST

/* RFC 9525 §6.5 */
START_TEST(says_that_an_address_is_no_dns_name)
{
    struct pki wrong = pki_make(
        &(struct pki_spec){.subject = "wrong", .names = "DNS:192.0.2.1,DNS:a", .issuer = &ca});
    trust(&ca);
    serve(&wrong, NULL);
    says_exactly("192.0.2.1", ERROR_NAME_MISMATCH,
                 "the certificate has 192.0.2.1 as a DNS name, where an address is not valid: "
                 "reissue it with the address as IP in its subjectAltName");
    says_exactly("192.0.2.2", ERROR_NAME_MISMATCH,
                 "the certificate is for 192.0.2.1, a, and not for 192.0.2.2: connect to one of "
                 "its names, or give it with --servername");
    pki_free(&wrong);

    struct pki common = pki_make(&(struct pki_spec){.subject = "192.0.2.1", .issuer = &ca});
    tls_context_free(server);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    serve(&common, NULL);
    says_exactly("192.0.2.1", ERROR_NAME_MISMATCH,
                 "the certificate is for no name at all, and not for 192.0.2.1: reissue it with a "
                 "subjectAltName");
    pki_free(&common);

    struct pki both =
        pki_make(&(struct pki_spec){.subject = "192.0.2.1", .names = "DNS:a", .issuer = &ca});
    tls_context_free(server);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    serve(&both, NULL);
    says_exactly("192.0.2.1", ERROR_NAME_MISMATCH,
                 "the certificate is for a, and not for 192.0.2.1: connect to one of its names, or "
                 "give it with --servername");
    pki_free(&both);
}
END_TEST

START_TEST(says_what_is_pinned_instead)
{
    char pin[PEER_SHA256_BYTES] = "", end[300];
    for (int i = 0; i < 32; i++)
        sprintf(pin + strlen(pin), "%02x", i * 7);
    ck_assert_int_eq(tls_context_pin(client, pin, &err), 0);
    snprintf(end, sizeof end,
             ", the pin is %s: compare it with what the server logs, and give that with --pin",
             pin);
    serve(&leaf, NULL);
    says("localhost", ERROR_UNTRUSTED, "the certificate is not the pinned one: its SHA-256 is ",
         end);
    ck_assert_int_eq(err.alert, 42); /* RFC 8446 §6.2: bad_certificate */
}
END_TEST

/* Every byte of the digest counts. */
START_TEST(refuses_a_pin_with_one_other_digit)
{
    struct peer_certificate about = pki_present(&folder, &leaf, server);
    size_t last = strlen(about.sha256) - 1;
    char *digit = &about.sha256[_i == 0 ? 0 : last];
    ck_assert_uint_eq(last, 63);
    ck_assert_int_eq(tls_context_pin(client, about.sha256, &err), 0);
    ck_assert_int_eq(shake("localhost"), IO_OK);
    *digit = *digit == '0' ? '1' : '0';
    ck_assert_int_eq(tls_context_pin(client, about.sha256, &err), 0);
    ck_assert_int_eq(shake("localhost"), IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_UNTRUSTED);
}
END_TEST

START_TEST(keeps_the_path_that_was_verified)
{
    struct peer_certificate about = pki_present(&folder, &leaf, server);
    trust(&ca);
    ck_assert_int_eq(shake("localhost"), IO_OK);
    ck_assert_uint_eq(chain_count, 1);
    ck_assert_uint_eq(path_count, 2);
    tls_context_trust_any(client);
    ck_assert_int_eq(shake("localhost"), IO_OK);
    ck_assert_uint_eq(path_count, 2);
    ck_assert_int_eq(shake("example.org"), IO_OK);
    ck_assert_uint_eq(path_count, 0);

    ck_assert_int_eq(tls_context_pin(client, about.sha256, &err), 0);
    ck_assert_int_eq(shake("example.org"), IO_OK);
    ck_assert_uint_eq(path_count, 1);
}
END_TEST

/* 253 bytes are the most, RFC 1035 §2.3.4; here they must fit into a struct peer. */
START_TEST(a_name_has_at_most_255_bytes)
{
    char name[300] = "";
    struct tls_scratch *scratch = tls_scratch_new();
    while (strlen(name) < PEER_NAME_BYTES)
        strcat(name, "abcdefghijklmno.");
    name[PEER_NAME_BYTES - 1] = '\0';
    ck_assert_uint_eq(strlen(name), 255);
    for (size_t more = 0; more < 2; more++) {
        struct transport *t = NULL;
        int fds[2];
        strcat(name, more ? "p" : "");
        pair_sockets(false, fds);
        struct transport_tls_options options = {
            .ctx = client, .scratch = scratch, .server_name = name};
        ck_assert_int_eq(transport_tls_new(fds[0], &options, &t, &err), more ? -1 : 0);
        if (more)
            ck_assert_str_eq(err.text, "the server name has 256 bytes: give at most 255");
        transport_free(t);
        close(fds[1]);
    }
    tls_scratch_free(scratch);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_verify");
    TCase *tcase = tcase_create("says");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, says_which_issuer_is_not_trusted);
    tcase_add_test(tcase, says_which_root_of_a_chain_is_not_trusted);
    tcase_add_test(tcase, says_that_it_is_self_signed);
    tcase_add_test(tcase, says_which_end_entity_plays_ca);
    tcase_add_loop_test(tcase, says_since_when_it_is_out_of_its_time, 0, 2);
    tcase_add_test(tcase, says_for_which_names_it_is);
    tcase_add_test(tcase, says_that_it_has_no_name);
    tcase_add_test(tcase, says_that_an_address_is_no_dns_name);
    tcase_add_test(tcase, says_what_is_pinned_instead);
    tcase_add_loop_test(tcase, refuses_a_pin_with_one_other_digit, 0, 2);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("keeps");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, keeps_the_path_that_was_verified);
    tcase_add_test(tcase, a_name_has_at_most_255_bytes);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
