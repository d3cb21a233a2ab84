/* SPDX-License-Identifier: MIT */
/* A load as a page: the numbers, the session, and what output_html_curves.c draws. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "output_html_curves.h"
#include "output_html_internal.h"
#include "output_internal.h"
#include "tlsecho/clock.h"
#include "tlsecho/version.h"

static const char *const letters[] = {"a", "b"}, *const sides[] = {"A", "B"};

static void card(FILE *out, const char *value, const char *name)
{
    fputs("<div class=\"card\"><b>", out);
    output_html_text(out, value);
    fputs("</b><span>", out);
    output_html_text(out, name);
    fputs("</span></div>\n", out);
}

static void time_card(FILE *out, const struct histogram *h, double share, const char *name)
{
    char text[OUTPUT_UNIT_BYTES];
    uint64_t ns = histogram_quantile_ns(h, share);
    if (ns && (share == 1 || histogram_has_quantile(h, share)))
        card(out, output_time_text((double)ns, text), name);
}

static void cards(FILE *out, const struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    const struct histogram *latency = m->histograms[BENCH_LATENCY];
    char text[OUTPUT_UNIT_BYTES + 8], bytes[OUTPUT_UNIT_BYTES];
    fputs("<div class=\"cards\">\n", out);
    snprintf(text, sizeof text, "%s/s",
             output_count_text(bench_measure_rate(m, m->messages), bytes));
    if (m->messages)
        card(out, text, report->load.handshakes ? "handshakes" : "messages");
    time_card(out, latency, 0.5, "latency p50");
    time_card(out, latency, 0.99, "latency p99");
    time_card(out, latency, 0.999, "latency p99.9");
    time_card(out, latency, 1, "latency max");
    snprintf(text, sizeof text, "%s/s",
             output_bytes_text(bench_measure_rate(m, m->sent_bytes), bytes));
    if (m->sent_bytes)
        card(out, text, "sent");
    snprintf(text, sizeof text, "%s/s",
             output_bytes_text(bench_measure_rate(m, m->received_bytes), bytes));
    if (m->received_bytes)
        card(out, text, "received");
    snprintf(text, sizeof text, "%" PRIu64, bench_measure_errors(m));
    card(out, text, "failures");
    fputs("</div>\n", out);
}

static void load_line(FILE *out, const struct bench_report *report)
{
    const struct bench_load *load = &report->load;
    char size[OUTPUT_UNIT_BYTES], now[CLOCK_TEXT_BYTES];
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    clock_text(&at, now);
    fprintf(out, "<p>%" PRIu32 " connection%s%s, %" PRIu32 " thread%s, ", load->connections,
            load->connections == 1 ? "" : "s", load->handshakes ? " at a time" : "", load->threads,
            load->threads == 1 ? "" : "s");
    if (load->handshakes)
        fputs("handshakes", out);
    else
        fprintf(out, "%s a message, %s loop", output_bytes_text((double)load->size_bytes, size),
                load->rate > 0 ? "open" : "closed");
    if (load->rate > 0)
        fprintf(out, " at %.10g messages/s", load->rate);
    if (load->pipeline > 1)
        fprintf(out, ", %" PRIu32 " on their way on each", load->pipeline);
    fprintf(out, "; measured for %.3g s%s. tlsecho-client %s, %s</p>\n", report->measure.elapsed_s,
            report->interrupted ? ", interrupted" : "", tlsecho_version, now);
}

static void row(FILE *out, const char *name, const char *value)
{
    if (!*value)
        return;
    fputs("<tr><th scope=\"row\">", out);
    output_html_text(out, name);
    fputs("</th><td class=\"text\">", out);
    output_html_text(out, value);
    fputs("</td></tr>\n", out);
}

static void session_section(FILE *out, const struct bench_report *report)
{
    char address[ADDRESS_TEXT_BYTES], until[CLOCK_TEXT_BYTES] = "";
    struct peer peer;
    if (!report->session || !report->session->transport)
        return;
    transport_peer(report->session->transport, &peer);
    address_text(&report->session->peer, address);
    if (peer.certificate.present)
        clock_seconds_text(peer.certificate.not_after, until);
    fputs("<section><h2>Session: ", out);
    output_html_text(out, report->name);
    fputs("</h2><table>\n", out);
    row(out, "Address", address);
    row(out, "Transport", report->session->transport->ops->name);
    row(out, "Version", peer.version);
    row(out, "Cipher", peer.cipher);
    row(out, "Group", peer.group);
    row(out, "Signature", peer.signature);
    row(out, "ALPN", peer.alpn);
    row(out, "Certificate", peer.certificate.subject);
    row(out, "Issuer", peer.certificate.issuer);
    row(out, "Valid until", until);
    row(out, "SHA-256", peer.certificate.sha256);
    row(out, "Verification", peer.verification);
    fputs("</table></section>\n", out);
}

static void times_row(FILE *out, const char *name, const struct histogram *h)
{
    static const double shares[] = {0.5, 0.9, 0.99, 0.999};
    char text[OUTPUT_UNIT_BYTES];
    struct histogram_summary all;
    histogram_summarize(h, &all);
    if (!all.count)
        return;
    fputs("<tr><th scope=\"row\">", out);
    output_html_text(out, name);
    fprintf(out, "</th><td>%" PRIu64 "</td>", all.count);
    fprintf(out, "<td>%s</td>", output_time_text((double)all.min_ns, text));
    fprintf(out, "<td>%s</td>", output_time_text(all.mean_ns, text));
    fprintf(out, "<td>%s</td>", all.count > 1 ? output_time_text(all.stddev_ns, text) : "-");
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        fprintf(out, "<td>%s</td>",
                histogram_has_quantile(h, shares[i])
                    ? output_time_text((double)histogram_quantile_ns(h, shares[i]), text)
                    : "-");
    fprintf(out, "<td>%s</td></tr>\n", output_time_text((double)all.max_ns, text));
}

static void times_section(FILE *out, const struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    fputs("<section><h2>Times: ", out);
    output_html_text(out, report->name);
    fputs("</h2><table>\n<tr><th scope=\"col\"></th>", out);
    static const char *const columns[] = {"count", "min", "mean",  "stddev", "p50",
                                          "p90",   "p99", "p99.9", "max"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        fprintf(out, "<th scope=\"col\">%s</th>", columns[i]);
    fputs("</tr>\n", out);
    times_row(out, "Latency", m->histograms[BENCH_LATENCY]);
    times_row(out, "Service time", m->histograms[BENCH_SERVICE]);
    times_row(out, "TCP connect", m->histograms[BENCH_CONNECT]);
    times_row(out, "TLS handshake", m->histograms[BENCH_HANDSHAKE]);
    fputs("</table></section>\n", out);
}

static void failures(FILE *out, const struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    const char *separator = "<p class=\"bad\">Failures: ";
    for (int i = 0; i < RESULTS; i++) {
        if (!m->errors[i])
            continue;
        fprintf(out, "%s%s %" PRIu64, separator, result_word((enum result)i), m->errors[i]);
        separator = ", ";
    }
    if (bench_measure_errors(m)) {
        fputs(". ", out);
        output_html_text(out, report->outcome.error.text);
        fputs("</p>\n", out);
    }
    if (bench_measure_client_limited(m))
        fputs("<p class=\"bad\">The client itself was the limit.</p>\n", out);
}

static void heading(FILE *out, const struct bench_report *reports, size_t count)
{
    fputs("<h1>", out);
    for (size_t i = 0; i < count; i++) {
        if (count > 1)
            fputs(i ? " and " : "", out);
        output_html_text(out, reports[i].name);
    }
    fputs("</h1>\n", out);
    load_line(out, &reports[0]);
}

static void page(FILE *out, const struct bench_report *reports, size_t count)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
          out);
    output_html_text(out, reports[0].name);
    fprintf(out, " under load</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n",
            output_html_style);
    heading(out, reports, count);
    for (size_t i = 0; i < count; i++) {
        if (count > 1) {
            fprintf(out, "<p><span class=\"key %s\"></span>%s: ", letters[i], sides[i]);
            output_html_text(out, reports[i].name);
            fputs("</p>\n", out);
        }
        cards(out, &reports[i]);
        failures(out, &reports[i]);
    }
    fputs("<div class=\"charts\">\n", out);
    output_html_curves(out, reports, count);
    fputs("</div>\n<br>\n", out);
    for (size_t i = 0; i < count; i++)
        times_section(out, &reports[i]);
    for (size_t i = 0; i < count; i++)
        session_section(out, &reports[i]);
    fputs("</main>\n</body>\n</html>\n", out);
}

int output_html(const char *path, const struct bench_report *reports, size_t count,
                struct error *err)
{
    FILE *out = fopen(path, "we");
    if (!out)
        return error_sys(err, "--report-html: write %s", path);
    page(out, reports, count);
    int failed = ferror(out);
    if (fclose(out) != 0 || failed)
        return error_sys(err, "--report-html: write %s", path);
    return 0;
}
