/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"
#include "tlsecho/tls/tls_alert.h"

#include <check.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static const struct {
    int status;
    const char *word;
} frozen[] = {
    {0, "ok"},        {1, "lost"},          {2, "usage"},    {3, "dns"},
    {4, "refused"},   {5, "unreachable"},   {6, "timeout"},  {7, "handshake"},
    {8, "untrusted"}, {9, "name-mismatch"}, {10, "expired"}, {11, "client-certificate"},
    {12, "reset"},    {13, "truncated"},    {14, "corrupt"}, {15, "local-io"},
    {16, "impaired"},
};

START_TEST(every_exit_status_has_its_word)
{
    ck_assert_str_eq(result_word((enum result)frozen[_i].status), frozen[_i].word);
}
END_TEST

static const struct {
    const char *sentence;
    enum phase phase;
    enum error_kind kind;
    int code;
    enum result result;
} rows[] = {
    {"a certificate file that cannot be read is a wrong option", PHASE_OPTIONS, ERROR_INPUT, 0,
     RESULT_USAGE},
    {"an invalid name is a wrong option, even if it is found late", PHASE_HANDSHAKE, ERROR_INPUT, 0,
     RESULT_USAGE},
    {"a certificate file that no descriptor was left for is local", PHASE_OPTIONS, ERROR_INPUT,
     EMFILE, RESULT_LOCAL_IO},
    {"a certificate file that does not exist is a wrong option", PHASE_OPTIONS, ERROR_INPUT, ENOENT,
     RESULT_USAGE},
    {"lack of memory is local", PHASE_OPTIONS, ERROR_SYSTEM, ENOMEM, RESULT_LOCAL_IO},
    {"a file that does not exist is local", PHASE_OPTIONS, ERROR_SYSTEM, ENOENT, RESULT_LOCAL_IO},
    {"name servers that refuse are refused", PHASE_DNS, ERROR_SYSTEM, ECONNREFUSED, RESULT_REFUSED},
    {"an unknown name is dns", PHASE_DNS, ERROR_DNS, -2, RESULT_DNS},
    {"name servers that do not answer in time are dns", PHASE_DNS, ERROR_TIMEOUT, 0, RESULT_DNS},
    {"interrupted in a look-up: dns", PHASE_DNS, ERROR_INTERRUPTED, 0, RESULT_DNS},
    {"interrupted before TCP is connected: timeout", PHASE_CONNECT, ERROR_INTERRUPTED, 0,
     RESULT_TIMEOUT},
    {"interrupted in the handshake: timeout", PHASE_HANDSHAKE, ERROR_INTERRUPTED, 0,
     RESULT_TIMEOUT},
    {"nothing listens: refused", PHASE_CONNECT, ERROR_SYSTEM, ECONNREFUSED, RESULT_REFUSED},
    {"a Unix socket that does not exist: refused", PHASE_CONNECT, ERROR_SYSTEM, ENOENT,
     RESULT_REFUSED},
    {"no route", PHASE_CONNECT, ERROR_SYSTEM, ENETUNREACH, RESULT_UNREACHABLE},
    {"a router refuses it", PHASE_CONNECT, ERROR_SYSTEM, EHOSTUNREACH, RESULT_UNREACHABLE},
    {"ICMP: the host has no TCP", PHASE_CONNECT, ERROR_SYSTEM, ENOPROTOOPT, RESULT_UNREACHABLE},
    {"ICMP: the source route failed", PHASE_CONNECT, ERROR_SYSTEM, EOPNOTSUPP, RESULT_UNREACHABLE},
    {"ICMP: a packet is too big", PHASE_ECHO, ERROR_SYSTEM, EMSGSIZE, RESULT_UNREACHABLE},
    {"the host is down", PHASE_CONNECT, ERROR_SYSTEM, EHOSTDOWN, RESULT_UNREACHABLE},
    {"the host is isolated", PHASE_CONNECT, ERROR_SYSTEM, ENONET, RESULT_UNREACHABLE},
    {"a route that prohibits", PHASE_CONNECT, ERROR_SYSTEM, EACCES, RESULT_UNREACHABLE},
    {"ICMPv6: a header is wrong", PHASE_CONNECT, ERROR_SYSTEM, EPROTO, RESULT_UNREACHABLE},
    {"the interface is down", PHASE_CONNECT, ERROR_SYSTEM, ENETDOWN, RESULT_UNREACHABLE},
    {"a source address that we do not have", PHASE_CONNECT, ERROR_SYSTEM, EADDRNOTAVAIL,
     RESULT_UNREACHABLE},
    {"a source address of the other family", PHASE_CONNECT, ERROR_SYSTEM, EAFNOSUPPORT,
     RESULT_UNREACHABLE},
    {"a local firewall forbids it", PHASE_CONNECT, ERROR_SYSTEM, EPERM, RESULT_UNREACHABLE},
    {"no answer to the SYN by our deadline", PHASE_CONNECT, ERROR_TIMEOUT, 0, RESULT_TIMEOUT},
    {"no answer to the SYN by the kernel's", PHASE_CONNECT, ERROR_SYSTEM, ETIMEDOUT,
     RESULT_TIMEOUT},
    {"lack of descriptors is local", PHASE_CONNECT, ERROR_SYSTEM, EMFILE, RESULT_LOCAL_IO},
    {"a handshake that stalls", PHASE_HANDSHAKE, ERROR_TIMEOUT, 0, RESULT_TIMEOUT},
    {"a SYN or ClientHello that is never acknowledged", PHASE_HANDSHAKE, ERROR_UNACKNOWLEDGED, 0,
     RESULT_TIMEOUT},
    {"a reset in the peer's name is a reset", PHASE_HANDSHAKE, ERROR_SPOOFED_RESET, 0,
     RESULT_RESET},
    {"a handshake that fails", PHASE_HANDSHAKE, ERROR_TLS, 0, RESULT_HANDSHAKE},
    {"no TLS at all", PHASE_HANDSHAKE, ERROR_NOT_TLS, 0, RESULT_HANDSHAKE},
    {"a reset during the handshake is a reset", PHASE_HANDSHAKE, ERROR_SYSTEM, ECONNRESET,
     RESULT_RESET},
    {"so is a FIN, since which of them comes is chance", PHASE_HANDSHAKE, ERROR_CLOSED, 0,
     RESULT_RESET},
    {"a CA that is not ours", PHASE_HANDSHAKE, ERROR_UNTRUSTED, 0, RESULT_UNTRUSTED},
    {"another name", PHASE_HANDSHAKE, ERROR_NAME_MISMATCH, 0, RESULT_NAME_MISMATCH},
    {"out of date", PHASE_HANDSHAKE, ERROR_EXPIRED, 0, RESULT_EXPIRED},
    {"TLS 1.2 refuses our certificate in the handshake", PHASE_HANDSHAKE, ERROR_CLIENT_CERTIFICATE,
     0, RESULT_CLIENT_CERTIFICATE},
    {"TLS 1.3 refuses it after the handshake", PHASE_ECHO, ERROR_CLIENT_CERTIFICATE, 0,
     RESULT_CLIENT_CERTIFICATE},
    {"the peer sends no more data", PHASE_ECHO, ERROR_TIMEOUT, 0, RESULT_TIMEOUT},
    {"a broken record", PHASE_ECHO, ERROR_TLS, 0, RESULT_HANDSHAKE},
    {"a reset while sending", PHASE_ECHO, ERROR_SYSTEM, EPIPE, RESULT_RESET},
    {"a reset while receiving", PHASE_ECHO, ERROR_SYSTEM, ECONNRESET, RESULT_RESET},
    {"standard output is full", PHASE_LOCAL, ERROR_SYSTEM, ENOSPC, RESULT_LOCAL_IO},
    {"nothing reads standard output: not a reset by the peer", PHASE_LOCAL, ERROR_SYSTEM, EPIPE,
     RESULT_LOCAL_IO},
};

