/* SPDX-License-Identifier: MIT */
/* Our SYN as it arrived, compared with what the kernel has sent. */
#include "report_syn.h"

#include <stdio.h>
#include <string.h>

static enum report_relation compare(int here, int there)
{
    if (here < 0)
        return REPORT_UNKNOWN;
    return here == there ? REPORT_SAME : REPORT_DIFFERENT;
}

/* A route may ask for ECN although the host does not, and a SYN that is sent again does not offer
 * it. */
static enum report_relation compare_ecn(const struct report_syn *syn)
{
    bool arrived = syn->arrived.ece && syn->arrived.cwr;
    bool sent = syn->sent.ecn == SYN_SENT_YES;
    if (syn->sent.ecn == SYN_SENT_UNKNOWN || (!sent && arrived) ||
        (sent && !arrived && syn->sent.repeated))
        return REPORT_UNKNOWN;
    return sent == arrived ? REPORT_SAME : REPORT_DIFFERENT;
}

static enum report_relation compare_clock(const struct report_syn *syn)
{
    if (!syn->arrived.timestamps || !syn->sent.has_clock ||
        syn->sent.timestamps == SYN_SENT_UNKNOWN)
        return REPORT_UNKNOWN;
    return syn->sent.timestamps == SYN_SENT_YES &&
                   syn_sent_is_own_clock(&syn->sent, syn->arrived.tsval, syn->age_us)
               ? REPORT_SAME
               : REPORT_DIFFERENT;
}

struct option {
    const char *name;
    enum syn_sent_option sent;
    bool arrived;
};

enum { COMPARED = 4 };

static void options_of(const struct report_syn *syn, struct option ret[COMPARED])
{
    const struct syn *arrived = &syn->arrived;
    const struct option options[COMPARED] = {
        {"mss", syn->sent.mss < 0 ? SYN_SENT_UNKNOWN : SYN_SENT_YES, arrived->mss >= 0},
        {"sack-permitted", syn->sent.sack, arrived->sack},
        {"timestamps", syn->sent.timestamps, arrived->timestamps},
        {"window-scale", syn->sent.window_scale, arrived->window_scale >= 0},
    };
    memcpy(ret, options, sizeof options);
}

/* Those that this end is known to have sent, or not, and of which the other is true there. */
static size_t list_options(const struct report_syn *syn, enum syn_sent_option sent,
                           char ret[REPORT_OPTIONS_BYTES])
{
    struct option options[COMPARED];
    size_t used = 0, count = 0;
    ret[0] = '\0';
    options_of(syn, options);
    for (size_t i = 0; i < COMPARED; i++)
        if (options[i].sent == sent && options[i].arrived == (sent == SYN_SENT_NO))
            used += (size_t)snprintf(ret + used, REPORT_OPTIONS_BYTES - used, "%s%s",
                                     count++ ? " " : "", options[i].name);
    return count;
}

size_t report_lost_options(const struct report_syn *syn, char ret[REPORT_OPTIONS_BYTES])
{
    return list_options(syn, SYN_SENT_YES, ret);
}

size_t report_added_options(const struct report_syn *syn, char ret[REPORT_OPTIONS_BYTES])
{
    return list_options(syn, SYN_SENT_NO, ret);
}

static bool is_known(const char *name, size_t n)
{
    static const char *const names[] = {
        "mss", "sack-permitted", "timestamps", "window-scale", "nop", "end"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == n && memcmp(names[i], name, n) == 0)
            return true;
    return false;
}

size_t report_foreign_options(const struct report_syn *syn, char ret[REPORT_OPTIONS_BYTES])
{
    size_t used = 0, count = 0;
    ret[0] = '\0';
    for (const char *name = syn->options; *name;) {
        size_t n = strcspn(name, " ");
        if (n && !is_known(name, n))
            used += (size_t)snprintf(ret + used, REPORT_OPTIONS_BYTES - used, "%s%.*s",
                                     count++ ? " " : "", (int)n, name);
        name += n + (name[n] == ' ');
    }
    return count;
}

static enum report_relation compare_shift(const struct report_syn *syn)
{
    return syn->arrived.window_scale < 0
               ? REPORT_UNKNOWN
               : compare(syn->sent.window_shift, syn->arrived.window_scale);
}

static enum report_relation compare_options(const struct report_syn *syn)
{
    struct option options[COMPARED];
    enum report_relation relation = REPORT_SAME;
    options_of(syn, options);
    for (size_t i = 0; i < COMPARED; i++) {
        if (options[i].sent == SYN_SENT_UNKNOWN)
            relation = relation == REPORT_SAME ? REPORT_UNKNOWN : relation;
        else if ((options[i].sent == SYN_SENT_YES) != options[i].arrived)
            relation = REPORT_DIFFERENT;
    }
    return compare_shift(syn) == REPORT_DIFFERENT ? REPORT_DIFFERENT : relation;
}

void report_judge_syn(const struct report_syn *syn, struct report_verdict *ret)
{
    bool known = syn->has_sent && syn->has_arrived;
    ret->mss =
        known && syn->arrived.mss >= 0 ? compare(syn->sent.mss, syn->arrived.mss) : REPORT_UNKNOWN;
    ret->dscp = known ? compare(syn->sent.dscp, (int)syn->arrived.dscp) : REPORT_UNKNOWN;
    ret->ecn = known ? compare_ecn(syn) : REPORT_UNKNOWN;
    ret->options = known ? compare_options(syn) : REPORT_UNKNOWN;
    ret->window_shift = known ? compare_shift(syn) : REPORT_UNKNOWN;
    ret->clock = known ? compare_clock(syn) : REPORT_UNKNOWN;
}
