/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/admission.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "admission_rates.h"
#include "admission_sources.h"
#include "tlsecho/base/token_bucket.h"

struct admission {
    pthread_mutex_t mutex;    /* guards the rate */
    struct token_bucket rate; /* per_second 0 = none */
    atomic_bool has_rate;
    atomic_uint_fast64_t last_number;
    atomic_uint_fast64_t limit_connections, limit_per_source, limit_handshakes,
        limit_datagrams;                          /* 0 = no limit */
    atomic_uint_fast64_t connections, handshakes; /* now */
    atomic_uint_fast64_t refused[ADMISSION_REFUSALS];
    struct admission_sources *sources;
    struct admission_rates *rates;
};

int admission_new(struct admission **ret, struct error *err)
{
    struct admission *a = calloc(1, sizeof *a);
    if (!a)
        return error_sys(err, "create the admission");
    pthread_mutex_init(&a->mutex, NULL);
    if (admission_sources_new(&a->sources, err) < 0 || admission_rates_new(&a->rates, err) < 0) {
        admission_free(a);
        return -1;
    }
    *ret = a;
    return 0;
}

void admission_free(struct admission *admission)
{
    if (!admission)
        return;
    admission_sources_free(admission->sources);
    admission_rates_free(admission->rates);
    pthread_mutex_destroy(&admission->mutex);
    free(admission);
}

void admission_limit(struct admission *admission, const struct config *config)
{
    uint64_t rate = config->limits.accept_rate;
    atomic_store(&admission->limit_connections, config->limits.connections);
    atomic_store(&admission->limit_handshakes, config->limits.handshakes);
    atomic_store(&admission->limit_per_source, config->limits.per_source);
    atomic_store(&admission->limit_datagrams, config->limits.datagram_rate);
    pthread_mutex_lock(&admission->mutex);
    if (rate != admission->rate.per_second)
        token_bucket_init(&admission->rate, rate, rate);
    pthread_mutex_unlock(&admission->mutex);
    atomic_store(&admission->has_rate, rate > 0);
}

void admission_refuse(struct admission *admission, enum admission_refusal refusal)
{
    atomic_fetch_add_explicit(&admission->refused[refusal], 1, memory_order_relaxed);
}

uint64_t admission_refused(const struct admission *admission, enum admission_refusal refusal)
{
    return atomic_load_explicit(&admission->refused[refusal], memory_order_relaxed);
}

static enum admission_refusal refuse(struct admission *a, enum admission_refusal refusal)
{
    admission_refuse(a, refusal);
    return refusal;
}

uint64_t admission_number(struct admission *admission)
{
    return atomic_fetch_add(&admission->last_number, 1) + 1;
}

/* Counted first: of two threads at the limit one is refused. */
static bool enter(struct admission *admission)
{
    uint64_t limit = atomic_load(&admission->limit_connections);
    uint64_t before = atomic_fetch_add(&admission->connections, 1);
    if (limit == 0 || before < limit)
        return true;
    atomic_fetch_sub(&admission->connections, 1);
    return false;
}

static bool take_token(struct admission *admission, uint64_t now_us)
{
    if (!atomic_load(&admission->has_rate))
        return true;
    pthread_mutex_lock(&admission->mutex);
    bool taken = admission->rate.per_second == 0 || token_bucket_take(&admission->rate, now_us);
    pthread_mutex_unlock(&admission->mutex);
    return taken;
}

enum admission_refusal admission_accept(struct admission *admission, uint64_t now_us,
                                        struct admission_pass *pass)
{
    if (!enter(admission))
        return refuse(admission, ADMISSION_CONNECTIONS);
    if (!take_token(admission, now_us)) {
        atomic_fetch_sub(&admission->connections, 1);
        return refuse(admission, ADMISSION_ACCEPT_RATE);
    }
    pass->admission = admission;
    pass->connection = true;
    return ADMISSION_GRANTED;
}

static bool is_in(const struct config_cidrs *cidrs, const struct address *source)
{
    return cidrs->count > 0 && cidr_match(cidrs->values, cidrs->count, source);
}

enum admission_refusal admission_source(struct admission *admission,
                                        const struct config_listener *listener,
                                        const struct address *source, struct admission_pass *pass)
{
    if (is_in(&listener->deny, source))
        return refuse(admission, ADMISSION_DENY);
    if (listener->allow.count > 0 && !is_in(&listener->allow, source))
        return refuse(admission, ADMISSION_ALLOW);

    uint64_t limit = atomic_load(&admission->limit_per_source);
    if (limit == 0 || source->any.sa_family == AF_UNIX)
        return ADMISSION_GRANTED;
    enum admission_refusal refusal =
        admission_sources_enter(admission->sources, source, limit, &pass->source);
    if (refusal != ADMISSION_GRANTED)
        return refuse(admission, refusal);
    pass->admission = admission;
    return ADMISSION_GRANTED;
}

enum datagram_drop admission_datagram(struct admission *admission,
                                      const struct config_listener *listener,
                                      const struct address *source, uint64_t now_us)
{
    if (is_in(&listener->deny, source))
        return DATAGRAM_DROP_DENY;
    if (listener->allow.count > 0 && !is_in(&listener->allow, source))
        return DATAGRAM_DROP_ALLOW;
    uint64_t limit = atomic_load_explicit(&admission->limit_datagrams, memory_order_relaxed);
    if (limit > 0 && !admission_rates_take(admission->rates, source, limit, now_us))
        return DATAGRAM_DROP_RATE;
    return DATAGRAM_KEPT;
}

void admission_handshake_begins(struct admission_pass *pass)
{
    pass->handshake = pass->admission != NULL;
    if (pass->handshake)
        atomic_fetch_add(&pass->admission->handshakes, 1);
}

bool admission_handshakes_exceeded(const struct admission *admission)
{
    uint64_t limit = admission ? atomic_load(&admission->limit_handshakes) : 0;
    return limit > 0 && atomic_load(&admission->handshakes) > limit;
}

void admission_handshake_over(struct admission_pass *pass)
{
    if (pass->handshake)
        atomic_fetch_sub(&pass->admission->handshakes, 1);
    pass->handshake = false;
}

void admission_over(struct admission_pass *pass)
{
    if (!pass->admission)
        return;
    admission_handshake_over(pass);
    if (pass->source)
        admission_sources_leave(pass->admission->sources, pass->source);
    if (pass->connection)
        atomic_fetch_sub(&pass->admission->connections, 1);
    *pass = (struct admission_pass){.admission = NULL};
}

void admission_revoke(struct admission_pass *pass, enum admission_refusal refusal)
{
    if (pass->admission)
        admission_refuse(pass->admission, refusal);
    admission_over(pass);
}
