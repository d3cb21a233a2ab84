/* SPDX-License-Identifier: MIT */
#include "loopback.h"

#include <check.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tlsecho/net/socket.h"

struct address loopback_address(const char *text)
{
    struct endpoint endpoint;
    struct address_list found;
    struct error err;
    ck_assert_msg(endpoint_parse(text, &endpoint, &err) == 0, "%s", err.text);
    ck_assert_msg(address_resolve(&endpoint, AF_UNSPEC, true, &found, &err) == 0, "%s", err.text);
    struct address first = found.items[0];
    address_list_free(&found);
    return first;
}

struct address loopback_path(const char *path)
{
    struct address address = {.length = sizeof(struct sockaddr_un)};
    address.local.sun_family = AF_UNIX;
    strcpy(address.local.sun_path, path);
    return address;
}

int loopback_listen(struct address *address, int backlog)
{
    int fd;
    struct error err;
    const struct socket_listening how = {.backlog = backlog};
    ck_assert_msg(socket_listen(address, &how, &fd, &err) == 0, "%s", err.text);
    return fd;
}

int loopback_connect(const struct address *address)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, &address->any, address->length), 0);
    return fd;
}

int loopback_accept(int listening)
{
    struct pollfd waiting = {.fd = listening, .events = POLLIN};
    ck_assert_int_eq(poll(&waiting, 1, 5000), 1);
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

bool loopback_has_ipv6(void)
{
    struct address address = loopback_address("tcp://[::1]:0");
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool has = bind(fd, &address.any, address.length) == 0;
    close(fd);
    return has;
}
