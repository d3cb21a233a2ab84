/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "tlsecho/client/options.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

enum { WORDS = 8 };

struct words {
    char *argv[WORDS + 1];
    int argc;
};

static struct words words_of(const char *const arguments[WORDS])
{
    static char name[] = "tlsecho-client", arena[1024]; /* afresh for each test, which is a fork */
    static size_t used;
    struct words words = {.argv = {name}, .argc = 1};
    for (int i = 0; i < WORDS - 1 && arguments[i]; i++) {
        ck_assert_uint_lt(used + strlen(arguments[i]), sizeof arena);
        words.argv[words.argc++] = strcpy(arena + used, arguments[i]);
        used += strlen(arguments[i]) + 1;
    }
    return words;
}

static const struct options *parsed(const char *const arguments[WORDS])
{
    static struct options options;
    struct error err;
    struct words words = words_of(arguments); /* kept: the options point into it */
    ck_assert_msg(options_parse(words.argc, words.argv, &options, &err) == 0, "%s", err.text);
    return &options;
}

#define PARSED(...) (*parsed((const char *const[WORDS]){__VA_ARGS__}))

START_TEST(a_host_alone_is_tcp_on_the_default_port_with_every_check_on)
{
    struct options options = PARSED("example.org");
    ck_assert_int_eq(options.action, OPTIONS_RUN);
    ck_assert_int_eq(options.endpoint.scheme, ENDPOINT_TCP);
    ck_assert_str_eq(options.endpoint.host, "example.org");
    ck_assert_uint_eq(options.endpoint.port, ENDPOINT_PORT_TCP);
    ck_assert(!options.tls && !options.insecure && !options.json);
    ck_assert_int_eq(options.family, AF_UNSPEC);
    ck_assert_int_eq(options.expect, EXPECT_ECHO);
    ck_assert_int_eq(options.verbosity, OPTIONS_NORMAL);
    ck_assert_uint_eq(options.connect_timeout_ms, 10000);
    ck_assert_uint_eq(options.idle_timeout_ms, 60000);
    ck_assert_ptr_null(options.cacert);
}
END_TEST

START_TEST(tls_changes_the_default_port_wherever_the_switch_is)
{
    struct options before = PARSED("--tls", "h"), after = PARSED("h", "--tls");
    ck_assert_uint_eq(before.endpoint.port, ENDPOINT_PORT_TLS);
    ck_assert_uint_eq(after.endpoint.port, ENDPOINT_PORT_TLS);
    ck_assert_int_eq(after.endpoint.scheme, ENDPOINT_TLS);
    ck_assert_uint_eq(PARSED("--tls", "h", "443").endpoint.port, 443);
}
END_TEST

START_TEST(the_scheme_of_an_endpoint_selects_tls)
{
    struct options tls = PARSED("tls://[::1]:443");
    ck_assert(tls.tls);
    ck_assert_str_eq(tls.endpoint.host, "::1");
    ck_assert_uint_eq(tls.endpoint.port, 443);
    ck_assert(!PARSED("tcp://h").tls);
    ck_assert_str_eq(PARSED("unix:///run/x").endpoint.path, "/run/x");
    ck_assert(PARSED("--tls", "tls://h").tls);
}
END_TEST

START_TEST(takes_an_ipv6_address_with_and_without_brackets)
{
    ck_assert_str_eq(PARSED("[::1]", "7").endpoint.host, "::1");
    ck_assert_str_eq(PARSED("::1", "7").endpoint.host, "::1");
}
END_TEST

START_TEST(takes_the_argument_of_a_long_option_in_both_forms_and_abbreviated_names)
{
    ck_assert_str_eq(PARSED("--source=127.0.0.2", "h").source, "127.0.0.2");
    ck_assert_str_eq(PARSED("--source", "127.0.0.2", "h").source, "127.0.0.2");
    ck_assert_uint_eq(PARSED("--idle-t=3", "h").idle_timeout_ms, 3000);
}
END_TEST

