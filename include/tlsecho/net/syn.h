/* SPDX-License-Identifier: MIT */
/*
 * The SYN of a connection as it arrived, read from the headers that the kernel keeps of it
 * (socket_saved_syn).
 *
 * Ownership: values, no heap.   Threads: any.
 */
#ifndef TLSECHO_SYN_H
#define TLSECHO_SYN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SYN_OPTIONS_MAX = 40, /* a TCP header has at most as many bytes of options */
    SYN_OPTION_TEXT_BYTES = 32,
};

/* A TCP option: its kind (IANA), or what an experimental one is known to be (RFC 6994). */
enum syn_option {
    SYN_OPTION_END = 0,
    SYN_OPTION_NOP = 1,
    SYN_OPTION_MSS = 2,
    SYN_OPTION_WINDOW_SCALE = 3,
    SYN_OPTION_SACK_PERMITTED = 4,
    SYN_OPTION_SACK = 5,
    SYN_OPTION_TIMESTAMPS = 8,
    SYN_OPTION_MD5 = 19,
    SYN_OPTION_QUICK_START = 27,
    SYN_OPTION_USER_TIMEOUT = 28,
    SYN_OPTION_TCP_AO = 29,
    SYN_OPTION_MPTCP = 30,
    SYN_OPTION_FAST_OPEN = 34,
    SYN_OPTION_TCP_ENO = 69,
    SYN_OPTION_ACCECN0 = 172,
    SYN_OPTION_ACCECN1 = 174,
    SYN_OPTION_KIND_MAX = 255,
    SYN_OPTION_FAST_OPEN_EXPERIMENTAL, /* RFC 7413 §4.1.1 */
    SYN_OPTION_SMC,                    /* RFC 7609 §3.1 */
};

struct syn {
    unsigned ttl;  /* IPv6: hop limit */
    unsigned dscp; /* RFC 2474 */
    bool ece, cwr; /* both: the client offers ECN (RFC 3168 §6.1.1) */
    unsigned window;
    int mss;          /* RFC 9293 §3.7.1; -1 = no such option */
    int window_scale; /* RFC 7323 §2.2: the shift; -1 = likewise */
    bool sack;        /* RFC 2018 §2 */
    bool timestamps;  /* RFC 7323 §3.2: tsval and tsecr are there */
    uint32_t tsval, tsecr;
    int malformed; /* the option whose length is impossible; those after it are lost; -1 = none */
    size_t option_count;
    uint16_t options[SYN_OPTIONS_MAX]; /* enum syn_option or another kind, in their order */
};

/* Reads an IPv4 or IPv6 header with its extension headers and the TCP header after it. Of a
 * repeated option the last one counts. False: it is not the SYN of a client, or not all of it. */
bool syn_parse(const unsigned char *data, size_t n, struct syn *ret);

/* "window-scale", "kind-77". */
void syn_option_text(unsigned option, char ret[SYN_OPTION_TEXT_BYTES]);

#endif
