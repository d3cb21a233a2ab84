/* SPDX-License-Identifier: MIT */
#include "tlsecho/options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SEE_HELP "; tlsecho-client --help lists the options"

struct option_row {
    const char *name;
    char short_name;      /* 0 = none */
    const char *argument; /* its name in --help; NULL = the option is a switch */
    const char *help;
    int (*parse)(const struct option_row *row, const char *argument, void *field,
                 struct error *err);
    size_t field;  /* its offset in struct options */
    int value;     /* what parse_value stores */
    bool optional; /* the argument; parse gets NULL then */
    bool only_tls; /* means nothing on a plain connection, where it is refused */
};

static int parse_true(const struct option_row *row, const char *argument, void *field,
                      struct error *err)
{
    (void)row, (void)argument, (void)err;
    *(bool *)field = true;
    return 0;
}

static int parse_value(const struct option_row *row, const char *argument, void *field,
                       struct error *err)
{
    (void)argument, (void)err;
    *(int *)field = row->value;
    return 0;
}

static int parse_text(const struct option_row *row, const char *argument, void *field,
                      struct error *err)
{
    if (!*argument)
        return error_set(err, ERROR_INPUT, "it is empty: %s is wanted", row->argument);
    *(const char **)field = argument;
    return 0;
}

static int parse_resume(const struct option_row *row, const char *argument, void *field,
                        struct error *err)
{
    if (!argument)
        return error_set(err, ERROR_INPUT, "without a file it means nothing here: --resume=FILE");
    return parse_text(row, argument, field, err);
}

static int parse_expect(const struct option_row *row, const char *argument, void *field,
                        struct error *err)
{
    (void)row;
    enum expect_kind kind;
    if (expect_find(argument, &kind, err) < 0)
        return -1;
    *(int *)field = kind;
    return 0;
}

/* A number, decimals allowed, with a unit; without one it is in seconds, as for ping and curl. */
static int parse_duration(const struct option_row *row, const char *argument, void *field,
                          struct error *err)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"", 1e3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}};
    enum { LONGEST_DAYS = 365 };

    (void)row;
    size_t digits = strspn(argument, "0123456789.");
    char *unit = NULL;
    double number = strtod(argument, &unit);
    if (digits && unit == argument + digits) {
        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
            double ms = number * units[i].ms;
            if (strcmp(unit, units[i].unit) != 0 || ms > LONGEST_DAYS * 86400e3)
                continue;
            /* Rounded up, so that a short time does not become "none". */
            uint64_t whole = (uint64_t)ms;
            *(uint64_t *)field = whole + (ms > (double)whole);
            return 0;
        }
    }
    return error_set(err, ERROR_INPUT,
                     "'%s' is no time: write 500ms, 10s, 1m, 2h or 0 for none, at most %dd",
                     argument, LONGEST_DAYS);
}

#define FIELD(name) .field = offsetof(struct options, name)
#define TLS_ONLY    .only_tls = true

static const struct option_row rows[] = {
    {"tls", 0, NULL, "speak TLS, as with tls://HOST:PORT", parse_true, FIELD(tls)},
    {"ipv4", '4', NULL, "use IPv4 addresses only", parse_value, FIELD(family), .value = AF_INET},
    {"ipv6", '6', NULL, "use IPv6 addresses only", parse_value, FIELD(family), .value = AF_INET6},
    {"source", 0, "ADDR", "connect from this address of ours", parse_text, FIELD(source)},
    {"cacert", 0, "FILE", "trust the CAs in this PEM file instead of the system's", parse_text,
     FIELD(cacert), TLS_ONLY},
    {"cert", 0, "FILE", "our certificate with its chain, PEM, leaf first", parse_text, FIELD(cert),
     TLS_ONLY},
    {"key", 0, "FILE", "its key, PEM (default: in the file of --cert)", parse_text, FIELD(key),
     TLS_ONLY},
    {"servername", 0, "NAME", "send and verify this name instead of HOST", parse_text,
     FIELD(server_name), TLS_ONLY},
    {"pin", 0, "SHA256", "trust this certificate alone, whatever its chain and names", parse_text,
     FIELD(pin), TLS_ONLY},
    {"insecure", 'k', NULL, "do not verify the certificate at all", parse_true, FIELD(insecure),
     TLS_ONLY},
    {"tls-min", 0, "1.2|1.3", "lowest TLS version (default 1.2)", parse_text, FIELD(tls_min),
     TLS_ONLY},
    {"tls-max", 0, "1.2|1.3", "highest TLS version (default 1.3)", parse_text, FIELD(tls_max),
     TLS_ONLY},
    {"ciphers", 0, "LIST", "offer these TLS 1.2 ciphers, A:B:C", parse_text, FIELD(ciphers),
     TLS_ONLY},
    {"ciphersuites", 0, "LIST", "offer these TLS 1.3 cipher suites, A:B:C", parse_text,
     FIELD(ciphersuites), TLS_ONLY},
    {"groups", 0, "LIST", "offer these groups for the key exchange, A:B:C", parse_text,
     FIELD(groups), TLS_ONLY},
    {"alpn", 0, "LIST", "offer these application protocols, h2,http/1.1", parse_text, FIELD(alpn),
     TLS_ONLY},
    {"keylog", 0, "FILE", "append the TLS secrets here (default: SSLKEYLOGFILE)", parse_text,
     FIELD(keylog), TLS_ONLY},
    {"resume", 0, "FILE", "offer the session saved here, and save the new one", parse_resume,
     FIELD(resume), .optional = true, TLS_ONLY},
    {"show-certs", 0, NULL, "print the server's certificates as PEM, and end", parse_true,
     FIELD(show_certs), TLS_ONLY},
    {"expect", 0, "echo|upper|none", "what the far end makes of our bytes (default echo)",
     parse_expect, FIELD(expect)},
    {"connect-timeout", 0, "TIME", "for TCP and TLS together, 0 = none (default 10s)",
     parse_duration, FIELD(connect_timeout_ms)},
    {"idle-timeout", 0, "TIME", "when nothing moves, 0 = none (default 60s)", parse_duration,
     FIELD(idle_timeout_ms)},
    {"json", 0, NULL, "the result as one JSON object, the last line on standard error", parse_true,
     FIELD(json)},
    {"quiet", 'q', NULL, "say nothing but the failure", parse_value, FIELD(verbosity),
     .value = OPTIONS_QUIET},
    {"verbose", 'v', NULL, "say how the session came about and what it did", parse_value,
     FIELD(verbosity), .value = OPTIONS_VERBOSE},
    {"version", 'V', NULL, "print the versions of this program and of OpenSSL", parse_value,
     FIELD(action), .value = OPTIONS_VERSION},
    {"help", 'h', NULL, "print this text", parse_value, FIELD(action), .value = OPTIONS_HELP},
};

