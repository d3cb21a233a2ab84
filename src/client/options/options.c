/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/options.h"

#include <stddef.h>
#include <sys/socket.h>

#include "options_internal.h"

#define FIELD(name) .field = offsetof(struct options, name)
#define TLS_ONLY    .only_tls = true
#define IP_ONLY     .only_ip = true
#define UDP_ONLY    .only_udp = true
#define STREAM_ONLY .only_stream = true
#define CHOOSES(m)  option_parse_mode, FIELD(mode), .value = (m), .role = OPTION_CHOOSES_MODE

/* The modes in which an option can be used. */
#define STREAM  (1u << MODE_PIPE | 1u << MODE_PROMPT)
#define CHECK   (1u << MODE_CHECK)
#define REPORT  (1u << MODE_REPORT)
#define PATH    (1u << MODE_PATH)
#define BENCH   (1u << MODE_BENCH)
#define PING    (1u << MODE_PING)
#define MERGE   (1u << MODE_MERGE)
#define IN(set) .modes = (set)

enum { DAYS_MAX = 36500, SECOND_MS = 1000 };

/* In the order of --help, which starts a group wherever the modes change. */

const struct option_row option_rows[] = {
    {"ping", 0, NULL, "send probes as ping(8) does, and measure the round trips",
     CHOOSES(MODE_PING)},
    {"check", 0, NULL, "check the server once, for scripts and monitoring", CHOOSES(MODE_CHECK)},
    {"report", 0, NULL, "compare both ends' views of the connection (service: report)",
     CHOOSES(MODE_REPORT)},
    {"path", 0, NULL, "find what is wrong on the way, with evidence and remedy",
     CHOOSES(MODE_PATH)},
    {"bench", 0, NULL, "generate load, and measure rates and latencies", CHOOSES(MODE_BENCH)},
    {"merge", 0, NULL, "add up the --bench --json results of several clients", CHOOSES(MODE_MERGE)},
    {"show-certs", 0, NULL, "print the server's certificates as PEM", CHOOSES(MODE_SHOW_CERTS),
     TLS_ONLY},
    {"tls", 0, NULL, "use TLS, as with tls://HOST:PORT", option_parse_true, FIELD(tls)},
    {"ipv4", '4', NULL, "use IPv4 addresses only", option_parse_value, FIELD(family),
     .value = AF_INET, IP_ONLY},
    {"ipv6", '6', NULL, "use IPv6 addresses only", option_parse_value, FIELD(family),
     .value = AF_INET6, IP_ONLY},
    {"source", 0, "ADDR", "connect from this local address", option_parse_text, FIELD(source),
     IP_ONLY},
    {"connect-to", 0, "HOST:PORT",
     "connect to this host instead; verification and SNI still use HOST", option_parse_host_port,
     FIELD(connect_to)},
    {"dscp", 0, "N", "set this DSCP on packets, 0 to 63 (default 0)", option_parse_number,
     FIELD(dscp), .min = 0, .max = 63, IP_ONLY},
    {"proxy-protocol", 0, "1|2", "send a PROXY header of this version first", option_parse_number,
     FIELD(proxy_protocol), .min = 1, .max = 2, STREAM_ONLY},
    {"cacert", 0, "FILE",
     "trust the certificates in this PEM file, CAs or the server's own, instead of the system's",
     option_parse_text, FIELD(cacert), TLS_ONLY},
    {"cert", 0, "FILE", "client certificate with its chain, PEM, leaf first", option_parse_text,
     FIELD(cert), TLS_ONLY},
    {"key", 0, "FILE", "key of --cert, PEM (default: in the same file)", option_parse_text,
     FIELD(key), TLS_ONLY},
    {"servername", 0, "NAME", "send and verify this name instead of HOST", option_parse_text,
     FIELD(server_name), TLS_ONLY},
    {"pin", 0, "SHA256", "trust only the certificate with this hash, whatever its chain and names",
     option_parse_text, FIELD(pin), TLS_ONLY},
    {"insecure", 'k', NULL, "do not verify the certificate", option_parse_true, FIELD(insecure),
     TLS_ONLY},
    {"tls-min", 0, "1.2|1.3", "minimum TLS version (default 1.2)", option_parse_text,
     FIELD(tls_min), TLS_ONLY},
    {"tls-max", 0, "1.2|1.3", "maximum TLS version (default 1.3)", option_parse_text,
     FIELD(tls_max), TLS_ONLY},
    {"ciphers", 0, "LIST", "offer these TLS 1.2 ciphers, A:B:C", option_parse_text, FIELD(ciphers),
     TLS_ONLY},
    {"ciphersuites", 0, "LIST", "offer these TLS 1.3 cipher suites, A:B:C", option_parse_text,
     FIELD(ciphersuites), TLS_ONLY},
    {"groups", 0, "LIST", "offer these groups for the key exchange, A:B:C", option_parse_text,
     FIELD(groups), TLS_ONLY},
    {"alpn", 0, "LIST", "offer these application protocols, h2,http/1.1", option_parse_text,
     FIELD(alpn), TLS_ONLY},
    {"keylog", 0, "FILE", "append the TLS secrets to this file (default: SSLKEYLOGFILE)",
     option_parse_text, FIELD(keylog), TLS_ONLY},
    {"resume", 0, "FILE",
     "resume the TLS session in this file, and save the new one; with --handshakes and "
     "--check --count: no file",
     option_parse_resume, FIELD(resume), .optional = true, TLS_ONLY},
    {"connect-timeout", 0, "TIME",
     "limit for name look-up, TCP and TLS together, 0 = none (default 10s)", option_parse_duration,
     FIELD(connect_timeout_ms)},
    {"json", 0, NULL,
     "print the result as one JSON object; on standard error if data goes to standard output",
     option_parse_true, FIELD(json), .role = OPTION_SHAPES_OUTPUT},
    {"quiet", 'q', NULL,
     "print no warnings and progress; --ping: no lines per probe; --check, --report: only "
     "failures; --path: only findings",
     option_parse_value, FIELD(verbosity), .value = OPTIONS_QUIET},
    {"verbose", 'v', NULL, "describe the connection, the TLS session and what was transferred",
     option_parse_value, FIELD(verbosity), .value = OPTIONS_VERBOSE},
    {"version", 'V', NULL, "print the versions of this program and of OpenSSL", option_parse_value,
     FIELD(action), .value = OPTIONS_VERSION},
    {"help", 'h', NULL, "print this text", option_parse_value, FIELD(action),
     .value = OPTIONS_HELP},
    {"expect", 0, "echo|upper|hello|none|stamp",
     "the reply to expect from the server (default echo); hello: a line that says which server "
     "answers, then an echo; stamp: with --ping over UDP",
     option_parse_expect, FIELD(expect), IN(STREAM | PING | CHECK | BENCH)},
    {"idle-timeout", 0, "TIME",
     "end after this time without data; --check, --report: limit for the whole exchange; prompt "
     "over UDP: a line without a reply is lost; 0 = none (default 60s; --check, a line: 10s)",
     option_parse_duration, FIELD(idle_timeout_ms), IN(STREAM | PING | CHECK | REPORT | BENCH)},
    {"count", 'c', "N",
     "stop after this many probes (default: never); --check: connections in a row (default: one)",
     option_parse_number, FIELD(count), .min = 1, .max = UINT32_MAX, IN(PING | CHECK)},
    {"interval", 'i', "TIME", "time from one probe to the next, 0 = after each reply (default 1s)",
     option_parse_duration, FIELD(interval_ms), IN(PING)},
    {"deadline", 'w', "TIME", "stop after this time, 0 = never (default)", option_parse_duration,
     FIELD(deadline_ms), IN(PING)},
    {"reply-timeout", 'W', "TIME", "count a reply as late after this time, 0 = never (default 10s)",
     option_parse_duration, FIELD(reply_timeout_ms), IN(PING)},
    {"reconnect", 0, NULL,
     "after a failure, or --idle-timeout without a reply, continue on a new connection",
     option_parse_true, FIELD(reconnect), IN(PING)},
    {"timestamps", 'D', NULL, "start each line with the time, [SECONDS.MICROSECONDS] since 1970",
     option_parse_true, FIELD(timestamps), IN(PING)},
    {"mtu-discovery", 'M', "do|want",
     "do: do not fragment datagrams; one that is too large fails with the path MTU",
     option_parse_mtu_discovery, FIELD(never_fragment), IN(PING), UDP_ONLY},
    {"clocks-agree", 0, NULL,
     "with --expect stamp: both clocks are synchronized; print the delay of each direction",
     option_parse_true, FIELD(clocks_agree), IN(PING), UDP_ONLY},
    {"nagios", 0, NULL, "print the line and return the exit status of a Nagios plug-in",
     option_parse_true, FIELD(nagios), .role = OPTION_SHAPES_OUTPUT, IN(CHECK)},
    {"expiry-warn", 0, "DAYS", "warn if a certificate of the chain expires within this time",
     option_parse_number, FIELD(expiry_warn_days), .min = 0, .max = DAYS_MAX, IN(CHECK), TLS_ONLY},
    {"expiry-crit", 0, "DAYS", "fail if a certificate of the chain expires within this time",
     option_parse_number, FIELD(expiry_crit_days), .min = 0, .max = DAYS_MAX, IN(CHECK), TLS_ONLY},
    {"expect-direct", 0, NULL,
     "fail (untrusted) unless one TLS session reaches from end to end; needs --pin or --cacert",
     option_parse_true, FIELD(expect_direct), IN(REPORT), TLS_ONLY},
    {"only", 0, "STAGE,...", "run these stages only (default: all that the servers allow)",
     option_parse_text, FIELD(only), IN(PATH)},
    {"idle-max", 0, "TIME", "the longest silence to try; without it the stage idle is left out",
     option_parse_duration, FIELD(idle_max_ms), .min = SECOND_MS, IN(PATH)},
    {"size", 's', "BYTES",
     "size of a probe or message (default 64); --bench: 0 = only receive, with --expect none",
     option_parse_size, FIELD(size_bytes), .min = 0, .max = 1 << 30, IN(PING | BENCH)},
    {"handshakes", 0, NULL, "measure connections instead of messages, -P at a time",
     option_parse_true, FIELD(handshakes), IN(BENCH), STREAM_ONLY},
    {"connections", 'P', "N", "number of connections (default 1)", option_parse_number,
     FIELD(connections), .min = 1, .max = OPTIONS_CONNECTIONS_MAX, IN(BENCH)},
    {"time", 't', "TIME", "measure for this time, 0 = until interrupted (default 10s)",
     option_parse_duration, FIELD(time_ms), IN(BENCH)},
    {"messages", 'n', "N", "stop after this many messages, over all connections, instead of -t",
     option_parse_number, FIELD(messages), .min = 1, .max = 1000000000000, IN(BENCH)},
    {"pipeline", 0, "N", "messages in flight on each connection (default 1)", option_parse_number,
     FIELD(pipeline), .min = 1, .max = OPTIONS_PIPELINE_MAX, IN(BENCH), STREAM_ONLY},
    {"rate", 0, "N", "send this many messages per second over all connections (open loop)",
     option_parse_rate, FIELD(rate), .max = 10000000, IN(BENCH)},
    {"threads", 0, "N", "number of threads that share the connections (default 1)",
     option_parse_number, FIELD(threads), .min = 1, .max = OPTIONS_THREADS_MAX, IN(BENCH)},
    {"omit", 0, "TIME", "time to leave out before measuring", option_parse_duration, FIELD(omit_ms),
     IN(BENCH)},
    {"ramp", 0, "TIME",
     "open the connections over this time; without --rate and --start-at each is used at once",
     option_parse_duration, FIELD(ramp_ms), IN(BENCH)},
    {"start-at", 0, "TIME",
     "connect now, start the load at this time (RFC 3339), to measure from several hosts at once",
     option_parse_future, FIELD(start_at_us), IN(BENCH)},
    {"report-html", 0, "FILE", "also write an HTML page with charts", option_parse_text,
     FIELD(report_html), IN(PING | BENCH | MERGE | PATH)},
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
          "       tlsecho-client [options] udp://HOST[:PORT] | dtls://HOST[:PORT]\n"
          "       tlsecho-client --bench [options] ENDPOINT ENDPOINT\n"
          "       tlsecho-client --path [options] ENDPOINT...\n"
          "       tlsecho-client --merge [options] FILE...\n"
          "Sends standard input, compares every byte that comes back, and writes it to standard "
          "output.\n"
          "If standard input is a terminal, it is a prompt. Other modes:\n\n",
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
            fputs("\n"
                  "In every mode:\n",
                  out);
        modes = row->modes;
        print_row(out, row);
    }
    fprintf(
        out,
        "\nPORT is a number or a service such as https; the default is %d, with TLS and DTLS %d.\n",
        ENDPOINT_PORT_TCP, ENDPOINT_PORT_TLS);
}
