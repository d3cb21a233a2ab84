/* SPDX-License-Identifier: MIT */
#include "tlsecho/tls/tls_context.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tls_context_internal.h"
#include "tls_screen_peer.h"

#include "folder.h"
#include "pair.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

static struct folder folder;
static struct pki ca, leaf;
static struct tls_context *server, *client;
static struct error err;

static void set_up(void)
{
    folder_new(&folder);
    ca = pki_make(&(struct pki_spec){.subject = "Test CA", .ca = true});
    leaf = pki_make(&(struct pki_spec){
        .subject = "leaf", .names = "DNS:localhost,IP:127.0.0.1,IP:::1", .issuer = &ca});
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

/* peer is what the client knows of the server; NULL = not asked. */
static enum io_status shake(const char *name, struct peer *peer)
{
    struct peer ignored;
    return pair_meet(client, server, name, peer ? peer : &ignored, &err);
}

static void accepted(const char *name)
{
    struct peer peer;
    ck_assert_msg(shake(name, &peer) == IO_OK, "%s", err.text);
    ck_assert(peer.certificate.present);
    ck_assert(peer.certificate.verified);
}

static void rejected(const char *name, enum error_kind kind, const char *text)
{
    ck_assert_int_eq(shake(name, NULL), IO_FAILED);
    ck_assert_msg(err.kind == kind, "%d: %s", err.kind, err.text);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}

static void refused(int result, const char *text)
{
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}

START_TEST(accepts_each_name_of_a_trusted_certificate)
{
    static const char *const names[] = {"localhost", "LOCALHOST", "localhost.",     "127.0.0.1",
                                        "::1",       "::1%lo",    "0:0:0:0:0:0:0:1"};
    serve(&leaf, NULL);
    trust(&ca);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        accepted(names[i]);
}
END_TEST

START_TEST(sends_names_and_never_addresses)
{
    static const char *const names[][2] = {
        {"localhost", "localhost"}, {"localhost.", "localhost"}, {"127.0.0.1", ""}, {"::1", ""}};
    serve(&leaf, NULL);
    trust(&ca);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct pair pair;
        struct peer peer;
        int fds[2];
        pair_sockets(false, fds);
        pair_tls(&pair, fds, client, server, names[i][0]);
        ck_assert_int_eq(pair_handshake(&pair, &err, NULL, &err), IO_OK);
        transport_peer(pair.server, &peer);
        ck_assert_str_eq(peer.sni, names[i][1]);
        pair_done(&pair);
    }
}
END_TEST

START_TEST(rejects_a_certificate_for_other_names)
{
    serve(&leaf, NULL);
    trust(&ca);
    rejected("example.org", ERROR_NAME_MISMATCH,
             "is for localhost, 127.0.0.1, ::1, and not for example.org");
    rejected("127.0.0.2", ERROR_NAME_MISMATCH, "not for 127.0.0.2");
}
END_TEST

START_TEST(ignores_the_common_name)
{
    struct pki other = pki_make(&(struct pki_spec){.subject = "localhost", .issuer = &ca});
    serve(&other, NULL);
    trust(&ca);
    rejected("localhost", ERROR_NAME_MISMATCH, "for no name at all, and not for localhost");
    pki_free(&other);
}
END_TEST

START_TEST(takes_a_wildcard_for_one_whole_label)
{
    struct pki other = pki_make(&(struct pki_spec){
        .subject = "x", .names = "DNS:*.example.org,DNS:f*.example.net", .issuer = &ca});
    serve(&other, NULL);
    trust(&ca);
    accepted("a.example.org");
    rejected("a.b.example.org", ERROR_NAME_MISMATCH, "*.example.org");
    rejected("example.org", ERROR_NAME_MISMATCH, "*.example.org");
    rejected("foo.example.net", ERROR_NAME_MISMATCH, "f*.example.net");
    pki_free(&other);
}
END_TEST

