/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/socket.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOCAL_MODE = 0660, DSCP_SHIFT = 2 /* below it are the bits of ECN (RFC 3168) */ };

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

/* The remedy for an errno; NULL if strerror(3) is enough. */
static const char *listen_remedy(const struct address *address, int code)
{
    bool local = address->any.sa_family == AF_UNIX;
    switch (code) {
    case EADDRINUSE:
        return local ? "another program, or another tlsecho-server, listens on it: stop it, or "
                       "choose another"
                     : "another program, or another tlsecho-server, holds the port: stop it, or "
                       "choose another";
    case EACCES:
        return local ? "make its folder writable for the server"
                     : "ports below 1024 need root or CAP_NET_BIND_SERVICE: choose a higher one";
    case EEXIST:
        return "the file is not a socket: remove it, or choose another path";
    case ENOENT:
        return "its folder does not exist: create it";
    case EADDRNOTAVAIL:
        return "no interface of this host has that address, or it is still tentative: add it, or "
               "write freebind: on";
    case EAFNOSUPPORT:
        return "this host does not support that address family: choose another address";
    }
    return NULL;
}

/* Fills err from errno. Always returns -1. */
static int listen_failed(const struct address *address, struct error *err)
{
    const char *remedy = listen_remedy(address, errno);
    char text[ADDRESS_TEXT_BYTES];
    address_text(address, text);
    error_sys(err, "listen on %s", text);
    if (remedy) {
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used, " (%s)", remedy);
    }
    return -1;
}

static int bind_internet(int fd, const struct address *address, const struct socket_listening *how)
{
    bool ipv6 = address->any.sa_family == AF_INET6;
    if ((!how->datagrams && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) ||
        (how->share_port && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) ||
        (how->freebind &&
         set_option(fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_FREEBIND : IP_FREEBIND, 1)))
        return -1;
    if (ipv6) {
        bool everything = IN6_IS_ADDR_UNSPECIFIED(&address->ipv6.sin6_addr);
        if (set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !everything))
            return -1;
    }
    return bind(fd, &address->any, address->length);
}

/* Removes the file of a socket on which no process listens any more. Sets errno. */
static int remove_stale(const struct address *address)
{
    const char *path = address->local.sun_path;
    struct stat status;
    if (lstat(path, &status))
        return errno == ENOENT ? 0 : -1;
    if (!S_ISSOCK(status.st_mode)) {
        errno = EEXIST;
        return -1;
    }

    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return -1;
    int code = connect(probe, &address->any, address->length) ? errno : EADDRINUSE;
    close(probe);
    if (code == ECONNREFUSED)
        return unlink(path);
    errno = code == EAGAIN ? EADDRINUSE : code; /* EAGAIN: its backlog is full */
    return -1;
}

/* Linux creates the file with the mode of the descriptor and the umask, so it is never wider than
 * the final mode. */
static int bind_local(int fd, const struct address *address)
{
    if (remove_stale(address) || fchmod(fd, LOCAL_MODE) || bind(fd, &address->any, address->length))
        return -1;
    return chmod(address->local.sun_path, LOCAL_MODE);
}

int socket_listen(struct address *address, const struct socket_listening *how, int *ret,
                  struct error *err)
{
    bool local = address->any.sa_family == AF_UNIX;
    int type = how->datagrams ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(address->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return listen_failed(address, err);
    if ((local ? bind_local(fd, address) : bind_internet(fd, address, how)) ||
        (!how->datagrams && listen(fd, how->backlog))) {
        listen_failed(address, err);
        close(fd);
        return -1;
    }
    if (!local && socket_addresses(fd, NULL, address, err)) {
        close(fd);
        return -1;
    }
    *ret = fd;
    return 0;
}

void socket_share_port(int fd, bool on)
{
    set_option(fd, SOL_SOCKET, SO_REUSEPORT, on);
}

int socket_set_nodelay(int fd, bool on, struct error *err)
{
    /* unix(7) sockets have no TCP options. */
    if (set_option(fd, IPPROTO_TCP, TCP_NODELAY, on) && errno != EOPNOTSUPP)
        return error_sys(err, "set TCP_NODELAY");
    return 0;
}

int socket_set_keepalive(int fd, const struct socket_keepalive *keepalive, struct error *err)
{
    if (set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)keepalive->idle_s) == 0 &&
        set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)keepalive->interval_s) == 0 &&
        set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, (int)keepalive->probes) == 0 &&
        set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) == 0)
        return 0;
    return errno == EOPNOTSUPP ? 0 : error_sys(err, "set keepalive");
}

