/* SPDX-License-Identifier: MIT */
#include "explored_transport.h"

#include <errno.h>
#include <string.h>

/* How much of the room or of the output. */
enum amount { NOTHING, ONE, ALL };

struct outcome {
    const char *name;
    enum io_status status;
    enum amount amount;
    bool more;  /* read: there is more; handshake: bytes have arrived */
    bool flood; /* read: and so it goes on, and writes work */
    bool works; /* read: the writes after it work */
    int code;   /* IO_RESET: errno; IO_FAILED: enum error_kind */
};

enum { OUTCOMES_MAX = 16 };

static const struct outcome reset = {"RST", .status = IO_RESET, .code = ECONNRESET};
static const struct outcome silence_in = {"nothing", .status = IO_WANT_READ};
static const struct outcome silence_out = {"takes nothing", .status = IO_WANT_WRITE};
static const struct outcome takes_all = {"takes all", .status = IO_OK, .amount = ALL};

static const struct outcome handshakes[] = {
    {"done", .status = IO_OK, .more = true},
    {"done at once", .status = IO_OK},
    {"waits to read", .status = IO_WANT_READ},
    {"waits to read after some bytes", .status = IO_WANT_READ, .more = true},
    {"waits to write", .status = IO_WANT_WRITE, .more = true},
    {"end", .status = IO_EOF},
    {"cut", .status = IO_CUT},
    {"RST", .status = IO_RESET, .code = ECONNRESET},
    {"time-out of the kernel", .status = IO_RESET, .code = ETIMEDOUT},
    {"failure", .status = IO_FAILED, .code = ERROR_TLS},
    {"failure here", .status = IO_FAILED, .code = ERROR_SYSTEM},
};

static const struct outcome reads[] = {
    {"nothing", .status = IO_WANT_READ},
    {"waits to write", .status = IO_WANT_WRITE},
    {"a byte", .status = IO_OK, .amount = ONE},
    {"a byte and more", .status = IO_OK, .amount = ONE, .more = true},
    {"a byte, and then writes work", .status = IO_OK, .amount = ONE, .works = true},
    {"all that fits", .status = IO_OK, .amount = ALL},
    {"all that fits and more", .status = IO_OK, .amount = ALL, .more = true},
    {"byte after byte", .status = IO_OK, .amount = ONE, .more = true, .flood = true},
    {"end", .status = IO_EOF},
    {"cut", .status = IO_CUT},
    {"RST", .status = IO_RESET, .code = ECONNRESET},
    {"time-out of the kernel", .status = IO_RESET, .code = ETIMEDOUT},
    {"failure", .status = IO_FAILED, .code = ERROR_TLS},
    {"flood", .status = IO_FAILED, .code = ERROR_FLOOD},
    {"failure here", .status = IO_FAILED, .code = ERROR_SYSTEM},
};

/* After a failure a read only reports the end. */
static const struct outcome reads_after_failure[] = {
    {"nothing", .status = IO_WANT_READ},
    {"end", .status = IO_EOF},
    {"cut", .status = IO_CUT},
    {"RST", .status = IO_RESET, .code = ECONNRESET},
};

/* No byte is on its way. */
static const struct outcome reads_without_bytes[] = {
    {"nothing", .status = IO_WANT_READ},
    {"waits to write", .status = IO_WANT_WRITE},
    {"end", .status = IO_EOF},
    {"cut", .status = IO_CUT},
    {"RST", .status = IO_RESET, .code = ECONNRESET},
    {"time-out of the kernel", .status = IO_RESET, .code = ETIMEDOUT},
    {"failure", .status = IO_FAILED, .code = ERROR_TLS},
};

static const struct outcome writes[] = {
    {"takes all", .status = IO_OK, .amount = ALL},
    {"takes nothing", .status = IO_WANT_WRITE},
    {"waits to read", .status = IO_WANT_READ},
    {"takes a byte", .status = IO_WANT_WRITE, .amount = ONE},
    {"takes all, not yet sent", .status = IO_WANT_WRITE, .amount = ALL},
    {"RST", .status = IO_RESET, .code = ECONNRESET},
    {"time-out of the kernel", .status = IO_RESET, .code = ETIMEDOUT},
    {"failure", .status = IO_FAILED, .code = ERROR_TLS},
    {"failure here", .status = IO_FAILED, .code = ERROR_SYSTEM},
};

