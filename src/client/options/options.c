/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/options.h"

#include <stddef.h>
#include <sys/socket.h>

#include "options_internal.h"

#define FIELD(name) .field = offsetof(struct options, name)
#define TLS_ONLY    .only_tls = true
#define IP_ONLY     .only_ip = true
#define CHOOSES(m)  option_parse_mode, FIELD(mode), .value = (m), .role = OPTION_CHOOSES_MODE

/* Modes in which an option means something. */
#define STREAM  (1u << MODE_PIPE | 1u << MODE_PROMPT)
#define CHECK   (1u << MODE_CHECK)
#define REPORT  (1u << MODE_REPORT)
#define PATH    (1u << MODE_PATH)
#define BENCH   (1u << MODE_BENCH)
#define PING    (1u << MODE_PING)
#define MERGE   (1u << MODE_MERGE)
#define IN(set) .modes = (set)

enum { DAYS_MAX = 36500 };

/* In the order of --help, which begins a group wherever the modes change. */

const struct option_row option_rows[] = {
    {"ping", 0, NULL, "probe by probe: what is on the way, and how long it takes",
     CHOOSES(MODE_PING)},
    {"check", 0, NULL, "one connection, one verdict", CHOOSES(MODE_CHECK)},
    {"report", 0, NULL, "what a `report` listener sees of us, and what is in between",
     CHOOSES(MODE_REPORT)},
    {"path", 0, NULL, "what is wrong on the way: findings, with evidence and remedy",
     CHOOSES(MODE_PATH)},
    {"bench", 0, NULL, "put a load on the server, and measure", CHOOSES(MODE_BENCH)},
    {"merge", 0, NULL, "the summaries of several --bench --json, in files, as one",
     CHOOSES(MODE_MERGE)},
    {"show-certs", 0, NULL, "print the server's certificates as PEM, and end",
     CHOOSES(MODE_SHOW_CERTS), TLS_ONLY},
    {"tls", 0, NULL, "speak TLS, as with tls://HOST:PORT", option_parse_true, FIELD(tls)},
    {"ipv4", '4', NULL, "use IPv4 addresses only", option_parse_value, FIELD(family),
     .value = AF_INET, IP_ONLY},
    {"ipv6", '6', NULL, "use IPv6 addresses only", option_parse_value, FIELD(family),
     .value = AF_INET6, IP_ONLY},
    {"source", 0, "ADDR", "connect from this address of ours", option_parse_text, FIELD(source),
     IP_ONLY},
    {"connect-to", 0, "HOST:PORT", "connect there instead; name and SNI stay those of HOST",
     option_parse_host_port, FIELD(connect_to)},
    {"dscp", 0, "N", "mark our packets with this DSCP, 0 to 63 (default 0)", option_parse_number,
     FIELD(dscp), .min = 0, .max = 63, IP_ONLY},
    {"proxy-protocol", 0, "1|2", "first send a PROXY header of this version, before TLS",
     option_parse_number, FIELD(proxy_protocol), .min = 1, .max = 2},
    {"cacert", 0, "FILE",
     "trust the certificates in this PEM file instead of the system's: CAs, or the server's",
     option_parse_text, FIELD(cacert), TLS_ONLY},
    {"cert", 0, "FILE", "our certificate with its chain, PEM, leaf first", option_parse_text,
     FIELD(cert), TLS_ONLY},
    {"key", 0, "FILE", "its key, PEM (default: in the file of --cert)", option_parse_text,
     FIELD(key), TLS_ONLY},
    {"servername", 0, "NAME", "send and verify this name instead of HOST", option_parse_text,
     FIELD(server_name), TLS_ONLY},
    {"pin", 0, "SHA256", "trust this certificate alone, whatever its chain and names",
     option_parse_text, FIELD(pin), TLS_ONLY},
    {"insecure", 'k', NULL, "do not verify the certificate at all", option_parse_true,
     FIELD(insecure), TLS_ONLY},
    {"tls-min", 0, "1.2|1.3", "lowest TLS version (default 1.2)", option_parse_text, FIELD(tls_min),
     TLS_ONLY},
    {"tls-max", 0, "1.2|1.3", "highest TLS version (default 1.3)", option_parse_text,
     FIELD(tls_max), TLS_ONLY},
    {"ciphers", 0, "LIST", "offer these TLS 1.2 ciphers, A:B:C", option_parse_text, FIELD(ciphers),
     TLS_ONLY},
    {"ciphersuites", 0, "LIST", "offer these TLS 1.3 cipher suites, A:B:C", option_parse_text,
     FIELD(ciphersuites), TLS_ONLY},
    {"groups", 0, "LIST", "offer these groups for the key exchange, A:B:C", option_parse_text,
     FIELD(groups), TLS_ONLY},
    {"alpn", 0, "LIST", "offer these application protocols, h2,http/1.1", option_parse_text,
     FIELD(alpn), TLS_ONLY},
    {"keylog", 0, "FILE", "append the TLS secrets here (default: SSLKEYLOGFILE)", option_parse_text,
     FIELD(keylog), TLS_ONLY},
    {"resume", 0, "FILE",
     "offer the session saved here, and save the new one; for --handshakes: no file",
     option_parse_resume, FIELD(resume), .optional = true, TLS_ONLY},
    {"connect-timeout", 0, "TIME", "for look-up, TCP and TLS together, 0 = none (default 10s)",
     option_parse_duration, FIELD(connect_timeout_ms)},
    {"json", 0, NULL,
     "the result as one JSON object; on standard error where data is on standard output",
     option_parse_true, FIELD(json), .role = OPTION_SHAPES_OUTPUT},
    {"quiet", 'q', NULL, "print nothing but failures", option_parse_value, FIELD(verbosity),
     .value = OPTIONS_QUIET},
    {"verbose", 'v', NULL, "say how the session came about and what it did", option_parse_value,
     FIELD(verbosity), .value = OPTIONS_VERBOSE},
    {"version", 'V', NULL, "print the versions of this program and of OpenSSL", option_parse_value,
     FIELD(action), .value = OPTIONS_VERSION},
    {"help", 'h', NULL, "print this text", option_parse_value, FIELD(action),
     .value = OPTIONS_HELP},
    {"expect", 0, "echo|upper|none", "what the server answers to our bytes (default echo)",
     option_parse_expect, FIELD(expect), IN(STREAM | PING | CHECK | BENCH)},
    {"idle-timeout", 0, "TIME",
     "end when nothing moves; of --check and --report the whole exchange; 0 = never "
     "(default 60s; --check: 10s)",
     option_parse_duration, FIELD(idle_timeout_ms), IN(STREAM | PING | CHECK | REPORT | BENCH)},
    {"count", 'c', "N", "end after so many probes (default: never)", option_parse_number,
     FIELD(count), .min = 1, .max = UINT32_MAX, IN(PING)},
    {"interval", 'i', "TIME", "from one probe to the next, 0 = reply by reply (default 1s)",
     option_parse_duration, FIELD(interval_ms), IN(PING)},
    {"deadline", 'w', "TIME", "end after so long, 0 = never (default)", option_parse_duration,
     FIELD(deadline_ms), IN(PING)},
    {"reply-timeout", 'W', "TIME", "a later reply is late, 0 = none is (default 10s)",
     option_parse_duration, FIELD(reply_timeout_ms), IN(PING)},
    {"reconnect", 0, NULL,
     "after a failure, or --idle-timeout without a reply, go on with a new connection",
     option_parse_true, FIELD(reconnect), IN(PING)},
    {"timestamps", 'D', NULL, "begin each line with the time, [SECONDS.MICROSECONDS] since 1970",
     option_parse_true, FIELD(timestamps), IN(PING)},
    {"nagios", 0, NULL, "a line and an exit status as Nagios and its kin want them",
     option_parse_true, FIELD(nagios), .role = OPTION_SHAPES_OUTPUT, IN(CHECK)},
    {"expiry-warn", 0, "DAYS", "warn if a certificate of the chain ends sooner",
     option_parse_number, FIELD(expiry_warn_days), .min = 0, .max = DAYS_MAX, IN(CHECK), TLS_ONLY},
    {"expiry-crit", 0, "DAYS", "fail if a certificate of the chain ends sooner",
     option_parse_number, FIELD(expiry_crit_days), .min = 0, .max = DAYS_MAX, IN(CHECK), TLS_ONLY},
    {"expect-direct", 0, NULL,
     "fail (untrusted) unless it is one session from end to end; needs --pin or --cacert",
     option_parse_true, FIELD(expect_direct), IN(REPORT), TLS_ONLY},
    {"only", 0, "STAGE,...", "run these stages only (default: all that the servers allow)",
     option_parse_text, FIELD(only), IN(PATH)},
    {"idle-max", 0, "TIME", "the longest silence to try; without it the stage idle is left out",
     option_parse_duration, FIELD(idle_max_ms), IN(PATH)},
    {"size", 's', "BYTES",
     "of a probe or message (default 64); --bench: 0 = only receive, with --expect none",
     option_parse_size, FIELD(size_bytes), .min = 0, .max = 1 << 30, IN(PING | BENCH)},
    {"handshakes", 0, NULL, "connections instead of messages, -P at a time", option_parse_true,
     FIELD(handshakes), IN(BENCH)},
    {"connections", 'P', "N", "at once (default 1)", option_parse_number, FIELD(connections),
     .min = 1, .max = OPTIONS_CONNECTIONS_MAX, IN(BENCH)},
    {"time", 't', "TIME", "measure for so long, 0 = until interrupted (default 10s)",
     option_parse_duration, FIELD(time_ms), IN(BENCH)},
    {"messages", 'n', "N", "send so many, over all connections, instead", option_parse_number,
     FIELD(messages), .min = 1, .max = 1000000000000, IN(BENCH)},
    {"pipeline", 0, "N", "messages on their way on each connection (default 1)",
     option_parse_number, FIELD(pipeline), .min = 1, .max = OPTIONS_PIPELINE_MAX, IN(BENCH)},
    {"rate", 0, "N", "messages per second over all connections, come what may (open loop)",
     option_parse_rate, FIELD(rate), .max = 10000000, IN(BENCH)},
    {"threads", 0, "N", "that share the connections (default 1)", option_parse_number,
     FIELD(threads), .min = 1, .max = OPTIONS_THREADS_MAX, IN(BENCH)},
    {"omit", 0, "TIME", "leave out the start, and measure after it", option_parse_duration,
     FIELD(omit_ms), IN(BENCH)},
    {"ramp", 0, "TIME",
     "spread the start of connections over this; without --rate use them at once",
     option_parse_duration, FIELD(ramp_ms), IN(BENCH)},
    {"report-html", 0, "FILE", "write a page with curves, too", option_parse_text,
     FIELD(report_html), IN(PING | BENCH | MERGE)},
};

