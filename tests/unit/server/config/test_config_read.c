/* SPDX-License-Identifier: MIT */
/* Errors in a configuration: wrong keys, types and values, and keys that contradict each other. */
#include "suite.h"
#include "tlsecho/server/config.h"
#include "tlsecho/server/config_load.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))
#define FILE_NAME    "/etc/tlsecho/server.yaml"

static struct config *parsed(const char *text)
{
    struct config *config;
    struct error err;
    ck_assert_msg(config_parse(FILE_NAME, text, strlen(text), &config, &err) == 0, "%s", err.text);
    return config;
}

static void assert_refused(const char *text, const char *reason)
{
    struct config *config;
    struct error err;
    char expected[ERROR_TEXT_BYTES];
    snprintf(expected, sizeof expected, FILE_NAME ":%s", reason);
    ck_assert_msg(config_parse(FILE_NAME, text, strlen(text), &config, &err) == -1, "%s", text);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strncmp(err.text, expected, strlen(expected)) == 0, "%s\n%s\nexpected %s", text,
                  err.text, expected);
}

static const struct {
    const char *text, *reason;
} wrong[] = {
    /* YAML that is no configuration */
    {"- a\n", "1:1: not a mapping: begin with \"listeners:\" or another key"},
    {"text", "1:1: not a mapping: begin with"},
    {"workers: 1\n---\nworkers: 2\n", "2:1: a second YAML document"},
    {"workers: *w", "1:10: aliases are not supported"},

    /* keys */
    {"lissteners: []", "1:1: lissteners: unknown key: did you mean listeners?"},
    {"Workers: 1", "1:1: Workers: unknown key: did you mean workers?"},
    {"\nlgo: {}", "2:1: lgo: unknown key: did you mean log?"},
    {"limits: {bufer: 1}", "1:10: limits.bufer: unknown key: did you mean buffer?"},
    {"tcp: {keepalive: {probe: 1}}",
     "1:19: tcp.keepalive.probe: unknown key: did you mean probes?"},
    {"tls: {web: {min-version: 1}}",
     "1:13: tls.web.min-version: unknown key: did you mean min_version?"},
    {"listeners: [{lisetn: x}]", "1:14: listeners[0].lisetn: unknown key: did you mean listen?"},
    {"limits: {xyzzy: 1}",
     "1:10: limits.xyzzy: unknown key: write one of connections, "
     "per_source, accept_rate, handshakes, client_hello, datagram_rate, buffer"},
    {"'': 1", "1:1: unknown key: write one of listeners, tls, watch, workers, timeouts, limits, "
              "tcp, log, admin, identity, security"},
    {"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz: 1",
     "1:1: abcdefghijklmnopqrstuvwxyzab...: unknown key: write one of listeners"},
    {"workers: 1\nlog: {}\nworkers: 1\n",
     "3:1: workers: repeated, first on line 1: remove one of them"},
    {"log: {level: info, level: info}", "1:20: log.level: repeated, first on line 1"},
    {"tls: {a: {}, a: {}}", "1:14: tls.a: repeated, first on line 1"},
    {"listeners: [{name: x}]",
     "1:13: listeners[0].listen: required key is missing: where to listen"},
    {"listeners: [{listen: tcp://a}, ]\ntls: {a: {certificates: [{key: k}]}}",
     "2:26: tls.a.certificates[0].certificate: required key is missing: a PEM file"},
    {"tls: {a: {certificates: [{certificate: c}]}}",
     "1:26: tls.a.certificates[0].key: required key is missing: a PEM file with the private key"},
    {"listeners: [ , ]", "1:14: did not find expected node content"},
    {"listeners:\n  -\n", "2:4: listeners[0].listen: required key is missing"},

    /* variables */
    {"identity: {env: [TLSECHO_TEST_UNSET]}",
     "1:18: identity.env[0]: TLSECHO_TEST_UNSET is not set in the environment: set it, or remove"},
    {"identity:\n  env:\n    - TLSECHO_TEST_SET\n    - TLSECHO_TEST_SET\n",
     "4:7: identity.env[1]: TLSECHO_TEST_SET is already in the list as [0]: remove one of them"},
    {"identity: {env: [1A]}", "1:18: identity.env[0]: \"1A\" is not the name of a variable: use "},
    {"identity: {env: ['A=B']}", "1:18: identity.env[0]: \"A=B\" is not the name of a variable"},
    {"identity: {env: [a.b]}", "1:18: identity.env[0]: \"a.b\" is not the name of a variable"},
    {"identity: {env: [TLSECHO_TEST_ESCAPE]}",
     "1:18: identity.env[0]: the value of TLSECHO_TEST_ESCAPE has a control character or is not"},
    {"identity: {env: [TLSECHO_TEST_SET, TLSECHO_TEST_LONG]}",
     "1:36: identity.env[1]: the names and values up to here have "},
    {"identity: {name: x, naem: y}", "1:21: identity.naem: unknown key: did you mean name?"},
    {"identity: {env: POD_NAME}", "1:17: identity.env: not a list"},

    /* control characters */
    {"identity: {name: \"a\\nb\"}",
     "1:18: identity.name: the text has a line break or another control character: write one line"},
    {"identity: {name: \"a\\0b\"}", "1:18: identity.name: the text has a line break or another"},
    {"identity: {name: \"\\uFEFF\"}", "1:18: identity.name: the text has a line break or another"},
    {"identity: {env: [\"a\\tb\"]}", "1:18: identity.env[0]: the text has a line break or another"},
    {"workers: |\n  1\n  2\n", "1:10: workers: the text has a line break or another"},
    {"log: {level: \"\\x1b\"}", "1:14: log.level: the text has a line break or another"},

    /* types */
    {"listeners: 1", "1:12: listeners: not a list: begin each entry with \"- \", or write []"},
    {"listeners:\n", "1:11: listeners: not a list"},
    {"listeners: {listen: x}", "1:12: listeners: not a list"},
    {"listeners: [x]", "1:13: listeners[0]: not a mapping: write \"KEY: VALUE\" lines"},
    {"listeners: [[]]", "1:13: listeners[0]: not a mapping"},
    {"listeners: [{listen: [x]}]",
     "1:22: listeners[0].listen: expected a single value: where to listen"},
    {"listeners: [{listen: {a: b}}]", "1:22: listeners[0].listen: expected a single value"},
    {"workers:\n",
     "1:9: workers: expected a single value: number of worker threads; auto = one per"},
    {"log: info", "1:6: log: not a mapping: write \"KEY: VALUE\" lines"},
    {"log: []", "1:6: log: not a mapping"},
    {"tls: []", "1:6: tls: not a mapping"},
    {"tls: {web: []}", "1:12: tls.web: not a mapping"},
    {"tls: {web: {certificates:  }}", "1:28: tls.web.certificates: not a list"},
    {"tls: {a: {alpn: h2}}",
     "1:17: tls.a.alpn: not a list: begin each entry with \"- \", or write []"},
    {"tls: {a: {alpn: {h2: 1}}}", "1:17: tls.a.alpn: not a list"},
    {"tls: {a: {alpn: }}", "1:17: tls.a.alpn: not a list"},
    {"tls: {a: {alpn: [h2, [h3]]}}",
     "1:22: tls.a.alpn[1]: expected a single value: application protocols"},
    {"tls: {a: {alpn: [h2, {x: y}]}}", "1:22: tls.a.alpn[1]: expected a single value"},
    {"tls: {a: {alpn: [h2, '']}}", "1:22: tls.a.alpn[1]: empty entry: write a text, or remove it"},
    {"tls:\n  a:\n    allow_names:\n      -\n",
     "4:8: tls.a.allow_names[0]: expected a single value"},
    {"tls: {a: {ciphers: [x]}}",
     "1:20: tls.a.ciphers: expected a single value: ciphers for TLS 1.2"},

    /* values */
    {"workers: 0", "1:10: workers: 0 is out of range: write auto or 1 to 1024"},
    {"workers: 1025", "1:10: workers: 1025 is out of range"},
    {"workers: many",
     "1:10: workers: \"many\" is not a number: write digits only, such as 100, or auto"},
    {"limits: {connections: 10000001}",
     "1:23: limits.connections: 10000001 is out of range: write 0 to 10000000"},
    {"limits: {connections: auto}", "1:23: limits.connections: \"auto\" is not a number"},
    {"limits: {buffer: 4095}", "1:18: limits.buffer: 4095 is out of range: write 4KiB to 64MiB"},
    {"limits: {buffer: 65MiB}", "1:18: limits.buffer: 65MiB is out of range: write 4KiB to 64MiB"},
    {"limits: {buffer: 18446744073709551615GiB}",
     "1:18: limits.buffer: 18446744073709551615GiB is out of range"},
    {"timeouts: {idle: 10}", "1:18: timeouts.idle: \"10\" has no unit: write ms, s, m, h or d"},
    {"timeouts: {idle: 366d}", "1:18: timeouts.idle: 366d is out of range: write 0 to 365d"},
    {"limits: {datagram_rate: 99999999999999999999}",
     "1:25: limits.datagram_rate: 99999999999999999999 is out of range: write 0 to 10000000"},
    {"workers: 18446744073709551616",
     "1:10: workers: 18446744073709551616 is out of range: write auto or 1 to 1024"},
    {"limits: {buffer: 17179869184GiB}",
     "1:18: limits.buffer: 17179869184GiB is out of range: write 4KiB to 64MiB"},
    {"timeouts: {idle: 213503982335d}",
     "1:18: timeouts.idle: 213503982335d is out of range: write 0 to 365d"},
    {"limits: {buffer: 99999999999999999999GB}",
     "1:18: limits.buffer: \"99999999999999999999GB\" is not a size"},
    {"tcp: {backlog: 0}", "1:16: tcp.backlog: 0 is out of range: write 1 to 65535"},
    {"tcp: {backlog: 65536}", "1:16: tcp.backlog: 65536 is out of range: write 1 to 65535"},
    {"tcp: {nodelay: 1}", "1:16: tcp.nodelay: \"1\" is not a switch: write on or off"},
    {"tcp: {keepalive: {idle: 0}}",
     "1:25: tcp.keepalive.idle: 0 is out of range: write 1s to 32767s"},
    {"tcp: {keepalive: {interval: 32768s}}",
     "1:29: tcp.keepalive.interval: 32768s is out of range: write 1s to 32767s"},
    {"tcp: {keepalive: {idle: 1500ms}}",
     "1:25: tcp.keepalive.idle: 1500ms is not a multiple of 1s: round it"},
    {"tcp: {keepalive: {probes: 128}}",
     "1:27: tcp.keepalive.probes: 128 is out of range: write 1 to 127"},
    {"log: {level: inf}",
     "1:14: log.level: unknown value \"inf\": write one of debug, info, warning, error"},
    {"log: {format: xml}", "1:15: log.format: unknown value \"xml\": write one of logfmt, json"},
    {"tls: {a: {min_version: 1.1}}",
     "1:24: tls.a.min_version: unknown value \"1.1\": write one of 1.2, 1.3"},
    {"tls: {a: {certificates: [{certificate: '', key: k}]}}",
     "1:40: tls.a.certificates[0].certificate: must not be empty: a PEM file"},
    {"watch: maybe", "1:8: watch: \"maybe\" is not a switch: write on or off"},
    {"tls: {a: {client_auth: yes}}",
     "1:24: tls.a.client_auth: unknown value \"yes\": write one of off, optional, required"},
    {"tls: {'': {}}", "1:7: tls.: 0 bytes long: write a name of 1 to 287 bytes"},

    /* listeners */
    {"listeners: []", "1:12: listeners: 0 entries: write 1 to 64, or leave the key out"},
    {"listeners: [{listen: localhost}]", "1:22: listeners[0].listen: \"localhost\" has no scheme"},
    {"listeners: [{listen: ''}]", "1:22: listeners[0].listen: an endpoint is empty"},
    {"listeners: [{listen: tcp://a, service: chat}]",
     "1:40: listeners[0].service: unknown value \"chat\": write one of echo, upper, discard, "
     "chargen, report"},
    {"listeners: [{listen: tcp://a, name: 'a:b'}]",
     "1:37: listeners[0].name: a name must not contain a colon: remove it"},
    {"listeners: [{listen: tcp://a, name: x}, {listen: tcp://b, name: x}]",
     "1:65: listeners[1].name: listeners[0] already has this name: write another one"},
    {"listeners: [{listen: tcp://a:0}, {listen: tcp://a:0}]",
     "1:43: listeners[1].name: listeners[0] already has this name: write another one"},
    {"listeners: [{listen: tcp://a}, {listen: tcp://b}, {listen: tcp://a:7007}]",
     "1:60: listeners[2].listen: listeners[0] already has this address: write another one, or"},
    {"listeners: [{listen: tcp://a:1}, {listen: tls://a:1}]",
     "1:43: listeners[1].listen: listeners[0] already has this address"},
    {"listeners: [{listen: unix:///a}, {listen: unix:///a, name: x}]",
     "1:43: listeners[1].listen: listeners[0] already has this address"},
    {"listeners: [{listen: unix:///a}, {listen: unix:///.//a}]",
     "1:43: listeners[1].listen: listeners[0] already has this address"},
    {"listeners: [{listen: unix:///proc/self/cwd/a}, {listen: unix:///proc/self/task/../cwd/a}]",
     "1:57: listeners[1].listen: listeners[0] already has this address"},
    {"listeners: [{listen: tcp://224.0.0.1}]",
     "1:22: listeners[0].listen: 224.0.0.1 is a multicast address, which accepts no connections: "
     "write an address of this host, or 0.0.0.0 or [::] for all of them"},
    {"listeners: [{listen: tcp://a}, {listen: 'tls://[ff02::1%lo]:1'}]",
     "1:41: listeners[1].listen: ff02::1%lo is a multicast address"},
    {"listeners: [{listen: 'udp://127.255.255.255:7'}]",
     "1:22: listeners[0].listen: 127.255.255.255 is a broadcast address, which gets no answers"},
    {"listeners: [{listen: tcp://255.255.255.255}]",
     "1:22: listeners[0].listen: 255.255.255.255 is the broadcast address"},

    /* limits */
    {"limits: {per_source: 10000001}", "1:22: limits.per_source: 10000001 is out of range: "},
    {"limits: {accept_rate: 10/s}", "1:23: limits.accept_rate: \"10/s\" is not a number"},
    {"limits: {handshakes: -1}", "1:22: limits.handshakes: \"-1\" is not a number"},

    /* the admin address */
    {"admin: {listen: localhost}", "1:17: admin.listen: \"localhost\" has no scheme"},
    {"admin: {listen: 'tls://localhost:1'}",
     "1:17: admin.listen: tls:// is not supported here: write tcp:// or unix://"},
    {"admin: {listen: 'udp://localhost:1'}",
     "1:17: admin.listen: udp:// is not supported here: write tcp:// or unix://"},

    /* datagrams */
    {"listeners: [{listen: 'udp://localhost:1', tls: default}]",
     "1:48: listeners[0].tls: udp:// does not use TLS: remove this key, or listen on dtls://"},
    {"listeners: [{listen: 'udp://localhost:1', proxy_protocol: required, proxy_from: ['::1']}]",
     "1:59: listeners[0].proxy_protocol: datagrams have no PROXY header: remove this key, or "
     "listen "
     "on tcp://"},
    {"listeners: [{listen: 'udp://localhost:1', service: chargen}]",
     "1:52: listeners[0].service: chargen is not offered over UDP: write one of echo, upper, "
     "discard, report, stamp, or listen on tcp://"},
    {"listeners: [{listen: 'udp://localhost:1', service: hello}]",
     "1:52: listeners[0].service: hello is not offered over UDP: write one of echo, upper, "
     "discard, report, stamp, or listen on tcp://"},
    {"listeners: [{listen: 'tls://localhost:1', service: stamp}]",
     "1:52: listeners[0].service: stamp needs datagrams: write one of echo, upper, discard, "},
    {"listeners: [{listen: 'dtls://localhost:1', service: stamp}]",
     "1:53: listeners[0].service: stamp is not offered over DTLS: write one of echo, upper, "
     "discard, report, or listen on udp://"},
    {"listeners: [{listen: 'dtls://localhost:1', service: chargen}]",
     "1:53: listeners[0].service: chargen is not offered over DTLS: write one of echo, upper, "
     "discard, report, or listen on tcp://"},
    {"listeners: [{listen: 'dtls://localhost:1', proxy_protocol: required, proxy_from: ['::1']}]",
     "1:60: listeners[0].proxy_protocol: datagrams have no PROXY header"},
    {"listeners: [{listen: 'dtls://localhost:1', tls: x}]\ntls: {x: {min_version: '1.3'}}",
     "2:24: tls.x.min_version: listeners[0] uses DTLS, which has only 1.2: set it to 1.2, or give "
     "that listener another profile"},
    {"listeners: [{listen: 'udp://localhost:1'}, {listen: 'dtls://localhost:1'}]",
     "1:53: listeners[1].listen: listeners[0] already has this address"},
    {"listeners: [{listen: 'udp://239.0.0.1:7'}]",
     "1:22: listeners[0].listen: 239.0.0.1 is a multicast address, which gets no answers: write an "
     "address of this host"},
    {"listeners: [{listen: 'udp://[::]:1'}, {listen: 'udp://127.0.0.1:1'}]",
     "1:48: listeners[1].listen: listeners[0] already has this address"},
    {"listeners: [{listen: 'udp://localhost:1', allow: [unix]}]",
     "1:50: listeners[0].allow: no client could connect"},
    {"limits: {datagram_rate: 10/s}", "1:25: limits.datagram_rate: \"10/s\" is not a number"},
    {"listeners: [{listen: tcp://a:1}]\nadmin: {listen: 'tcp://a:1'}",
     "2:17: admin.listen: listeners[0] already has this address: write another one"},
    {"admin: {listen: 'tcp://239.0.0.1:1'}",
     "1:17: admin.listen: 239.0.0.1 is a multicast address"},
    {"listeners: [{listen: unix:///a}]\nadmin: {listen: 'unix:////a'}",
     "2:17: admin.listen: listeners[0] already has this address: write another one"},

    /* networks */
    {"listeners: [{listen: tcp://a, allow: 10.0.0.0/8}]",
     "1:38: listeners[0].allow: not a list: begin each entry with \"- \", or write []"},
    {"listeners: [{listen: tcp://a, allow: [[]]}]",
     "1:39: listeners[0].allow[0]: expected a single value: networks of clients"},
    {"listeners: [{listen: tcp://a, allow: ['']}]",
     "1:39: listeners[0].allow[0]: empty entry: write"},
    {"listeners: [{listen: tcp://a, deny: [10.0.0.1/8]}]",
     "1:38: listeners[0].deny[0]: \"10.0.0.1/8\" is an address inside a network: "
     "write 10.0.0.0/8 for the network, or 10.0.0.1 for that address alone"},
    {"listeners: [{listen: tcp://a, deny: ['::1', 10.0.0.0/33]}]",
     "1:45: listeners[0].deny[1]: the prefix length of \"10.0.0.0/33\" is out of range"},
    {"listeners: [{listen: tcp://a, allow: [10.0.0.0/8, '::1', '::ffff:10.0.0.0/104']}]",
     "1:58: listeners[0].allow[2]: 10.0.0.0/8 is already in the list as [0]: remove one of them"},

    {"listeners: [{listen: unix:///a, allow: [0.0.0.0/0, '::/0']}]",
     "1:40: listeners[0].allow: no client could connect: clients of a Unix socket have no IP "
     "address: add unix, or remove the list"},
    {"listeners: [{listen: tcp://a, allow: [unix]}]",
     "1:38: listeners[0].allow: no client could connect: no client of this listener uses a Unix "
     "socket: add a network, or remove the list"},

    /* profiles */
    {"listeners: [{listen: tcp://a, tls: default}]",
     "1:36: listeners[0].tls: tcp:// does not use TLS: remove this key, or listen on tls://"},
    {"listeners: [{listen: unix:///a, tls: ''}]",
     "1:38: listeners[0].tls: unix:// does not use TLS: remove this key"},
    {"listeners: [{listen: tls://a, tls: wbe}]\ntls: {web: {}}",
     "1:36: listeners[0].tls: no profile \"wbe\" under tls: write one of default, web"},
    {"listeners: [{listen: tls://a, tls: x}]\ntls: {default: {}, web: {}}",
     "1:36: listeners[0].tls: no profile \"x\" under tls: write one of default, web"},
    {"listeners: [{listen: tls://a, tls: x}]",
     "1:36: listeners[0].tls: no profile \"x\" under tls: write one of default"},
    {"tls: {a: {min_version: 1.3, max_version: 1.2}}",
     "1:24: tls.a.min_version: 1.3 is above max_version 1.2: lower it"},
    {"tls: {a: {}, b: {min_version: 1.3, max_version: 1.2}}",
     "1:31: tls.b.min_version: 1.3 is above max_version 1.2: lower it"},

    /* client certificates */
    {"tls: {a: {client_auth: optional}}",
     "1:24: tls.a.client_auth: needs client_ca: set it to the PEM file"},
    {"tls: {a: {client_auth: required, client_ca: ''}}",
     "1:24: tls.a.client_auth: needs client_ca"},
    {"listeners: [{listen: 'dtls://localhost:1', tls: x}]\ntls: {x: {ciphersuites: "
     "TLS_AES_128_GCM_SHA256}}",
     "2:25: tls.x.ciphersuites: has no effect on listeners of DTLS, which has only 1.2: write "
     "ciphers instead, or remove this key"},
    {"listeners: [{listen: 'dtls://localhost:1', tls: x}, {listen: 'tls://localhost:1'}]\n"
     "tls: {x: {ciphersuites: TLS_AES_128_GCM_SHA256}}",
     "2:25: tls.x.ciphersuites: has no effect on listeners of DTLS"},
    {"tls: {a: {ciphersuites: TLS_AES_128_GCM_SHA256, max_version: 1.2}}",
     "1:25: tls.a.ciphersuites: has no effect while max_version is 1.2: write ciphers instead, or "
     "remove this key"},
    {"tls: {a: {min_version: 1.3, ciphers: AES128-SHA}}",
     "1:38: tls.a.ciphers: has no effect while min_version is 1.3: write ciphersuites instead, or "
     "remove this key"},
    {"tls: {a: {client_ca: c}}", "1:22: tls.a.client_ca: has no effect while client_auth is off: "
                                 "set client_auth to required or "
                                 "optional, or remove this key"},
    {"tls: {a: {client_auth: off, crl: c}}",
     "1:34: tls.a.crl: has no effect while client_auth is off: set client_auth"},
    {"tls: {a: {allow_names: ['DNS:a', 'DNS:b']}}",
     "1:25: tls.a.allow_names: has no effect while client_auth is off: set client_auth"},
};

