/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <openssl/pem.h>
#include <string.h>
#include <time.h>

#include "folder.h"
#include "foreign.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls_context.h"

/* RFC 8446 §6 */
enum {
    HANDSHAKE_FAILURE = 40,
    BAD_CERTIFICATE = 42,
    UNSUPPORTED_CERTIFICATE = 43,
    CERTIFICATE_REVOKED = 44,
    CERTIFICATE_EXPIRED = 45,
    CERTIFICATE_UNKNOWN = 46,
    ILLEGAL_PARAMETER = 47,
    UNKNOWN_CA = 48,
    DECODE_ERROR = 50,
    CERTIFICATE_REQUIRED = 116,
};

static const char *const versions[] = {"1.2", "1.3"};

static struct folder folder;
static struct pki own, ca, other_ca, middle, leaf, under_middle;
static struct tls_context *server;
static struct foreign client;
static struct error err;

/*
 * The clock of this program and of the library: time(2) for all that is linked to it. So what was
 * good can go out of date without waiting.
 */
static time_t ahead_s;

time_t time(time_t *ret)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += ahead_s;
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

/* A server context without client authentication yet. */
static struct tls_context *new_server(void)
{
    struct tls_context *ctx;
    struct peer_certificate about;
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &ctx, &err), 0);
    ck_assert_int_eq(tls_context_use_certificate(
                         ctx, pki_write_certificate(&folder, "own.pem", &own), &about, &err),
                     0);
    ck_assert_int_eq(tls_context_use_key(ctx, pki_write_key(&folder, "own.key", &own, NULL), &err),
                     0);
    return ctx;
}

static void set_up(void)
{
    folder_new(&folder);
    own = pki_make(&(struct pki_spec){.subject = "server", .names = "DNS:server"});
    ca = pki_make(&(struct pki_spec){.subject = "Client CA", .ca = true});
    other_ca = pki_make(&(struct pki_spec){.subject = "Other CA", .ca = true});
    middle = pki_make(&(struct pki_spec){.subject = "Middle", .ca = true, .issuer = &ca});
    leaf = pki_make(
        &(struct pki_spec){.subject = "leaf",
                           .names = "DNS:a.example.org,URI:spiffe://td/ns/x/sa,email:a@example.org",
                           .issuer = &ca});
    under_middle = pki_make(&(struct pki_spec){.subject = "under", .issuer = &middle});
    server = new_server();
    foreign_new(&client, "1.3");
}

static void tear_down(void)
{
    foreign_free(&client);
    tls_context_free(server);
    pki_free(&under_middle);
    pki_free(&leaf);
    pki_free(&middle);
    pki_free(&other_ca);
    pki_free(&ca);
    pki_free(&own);
    folder_remove(&folder);
}

static void ok(int result)
{
    ck_assert_msg(result == 0, "%s", err.text);
}

static void refused(int result, const char *text)
{
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}

static void use_ca(struct tls_context *ctx, const struct pki *first, const struct pki *second)
{
    ok(tls_context_use_client_ca(ctx, pki_write_chain(&folder, "ca.pem", first, second), &err));
}

static int use_crls(struct tls_context *ctx, const struct pki_crl_spec *specs, size_t count)
{
    return tls_context_use_crl(ctx, pki_write_crls(&folder, "crl.pem", specs, count), &err);
}

static int use_crl(struct tls_context *ctx, const struct pki *revoked)
{
    return use_crls(ctx, &(struct pki_crl_spec){.issuer = &ca, .revoked = revoked}, 1);
}

/* The server asks for certificates of `ca` from now on. */
static void require(enum tls_client_auth mode)
{
    use_ca(server, &ca, NULL);
    ok(tls_context_set_client_auth(server, mode, &err));
}

static void use_version(const char *version)
{
    foreign_free(&client);
    foreign_new(&client, version);
}

static struct foreign_result accepted(void)
{
    struct foreign_result result = foreign_shake(&client, server);
    ck_assert_msg(result.status == IO_OK, "%s", result.err.text);
    ck_assert_int_eq(result.alert, -1);
    return result;
}

static void rejected(int alert, const char *text)
{
    struct foreign_result result = foreign_shake(&client, server);
    ck_assert_int_eq(result.status, IO_FAILED);
    ck_assert_msg(strstr(result.err.text, text) != NULL, "%s", result.err.text);
    ck_assert_msg(result.alert == alert, "%d: %s", result.alert, result.err.text);
    ck_assert_int_eq(result.err.alert, alert);
    ck_assert(!result.resumed);
    ck_assert(!result.peer.certificate.verified);
}

