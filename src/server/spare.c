/* SPDX-License-Identifier: MIT */
#include "tlsecho/spare.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* An open file of its own, not a duplicate: the system's limit (ENFILE) counts files. */
void spare_open(struct spare *spare)
{
    if (spare->fd < 0)
        spare->fd = eventfd(0, EFD_CLOEXEC);
}

void spare_close(struct spare *spare)
{
    if (spare->fd >= 0)
        close(spare->fd);
    spare->fd = -1;
}

int spare_refuse(struct spare *spare, int listening, struct address *ret_source)
{
    struct address source = {.length = sizeof source - offsetof(struct address, any)};
    spare_close(spare);
    int fd = accept4(listening, &source.any, &source.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int code = errno;
    if (fd >= 0) {
        close(fd);
        *ret_source = source;
    }
    spare_open(spare);
    errno = code;
    return fd >= 0 ? 0 : -1;
}
