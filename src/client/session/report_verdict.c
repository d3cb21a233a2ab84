/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/report.h"

#include <string.h>

#include "report_syn.h"

static const struct {
    const char *word, *text;
} paths[] = {
    [REPORT_END_TO_END] = {"end-to-end", "one TLS session from here to the server: nothing on the "
                                         "way can read or change its data"},
    [REPORT_TERMINATED] = {"terminated", "something on the way terminates TLS: it can read and "
                                         "change everything"},
    [REPORT_UNPROVEN] = {"unproven", "TLS at both ends, but nothing proves that it is one session: "
                                     "use TLS 1.3, or extended_master_secret"},
    [REPORT_PLAIN] =
        {"plain",
         "neither relayed nor translated, as far as addresses, and over TCP timestamps, tell; "
         "without TLS, anything on the way can read and change its data"},
    [REPORT_RELAYED] = {"relayed", "what arrives at the server has another source or destination: "
                                   "something on the way translates its addresses, or relays it"},
};

static const char *const relations[] = {
    [REPORT_SAME] = "same", [REPORT_DIFFERENT] = "different", [REPORT_UNKNOWN] = "unknown"};

const char *report_path_word(enum report_path path)
{
    return paths[path].word;
}

const char *report_path_text(enum report_path path)
{
    return paths[path].text;
}

const char *report_relation_word(enum report_relation relation)
{
    return relations[relation];
}

static enum report_relation compare(const char *here, const char *there)
{
    if (!*here && !*there)
        return REPORT_SAME;
    if (!*here || !*there)
        return REPORT_DIFFERENT;
    return strcmp(here, there) == 0 ? REPORT_SAME : REPORT_DIFFERENT;
}

/* "" is unknown here, not none. */
static enum report_relation compare_known(const char *here, const char *there)
{
    return *here && *there ? compare(here, there) : REPORT_UNKNOWN;
}

/* Less than 0 is unknown. */
static enum report_relation compare_numbers(int here, int there)
{
    if (here < 0 || there < 0)
        return REPORT_UNKNOWN;
    return here == there ? REPORT_SAME : REPORT_DIFFERENT;
}

static enum report_path path_of(const struct report *report, const struct report_verdict *verdict)
{
    const struct report_view *here = &report->here, *there = &report->there;
    if (here->tls != there->tls)
        return REPORT_TERMINATED;
    if (!here->tls) {
        bool direct = verdict->source == REPORT_SAME && verdict->destination == REPORT_SAME &&
                      verdict->clock != REPORT_DIFFERENT && !report->proxy.version;
        return direct ? REPORT_PLAIN : REPORT_RELAYED;
    }
    switch (compare_known(here->exporter, there->exporter)) {
    case REPORT_SAME:
        return REPORT_END_TO_END;
    case REPORT_DIFFERENT:
        return REPORT_TERMINATED;
    case REPORT_UNKNOWN:
        break;
    }
    /* If only one end has an exporter, the versions differ. */
    return *here->exporter || *there->exporter ? REPORT_TERMINATED : REPORT_UNPROVEN;
}

void report_judge(const struct report *report, struct report_verdict *ret)
{
    const struct report_view *here = &report->here, *there = &report->there;
    *ret = (struct report_verdict){
        .source = compare_known(here->source, there->source),
        .destination = compare_known(here->destination, there->destination),
        .version = compare(here->version, there->version),
        .cipher = compare(here->cipher, there->cipher),
        .group = compare(here->group, there->group),
        .signature = compare_known(here->signature, there->signature),
        .sni = compare(here->sni, there->sni),
        .alpn = compare(here->alpn, there->alpn),
        .certificate = compare_known(here->certificate, there->certificate),
        .client_certificate = compare(here->client_certificate, there->client_certificate),
        .datagram_dscp = compare_numbers(report->sent.dscp, report->arrived.dscp),
        .datagram_ecn = compare_numbers(report->sent.ecn, report->arrived.ecn),
    };
    report_judge_syn(&report->syn, ret);
    ret->path = path_of(report, ret);
}

bool report_is_direct(enum report_path path)
{
    return path == REPORT_END_TO_END;
}
