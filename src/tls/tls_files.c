/* SPDX-License-Identifier: MIT */
#include "tls_files.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tls_context_internal.h"
#include "tls_exposure.h"
#include "tls_pem.h"
#include "tls_warning.h"

/* For a folder without the sticky bit: whose writers can replace the files in it. */
static bool can_others_replace(const char *folder)
{
    struct stat status;
    return stat(folder, &status) == 0 && status.st_mode & S_IWOTH && !(status.st_mode & S_ISVTX);
}

/* Checks the folder of the path and, if it is a link, of its target. */
static int warn_of_folder(struct tls_context *ctx, const char *path, struct error *err)
{
    char named[PATH_MAX], real[PATH_MAX];
    snprintf(named, sizeof named, "%s", path);
    const char *folder = dirname(named);
    if (!can_others_replace(folder) && realpath(path, real))
        folder = dirname(real);
    if (!can_others_replace(folder))
        return 0;
    return tls_warning_add(ctx, (struct tls_warning_topic){"file_exposed", path}, err,
                           "others can write its folder and so replace it: chmod o-w %.200s",
                           folder);
}

int tls_files_warn(struct tls_context *ctx, const char *path, bool secret, struct error *err)
{
    struct stat status;
    struct tls_exposure exposure;
    if (ctx->role != TLS_SERVER || stat(path, &status))
        return 0;
    if (secret && tls_exposure_of_secret(status.st_mode, &exposure) &&
        tls_warning_add(ctx, (struct tls_warning_topic){"file_exposed", path}, err,
                        "it holds secrets and %s, which security.key_files: any allows: chmod %s "
                        "it where modes can be set",
                        exposure.how, exposure.remedy))
        return -1;
    if (!secret && status.st_mode & S_IWOTH &&
        tls_warning_add(
            ctx, (struct tls_warning_topic){"file_exposed", path}, err,
            "others can write it and so change what this server trusts or sends: chmod o-w it"))
        return -1;
    return warn_of_folder(ctx, path, err);
}

void tls_context_set_key_files(struct tls_context *ctx, enum tls_key_files key_files)
{
    ctx->key_files = key_files;
}

enum tls_pem_access tls_files_access(const struct tls_context *ctx)
{
    return ctx->key_files == TLS_KEY_FILES_ANY ? TLS_PEM_SECRET_ANYWHERE : TLS_PEM_SECRET;
}