START_TEST(lists_the_first_names_and_counts_the_rest)
{
    struct pki other = pki_make(&(struct pki_spec){
        .subject = "x", .names = "DNS:a,DNS:b,DNS:c,DNS:d,DNS:e,DNS:f", .issuer = &ca});
    serve(&other, NULL);
    trust(&ca);
    rejected("localhost", ERROR_NAME_MISMATCH, "for a, b, c, d and 2 more, and not for localhost");
    pki_free(&other);
}
END_TEST

START_TEST(rejects_a_certificate_that_it_does_not_trust)
{
    serve(&leaf, NULL);
    rejected("localhost", ERROR_UNTRUSTED, "\"CN=Test CA\" is not trusted");
    struct pki another_ca = pki_make(&(struct pki_spec){.subject = "Test CA", .ca = true});
    trust(&another_ca);
    rejected("localhost", ERROR_UNTRUSTED, "not trusted");
    pki_free(&another_ca);
}
END_TEST

START_TEST(rejects_a_self_signed_certificate_unless_it_is_trusted_itself)
{
    struct pki self = pki_make(&(struct pki_spec){.subject = "self", .names = "DNS:localhost"});
    serve(&self, NULL);
    rejected("localhost", ERROR_UNTRUSTED, "\"CN=self\" is self-signed");
    trust(&self);
    accepted("localhost");
    pki_free(&self);
}
END_TEST

START_TEST(accepts_an_intermediate_as_an_anchor)
{
    struct pki middle =
        pki_make(&(struct pki_spec){.subject = "Middle", .ca = true, .issuer = &ca});
    struct pki last = pki_make(
        &(struct pki_spec){.subject = "last", .names = "DNS:localhost", .issuer = &middle});
    serve(&last, NULL);
    trust(&middle);
    accepted("localhost");
    pki_free(&last);
    pki_free(&middle);
}
END_TEST

START_TEST(accepts_the_leaf_as_an_anchor_and_no_other_of_its_issuer)
{
    struct pki middle =
        pki_make(&(struct pki_spec){.subject = "Middle", .ca = true, .issuer = &ca});
    struct pki last = pki_make(
        &(struct pki_spec){.subject = "last", .names = "DNS:localhost", .issuer = &middle});
    serve(&last, &middle);
    struct pki sibling = pki_make(
        &(struct pki_spec){.subject = "sibling", .names = "DNS:localhost", .issuer = &middle});
    trust(&sibling);
    rejected("localhost", ERROR_UNTRUSTED, "not trusted");
    trust(&last); /* beside it */
    accepted("localhost");
    pki_free(&sibling);
    pki_free(&last);
    pki_free(&middle);
}
END_TEST

START_TEST(reads_no_server_s_chain_without_bounds)
{
    struct pki explicit = pki_make(&(struct pki_spec){.subject = "odd", .explicit_curve = true});
    serve(&leaf, NULL);
    tls_context_trust_any(client);
    for (int i = 1; i < TLS_SERVER_CHAIN_COUNT; i++)
        SSL_CTX_add1_chain_cert(server->ssl, ca.certificate);
    ck_assert_int_eq(shake("localhost", NULL), IO_OK);
    SSL_CTX_add1_chain_cert(server->ssl, ca.certificate);
    rejected(
        "localhost", ERROR_UNTRUSTED,
        "server certificate \"CN=leaf\" refused: its chain has 33 certificates, and at most 32");
    SSL_CTX_clear_chain_certs(server->ssl);
    SSL_CTX_add1_chain_cert(server->ssl, explicit.certificate);
    rejected("localhost", ERROR_UNTRUSTED, "its chain has a key with explicit curve parameters");
    pki_free(&explicit);
}
END_TEST

START_TEST(rejects_an_end_entity_that_plays_ca)
{
    struct pki last =
        pki_make(&(struct pki_spec){.subject = "last", .names = "DNS:localhost", .issuer = &leaf});
    serve(&last, &leaf);
    trust(&ca);
    rejected("localhost", ERROR_UNTRUSTED, "invalid CA certificate");
    pki_free(&last);
}
END_TEST