/* Refused with both versions. */
static void rejects(const struct pki *presented, const struct pki *issuer, int alert,
                    const char *text)
{
    for (size_t i = 0; i < 2; i++) {
        use_version(versions[i]);
        foreign_present(&client, presented, issuer);
        rejected(alert, text);
    }
}

START_TEST(shows_who_a_client_is)
{
    require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        use_version(versions[i]);
        foreign_present(&client, &leaf, NULL);
        struct foreign_result result = accepted();
        ck_assert(result.peer.certificate.present);
        ck_assert(result.peer.certificate.verified);
        ck_assert_str_eq(result.peer.certificate.subject, "CN=leaf");
        ck_assert_str_eq(result.peer.certificate.names,
                         "DNS:a.example.org, URI:spiffe://td/ns/x/sa, email:a@example.org");
    }
}
END_TEST

START_TEST(demands_a_certificate_where_it_is_required)
{
    require(TLS_CLIENT_AUTH_REQUIRED);
    use_version("1.3");
    rejected(CERTIFICATE_REQUIRED, "no client certificate, and one is required");
    use_version("1.2");
    rejected(HANDSHAKE_FAILURE, "no client certificate, and one is required");
}
END_TEST

START_TEST(lets_clients_without_a_certificate_in_where_it_is_optional)
{
    require(TLS_CLIENT_AUTH_OPTIONAL);
    struct foreign_result result = accepted();
    ck_assert(!result.peer.certificate.present);
    ck_assert(!result.peer.certificate.verified);
    use_version("1.3");
    foreign_present(&client, &leaf, NULL);
    result = accepted();
    ck_assert(result.peer.certificate.verified);
    use_version("1.3");
    foreign_present(&client, &other_ca, NULL);
    rejected(UNKNOWN_CA, "not trusted");
}
END_TEST

START_TEST(asks_nobody_where_it_is_off)
{
    require(TLS_CLIENT_AUTH_OFF);
    foreign_present(&client, &leaf, NULL);
    struct foreign_result result = accepted();
    ck_assert(!result.peer.certificate.present);
}
END_TEST

START_TEST(names_its_cas_to_the_client)
{
    use_ca(server, &ca, &other_ca);
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    foreign_present(&client, &leaf, NULL);
    ck_assert_int_eq(accepted().cas, 2);
}
END_TEST

START_TEST(takes_no_client_without_a_bundle)
{
    refused(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err), "name the bundle");
    ok(tls_context_allow_name(server, "DNS:a", &err));
    refused(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_OPTIONAL, &err), "name the bundle");
    refused(tls_context_use_client_ca(server, folder_write(&folder, "x", "x", 1), &err),
            "has no certificate");
}
END_TEST

START_TEST(refuses_what_its_cas_did_not_issue)
{
    struct pki forged_ca = pki_make(&(struct pki_spec){.subject = "Client CA", .ca = true});
    struct pki stranger = pki_make(&(struct pki_spec){.subject = "stranger", .issuer = &other_ca});
    struct pki forged = pki_make(&(struct pki_spec){.subject = "forged", .issuer = &forged_ca});
    struct pki self = pki_make(&(struct pki_spec){.subject = "self"});
    require(TLS_CLIENT_AUTH_REQUIRED);
    rejects(&stranger, NULL, UNKNOWN_CA,
            "client certificate \"CN=stranger\" refused: its issuer \"CN=Other CA\" is not");
    rejects(&stranger, &other_ca, UNKNOWN_CA, "its issuer \"CN=Other CA\" is not trusted");
    rejects(&under_middle, NULL, UNKNOWN_CA, "its issuer \"CN=Middle\" is not trusted");
    rejects(&self, NULL, UNKNOWN_CA, "\"CN=self\" refused: self-signed and not trusted");
    rejects(&forged, NULL, BAD_CERTIFICATE, "\"CN=forged\" refused: certificate signature");
    foreign_present(&client, &under_middle, &middle);
    accepted();
    pki_free(&self);
    pki_free(&forged);
    pki_free(&stranger);
    pki_free(&forged_ca);
}
END_TEST

/* `under` with its CA and so many more certificates than the two. */
static void present_chain(int more, size_t name_bytes)
{
    char name[64 * 1024] = "DNS:a";
    for (size_t n = 5; n < name_bytes; n += 6)
        memcpy(name + n, ",DNS:a", 7);
    struct pki other = pki_make(&(struct pki_spec){.subject = "Middle", .names = name});
    foreign_present(&client, &under_middle, &middle);
    for (int i = 0; i < more; i++)
        ck_assert_int_eq(SSL_CTX_add1_chain_cert(client.ctx, other.certificate), 1);
    pki_free(&other);
}

