/* SPDX-License-Identifier: MIT */
/* Tickets where clients are authenticated. */
#include <check.h>
#include <openssl/sha.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tls_context_internal.h"
#include "tls_ticket_scope.h"

#include "mutual.h"
#include "pair.h"
#include "suite.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

/*
 * The clock of this program and of the library: time(2) for all that is linked to it. So
 * certificates and tickets can expire without waiting.
 */
static time_t ahead_s;
static time_t stopped_s; /* 0 = it runs */

time_t time(time_t *ret)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec = (stopped_s ? stopped_s : now.tv_sec) + ahead_s;
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

static void set_up(void)
{
    ahead_s = stopped_s = 0;
    mutual_set_up();
}

START_TEST(identifies_a_client_that_resumes)
{
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        mutual_use_version(versions[i]);
        foreign_present(&client, &leaf, NULL);
        ck_assert(!mutual_accepted().resumed);
        struct foreign_result result = mutual_accepted();
        ck_assert(result.resumed);
        ck_assert(result.peer.resumed);
        ck_assert(result.peer.certificate.verified);
        ck_assert_str_eq(result.peer.certificate.subject, "CN=leaf");
        ck_assert_str_eq(result.peer.certificate.names,
                         "DNS:a.example.org, URI:spiffe://td/ns/x/sa, email:a@example.org");
    }
}
END_TEST

/* Settings of client authentication, and what distinguishes them. */
struct admission {
    enum tls_client_auth mode;
    const struct pki *second_ca;
    bool crl;
    const struct pki *revoked;
    const char *names[2];
};

static struct tls_context *admit(const struct admission *a)
{
    struct tls_context *ctx = mutual_new_server();
    if (a->mode != TLS_CLIENT_AUTH_OFF)
        mutual_use_ca(ctx, &ca, a->second_ca);
    if (a->crl)
        mutual_ok(mutual_use_crl(ctx, a->revoked));
    for (int i = 0; i < 2 && a->names[i]; i++)
        mutual_ok(tls_context_allow_name(ctx, a->names[i], &err));
    mutual_ok(tls_context_set_client_auth(ctx, a->mode, &err));
    return ctx;
}

/* Offers a session that was established under `from` to a server under `to`. */
static struct foreign_result offer(const char *version, const struct admission *from,
                                   const struct admission *to, const struct pki *presented)
{
    mutual_use_version(version);
    if (presented)
        foreign_present(&client, presented, NULL);
    tls_context_free(server);
    server = admit(from);
    mutual_accepted();
    ck_assert(mutual_accepted().resumed);
    tls_context_free(server);
    server = admit(to);
    return foreign_shake(&client, server);
}

START_TEST(accepts_a_ticket_under_the_same_client_authentication)
{
    static const struct admission one = {.mode = TLS_CLIENT_AUTH_REQUIRED,
                                         .names = {"DNS:*.example.org", "email:b@example.org"}};
    static const struct admission same = {.mode = TLS_CLIENT_AUTH_REQUIRED,
                                          .names = {"email:b@example.org", "DNS:*.example.org"}};
    static const struct admission off = {.mode = TLS_CLIENT_AUTH_OFF};
    for (size_t i = 0; i < 2; i++) {
        ck_assert(offer(versions[i], &one, &same, &leaf).peer.resumed);
        ck_assert(offer(versions[i], &off, &off, NULL).peer.resumed);
    }
}
END_TEST

START_TEST(refuses_a_ticket_under_other_client_authentication)
{
    static const struct admission off = {.mode = TLS_CLIENT_AUTH_OFF};
    static const struct admission required = {.mode = TLS_CLIENT_AUTH_REQUIRED};
    static const struct admission optional = {.mode = TLS_CLIENT_AUTH_OPTIONAL};
    for (size_t i = 0; i < 2; i++) {
        struct foreign_result result = offer(versions[i], &off, &required, NULL);
        ck_assert_int_eq(result.status, IO_FAILED);
        ck_assert_ptr_nonnull(strstr(result.err.text, "no client certificate"));
        result = offer(versions[i], &optional, &required, NULL);
        ck_assert_int_eq(result.status, IO_FAILED);
        result = offer(versions[i], &off, &required, &leaf);
        ck_assert_int_eq(result.status, IO_OK);
        ck_assert(!result.resumed);
        ck_assert(result.peer.certificate.verified);
    }
}
END_TEST

