/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/listen_set.h"

#include <check.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "folder.h"
#include "kernel.h"
#include "listen.h"
#include "loopback.h"
#include "suite.h"
#include "yaml_snapshot.h"

static struct listen_set listen_set;

static void open_all(const struct config_snapshot *snapshot)
{
    struct error err;
    ck_assert_msg(listen_as(snapshot, NULL, &listen_set, &err) == 0, "%s", err.text);
}

static struct error refused(const struct config_snapshot *snapshot)
{
    struct error err;
    listen_set.count = 99;
    ck_assert_int_eq(listen_as(snapshot, NULL, &listen_set, &err), -1);
    ck_assert_uint_eq(listen_set.count, 99);
    return err;
}

static void assert_has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" has not \"%s\"", text, part);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    ck_assert_int_eq(getsockopt(fd, level, name, &value, &length), 0);
    return value;
}

START_TEST(opens_every_listener_in_order)
{
    struct folder folder;
    folder_new(&folder);
    const struct config_snapshot *snapshot = yaml_snapshot("listeners:\n"
                                                           "  - listen: tcp://127.0.0.1:0\n"
                                                           "  - listen: unix://%s\n"
                                                           "    service: upper\n",
                                                           folder_file(&folder, "socket"));
    open_all(snapshot);
    ck_assert_uint_eq(listen_set.count, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_ptr_eq(listen_set.sockets[i].listener, &snapshot->listeners[i]);
        close(loopback_connect(&listen_set.sockets[i].address));
    }
    ck_assert_uint_ne(address_port(&listen_set.sockets[0].address), 0);
    listen_set_close(&listen_set, NULL);
    config_snapshot_free(snapshot);
    folder_remove(&folder);
}
END_TEST

START_TEST(the_syn_is_kept_only_where_the_service_shows_it)
{
    struct folder folder;
    folder_new(&folder);
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners:\n"
                      "  - { listen: 'tcp://127.0.0.1:0' }\n"
                      "  - { listen: 'tcp://127.0.0.1:0', name: shown, service: report }\n"
                      "  - { listen: 'unix://%s', name: local, service: report }\n",
                      folder_file(&folder, "socket"));
    open_all(snapshot);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(option(listen_set.sockets[i].source.fd, IPPROTO_TCP, TCP_SAVE_SYN), i);
    listen_set_close(&listen_set, NULL);
    config_snapshot_free(snapshot);
    folder_remove(&folder);
}
END_TEST

static const struct config_snapshot *open_service(const char *service, unsigned port,
                                                  const struct listen_set *held,
                                                  struct listen_set *ret)
{
    struct error err;
    const struct config_snapshot *snapshot = yaml_snapshot(
        "listeners: [{ listen: 'tcp://127.0.0.1:%u', service: %s }]\n", port, service);
    ck_assert_msg(listen_as(snapshot, held, ret, &err) == 0, "%s", err.text);
    return snapshot;
}

START_TEST(whether_the_syn_is_kept_changes_with_the_service_of_a_socket_that_stays)
{
    static const char *const services[] = {"echo", "report", "upper", "report"};
    struct listen_set sets[5];
    const struct config_snapshot *snapshots[5];
    snapshots[0] = open_service("chargen", 0, NULL, &sets[0]);
    unsigned port = address_port(&sets[0].sockets[0].address);
    for (int i = 0; i < 4; i++) {
        snapshots[i + 1] = open_service(services[i], port, &sets[i], &sets[i + 1]);
        listen_set_update(&sets[i + 1], snapshots[i + 1]->config);
        ck_assert_int_eq(sets[i + 1].sockets[0].source.fd, sets[0].sockets[0].source.fd);
        ck_assert_int_eq(option(sets[0].sockets[0].source.fd, IPPROTO_TCP, TCP_SAVE_SYN), i % 2);
    }
    for (int i = 0; i < 5; i++) {
        listen_set_close(&sets[i], i < 4 ? &sets[4] : NULL);
        config_snapshot_free(snapshots[i]);
    }
}
END_TEST

