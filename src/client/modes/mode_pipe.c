/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/client/mode.h"
#include "tlsecho/client/session_wait.h"

enum { INPUT, OUTPUT, OTHERS };

struct pipe_mode {
    struct exchange *x;
    mode_t output_type; /* S_IFMT of standard output */
    bool input_over;
    unsigned want;            /* of the transport */
    uint64_t idle_us;         /* 0 = for ever */
    struct session_wait wait; /* others: INPUT, OUTPUT */
};

/* The descriptors are shared with the parent process, so that they keep their blocking mode; after
 * poll(2) one call does not block. */
static bool is_transient(int code)
{
    return code == EAGAIN || code == EWOULDBLOCK || code == EINTR;
}

static int read_input(struct pipe_mode *p, struct error *err)
{
    struct exchange *x = p->x;
    size_t room = exchange_room(x);
    if (!p->wait.others[INPUT].revents || p->input_over || !room)
        return 0;

    ssize_t n = read(STDIN_FILENO, x->out.data, room);
    if (n < 0)
        return is_transient(errno) ? 0 : error_sys(err, "read standard input");
    p->input_over = x->ending = n == 0;
    x->out.end = (size_t)n;
    p->x->last_activity_us = clock_now_us();
    return 0;
}

/* Writes as much as cannot block: a pipe that is writable for poll(2) takes PIPE_BUF (pipe(7)). */
static ssize_t write_some(mode_t type, const void *data, size_t n)
{
    if (type == S_IFSOCK)
        return send(STDOUT_FILENO, data, n, MSG_DONTWAIT);
    return write(STDOUT_FILENO, data, type == S_IFREG || n < PIPE_BUF ? n : PIPE_BUF);
}

static int write_output(struct pipe_mode *p, struct error *err)
{
    struct buf *in = &p->x->in;
    if (!p->wait.others[OUTPUT].revents || !buf_waiting(in))
        return 0;

    ssize_t n = write_some(p->output_type, in->data + in->start, buf_waiting(in));
    if (n < 0)
        return is_transient(errno) ? 0 : error_sys(err, "write standard output");
    buf_take(in, (size_t)n);
    p->x->last_activity_us = clock_now_us();
    return 0;
}

/* Does what is possible now. */
static int turn(struct pipe_mode *p, struct error *err)
{
    struct exchange *x = p->x;
    if (read_input(p, err) < 0 || write_output(p, err) < 0)
        return -1;
    p->want = exchange_send(x);
    p->want |= exchange_receive(x);
    return 0;
}

/* A descriptor that is not needed is left out, since its errors would end the wait. */
static int wait_for_any(struct pipe_mode *p, struct error *err)
{
    struct exchange *x = p->x;
    bool output = buf_waiting(&x->in);
    bool input = !p->input_over && exchange_room(x);
    p->wait = (struct session_wait){
        .fd = x->transport->fd,
        .want = p->want,
        .stop_fd = -1, /* a signal ends the process */
        /* --idle-timeout does not run while standard output is blocked. */
        .due_us = output ? UINT64_MAX : exchange_due_us(x, p->idle_us),
        .other_count = OTHERS,
        .others = {[INPUT] = {.fd = input ? STDIN_FILENO : -1, .events = POLLIN},
                   [OUTPUT] = {.fd = output ? STDOUT_FILENO : -1, .events = POLLOUT}},
    };
    int event = session_wait(&p->wait, err);
    if (event == SESSION_DUE)
        exchange_expire(x, p->idle_us);
    return event < 0 ? -1 : 0;
}

/* Whether there is more input after the server has closed; the end may not have been read yet. */
static bool input_left(const struct pipe_mode *p)
{
    char byte;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (p->input_over)
        return false;
    return poll(&input, 1, 0) != 1 || read(STDIN_FILENO, &byte, 1) != 0;
}

static void talk(struct exchange *x, const struct options *options, struct outcome *ret)
{
    struct stat output;
    struct pipe_mode p = {.x = x, .idle_us = options->idle_timeout_ms * 1000};
    if (fstat(STDOUT_FILENO, &output) == 0)
        p.output_type = output.st_mode & S_IFMT;

    struct error err;
    bool failed = turn(&p, &err) < 0;
    while (!failed && (x->state == EXCHANGE_OPEN || buf_waiting(&x->in)))
        failed = wait_for_any(&p, &err) < 0 || turn(&p, &err) < 0;
    if (failed)
        outcome_fail(ret, PHASE_LOCAL, &err);
    else
        exchange_judge(x, input_left(&p), ret);
}

void mode_pipe(const struct options *options, struct outcome *ret)
{
    stream_run(options, talk, ret);
}