START_TEST(rejects_a_certificate_out_of_its_time)
{
    struct pki_spec spec = {.subject = "old",
                            .names = "DNS:localhost",
                            .issuer = &ca,
                            .starts_days = -20,
                            .ends_days = -10};
    struct pki old = pki_make(&spec);
    spec.starts_days = 10;
    spec.ends_days = 20;
    struct pki young = pki_make(&spec);
    trust(&ca);
    serve(&old, NULL);
    rejected("localhost", ERROR_EXPIRED, "expired on 20");

    tls_context_free(server);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    serve(&young, NULL);
    rejected("localhost", ERROR_EXPIRED, "is not valid before 20");
    pki_free(&old);
    pki_free(&young);
}
END_TEST

START_TEST(the_worst_fault_decides)
{
    struct pki_spec spec = {.subject = "old",
                            .names = "DNS:elsewhere",
                            .issuer = &ca,
                            .starts_days = -20,
                            .ends_days = -10};
    struct pki old = pki_make(&spec);
    serve(&old, NULL);
    rejected("localhost", ERROR_UNTRUSTED, "not trusted");
    ck_assert_int_eq(err.alert, 48); /* RFC 8446 §6.2: unknown_ca */
    trust(&ca);
    rejected("localhost", ERROR_EXPIRED, "expired on");
    ck_assert_int_eq(err.alert, 45); /* certificate_expired */
    pki_free(&old);
}
END_TEST

START_TEST(a_pin_replaces_chain_and_name)
{
    struct peer_certificate about;
    char upper[100] = "";
    serve(&leaf, NULL);
    ck_assert_int_eq(tls_context_use_certificate(
                         client, pki_write_certificate(&folder, "x.pem", &leaf), &about, &err),
                     0);
    ck_assert_int_eq(tls_context_pin(client, about.sha256, &err), 0);
    accepted("elsewhere");

    for (size_t i = 0; i < 64; i += 2)
        sprintf(upper + strlen(upper), "%s%.2s", i ? ":" : "", about.sha256 + i);
    for (char *c = upper; *c; c++)
        if (*c >= 'a' && *c <= 'f')
            *c = (char)(*c - 'a' + 'A');
    ck_assert_int_eq(tls_context_pin(client, upper, &err), 0);
    accepted("elsewhere");

    about.sha256[63] = about.sha256[63] == '0' ? '1' : '0';
    trust(&ca); /* does not help against a pin */
    ck_assert_int_eq(tls_context_pin(client, about.sha256, &err), 0);
    rejected("localhost", ERROR_UNTRUSTED, about.sha256);
}
END_TEST

START_TEST(refuses_a_malformed_pin)
{
    static const char *const pins[] = {
        "",
        "00",
        ("0000000000000000000000000000000000000000000000000000000000000000"
         "0"),
        "000000000000000000000000000000000000000000000000000000000000000",
        "000000000000000000000000000000000000000000000000000000000000000g",
        "0:00000000000000000000000000000000000000000000000000000000000000",
        "000000000000000000000000000000000000000000000000000000000000000 ",
    };
    for (size_t i = 0; i < sizeof pins / sizeof *pins; i++)
        refused(tls_context_pin(client, pins[i], &err), "write the 64 hex digits");
}
END_TEST

START_TEST(accepts_any_certificate_but_reports_it)
{
    struct peer peer;
    serve(&leaf, NULL);
    tls_context_trust_any(client);
    ck_assert_int_eq(shake("elsewhere", &peer), IO_OK);
    ck_assert(peer.certificate.present);
    ck_assert(!peer.certificate.verified);
}
END_TEST

