/* SPDX-License-Identifier: MIT */
/* A DTLS transport has its session, also one that cannot be made. */
#include <check.h>
#include <errno.h>
#include <openssl/err.h>

#include "allocations.h"
#include "suite.h"
#include "tlsecho/tls/dtls_session.h"
#include "tlsecho/tls/tls_context.h"
#include "tlsecho/tls/tls_memory.h"
#include "tlsecho/tls/transport_dtls.h"

static struct tls_context *context;
static struct transport_dtls_path path;
static struct transport *transport;
static struct error err;

static long left(void)
{
    ERR_clear_error(); /* holds texts */
    return allocations_left();
}

static struct dtls_session *new_session(void)
{
    struct dtls_session *ret;
    const struct dtls_session_options options = {.ctx = context, .server_name = "localhost"};
    ck_assert_int_eq(dtls_session_new(&options, &ret, &err), 0);
    return ret;
}

START_TEST(frees_its_session)
{
    ck_assert_int_eq(tls_context_new_dtls(TLS_CLIENT, &context, &err), 0);
    dtls_session_free(new_session()); /* makes what a process has once */
    long before = left();
    ck_assert_int_eq(transport_dtls_new(new_session(), &path, &transport, &err), 0);
    ck_assert_int_gt(left(), before);
    transport_free(transport);
    ck_assert_int_eq(left(), before);

    struct dtls_session *session = new_session();
    allocations_fail_after(0);
    ck_assert_int_eq(transport_dtls_new(session, &path, &transport, &err), -1);
    ck_assert(allocations_have_failed());
    ck_assert_int_eq(err.code, ENOMEM);
    ck_assert_int_eq(left(), before);
    tls_context_free(context);
}
END_TEST

int main(void)
{
    tls_memory_watch();
    Suite *suite = suite_create("transport_dtls_allocations");
    TCase *tcase = tcase_create("transport_dtls_allocations");
    tcase_add_test(tcase, frees_its_session);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
