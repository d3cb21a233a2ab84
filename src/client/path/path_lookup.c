/* SPDX-License-Identifier: MIT */
#include "path_lookup.h"

#include <stdio.h>
#include <string.h>

void path_lookup_add(struct path_lookup *l, const struct path_peer *peer, enum result result,
                     const char *reason)
{
    char endpoint[ENDPOINT_TEXT_BYTES];
    size_t used = strlen(l->reasons);
    endpoint_text(peer->about->endpoint, endpoint);
    snprintf(l->reasons + used, sizeof l->reasons - used, "%s%s: %s", used ? "; " : "", endpoint,
             reason);
    if (l->result == RESULT_OK)
        l->result = result;
}

bool path_lookup_is_refusal(const struct error *err)
{
    return err->kind == ERROR_CLIENT_CERTIFICATE || err->kind == ERROR_NOT_TLS ||
           (err->kind == ERROR_TLS && err->code == ERROR_CODE_ALERT);
}

void path_lookup_add_error(struct path_lookup *l, const struct path *p,
                           const struct path_peer *peer, const struct error *err)
{
    if (path_lookup_is_refusal(err)) {
        path_lookup_add(l, peer, result_of(p->phase, err), err->text);
        return;
    }
    if (l->failed)
        return;
    char endpoint[ENDPOINT_TEXT_BYTES];
    endpoint_text(peer->about->endpoint, endpoint);
    l->failed = true;
    l->phase = p->phase;
    l->error = *err;
    if (p->verdict->server_count > 1)
        error_prefix(&l->error, "%s", endpoint);
}

bool path_lookup_add_unreached(struct path_lookup *l, const struct path_peer *peer)
{
    if (peer->failed && !l->failed) {
        l->failed = true;
        l->phase = peer->phase;
        l->error = peer->error;
    }
    return peer->failed;
}

int path_lookup_fail(const struct path_lookup *l, struct path *p, const char *remedy,
                     struct error *err)
{
    if (l->failed) {
        p->phase = l->phase;
        *err = l->error;
        return -1;
    }
    path_record_unserved(p, l->result, "%s: %s", remedy, l->reasons);
    return 0;
}