START_TEST(reads_eight_certificates_and_no_more)
{
    require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        use_version(versions[i]);
        present_chain(6, 5);
        accepted();
        use_version(versions[i]);
        present_chain(7, 5);
        rejected(DECODE_ERROR, "client certificate \"CN=under\" refused: its chain has 9 "
                               "certificates, and at most 8 are read");
    }
}
END_TEST

START_TEST(reads_no_chain_above_32_kib)
{
    require(TLS_CLIENT_AUTH_OPTIONAL);
    for (size_t i = 0; i < 2; i++) {
        use_version(versions[i]);
        present_chain(1, 60000); /* half as many bytes in DER */
        accepted();
        use_version(versions[i]);
        present_chain(2, 60000);
        rejected(ILLEGAL_PARAMETER,
                 "the client's chain is refused unread: it has more than 32 KiB");
    }
}
END_TEST

START_TEST(parses_no_curve_that_a_client_made_up)
{
    struct pki explicit = pki_make(&(struct pki_spec){.subject = "odd", .explicit_curve = true});
    require(TLS_CLIENT_AUTH_OPTIONAL);
    rejects(&leaf, &explicit, DECODE_ERROR,
            "client certificate \"CN=leaf\" refused: its chain has a key with explicit curve");
    pki_free(&explicit);
}
END_TEST

START_TEST(refuses_a_certificate_out_of_its_time)
{
    struct pki_spec spec = {.subject = "old", .issuer = &ca, .starts_days = -20, .ends_days = -10};
    struct pki old = pki_make(&spec);
    spec.starts_days = 10, spec.ends_days = 20, spec.subject = "young";
    struct pki young = pki_make(&spec);
    require(TLS_CLIENT_AUTH_REQUIRED);
    rejects(&old, NULL, CERTIFICATE_EXPIRED,
            "client certificate \"CN=old\" refused: expired on 20");
    rejects(&young, NULL, BAD_CERTIFICATE, "\"CN=young\" refused: not valid before 20");
    pki_free(&young);
    pki_free(&old);
}
END_TEST

START_TEST(refuses_a_certificate_that_is_for_servers_or_weak)
{
    struct pki of_server =
        pki_make(&(struct pki_spec){.subject = "s", .usage = "serverAuth", .issuer = &ca});
    struct pki weak = pki_make(
        &(struct pki_spec){.subject = "weak", .rsa = true, .rsa_bits = 1024, .issuer = &ca});
    require(TLS_CLIENT_AUTH_REQUIRED);
    rejects(&of_server, NULL, UNSUPPORTED_CERTIFICATE, "\"CN=s\" refused: unsuitable certificate");
    rejects(&weak, NULL, BAD_CERTIFICATE, "\"CN=weak\" refused: EE certificate key too weak");
    pki_free(&weak);
    pki_free(&of_server);
}
END_TEST

START_TEST(refuses_a_revoked_client)
{
    use_ca(server, &ca, NULL);
    ok(use_crl(server, &leaf));
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    rejects(&leaf, NULL, CERTIFICATE_REVOKED,
            "client certificate \"CN=leaf\" refused: revoked on 20");
    struct pki good = pki_make(&(struct pki_spec){.subject = "good", .issuer = &ca});
    foreign_present(&client, &good, NULL);
    accepted();
    pki_free(&good);
}
END_TEST

START_TEST(checks_the_whole_chain_for_revocation)
{
    const struct pki_crl_spec both[] = {{.issuer = &ca, .revoked = &middle}, {.issuer = &middle}};
    use_ca(server, &ca, NULL);
    ok(use_crls(server, both, 2));
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    rejects(&under_middle, &middle, CERTIFICATE_REVOKED,
            "\"CN=under\" refused: its CA \"CN=Middle\": revoked on 20");
}
END_TEST

START_TEST(refuses_a_client_whose_issuer_has_no_crl)
{
    use_ca(server, &ca, NULL);
    ok(use_crl(server, NULL));
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    rejects(&under_middle, &middle, CERTIFICATE_UNKNOWN,
            "\"CN=under\" refused: there is no CRL of its issuer \"CN=Middle\"");
}
END_TEST

START_TEST(refuses_all_clients_once_a_crl_is_out_of_date)
{
    use_ca(server, &ca, NULL);
    ok(use_crls(server, &(struct pki_crl_spec){.issuer = &ca, .starts_days = -9, .ends_days = -2},
                1));
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    rejects(
        &leaf, NULL, CERTIFICATE_UNKNOWN,
        "\"CN=leaf\" refused: crl-expired: the CRL of \"CN=Client CA\" is out of date since 20");
}
END_TEST

START_TEST(refuses_all_clients_as_long_as_a_crl_is_not_valid_yet)
{
    use_ca(server, &ca, NULL);
    ok(use_crls(server, &(struct pki_crl_spec){.issuer = &ca, .starts_days = 2, .ends_days = 9},
                1));
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    rejects(&leaf, NULL, CERTIFICATE_UNKNOWN, "the CRL of \"CN=Client CA\" is not valid before 20");
}
END_TEST

