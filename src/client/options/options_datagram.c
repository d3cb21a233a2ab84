/* SPDX-License-Identifier: MIT */
/* What goes together with udp:// and dtls://. */
#include <inttypes.h>

#include "options_internal.h"
#include "tlsecho/net/stamp.h"

enum {
    DATAGRAM_BYTES_MAX = 65507, /* RFC 768, RFC 791: over IPv4 */
    DTLS_BYTES_MAX = 16384,     /* RFC 6347 §4.1.1 */
};

/* Modes that datagrams can carry; whether MODE_PIPE becomes the prompt is not known yet. */
#define MODES_OF_UDP                                                                               \
    (1u << MODE_PIPE | 1u << MODE_PING | 1u << MODE_CHECK | 1u << MODE_REPORT | 1u << MODE_BENCH | \
     1u << MODE_SHOW_CERTS)

static int check_mode(const struct options *options, struct error *err)
{
    if (MODES_OF_UDP & 1u << options->mode)
        return 0;
    return error_set(err, ERROR_INPUT,
                     "--%s needs a stream: give tcp://HOST:PORT or tls://HOST:PORT",
                     options_mode_name(options->mode));
}

int options_choose_prompt(struct options *options, bool terminal, struct error *err)
{
    if (options->mode != MODE_PIPE)
        return 0;
    if (!terminal && options_name_udp(options))
        return error_set(err, ERROR_INPUT,
                         "a pipe needs a stream: datagrams may be lost or reordered, and have no "
                         "end; give tcp://HOST:PORT or tls://HOST:PORT, or use --ping or --check, "
                         "or type lines at the prompt of a terminal");
    options->mode = terminal ? MODE_PROMPT : MODE_PIPE;
    return 0;
}

_Static_assert(OPTIONS_DEFAULT_SIZE_BYTES >= (int)STAMP_BYTES_WITH_RECORD,
               "by default, a STAMP packet has room for the reflector's record");

static int check_stamp(const struct options *options, struct error *err)
{
    if (options->expect != EXPECT_STAMP)
        return !options->clocks_agree
                   ? 0
                   : error_set(
                         err, ERROR_INPUT,
                         "--clocks-agree is about the timestamps of --expect stamp: add that");
    if (stamp_size_is_possible((size_t)options->size_bytes))
        return 0;
    return error_set(err, ERROR_INPUT,
                     "--size: a STAMP packet has %d bytes, or %d and more with padding",
                     STAMP_BYTES, STAMP_BYTES + STAMP_TLV_BYTES);
}

bool options_name_udp(const struct options *options)
{
    bool udp = endpoint_has_datagrams(options->endpoint.scheme) ||
               (options->compares && endpoint_has_datagrams(options->other.scheme));
    for (size_t i = 0; i < options->endpoint_count; i++)
        udp = udp || endpoint_has_datagrams(options->endpoints[i].scheme);
    return udp && options->mode != MODE_MERGE;
}

static bool names_dtls(const struct options *options)
{
    return options->endpoint.scheme == ENDPOINT_DTLS ||
           (options->compares && options->other.scheme == ENDPOINT_DTLS);
}

const char *options_datagram_name(const struct options *options)
{
    return names_dtls(options) ? "DTLS" : "UDP";
}

static int check_dtls(const struct options *options, struct error *err)
{
    if (options->mode == MODE_CHECK && options->count)
        return error_set(err, ERROR_INPUT,
                         "--count: each check would have a handshake of its own, which is not "
                         "offered over DTLS: give tls://HOST:PORT, or use --ping, which sends as "
                         "many messages");
    if (options->ciphersuites)
        return error_set(err, ERROR_INPUT,
                         "--ciphersuites is for TLS 1.3, and DTLS has only 1.2: use --ciphers");
    if (options->size_bytes > DTLS_BYTES_MAX)
        return error_set(err, ERROR_INPUT, "--size: over DTLS a message has at most %d bytes",
                         DTLS_BYTES_MAX);
    return 0;
}

int options_check_datagrams(const struct options *options, struct error *err)
{
    bool udp = options_name_udp(options);
    bool dtls = names_dtls(options);
    if (options->expect == EXPECT_STAMP && (!udp || dtls || options->mode != MODE_PING))
        return error_set(err, ERROR_INPUT, "--expect stamp needs --ping udp://HOST:PORT");
    if (!udp)
        return 0;
    if (check_mode(options, err) < 0)
        return -1;
    if (options->expect == EXPECT_HELLO)
        return error_set(err, ERROR_INPUT,
                         "--expect hello needs a stream: give tcp://HOST:PORT or tls://HOST:PORT");
    if (options->mode == MODE_BENCH && options->rate <= 0)
        return error_set(err, ERROR_INPUT,
                         "--bench over %s needs --rate: without it a lost datagram would stop the "
                         "load",
                         options_datagram_name(options));
    if (options->mode == MODE_BENCH && !options->size_bytes)
        return error_set(err, ERROR_INPUT, "--size: a datagram of a load has at least one byte");
    if (options->mode == MODE_CHECK && options->count && !dtls)
        return error_set(err, ERROR_INPUT,
                         "--count is for connections with --check: use --ping, which sends as many "
                         "datagrams");
    if (options->mode == MODE_CHECK && options->expect == EXPECT_NONE && !dtls)
        return error_set(err, ERROR_INPUT,
                         "--check needs an answer over UDP, where nothing else shows that a server "
                         "is there: --expect must be echo or upper");
    if (options->size_bytes > DATAGRAM_BYTES_MAX)
        return error_set(err, ERROR_INPUT, "--size: a datagram has at most %d bytes",
                         DATAGRAM_BYTES_MAX);
    if (dtls && check_dtls(options, err) < 0)
        return -1;
    return check_stamp(options, err);
}
