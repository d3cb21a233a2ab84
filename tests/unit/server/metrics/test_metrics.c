/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/metrics.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "yaml_snapshot.h"

static struct metrics metrics;
static struct metrics_shard *shards[2];
static const struct config_snapshot *snapshot;
static char *text; /* what was printed last */

static void set_up(void)
{
    metrics_init(&metrics);
    for (int i = 0; i < 2; i++) {
        shards[i] = metrics_shard_new();
        metrics_add_shard(&metrics, shards[i]);
    }
}

static void tear_down(void)
{
    metrics_done(&metrics);
    for (int i = 0; i < 2; i++)
        metrics_shard_free(shards[i]);
    config_snapshot_free(snapshot);
    snapshot = NULL;
    free(text);
    text = NULL;
}

/* From now on these are the listeners of the configuration. */
static void adopt(const char *listeners)
{
    const struct config_snapshot *next = yaml_snapshot("listeners: [%s]\n", listeners);
    metrics_adopt(&metrics, next);
    config_snapshot_free(snapshot);
    snapshot = next;
}

/* The value of a series as it is printed; NULL = there is none. */
static const char *value_of(const char *series)
{
    static char value[64];
    size_t size = 0;
    free(text);
    text = NULL;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    metrics_print(&metrics, out);
    fclose(out);
    for (const char *at = text; (at = strstr(at, series)); at++)
        if ((at == text || at[-1] == '\n') && at[strlen(series)] == ' ') {
            sscanf(at + strlen(series), "%63s", value);
            return value;
        }
    return NULL;
}

static unsigned slot_of(size_t listener)
{
    return metrics_slot(&metrics, &snapshot->config->listeners[listener]);
}

static struct metrics_listener *counting(int shard, size_t listener)
{
    return &shards[shard]->listeners[slot_of(listener)];
}

START_TEST(sums_over_all_threads)
{
    adopt("{ listen: 'tcp://127.0.0.1:1', name: a }");
    metrics_add(&counting(0, 0)->accepted, 2);
    metrics_add(&counting(1, 0)->accepted, 3);
    metrics_add(&counting(1, 0)->received_bytes, 1000);
    metrics_count_end(shards[1], slot_of(0), ENDPOINT_TCP, CONN_END_CUT, 1);
    struct metrics_sum sum;
    ck_assert(metrics_sum(&metrics, slot_of(0), &sum));
    ck_assert_uint_eq(sum.accepted, 5);
    ck_assert_uint_eq(sum.live, 4);
    ck_assert_uint_eq(sum.received_bytes, 1000);
    ck_assert_uint_eq(sum.ended[CONN_END_CUT], 1);
    ck_assert_str_eq(
        value_of("tlsecho_connections_accepted_total{listener=\"a\",transport=\"tcp\"}"), "5");
    ck_assert_str_eq(value_of("tlsecho_connections_ended_total{listener=\"a\",transport=\"tcp\","
                              "end=\"cut\"}"),
                     "1");
}
END_TEST

START_TEST(the_identity_is_the_labels_of_an_info_metric)
{
    setenv("TLSECHO_TEST_POD", "echo-0 \"a\"", 1);
    snapshot = yaml_snapshot("listeners: [{ listen: 'tcp://127.0.0.1:1' }]\n"
                             "identity: { name: web-1, env: [ TLSECHO_TEST_POD ] }\n");
    metrics_adopt(&metrics, snapshot);
    ck_assert_str_eq(value_of("tlsecho_identity_info{identity=\"web-1\","
                              "env_TLSECHO_TEST_POD=\"echo-0 \\\"a\\\"\"}"),
                     "1");
}
END_TEST

START_TEST(a_listener_keeps_its_counters_over_a_reload_by_name_and_transport)
{
    adopt("{ listen: 'tcp://127.0.0.1:1', name: a }, { listen: 'tcp://127.0.0.1:2', name: b }");
    metrics_add(&counting(0, 0)->accepted, 1);
    metrics_add(&counting(0, 1)->accepted, 2);
    adopt("{ listen: 'tcp://127.0.0.1:3', name: b }, { listen: 'unix:///tmp/x', name: a }");
    ck_assert_uint_eq(metrics_read(&counting(0, 0)->accepted), 2);
    ck_assert_uint_eq(metrics_read(&counting(0, 1)->accepted), 0); /* another transport */
    ck_assert_str_eq(
        value_of("tlsecho_connections_accepted_total{listener=\"a\",transport=\"tcp\"}"), "1");
    ck_assert_str_eq(
        value_of("tlsecho_connections_accepted_total{listener=\"a\",transport=\"unix\"}"), "0");
    ck_assert_str_eq(value_of("tlsecho_reloads_total{result=\"ok\"}"), "1");
}
END_TEST

START_TEST(names_beyond_the_limit_share_the_last_slot)
{
    char listener[64];
    for (int i = 0; i < METRICS_LISTENERS + 3; i++) {
        snprintf(listener, sizeof listener, "{ listen: 'tcp://127.0.0.1:1', name: n%d }", i);
        adopt(listener);
    }
    ck_assert_uint_eq(slot_of(0), METRICS_LISTENERS - 1);
    ck_assert_ptr_null(
        value_of("tlsecho_connections_active{listener=\"other\",transport=\"other\"}"));
    metrics_add(&counting(0, 0)->accepted, 1);
    ck_assert_str_eq(value_of("tlsecho_connections_active{listener=\"other\",transport=\"other\"}"),
                     "1");
    adopt("{ listen: 'tcp://127.0.0.1:1', name: n7 }");
    ck_assert_uint_eq(slot_of(0), 7);
}
END_TEST