static const struct outcome shutdowns[] = {
    {"done", .status = IO_OK},
    {"waits to read", .status = IO_WANT_READ},
    {"waits to write", .status = IO_WANT_WRITE},
    {"RST", .status = IO_RESET, .code = ECONNRESET},
    {"failure", .status = IO_FAILED, .code = ERROR_TLS},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static struct explored_transport *self(struct transport *t)
{
    return (struct explored_transport *)t;
}

static void require(const struct explored_transport *t, bool holds, const char *rule)
{
    explore_require(t->x, holds, rule);
}

static const struct outcome *choose(struct explored_transport *t, const char *what,
                                    const struct outcome *table, size_t n)
{
    const char *names[OUTCOMES_MAX];
    for (size_t i = 0; i < n; i++)
        names[i] = table[i].name;
    t->choices_left--;
    return &table[explore_choose(t->x, what, names, (unsigned)n)];
}

static void fill_error(const struct outcome *o, struct error *err)
{
    if (o->status == IO_FAILED)
        error_set(err, (enum error_kind)o->code, "%s", o->name);
    errno = o->code;
    if (o->status == IO_RESET)
        error_sys(err, "%s", o->name);
}

/* What lasts. */
static struct io result(struct explored_transport *t, const struct outcome *o, size_t n,
                        struct error *err)
{
    require(t, !t->finished, "nothing follows transport_finish");
    t->calls++;
    t->blocked = o->status == IO_WANT_READ    ? WANT_READ
                 : o->status == IO_WANT_WRITE ? WANT_WRITE
                                              : WANT_NOTHING;
    if (o->status == IO_EOF || o->status == IO_CUT || o->status == IO_RESET)
        t->input = o->status;
    if (o->status == IO_FAILED) {
        t->failed = true;
        t->buffered = false;
    }
    fill_error(o, err);
    return (struct io){.status = o->status, .n = n, .progressed = n > 0};
}

static const struct outcome *ended(const struct explored_transport *t)
{
    static const struct outcome eof = {"end", .status = IO_EOF}, cut = {"cut", .status = IO_CUT};
    return t->input == IO_EOF ? &eof : t->input == IO_CUT ? &cut : &reset;
}

static const struct outcome *end_of_peer(const struct explored_transport *t)
{
    static const struct outcome eof = {"end", .status = IO_EOF}, cut = {"cut", .status = IO_CUT};
    return t->peer == EXPLORED_RESETS ? &reset : t->peer == EXPLORED_CUTS ? &cut : &eof;
}

struct io explored_handshake(struct explored_transport *t, const char *what, struct error *err)
{
    require(t, t->input == IO_OK && !t->failed && !t->shut, "no handshake after an end");
    const struct outcome *o = &silence_in;
    if (t->peer == EXPLORED_FREE && t->choices_left > 0)
        o = choose(t, what, handshakes, COUNT(handshakes));
    else if (t->peer != EXPLORED_FREE && t->peer != EXPLORED_SILENT)
        o = end_of_peer(t);
    struct io io = result(t, o, 0, err);
    io.progressed = o->more;
    return io;
}

static struct io handshake(struct transport *base, struct error *err)
{
    struct explored_transport *t = self(base);
    require(t, !t->shaken, "one handshake");
    struct io io = explored_handshake(t, "handshake", err);
    t->shaken = io.status == IO_OK;
    return io;
}

static const struct outcome *serve(const struct explored_transport *t)
{
    static const struct outcome all = {"all that fits", .status = IO_OK, .amount = ALL};
    static const struct outcome eof = {"end", .status = IO_EOF};
    if (t->arrived < t->in_limit)
        return &all;
    return t->shut ? &eof : &silence_in;
}

static const struct outcome *choose_read(struct explored_transport *t)
{
    static const struct outcome flood = {"a byte", .status = IO_OK, .amount = ONE, .more = true};
    if (t->input != IO_OK)
        return ended(t);
    if (t->peer == EXPLORED_SILENT)
        return &silence_in;
    if (t->peer == EXPLORED_SERVES)
        return serve(t);
    if (t->peer != EXPLORED_FREE)
        return end_of_peer(t);
    if (t->arrived == t->in_limit && t->choices_left > 0 && !t->failed)
        return choose(t, "read", reads_without_bytes, COUNT(reads_without_bytes));
    if (t->flood)
        return &flood;
    if (t->choices_left == 0)
        return &silence_in;
    if (t->failed)
        return choose(t, "read", reads_after_failure, COUNT(reads_after_failure));
    return choose(t, "read", reads, COUNT(reads));
}

static struct io read_bytes(struct transport *base, void *data, size_t size, struct error *err)
{
    struct explored_transport *t = self(base);
    require(t, t->shaken || t->failed, "no read before the handshake");
    require(t, size > 0, "room to read into");
    const struct outcome *o = choose_read(t);
    size_t room = t->in_max && t->in_max < size ? t->in_max : size;
    if (room > t->in_limit - t->arrived)
        room = (size_t)(t->in_limit - t->arrived);
    size_t n = o->amount == ALL ? room : o->amount == ONE;
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)data)[i] = t->sent_by_peer(t->arrived++);
    t->flood = t->flood || (o->flood && !base->messages && t->in_limit == UINT64_MAX);
    t->works = t->works || o->works || t->flood;
    t->more = o->more;
    struct io io = result(t, o, n, err);
    io.more = o->more;
    return io;
}

