/* SPDX-License-Identifier: MIT */
/* The command line against the table of options. */
#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "options_internal.h"
#include "tlsecho/base/suggest.h"

#define SEE_HELP "; tlsecho-client --help lists the options"

enum {
    ROWS_MAX = 128,
    FIRST_CODE = 256,  /* getopt_long's code of option_rows[0] */
    OPTION_BYTES = 32, /* with its dashes */
};

/* Converts the table for getopt_long(3). */
static void describe(struct option ret_long[ROWS_MAX + 1], char ret_short[2 * ROWS_MAX + 2])
{
    assert(option_rows_count <= ROWS_MAX);
    *ret_short++ = ':'; /* so that a missing argument differs from an unknown option */
    for (int i = 0; i < option_rows_count; i++) {
        ret_long[i] = (struct option){.name = option_rows[i].name, .val = FIRST_CODE + i};
        if (option_rows[i].argument)
            ret_long[i].has_arg = option_rows[i].optional ? optional_argument : required_argument;
        if (option_rows[i].short_name)
            *ret_short++ = option_rows[i].short_name;
        if (option_rows[i].short_name && option_rows[i].argument)
            *ret_short++ = ':';
    }
    ret_long[option_rows_count] = (struct option){0};
    *ret_short = '\0';
}

static const struct option_row *row_of(int code)
{
    if (code >= FIRST_CODE)
        return &option_rows[code - FIRST_CODE];
    for (int i = 0; i < option_rows_count; i++) {
        if (code && option_rows[i].short_name == code)
            return &option_rows[i];
    }
    return NULL;
}

/* An option that is unknown, or the beginning of the names of several. */
static int refuse_long(const char *word, struct error *err)
{
    char options[ROWS_MAX][OPTION_BYTES], list[SUGGEST_BYTES];
    const char *names[ROWS_MAX];
    size_t count = 0, length = strcspn(word, "=");
    for (int i = 0; length > 2 && i < option_rows_count; i++) {
        snprintf(options[count], OPTION_BYTES, "--%s", option_rows[i].name);
        names[count] = options[count];
        count += strncmp(names[count], word, length) == 0;
    }
    if (count == 0)
        return error_set(err, ERROR_INPUT, "unknown option %s" SEE_HELP, word);
    suggest_list(names, count, list);
    return error_set(err, ERROR_INPUT, "%.*s is ambiguous: it may be %s" SEE_HELP, (int)length,
                     word, list);
}

/* getopt_long returned '?' for the option in `word`. */
static int refuse(const char *word, struct error *err)
{
    const struct option_row *row = row_of(optopt);
    if (row)
        return error_set(err, ERROR_INPUT, "--%s takes no argument" SEE_HELP, row->name);
    if (optopt)
        return error_set(err, ERROR_INPUT, "unknown option -%c" SEE_HELP, optopt);

    return refuse_long(word, err);
}

/* Fills options from argv, and marks in ret_given the rows of the options that were given. */
static int parse_options(int argc, char **argv, struct options *options, bool ret_given[ROWS_MAX],
                         struct error *err)
{
    struct option longs[ROWS_MAX + 1];
    char shorts[2 * ROWS_MAX + 2];
    describe(longs, shorts);

    optind = 0; /* start afresh: getopt_long(3), notes */
    opterr = 0;
    int code;
    while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (code == '?')
            return refuse(argv[optind - 1], err);
        const struct option_row *row = row_of(code == ':' ? optopt : code);
        assert(row);
        if (code == ':')
            return error_set(err, ERROR_INPUT, "--%s needs an argument: %s", row->name,
                             row->argument);
        if (row->parse(row, optarg, (char *)options + row->field, err) < 0)
            return error_prefix(err, "--%s", row->name);
        ret_given[row - option_rows] = true;
    }
    return 0;
}

static int parse_files(char **operands, int count, struct options *options, struct error *err)
{
    if (count < 1)
        return error_set(err, ERROR_INPUT,
                         "--merge needs files: give the output of --bench --json" SEE_HELP);
    options->files = operands;
    options->file_count = count;
    return 0;
}