START_TEST(keeps_every_trust_option)
{
    struct options a = PARSED("--cacert=a", "--cert=b", "--key=c", "--servername=d", "tls://h");
    ck_assert_str_eq(a.cacert, "a");
    ck_assert_str_eq(a.cert, "b");
    ck_assert_str_eq(a.key, "c");
    ck_assert_str_eq(a.server_name, "d");
    struct options b = PARSED("--pin=e", "--tls-min=1.2", "--tls-max=1.3", "tls://h");
    ck_assert_str_eq(b.pin, "e");
    ck_assert_str_eq(b.tls_min, "1.2");
    ck_assert_str_eq(b.tls_max, "1.3");
    ck_assert(PARSED("-k", "tls://h").insecure);
}
END_TEST

START_TEST(keeps_every_tls_option)
{
    struct options a =
        PARSED("--ciphers=a", "--ciphersuites=b", "--groups=c", "--alpn=d,e", "tls://h");
    ck_assert_str_eq(a.ciphers, "a");
    ck_assert_str_eq(a.ciphersuites, "b");
    ck_assert_str_eq(a.groups, "c");
    ck_assert_str_eq(a.alpn, "d,e");
    struct options b = PARSED("--keylog=f", "--resume=g", "--show-certs", "tls://h");
    ck_assert_str_eq(b.keylog, "f");
    ck_assert_str_eq(b.resume, "g");
    ck_assert_int_eq(b.mode, MODE_SHOW_CERTS);
}
END_TEST

START_TEST(takes_the_key_log_from_the_environment_unless_it_is_given)
{
    setenv("SSLKEYLOGFILE", "env", 1);
    ck_assert_str_eq(PARSED("tls://h").keylog, "env");
    ck_assert_str_eq(PARSED("--keylog=given", "tls://h").keylog, "given");
    setenv("SSLKEYLOGFILE", "", 1);
    ck_assert_ptr_null(PARSED("tls://h").keylog);
    unsetenv("SSLKEYLOGFILE");
    ck_assert_ptr_null(PARSED("tls://h").keylog);
}
END_TEST

START_TEST(ping_has_the_short_options_of_ping_8)
{
    struct options a = PARSED("--ping", "-c5", "-i.2", "-s1400", "-w10", "-W500ms", "h");
    ck_assert_int_eq(a.mode, MODE_PING);
    ck_assert_uint_eq(a.count, 5);
    ck_assert_uint_eq(a.interval_ms, 200);
    ck_assert_uint_eq(a.size_bytes, 1400);
    ck_assert_uint_eq(a.deadline_ms, 10000);
    ck_assert_uint_eq(a.reply_timeout_ms, 500);
    ck_assert(!a.reconnect);
    struct options b = PARSED("--ping", "--reconnect", "h");
    ck_assert(b.reconnect);
    ck_assert_uint_eq(b.count, 0);
    ck_assert_uint_eq(b.interval_ms, 1000);
    ck_assert_uint_eq(b.reply_timeout_ms, 10000);
    ck_assert_uint_eq(b.deadline_ms, 0);
}
END_TEST

START_TEST(datagrams_have_options_of_their_own)
{
    struct options a = PARSED("--ping", "-Mdo", "udp://h");
    ck_assert_int_eq(a.endpoint.scheme, ENDPOINT_UDP);
    ck_assert_uint_eq(a.endpoint.port, ENDPOINT_PORT_UDP);
    ck_assert(a.never_fragment && !a.tls);
    ck_assert_uint_eq(a.size_bytes, OPTIONS_DEFAULT_SIZE_BYTES);
    struct options b = PARSED("--ping", "-Mwant", "--expect=stamp", "--clocks-agree", "udp://h");
    ck_assert(!b.never_fragment && b.clocks_agree);
    ck_assert_uint_eq(b.size_bytes, OPTIONS_DEFAULT_SIZE_BYTES);
    struct options c = PARSED("--ping", "--expect=stamp", "-s44", "udp://h:ntp");
    ck_assert_uint_eq(c.size_bytes, 44);     /* RFC 8762: without padding */
    ck_assert_uint_eq(c.endpoint.port, 123); /* a service that has no TCP port */
}
END_TEST