START_TEST(a_free_port_is_the_same_for_all_addresses_of_a_name)
{
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners: [{ listen: 'tcp://localhost:0' }]\n");
    open_all(snapshot);
    uint16_t port = address_port(&listen_set.sockets[0].address);
    ck_assert_uint_ne(port, 0);
    for (size_t i = 0; i < listen_set.count; i++) {
        ck_assert_uint_eq(address_port(&listen_set.sockets[i].address), port);
        close(loopback_connect(&listen_set.sockets[i].address));
    }
    listen_set_close(&listen_set, NULL);
    config_snapshot_free(snapshot);
}
END_TEST

/* A socket that reserves a port: bound with SO_REUSEADDR, not listening. */
static int hold_port(uint16_t *ret)
{
    static const int on = 1;
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    ck_assert_int_eq(bind(fd, &address.any, address.length), 0);
    ck_assert_int_eq(getsockname(fd, &address.any, &address.length), 0);
    *ret = address_port(&address);
    return fd;
}

START_TEST(an_address_that_is_listed_twice_is_refused_with_its_place)
{
    uint16_t port;
    int holder = hold_port(&port);
    const struct config_snapshot *snapshot = yaml_snapshot("listeners:\n"
                                                           "  - listen: tcp://127.0.0.1:%u\n"
                                                           "    name: first\n"
                                                           "  - listen: tcp://localhost:1\n"
                                                           "    name: second\n",
                                                           port);
    snapshot->config->listeners[1].listen.port = port;
    struct error err = refused(snapshot);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    assert_has(err.text, "test.yaml:4:");
    assert_has(err.text, "is listed twice: listener first already listens on");
    close(holder);
    config_snapshot_free(snapshot);
}
END_TEST

START_TEST(a_unix_socket_bound_in_its_place_is_not_removed)
{
    struct folder folder;
    folder_new(&folder);
    const char *path = folder_file(&folder, "socket");
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners: [{ listen: 'unix://%s' }]\n", path);
    open_all(snapshot);
    /* Renamed, not removed: a new file could get the same inode. */
    char renamed[256];
    snprintf(renamed, sizeof renamed, "%s.renamed", path);
    ck_assert_int_eq(rename(path, renamed), 0);
    struct address address = listen_set.sockets[0].address;
    int other = loopback_listen(&address, 8);
    listen_set_close(&listen_set, NULL);
    ck_assert_int_eq(access(path, F_OK), 0);
    close(other);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(unlink(renamed), 0);
    config_snapshot_free(snapshot);
    folder_remove(&folder);
}
END_TEST

START_TEST(a_unix_socket_of_its_inode_on_another_file_system_is_not_removed)
{
    struct folder folder;
    folder_new(&folder);
    const char *path = folder_file(&folder, "socket");
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners: [{ listen: 'unix://%s' }]\n", path);
    open_all(snapshot);
    listen_set.sockets[0].device++; /* two file systems with one inode number are hard to have */
    listen_set_close(&listen_set, NULL);
    ck_assert_int_eq(unlink(path), 0);
    config_snapshot_free(snapshot);
    folder_remove(&folder);
}
END_TEST

START_TEST(a_unix_socket_that_is_listed_twice_is_refused_and_removed)
{
    struct folder folder;
    folder_new(&folder);
    const char *path = folder_file(&folder, "socket");
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners:\n"
                      "  - { listen: 'unix://%s', name: first }\n"
                      "  - { listen: 'unix://%s.', name: second }\n",
                      path, path);
    strcpy(snapshot->config->listeners[1].listen.path, path);
    struct error err = refused(snapshot);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    assert_has(err.text, "is listed twice: listener first already listens on");
    ck_assert_int_eq(access(path, F_OK), -1);
    config_snapshot_free(snapshot);
    folder_remove(&folder);
}
END_TEST

