/* SPDX-License-Identifier: MIT */
#include "syn_aspect.h"

#include <stdio.h>
#include <string.h>

#include "tlsecho/base/quantity.h"

enum {
    IPV4_BYTES = 40, /* the headers of IP and TCP without options, */
    IPV6_BYTES = 60, /* which an MSS does not count (RFC 9293 §3.7.1) */
};

/* Such a one is not clamped. */
static bool is_larger(const struct report_syn *syn)
{
    return syn->arrived.mss > syn->sent.mss;
}

static enum report_relation relate_mss(const struct report_syn *syn,
                                       const struct report_verdict *verdict)
{
    (void)syn;
    return verdict->mss;
}

static void describe_mss(const struct report *report, char sent[PATH_TEXT_BYTES],
                         char arrived[PATH_TEXT_BYTES], char value[PATH_TEXT_BYTES])
{
    char text[QUANTITY_BYTES];
    const struct report_syn *syn = &report->syn;
    bool ipv6 = report->here.destination[0] == '[';
    uint64_t mtu = (uint64_t)syn->arrived.mss + (ipv6 ? IPV6_BYTES : IPV4_BYTES);
    bool larger = is_larger(syn);
    snprintf(sent, PATH_TEXT_BYTES, "MSS of %s bytes",
             quantity_grouped_text((uint64_t)syn->sent.mss, text));
    snprintf(arrived, PATH_TEXT_BYTES, "as %s bytes",
             quantity_grouped_text((uint64_t)syn->arrived.mss, text));
    if (larger)
        snprintf(value, PATH_TEXT_BYTES, "the MSS");
    else
        snprintf(value, PATH_TEXT_BYTES, "%s bytes", quantity_grouped_text(mtu, text));
}

static void explain_mss(const struct report *report, char ret[PATH_SENTENCE_BYTES])
{
    bool larger = is_larger(&report->syn);
    snprintf(ret, PATH_SENTENCE_BYTES, "%s",
             larger ? "; the server may send segments that this host, or a link on the way, does "
                      "not take"
                    : "");
}

static enum report_relation relate_dscp(const struct report_syn *syn,
                                        const struct report_verdict *verdict)
{
    (void)syn;
    return verdict->dscp;
}

static void describe_dscp(const struct report *report, char sent[PATH_TEXT_BYTES],
                          char arrived[PATH_TEXT_BYTES], char value[PATH_TEXT_BYTES])
{
    snprintf(sent, PATH_TEXT_BYTES, "DSCP %d", report->syn.sent.dscp);
    snprintf(arrived, PATH_TEXT_BYTES, "as %u", report->syn.arrived.dscp);
    snprintf(value, PATH_TEXT_BYTES, "DSCP %d", report->syn.sent.dscp);
}

static enum report_relation relate_ecn(const struct report_syn *syn,
                                       const struct report_verdict *verdict)
{
    return syn->sent.ecn == SYN_SENT_YES ? verdict->ecn : REPORT_UNKNOWN;
}

static void describe_ecn(const struct report *report, char sent[PATH_TEXT_BYTES],
                         char arrived[PATH_TEXT_BYTES], char value[PATH_TEXT_BYTES])
{
    const struct syn *syn = &report->syn.arrived;
    snprintf(sent, PATH_TEXT_BYTES, "offer of ECN (ECE and CWR)");
    snprintf(arrived, PATH_TEXT_BYTES, "%s",
             syn->ece   ? "with ECE alone"
             : syn->cwr ? "with CWR alone"
                        : "with neither flag");
    snprintf(value, PATH_TEXT_BYTES, "ECE and CWR");
}

static bool has_lost(const struct report_syn *syn)
{
    char lost[REPORT_OPTIONS_BYTES];
    return report_lost_options(syn, lost) > 0;
}

static bool has_added(const struct report_syn *syn)
{
    char added[REPORT_OPTIONS_BYTES];
    return report_added_options(syn, added) > 0;
}

/* What has come on top is not stripped. */
static bool lacks_nothing(const struct report_syn *syn)
{
    return !has_lost(syn);
}

/* Whether they are there: values are looked at each for itself. */
static enum report_relation relate_options(const struct report_syn *syn,
                                           const struct report_verdict *verdict)
{
    if (verdict->options != REPORT_DIFFERENT)
        return verdict->options;
    return has_lost(syn) || has_added(syn) ? REPORT_DIFFERENT : REPORT_SAME;
}