START_TEST(a_check_has_limits_in_days)
{
    struct options a =
        PARSED("--check", "--expiry-warn=30", "--expiry-crit=7", "--nagios", "tls://h");
    ck_assert_int_eq(a.mode, MODE_CHECK);
    ck_assert(a.nagios);
    ck_assert_uint_eq(a.expiry_warn_days, 30);
    ck_assert_uint_eq(a.expiry_crit_days, 7);
    ck_assert_uint_eq(a.idle_timeout_ms, 10000); /* the default of --check */
    ck_assert_uint_eq(PARSED("--check", "--idle-timeout=60", "h").idle_timeout_ms, 60000);
}
END_TEST

START_TEST(the_form_of_a_usage_error_is_read_from_the_rest_of_the_command_line)
{
    struct options options;
    struct words wish = words_of((const char *const[WORDS]){"--ping", "-s", "2GiB", "--js", "h"});
    struct words value = words_of((const char *const[WORDS]){"--servername", "--json", "-Y"});
    options_glean(wish.argc, wish.argv, &options);
    ck_assert(options.json);
    ck_assert_int_eq(options.mode, MODE_PING);
    options_glean(value.argc, value.argv, &options);
    ck_assert(!options.json);
    ck_assert_int_eq(options.mode, MODE_PIPE);
}
END_TEST

START_TEST(nagios_is_found_in_a_wrong_command_line_too)
{
    struct words wish = words_of((const char *const[WORDS]){"--nonsense", "--nagios"});
    struct words none = words_of((const char *const[WORDS]){"h", "--", "--nagios"});
    struct options options;
    options_glean(wish.argc, wish.argv, &options);
    ck_assert(options.nagios);
    options_glean(none.argc, none.argv, &options);
    ck_assert(!options.nagios);
}
END_TEST

static const struct {
    const char *arguments[WORDS];
    const char *endpoint;
} places[] = {
    {{"h:7000"}, "tcp://h:7000"},
    {{"h", "7000"}, "tcp://h:7000"},
    {{"--tls", "h:7000"}, "tls://h:7000"},
    {{"127.0.0.1:7000"}, "tcp://127.0.0.1:7000"},
    {{"[::1]:7443"}, "tcp://[::1]:7443"},
    {{"[fe80::1%lo]:7443"}, "tcp://[fe80::1%lo]:7443"},
    {{"::1"}, "tcp://[::1]:7007"},
    {{"::1:7443"}, "tcp://[::1:7443]:7007"},
    {{"::1", "https"}, "tcp://[::1]:443"},
    {{"[fe80::1%25lo]"}, "tcp://[fe80::1%lo]:7007"},
    {{"[fe80::1%25lo]:99"}, "tcp://[fe80::1%lo]:99"},
    {{"h", "https"}, "tcp://h:443"},
    {{"h:https"}, "tcp://h:443"},
    {{"[::1]:https"}, "tcp://[::1]:443"},
    {{"tls://h:https"}, "tls://h:443"},
    {{"tls://[::1]:https"}, "tls://[::1]:443"},
    {{"--bench", "h:7000", "g:https"}, "tcp://h:7000"},
    {{"--bench", "h", "https"}, "tcp://h:443"},
};

START_TEST(takes_the_port_as_number_or_service_after_a_colon_or_a_blank)
{
    struct options options = *parsed(places[_i].arguments);
    char text[ENDPOINT_TEXT_BYTES];
    endpoint_text(&options.endpoint, text);
    ck_assert_str_eq(text, places[_i].endpoint);
}
END_TEST

START_TEST(compares_two_endpoints_that_have_no_scheme)
{
    struct options options = PARSED("--bench", "h:7000", "g:https");
    char text[ENDPOINT_TEXT_BYTES];
    endpoint_text(&options.other, text);
    ck_assert(options.compares);
    ck_assert_str_eq(text, "tcp://g:443");
}
END_TEST

static const struct {
    const char *text;
    uint64_t bytes;
} sizes[] = {
    {"1", 1},
    {"1500", 1500},
    {"2k", 2000},
    {"64KiB", 64 << 10},
    {"64K", 64 << 10},
    {"1.5k", 1500},
    {"3M", 3000000},
    {"1MiB", 1 << 20},
    {"1G", 1000000000},
    {"1GiB", 1u << 30},
    {"1073741824", 1u << 30},
};

