/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/dial.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "folder.h"
#include "kernel.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/net/socket.h"
#include "tlsecho/net/tcp_stats.h"

/* In the place of the C library's: counts the attempts. */
static size_t attempts;

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    attempts++;
    return (int)syscall(SYS_connect, fd, address, length);
}

/* Likewise; the errno with which it fails, 0 = call the kernel. */
static int poll_fails, polls;

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    polls++;
    errno = poll_fails;
    return poll_fails
               ? -1
               : ppoll(fds, count,
                       timeout_ms < 0 ? NULL
                                      : &(struct timespec){.tv_sec = timeout_ms / 1000,
                                                           .tv_nsec = timeout_ms % 1000 * 1000000L},
                       NULL);
}

/* A socket that is bound to a port but does not listen: connections are refused. */
static int refusing(struct address *address)
{
    struct error err;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, &address->any, address->length), 0);
    ck_assert_int_eq(socket_addresses(fd, NULL, address, &err), 0);
    return fd;
}

/* A listener with a full backlog: the kernel drops every further SYN, as a firewall does. */
static void black_hole(struct address *address, int ret[2])
{
    ret[0] = loopback_listen(address, 0);
    ret[1] = loopback_connect(address);
    struct pollfd full = {.fd = ret[0], .events = POLLIN};
    ck_assert_int_eq(poll(&full, 1, 5000), 1);
}

static void close_both(const int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

static uint64_t in_ms(unsigned ms)
{
    return clock_now_us() + ms * 1000ull;
}

static struct dial_request request_for(const struct address *addresses, size_t count,
                                       uint64_t deadline_us)
{
    return (struct dial_request){
        .addresses = addresses, .count = count, .deadline_us = deadline_us, .stop_fd = -1};
}

static void dial_wins(const struct address *addresses, size_t count, size_t winner)
{
    int fd;
    size_t index;
    struct error err;
    struct address peer;
    struct dial_request request = request_for(addresses, count, in_ms(20000));
    ck_assert_msg(dial(&request, &fd, &index, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(index, winner);
    ck_assert_int_eq(socket_addresses(fd, &peer, NULL, &err), 0);
    ck_assert(address_equal(&peer, &addresses[winner]));
    close(fd);
}

/* expected: the address that the error must name. */
static struct error dial_blames(const struct address *addresses, size_t count, unsigned limit_ms,
                                size_t blamed)
{
    int fd = -7;
    size_t index = 77;
    struct error err;
    char text[ADDRESS_TEXT_BYTES + 16] = "connect to ";
    struct dial_request request = request_for(addresses, count, in_ms(limit_ms));
    ck_assert_int_eq(dial(&request, &fd, &index, &err), -1);
    ck_assert_int_eq(fd, -7);
    ck_assert_uint_eq(index, blamed);
    address_text(&addresses[blamed], text + strlen(text));
    ck_assert_msg(strncmp(err.text, text, strlen(text)) == 0, "%s", err.text);
    return err;
}

static struct error dial_fails(const struct address *address, unsigned limit_ms)
{
    return dial_blames(address, 1, limit_ms, 0);
}

START_TEST(returns_a_socket_that_is_ready_for_use)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int listening = loopback_listen(&address, 8), fd, nodelay;
    size_t index;
    struct error err;
    struct dial_request request = request_for(&address, 1, UINT64_MAX);
    ck_assert_int_eq(dial(&request, &fd, &index, &err), 0);
    socklen_t length = sizeof nodelay;
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &length), 0);
    ck_assert_int_eq(nodelay, 1);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    close(fd);
    close(listening);
}
END_TEST

