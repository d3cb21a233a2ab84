/* SPDX-License-Identifier: MIT */
/*
 * The server's configuration: the values of the YAML file and the defaults of all other keys. A
 * table of keys drives reading, defaults, printing and the manual page. config_load.h makes one.
 *
 * Ownership: a config owns everything it points to.   Threads: one while it is read, then any: it
 * is not changed any more.
 */
#ifndef TLSECHO_CONFIG_H
#define TLSECHO_CONFIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tlsecho/base/error.h"
#include "tlsecho/base/identity.h"
#include "tlsecho/base/log.h"
#include "tlsecho/net/cidr.h"
#include "tlsecho/net/endpoint.h"
#include "tlsecho/tls/tls_context.h"

/* listeners[].proxy_protocol */
enum config_proxy_protocol { CONFIG_PROXY_OFF, CONFIG_PROXY_TRUSTED, CONFIG_PROXY_REQUIRED };
/* Its name in the file; NULL past the last. */
const char *config_proxy_protocol_name(size_t proxy_protocol);

/* security.sandbox: what the kernel supports; all of it, or no start; nothing. */
enum config_sandbox { CONFIG_SANDBOX_AUTO, CONFIG_SANDBOX_ON, CONFIG_SANDBOX_OFF };

/* The place of a value in the file, from 1; line 0 = a default. */
struct config_place {
    int line, column;
};

/* A text that other modules check (a path, a name), with its place for their messages. */
struct config_text {
    char *value; /* never NULL; "" = not given */
    struct config_place place;
};

struct config_texts {
    struct config_text *values; /* none of them is "" */
    size_t count;
};

struct config_cidrs {
    struct cidr *values; /* no duplicates */
    size_t count;
    struct config_place place; /* of the list */
};

struct config_certificate {
    struct config_text certificate, key, ocsp; /* absolute paths */
    struct config_place place;                 /* of `certificate` */
};

struct config_tls {
    struct config_text name;
    struct config_certificate *certificates;
    size_t certificate_count;                    /* 0 = generate a self-signed one */
    struct config_text min_version, max_version; /* "1.2" or "1.3", min <= max */
    struct config_text ciphers, ciphersuites, groups;
    struct config_texts alpn;
    enum tls_client_auth client_auth; /* off: the next three are not given */
    struct config_place client_auth_place;
    struct config_text client_ca, crl; /* absolute paths */
    struct config_texts allow_names;
    struct config_text ticket_keys, keylog; /* absolute paths */
};

struct config_listener {
    struct endpoint listen;
    struct config_place place;                 /* of `listen` */
    struct config_text name;                   /* unique; default: the endpoint's text */
    struct config_text service;                /* a name that service_find knows */
    struct config_text profile;                /* the name of tls; "" unless listen is tls:// */
    const struct config_tls *tls;              /* NULL unless listen is tls:// */
    enum config_proxy_protocol proxy_protocol; /* off: proxy_from is not given */
    struct config_place proxy_protocol_place;
    struct config_cidrs proxy_from; /* the trusted proxies */
    bool freebind;                  /* bind an address that the host does not have yet */
    struct config_place freebind_place;
    struct config_cidrs allow; /* clients that may connect; none = all */
    struct config_cidrs deny;  /* clients that may not, even if allowed */
};

struct config {
    atomic_uint references;
    char *file;     /* NULL = the built-in default */
    bool read_once; /* from standard input, a pipe or another file that is not regular */
    struct config_listener *listeners;
    size_t listener_count; /* 1..64 */
    struct config_tls *profiles;
    size_t profile_count;
    bool watch;       /* reload when a file that the configuration names changes */
    uint64_t workers; /* 0 = auto: one per usable CPU */
    struct {
        uint64_t handshake, idle, write, linger, drain, lame_duck, lifetime;
    } timeouts_ms; /* 0 = no time-out; lame_duck: none is served */
    struct {
        uint64_t connections, per_source, accept_rate, handshakes; /* 0 = no limit */
        uint64_t datagram_rate;                                    /* likewise */
        uint64_t client_hello_bytes;                               /* likewise */
        uint64_t buffer_bytes;
    } limits;
    struct {
        bool nodelay;
        uint64_t backlog;
        struct {
            uint64_t idle_ms, interval_ms, probes; /* whole seconds */
        } keepalive;
    } tcp;
    struct {
        enum log_level level;
        enum log_format format;
        bool connections;
    } log;
    struct {
        struct config_text listen; /* as in the file; "" = none */
        struct endpoint endpoint;  /* of listen, unless that is "" */
    } admin;
    struct {
        struct config_text name; /* as in the file; "" = the host name */
        struct config_texts env;
        struct identity effective; /* with the host name and the values of the variables */
    } identity;
    struct {
        struct config_text user, group;
        enum config_sandbox sandbox;
        struct config_place sandbox_place;
        enum tls_key_files key_files;
    } security;
};

/* Each reference, the first one included, is released by one config_free. NULL may be freed. */
struct config *config_ref(struct config *config);
void config_free(struct config *config);

/* Calls each with every file that the configuration names to be read, without its own file. */
void config_each_path(const struct config *config, void (*each)(const char *path, void *context),
                      void *context);

/* The effective configuration as YAML, which config_parse reads back to the same value. */
void config_print(const struct config *config, FILE *out);

/* Fills err with ERROR_INPUT and "FILE:LINE:COLUMN: ...", for a value that another module refuses.
 * Always returns -1. */
int config_refuse(const struct config *config, struct config_place place, struct error *err,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
#define config_refuse(...) error_minus_one(config_refuse(__VA_ARGS__))

#endif
