/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/check_series.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void check_series_done(struct check_series *s)
{
    free(s->instances);
    free(s->certificates);
    s->instances = NULL;
    s->certificates = NULL;
    s->instance_count = s->certificate_count = 0;
}

/* The instance of that identity, a new one if it has not been seen. NULL: there is no memory. */
static struct check_instance *instance_of(struct check_series *s, const char *identity)
{
    for (size_t i = 0; i < s->instance_count; i++)
        if (strcmp(s->instances[i].identity, identity) == 0)
            return &s->instances[i];
    struct check_instance *grown =
        realloc(s->instances, (s->instance_count + 1) * sizeof *s->instances);
    if (!grown)
        return NULL;
    s->instances = grown;
    struct check_instance *added = &grown[s->instance_count++];
    *added = (struct check_instance){.connections = 0};
    memcpy(added->identity, identity, strlen(identity) + 1);
    return added;
}

/* Likewise. */
static struct check_certificate *certificate_of(struct check_series *s,
                                                const struct peer_certificate *certificate)
{
    for (size_t i = 0; i < s->certificate_count; i++)
        if (strcmp(s->certificates[i].sha256, certificate->sha256) == 0)
            return &s->certificates[i];
    struct check_certificate *grown =
        realloc(s->certificates, (s->certificate_count + 1) * sizeof *s->certificates);
    if (!grown)
        return NULL;
    s->certificates = grown;
    struct check_certificate *added = &grown[s->certificate_count++];
    *added = (struct check_certificate){.handshakes = 0};
    memcpy(added->sha256, certificate->sha256, sizeof added->sha256);
    memcpy(added->subject, certificate->subject, sizeof added->subject);
    return added;
}

static void add_instance(struct check_series *s, const struct exchange *x, bool resumed,
                         struct outcome *ret)
{
    char identity[REPORT_IDENTITY_BYTES];
    struct error err = {.alert = -1};
    if (report_parse_identity(x->hello_text, x->hello.n, identity, &err) < 0) {
        if (err.kind == ERROR_SYSTEM)
            outcome_fail(ret, PHASE_LOCAL, &err);
        else
            outcome_measure(ret, RESULT_CORRUPT, "%s", err.text);
        return;
    }
    struct check_instance *instance = instance_of(s, identity);
    if (!instance) {
        error_sys(&err, "memory for instances");
        outcome_fail(ret, PHASE_LOCAL, &err);
        return;
    }
    instance->connections++;
    instance->resumed += resumed;
}

static void add_certificate(struct check_series *s, const struct peer *peer, struct outcome *ret)
{
    struct error err;
    if (!peer->certificate.present)
        return;
    struct check_certificate *certificate = certificate_of(s, &peer->certificate);
    if (certificate) {
        certificate->handshakes++;
        return;
    }
    error_sys(&err, "memory for certificates");
    outcome_fail(ret, PHASE_LOCAL, &err);
}

static void fail(struct check_series *s, struct outcome *one, struct outcome *first)
{
    s->failures[one->result]++;
    if (first->result != RESULT_OK)
        return;
    if (one->phase != PHASE_OPTIONS && one->phase != PHASE_DNS)
        error_prefix(&one->error, "connection %" PRIu64, s->connections);
    *first = *one;
}

void check_series_add(struct check_series *s, const struct session *session,
                      const struct exchange *exchange, struct outcome *one, struct outcome *first)
{
    struct peer peer = {.tls = false};
    s->connections++;
    if (session->transport)
        transport_peer(session->transport, &peer);
    add_certificate(s, &peer, one);
    if (one->result == RESULT_OK && exchange->expect.kind == EXPECT_HELLO)
        add_instance(s, exchange, peer.resumed, one);
    if (one->result == RESULT_OK)
        s->resumed += peer.resumed;
    else
        fail(s, one, first);
}

uint64_t check_series_failed(const struct check_series *s)
{
    uint64_t sum = 0;
    for (int i = 0; i < RESULTS; i++)
        sum += s->failures[i];
    return sum;
}

void check_series_judge(const struct check_series *s, bool resume, struct outcome *ret)
{
    if (ret->result != RESULT_OK || !resume || s->resumed)
        return;
    if (s->connections < 2)
        outcome_measure(ret, RESULT_TIMEOUT, "interrupted before a session could be resumed");
    else
        outcome_measure(ret, RESULT_HANDSHAKE,
                        "none of %" PRIu64 " connections resumed a session: the server issues no "
                        "tickets, or does not accept them; several servers need the same "
                        "ticket_keys",
                        s->connections);
    ret->phase = PHASE_HANDSHAKE;
}
