/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "folder.h"
#include "pair.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/tls_alert.h"
#include "tlsecho/tls/tls_context.h"

enum { NO_APPLICATION_PROTOCOL = 120 };

static struct folder folder;
static struct pki ecdsa, rsa;
static struct tls_context *server, *client;
static struct error err;

static void serve(const struct pki *pki)
{
    pki_present(&folder, pki, server);
}

/* Once for all tests: generating RSA keys is slow. */
static void make_keys(void)
{
    ecdsa = pki_make(&(struct pki_spec){.subject = "ecdsa", .names = "DNS:localhost"});
    rsa = pki_make(&(struct pki_spec){.subject = "rsa", .names = "DNS:localhost", .rsa = true});
}

static void free_keys(void)
{
    pki_free(&ecdsa);
    pki_free(&rsa);
}

static void set_up(void)
{
    folder_new(&folder);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    ck_assert_int_eq(tls_context_new(TLS_CLIENT, &client, &err), 0);
    tls_context_trust_any(client);
    serve(&ecdsa);
    serve(&rsa);
}

static void tear_down(void)
{
    tls_context_free(server);
    tls_context_free(client);
    folder_remove(&folder);
}

/* A handshake; peer is what the client knows of the server. */
static enum io_status shake(struct peer *peer)
{
    return pair_meet(client, server, "localhost", peer, &err);
}

static const struct peer *agreed(void)
{
    static struct peer peer;
    ck_assert_msg(shake(&peer) == IO_OK, "%s", err.text);
    return &peer;
}

static void done(int result)
{
    ck_assert_msg(result == 0, "%s", err.text);
}

static void refused(int result, const char *text)
{
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}

static void only_1_2(void)
{
    done(tls_context_set_versions(client, NULL, "1.2", &err));
}

START_TEST(offers_and_accepts_modern_ciphers_by_default)
{
    struct peer peer = *agreed();
    ck_assert_str_eq(peer.cipher, "TLS_AES_128_GCM_SHA256");
    ck_assert_str_eq(peer.group, tls_has_group("X25519MLKEM768") ? "X25519MLKEM768" : "X25519");
    only_1_2();
    peer = *agreed();
    ck_assert_str_eq(peer.cipher, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    ck_assert_str_eq(peer.group, "X25519");
}
END_TEST

START_TEST(accepts_nothing_without_forward_secrecy_or_aead_by_default)
{
    static const char *const old[] = {"AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256",
                                      "ECDHE-ECDSA-AES256-SHA", "DHE-RSA-AES128-GCM-SHA256"};
    struct peer peer;
    only_1_2();
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        done(tls_context_set_ciphers(client, old[i], &err));
        ck_assert_int_eq(shake(&peer), IO_FAILED);
        ck_assert_int_eq(err.alert, TLS_ALERT_HANDSHAKE_FAILURE);
    }
}
END_TEST

