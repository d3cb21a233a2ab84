/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "pair.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/tls_context.h"

static struct folder folder;
static struct pki ca, other_ca, leaf, own;
static char ca_path[FOLDER_FILE_BYTES], session_path[FOLDER_FILE_BYTES];
static struct tls_context *server, *client;
static struct error err;

static void must(int result)
{
    ck_assert_msg(result == 0, "%s", err.text);
}

static long allocated;

static void *count_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocated++;
    return malloc(size);
}

static void *count_realloc(void *data, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocated += !data;
    return realloc(data, size);
}

static void count_free(void *data, const char *file, int line)
{
    (void)file;
    (void)line;
    allocated -= data != NULL;
    free(data);
}

/* A new client: it knows of earlier connections only what is in the files. */
static void new_client(void)
{
    tls_context_free(client);
    must(tls_context_new(TLS_CLIENT, &client, &err));
    must(tls_context_trust(client, ca_path, &err));
}

static void new_client_with_session(void)
{
    new_client();
    must(tls_context_use_session_file(client, session_path, &err));
}

static void set_up(void)
{
    folder_new(&folder);
    ca = pki_make(&(struct pki_spec){.subject = "Test CA", .ca = true});
    other_ca = pki_make(&(struct pki_spec){.subject = "Another CA", .ca = true});
    leaf = pki_make(
        &(struct pki_spec){.subject = "leaf", .names = "DNS:*.example.org", .issuer = &ca});
    own = pki_make(&(struct pki_spec){.subject = "own", .issuer = &ca});
    strcpy(ca_path, pki_write_certificate(&folder, "ca.pem", &ca));
    strcpy(session_path, folder_file(&folder, "session"));
    must(tls_context_new(TLS_SERVER, &server, &err));
    pki_present(&folder, &leaf, server);
    new_client_with_session();
}

static void tear_down(void)
{
    tls_context_free(server);
    tls_context_free(client);
    client = NULL;
    pki_free(&own);
    pki_free(&leaf);
    pki_free(&other_ca);
    pki_free(&ca);
    folder_remove(&folder);
}

/* A handshake of `client` with `server`, and what comes with it, saved. */
static enum io_status shake(const char *name, struct peer *peer)
{
    struct pair pair;
    struct error ignored;
    char data[4096];
    int fds[2];
    pair_sockets(false, fds);
    pair_tls(&pair, fds, client, server, name);
    enum io_status status = pair_handshake(&pair, &err, NULL, &ignored);
    if (status == IO_OK) /* TLS 1.3's ticket comes after the handshake */
        ck_assert_int_eq(transport_read(pair.client, data, sizeof data, &err).status, IO_WANT_READ);
    transport_peer(pair.client, peer);
    pair_done(&pair);
    struct error saving;
    ck_assert_msg(tls_context_save_session(client, &saving) == 0, "%s", saving.text);
    return status;
}

static bool resumes(const char *name)
{
    struct peer peer;
    ck_assert_msg(shake(name, &peer) == IO_OK, "%s", err.text);
    ck_assert(peer.certificate.present);
    ck_assert_str_eq(peer.certificate.subject, "CN=leaf");
    return peer.resumed;
}

START_TEST(resumes_a_session_that_another_run_has_saved)
{
    struct peer peer;
    must(tls_context_set_versions(server, NULL, _i == 0 ? "1.2" : "1.3", &err));
    ck_assert(!resumes("a.example.org"));
    for (int run = 0; run < 2; run++) { /* the second with the session of the first */
        new_client_with_session();
        ck_assert_int_eq(shake("a.example.org", &peer), IO_OK);
        ck_assert(peer.resumed);
        ck_assert(peer.certificate.verified);
        ck_assert_str_eq(peer.verification, "ok");
        ck_assert_str_eq(peer.certificate.subject, "CN=leaf");
        ck_assert_str_eq(peer.signature, "");
        ck_assert_str_eq(peer.staple, "");
    }
}
END_TEST

