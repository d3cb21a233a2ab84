/* SPDX-License-Identifier: MIT */
#include "admission_rates.h"

#include <pthread.h>
#include <stdlib.h>

#include "admission_source_key.h"
#include "tlsecho/base/token_bucket.h"

/* 65,536 sources at once; untouched pages take no memory. */
enum { SET_BITS = 14, SETS = 1 << SET_BITS, WAYS = 4 };

struct rate {
    struct admission_source_key key; /* without a family: the entry is free */
    struct token_bucket bucket;
};

struct admission_rates {
    pthread_mutex_t mutex;
    struct admission_source_hash hash;
    struct rate sets[SETS][WAYS];
};

int admission_rates_new(struct admission_rates **ret, struct error *err)
{
    struct admission_rates *r = calloc(1, sizeof *r);
    if (!r)
        return error_sys(err, "create the table of sources");
    if (admission_source_hash_init(&r->hash, err) < 0) {
        free(r);
        return -1;
    }
    pthread_mutex_init(&r->mutex, NULL);
    *ret = r;
    return 0;
}

void admission_rates_free(struct admission_rates *rates)
{
    if (!rates)
        return;
    pthread_mutex_destroy(&rates->mutex);
    free(rates);
}

/* Its own entry, or the one that has been unused for longest. */
static struct rate *find(struct rate set[WAYS], const struct admission_source_key *key)
{
    struct rate *oldest = set;
    for (int i = 0; i < WAYS; i++) {
        if (admission_source_key_equal(&set[i].key, key))
            return &set[i];
        if (set[i].bucket.at_us < oldest->bucket.at_us)
            oldest = &set[i];
    }
    oldest->key = *key;
    oldest->bucket.per_second = 0;
    return oldest;
}

bool admission_rates_take(struct admission_rates *rates, const struct address *source,
                          uint64_t per_second, uint64_t now_us)
{
    struct admission_source_key key = admission_source_key(source);
    pthread_mutex_lock(&rates->mutex);
    struct rate *rate =
        find(rates->sets[admission_source_hash(&rates->hash, &key) >> (64 - SET_BITS)], &key);
    if (rate->bucket.per_second != per_second)
        token_bucket_init(&rate->bucket, per_second, per_second);
    bool taken = token_bucket_take(&rate->bucket, now_us);
    pthread_mutex_unlock(&rates->mutex);
    return taken;
}
