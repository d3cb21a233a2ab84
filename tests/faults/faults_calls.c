/* SPDX-License-Identifier: MIT
 *
 * The calls that can fail, in the place of those of the C library.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"

#define REAL(name)                                                                                 \
    static __typeof__(name) *real;                                                                 \
    if (!real)                                                                                     \
    *(void **)&real = faults_hidden(#name)

/* A call that returns `failure` with errno. */
#define CALL(kind, type, name, params, args, failure)                                              \
    type name params                                                                               \
    {                                                                                              \
        REAL(name);                                                                                \
        int code;                                                                                  \
        if (faults_hit(KIND_##kind, &code)) {                                                      \
            errno = code;                                                                          \
            return failure;                                                                        \
        }                                                                                          \
        return real args;                                                                          \
    }

/* Likewise; SHORT calls it with a `size` of 1. */
#define CALL_SIZED(kind, type, name, params, args, size)                                           \
    type name params                                                                               \
    {                                                                                              \
        REAL(name);                                                                                \
        int code;                                                                                  \
        if (faults_hit(KIND_##kind, &code)) {                                                      \
            if (code != CODE_SHORT) {                                                              \
                errno = code;                                                                      \
                return -1;                                                                         \
            }                                                                                      \
            size = size > 1 ? 1 : size;                                                            \
        }                                                                                          \
        return real args;                                                                          \
    }

/* Memory. dlsym() allocates before the real functions are known: from `early`, never freed. */
static char early[16384] __attribute__((aligned(16)));
static size_t early_used;

static bool is_early(const void *p)
{
    return (const char *)p >= early && (const char *)p < early + sizeof early;
}

static void *early_alloc(size_t size)
{
    void *p = early + early_used;
    early_used += (size + 15) & ~(size_t)15;
    if (early_used > sizeof early)
        abort();
    return p;
}

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
} heap;

static bool heap_is_known(void)
{
    static bool looking;
    if (heap.free)
        return true;
    if (looking)
        return false;
    looking = true;
    *(void **)&heap.malloc = faults_hidden("malloc");
    *(void **)&heap.calloc = faults_hidden("calloc");
    *(void **)&heap.realloc = faults_hidden("realloc");
    *(void **)&heap.free = faults_hidden("free");
    return true;
}

static bool no_memory(void)
{
    int code;
    if (!faults_hit(KIND_alloc, &code))
        return false;
    errno = code;
    return true;
}

void *malloc(size_t size)
{
    if (!heap_is_known())
        return early_alloc(size);
    return no_memory() ? NULL : heap.malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (!heap_is_known())
        return early_alloc(count * size);
    return no_memory() ? NULL : heap.calloc(count, size);
}

void *realloc(void *p, size_t size)
{
    if (is_early(p) || !heap_is_known())
        abort();
    return no_memory() ? NULL : heap.realloc(p, size);
}

void free(void *p)
{
    if (!is_early(p) && heap_is_known())
        heap.free(p);
}

CALL(alloc, void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size), NULL)
CALL(alloc, void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size), NULL)

/* Sockets. */
CALL(socket, int, socket, (int domain, int type, int protocol), (domain, type, protocol), -1)
CALL(bind, int, bind, (int fd, __CONST_SOCKADDR_ARG to, socklen_t size), (fd, to, size), -1)
CALL(listen, int, listen, (int fd, int backlog), (fd, backlog), -1)
CALL(accept4, int, accept4, (int fd, __SOCKADDR_ARG from, socklen_t *size, int flags),
     (fd, from, size, flags), -1)
CALL(setsockopt, int, setsockopt, (int fd, int level, int name, const void *p, socklen_t size),
     (fd, level, name, p, size), -1)
CALL(getsockopt, int, getsockopt, (int fd, int level, int name, void *p, socklen_t *size),
     (fd, level, name, p, size), -1)
CALL(getsockname, int, getsockname, (int fd, __SOCKADDR_ARG to, socklen_t *size), (fd, to, size),
     -1)
CALL(getpeername, int, getpeername, (int fd, __SOCKADDR_ARG to, socklen_t *size), (fd, to, size),
     -1)

/* After EINTR the kernel goes on connecting: connect(2). */
int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t size)
{
    REAL(connect);
    int code;
    if (!faults_hit(KIND_connect, &code))
        return real(fd, to, size);
    if (code == EINTR)
        real(fd, to, size);
    errno = code;
    return -1;
}

/* ENOTCONN: the connection has just ended, which the peer sees as well. */
int shutdown(int fd, int how)
{
    REAL(shutdown);
    int code, result = real(fd, how);
    if (!faults_hit(KIND_shutdown, &code))
        return result;
    errno = code;
    return -1;
}