START_TEST(saves_it_readable_by_its_owner_alone)
{
    struct stat status;
    ck_assert(!resumes("a.example.org"));
    ck_assert_int_eq(stat(session_path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);

    ck_assert_int_eq(chmod(session_path, 0644), 0);
    new_client_with_session();
    ck_assert(resumes("a.example.org"));
    ck_assert_int_eq(stat(session_path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
}
END_TEST

START_TEST(does_not_offer_it_to_a_server_of_another_name)
{
    ck_assert(!resumes("a.example.org"));
    new_client_with_session();
    ck_assert(!resumes("b.example.org")); /* the same certificate would do */
}
END_TEST

START_TEST(does_not_offer_it_with_another_client_certificate)
{
    ck_assert(!resumes("a.example.org"));
    new_client_with_session();
    pki_present(&folder, &own, client);
    ck_assert(!resumes("a.example.org"));
    new_client_with_session();
    pki_present(&folder, &own, client);
    ck_assert(resumes("a.example.org"));
    new_client_with_session();
    ck_assert(!resumes("a.example.org"));
}
END_TEST

START_TEST(tells_client_certificates_of_one_subject_apart)
{
    struct pki twin = pki_make(&(struct pki_spec){.subject = "own", .issuer = &ca});
    pki_present(&folder, &own, client);
    ck_assert(!resumes("a.example.org"));
    new_client_with_session();
    pki_present(&folder, &twin, client);
    ck_assert(!resumes("a.example.org"));
    new_client_with_session();
    pki_present(&folder, &twin, client);
    ck_assert(resumes("a.example.org"));
    pki_free(&twin);
}
END_TEST

START_TEST(verifies_the_certificate_again_before_it_offers_it)
{
    struct peer peer;
    ck_assert(!resumes("a.example.org"));
    new_client_with_session();
    strcpy(ca_path, pki_write_certificate(&folder, "other-ca.pem", &other_ca));
    new_client_with_session();
    ck_assert_int_eq(shake("a.example.org", &peer), IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_UNTRUSTED);
}
END_TEST

START_TEST(verifies_a_pin_again_too)
{
    struct peer peer;
    char pin[PEER_SHA256_BYTES];
    ck_assert_int_eq(shake("a.example.org", &peer), IO_OK);
    strcpy(pin, peer.certificate.sha256);
    new_client_with_session();
    must(tls_context_pin(client, pin, &err));
    ck_assert(resumes("a.example.org"));
    new_client_with_session();
    pin[0] = pin[0] == '0' ? '1' : '0';
    must(tls_context_pin(client, pin, &err));
    ck_assert_int_eq(shake("a.example.org", &peer), IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_UNTRUSTED);
}
END_TEST

/* A full handshake refuses a CA whose key is weaker than the security level. */
START_TEST(verifies_the_strength_of_its_chain_again_too)
{
    struct peer peer;
    struct pki weak_ca = pki_make(
        &(struct pki_spec){.subject = "Weak CA", .ca = true, .rsa = true, .rsa_bits = 1024});
    struct pki issued = pki_make(
        &(struct pki_spec){.subject = "leaf", .names = "DNS:a.example.org", .issuer = &weak_ca});
    strcpy(ca_path, pki_write_certificate(&folder, "weak-ca.pem", &weak_ca));
    tls_context_free(server);
    must(tls_context_new(TLS_SERVER, &server, &err));
    struct peer_certificate about = pki_present(&folder, &issued, server);
    must(tls_context_pin(client, about.sha256, &err));
    ck_assert(!resumes("a.example.org"));
    new_client_with_session();
    must(tls_context_pin(client, about.sha256, &err));
    ck_assert(resumes("a.example.org"));
    new_client_with_session();
    ck_assert_int_eq(shake("a.example.org", &peer), IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_UNTRUSTED);
    ck_assert_ptr_nonnull(strstr(err.text, "CA certificate key too weak"));
    pki_free(&issued);
    pki_free(&weak_ca);
}
END_TEST

START_TEST(is_verified_only_where_verification_is_on)
{
    struct peer peer;
    tls_context_trust_any(client);
    ck_assert_int_eq(shake("a.example.org", &peer), IO_OK);
    ck_assert(!peer.certificate.verified);

    new_client_with_session();
    ck_assert_int_eq(shake("a.example.org", &peer), IO_OK);
    ck_assert(peer.resumed && peer.certificate.verified);

    strcpy(ca_path, pki_write_certificate(&folder, "other-ca.pem", &other_ca));
    new_client_with_session();
    tls_context_trust_any(client);
    ck_assert_int_eq(shake("a.example.org", &peer), IO_OK);
    ck_assert(peer.resumed && !peer.certificate.verified);
    ck_assert_ptr_nonnull(strstr(peer.verification, "is not trusted"));
}
END_TEST

START_TEST(makes_a_full_handshake_where_the_session_is_refused)
{
    struct peer peer;
    ck_assert(!resumes("a.example.org"));
    struct pki renewed = pki_make(
        &(struct pki_spec){.subject = "renewed", .names = "DNS:a.example.org", .issuer = &ca});
    tls_context_free(server);
    must(tls_context_new(TLS_SERVER, &server, &err));
    pki_present(&folder, &renewed, server);
    must(tls_context_set_versions(server, NULL, "1.2", &err)); /* not the session's */
    new_client_with_session();
    ck_assert_int_eq(shake("a.example.org", &peer), IO_OK);
    ck_assert(!peer.resumed);
    ck_assert(peer.certificate.verified);
    ck_assert_str_eq(peer.certificate.subject, "CN=renewed");
    pki_free(&renewed);
}
END_TEST

START_TEST(resets_the_verification_of_a_refused_session)
{
    struct peer peer;
    struct pki strange = pki_make(&(struct pki_spec){
        .subject = "strange", .names = "DNS:a.example.org", .issuer = &other_ca});
    tls_context_free(server);
    must(tls_context_new(TLS_SERVER, &server, &err));
    pki_present(&folder, &strange, server);
    tls_context_trust_any(client);
    ck_assert_int_eq(shake("a.example.org", &peer), IO_OK);
    ck_assert_str_ne(peer.verification, "ok");

    tls_context_free(server);
    must(tls_context_new(TLS_SERVER, &server, &err));
    pki_present(&folder, &leaf, server);
    must(tls_context_set_versions(server, NULL, "1.2", &err)); /* not the session's */
    new_client_with_session();
    tls_context_trust_any(client);
    ck_assert_int_eq(shake("a.example.org", &peer), IO_OK);
    ck_assert(!peer.resumed);
    ck_assert_str_eq(peer.verification, "ok");
    pki_free(&strange);
}
END_TEST

START_TEST(keeps_nothing_of_a_refused_session)
{
    enum { WARM_UP = 3, TIMES = 20 };
    long before = 0;
    ck_assert(!resumes("a.example.org"));
    for (int i = 0; i < WARM_UP + TIMES; i++) {
        tls_context_free(server);
        must(tls_context_new(TLS_SERVER, &server, &err)); /* with ticket keys of its own */
        pki_present(&folder, &leaf, server);
        new_client_with_session();
        ck_assert(!resumes("a.example.org"));
        if (i + 1 == WARM_UP)
            before = allocated;
    }
    ck_assert_int_lt(allocated - before, TIMES);
}
END_TEST

START_TEST(without_a_new_session_the_file_is_unchanged)
{
    must(tls_context_save_session(client, &err));
    ck_assert_int_eq(access(session_path, F_OK), -1);
    new_client();
    must(tls_context_save_session(client, &err)); /* no file at all */
}
END_TEST

static void refused(const char *path, const char *text)
{
    new_client();
    ck_assert_int_eq(tls_context_use_session_file(client, path, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}

START_TEST(refuses_a_file_that_is_not_a_session_of_this_program)
{
    static const char broken[] = "tlsecho session with a.example.org\n"
                                 "-----BEGIN SSL SESSION PARAMETERS-----\nAAAA\n"
                                 "-----END SSL SESSION PARAMETERS-----\n";
    refused(ca_path, "is not overwritten: name another file");
    refused(folder_write(&folder, "broken", broken, sizeof broken - 1), "is not a session file");
    refused(folder.path, "not a regular file");
    ck_assert_int_eq(mkfifo(folder_file(&folder, "fifo"), 0600), 0);
    refused(folder_file(&folder, "fifo"), "not a regular file");
    refused("/nonexistent/session", "save a session as /nonexistent/session: No such file");

    char path[5000];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    refused(path, "is too long");
}
END_TEST

START_TEST(refuses_the_session_of_another_program)
{
    char text[16384] = "";
    ck_assert(!resumes("a.example.org"));
    FILE *in = fopen(session_path, "r");
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, in), 0);
    fclose(in);
    refused(folder_write(&folder, "foreign", text + 1, strlen(text + 1)), "is not a session file");
    const char *bare = strchr(text, '\n') + 1; /* as openssl s_client -sess_out writes it */
    refused(folder_write(&folder, "bare", bare, strlen(bare)), "is not a session file");
}
END_TEST

START_TEST(treats_an_empty_file_as_none)
{
    ck_assert_str_eq(folder_write(&folder, "session", "", 0), session_path);
    new_client_with_session();
    ck_assert(!resumes("a.example.org"));
    new_client_with_session();
    ck_assert(resumes("a.example.org"));
}
END_TEST

START_TEST(reports_that_it_could_not_be_saved)
{
    struct peer peer;
    must(tls_context_set_versions(server, NULL, "1.2", &err));
    ck_assert_int_eq(pair_meet(client, server, "a.example.org", &peer, &err), IO_OK);
    folder_remove(&folder);
    ck_assert_int_eq(tls_context_save_session(client, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_ptr_nonnull(strstr(err.text, session_path));
    folder_new(&folder);
}
END_TEST

int main(void)
{
    CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free);
    TCase *cases = tcase_create("session");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, resumes_a_session_that_another_run_has_saved, 0, 2);
    tcase_add_test(cases, saves_it_readable_by_its_owner_alone);
    tcase_add_test(cases, does_not_offer_it_to_a_server_of_another_name);
    tcase_add_test(cases, does_not_offer_it_with_another_client_certificate);
    tcase_add_test(cases, tells_client_certificates_of_one_subject_apart);
    tcase_add_test(cases, verifies_the_certificate_again_before_it_offers_it);
    tcase_add_test(cases, verifies_a_pin_again_too);
    tcase_add_test(cases, verifies_the_strength_of_its_chain_again_too);
    tcase_add_test(cases, is_verified_only_where_verification_is_on);
    tcase_add_test(cases, makes_a_full_handshake_where_the_session_is_refused);
    tcase_add_test(cases, resets_the_verification_of_a_refused_session);
    tcase_add_test(cases, keeps_nothing_of_a_refused_session);
    tcase_add_test(cases, without_a_new_session_the_file_is_unchanged);
    tcase_add_test(cases, refuses_a_file_that_is_not_a_session_of_this_program);
    tcase_add_test(cases, refuses_the_session_of_another_program);
    tcase_add_test(cases, treats_an_empty_file_as_none);
    tcase_add_test(cases, reports_that_it_could_not_be_saved);

    Suite *suite = suite_create("tls_session");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
