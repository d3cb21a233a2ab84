/* SPDX-License-Identifier: MIT */
/*
 * The client's command line. One table of options makes the parser, --help, the manual page and the
 * completions. A row says in which modes its option can be used; elsewhere it is refused.
 *
 * To add a mode: a value of enum options_mode here; in the table of options.c a row that chooses it
 * and rows of its own options; a function in a file mode_NAME.c, see mode.h; a row in main.c.
 *
 * Ownership: text points into argv.   Threads: one (getopt_long).
 */
#ifndef TLSECHO_OPTIONS_H
#define TLSECHO_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tlsecho/base/error.h"
#include "tlsecho/client/expect_kind.h"
#include "tlsecho/net/endpoint.h"

enum options_action { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION };

enum options_verbosity { OPTIONS_QUIET = -1, OPTIONS_NORMAL = 0, OPTIONS_VERBOSE = 1 };

/* The modes. An option chooses each; the first two depend on standard input. */
enum options_mode {
    MODE_PIPE,
    MODE_PROMPT, /* instead of MODE_PIPE if standard input is a terminal: options_choose_prompt */
    MODE_PING,
    MODE_CHECK,
    MODE_REPORT,
    MODE_PATH,
    MODE_SHOW_CERTS,
    MODE_BENCH,
    MODE_MERGE,
    MODES,
};

#define OPTIONS_NOT_GIVEN UINT64_MAX

enum {
    OPTIONS_DEFAULT_SIZE_BYTES = 64,
    OPTIONS_CONNECTIONS_MAX = 60000,
    OPTIONS_PIPELINE_MAX = 1024,
    OPTIONS_THREADS_MAX = 256,
    OPTIONS_ENDPOINTS_MAX = 8,
};

/* A text that was not given is NULL. */
struct options {
    enum options_action action; /* unless OPTIONS_RUN, the rest may be incomplete */
    enum options_mode mode;
    struct endpoint endpoint;
    bool tls;
    int family; /* AF_UNSPEC, AF_INET or AF_INET6 */
    const char *source;
    struct endpoint connect_to; /* host and port to connect to instead; host "" = not given */
    uint64_t dscp;              /* 0 = the kernel's default */
    const char *cacert, *cert, *key, *server_name, *pin;
    bool insecure;   /* the result of the verification is only shown */
    bool trusts_any; /* there is none, and no CA is read: of --path, which no option sets */
    const char *tls_min, *tls_max, *ciphers, *ciphersuites, *groups;
    const char *alpn;                 /* names separated by commas */
    const char *keylog, *keylog_name; /* the file, and its source: --keylog or SSLKEYLOGFILE */
    const char *resume;               /* session file; "" = within the run */
    uint64_t proxy_protocol;          /* version of the header to send; 0 = none */
    enum expect_kind expect;
    uint64_t connect_timeout_ms, idle_timeout_ms; /* 0 = none */
    bool json;
    enum options_verbosity verbosity;

    /* --bench; bench_plan.h checks the combinations */
    uint64_t connections, threads, pipeline; /* 0 = the default */
    double rate;                             /* messages per second; 0 = closed loop */
    uint64_t messages;                       /* 0 = by time */
    bool handshakes;
    bool compares; /* endpoint with other */
    struct endpoint other;
    const char *report_html; /* file */
    uint64_t size_bytes;     /* OPTIONS_NOT_GIVEN = the default */
    uint64_t time_ms;        /* likewise; 0 = no end */
    uint64_t omit_ms, ramp_ms;
    int64_t start_at_us; /* since 1970, in the future when it was parsed; 0 = not given */

    /* --merge */
    char **files; /* operands */
    int file_count;

    uint64_t count; /* --ping: of probes, 0 = no end; --check: of connections, 0 = one */

    /* --ping */
    uint64_t interval_ms;                   /* from one probe to the next; 0 = after each reply */
    uint64_t deadline_ms, reply_timeout_ms; /* 0 = none */
    bool reconnect;
    bool timestamps;
    bool never_fragment; /* -M do */
    bool clocks_agree;   /* with --expect stamp: one-way delays mean something */

    /* --check */
    bool nagios;
    uint64_t expiry_warn_days, expiry_crit_days; /* 0 = none */

    bool expect_direct; /* --report */

    /* --path */
    struct endpoint endpoints[OPTIONS_ENDPOINTS_MAX]; /* the first is `endpoint`, too */
    size_t endpoint_count;
    const char *only;     /* names of stages, separated by commas */
    uint64_t idle_max_ms; /* OPTIONS_NOT_GIVEN = not asked for */
};

/* ERROR_INPUT: a message with its remedy. Files and addresses that the options name are not checked
 * here. */
int options_parse(int argc, char **argv, struct options *ret, struct error *err);

/* MODE_PIPE becomes MODE_PROMPT if standard input is a terminal. ERROR_INPUT: if it is not, and the
 * endpoint has no streams. */
int options_choose_prompt(struct options *options, bool terminal, struct error *err);

/* From wrong arguments: how to print the error, by mode, json and nagios; all else is zero. */
void options_glean(int argc, char **argv, struct options *ret);

/* "pipe", "prompt", "ping": as in the JSON object. */
const char *options_mode_name(enum options_mode mode);

void options_help(FILE *out);

#endif
