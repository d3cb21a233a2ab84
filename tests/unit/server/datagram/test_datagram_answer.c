/* SPDX-License-Identifier: MIT */
/* A batch of datagrams, and what becomes of it, on a socket that does what a test says. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "captured_log.h"
#include "datagram_fixture.h"
#include "datagram_server_internal.h"
#include "fake_datagram.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/base/ascii.h"
#include "tlsecho/net/stamp_reflect.h"
#include "yaml_snapshot.h"

static const char client[] = "udp://192.0.2.1:5000";

static struct fake_datagrams fake;
static const struct config_snapshot *snapshot;
static struct datagram_listener *listener;
static struct datagram_fixture at;

/* A server with one listener, of that service and those keys. */
static void serve(const char *keys, const char *limits)
{
    static uint16_t ports[] = {7007, 40000};
    snapshot = yaml_snapshot("listeners: [{ listen: 'udp://127.0.0.1:7007', name: it%s }]\n"
                             "limits: {%s}",
                             keys, limits);
    struct datagram_set *set = calloc(1, sizeof *set + sizeof set->listeners[0]);
    set->ports = calloc(2, sizeof *ports);
    memcpy(set->ports, ports, sizeof ports);
    set->port_count = 2;
    set->count = 1;
    listener = &set->listeners[0];
    listener->server = at.server;
    listener->source.fd = -1;
    listener->socket = &fake.base;
    listener->listener = &snapshot->listeners[0];
    listener->slot = 3;
    listener->port = 7007;
    admission_limit(at.admission, snapshot->config);
    at.server->set = set;
}

static void set_up(void)
{
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    fake_datagrams_init(&fake);
    datagram_fixture_init(&at);
}

static void tear_down(void)
{
    datagram_fixture_done(&at);
    ck_assert_int_eq(fake.freed, 1);
    config_snapshot_free(snapshot);
    captured_log_close();
}

static uint64_t count(const struct metrics_counter *counter)
{
    return metrics_read(counter);
}

static const struct metrics_listener *counters(void)
{
    return &at.metrics->listeners[3];
}

static void arrives(const char *from, const char *text)
{
    fake_datagrams_add(&fake, from, text, strlen(text));
}

static void serve_all(void)
{
    while (datagram_server_serve(listener))
        ;
}

static void sent(size_t i, const char *text)
{
    ck_assert_uint_lt(i, fake.out_count);
    ck_assert_uint_eq(fake.out[i].length, strlen(text));
    ck_assert_mem_eq(fake.out[i].data, text, strlen(text));
}

START_TEST(sends_each_back_to_its_source_from_the_address_that_was_asked)
{
    serve("", "");
    arrives(client, "one");
    arrives("udp://[2001:db8::1]:6000", "");
    serve_all();
    ck_assert_uint_eq(fake.out_count, 2);
    sent(0, "one");
    sent(1, "");
    for (int i = 0; i < 2; i++) {
        ck_assert(address_equal(&fake.out[i].peer, &fake.in[i].peer));
        ck_assert(address_equal(&fake.out[i].own, &fake.in[i].own));
    }
    ck_assert_uint_eq(count(&counters()->datagrams_received), 2);
    ck_assert_uint_eq(count(&counters()->datagrams_sent), 2);
    ck_assert_uint_eq(count(&counters()->received_bytes), 3);
    ck_assert_uint_eq(count(&counters()->sent_bytes), 3);
}
END_TEST

START_TEST(upper_raises_letters_and_discard_is_silent)
{
    serve(_i ? ", service: discard" : ", service: upper", "");
    arrives(client, "aZ1");
    serve_all();
    ck_assert_uint_eq(fake.out_count, _i ? 0 : 1);
    if (!_i)
        sent(0, "AZ1");
    for (int drop = 0; drop < DATAGRAM_DROPS; drop++)
        ck_assert_uint_eq(count(&counters()->dropped[drop]), 0);
}
END_TEST

static const struct {
    const char *from, *keys;
    enum datagram_drop drop;
} refused[] = {
    {"udp://192.0.2.1:1023", "", DATAGRAM_DROP_PORT},
    {"udp://192.0.2.1:7007", "", DATAGRAM_DROP_LISTENER},
    {"udp://198.51.100.9:40000", "", DATAGRAM_DROP_LISTENER},
    {"udp://224.0.0.1:5000", "", DATAGRAM_DROP_MANY},
    {"udp://192.0.2.1:5000", ", deny: [192.0.2.0/24]", DATAGRAM_DROP_DENY},
    {"udp://192.0.2.1:5000", ", allow: [192.0.3.0/24]", DATAGRAM_DROP_ALLOW},
};

