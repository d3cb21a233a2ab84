/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/jitter.h"

void jitter_add(struct jitter *j, int64_t transit_ns)
{
    if (j->count++) {
        double difference_ns = (double)(transit_ns - j->transit_ns);
        if (difference_ns < 0)
            difference_ns = -difference_ns;
        j->ns += (difference_ns - j->ns) / 16;
    }
    j->transit_ns = transit_ns;
}