START_TEST(a_port_in_use_is_refused_and_opened_sockets_are_closed)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int other = loopback_listen(&address, 8);
    struct folder folder;
    folder_new(&folder);
    const char *path = folder_file(&folder, "socket");
    const struct config_snapshot *snapshot = yaml_snapshot("listeners:\n"
                                                           "  - listen: unix://%s\n"
                                                           "  - listen: tcp://127.0.0.1:%u\n",
                                                           path, address_port(&address));
    struct error err = refused(snapshot);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_int_eq(err.code, EADDRINUSE);
    assert_has(err.text, "another program, or another tlsecho-server, holds the port");
    ck_assert_int_eq(access(path, F_OK), -1);
    close(other);
    config_snapshot_free(snapshot);
    folder_remove(&folder);
}
END_TEST

START_TEST(a_unix_socket_is_removed_at_the_end)
{
    struct folder folder;
    folder_new(&folder);
    const char *path = folder_file(&folder, "socket");
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners: [{ listen: 'unix://%s' }]\n", path);
    open_all(snapshot);
    ck_assert_int_eq(access(path, F_OK), 0);
    listen_set_close(&listen_set, NULL);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_uint_eq(listen_set.count, 0);
    listen_set_close(&listen_set, NULL);
    config_snapshot_free(snapshot);
    folder_remove(&folder);
}
END_TEST

/* The lesson: two hours of silence, then ten probes, 75 seconds apart. */
START_TEST(accepted_sockets_have_keepalive_2_h_75_s_10_probes_and_nodelay)
{
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners: [{ listen: 'tcp://127.0.0.1:0' }]\n");
    open_all(snapshot);
    int client = loopback_connect(&listen_set.sockets[0].address);
    int fd = loopback_accept(listen_set.sockets[0].source.fd);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    ck_assert_int_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 2 * 60 * 60);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 75);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 10);
    close(client);
    close(fd);
    listen_set_close(&listen_set, NULL);
    config_snapshot_free(snapshot);
}
END_TEST

START_TEST(accepted_sockets_have_the_options_of_the_configuration)
{
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners: [{ listen: 'tcp://127.0.0.1:0' }]\n"
                      "tcp:\n"
                      "  nodelay: off\n"
                      "  keepalive: { idle: 1m, interval: 5s, probes: 3 }\n");
    open_all(snapshot);
    int client = loopback_connect(&listen_set.sockets[0].address);
    int fd = loopback_accept(listen_set.sockets[0].source.fd);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    ck_assert_int_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 5);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
    close(client);
    close(fd);
    listen_set_close(&listen_set, NULL);
    config_snapshot_free(snapshot);
}
END_TEST

START_TEST(the_kernels_buffers_of_an_accepted_socket_follow_limits_buffer)
{
    static const struct {
        const char *service;
        bool bounded; /* what it receives */
    } cases[] = {{"echo", true}, {"upper", true}, {"discard", false}, {"chargen", false}};
    enum { BUFFER = 16 * 1024 };
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners: [{ listen: 'tcp://127.0.0.1:0', service: %s }]\n"
                      "limits: { buffer: 16KiB }\n",
                      cases[_i].service);
    open_all(snapshot);
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int plain = loopback_listen(&address, 1);
    int client = loopback_connect(&listen_set.sockets[0].address);
    int fd = loopback_accept(listen_set.sockets[0].source.fd);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 2 * BUFFER);
    ck_assert_int_eq(option(fd, SOL_SOCKET, SO_OOBINLINE), 1);
    ck_assert_int_eq(option(fd, SOL_SOCKET, SO_RCVBUF),
                     cases[_i].bounded ? 2 * 4 * BUFFER : option(plain, SOL_SOCKET, SO_RCVBUF));
    close(plain);
    close(client);
    close(fd);
    listen_set_close(&listen_set, NULL);
    config_snapshot_free(snapshot);
}
END_TEST

static unsigned backlog(int fd)
{
    struct tcp_info info; /* tcp(7): of a listening socket, tcpi_sacked is its backlog */
    socklen_t length = sizeof info;
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
    return info.tcpi_sacked;
}