static void describe_options(const struct report *report, char sent[PATH_TEXT_BYTES],
                             char arrived[PATH_TEXT_BYTES], char value[PATH_TEXT_BYTES])
{
    char names[REPORT_OPTIONS_BYTES];
    bool lost = report_lost_options(&report->syn, names) > 0;
    if (!lost)
        report_added_options(&report->syn, names);
    snprintf(sent, PATH_TEXT_BYTES, "TCP options");
    snprintf(arrived, PATH_TEXT_BYTES, "%s %.50s%s: %.110s", lost ? "without" : "with", names,
             lost ? "" : " on top", *report->syn.options ? report->syn.options : "none");
    snprintf(value, PATH_TEXT_BYTES, "%.190s", names);
}

static void explain_options(const struct report *report, char ret[PATH_SENTENCE_BYTES])
{
    static const struct {
        const char *name, *effect;
    } effects[] = {
        {"mss", "the server sends small segments"},
        {"window-scale", "no connection carries more than 64 KiB a round trip"},
        {"sack-permitted", "each loss costs more"},
        {"timestamps", "round trips are measured less often"},
    };
    char lost[REPORT_OPTIONS_BYTES];
    size_t used = 0;
    report_lost_options(&report->syn, lost);
    *ret = '\0';
    for (size_t i = 0; i < sizeof effects / sizeof *effects; i++)
        if (strstr(lost, effects[i].name))
            used += (size_t)snprintf(ret + used, PATH_SENTENCE_BYTES - used, "; without %s %s",
                                     effects[i].name, effects[i].effect);
}

static enum report_relation relate_shift(const struct report_syn *syn,
                                         const struct report_verdict *verdict)
{
    (void)syn;
    return verdict->window_shift;
}

static void describe_shift(const struct report *report, char sent[PATH_TEXT_BYTES],
                           char arrived[PATH_TEXT_BYTES], char value[PATH_TEXT_BYTES])
{
    snprintf(sent, PATH_TEXT_BYTES, "window scale of %d", report->syn.sent.window_shift);
    snprintf(arrived, PATH_TEXT_BYTES, "as %d", report->syn.arrived.window_scale);
    snprintf(value, PATH_TEXT_BYTES, "window-scale");
}

static void explain_shift(const struct report *report, char ret[PATH_SENTENCE_BYTES])
{
    bool larger = report->syn.arrived.window_scale > report->syn.sent.window_shift;
    snprintf(ret, PATH_SENTENCE_BYTES, "; the server takes our window for %s than it is: %s",
             larger ? "larger" : "smaller",
             larger ? "it sends more than this host can take" : "it sends less at once");
}

static enum report_relation relate_clock(const struct report_syn *syn,
                                         const struct report_verdict *verdict)
{
    (void)syn;
    return verdict->clock;
}

static void describe_clock(const struct report *report, char sent[PATH_TEXT_BYTES],
                           char arrived[PATH_TEXT_BYTES], char value[PATH_TEXT_BYTES])
{
    const struct report_syn *syn = &report->syn;
    snprintf(sent, PATH_TEXT_BYTES, "timestamp");
    snprintf(arrived, PATH_TEXT_BYTES,
             "as %u, when our clock was at %u; TTL %u, MSS %d, options %.80s", syn->arrived.tsval,
             syn->sent.clock, syn->arrived.ttl, syn->arrived.mss, syn->options);
    snprintf(value, PATH_TEXT_BYTES, "%s", report->there.source);
}

#define CHANGED "options-changed"

const struct syn_aspect syn_aspect_clock = {
    .finding = "tcp-proxy", .relate = relate_clock, .describe = describe_clock};

const struct syn_aspect syn_aspects[SYN_ASPECTS] = {
    {.finding = "mss-clamped",
     .other_finding = CHANGED,
     .is_other = is_larger,
     .relate = relate_mss,
     .describe = describe_mss,
     .explain = explain_mss},
    {.finding = "options-stripped",
     .other_finding = CHANGED,
     .is_other = lacks_nothing,
     .relate = relate_options,
     .describe = describe_options,
     .explain = explain_options},
    {.finding = CHANGED,
     .relate = relate_shift,
     .describe = describe_shift,
     .explain = explain_shift},
    {.finding = "dscp-rewritten", .relate = relate_dscp, .describe = describe_dscp},
    {.finding = "ecn-stripped", .relate = relate_ecn, .describe = describe_ecn},
};

const char *syn_aspect_finding(const struct syn_aspect *aspect, const struct report_syn *syn)
{
    return aspect->is_other && aspect->is_other(syn) ? aspect->other_finding : aspect->finding;
}
