/* SPDX-License-Identifier: MIT */
#include "lookups.h"

#include <check.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "loopback.h"
#include "suite.h"
#include "yaml_snapshot.h"

static struct reactor *reactor;
static const struct config_snapshot *snapshot;
static struct lookups_plan plan;
static atomic_int asked, allowed; /* names looked up, and how many may be answered */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static int resolve(const struct endpoint *endpoint, int family, bool passive,
                   struct address_list *ret, struct error *err)
{
    (void)family;
    (void)passive;
    pthread_mutex_lock(&lock);
    asked++;
    pthread_cond_broadcast(&changed);
    while (allowed == 0)
        pthread_cond_wait(&changed, &lock);
    allowed--;
    pthread_mutex_unlock(&lock);
    if (strcmp(endpoint->host, "bad.test") == 0) {
        error_set(err, ERROR_DNS, "look up bad.test: no");
        err->code = EAI_AGAIN;
        return -1;
    }
    ret->items = calloc(1, sizeof *ret->items);
    ret->items[0] = loopback_address("tcp://127.0.0.1:0");
    ret->count = 1;
    return 0;
}

static void allow(int count)
{
    pthread_mutex_lock(&lock);
    allowed = count;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_until_asked(int count)
{
    pthread_mutex_lock(&lock);
    while (asked < count)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static struct lookups *start(const char *yaml)
{
    struct lookups *lookups;
    struct error err;
    snapshot = yaml_snapshot("%s", yaml);
    ck_assert_int_eq(reactor_new(&reactor, &err), 0);
    plan = (struct lookups_plan){.reactor = reactor, .resolver = resolve};
    ck_assert_int_eq(listen_set_specs(snapshot, &plan.specs, &plan.count, &err), 0);
    ck_assert_msg(lookups_start(&plan, &lookups, &err) == 0, "%s", err.text);
    return lookups;
}

static void finish(struct lookups *lookups)
{
    lookups_free(lookups);
    free(plan.specs);
    reactor_free(reactor);
    config_snapshot_free(snapshot);
}

static void wait_until_done(const struct lookups *lookups)
{
    while (!lookups_done(lookups))
        reactor_turn(reactor, REACTOR_WAIT);
}

START_TEST(all_names_are_looked_up_in_parallel_and_each_only_once)
{
    struct error err;
    struct lookups *lookups = start("listeners:\n"
                                    "  - { listen: 'tcp://a.test:1', name: one }\n"
                                    "  - { listen: 'tcp://127.0.0.1:2', name: two }\n"
                                    "  - { listen: 'tcp://a.test:3', name: three }\n"
                                    "admin: { listen: 'tcp://b.test:4' }\n");
    wait_until_asked(2);
    ck_assert(!lookups_done(lookups));
    allow(2);
    wait_until_done(lookups);
    ck_assert_int_eq(lookups_take(lookups, &err), 0);
    ck_assert_int_eq(asked, 2);
    ck_assert_uint_eq(plan.specs[0].addresses->count, 1);
    ck_assert_ptr_null(plan.specs[1].addresses); /* it is one */
    ck_assert_ptr_eq(plan.specs[2].addresses, plan.specs[0].addresses);
    ck_assert_uint_eq(plan.specs[3].addresses->count, 1);
    finish(lookups);
}
END_TEST

START_TEST(without_names_there_is_no_wait)
{
    struct error err;
    struct lookups *lookups = start("listeners:\n"
                                    "  - listen: tcp://[::1]:1\n"
                                    "  - listen: unix:///tmp/tlsecho-none\n");
    ck_assert(lookups_done(lookups));
    ck_assert_int_eq(lookups_take(lookups, &err), 0);
    ck_assert_int_eq(asked, 0);
    finish(lookups);
}
END_TEST

START_TEST(a_failure_is_returned_with_its_place_without_waiting_for_the_rest)
{
    struct error err;
    struct lookups *lookups = start("listeners:\n"
                                    "  - { listen: 'tcp://bad.test:1', name: one }\n");
    allow(1);
    wait_until_done(lookups);
    ck_assert_int_eq(lookups_take(lookups, &err), -1);
    ck_assert_str_eq(err.text,
                     "test.yaml:2:15: listen: look up bad.test: no: check the name and this "
                     "host's name servers, or use an address");
    ck_assert_int_eq(err.kind, ERROR_DNS);
    ck_assert_int_eq(err.code, EAI_AGAIN);
    ck_assert(error_is_temporary(&err));
    finish(lookups);
}
END_TEST

START_TEST(a_lookup_under_way_can_be_abandoned)
{
    struct lookups *lookups = start("listeners: [{ listen: 'tcp://a.test:1' }]\n");
    wait_until_asked(1);
    finish(lookups);
    allow(1);
}
END_TEST

START_TEST(a_listener_whose_socket_was_passed_by_name_is_not_looked_up)
{
    struct listen_socket socket = {.fd_name = "mine"};
    struct listen_set existing = {&socket, 1};
    struct lookups *lookups;
    struct error err;
    snapshot = yaml_snapshot("listeners: [{ listen: 'tcp://a.test:1', name: mine }]\n");
    ck_assert_int_eq(reactor_new(&reactor, &err), 0);
    plan = (struct lookups_plan){.reactor = reactor, .resolver = resolve, .existing = &existing};
    ck_assert_int_eq(listen_set_specs(snapshot, &plan.specs, &plan.count, &err), 0);
    ck_assert_int_eq(lookups_start(&plan, &lookups, &err), 0);
    ck_assert(lookups_done(lookups));
    ck_assert_int_eq(lookups_take(lookups, &err), 0);
    finish(lookups);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lookups");
    TCase *tests = tcase_create("lookups");
    tcase_add_test(tests, all_names_are_looked_up_in_parallel_and_each_only_once);
    tcase_add_test(tests, without_names_there_is_no_wait);
    tcase_add_test(tests, a_failure_is_returned_with_its_place_without_waiting_for_the_rest);
    tcase_add_test(tests, a_lookup_under_way_can_be_abandoned);
    tcase_add_test(tests, a_listener_whose_socket_was_passed_by_name_is_not_looked_up);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