START_TEST(every_failure_has_its_exit_status)
{
    struct error err = {.kind = rows[_i].kind, .code = rows[_i].code, .alert = -1};
    ck_assert_msg(result_of(rows[_i].phase, &err) == rows[_i].result, "%s", rows[_i].sentence);
}
END_TEST

START_TEST(a_failure_keeps_phase_and_message_and_gets_a_remedy)
{
    struct outcome outcome = {.result = RESULT_OK};
    struct error err = {.kind = ERROR_SYSTEM, .code = ECONNREFUSED, .alert = 42, .text = "story"};
    outcome_fail(&outcome, PHASE_CONNECT, &err);
    ck_assert_int_eq(outcome.result, RESULT_REFUSED);
    ck_assert_str_eq(phase_name(outcome.phase), "connect");
    ck_assert_int_eq(outcome.error.alert, 42);
    ck_assert_ptr_eq(strstr(outcome.error.text, "story; start the server"), outcome.error.text);
}
END_TEST

START_TEST(exhausted_local_ports_have_their_own_remedy)
{
    struct outcome outcome = {.result = RESULT_OK};
    struct error err = {.kind = ERROR_SYSTEM, .code = EADDRNOTAVAIL, .alert = -1, .text = "story"};
    outcome_fail(&outcome, PHASE_CONNECT, &err);
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "net.ipv4.ip_local_port_range"));
    ck_assert_ptr_null(strstr(outcome.error.text, "--source"));
}
END_TEST

