/* SPDX-License-Identifier: MIT */
/* A plain transport that cannot be made closes its descriptor; one that could frees all it has. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "allocations.h"
#include "suite.h"
#include "tlsecho/net/transport.h"

START_TEST(without_memory_it_closes_its_descriptor)
{
    struct error err;
    struct transport *transport;
    int kept = open("/dev/null", O_RDWR | O_CLOEXEC), lost = fcntl(kept, F_DUPFD_CLOEXEC, 0);
    long before = allocations_left();
    ck_assert_int_eq(transport_tcp_new(kept, &transport, &err), 0);
    transport_free(transport);
    ck_assert_int_eq(allocations_left(), before);
    allocations_fail_after(0);
    ck_assert_int_eq(transport_tcp_new(lost, &transport, &err), -1);
    ck_assert(allocations_have_failed());
    ck_assert_int_eq(err.code, ENOMEM);
    ck_assert_int_eq(fcntl(lost, F_GETFD), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transport_tcp_allocations");
    TCase *tcase = tcase_create("transport_tcp_allocations");
    tcase_add_test(tcase, without_memory_it_closes_its_descriptor);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
