/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/metrics_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void metrics_process_open(struct metrics_process *process)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *process = (struct metrics_process){
        .memory_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC),
        .descriptors_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
        .start_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
    };
}

void metrics_process_close(struct metrics_process *process)
{
    if (process->memory_fd >= 0)
        close(process->memory_fd);
    if (process->descriptors_fd >= 0)
        close(process->descriptors_fd);
}

static uint64_t time_us(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

static int64_t count_entries(int folder_fd)
{
    int fd = fcntl(folder_fd, F_DUPFD_CLOEXEC, 0); /* the sandbox may forbid to open it again */
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int64_t n = -3; /* ".", ".." and the duplicate */
    rewinddir(folder);
    while (readdir(folder))
        n++;
    closedir(folder);
    return n;
}

/* Since Linux 6.2 the size of the folder is the number of descriptors. */
static int64_t count_descriptors(int folder_fd)
{
    struct stat folder;
    if (folder_fd < 0 || fstat(folder_fd, &folder) < 0)
        return -1;
    return folder.st_size > 0 ? folder.st_size : count_entries(folder_fd);
}

static int64_t max_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return -1;
    return (int64_t)limit.rlim_cur;
}

/* proc_pid_statm(5): "size resident ...", in pages. */
static void read_memory(int fd, struct metrics_process_now *ret)
{
    char text[128];
    ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return;
    text[n] = '\0';
    char *rest;
    int64_t page_bytes = sysconf(_SC_PAGESIZE);
    ret->virtual_bytes = strtoll(text, &rest, 10) * page_bytes;
    ret->resident_bytes = strtoll(rest, NULL, 10) * page_bytes;
}

void metrics_process_read(const struct metrics_process *process, struct metrics_process_now *ret)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    *ret = (struct metrics_process_now){
        .cpu_us = time_us(&usage.ru_utime) + time_us(&usage.ru_stime),
        .open_fds = count_descriptors(process->descriptors_fd),
        .max_fds = max_descriptors(),
        .virtual_bytes = -1,
        .resident_bytes = -1,
    };
    read_memory(process->memory_fd, ret);
}
