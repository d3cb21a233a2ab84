/* SPDX-License-Identifier: MIT */
#include "explored_backlog.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "explore.h"

struct explored_backlogs explored = {.listening = {-1, -1}};

static void must(bool holds)
{
    if (!holds)
        ck_abort_msg("no descriptor");
}

void explored_backlogs_reset(void)
{
    for (unsigned i = 0; i < EXPLORED_CONNECTIONS; i++)
        explored.connections[i] = (struct explored_connection){.ours = -1, .theirs = -1};
    explored.aborts = false;
    explored.violation = NULL;
}

void explored_backlogs_open(unsigned backlog)
{
    if (explored.listening[backlog] < 0)
        explored.listening[backlog] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(explored.listening[backlog] >= 0);
}

static struct explored_connection *first(unsigned backlog)
{
    for (unsigned i = 0; i < EXPLORED_CONNECTIONS; i++)
        if (explored.connections[i].stage == EXPLORED_WAITS &&
            explored.connections[i].backlog == backlog)
            return &explored.connections[i];
    return NULL;
}

void explored_backlogs_close(unsigned backlog)
{
    struct explored_connection *c;
    if (explored.listening[backlog] >= 0)
        close(explored.listening[backlog]);
    explored.listening[backlog] = -1;
    while ((c = first(backlog))) {
        c->stage = EXPLORED_GONE;
        close(c->theirs);
    }
}

bool explored_backlogs_can_connect(void)
{
    return explored.connections[EXPLORED_CONNECTIONS - 1].stage == EXPLORED_NOT_YET;
}

void explored_backlogs_connect(unsigned backlog)
{
    uint64_t one = 1;
    int ends[2];
    struct explored_connection *c = explored.connections;
    while (c->stage != EXPLORED_NOT_YET)
        c++;
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    *c = (struct explored_connection){
        .stage = EXPLORED_WAITS, .backlog = backlog, .ours = ends[0], .theirs = ends[1]};
    must(syscall(SYS_write, explored.listening[backlog], &one, sizeof one) == sizeof one);
}

bool explored_backlogs_has_waiting(unsigned backlog)
{
    return first(backlog) != NULL;
}

void explored_backlogs_leave(struct explored_connection *connection)
{
    if (connection->ours >= 0)
        close(connection->ours);
    connection->ours = -1;
}

unsigned explored_backlogs_accepted(void)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < EXPLORED_CONNECTIONS; i++)
        sum += explored.connections[i].stage == EXPLORED_ACCEPTED;
    return sum;
}

int explored_backlogs_accept(int fd, struct sockaddr *address, socklen_t *length)
{
    static const struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr = {0x0100007f}};
    unsigned backlog = fd == explored.listening[0] ? 0 : 1;
    struct explored_connection *c = first(backlog);
    uint64_t ignored;
    if (fd < 0 || fd != explored.listening[backlog])
        explored.violation = "a listening socket that is closed is not used";
    if (!c) {
        errno = EAGAIN;
        return -1;
    }
    if (explored.aborts) {
        explored.aborts = false;
        errno = ECONNABORTED;
        return -1;
    }
    c->stage = EXPLORED_ACCEPTED;
    if (!first(backlog))
        must(read(fd, &ignored, sizeof ignored) == sizeof ignored);
    memcpy(address, &source, sizeof source);
    *length = sizeof source;
    return c->theirs;
}

int explored_backlogs_close_fd(int fd)
{
    for (unsigned i = 0; i < EXPLORED_CONNECTIONS; i++)
        if (fd >= 0 && fd == explored.connections[i].theirs)
            explored.connections[i].theirs = -1;
    int result = (int)syscall(SYS_close, fd);
    if (result < 0)
        explored.violation = "a descriptor is closed once";
    return result;
}

uint64_t explored_backlogs_state(void)
{
    uint64_t hash = explore_hash(explored.aborts, explored.listening[1] >= 0);
    for (unsigned i = 0; i < EXPLORED_CONNECTIONS; i++) {
        const struct explored_connection *c = &explored.connections[i];
        hash =
            explore_hash(hash, (uint64_t)c->stage | (uint64_t)c->backlog << 2 |
                                   (uint64_t)(c->ours >= 0) << 3 | (uint64_t)(c->theirs >= 0) << 4);
    }
    return hash;
}