START_TEST(drops_and_counts_what_gets_no_answer)
{
    serve(refused[_i].keys, "");
    arrives(refused[_i].from, "x");
    arrives("udp://192.0.3.1:5000", "y");
    serve_all();
    ck_assert_uint_eq(fake.out_count, 1);
    sent(0, "y");
    for (int drop = 0; drop < DATAGRAM_DROPS; drop++)
        ck_assert_uint_eq(count(&counters()->dropped[drop]), drop == (int)refused[_i].drop);
}
END_TEST

START_TEST(answers_nothing_that_was_sent_to_many)
{
    serve("", "");
    fake_datagrams_add(&fake, client, "x", 1)->to_many = true;
    serve_all();
    ck_assert_uint_eq(fake.out_count, 0);
    ck_assert_uint_eq(count(&counters()->dropped[DATAGRAM_DROP_MANY]), 1);
}
END_TEST

START_TEST(limits_each_source_and_takes_a_64_for_one)
{
    serve("", "datagram_rate: 2");
    for (int i = 0; i < 3; i++) {
        char from[64];
        arrives(client, "four");
        snprintf(from, sizeof from, "udp://[2001:db8::%d]:5000", i + 1);
        arrives(from, "six");
        snprintf(from, sizeof from, "udp://[2001:db8:0:%d::1]:5000", i + 1);
        arrives(from, "many");
    }
    serve_all();
    ck_assert_uint_eq(fake.out_count, 2 + 2 + 3);
    ck_assert_uint_eq(count(&counters()->dropped[DATAGRAM_DROP_RATE]), 2);
}
END_TEST

START_TEST(falls_silent_when_its_answers_come_back)
{
    serve("", "");
    for (int i = 0; i < DATAGRAM_LOOPS_MAX + 20; i++)
        arrives(client, "ping");
    arrives("udp://192.0.2.2:5000", "another");
    serve_all();
    ck_assert_uint_eq(fake.out_count, DATAGRAM_LOOPS_MAX + 1);
    sent(DATAGRAM_LOOPS_MAX, "another");
    ck_assert_uint_eq(count(&counters()->dropped[DATAGRAM_DROP_LOOP]), 20);
    datagram_server_expire(at.server, UINT64_MAX - 1);
    const char *line = captured_log_find("event=datagram_loop");
    ck_assert_ptr_nonnull(strstr(line, "count=1 source=192.0.2.1:5000 listener=it reason="));
}
END_TEST

START_TEST(upper_finds_its_own_answers_too)
{
    serve(", service: upper", "");
    arrives(client, "ping");
    for (int i = 0; i < DATAGRAM_LOOPS_MAX + 1; i++)
        arrives(client, "PING");
    serve_all();
    ck_assert_uint_eq(fake.out_count, DATAGRAM_LOOPS_MAX);
}
END_TEST

static unsigned char packet[STAMP_BYTES];

START_TEST(stamp_numbers_the_answers_of_each_session)
{
    serve(", service: stamp", "");
    for (int i = 0; i < 3; i++) {
        packet[3] = (unsigned char)(10 * i);
        struct fake_datagram *d = fake_datagrams_add(&fake, client, packet, sizeof packet);
        d->ttl = 61;
        d->time = (struct timespec){.tv_sec = 1, .tv_nsec = 500000000};
    }
    fake_datagrams_add(&fake, "udp://192.0.2.1:5001", packet, sizeof packet);
    fake_datagrams_add(&fake, client, packet, sizeof packet - 1);
    serve_all();
    ck_assert_uint_eq(fake.out_count, 4);
    for (int i = 0; i < 3; i++) {
        static const unsigned char received[] = {0x83, 0xaa, 0x7e, 0x81, 0x80, 0, 0, 0};
        ck_assert_uint_eq(fake.out[i].length, sizeof packet);
        ck_assert_uint_eq(fake.out[i].data[3], i);
        ck_assert_uint_eq(fake.out[i].data[27], 10 * i);
        ck_assert_uint_eq(fake.out[i].data[40], 61);
        ck_assert_mem_eq(fake.out[i].data + 16, received, sizeof received);
    }
    ck_assert_uint_eq(fake.out[3].data[3], 0);
    ck_assert_uint_eq(count(&counters()->dropped[DATAGRAM_DROP_SHORT]), 1);
}
END_TEST

/* What sends our answers back. */
enum { ECHO, UPPER_CASE_ECHO, REFLECTOR, REFLECTORS };

