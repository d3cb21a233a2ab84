/* SPDX-License-Identifier: MIT */
/*
 * First ClientHellos of DTLS 1.2 from addresses that never answer:
 *
 *     flood PORT COUNT RATE     COUNT of them, RATE a second; prints how many seconds it took
 *
 * Each comes from a random address of 127.0.0.0/8 (IP_PKTINFO) and one of a few ports, which needs
 * no privilege. The answers are not read: the kernel drops them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    SOCKETS = 16,
    AT_ONCE = 20, /* then it waits for its rate */
    RECORD_HEADER_BYTES = 13,
    MESSAGE_HEADER_BYTES = 12,
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* RFC 6347 §4.1, §4.2.2, RFC 5246 §7.4.1.2: with the lengths filled in. */
static unsigned char hello[] = {
    22,   0xfe, 0xff, 0,    0,  0,    0,  0,  0,  0,  0,  0,  0,              /* the record */
    1,    0,    0,    0,    0,  0,    0,  0,  0,  0,  0,  0,                  /* the message */
    0xfe, 0xfd,                                                               /* DTLS 1.2 */
    0,    1,    2,    3,    4,  5,    6,  7,  8,  9,  10, 11, 12, 13, 14, 15, /* random */
    16,   17,   18,   19,   20, 21,   22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 0, 0, /* neither
                                                                                       session nor
                                                                                       cookie */
    0,    2,    0xc0, 0x2b, 1,  0, /* one cipher, no compression */
    0,    27,   0,    10,   0,  4,    0,  2,  0,  23, 0,  13, 0,  4,  0,  2,  4, 3, 0,
    11,   0,    2,    1,    0,  0xff, 1,  0,  1,  0,
};

static void fill_lengths(void)
{
    enum { RECORD_AT = 12, MESSAGE_AT = 16, FRAGMENT_AT = 24 };
    hello[RECORD_AT] = sizeof hello - RECORD_HEADER_BYTES;
    hello[MESSAGE_AT] = hello[FRAGMENT_AT] =
        sizeof hello - RECORD_HEADER_BYTES - MESSAGE_HEADER_BYTES;
}

static int open_socket(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), least = 1;
    struct sockaddr_in any = {.sin_family = AF_INET};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least) ||
        bind(fd, (struct sockaddr *)&any, sizeof any))
        die("socket");
    return fd;
}

static void send_from(int fd, int port, uint32_t source)
{
    union {
        struct cmsghdr header;
        unsigned char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo)),
                            .cmsg_level = IPPROTO_IP,
                            .cmsg_type = IP_PKTINFO}};
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(source)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct iovec part = {hello, sizeof hello};
    struct msghdr message = {.msg_name = &to,
                             .msg_namelen = sizeof to,
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    memcpy(CMSG_DATA(&control.header), &info, sizeof info);
    if (sendmsg(fd, &message, 0) < 0)
        die("sendmsg");
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void sleep_until(double at_s)
{
    double left_s = at_s - now_s();
    struct timespec left = {.tv_sec = (time_t)left_s,
                            .tv_nsec = (long)((left_s - (double)(time_t)left_s) * 1e9)};
    if (left_s > 0)
        nanosleep(&left, NULL);
}

int main(int argc, char **argv)
{
    int fds[SOCKETS];
    if (argc != 4) {
        fprintf(stderr, "usage: flood PORT COUNT RATE\n");
        return 2;
    }
    int port = atoi(argv[1]), count = atoi(argv[2]);
    double rate = atof(argv[3]), begin_s = now_s();
    fill_lengths();
    for (int i = 0; i < SOCKETS; i++)
        fds[i] = open_socket();
    for (int i = 0; i < count; i++) {
        if (i % AT_ONCE == 0)
            sleep_until(begin_s + i / rate);
        send_from(fds[i % SOCKETS], port, 0x7f000000 | (uint32_t)(random() % 0xfffffe + 1));
    }
    printf("%.3f\n", now_s() - begin_s);
    return 0;
}