START_TEST(a_handshake_counts_by_version_group_and_result)
{
    adopt("{ listen: 'tcp://127.0.0.1:1' }");
    struct peer peer = {.version = "TLSv1.3", .group = "X25519", .sni = "never.a.label"};
    metrics_count_handshake(shards[0], &peer, CONN_END_NONE, 3000);
    metrics_count_handshake(shards[1], &peer, CONN_END_NONE, 700);
    peer.resumed = true;
    metrics_count_handshake(shards[1], &peer, CONN_END_NONE, 700);
    metrics_count_handshake(shards[1], &(struct peer){.tls = true}, CONN_END_HANDSHAKE, 700);
    ck_assert_str_eq(value_of("tlsecho_handshakes_total{version=\"TLSv1.3\",group=\"X25519\","
                              "resumed=\"false\",result=\"ok\"}"),
                     "2");
    ck_assert_str_eq(value_of("tlsecho_handshakes_total{version=\"TLSv1.3\",group=\"X25519\","
                              "resumed=\"true\",result=\"ok\"}"),
                     "1");
    ck_assert_str_eq(value_of("tlsecho_handshakes_total{version=\"none\",group=\"none\","
                              "resumed=\"false\",result=\"handshake_failed\"}"),
                     "1");
    ck_assert_str_eq(value_of("tlsecho_handshake_duration_seconds_count{resumed=\"false\"}"), "2");
    ck_assert_str_eq(value_of("tlsecho_handshake_duration_seconds_sum{resumed=\"false\"}"),
                     "0.003700");
    ck_assert_ptr_null(strstr(text, "never.a.label"));
}
END_TEST

START_TEST(a_group_that_is_not_in_the_list_is_other)
{
    adopt("{ listen: 'tcp://127.0.0.1:1' }");
    struct peer peer = {.version = "TLSv1.9", .group = "made-up"};
    metrics_count_handshake(shards[0], &peer, CONN_END_NONE, 1);
    ck_assert_str_eq(value_of("tlsecho_handshakes_total{version=\"other\",group=\"other\","
                              "resumed=\"false\",result=\"ok\"}"),
                     "1");
}
END_TEST

START_TEST(a_bucket_counts_its_bound_and_everything_below)
{
    adopt("{ listen: 'tcp://127.0.0.1:1' }");
    const uint64_t second_us = 1000000;
    metrics_count_end(shards[0], 0, ENDPOINT_TCP, CONN_END_CLOSED, second_us);
    metrics_count_end(shards[0], 0, ENDPOINT_TCP, CONN_END_CLOSED, second_us + 1);
    metrics_count_end(shards[0], 0, ENDPOINT_TCP, CONN_END_CLOSED, 1000 * 3600 * second_us);
#define BUCKET(le) "tlsecho_connection_duration_seconds_bucket{transport=\"tcp\",le=\"" le "\"}"
    ck_assert_str_eq(value_of(BUCKET("0.1")), "0");
    ck_assert_str_eq(value_of(BUCKET("1")), "1");
    ck_assert_str_eq(value_of(BUCKET("10")), "2");
    ck_assert_str_eq(value_of(BUCKET("86400")), "2");
    ck_assert_str_eq(value_of(BUCKET("+Inf")), "3");
    ck_assert_str_eq(value_of("tlsecho_connection_duration_seconds_count{transport=\"tcp\"}"), "3");
}
END_TEST

START_TEST(the_name_of_a_listener_is_escaped)
{
    adopt("{ listen: 'tcp://127.0.0.1:1', name: 'a\"b\\c' }");
    ck_assert_str_eq(
        value_of("tlsecho_connections_active{listener=\"a\\\"b\\\\c\",transport=\"tcp\"}"), "0");
}
END_TEST

START_TEST(reports_a_refused_reload_until_one_succeeds)
{
    adopt("{ listen: 'tcp://127.0.0.1:1' }");
    ck_assert_str_eq(value_of("tlsecho_last_reload_successful"), "1");
    metrics_count_refused_reload(&metrics);
    ck_assert_str_eq(value_of("tlsecho_reloads_total{result=\"refused\"}"), "1");
    ck_assert_str_eq(value_of("tlsecho_last_reload_successful"), "0");
    adopt("{ listen: 'tcp://127.0.0.1:1' }");
    ck_assert_str_eq(value_of("tlsecho_last_reload_successful"), "1");
}
END_TEST

START_TEST(describes_the_process)
{
    adopt("{ listen: 'tcp://127.0.0.1:1' }");
    int before = atoi(value_of("process_open_fds"));
    FILE *another = fopen("/dev/null", "r");
    ck_assert_int_eq(atoi(value_of("process_open_fds")), before + 1);
    fclose(another);
    ck_assert_double_gt(atof(value_of("process_resident_memory_bytes")), 1e5);
    ck_assert_double_gt(atof(value_of("process_start_time_seconds")), 1.7e9);
    ck_assert_double_gt(atof(value_of("process_cpu_seconds_total")), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tcase = tcase_create("metrics");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_identity_is_the_labels_of_an_info_metric);
    tcase_add_test(tcase, sums_over_all_threads);
    tcase_add_test(tcase, a_listener_keeps_its_counters_over_a_reload_by_name_and_transport);
    tcase_add_test(tcase, names_beyond_the_limit_share_the_last_slot);
    tcase_add_test(tcase, a_handshake_counts_by_version_group_and_result);
    tcase_add_test(tcase, a_group_that_is_not_in_the_list_is_other);
    tcase_add_test(tcase, a_bucket_counts_its_bound_and_everything_below);
    tcase_add_test(tcase, the_name_of_a_listener_is_escaped);
    tcase_add_test(tcase, reports_a_refused_reload_until_one_succeeds);
    tcase_add_test(tcase, describes_the_process);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