START_TEST(the_backlog_is_that_of_the_configuration)
{
    if (!kernel_has(KERNEL_TCP_INFO))
        return;
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners: [{ listen: 'tcp://127.0.0.1:0' }]\n"
                      "tcp: { backlog: 3 }\n");
    open_all(snapshot);
    ck_assert_uint_eq(backlog(listen_set.sockets[0].source.fd), 3);
    listen_set_close(&listen_set, NULL);
    config_snapshot_free(snapshot);
}
END_TEST

static void open_with(const struct config_snapshot *snapshot, const struct listen_set *existing)
{
    struct error err;
    ck_assert_msg(listen_as(snapshot, existing, &listen_set, &err) == 0, "%s", err.text);
}

/* The listener with other options, and a second one. */
static const struct config_snapshot *with_other_options(unsigned port)
{
    return yaml_snapshot(
        "listeners:\n"
        "  - { listen: 'tcp://127.0.0.1:0', service: hello }\n"
        "  - { listen: 'tcp://127.0.0.1:%u', name: second }\n"
        "tcp: { backlog: 5, nodelay: off, keepalive: { idle: 1m, interval: 5s, probes: 3 } }\n"
        "limits: { buffer: 16KiB }\n",
        port);
}

START_TEST(a_socket_that_stays_has_new_options_once_nothing_can_refuse_the_set)
{
    static const struct {
        int level, name;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY}, {IPPROTO_TCP, TCP_KEEPIDLE}, {IPPROTO_TCP, TCP_KEEPINTVL},
        {IPPROTO_TCP, TCP_KEEPCNT}, {IPPROTO_TCP, TCP_SAVE_SYN}, {IPPROTO_TCP, TCP_NOTSENT_LOWAT},
        {SOL_SOCKET, SO_RCVBUF},
    };
    enum { OPTIONS = sizeof options / sizeof options[0] };
    struct address taken = loopback_address("tcp://127.0.0.1:0");
    int other = loopback_listen(&taken, 8);
    const struct config_snapshot *snapshots[] = {
        yaml_snapshot("listeners: [{ listen: 'tcp://127.0.0.1:0' }]\ntcp: { backlog: 3 }\n"),
        with_other_options(address_port(&taken)), with_other_options(0)};
    open_all(snapshots[0]);
    struct listen_set live = listen_set;
    int fd = live.sockets[0].source.fd, before[OPTIONS];
    for (int i = 0; i < OPTIONS; i++)
        before[i] = option(fd, options[i].level, options[i].name);

    struct error err;
    ck_assert_int_eq(listen_as(snapshots[1], &live, &listen_set, &err), -1);
    ck_assert_int_eq(err.code, EADDRINUSE);
    for (int i = 0; i < OPTIONS; i++)
        ck_assert_int_eq(option(fd, options[i].level, options[i].name), before[i]);
    if (kernel_has(KERNEL_TCP_INFO))
        ck_assert_uint_eq(backlog(fd), 3);

    open_with(snapshots[2], &live); /* a later step may still refuse it */
    ck_assert_int_eq(listen_set.sockets[0].source.fd, fd);
    for (int i = 0; i < OPTIONS; i++)
        ck_assert_int_eq(option(fd, options[i].level, options[i].name), before[i]);
    if (kernel_has(KERNEL_TCP_INFO))
        ck_assert_uint_eq(backlog(fd), 3);

    listen_set_update(&listen_set, snapshots[2]->config);
    for (int i = 0; i < OPTIONS; i++)
        ck_assert_int_ne(option(fd, options[i].level, options[i].name), before[i]);
    if (kernel_has(KERNEL_TCP_INFO))
        ck_assert_uint_eq(backlog(fd), 5);

    listen_set_close(&live, &listen_set);
    listen_set_close(&listen_set, NULL);
    close(other);
    for (int i = 0; i < 3; i++)
        config_snapshot_free(snapshots[i]);
}
END_TEST

/* A socket as a service manager hands it over. */
static void hand_over(struct listen_set *existing, const char *name, const char *endpoint)
{
    struct listen_socket *socket = &existing->sockets[existing->count++];
    *socket = (struct listen_socket){.address = loopback_address(endpoint)};
    socket->source.fd = loopback_listen(&socket->address, 8);
    socket->configured = socket->address;
    snprintf(socket->fd_name, sizeof socket->fd_name, "%s", name);
}

