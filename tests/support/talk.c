/* SPDX-License-Identifier: MIT */
#include "talk.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { WAIT_MS = 10000 };

static void wait_for(int fd)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    ck_assert_msg(poll(&waiting, 1, WAIT_MS) == 1, "the server is silent");
}

void talk_echo(int fd, const char *text)
{
    size_t size = strlen(text);
    char data[256];
    ck_assert_uint_le(size, sizeof data);
    ck_assert_int_eq(send(fd, text, size, MSG_NOSIGNAL), (int)size);
    for (size_t got = 0; got < size;) {
        wait_for(fd);
        ssize_t n = recv(fd, data + got, size - got, 0);
        ck_assert_msg(n > 0, "the server has ended: %s", n < 0 ? strerror(errno) : "in order");
        got += (size_t)n;
    }
    ck_assert_mem_eq(data, text, size);
}

bool talk_goes_on(int fd)
{
    char byte;
    wait_for(fd);
    return recv(fd, &byte, 1, MSG_PEEK) > 0;
}

void talk_ends(int fd)
{
    ck_assert(!talk_goes_on(fd));
}