START_TEST(a_path_takes_a_host_with_its_port_or_several_endpoints)
{
    struct options options = PARSED("--path", "--tls", "h", "443");
    ck_assert_uint_eq(options.endpoint_count, 1);
    ck_assert_uint_eq(options.endpoint.port, 443);
    ck_assert_int_eq(options.endpoint.scheme, ENDPOINT_TLS);
    ck_assert_uint_eq(options.idle_max_ms, OPTIONS_NOT_GIVEN);
    ck_assert_ptr_null(options.only);
    options = PARSED("--path", "--only", "a,b", "--idle-max=5m", "tcp://h", "tls://h:1", "i:2");
    ck_assert_uint_eq(options.endpoint_count, 3);
    ck_assert(options.tls);
    ck_assert_str_eq(options.only, "a,b");
    ck_assert_uint_eq(options.idle_max_ms, 300000);
    ck_assert_int_eq(options.endpoint.scheme, ENDPOINT_TCP);
    ck_assert_int_eq(options.endpoints[1].scheme, ENDPOINT_TLS);
    ck_assert_uint_eq(options.endpoints[2].port, 2);
}
END_TEST

START_TEST(reads_a_size_with_and_without_its_unit)
{
    ck_assert_uint_eq(PARSED("--ping", "--size", sizes[_i].text, "h").size_bytes, sizes[_i].bytes);
}
END_TEST

static const struct {
    const char *text;
    uint64_t ms;
} times[] = {
    {"10", 10000},  {"0.5", 500},    {"1.5s", 1500},
    {"250ms", 250}, {"2m", 120000},  {"1h", 3.6e6},
    {"1d", 86.4e6}, {"0", 0},        {"0.1ms", 1 /* not "none" */},
    {"1e-1", 100},  {"1e3ms", 1000},
};

START_TEST(reads_a_time_with_and_without_its_unit)
{
    struct options options = PARSED("--idle-timeout", times[_i].text, "h");
    ck_assert_uint_eq(options.idle_timeout_ms, times[_i].ms);
}
END_TEST

START_TEST(help_and_version_need_no_host)
{
    ck_assert_int_eq(PARSED("-h").action, OPTIONS_HELP);
    ck_assert_int_eq(PARSED("--version").action, OPTIONS_VERSION);
}
END_TEST

START_TEST(an_argument_after_two_dashes_is_not_an_option)
{
    ck_assert_str_eq(PARSED("--", "-k").endpoint.host, "-k");
}
END_TEST

