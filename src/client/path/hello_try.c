/* SPDX-License-Identifier: MIT */
#include "hello_try.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "path_wait.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/want.h"
#include "tlsecho/net/dial.h"
#include "tlsecho/net/socket.h"

enum {
    CONNECT_US = 10 * 1000 * 1000, /* where --connect-timeout is 0 */
    TICK_US = 10 * 1000, /* how often TCP_INFO is read while something is unacknowledged */
    DIALS_MAX = 4,
    REPEATS = 2,          /* retransmissions after which one that is lost is known to be */
    GRACE_US = 50 * 1000, /* beside two round trips, for the ACK of the last of them */
    PAUSE_US = 50 * 1000, /* between two pieces, so that a server reads the first one alone */
    LIMIT_US = 30 * 1000 * 1000, /* for a peer that takes nothing: its window is closed */
};

enum { CONNECTING, SENDING, AWAITING_ACK, AWAITING_ANSWER, ENDING };

const char *hello_fate_text(enum hello_fate fate)
{
    static const char *const texts[HELLO_FATES] = {
        [HELLO_PENDING] = "pending",
        [HELLO_ANSWERED] = "ServerHello",
        [HELLO_ALERT] = "alert",
        [HELLO_LOST] = "never acknowledged",
        [HELLO_RESET] = "reset",
        [HELLO_ENDED] = "closed without an answer",
        [HELLO_SILENT] = "acknowledged, then silence",
        [HELLO_NOT_TLS] = "answered by something that is no TLS",
        [HELLO_UNCONNECTED] = "no TCP connection",
    };
    return texts[fate];
}

bool hello_fate_is_answer(enum hello_fate fate)
{
    return fate == HELLO_ANSWERED || fate == HELLO_ALERT;
}

static void end(struct hello_try *t, enum hello_fate fate)
{
    t->fate = fate;
    t->took_us = t->sent_us ? clock_now_us() - t->sent_us : 0;
    if (t->fd < 0)
        return;
    tcp_stats_read(t->fd, &t->stats);
    if (fate == HELLO_LOST)
        socket_reset_on_close(t->fd); /* the kernel would go on sending it */
    close(t->fd);
    t->fd = -1;
}

static void end_reset(struct hello_try *t)
{
    char text[TCP_STATS_TEXT_BYTES];
    uint64_t after_us = t->sent_us ? clock_now_us() - t->sent_us : UINT64_MAX;
    t->spoofed =
        tcp_stats_read(t->fd, &t->stats) && tcp_stats_describe_reset(&t->stats, after_us, text);
    end(t, HELLO_RESET);
}

static void dial_again(struct path_peer *peer, struct hello_try *t)
{
    t->dials++;
    if (dial_begin(&peer->about->address, &peer->target.origin, &t->fd, &t->error) == 0)
        return;
    t->fd = -1;
    end(t, HELLO_UNCONNECTED);
}

static void begin(struct path_peer *peer, struct hello_try *t)
{
    t->begun_us = clock_now_us();
    t->state = CONNECTING;
    t->fate = HELLO_PENDING;
    t->alert = -1;
    t->fd = -1;
    dial_again(peer, t);
}

/* --- one step of each state --- */

static void finish_connecting(struct path_peer *peer, struct hello_try *t)
{
    if (dial_finish(t->fd, &peer->about->address, &t->error) < 0 ||
        target_send_proxy_header(&peer->target, t->fd, &t->error) < 0) {
        end(t, HELLO_UNCONNECTED);
        return;
    }
    tcp_stats_read(t->fd, &t->stats);
    if (path_peer_wants_again(peer, &t->stats) && t->dials < DIALS_MAX) {
        socket_reset_on_close(t->fd); /* so that the kernel does not keep its round trip */
        close(t->fd);
        dial_again(peer, t);
        return;
    }
    t->segment_bytes = t->stats.segment_bytes;
    size_t largest = t->hello->n - t->cut > t->cut ? t->hello->n - t->cut : t->cut;
    if (largest > t->segment_bytes)
        largest = (size_t)t->segment_bytes;
    t->packet_bytes = largest + t->stats.header_bytes;
    t->state = SENDING;
}