START_TEST(stamp_falls_silent_before_a_reflector_and_an_echo)
{
    serve(", service: stamp", "");
    fake_datagrams_add(&fake, client, packet, sizeof packet);
    for (int i = 0; i <= DATAGRAM_LOOPS_MAX + 5; i++) {
        serve_all();
        struct fake_datagram *last = &fake.out[fake.out_count - 1];
        struct fake_datagram *back = fake_datagrams_add(&fake, client, last->data, last->length);
        if (_i == UPPER_CASE_ECHO)
            ascii_upper(back->data, back->length);
        if (_i == REFLECTOR)
            stamp_reflect(&(struct stamp_reflection){.stateful = true, .sent = {i + 1, 0}},
                          back->data, back->length);
    }
    ck_assert_uint_eq(fake.out_count, DATAGRAM_LOOPS_MAX);
    ck_assert_uint_ge(count(&counters()->dropped[DATAGRAM_DROP_LOOP]), 5);
}
END_TEST

START_TEST(stamp_answers_a_sender_however_long_it_measures)
{
    serve(", service: stamp", "");
    for (int i = 0; i < 200; i++) { /* the same bytes: only a sender's clock would differ */
        fake_datagrams_add(&fake, client, packet, sizeof packet);
    }
    serve_all();
    ck_assert_uint_eq(fake.out_count, 200);
}
END_TEST

static unsigned char padding[FAKE_DATAGRAM_BYTES];

START_TEST(report_is_never_longer_than_its_request)
{
    serve(", service: report", "");
    fake_datagrams_add(&fake, client, padding, SERVICE_REPORT_REQUEST_BYTES - 1);
    struct fake_datagram *d =
        fake_datagrams_add(&fake, client, padding, SERVICE_REPORT_REQUEST_BYTES);
    d->ttl = 61;
    d->tos = 46 << 2 | 1;
    serve_all();
    ck_assert_uint_eq(fake.out_count, 1);
    ck_assert_uint_le(fake.out[0].length, SERVICE_REPORT_REQUEST_BYTES);
    char *text = (char *)fake.out[0].data;
    text[fake.out[0].length] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "\"listener\":\"it\""));
    ck_assert_ptr_nonnull(strstr(text, "\"source\":\"192.0.2.1:5000\""));
    ck_assert_ptr_nonnull(strstr(text, "\"destination\":\"127.0.0.1:7007\""));
    ck_assert_ptr_nonnull(
        strstr(text, "\"datagram\":{\"bytes\":1200,\"ttl\":61,\"dscp\":46,\"ecn\":1}}\n"));
    ck_assert_ptr_null(strstr(text, "connection"));
    ck_assert_uint_eq(count(&counters()->dropped[DATAGRAM_DROP_SHORT]), 1);
}
END_TEST