START_TEST(a_wrong_source_address_has_its_own_remedy)
{
    struct outcome outcome = {.result = RESULT_OK};
    struct error err = {.kind = ERROR_SYSTEM, .code = EADDRNOTAVAIL, .alert = -1, .text = "story"};
    outcome_fail_to_open(&outcome, PHASE_CONNECT, &err, &(struct options){.source = "192.0.2.1"});
    ck_assert_str_eq(outcome.error.text, "story; give an address of this host with --source");
}
END_TEST

START_TEST(silent_name_servers_suggest_another_family)
{
    struct outcome outcome = {.result = RESULT_OK};
    struct error err = {.kind = ERROR_TIMEOUT, .alert = -1, .text = "story"};
    outcome_fail_to_open(&outcome, PHASE_DNS, &err, &(struct options){.family = AF_UNSPEC});
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "try -4 or -6"));
    outcome_fail_to_open(&outcome, PHASE_DNS, &err, &(struct options){.family = AF_INET});
    ck_assert_ptr_null(strstr(outcome.error.text, "-4"));
}
END_TEST

START_TEST(a_diagnosis_of_tcp_gets_no_second_remedy)
{
    struct outcome outcome = {.result = RESULT_OK};
    struct error err = {.kind = ERROR_UNACKNOWLEDGED, .alert = -1, .text = "story; try this"};
    outcome_fail(&outcome, PHASE_HANDSHAKE, &err);
    ck_assert_str_eq(outcome.error.text, "story; try this");
    err.kind = ERROR_SPOOFED_RESET;
    outcome_fail(&outcome, PHASE_HANDSHAKE, &err);
    ck_assert_str_eq(outcome.error.text, "story; try this");
}
END_TEST

static const struct {
    int code, family;
    const char *says, *never;
} look_ups[] = {
    {EAI_NONAME, AF_UNSPEC, "; check the host name", "leave out"},
    {EAI_NONAME, AF_INET6, "; or leave out -6", "-4"},
    {EAI_NONAME, AF_INET, "; or leave out -4", "-6"},
    {EAI_AGAIN, AF_UNSPEC, "; check the name servers", "host name"},
    {EAI_FAIL, AF_INET6, "; check the name servers", "host name"},
    {EAI_NODATA, AF_UNSPEC, "A and AAAA", "check the host name"},
    {EAI_ADDRFAMILY, AF_INET6, "the family of -4 or -6", "check the host name"},
};

START_TEST(a_name_server_that_fails_is_not_a_wrong_name)
{
    struct options options = {.family = look_ups[_i].family};
    struct outcome outcome;
    struct error err;
    error_set(&err, ERROR_DNS, "look up x");
    err.code = look_ups[_i].code;
    outcome_fail_to_open(&outcome, PHASE_DNS, &err, &options);
    ck_assert_msg(strstr(outcome.error.text, look_ups[_i].says) != NULL, "%s", outcome.error.text);
    ck_assert_msg(strstr(outcome.error.text, look_ups[_i].never) == NULL, "%s", outcome.error.text);
}
END_TEST

START_TEST(a_look_up_without_memory_is_of_this_host)
{
    struct error err;
    error_set(&err, ERROR_DNS, "look up x");
    err.code = EAI_MEMORY;
    ck_assert_int_eq(result_of(PHASE_DNS, &err), RESULT_LOCAL_IO);
    err.code = EAI_FAIL;
    ck_assert_int_eq(result_of(PHASE_DNS, &err), RESULT_DNS);
}
END_TEST