static void close_all(struct listen_set *existing)
{
    for (size_t i = 0; i < existing->count; i++)
        ck_assert_int_eq(close(existing->sockets[i].source.fd), 0);
}

START_TEST(an_inherited_socket_goes_to_the_listener_of_its_name)
{
    struct listen_socket sockets[2];
    struct listen_set existing = {.sockets = sockets};
    hand_over(&existing, "second", "tcp://127.0.0.1:0");
    hand_over(&existing, "second", "tcp://127.0.0.1:0");
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners:\n"
                      "  - { listen: 'tcp://127.0.0.1:0', name: first }\n"
                      "  - { listen: 'tcp://nowhere.invalid:7007', name: second }\n");
    open_with(snapshot, &existing);
    ck_assert_uint_eq(listen_set.count, 3);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(listen_set.sockets[1 + i].source.fd, sockets[i].source.fd);
        ck_assert_ptr_eq(listen_set.sockets[1 + i].listener, &snapshot->listeners[1]);
    }
    listen_set_close(&listen_set, NULL);
    config_snapshot_free(snapshot);
}
END_TEST

START_TEST(an_inherited_socket_goes_to_the_listener_of_its_address_which_binds_nothing)
{
    struct listen_socket sockets[1];
    struct listen_set existing = {.sockets = sockets};
    hand_over(&existing, "unknown", "tcp://127.0.0.1:0");
    const struct config_snapshot *snapshot = yaml_snapshot(
        "listeners: [{ listen: 'tcp://localhost:%u' }]\n", address_port(&sockets[0].address));
    open_with(snapshot, &existing);
    ck_assert_uint_eq(listen_set.count, 1);
    ck_assert_int_eq(listen_set.sockets[0].source.fd, sockets[0].source.fd);
    listen_set_close(&listen_set, NULL);
    config_snapshot_free(snapshot);
}
END_TEST

START_TEST(a_name_is_preferred_to_an_address)
{
    struct listen_socket sockets[1];
    struct listen_set existing = {.sockets = sockets};
    hand_over(&existing, "named", "tcp://127.0.0.1:0");
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners:\n"
                      "  - { listen: 'tcp://127.0.0.1:%u', name: addressed }\n"
                      "  - { listen: 'tcp://127.0.0.1:0', name: named }\n",
                      address_port(&sockets[0].address));
    struct error err;
    ck_assert_int_eq(listen_as(snapshot, &existing, &listen_set, &err), -1);
    ck_assert_int_eq(err.code, EADDRINUSE); /* so that listener did not get the socket */
    assert_has(err.text, "the service manager holds 127.0.0.1:");
    assert_has(err.text, "(named): change its .socket unit");
    close_all(&existing);
    config_snapshot_free(snapshot);
}
END_TEST

