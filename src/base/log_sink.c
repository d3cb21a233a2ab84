/* SPDX-License-Identifier: MIT */
#include "log_sink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Writes as much as possible; if less than n, errno is the cause. */
static size_t write_all(int fd, const char *data, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t written = write(fd, data + done, n - done);
        if (written >= 0)
            done += (size_t)written;
        else if (errno == EAGAIN) /* another process that shares it has set O_NONBLOCK */
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        else if (errno != EINTR)
            break;
    }
    return done;
}

/* Removes the last n bytes from a file, unless something was appended after them. */
static bool take_back(int fd, size_t n)
{
    struct stat status;
    off_t start = lseek(fd, 0, SEEK_CUR) - (off_t)n;
    return start >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
           status.st_size == start + (off_t)n && ftruncate(fd, start) == 0 &&
           lseek(fd, start, SEEK_SET) == start;
}

static size_t count_lines(const char *text, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += text[i] == '\n';
    return count;
}

uint64_t log_sink_write(struct log_sink *sink, const char *lines, size_t n)
{
    if (sink->torn && write_all(sink->fd, "\n", 1) == 0)
        return count_lines(lines, n);
    sink->torn = false;
    size_t done = write_all(sink->fd, lines, n);
    if (done == n)
        return 0;
    int reason = errno;
    const char *newline = memrchr(lines, '\n', done);
    size_t whole = newline ? (size_t)(newline - lines) + 1 : 0;
    if (done > whole)
        sink->torn = !take_back(sink->fd, done - whole);
    errno = reason;
    return count_lines(lines + whole, n - whole);
}