START_TEST(accepts_ciphers_by_either_name)
{
    static const char *const names[][2] = {
        {"ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
        {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
         "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
        {"AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"},
        {"DHE-RSA-AES128-GCM-SHA256", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"},
    };
    only_1_2();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        done(tls_context_set_ciphers(server, names[i][0], &err));
        done(tls_context_set_ciphers(client, names[i][1], &err));
        ck_assert_str_eq(agreed()->cipher, names[i][1]);
    }
}
END_TEST

START_TEST(the_servers_order_decides)
{
    only_1_2();
    done(tls_context_set_ciphers(server, "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256",
                                 &err));
    done(tls_context_set_ciphers(client, "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384",
                                 &err));
    ck_assert_str_eq(agreed()->cipher, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
}
END_TEST

START_TEST(refuses_an_unknown_name_beside_known_ones)
{
    refused(tls_context_set_ciphers(
                server, "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GMC-SHA384", &err),
            "unknown TLS 1.2 cipher ECDHE-RSA-AES256-GMC-SHA384: did you mean "
            "ECDHE-RSA-AES256-GCM-SHA384?");
    refused(tls_context_set_ciphers(server, "ecdhe-rsa-aes128-gcm-sha256", &err),
            "did you mean ECDHE-RSA-AES128-GCM-SHA256?");
    refused(
        tls_context_set_ciphersuites(server, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA256", &err),
        "unknown TLS 1.3 suite TLS_AES_256_GCM_SHA256: did you mean TLS_AES_");
    refused(tls_context_set_groups(server, "X25519:P-265", &err),
            "unknown group P-265: did you mean P-256?");
    refused(tls_context_set_groups(server, "x", &err), "write one of ");
}
END_TEST

START_TEST(skips_what_is_optional_and_unknown)
{
    done(tls_context_set_ciphersuites(server, "?TLS_NOT_YET:TLS_AES_256_GCM_SHA384", &err));
    done(tls_context_set_groups(server, "P-384:?NotYet", &err));
    struct peer peer = *agreed();
    ck_assert_str_eq(peer.cipher, "TLS_AES_256_GCM_SHA384");
    ck_assert_str_eq(peer.group, "P-384");

    only_1_2();
    done(tls_context_set_ciphers(server, "?NOT-YET:?ECDHE-RSA-AES256-GCM-SHA384:?NOR-THIS", &err));
    ck_assert_str_eq(agreed()->cipher, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
}
END_TEST

START_TEST(refuses_a_list_of_which_nothing_is_left)
{
    refused(tls_context_set_ciphers(server, "?NOT-YET", &err), "none of these");
    refused(tls_context_set_ciphersuites(server, "?TLS_NOT_YET:?TLS_NOR_THIS", &err),
            "none of these");
    refused(tls_context_set_groups(server, "?NotYet", &err), "none of these");
}
END_TEST

START_TEST(refuses_expressions)
{
    static const char *const words[] = {"ALL", "HIGH", "DEFAULT", "ECDHE", "kRSA", "aNULL"};
    static const char *const operators[] = {
        "!aNULL",
        "-AES128-SHA",
        "+AES128-SHA",
        "@STRENGTH",
        "@SECLEVEL=0",
        "ECDHE+AESGCM",
        "AES128-SHA,AES256-SHA",
        "AES128-SHA AES256-SHA",
        "?!aNULL",
        "?",
        "??AES128-SHA",
        ":",
        "AES128-SHA:",
        ":AES128-SHA",
        "AES128-SHA::AES256-SHA",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        refused(tls_context_set_ciphers(server, words[i], &err), "means several");
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        refused(tls_context_set_ciphers(server, operators[i], &err), "without operators");
    refused(tls_context_set_ciphersuites(server, "TLS_AES_128_GCM_SHA256:", &err),
            "without operators");
    refused(tls_context_set_groups(server, "DEFAULT", &err), "means several");
    refused(tls_context_set_groups(server, "*X25519", &err), "without operators");
    refused(tls_context_set_groups(server, "X25519/P-256", &err), "without operators");
}
END_TEST

START_TEST(refuses_what_is_too_weak)
{
    static const char *const ciphers[] = {"NULL-SHA256", "ECDHE-RSA-NULL-SHA", "ADH-AES128-SHA256",
                                          "PSK-AES128-GCM-SHA256", "TLS_RSA_WITH_NULL_SHA256"};
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++)
        refused(tls_context_set_ciphers(server, ciphers[i], &err), "too weak");
    refused(tls_context_set_groups(server, "P-256:P-192", &err), "P-192 is too weak");
}
END_TEST

START_TEST(distinguishes_the_two_lists)
{
    refused(tls_context_set_ciphers(server, "TLS_AES_128_GCM_SHA256", &err),
            "write it in ciphersuites");
    refused(tls_context_set_ciphersuites(server, "AES128-GCM-SHA256", &err), "write it in ciphers");
}
END_TEST

START_TEST(accepts_suites_and_groups)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                         "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256"};
    static const char *const groups[] = {"X25519", "P-256", "P-384", "P-521", "X448"};
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        done(tls_context_set_ciphersuites(client, suites[i], &err));
        done(tls_context_set_ciphersuites(server, suites[i], &err));
        ck_assert_str_eq(agreed()->cipher, suites[i]);
    }
    done(tls_context_set_groups(client, "ffdhe2048:X25519:P-256:P-384:P-521:X448", &err));
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        done(tls_context_set_groups(server, groups[i], &err));
        ck_assert_str_eq(agreed()->group, groups[i]);
    }
    done(tls_context_set_groups(server, "secp384r1:prime256v1", &err));
    ck_assert_str_eq(agreed()->group, "P-384");
}
END_TEST

START_TEST(needs_one_round_trip_with_a_server_without_a_hybrid_group)
{
    struct pair pair;
    int fds[2];
    done(tls_context_set_groups(server, "X25519", &err));
    pair_sockets(false, fds);
    pair_tls(&pair, fds, client, server, "localhost");
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_WANT_READ);
    ck_assert_int_eq(transport_handshake(pair.server, &err).status, IO_WANT_READ);
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_OK);
    pair_done(&pair);
}
END_TEST

START_TEST(leaves_everything_as_it_was_for_an_empty_or_refused_list)
{
    done(tls_context_set_ciphersuites(server, "TLS_AES_256_GCM_SHA384", &err));
    done(tls_context_set_ciphersuites(server, "", &err));
    done(tls_context_set_ciphers(server, "", &err));
    done(tls_context_set_groups(server, "", &err));
    refused(tls_context_set_ciphersuites(server, "TLS_AES_128_GCM_SHA256:x", &err), "");
    refused(tls_context_set_groups(server, "P-384:x", &err), "");
    struct peer peer = *agreed();
    ck_assert_str_eq(peer.cipher, "TLS_AES_256_GCM_SHA384");
    ck_assert_str_ne(peer.group, "P-384");
}
END_TEST

