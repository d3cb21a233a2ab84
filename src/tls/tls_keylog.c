/* SPDX-License-Identifier: MIT */
/* Writes the secrets of every connection, to decrypt a capture: NSS key log format. */
#include "tls_keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls_context_internal.h"
#include "tls_exposure.h"
#include "tls_files.h"

enum { LINE_BYTES = 512 }; /* a label, 32 bytes and at most 64 in hex */

/* One call per line, as other processes may append to the file. */
static void on_secret(const SSL *ssl, const char *line)
{
    struct tls_context *ctx = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    char text[LINE_BYTES];
    int n = snprintf(text, sizeof text, "%s\n", line);
    errno = ENOSPC; /* of a short write */
    if (n < LINE_BYTES && write(ctx->keylog_fd, text, (size_t)n) != n)
        atomic_store(&ctx->keylog_failure, errno); /* no connection is closed for it */
    OPENSSL_cleanse(text, sizeof text);
}

static int check_file(const struct tls_context *ctx, int fd, const char *path, struct error *err)
{
    struct stat status;
    struct tls_exposure exposure;
    if (fstat(fd, &status))
        return error_sys(err, "open %s", path);
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_INPUT, "%s is not a regular file: name one", path);
    if (ctx->key_files != TLS_KEY_FILES_ANY && tls_exposure_of_secret(status.st_mode, &exposure))
        return error_set(err, ERROR_INPUT, "%s holds secrets and %s: chmod %s %s", path,
                         exposure.how, exposure.remedy, path);
    return 0;
}

/* A new file has mode 0600 whatever the umask is. O_NONBLOCK: opening a FIFO must not wait for a
 * reader. -1 sets errno. */
static int open_file(const char *path)
{
    const int flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = open(path, flags | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return errno == EEXIST ? open(path, flags) : -1;
    if (fchmod(fd, S_IRUSR | S_IWUSR) == 0)
        return fd;
    close(fd);
    return -1;
}

static int fail_to_open(const char *path, struct error *err)
{
    static const struct {
        int code;
        const char *remedy;
    } remedies[] = {
        {ENOENT, "create its folder"},  {ENOTDIR, "name a file in a folder"},
        {EISDIR, "name a file in it"},  {ELOOP, "name the file, not a symbolic link to it"},
        {ENXIO, "name a regular file"}, {EACCES, "name a file that this user may write"}};
    error_sys(err, "open %s", path);
    err->kind = ERROR_INPUT;
    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
        if (remedies[i].code == err->code)
            return error_advise(err, remedies[i].remedy);
    return -1;
}

int tls_context_set_keylog(struct tls_context *ctx, const char *path, struct error *err)
{
    int fd = open_file(path);
    if (fd < 0)
        return fail_to_open(path, err);
    if (check_file(ctx, fd, path, err) < 0) {
        close(fd);
        return -1;
    }
    tls_keylog_close(ctx);
    ctx->keylog_fd = fd;
    SSL_CTX_set_app_data(ctx->ssl, ctx);
    SSL_CTX_set_keylog_callback(ctx->ssl, on_secret);
    return tls_files_warn(ctx, path, true, err);
}

int tls_context_check_keylog(struct tls_context *ctx, struct error *err)
{
    errno = atomic_load(&ctx->keylog_failure);
    return errno ? error_sys(err, "write the key log") : 0;
}

void tls_keylog_close(struct tls_context *ctx)
{
    if (ctx->keylog_fd >= 0)
        close(ctx->keylog_fd);
    ctx->keylog_fd = -1;
}
