/* SPDX-License-Identifier: MIT */
/*
 * The table of options, and the parsers of their arguments.
 *
 * Ownership: static.   Threads: any.
 */
#ifndef TLSECHO_OPTIONS_INTERNAL_H
#define TLSECHO_OPTIONS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/client/options.h"

/* The role of an option beside the field that it sets. */
enum option_role {
    OPTION_SETS,         /* none */
    OPTION_CHOOSES_MODE, /* at most one can be given */
    OPTION_SHAPES_OUTPUT /* also of the message about wrong arguments */
};

struct option_row {
    const char *name;
    char short_name;      /* 0 = none */
    const char *argument; /* its name in --help; NULL = the option is a switch */
    const char *help;
    /* Stores the argument's value in field. ERROR_INPUT, without the option's name. */
    int (*parse)(const struct option_row *row, const char *argument, void *field,
                 struct error *err);
    size_t field;      /* its offset in struct options */
    int value;         /* what option_parse_value and option_parse_mode store */
    uint64_t min, max; /* of option_parse_number and option_parse_size; min of _duration, in ms */
    unsigned modes;    /* bits 1 << enum options_mode in which it can be used; 0 = all */
    enum option_role role;
    bool optional;    /* the argument is; parse gets NULL without one */
    bool only_ip;     /* refused on a Unix socket */
    bool only_udp;    /* refused on a stream */
    bool only_stream; /* refused over UDP */
    bool only_tls;    /* refused without TLS */
};

extern const struct option_row option_rows[];
extern const int option_rows_count;

/* A bool becomes true; an int becomes row->value; a text is kept, unless it is empty. */
int option_parse_true(const struct option_row *row, const char *argument, void *field,
                      struct error *err);
int option_parse_value(const struct option_row *row, const char *argument, void *field,
                       struct error *err);
int option_parse_text(const struct option_row *row, const char *argument, void *field,
                      struct error *err);

/* As option_parse_value, but at most one can be given. */
int option_parse_mode(const struct option_row *row, const char *argument, void *field,
                      struct error *err);

/* enum expect_kind in an int. */
int option_parse_expect(const struct option_row *row, const char *argument, void *field,
                        struct error *err);

/* "do" or "want", as ping(8) has them: a bool, whether it is "do". */
int option_parse_mtu_discovery(const struct option_row *row, const char *argument, void *field,
                               struct error *err);

/* HOST:PORT, IPv6 in brackets, in a struct endpoint. */
int option_parse_host_port(const struct option_row *row, const char *argument, void *field,
                           struct error *err);

/* A positive number, which may have a fraction, in a double. */
int option_parse_rate(const struct option_row *row, const char *argument, void *field,
                      struct error *err);

/* The text after "="; "" without it. */
int option_parse_resume(const struct option_row *row, const char *argument, void *field,
                        struct error *err);

/* Milliseconds in a uint64_t: a decimal number with a unit; without one it is in seconds, as for
 * ping and curl. */
int option_parse_duration(const struct option_row *row, const char *argument, void *field,
                          struct error *err);

/* Microseconds since 1970 in an int64_t, RFC 3339; refused unless it is in the future, by at most
 * 365 days. */
int option_parse_future(const struct option_row *row, const char *argument, void *field,
                        struct error *err);

/* A whole number, row->min to row->max, in a uint64_t. */
int option_parse_number(const struct option_row *row, const char *argument, void *field,
                        struct error *err);

/* Likewise bytes, with K, KiB, MiB, GiB or k, M, G = 1000s. */
int option_parse_size(const struct option_row *row, const char *argument, void *field,
                      struct error *err);

/* A port from 1 to 65535, or the name of a service, TCP before UDP (services(5)). */
int option_parse_port(const char *text, uint16_t *ret, struct error *err);

/* SCHEME://HOST:PORT, HOST:PORT, [ADDRESS]:PORT, or HOST with an optional port (NULL = none); an
 * IPv6 address alone needs no brackets. tls: use TLS if there is no scheme. */
int option_parse_endpoint(const char *text, const char *port, bool tls, struct endpoint *ret,
                          struct error *err);

/* Whether an endpoint of the options is udp:// or dtls://. */
bool options_name_udp(const struct options *options);

/* "DTLS" if an endpoint is dtls://, else "UDP". */
const char *options_datagram_name(const struct options *options);

/* Whether what the options say can be done over UDP, where that is so, and whether it needs UDP.
 * ERROR_INPUT. */
int options_check_datagrams(const struct options *options, struct error *err);

/* The option that chooses a mode; NULL if standard input does. */
const struct option_row *option_that_chooses(int mode);

/* "pipe, prompt or --ping": a set of modes. */
void option_modes_text(unsigned modes, char *ret, size_t size);

#endif
