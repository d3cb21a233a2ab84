/* SPDX-License-Identifier: MIT */
/* The order of options does not matter. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "property.h"
#include "suite.h"
#include "tlsecho/client/options.h"

enum { CASES = 10000, ARGUMENTS_MAX = 12 };

/* Of any mode; most sets are valid in none. */
static char all[][32] = {
    "tls://localhost:7443",
    "--ping",
    "--check",
    "--bench",
    "--json",
    "--quiet",
    "-v",
    "--tls",
    "-4",
    "--ipv6",
    "--source=127.0.0.1",
    "--connect-to=127.0.0.1:1",
    "--dscp=46",
    "--proxy-protocol=2",
    "--cacert=ca.pem",
    "--cert=client.pem",
    "--key=client.key",
    "--servername=example.org",
    "-k",
    "--tls-min=1.2",
    "--tls-max=1.3",
    "--ciphers=A",
    "--groups=X25519",
    "--alpn=h2",
    "--keylog=keys",
    "--resume=session",
    "--connect-timeout=2s",
    "--idle-timeout=3s",
    "--expect=upper",
    "-c5",
    "--interval=10ms",
    "-w9s",
    "--reply-timeout=1s",
    "--reconnect",
    "-D",
    "-s100",
    "--handshakes",
    "-P4",
    "-t5s",
    "--messages=100",
    "--pipeline=2",
    "--rate=1000",
    "--threads=2",
    "--omit=1s",
    "--ramp=1s",
};

enum { ALL = sizeof all / sizeof *all };

static unsigned accepted;

static void shuffle(char **arguments, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t other = (size_t)property_below(i);
        char *argument = arguments[i - 1];
        arguments[i - 1] = arguments[other];
        arguments[other] = argument;
    }
}

static int parse(char *const *arguments, size_t n, struct options *ret)
{
    static char program[] = "tlsecho-client";
    char *argv[ARGUMENTS_MAX + 2] = {program}; /* getopt_long changes its order */
    struct error err;
    memcpy(argv + 1, arguments, n * sizeof *arguments);
    memset(ret, 0, sizeof *ret);
    return options_parse((int)n + 1, argv, ret, &err);
}

/* Each argument at most once. The modes that accept most come often. */
static size_t choose_arguments(char *ret[ARGUMENTS_MAX])
{
    static const size_t modes[] = {1, 2, 3};
    bool chosen[ALL] = {true}; /* the endpoint */
    size_t n = 0, count = 2 + (size_t)property_below(ARGUMENTS_MAX - 2);
    ret[n++] = all[0];
    if (property_below(4)) {
        size_t mode = modes[property_below(3)];
        chosen[mode] = true;
        ret[n++] = all[mode];
    }
    while (n < count) {
        size_t next = (size_t)property_below(ALL);
        if (!chosen[next])
            ret[n++] = all[next];
        chosen[next] = true;
    }
    return n;
}

/* A field is not compared: `files` is where getopt_long left the operands. */
static void reorder(void)
{
    char *arguments[ARGUMENTS_MAX];
    struct options first, second;
    size_t n = choose_arguments(arguments);
    int result = parse(arguments, n, &first);
    shuffle(arguments, n);
    property_require(parse(arguments, n, &second) == result, "both are valid, or neither is");
    if (result < 0)
        return;
    accepted++;
    first.files = second.files = NULL;
    property_require(memcmp(&first, &second, sizeof first) == 0, "the options are the same");
}

START_TEST(options_in_any_order_are_the_same)
{
    property_check("options, any order", CASES, reorder);
    ck_assert_uint_gt(accepted, 0);
    printf("options, any order: %u were valid\n", accepted);
}
END_TEST

SUITE_OF_ONE_TEST("options_properties", options_in_any_order_are_the_same)