/* --tls is for what has no scheme. */
static int check_tls(const struct options *options, struct error *err)
{
    enum endpoint_scheme scheme = options->endpoint.scheme;
    if (!options->tls || endpoint_has_tls(scheme))
        return 0;
    return error_set(err, ERROR_INPUT, "--tls cannot be used with %s://: write %s://HOST:PORT",
                     endpoint_scheme_name(scheme), endpoint_has_datagrams(scheme) ? "dtls" : "tls");
}

/* HOST PORT, or endpoints. */
static int parse_endpoints(char **operands, int count, struct options *options, struct error *err)
{
    const char *port = count == 2 && !strchr(operands[1], ':') ? operands[1] : NULL;
    options->endpoint_count = port ? 1 : (size_t)count;
    if (options->endpoint_count > OPTIONS_ENDPOINTS_MAX)
        return error_set(err, ERROR_INPUT, "--path: at most %d endpoints", OPTIONS_ENDPOINTS_MAX);
    for (size_t i = 0; i < options->endpoint_count; i++) {
        struct endpoint *endpoint = &options->endpoints[i];
        if (option_parse_endpoint(operands[i], port, options->tls, endpoint, err) < 0)
            return -1;
        if (endpoint->scheme == ENDPOINT_UNIX)
            return error_set(err, ERROR_INPUT,
                             "--path: nothing is on the way to a Unix socket: give tcp://HOST:PORT "
                             "or tls://HOST:PORT");
    }
    options->endpoint = options->endpoints[0];
    if (check_tls(options, err) < 0)
        return -1;
    for (size_t i = 0; i < options->endpoint_count; i++)
        options->tls = options->tls || endpoint_has_tls(options->endpoints[i].scheme);
    return 0;
}

static int parse_operands(char **operands, int count, struct options *options, struct error *err)
{
    if (options->mode == MODE_MERGE)
        return parse_files(operands, count, options, err);
    if (count < 1)
        return error_set(err, ERROR_INPUT,
                         "no server: give HOST [PORT], HOST:PORT or tls://HOST:PORT" SEE_HELP);
    if (options->mode == MODE_PATH)
        return parse_endpoints(operands, count, options, err);
    if (count > 2)
        return error_set(err, ERROR_INPUT, "too many operands, the first is '%s': give HOST [PORT]",
                         operands[2]);

    const char *second = count == 2 ? operands[1] : NULL;
    options->compares = second && options->mode == MODE_BENCH && strchr(second, ':');
    if (option_parse_endpoint(operands[0], options->compares ? NULL : second, options->tls,
                              &options->endpoint, err) < 0 ||
        (options->compares &&
         option_parse_endpoint(second, NULL, options->tls, &options->other, err) < 0))
        return -1;
    if (check_tls(options, err) < 0)
        return -1;
    options->tls = endpoint_has_tls(options->endpoint.scheme) ||
                   (options->compares && endpoint_has_tls(options->other.scheme));
    return 0;
}

/* Refuses an option that has no effect in the chosen mode or over this transport. */
static int check_place(const struct option_row *row, const struct options *options,
                       struct error *err)
{
    const struct option_row *chooser = option_that_chooses(options->mode);
    if (row->modes && !(row->modes & 1u << options->mode)) {
        char choosers[128];
        option_modes_text(row->modes, choosers, sizeof choosers);
        if (chooser)
            return error_set(err, ERROR_INPUT,
                             "--%s cannot be used with --%s: leave it out; it is for %s", row->name,
                             chooser->name, choosers);
        return error_set(err, ERROR_INPUT, "--%s needs %s" SEE_HELP, row->name, choosers);
    }
    if (row->only_tls && !options->tls)
        return error_set(err, ERROR_INPUT, "--%s needs TLS: add --tls or write tls://", row->name);
    bool udp = options_name_udp(options);
    if (row->only_udp && !udp)
        return error_set(err, ERROR_INPUT, "--%s needs UDP: give udp://HOST:PORT", row->name);
    if (row->only_stream && udp)
        return error_set(err, ERROR_INPUT, "--%s is not offered over %s: leave it out, or give %s",
                         row->name, options_datagram_name(options),
                         options->tls ? "tls://HOST:PORT" : "tcp://HOST:PORT");
    bool local = options->endpoint.scheme == ENDPOINT_UNIX &&
                 (!options->compares || options->other.scheme == ENDPOINT_UNIX);
    if (row->only_ip && local && options->mode != MODE_MERGE)
        return error_set(err, ERROR_INPUT, "--%s cannot be used with a Unix socket: leave it out",
                         row->name);
    return 0;
}

