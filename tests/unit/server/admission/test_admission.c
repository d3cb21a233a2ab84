/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/admission.h"

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>

#include "loopback.h"
#include "suite.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/thread.h"
#include "yaml_snapshot.h"

static const struct config_snapshot *snapshot;
static struct admission *admission;

static void limit(const char *limits)
{
    config_snapshot_free(snapshot);
    snapshot = yaml_snapshot("listeners: [{ listen: tcp://127.0.0.1, deny: [192.0.2.66, unix],\n"
                             "allow: [192.0.2.0/24, '2001:db8::/32', unix] },\n"
                             "{ listen: tcp://127.0.0.2 },\n"
                             "{ listen: tcp://127.0.0.3, allow: [192.0.2.0/24] }]\n"
                             "limits: {%s}",
                             limits);
    admission_limit(admission, snapshot->config);
}

static void set_up(void)
{
    struct error err;
    ck_assert_int_eq(admission_new(&admission, &err), 0);
    snapshot = NULL;
}

static void tear_down(void)
{
    admission_free(admission);
    config_snapshot_free(snapshot);
}

static enum admission_refusal accepted(uint64_t now_us, struct admission_pass *pass)
{
    *pass = (struct admission_pass){.admission = NULL};
    return admission_accept(admission, now_us, pass);
}

/* Of the listener that allows and denies, or of the one that does not. */
static enum admission_refusal from(int listener, const char *source, struct admission_pass *pass)
{
    struct address address = loopback_address(source);
    *pass = (struct admission_pass){.admission = NULL};
    return admission_source(admission, &snapshot->config->listeners[listener], &address, pass);
}

enum { CHOOSY, OPEN, STRICT };

START_TEST(without_limits_every_connection_is_accepted)
{
    struct admission_pass pass;
    limit("connections: 0");
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(accepted(0, &pass), ADMISSION_GRANTED);
        ck_assert_int_eq(from(OPEN, "tcp://127.0.0.1", &pass), ADMISSION_GRANTED);
    }
    for (int i = 0; i < ADMISSION_REFUSALS; i++)
        ck_assert_uint_eq(admission_refused(admission, (enum admission_refusal)i), 0);
}
END_TEST

static const struct {
    const char *source;
    enum admission_refusal refusal;
} sources[] = {
    {"tcp://192.0.2.1", ADMISSION_GRANTED},        {"tcp://[::ffff:192.0.2.1]", ADMISSION_GRANTED},
    {"tcp://[2001:db8::1]", ADMISSION_GRANTED},    {"tcp://192.0.2.66", ADMISSION_DENY},
    {"tcp://[::ffff:192.0.2.66]", ADMISSION_DENY}, {"tcp://192.0.3.1", ADMISSION_ALLOW},
    {"tcp://[2001:db9::1]", ADMISSION_ALLOW},      {"unix:///x", ADMISSION_DENY},
};

START_TEST(denies_before_it_allows)
{
    struct admission_pass pass;
    limit("per_source: 5");
    ck_assert_int_eq(from(CHOOSY, sources[_i].source, &pass), sources[_i].refusal);
    ck_assert_uint_eq(admission_refused(admission, ADMISSION_DENY),
                      sources[_i].refusal == ADMISSION_DENY);
    ck_assert_uint_eq(admission_refused(admission, ADMISSION_ALLOW),
                      sources[_i].refusal == ADMISSION_ALLOW);
    admission_over(&pass);
    ck_assert_int_eq(from(OPEN, sources[_i].source, &pass), ADMISSION_GRANTED);
    admission_over(&pass);
}
END_TEST

START_TEST(one_network_that_is_allowed_excludes_all_others)
{
    struct admission_pass pass;
    limit("connections: 0");
    ck_assert_int_eq(from(STRICT, "tcp://192.0.2.1", &pass), ADMISSION_GRANTED);
    ck_assert_int_eq(from(STRICT, "tcp://192.0.3.1", &pass), ADMISSION_ALLOW);
    ck_assert_int_eq(from(STRICT, "unix:///x", &pass), ADMISSION_ALLOW);
}
END_TEST

