/* SPDX-License-Identifier: MIT */
/* What the BIO does without memory: it fails one direction of its connection, and no other. */
#include "tls_bio.h"

#include <check.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "allocations.h"
#include "suite.h"
#include "tlsecho/tls/tls_memory.h"
#include "tlsecho/tls/tls_scratch.h"

static int fds[2]; /* the peer's and ours */
static struct tls_scratch *scratch;
static struct tls_bio wire;
static BIO *bio;
static char data[16];
static long left_before;

static void set_up(void)
{
    left_before = allocations_left();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    scratch = tls_scratch_new();
    tls_bio_init(&wire, fds[1], scratch);
    bio = tls_bio_bio(&wire);
}

static void tear_down(void)
{
    BIO_free(bio);
    tls_bio_done(&wire);
    tls_scratch_free(scratch);
    close(fds[0]);
    close(fds[1]);
    ck_assert_int_eq(allocations_left(), left_before);
}

static void begin(void)
{
    tls_bio_begin(&wire, sizeof data);
}

/* The next allocation of that operation fails. */
static void lean(void (*operation)(struct tls_bio *))
{
    allocations_fail_after(0);
    operation(&wire);
    ck_assert(allocations_have_failed());
}

static void peer_sends(const char *text)
{
    ck_assert_int_eq(write(fds[0], text, strlen(text)), (ssize_t)strlen(text));
}

static void input_has_failed(void)
{
    ck_assert_int_eq(wire.in_end, IO_FAILED);
    ck_assert_int_eq(wire.in_errno, ENOMEM);
    ck_assert_uint_eq(wire.in_n, 0);
    begin();
    ck_assert_int_eq(BIO_read(bio, data, sizeof data), -1);
    ck_assert_int_eq(tls_bio_discard(&wire), IO_FAILED);
    ck_assert(tls_bio_put(&wire, "x", 1)); /* the other direction goes on */
    ck_assert_int_eq(tls_bio_flush(&wire), IO_OK);
    tls_bio_end(&wire);
}

START_TEST(a_scratch_that_cannot_be_made_is_null)
{
    struct tls_scratch *made = NULL;
    for (unsigned n = 0; n < 2; n++) {
        long left = allocations_left();
        allocations_fail_after(n);
        made = tls_scratch_new();
        ck_assert(allocations_have_failed());
        ERR_clear_error();
        ck_assert_ptr_null(made);
        ck_assert_int_eq(allocations_left(), left);
    }
}
END_TEST

START_TEST(input_that_cannot_be_kept_fails)
{
    peer_sends("hello");
    begin();
    ck_assert_int_eq(BIO_read(bio, data, 1), 1);
    lean(tls_bio_end);
    input_has_failed();
}
END_TEST

START_TEST(input_that_cannot_be_gathered_fails)
{
    peer_sends("hello");
    begin();
    ck_assert_int_eq(BIO_read(bio, data, 1), 1);
    tls_bio_end(&wire);
    peer_sends("more");
    begin();
    lean(tls_bio_gather);
    tls_bio_end(&wire);
    input_has_failed();
}
END_TEST

static void output_has_failed(void)
{
    ck_assert_int_eq(wire.out_end, IO_FAILED);
    ck_assert_int_eq(wire.out_errno, ENOMEM);
    ck_assert_uint_eq(wire.out_n, 0);
    begin();
    ck_assert(tls_bio_put(&wire, "x", 1));
    ck_assert_int_eq(tls_bio_flush(&wire), IO_FAILED);
    tls_bio_end(&wire);
    ck_assert_int_eq(read(fds[0], data, sizeof data), -1); /* no gap in the stream */
    peer_sends("hello");
    begin();
    ck_assert_int_eq(BIO_read(bio, data, sizeof data), 5);
    tls_bio_end(&wire);
}

START_TEST(output_that_cannot_be_kept_fails)
{
    begin();
    ck_assert(tls_bio_put(&wire, "hello", 5));
    lean(tls_bio_end);
    output_has_failed();
}
END_TEST

START_TEST(output_that_cannot_be_added_to_what_is_kept_fails)
{
    begin();
    ck_assert(tls_bio_put(&wire, "hello", 5));
    tls_bio_end(&wire);
    begin();
    allocations_fail_after(0);
    bool taken = tls_bio_put(&wire, "more", 4);
    ck_assert(allocations_have_failed());
    ck_assert(taken); /* as what is put behind it: the flush returns the error */
    tls_bio_end(&wire);
    output_has_failed();
}
END_TEST

int main(void)
{
    tls_memory_watch(); /* OpenSSL's allocations are ours */
    /* What is made once in a process, or a thread. */
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
    ERR_clear_error();
    tls_scratch_free(tls_scratch_new());
    Suite *suite = suite_create("tls_bio_allocations");
    TCase *tcase = tcase_create("tls_bio_allocations");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_scratch_that_cannot_be_made_is_null);
    tcase_add_test(tcase, input_that_cannot_be_kept_fails);
    tcase_add_test(tcase, input_that_cannot_be_gathered_fails);
    tcase_add_test(tcase, output_that_cannot_be_kept_fails);
    tcase_add_test(tcase, output_that_cannot_be_added_to_what_is_kept_fails);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