START_TEST(tries_the_next_address_at_once_when_one_refuses)
{
    /* Waiting 250 ms for each of the forty would take longer than the deadline. */
    enum { REFUSING = 40 };
    struct address addresses[REFUSING + 1];
    int fds[REFUSING], fd;
    size_t index;
    struct error err;
    for (int i = 0; i < REFUSING; i++) {
        addresses[i] = loopback_address("tcp://127.0.0.1:0");
        fds[i] = refusing(&addresses[i]);
    }
    addresses[REFUSING] = loopback_address("tcp://127.0.0.1:0");
    int listening = loopback_listen(&addresses[REFUSING], 8);
    struct dial_request request = request_for(addresses, REFUSING + 1, in_ms(3000));
    ck_assert_int_eq(dial(&request, &fd, &index, &err), 0);
    ck_assert_uint_eq(index, REFUSING);
    close(fd);
    close(listening);
    for (int i = 0; i < REFUSING; i++)
        close(fds[i]);
}
END_TEST

START_TEST(tries_the_next_address_while_one_does_not_answer)
{
    struct address addresses[] = {loopback_address("tcp://127.0.0.1:0"),
                                  loopback_address("tcp://127.0.0.1:0")};
    int hole[2], listening = loopback_listen(&addresses[1], 8);
    black_hole(&addresses[0], hole);
    dial_wins(addresses, 2, 1);
    close(listening);
    close_both(hole);
}
END_TEST

START_TEST(waits_for_a_slow_address_if_the_next_one_refuses)
{
    struct address addresses[] = {loopback_address("tcp://127.0.0.1:0"),
                                  loopback_address("tcp://127.0.0.1:0")};
    int hole[2], fd = refusing(&addresses[1]);
    black_hole(&addresses[0], hole);
    /* Long after the 250 ms at which the next is tried, and before the SYN is sent again. */
    struct error err = dial_blames(addresses, 2, 900, 0);
    ck_assert_int_eq(err.kind, ERROR_TIMEOUT);
    ck_assert_msg(strstr(err.text, "; also tried 127.0.0.1:"), "%s", err.text);
    ck_assert_msg(strstr(err.text, " (Connection refused)"), "%s", err.text);
    close(fd);
    close_both(hole);
}
END_TEST

START_TEST(reports_the_address_that_did_not_answer_not_the_one_that_refused)
{
    struct address addresses[] = {loopback_address("tcp://127.0.0.1:0"),
                                  loopback_address("tcp://127.0.0.1:0")};
    int hole[2], fd = refusing(&addresses[0]);
    black_hole(&addresses[1], hole);
    struct error err = dial_blames(addresses, 2, 400, 1);
    ck_assert_int_eq(err.kind, ERROR_TIMEOUT);
    close(fd);
    close_both(hole);
}
END_TEST

START_TEST(reports_how_often_the_syn_was_sent_and_counts_no_attempt_that_was_not_made)
{
    if (!kernel_has(KERNEL_TCP_INFO))
        return;
    struct address addresses[8];
    int hole[2];
    for (int i = 0; i < 8; i++)
        addresses[i] = loopback_address("tcp://127.0.0.1:0");
    black_hole(&addresses[0], hole);
    for (int i = 1; i < 8; i++)
        addresses[i] = addresses[0];
    attempts = 0;
    struct error err = dial_blames(addresses, 8, 1400, 0); /* the SYN is sent again after 1 s */
    ck_assert_uint_ge(attempts, 5); /* one, three that are named, and more: one each 250 ms */
    ck_assert_uint_lt(attempts, 8);
    char more[32];
    snprintf(more, sizeof more, " and %zu more", attempts - 4);
    ck_assert_int_eq(err.kind, ERROR_UNACKNOWLEDGED);
    ck_assert_msg(strstr(err.text, "the SYN was sent 2 times and never answered"), "%s", err.text);
    ck_assert_msg(strstr(err.text, "(no answer), "), "%s", err.text);
    ck_assert_msg(strstr(err.text, more), "%s", err.text);
    close_both(hole);
}
END_TEST

START_TEST(a_wait_that_fails_is_not_tried_again)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int hole[2];
    black_hole(&address, hole);
    poll_fails = ENOMEM;
    polls = 0;
    struct error err = dial_blames(&address, 1, 5000, 0);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_int_eq(err.code, ENOMEM);
    ck_assert_int_eq(polls, 1);
    close_both(hole);
}
END_TEST