static const struct {
    int alert;
    const char *groups, *tls_max, *resume, *cert, *says; /* says: NULL = no option is named */
} alerts[] = {
    {TLS_ALERT_ILLEGAL_PARAMETER, NULL, NULL, NULL, NULL,
     "; or try --groups X25519 or --tls-max 1.2"},
    {TLS_ALERT_ILLEGAL_PARAMETER, "X25519", NULL, NULL, NULL, "; or try --tls-max 1.2"},
    {TLS_ALERT_ILLEGAL_PARAMETER, NULL, "1.2", NULL, NULL, "; or try --groups X25519"},
    {TLS_ALERT_ILLEGAL_PARAMETER, "X25519", "1.2", NULL, NULL, NULL},
    {TLS_ALERT_ILLEGAL_PARAMETER, "X25519", "1.3", NULL, NULL, "; or try --tls-max 1.2"},
    {TLS_ALERT_DECODE_ERROR, "X25519:P-256", NULL, NULL, NULL, "; try --groups X25519"},
    {TLS_ALERT_DECODE_ERROR, "X25519", NULL, NULL, NULL, NULL},
    {TLS_ALERT_UNKNOWN_PSK_IDENTITY, NULL, NULL, "file", NULL, "; or leave out --resume"},
    {TLS_ALERT_UNKNOWN_PSK_IDENTITY, NULL, NULL, NULL, NULL, NULL},
    {TLS_ALERT_CERTIFICATE_REQUIRED, NULL, NULL, NULL, NULL, "; or give --cert and --key"},
    {TLS_ALERT_CERTIFICATE_REQUIRED, NULL, NULL, NULL, "file", NULL},
    {TLS_ALERT_INTERNAL_ERROR, NULL, NULL, NULL, NULL, NULL},
};

START_TEST(no_remedy_for_an_alert_names_an_option_that_was_given)
{
    struct options options = {.groups = alerts[_i].groups,
                              .tls_max = alerts[_i].tls_max,
                              .resume = alerts[_i].resume,
                              .cert = alerts[_i].cert};
    struct outcome outcome;
    struct error err;
    error_set(&err, ERROR_TLS, "alert");
    err.alert = alerts[_i].alert;
    err.code = ERROR_CODE_ALERT;
    outcome_fail_to_open(&outcome, PHASE_HANDSHAKE, &err, &options);
    ck_assert_str_eq(outcome.error.text + strlen("alert"), alerts[_i].says ? alerts[_i].says : "");
}
END_TEST

START_TEST(an_alert_that_we_sent_ourselves_has_no_remedy_of_the_options)
{
    const struct options options = {.mode = MODE_PIPE};
    struct outcome outcome;
    struct error err;
    error_set(&err, ERROR_TLS, "alert");
    err.alert = TLS_ALERT_ILLEGAL_PARAMETER;
    outcome_fail_to_open(&outcome, PHASE_HANDSHAKE, &err, &options);
    ck_assert_str_eq(outcome.error.text, "alert");
    err.kind = ERROR_SYSTEM; /* of which that number is ENOENT */
    err.code = ERROR_CODE_ALERT;
    outcome_fail_to_open(&outcome, PHASE_HANDSHAKE, &err, &options);
    ck_assert_ptr_null(strstr(outcome.error.text, "--groups"));
}
END_TEST

START_TEST(only_check_does_not_suggest_insecure)
{
    struct options options = {.mode = _i};
    struct outcome outcome;
    struct error err;
    error_set(&err, ERROR_UNTRUSTED, "not trusted: give its CA");
    outcome_fail_to_open(&outcome, PHASE_HANDSHAKE, &err, &options);
    ck_assert_int_eq(strstr(outcome.error.text, "--insecure") != NULL, _i != MODE_CHECK);
}
END_TEST

START_TEST(insecure_is_not_suggested_if_it_is_given_or_cannot_help)
{
    struct outcome outcome;
    struct error err;
    error_set(&err, ERROR_UNTRUSTED, "not trusted");
    outcome_fail_to_open(&outcome, PHASE_HANDSHAKE, &err, &(struct options){.insecure = true});
    ck_assert_str_eq(outcome.error.text, "not trusted");
    outcome_fail_to_open(&outcome, PHASE_HANDSHAKE, &err, &(struct options){.pin = "00"});
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "give --insecure instead of --pin"));
    err.code = ERROR_CODE_UNREAD;
    outcome_fail_to_open(&outcome, PHASE_HANDSHAKE, &err, &(struct options){.insecure = false});
    ck_assert_str_eq(outcome.error.text, "not trusted");
}
END_TEST

