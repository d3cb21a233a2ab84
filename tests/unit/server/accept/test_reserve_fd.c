/* SPDX-License-Identifier: MIT */
#include "reserve_fd.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loopback.h"
#include "suite.h"
#include "talk.h"

static struct address address;
static int listening;
static struct reserve_fd reserve;
static struct rlimit usual;

static void set_up(void)
{
    address = loopback_address("tcp://127.0.0.1:0");
    listening = loopback_listen(&address, 8);
    fcntl(listening, F_SETFL, O_NONBLOCK);
    reserve = (struct reserve_fd){.fd = -1};
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
}

static void tear_down(void)
{
    reserve_fd_close(&reserve);
    close(listening);
}

/* No descriptor beyond those that are open. */
static void exhaust(void)
{
    int lowest_free = dup(listening);
    close(lowest_free);
    struct rlimit none = {.rlim_cur = (rlim_t)lowest_free, .rlim_max = usual.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
}

START_TEST(refuses_one_after_the_other_when_there_is_no_other_descriptor)
{
    int clients[] = {loopback_connect(&address), loopback_connect(&address)};
    reserve_fd_open(&reserve);
    exhaust();
    struct address source;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(reserve_fd_refuse(&reserve, listening, &source), 0);
        ck_assert_int_eq(source.any.sa_family, AF_INET);
        ck_assert_int_ge(reserve.fd, 0);
        talk_ends(clients[i]);
    }
    ck_assert_int_eq(reserve_fd_refuse(&reserve, listening, &source), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_ge(reserve.fd, 0);
    for (int i = 0; i < 2; i++)
        close(clients[i]);
}
END_TEST

START_TEST(a_lost_descriptor_is_reopened_as_soon_as_one_is_free)
{
    int client = loopback_connect(&address);
    exhaust();
    struct address source;
    reserve_fd_open(&reserve);
    ck_assert_int_eq(reserve.fd, -1);
    ck_assert_int_eq(reserve_fd_refuse(&reserve, listening, &source), -1);
    ck_assert_int_eq(errno, EMFILE);

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
    reserve_fd_open(&reserve);
    int first = reserve.fd;
    ck_assert_int_ge(first, 0);
    reserve_fd_open(&reserve);
    ck_assert_int_eq(reserve.fd, first);
    close(client);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reserve");
    TCase *tcase = tcase_create("reserve");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, refuses_one_after_the_other_when_there_is_no_other_descriptor);
    tcase_add_test(tcase, a_lost_descriptor_is_reopened_as_soon_as_one_is_free);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