/* The end of what may be sent now. */
static size_t send_limit(const struct hello_try *t)
{
    return t->sent < t->cut ? t->cut : t->hello->n;
}

static void send_more(struct hello_try *t)
{
    size_t limit = send_limit(t);
    ssize_t n = send(t->fd, t->hello->bytes + t->sent, limit - t->sent, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        end_reset(t);
        return;
    }
    t->sent += (size_t)n;
    t->sent_us = t->quiet_us = clock_now_us();
    if (t->sent == limit)
        t->state = t->sent < t->hello->n ? AWAITING_ACK : AWAITING_ANSWER;
}

static void describe_other(struct hello_try *t)
{
    error_set(&t->error, ERROR_NOT_TLS,
              "the server does not speak TLS: check the port, or write tcp://");
}

static void receive(struct hello_try *t)
{
    ssize_t n = recv(t->fd, t->answer + t->answer_n, sizeof t->answer - t->answer_n, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        end_reset(t);
        return;
    }
    if (n == 0) {
        t->state = ENDING;
        t->ended_us = clock_now_us();
        return;
    }
    t->answer_n += (size_t)n;
    enum tls_answer answer = tls_client_hello_answer(t->answer, t->answer_n, &t->alert);
    if (answer == TLS_ANSWER_PART && t->answer_n == sizeof t->answer)
        answer = TLS_ANSWER_OTHER;
    switch (answer) {
    case TLS_ANSWER_PART:
        t->quiet_us = clock_now_us();
        return;
    case TLS_ANSWER_SERVER_HELLO:
        end(t, HELLO_ANSWERED);
        return;
    case TLS_ANSWER_ALERT:
        end(t, HELLO_ALERT);
        return;
    case TLS_ANSWER_OTHER:
        describe_other(t);
        end(t, HELLO_NOT_TLS);
        return;
    }
}

/* After a FIN. If the server closes with unread data, an RST follows, or comes instead: that is
 * chance, so both are a reset. It may also have waited in vain: then TCP has sent it again. */
static void examine_end(struct hello_try *t)
{
    if (path_wait_is_ready(t->fd, WANT_NOTHING)) {
        end_reset(t);
        return;
    }
    bool unread = socket_unacknowledged_bytes(t->fd) > 0;
    bool known = tcp_stats_read(t->fd, &t->stats);
    if (known && unread && t->stats.repeats > 0)
        end(t, HELLO_LOST);
    else if (!known ||
             (!unread && clock_now_us() > t->ended_us + path_peer_reset_us(t->stats.rtt_us)))
        end(t, HELLO_ENDED);
}

/* What has been sent and is not acknowledged is sent again by the kernel, RFC 6298 §5.4; from then
 * on an ACK needs a round trip. */
static void examine_loss(struct hello_try *t, uint64_t now_us, uint64_t ack_us)
{
    if (now_us > t->sent_us + LIMIT_US && socket_unacknowledged_bytes(t->fd) > 0) {
        end(t, HELLO_LOST);
        return;
    }
    unsigned repeats = ack_us == UINT64_MAX || now_us < t->sent_us + ack_us ? REPEATS : 1;
    if (!tcp_stats_read(t->fd, &t->stats) || !t->stats.unacknowledged_bytes ||
        t->stats.repeats < repeats) {
        t->repeated_us = 0;
        return;
    }
    t->quiet_us = now_us;
    if (!t->repeated_us)
        t->repeated_us = now_us;
    else if (now_us > t->repeated_us + 2 * t->stats.rtt_us + GRACE_US)
        end(t, HELLO_LOST);
}

static uint64_t connect_due_us(const struct path *p, const struct hello_try *t)
{
    uint64_t limit_ms = p->options.connect_timeout_ms;
    return t->begun_us + (limit_ms ? limit_ms * 1000 : CONNECT_US);
}

static void connect_on(const struct path *p, struct path_peer *peer, struct hello_try *t)
{
    if (path_wait_is_ready(t->fd, WANT_WRITE)) {
        finish_connecting(peer, t);
    } else if (clock_now_us() >= connect_due_us(p, t)) {
        dial_expire(t->fd, &peer->about->address, &t->error);
        end(t, HELLO_UNCONNECTED);
    }
}