START_TEST(refuses_a_ticket_under_a_newer_crl)
{
    const struct admission before = {.mode = TLS_CLIENT_AUTH_REQUIRED, .crl = true};
    const struct admission after = {
        .mode = TLS_CLIENT_AUTH_REQUIRED, .crl = true, .revoked = &leaf};
    const struct admission without = {.mode = TLS_CLIENT_AUTH_REQUIRED};
    for (size_t i = 0; i < 2; i++) {
        struct foreign_result result = offer(versions[i], &before, &after, &leaf);
        ck_assert_int_eq(result.status, IO_FAILED);
        ck_assert_int_eq(result.alert, CERTIFICATE_REVOKED);
        result = offer(versions[i], &without, &after, &leaf);
        ck_assert_int_eq(result.alert, CERTIFICATE_REVOKED);
    }
}
END_TEST

START_TEST(refuses_a_ticket_under_other_cas_or_names)
{
    const struct admission one = {
        .mode = TLS_CLIENT_AUTH_REQUIRED, .second_ca = &middle, .names = {"DNS:*.example.org"}};
    struct admission other_cas = one, other_names = one;
    other_cas.second_ca = &other_ca;
    other_names.names[0] = "DNS:b.example";
    for (size_t i = 0; i < 2; i++) {
        struct foreign_result result = offer(versions[i], &one, &other_cas, &leaf);
        ck_assert_int_eq(result.status, IO_OK);
        ck_assert(!result.resumed);
        result = offer(versions[i], &one, &other_names, &leaf);
        ck_assert_int_eq(result.status, IO_FAILED);
        ck_assert_int_eq(result.alert, BAD_CERTIFICATE);
    }
}
END_TEST

/* Hosts of a cluster, whatever their machines and the order of their names, accept each other's
 * tickets. */
START_TEST(is_the_hash_of_the_client_authentication_and_the_names)
{
    static const unsigned char settings[] = "\0\0\0\1" /* optional client authentication */
                                            "\0\0\0\0" /* no CA */
                                            "\0\0\0\0" /* no CRL */
                                            "DNS:*.example\0email:a@example.org\0\0"
                                            "CN=nameless\0dns:a.example\0dns:b.example\0";
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct tls_context *ctx;
    struct pki named = pki_make(&(struct pki_spec){
        .subject = "named", .names = "DNS:b.example,DNS:A.example,DNS:a.EXAMPLE"});
    struct pki nameless = pki_make(&(struct pki_spec){.subject = "nameless", .rsa = true});
    mutual_ok(tls_context_new(TLS_SERVER, &ctx, &err));
    pki_present(&folder, &named, ctx);
    pki_present(&folder, &nameless, ctx);
    mutual_ok(tls_context_allow_name(ctx, "email:a@example.org", &err));
    mutual_ok(tls_context_allow_name(ctx, "DNS:*.example", &err));
    mutual_ok(tls_ticket_scope_fix(ctx, TLS_CLIENT_AUTH_OPTIONAL, &err));
    SHA256(settings, sizeof settings, digest);
    ck_assert_mem_eq(ctx->ticket_scope, digest, sizeof digest);
    tls_context_free(ctx);
    pki_free(&nameless);
    pki_free(&named);
}
END_TEST

static unsigned char hello[2048];
static size_t hello_n;

static void put(uint64_t value, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--)
        hello[hello_n++] = (unsigned char)(value >> (8 * (i - 1)));
}

/* RFC 8446 §4.1.2: a record with a ClientHello whose extensions have n bytes, which follow. */
static void begin_hello(size_t n)
{
    enum { BEFORE = 2 + 32 + 1 + 4 + 2 + 2 };
    hello_n = 0;
    put(0x160301, 3);
    put(4 + BEFORE + n, 2);
    put(1, 1);
    put(BEFORE + n, 3);
    put(0x0303, 2);
    for (int i = 0; i < 4; i++)
        put(0, 8);
    put(0, 1);
    put(0x0002c02b, 4);
    put(0x0100, 2);
    put(n, 2);
}

/* The server's answer to that ClientHello, and to nothing more. */
static enum io_status answer_hello(void)
{
    struct tls_scratch *scratch = tls_scratch_new();
    struct transport_tls_options options = {.ctx = server, .scratch = scratch};
    struct transport *transport;
    int fds[2];
    pair_sockets(false, fds);
    ck_assert_int_eq(transport_tls_new(fds[1], &options, &transport, &err), 0);
    ck_assert_int_eq(write(fds[0], hello, hello_n), (ssize_t)hello_n);
    enum io_status status = transport_handshake(transport, &err).status;
    transport_free(transport);
    tls_scratch_free(scratch);
    close(fds[0]);
    return status;
}