enum { ROWS = sizeof rows / sizeof *rows, FIRST_CODE = 256 }; /* getopt_long's code of rows[0] */

/* The table as getopt_long(3) wants it. */
static void describe(struct option ret_long[ROWS + 1], char ret_short[2 * ROWS + 2])
{
    *ret_short++ = ':'; /* a missing argument is told apart from an unknown option */
    for (int i = 0; i < ROWS; i++) {
        ret_long[i] = (struct option){.name = rows[i].name, .val = FIRST_CODE + i};
        if (rows[i].argument)
            ret_long[i].has_arg = rows[i].optional ? optional_argument : required_argument;
        if (rows[i].short_name)
            *ret_short++ = rows[i].short_name;
        if (rows[i].short_name && rows[i].argument)
            *ret_short++ = ':';
    }
    ret_long[ROWS] = (struct option){0};
    *ret_short = '\0';
}

static const struct option_row *row_of(int code)
{
    if (code >= FIRST_CODE)
        return &rows[code - FIRST_CODE];
    for (int i = 0; i < ROWS; i++) {
        if (code && rows[i].short_name == code)
            return &rows[i];
    }
    return NULL;
}

/* getopt_long said '?' about the option in `word`. */
static int refuse(const char *word, struct error *err)
{
    const struct option_row *row = row_of(optopt);
    if (row)
        return error_set(err, ERROR_INPUT, "--%s takes no argument" SEE_HELP, row->name);
    if (optopt)
        return error_set(err, ERROR_INPUT, "unknown option -%c" SEE_HELP, optopt);

    size_t length = strcspn(word, "=");
    for (int i = 0; length > 2 && i < ROWS; i++) {
        if (strncmp(rows[i].name, word + 2, length - 2) == 0)
            return error_set(err, ERROR_INPUT, "%s may be several options, such as --%s" SEE_HELP,
                             word, rows[i].name);
    }
    return error_set(err, ERROR_INPUT, "unknown option %s" SEE_HELP, word);
}

/* Fills options from the options of argv; *ret_only_tls becomes the last one that needs TLS. */
static int parse_options(int argc, char **argv, struct options *options,
                         const struct option_row **ret_only_tls, struct error *err)
{
    struct option longs[ROWS + 1];
    char shorts[2 * ROWS + 2];
    describe(longs, shorts);

    optind = 0; /* start afresh: getopt_long(3), notes */
    opterr = 0;
    int code;
    while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (code == '?')
            return refuse(argv[optind - 1], err);
        if (code == ':')
            return error_set(err, ERROR_INPUT, "--%s needs an argument: %s", row_of(optopt)->name,
                             row_of(optopt)->argument);
        const struct option_row *row = row_of(code);
        if (row->parse(row, optarg, (char *)options + row->field, err) < 0)
            return error_prefix(err, "--%s", row->name);
        if (row->only_tls)
            *ret_only_tls = row;
    }
    return 0;
}