static enum datagram_drop dropped(int listener, const char *source)
{
    struct address address = loopback_address(source);
    return admission_datagram(admission, &snapshot->config->listeners[listener], &address, 1000);
}

START_TEST(datagrams_are_dropped_by_the_same_rules_and_beyond_their_rate)
{
    limit("datagram_rate: 1");
    ck_assert_int_eq(dropped(CHOOSY, "udp://192.0.2.66:1"), DATAGRAM_DROP_DENY);
    ck_assert_int_eq(dropped(CHOOSY, "udp://192.0.3.1:1"), DATAGRAM_DROP_ALLOW);
    ck_assert_int_eq(dropped(STRICT, "udp://192.0.3.1:1"), DATAGRAM_DROP_ALLOW);
    ck_assert_int_eq(dropped(CHOOSY, "udp://192.0.2.1:1"), DATAGRAM_KEPT);
    ck_assert_int_eq(dropped(STRICT, "udp://192.0.2.1:1"), DATAGRAM_DROP_RATE);
    ck_assert_int_eq(dropped(OPEN, "udp://192.0.3.1:1"), DATAGRAM_KEPT);
    limit("datagram_rate: 0");
    ck_assert_int_eq(dropped(OPEN, "udp://192.0.3.1:1"), DATAGRAM_KEPT);
}
END_TEST

START_TEST(a_connection_beyond_the_rate_is_not_counted_as_open)
{
    struct admission_pass pass;
    limit("connections: 1, accept_rate: 1");
    ck_assert_int_eq(accepted(0, &pass), ADMISSION_GRANTED);
    admission_over(&pass);
    ck_assert_int_eq(accepted(0, &pass), ADMISSION_ACCEPT_RATE);
    ck_assert_int_eq(accepted(2000000, &pass), ADMISSION_GRANTED);
}
END_TEST

START_TEST(accepts_connections_up_to_the_limit_and_another_when_one_is_over)
{
    struct admission_pass passes[2], other;
    limit("connections: 2");
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(accepted(0, &passes[i]), ADMISSION_GRANTED);
    for (uint64_t i = 1; i <= 3; i++) {
        ck_assert_int_eq(accepted(0, &other), ADMISSION_CONNECTIONS);
        ck_assert_uint_eq(admission_refused(admission, ADMISSION_CONNECTIONS), i);
    }
    admission_over(&other); /* holds nothing */
    ck_assert_int_eq(accepted(0, &other), ADMISSION_CONNECTIONS);
    admission_over(&passes[0]);
    admission_over(&passes[0]); /* once is enough */
    ck_assert_int_eq(accepted(0, &passes[0]), ADMISSION_GRANTED);
    ck_assert_int_eq(accepted(0, &other), ADMISSION_CONNECTIONS);
}
END_TEST

START_TEST(handshakes_are_too_many_from_one_above_the_limit_until_they_are_over)
{
    struct admission_pass passes[3], none = {.admission = NULL};
    limit("handshakes: 2");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(accepted(0, &passes[i]), ADMISSION_GRANTED);
        ck_assert(!admission_handshakes_exceeded(admission));
        admission_handshake_begins(&passes[i]);
    }
    ck_assert(admission_handshakes_exceeded(admission));
    limit("handshakes: 3");
    ck_assert(!admission_handshakes_exceeded(admission));
    limit("handshakes: 0");
    ck_assert(!admission_handshakes_exceeded(admission));
    limit("handshakes: 1");

    admission_handshake_over(&passes[0]);
    admission_handshake_over(&passes[0]);
    ck_assert(admission_handshakes_exceeded(admission));
    admission_over(&passes[0]); /* its handshake is over already */
    ck_assert(admission_handshakes_exceeded(admission));
    admission_over(&passes[1]); /* in the middle of its handshake */
    ck_assert(!admission_handshakes_exceeded(admission));
    admission_handshake_begins(&none);
    admission_over(&none);
    ck_assert(!admission_handshakes_exceeded(NULL));
    admission_over(&passes[2]);
}
END_TEST

