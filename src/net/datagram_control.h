/* SPDX-License-Identifier: MIT */
/*
 * The control messages of datagrams: cmsg(3), ip(7), ipv6(7), socket(7).
 *
 * Ownership: values, no heap.   Threads: any.
 */
#ifndef TLSECHO_DATAGRAM_CONTROL_H
#define TLSECHO_DATAGRAM_CONTROL_H

#include <time.h>

#include <linux/errqueue.h> /* needs struct timespec */
#include <sys/socket.h>

#include "tlsecho/net/datagram.h"

/* Room for all that datagram_control_request asks for, at once, or for an error. */
union datagram_control {
    struct cmsghdr align;
    unsigned char received[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
                           CMSG_SPACE(sizeof(struct in_pktinfo)) +
                           CMSG_SPACE(2 * sizeof(uint64_t)) + /* struct timespec */
                           3 * CMSG_SPACE(sizeof(int))];
    unsigned char error[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6)) +
                        CMSG_SPACE(2 * sizeof(uint64_t)) + 3 * CMSG_SPACE(sizeof(int)) +
                        CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* Sets what the kernel is to tell of each datagram. ERROR_SYSTEM. */
int datagram_control_request(int fd, int family, const struct datagram_options *options,
                             struct error *err);

/* Fills own, time, ttl, tos and to_many; *ret_drops stays where the kernel says nothing. */
void datagram_control_read(struct msghdr *header, struct datagram *ret, uint32_t *ret_drops);

/* Fills all but data and length. */
void datagram_control_read_error(struct msghdr *header, struct datagram_error *ret);

/* Makes the header send from that address. */
void datagram_control_write(const struct address *own, union datagram_control *control,
                            struct msghdr *header);

/* The same address for a socket of that family: an IPv4 address is mapped for IPv6. */
void datagram_control_map(const struct address *address, int family, struct address *ret);

#endif
