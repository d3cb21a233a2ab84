/* SPDX-License-Identifier: MIT */
#include "admission_sources.h"

#include <pthread.h>
#include <stdlib.h>

#include "admission_source_key.h"

/* Chains stay short up to some 100,000 sources; untouched pages take no memory. */
enum { CHAIN_BITS = 15, CHAINS = 1 << CHAIN_BITS };

struct admission_source {
    struct admission_source *next;
    struct admission_source_key key;
    uint64_t connections; /* never 0 */
};

struct admission_sources {
    pthread_mutex_t mutex;
    struct admission_source_hash hash;
    struct admission_source *chains[CHAINS];
};

int admission_sources_new(struct admission_sources **ret, struct error *err)
{
    struct admission_sources *s = calloc(1, sizeof *s);
    if (!s)
        return error_sys(err, "create the table of sources");
    if (admission_source_hash_init(&s->hash, err) < 0) {
        free(s);
        return -1;
    }
    pthread_mutex_init(&s->mutex, NULL);
    *ret = s;
    return 0;
}

void admission_sources_free(struct admission_sources *sources)
{
    if (!sources)
        return;
    pthread_mutex_destroy(&sources->mutex);
    free(sources);
}

static struct admission_source **chain_of(struct admission_sources *s,
                                          const struct admission_source_key *key)
{
    return &s->chains[admission_source_hash(&s->hash, key) >> (64 - CHAIN_BITS)];
}

static struct admission_source *find(struct admission_source *chain,
                                     const struct admission_source_key *key)
{
    while (chain && !admission_source_key_equal(&chain->key, key))
        chain = chain->next;
    return chain;
}

/* NULL: no memory. */
static struct admission_source *add(struct admission_source **chain,
                                    const struct admission_source_key *key)
{
    struct admission_source *source = malloc(sizeof *source);
    if (!source)
        return NULL;
    *source = (struct admission_source){.next = *chain, .key = *key};
    *chain = source;
    return source;
}

static enum admission_refusal enter(struct admission_sources *s,
                                    const struct admission_source_key *key, uint64_t limit,
                                    struct admission_source **ret)
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
    struct admission_source_key key = admission_source_key(address);
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