/* After these errors a connection is lost: nothing comes or goes any more. */
static void lose(int fd, int code)
{
    int type;
    socklen_t size = sizeof type;
    bool lost = code == ECONNRESET || code == EPIPE || code == ETIMEDOUT || code == EHOSTUNREACH;
    REAL(syscall);
    if (lost && real(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
        type == SOCK_STREAM)
        real(SYS_shutdown, fd, SHUT_RDWR);
    errno = code;
}

#define CALL_STREAM(name, params)                                                                  \
    ssize_t name params                                                                            \
    {                                                                                              \
        REAL(name);                                                                                \
        int code;                                                                                  \
        if (faults_hit(KIND_##name, &code)) {                                                      \
            if (code != CODE_SHORT) {                                                              \
                lose(fd, code);                                                                    \
                return -1;                                                                         \
            }                                                                                      \
            size = size > 1 ? 1 : size;                                                            \
        }                                                                                          \
        return real(fd, p, size, flags);                                                           \
    }

CALL_STREAM(recv, (int fd, void *p, size_t size, int flags))
CALL_STREAM(send, (int fd, const void *p, size_t size, int flags))
CALL(recvmsg, ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags),
     -1)
CALL_SIZED(recvmmsg, int, recvmmsg,
           (int fd, struct mmsghdr *p, unsigned int size, int flags, struct timespec *timeout),
           (fd, p, size, flags, timeout), size)
CALL_SIZED(sendmmsg, int, sendmmsg, (int fd, struct mmsghdr *p, unsigned int size, int flags),
           (fd, p, size, flags), size)
CALL_SIZED(splice, ssize_t, splice,
           (int from, off64_t *at, int to, off64_t *to_at, size_t size, unsigned int flags),
           (from, at, to, to_at, size, flags), size)

/* Descriptors. */
CALL(epoll_create1, int, epoll_create1, (int flags), (flags), -1)

/* To remove a descriptor needs no memory. */
int epoll_ctl(int fd, int what, int on, struct epoll_event *event)
{
    REAL(epoll_ctl);
    int code;
    if (what == EPOLL_CTL_DEL || !faults_hit(KIND_epoll_ctl, &code))
        return real(fd, what, on, event);
    errno = code;
    return -1;
}

CALL_SIZED(epoll_wait, int, epoll_wait, (int fd, struct epoll_event *events, int size, int timeout),
           (fd, events, size, timeout), size)
CALL(poll, int, poll, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout), -1)
CALL(pipe2, int, pipe2, (int fds[2], int flags), (fds, flags), -1)

/* Reading these fails in fewer ways than a file, the kind is `event`; writing one never fails while
 * its counter has room. */
static _Atomic bool is_event[4096];

static int mark_event(int fd)
{
    if (fd >= 0 && fd < 4096)
        is_event[fd] = true;
    return fd;
}

#define CALL_EVENT(name, params, args)                                                             \
    int name params                                                                                \
    {                                                                                              \
        REAL(name);                                                                                \
        int code;                                                                                  \
        if (faults_hit(KIND_##name, &code)) {                                                      \
            errno = code;                                                                          \
            return -1;                                                                             \
        }                                                                                          \
        return mark_event(real args);                                                              \
    }

CALL_EVENT(eventfd, (unsigned int value, int flags), (value, flags))
CALL_EVENT(timerfd_create, (clockid_t clock, int flags), (clock, flags))
CALL_EVENT(signalfd, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))

ssize_t read(int fd, void *p, size_t size)
{
    REAL(read);
    int code;
    bool event = fd >= 0 && fd < 4096 && is_event[fd];
    if (faults_hit(event ? KIND_event : KIND_read, &code)) {
        if (code != CODE_SHORT) {
            errno = code;
            return -1;
        }
        size = size > 1 ? 1 : size;
    }
    return real(fd, p, size);
}

ssize_t write(int fd, const void *p, size_t size)
{
    REAL(write);
    int code;
    bool event = fd >= 0 && fd < 4096 && is_event[fd];
    if (!event && faults_hit(KIND_write, &code)) {
        if (code != CODE_SHORT) {
            errno = code;
            return -1;
        }
        size = size > 1 ? 1 : size;
    }
    return real(fd, p, size);
}

CALL(fcntl, int, dup3, (int from, int to, int flags), (from, to, flags), -1)

int fcntl(int fd, int what, ...)
{
    REAL(fcntl);
    int code;
    va_list list;
    va_start(list, what);
    void *value = va_arg(list, void *);
    va_end(list);
    if (faults_hit(KIND_fcntl, &code)) {
        errno = code;
        return -1;
    }
    return real(fd, what, value);
}

/* Linux has closed the descriptor even if close(2) fails. */
int close(int fd)
{
    REAL(close);
    if (fd >= 0 && fd < 4096)
        is_event[fd] = false;
    int code, result = real(fd);
    if (!faults_hit(KIND_close, &code))
        return result;
    errno = code;
    return -1;
}