START_TEST(refuses_too_many_key_shares)
{
    enum { SHARES = 33, SHARE_BYTES = 5 };
    begin_hello(4 + 2 + SHARES * SHARE_BYTES);
    put(TLSEXT_TYPE_key_share, 2);
    put(2 + SHARES * SHARE_BYTES, 2);
    put(SHARES * SHARE_BYTES, 2);
    for (uint64_t i = 0; i < SHARES; i++)
        put(i << 24 | 1 << 8, SHARE_BYTES);
    ck_assert_int_eq(answer_hello(), IO_FAILED);
    ck_assert_str_eq(err.text, "too many key shares in a ClientHello");
    ck_assert_int_eq(err.alert, ILLEGAL_PARAMETER);
}
END_TEST

START_TEST(refuses_a_server_name_that_is_too_long)
{
    enum { NAME_BYTES = 256, UNRECOGNIZED_NAME = 112 };
    for (size_t n = NAME_BYTES - 1; n <= NAME_BYTES; n++) {
        begin_hello(4 + 2 + 3 + n);
        put(TLSEXT_TYPE_server_name, 2);
        put(2 + 3 + n, 2);
        put(3 + n, 2);
        put(0, 1);
        put(n, 2);
        for (size_t i = 0; i < n; i++)
            put('a', 1);
        ck_assert_int_eq(answer_hello(), IO_FAILED);
        ck_assert_int_eq(err.alert, n < NAME_BYTES ? HANDSHAKE_FAILURE : UNRECOGNIZED_NAME);
    }
}
END_TEST

/* Within the life of a ticket. */
enum { HOUR = 3600 };

START_TEST(refuses_a_ticket_once_its_certificate_has_expired)
{
    struct pki brief = pki_make(&(struct pki_spec){.subject = "brief", .issuer = &ca});
    X509_gmtime_adj(X509_getm_notAfter(brief.certificate), HOUR / 2);
    ck_assert_int_ne(X509_sign(brief.certificate, ca.key, EVP_sha256()), 0);
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        ahead_s = 0;
        mutual_use_version(versions[i]);
        foreign_present(&client, &brief, NULL);
        mutual_accepted();
        ck_assert(mutual_accepted().resumed);
        ahead_s = HOUR;
        mutual_rejected(CERTIFICATE_EXPIRED, "\"CN=brief\" refused: expired");
    }
    pki_free(&brief);
}
END_TEST

START_TEST(refuses_a_ticket_once_its_chain_has_expired)
{
    struct pki brief = pki_make(&(struct pki_spec){.subject = "brief", .ca = true, .issuer = &ca});
    X509_gmtime_adj(X509_getm_notAfter(brief.certificate), HOUR + HOUR / 2);
    ck_assert_int_ne(X509_sign(brief.certificate, ca.key, EVP_sha256()), 0);
    struct pki client_pki = pki_make(&(struct pki_spec){.subject = "client", .issuer = &brief});
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        ahead_s = 0;
        mutual_use_version(versions[i]);
        foreign_present(&client, &client_pki, &brief);
        mutual_accepted();
        ahead_s = HOUR;
        ck_assert(mutual_accepted().resumed);
        ck_assert(
            mutual_accepted().resumed); /* with a ticket of a resumed connection, on TLS 1.3 */
        ahead_s = 2 * HOUR - 1;
        mutual_rejected(CERTIFICATE_EXPIRED, "\"CN=brief\": expired");
    }
    pki_free(&client_pki);
    pki_free(&brief);
}
END_TEST

START_TEST(refuses_a_ticket_24_hours_after_the_full_handshake)
{
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        ahead_s = 0;
        mutual_use_version(versions[i]);
        foreign_present(&client, &leaf, NULL);
        ck_assert(!mutual_accepted().resumed);
        int proved_at = 0;
        for (int hour = 1; hour < 60; hour++) {
            ahead_s = hour * HOUR;
            if (!mutual_accepted().resumed) {
                ck_assert_int_le(hour, proved_at + 24);
                proved_at = hour;
            }
        }
        ck_assert_int_gt(proved_at, 24);
        if (strcmp(versions[i], "1.3") == 0)
            ck_assert_int_eq(proved_at, 48); /* each resumption renews the ticket */
    }
    ahead_s = 0;
}
END_TEST

START_TEST(refuses_a_ticket_from_the_future)
{
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        mutual_use_version(versions[i]);
        foreign_present(&client, &leaf, NULL);
        ahead_s = HOUR;
        mutual_accepted();
        ahead_s = 0;
        ck_assert(!mutual_accepted().resumed);
    }
}
END_TEST