static const struct {
    const char *arguments[WORDS];
    const char *says; /* part of the message: what is wrong, and the remedy */
} wrong[] = {
    {{NULL}, "give HOST [PORT]"},
    {{"h", "1", "2"}, "too many operands, the first is '2': give HOST [PORT]"},
    {{"--path"}, "give HOST [PORT]"},
    {{"--path", "--tls", "tcp://h"}, "write tls://HOST:PORT"},
    {{"--path", "unix:///x"}, "nothing is on the way to a Unix socket"},
    {{"--path", "h:1", "h:2", "--connect-to", "i:3"}, "--connect-to needs a single endpoint"},
    {{"--path", "--resume=x", "tls://h"}, "leave out --resume"},
    {{"--only", "size", "h"}, "needs --path"},
    {{"--path", "--expect", "none", "h"}, "--expect cannot be used with --path"},
    {{"--ramp=1s", "--ping", "h"},
     "--ramp cannot be used with --ping: leave it out; it is for --bench"},
    {{"h", "--check", "--ramp=1s"},
     "--ramp cannot be used with --check: leave it out; it is for --bench"},
    {{"--ramp=1s", "h"}, "--ramp needs --bench"},
    {{"h", "x"}, "port"},
    {{"h", "65536"}, "65535"},
    {{"h", "0"}, "port 0"},
    {{"tcp://h:0"}, "port 0"},
    {{""}, "HOST must have"},
    {{"h:"}, "port"},
    {{"fe80::1"}, "fe80::1 is link-local: give its zone, as in fe80::1%eth0"},
    {{"tls://[fe80::1]:7443"}, "link-local"},
    {{"h", "99999"}, "'99999' is not a port: give 1 to 65535"},
    {{"https://h/"}, "give tls://HOST:443"},
    {{"h:0"}, "port 0"},
    {{"h:nosuchservice"}, "'nosuchservice' is not a port: give 1 to 65535, or a service"},
    {{"tls://h:nosuchservice"}, "a service of /etc/services"},
    {{"h:7007", "7008"}, "'7008' follows an endpoint"},
    {{"1:2:3"}, "write tcp://[ADDRESS]:PORT"},
    {{"--bench", "h:1", "g:0"}, "port 0"},
    {{"tcp://h", "7007"}, "write tcp://HOST:PORT"},
    {{"ftp://h"}, "tcp://"},
    {{"--tls", "tcp://h"}, "write tls://HOST:PORT"},
    {{"--tls", "unix:///x"}, "--tls cannot be used with unix://"},
    {{"--nonsense", "h"}, "unknown option --nonsense; tlsecho-client --help"},
    {{"-x", "h"}, "unknown option -x; tlsecho-client --help"},
    {{"--tls-m=1.2", "h"}, "--tls-m is ambiguous: it may be --tls-min, --tls-max; "},
    {{"--re", "h"},
     "--re is ambiguous: it may be --report, --resume, --reply-timeout, --reconnect, "
     "--report-html; "},
    {{"--ciphersuites=a", "--tls-max=1.2", "tls://h"}, "--tls-max is 1.2: use --ciphers"},
    {{"--ciphers=a", "--tls-min=1.3", "tls://h"}, "--tls-min is 1.3: use --ciphersuites"},
    {{"--json=yes", "h"}, "--json takes no argument"},
    {{"h", "--source"}, "--source needs an argument: ADDR"},
    {{"--source=", "h"}, "--source: the argument is empty"},
    {{"--expect=reverse", "h"}, "echo, upper, hello, none or stamp"},
    {{"--idle-timeout=soon", "h"}, "'soon' is not a time"},
    {{"--idle-timeout=-1", "h"}, "'-1' is not a time"},
    {{"--idle-timeout=", "h"}, "'' is not a time"},
    {{"--idle-timeout=1.2.3", "h"}, "'1.2.3' is not a time"},
    {{"--idle-timeout=5w", "h"}, "'5w' is not a time"},
    {{"--idle-timeout=366d", "h"}, "at most 365d"},
    {{"--cacert=a", "h"}, "--cacert needs TLS: add --tls or write tls://"},
    {{"-k", "tcp://h"}, "--insecure needs TLS: add --tls or write tls://"},
    {{"--show-certs", "h"}, "--show-certs needs TLS: add --tls or write tls://"},
    {{"-4", "-6", "h"}, "--ipv4 and --ipv6 exclude each other: give one"},
    {{"-vq", "h"}, "--quiet and --verbose exclude each other: give one"},
    {{"-4", "unix:///s"}, "--ipv4 cannot be used with a Unix socket: leave it out"},
    {{"-6", "unix:///s"}, "--ipv6 cannot be used with a Unix socket"},
    {{"--source=::1", "unix:///s"}, "--source cannot be used with a Unix socket"},
    {{"--dscp=1", "--bench", "unix:///s", "unix:///t"}, "--dscp cannot be used with a Unix socket"},
    {{":7007"}, "':7007' has no host: give localhost:7007"},
    {{"tls://:7443"}, "'tls://:7443' has no host: give tls://localhost:7443"},
    {{"--path", "tls://h", "udp://h"}, "--path needs a stream"},
    {{"--show-certs", "udp://h"}, "--show-certs needs TLS"},
    {{"--tls", "--ping", "udp://h"}, "--tls cannot be used with udp://"},
    {{"--ping", "--proxy-protocol=1", "udp://h"},
     "--proxy-protocol is not offered over UDP: leave it out, or give tcp://HOST:PORT"},
    {{"--bench", "--handshakes", "dtls://h"},
     "--handshakes is not offered over DTLS: leave it out, or give tls://HOST:PORT"},
    {{"--check", "-c2", "dtls://h"},
     "a handshake of its own, which is not offered over DTLS: give tls://"},
    {{"--check", "-c2", "udp://h"}, "--count is for connections with --check: use --ping"},
    {{"--bench", "dtls://h"}, "--bench over DTLS needs --rate"},
    {{"--ping", "-s65508", "udp://h"}, "--size: a datagram has at most 65507 bytes"},
    {{"--ping", "-Mdo", "h"}, "--mtu-discovery needs UDP: give udp://HOST:PORT"},
    {{"--ping", "-Mdont", "udp://h"}, "'dont' is not known: give do or want"},
    {{"--ping", "--expect=stamp", "h"}, "--expect stamp needs --ping udp://HOST:PORT"},
    {{"--ping", "--expect=stamp", "-s47", "udp://h"}, "44 bytes, or 48 and more"},
    {{"--ping", "--clocks-agree", "udp://h"}, "timestamps of --expect stamp: add that"},
    {{"--resume", "tls://h"}, "--resume needs a file here: give --resume=FILE"},
    {{"--resume", "file", "tls://h"}, "--resume=FILE"},
    {{"--resume=", "tls://h"}, "--resume: the argument is empty: give FILE"},
    {{"--key=a", "tls://h"}, "add --cert FILE"},
    {{"--pin=a", "-k", "tls://h"}, "--pin and --insecure exclude each other"},
    {{"--expect=none", "--show-certs", "tls://h"}, "--expect cannot be used with --show-certs"},
    {{"--count=1", "h"}, "--count needs --ping"},
    {{"-s1", "--show-certs", "tls://h"}, "--size cannot be used with --show-certs"},
    {{"--ping", "--show-certs", "tls://h"}, "--show-certs: cannot be used with --ping"},
    {{"--ping", "--expect=none", "h"}, "give --expect echo, upper or stamp"},
    {{"--ping", "-c0", "h"}, "--count: '0' is not a number from 1 to 4294967295"},
    {{"--ping", "-c-1", "h"}, "'-1' is not a number"},
    {{"--ping", "-c1x", "h"}, "'1x' is not a number"},
    {{"--ping", "-c99999999999999999999", "h"}, "is not a number"},
    {{"--ping", "-s0", "h"}, "--size: a probe needs at least one byte"},
    {{"--ping", "-s1.5", "h"}, "'1.5' is not a size: write 1500, 64KiB"},
    {{"--ping", "-s2GiB", "h"}, "from 0 to 1GiB"},
    {{"--ping", "-s1073741825", "h"}, "is not a size"},
    {{"--ping", "-s18446744073709551617", "h"}, "is not a size"},
    {{"--ping", "-s20000000000000000000G", "h"}, "is not a size"},
    {{"--ping", "-sKiB", "h"}, "is not a size"},
    {{"--ping", "-i-1", "h"}, "--interval: '-1' is not a time"},
    {{"--nagios", "h"}, "--nagios needs --check"},
    {{"--check", "--nagios", "--json", "h"}, "leave out --json"},
    {{"--check", "--expiry-warn=1", "h"}, "--expiry-warn needs TLS"},
    {{"--check", "--expiry-warn=1", "--expiry-crit=2", "tls://h"}, "give it more days"},
    {{"--pin=a", "--cacert=b", "tls://h"}, "--pin replaces --cacert"},
};