/* A name can be so long that the report does not fit. */
START_TEST(report_is_not_cut_to_fit)
{
    char name[1300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    serve(", service: report", "");
    char **configured = &snapshot->config->listeners[0].name.value, *before = *configured;
    *configured = name;
    fake_datagrams_add(&fake, client, padding, SERVICE_REPORT_REQUEST_BYTES);
    serve_all();
    ck_assert_uint_eq(fake.out_count, 0);
    ck_assert_uint_eq(count(&counters()->dropped[DATAGRAM_DROP_SHORT]), 1);
    *configured = before;
}
END_TEST

START_TEST(goes_on_after_an_answer_that_cannot_be_sent)
{
    serve("", "");
    fake.fail_at = 1;
    arrives(client, "1");
    arrives(client, "2");
    arrives(client, "3");
    serve_all();
    ck_assert_uint_eq(fake.out_count, 2);
    sent(1, "3");
    ck_assert_uint_eq(count(&counters()->dropped[DATAGRAM_DROP_UNSENT]), 1);
    ck_assert_uint_eq(count(&counters()->datagrams_sent), 2);
}
END_TEST

START_TEST(drops_what_finds_no_room_to_be_sent)
{
    serve("", "");
    fake.room = 1;
    arrives(client, "1");
    arrives(client, "2");
    arrives(client, "3");
    serve_all();
    ck_assert_uint_eq(fake.out_count, 1);
    ck_assert_uint_eq(count(&counters()->dropped[DATAGRAM_DROP_UNSENT]), 2);
}
END_TEST

START_TEST(counts_what_the_kernel_dropped_once)
{
    serve("", "");
    fake.base.kernel_drops = UINT32_MAX;
    listener->drops_counted = UINT32_MAX - 2;
    arrives(client, "1");
    serve_all();
    ck_assert_uint_eq(count(&counters()->dropped[DATAGRAM_DROP_KERNEL]), 2);
    fake.base.kernel_drops = 4; /* it wraps around */
    arrives(client, "2");
    serve_all();
    ck_assert_uint_eq(count(&counters()->dropped[DATAGRAM_DROP_KERNEL]), 7);
}
END_TEST

START_TEST(pauses_when_nothing_can_be_received)
{
    serve("", "");
    fake.receive_code = ENOMEM;
    ck_assert_uint_eq(datagram_server_due_us(at.server), UINT64_MAX);
    ck_assert(!datagram_server_serve(listener));
    ck_assert_uint_lt(at.server->resume_us, UINT64_MAX);
    ck_assert_uint_le(datagram_server_due_us(at.server), at.server->resume_us);
}
END_TEST

START_TEST(writes_one_line_for_a_source_and_not_one_for_a_datagram)
{
    serve("", "");
    arrives(client, "12");
    arrives("udp://192.0.2.1:5001", "345");
    arrives("udp://192.0.2.1:53", "6");
    arrives("udp://[2001:db8::1]:5000", "7");
    serve_all();
    ck_assert_uint_lt(datagram_server_due_us(at.server), UINT64_MAX);
    datagram_server_expire(at.server, at.server->log.due_us);
    const char *line = captured_log_line();
    ck_assert_ptr_nonnull(strstr(line, "event=datagrams source=192.0.2.1 listener=it service=echo "
                                       "transport=udp received=3 sent=2 received_bytes=6 "
                                       "sent_bytes=5 dropped=1 drop=low_port duration="));
    line = captured_log_line();
    ck_assert_ptr_nonnull(strstr(line, "source=[2001:db8::1] listener=it service=echo "
                                       "transport=udp received=1 sent=1 received_bytes=1 "
                                       "sent_bytes=1 dropped=0 duration="));
    ck_assert_uint_eq(datagram_server_due_us(at.server), UINT64_MAX);
}
END_TEST

START_TEST(sources_beyond_the_table_share_a_line)
{
    serve("", "");
    for (int i = 0; i < DATAGRAM_LOG_SOURCES + 3; i++) {
        char from[64];
        snprintf(from, sizeof from, "udp://10.0.%d.1:5000", i);
        arrives(from, "x");
    }
    serve_all();
    datagram_server_expire(at.server, at.server->log.due_us);
    for (int i = 0; i < DATAGRAM_LOG_SOURCES; i++)
        ck_assert_ptr_nonnull(strstr(captured_log_line(), "event=datagrams source=10.0."));
    ck_assert_ptr_nonnull(
        strstr(captured_log_line(), "event=datagrams source=others transport=udp received=3 "));
}
END_TEST

START_TEST(a_switch_leaves_the_lines_out)
{
    serve("", "");
    config_snapshot_free(snapshot);
    snapshot = yaml_snapshot("listeners: [{ listen: 'udp://127.0.0.1:7007' }]\n"
                             "log: { connections: off }");
    listener->listener = &snapshot->listeners[0];
    arrives(client, "x");
    serve_all();
    datagram_server_expire(at.server, at.server->log.due_us);
    log_reason(LOG_LEVEL_INFO, "marker", "the next line");
    ck_assert_ptr_nonnull(strstr(captured_log_line(), "event=marker"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("datagram_answer");
    TCase *tests = tcase_create("datagram_answer");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, sends_each_back_to_its_source_from_the_address_that_was_asked);
    tcase_add_loop_test(tests, upper_raises_letters_and_discard_is_silent, 0, 2);
    tcase_add_loop_test(tests, drops_and_counts_what_gets_no_answer, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(tests, answers_nothing_that_was_sent_to_many);
    tcase_add_test(tests, limits_each_source_and_takes_a_64_for_one);
    tcase_add_test(tests, falls_silent_when_its_answers_come_back);
    tcase_add_test(tests, upper_finds_its_own_answers_too);
    tcase_add_test(tests, stamp_numbers_the_answers_of_each_session);
    tcase_add_loop_test(tests, stamp_falls_silent_before_a_reflector_and_an_echo, 0, REFLECTORS);
    tcase_add_test(tests, stamp_answers_a_sender_however_long_it_measures);
    tcase_add_test(tests, report_is_never_longer_than_its_request);
    tcase_add_test(tests, report_is_not_cut_to_fit);
    tcase_add_test(tests, goes_on_after_an_answer_that_cannot_be_sent);
    tcase_add_test(tests, drops_what_finds_no_room_to_be_sent);
    tcase_add_test(tests, counts_what_the_kernel_dropped_once);
    tcase_add_test(tests, pauses_when_nothing_can_be_received);
    tcase_add_test(tests, writes_one_line_for_a_source_and_not_one_for_a_datagram);
    tcase_add_test(tests, sources_beyond_the_table_share_a_line);
    tcase_add_test(tests, a_switch_leaves_the_lines_out);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
