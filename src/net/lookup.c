/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/lookup.h"

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tlsecho/base/thread.h"

/* Shared by the caller and the thread; the last user frees it. */
struct lookup {
    struct endpoint endpoint;
    int family;
    bool passive;
    lookup_resolver *resolver;

    bool has_thread;
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows */
    bool done;            /* the result is there, and the thread ends */
    bool abandoned;       /* only the thread uses it */
    int fd;               /* eventfd(2); the caller's: -1 once it is abandoned */
    int result;
    struct address_list addresses;
    struct error error;
};

/* Each occupies a thread, and a descriptor of its resolver. */
static atomic_uint abandoned_count;

static void lookup_free(struct lookup *lookup)
{
    if (lookup->fd >= 0)
        close(lookup->fd);
    address_list_free(&lookup->addresses);
    pthread_mutex_destroy(&lookup->lock);
    free(lookup);
}

static void announce(struct lookup *lookup)
{
    const uint64_t one = 1;
    lookup->done = true;
    if (write(lookup->fd, &one, sizeof one) < 0)
        abort(); /* cannot fail: the counter of the eventfd(2) is 0 */
}

static void *resolve(void *argument)
{
    struct lookup *lookup = argument;
    struct address_list addresses = {.count = 0};
    struct error err;
    int result =
        lookup->resolver(&lookup->endpoint, lookup->family, lookup->passive, &addresses, &err);

    pthread_mutex_lock(&lookup->lock);
    lookup->result = result;
    lookup->addresses = addresses;
    if (result < 0)
        lookup->error = err;
    bool abandoned = lookup->abandoned;
    if (!abandoned)
        announce(lookup);
    pthread_mutex_unlock(&lookup->lock);
    if (abandoned) {
        lookup_free(lookup);
        atomic_fetch_sub(&abandoned_count, 1);
    }
    return NULL;
}

static bool needs_no_thread(const struct endpoint *endpoint)
{
    return endpoint->scheme == ENDPOINT_UNIX || endpoint_host_is_address(endpoint->host);
}

static int refuse_too_many(const struct endpoint *endpoint, struct error *err)
{
    if (needs_no_thread(endpoint) || atomic_load(&abandoned_count) < LOOKUP_ABANDONED_MAX)
        return 0;
    error_set(err, ERROR_DNS,
              "look up %s: %d earlier look-ups still wait for a name server: check the name "
              "servers, and try again later",
              endpoint->host, LOOKUP_ABANDONED_MAX);
    err->code = EAI_AGAIN;
    return -1;
}

int lookup_start(const struct lookup_query *query, struct lookup **ret, struct error *err)
{
    if (refuse_too_many(query->endpoint, err))
        return -1;
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return error_sys(err, "look up %s", query->endpoint->host);
    lookup->endpoint = *query->endpoint;
    lookup->family = query->family;
    lookup->passive = query->passive;
    lookup->resolver = query->resolver ? query->resolver : address_resolve;
    pthread_mutex_init(&lookup->lock, NULL);
    lookup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lookup->fd < 0) {
        error_sys(err, "look up %s", query->endpoint->host);
        lookup_free(lookup);
        return -1;
    }
    lookup->has_thread = !needs_no_thread(query->endpoint);
    if (!lookup->has_thread)
        resolve(lookup);
    else if (thread_start_small(&lookup->thread, "lookup", resolve, lookup, err) < 0) {
        lookup_free(lookup);
        return error_prefix(err, "look up %s", query->endpoint->host);
    }
    *ret = lookup;
    return 0;
}

int lookup_fd(const struct lookup *lookup)
{
    return lookup->fd;
}

/* What the resolver keeps for its thread is freed as that ends, which is not later than this. */
static void join(struct lookup *lookup)
{
    if (lookup->has_thread)
        pthread_join(lookup->thread, NULL);
}

int lookup_finish(struct lookup *lookup, struct address_list *ret, struct error *err)
{
    join(lookup);
    int result = lookup->result;
    if (result == 0) {
        *ret = lookup->addresses;
        lookup->addresses = (struct address_list){.count = 0};
    } else
        *err = lookup->error;
    lookup_free(lookup);
    return result;
}

void lookup_abandon(struct lookup *lookup)
{
    if (!lookup)
        return;
    pthread_mutex_lock(&lookup->lock);
    bool done = lookup->done;
    if (!done) {
        close(lookup->fd);
        lookup->fd = -1;
        lookup->abandoned = true;
        pthread_detach(lookup->thread);
        atomic_fetch_add(&abandoned_count, 1);
    }
    pthread_mutex_unlock(&lookup->lock);
    if (done) {
        join(lookup);
        lookup_free(lookup);
    }
}