START_TEST(refuses_with_place_key_and_remedy)
{
    assert_refused(wrong[_i].text, wrong[_i].reason);
}
END_TEST

/* By the folder, which two file systems may number alike, and the name. */
START_TEST(accepts_sockets_of_different_folders_names_and_file_systems)
{
    static const char *const pairs[][2] = {
        {"/no/folder/a", "/no/other/a"},       {"/proc/self/cwd/a", "/proc/self/task/../cwd/b"},
        {"/proc/self/a", "/proc/self/task/a"}, {"/proc/a", "/sys/a"},
        {"/no/folder/a", "/proc/a"},           {"/proc/a", "/no/folder/a"},
    };
    char text[200];
    snprintf(text, sizeof text, "listeners: [{listen: unix://%s}, {listen: unix://%s}]",
             pairs[_i][0], pairs[_i][1]);
    config_free(parsed(text));
}
END_TEST

START_TEST(reports_the_first_error_only)
{
    assert_refused("workers: 0\nlog: {level: x}\n", "1:10: workers: 0 is out of range");
    assert_refused("log: {level: x}\nworkers: 0\n", "1:14: log.level: ");
}
END_TEST

/* HEAD, n times BEFORE, its number, AFTER, then TAIL; the caller frees it. */
static char *repeated(const char *head, const char *before, const char *after, int n,
                      const char *tail)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs(head, out);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s%d%s", before, i, after);
    fputs(tail, out);
    fclose(out);
    return text;
}

