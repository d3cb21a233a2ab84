/* SPDX-License-Identifier: MIT */
/*
 * The least that an echo can cost: a bare loop of epoll_wait, recv and send, which knows neither
 * time-outs nor errors nor back-pressure. It has TCP_NODELAY, as every echo must: without it the
 * kernel may keep the end of an answer until the one before has been acknowledged. With "gcm" it
 * also does the arithmetic of TLS on what it echoes: AES-128-GCM, decrypting and encrypting, in
 * records of 16 KiB.
 *
 *     limit [gcm]        listens on a free port of 127.0.0.1 and prints it
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BUFFER_BYTES = 64 * 1024, RECORD_BYTES = 16 * 1024, EVENTS = 128 };

static unsigned char buffer[BUFFER_BYTES], scratch[BUFFER_BYTES];
static EVP_CIPHER_CTX *decryption, *encryption; /* NULL = plain */

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static EVP_CIPHER_CTX *new_cipher(int encrypt)
{
    static const unsigned char key[16];
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (!cipher || !EVP_CipherInit_ex(cipher, EVP_aes_128_gcm(), NULL, key, NULL, encrypt))
        die("AES-GCM");
    return cipher;
}

/* One record: nonce, header, data, tag. */
static void record(EVP_CIPHER_CTX *cipher, const unsigned char *data, int n, bool encrypt)
{
    static const unsigned char nonce[12], header[5];
    unsigned char tag[16] = {0};
    int done;
    EVP_CipherInit_ex(cipher, NULL, NULL, NULL, nonce, -1);
    EVP_CipherUpdate(cipher, NULL, &done, header, sizeof header);
    EVP_CipherUpdate(cipher, scratch, &done, data, n);
    if (!encrypt)
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag);
    EVP_CipherFinal_ex(cipher, scratch + done, &done); /* the tag is wrong, which costs the same */
    if (encrypt)
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, sizeof tag, tag);
}

static void echo(int fd)
{
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) {
        close(fd);
        return;
    }
    for (int at = 0; encryption && at < (int)n; at += RECORD_BYTES) {
        int size = (int)n - at < RECORD_BYTES ? (int)n - at : RECORD_BYTES;
        record(decryption, buffer + at, size, false);
        record(encryption, buffer + at, size, true);
    }
    for (ssize_t at = 0, sent; at < n; at += sent) {
        sent = send(fd, buffer + at, (size_t)(n - at), MSG_NOSIGNAL);
        if (sent < 0)
            die("send");
    }
}

static void watch(int epoll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        die("watch");
}

static int listen_somewhere(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, length) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &length) < 0)
        die("listen");
    printf("%u\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static int accept_one(int listener)
{
    int fd = accept(listener, NULL, NULL);
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0)
        die("accept");
    return fd;
}

int main(int count, char **words)
{
    if (count > 1 && strcmp(words[1], "gcm") == 0) {
        decryption = new_cipher(0);
        encryption = new_cipher(1);
    }
    int listener = listen_somewhere();
    int epoll_fd = epoll_create1(0);
    watch(epoll_fd, listener);
    for (;;) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                watch(epoll_fd, accept_one(listener));
            else
                echo(events[i].data.fd);
        }
    }
}
