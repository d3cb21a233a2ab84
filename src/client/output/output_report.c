/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/output_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "output_json.h"
#include "tlsecho/client/output.h"

enum { NAME_COLUMNS = 19, VIEW_COLUMNS = 32 };

/* A text that is too long for its column, such as a fingerprint, takes both; two different ones
 * take two lines. */
static void print_row(const char *name, const char *here, const char *there, const char *relation)
{
    const int wide = VIEW_COLUMNS + 1 + VIEW_COLUMNS;
    here = *here ? here : "-";
    there = *there ? there : "-";
    if (strlen(here) <= VIEW_COLUMNS && strlen(there) <= VIEW_COLUMNS) {
        printf("%-*s %-*s %-*s %s\n", NAME_COLUMNS, name, VIEW_COLUMNS, here, VIEW_COLUMNS, there,
               relation);
    } else if (strcmp(here, there) == 0) {
        printf("%-*s %-*s %s\n", NAME_COLUMNS, name, wide, here, relation);
    } else {
        printf("%-*s %-*s here\n", NAME_COLUMNS, name, wide, here);
        printf("%-*s %-*s there: %s\n", NAME_COLUMNS, "", wide, there, relation);
    }
}

static void compare_row(const char *name, const char *here, const char *there,
                        enum report_relation relation)
{
    if (*here || *there)
        print_row(name, here, there, report_relation_word(relation));
}

static void print_addresses(const struct report *report, const struct report_verdict *verdict)
{
    static const char *const words[] = {[REPORT_SAME] = "as sent",
                                        [REPORT_DIFFERENT] = "translated or relayed",
                                        [REPORT_UNKNOWN] = "unknown"};
    char proxy[REPORT_NAME_BYTES] = "";
    const struct report_view *here = &report->here, *there = &report->there;
    print_row("source", here->source, there->source, words[verdict->source]);
    print_row("destination", here->destination, there->destination, words[verdict->destination]);
    if (report->proxy.version)
        snprintf(proxy, sizeof proxy, "v%d from %s", report->proxy.version, report->proxy.source);
    print_row("PROXY header", "", proxy,
              !report->proxy.version ? "none"
              : report->proxy.local  ? "it carries no client address"
                                     : "it carries the addresses above");
}

static void print_tls(const struct report *report, const struct report_verdict *verdict)
{
    const struct report_view *here = &report->here, *there = &report->there;
    compare_row("version", here->version, there->version, verdict->version);
    compare_row("cipher", here->cipher, there->cipher, verdict->cipher);
    compare_row("group", here->group, there->group, verdict->group);
    compare_row("signature", here->signature, there->signature, verdict->signature);
    compare_row("SNI", here->sni, there->sni, verdict->sni);
    compare_row("ALPN", here->alpn, there->alpn, verdict->alpn);
    compare_row("certificate", here->certificate, there->certificate, verdict->certificate);
    compare_row("client certificate", here->client_certificate, there->client_certificate,
                verdict->client_certificate);
    compare_row("exporter", here->exporter, there->exporter,
                verdict->path == REPORT_END_TO_END   ? REPORT_SAME
                : verdict->path == REPORT_TERMINATED ? REPORT_DIFFERENT
                                                     : REPORT_UNKNOWN);
}

static void put_number(char *ret, size_t size, int value)
{
    if (value >= 0)
        snprintf(ret, size, "%d", value);
}

static void print_number(const char *name, int here, int there, const char *relation)
{
    char texts[2][16] = {"", ""};
    put_number(texts[0], sizeof texts[0], here);
    put_number(texts[1], sizeof texts[1], there);
    print_row(name, texts[0], texts[1], relation);
}

static const char *offer_of(bool offered)
{
    return offered ? "offered" : "not offered";
}

/* Each router takes one of the TTL. */
static void print_hops(const char *name, int sent, int arrived)
{
    char hops[32] = "unknown";
    int taken = sent - arrived;
    if (sent >= 0 && arrived >= 0 && taken >= 0)
        snprintf(hops, sizeof hops, "%d hop%s", taken, taken == 1 ? "" : "s");
    print_number(name, sent, arrived, hops);
}

