/* SPDX-License-Identifier: MIT */
#include "path_wait.h"

#include <assert.h>

#include "tlsecho/base/want.h"
#include "tlsecho/client/interrupt.h"

static struct pollfd poll_of(int fd, unsigned want)
{
    return (struct pollfd){
        .fd = fd,
        .events = (short)((want & WANT_READ ? POLLIN : 0) | (want & WANT_WRITE ? POLLOUT : 0))};
}

void path_wait_init(struct session_wait *ret)
{
    *ret = (struct session_wait){.fd = -1, .stop_fd = interrupt_fd(), .due_us = UINT64_MAX};
}

void path_wait_add(struct session_wait *wait, int fd, unsigned want, uint64_t due_us)
{
    assert(wait->other_count < SESSION_WAIT_OTHERS);
    wait->others[wait->other_count++] = poll_of(fd, want);
    if (due_us < wait->due_us)
        wait->due_us = due_us;
}

int path_wait(struct session_wait *wait, struct error *err)
{
    int event = session_wait(wait, err);
    return event == SESSION_STOPPED ? error_set(err, ERROR_INTERRUPTED, "interrupted") : event;
}

bool path_wait_is_ready(int fd, unsigned want)
{
    struct pollfd ready = poll_of(fd, want);
    return poll(&ready, 1, 0) > 0;
}