START_TEST(lists_what_the_library_offers)
{
    ck_assert(tls_has_group("X25519"));
    ck_assert(!tls_has_group("P-192"));
    ck_assert(!tls_has_group("NotYet"));
    ck_assert_ptr_eq(strstr(tls_features(), "X25519MLKEM768: "), tls_features());
    ck_assert_ptr_nonnull(strstr(tls_features(), "groups: "));
    ck_assert_ptr_nonnull(strstr(tls_features(), "X25519, X448, P-256, P-384"));
    ck_assert_ptr_nonnull(strstr(tls_features(), "TLS_CHACHA20_POLY1305_SHA256"));
    ck_assert_ptr_eq(tls_features(), tls_features());
}
END_TEST

static const char *const http[] = {"h2", "http/1.1"};
static const char *const both[] = {"http/1.1", "h2", "echo"};

START_TEST(prefers_a_protocol_in_the_servers_order)
{
    done(tls_context_set_alpn(server, both, 3, &err));
    done(tls_context_set_alpn(client, http, 2, &err));
    ck_assert_str_eq(agreed()->alpn, "http/1.1");
    only_1_2();
    done(tls_context_set_alpn(server, both + 1, 2, &err));
    ck_assert_str_eq(agreed()->alpn, "h2");
}
END_TEST

START_TEST(ends_the_handshake_where_no_protocol_matches)
{
    struct peer peer;
    done(tls_context_set_alpn(server, both + 2, 1, &err));
    done(tls_context_set_alpn(client, http, 2, &err));
    ck_assert_int_eq(shake(&peer), IO_FAILED);
    ck_assert_int_eq(err.alert, NO_APPLICATION_PROTOCOL);
    only_1_2();
    ck_assert_int_eq(shake(&peer), IO_FAILED);
    ck_assert_int_eq(err.alert, NO_APPLICATION_PROTOCOL);
}
END_TEST

START_TEST(omits_alpn_if_either_side_has_none)
{
    done(tls_context_set_alpn(server, both, 3, &err));
    ck_assert_str_eq(agreed()->alpn, "");
    done(tls_context_set_alpn(client, http, 2, &err));
    done(tls_context_set_alpn(server, NULL, 0, &err));
    ck_assert_str_eq(agreed()->alpn, "");
    done(tls_context_set_alpn(server, both, 3, &err));
    done(tls_context_set_alpn(client, NULL, 0, &err));
    ck_assert_str_eq(agreed()->alpn, "");
}
END_TEST

START_TEST(accepts_protocols_of_one_to_255_bytes)
{
    char longest[256], longer[257];
    memset(longest, 'x', sizeof longest);
    longest[255] = '\0';
    memset(longer, 'x', sizeof longer);
    longer[256] = '\0';
    const char *name = longest;
    done(tls_context_set_alpn(server, &name, 1, &err));
    done(tls_context_set_alpn(client, &name, 1, &err));
    ck_assert_str_eq(agreed()->alpn, longest);
    name = longer;
    refused(tls_context_set_alpn(server, &name, 1, &err), "has 1 to 255 bytes");
    name = "";
    refused(tls_context_set_alpn(server, &name, 1, &err), "has 1 to 255 bytes");

    const char *many[300];
    for (size_t i = 0; i < 300; i++)
        many[i] = longest;
    refused(tls_context_set_alpn(server, many, 300, &err), "are too long in total");
    ck_assert_str_eq(agreed()->alpn, longest);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_policy");
    TCase *tcase = tcase_create("lists");
    tcase_add_unchecked_fixture(tcase, make_keys, free_keys);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, offers_and_accepts_modern_ciphers_by_default);
    tcase_add_test(tcase, accepts_nothing_without_forward_secrecy_or_aead_by_default);
    tcase_add_test(tcase, accepts_ciphers_by_either_name);
    tcase_add_test(tcase, the_servers_order_decides);
    tcase_add_test(tcase, refuses_an_unknown_name_beside_known_ones);
    tcase_add_test(tcase, skips_what_is_optional_and_unknown);
    tcase_add_test(tcase, refuses_a_list_of_which_nothing_is_left);
    tcase_add_test(tcase, refuses_expressions);
    tcase_add_test(tcase, refuses_what_is_too_weak);
    tcase_add_test(tcase, distinguishes_the_two_lists);
    tcase_add_test(tcase, accepts_suites_and_groups);
    tcase_add_test(tcase, needs_one_round_trip_with_a_server_without_a_hybrid_group);
    tcase_add_test(tcase, leaves_everything_as_it_was_for_an_empty_or_refused_list);
    tcase_add_test(tcase, lists_what_the_library_offers);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("alpn");
    tcase_add_unchecked_fixture(tcase, make_keys, free_keys);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, prefers_a_protocol_in_the_servers_order);
    tcase_add_test(tcase, ends_the_handshake_where_no_protocol_matches);
    tcase_add_test(tcase, omits_alpn_if_either_side_has_none);
    tcase_add_test(tcase, accepts_protocols_of_one_to_255_bytes);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
