/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "suite.h"
#include "tlsecho/base/thread.h"

static void *get_mask(void *mask)
{
    pthread_sigmask(SIG_SETMASK, NULL, mask);
    return mask;
}

START_TEST(blocks_every_signal_in_the_new_thread_only)
{
    pthread_t thread;
    sigset_t before, inside, after;
    void *result;
    struct error err;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ck_assert_int_eq(thread_start(&thread, "mask", get_mask, &inside, &err), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);

    ck_assert_ptr_eq(result, &inside);
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGCHLD};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        ck_assert_int_eq(sigismember(&inside, signals[i]), 1);
        ck_assert_int_eq(sigismember(&after, signals[i]), sigismember(&before, signals[i]));
    }
}
END_TEST

/* Blocked, they end the process before a sanitizer can report. */
START_TEST(a_fault_of_a_thread_has_its_signal)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    pthread_t thread;
    sigset_t inside;
    struct error err;
    ck_assert_int_eq(thread_start(&thread, "mask", get_mask, &inside, &err), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        ck_assert_int_eq(sigismember(&inside, signals[i]), 0);
}
END_TEST

static void *get_name(void *name)
{
    pthread_getname_np(pthread_self(), name, 16);
    return NULL;
}

START_TEST(a_thread_has_its_name)
{
    pthread_t thread;
    struct error err;
    char name[16];
    ck_assert_int_eq(thread_start(&thread, "worker", get_name, name, &err), 0);
    pthread_join(thread, NULL);
    ck_assert_str_eq(name, "worker");
}
END_TEST

/* The run-time of a sanitizer needs more room while the thread is made. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static void *do_nothing(void *argument)
{
    return argument;
}

/* No room for its stack: pthread_create(3) fails as with too many threads. */
START_TEST(a_thread_that_cannot_be_started_is_named_with_the_remedy)
{
    pthread_t thread;
    struct error err;
    struct rlimit usual, none;
    if (SANITIZED)
        return;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &usual), 0);
    none = usual;
    none.rlim_cur = 1;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    void *memory = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) {
        munmap(memory, 1);
        printf("skipped: this kernel, or what emulates it, does not limit memory (RLIMIT_AS)\n");
        return;
    }
    int result = thread_start(&thread, "log", do_nothing, NULL, &err);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &usual), 0);
    ck_assert_int_eq(result, -1);
    ck_assert_str_eq(err.text, "start the log thread: Resource temporarily unavailable: raise the "
                               "limits of threads and memory, ulimit -u and -v, or TasksMax= and "
                               "MemoryMax= of the service");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thread");
    TCase *tcase = tcase_create("thread");
    tcase_add_test(tcase, blocks_every_signal_in_the_new_thread_only);
    tcase_add_test(tcase, a_fault_of_a_thread_has_its_signal);
    tcase_add_test(tcase, a_thread_has_its_name);
    tcase_add_test(tcase, a_thread_that_cannot_be_started_is_named_with_the_remedy);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