START_TEST(a_unix_socket_has_a_path_and_no_port)
{
    struct options options = {.endpoint.scheme = ENDPOINT_UNIX};
    static const int codes[] = {ENOENT, ECONNREFUSED};
    struct outcome outcome;
    struct error err;
    errno = codes[_i];
    error_sys(&err, "connect to unix:/x");
    outcome_fail_to_open(&outcome, PHASE_CONNECT, &err, &options);
    ck_assert_int_eq(outcome.result, RESULT_REFUSED);
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "check the path"));
    ck_assert_ptr_null(strstr(outcome.error.text, "port"));
}
END_TEST

START_TEST(a_failed_handshake_after_a_proxy_header_suggests_leaving_it_out)
{
    struct outcome outcome;
    struct error err;
    error_set(&err, ERROR_TLS, "the server sent an alert");
    outcome_fail_to_open(&outcome, PHASE_HANDSHAKE, &err, &(struct options){.proxy_protocol = 1});
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "leave out --proxy-protocol"));
    outcome_fail_to_open(&outcome, PHASE_HANDSHAKE, &err, &(struct options){.proxy_protocol = 0});
    ck_assert_ptr_null(strstr(outcome.error.text, "--proxy-protocol"));
}
END_TEST

static const struct {
    enum phase phase;
    enum error_kind kind;
    int code;
    struct options options;
    const char *text;
} remedied[] = {
    {PHASE_ECHO, ERROR_SYSTEM, ECONNRESET, {.mode = MODE_PING}, "; see the log of the server"},
    {PHASE_ECHO,
     ERROR_TIMEOUT,
     0,
     {.mode = MODE_PING},
     "; if it is only slow, raise --idle-timeout"},
    {PHASE_ECHO, ERROR_TIMEOUT, 0, {.mode = MODE_PATH}, ""},
    {PHASE_CONNECT,
     ERROR_TIMEOUT,
     0,
     {.mode = MODE_PATH},
     "; if it is only slow, raise --connect-timeout"},
    {PHASE_CONNECT, ERROR_INTERRUPTED, 0, {.mode = MODE_PING}, ""},
    {PHASE_CONNECT,
     ERROR_SYSTEM,
     EADDRNOTAVAIL,
     {.source = NULL},
     "; all local ports to this server are in use: widen net.ipv4.ip_local_port_range"},
    {PHASE_DNS,
     ERROR_DNS,
     EAI_AGAIN,
     {.family = AF_INET},
     "; check the name servers in /etc/resolv.conf and the route to them"},
    {PHASE_DNS,
     ERROR_DNS,
     EAI_NONAME,
     {.family = AF_INET},
     "; check the host name; or leave out -4, if it has IPv6 only"},
    /* a number means something else in each kind of error */
    {PHASE_DNS,
     ERROR_TIMEOUT,
     EAI_NONAME,
     {.family = AF_INET},
     "; check the name servers in /etc/resolv.conf, or raise --connect-timeout"},
    {PHASE_HANDSHAKE,
     ERROR_EXPIRED,
     ERROR_CODE_UNREAD,
     {.mode = MODE_PING},
     "; to connect all the same, add --insecure"},
};

START_TEST(a_remedy_is_one_that_can_help)
{
    struct outcome outcome = {.result = RESULT_OK};
    struct error err = {.kind = remedied[_i].kind, .code = remedied[_i].code, .alert = -1};
    outcome_fail_to_open(&outcome, remedied[_i].phase, &err, &remedied[_i].options);
    ck_assert_str_eq(outcome.error.text, remedied[_i].text);
}
END_TEST

START_TEST(without_options_a_remedy_names_those_of_every_mode)
{
    struct outcome outcome = {.result = RESULT_OK};
    struct error err = {.kind = ERROR_TIMEOUT, .alert = -1};
    outcome_fail(&outcome, PHASE_ECHO, &err);
    ck_assert_str_eq(outcome.error.text, "; if it is only slow, raise --idle-timeout");
    outcome_fail(&outcome, PHASE_DNS, &err);
    ck_assert_str_eq(outcome.error.text,
                     "; check the name servers in /etc/resolv.conf, or raise --connect-timeout");
}
END_TEST