START_TEST(tells_when_the_first_crl_will_be_out_of_date)
{
    static const int64_t day = 24L * 3600;
    const struct pki_crl_spec two[] = {{.issuer = &ca, .starts_days = -1, .ends_days = 9},
                                       {.issuer = &other_ca, .starts_days = -1, .ends_days = 5}};
    ck_assert_int_eq(tls_context_crl_expires(server), INT64_MAX);
    use_ca(server, &ca, &other_ca);
    ck_assert_int_eq(tls_context_crl_expires(server), INT64_MAX);
    ok(use_crls(server, two, 2));
    ck_assert_int_le(llabs(tls_context_crl_expires(server) - (time(NULL) + 5 * day)), 60);
}
END_TEST

START_TEST(demands_a_crl_of_every_ca)
{
    struct pki_crl_spec two[] = {{.issuer = &ca}, {.issuer = &other_ca, .signer = &ca}};
    use_ca(server, &ca, &other_ca);
    refused(use_crls(server, two, 1), "crl.pem has no CRL of \"CN=Other CA\"");
    tls_context_free(server);
    server = new_server();
    use_ca(server, &ca, &other_ca);
    refused(use_crls(server, two, 2),
            "crl.pem: CRL 2, of \"CN=Other CA\", is not signed by the CA of that name");
    tls_context_free(server);
    server = new_server();
    use_ca(server, &ca, &other_ca);
    two[1].signer = NULL;
    ok(use_crls(server, two, 2));
}
END_TEST

START_TEST(refuses_crls_that_do_not_say_who_is_revoked)
{
    static const struct {
        struct pki_extension extension, entry;
        const char *text;
    } cases[] = {
        {{"deltaCRL", "critical,DER:020101"}, {0}, "is a delta CRL (RFC 5280"},
        {{"deltaCRL", "DER:020101"}, {0}, "is a delta CRL"},
        {{"issuingDistributionPoint", "critical,DER:30038101FF"}, {0}, "issuingDistributionPoint"},
        {{"issuingDistributionPoint", "DER:3000"}, {0}, "issuingDistributionPoint"},
        {{"1.2.3.4", "critical,DER:0500"}, {0}, "has the critical extension \"1.2.3.4\""},
        {{"crlNumber", "critical,DER:020101"}, {0}, "has the critical extension \"X509v3 CRL N"},
        {{0}, {"certificateIssuer", "critical,DER:3000"}, "is an indirect CRL"},
        {{0}, {"1.2.3.4", "critical,DER:0500"}, "in an entry the critical extension \"1.2.3.4\""},
        {{0}, {"CRLReason", "DER:0A0108"}, "removeFromCRL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct pki_crl_spec both[] = {{.issuer = &ca, .revoked = &leaf},
                                            {.issuer = &ca,
                                             .revoked = &under_middle,
                                             .extension = cases[i].extension,
                                             .entry_extension = cases[i].entry}};
        for (size_t first = 0; first < 2; first++) {
            tls_context_free(server);
            server = new_server();
            use_ca(server, &ca, NULL);
            refused(use_crls(server, both + first, 2 - first), cases[i].text);
            ck_assert_ptr_nonnull(
                strstr(err.text, first ? "CRL 1, of \"CN=Client CA\"" : "CRL 2, of"));
        }
    }
}
END_TEST

START_TEST(takes_crls_with_extensions_that_do_not_change_what_they_say)
{
    static const struct pki_extension extensions[] = {
        {"crlNumber", "DER:020101"}, {"freshestCRL", "DER:3000"}, {"1.2.3.4", "DER:0500"}};
    static const struct pki_extension reason = {"CRLReason", "DER:0A0101"};
    for (size_t i = 0; i < 3; i++) {
        const struct pki_crl_spec crl = {.issuer = &ca,
                                         .revoked = &under_middle,
                                         .extension = extensions[i],
                                         .entry_extension = reason};
        tls_context_free(server);
        server = new_server();
        use_ca(server, &ca, NULL);
        ok(use_crls(server, &crl, 1));
    }
}
END_TEST

/* With `ca` alone, and these CRLs of it. */
static void require_with(const struct pki_crl_spec *crls, size_t count)
{
    tls_context_free(server);
    server = new_server();
    use_ca(server, &ca, NULL);
    ok(use_crls(server, crls, count));
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
}

