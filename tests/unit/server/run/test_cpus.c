/* SPDX-License-Identifier: MIT */
#include "cpus.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "folder.h"
#include "suite.h"

static struct folder folder;

static void start(void)
{
    folder_new(&folder);
}

static void stop(void)
{
    folder_remove(&folder);
}

/* A file below the folder, with the folders that lead to it. */
static void put(const char *path, const char *text)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s", folder.path, path);
    for (char *c = whole + strlen(folder.path) + 1; *c; c++)
        if (*c == '/') {
            *c = '\0';
            mkdir(whole, 0700);
            *c = '/';
        }
    FILE *file = fopen(whole, "w");
    ck_assert_msg(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s", whole);
}

#define UNIFIED "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define CPU     "33 31 0:30 %s /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"

START_TEST(without_control_groups_there_is_no_quota)
{
    ck_assert_uint_eq(cpus_quota(folder.path), 0);
    put("/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
    put("/proc/self/cgroup", "0::/\n");
    ck_assert_uint_eq(cpus_quota(folder.path), 0);
}
END_TEST

START_TEST(a_quota_of_version_2_is_rounded_up)
{
    static const struct {
        const char *text;
        unsigned cpus;
    } cases[] = {
        {"max 100000\n", 0},
        {"100000 100000\n", 1},
        {"150000 100000\n", 2},
        {"5000 100000\n", 1},
        {"400000 100000\n", 4},
        {"200000 50000\n", 4},
        {"0 100000\n", 0},
        {"100000 0\n", 0},
        {"garbage\n", 0},
        {"-1 100000\n", 0},
        {"", 0},
    };
    put("/proc/self/mountinfo", UNIFIED);
    put("/proc/self/cgroup", "0::/system.slice/tlsecho.service\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("/sys/fs/cgroup/system.slice/tlsecho.service/cpu.max", cases[i].text);
        ck_assert_msg(cpus_quota(folder.path) == cases[i].cpus, "%s", cases[i].text);
    }
}
END_TEST

START_TEST(the_smallest_quota_on_the_way_up_counts)
{
    put("/proc/self/mountinfo", UNIFIED);
    put("/proc/self/cgroup", "0::/a/b/c\n");
    put("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "300000 100000\n");
    put("/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
    ck_assert_uint_eq(cpus_quota(folder.path), 2);
    put("/sys/fs/cgroup/a/b/c/cpu.max", "10000 100000\n");
    ck_assert_uint_eq(cpus_quota(folder.path), 1);
}
END_TEST

START_TEST(a_container_sees_its_own_quota_at_the_top)
{
    put("/proc/self/mountinfo", UNIFIED);
    put("/proc/self/cgroup", "0::/kubepods/pod1/container2\n"); /* none of it is mounted here */
    put("/sys/fs/cgroup/cpu.max", "50000 100000\n");
    ck_assert_uint_eq(cpus_quota(folder.path), 1);
}
END_TEST

START_TEST(reads_version_1)
{
    char mounts[sizeof CPU + 20];
    snprintf(mounts, sizeof mounts, CPU, "/");
    put("/proc/self/mountinfo", mounts);
    put("/proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/jobs/one\n1:name=systemd:/y\n");
    put("/sys/fs/cgroup/cpu,cpuacct/jobs/one/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu,cpuacct/jobs/one/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(cpus_quota(folder.path), 0);
    put("/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_quota_us", "250000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(cpus_quota(folder.path), 3);
}
END_TEST

START_TEST(a_mount_of_a_group_alone_hides_its_parents)
{
    char mounts[sizeof CPU + 20];
    snprintf(mounts, sizeof mounts, CPU, "/docker/1");
    put("/proc/self/mountinfo", mounts);
    put("/proc/self/cgroup", "4:cpu,cpuacct:/docker/1/inner\n");
    put("/sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_quota_us", "120000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(cpus_quota(folder.path), 2);
}
END_TEST

START_TEST(there_is_always_one)
{
    ck_assert_uint_ge(cpus_usable(), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpus");
    TCase *tcase = tcase_create("cpus");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, without_control_groups_there_is_no_quota);
    tcase_add_test(tcase, a_quota_of_version_2_is_rounded_up);
    tcase_add_test(tcase, the_smallest_quota_on_the_way_up_counts);
    tcase_add_test(tcase, a_container_sees_its_own_quota_at_the_top);
    tcase_add_test(tcase, reads_version_1);
    tcase_add_test(tcase, a_mount_of_a_group_alone_hides_its_parents);
    tcase_add_test(tcase, there_is_always_one);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