START_TEST(accepts_64_listeners_and_not_65)
{
    char *text = repeated("listeners:\n", "  - listen: tcp://a:", "\n", 64, "");
    struct config *config = parsed(text);
    ck_assert_uint_eq(config->listener_count, 64);
    config_free(config);
    free(text);

    text = repeated("listeners:\n", "  - listen: tcp://a:", "\n", 65, "");
    assert_refused(text, "2:3: listeners: 65 entries: write 1 to 64");
    free(text);
}
END_TEST

START_TEST(accepts_64_profiles_including_the_default_one)
{
    char *text = repeated("tls:\n", "  p", ":\n", 63, "");
    struct config *config = parsed(text);
    ck_assert_uint_eq(config->profile_count, 64);
    ck_assert_str_eq(config->listeners[1].tls->name.value, "default");
    config_free(config);
    free(text);

    text = repeated("tls:\n", "  p", ":\n", 64, "");
    assert_refused(text,
                   " tls: a listener needs one more profile, default, beside these 64: remove one");
    free(text);

    text = repeated("tls:\n", "  p", ":\n", 65, "");
    assert_refused(text, "2:3: tls: 65 entries");
    free(text);
}
END_TEST

/* HEAD, n times c, TAIL; the caller frees it. */
static char *filled(const char *head, char c, size_t n, const char *tail)
{
    size_t used = strlen(head);
    char *text = malloc(used + n + strlen(tail) + 1);
    memcpy(text, head, used);
    memset(text + used, c, n);
    strcpy(text + used + n, tail);
    return text;
}

