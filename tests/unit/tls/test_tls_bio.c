/* SPDX-License-Identifier: MIT */
/* What the BIO makes of each result of recv(2) and send(2), which are replaced here. */
#include "tls_bio.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "scripted_call.h"
#include "suite.h"
#include "tlsecho/tls/tls_scratch.h"

enum {
    FD = 1000,
    SCRATCH_IN = 64 * 1024,
    SCRATCH_OUT = 4 * (TLS_RECORD_BYTES + TLS_RECORD_OVERHEAD),
    STREAM = 2 * SCRATCH_OUT,
};

static struct scripted_call receives, sends;
static struct tls_scratch *scratch;
static struct tls_bio wire;
static BIO *bio;
static unsigned char sent[STREAM], read_back[STREAM];
static size_t sent_n, received_n;

static unsigned char byte_at(size_t place)
{
    return (unsigned char)(place ^ place >> 7);
}

/* result: bytes, or the errno, negative. */
static void expect(struct scripted_call *call, ssize_t result)
{
    scripted_call_expect(call, result < 0 ? -1 : result, result < 0 ? (int)-result : 0);
}

ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    ck_assert_int_eq(fd, FD);
    ssize_t n = scripted_call_make(&receives, size, flags);
    for (ssize_t i = 0; i < n; i++)
        ((unsigned char *)buffer)[i] = byte_at(received_n++);
    return n;
}

ssize_t send(int fd, const void *buffer, size_t size, int flags)
{
    ck_assert_int_eq(fd, FD);
    ssize_t n = scripted_call_make(&sends, size, flags);
    if (n > 0) {
        memcpy(sent + sent_n, buffer, (size_t)n);
        sent_n += (size_t)n;
    }
    return n;
}

static void set_up(void)
{
    memset(&receives, 0, sizeof receives);
    memset(&sends, 0, sizeof sends);
    sent_n = received_n = 0;
    scratch = tls_scratch_new();
    tls_bio_init(&wire, FD, scratch);
    bio = tls_bio_bio(&wire);
    ck_assert_ptr_nonnull(bio);
}

static void tear_down(void)
{
    scripted_call_check(&receives);
    scripted_call_check(&sends);
    BIO_free(bio);
    tls_bio_done(&wire);
    tls_scratch_free(scratch);
}

/* OpenSSL reads, and gets n bytes from that place of the stream. */
static void reads(size_t size, size_t place, size_t n)
{
    ck_assert_int_eq(BIO_read(bio, read_back, (int)size), (int)n);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(read_back[i], byte_at(place + i));
}

static void reads_nothing(void)
{
    ck_assert_int_eq(BIO_read(bio, read_back, 1), -1);
    ck_assert(BIO_should_read(bio));
    ck_assert(BIO_should_retry(bio));
}

/* n bytes of the stream, from that place. */
static bool put(size_t place, size_t n)
{
    static unsigned char data[STREAM];
    for (size_t i = 0; i < n; i++)
        data[i] = byte_at(place + i);
    return tls_bio_put(&wire, data, n);
}