START_TEST(tries_any_number_of_addresses)
{
    enum { MANY = 40 };
    struct address addresses[MANY + 1];
    addresses[0] = loopback_address("tcp://127.0.0.1:0");
    addresses[MANY] = loopback_address("tcp://127.0.0.1:0");
    int fd = refusing(&addresses[0]), listening = loopback_listen(&addresses[MANY], 8);
    for (int i = 1; i < MANY; i++)
        addresses[i] = addresses[0];
    dial_wins(addresses, MANY + 1, MANY);
    close(listening);
    close(fd);
}
END_TEST

START_TEST(alternates_between_address_families)
{
    if (!loopback_has_ipv6())
        return;
    struct address addresses[] = {loopback_address("tcp://127.0.0.1:0"),
                                  loopback_address("tcp://127.0.0.1:0"),
                                  loopback_address("tcp://[::1]:0")};
    int fd = refusing(&addresses[0]);
    int ipv4 = loopback_listen(&addresses[1], 8), ipv6 = loopback_listen(&addresses[2], 8);
    dial_wins(addresses, 3, 2);
    close(ipv6);
    close(ipv4);
    close(fd);
}
END_TEST

START_TEST(stops_at_the_deadline)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int hole[2];
    black_hole(&address, hole);
    struct error err = dial_fails(&address, 100);
    ck_assert_int_eq(err.kind, ERROR_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(err.text, "no answer in time"));
    close_both(hole);
}
END_TEST

START_TEST(prefers_to_report_a_refused_connection)
{
    /* connect(2) to a broadcast address is ENETUNREACH before any packet. */
    struct address refused = loopback_address("tcp://127.0.0.1:0");
    struct address unreachable = loopback_address("tcp://255.255.255.255:7007");
    int fd = refusing(&refused);
    struct address orders[][2] = {{refused, unreachable}, {unreachable, refused}};
    for (int i = 0; i < 2; i++) {
        struct error err = dial_blames(orders[i], 2, 5000, (size_t)i);
        char text[ADDRESS_TEXT_BYTES];
        address_text(&refused, text);
        ck_assert_int_eq(err.kind, ERROR_SYSTEM);
        ck_assert_int_eq(err.code, ECONNREFUSED);
        ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
    }
    struct error err = dial_fails(&unreachable, 5000);
    ck_assert_int_eq(err.code, ENETUNREACH);
    close(fd);
}
END_TEST

START_TEST(binds_to_the_source_first)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    struct address source = loopback_address("tcp://127.0.0.2:0"), own;
    int listening = loopback_listen(&address, 8), fd;
    size_t index;
    struct error err;
    struct dial_request request = request_for(&address, 1, in_ms(5000));
    request.origin = &(struct dial_origin){.source = source};
    ck_assert_int_eq(dial(&request, &fd, &index, &err), 0);
    ck_assert_int_eq(socket_addresses(fd, NULL, &own, &err), 0);
    address_set_port(&own, 0);
    ck_assert(address_equal(&own, &source));
    close(fd);

    source = loopback_address("tcp://[::1]:0");
    request.origin = &(struct dial_origin){.source = source};
    ck_assert_int_eq(dial(&request, &fd, &index, &err), -1);
    ck_assert_int_eq(err.code, EAFNOSUPPORT);
    close(listening);
}
END_TEST

START_TEST(does_not_connect_to_itself)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int holder = refusing(&address), fd;
    size_t index;
    struct error err;
    close(holder);
    struct dial_request request = request_for(&address, 1, in_ms(5000));
    request.origin = &(struct dial_origin){.source = address};
    ck_assert_int_eq(dial(&request, &fd, &index, &err), -1);
    ck_assert_int_eq(err.code, ECONNREFUSED);
}
END_TEST

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *list = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(list);
    while (readdir(list))
        count++;
    closedir(list);
    return count;
}