START_TEST(accepts_names_as_long_as_an_endpoint_and_paths_up_to_path_max)
{
    char *text = filled("tls: {", 'x', 287, ": {}}\nlisteners: [{listen: tcp://a}]");
    config_free(parsed(text));
    free(text);
    text = filled("tls: {", 'x', 288, ": {}}");
    assert_refused(text,
                   "1:7: tls.xxxxxxxxxxxxxxxxxxxxxxxxxxxx...: 288 bytes long: write a name of");
    free(text);
    text = filled("tls: {a: {certificates: [{certificate: c, key: /", 'k', 4094, "}]}}");
    config_free(parsed(text));
    free(text);
    text = filled("tls: {a: {certificates: [{certificate: c, key: /", 'k', 4095, "}]}}");
    assert_refused(text, "1:48: tls.a.certificates[0].key: 4096 bytes long: write at most 4095");
    free(text);
}
END_TEST

START_TEST(accepts_256_texts_and_not_257)
{
    char *text = repeated("tls: {a: {alpn: [", "p", ",", 256, "]}}");
    struct config *config = parsed(text);
    ck_assert_uint_eq(config->profiles[0].alpn.count, 256);
    ck_assert_str_eq(config->profiles[0].alpn.values[255].value, "p255");
    config_free(config);
    free(text);

    text = repeated("tls: {a: {alpn: [", "p", ",", 257, "]}}");
    assert_refused(text, "1:17: tls.a.alpn: 257 entries: write at most 256");
    free(text);
}
END_TEST