START_TEST(reports_that_the_server_requested_a_certificate)
{
    serve(&leaf, NULL);
    trust(&ca);
    ck_assert_int_eq(tls_context_set_versions(server, NULL, "1.2", &err), 0);
    SSL_CTX_set_verify(server->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    rejected("localhost", ERROR_CLIENT_CERTIFICATE, "requires a client certificate");
    SSL_CTX_set_verify(server->ssl, SSL_VERIFY_PEER, NULL);
    accepted("localhost");
}
END_TEST

START_TEST(refuses_a_server_name_that_cannot_be_one)
{
    static const char *const names[] = {"", "a b", ".example.org", "a..b", "a%b", "[::1]", "1.2.3"};
    struct tls_scratch *scratch = tls_scratch_new();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct transport *t;
        int fds[2];
        pair_sockets(false, fds);
        struct transport_tls_options options = {
            .ctx = client, .scratch = scratch, .server_name = names[i]};
        refused(transport_tls_new(fds[0], &options, &t, &err), "is not a server name");
        close(fds[1]);
    }
    tls_scratch_free(scratch);
}
END_TEST

START_TEST(negotiates_only_the_versions_that_are_set)
{
    struct peer peer;
    serve(&leaf, NULL);
    trust(&ca);
    ck_assert_int_eq(shake("localhost", &peer), IO_OK);
    ck_assert_str_eq(peer.version, "TLSv1.3");
    ck_assert_str_eq(peer.cipher, "TLS_AES_128_GCM_SHA256");
    ck_assert_int_eq(tls_context_set_versions(server, NULL, "1.2", &err), 0);
    ck_assert_int_eq(shake("localhost", &peer), IO_OK);
    ck_assert_str_eq(peer.version, "TLSv1.2");
    ck_assert_str_eq(peer.cipher, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    ck_assert_int_eq(tls_context_set_versions(client, "1.3", NULL, &err), 0);
    ck_assert_int_eq(shake("localhost", &peer), IO_FAILED);

    refused(tls_context_set_versions(server, "1.1", NULL, &err), "write 1.2 or 1.3");
    refused(tls_context_set_versions(server, NULL, "TLSv1.3", &err), "write 1.2 or 1.3");
    refused(tls_context_set_versions(server, "1.3", "1.2", &err), "swap them");
    refused(tls_context_set_versions(server, "1.3", NULL, &err), "swap them");
}
END_TEST

START_TEST(describes_the_certificate_that_it_loaded)
{
    struct peer_certificate about;
    struct pki odd = pki_make(
        &(struct pki_spec){.subject = "Z\xc3\xbcrich\n,x", .starts_days = -2, .ends_days = 3});
    ck_assert_int_eq(tls_context_use_certificate(
                         server, pki_write_certificate(&folder, "x.pem", &odd), &about, &err),
                     0);
    ck_assert(about.present);
    ck_assert_str_eq(about.subject, "CN=Z\xc3\xbcrich\\0A\\,x");
    ck_assert_str_eq(about.issuer, about.subject);
    ck_assert_uint_eq(strlen(about.sha256), 64);
    ck_assert_int_eq(about.not_after - about.not_before, 5 * 24 * 3600);
    ck_assert_int_lt(about.not_before, time(NULL));
    pki_free(&odd);
}
END_TEST

START_TEST(serves_rsa_and_ecdsa_together_and_prefers_ecdsa)
{
    struct peer peer;
    struct pki rsa = pki_make(
        &(struct pki_spec){.subject = "rsa", .names = "DNS:localhost", .issuer = &ca, .rsa = true});
    trust(&ca);
    serve(&rsa, NULL);
    ck_assert_int_eq(shake("localhost", &peer), IO_OK);
    ck_assert_str_eq(peer.certificate.subject, "CN=rsa");
    serve(&leaf, NULL);
    ck_assert_int_eq(shake("localhost", &peer), IO_OK);
    ck_assert_str_eq(peer.certificate.subject, "CN=leaf");

    struct peer_certificate about;
    refused(tls_context_use_certificate(server, pki_write_certificate(&folder, "2.pem", &leaf),
                                        &about, &err),
            "another certificate has the same names");
    pki_free(&rsa);
}
END_TEST

START_TEST(refuses_a_file_without_a_certificate)
{
    struct peer_certificate about;
    refused(tls_context_use_certificate(server, folder_file(&folder, "absent"), &about, &err),
            "absent: No such file");
    refused(tls_context_use_certificate(server, folder.path, &about, &err), "not a regular file");
    refused(tls_context_use_certificate(server, "/dev/zero", &about, &err), "not a regular file");
    refused(
        tls_context_use_certificate(server, folder_write(&folder, "empty", "", 0), &about, &err),
        "has no certificate");

    static const char broken[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    refused(tls_context_use_certificate(
                server, folder_write(&folder, "broken", broken, sizeof broken - 1), &about, &err),
            "certificate 1 is broken");

    ck_assert_int_eq(mkfifo(folder_file(&folder, "fifo"), 0600), 0);
    refused(tls_context_use_certificate(server, folder_file(&folder, "fifo"), &about, &err),
            "not a regular file");

    folder_write(&folder, "large", "", 0);
    ck_assert_int_eq(truncate(folder.file, (1 << 20) + 1), 0);
    refused(tls_context_use_certificate(server, folder.file, &about, &err), "larger than 1 MiB");
}
END_TEST

START_TEST(refuses_a_weak_certificate_in_words)
{
    struct peer_certificate about;
    struct pki weak =
        pki_make(&(struct pki_spec){.subject = "weak", .rsa = true, .rsa_bits = 1024});
    refused(tls_context_use_certificate(server, pki_write_certificate(&folder, "x.pem", &weak),
                                        &about, &err),
            "x.pem cannot be used: ee key too small: reissue it with a larger key");
    pki_free(&weak);
}
END_TEST

START_TEST(refuses_a_key_that_does_not_belong_to_the_certificate)
{
    struct peer_certificate about;
    struct pki rsa = pki_make(&(struct pki_spec){.subject = "rsa", .rsa = true});
    ck_assert_int_eq(tls_context_use_certificate(
                         server, pki_write_certificate(&folder, "c.pem", &leaf), &about, &err),
                     0);
    refused(tls_context_use_key(server, pki_write_key(&folder, "k.pem", &ca, NULL), &err), "c.pem");
    refused(tls_context_use_key(server, pki_write_key(&folder, "k.pem", &rsa, NULL), &err),
            "k.pem is not the key of the certificate");
    pki_free(&rsa);
}
END_TEST

START_TEST(refuses_a_key_that_is_encrypted_without_asking)
{
    refused(tls_context_use_key(server, pki_write_key(&folder, "k.pem", &leaf, "secret"), &err),
            "openssl pkey -in");
}
END_TEST

START_TEST(refuses_a_key_file_without_a_key)
{
    refused(tls_context_use_key(server, pki_write_certificate(&folder, "c.pem", &leaf), &err),
            "has no private key");
}
END_TEST

START_TEST(refuses_a_key_that_others_can_read)
{
    serve(&leaf, NULL);
    pki_write_key(&folder, "k.pem", &leaf, NULL);
    ck_assert_int_eq(chmod(folder.file, 0644), 0);
    refused(tls_context_use_key(server, folder.file, &err), "chmod o= /");
    ck_assert_int_eq(chmod(folder.file, 0640), 0);
    ck_assert_msg(tls_context_use_key(server, folder.file, &err) == 0, "%s", err.text);
}
END_TEST

START_TEST(refuses_a_bundle_without_certificates)
{
    refused(tls_context_trust(client, folder_write(&folder, "ca.pem", "x", 1), &err),
            "has no certificate");
    refused(tls_context_trust(client, folder_file(&folder, "absent"), &err), "No such file");
}
END_TEST

START_TEST(trusts_the_bundle_that_the_environment_names)
{
    serve(&leaf, NULL);
    setenv("SSL_CERT_FILE", pki_write_certificate(&folder, "ca.pem", &ca), 1);
    ck_assert_int_eq(tls_context_trust(client, NULL, &err), 0);
    unsetenv("SSL_CERT_FILE");
    accepted("localhost");
}
END_TEST

START_TEST(a_bundle_that_cannot_be_opened_is_told_with_its_errno)
{
    setenv("SSL_CERT_FILE", folder_file(&folder, "absent"), 1);
    ck_assert_int_eq(tls_context_trust(client, NULL, &err), -1);
    unsetenv("SSL_CERT_FILE");
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_int_eq(err.code, ENOENT);
}
END_TEST

START_TEST(makes_a_self_signed_certificate_in_memory)
{
    struct peer_certificate about;
    ck_assert_msg(tls_context_use_self_signed(server, NULL, &about, &err) == 0, "%s", err.text);
    ck_assert_int_lt(about.not_before, time(NULL));
    ck_assert_int_gt(about.not_after, time(NULL) + 364 * 24 * 3600);
    rejected("localhost", ERROR_UNTRUSTED, "is self-signed");
    ck_assert_int_eq(tls_context_pin(client, about.sha256, &err), 0);
    accepted("localhost");
}
END_TEST

static const struct peer_certificate *kept(const char *directory)
{
    static struct peer_certificate about;
    struct tls_context *ctx;
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &ctx, &err), 0);
    ck_assert_msg(tls_context_use_self_signed(ctx, directory, &about, &err) == 0, "%s", err.text);
    tls_context_free(ctx);
    return &about;
}

