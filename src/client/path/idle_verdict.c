/* SPDX-License-Identifier: MIT */
#include "idle_verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "idle_ladder.h"

bool idle_verdict_is_lifetime(const struct idle *idle)
{
    return idle->aged && !idle->talked;
}

void idle_verdict_note_lifetime(struct path *p, const struct idle *idle)
{
    char at[IDLE_SPAN_BYTES];
    path_record_note(p,
                     "connections end %s after they began, whatever their traffic: a lifetime, not "
                     "a silence; one that talked all the time ended, too",
                     idle_span_text(idle->high_us ? idle->high_us : idle->finished_us, at));
}

void idle_verdict_note_finish(struct path *p, const struct idle *idle)
{
    char at[IDLE_SPAN_BYTES];
    idle_span_text(idle->finished_us, at);
    if (idle->by_fin)
        path_record_note(p,
                         "silent connections end with a FIN after %s: over plain TCP that can be "
                         "the server's own idle time-out or that of a proxy; an endpoint with TLS "
                         "tells them apart",
                         at);
    else
        path_record_note(p,
                         "the server itself ends silent connections after %s, with close_notify: "
                         "longer ones cannot be tried",
                         at);
}

static void describe_keepalive(const struct idle *idle, char *ret, size_t size)
{
    char kept[IDLE_SPAN_BYTES];
    if (!idle->keepalive_s)
        snprintf(ret, size, "keepalive was not tried: %s",
                 idle->too_short ? "its shortest interval is a second" : "no time was left");
    else if (idle->held)
        snprintf(ret, size, "TCP keepalive every %" PRIu64 " s holds a connection for %s",
                 idle->keepalive_s, idle_span_text(idle->kept_us, kept));
    else
        snprintf(ret, size,
                 "TCP keepalive every %" PRIu64
                 " s does not hold a connection, which was gone after "
                 "%s",
                 idle->keepalive_s, idle_span_text(idle->kept_us, kept));
}

/* How often to send something, and what. */
static void describe_remedy(const struct idle *idle, const char *low, char ret[PATH_TEXT_BYTES])
{
    snprintf(ret, PATH_TEXT_BYTES, "%s: %s", low,
             !idle->keepalive_s ? "by TCP keepalive if it holds the connection, or by the protocol "
                                  "itself"
             : idle->held ? "by TCP keepalive, which holds the connection, or by the protocol "
                            "itself"
                          : "by the protocol itself");
}

/* "a connection that was silent for 2.00 s is there, after 2.10 s it is gone" */
static void describe_limit(const struct idle *idle, char ret[PATH_TEXT_BYTES])
{
    char low[IDLE_SPAN_BYTES], high[IDLE_SPAN_BYTES];
    idle_span_text(idle->low_us, low);
    idle_span_text(idle->high_us, high);
    if (!idle->low_us)
        snprintf(low, sizeof low, "no time");
    if (strcmp(low, high) == 0)
        snprintf(ret, PATH_TEXT_BYTES, "a connection is gone after a silence of %s", high);
    else
        snprintf(ret, PATH_TEXT_BYTES,
                 "a connection that was silent for %s is there, after %s it is gone", low, high);
}

/* The ends of the search are further apart than two connections may differ. */
static void note_coarse(struct path *p, const struct idle *idle)
{
    char low[IDLE_SPAN_BYTES], high[IDLE_SPAN_BYTES];
    if (!idle->low_us || !idle_is_longer(idle->high_us, idle->low_us + IDLE_SECOND_US / 10))
        return;
    path_record_note(p, "silences between %s and %s were not tried: %s",
                     idle_span_text(idle->low_us, low), idle_span_text(idle->high_us, high),
                     idle->limited ? "there were too few connections"
                                   : "no time was left, and a longer --idle-max gives more");
}

void idle_verdict_tell(struct path *p, const struct idle *idle, unsigned gone_enough)
{
    char low[IDLE_SPAN_BYTES], high[IDLE_SPAN_BYTES], keepalive[PATH_TEXT_BYTES];
    char limit[PATH_TEXT_BYTES], remedy[PATH_TEXT_BYTES];
    struct idle_conn gone = {.fate = idle->fate};
    idle_span_text(idle->low_us, low);
    idle_span_text(idle->high_us, high);
    if (idle->outlived || idle_is_longer(idle->low_us, idle->high_us)) {
        path_record_note(p,
                         "silent connections were gone once after %s (%s), but others lasted "
                         "longer: not a time-out",
                         high, idle_conn_fate_text(&gone));
        return;
    }
    if (idle_verdict_is_lifetime(idle)) {
        idle_verdict_note_lifetime(p, idle);
        return;
    }
    if (p->unsteady && idle->gone < gone_enough) {
        path_record_note(p,
                         "%u silent connections were gone after %s (%s), which is no finding where "
                         "others fail at random",
                         idle->gone, high, idle_conn_fate_text(&gone));
        return;
    }
    note_coarse(p, idle);
    describe_keepalive(idle, keepalive, sizeof keepalive);
    describe_limit(idle, limit);
    describe_remedy(idle, low, remedy);
    path_record_finding(p, "idle-timeout", remedy, "%s (%u tries): %s%s; %s", limit, idle->gone,
                        idle_conn_fate_text(&gone),
                        idle->told ? ", and the client is told at that moment"
                                   : ", and the client is not told before it sends",
                        keepalive);
}
