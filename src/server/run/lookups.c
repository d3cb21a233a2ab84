/* SPDX-License-Identifier: MIT */
#include "lookups.h"

#include <stdlib.h>
#include <string.h>

#include "tlsecho/base/container_of.h"

struct name {
    struct reactor_source source;
    struct lookups *all;
    const char *host;
    struct lookup *lookup; /* NULL = it is over */
    int result;
    struct address_list addresses;
    struct error error;
};

struct lookups {
    struct lookups_plan plan;
    struct name *names;
    size_t count;
    size_t pending;
    bool failed;
};

static void forget(struct name *name)
{
    struct error ignored; /* removing a source cannot fail */
    reactor_want(name->all->plan.reactor, &name->source, WANT_NOTHING, &ignored);
    name->lookup = NULL;
    name->all->pending--;
}

static void name_ready(struct reactor_source *source)
{
    struct name *name = container_of(source, struct name, source);
    struct lookup *lookup = name->lookup;
    forget(name);
    name->result = lookup_finish(lookup, &name->addresses, &name->error);
    name->all->failed = name->all->failed || name->result < 0;
}

static bool needs_lookup(const struct lookups_plan *plan, const struct listen_spec *spec)
{
    return spec->endpoint->scheme != ENDPOINT_UNIX &&
           !endpoint_host_is_address(spec->endpoint->host) &&
           !listen_set_is_inherited(plan->existing, spec);
}

static struct name *find(const struct lookups *l, const char *host)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->names[i].host, host) == 0)
            return &l->names[i];
    return NULL;
}

static int start(struct lookups *l, const struct endpoint *endpoint, struct error *err)
{
    struct name *name = &l->names[l->count];
    const struct lookup_query query = {
        .endpoint = endpoint, .family = AF_UNSPEC, .passive = true, .resolver = l->plan.resolver};
    *name = (struct name){.all = l, .host = endpoint->host};
    if (lookup_start(&query, &name->lookup, err) < 0)
        return -1;
    name->source = (struct reactor_source){.fd = lookup_fd(name->lookup), .ready = name_ready};
    l->count++;
    l->pending++;
    return reactor_want(l->plan.reactor, &name->source, WANT_READ, err);
}

static int start_all(struct lookups *l, struct error *err)
{
    for (size_t i = 0; i < l->plan.count; i++) {
        const struct listen_spec *spec = &l->plan.specs[i];
        if (needs_lookup(&l->plan, spec) && !find(l, spec->endpoint->host) &&
            start(l, spec->endpoint, err) < 0)
            return -1;
    }
    return 0;
}

int lookups_start(const struct lookups_plan *plan, struct lookups **ret, struct error *err)
{
    struct lookups *l = calloc(1, sizeof *l);
    struct name *names = calloc(plan->count + 1, sizeof *names);
    if (!l || !names) {
        error_sys(err, "look up names");
        free(names);
        free(l);
        return -1;
    }
    l->plan = *plan;
    l->names = names;
    if (start_all(l, err) < 0) {
        lookups_free(l);
        return -1;
    }
    *ret = l;
    return 0;
}

bool lookups_done(const struct lookups *lookups)
{
    return lookups->pending == 0 || lookups->failed;
}

/* The error of the failed look-up, at the place of the spec. */
static int refuse(const struct listen_spec *spec, const struct error *cause, struct error *err)
{
    config_refuse(spec->config, spec->place, err, "%s: %s", spec->what, cause->text);
    err->kind = cause->kind;
    err->code = cause->code;
    if (cause->kind == ERROR_DNS && cause->code != 0 && endpoint_host_is_name(spec->endpoint->host))
        error_advise(err, "check the name and this host's name servers, or use an address");
    return -1;
}

int lookups_take(const struct lookups *lookups, struct error *err)
{
    for (size_t i = 0; i < lookups->plan.count; i++) {
        struct listen_spec *spec = &lookups->plan.specs[i];
        const struct name *name =
            needs_lookup(&lookups->plan, spec) ? find(lookups, spec->endpoint->host) : NULL;
        if (!name)
            continue;
        if (name->result < 0)
            return refuse(spec, &name->error, err);
        spec->addresses = &name->addresses;
    }
    return 0;
}

void lookups_free(struct lookups *lookups)
{
    if (!lookups)
        return;
    for (size_t i = 0; i < lookups->count; i++) {
        struct name *name = &lookups->names[i];
        if (name->lookup) {
            struct lookup *lookup = name->lookup;
            forget(name);
            lookup_abandon(lookup);
        }
        address_list_free(&name->addresses);
    }
    free(lookups->names);
    free(lookups);
}
