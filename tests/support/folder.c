/* SPDX-License-Identifier: MIT */
#include "folder.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void folder_new(struct folder *folder)
{
    *folder = (struct folder){.path = "/tmp/tlsecho-test-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(folder->path));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

void folder_remove(struct folder *folder)
{
    ck_assert_int_eq(nftw(folder->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *folder_file(struct folder *folder, const char *name)
{
    snprintf(folder->file, sizeof folder->file, "%s/%.32s", folder->path, name);
    return folder->file;
}

const char *folder_write(struct folder *folder, const char *name, const void *data, size_t size)
{
    FILE *file = fopen(folder_file(folder, name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(folder->file, 0600), 0);
    return folder->file;
}
