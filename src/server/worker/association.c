/* SPDX-License-Identifier: MIT */
#include "association.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "tlsecho/base/container_of.h"
#include "tlsecho/tls/dtls_session.h"

enum { FIRST_BUCKETS = 64 };

static void set_address(const struct address *address, struct in6_addr *ret)
{
    if (address->any.sa_family == AF_INET6) {
        *ret = address->ipv6.sin6_addr;
        return;
    }
    *ret = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(&ret->s6_addr[12], &address->ipv4.sin_addr, sizeof address->ipv4.sin_addr);
}

struct association_key association_key(const struct address *peer, const struct address *own)
{
    _Static_assert(sizeof(struct association_key) == 40, "it has no padding");
    struct association_key key = {.peer_port = address_port(peer), .own_port = address_port(own)};
    set_address(peer, &key.peer);
    set_address(own, &key.own);
    if (peer->any.sa_family == AF_INET6)
        key.scope = peer->ipv6.sin6_scope_id;
    return key;
}

#define S UINT64_C(1000000)

static const uint64_t timeouts_us[ASSOCIATION_TIMEOUTS] = {S,      2 * S,  4 * S, 8 * S,
                                                           16 * S, 32 * S, 60 * S};

int association_table_init(struct association_table *table, struct error *err)
{
    *table = (struct association_table){.bucket_count = FIRST_BUCKETS};
    for (int i = 0; i < ASSOCIATION_TIMEOUTS; i++)
        deadline_queue_init(&table->retransmissions[i], timeouts_us[i]);
    table->buckets = calloc(table->bucket_count, sizeof(struct association *));
    if (!table->buckets ||
        getrandom(table->factors, sizeof table->factors, 0) != sizeof table->factors)
        return error_sys(err, "create a table of associations");
    return 0;
}

void association_table_done(struct association_table *table)
{
    free(table->buckets);
}

static struct association **bucket(const struct association_table *table,
                                   const struct association_key *key)
{
    uint64_t words[sizeof *key / sizeof(uint64_t)], hash = 0;
    memcpy(words, key, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        hash = (hash ^ words[i] ^ table->factors[0]) * (table->factors[1] | 1);
        hash ^= hash >> 32;
    }
    return &table->buckets[hash & (table->bucket_count - 1)];
}

static void link_in(const struct association_table *table, struct association *a)
{
    struct association **at = bucket(table, &a->key);
    a->next = *at;
    *at = a;
}

/* Without memory the buckets only get longer. */
static void grow(struct association_table *table)
{
    struct association **before = table->buckets;
    size_t count = table->bucket_count;
    struct association **buckets = calloc(2 * count, sizeof(struct association *));
    if (!buckets)
        return;
    table->buckets = buckets;
    table->bucket_count = 2 * count;
    for (size_t i = 0; i < count; i++)
        for (struct association *a = before[i], *next; a; a = next) {
            next = a->next;
            link_in(table, a);
        }
    free(before);
}

void association_insert(struct association_table *table, struct association *a)
{
    if (table->count == table->bucket_count)
        grow(table);
    link_in(table, a);
    table->count++;
}

void association_remove(struct association_table *table, struct association *a)
{
    struct association **at = bucket(table, &a->key);
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    table->count--;
    if (a->awake)
        table->awake[a->awake - 1] = NULL;
    deadline_clear(&a->retransmission);
}

struct association_pair association_find(const struct association_table *table,
                                         const struct association_key *key)
{
    struct association_pair pair = {.established = NULL};
    for (struct association *a = *bucket(table, key); a; a = a->next) {
        if (memcmp(&a->key, key, sizeof *key) != 0)
            continue;
        if (a->established)
            pair.established = a;
        else
            pair.unfinished = a;
    }
    return pair;
}

struct association *association_wake(struct association_table *table, struct association *a)
{
    if (a->awake)
        return NULL;
    unsigned place = table->awake_next++ % ASSOCIATIONS_AWAKE;
    struct association *before = table->awake[place];
    if (before)
        before->awake = 0;
    table->awake[place] = a;
    a->awake = place + 1;
    return before;
}

/* The queue for what remains of a time-out that has just begun. */
static struct deadline_queue *queue_for(struct association_table *table, uint64_t left_us)
{
    int i = 0;
    while (i < ASSOCIATION_TIMEOUTS - 1 && timeouts_us[i] < left_us)
        i++;
    return &table->retransmissions[i];
}

void association_wait(struct association_table *table, struct association *a, uint64_t now_us)
{
    enum { ROUNDED_US = 50 * 1000 }; /* OpenSSL counts the last 15 ms as none */
    uint64_t left_us = dtls_session_timeout_us(a->session);
    if (left_us == UINT64_MAX) {
        deadline_clear(&a->retransmission);
        return;
    }
    bool same = deadline_is_set(&a->retransmission) &&
                a->retransmission.due_us < now_us + left_us + ROUNDED_US &&
                now_us + left_us < a->retransmission.due_us + ROUNDED_US;
    if (!same)
        deadline_set(queue_for(table, left_us), &a->retransmission, now_us);
}

struct association *association_pop(struct association_table *table, uint64_t now_us)
{
    struct deadline *d = NULL;
    for (int i = 0; i < ASSOCIATION_TIMEOUTS && !d; i++)
        d = deadline_pop(&table->retransmissions[i], now_us);
    return d ? container_of(d, struct association, retransmission) : NULL;
}

uint64_t association_due_us(const struct association_table *table)
{
    uint64_t due_us = UINT64_MAX;
    for (int i = 0; i < ASSOCIATION_TIMEOUTS; i++) {
        uint64_t next_us = deadline_next_us(&table->retransmissions[i]);
        due_us = next_us < due_us ? next_us : due_us;
    }
    return due_us;
}
