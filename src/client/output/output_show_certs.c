/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/output_show_certs.h"

#include <stdio.h>

#include "output_json.h"
#include "tlsecho/client/output.h"
#include "tlsecho/client/session_peer.h"
#include "tlsecho/tls/tls_chain.h"

static int print_chain(const struct tls_chain *chain, struct error *err)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct tls_chain_certificate *shown = &chain->certificates[i];
        printf("%2zu s:%s\n   i:%s\n%s", i, shown->about.subject, shown->about.issuer, shown->pem);
    }
    return output_flush(err);
}

int output_show_certs_chain(const struct session *session, struct error *err)
{
    struct tls_chain chain;
    if (session_peer_chain(session, &chain, err) < 0)
        return -1;
    int result = print_chain(&chain, err);
    tls_chain_done(&chain);
    return result;
}

void output_show_certs(const struct options *options, const struct session *session,
                       const struct outcome *outcome)
{
    if (options->json)
        output_json_print(output_json_new(options, session, outcome), output_json_stream(options));
    else
        output_failure(outcome);
}
