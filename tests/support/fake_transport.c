/* SPDX-License-Identifier: MIT */
#include "fake_transport.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static struct fake_transport *self(struct transport *t)
{
    return (struct fake_transport *)t;
}

static struct fake_step next(struct fake_script *script)
{
    return script->next < script->count ? script->steps[script->next++] : script->after;
}

static struct io done(struct transport *t, struct io io, struct error *err)
{
    if (io.status == IO_FAILED)
        error_set(err, self(t)->failure, "the script says so");
    errno = self(t)->reset_errno;
    if (io.status == IO_RESET)
        error_sys(err, "the script");
    return io;
}

static struct io fake_handshake(struct transport *t, struct error *err)
{
    return done(t, next(&self(t)->handshakes).io, err);
}

static struct io fake_read(struct transport *t, void *data, size_t size, struct error *err)
{
    self(t)->read_calls++;
    struct fake_step step = next(&self(t)->reads);
    if (step.io.status == IO_OK) {
        assert(step.data);
        step.io.n = strlen(step.data) < size ? strlen(step.data) : size;
        step.io.progressed = true;
        memcpy(data, step.data, step.io.n);
    }
    return done(t, step.io, err);
}

static struct io fake_write(struct transport *t, const void *data, size_t size, struct error *err)
{
    struct fake_transport *fake = self(t);
    fake->write_calls++;
    struct fake_step step = next(&fake->writes);
    if (step.io.status == IO_OK || step.io.n > size)
        step.io.n = size;
    if (fake->written_bytes + step.io.n > FAKE_WRITTEN_BYTES)
        fake->written_bytes = 0;
    if (step.io.n > 0)
        memcpy(fake->written + fake->written_bytes, data, step.io.n);
    fake->written_bytes += step.io.n;
    step.io.progressed = step.io.n > 0;
    return done(t, step.io, err);
}

static struct io fake_shutdown(struct transport *t, struct error *err)
{
    if (self(t)->shutdown_at < 0)
        self(t)->shutdown_at = (int)self(t)->written_bytes;
    return done(t, next(&self(t)->shutdowns).io, err);
}

static struct io fake_finish(struct transport *t, struct error *err)
{
    self(t)->finish_calls++;
    return fake_shutdown(t, err);
}

static void fake_peer(const struct transport *t, struct peer *ret)
{
    (void)t;
    *ret = (struct peer){.tls = false};
}

static void fake_free(struct transport *t)
{
    self(t)->freed++;
}

static const struct transport_ops fake_ops = {
    .name = "fake",
    .handshake = fake_handshake,
    .read = fake_read,
    .write = fake_write,
    .shutdown = fake_shutdown,
    .finish = fake_finish,
    .peer = fake_peer,
    .free = fake_free,
};

void fake_init(struct fake_transport *fake)
{
    memset(fake, 0, sizeof *fake);
    fake->base = (struct transport){.ops = &fake_ops, .fd = -1};
    fake->handshakes.after.io.status = IO_OK;
    fake->writes.after.io.status = IO_OK;
    fake->shutdowns.after.io.status = IO_OK;
    fake->reads.after.io.status = IO_WANT_READ;
    fake->failure = ERROR_TLS;
    fake->reset_errno = ECONNRESET;
    fake->shutdown_at = -1;
}

static void add(struct fake_script *script, struct fake_step step)
{
    assert(script->count < FAKE_STEPS);
    script->steps[script->count++] = step;
}

void fake_add(struct fake_script *script, enum io_status status)
{
    add(script, (struct fake_step){.io.status = status});
}

void fake_add_read(struct fake_transport *fake, const char *text)
{
    add(&fake->reads, (struct fake_step){.io.status = IO_OK, .data = text});
}

void fake_add_read_more(struct fake_transport *fake, const char *text)
{
    add(&fake->reads, (struct fake_step){.io = {.status = IO_OK, .more = true}, .data = text});
}

void fake_add_short_write(struct fake_transport *fake, size_t n)
{
    add(&fake->writes, (struct fake_step){.io = {.status = IO_WANT_WRITE, .n = n}});
}
