/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/socket.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "loopback.h"
#include "suite.h"

static int option(int fd, int level, int name)
{
    int value;
    socklen_t length = sizeof value;
    ck_assert_int_eq(getsockopt(fd, level, name, &value, &length), 0);
    return value;
}

static void refused(struct address *address, int code, const char *text)
{
    int fd = -7;
    struct error err;
    const struct socket_listening how = {.backlog = 8};
    ck_assert_int_eq(socket_listen(address, &how, &fd, &err), -1);
    ck_assert_int_eq(fd, -7);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_int_eq(err.code, code);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}

START_TEST(listens_on_a_free_port_and_names_it)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int fd = loopback_listen(&address, 8);
    ck_assert_uint_ne(address_port(&address), 0);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    close(loopback_connect(&address));
    close(fd);
}
END_TEST

START_TEST(refuses_a_second_listener_on_a_port)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int fd = loopback_listen(&address, 8);
    refused(&address, EADDRINUSE,
            ": Address already in use (another program, or another tlsecho-server, holds the "
            "port: stop it, or choose another)");
    close(fd);
}
END_TEST

START_TEST(listens_again_while_connections_are_in_time_wait)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int fd = loopback_listen(&address, 8);
    int client = loopback_connect(&address), server = loopback_accept(fd);
    close(server); /* the end that closes first keeps TIME_WAIT (RFC 9293 §3.6) */
    char byte;
    ck_assert_int_eq(read(client, &byte, 1), 0);
    close(client);
    close(fd);
    close(loopback_listen(&address, 8));
}
END_TEST

START_TEST(names_the_remedy_for_a_low_port)
{
    unsigned lowest;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%u", &lowest), 1);
    fclose(file);
    if (lowest <= 1)
        return; /* every user may, on this system */

    uid_t before = geteuid();
    struct address address = loopback_address("tcp://127.0.0.1:1");
    if (before == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    refused(&address, EACCES, "choose a higher one");
    ck_assert_int_eq(seteuid(before), 0);
}
END_TEST

START_TEST(reports_an_address_that_this_host_does_not_have)
{
    struct address address = loopback_address("tcp://192.0.2.1:0");
    refused(&address, EADDRNOTAVAIL, "no interface of this host has that address");
}
END_TEST

START_TEST(binds_an_address_that_this_host_lacks_on_request)
{
    static const char *const texts[] = {"tcp://192.0.2.1:0", "tcp://[2001:db8::1]:0"};
    struct address address = loopback_address(texts[_i]);
    const struct socket_listening how = {.backlog = 8, .freebind = true};
    struct error err;
    int fd;
    ck_assert_msg(socket_listen(&address, &how, &fd, &err) == 0, "%s", err.text);
    ck_assert_uint_ne(address_port(&address), 0);
    close(fd);
}
END_TEST

START_TEST(accepts_ipv4_on_the_ipv6_wildcard_only)
{
    if (!loopback_has_ipv6())
        return;
    struct address wildcard = loopback_address("tcp://[::]:0");
    int fd = loopback_listen(&wildcard, 8);
    ck_assert_int_eq(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    struct address ipv4 = loopback_address("tcp://127.0.0.1:0");
    address_set_port(&ipv4, address_port(&wildcard));
    int client = loopback_connect(&ipv4), server = loopback_accept(fd);
    struct address peer;
    struct error err;
    ck_assert_int_eq(socket_addresses(server, &peer, NULL, &err), 0);
    address_unmap(&peer);
    ck_assert_int_eq(peer.any.sa_family, AF_INET);
    close(server);
    close(client);
    close(fd);

    struct address loopback = loopback_address("tcp://[::1]:0");
    fd = loopback_listen(&loopback, 8);
    ck_assert_int_eq(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    close(fd);
}
END_TEST

START_TEST(returns_both_addresses_of_a_connection)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int fd = loopback_listen(&address, 8);
    int client = loopback_connect(&address), server = loopback_accept(fd);
    struct address client_peer, client_own, server_peer, server_own;
    struct error err;
    ck_assert_int_eq(socket_addresses(client, &client_peer, &client_own, &err), 0);
    ck_assert_int_eq(socket_addresses(server, &server_peer, &server_own, &err), 0);
    ck_assert(address_equal(&client_peer, &address));
    ck_assert(address_equal(&client_peer, &server_own));
    ck_assert(address_equal(&client_own, &server_peer));
    ck_assert_int_eq(socket_addresses(fd, &client_peer, NULL, &err), -1);
    ck_assert_int_eq(err.code, ENOTCONN);
    close(server);
    close(client);
    close(fd);
}
END_TEST

START_TEST(sets_nodelay_and_keepalive)
{
    static const struct socket_keepalive keepalive = {.idle_s = 7, .interval_s = 5, .probes = 3};
    struct error err;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(socket_set_nodelay(fd, true, &err), 0);
    ck_assert_int_eq(socket_set_keepalive(fd, &keepalive, &err), 0);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    ck_assert_int_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 7);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 5);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
    close(fd);

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(socket_set_nodelay(fd, true, &err), 0);
    ck_assert_int_eq(socket_set_keepalive(fd, &keepalive, &err), 0);
    close(fd);
}
END_TEST

