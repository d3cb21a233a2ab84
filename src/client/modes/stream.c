/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include "tlsecho/client/output_session.h"
#include "tlsecho/client/output_stream.h"
#include "tlsecho/client/session.h"

void stream_run(const struct options *options,
                void (*talk)(struct exchange *x, const struct options *options,
                             struct outcome *ret),
                struct outcome *ret)
{
    struct target target;
    struct session session;
    struct exchange exchange = {0};
    struct error err = {.alert = -1};

    target_init(&target, options, &options->endpoint);
    session_init(&session, &target);
    bool opened = session_open(&session, &err) == 0;
    output_session(options, &session);
    if (!opened)
        outcome_fail_to_open(ret, session.phase, &err, options);
    else if (exchange_init(&exchange, session.transport, options->expect, &err) < 0)
        outcome_fail(ret, PHASE_LOCAL, &err);
    else
        talk(&exchange, options, ret);
    const char *remedy = opened ? exchange_remedy(&exchange, ret) : NULL;
    if (remedy)
        outcome_advise(ret, remedy);

    session_keep(&session, ret);
    if (exchange.first_sent_us && exchange.first_echo_us >= exchange.first_sent_us)
        session.phase_us[PHASE_ECHO] = exchange.first_echo_us - exchange.first_sent_us;
    output_stream(options, &session, &exchange, ret);
    exchange_done(&exchange);
    session_close(&session);
    target_done(&target);
}
