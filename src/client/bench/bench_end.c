/* SPDX-License-Identifier: MIT */
#include "bench_end.h"

#include "tlsecho/net/socket.h"
#include "tlsecho/tls/transport_tls.h"

static enum bench_step await_end(struct bench_conn *c, unsigned *ret_want, struct outcome *ret)
{
    struct bench_thread *t = c->thread;
    struct error err;
    struct io io;
    do
        io = transport_read(c->transport, t->in, BENCH_PIECE_BYTES, &err);
    while (io.status == IO_OK && io.more);

    *ret_want = WANT_READ;
    switch (io.status) {
    case IO_OK:
    case IO_WANT_READ:
        return BENCH_GO_ON;
    case IO_WANT_WRITE:
        *ret_want = WANT_READ | WANT_WRITE;
        return BENCH_GO_ON;
    case IO_EOF: /* on TLS close_notify; its FIN is awaited */
        return socket_has_ended(c->source.fd) ? BENCH_DONE : BENCH_GO_ON;
    case IO_CUT:
    case IO_RESET:
        return BENCH_DONE;
    case IO_FAILED: /* TLS 1.3 refuses a client's certificate only now */
        break;
    }
    outcome_fail_to_open(ret, PHASE_HANDSHAKE, &err, t->run->target->options);
    return BENCH_FAILED;
}

enum bench_step bench_end_run(struct bench_conn *c, unsigned *ret_want, struct outcome *ret)
{
    struct error err;
    if (!c->notified) {
        struct io io = transport_tls_close_notify(c->transport, &err);
        if (io.status == IO_WANT_WRITE || io.status == IO_WANT_READ) {
            *ret_want = WANT_READ | WANT_WRITE;
            return BENCH_GO_ON;
        }
        c->notified = true;
    }
    return await_end(c, ret_want, ret);
}