START_TEST(takes_the_newest_crl_in_date_of_several_by_one_ca)
{
    const struct pki_crl_spec out = {.issuer = &ca, .starts_days = -20, .ends_days = -10},
                              old = {.issuer = &ca, .starts_days = -9, .ends_days = 1},
                              new = {.issuer = &ca,
                                     .revoked = &leaf,
                                     .starts_days = -2,
                                     .ends_days = 9},
                              future = {.issuer = &ca, .starts_days = 1, .ends_days = 20};
    const struct pki_crl_spec files[][4] = {{out, old, new, future}, {future, new, old, out}};
    for (size_t i = 0; i < 2; i++) {
        require_with(files[i], 4);
        rejects(&leaf, NULL, CERTIFICATE_REVOKED, "revoked on 20");
    }
    const struct pki_crl_spec two[] = {out, old};
    require_with(two, 2);
    foreign_present(&client, &leaf, NULL);
    accepted();
    ck_assert(accepted().resumed); /* the one out of date does not count */
}
END_TEST

START_TEST(tells_crls_of_cas_of_the_same_name_apart_by_their_keys)
{
    struct pki old = pki_make(&(struct pki_spec){.subject = "CA", .ca = true, .key_ids = true});
    struct pki renewed = pki_make(&(struct pki_spec){.subject = "CA", .ca = true, .key_ids = true});
    struct pki gone =
        pki_make(&(struct pki_spec){.subject = "gone", .issuer = &old, .key_ids = true});
    struct pki fresh =
        pki_make(&(struct pki_spec){.subject = "fresh", .issuer = &renewed, .key_ids = true});
    const struct pki_crl_spec two[] = {
        {.issuer = &old, .revoked = &gone, .starts_days = -9, .ends_days = 9},
        {.issuer = &renewed, .starts_days = -1, .ends_days = 20}};
    use_ca(server, &old, &renewed);
    ok(use_crls(server, two, 2));
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    rejects(&gone, NULL, CERTIFICATE_REVOKED, "revoked on 20");
    foreign_present(&client, &fresh, NULL);
    accepted();
    int64_t date;
    ck_assert_int_eq(tls_context_crl_state(server, time(NULL) + 10L * 24 * 3600, &date),
                     TLS_CRL_EXPIRED);
    pki_free(&fresh);
    pki_free(&gone);
    pki_free(&renewed);
    pki_free(&old);
}
END_TEST

START_TEST(refuses_crls_of_a_ca_that_may_not_sign_any)
{
    struct pki mute = pki_make(
        &(struct pki_spec){.subject = "Mute", .ca = true, .key_usage = "critical,keyCertSign"});
    use_ca(server, &mute, NULL);
    refused(use_crls(server, &(struct pki_crl_spec){.issuer = &mute}, 1),
            "is signed by a CA whose keyUsage does not allow it");
    pki_free(&mute);
}
END_TEST

