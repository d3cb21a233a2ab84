/* SPDX-License-Identifier: MIT */
#include "admission_source_key.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/random.h>

struct admission_source_key admission_source_key(const struct address *address)
{
    struct address plain = *address;
    address_unmap(&plain);
    struct admission_source_key key = {.family = plain.any.sa_family};
    if (key.family == AF_INET6)
        memcpy(&key.prefix, &plain.ipv6.sin6_addr, sizeof key.prefix);
    else
        key.prefix = ntohl(plain.ipv4.sin_addr.s_addr);
    return key;
}

bool admission_source_key_equal(const struct admission_source_key *a,
                                const struct admission_source_key *b)
{
    return a->family == b->family && a->prefix == b->prefix;
}

int admission_source_hash_init(struct admission_source_hash *ret, struct error *err)
{
    uint64_t random[2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_sys(err, "create the table of sources");
    ret->factor = random[0] | 1;
    ret->offset = random[1];
    return 0;
}

/* Another number for each, and distant ones for neighbours, many of which have the same hash with
 * one factor in a hundred otherwise. */
static uint64_t spread(uint64_t number)
{
    number = (number ^ number >> 32) * 0x9e3779b97f4a7c15U;
    return number ^ number >> 32;
}

/* Multiply-shift hashing (Dietzfelbinger et al. 1997): two sources rarely have the same. */
uint64_t admission_source_hash(const struct admission_source_hash *hash,
                               const struct admission_source_key *key)
{
    return spread(key->prefix ^ (key->family == AF_INET6 ? hash->offset : 0)) * hash->factor;
}