const int option_rows_count = sizeof option_rows / sizeof *option_rows;

const struct option_row *option_that_chooses(int mode)
{
    for (int i = 0; i < option_rows_count; i++) {
        if (option_rows[i].role == OPTION_CHOOSES_MODE && option_rows[i].value == mode)
            return &option_rows[i];
    }
    return NULL;
}

const char *options_mode_name(enum options_mode mode)
{
    const struct option_row *chooser = option_that_chooses(mode);
    return chooser ? chooser->name : mode == MODE_PROMPT ? "prompt" : "pipe";
}

static void print_row(FILE *out, const struct option_row *row)
{
    char left[40];
    const char *before = row->optional ? "=" : row->argument ? " " : "";
    snprintf(left, sizeof left, "--%s%s%s", row->name, before, row->argument ? row->argument : "");
    fprintf(out, "  %c%c %-25s %s\n", row->short_name ? '-' : ' ',
            row->short_name ? row->short_name : ' ', left, row->help);
}

void option_modes_text(unsigned modes, char *ret, size_t size)
{
    size_t used = 0;
    *ret = '\0';
    for (int mode = 0; mode < MODES && used < size; mode++) {
        unsigned later = modes >> mode >> 1;
        if (!(modes & 1u << mode))
            continue;
        used += (size_t)snprintf(ret + used, size - used, "%s%s%s",
                                 option_that_chooses(mode) ? "--" : "",
                                 options_mode_name((enum options_mode)mode),
                                 !later                ? ""
                                 : later & (later - 1) ? ", "
                                                       : " or ");
    }
}