START_TEST(warns_of_a_crl_without_an_end_and_takes_it)
{
    size_t count;
    require_with(&(struct pki_crl_spec){.issuer = &ca, .version_1 = true}, 1);
    tls_context_warnings(server, &count);
    ck_assert_uint_eq(count, 0);
    require_with(&(struct pki_crl_spec){.issuer = &ca, .revoked = &leaf, .endless = true}, 1);
    const struct tls_warning *warnings = tls_context_warnings(server, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(warnings[0].event, "crl_without_end");
    ck_assert_ptr_nonnull(strstr(warnings[0].file, "crl.pem"));
    ck_assert_ptr_nonnull(strstr(warnings[0].reason, "\"CN=Client CA\" has no nextUpdate"));
    rejects(&leaf, NULL, CERTIFICATE_REVOKED, "revoked on 20");
}
END_TEST

START_TEST(trusts_an_intermediate_without_its_root)
{
    use_ca(server, &middle, NULL);
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    foreign_present(&client, &under_middle, NULL);
    accepted();
    foreign_present(&client, &under_middle, &middle);
    accepted();
    rejects(&leaf, NULL, UNKNOWN_CA, "is not trusted");
}
END_TEST

START_TEST(trusts_a_clients_own_certificate)
{
    use_ca(server, &leaf, NULL);
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    foreign_present(&client, &leaf, NULL);
    accepted();
    rejects(&under_middle, &middle, UNKNOWN_CA, "is not trusted");
}
END_TEST

START_TEST(checks_every_certificate_below_the_anchor_for_revocation)
{
    const struct pki_crl_spec of_middle[] = {{.issuer = &middle},
                                             {.issuer = &ca, .revoked = &middle}};
    use_ca(server, &middle, NULL);
    ok(use_crls(server, of_middle, 1));
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    foreign_present(&client, &under_middle, NULL);
    accepted();

    tls_context_free(server);
    server = new_server();
    use_ca(server, &middle, NULL);
    ok(use_crls(server, &(struct pki_crl_spec){.issuer = &middle, .revoked = &under_middle}, 1));
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    rejects(&under_middle, NULL, CERTIFICATE_REVOKED, "revoked on 20");

    tls_context_free(server);
    server = new_server();
    use_ca(server, &ca, &middle); /* the root is the anchor where it is known */
    ok(use_crls(server, of_middle, 2));
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    rejects(&under_middle, NULL, CERTIFICATE_REVOKED, "its CA \"CN=Middle\": revoked on 20");
    rejects(&under_middle, &middle, CERTIFICATE_REVOKED, "its CA \"CN=Middle\": revoked on 20");
}
END_TEST

/* A bundle of `ca` and so many more CAs, the last of them twice. */
static const char *write_bundle(int more)
{
    enum { NAME_LENGTH = 60 };
    FILE *file = fopen(pki_write_certificate(&folder, "ca.pem", &ca), "a");
    for (int i = 0; i < more; i++) {
        char name[NAME_LENGTH + 1];
        snprintf(name, sizeof name, "%0*d", NAME_LENGTH, i);
        struct pki another = pki_make(&(struct pki_spec){.subject = name, .ca = true});
        for (int k = i == more - 1 ? 0 : 1; k < 2; k++)
            ck_assert_int_eq(PEM_write_X509(file, another.certificate), 1);
        pki_free(&another);
    }
    ck_assert_int_eq(fclose(file), 0);
    return folder.file;
}

START_TEST(names_no_cas_where_a_request_cannot_carry_all)
{
    enum { FIT = 700, TOO_MANY = 900 };
    size_t warnings;
    for (size_t i = 0; i < 4; i++) {
        bool fits = i < 2;
        use_version(versions[i % 2]);
        tls_context_free(server);
        server = new_server();
        const char *bundle =
            i % 2 == 0 ? write_bundle(fits ? FIT : TOO_MANY) : folder_file(&folder, "ca.pem");
        ok(tls_context_use_client_ca(server, bundle, &err));
        ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
        const struct tls_warning *warning = tls_context_warnings(server, &warnings);
        ck_assert_uint_eq(warnings, fits ? 0 : 1);
        if (!fits) {
            ck_assert_str_eq(warning->event, "client_ca_names_omitted");
            ck_assert_ptr_nonnull(strstr(warning->reason, "the names of 901 CAs"));
        }
        foreign_present(&client, &leaf, NULL);
        int cas = accepted().cas; /* -1 on TLS 1.3: no list at all */
        ck_assert_int_eq(cas > 0 ? cas : 0, fits ? FIT + 1 : 0);
    }
}
END_TEST

START_TEST(refuses_a_crl_file_that_is_none)
{
    static const char broken[] = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    refused(use_crl(server, NULL), "name those first");
    use_ca(server, &ca, NULL);
    refused(tls_context_use_crl(server, folder_file(&folder, "absent"), &err), "No such file");
    refused(tls_context_use_crl(server, "/dev/zero", &err), "no regular file");
    refused(tls_context_use_crl(server, folder_file(&folder, "ca.pem"), &err),
            "has no CRL: name a PEM file with -----BEGIN X509 CRL-----");
    refused(
        tls_context_use_crl(server, folder_write(&folder, "b", broken, sizeof broken - 1), &err),
        "CRL 1 is broken");
}
END_TEST

START_TEST(allows_only_names_that_match)
{
    static const char *const patterns[] = {"DNS:*.example.org", "URI:spiffe://td/ns/*/sa",
                                           "email:*@example.org"};
    for (size_t i = 0; i < 3; i++) {
        tls_context_free(server);
        server = new_server();
        ok(tls_context_allow_name(server, "DNS:elsewhere.example", &err));
        ok(tls_context_allow_name(server, patterns[i], &err));
        require(TLS_CLIENT_AUTH_REQUIRED);
        foreign_present(&client, &leaf, NULL);
        accepted();
    }
}
END_TEST

START_TEST(refuses_names_that_do_not_match)
{
    struct pki nameless = pki_make(&(struct pki_spec){.subject = "b.example.org", .issuer = &ca});
    ok(tls_context_allow_name(server, "DNS:b.example.org", &err));
    require(TLS_CLIENT_AUTH_REQUIRED);
    rejects(&leaf, NULL, BAD_CERTIFICATE,
            "client certificate \"CN=leaf\" refused: name not allowed: it is for "
            "DNS:a.example.org, URI:spiffe://td/ns/x/sa, email:a@example.org");
    rejects(&nameless, NULL, BAD_CERTIFICATE, "name not allowed: it is for no name at all");
    refused(tls_context_allow_name(server, "b.example.org", &err), "write DNS:");
    pki_free(&nameless);
}
END_TEST

START_TEST(looks_at_the_chain_before_the_name)
{
    struct pki stranger = pki_make(
        &(struct pki_spec){.subject = "stranger", .names = "DNS:a.example", .issuer = &other_ca});
    ok(tls_context_allow_name(server, "DNS:a.example", &err));
    require(TLS_CLIENT_AUTH_REQUIRED);
    rejects(&stranger, NULL, UNKNOWN_CA, "is not trusted");
    pki_free(&stranger);
}
END_TEST

START_TEST(knows_a_client_again_that_resumes)
{
    require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        use_version(versions[i]);
        foreign_present(&client, &leaf, NULL);
        ck_assert(!accepted().resumed);
        struct foreign_result result = accepted();
        ck_assert(result.resumed);
        ck_assert(result.peer.resumed);
        ck_assert(result.peer.certificate.verified);
        ck_assert_str_eq(result.peer.certificate.subject, "CN=leaf");
        ck_assert_str_eq(result.peer.certificate.names,
                         "DNS:a.example.org, URI:spiffe://td/ns/x/sa, email:a@example.org");
    }
}
END_TEST

