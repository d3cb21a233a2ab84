/* SPDX-License-Identifier: MIT */
#include "datagram_control.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* Drops and times stay unknown where Linux is emulated without them. */
static bool can_be_missing(int level, int name)
{
    return level == SOL_SOCKET && (name == SO_RXQ_OVFL || name == SO_TIMESTAMPNS);
}

static int set_option(int fd, int level, int name, int value)
{
    int result = setsockopt(fd, level, name, &value, sizeof value);
    return result < 0 && errno == ENOPROTOOPT && can_be_missing(level, name) ? 0 : result;
}

int datagram_control_request(int fd, int family, const struct datagram_options *options,
                             struct error *err)
{
    const struct {
        int level, name, value;
    } all[] = {
        {SOL_SOCKET, SO_RXQ_OVFL, 1},
        {SOL_SOCKET, SO_TIMESTAMPNS, options->time},
        {IPPROTO_IP, IP_PKTINFO, options->own},
        {IPPROTO_IP, IP_RECVTTL, options->ttl},
        {IPPROTO_IP, IP_RECVTOS, options->tos},
        {IPPROTO_IP, IP_RECVERR, options->errors},
        {IPPROTO_IP, IP_MTU_DISCOVER, options->never_fragment ? IP_PMTUDISC_DO : IP_PMTUDISC_WANT},
        {IPPROTO_IPV6, IPV6_RECVPKTINFO, options->own},
        {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, options->ttl},
        {IPPROTO_IPV6, IPV6_RECVTCLASS, options->tos},
        {IPPROTO_IPV6, IPV6_RECVERR, options->errors},
        {IPPROTO_IPV6, IPV6_MTU_DISCOVER,
         options->never_fragment ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_WANT},
    };
    /* An IPv6 socket receives IPv4 too, and needs both. */
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if ((all[i].level != IPPROTO_IPV6 || family == AF_INET6) &&
            set_option(fd, all[i].level, all[i].name, all[i].value))
            return error_sys(err, "set the options of a datagram socket");
    return 0;
}

static void set_ipv4(struct address *ret, struct in_addr ipv4)
{
    ret->ipv4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = ipv4};
    ret->length = sizeof ret->ipv4;
}

static void read_own(const struct cmsghdr *message, struct datagram *ret)
{
    struct in_pktinfo info;
    memcpy(&info, CMSG_DATA(message), sizeof info);
    if (info.ipi_ifindex == 0)
        return; /* it arrived before IP_PKTINFO was set: the address may be shared */
    set_ipv4(&ret->own, info.ipi_addr);
    /* The address to answer from differs from the one in the header only if that is shared. */
    ret->to_many = info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr;
}

static void read_own_ipv6(const struct cmsghdr *message, struct datagram *ret)
{
    struct in6_pktinfo info;
    memcpy(&info, CMSG_DATA(message), sizeof info);
    if (IN6_IS_ADDR_V4MAPPED(&info.ipi6_addr))
        return; /* IP_PKTINFO says more */
    ret->own.ipv6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6,
        .sin6_addr = info.ipi6_addr,
        .sin6_scope_id = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0,
    };
    ret->own.length = sizeof ret->own.ipv6;
    ret->to_many = IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
}

static int read_int(const struct cmsghdr *message)
{
    int value;
    memcpy(&value, CMSG_DATA(message), sizeof value);
    return value;
}

static void read_message(const struct cmsghdr *message, struct datagram *ret, uint32_t *ret_drops)
{
    int level = message->cmsg_level, type = message->cmsg_type;
    if (level == SOL_SOCKET && type == SO_RXQ_OVFL)
        *ret_drops = (uint32_t)read_int(message);
    else if (level == SOL_SOCKET && type == SCM_TIMESTAMPNS)
        memcpy(&ret->time, CMSG_DATA(message), sizeof ret->time);
    else if (level == IPPROTO_IP && type == IP_PKTINFO)
        read_own(message, ret);
    else if (level == IPPROTO_IPV6 && type == IPV6_PKTINFO)
        read_own_ipv6(message, ret);
    else if ((level == IPPROTO_IP && type == IP_TTL) ||
             (level == IPPROTO_IPV6 && type == IPV6_HOPLIMIT))
        ret->ttl = read_int(message);
    else if (level == IPPROTO_IP && type == IP_TOS)
        ret->tos = *CMSG_DATA(message); /* one octet, unlike the others */
    else if (level == IPPROTO_IPV6 && type == IPV6_TCLASS)
        ret->tos = read_int(message);
}

