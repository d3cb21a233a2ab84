/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/datagram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "datagram_control.h"
#include "tlsecho/base/container_of.h"
#include "tlsecho/net/socket.h"

struct datagram_udp {
    struct datagram_socket base;
    int family;
    bool lent;
    struct address bound; /* the one address that it receives at; length 0 = there may be more */
    struct mmsghdr in[DATAGRAM_BATCH], out[DATAGRAM_BATCH];
    struct iovec in_data[DATAGRAM_BATCH], out_data[DATAGRAM_BATCH];
    struct address out_peers[DATAGRAM_BATCH]; /* as the family of the socket needs them */
    union datagram_control in_control[DATAGRAM_BATCH], out_control[DATAGRAM_BATCH];
};

static struct datagram_udp *self(struct datagram_socket *s)
{
    return container_of(s, struct datagram_udp, base);
}

static struct datagram_io failed(const char *what, size_t n, struct error *err)
{
    if (errno == EAGAIN)
        return (struct datagram_io){.status = DATAGRAM_WAIT, .n = n};
    error_sys(err, "%s", what);
    return (struct datagram_io){.status = DATAGRAM_FAILED, .n = n};
}

static void prepare_in(struct datagram_udp *u, struct datagram items[], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct msghdr *header = &u->in[i].msg_hdr;
        u->in_data[i] = (struct iovec){.iov_base = items[i].data, .iov_len = items[i].size};
        header->msg_name = &items[i].peer.any;
        header->msg_namelen = sizeof items[i].peer.local;
        header->msg_iov = &u->in_data[i];
        header->msg_iovlen = 1;
        header->msg_control = &u->in_control[i];
        header->msg_controllen = sizeof u->in_control[i];
    }
}

static void take_in(struct datagram_udp *u, unsigned i, struct datagram *ret)
{
    struct msghdr *header = &u->in[i].msg_hdr;
    ret->peer.length = header->msg_namelen;
    address_unmap(&ret->peer);
    ret->length = u->in[i].msg_len;
    ret->truncated = header->msg_flags & MSG_TRUNC;
    datagram_control_read(header, ret, &u->base.kernel_drops);
    if (ret->own.length == 0 && !ret->to_many)
        ret->own = u->bound;
}

static struct datagram_io udp_receive(struct datagram_socket *s, struct datagram items[],
                                      size_t count, struct error *err)
{
    struct datagram_udp *u = self(s);
    unsigned most = count < DATAGRAM_BATCH ? (unsigned)count : DATAGRAM_BATCH;
    int n;
    prepare_in(u, items, most);
    do
        n = recvmmsg(s->fd, u->in, most, MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return failed("receive a datagram", 0, err);
    for (unsigned i = 0; i < (unsigned)n; i++)
        take_in(u, i, &items[i]);
    return (struct datagram_io){.status = DATAGRAM_OK, .n = (size_t)n};
}

static void prepare_out(struct datagram_udp *u, unsigned i, const struct datagram *item)
{
    struct msghdr *header = &u->out[i].msg_hdr;
    u->out_data[i] = (struct iovec){.iov_base = item->data, .iov_len = item->length};
    *header = (struct msghdr){.msg_iov = &u->out_data[i], .msg_iovlen = 1};
    if (item->peer.length > 0) {
        struct address *peer = &u->out_peers[i];
        datagram_control_map(&item->peer, u->family, peer);
        header->msg_name = &peer->any;
        header->msg_namelen = peer->length;
    }
    if (item->own.length > 0 && u->bound.length == 0)
        datagram_control_write(&item->own, &u->out_control[i], header);
}

/* sendmmsg(2) tells why a datagram has failed only where it was the first. */
static struct datagram_io udp_send(struct datagram_socket *s, const struct datagram items[],
                                   size_t count, struct error *err)
{
    struct datagram_udp *u = self(s);
    size_t sent = 0;
    while (sent < count) {
        unsigned most = count - sent < DATAGRAM_BATCH ? (unsigned)(count - sent) : DATAGRAM_BATCH;
        for (unsigned i = 0; i < most; i++)
            prepare_out(u, i, &items[sent + i]);
        int n = sendmmsg(s->fd, u->out, most, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed("send a datagram", sent, err);
        sent += (size_t)n;
    }
    return (struct datagram_io){.status = DATAGRAM_OK, .n = sent};
}

static bool udp_take_error(struct datagram_socket *s, struct datagram_error *ret)
{
    union datagram_control control;
    *ret = (struct datagram_error){.code = 0};
    struct iovec data = {.iov_base = ret->data, .iov_len = sizeof ret->data};
    struct msghdr header = {.msg_iov = &data,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    ssize_t n = recvmsg(s->fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (n < 0)
        return false;
    ret->length = (size_t)n;
    datagram_control_read_error(&header, ret);
    return true;
}

static void udp_free(struct datagram_socket *s)
{
    struct datagram_udp *u = self(s);
    if (!u->lent)
        close(s->fd);
    free(u);
}

static const struct datagram_ops udp_ops = {
    .receive = udp_receive,
    .send = udp_send,
    .take_error = udp_take_error,
    .free = udp_free,
};

static int family_of(int fd, int *ret, struct error *err)
{
    socklen_t length = sizeof *ret;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, ret, &length))
        return error_sys(err, "family of a socket");
    return 0;
}

/* As far as net.core.rmem_max allows: socket(7). The kernel reserves twice as many bytes, and uses
 * them only while datagrams wait. */
static void enlarge_buffer(int fd)
{
    enum { WANTED_BYTES = 2 * 1024 * 1024 }; /* 5,000 short datagrams: 1/4 s of 20,000 a second */
    int wanted = WANTED_BYTES, reserved;
    socklen_t length = sizeof reserved;
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &reserved, &length) == 0 &&
        reserved < 2 * WANTED_BYTES)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
}