/* Who may connect, and what makes one such setting differ from another. */
struct admission {
    enum tls_client_auth mode;
    const struct pki *second_ca;
    bool crl;
    const struct pki *revoked;
    const char *names[2];
};

static struct tls_context *admit(const struct admission *a)
{
    struct tls_context *ctx = new_server();
    if (a->mode != TLS_CLIENT_AUTH_OFF)
        use_ca(ctx, &ca, a->second_ca);
    if (a->crl)
        ok(use_crl(ctx, a->revoked));
    for (int i = 0; i < 2 && a->names[i]; i++)
        ok(tls_context_allow_name(ctx, a->names[i], &err));
    ok(tls_context_set_client_auth(ctx, a->mode, &err));
    return ctx;
}

/* A session earned under `from`: how does the next handshake under `to` go? */
static struct foreign_result offer(const char *version, const struct admission *from,
                                   const struct admission *to, const struct pki *presented)
{
    use_version(version);
    if (presented)
        foreign_present(&client, presented, NULL);
    tls_context_free(server);
    server = admit(from);
    accepted();
    ck_assert(accepted().resumed);
    tls_context_free(server);
    server = admit(to);
    return foreign_shake(&client, server);
}

START_TEST(lets_a_ticket_be_used_where_the_same_clients_are_admitted)
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

START_TEST(lets_no_ticket_get_around_client_authentication)
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

START_TEST(lets_no_ticket_get_around_a_newer_crl)
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

START_TEST(lets_no_ticket_get_around_other_cas_or_names)
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

/* Within the life of a ticket. */
enum { HOUR = 3600 };

START_TEST(lets_no_ticket_outlive_its_certificate)
{
    struct pki brief = pki_make(&(struct pki_spec){.subject = "brief", .issuer = &ca});
    X509_gmtime_adj(X509_getm_notAfter(brief.certificate), HOUR / 2);
    ck_assert_int_ne(X509_sign(brief.certificate, ca.key, EVP_sha256()), 0);
    require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        ahead_s = 0;
        use_version(versions[i]);
        foreign_present(&client, &brief, NULL);
        accepted();
        ck_assert(accepted().resumed);
        ahead_s = HOUR;
        rejected(CERTIFICATE_EXPIRED, "\"CN=brief\" refused: expired");
    }
    pki_free(&brief);
}
END_TEST

START_TEST(lets_no_ticket_outlive_its_chain)
{
    struct pki brief = pki_make(&(struct pki_spec){.subject = "brief", .ca = true, .issuer = &ca});
    X509_gmtime_adj(X509_getm_notAfter(brief.certificate), HOUR + HOUR / 2);
    ck_assert_int_ne(X509_sign(brief.certificate, ca.key, EVP_sha256()), 0);
    struct pki client_pki = pki_make(&(struct pki_spec){.subject = "client", .issuer = &brief});
    require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        ahead_s = 0;
        use_version(versions[i]);
        foreign_present(&client, &client_pki, &brief);
        accepted();
        ahead_s = HOUR;
        ck_assert(accepted().resumed);
        ck_assert(accepted().resumed); /* with a ticket of a resumed connection, on TLS 1.3 */
        ahead_s = 2 * HOUR - 1;
        rejected(CERTIFICATE_EXPIRED, "\"CN=brief\": expired");
    }
    pki_free(&client_pki);
    pki_free(&brief);
}
END_TEST

