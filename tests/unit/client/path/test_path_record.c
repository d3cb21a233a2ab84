/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "path_internal.h"
#include "suite.h"

static struct path p;
static enum path_event last_event;

static void remember(void *context, const struct path_verdict *verdict, enum path_event event,
                     const char *text)
{
    (void)context, (void)verdict, (void)text;
    last_event = event;
}

static void begin_stage(const char *name)
{
    p.stage = &p.verdict->stages[p.verdict->stage_count++];
    p.stage->name = name;
}

/* The server of that number is used from now on. */
static void use_server(size_t number, const char *endpoint, const char *address)
{
    static struct endpoint endpoints[OPTIONS_ENDPOINTS_MAX];
    struct error err;
    struct path_server *server = &p.verdict->servers[number];
    ck_assert_int_eq(endpoint_parse(endpoint, &endpoints[number], &err), 0);
    server->endpoint = &endpoints[number];
    server->address.ipv4.sin_family = AF_INET;
    server->address.length = sizeof server->address.ipv4;
    ck_assert_int_eq(inet_pton(AF_INET, address, &server->address.ipv4.sin_addr), 1);
    address_set_port(&server->address, endpoints[number].port);
    p.peers[number].about = server;
    p.peer = &p.peers[number];
}

static void set_up(void)
{
    static const struct path_watch watch = {.tell = remember};
    p = (struct path){.watch = &watch, .verdict = calloc(1, sizeof *p.verdict)};
    ck_assert_ptr_nonnull(p.verdict);
    use_server(0, "tls://a.test:7443", "192.0.2.1");
    begin_stage("client-hello");
}

static void tear_down(void)
{
    path_verdict_free(p.verdict);
}

static void is_found(size_t number, const char *name, uint64_t packet_bytes)
{
    ck_assert_uint_lt(number, p.verdict->finding_count);
    ck_assert_str_eq(p.verdict->findings[number].kind->name, name);
    ck_assert_uint_eq(p.verdict->findings[number].packet_bytes, packet_bytes);
}

START_TEST(a_finding_has_its_evidence_and_the_value_in_its_remedy)
{
    path_record_finding(&p, "hello-lost-above", "7 bytes", "%d of %d", 2, 2);
    is_found(0, "hello-lost-above", 0);
    ck_assert_str_eq(p.verdict->findings[0].evidence, "2 of 2");
    ck_assert_ptr_nonnull(strstr(p.verdict->findings[0].remedy, "pass 7 bytes;"));
}
END_TEST

START_TEST(what_explains_an_earlier_finding_takes_its_place)
{
    path_record_finding(&p, "hello-lost-above", "", "a");
    path_record_packet_limit(&p, PATH_TO_SERVER, 1340);
    path_record_finding(&p, "hello-split-refused", "", "b");
    begin_stage("size");
    path_record_finding(&p, "path-mtu-black-hole", "", "c");
    path_record_packet_limit(&p, PATH_TO_SERVER, 1340);
    ck_assert_uint_eq(p.verdict->finding_count, 2);
    is_found(0, "path-mtu-black-hole", 1340);
    ck_assert_str_eq(p.verdict->findings[0].evidence, "c");
    is_found(1, "hello-split-refused", 0);
    ck_assert_ptr_nonnull(strstr(p.stage->notes[0], "hello-lost-above"));
}
END_TEST

START_TEST(of_two_of_a_kind_the_first_stays)
{
    begin_stage("size");
    path_record_finding(&p, "path-mtu-black-hole", "", "a");
    path_record_packet_limit(&p, PATH_FROM_SERVER, 1200);
    path_record_finding(&p, "path-mtu-black-hole", "", "b");
    path_record_packet_limit(&p, PATH_FROM_SERVER, 1200);
    ck_assert_uint_eq(p.verdict->finding_count, 1);
    ck_assert_str_eq(p.verdict->findings[0].evidence, "a");
}
END_TEST