START_TEST(refuses_wrong_arguments_with_a_remedy)
{
    struct options options = {.action = -1};
    struct error err = {.text = "nothing"};
    struct words words = words_of(wrong[_i].arguments);
    ck_assert_int_eq(options_parse(words.argc, words.argv, &options, &err), -1);
    ck_assert_msg(strstr(err.text, wrong[_i].says) != NULL, "'%s' instead of '%s'", err.text,
                  wrong[_i].says);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_null(strchr(err.text, '\n'));
    ck_assert_int_eq((int)options.action, -1); /* untouched */
}
END_TEST

START_TEST(a_terminal_is_a_prompt_and_a_pipe_is_refused_over_udp)
{
    struct error err;
    struct options tcp = PARSED("h");
    ck_assert_int_eq(options_choose_prompt(&tcp, false, &err), 0);
    ck_assert_int_eq(tcp.mode, MODE_PIPE);
    ck_assert_int_eq(options_choose_prompt(&tcp, true, &err), 0);
    ck_assert_int_eq(tcp.mode, MODE_PROMPT);

    struct options udp = PARSED("udp://h");
    ck_assert_uint_eq(udp.idle_timeout_ms, 10000);
    ck_assert_int_eq(options_choose_prompt(&udp, false, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "a pipe needs a stream"));
    ck_assert_int_eq(options_choose_prompt(&udp, true, &err), 0);
    ck_assert_int_eq(udp.mode, MODE_PROMPT);

    struct options ping = PARSED("--ping", "udp://h");
    ck_assert_int_eq(options_choose_prompt(&ping, true, &err), 0);
    ck_assert_int_eq(ping.mode, MODE_PING);
}
END_TEST

