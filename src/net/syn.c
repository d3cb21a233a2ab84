/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/syn.h"

#include <netinet/in.h>
#include <stdio.h>

enum {
    IPV4_BYTES = 20,
    IPV6_BYTES = 40,
    TCP_BYTES = 20,
    WORD_BYTES = 4,       /* the unit of the length of an IPv4 and of a TCP header */
    EXTENSION_BYTES = 8,  /* the unit of the length of an IPv6 extension header */
    FAST_OPEN_ID = 0xf989 /* of an experimental option */
};

#define SMC_ID UINT32_C(0xe2d4c3d9)

enum { FLAG_SYN = 0x02, FLAG_ACK = 0x10, FLAG_ECE = 0x40, FLAG_CWR = 0x80 };

static unsigned get16(const unsigned char *data)
{
    return (unsigned)data[0] << 8 | data[1];
}

static uint32_t get32(const unsigned char *data)
{
    return (uint32_t)get16(data) << 16 | get16(data + 2);
}

static bool is_experimental(unsigned kind)
{
    return kind == 253 || kind == 254; /* RFC 4727 §7.2 */
}

static unsigned identify(const unsigned char *option, size_t length)
{
    if (!is_experimental(option[0]))
        return option[0];
    if (length >= 4 && get16(option + 2) == FAST_OPEN_ID)
        return SYN_OPTION_FAST_OPEN_EXPERIMENTAL;
    if (length >= 6 && get32(option + 2) == SMC_ID)
        return SYN_OPTION_SMC;
    return option[0];
}

/* Whether an option of that kind can have that length, both of its first bytes included. */
static bool is_length(unsigned kind, size_t length)
{
    switch (kind) {
    case SYN_OPTION_MSS:
        return length == 4;
    case SYN_OPTION_WINDOW_SCALE:
        return length == 3;
    case SYN_OPTION_SACK_PERMITTED:
        return length == 2;
    case SYN_OPTION_TIMESTAMPS:
        return length == 10;
    }
    return length >= 2;
}

static void take_option(const unsigned char *option, struct syn *ret)
{
    switch (option[0]) {
    case SYN_OPTION_MSS:
        ret->mss = (int)get16(option + 2);
        break;
    case SYN_OPTION_WINDOW_SCALE:
        ret->window_scale = option[2];
        break;
    case SYN_OPTION_SACK_PERMITTED:
        ret->sack = true;
        break;
    case SYN_OPTION_TIMESTAMPS:
        ret->timestamps = true;
        ret->tsval = get32(option + 2);
        ret->tsecr = get32(option + 6);
        break;
    }
}

/* RFC 9293 §3.1: END and NOP are a single byte, the others have a length. */
static void take_options(const unsigned char *data, size_t n, struct syn *ret)
{
    size_t length;
    for (size_t at = 0; at < n; at += length) {
        const unsigned char *option = data + at;
        bool single = option[0] == SYN_OPTION_END || option[0] == SYN_OPTION_NOP;
        length = single ? 1 : n - at >= 2 ? option[1] : 0;
        if (length > n - at || (!single && !is_length(option[0], length))) {
            ret->malformed = option[0];
            return;
        }
        ret->options[ret->option_count++] = (uint16_t)identify(option, length);
        if (option[0] == SYN_OPTION_END)
            return;
        take_option(option, ret);
    }
}

static bool take_tcp(const unsigned char *data, size_t n, struct syn *ret)
{
    if (n < TCP_BYTES)
        return false;
    size_t length = (size_t)(data[12] >> 4) * WORD_BYTES;
    unsigned flags = data[13];
    if (length < TCP_BYTES || length > n || (flags & (FLAG_SYN | FLAG_ACK)) != FLAG_SYN)
        return false;
    ret->ece = flags & FLAG_ECE;
    ret->cwr = flags & FLAG_CWR;
    ret->window = get16(data + 14);
    take_options(data + TCP_BYTES, length - TCP_BYTES, ret);
    return true;
}