START_TEST(accepts_the_rate_of_a_second_at_once_and_then_at_that_rate)
{
    enum { SECOND = 1000000 };
    struct admission_pass pass;
    limit("accept_rate: 3");
    for (uint64_t us = SECOND; us < 4 * SECOND; us += SECOND) {
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(accepted(us, &pass), ADMISSION_GRANTED);
        ck_assert_int_eq(accepted(us, &pass), ADMISSION_ACCEPT_RATE);
        ck_assert_int_eq(accepted(us + SECOND / 4, &pass), ADMISSION_ACCEPT_RATE);
    }
    ck_assert_uint_eq(admission_refused(admission, ADMISSION_ACCEPT_RATE), 6);
}
END_TEST

START_TEST(a_connection_refused_by_another_limit_uses_no_rate)
{
    struct admission_pass first, second;
    limit("connections: 1, accept_rate: 2");
    ck_assert_int_eq(accepted(0, &first), ADMISSION_GRANTED);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(accepted(0, &second), ADMISSION_CONNECTIONS);
    admission_over(&first);
    ck_assert_int_eq(accepted(0, &second), ADMISSION_GRANTED);
}
END_TEST

static const struct {
    const char *first, *second;
    bool same;
} pairs[] = {
    {"tcp://192.0.2.1:1", "tcp://192.0.2.1:2", true},
    {"tcp://192.0.2.1", "tcp://192.0.2.2", false},
    {"tcp://192.0.2.1", "tcp://[::ffff:192.0.2.1]", true},
    {"tcp://[2001:db8::1]", "tcp://[2001:db8::ffff:1]", true},
    {"tcp://[2001:db8:0:1::1]", "tcp://[2001:db8:0:2::1]", false},
    {"tcp://0.0.0.0", "tcp://[::]", false},
};

START_TEST(an_address_or_an_ipv6_64_is_one_source)
{
    struct admission_pass first, second;
    limit("per_source: 1");
    ck_assert_int_eq(from(OPEN, pairs[_i].first, &first), ADMISSION_GRANTED);
    ck_assert_int_eq(from(OPEN, pairs[_i].second, &second),
                     pairs[_i].same ? ADMISSION_PER_SOURCE : ADMISSION_GRANTED);
    admission_over(&second);
    admission_over(&first);
    ck_assert_int_eq(from(OPEN, pairs[_i].second, &second), ADMISSION_GRANTED);
    admission_over(&second);
}
END_TEST

START_TEST(unix_sockets_have_no_source)
{
    struct admission_pass pass;
    limit("per_source: 1");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(from(OPEN, "unix:///x", &pass), ADMISSION_GRANTED);
}
END_TEST