START_TEST(help_has_a_line_for_every_option)
{
    static const char *const names[] = {"--tls ",
                                        "-4 --ipv4",
                                        "-6 --ipv6",
                                        "--source",
                                        "--cacert",
                                        "--cert ",
                                        "--key",
                                        "--servername",
                                        "--pin",
                                        "-k --insec",
                                        "--tls-min",
                                        "--tls-max",
                                        "--ciphers ",
                                        "--ciphersuites ",
                                        "--groups ",
                                        "--alpn LIST",
                                        "--keylog FILE",
                                        "--resume=FILE",
                                        "--show-certs ",
                                        "--expect",
                                        "--connect-timeout",
                                        "--idle-timeout",
                                        "--ping ",
                                        "-c --count N",
                                        "-i --interval",
                                        "-s --size",
                                        "-w --deadline",
                                        "-W --reply-timeout",
                                        "-D --timestamps",
                                        "--reconnect ",
                                        "With --ping:",
                                        "With pipe, prompt, --ping,",
                                        "--json",
                                        "-q --quiet",
                                        "-v --verbose",
                                        "-V --version",
                                        "-h --help"};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    options_help(out);
    fclose(out);
    for (int i = 0; i < COUNT(names); i++)
        ck_assert_msg(strstr(text, names[i]) != NULL, "%s", names[i]);
    free(text);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("options");
    tcase_add_test(cases, a_host_alone_is_tcp_on_the_default_port_with_every_check_on);
    tcase_add_test(cases, tls_changes_the_default_port_wherever_the_switch_is);
    tcase_add_test(cases, the_scheme_of_an_endpoint_selects_tls);
    tcase_add_test(cases, takes_an_ipv6_address_with_and_without_brackets);
    tcase_add_test(cases, takes_the_argument_of_a_long_option_in_both_forms_and_abbreviated_names);
    tcase_add_test(cases, keeps_every_trust_option);
    tcase_add_test(cases, keeps_every_tls_option);
    tcase_add_test(cases, takes_the_key_log_from_the_environment_unless_it_is_given);
    tcase_add_test(cases, ping_has_the_short_options_of_ping_8);
    tcase_add_test(cases, datagrams_have_options_of_their_own);
    tcase_add_test(cases, a_check_has_limits_in_days);
    tcase_add_test(cases, the_form_of_a_usage_error_is_read_from_the_rest_of_the_command_line);
    tcase_add_test(cases, nagios_is_found_in_a_wrong_command_line_too);
    tcase_add_loop_test(cases, takes_the_port_as_number_or_service_after_a_colon_or_a_blank, 0,
                        COUNT(places));
    tcase_add_test(cases, compares_two_endpoints_that_have_no_scheme);
    tcase_add_test(cases, a_path_takes_a_host_with_its_port_or_several_endpoints);
    tcase_add_loop_test(cases, reads_a_size_with_and_without_its_unit, 0, COUNT(sizes));
    tcase_add_loop_test(cases, reads_a_time_with_and_without_its_unit, 0, COUNT(times));
    tcase_add_test(cases, help_and_version_need_no_host);
    tcase_add_test(cases, an_argument_after_two_dashes_is_not_an_option);
    tcase_add_loop_test(cases, refuses_wrong_arguments_with_a_remedy, 0, COUNT(wrong));
    tcase_add_test(cases, a_terminal_is_a_prompt_and_a_pipe_is_refused_over_udp);
    tcase_add_test(cases, help_has_a_line_for_every_option);

    Suite *suite = suite_create("options");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