START_TEST(another_limit_or_the_other_way_is_another_finding)
{
    path_record_finding(&p, "hello-lost-above", "", "a");
    path_record_packet_limit(&p, PATH_TO_SERVER, 1340);
    begin_stage("size");
    path_record_finding(&p, "path-mtu-black-hole", "", "b");
    path_record_packet_limit(&p, PATH_TO_SERVER, 1339);
    path_record_finding(&p, "path-mtu-black-hole", "", "c");
    path_record_packet_limit(&p, PATH_FROM_SERVER, 1340);
    ck_assert_uint_eq(p.verdict->finding_count, 3);
}
END_TEST

START_TEST(the_same_limit_on_the_way_to_another_host_is_another_finding)
{
    path_record_finding(&p, "hello-lost-above", "", "a");
    path_record_packet_limit(&p, PATH_TO_SERVER, 1340);
    begin_stage("size");
    use_server(1, "tcp://b.test:7007", "192.0.2.2");
    path_record_finding(&p, "path-mtu-black-hole", "", "b");
    path_record_packet_limit(&p, PATH_TO_SERVER, 1340);
    ck_assert_uint_eq(p.verdict->finding_count, 2);
    ck_assert_ptr_eq(p.verdict->findings[0].server, &p.verdict->servers[0]);
    ck_assert_ptr_eq(p.verdict->findings[1].server, &p.verdict->servers[1]);
}
END_TEST

START_TEST(a_lost_client_hello_is_not_about_all_packets_if_larger_ones_pass)
{
    path_record_finding(&p, "hello-lost-above", "IP packets", "a");
    path_record_packet_limit(&p, PATH_TO_SERVER, 1340);
    path_record_packets_pass(&p, 1340);
    is_found(0, "hello-lost-above", 1340);
    use_server(1, "tcp://b.test:7007", "192.0.2.2");
    path_record_packets_pass(&p, 1500);
    is_found(0, "hello-lost-above", 1340);
    use_server(2, "tcp://a.test:7007", "192.0.2.1");
    path_record_packets_pass(&p, 1500);
    is_found(0, "hello-lost-above", 0);
    ck_assert_str_eq(
        p.verdict->findings[0].evidence,
        "a; others of up to 1,500 bytes reach tcp://a.test:7007: what drops them looks "
        "at the port, or at what they carry");
    ck_assert_ptr_nonnull(strstr(p.verdict->findings[0].remedy,
                                 "pass a ClientHello in IP packets of more than 1,340 bytes;"));
}
END_TEST

START_TEST(a_stage_that_no_server_serves_has_the_result_of_the_first)
{
    path_record_unserved(&p, RESULT_CORRUPT, "no echo: %s", "a");
    begin_stage("size");
    path_record_unserved(&p, RESULT_TRUNCATED, "no echo: %s", "b");
    ck_assert_int_eq(p.stage->state, PATH_SKIPPED);
    ck_assert_str_eq(p.stage->reason, "no echo: b");
    ck_assert_int_eq(p.unserved_result, RESULT_CORRUPT);
    ck_assert_str_eq(p.unserved->reason, "no echo: a");
}
END_TEST

START_TEST(what_a_peer_says_is_escaped)
{
    struct path_step step = {.what = "a\x1b[2J", .happened = "b\xff", .passed = true};
    path_record_step(&p, &step);
    ck_assert_int_eq(last_event, PATH_EVENT_STEP);
    ck_assert_str_eq(p.stage->steps[0].what, "a\\x1b[2J");
    ck_assert_str_eq(p.stage->steps[0].happened, "b\\xff");
    path_record_note(&p, "%s", "\x1b");
    ck_assert_str_eq(p.stage->notes[0], "\\x1b");
    path_record_skip(&p, "%s", "\x07");
    ck_assert_str_eq(p.stage->reason, "\\x07");
    ck_assert_int_eq(p.stage->state, PATH_SKIPPED);
}
END_TEST