/* Whether a ticket that was made at one time is accepted at another. */
static bool lasts(const char *version, const struct pki *presented, time_t made_s, time_t used_s)
{
    stopped_s = time(NULL);
    mutual_use_version(version);
    foreign_present(&client, presented, NULL);
    ahead_s = made_s;
    mutual_accepted();
    ahead_s = used_s;
    SSL_SESSION_set_time(client.session, (long)time(NULL)); /* its clock is right */
    bool resumed = foreign_shake(&client, server).resumed;
    stopped_s = ahead_s = 0;
    return resumed;
}

START_TEST(accepts_a_ticket_of_a_clock_that_is_five_minutes_ahead)
{
    enum { DIFFERENCE = 300 };
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_msg(lasts(versions[i], &leaf, DIFFERENCE, 0), "%s", versions[i]);
        ck_assert(!lasts(versions[i], &leaf, DIFFERENCE + 1, 0));
    }
}
END_TEST

/* On TLS 1.3 each resumption brings a new ticket, and none outlives the proof. */
START_TEST(accepts_tickets_for_24_hours_to_the_second)
{
    enum { DAY = 24 * HOUR };
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    for (time_t last = DAY - 1; last <= DAY; last++) {
        stopped_s = time(NULL);
        mutual_use_version("1.3");
        foreign_present(&client, &leaf, NULL);
        ck_assert(!mutual_accepted().resumed);
        for (ahead_s = HOUR; ahead_s < DAY; ahead_s += HOUR)
            ck_assert(mutual_accepted().resumed);
        ahead_s = last;
        ck_assert_int_eq(mutual_accepted().resumed, last < DAY);
        stopped_s = ahead_s = 0;
    }
}
END_TEST

START_TEST(refuses_a_ticket_in_the_second_in_which_its_certificate_ends)
{
    struct pki brief = pki_make(&(struct pki_spec){.subject = "brief", .issuer = &ca});
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++)
        for (time_t before = 0; before < 2; before++) {
            stopped_s = time(NULL);
            X509_gmtime_adj(X509_getm_notAfter(brief.certificate), HOUR);
            ck_assert_int_ne(X509_sign(brief.certificate, ca.key, EVP_sha256()), 0);
            ck_assert_int_eq(lasts(versions[i], &brief, 0, HOUR - before), before == 1);
        }
    pki_free(&brief);
}
END_TEST

START_TEST(refuses_a_ticket_once_the_crl_has_expired)
{
    static const int days = 30; /* until a CRL's end, as pki_write_crls makes it */
    mutual_use_ca(server, &ca, NULL);
    ahead_s = HOUR / 2 - days * 24 * HOUR;
    mutual_ok(mutual_use_crl(server, NULL));
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    for (size_t i = 0; i < 2; i++) {
        ahead_s = 0;
        mutual_use_version(versions[i]);
        foreign_present(&client, &leaf, NULL);
        mutual_accepted();
        ck_assert(mutual_accepted().resumed);
        ahead_s = HOUR;
        mutual_rejected(CERTIFICATE_UNKNOWN, "crl-expired");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_ticket_scope");
    TCase *tcase = tcase_create("clients");
    tcase_add_checked_fixture(tcase, set_up, mutual_tear_down);
    tcase_add_test(tcase, identifies_a_client_that_resumes);
    tcase_add_test(tcase, accepts_a_ticket_under_the_same_client_authentication);
    tcase_add_test(tcase, refuses_a_ticket_under_other_client_authentication);
    tcase_add_test(tcase, refuses_a_ticket_under_a_newer_crl);
    tcase_add_test(tcase, refuses_a_ticket_under_other_cas_or_names);
    tcase_add_test(tcase, is_the_hash_of_the_client_authentication_and_the_names);
    tcase_add_test(tcase, refuses_too_many_key_shares);
    tcase_add_test(tcase, refuses_a_server_name_that_is_too_long);
    tcase_add_test(tcase, refuses_a_ticket_once_its_certificate_has_expired);
    tcase_add_test(tcase, refuses_a_ticket_once_its_chain_has_expired);
    tcase_add_test(tcase, refuses_a_ticket_24_hours_after_the_full_handshake);
    tcase_add_test(tcase, refuses_a_ticket_from_the_future);
    tcase_add_test(tcase, accepts_a_ticket_of_a_clock_that_is_five_minutes_ahead);
    tcase_add_test(tcase, accepts_tickets_for_24_hours_to_the_second);
    tcase_add_test(tcase, refuses_a_ticket_in_the_second_in_which_its_certificate_ends);
    tcase_add_test(tcase, refuses_a_ticket_once_the_crl_has_expired);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