START_TEST(reports_an_option_that_was_refused)
{
    static const struct socket_keepalive keepalive = {.idle_s = 0, .interval_s = 5, .probes = 3};
    struct error err;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(socket_set_keepalive(fd, &keepalive, &err), -1);
    ck_assert_int_eq(err.code, EINVAL);
    close(fd);
    ck_assert_int_eq(socket_set_nodelay(fd, true, &err), -1);
    ck_assert_int_eq(err.code, EBADF);
}
END_TEST

START_TEST(makes_a_unix_socket_for_owner_and_group)
{
    static const mode_t umasks[] = {0, 077};
    struct folder folder;
    folder_new(&folder);
    struct address address = loopback_path(folder_file(&folder, "socket"));
    mode_t before = umask(umasks[_i]);
    int fd = loopback_listen(&address, 8);
    umask(before);
    struct stat status;
    ck_assert_int_eq(stat(address.local.sun_path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0660);
    close(loopback_connect(&address));
    close(fd);
    folder_remove(&folder);
}
END_TEST

START_TEST(replaces_a_stale_unix_socket)
{
    struct folder folder;
    folder_new(&folder);
    struct address address = loopback_path(folder_file(&folder, "socket"));
    close(loopback_listen(&address, 8));
    int fd = loopback_listen(&address, 8);
    close(loopback_connect(&address));
    close(fd);
    folder_remove(&folder);
}
END_TEST

START_TEST(leaves_a_unix_socket_to_its_listener)
{
    struct folder folder;
    folder_new(&folder);
    struct address address = loopback_path(folder_file(&folder, "socket"));
    int fd = loopback_listen(&address, 8);
    refused(&address, EADDRINUSE, "another tlsecho-server, listens on it");
    close(loopback_connect(&address));
    close(fd);
    folder_remove(&folder);
}
END_TEST

START_TEST(leaves_a_unix_socket_to_its_listener_when_its_backlog_is_full)
{
    struct folder folder;
    folder_new(&folder);
    struct address address = loopback_path(folder_file(&folder, "socket"));
    int fd = loopback_listen(&address, 0);
    int waiting = loopback_connect(&address);
    refused(&address, EADDRINUSE, "listens on it");
    close(waiting);
    close(fd);
    folder_remove(&folder);
}
END_TEST

START_TEST(keeps_a_file_that_is_not_a_socket)
{
    struct folder folder;
    folder_new(&folder);
    struct address address = loopback_path(folder_write(&folder, "file", "kept", 4));
    refused(&address, EEXIST, "remove it, or choose another path");
    ck_assert_int_eq(access(address.local.sun_path, F_OK), 0);
    folder_remove(&folder);
}
END_TEST

START_TEST(reports_a_missing_folder)
{
    struct address address = loopback_path("/nonexistent/socket");
    refused(&address, ENOENT, "create it");
}
END_TEST

START_TEST(detects_that_the_peer_has_closed_and_no_input_is_left)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int fd = loopback_listen(&address, 8);
    int client = loopback_connect(&address), server = loopback_accept(fd);
    char byte;
    ck_assert(!socket_has_ended(client));
    ck_assert_int_eq(write(server, "x", 1), 1);
    close(server);
    struct pollfd end = {.fd = client, .events = POLLRDHUP};
    ck_assert_int_eq(poll(&end, 1, 5000), 1);
    ck_assert(!socket_has_ended(client));
    ck_assert_int_eq(read(client, &byte, 1), 1);
    ck_assert(socket_has_ended(client));
    close(client);
    close(fd);
}
END_TEST

START_TEST(sends_rst_instead_of_fin_on_request)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int fd = loopback_listen(&address, 8);
    int client = loopback_connect(&address), server = loopback_accept(fd);
    char byte;
    socket_reset_on_close(client);
    close(client);
    ck_assert_int_eq(read(server, &byte, 1), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    close(server);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("socket");
    TCase *tcase = tcase_create("internet");
    tcase_add_test(tcase, listens_on_a_free_port_and_names_it);
    tcase_add_test(tcase, refuses_a_second_listener_on_a_port);
    tcase_add_test(tcase, listens_again_while_connections_are_in_time_wait);
    tcase_add_test(tcase, names_the_remedy_for_a_low_port);
    tcase_add_test(tcase, reports_an_address_that_this_host_does_not_have);
    tcase_add_loop_test(tcase, binds_an_address_that_this_host_lacks_on_request, 0, 2);
    tcase_add_test(tcase, accepts_ipv4_on_the_ipv6_wildcard_only);
    tcase_add_test(tcase, returns_both_addresses_of_a_connection);
    tcase_add_test(tcase, sets_nodelay_and_keepalive);
    tcase_add_test(tcase, reports_an_option_that_was_refused);
    tcase_add_test(tcase, detects_that_the_peer_has_closed_and_no_input_is_left);
    tcase_add_test(tcase, sends_rst_instead_of_fin_on_request);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("unix");
    tcase_add_loop_test(tcase, makes_a_unix_socket_for_owner_and_group, 0, 2);
    tcase_add_test(tcase, replaces_a_stale_unix_socket);
    tcase_add_test(tcase, leaves_a_unix_socket_to_its_listener);
    tcase_add_test(tcase, leaves_a_unix_socket_to_its_listener_when_its_backlog_is_full);
    tcase_add_test(tcase, keeps_a_file_that_is_not_a_socket);
    tcase_add_test(tcase, reports_a_missing_folder);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
