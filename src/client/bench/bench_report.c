/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/bench_report.h"

#include <string.h>

bool bench_report_is_udp(const struct bench_report *report)
{
    if (report->session)
        return endpoint_has_datagrams(report->session->target->endpoint->scheme);
    return report->transport &&
           (strcmp(report->transport, "udp") == 0 || strcmp(report->transport, "dtls") == 0);
}