START_TEST(closes_all_descriptors_except_that_of_the_connection)
{
    struct address addresses[] = {loopback_address("tcp://127.0.0.1:0"),
                                  loopback_address("tcp://127.0.0.1:0"),
                                  loopback_address("tcp://127.0.0.1:0")};
    int hole[2], listening = loopback_listen(&addresses[2], 8), fd = refusing(&addresses[1]);
    black_hole(&addresses[0], hole);
    unsigned before = open_descriptors();
    dial_wins(addresses, 3, 2);
    dial_blames(addresses, 2, 50, 0);
    ck_assert_uint_eq(open_descriptors(), before);
    close(fd);
    close(listening);
    close_both(hole);
}
END_TEST

START_TEST(connects_to_a_unix_socket)
{
    struct folder folder;
    folder_new(&folder);
    struct address address = loopback_path(folder_file(&folder, "socket"));
    int listening = loopback_listen(&address, 8), fd;
    size_t index;
    struct error err;
    struct dial_request request = request_for(&address, 1, in_ms(5000));
    ck_assert_int_eq(dial(&request, &fd, &index, &err), 0);
    ck_assert_uint_eq(index, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    close(fd);
    close(listening);

    ck_assert_int_eq(dial_fails(&address, 5000).code, ECONNREFUSED);
    ck_assert_int_eq(unlink(address.local.sun_path), 0);
    ck_assert_int_eq(dial_fails(&address, 5000).code, ENOENT);
    folder_remove(&folder);
}
END_TEST

START_TEST(waits_for_room_in_the_backlog_of_a_unix_socket)
{
    struct folder folder;
    folder_new(&folder);
    struct address address = loopback_path(folder_file(&folder, "socket"));
    int hole[2];
    black_hole(&address, hole);
    struct error err = dial_fails(&address, 50);
    ck_assert_int_eq(err.kind, ERROR_TIMEOUT);
    close_both(hole);
    folder_remove(&folder);
}
END_TEST

START_TEST(stops_waiting_for_a_full_backlog_when_interrupted)
{
    struct folder folder;
    folder_new(&folder);
    struct address address = loopback_path(folder_file(&folder, "socket"));
    int hole[2], stop[2], fd;
    size_t index;
    struct error err;
    black_hole(&address, hole);
    ck_assert_int_eq(pipe(stop), 0);
    ck_assert_int_eq(write(stop[1], "x", 1), 1);
    struct dial_request request = request_for(&address, 1, UINT64_MAX);
    request.stop_fd = stop[0];
    ck_assert_int_eq(dial(&request, &fd, &index, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INTERRUPTED);
    close_both(stop);
    close_both(hole);
    folder_remove(&folder);
}
END_TEST

START_TEST(stops_waiting_when_interrupted)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int hole[2], stop[2], fd;
    size_t index;
    struct error err;
    black_hole(&address, hole);
    ck_assert_int_eq(pipe(stop), 0);
    ck_assert_int_eq(write(stop[1], "x", 1), 1);
    struct dial_request request = request_for(&address, 1, UINT64_MAX);
    request.stop_fd = stop[0];
    ck_assert_int_eq(dial(&request, &fd, &index, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INTERRUPTED);
    ck_assert_ptr_nonnull(strstr(err.text, ": interrupted"));
    close_both(stop);
    close_both(hole);
}
END_TEST

START_TEST(tries_nothing_after_the_deadline)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int listening = loopback_listen(&address, 8);
    ck_assert_int_eq(dial_fails(&address, 0).kind, ERROR_TIMEOUT);
    close(listening);
    address = loopback_path("/nonexistent/socket");
    ck_assert_int_eq(dial_fails(&address, 0).kind, ERROR_TIMEOUT);
}
END_TEST

static int finished(int fd, const struct address *address, struct error *err)
{
    struct pollfd over = {.fd = fd, .events = POLLOUT};
    ck_assert_int_eq(poll(&over, 1, 5000), 1);
    return dial_finish(fd, address, err);
}

START_TEST(a_single_attempt_never_blocks_and_returns_its_result)
{
    struct address listened = loopback_address("tcp://127.0.0.1:0"), closed = listened;
    int listening = loopback_listen(&listened, 8), held = refusing(&closed), fd;
    struct error err;
    ck_assert_int_eq(dial_begin(&listened, NULL, &fd, &err), 0);
    ck_assert_int_eq(finished(fd, &listened, &err), 0);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    close(fd);

    if (dial_begin(&closed, NULL, &fd, &err) == 0) {
        ck_assert_int_eq(finished(fd, &closed, &err), -1);
        close(fd);
    }
    ck_assert_int_eq(err.code, ECONNREFUSED);
    close(held);
    close(listening);
}
END_TEST

START_TEST(a_source_address_without_a_port_lets_connect_choose_it)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    struct address source = loopback_address("tcp://127.0.0.2:0"), own;
    int listening = loopback_listen(&address, 8), fd, late = 0;
    socklen_t length = sizeof late;
    struct error err;
    ck_assert_int_eq(dial_begin(&address, &(struct dial_origin){.source = source}, &fd, &err), 0);
    ck_assert_int_eq(finished(fd, &address, &err), 0);
    if (kernel_has(KERNEL_LATE_PORT)) {
        ck_assert_int_eq(getsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, &length), 0);
        ck_assert_int_eq(late, 1);
    }
    ck_assert_int_eq(socket_addresses(fd, NULL, &own, &err), 0);
    ck_assert_uint_eq(own.ipv4.sin_addr.s_addr, source.ipv4.sin_addr.s_addr);
    close(fd);
    close(listening);
}
END_TEST

