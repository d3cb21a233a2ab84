/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/standard_fds.h"

#include <fcntl.h>
#include <unistd.h>

void standard_fds_open(enum standard_fds what)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        int useless = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", what == STANDARD_FDS_NULL ? O_RDWR : useless); /* the lowest: fd */
    }
}