void datagram_control_read(struct msghdr *header, struct datagram *ret, uint32_t *ret_drops)
{
    ret->own.length = 0;
    ret->time = (struct timespec){.tv_sec = 0};
    ret->ttl = ret->tos = DATAGRAM_UNKNOWN;
    ret->to_many = false;
    for (struct cmsghdr *m = CMSG_FIRSTHDR(header); m; m = CMSG_NXTHDR(header, m))
        read_message(m, ret, ret_drops);
}

static bool is_error(const struct cmsghdr *message)
{
    return (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_RECVERR) ||
           (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_RECVERR);
}

/* The address follows the error: SO_EE_OFFENDER, ip(7). */
static void read_offender(const struct cmsghdr *message, struct address *ret)
{
    const unsigned char *from = CMSG_DATA(message) + sizeof(struct sock_extended_err);
    sa_family_t family;
    memcpy(&family, from, sizeof family);
    if (family != AF_INET && family != AF_INET6)
        return;
    ret->length = family == AF_INET ? sizeof ret->ipv4 : sizeof ret->ipv6;
    memcpy(&ret->any, from, ret->length);
    address_unmap(ret);
}

void datagram_control_read_error(struct msghdr *header, struct datagram_error *ret)
{
    for (struct cmsghdr *m = CMSG_FIRSTHDR(header); m; m = CMSG_NXTHDR(header, m)) {
        struct sock_extended_err error;
        if (!is_error(m))
            continue;
        memcpy(&error, CMSG_DATA(m), sizeof error);
        ret->code = (int)error.ee_errno;
        ret->mtu = ret->code == EMSGSIZE ? error.ee_info : 0;
        ret->local = error.ee_origin == SO_EE_ORIGIN_LOCAL;
        read_offender(m, &ret->from);
    }
}

void datagram_control_write(const struct address *own, union datagram_control *control,
                            struct msghdr *header)
{
    bool ipv4 = own->any.sa_family == AF_INET;
    size_t size = ipv4 ? sizeof(struct in_pktinfo) : sizeof(struct in6_pktinfo);
    struct cmsghdr *message = &control->align;
    message->cmsg_level = ipv4 ? IPPROTO_IP : IPPROTO_IPV6;
    message->cmsg_type = ipv4 ? IP_PKTINFO : IPV6_PKTINFO;
    message->cmsg_len = CMSG_LEN(size);
    if (ipv4) {
        struct in_pktinfo info = {.ipi_spec_dst = own->ipv4.sin_addr};
        memcpy(CMSG_DATA(message), &info, sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_addr = own->ipv6.sin6_addr,
                                   .ipi6_ifindex = own->ipv6.sin6_scope_id};
        memcpy(CMSG_DATA(message), &info, sizeof info);
    }
    header->msg_control = control;
    header->msg_controllen = CMSG_SPACE(size);
}

void datagram_control_map(const struct address *address, int family, struct address *ret)
{
    if (family != AF_INET6 || address->any.sa_family != AF_INET) {
        ret->length = address->length;
        ret->ipv6 = address->ipv6; /* the longer one: a copy of fixed size is cheaper */
        return;
    }
    ret->length = sizeof ret->ipv6;
    ret->ipv6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = address->ipv4.sin_port};
    ret->ipv6.sin6_addr.s6_addr[10] = ret->ipv6.sin6_addr.s6_addr[11] = 0xff;
    memcpy(&ret->ipv6.sin6_addr.s6_addr[12], &address->ipv4.sin_addr,
           sizeof address->ipv4.sin_addr);
}