/* What is sent back skips what is pending. */
static size_t send_back(struct explored_transport *t, size_t n)
{
    static const char *const parts[] = {"sends none back", "sends a byte back", "sends all back"};
    size_t back = 0;
    if (n > 0 && t->peer == EXPLORED_FREE && !t->flood)
        back = (size_t[]){0, 1, n}[explore_choose(t->x, "splice", parts, 3)];
    for (size_t i = 0; i < back; i++)
        require(t, t->sent_by_peer(t->arrived - n + i) == t->expected(t->written + i),
                "each byte is sent back once, in order");
    t->written += back;
    return back;
}

static struct io splice(struct transport *base, const int pipe[2], const struct buf *into,
                        size_t *ret_back, struct error *err)
{
    struct explored_transport *t = self(base);
    (void)pipe;
    struct io io = read_bytes(base, into->data, into->size, err);
    *ret_back = send_back(t, io.n);
    memmove(into->data, into->data + *ret_back, io.n - *ret_back);
    return io;
}

static const struct outcome *choose_write(struct explored_transport *t)
{
    if (t->input == IO_RESET || t->peer == EXPLORED_RESETS)
        return &reset;
    if (t->peer == EXPLORED_SILENT)
        return &silence_out;
    if (t->peer != EXPLORED_FREE || t->works)
        return &takes_all;
    if (t->choices_left == 0)
        return &silence_out;
    return choose(t, "write", writes, COUNT(writes));
}

static struct io write_bytes(struct transport *base, const void *data, size_t size,
                             struct error *err)
{
    struct explored_transport *t = self(base);
    require(t, t->shaken, "no write before the handshake");
    require(t, !t->failed && !t->shut, "no write after a failure or our end");
    require(t, size > 0 || t->buffered, "something to write");
    const struct outcome *o = choose_write(t);
    size_t n = o->amount == ALL ? size : o->amount == ONE && size > 0;
    if (base->messages && n < size)
        n = 0;
    for (size_t i = 0; i < n; i++)
        require(t, ((const unsigned char *)data)[i] == t->expected(t->written + i),
                "each byte is written once, in order");
    t->written += n;
    bool waits = o->status == IO_WANT_WRITE || o->status == IO_WANT_READ;
    t->buffered = waits && (t->buffered || (size > 0 && n == size));
    return result(t, o, n, err);
}

static struct io shut_down(struct transport *base, struct error *err)
{
    struct explored_transport *t = self(base);
    require(t, t->shaken || t->failed, "no shutdown before the handshake");
    require(t, !t->shut, "one shutdown");
    require(t, !t->buffered, "pending output is sent before the end");
    const struct outcome *o = &shutdowns[0];
    if (t->input == IO_RESET || t->peer == EXPLORED_RESETS)
        o = &reset;
    else if (t->peer == EXPLORED_SILENT || (t->peer == EXPLORED_FREE && t->choices_left == 0))
        o = &silence_out;
    else if (t->peer == EXPLORED_FREE)
        o = choose(t, "shutdown", shutdowns, COUNT(shutdowns));
    t->shut = o->status == IO_OK;
    return result(t, o, 0, err);
}

/* As shutdown; free follows at once. */
static struct io finish(struct transport *base, struct error *err)
{
    struct io io = shut_down(base, err);
    self(base)->finished = io.status == IO_OK;
    return io;
}

static void peer(const struct transport *t, struct peer *ret)
{
    (void)t;
    *ret = (struct peer){.tls = false};
}

static void count_free(struct transport *t)
{
    self(t)->freed++;
}

#define OPERATIONS                                                                                 \
    .name = "explored", .handshake = handshake, .read = read_bytes, .write = write_bytes,          \
    .shutdown = shut_down, .finish = finish, .peer = peer, .free = count_free

static const struct transport_ops ops = {OPERATIONS};
static const struct transport_ops ops_with_splice = {OPERATIONS, .splice = splice};

void explored_init(struct explored_transport *t, bool splices)
{
    *t = (struct explored_transport){
        .base = {.ops = splices ? &ops_with_splice : &ops, .fd = -1},
        .in_limit = UINT64_MAX,
    };
}

void explored_begin(struct explored_transport *t, struct explore *x, unsigned choices_max)
{
    t->x = x;
    t->choices_left = choices_max;
    t->flood = t->works = false;
    t->blocked = WANT_NOTHING;
    t->calls = 0;
}

uint64_t explored_state(const struct explored_transport *t, uint64_t hash)
{
    hash = explore_hash(hash, (uint64_t)t->input);
    return explore_hash(hash, (uint64_t)t->shaken | (uint64_t)t->failed << 1 |
                                  (uint64_t)t->buffered << 2 | (uint64_t)t->shut << 3);
}
