/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/stamp_sessions.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "stamp_window.h"

enum { BUCKET_BITS = 13, BUCKETS = 1 << BUCKET_BITS };

/* A bit of the ids of all records, which distinguishes them from 0 and STAMP_RECORD_MAGIC. */
#define RECORD_ID (UINT32_C(1) << 31)

/* All of a key as words, without padding, to compare and to hash. */
struct key {
    uint64_t words[5];
};

struct session {
    struct key key;
    struct stamp_numbers next; /* of its next answer */
    struct stamp_window window;
    uint64_t last_us;
    LIST_ENTRY(session) in_bucket;
    TAILQ_ENTRY(session) in_all;
};

struct stamp_sessions {
    pthread_mutex_t mutex;
    uint64_t factor; /* random: a peer cannot choose sessions that share a bucket */
    uint32_t
        record_id; /* of the last session; the first one is random, to differ after a restart */
    size_t count;
    TAILQ_HEAD(, session) all; /* the one used last at the end */
    LIST_HEAD(, session) buckets[BUCKETS];
    struct session sessions[STAMP_SESSIONS_MAX];
};

int stamp_sessions_new(struct stamp_sessions **ret, struct error *err)
{
    struct stamp_sessions *s = calloc(1, sizeof *s);
    if (!s || getrandom(&s->factor, sizeof s->factor, 0) != (ssize_t)sizeof s->factor ||
        getrandom(&s->record_id, sizeof s->record_id, 0) != (ssize_t)sizeof s->record_id) {
        free(s);
        return error_sys(err, "create the table of STAMP sessions");
    }
    s->factor |= 1;
    pthread_mutex_init(&s->mutex, NULL);
    TAILQ_INIT(&s->all);
    *ret = s;
    return 0;
}

void stamp_sessions_free(struct stamp_sessions *sessions)
{
    if (!sessions)
        return;
    pthread_mutex_destroy(&sessions->mutex);
    free(sessions);
}

/* 16 bytes; an IPv4 address has ones where no IPv6 address of a host begins. */
static void put_address(const struct address *address, uint64_t ret[2])
{
    if (address->any.sa_family == AF_INET6) {
        memcpy(ret, &address->ipv6.sin6_addr, 2 * sizeof ret[0]);
        return;
    }
    ret[0] = UINT64_MAX;
    ret[1] = address->length > 0 ? address->ipv4.sin_addr.s_addr : 0;
}

static struct key key_of(const struct stamp_session_key *key)
{
    struct key k;
    put_address(key->peer, k.words);
    put_address(key->own, k.words + 2);
    k.words[4] =
        (uint64_t)address_port(key->peer) << 32 | (uint32_t)key->own_port << 16 | key->ssid;
    if (key->peer->any.sa_family == AF_INET6)
        k.words[4] ^= (uint64_t)key->peer->ipv6.sin6_scope_id << 48;
    return k;
}

static size_t bucket_of(const struct stamp_sessions *s, const struct key *key)
{
    uint64_t hash = s->factor;
    for (size_t i = 0; i < sizeof key->words / sizeof *key->words; i++) {
        hash = (hash ^ key->words[i]) * s->factor;
        hash ^= hash >> 32;
    }
    return (size_t)((hash * s->factor) >> (64 - BUCKET_BITS));
}

static struct session *find(struct stamp_sessions *s, const struct key *key, size_t bucket)
{
    struct session *session;
    LIST_FOREACH(session, &s->buckets[bucket], in_bucket)
    if (memcmp(&session->key, key, sizeof *key) == 0)
        return session;
    return NULL;
}

/* A place that was never used, or that of a session that is over; NULL = none. */
static struct session *find_place(struct stamp_sessions *s, uint64_t now_us)
{
    if (s->count < STAMP_SESSIONS_MAX)
        return &s->sessions[s->count++];
    struct session *oldest = TAILQ_FIRST(&s->all);
    if (now_us < oldest->last_us + STAMP_SESSIONS_IDLE_US)
        return NULL;
    TAILQ_REMOVE(&s->all, oldest, in_all);
    LIST_REMOVE(oldest, in_bucket);
    return oldest;
}

static struct session *find_or_add(struct stamp_sessions *s, const struct key *key, uint64_t now_us)
{
    size_t bucket = bucket_of(s, key);
    struct session *session = find(s, key, bucket);
    if (session) {
        TAILQ_REMOVE(&s->all, session, in_all);
    } else {
        session = find_place(s, now_us);
        if (!session)
            return NULL;
        *session = (struct session){.key = *key, .next.record.id = ++s->record_id | RECORD_ID};
        LIST_INSERT_HEAD(&s->buckets[bucket], session, in_bucket);
    }
    TAILQ_INSERT_TAIL(&s->all, session, in_all);
    session->last_us = now_us;
    return session;
}

static void record_arrival(struct session *session, uint32_t seq)
{
    struct stamp_record *record = &session->next.record;
    switch (stamp_window_take(&session->window, seq)) {
    case STAMP_ARRIVAL_NEW:
        record->arrived++;
        break;
    case STAMP_ARRIVAL_DUPLICATE:
        record->duplicated++;
        break;
    case STAMP_ARRIVAL_OLD:
        break;
    }
    record->newest = session->window.newest;
}

bool stamp_sessions_next(struct stamp_sessions *sessions, const struct stamp_session_key *key,
                         uint32_t seq, uint64_t now_us, struct stamp_numbers *ret)
{
    struct key k = key_of(key);
    pthread_mutex_lock(&sessions->mutex);
    struct session *session = find_or_add(sessions, &k, now_us);
    if (session) {
        record_arrival(session, seq);
        *ret = session->next;
        session->next.seq++;
    }
    pthread_mutex_unlock(&sessions->mutex);
    return session != NULL;
}

size_t stamp_sessions_count(struct stamp_sessions *sessions)
{
    pthread_mutex_lock(&sessions->mutex);
    size_t count = sessions->count;
    pthread_mutex_unlock(&sessions->mutex);
    return count;
}