/* Files. */
int open(const char *path, int flags, ...)
{
    REAL(open);
    int code;
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    if (faults_hit(KIND_open, &code)) {
        errno = code;
        return -1;
    }
    return real(path, flags, mode);
}

/* Programs for files beyond 2 GiB call others, which are the same on 64-bit machines. */
#define LARGE(name) extern __typeof__(name) name##64 __attribute__((alias(#name)))
LARGE(fcntl);
LARGE(open);

CALL(open, FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL)
CALL(open, FILE *, fopen64, (const char *path, const char *mode), (path, mode), NULL)
CALL(open, FILE *, fdopen, (int fd, const char *mode), (fd, mode), NULL)
CALL(open, DIR *, fdopendir, (int fd), (fd), NULL)
CALL(open, DIR *, opendir, (const char *path), (path), NULL)
CALL(open, int, mkostemp, (char *path, int flags), (path, flags), -1)
CALL(open, int, mkostemp64, (char *path, int flags), (path, flags), -1)
CALL(open, int, memfd_create, (const char *name, unsigned int flags), (name, flags), -1)
CALL(stat, int, stat, (const char *path, struct stat *found), (path, found), -1)
CALL(stat, int, stat64, (const char *path, struct stat64 *found), (path, found), -1)
CALL(stat, int, lstat, (const char *path, struct stat *found), (path, found), -1)
CALL(stat, int, lstat64, (const char *path, struct stat64 *found), (path, found), -1)
CALL(stat, int, fstat, (int fd, struct stat *found), (fd, found), -1)
CALL(stat, int, fstat64, (int fd, struct stat64 *found), (fd, found), -1)
CALL(stat, char *, realpath, (const char *path, char *found), (path, found), NULL)
CALL(stat, char *, getcwd, (char *path, size_t size), (path, size), NULL)
CALL(stat, ssize_t, readlink, (const char *path, char *found, size_t size), (path, found, size), -1)
CALL(stat, int, gethostname, (char *name, size_t size), (name, size), -1)
CALL(stat, int, access, (const char *path, int how), (path, how), -1)
CALL(stat, int, faccessat, (int folder, const char *path, int how, int flags),
     (folder, path, how, flags), -1)
CALL(rename, int, rename, (const char *from, const char *to), (from, to), -1)
CALL(rename, int, unlink, (const char *path), (path), -1)
CALL(file, int, fchmod, (int fd, mode_t mode), (fd, mode), -1)
CALL(file, int, chmod, (const char *path, mode_t mode), (path, mode), -1)
CALL(file, int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group), -1)
CALL(file, int, lchown, (const char *path, uid_t user, gid_t group), (path, user, group), -1)
CALL(file, struct dirent64 *, readdir64, (DIR * dir), (dir), NULL)
CALL(file, int, ftruncate, (int fd, off_t size), (fd, size), -1)
CALL(file, int, ftruncate64, (int fd, off64_t size), (fd, size), -1)
CALL(file, int, fsync, (int fd), (fd), -1)
CALL(file, ssize_t, pread, (int fd, void *p, size_t size, off_t at), (fd, p, size, at), -1)
CALL(file, ssize_t, pread64, (int fd, void *p, size_t size, off64_t at), (fd, p, size, at), -1)
CALL(file, off_t, lseek, (int fd, off_t at, int from), (fd, at, from), -1)
CALL(file, off64_t, lseek64, (int fd, off64_t at, int from), (fd, at, from), -1)
CALL(flush, int, fflush, (FILE * file), (file), EOF)

/* The buffered data is lost, the file is closed: fclose(3). */
int fclose(FILE *file)
{
    REAL(fclose);
    int code, result = real(file);
    if (!faults_hit(KIND_flush, &code))
        return result;
    errno = code;
    return EOF;
}

/* The C library reads from what is no descriptor, so that ferror(3) tells of it. */
#define CALL_READER(type, name, params, args)                                                      \
    type name params                                                                               \
    {                                                                                              \
        REAL(name);                                                                                \
        int code;                                                                                  \
        if (!faults_hit(KIND_stream, &code))                                                       \
            return real args;                                                                      \
        int fd = file->_fileno;                                                                    \
        file->_fileno = -1;                                                                        \
        type result = real args;                                                                   \
        file->_fileno = fd;                                                                        \
        errno = code;                                                                              \
        return result;                                                                             \
    }

CALL_READER(size_t, fread, (void *p, size_t size, size_t count, FILE *file), (p, size, count, file))
CALL_READER(char *, fgets, (char *p, int size, FILE *file), (p, size, file))
CALL_READER(int, getc, (FILE * file), (file))
CALL_READER(int, fgetc, (FILE * file), (file))
CALL(mmap, void *, mmap, (void *at, size_t size, int may, int flags, int fd, off_t from),
     (at, size, may, flags, fd, from), MAP_FAILED)

