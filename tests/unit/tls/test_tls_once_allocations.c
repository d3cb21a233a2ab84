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
static _Atomic(BIO_METHOD *) contested;
static BIO_METHOD *of_another_thread; /* which is quicker */

/* Replaces OpenSSL's, which is called as a method is made. */
int BIO_get_new_index(void)
{
    static int index = 128;
    if (of_another_thread)
        atomic_store(&contested, of_another_thread);
    return index++;
}

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
        ck_assert(allocations_have_failed() == (index < 0));
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
    static _Atomic(BIO_METHOD *) once, another;
    const BIO_METHOD *method;
    unsigned n = 0;
    do {
        allocations_fail_after(n++);
        method = tls_once_method(&once, &functions);
        ck_assert(allocations_have_failed() == !method);
    } while (!method);
    ck_assert_uint_gt(n, 1);
    ck_assert_ptr_eq(BIO_meth_get_read(method), no_read);
    ck_assert_ptr_eq(BIO_meth_get_write(method), no_write);
    ck_assert_ptr_eq(BIO_meth_get_ctrl(method), no_ctrl);
    ck_assert_ptr_eq(tls_once_method(&once, &functions), method);
    BIO *bio = BIO_new(method), *of_another = BIO_new(tls_once_method(&another, &functions));
    ck_assert_int_ne(BIO_method_type(bio) & BIO_TYPE_SOURCE_SINK, 0);
    ck_assert_int_ne(BIO_method_type(bio), BIO_method_type(of_another));
    BIO_free(of_another);
    BIO_free(bio);
}
END_TEST

START_TEST(all_threads_use_the_same_method)
{
    static const struct tls_once_functions functions = {"none", no_read, no_write, no_ctrl};
    of_another_thread = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "other");
    long before = allocations_left();
    ck_assert_ptr_eq(tls_once_method(&contested, &functions), of_another_thread);
    ck_assert_int_eq(allocations_left(), before);
    of_another_thread = NULL;
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
    Suite *suite = suite_create("tls_once");
    TCase *tcase = tcase_create("tls_once");
    tcase_add_test(tcase, an_index_is_made_once_there_is_memory);
    tcase_add_test(tcase, a_method_is_made_once_there_is_memory);
    tcase_add_test(tcase, all_threads_use_the_same_method);
    tcase_add_test(tcase, a_scratch_is_made_once_there_is_memory);
    tcase_add_test(tcase, a_session_of_dtls_is_made_once_there_is_memory);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
