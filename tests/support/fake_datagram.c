/* SPDX-License-Identifier: MIT */
#include "fake_datagram.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loopback.h"
#include "tlsecho/base/container_of.h"

static struct fake_datagrams *self(struct datagram_socket *s)
{
    return container_of(s, struct fake_datagrams, base);
}

static void take(const struct fake_datagram *from, struct datagram *ret)
{
    ret->peer = from->peer;
    ret->own = from->own;
    ret->truncated = from->length > ret->size;
    ret->length = ret->truncated ? ret->size : from->length;
    memcpy(ret->data, from->data, ret->length);
    ret->to_many = from->to_many;
    ret->ttl = from->ttl;
    ret->tos = from->tos;
    ret->time = from->time;
}

static struct datagram_io fake_receive(struct datagram_socket *s, struct datagram items[],
                                       size_t count, struct error *err)
{
    struct fake_datagrams *f = self(s);
    size_t n = 0;
    if (f->receive_code) {
        errno = f->receive_code;
        error_sys(err, "receive a datagram");
        return (struct datagram_io){.status = DATAGRAM_FAILED};
    }
    while (n < count && n < DATAGRAM_BATCH && f->in_taken < f->in_count)
        take(&f->in[f->in_taken++], &items[n++]);
    return (struct datagram_io){.status = n ? DATAGRAM_OK : DATAGRAM_WAIT, .n = n};
}

static struct datagram_io fake_send(struct datagram_socket *s, const struct datagram items[],
                                    size_t count, struct error *err)
{
    struct fake_datagrams *f = self(s);
    f->calls++;
    for (size_t n = 0; n < count; n++) {
        if (f->room == 0)
            return (struct datagram_io){.status = DATAGRAM_WAIT, .n = n};
        if (f->tried++ == f->fail_at) {
            errno = f->fail_code;
            error_sys(err, "send a datagram");
            return (struct datagram_io){.status = DATAGRAM_FAILED, .n = n};
        }
        if (f->out_count == FAKE_DATAGRAMS || items[n].length > FAKE_DATAGRAM_BYTES)
            abort(); /* fuzzing has no Check */
        struct fake_datagram *to = &f->out[f->out_count++];
        *to = (struct fake_datagram){
            .peer = items[n].peer, .own = items[n].own, .length = items[n].length};
        memcpy(to->data, items[n].data, items[n].length);
        f->room--;
    }
    return (struct datagram_io){.status = DATAGRAM_OK, .n = count};
}

static bool fake_take_error(struct datagram_socket *s, struct datagram_error *ret)
{
    (void)s;
    (void)ret;
    return false;
}

static void fake_free(struct datagram_socket *s)
{
    self(s)->freed++;
}

static const struct datagram_ops fake_ops = {
    .receive = fake_receive,
    .send = fake_send,
    .take_error = fake_take_error,
    .free = fake_free,
};

void fake_datagrams_init(struct fake_datagrams *fake)
{
    memset(fake, 0, sizeof *fake);
    fake->base = (struct datagram_socket){.ops = &fake_ops, .fd = -1};
    fake->room = fake->fail_at = SIZE_MAX;
    fake->fail_code = EMSGSIZE;
}

struct fake_datagram *fake_datagrams_add(struct fake_datagrams *fake, const char *from,
                                         const void *data, size_t length)
{
    ck_assert_uint_lt(fake->in_count, FAKE_DATAGRAMS);
    ck_assert_uint_le(length, FAKE_DATAGRAM_BYTES);
    struct fake_datagram *d = &fake->in[fake->in_count++];
    *d = (struct fake_datagram){.peer = loopback_address(from),
                                .own = loopback_address("udp://127.0.0.1:0"),
                                .length = length,
                                .ttl = DATAGRAM_UNKNOWN,
                                .tos = DATAGRAM_UNKNOWN};
    memcpy(d->data, data, length);
    return d;
}
