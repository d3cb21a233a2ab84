/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/datagram_rules.h"

#include <check.h>

#include "loopback.h"
#include "suite.h"

static const uint16_t ports[] = {7007, 40000};

static const struct {
    const char *from;
    bool to_many;
    enum datagram_drop drop;
} cases[] = {
    {"udp://192.0.2.1:1024", false, DATAGRAM_KEPT},
    {"udp://192.0.2.1:65535", false, DATAGRAM_KEPT},
    {"udp://[2001:db8::1]:1024", false, DATAGRAM_KEPT},
    {"udp://192.0.2.1:0", false, DATAGRAM_DROP_PORT},
    {"udp://192.0.2.1:7", false, DATAGRAM_DROP_PORT},
    {"udp://192.0.2.1:19", false, DATAGRAM_DROP_PORT},
    {"udp://192.0.2.1:53", false, DATAGRAM_DROP_PORT},
    {"udp://192.0.2.1:123", false, DATAGRAM_DROP_PORT},
    {"udp://192.0.2.1:1023", false, DATAGRAM_DROP_PORT},
    {"udp://[2001:db8::1]:1023", false, DATAGRAM_DROP_PORT},
    {"udp://192.0.2.1:7007", false, DATAGRAM_DROP_LISTENER},
    {"udp://127.0.0.1:40000", false, DATAGRAM_DROP_LISTENER},
    {"udp://[2001:db8::1]:40000", false, DATAGRAM_DROP_LISTENER},
    {"udp://192.0.2.1:5000", true, DATAGRAM_DROP_MANY},
    {"udp://224.0.0.1:5000", false, DATAGRAM_DROP_MANY},
    {"udp://239.255.255.255:5000", false, DATAGRAM_DROP_MANY},
    {"udp://255.255.255.255:5000", false, DATAGRAM_DROP_MANY},
    {"udp://0.0.0.0:5000", false, DATAGRAM_DROP_MANY},
    {"udp://0.1.2.3:5000", false, DATAGRAM_DROP_MANY},
    {"udp://240.0.0.0:5000", false, DATAGRAM_DROP_MANY},
    {"udp://254.1.2.3:5000", false, DATAGRAM_DROP_MANY},
    {"udp://127.255.255.255:5000", false, DATAGRAM_DROP_MANY},
    {"udp://127.255.255.254:5000", false, DATAGRAM_KEPT},
    {"udp://1.0.0.0:5000", false, DATAGRAM_KEPT},
    {"udp://223.255.255.254:5000", false, DATAGRAM_KEPT},
    {"udp://[ff02::1%lo]:5000", false, DATAGRAM_DROP_MANY},
    {"udp://[ff0e::1]:5000", false, DATAGRAM_DROP_MANY},
    {"udp://[::]:5000", false, DATAGRAM_DROP_MANY},
    {"udp://[::1]:5000", false, DATAGRAM_KEPT},
};

START_TEST(answers_only_one_host_on_a_port_of_a_client)
{
    struct datagram datagram = {.peer = loopback_address(cases[_i].from),
                                .own = loopback_address("udp://127.0.0.1:0"),
                                .to_many = cases[_i].to_many};
    enum datagram_drop drop = datagram_rules_check(&datagram, ports, 2);
    ck_assert_msg(drop == cases[_i].drop, "%s: %s", cases[_i].from, datagram_drop_name(drop));
}
END_TEST

START_TEST(answers_nothing_whose_destination_is_unknown)
{
    struct datagram datagram = {.peer = loopback_address("udp://192.0.2.1:5000")};
    ck_assert_int_eq(datagram_rules_check(&datagram, ports, 2), DATAGRAM_DROP_DESTINATION);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("datagram_rules");
    TCase *tests = tcase_create("datagram_rules");
    tcase_add_loop_test(tests, answers_only_one_host_on_a_port_of_a_client, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(tests, answers_nothing_whose_destination_is_unknown);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
