/* SPDX-License-Identifier: MIT */
/*
 * What a UDP echo costs at the least, and a load to measure it with:
 *
 *     datagrams echo                                  a bare loop of recvmmsg(2) and sendmmsg(2)
 *     datagrams echo-any                              likewise on 0.0.0.0, with IP_PKTINFO: it
 * answers from the address that was asked, as it must datagrams load PORT CLIENTS WINDOW 64-byte
 * datagrams
 *
 * The loop prints its port and runs until it is killed. The load prints "ready". For each line
 * that begins with SECONDS on standard input it works for so long, with WINDOW datagrams in flight
 * on each of CLIENTS sockets, and prints how many came back. Each payload is different, as the
 * server takes a repetition for a loop. What is lost, or refused by ICMP, is sent again after a
 * tenth of a second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 32, BYTES = 64, ROOM = 2048, CLIENTS_MAX = 256, LOST_MS = 100 };

static struct mmsghdr messages[BATCH];
static struct iovec parts[BATCH];
static struct sockaddr_in peers[BATCH];
static unsigned char data[BATCH][ROOM];
static union {
    struct cmsghdr align;
    unsigned char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
} controls[BATCH];

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "datagrams: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_socket(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    return fd;
}

static void prepare(int i, size_t bytes, bool named)
{
    parts[i] = (struct iovec){data[i], bytes};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    if (!named)
        return;
    messages[i].msg_hdr.msg_name = &peers[i];
    messages[i].msg_hdr.msg_namelen = sizeof peers[i];
}

static int bind_socket(uint32_t host)
{
    int fd = open_socket();
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
    socklen_t length = sizeof own;
    if (bind(fd, (struct sockaddr *)&own, sizeof own) ||
        getsockname(fd, (struct sockaddr *)&own, &length) ||
        setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &(int){host == INADDR_ANY}, sizeof(int)))
        die("bind");
    printf("%d\n", ntohs(own.sin_port));
    fflush(stdout);
    return fd;
}

/* The address that it was sent to, in the control message that was received, becomes the source. */
static void answer_from(struct cmsghdr *message)
{
    struct in_pktinfo info;
    memcpy(&info, CMSG_DATA(message), sizeof info);
    info.ipi_spec_dst = info.ipi_addr;
    info.ipi_ifindex = 0;
    memcpy(CMSG_DATA(message), &info, sizeof info);
}

static _Noreturn void echo(uint32_t host)
{
    int fd = bind_socket(host);
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            prepare(i, ROOM, true);
            if (host == INADDR_ANY) {
                messages[i].msg_hdr.msg_control = &controls[i];
                messages[i].msg_hdr.msg_controllen = sizeof controls[i];
            }
        }
        int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        if (n < 0)
            die("recvmmsg");
        for (int i = 0; i < n; i++) {
            parts[i].iov_len = messages[i].msg_len;
            if (host == INADDR_ANY)
                answer_from(&controls[i].align);
        }
        if (sendmmsg(fd, messages, (unsigned)n, 0) < 0)
            die("sendmmsg");
    }
}

static void send_some(int fd, int count)
{
    static uint64_t next;
    while (count > 0) {
        int n = count < BATCH ? count : BATCH;
        for (int i = 0; i < n; i++) {
            prepare(i, BYTES, false);
            next++;
            memcpy(data[i], &next, sizeof next);
        }
        n = sendmmsg(fd, messages, (unsigned)n, 0);
        if (n < 0 && errno == ECONNREFUSED)
            return;
        if (n < 0)
            die("sendmmsg");
        count -= n;
    }
}

static int receive_some(int fd)
{
    for (int i = 0; i < BATCH; i++)
        prepare(i, ROOM, false);
    int n = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
    if (n < 0 && errno != EAGAIN && errno != ECONNREFUSED)
        die("recvmmsg");
    return n < 0 ? 0 : n;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t exchange(struct pollfd *fds, int clients, int window, double seconds)
{
    uint64_t done = 0;
    double end = now_s() + seconds;
    for (int i = 0; i < clients; i++)
        send_some(fds[i].fd, window);
    while (now_s() < end) {
        int ready = poll(fds, (nfds_t)clients, LOST_MS);
        for (int i = 0; i < clients; i++) {
            int n = fds[i].revents ? receive_some(fds[i].fd) : 0;
            done += (uint64_t)n;
            send_some(fds[i].fd, ready == 0 ? window : n);
        }
    }
    return done;
}

static int load(int port, int clients, int window)
{
    struct sockaddr_in peer = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct pollfd fds[CLIENTS_MAX];
    double seconds;
    for (int i = 0; i < clients; i++) {
        fds[i] = (struct pollfd){.fd = open_socket(), .events = POLLIN};
        if (connect(fds[i].fd, (struct sockaddr *)&peer, sizeof peer))
            die("connect");
    }
    puts("ready");
    fflush(stdout);
    while (scanf("%lf %*s", &seconds) == 1) {
        printf("%" PRIu64 "\n", exchange(fds, clients, window, seconds));
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "echo") == 0)
        echo(INADDR_LOOPBACK);
    if (argc == 2 && strcmp(argv[1], "echo-any") == 0)
        echo(INADDR_ANY);
    if (argc != 5 || strcmp(argv[1], "load") != 0 || atoi(argv[3]) > CLIENTS_MAX) {
        fprintf(stderr, "usage: datagrams echo | echo-any | load PORT CLIENTS WINDOW\n");
        return 2;
    }
    return load(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
}