/* Not where it is for many: multicast, or the broadcast address of an interface, which connect(2)
 * refuses without SO_BROADCAST. */
static bool is_of_one_host(const struct address *address)
{
    if (address_is_wildcard(address))
        return false;
    if (address->any.sa_family == AF_INET6)
        return !IN6_IS_ADDR_MULTICAST(&address->ipv6.sin6_addr);
    if (IN_MULTICAST(ntohl(address->ipv4.sin_addr.s_addr)))
        return false;
    int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool connects = probe >= 0 && connect(probe, &address->any, address->length) == 0;
    if (probe >= 0)
        close(probe);
    return connects;
}

/* Where all its datagrams go, if that is one address: the kernel need not tell it of each. */
static int find_bound(struct datagram_udp *u, struct error *err)
{
    struct address address;
    address.length = sizeof address.local;
    if (getsockname(u->base.fd, &address.any, &address.length))
        return error_sys(err, "address of a socket");
    address_unmap(&address);
    if (is_of_one_host(&address)) {
        u->bound = address;
        address_set_port(&u->bound, 0);
    }
    return 0;
}

int datagram_set_options(struct datagram_socket *s, const struct datagram_options *options,
                         struct error *err)
{
    struct datagram_udp *u = self(s);
    struct datagram_options needed = *options;
    u->bound.length = 0;
    if (options->own && find_bound(u, err) < 0)
        return -1;
    needed.own = options->own && u->bound.length == 0;
    return datagram_control_request(s->fd, u->family, &needed, err);
}

int datagram_new(int fd, bool lend, const struct datagram_options *options,
                 struct datagram_socket **ret, struct error *err)
{
    struct datagram_udp *u = calloc(1, sizeof *u);
    if (!u) {
        error_sys(err, "memory for a datagram socket");
        if (!lend)
            close(fd);
        return -1;
    }
    u->base = (struct datagram_socket){.ops = &udp_ops, .fd = fd};
    u->lent = lend;
    enlarge_buffer(fd);
    if (family_of(fd, &u->family, err) < 0 || datagram_set_options(&u->base, options, err) < 0) {
        udp_free(&u->base);
        return -1;
    }
    *ret = &u->base;
    return 0;
}

/* -1 with errno. */
static int connect_from(int fd, const struct address *peer, const struct dial_origin *origin,
                        struct error *err)
{
    const struct address *source = origin && origin->source.length ? &origin->source : NULL;
    if (origin && origin->dscp && socket_set_dscp(fd, peer->any.sa_family, origin->dscp, err) < 0)
        return -1;
    if (source && source->any.sa_family != peer->any.sa_family) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    if (source && bind(fd, &source->any, source->length))
        return -1;
    return connect(fd, &peer->any, peer->length);
}

int datagram_connect(const struct address *peer, const struct dial_origin *origin,
                     const struct datagram_options *options, struct datagram_socket **ret,
                     struct error *err)
{
    char text[ADDRESS_TEXT_BYTES];
    int fd = socket(peer->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect_from(fd, peer, origin, err) == 0)
        return datagram_new(fd, false, options, ret, err);
    address_text(peer, text);
    error_sys(err, "connect to %s", text);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* ip(7): IP_MTU is of a connected socket. */
size_t datagram_path_room(const struct address *peer)
{
    enum { UDP_HEADER_BYTES = 8, IPV4_HEADER_BYTES = 20, IPV6_HEADER_BYTES = 40 };
    bool ipv6 = peer->any.sa_family == AF_INET6;
    int mtu = 0, headers = UDP_HEADER_BYTES + (ipv6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES);
    socklen_t size = sizeof mtu;
    int fd = socket(peer->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    if (connect(fd, &peer->any, peer->length) < 0 ||
        getsockopt(fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_MTU : IP_MTU, &mtu, &size) < 0)
        mtu = 0;
    close(fd);
    return mtu > headers ? (size_t)(mtu - headers) : 0;
}
