/* SPDX-License-Identifier: MIT */
#include "bench_count.h"

#include <sys/resource.h>
#include <unistd.h>

#include "tlsecho/tls/transport_tls.h"

/* A message and its latency count if it was due within the measured time, however late the reply.
 * Messages that are due after its end are not sent. */
void bench_count_message(struct bench_thread *t, uint64_t due_ns, uint64_t begun_ns,
                         uint64_t now_ns)
{
    bool comes_back = t->run->load->expect != EXPECT_NONE || t->run->load->handshakes;
    t->second.messages++;
    t->last_ns = now_ns;
    if (comes_back)
        histogram_record(t->latency, now_ns - due_ns);
    if (due_ns < t->begin_ns)
        return;
    t->measure.messages++;
    if (!comes_back)
        return;
    histogram_record(t->measure.histograms[BENCH_LATENCY], now_ns - due_ns);
    if (t->run->load->rate > 0)
        histogram_record(t->measure.histograms[BENCH_SERVICE], now_ns - begun_ns);
}

void bench_count_bytes(struct bench_thread *t, uint64_t sent, uint64_t received, uint64_t now_ns)
{
    t->second.sent_bytes += sent;
    t->second.received_bytes += received;
    t->last_ns = now_ns;
    if (now_ns < t->begin_ns)
        return;
    t->measure.sent_bytes += sent;
    t->measure.received_bytes += received;
}

void bench_count_up(struct bench_conn *c)
{
    struct bench_thread *t = c->thread;
    bool handshakes = t->run->load->handshakes;
    if (handshakes && (c->dialled_ns < t->begin_ns || c->up_ns >= t->end_ns))
        return;
    t->measure.connections++;
    t->measure.resumed += c->transport && transport_tls_resumed(c->transport);
    if (c->transport)
        histogram_record(t->measure.histograms[BENCH_CONNECT], c->connected_ns - c->dialled_ns);
    if (target_is_tls(t->run->target))
        histogram_record(t->measure.histograms[BENCH_HANDSHAKE], c->up_ns - c->connected_ns);
    if (!handshakes)
        return;
    bench_count_message(t, c->dialled_ns, c->dialled_ns, c->up_ns);
}

void bench_count_failure(struct bench_conn *c, const struct outcome *outcome)
{
    struct bench_thread *t = c->thread;
    struct bench_run *run = t->run;
    t->measure.errors[outcome->result]++;
    t->second.errors++;
    pthread_mutex_lock(&run->lock);
    if (run->outcome.result == RESULT_OK || outcome->result == RESULT_CORRUPT)
        run->outcome = *outcome;
    pthread_mutex_unlock(&run->lock);
}

void bench_count_news(struct bench_run *run)
{
    ssize_t n = write(run->news_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)n; /* EAGAIN: there is news already */
}

void bench_count_publish(struct bench_thread *t)
{
    struct bench_run *run = t->run;
    pthread_mutex_lock(&run->lock);
    histogram_add(run->latency, t->latency);
    run->second.messages += t->second.messages;
    run->second.sent_bytes += t->second.sent_bytes;
    run->second.received_bytes += t->second.received_bytes;
    run->second.errors += t->second.errors;
    pthread_mutex_unlock(&run->lock);
    histogram_clear(t->latency);
    t->second = (struct bench_second){.start_s = 0};
    atomic_fetch_add(&t->published, 1);
    bench_count_news(run);
}

void bench_count_cpu(double *ret_user_s, double *ret_system_s)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    *ret_user_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
    *ret_system_s = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
}