START_TEST(lets_what_a_client_proved_age_however_often_it_resumes)
{
    require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        ahead_s = 0;
        use_version(versions[i]);
        foreign_present(&client, &leaf, NULL);
        ck_assert(!accepted().resumed);
        int proved_at = 0;
        for (int hour = 1; hour < 60; hour++) {
            ahead_s = hour * HOUR;
            if (!accepted().resumed) {
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

START_TEST(takes_no_proof_from_the_future)
{
    require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        use_version(versions[i]);
        foreign_present(&client, &leaf, NULL);
        ahead_s = HOUR;
        accepted();
        ahead_s = 0;
        ck_assert(!accepted().resumed);
    }
}
END_TEST

START_TEST(lets_no_ticket_outlive_the_crl)
{
    static const int days = 30; /* until a CRL's end, as pki_write_crls makes it */
    use_ca(server, &ca, NULL);
    ahead_s = HOUR / 2 - days * 24 * HOUR;
    ok(use_crl(server, NULL));
    ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    for (size_t i = 0; i < 2; i++) {
        ahead_s = 0;
        use_version(versions[i]);
        foreign_present(&client, &leaf, NULL);
        accepted();
        ck_assert(accepted().resumed);
        ahead_s = HOUR;
        rejected(CERTIFICATE_UNKNOWN, "crl-expired");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_client_auth");
    TCase *tcase = tcase_create("who");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, shows_who_a_client_is);
    tcase_add_test(tcase, demands_a_certificate_where_it_is_required);
    tcase_add_test(tcase, lets_clients_without_a_certificate_in_where_it_is_optional);
    tcase_add_test(tcase, asks_nobody_where_it_is_off);
    tcase_add_test(tcase, names_its_cas_to_the_client);
    tcase_add_test(tcase, takes_no_client_without_a_bundle);
    tcase_add_test(tcase, refuses_what_its_cas_did_not_issue);
    tcase_add_test(tcase, reads_eight_certificates_and_no_more);
    tcase_add_test(tcase, reads_no_chain_above_32_kib);
    tcase_add_test(tcase, parses_no_curve_that_a_client_made_up);
    tcase_add_test(tcase, refuses_a_certificate_out_of_its_time);
    tcase_add_test(tcase, refuses_a_certificate_that_is_for_servers_or_weak);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("revoked");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, refuses_a_revoked_client);
    tcase_add_test(tcase, checks_the_whole_chain_for_revocation);
    tcase_add_test(tcase, refuses_a_client_whose_issuer_has_no_crl);
    tcase_add_test(tcase, refuses_all_clients_once_a_crl_is_out_of_date);
    tcase_add_test(tcase, refuses_all_clients_as_long_as_a_crl_is_not_valid_yet);
    tcase_add_test(tcase, tells_when_the_first_crl_will_be_out_of_date);
    tcase_add_test(tcase, demands_a_crl_of_every_ca);
    tcase_add_test(tcase, refuses_crls_that_do_not_say_who_is_revoked);
    tcase_add_test(tcase, takes_crls_with_extensions_that_do_not_change_what_they_say);
    tcase_add_test(tcase, takes_the_newest_crl_in_date_of_several_by_one_ca);
    tcase_add_test(tcase, tells_crls_of_cas_of_the_same_name_apart_by_their_keys);
    tcase_add_test(tcase, refuses_crls_of_a_ca_that_may_not_sign_any);
    tcase_add_test(tcase, warns_of_a_crl_without_an_end_and_takes_it);
    tcase_add_test(tcase, trusts_an_intermediate_without_its_root);
    tcase_add_test(tcase, trusts_a_clients_own_certificate);
    tcase_add_test(tcase, checks_every_certificate_below_the_anchor_for_revocation);
    tcase_add_test(tcase, names_no_cas_where_a_request_cannot_carry_all);
    tcase_add_test(tcase, refuses_a_crl_file_that_is_none);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("names");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, allows_only_names_that_match);
    tcase_add_test(tcase, refuses_names_that_do_not_match);
    tcase_add_test(tcase, looks_at_the_chain_before_the_name);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("tickets");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, knows_a_client_again_that_resumes);
    tcase_add_test(tcase, lets_a_ticket_be_used_where_the_same_clients_are_admitted);
    tcase_add_test(tcase, lets_no_ticket_get_around_client_authentication);
    tcase_add_test(tcase, lets_no_ticket_get_around_a_newer_crl);
    tcase_add_test(tcase, lets_no_ticket_get_around_other_cas_or_names);
    tcase_add_test(tcase, lets_no_ticket_outlive_its_certificate);
    tcase_add_test(tcase, lets_no_ticket_outlive_its_chain);
    tcase_add_test(tcase, lets_what_a_client_proved_age_however_often_it_resumes);
    tcase_add_test(tcase, takes_no_proof_from_the_future);
    tcase_add_test(tcase, lets_no_ticket_outlive_the_crl);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