START_TEST(accepts_lists_that_match_some_client)
{
    static const char *const texts[] = {
        "listeners: [{listen: unix:///a, allow: [10.0.0.0/8, unix]}]",
        "listeners: [{listen: tcp://a, allow: [unix, 10.0.0.0/8], deny: [0.0.0.0/0]}]",
        ("listeners: [{listen: unix:///a, allow: [10.0.0.0/8], proxy_protocol: required,\n"
         "             proxy_from: [unix]}]"),
    };
    config_free(parsed(texts[_i]));
}
END_TEST

START_TEST(accepts_cipher_suites_where_one_of_the_listeners_uses_tls)
{
    config_free(parsed("listeners: [{listen: 'dtls://a:1'}, {listen: 'tls://a:1'}]\n"
                       "tls: {default: {ciphersuites: TLS_AES_128_GCM_SHA256}}"));
}
END_TEST

START_TEST(accepts_256_networks_and_not_257)
{
    char *text = repeated("listeners: [{listen: tcp://a, deny: [", "10.0.0.", ",", 256, "]}]");
    struct config *config = parsed(text);
    ck_assert_uint_eq(config->listeners[0].deny.count, 256);
    config_free(config);
    free(text);

    text = repeated("listeners: [{listen: tcp://a, deny: [", "10::", ",", 257, "]}]");
    assert_refused(text, "1:37: listeners[0].deny: 257 entries: write at most 256");
    free(text);
}
END_TEST