START_TEST(keeps_a_self_signed_certificate_in_its_directory)
{
    struct stat status;
    struct peer_certificate first = *kept(folder.path), second = *kept(folder.path);
    ck_assert_str_eq(first.sha256, second.sha256);
    const char *path = folder_file(&folder, "self-signed.pem");
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);

    struct peer_certificate about;
    ck_assert_int_eq(tls_context_use_self_signed(server, folder.path, &about, &err), 0);
    ck_assert_int_eq(tls_context_trust(client, path, &err), 0);
    accepted("localhost");
    accepted("127.0.0.1");
    accepted("::1");
    char host[256] = "";
    ck_assert_int_eq(gethostname(host, sizeof host - 1), 0);
    accepted(host);
}
END_TEST

/* Writes self-signed.pem with the certificate of one and the key of another. */
static void put_pair(const struct pki *certificate, const struct pki *key)
{
    char pem[8192];
    FILE *file = fopen(pki_write_key(&folder, "k.pem", key, NULL), "r");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(pem, 1, sizeof pem, file);
    fclose(file);
    file = fopen(pki_write_certificate(&folder, "self-signed.pem", certificate), "a");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(pem, 1, n, file), n);
    fclose(file);
}

static struct peer_certificate put_self_signed(const char *names, int ends_days)
{
    struct peer_certificate about;
    struct tls_context *ctx;
    struct pki pki = pki_make(&(struct pki_spec){
        .subject = "given", .names = names, .starts_days = -1, .ends_days = ends_days});
    put_pair(&pki, &pki);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &ctx, &err), 0);
    ck_assert_int_eq(tls_context_use_certificate(ctx, folder.file, &about, &err), 0);
    tls_context_free(ctx);
    pki_free(&pki);
    return about;
}