START_TEST(neither_end_sends_larger_segments_than_it_was_told)
{
    if (!kernel_has(KERNEL_TCP_INFO))
        return;
    struct error err;
    struct address address = loopback_address("tcp://127.0.0.1:0");
    struct tcp_stats here, there;
    struct dial_origin origin = {.segment_bytes = 600};
    int fd, listening = loopback_listen(&address, 8);
    struct dial_request request = request_for(&address, 1, in_ms(20000));
    size_t index;
    request.origin = &origin;
    ck_assert_int_eq(dial(&request, &fd, &index, &err), 0);
    int accepted = loopback_accept(listening);
    ck_assert(tcp_stats_read(fd, &here) && tcp_stats_read(accepted, &there));
    ck_assert_uint_le(here.segment_bytes, 600);
    ck_assert_uint_le(there.segment_bytes, 600);
    ck_assert_uint_ge(here.header_bytes, 40);
    close(accepted);
    close(listening);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dial");
    TCase *tcase = tcase_create("dial");
    tcase_add_test(tcase, returns_a_socket_that_is_ready_for_use);
    tcase_add_test(tcase, tries_the_next_address_at_once_when_one_refuses);
    tcase_add_test(tcase, tries_the_next_address_while_one_does_not_answer);
    tcase_add_test(tcase, waits_for_a_slow_address_if_the_next_one_refuses);
    tcase_add_test(tcase, reports_the_address_that_did_not_answer_not_the_one_that_refused);
    tcase_add_test(tcase,
                   reports_how_often_the_syn_was_sent_and_counts_no_attempt_that_was_not_made);
    tcase_add_test(tcase, a_wait_that_fails_is_not_tried_again);
    tcase_add_test(tcase, tries_any_number_of_addresses);
    tcase_add_test(tcase, neither_end_sends_larger_segments_than_it_was_told);
    tcase_add_test(tcase, alternates_between_address_families);
    tcase_add_test(tcase, stops_at_the_deadline);
    tcase_add_test(tcase, prefers_to_report_a_refused_connection);
    tcase_add_test(tcase, binds_to_the_source_first);
    tcase_add_test(tcase, does_not_connect_to_itself);
    tcase_add_test(tcase, closes_all_descriptors_except_that_of_the_connection);
    tcase_add_test(tcase, connects_to_a_unix_socket);
    tcase_add_test(tcase, waits_for_room_in_the_backlog_of_a_unix_socket);
    tcase_add_test(tcase, stops_waiting_when_interrupted);
    tcase_add_test(tcase, stops_waiting_for_a_full_backlog_when_interrupted);
    tcase_add_test(tcase, tries_nothing_after_the_deadline);
    tcase_add_test(tcase, a_single_attempt_never_blocks_and_returns_its_result);
    tcase_add_test(tcase, a_source_address_without_a_port_lets_connect_choose_it);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