/* What was sent is known, but not in which order. */
static void print_options(const struct report_syn *syn, enum report_relation relation)
{
    char names[REPORT_OPTIONS_BYTES], words[REPORT_OPTIONS_BYTES + 32];
    if (report_lost_options(syn, names))
        snprintf(words, sizeof words, "without %s", names);
    else if (report_added_options(syn, names))
        snprintf(words, sizeof words, "with %s, not sent", names);
    else
        snprintf(words, sizeof words, "%s", report_relation_word(relation));
    print_row("SYN options", syn->options, syn->options, words);
}

static void print_clock(const struct report_syn *syn, enum report_relation relation)
{
    static const char *const words[] = {[REPORT_SAME] = "of our clock",
                                        [REPORT_DIFFERENT] = "of another clock",
                                        [REPORT_UNKNOWN] = "unknown"};
    char here[16] = "", there[16] = "";
    if (syn->sent.has_clock && syn->sent.timestamps == SYN_SENT_YES)
        snprintf(here, sizeof here, "%" PRIu32, syn->sent.clock);
    if (syn->arrived.timestamps)
        snprintf(there, sizeof there, "%" PRIu32, syn->arrived.tsval);
    print_row("SYN timestamp", here, there, words[relation]);
}

static void print_syn(const struct report_syn *syn, const struct report_verdict *verdict)
{
    if (!syn->has_sent || !syn->has_arrived)
        return;
    print_hops("SYN TTL", syn->sent.ttl, (int)syn->arrived.ttl);
    print_number("SYN MSS", syn->sent.mss, syn->arrived.mss, report_relation_word(verdict->mss));
    print_number("SYN DSCP", syn->sent.dscp, (int)syn->arrived.dscp,
                 report_relation_word(verdict->dscp));
    print_row("SYN ECN",
              syn->sent.ecn == SYN_SENT_UNKNOWN ? "" : offer_of(syn->sent.ecn == SYN_SENT_YES),
              offer_of(syn->arrived.ece && syn->arrived.cwr), report_relation_word(verdict->ecn));
    print_options(syn, verdict->options);
    print_number("SYN window scale", syn->sent.window_shift, syn->arrived.window_scale,
                 report_relation_word(verdict->window_shift));
    print_clock(syn, verdict->clock);
}

static const char *ecn_name(int ecn)
{
    static const char *const names[] = {"Not-ECT", "ECT(1)", "ECT(0)", "CE"}; /* RFC 3168 §5 */
    return ecn < 0 ? "" : names[ecn];
}

static void print_datagram(const struct report *report, const struct report_verdict *verdict)
{
    if (!report->by_datagram)
        return;
    print_hops("TTL", report->sent.ttl, report->arrived.ttl);
    print_number("DSCP", report->sent.dscp, report->arrived.dscp,
                 report_relation_word(verdict->datagram_dscp));
    print_row("ECN", ecn_name(report->sent.ecn), ecn_name(report->arrived.ecn),
              report_relation_word(verdict->datagram_ecn));
}

static void print_words(const struct session *session, const struct report *report,
                        const struct report_verdict *verdict)
{
    char target[ENDPOINT_TEXT_BYTES];
    endpoint_text(session->target->endpoint, target);
    printf("%s: ", target);
    if (report->connection)
        printf("connection %" PRIu64 " of ", report->connection);
    printf("listener %s", report->listener);
    if (*report->server)
        printf(" on %s", report->server);
    printf("\n\n%-*s %-*s there\n", NAME_COLUMNS, "", VIEW_COLUMNS, "here");
    print_addresses(report, verdict);
    print_tls(report, verdict);
    print_syn(&report->syn, verdict);
    print_datagram(report, verdict);
    printf("\nverdict: %s%s\n", report_path_text(verdict->path),
           verdict->path == REPORT_END_TO_END && !session->target->options->pin
               ? "; not proven without --pin: a proxy with a trusted certificate could terminate "
                 "TLS and rewrite the report"
               : "");
}

