/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/session.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loopback.h"
#include "pair.h"
#include "suite.h"

static struct address address;
static int listening;
static struct options options;
static struct target target;
static struct session session;
static struct error err;

static void setup(void)
{
    address = loopback_address("tcp://127.0.0.1:0");
    listening = loopback_listen(&address, 8);
    target_init(&target, &options, &options.endpoint);
    session_init(&session, &target);
}

static void teardown(void)
{
    session_close(&session);
    target_done(&target);
    close(listening);
}

static void want(enum endpoint_scheme scheme)
{
    options = (struct options){.endpoint = {.scheme = scheme, .host = "127.0.0.1"},
                               .tls = scheme == ENDPOINT_TLS,
                               .family = AF_UNSPEC,
                               .connect_timeout_ms = 5000};
    options.endpoint.port = address_port(&address);
}

START_TEST(a_plain_session_has_both_addresses_and_the_time_of_each_phase)
{
    want(ENDPOINT_TCP);
    ck_assert_msg(session_open(&session, &err) == 0, "%s", err.text);
    ck_assert_int_eq(session.phase, PHASE_ECHO);
    ck_assert(address_equal(&session.peer, &address));
    ck_assert_uint_ne(address_port(&session.own), 0);
    ck_assert_uint_ne(session.phase_us[PHASE_DNS], SESSION_UNKNOWN_US);
    ck_assert_uint_ne(session.phase_us[PHASE_CONNECT], SESSION_UNKNOWN_US);
    ck_assert_uint_eq(session.phase_us[PHASE_HANDSHAKE], SESSION_UNKNOWN_US);
}
END_TEST

START_TEST(a_refused_connection_has_its_phase_and_address)
{
    want(ENDPOINT_TCP);
    close(listening);
    listening = -1;
    ck_assert_int_eq(session_open(&session, &err), -1);
    ck_assert_int_eq(session.phase, PHASE_CONNECT);
    ck_assert(address_equal(&session.peer, &address));
    ck_assert_uint_eq(session.phase_us[PHASE_CONNECT], SESSION_UNKNOWN_US);
}
END_TEST

START_TEST(an_invalid_name_fails_in_the_dns_phase)
{
    want(ENDPOINT_TCP);
    options.family = AF_INET6; /* not that of the address: no look-up is needed */
    ck_assert_int_eq(session_open(&session, &err), -1);
    ck_assert_int_eq(session.phase, PHASE_DNS);
    ck_assert_int_eq(err.kind, ERROR_DNS);
    ck_assert_uint_eq(session.peer.length, 0);
}
END_TEST

START_TEST(files_are_read_before_any_look_up_or_connection)
{
    want(ENDPOINT_TLS);
    options.cacert = "/nonexistent";
    ck_assert_int_eq(session_open(&session, &err), -1);
    ck_assert_int_eq(session.phase, PHASE_OPTIONS);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(a_source_must_be_an_address)
{
    want(ENDPOINT_TCP);
    options.source = "localhost";
    ck_assert_int_eq(session_open(&session, &err), -1);
    ck_assert_int_eq(session.phase, PHASE_OPTIONS);
    ck_assert_ptr_nonnull(strstr(err.text, "--source"));
}
END_TEST

START_TEST(the_source_option_sets_the_local_address)
{
    want(ENDPOINT_TCP);
    struct address source = loopback_address("tcp://127.0.0.3:0");
    options.source = "127.0.0.3";
    ck_assert_msg(session_open(&session, &err) == 0, "%s", err.text);
    address_set_port(&source, address_port(&session.own));
    ck_assert(address_equal(&session.own, &source));
}
END_TEST

START_TEST(tcp_and_tls_share_one_deadline)
{
    want(ENDPOINT_TLS);
    options.insecure = true;
    options.connect_timeout_ms = 100;
    ck_assert_int_eq(session_open(&session, &err), -1); /* nothing accepts */
    ck_assert_int_eq(session.phase, PHASE_HANDSHAKE);
    ck_assert_int_eq(err.kind, ERROR_TIMEOUT);
    ck_assert_uint_ne(session.phase_us[PHASE_CONNECT], SESSION_UNKNOWN_US);
    ck_assert_uint_eq(session.phase_us[PHASE_HANDSHAKE], SESSION_UNKNOWN_US);
}
END_TEST

START_TEST(the_next_session_uses_the_addresses_of_the_target)
{
    want(ENDPOINT_TCP);
    ck_assert_int_eq(session_open(&session, &err), 0);
    session_close(&session);
    options.source = "no address";          /* would be refused, */
    memset(options.endpoint.host, 'x', 64); /* and this cannot be looked up */
    ck_assert_msg(session_open(&session, &err) == 0, "%s", err.text);
    ck_assert(address_equal(&session.peer, &address));
    ck_assert_uint_eq(session.phase_us[PHASE_DNS], SESSION_UNKNOWN_US);
    ck_assert_uint_ne(session.phase_us[PHASE_CONNECT], SESSION_UNKNOWN_US);
}
END_TEST

START_TEST(forgotten_addresses_are_looked_up_again)
{
    want(ENDPOINT_TCP);
    options.family = AF_INET6;
    ck_assert_int_eq(session_open(&session, &err), -1);
    session_close(&session);
    options.family = AF_UNSPEC;
    ck_assert_msg(session_open(&session, &err) == 0, "%s", err.text);
    ck_assert_uint_ne(session.phase_us[PHASE_DNS], SESSION_UNKNOWN_US);
}
END_TEST

/* What is sent to the number of its descriptor reaches the peer of another now. */
START_TEST(a_session_that_was_hung_up_sends_nothing_when_it_is_closed)
{
    struct tls_context *contexts[2];
    struct pair pair;
    char byte;
    int ends[2], others[2];
    pair_contexts(&contexts[0], &contexts[1]);
    pair_sockets(false, ends);
    pair_sockets(false, others);
    pair_tls(&pair, ends, contexts[0], contexts[1], "server");
    pair_connect(&pair);
    session.transport = pair.client;
    transport_hang_up(pair.client);
    ck_assert_int_eq(dup2(others[0], ends[0]), ends[0]);
    session_close(&session);
    ck_assert_int_eq(recv(others[1], &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
    for (int i = 0; i < 2; i++) {
        close(others[i]);
        tls_context_free(contexts[i]);
    }
    close(ends[0]);
    pair.client = NULL;
    pair_done(&pair);
}
END_TEST

START_TEST(a_closed_session_can_be_closed_again)
{
    want(ENDPOINT_TCP);
    ck_assert_int_eq(session_open(&session, &err), 0);
    session_close(&session);
    session_close(&session);
    ck_assert_ptr_null(session.transport);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("session");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_plain_session_has_both_addresses_and_the_time_of_each_phase);
    tcase_add_test(cases, a_refused_connection_has_its_phase_and_address);
    tcase_add_test(cases, an_invalid_name_fails_in_the_dns_phase);
    tcase_add_test(cases, files_are_read_before_any_look_up_or_connection);
    tcase_add_test(cases, a_source_must_be_an_address);
    tcase_add_test(cases, the_source_option_sets_the_local_address);
    tcase_add_test(cases, tcp_and_tls_share_one_deadline);
    tcase_add_test(cases, the_next_session_uses_the_addresses_of_the_target);
    tcase_add_test(cases, forgotten_addresses_are_looked_up_again);
    tcase_add_test(cases, a_session_that_was_hung_up_sends_nothing_when_it_is_closed);
    tcase_add_test(cases, a_closed_session_can_be_closed_again);

    Suite *suite = suite_create("session");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
