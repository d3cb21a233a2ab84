/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/piped_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BYTES_MAX = 1 << 20, COPIES_MAX = 3, WRITER_MS = 2000 };

static struct {
    const char *name, *copy;
} copies[COPIES_MAX];
static size_t copy_count;

/* Returns -1 with errno; EFBIG: too long; EINTR: a signal ends the run. */
static int copy_all(int from, int to)
{
    char piece[4096];
    for (size_t all = 0; all <= BYTES_MAX;) {
        ssize_t n = read(from, piece, sizeof piece);
        if (n <= 0)
            return (int)n;
        if (write(to, piece, (size_t)n) != n)
            return -1;
        all += (size_t)n;
    }
    errno = EFBIG;
    return -1;
}

/* A copy in memory, mode 0600; -1 with errno. */
static int copy_pipe(const char *path)
{
    /* Without a writer read(2) returns 0: one that is about to open the FIFO has some time. */
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int to = memfd_create("piped", MFD_CLOEXEC);
    struct pollfd readable = {.fd = from, .events = POLLIN};
    if (from < 0 || to < 0 || fchmod(to, 0600) || poll(&readable, 1, WRITER_MS) < 0 ||
        fcntl(from, F_SETFL, 0) || copy_all(from, to)) {
        int code = errno;
        if (from >= 0)
            close(from);
        if (to >= 0)
            close(to);
        errno = code;
        return -1;
    }
    close(from);
    return to;
}

int piped_file_keep(const char **path, char ret_path[PIPED_FILE_PATH_BYTES], struct error *err)
{
    struct stat status;
    if (!*path)
        return 0;
    if (stat(*path, &status)) /* any other error is reported when the file is used */
        return errno == ENOMEM ? error_sys(err, "read %s", *path) : 0;
    if (!S_ISFIFO(status.st_mode))
        return 0;
    int fd = copy_pipe(*path);
    if (fd < 0) {
        error_sys(err, "read %s", *path);
        err->kind = err->code == EINTR ? ERROR_INTERRUPTED : ERROR_INPUT;
        return -1;
    }
    snprintf(ret_path, PIPED_FILE_PATH_BYTES, "/proc/self/fd/%d", fd);
    assert(copy_count < COPIES_MAX);
    copies[copy_count].name = *path;
    copies[copy_count++].copy = ret_path;
    *path = ret_path;
    return 0;
}

int piped_file_name(struct error *err)
{
    char text[ERROR_TEXT_BYTES];
    for (size_t i = 0; i < copy_count; i++) {
        char *at = strstr(err->text, copies[i].copy);
        const char *behind = at ? at + strlen(copies[i].copy) : NULL;
        if (!at || (*behind >= '0' && *behind <= '9'))
            continue;
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - err->text), err->text, copies[i].name,
                 behind);
        memcpy(err->text, text, sizeof text);
    }
    return -1;
}
