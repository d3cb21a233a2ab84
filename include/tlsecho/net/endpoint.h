/* SPDX-License-Identifier: MIT */
/*
 * Endpoints as users write them: tcp://HOST:PORT, tls://HOST:PORT, udp://HOST:PORT,
 * dtls://HOST:PORT, unix:///PATH.
 * Pure functions of text (RFC 3986 §3.2.2 for the brackets around IPv6).
 *
 * Ownership: values, no heap.   Threads: any.
 */
#ifndef TLSECHO_ENDPOINT_H
#define TLSECHO_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/base/error.h"

enum endpoint_scheme {
    ENDPOINT_TCP,
    ENDPOINT_TLS,
    ENDPOINT_UNIX,
    ENDPOINT_UDP,
    ENDPOINT_DTLS,
    ENDPOINT_SCHEMES,
};

enum {
    ENDPOINT_PORT_TCP = 7007,
    ENDPOINT_PORT_TLS = 7443,
    ENDPOINT_PORT_UDP = 7007,
    ENDPOINT_PORT_DTLS = 7443,
    ENDPOINT_HOST_BYTES = 256, /* RFC 1035 §2.3.4: a name has at most 255 octets */
    ENDPOINT_PATH_BYTES = 108, /* unix(7): sun_path */
    ENDPOINT_TEXT_BYTES = 288,
};

struct endpoint {
    enum endpoint_scheme scheme;
    char host[ENDPOINT_HOST_BYTES]; /* a name or an address without brackets; "" for unix */
    uint16_t port;                  /* host byte order; 0 for unix, and for any free port */
    char path[ENDPOINT_PATH_BYTES]; /* absolute, free of "//" and "/./"; "" unless unix */
};

/* Parses SCHEME://...; without :PORT it takes the scheme's default port. ERROR_INPUT with an
 * example of valid input. */
int endpoint_parse(const char *text, struct endpoint *ret, struct error *err);

/* Parses a decimal port number, 0..65535, and nothing else. ERROR_INPUT. */
int endpoint_parse_port(const char *text, uint16_t *ret, struct error *err);

/* The canonical text; endpoint_parse turns it back into the same value. */
void endpoint_text(const struct endpoint *endpoint, char ret[ENDPOINT_TEXT_BYTES]);

/* "tcp", "tls", "unix", "udp" or "dtls". */
const char *endpoint_scheme_name(enum endpoint_scheme scheme);

/* Whether it carries datagrams: UDP, DTLS. Whether TLS protects it: TLS, DTLS. */
bool endpoint_has_datagrams(enum endpoint_scheme scheme);
bool endpoint_has_tls(enum endpoint_scheme scheme);

/* Whether host is an IPv4 or IPv6 address rather than a name (a scope such as %eth0 allowed). */
bool endpoint_host_is_address(const char *host);

/* RFC 6874: the % before a zone is written %25 between the brackets of a URI. Decodes it to %. */
void endpoint_decode_zone(char *host);

/* Whether no socket of one peer can have that address: multicast (RFC 5771, RFC 4291 §2.7), the
 * limited broadcast (RFC 919 §7) or that of 127.0.0.0/8. Names are not looked up. */
bool endpoint_host_is_for_many(const char *host);

/* Whether host can be a host name (RFC 1123 §2.1, '_' and a dot at the end allowed), not an
 * address. */
bool endpoint_host_is_name(const char *host);

/* Whether only this host can connect to it: localhost, 127.0.0.0/8, ::1, or a Unix socket. Other
 * names are not looked up. */
bool endpoint_is_local(const struct endpoint *endpoint);

/*
 * Whether sockets cannot listen on both at once: the addresses are equal, or one is a wildcard that
 * covers the other ([::] covers IPv4 too). UDP, and DTLS over it, have ports of their own. Port 0
 * never conflicts. Of names only localhost is resolved; others are compared as text.
 */
bool endpoint_overlap(const struct endpoint *a, const struct endpoint *b);

#endif