START_TEST(renews_a_self_signed_certificate_thirty_days_before_its_end)
{
    char names[300] = "DNS:";
    ck_assert_int_eq(gethostname(names + 4, sizeof names - 5), 0);
    struct peer_certificate given = put_self_signed(names, 31);
    ck_assert_str_eq(kept(folder.path)->sha256, given.sha256);
    given = put_self_signed(names, 29);
    struct peer_certificate renewed = *kept(folder.path);
    ck_assert_str_ne(renewed.sha256, given.sha256);
    ck_assert_str_eq(kept(folder.path)->sha256, renewed.sha256);
}
END_TEST

START_TEST(renews_a_self_signed_certificate_of_another_host)
{
    struct peer_certificate given = put_self_signed("DNS:elsewhere.example", 300);
    ck_assert_str_ne(kept(folder.path)->sha256, given.sha256);
}
END_TEST

START_TEST(leaves_a_broken_self_signed_certificate_to_its_owner)
{
    struct peer_certificate about;
    folder_write(&folder, "self-signed.pem", "x", 1);
    refused(tls_context_use_self_signed(server, folder.path, &about, &err), "(remove it to create");

    put_pair(&leaf, &ca);
    refused(tls_context_use_self_signed(server, folder.path, &about, &err), "do not match");
}
END_TEST