/* The first piece has arrived, and the server has had the time to read it. */
static bool is_read(struct hello_try *t)
{
    if (socket_unacknowledged_bytes(t->fd) > 0)
        return false;
    if (!t->acked_us)
        t->acked_us = clock_now_us();
    return clock_now_us() >= t->acked_us + PAUSE_US;
}

static void step(const struct path *p, struct path_peer *peer, struct hello_try *t, uint64_t ack_us)
{
    if (t->state == CONNECTING)
        connect_on(p, peer, t);
    else if (t->state != ENDING && path_wait_is_ready(t->fd, WANT_READ))
        receive(t);
    if (t->fate == HELLO_PENDING && t->state == SENDING)
        send_more(t);
    if (t->fate == HELLO_PENDING && t->state == AWAITING_ACK && is_read(t)) {
        t->state = SENDING;
        send_more(t);
    }
    if (t->fate != HELLO_PENDING || t->state <= SENDING)
        return;
    if (t->state == ENDING)
        examine_end(t);
    else
        examine_loss(t, clock_now_us(), ack_us);
}

/* --- all of them --- */

/* TCP_INFO has to be looked at. */
static bool is_watched(const struct hello_try *t)
{
    return t->state == AWAITING_ACK || t->state == ENDING || socket_unacknowledged_bytes(t->fd) > 0;
}

static unsigned want_of(const struct hello_try *t)
{
    return t->state == ENDING                              ? WANT_NOTHING
           : t->state == CONNECTING || t->state == SENDING ? WANT_WRITE
                                                           : WANT_READ;
}

/* What to wait for. False: none is pending. */
static bool prepare_wait(const struct path *p, const struct hello_try *tries, size_t count,
                         uint64_t patient_until_us, struct session_wait *ret)
{
    path_wait_init(ret);
    for (size_t i = 0; i < count; i++) {
        const struct hello_try *t = &tries[i];
        if (t->fate == HELLO_PENDING)
            path_wait_add(ret, t->fd, want_of(t),
                          t->state == CONNECTING ? connect_due_us(p, t)
                          : is_watched(t)        ? clock_now_us() + TICK_US
                                                 : patient_until_us);
    }
    return ret->other_count > 0;
}

/* When nothing has happened on any connection for so long, no answer is to be expected. */
static uint64_t silent_since(const struct hello_try *tries, size_t count)
{
    uint64_t since_us = 0;
    for (size_t i = 0; i < count; i++) {
        const struct hello_try *t = &tries[i];
        uint64_t us = t->fate == HELLO_PENDING ? t->quiet_us : t->sent_us + t->took_us;
        if (t->fate == HELLO_PENDING && t->state < AWAITING_ACK)
            return UINT64_MAX;
        if (us > since_us)
            since_us = us;
    }
    return since_us;
}

static void give_up_silent(struct hello_try *tries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (tries[i].fate == HELLO_PENDING && !is_watched(&tries[i]))
            end(&tries[i], HELLO_SILENT);
}

static void close_all(struct hello_try *tries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (tries[i].fd >= 0)
            end(&tries[i], HELLO_PENDING);
}

static int wait_for_all(const struct hello_round *round, struct hello_try *tries, size_t count,
                        struct error *err)
{
    for (;;) {
        struct session_wait wait;
        for (size_t i = 0; i < count; i++)
            if (tries[i].fate == HELLO_PENDING)
                step(round->path, round->peer, &tries[i], round->patience->ack_us);
        uint64_t since_us = silent_since(tries, count);
        uint64_t until_us =
            since_us == UINT64_MAX ? UINT64_MAX : since_us + round->patience->answer_us;
        if (clock_now_us() >= until_us)
            give_up_silent(tries, count);
        if (!prepare_wait(round->path, tries, count, until_us, &wait))
            return 0;
        if (path_wait(&wait, err) < 0)
            return -1;
    }
}

int hello_tries_run(const struct hello_round *round, struct hello_try *tries, size_t count,
                    struct error *err)
{
    for (size_t i = 0; i < count; i++)
        begin(round->peer, &tries[i]);
    int result = wait_for_all(round, tries, count, err);
    close_all(tries, count);
    return result;
}