/* Threads, time, the process. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *p)
{
    REAL(pthread_create);
    int code;
    return faults_hit(KIND_thread, &code) ? code : real(thread, attributes, run, p);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    REAL(getaddrinfo);
    int code;
    if (!faults_hit(KIND_getaddrinfo, &code))
        return real(name, service, hints, found);
    errno = ENOMEM; /* what EAI_SYSTEM refers to */
    return code;
}

int getnameinfo(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size,
                char *service, socklen_t service_size, int flags)
{
    REAL(getnameinfo);
    int code;
    if (!faults_hit(KIND_getnameinfo, &code))
        return real(address, length, host, host_size, service, service_size, flags);
    errno = ENOMEM; /* what EAI_SYSTEM refers to */
    return code;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    REAL(clock_gettime);
    int code, result = real(clock, now);
    if (faults_hit(clock == CLOCK_REALTIME ? KIND_real_time : KIND_uptime, &code))
        now->tv_sec += code;
    return result;
}

time_t time(time_t *now)
{
    REAL(time);
    int code;
    time_t result = real(NULL);
    if (faults_hit(KIND_real_time, &code))
        result += code;
    if (now)
        *now = result;
    return result;
}

CALL(wait, int, nanosleep, (const struct timespec *time, struct timespec *left), (time, left), -1)
CALL(random, ssize_t, getrandom, (void *p, size_t size, unsigned int flags), (p, size, flags), -1)
CALL(process, int, sigaction, (int number, const struct sigaction *new, struct sigaction *old),
     (number, new, old), -1)
CALL(process, int, getrlimit, (__rlimit_resource_t what, struct rlimit *limit), (what, limit), -1)
CALL(process, int, getrlimit64, (__rlimit_resource_t what, struct rlimit64 *limit), (what, limit),
     -1)
CALL(process, int, setrlimit, (__rlimit_resource_t what, const struct rlimit *limit), (what, limit),
     -1)
CALL(process, int, setrlimit64, (__rlimit_resource_t what, const struct rlimit64 *limit),
     (what, limit), -1)
CALL(process, int, sched_getaffinity, (pid_t pid, size_t size, cpu_set_t *set), (pid, size, set),
     -1)
CALL(process, int, timer_create, (clockid_t clock, struct sigevent *event, timer_t *timer),
     (clock, event, timer), -1)
CALL(process, int, timer_settime,
     (timer_t timer, int flags, const struct itimerspec *next, struct itimerspec *old),
     (timer, flags, next, old), -1)
CALL(process, int, getrusage, (__rusage_who_t who, struct rusage *usage), (who, usage), -1)

/* Who the server is to be, and what it gives up. */
CALL(account, struct passwd *, getpwnam, (const char *name), (name), NULL)
CALL(account, struct passwd *, getpwuid, (uid_t user), (user), NULL)
CALL(account, struct group *, getgrnam, (const char *name), (name), NULL)
CALL(privilege, int, initgroups, (const char *user, gid_t group), (user, group), -1)
CALL(privilege, int, setgroups, (size_t count, const gid_t *groups), (count, groups), -1)
CALL(privilege, int, setresuid, (uid_t real_id, uid_t effective, uid_t saved),
     (real_id, effective, saved), -1)
CALL(privilege, int, setresgid, (gid_t real_id, gid_t effective, gid_t saved),
     (real_id, effective, saved), -1)

#define VARIABLE(kind, type, name, first, never)                                                   \
    type name(__typeof__(first) what, ...)                                                         \
    {                                                                                              \
        REAL(name);                                                                                \
        int code;                                                                                  \
        unsigned long p[6];                                                                        \
        va_list list;                                                                              \
        va_start(list, what);                                                                      \
        for (int i = 0; i < 6; i++)                                                                \
            p[i] = va_arg(list, unsigned long);                                                    \
        va_end(list);                                                                              \
        if (!(never) && faults_hit(KIND_##kind, &code)) {                                          \
            errno = code;                                                                          \
            return -1;                                                                             \
        }                                                                                          \
        return real(what, p[0], p[1], p[2], p[3], p[4], p[5]);                                     \
    }

VARIABLE(privilege, long, syscall, 0L, false)
/* To read whether a capability is in the bounding set fails for the number behind the last one
 * only. */
VARIABLE(privilege, int, prctl, 0, what == PR_CAPBSET_READ)

int ioctl(int fd, unsigned long what, ...)
{
    REAL(ioctl);
    int code;
    va_list list;
    va_start(list, what);
    void *value = va_arg(list, void *);
    va_end(list);
    if (faults_hit(KIND_ioctl, &code)) {
        errno = code;
        return -1;
    }
    return real(fd, what, value);
}