static void has_sent(size_t n)
{
    ck_assert_uint_eq(sent_n, n);
    ck_assert_uint_eq(wire.sent_bytes, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(sent[i], byte_at(i));
}

START_TEST(receives_once_in_an_operation_and_no_more_than_it_may)
{
    expect(&receives, 40);
    tls_bio_begin(&wire, 100);
    ck_assert_ptr_eq(tls_bio_current(bio), &wire);
    reads(10, 0, 10);
    ck_assert_uint_eq(receives.size, 100);
    ck_assert_int_eq(receives.flags, 0);
    reads(100, 10, 30);
    reads_nothing();
    tls_bio_end(&wire);
    ck_assert_uint_eq(wire.received_bytes, 40);

    tls_bio_begin(&wire, 0);
    reads_nothing();
    tls_bio_end(&wire);

    expect(&receives, 1);
    tls_bio_begin(&wire, SIZE_MAX);
    reads(10, 40, 1);
    ck_assert_uint_eq(receives.size, SCRATCH_IN);
    ck_assert(!BIO_should_retry(bio));
    tls_bio_end(&wire);
    ck_assert_uint_eq(wire.received_bytes, 41);
}
END_TEST

START_TEST(keeps_what_is_not_read_and_receives_behind_it)
{
    expect(&receives, 40);
    tls_bio_begin(&wire, 100);
    reads(10, 0, 10);
    tls_bio_end(&wire);
    ck_assert_uint_eq(wire.in_n, 30);
    tls_bio_begin(&wire, 100);
    reads(5, 10, 5);
    tls_bio_end(&wire); /* as it is kept already */
    tls_bio_begin(&wire, 100);
    expect(&receives, 7);
    reads(100, 15, 25);
    reads(100, 40, 7);
    tls_bio_end(&wire);
    ck_assert_ptr_null(wire.in_kept);
    ck_assert_ptr_null(wire.in);
}
END_TEST

START_TEST(keeps_what_it_has_from_the_next_connection_of_the_scratch)
{
    struct tls_bio other;
    tls_bio_init(&other, FD, scratch);
    expect(&receives, 10);
    expect(&receives, 10);
    expect(&receives, 10);
    tls_bio_begin(&wire, 100);
    reads(7, 0, 7);
    tls_bio_end(&wire);
    tls_bio_begin(&wire, 100);
    reads(3, 7, 3); /* what was kept */
    reads(4, 10, 4);
    tls_bio_end(&wire);
    tls_bio_begin(&other, 100);
    reads(10, 20, 10);
    tls_bio_end(&other);
    tls_bio_begin(&wire, 0);
    reads(6, 14, 6);
    tls_bio_end(&wire);
    tls_bio_done(&other);
}
END_TEST

START_TEST(gathers_in_one_piece)
{
    expect(&receives, 6);
    tls_bio_begin(&wire, 100);
    tls_bio_gather(&wire);
    ck_assert_uint_eq(wire.in_n, 6);
    tls_bio_end(&wire);
    expect(&receives, 4);
    tls_bio_begin(&wire, 100);
    tls_bio_gather(&wire);
    ck_assert_uint_eq(wire.in_n, 10);
    for (size_t i = 0; i < 10; i++)
        ck_assert_uint_eq(wire.in[i], byte_at(i));
    reads(3, 0, 3);
    tls_bio_end(&wire);
    expect(&receives, 500);
    tls_bio_begin(&wire, 1000);
    tls_bio_gather(&wire);
    ck_assert_uint_eq(receives.size, 1000);
    tls_bio_end(&wire);
    expect(&receives, -EAGAIN);
    tls_bio_begin(&wire, 1000);
    tls_bio_gather(&wire);
    reads(1000, 3, 507);
    tls_bio_end(&wire);
}
END_TEST

static const struct {
    int code; /* 0 = FIN */
    enum io_status end;
} ends[] = {{0, IO_CUT}, {ECONNRESET, IO_RESET}, {ETIMEDOUT, IO_RESET}, {ENOMEM, IO_FAILED}};

START_TEST(remembers_how_the_input_ended)
{
    expect(&receives, -EINTR);
    expect(&receives, -EAGAIN);
    tls_bio_begin(&wire, 100);
    reads_nothing();
    ck_assert_int_eq(wire.in_end, IO_OK);
    tls_bio_end(&wire);

    expect(&receives, -EINTR);
    expect(&receives, -EINTR);
    expect(&receives, -ends[_i].code);
    for (int i = 0; i < 3; i++) { /* and does not ask again */
        tls_bio_begin(&wire, 100);
        reads_nothing();
        tls_bio_end(&wire);
        ck_assert_int_eq(wire.in_end, ends[_i].end);
        ck_assert_int_eq(wire.in_errno, ends[_i].code);
        tls_bio_begin(&wire, 100);
        ck_assert_int_eq(tls_bio_discard(&wire), ends[_i].end);
        tls_bio_end(&wire);
    }
    ck_assert_uint_eq(wire.received_bytes, 0);
    ck_assert_int_eq(wire.out_end, IO_OK);
}
END_TEST

START_TEST(a_fin_behind_a_reset_is_the_reset)
{
    expect(&sends, -EPIPE);
    expect(&receives, 0);
    tls_bio_begin(&wire, 100);
    ck_assert(put(0, 1));
    ck_assert_int_eq(tls_bio_flush(&wire), IO_RESET);
    reads_nothing();
    ck_assert_int_eq(wire.in_end, IO_RESET);
    ck_assert_int_eq(wire.in_errno, EPIPE);
    tls_bio_end(&wire);
}
END_TEST

START_TEST(remembers_the_first_bytes_that_were_read)
{
    expect(&receives, 20);
    tls_bio_begin(&wire, 100);
    reads(3, 0, 3);
    ck_assert_uint_eq(wire.first_n, 3);
    reads(100, 3, 17);
    ck_assert_uint_eq(wire.first_n, TLS_BIO_FIRST_BYTES);
    for (size_t i = 0; i < TLS_BIO_FIRST_BYTES; i++)
        ck_assert_uint_eq(wire.first[i], byte_at(i));
    tls_bio_end(&wire);
}
END_TEST

START_TEST(returns_no_data_while_it_is_stopped)
{
    expect(&receives, 20);
    tls_bio_begin(&wire, 100);
    reads(1, 0, 1);
    tls_bio_stop(&wire);
    reads_nothing();
    tls_bio_end(&wire);
    tls_bio_begin(&wire, 100);
    reads_nothing();
    tls_bio_go_on(&wire);
    reads(100, 1, 19);
    tls_bio_stop(&wire);
    reads_nothing();
    tls_bio_end(&wire);

    expect(&receives, 20);
    tls_bio_begin(&wire, 1);
    ck_assert_int_eq(tls_bio_discard(&wire), IO_WANT_READ);
    ck_assert_uint_eq(receives.size, SCRATCH_IN);
    ck_assert_uint_eq(wire.in_n, 0);
    tls_bio_end(&wire);
}
END_TEST

START_TEST(sends_what_was_put_at_once_and_in_order)
{
    tls_bio_begin(&wire, 0);
    ck_assert_int_eq(tls_bio_flush(&wire), IO_OK); /* without a call */
    ck_assert(put(0, 6));
    ck_assert(put(6, 4));
    expect(&sends, -EINTR);
    expect(&sends, 4);
    ck_assert_int_eq(tls_bio_flush(&wire), IO_WANT_WRITE);
    ck_assert_uint_eq(sends.size, 10);
    ck_assert_int_eq(sends.flags, MSG_NOSIGNAL);
    ck_assert(put(10, 1)); /* behind the rest, in the scratch */
    tls_bio_end(&wire);
    ck_assert_uint_eq(wire.out_n, 7);

    tls_bio_begin(&wire, 0);
    ck_assert(put(11, 5000)); /* behind what is kept */
    expect(&sends, -EAGAIN);
    ck_assert_int_eq(tls_bio_flush(&wire), IO_WANT_WRITE);
    ck_assert_uint_eq(sends.size, 5007);
    tls_bio_end(&wire);
    tls_bio_begin(&wire, 0);
    expect(&sends, 2);
    ck_assert_int_eq(tls_bio_flush(&wire), IO_WANT_WRITE);
    tls_bio_end(&wire);
    tls_bio_begin(&wire, 0);
    expect(&sends, 5005);
    ck_assert_int_eq(tls_bio_flush_last(&wire), IO_OK);
    ck_assert_int_eq(sends.flags, MSG_NOSIGNAL | MSG_MORE);
    ck_assert_ptr_null(wire.out_kept);
    ck_assert_uint_eq(wire.out_n, 0);
    tls_bio_end(&wire);
    has_sent(5011);
}
END_TEST

START_TEST(takes_no_more_than_fits)
{
    static const unsigned char byte;
    enum { LAST_RECORD = SCRATCH_OUT - TLS_RECORD_BYTES - TLS_RECORD_OVERHEAD };
    tls_bio_begin(&wire, 0);
    ck_assert(put(0, LAST_RECORD));
    ck_assert(tls_bio_has_room(&wire));
    ck_assert_int_eq(BIO_write(bio, (unsigned char[]){byte_at(LAST_RECORD)}, 1), 1);
    ck_assert(!tls_bio_has_room(&wire));
    ck_assert(put(LAST_RECORD + 1, SCRATCH_OUT - LAST_RECORD - 1));
    ck_assert(!put(0, 1));
    ck_assert_uint_eq(wire.out_n, SCRATCH_OUT);
    ck_assert_int_eq(BIO_write(bio, &byte, 1), -1);
    ck_assert(BIO_should_write(bio));
    ck_assert(BIO_should_retry(bio));
    tls_bio_end(&wire);
    tls_bio_begin(&wire, 0);
    ck_assert(!put(0, 1)); /* nor if it is kept */
    expect(&sends, SCRATCH_OUT);
    ck_assert_int_eq(tls_bio_flush(&wire), IO_OK);
    ck_assert_int_eq(BIO_write(bio, &byte, 1), 1);
    ck_assert(!BIO_should_retry(bio));
    expect(&sends, 1);
    ck_assert_int_eq(tls_bio_flush(&wire), IO_OK);
    tls_bio_end(&wire);
    ck_assert_uint_eq(wire.sent_bytes, SCRATCH_OUT + 1);
}
END_TEST

START_TEST(drops_the_output_once_it_cannot_be_sent)
{
    static const unsigned char byte;
    enum io_status end = ends[_i].end;
    tls_bio_begin(&wire, 0);
    ck_assert(put(0, 10));
    if (_i % 2 == 0) { /* kept before, or not */
        tls_bio_end(&wire);
        tls_bio_begin(&wire, 0);
    }
    expect(&sends, -ends[_i].code);
    ck_assert_int_eq(tls_bio_flush(&wire), end);
    ck_assert_int_eq(wire.out_errno, ends[_i].code);
    ck_assert_uint_eq(wire.out_n, 0);
    ck_assert(put(10, 10));
    ck_assert_int_eq(BIO_write(bio, &byte, 1), 1);
    ck_assert_uint_eq(wire.out_n, 0);
    ck_assert_int_eq(tls_bio_flush(&wire), end); /* without another call */
    tls_bio_end(&wire);
    ck_assert_ptr_null(wire.out_kept);
    ck_assert_uint_eq(wire.sent_bytes, 0);
    ck_assert_int_eq(wire.in_end, IO_OK);
}
END_TEST

START_TEST(is_a_source_and_sink_that_flushes_and_does_nothing_else)
{
    ck_assert_int_ne(BIO_method_type(bio) & BIO_TYPE_SOURCE_SINK, 0);
    ck_assert_int_eq(BIO_flush(bio), 1);
    ck_assert_int_eq((int)BIO_ctrl_pending(bio), 0);
    ck_assert_int_eq(BIO_eof(bio), 0);
    tls_scratch_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_bio");
    TCase *tcase = tcase_create("in");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, receives_once_in_an_operation_and_no_more_than_it_may);
    tcase_add_test(tcase, keeps_what_is_not_read_and_receives_behind_it);
    tcase_add_test(tcase, keeps_what_it_has_from_the_next_connection_of_the_scratch);
    tcase_add_test(tcase, gathers_in_one_piece);
    tcase_add_loop_test(tcase, remembers_how_the_input_ended, 0, sizeof ends / sizeof *ends);
    tcase_add_test(tcase, a_fin_behind_a_reset_is_the_reset);
    tcase_add_test(tcase, remembers_the_first_bytes_that_were_read);
    tcase_add_test(tcase, returns_no_data_while_it_is_stopped);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("out");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, sends_what_was_put_at_once_and_in_order);
    tcase_add_test(tcase, takes_no_more_than_fits);
    tcase_add_loop_test(tcase, drops_the_output_once_it_cannot_be_sent, 1,
                        sizeof ends / sizeof *ends);
    tcase_add_test(tcase, is_a_source_and_sink_that_flushes_and_does_nothing_else);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
