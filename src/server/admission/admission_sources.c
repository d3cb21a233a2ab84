/* SPDX-License-Identifier: MIT */
#include "admission_sources.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Chains stay short up to some 100,000 sources; untouched pages take no memory. */
enum { CHAIN_BITS = 15, CHAINS = 1 << CHAIN_BITS };

struct source_key {
    int family;
    uint64_t prefix; /* an IPv4 address, or the first 64 bits of an IPv6 one */
};

struct admission_source {
    struct admission_source *next;
    struct source_key key;
    uint64_t connections; /* never 0 */
};

struct admission_sources {
    pthread_mutex_t mutex;
    uint64_t factor, offset; /* random: a peer cannot predict which sources share a chain */
    struct admission_source *chains[CHAINS];
};

int admission_sources_new(struct admission_sources **ret, struct error *err)
{
    struct admission_sources *s = calloc(1, sizeof *s);
    uint64_t random[2];
    if (!s || getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        free(s);
        return error_sys(err, "create the table of sources");
    }
    pthread_mutex_init(&s->mutex, NULL);
    s->factor = random[0] | 1;
    s->offset = random[1];
    *ret = s;
    return 0;
}

void admission_sources_free(struct admission_sources *sources)
{
    pthread_mutex_destroy(&sources->mutex);
    free(sources);
}

/* A host can use any address of its IPv6 /64, RFC 8981. */
static struct source_key key_of(const struct address *address)
{
    struct address plain = *address;
    address_unmap(&plain);
    struct source_key key = {.family = plain.any.sa_family};
    if (key.family == AF_INET6)
        memcpy(&key.prefix, &plain.ipv6.sin6_addr, sizeof key.prefix);
    else
        key.prefix = plain.ipv4.sin_addr.s_addr;
    return key;
}

static bool same(const struct source_key *a, const struct source_key *b)
{
    return a->family == b->family && a->prefix == b->prefix;
}

/* Multiply-shift hashing (Dietzfelbinger et al. 1997): two sources rarely share a chain. */
static struct admission_source **chain_of(struct admission_sources *s, const struct source_key *key)
{
    uint64_t hash = key->prefix * s->factor + (key->family == AF_INET6 ? s->offset : 0);
    return &s->chains[hash >> (64 - CHAIN_BITS)];
}

static struct admission_source *find(struct admission_source *chain, const struct source_key *key)
{
    while (chain && !same(&chain->key, key))
        chain = chain->next;
    return chain;
}

/* NULL: no memory. */
static struct admission_source *add(struct admission_source **chain, const struct source_key *key)
{
    struct admission_source *source = malloc(sizeof *source);
    if (!source)
        return NULL;
    *source = (struct admission_source){.next = *chain, .key = *key};
    *chain = source;
    return source;
}

static enum admission_refusal enter(struct admission_sources *s, const struct source_key *key,
                                    uint64_t limit, struct admission_source **ret)
{
    struct admission_source **chain = chain_of(s, key);
    struct admission_source *source = find(*chain, key);
    if (source && source->connections >= limit)
        return ADMISSION_PER_SOURCE;
    if (!source && !(source = add(chain, key)))
        return ADMISSION_MEMORY;
    source->connections++;
    *ret = source;
    return ADMISSION_GRANTED;
}

enum admission_refusal admission_sources_enter(struct admission_sources *sources,
                                               const struct address *address, uint64_t limit,
                                               struct admission_source **ret)
{
    struct source_key key = key_of(address);
    pthread_mutex_lock(&sources->mutex);
    enum admission_refusal refusal = enter(sources, &key, limit, ret);
    pthread_mutex_unlock(&sources->mutex);
    return refusal;
}

void admission_sources_leave(struct admission_sources *sources, struct admission_source *source)
{
    pthread_mutex_lock(&sources->mutex);
    if (--source->connections == 0) {
        struct admission_source **at = chain_of(sources, &source->key);
        while (*at != source)
            at = &(*at)->next;
        *at = source->next;
        free(source);
    }
    pthread_mutex_unlock(&sources->mutex);
}