/* Refuses two switches that set one field, such as -4 and -6. */
static int check_switches(const bool given[ROWS_MAX], struct error *err)
{
    for (int i = 0; i < option_rows_count; i++)
        for (int j = 0; j < i; j++)
            if (given[i] && given[j] && option_rows[i].parse == option_parse_value &&
                option_rows[i].field == option_rows[j].field)
                return error_set(err, ERROR_INPUT, "--%s and --%s exclude each other: give one",
                                 option_rows[j].name, option_rows[i].name);
    return 0;
}

/* An address may have a zone, which is not sent. */
static int check_server_name(const char *name, struct error *err)
{
    if (!endpoint_host_is_address(name) && !endpoint_host_is_name(name))
        return error_set(
            err, ERROR_INPUT,
            "--servername: \"%.160s\" is neither a host name nor an address: give one, "
            "without brackets",
            name);
    if (strlen(name) >= ENDPOINT_HOST_BYTES)
        return error_set(err, ERROR_INPUT, "--servername: a name has at most %d bytes",
                         ENDPOINT_HOST_BYTES - 1);
    return 0;
}

/* Certificates are noted, and not judged: --insecure changes nothing, and is no harm. */
static int check_path(const struct options *options, struct error *err)
{
    if (options->resume)
        return error_set(err, ERROR_INPUT, "--path makes full handshakes: leave out --resume");
    if (options->pin || options->cacert)
        return error_set(err, ERROR_INPUT, "--path does not verify certificates: leave out %s",
                         options->pin ? "--pin" : "--cacert");
    if (options->verbosity == OPTIONS_VERBOSE)
        return error_set(err, ERROR_INPUT, "--path prints all it tries: leave out -v");
    return 0;
}

/* A list that no version uses would look as if it limited what is offered. */
static int check_versions(const struct options *options, struct error *err)
{
    if (options->ciphersuites && options->tls_max && strcmp(options->tls_max, "1.2") == 0)
        return error_set(err, ERROR_INPUT,
                         "--ciphersuites is for TLS 1.3, and --tls-max is 1.2: use --ciphers");
    if (options->ciphers && options->tls_min && strcmp(options->tls_min, "1.3") == 0)
        return error_set(err, ERROR_INPUT,
                         "--ciphers is for TLS 1.2, and --tls-min is 1.3: use --ciphersuites");
    return 0;
}

/* Refuses options that contradict each other. */
static int check(const struct options *options, const bool given[ROWS_MAX], struct error *err)
{
    for (int i = 0; i < option_rows_count; i++)
        if (given[i] && check_place(&option_rows[i], options, err) < 0)
            return -1;
    if (check_switches(given, err) < 0)
        return -1;
    if (options->mode == MODE_PING && options->expect == EXPECT_NONE)
        return error_set(err, ERROR_INPUT,
                         "--ping compares what comes back: give --expect echo, upper or stamp");
    if (options_check_datagrams(options, err) < 0 || check_versions(options, err) < 0)
        return -1;
    if (*options->connect_to.host && (options->endpoint.scheme == ENDPOINT_UNIX ||
                                      options->compares || options->endpoint_count > 1))
        return error_set(err, ERROR_INPUT,
                         "--connect-to needs a single endpoint that has a host: leave it out");
    if (options->server_name && check_server_name(options->server_name, err) < 0)
        return -1;
    if (options->nagios && options->json)
        return error_set(err, ERROR_INPUT,
                         "--nagios prints the line of a plug-in instead of JSON: leave out --json");
    if (options->expect_direct && (options->insecure || (!options->pin && !options->cacert)))
        return error_set(err, ERROR_INPUT,
                         "--expect-direct: a proxy with a trusted certificate could terminate TLS "
                         "and rewrite the "
                         "report: add --pin SHA256, or --cacert with a CA that is yours alone%s",
                         options->insecure ? ", and leave out --insecure" : "");
    if (options->expiry_warn_days && options->expiry_warn_days < options->expiry_crit_days)
        return error_set(err, ERROR_INPUT,
                         "--expiry-warn is less than --expiry-crit: give it more days");
    if (options->mode == MODE_PING && options->size_bytes == 0)
        return error_set(err, ERROR_INPUT, "--size: a probe needs at least one byte");
    if (options->mode == MODE_PATH && check_path(options, err) < 0)
        return -1;
    if (options->key && !options->cert)
        return error_set(err, ERROR_INPUT, "--key needs a certificate: add --cert FILE");
    if (options->pin && options->insecure)
        return error_set(err, ERROR_INPUT, "--pin and --insecure exclude each other: give one");
    if (options->pin && options->cacert)
        return error_set(err, ERROR_INPUT, "--pin replaces --cacert: give one");
    return 0;
}

