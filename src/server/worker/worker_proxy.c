/* SPDX-License-Identifier: MIT */
/* Connections that begin with a PROXY header. */
#include "tlsecho/base/container_of.h"
#include "worker_conn.h"

/* In place of the acceptor, which does not know the client's address yet. */
static struct io admit(struct worker_conn *s, enum conn_end *ret_end, struct error *err)
{
    struct admission_pass *pass = &s->origin.pass;
    enum admission_refusal refusal =
        admission_source(pass->admission, s->origin.listener->config, &s->origin.source, pass);
    if (refusal == ADMISSION_GRANTED)
        return (struct io){.status = IO_OK};
    *ret_end = CONN_END_REFUSED;
    error_set(err, ERROR_INPUT, "%s", admission_refusal_reason(refusal));
    return (struct io){.status = IO_FAILED};
}

static struct io read_proxy(struct conn *c, enum conn_end *ret_end, struct error *err)
{
    struct worker_conn *s = container_of(c, struct worker_conn, conn);
    struct handoff *origin = &s->origin;
    if (!origin->proxied)
        origin->proxied = proxied_new(&origin->source);
    if (!origin->proxied) {
        error_set(err, ERROR_SYSTEM, "no memory for a PROXY header");
        return (struct io){.status = IO_FAILED};
    }
    struct io io =
        proxied_read_header(origin->proxied, origin->listener->config, s->source.fd, err);
    if (io.status != IO_OK)
        return io;
    if (proxied_is_named(origin->proxied))
        origin->source = origin->proxied->header.source;
    struct io admitted = admit(s, ret_end, err);
    admitted.progressed = io.progressed;
    return admitted;
}

void worker_conn_expect_proxy(struct worker_conn *s)
{
    if (proxied_is_expected(s->origin.listener->config, &s->origin.source))
        conn_expect_proxy(&s->conn, read_proxy);
}