START_TEST(a_remedy_for_which_there_is_no_room_is_cut)
{
    struct {
        struct outcome outcome;
        char behind[100];
    } o = {.behind = "behind"};
    memset(o.outcome.error.text, 'x', sizeof o.outcome.error.text - 10);
    outcome_advise(&o.outcome, "something that is longer");
    ck_assert_uint_eq(strlen(o.outcome.error.text), sizeof o.outcome.error.text - 1);
    ck_assert_str_eq(o.behind, "behind");
}
END_TEST

START_TEST(each_phase_is_found_by_its_name)
{
    for (int i = 0; i < PHASES; i++)
        ck_assert_int_eq(phase_find(phase_name((enum phase)i)), i);
    ck_assert_int_eq(phase_find("none"), PHASES);
}
END_TEST

START_TEST(nagios_gets_the_status_that_it_knows)
{
    static const struct {
        struct outcome outcome;
        int status;
    } cases[] = {{{.result = RESULT_OK}, 0},
                 {{.result = RESULT_OK, .warning = true}, 1},
                 {{.result = RESULT_RESET}, 2},
                 {{.result = RESULT_USAGE}, 3},
                 {{.result = RESULT_LOCAL_IO}, 3}};
    for (int i = 0; i < COUNT(cases); i++)
        ck_assert_int_eq(outcome_nagios_status(&cases[i].outcome), cases[i].status);
}
END_TEST

START_TEST(a_measured_result_has_the_echo_phase)
{
    struct outcome outcome = {.result = RESULT_OK, .error.code = ECONNRESET};
    outcome_measure(&outcome, RESULT_TRUNCATED, "%d missing", 7);
    ck_assert_int_eq(outcome.error.code, 0);
    ck_assert_int_eq(outcome.result, RESULT_TRUNCATED);
    ck_assert_str_eq(phase_name(outcome.phase), "echo");
    ck_assert_str_eq(outcome.error.text, "7 missing");
    ck_assert_int_eq(outcome.error.alert, -1);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("result");
    tcase_add_loop_test(cases, every_exit_status_has_its_word, 0, COUNT(frozen));
    tcase_add_loop_test(cases, every_failure_has_its_exit_status, 0, COUNT(rows));
    tcase_add_test(cases, a_failure_keeps_phase_and_message_and_gets_a_remedy);
    tcase_add_test(cases, a_diagnosis_of_tcp_gets_no_second_remedy);
    tcase_add_test(cases, exhausted_local_ports_have_their_own_remedy);
    tcase_add_test(cases, a_wrong_source_address_has_its_own_remedy);
    tcase_add_test(cases, silent_name_servers_suggest_another_family);
    tcase_add_test(cases, insecure_is_not_suggested_if_it_is_given_or_cannot_help);
    tcase_add_loop_test(cases, a_unix_socket_has_a_path_and_no_port, 0, 2);
    tcase_add_test(cases, a_failed_handshake_after_a_proxy_header_suggests_leaving_it_out);
    tcase_add_loop_test(cases, a_name_server_that_fails_is_not_a_wrong_name, 0, COUNT(look_ups));
    tcase_add_test(cases, a_look_up_without_memory_is_of_this_host);
    tcase_add_loop_test(cases, no_remedy_for_an_alert_names_an_option_that_was_given, 0,
                        COUNT(alerts));
    tcase_add_test(cases, an_alert_that_we_sent_ourselves_has_no_remedy_of_the_options);
    tcase_add_loop_test(cases, only_check_does_not_suggest_insecure, 0, MODES);
    tcase_add_loop_test(cases, a_remedy_is_one_that_can_help, 0, COUNT(remedied));
    tcase_add_test(cases, without_options_a_remedy_names_those_of_every_mode);
    tcase_add_test(cases, a_remedy_for_which_there_is_no_room_is_cut);
    tcase_add_test(cases, each_phase_is_found_by_its_name);
    tcase_add_test(cases, nagios_gets_the_status_that_it_knows);
    tcase_add_test(cases, a_measured_result_has_the_echo_phase);

    Suite *suite = suite_create("result");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
