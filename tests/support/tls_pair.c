/* SPDX-License-Identifier: MIT */
#include "tls_pair.h"

#include <check.h>

struct tls_context *client_context, *server_context;
struct pair pair;
int fds[2];

void tls_pair_set_up(void)
{
    pair_contexts(&client_context, &server_context);
    pair_sockets(false, fds);
}

void tls_pair_tear_down(void)
{
    pair_done(&pair);
    pair = (struct pair){0};
    tls_context_free(client_context);
    tls_context_free(server_context);
}

void tls_pair_make(void)
{
    pair_tls(&pair, fds, client_context, server_context, "localhost");
}

void tls_pair_make_with(const char *version)
{
    struct error err;
    ck_assert_int_eq(tls_context_set_versions(server_context, version, version, &err), 0);
    tls_pair_make();
}

void tls_pair_connect(const char *version)
{
    tls_pair_make_with(version);
    pair_connect(&pair);
}
