/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/config_stamp.h"

#include <errno.h>
#include <sys/stat.h>

/* FNV-1a. */
static void mix(uint64_t *stamp, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        *stamp ^= value >> 8 * i & 0xff;
        *stamp *= 0x100000001b3;
    }
}

static void mix_file(const char *path, void *context)
{
    uint64_t *stamp = context;
    struct stat file;
    if (stat(path, &file) < 0) {
        mix(stamp, (uint64_t)errno);
        return;
    }
    mix(stamp, file.st_dev);
    mix(stamp, file.st_ino);
    mix(stamp, (uint64_t)file.st_size);
    mix(stamp, (uint64_t)file.st_mtim.tv_sec);
    mix(stamp, (uint64_t)file.st_mtim.tv_nsec);
    mix(stamp, (uint64_t)file.st_ctim.tv_sec);
    mix(stamp, (uint64_t)file.st_ctim.tv_nsec);
}

uint64_t config_stamp(const struct config *config)
{
    uint64_t stamp = 0xcbf29ce484222325;
    config_each_path(config, mix_file, &stamp);
    return stamp;
}