void options_help(FILE *out)
{
    fputs("Usage: tlsecho-client [options] HOST [PORT] | HOST:PORT\n"
          "       tlsecho-client [options] tcp://HOST[:PORT] | tls://HOST[:PORT] | unix:///PATH\n"
          "       tlsecho-client --bench [options] ENDPOINT ENDPOINT\n"
          "       tlsecho-client --path [options] ENDPOINT...\n"
          "       tlsecho-client --merge [options] FILE...\n"
          "Sends standard input, checks every byte that comes back, writes it to standard output.\n"
          "If standard input is a terminal, sends line by line. Or, instead of that:\n\n",
          out);
    unsigned modes = 0;
    for (int i = 0; i < option_rows_count; i++) {
        const struct option_row *row = &option_rows[i];
        bool choice_ends = i > 0 && option_rows[i - 1].role == OPTION_CHOOSES_MODE &&
                           row->role != OPTION_CHOOSES_MODE;
        char text[128];
        option_modes_text(row->modes, text, sizeof text);
        if (row->modes != modes)
            fprintf(out, "\nWith %s:\n", text);
        else if (choice_ends)
            fputs("\nEverywhere:\n", out);
        modes = row->modes;
        print_row(out, row);
    }
    fprintf(out, "\nPORT is a number or a service such as https; %d by default, %d with TLS.\n",
            ENDPOINT_PORT_TCP, ENDPOINT_PORT_TLS);
}