static int parse_uri(const char *uri, const char *port, struct options *options, struct error *err)
{
    struct endpoint *endpoint = &options->endpoint;
    if (endpoint_parse(uri, endpoint, err) < 0)
        return -1;
    if (port)
        return error_set(err, ERROR_INPUT, "'%s' after an endpoint: write %s://HOST:PORT", port,
                         endpoint_scheme_name(endpoint->scheme));
    if (options->tls && endpoint->scheme != ENDPOINT_TLS)
        return error_set(err, ERROR_INPUT, "--tls does not go with %s://: write tls://HOST:PORT",
                         endpoint_scheme_name(endpoint->scheme));
    return 0;
}

/* HOST [PORT]; an IPv6 address with or without brackets. */
static int parse_host(const char *host, const char *port, struct options *options,
                      struct error *err)
{
    struct endpoint *endpoint = &options->endpoint;
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    }
    if (!length || length >= sizeof endpoint->host)
        return error_set(err, ERROR_INPUT, "HOST must have 1 to %zu bytes",
                         sizeof endpoint->host - 1);
    *endpoint = (struct endpoint){.scheme = options->tls ? ENDPOINT_TLS : ENDPOINT_TCP};
    memcpy(endpoint->host, host, length);
    if (strchr(endpoint->host, ':') && !endpoint_host_is_address(endpoint->host))
        return error_set(err, ERROR_INPUT, "'%s' is no host: write HOST PORT, or %s://HOST:PORT",
                         host, endpoint_scheme_name(endpoint->scheme));

    endpoint->port = options->tls ? ENDPOINT_PORT_TLS : ENDPOINT_PORT_TCP;
    return port ? endpoint_parse_port(port, &endpoint->port, err) : 0;
}

static int parse_operands(char **operands, int count, struct options *options, struct error *err)
{
    if (count < 1)
        return error_set(err, ERROR_INPUT, "whereto? Give HOST [PORT] or tls://HOST:PORT" SEE_HELP);
    if (count > 2)
        return error_set(err, ERROR_INPUT, "'%s' is one operand too many: give HOST [PORT]",
                         operands[2]);

    const char *port = count == 2 ? operands[1] : NULL;
    int parsed = strstr(operands[0], "://") ? parse_uri(operands[0], port, options, err)
                                            : parse_host(operands[0], port, options, err);
    if (parsed < 0)
        return -1;
    if (options->endpoint.scheme != ENDPOINT_UNIX && !options->endpoint.port)
        return error_set(err, ERROR_INPUT, "port 0 cannot be connected to: give 1 to 65535");
    options->tls = options->endpoint.scheme == ENDPOINT_TLS;
    return 0;
}

/* What contradicts itself. only_tls: an option that needs TLS and was given, or NULL. */
static int check(const struct options *options, const struct option_row *only_tls,
                 struct error *err)
{
    if (only_tls && !options->tls)
        return error_set(err, ERROR_INPUT, "--%s means nothing without TLS: add --tls",
                         only_tls->name);
    if (options->key && !options->cert)
        return error_set(err, ERROR_INPUT, "--key without its certificate: add --cert FILE");
    if (options->pin && options->insecure)
        return error_set(err, ERROR_INPUT, "--pin verifies and --insecure does not: give one");
    if (options->pin && options->cacert)
        return error_set(err, ERROR_INPUT, "--pin takes the place of --cacert: give one");
    return 0;
}

/* As other programs do; empty means unset. */
static const char *keylog_of_environment(void)
{
    const char *path = getenv("SSLKEYLOGFILE");
    return path && *path ? path : NULL;
}

int options_parse(int argc, char **argv, struct options *ret, struct error *err)
{
    struct options options = {
        .family = AF_UNSPEC, .connect_timeout_ms = 10 * 1000, .idle_timeout_ms = 60 * 1000};
    const struct option_row *only_tls = NULL;

    if (parse_options(argc, argv, &options, &only_tls, err) < 0)
        return -1;
    if (options.action == OPTIONS_RUN &&
        (parse_operands(argv + optind, argc - optind, &options, err) < 0 ||
         check(&options, only_tls, err) < 0))
        return -1;
    if (!options.keylog)
        options.keylog = keylog_of_environment();
    *ret = options;
    return 0;
}

void options_help(FILE *out)
{
    fputs("Usage: tlsecho-client [options] HOST [PORT]\n"
          "       tlsecho-client [options] tcp://HOST[:PORT] | tls://HOST[:PORT] | unix:///PATH\n"
          "Sends standard input, checks every byte that comes back, writes it to standard output.\n"
          "If standard input is a terminal, sends line by line.\n\n",
          out);
    for (int i = 0; i < ROWS; i++) {
        char left[40];
        const char *before = rows[i].optional ? "=" : rows[i].argument ? " " : "";
        snprintf(left, sizeof left, "--%s%s%s", rows[i].name, before,
                 rows[i].argument ? rows[i].argument : "");
        fprintf(out, "  %c%c %-25s %s\n", rows[i].short_name ? '-' : ' ',
                rows[i].short_name ? rows[i].short_name : ' ', left, rows[i].help);
    }
    fprintf(out, "\nPORT is %d by default, %d with TLS.\n", ENDPOINT_PORT_TCP, ENDPOINT_PORT_TLS);
}