START_TEST(reports_a_state_directory_that_cannot_be_written)
{
    struct peer_certificate about;
    ck_assert_int_eq(tls_context_use_self_signed(server, "/nonexistent", &about, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_ptr_nonnull(strstr(err.text, "write /nonexistent/self-signed.pem: No such file"));
}
END_TEST

START_TEST(names_both_versions_of_the_library)
{
    ck_assert_ptr_nonnull(strstr(tls_version_built(), "OpenSSL 3"));
    ck_assert_ptr_nonnull(strstr(tls_version_running(), "OpenSSL 3"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_context");
    TCase *tcase = tcase_create("verify");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, accepts_each_name_of_a_trusted_certificate);
    tcase_add_test(tcase, sends_names_and_never_addresses);
    tcase_add_test(tcase, rejects_a_certificate_for_other_names);
    tcase_add_test(tcase, ignores_the_common_name);
    tcase_add_test(tcase, takes_a_wildcard_for_one_whole_label);
    tcase_add_test(tcase, lists_the_first_names_and_counts_the_rest);
    tcase_add_test(tcase, rejects_a_certificate_that_it_does_not_trust);
    tcase_add_test(tcase, rejects_a_self_signed_certificate_unless_it_is_trusted_itself);
    tcase_add_test(tcase, accepts_an_intermediate_as_an_anchor);
    tcase_add_test(tcase, accepts_the_leaf_as_an_anchor_and_no_other_of_its_issuer);
    tcase_add_test(tcase, reads_no_server_s_chain_without_bounds);
    tcase_add_test(tcase, rejects_an_end_entity_that_plays_ca);
    tcase_add_test(tcase, rejects_a_certificate_out_of_its_time);
    tcase_add_test(tcase, the_worst_fault_decides);
    tcase_add_test(tcase, a_pin_replaces_chain_and_name);
    tcase_add_test(tcase, refuses_a_malformed_pin);
    tcase_add_test(tcase, accepts_any_certificate_but_reports_it);
    tcase_add_test(tcase, reports_that_the_server_requested_a_certificate);
    tcase_add_test(tcase, refuses_a_server_name_that_cannot_be_one);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("files");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, negotiates_only_the_versions_that_are_set);
    tcase_add_test(tcase, describes_the_certificate_that_it_loaded);
    tcase_add_test(tcase, serves_rsa_and_ecdsa_together_and_prefers_ecdsa);
    tcase_add_test(tcase, refuses_a_file_without_a_certificate);
    tcase_add_test(tcase, refuses_a_weak_certificate_in_words);
    tcase_add_test(tcase, refuses_a_key_that_does_not_belong_to_the_certificate);
    tcase_add_test(tcase, refuses_a_key_that_is_encrypted_without_asking);
    tcase_add_test(tcase, refuses_a_key_file_without_a_key);
    tcase_add_test(tcase, refuses_a_key_that_others_can_read);
    tcase_add_test(tcase, refuses_a_bundle_without_certificates);
    tcase_add_test(tcase, trusts_the_bundle_that_the_environment_names);
    tcase_add_test(tcase, a_bundle_that_cannot_be_opened_is_told_with_its_errno);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("self-signed");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, makes_a_self_signed_certificate_in_memory);
    tcase_add_test(tcase, keeps_a_self_signed_certificate_in_its_directory);
    tcase_add_test(tcase, renews_a_self_signed_certificate_thirty_days_before_its_end);
    tcase_add_test(tcase, renews_a_self_signed_certificate_of_another_host);
    tcase_add_test(tcase, leaves_a_broken_self_signed_certificate_to_its_owner);
    tcase_add_test(tcase, reports_a_state_directory_that_cannot_be_written);
    tcase_add_test(tcase, names_both_versions_of_the_library);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
