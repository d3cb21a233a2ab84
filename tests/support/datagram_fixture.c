/* SPDX-License-Identifier: MIT */
#include "datagram_fixture.h"

#include <check.h>

void datagram_fixture_init(struct datagram_fixture *ret)
{
    struct error err;
    struct datagram_fixture f = {.metrics = metrics_shard_new()};
    bool made = f.metrics && reactor_new(&f.reactor, &err) == 0 &&
                admission_new(&f.admission, &err) == 0 && stamp_sessions_new(&f.stamp, &err) == 0;
    const struct datagram_place place = {
        .reactor = f.reactor, .metrics = f.metrics, .admission = f.admission, .stamp = f.stamp};
    if (!made || datagram_server_new(&place, &f.server, &err) < 0)
        ck_abort_msg("a datagram server");
    *ret = f;
}

void datagram_fixture_done(struct datagram_fixture *fixture)
{
    datagram_server_free(fixture->server);
    stamp_sessions_free(fixture->stamp);
    admission_free(fixture->admission);
    metrics_shard_free(fixture->metrics);
    reactor_free(fixture->reactor);
    *fixture = (struct datagram_fixture){.server = NULL};
}