/* SO_RCVBUF disables automatic tuning for good; SO_BUF_LOCK, since Linux 5.15, enables it again. */
static int set_receive_buffer(int fd, size_t bytes)
{
    if (bytes > 0)
        return set_option(fd, SOL_SOCKET, SO_RCVBUF, (int)bytes);
#ifdef SO_BUF_LOCK
    set_option(fd, SOL_SOCKET, SO_BUF_LOCK, 0);
#endif
    return 0;
}

int socket_set_buffers(int fd, size_t unsent_bytes, size_t receive_bytes, struct error *err)
{
    if (set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, (int)unsent_bytes))
        return errno == EOPNOTSUPP ? 0 : error_sys(err, "set TCP_NOTSENT_LOWAT");
    if (set_receive_buffer(fd, receive_bytes))
        return error_sys(err, "set SO_RCVBUF");
    return 0;
}

int socket_set_urgent_inline(int fd, struct error *err)
{
    if (set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1))
        return error_sys(err, "set SO_OOBINLINE");
    return 0;
}

int socket_set_dscp(int fd, int family, unsigned dscp, struct error *err)
{
    int value = (int)(dscp << DSCP_SHIFT);
    if ((family == AF_INET && set_option(fd, IPPROTO_IP, IP_TOS, value)) ||
        (family == AF_INET6 && set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, value)))
        return error_sys(err, "set DSCP");
    return 0;
}

static int option_of(int fd, int level, int name)
{
    int value;
    socklen_t length = sizeof value;
    return getsockopt(fd, level, name, &value, &length) == 0 ? value : -1;
}

void socket_get_marks(int fd, int *ret_ttl, int *ret_dscp)
{
    bool ipv6 = option_of(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6;
    int class = ipv6 ? option_of(fd, IPPROTO_IPV6, IPV6_TCLASS) : option_of(fd, IPPROTO_IP, IP_TOS);
    *ret_dscp = class < 0 ? -1 : class >> DSCP_SHIFT;
    *ret_ttl =
        ipv6 ? option_of(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS) : option_of(fd, IPPROTO_IP, IP_TTL);
}

void socket_save_syn(int fd, bool on)
{
    set_option(fd, IPPROTO_TCP, TCP_SAVE_SYN, on);
}

size_t socket_saved_syn(int fd, void *ret, size_t size)
{
    socklen_t length = (socklen_t)size;
    return getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, ret, &length) == 0 ? length : 0;
}

static int address_of(int fd, int (*get)(int, struct sockaddr *, socklen_t *), const char *which,
                      struct address *ret, struct error *err)
{
    struct address address = {.length = sizeof address.local};
    if (get(fd, &address.any, &address.length))
        return error_sys(err, "%s address of a connection", which);
    *ret = address;
    return 0;
}

bool socket_refusal_passes(int code)
{
    return code == EINTR || code == ECONNABORTED || code == EPROTO || code == ENETDOWN ||
           code == ENETUNREACH || code == EHOSTUNREACH || code == EHOSTDOWN;
}

int socket_addresses(int fd, struct address *ret_peer, struct address *ret_own, struct error *err)
{
    if (ret_peer && address_of(fd, getpeername, "peer", ret_peer, err))
        return -1;
    if (ret_own && address_of(fd, getsockname, "own", ret_own, err))
        return -1;
    return 0;
}

size_t socket_unacknowledged_bytes(int fd)
{
    int n = 0;
    return ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

bool socket_has_ended(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

void socket_reset_on_close(int fd)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}