START_TEST(an_inherited_socket_without_a_listener_is_refused_and_stays_open)
{
    struct listen_socket sockets[1];
    struct listen_set existing = {.sockets = sockets};
    hand_over(&existing, "stray", "tcp://127.0.0.1:0");
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners: [{ listen: 'tcp://127.0.0.1:0' }]\n");
    struct error err;
    ck_assert_int_eq(listen_as(snapshot, &existing, &listen_set, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    char expected[128], address[ADDRESS_TEXT_BYTES];
    address_text(&sockets[0].address, address);
    snprintf(expected, sizeof expected, "inherited descriptor %d (stray, %s) matches no",
             sockets[0].source.fd, address);
    assert_has(err.text, expected);
    close_all(&existing);
    config_snapshot_free(snapshot);
}
END_TEST

START_TEST(a_unix_socket_is_not_used_for_a_tcp_listener)
{
    struct folder folder;
    folder_new(&folder);
    char endpoint[ENDPOINT_TEXT_BYTES];
    snprintf(endpoint, sizeof endpoint, "unix://%s", folder_file(&folder, "socket"));
    struct listen_socket sockets[1];
    struct listen_set existing = {.sockets = sockets};
    hand_over(&existing, "named", endpoint);
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners: [{ listen: 'tcp://127.0.0.1:0', name: named }]\n");
    struct error err;
    ck_assert_int_eq(listen_as(snapshot, &existing, &listen_set, &err), -1);
    assert_has(err.text, "test.yaml:1:");
    assert_has(err.text, "(named) is a Unix socket");
    close_all(&existing);
    unlink(sockets[0].address.local.sun_path);
    config_snapshot_free(snapshot);
    folder_remove(&folder);
}
END_TEST

START_TEST(an_inherited_socket_stays_over_reloads_and_its_file_is_not_removed)
{
    struct folder folder;
    folder_new(&folder);
    const char *path = folder_file(&folder, "socket");
    char endpoint[ENDPOINT_TEXT_BYTES];
    snprintf(endpoint, sizeof endpoint, "unix://%s", path);
    struct listen_socket sockets[1];
    struct listen_set existing = {.sockets = sockets};
    hand_over(&existing, "unknown", endpoint);
    const struct config_snapshot *snapshot =
        yaml_snapshot("listeners: [{ listen: '%s' }]\n", endpoint);
    open_with(snapshot, &existing);
    for (int i = 0; i < 2; i++) {
        struct listen_set before = listen_set;
        open_with(snapshot, &before);
        listen_set_close(&before, &listen_set);
        ck_assert_uint_eq(listen_set.count, 1);
        ck_assert_int_eq(listen_set.sockets[0].source.fd, sockets[0].source.fd);
    }
    close(loopback_connect(&sockets[0].address));
    listen_set_close(&listen_set, NULL);
    ck_assert_int_eq(unlink(path), 0);
    config_snapshot_free(snapshot);
    folder_remove(&folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("listening");
    TCase *tcase = tcase_create("listening");
    tcase_add_test(tcase, opens_every_listener_in_order);
    tcase_add_test(tcase, the_syn_is_kept_only_where_the_service_shows_it);
    tcase_add_test(tcase, whether_the_syn_is_kept_changes_with_the_service_of_a_socket_that_stays);
    tcase_add_test(tcase, a_free_port_is_the_same_for_all_addresses_of_a_name);
    tcase_add_test(tcase, an_address_that_is_listed_twice_is_refused_with_its_place);
    tcase_add_test(tcase, a_unix_socket_bound_in_its_place_is_not_removed);
    tcase_add_test(tcase, a_unix_socket_of_its_inode_on_another_file_system_is_not_removed);
    tcase_add_test(tcase, a_unix_socket_that_is_listed_twice_is_refused_and_removed);
    tcase_add_test(tcase, a_port_in_use_is_refused_and_opened_sockets_are_closed);
    tcase_add_test(tcase, a_unix_socket_is_removed_at_the_end);
    tcase_add_test(tcase, accepted_sockets_have_keepalive_2_h_75_s_10_probes_and_nodelay);
    tcase_add_test(tcase, accepted_sockets_have_the_options_of_the_configuration);
    tcase_add_loop_test(tcase, the_kernels_buffers_of_an_accepted_socket_follow_limits_buffer, 0,
                        4);
    tcase_add_test(tcase, the_backlog_is_that_of_the_configuration);
    tcase_add_test(tcase, a_socket_that_stays_has_new_options_once_nothing_can_refuse_the_set);
    tcase_add_test(tcase, an_inherited_socket_goes_to_the_listener_of_its_name);
    tcase_add_test(tcase,
                   an_inherited_socket_goes_to_the_listener_of_its_address_which_binds_nothing);
    tcase_add_test(tcase, a_name_is_preferred_to_an_address);
    tcase_add_test(tcase, an_inherited_socket_without_a_listener_is_refused_and_stays_open);
    tcase_add_test(tcase, a_unix_socket_is_not_used_for_a_tcp_listener);
    tcase_add_test(tcase, an_inherited_socket_stays_over_reloads_and_its_file_is_not_removed);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
