/* SPDX-License-Identifier: MIT */
/* Memory that is short as a process makes what it has once does not make it useless for good. */
#include "tls_once.h"

#include <check.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "allocations.h"
#include "suite.h"
#include "tlsecho/tls/dtls_session.h"
#include "tlsecho/tls/tls_context.h"
#include "tlsecho/tls/tls_memory.h"
#include "tlsecho/tls/tls_scratch.h"

static struct error err;

static int no_read(BIO *bio, char *data, int size)
{
    (void)bio, (void)data;
    return -size;
}

static int no_write(BIO *bio, const char *data, int size)
{
    (void)bio, (void)data;
    return -size;
}

static long no_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)command, (void)pointer;
    return number;
}

START_TEST(an_index_is_made_once_there_is_memory)
{
    static atomic_int first, second;
    unsigned n = 0;
    int index;
    do {
        ck_assert_uint_lt(n, 100);
        allocations_fail_after(n++);
        index = tls_once_index(&first, CRYPTO_EX_INDEX_SSL);
        allocations_have_failed();
    } while (index < 0);
    ck_assert_uint_gt(n, 1);
    ck_assert_int_gt(index, 0);
    ck_assert_int_eq(tls_once_index(&first, CRYPTO_EX_INDEX_SSL), index);
    ck_assert_int_ne(tls_once_index(&second, CRYPTO_EX_INDEX_SSL), index);
}
END_TEST

START_TEST(a_method_is_made_once_there_is_memory)
{
    static const struct tls_once_functions functions = {"none", no_read, no_write, no_ctrl};
    static _Atomic(BIO_METHOD *) once;
    const BIO_METHOD *method;
    unsigned n = 0;
    do {
        allocations_fail_after(n++);
        method = tls_once_method(&once, &functions);
        allocations_have_failed();
    } while (!method);
    ck_assert_uint_gt(n, 1);
    ck_assert_ptr_eq(BIO_meth_get_read(method), no_read);
    ck_assert_ptr_eq(BIO_meth_get_write(method), no_write);
    ck_assert_ptr_eq(BIO_meth_get_ctrl(method), no_ctrl);
    ck_assert_ptr_eq(tls_once_method(&once, &functions), method);
}
END_TEST

START_TEST(a_scratch_is_made_once_there_is_memory)
{
    struct tls_scratch *scratch;
    unsigned n = 0;
    do {
        allocations_fail_after(n++);
        scratch = tls_scratch_new();
        allocations_have_failed();
    } while (!scratch);
    ck_assert_uint_gt(n, 1);
    tls_scratch_free(scratch);
}
END_TEST

START_TEST(a_session_of_dtls_is_made_once_there_is_memory)
{
    struct tls_context *ctx;
    struct dtls_session *session;
    unsigned n = 0;
    int result;
    ck_assert_int_eq(tls_context_new_dtls(TLS_CLIENT, &ctx, &err), 0);
    const struct dtls_session_options options = {.ctx = ctx, .server_name = "localhost"};
    do {
        allocations_fail_after(n++);
        result = dtls_session_new(&options, &session, &err);
        allocations_have_failed();
        if (result < 0)
            ck_assert_msg(err.code == ENOMEM, "%u: %s", n, err.text);
        ck_assert_uint_lt(n, 1000);
    } while (result < 0);
    ck_assert_uint_gt(n, 1);
    dtls_session_free(session);
    tls_context_free(ctx);
}
END_TEST

int main(void)
{
    tls_memory_watch();
    OPENSSL_init_ssl(0, NULL); /* what OpenSSL itself makes once, with success or not, is there */
    BIO_get_new_index();
    Suite *suite = suite_create("tls_once");
    TCase *tcase = tcase_create("tls_once");
    tcase_add_test(tcase, an_index_is_made_once_there_is_memory);
    tcase_add_test(tcase, a_method_is_made_once_there_is_memory);
    tcase_add_test(tcase, a_scratch_is_made_once_there_is_memory);
    tcase_add_test(tcase, a_session_of_dtls_is_made_once_there_is_memory);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