static bool take_ipv4(const unsigned char *data, size_t n, struct syn *ret)
{
    if (n < IPV4_BYTES)
        return false;
    size_t length = (size_t)(data[0] & 15) * WORD_BYTES;
    if (length < IPV4_BYTES || length > n || data[9] != IPPROTO_TCP)
        return false;
    ret->dscp = data[1] >> 2;
    ret->ttl = data[8];
    return take_tcp(data + length, n - length, ret);
}

/* RFC 8200 §4; of those that carry another header, only one that is encrypted hides it. */
static bool is_extension(unsigned header)
{
    enum { MOBILITY = 135, HIP = 139, SHIM6 = 140 };
    return header == IPPROTO_HOPOPTS || header == IPPROTO_ROUTING || header == IPPROTO_FRAGMENT ||
           header == IPPROTO_DSTOPTS || header == IPPROTO_AH || header == MOBILITY ||
           header == HIP || header == SHIM6;
}

static size_t extension_bytes(unsigned header, const unsigned char *data)
{
    if (header == IPPROTO_FRAGMENT)
        return EXTENSION_BYTES;
    if (header == IPPROTO_AH) /* RFC 4302 §2.2 */
        return ((size_t)data[1] + 2) * WORD_BYTES;
    return ((size_t)data[1] + 1) * EXTENSION_BYTES;
}

static bool take_ipv6(const unsigned char *data, size_t n, struct syn *ret)
{
    if (n < IPV6_BYTES)
        return false;
    unsigned header = data[6];
    ret->dscp = get16(data) >> 6 & 63;
    ret->ttl = data[7];
    size_t at = IPV6_BYTES;
    while (is_extension(header)) {
        if (n - at < EXTENSION_BYTES)
            return false;
        size_t length = extension_bytes(header, data + at);
        if (length > n - at)
            return false;
        header = data[at];
        at += length;
    }
    return header == IPPROTO_TCP && take_tcp(data + at, n - at, ret);
}

bool syn_parse(const unsigned char *data, size_t n, struct syn *ret)
{
    struct syn syn = {.mss = -1, .window_scale = -1, .malformed = -1};
    unsigned version = n > 0 ? data[0] >> 4 : 0;
    if (!(version == 4 && take_ipv4(data, n, &syn)) && !(version == 6 && take_ipv6(data, n, &syn)))
        return false;
    *ret = syn;
    return true;
}

static const char *option_name(unsigned option)
{
    switch (option) {
    case SYN_OPTION_END:
        return "end";
    case SYN_OPTION_NOP:
        return "nop";
    case SYN_OPTION_MSS:
        return "mss";
    case SYN_OPTION_WINDOW_SCALE:
        return "window-scale";
    case SYN_OPTION_SACK_PERMITTED:
        return "sack-permitted";
    case SYN_OPTION_SACK:
        return "sack";
    case SYN_OPTION_TIMESTAMPS:
        return "timestamps";
    case SYN_OPTION_MD5:
        return "md5";
    case SYN_OPTION_QUICK_START:
        return "quick-start";
    case SYN_OPTION_USER_TIMEOUT:
        return "user-timeout";
    case SYN_OPTION_TCP_AO:
        return "tcp-ao";
    case SYN_OPTION_MPTCP:
        return "mptcp";
    case SYN_OPTION_FAST_OPEN:
        return "fast-open";
    case SYN_OPTION_TCP_ENO:
        return "tcp-eno";
    case SYN_OPTION_ACCECN0:
        return "accecn0";
    case SYN_OPTION_ACCECN1:
        return "accecn1";
    case SYN_OPTION_FAST_OPEN_EXPERIMENTAL:
        return "fast-open-experimental";
    case SYN_OPTION_SMC:
        return "smc";
    }
    return NULL;
}

void syn_option_text(unsigned option, char ret[SYN_OPTION_TEXT_BYTES])
{
    const char *name = option_name(option);
    if (name)
        snprintf(ret, SYN_OPTION_TEXT_BYTES, "%s", name);
    else
        snprintf(ret, SYN_OPTION_TEXT_BYTES, "kind-%u", option);
}