START_TEST(many_sources_are_kept_apart)
{
    enum { SOURCES = 100000 };
    static struct admission_pass passes[SOURCES];
    struct address address = loopback_address("tcp://10.0.0.0");
    struct admission_pass refused = {.admission = NULL};
    limit("per_source: 1");
    const struct config_listener *listener = &snapshot->config->listeners[OPEN];
    unsigned wrong = 0;
    for (int turn = 0; turn < 2; turn++) {
        for (uint32_t i = 0; i < SOURCES; i++) {
            address.ipv4.sin_addr.s_addr = htonl(i);
            wrong +=
                admission_source(admission, listener, &address, &passes[i]) != ADMISSION_GRANTED;
            wrong +=
                admission_source(admission, listener, &address, &refused) != ADMISSION_PER_SOURCE;
        }
        for (uint32_t i = 0; i < SOURCES; i++)
            admission_over(&passes[i]);
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(a_reload_changes_the_limits_and_keeps_the_counts)
{
    struct admission_pass passes[3], other;
    limit("connections: 3, per_source: 3");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(from(OPEN, "tcp://192.0.2.1", &passes[i]), ADMISSION_GRANTED);
        ck_assert_int_eq(admission_accept(admission, 0, &passes[i]), ADMISSION_GRANTED);
    }
    ck_assert_int_eq(accepted(0, &other), ADMISSION_CONNECTIONS);

    limit("connections: 2, per_source: 2");
    ck_assert_int_eq(accepted(0, &other), ADMISSION_CONNECTIONS);
    ck_assert_uint_eq(admission_refused(admission, ADMISSION_CONNECTIONS), 2);
    ck_assert_int_eq(from(OPEN, "tcp://192.0.2.1", &other), ADMISSION_PER_SOURCE);
    admission_over(&passes[0]);
    ck_assert_int_eq(accepted(0, &other), ADMISSION_CONNECTIONS);
    ck_assert_int_eq(from(OPEN, "tcp://192.0.2.1", &other), ADMISSION_PER_SOURCE);
    admission_over(&passes[1]);
    ck_assert_int_eq(accepted(0, &other), ADMISSION_GRANTED);
    ck_assert_int_eq(from(OPEN, "tcp://192.0.2.1", &passes[1]), ADMISSION_GRANTED);

    limit("connections: 0, per_source: 0");
    ck_assert_int_eq(from(OPEN, "tcp://192.0.2.1", &other), ADMISSION_GRANTED);
    ck_assert_int_eq(accepted(0, &other), ADMISSION_GRANTED);
    admission_over(&other);
    admission_over(&passes[1]);
    admission_over(&passes[2]);
}
END_TEST

START_TEST(a_reload_with_the_same_rate_does_not_refill_the_bucket)
{
    struct admission_pass pass;
    limit("accept_rate: 1");
    ck_assert_int_eq(accepted(0, &pass), ADMISSION_GRANTED);
    limit("accept_rate: 1, connections: 100");
    ck_assert_int_eq(accepted(0, &pass), ADMISSION_ACCEPT_RATE);
    limit("accept_rate: 2");
    ck_assert_int_eq(accepted(0, &pass), ADMISSION_GRANTED);
}
END_TEST

START_TEST(a_connection_that_cannot_be_served_is_counted_and_released)
{
    struct admission_pass pass, none = {.admission = NULL};
    limit("connections: 1");
    ck_assert_int_eq(accepted(0, &pass), ADMISSION_GRANTED);
    admission_revoke(&pass, ADMISSION_MEMORY);
    ck_assert_uint_eq(admission_refused(admission, ADMISSION_MEMORY), 1);
    ck_assert_int_eq(accepted(0, &pass), ADMISSION_GRANTED);
    admission_revoke(&none, ADMISSION_MEMORY);
    ck_assert_uint_eq(admission_refused(admission, ADMISSION_MEMORY), 1);
}
END_TEST

START_TEST(every_refusal_has_a_word_of_its_own_and_a_sentence)
{
    for (int i = 0; i < ADMISSION_REFUSALS; i++) {
        ck_assert_str_ne(admission_refusal_reason((enum admission_refusal)i), "");
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(admission_refusal_name((enum admission_refusal)i),
                             admission_refusal_name((enum admission_refusal)j));
    }
}
END_TEST

enum { WORKERS = 3 };

/*
 * As in workers: each thread opens and closes connections from the same sources, so often that
 * they meet in the table on a busy machine too.
 */
static void *come_and_go(void *sources_in_common)
{
    enum { TIMES = 200000 };
    const uint32_t *count = sources_in_common;
    struct address address = loopback_address("tcp://192.0.2.0");
    for (uint32_t i = 0; i < TIMES; i++) {
        struct admission_pass pass = {.admission = NULL};
        address.ipv4.sin_addr.s_addr = htonl(i % *count);
        admission_source(admission, &snapshot->config->listeners[OPEN], &address, &pass);
        admission_over(&pass);
    }
    return NULL;
}

static void let_workers_come_and_go(uint32_t sources_in_common)
{
    pthread_t threads[WORKERS];
    struct error err;
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(thread_start(&threads[i], "worker", come_and_go, &sources_in_common, &err),
                         0);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
}

START_TEST(workers_may_start_and_end_connections_at_once)
{
    struct admission_pass passes[2], refused;
    limit("per_source: 2");
    let_workers_come_and_go(3);
    for (int i = 0; i < 2; i++) /* no count is left over */
        ck_assert_int_eq(from(OPEN, "tcp://0.0.0.1", &passes[i]), ADMISSION_GRANTED);
    ck_assert_int_eq(from(OPEN, "tcp://0.0.0.1", &refused), ADMISSION_PER_SOURCE);
    for (int i = 0; i < 2; i++)
        admission_over(&passes[i]);
}
END_TEST

START_TEST(a_source_is_counted_right_while_its_connections_open_and_close_at_once)
{
    struct admission_pass passes[1 + WORKERS], refused;
    limit("per_source: 4");
    ck_assert_int_eq(from(OPEN, "tcp://0.0.0.0", &passes[0]), ADMISSION_GRANTED);
    let_workers_come_and_go(1);
    ck_assert_uint_eq(admission_refused(admission, ADMISSION_PER_SOURCE), 0);
    for (int i = 1; i <= WORKERS; i++)
        ck_assert_int_eq(from(OPEN, "tcp://0.0.0.0", &passes[i]), ADMISSION_GRANTED);
    ck_assert_int_eq(from(OPEN, "tcp://0.0.0.0", &refused), ADMISSION_PER_SOURCE);
    for (int i = 0; i <= WORKERS; i++)
        admission_over(&passes[i]);
}
END_TEST

/* How many of many tries of all workers at one time, so that no token comes back, succeed. */
enum { TRIES = 60000, TOKENS = 100000, NOW_US = 1000 };
static atomic_uint succeeded;

static void *accept_all(void *nothing)
{
    struct admission_pass pass = {.admission = NULL};
    unsigned count = 0;
    for (int i = 0; i < TRIES; i++) {
        count += admission_accept(admission, NOW_US, &pass) == ADMISSION_GRANTED;
        admission_over(&pass);
    }
    succeeded += count;
    return nothing;
}

static void *take_all_datagrams(void *nothing)
{
    struct address source = loopback_address("udp://192.0.2.1:1");
    unsigned count = 0;
    for (int i = 0; i < TRIES; i++)
        count += admission_datagram(admission, &snapshot->config->listeners[OPEN], &source,
                                    NOW_US) == DATAGRAM_KEPT;
    succeeded += count;
    return nothing;
}

START_TEST(workers_share_a_rate_and_take_each_of_its_tokens_once)
{
    pthread_t threads[WORKERS];
    struct error err;
    limit("accept_rate: 100000, datagram_rate: 100000");
    succeeded = 0;
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(
            thread_start(&threads[i], "worker", _i ? accept_all : take_all_datagrams, NULL, &err),
            0);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(succeeded, TOKENS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admission");
    TCase *tcase = tcase_create("admission");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, without_limits_every_connection_is_accepted);
    tcase_add_loop_test(tcase, denies_before_it_allows, 0, sizeof sources / sizeof *sources);
    tcase_add_test(tcase, one_network_that_is_allowed_excludes_all_others);
    tcase_add_test(tcase, datagrams_are_dropped_by_the_same_rules_and_beyond_their_rate);
    tcase_add_test(tcase, a_connection_beyond_the_rate_is_not_counted_as_open);
    tcase_add_test(tcase, accepts_connections_up_to_the_limit_and_another_when_one_is_over);
    tcase_add_test(tcase, handshakes_are_too_many_from_one_above_the_limit_until_they_are_over);
    tcase_add_test(tcase, accepts_the_rate_of_a_second_at_once_and_then_at_that_rate);
    tcase_add_test(tcase, a_connection_refused_by_another_limit_uses_no_rate);
    tcase_add_loop_test(tcase, an_address_or_an_ipv6_64_is_one_source, 0,
                        sizeof pairs / sizeof *pairs);
    tcase_add_test(tcase, unix_sockets_have_no_source);
    tcase_add_test(tcase, many_sources_are_kept_apart);
    tcase_add_test(tcase, a_reload_changes_the_limits_and_keeps_the_counts);
    tcase_add_test(tcase, a_reload_with_the_same_rate_does_not_refill_the_bucket);
    tcase_add_test(tcase, a_connection_that_cannot_be_served_is_counted_and_released);
    tcase_add_test(tcase, every_refusal_has_a_word_of_its_own_and_a_sentence);
    tcase_add_test(tcase, workers_may_start_and_end_connections_at_once);
    tcase_add_test(tcase, a_source_is_counted_right_while_its_connections_open_and_close_at_once);
    tcase_add_loop_test(tcase, workers_share_a_rate_and_take_each_of_its_tokens_once, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