START_TEST(a_step_that_never_passed_fails_only_if_a_finding_rests_on_it)
{
    struct path_step good = {.what = "a", .passed = true, .tries = 2},
                     mixed = {.what = "b", .passed = true, .tries = 4, .failed = 1},
                     bad = {.what = "c", .tries = 2, .failed = 2},
                     other = {.what = "d", .tries = 2, .failed = 2};
    const struct path_step *steps[] = {&good, &mixed, &bad, &other};
    for (size_t i = 0; i < 4; i++)
        path_record_step(&p, steps[i]);
    path_record_finding(&p, "hello-lost-above", "", "evidence");
    path_record_blame(&p, "c");
    path_record_end(&p);
    ck_assert_str_eq(path_step_word(&p.stage->steps[0]), "ok");
    ck_assert_str_eq(path_step_word(&p.stage->steps[1]), "some");
    ck_assert_str_eq(path_step_word(&p.stage->steps[2]), "FAIL");
    ck_assert_str_eq(path_step_word(&p.stage->steps[3]), "none");
}
END_TEST

START_TEST(a_stage_that_blames_no_step_for_its_finding_blames_all_that_never_passed)
{
    struct path_step bad = {.what = "a", .tries = 2, .failed = 2};
    path_record_step(&p, &bad);
    path_record_finding(&p, "hello-lost-above", "", "evidence");
    path_record_end(&p);
    ck_assert_str_eq(path_step_word(&p.stage->steps[0]), "FAIL");
}
END_TEST

START_TEST(what_follows_a_step_that_never_passed_is_told_at_the_end)
{
    struct path_step good = {.what = "a", .passed = true, .tries = 2},
                     bad = {.what = "b", .tries = 2, .failed = 2};
    path_record_step(&p, &good);
    ck_assert_uint_eq(p.stage->steps_told, 1);
    path_record_step(&p, &bad);
    path_record_step(&p, &good);
    path_record_note(&p, "a note");
    ck_assert_uint_eq(p.stage->steps_told, 1);
    ck_assert_uint_eq(p.stage->notes_told, 0);
    path_record_end(&p);
    ck_assert_uint_eq(p.stage->steps_told, 3);
    ck_assert_uint_eq(p.stage->notes_told, 1);
}
END_TEST

START_TEST(where_the_same_passed_and_failed_a_finding_needs_more_tries)
{
    struct path_step mixed = {.what = "a", .passed = true, .tries = 4, .failed = 1};
    unsigned steady = path_confirm_rounds(&p);
    path_record_step(&p, &mixed);
    ck_assert_uint_ge(steady, 1);
    ck_assert_uint_ge(path_confirm_rounds(&p), 4);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("path_record");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_finding_has_its_evidence_and_the_value_in_its_remedy);
    tcase_add_test(cases, what_explains_an_earlier_finding_takes_its_place);
    tcase_add_test(cases, of_two_of_a_kind_the_first_stays);
    tcase_add_test(cases, another_limit_or_the_other_way_is_another_finding);
    tcase_add_test(cases, the_same_limit_on_the_way_to_another_host_is_another_finding);
    tcase_add_test(cases, a_lost_client_hello_is_not_about_all_packets_if_larger_ones_pass);
    tcase_add_test(cases, a_stage_that_no_server_serves_has_the_result_of_the_first);
    tcase_add_test(cases, what_a_peer_says_is_escaped);
    tcase_add_test(cases, a_step_that_never_passed_fails_only_if_a_finding_rests_on_it);
    tcase_add_test(cases, a_stage_that_blames_no_step_for_its_finding_blames_all_that_never_passed);
    tcase_add_test(cases, what_follows_a_step_that_never_passed_is_told_at_the_end);
    tcase_add_test(cases, where_the_same_passed_and_failed_a_finding_needs_more_tries);

    Suite *suite = suite_create("path_record");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
