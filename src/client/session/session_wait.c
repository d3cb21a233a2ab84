/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/session_wait.h"

#include <errno.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/want.h"

int session_wait(struct session_wait *w, struct error *err)
{
    short events =
        (short)((w->want & WANT_READ ? POLLIN : 0) | (w->want & WANT_WRITE ? POLLOUT : 0));
    struct pollfd polls[2 + SESSION_WAIT_OTHERS] = {
        {.fd = w->stop_fd, .events = POLLIN},
        {.fd = events ? w->fd : -1, .events = events},
    };
    for (size_t i = 0; i < w->other_count; i++)
        polls[2 + i] = w->others[i];
    int ready;
    do
        ready = poll(polls, 2 + w->other_count, clock_poll_ms(clock_now_us(), w->due_us));
    while (ready < 0 && errno == EINTR);
    if (ready < 0)
        return error_sys(err, "poll");
    for (size_t i = 0; i < w->other_count; i++)
        w->others[i].revents = polls[2 + i].revents;
    if (polls[0].revents)
        return SESSION_STOPPED;
    return ready ? SESSION_READY : SESSION_DUE;
}
