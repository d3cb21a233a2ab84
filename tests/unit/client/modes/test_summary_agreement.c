/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <jansson.h>
#include <string.h>

#include "suite.h"
#include "summary_internal.h"
#include "tlsecho/base/histogram.h"

#define COUNTS                                                                                     \
    "{\"clients\":2,\"clients_failed\":%d,\"times\":{\"clients\":%d},\"connections\":3,"           \
    "\"resumed\":%d,\"connect\":{\"count\":%d},\"handshake\":{\"count\":%d},\"messages\":20,"      \
    "\"latency\":{\"count\":%d},\"service\":{\"count\":%d}}"
enum { PARTS = 7 };
static const char *const more[PARTS] = {
    "clients_failed is more than clients",      "times.clients is more than clients",
    "resumed is more than connections",         "connect.count is more than connections",
    "handshake.count is more than connections", "latency.count is more than messages",
    "service.count is more than messages"};
static const int most[PARTS] = {2, 2, 3, 3, 3, 20, 20};

static const struct {
    const char *text, *says; /* NULL = it is taken */
} rates[] = {
    {"{\"duration\":0.3,\"messages\":1,\"messages_per_second\":3.33333333333333}", NULL},
    {"{\"duration\":0.3,\"messages\":1,\"messages_per_second\":3.3333}", "messages_per_second is"},
    {"{\"duration\":0.3,\"messages\":0,\"messages_per_second\":0.0}", NULL},
    {"{\"duration\":0.3,\"messages\":0,\"messages_per_second\":0.1}", "messages_per_second is"},
    {"{\"duration\":2,\"messages_per_second\":1}", "messages_per_second is"},
    {"{\"duration\":2,\"messages\":2,\"messages_per_second\":\"1\"}", "messages_per_second is"},
    {"{\"duration\":2,\"handshakes\":2,\"handshakes_per_second\":2}", "handshakes_per_second is"},
    {"{\"duration\":2,\"bytes_sent\":2,\"bytes_sent_per_second\":2}", "bytes_sent_per_second is"},
    {"{\"duration\":2,\"bytes_received\":2,\"bytes_received_per_second\":-1}",
     "bytes_received_per_second is not bytes_received / duration"},
    {"{\"duration\":2,\"messages\":2}", NULL},
};
enum { RATES = sizeof rates / sizeof *rates };

/* Of 1000 samples: 1 to 1000 us. */
static const struct {
    const char *text, *says;
} statistics[] = {
    {"{\"mean\":5.005e-4,\"p50\":5.00223e-4,\"p90\":9.00095e-4,\"p99\":9.90207e-4,"
     "\"p99_9\":9.99423e-4}",
     NULL},
    {"{\"p50\":5.1e-4}", "latency.p50 is not that of its histogram"},
    {"{\"p99_9\":9.90207e-4}", "latency.p99_9 is not that of its histogram"},
    {"{\"p99\":\"x\"}", "latency.p99 is not that of its histogram"},
    {"{\"p50\":0}", "latency.p50 is not that of its histogram"},
    {"{\"path\":1,\"p\":2,\"p_\":3,\"px0\":4,\"p5000000000000000000000\":5}", NULL},
};
enum { STATISTICS = sizeof statistics / sizeof *statistics };

static struct error err;

static json_t *parsed(const char *text)
{
    json_error_t at;
    json_t *json = json_loads(text, 0, &at);
    ck_assert_msg(json, "%s: %s", text, at.text);
    return json;
}

static void check(const char *text, int checked, const char *says)
{
    ck_assert_msg(checked == (says ? -1 : 0), "%s: %s", text, checked ? err.text : "taken");
    ck_assert_msg(!says || strstr(err.text, says) == err.text, "%s: %s", text, err.text);
}

static void check_agreement(const char *text, const char *says)
{
    json_t *json = parsed(text);
    check(text, summary_check_agreement(json, &err), says);
    json_decref(json);
}

START_TEST(a_part_is_not_more_than_its_whole)
{
    int n[PARTS];
    char text[512];
    memcpy(n, most, sizeof n);
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, COUNTS, n[0], n[1], n[2], n[3], n[4], n[5], n[6]);
        check_agreement(text, i ? more[_i] : NULL);
        n[_i]++;
    }
}
END_TEST

START_TEST(a_latency_of_a_handshake_is_of_a_handshake_that_was_counted)
{
    check_agreement("{\"handshakes\":2,\"latency\":{\"count\":3}}",
                    "latency.count is more than handshakes");
    check_agreement("{\"latency\":{\"count\":3}}", NULL);
}
END_TEST

START_TEST(a_rate_is_its_count_by_the_duration)
{
    check_agreement(rates[_i].text, rates[_i].says);
}
END_TEST

static struct histogram *samples(void)
{
    struct histogram *h = histogram_new();
    ck_assert_ptr_nonnull(h);
    for (uint64_t us = 1; us <= 1000; us++)
        histogram_record(h, us * 1000);
    return h;
}

START_TEST(quantiles_are_those_of_the_histogram)
{
    struct histogram *h = samples();
    json_t *json = parsed(statistics[_i].text);
    check(statistics[_i].text, summary_check_statistics(json, "latency", h, &err),
          statistics[_i].says);
    json_decref(json);
    histogram_free(h);
}
END_TEST

static void check_mean(uint64_t ns, double mean_ns, const char *says)
{
    struct histogram *h = histogram_new();
    struct histogram_summary all = {
        .count = 4, .min_ns = 1000000, .max_ns = ns, .mean_ns = mean_ns};
    histogram_restore(h, 1000000, 1);
    histogram_restore(h, ns, 3);
    ck_assert(histogram_restore_summary(h, &all));
    json_t *json = json_object();
    check("mean", summary_check_statistics(json, "latency", h, &err), says);
    json_decref(json);
    histogram_free(h);
}

START_TEST(a_mean_lies_within_the_buckets)
{
    const char *no = "latency.mean is not that of its histogram";
    check_mean(3000000, 2500000, NULL);
    check_mean(3000000, 2490000, no);
    check_mean(3000000, 2510000, no);
    check_mean(UINT64_C(9000000000000), 6.7e12, NULL); /* beyond the last bucket */
    check_mean(UINT64_C(9000000000000), 7e12, no);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("summary_agreement");
    TCase *tcase = tcase_create("agreement");
    tcase_add_loop_test(tcase, a_part_is_not_more_than_its_whole, 0, PARTS);
    tcase_add_test(tcase, a_latency_of_a_handshake_is_of_a_handshake_that_was_counted);
    tcase_add_loop_test(tcase, a_rate_is_its_count_by_the_duration, 0, RATES);
    tcase_add_loop_test(tcase, quantiles_are_those_of_the_histogram, 0, STATISTICS);
    tcase_add_test(tcase, a_mean_lies_within_the_buckets);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
