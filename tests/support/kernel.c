/* SPDX-License-Identifier: MIT */
#include "kernel.h"

#include <check.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/seccomp.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loopback.h"

static bool tells(int fd, int level, int option, void *value, socklen_t size, socklen_t least)
{
    return getsockopt(fd, level, option, value, &size) == 0 && size >= least;
}

/* An emulator may know it as a number only. */
static bool has_tcp_info(void)
{
    struct tcp_info info;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = tells(fd, IPPROTO_TCP, TCP_INFO, &info, sizeof info, sizeof(int) + 1);
    close(fd);
    return has;
}

static bool has_saved_syn(void)
{
    enum { IPV4_AND_TCP = 40 };
    unsigned char headers[512];
    int on = 1;
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int listening = loopback_listen(&address, 1);
    bool asked = setsockopt(listening, IPPROTO_TCP, TCP_SAVE_SYN, &on, sizeof on) == 0;
    int client = loopback_connect(&address), accepted = loopback_accept(listening);
    bool has =
        asked && tells(accepted, IPPROTO_TCP, TCP_SAVED_SYN, headers, sizeof headers, IPV4_AND_TCP);
    close(accepted);
    close(client);
    close(listening);
    return has;
}

static bool has_path_mtu(void)
{
    int mtu, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct address address = loopback_address("udp://127.0.0.1:9");
    ck_assert_int_eq(connect(fd, &address.any, address.length), 0);
    bool has = tells(fd, IPPROTO_IP, IP_MTU, &mtu, sizeof mtu, sizeof mtu);
    close(fd);
    return has;
}

static bool has_late_port(void)
{
    int on, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = tells(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on, sizeof on);
    close(fd);
    return has;
}

static bool has_socket_option(int option)
{
    int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool has = setsockopt(fd, SOL_SOCKET, option, &on, sizeof on) == 0;
    close(fd);
    return has;
}

/* An emulator may leave it in the order of bytes of its own machine. */
static bool has_traffic_class(void)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char data = 'x';
    struct iovec piece = {.iov_base = &data, .iov_len = 1};
    struct msghdr header = {.msg_iov = &piece,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    struct address own = loopback_address("udp://[::1]:0");
    int on = 1, sent = 0x88, got = 0, fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool has = bind(fd, &own.any, own.length) == 0 && getsockname(fd, &own.any, &own.length) == 0 &&
               setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on) == 0 &&
               setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &sent, sizeof sent) == 0 &&
               sendto(fd, &data, 1, 0, &own.any, own.length) == 1 && recvmsg(fd, &header, 0) == 1 &&
               CMSG_FIRSTHDR(&header);
    if (has)
        memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof got);
    close(fd);
    return has && got == sent;
}

/* A port that is closed answers with ICMP. */
static bool has_error_sender(void)
{
    union {
        struct cmsghdr align;
        char bytes[256];
    } control;
    struct {
        struct sock_extended_err error;
        struct sockaddr_in sender;
    } got = {.sender.sin_family = AF_UNSPEC};
    char data;
    struct iovec piece = {.iov_base = &data, .iov_len = 1}; /* else qemu-user tells nothing */
    struct msghdr header = {.msg_iov = &piece,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    struct address own = loopback_address("udp://127.0.0.1:0");
    int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, &own.any, own.length), 0);
    ck_assert_int_eq(getsockname(fd, &own.any, &own.length), 0);
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool has = connect(fd, &own.any, own.length) == 0 &&
               setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on) == 0 &&
               send(fd, "", 1, 0) == 1 && poll(&(struct pollfd){.fd = fd}, 1, -1) == 1 &&
               recvmsg(fd, &header, MSG_ERRQUEUE) >= 0 && CMSG_FIRSTHDR(&header) &&
               CMSG_FIRSTHDR(&header)->cmsg_len >= CMSG_LEN(sizeof got);
    if (has)
        memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof got);
    close(fd);
    return got.sender.sin_family == AF_INET &&
           got.sender.sin_addr.s_addr == own.ipv4.sin_addr.s_addr;
}

/* Memcheck has limits of its own: accept closes the connection for which there is no descriptor. */
static bool has_descriptor_limit(void)
{
    char byte;
    struct rlimit usual, none;
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int listening = loopback_listen(&address, 1), client = loopback_connect(&address);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
    none = (struct rlimit){.rlim_max = usual.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool has = accept(listening, NULL, NULL) < 0 && errno == EMFILE &&
               recv(client, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
    close(client);
    close(listening);
    return has;
}

static bool has_seccomp(void)
{
    uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static bool probe(enum kernel_feature feature, const char **ret_what)
{
    switch (feature) {
    case KERNEL_TCP_INFO:
        *ret_what = "the statistics of a connection (TCP_INFO)";
        return has_tcp_info();
    case KERNEL_SAVED_SYN:
        *ret_what = "the headers of a SYN (TCP_SAVED_SYN)";
        return has_saved_syn();
    case KERNEL_PATH_MTU:
        *ret_what = "the MTU of a path (IP_MTU)";
        return has_path_mtu();
    case KERNEL_DATAGRAM_TIMES:
        *ret_what = "when a datagram arrived (SO_TIMESTAMPNS)";
        return has_socket_option(SO_TIMESTAMPNS);
    case KERNEL_DATAGRAM_DROPS:
        *ret_what = "how many datagrams it dropped (SO_RXQ_OVFL)";
        return has_socket_option(SO_RXQ_OVFL);
    case KERNEL_TRAFFIC_CLASS:
        *ret_what = "the traffic class of a datagram (IPV6_RECVTCLASS)";
        return has_traffic_class();
    case KERNEL_LATE_PORT:
        *ret_what = "whether a port is chosen late (IP_BIND_ADDRESS_NO_PORT)";
        return has_late_port();
    case KERNEL_ERROR_SENDER:
        *ret_what = "who sent an ICMP message (SO_EE_OFFENDER)";
        return has_error_sender();
    case KERNEL_DESCRIPTOR_LIMIT:
        *ret_what = "before it accepts that no descriptor is left (RLIMIT_NOFILE)";
        return has_descriptor_limit();
    case KERNEL_SECCOMP:
        *ret_what = "whether it can refuse system calls (seccomp)";
        return has_seccomp();
    }
    ck_abort();
}

bool kernel_has(enum kernel_feature feature)
{
    const char *what;
    bool has = probe(feature, &what);
    if (!has)
        printf("skipped: this kernel, or what emulates it, does not tell %s\n", what);
    return has;
}
