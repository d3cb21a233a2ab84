/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/descriptors.h"

#include <inttypes.h>
#include <limits.h>
#include <sys/resource.h>

#include "tlsecho/base/log.h"

uint64_t descriptors_raise(void)
{
    struct rlimit limit, raised;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return UINT64_MAX;
    raised = limit;
    raised.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &raised) < 0 ? limit.rlim_cur : raised.rlim_cur;
}

int descriptors_reserve_fd(void)
{
    enum { RESERVE = 32, SHARE = 8 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
        return INT_MAX;
    int all = (int)limit.rlim_cur, share = all / SHARE;
    return all - (share < RESERVE ? share : RESERVE);
}

void descriptors_check(uint64_t descriptors, const struct config *config, uint64_t own)
{
    uint64_t needed = config->limits.connections + own;
    struct log_line line;
    if (config->limits.connections == 0 || needed <= descriptors ||
        !log_begin(&line, LOG_LEVEL_WARNING, "descriptor_limit_low"))
        return;
    char reason[256];
    snprintf(reason, sizeof reason,
             "limits.connections is %" PRIu64 " and needs %" PRIu64
             " descriptors, but the limit is "
             "%" PRIu64 ": raise LimitNOFILE= of the service, or ulimit -n, to that, or lower "
             "limits.connections",
             config->limits.connections, needed, descriptors);
    log_text(&line, "reason", reason);
    log_end(&line);
}
