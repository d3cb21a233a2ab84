/* SPDX-License-Identifier: MIT */
#include "idle_plan.h"

#include <assert.h>
#include <math.h>

static const double STEP = 1 + (double)IDLE_STEP_PERCENT / 100;
static const double ROUNDING_US = 2;
static const double FIRST_US = 1e6;
static const double FIRST_SHARE = 0.125; /* of the longest, where that is shorter */
static const double FINE_SHARE = 2.0 / 3.0;

void idle_plan_ladder(uint64_t max_us, size_t count, uint64_t *ret)
{
    assert(count >= 2);
    size_t fine = (size_t)ceil(log(1 / FINE_SHARE) / log(STEP));
    if (fine > count / 2)
        fine = count / 2;
    double max = (double)max_us,
           first = max * FIRST_SHARE < FIRST_US ? max * FIRST_SHARE : FIRST_US;
    for (size_t i = 0; i < fine; i++)
        ret[count - 1 - i] = (uint64_t)(max / pow(STEP, (double)i));
    size_t coarse = count - fine;
    double top = max / pow(STEP, (double)fine);
    double ratio = pow(top / first, 1.0 / (double)(coarse > 1 ? coarse - 1 : 1));
    for (size_t i = 0; i < coarse; i++)
        ret[i] = (uint64_t)(top / pow(ratio, (double)(coarse - 1 - i)));
}

size_t idle_plan_between(uint64_t low_us, uint64_t high_us, uint64_t limit_us, size_t count,
                         uint64_t *ret)
{
    double low = (double)low_us, high = (double)high_us;
    if (!low_us || high <= low * STEP + ROUNDING_US)
        return 0;
    double steps = ceil(log(high / low) / log(STEP));
    if (steps > (double)count + 1)
        steps = (double)count + 1;
    size_t n = 0;
    while (n + 1 < (size_t)steps) {
        double us = low * pow(high / low, (double)(n + 1) / steps);
        if (us > (double)limit_us)
            break;
        ret[n++] = (uint64_t)us;
    }
    return n;
}