START_TEST(accepts_protocols_of_255_bytes_and_not_256)
{
    char *text = filled("tls: {a: {alpn: [h2, ", 'p', 255, "]}}");
    config_free(parsed(text));
    free(text);
    text = filled("tls: {a: {alpn: [h2, ", 'p', 256, "]}}");
    assert_refused(text, "1:22: tls.a.alpn[1]: 256 bytes long: write at most 255");
    free(text);
}
END_TEST

START_TEST(two_listeners_may_each_take_any_free_port)
{
    struct config *config =
        parsed("listeners: [{listen: tcp://a:0, name: x}, {listen: tcp://a:0, name: y}]");
    ck_assert_uint_eq(config->listener_count, 2);
    config_free(config);
}
END_TEST

START_TEST(handles_40000_entries_of_one_kind)
{
    static const struct {
        const char *head, *before, *after, *tail;
    } cases[] = {{"", "k", ": 1\n", ""},
                 {"tls:\n", " k", ": {}\n", ""},
                 {"tls: {a: {certificates: [", "{x: ", "},", "]}}"},
                 {"listeners: [", "{listen: tcp://a:", "},", "]"}};
    char *text = repeated(cases[_i].head, cases[_i].before, cases[_i].after, 40000, cases[_i].tail);
    ck_assert_uint_lt(strlen(text), 1 << 20);
    struct config *config;
    struct error err;
    ck_assert_int_eq(config_parse("f", text, strlen(text), &config, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    free(text);
}
END_TEST

int main(void)
{
    char long_text[600];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    setenv("TLSECHO_TEST_SET", "1", 1);
    setenv("TLSECHO_TEST_ESCAPE", "\x1b[31m", 1);
    setenv("TLSECHO_TEST_LONG", long_text, 1);
    unsetenv("TLSECHO_TEST_UNSET");
    TCase *tcase = tcase_create("config_read");
    tcase_add_loop_test(tcase, refuses_with_place_key_and_remedy, 0, COUNT(wrong));
    tcase_add_loop_test(tcase, accepts_sockets_of_different_folders_names_and_file_systems, 0, 6);
    tcase_add_test(tcase, reports_the_first_error_only);
    tcase_add_test(tcase, accepts_64_listeners_and_not_65);
    tcase_add_test(tcase, accepts_64_profiles_including_the_default_one);
    tcase_add_test(tcase, accepts_names_as_long_as_an_endpoint_and_paths_up_to_path_max);
    tcase_add_test(tcase, accepts_256_texts_and_not_257);
    tcase_add_test(tcase, accepts_cipher_suites_where_one_of_the_listeners_uses_tls);
    tcase_add_test(tcase, accepts_256_networks_and_not_257);
    tcase_add_loop_test(tcase, accepts_lists_that_match_some_client, 0, 3);
    tcase_add_test(tcase, accepts_protocols_of_255_bytes_and_not_256);
    tcase_add_test(tcase, two_listeners_may_each_take_any_free_port);
    tcase_add_loop_test(tcase, handles_40000_entries_of_one_kind, 0, 4);

    Suite *suite = suite_create("config_read");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