static void add_number(json_t *json, const char *key, int value)
{
    if (value >= 0)
        json_object_set_new(json, key, json_integer(value));
}

static void add_option(json_t *json, const char *key, enum syn_sent_option sent)
{
    if (sent != SYN_SENT_UNKNOWN)
        json_object_set_new(json, key, json_boolean(sent == SYN_SENT_YES));
}

static json_t *sent_json(const struct syn_sent *sent)
{
    json_t *json = json_object();
    add_number(json, "ttl", sent->ttl);
    add_number(json, "dscp", sent->dscp);
    add_number(json, "mss", sent->mss);
    add_option(json, "ecn", sent->ecn);
    add_option(json, "sack", sent->sack);
    add_option(json, "timestamps", sent->timestamps);
    add_option(json, "window_scale", sent->window_scale);
    add_number(json, "window_shift", sent->window_shift);
    json_object_set_new(json, "repeated", json_boolean(sent->repeated));
    return json;
}

static json_t *marks_json(const struct report_marks *marks)
{
    json_t *json = json_object();
    add_number(json, "ttl", marks->ttl);
    add_number(json, "dscp", marks->dscp);
    add_number(json, "ecn", marks->ecn);
    return json;
}

static json_t *view_json(const struct report *report)
{
    const struct report_view *view = &report->here;
    json_t *json = json_object();
    output_json_add_text(json, "source", view->source);
    output_json_add_text(json, "destination", view->destination);
    output_json_add_text(json, "sni", view->sni);
    output_json_add_text(json, "exporter", view->exporter);
    output_json_add_text(json, "certificate_sha256", view->certificate);
    output_json_add_text(json, "client_certificate_sha256", view->client_certificate);
    if (report->syn.has_sent)
        json_object_set_new(json, "syn", sent_json(&report->syn.sent));
    if (report->by_datagram)
        json_object_set_new(json, "datagram", marks_json(&report->sent));
    return json;
}

static json_t *verdict_json(const struct report *report, const struct report_verdict *verdict,
                            bool pinned)
{
    const struct {
        const char *key;
        enum report_relation relation;
    } rows[] = {{"source", verdict->source},
                {"destination", verdict->destination},
                {"version", verdict->version},
                {"cipher", verdict->cipher},
                {"group", verdict->group},
                {"signature", verdict->signature},
                {"sni", verdict->sni},
                {"alpn", verdict->alpn},
                {"certificate", verdict->certificate},
                {"client_certificate", verdict->client_certificate},
                {"syn_mss", verdict->mss},
                {"syn_dscp", verdict->dscp},
                {"syn_ecn", verdict->ecn},
                {"syn_options", verdict->options},
                {"syn_clock", verdict->clock}};
    json_t *json = json_object();
    output_json_add_text(json, "path", report_path_word(verdict->path));
    json_object_set_new(json, "pinned", json_boolean(pinned));
    json_object_set_new(json, "proxy_header", json_boolean(report->proxy.version != 0));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        output_json_add_text(json, rows[i].key, report_relation_word(rows[i].relation));
    if (report->by_datagram) {
        output_json_add_text(json, "datagram_dscp", report_relation_word(verdict->datagram_dscp));
        output_json_add_text(json, "datagram_ecn", report_relation_word(verdict->datagram_ecn));
    }
    return json;
}

void output_report(const struct options *options, const struct session *session,
                   const struct output_report *received, const struct outcome *outcome)
{
    const struct report *report = received->report;
    if (options->json) {
        json_t *json = output_json_new(options, session, outcome);
        if (report) {
            json_object_set_new(json, "here", view_json(report));
            json_object_set_new(json, "there",
                                json_loadb(received->text, received->text_bytes, 0, NULL));
            json_object_set_new(json, "verdict",
                                verdict_json(report, received->verdict, options->pin));
        }
        output_json_print(json, stdout);
        return;
    }
    if (report && options->verbosity > OPTIONS_QUIET)
        print_words(session, report, received->verdict);
    output_failure(outcome);
}
