/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/lookup.h"

#include <check.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loopback.h"
#include "suite.h"

/* A resolver that answers when the test allows it. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    unsigned entered, left;
    pthread_t thread; /* of the last call */
    sigset_t signals; /* blocked in it */
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void open_gate(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.open = true;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void pass_gate(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.entered++;
    gate.thread = pthread_self();
    pthread_sigmask(SIG_SETMASK, NULL, &gate.signals);
    pthread_cond_broadcast(&gate.changed);
    while (!gate.open)
        pthread_cond_wait(&gate.changed, &gate.lock);
    gate.left++;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void wait_for(const unsigned *counter, unsigned value)
{
    pthread_mutex_lock(&gate.lock);
    while (*counter < value)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

/* As many addresses as the port says. */
static int answer(const struct endpoint *endpoint, int family, bool passive,
                  struct address_list *ret, struct error *err)
{
    (void)family;
    (void)passive;
    (void)err;
    pass_gate();
    ret->count = endpoint->port;
    ret->items = calloc(ret->count, sizeof *ret->items);
    for (size_t i = 0; i < ret->count; i++)
        ret->items[i] = loopback_address("tcp://127.0.0.1:7007");
    return 0;
}

static int refuse(const struct endpoint *endpoint, int family, bool passive,
                  struct address_list *ret, struct error *err)
{
    (void)family;
    (void)passive;
    (void)ret;
    pass_gate();
    error_set(err, ERROR_DNS, "look up %s: no", endpoint->host);
    err->code = EAI_AGAIN;
    return -1;
}

static struct lookup *start(const char *host, uint16_t port, lookup_resolver *resolver)
{
    struct endpoint endpoint = {.scheme = ENDPOINT_TCP, .port = port};
    struct lookup_query query = {.endpoint = &endpoint, .family = AF_UNSPEC, .resolver = resolver};
    struct lookup *lookup;
    struct error err;
    strcpy(endpoint.host, host);
    ck_assert_msg(lookup_start(&query, &lookup, &err) == 0, "%s", err.text);
    memset(&endpoint, 'x', sizeof endpoint); /* the look-up has its own */
    return lookup;
}

static bool is_readable(const struct lookup *lookup, int wait_ms)
{
    struct pollfd waiting = {.fd = lookup_fd(lookup), .events = POLLIN};
    return poll(&waiting, 1, wait_ms) == 1 && waiting.revents == POLLIN;
}

START_TEST(the_caller_continues_while_a_name_is_looked_up)
{
    struct lookup *lookup = start("name.test", 3, answer);
    wait_for(&gate.entered, 1);
    ck_assert(!pthread_equal(gate.thread, pthread_self()));
    ck_assert(!is_readable(lookup, 0));
    open_gate();
    ck_assert(is_readable(lookup, 10000));
    ck_assert(is_readable(lookup, 0)); /* and stays so */

    struct address_list found;
    struct error err;
    ck_assert_int_eq(lookup_finish(lookup, &found, &err), 0);
    ck_assert_uint_eq(found.count, 3);
    ck_assert_uint_eq(address_port(&found.items[2]), 7007);
    address_list_free(&found);
}
END_TEST

START_TEST(returns_all_addresses_of_a_name)
{
    open_gate();
    struct address_list found;
    struct error err;
    ck_assert_int_eq(lookup_finish(start("name.test", 300, answer), &found, &err), 0);
    ck_assert_uint_eq(found.count, 300);
    address_list_free(&found);
}
END_TEST

START_TEST(hands_on_the_error_of_the_resolver)
{
    open_gate();
    struct address_list found = {.count = 77};
    struct error err;
    ck_assert_int_eq(lookup_finish(start("name.test", 1, refuse), &found, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_DNS);
    ck_assert_int_eq(err.code, EAI_AGAIN);
    ck_assert_str_eq(err.text, "look up name.test: no");
    ck_assert_uint_eq(found.count, 77);
}
END_TEST

START_TEST(an_abandoned_look_up_is_freed_by_its_thread)
{
    struct lookup *answered = start("name.test", 3, answer), *refused = start("b.test", 1, refuse);
    wait_for(&gate.entered, 2);
    int fds[] = {lookup_fd(answered), lookup_fd(refused)};
    lookup_abandon(answered);
    lookup_abandon(refused);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(close(fds[i]), -1); /* no descriptor waits for the resolver */
    open_gate();
    wait_for(&gate.left, 2);
}
END_TEST

START_TEST(abandoned_look_ups_are_bounded)
{
    const struct endpoint name = {.scheme = ENDPOINT_TCP, .host = "a.test", .port = 1};
    const struct lookup_query query = {.endpoint = &name, .resolver = answer};
    struct lookup *lookup = NULL;
    struct error err;
    for (unsigned i = 0; i < LOOKUP_ABANDONED_MAX; i++)
        lookup_abandon(start("a.test", 1, answer));
    ck_assert_int_eq(lookup_start(&query, &lookup, &err), -1);
    ck_assert(error_is_temporary(&err));
    ck_assert_ptr_nonnull(strstr(err.text, "look up a.test: 32 earlier look-ups still wait"));
    open_gate();
    wait_for(&gate.left, LOOKUP_ABANDONED_MAX);
    while (lookup_start(&query, &lookup, &err) < 0) /* until the threads have released it */
        sched_yield();
    lookup_abandon(lookup);
}
END_TEST

START_TEST(a_look_up_that_is_done_can_be_abandoned)
{
    open_gate();
    struct lookup *lookup = start("name.test", 3, answer);
    ck_assert(is_readable(lookup, 10000));
    lookup_abandon(lookup);
    lookup_abandon(NULL);
}
END_TEST

/* The test's process ends with the look-up still on its way: sanitizers look for leaks then. */
START_TEST(a_process_exits_while_a_look_up_runs)
{
    lookup_abandon(start("a.test", 3, answer));
    start("b.test", 3, answer);
    wait_for(&gate.entered, 2);
    exit(7);
}
END_TEST

START_TEST(signals_are_for_others_than_the_thread_that_looks_up)
{
    open_gate();
    struct address_list found;
    struct error err;
    ck_assert_int_eq(lookup_finish(start("name.test", 1, answer), &found, &err), 0);
    address_list_free(&found);
    ck_assert_int_eq(sigismember(&gate.signals, SIGTERM), 1);
    ck_assert_int_eq(sigismember(&gate.signals, SIGINT), 1);
}
END_TEST

START_TEST(a_literal_is_done_at_once_without_a_thread)
{
    static const char *const hosts[] = {"127.0.0.1", "::1", "fe80::1%lo"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        open_gate();
        struct lookup *lookup = start(hosts[i], 1, answer);
        ck_assert(pthread_equal(gate.thread, pthread_self()));
        ck_assert(is_readable(lookup, 0));
        lookup_abandon(lookup);
    }
}
END_TEST

START_TEST(asks_getaddrinfo_by_default)
{
    struct address_list found;
    struct error err;
    ck_assert_msg(lookup_finish(start("localhost", 80, NULL), &found, &err) == 0, "%s", err.text);
    ck_assert_uint_ge(found.count, 1);
    ck_assert_uint_eq(address_port(&found.items[0]), 80);
    address_list_free(&found);

    /* RFC 6761 §6.4: it never resolves, with or without a resolver in reach. */
    ck_assert_int_eq(lookup_finish(start("name.invalid", 80, NULL), &found, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_DNS);
    ck_assert_ptr_nonnull(strstr(err.text, "look up name.invalid: "));
}
END_TEST

START_TEST(the_address_of_a_unix_socket_is_its_path)
{
    struct endpoint endpoint = {.scheme = ENDPOINT_UNIX, .path = "/run/x.sock"};
    struct lookup_query query = {.endpoint = &endpoint};
    struct lookup *lookup;
    struct address_list found;
    struct error err;
    ck_assert_int_eq(lookup_start(&query, &lookup, &err), 0);
    ck_assert(is_readable(lookup, 0));
    ck_assert_int_eq(lookup_finish(lookup, &found, &err), 0);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.items[0].local.sun_path, "/run/x.sock");
    address_list_free(&found);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lookup");
    TCase *tests = tcase_create("lookup");
    tcase_add_test(tests, the_caller_continues_while_a_name_is_looked_up);
    tcase_add_test(tests, returns_all_addresses_of_a_name);
    tcase_add_test(tests, hands_on_the_error_of_the_resolver);
    tcase_add_test(tests, an_abandoned_look_up_is_freed_by_its_thread);
    tcase_add_test(tests, abandoned_look_ups_are_bounded);
    tcase_add_test(tests, a_look_up_that_is_done_can_be_abandoned);
    tcase_add_exit_test(tests, a_process_exits_while_a_look_up_runs, 7);
    tcase_add_test(tests, signals_are_for_others_than_the_thread_that_looks_up);
    tcase_add_test(tests, a_literal_is_done_at_once_without_a_thread);
    tcase_add_test(tests, asks_getaddrinfo_by_default);
    tcase_add_test(tests, the_address_of_a_unix_socket_is_its_path);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