/* Within the run, or by a file from one run to the next. */
static int check_resume(const struct options *options, struct error *err)
{
    bool in_a_row = options->mode == MODE_CHECK && options->count;
    if (!options->resume)
        return 0;
    if (!*options->resume && !options->handshakes && !in_a_row)
        return error_set(err, ERROR_INPUT, "--resume needs a file here: give --resume=FILE%s",
                         options->mode == MODE_CHECK ? ", or --count N for several connections"
                                                     : "");
    if (*options->resume && in_a_row)
        return error_set(err, ERROR_INPUT,
                         "--resume=FILE is for one connection: leave out the file with --count");
    if (in_a_row && options->count < 2)
        return error_set(err, ERROR_INPUT,
                         "--count: the first connection has no session to resume: give 2 or more");
    return 0;
}

/* As in other programs, an empty value means unset. */
static const char *keylog_of_environment(void)
{
    const char *path = getenv("SSLKEYLOGFILE");
    return path && *path ? path : NULL;
}

/* For one reply, of a check or to a line over UDP. */
static bool waits_briefly(const struct options *options)
{
    return options->mode == MODE_CHECK || (options->mode == MODE_PIPE && options_name_udp(options));
}

int options_parse(int argc, char **argv, struct options *ret, struct error *err)
{
    struct options options = {
        .family = AF_UNSPEC,
        .connect_timeout_ms = 10 * 1000,
        .idle_timeout_ms = OPTIONS_NOT_GIVEN,
        .size_bytes = OPTIONS_DEFAULT_SIZE_BYTES,
        .interval_ms = 1000,
        .reply_timeout_ms = 10 * 1000,
        .time_ms = OPTIONS_NOT_GIVEN,
        .idle_max_ms = OPTIONS_NOT_GIVEN,
    };
    bool given[ROWS_MAX] = {false};

    if (parse_options(argc, argv, &options, given, err) < 0)
        return -1;
    if (check_resume(&options, err) < 0)
        return -1;
    if (options.action == OPTIONS_RUN &&
        (parse_operands(argv + optind, argc - optind, &options, err) < 0 ||
         check(&options, given, err) < 0))
        return -1;
    if (options.idle_timeout_ms == OPTIONS_NOT_GIVEN)
        options.idle_timeout_ms = waits_briefly(&options) ? 10 * 1000 : 60 * 1000;
    options.keylog_name = options.keylog ? "--keylog" : "SSLKEYLOGFILE";
    if (!options.keylog)
        options.keylog = keylog_of_environment();
    *ret = options;
    return 0;
}

void options_glean(int argc, char **argv, struct options *ret)
{
    struct option longs[ROWS_MAX + 1];
    char shorts[2 * ROWS_MAX + 2];
    struct error ignored; /* the first of two modes counts */
    int code;
    describe(longs, shorts);
    *ret = (struct options){.mode = MODE_PIPE};
    optind = 0;
    opterr = 0;
    while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const struct option_row *row = code == '?' || code == ':' ? NULL : row_of(code);
        if (row && row->role != OPTION_SETS)
            row->parse(row, optarg, (char *)ret + row->field, &ignored);
    }
    ret->json = ret->json && !ret->nagios;
}
