/* SPDX-License-Identifier: MIT */
/* Messages of several sizes, there and back: which arrive, and in packets of which size. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "path_lookup.h"
#include "size_limit.h"
#include "tlsecho/base/quantity.h"

enum {
    LIMIT_BYTES = 8192, /* a message that fills several segments each way */
    SERVICES = 3,
};

/* The first server of each service. */
struct servers {
    struct size_server all[OPTIONS_ENDPOINTS_MAX];
    size_t count;
    struct size_server *serving[SERVICES];
    struct path_lookup others;
};

static const enum size_service order[SERVICES] = {SIZE_ECHO, SIZE_DISCARD, SIZE_CHARGEN};

static int open_servers(struct path *p, struct servers *ret, struct error *err)
{
    for (size_t i = 0; i < p->verdict->server_count; i++) {
        if (path_lookup_add_unreached(&ret->others, &p->peers[i]))
            continue;
        struct size_server *server = &ret->all[ret->count++];
        path_record_progress(p, "what the server does with bytes");
        if (size_server_open(p, &p->peers[i], server, err) < 0) {
            if (err->kind == ERROR_INTERRUPTED)
                return -1;
            path_lookup_add_error(&ret->others, p, &p->peers[i], err);
        } else if (server->service == SIZE_OTHER) {
            path_lookup_add(&ret->others, &p->peers[i], server->result, server->reason);
        }
        for (int j = 0; j < SERVICES; j++)
            if (!ret->serving[j] && server->service == order[j])
                ret->serving[j] = server;
    }
    return 0;
}

/* --- the limit --- */

static void tell_limit(struct path *p, const struct size_server *server,
                       const struct size_limit *limit)
{
    char how[PATH_TEXT_BYTES], value[PATH_TEXT_BYTES], passed[QUANTITY_BYTES],
        failed[QUANTITY_BYTES], control[QUANTITY_BYTES], message[PATH_TEXT_BYTES];
    uint64_t packet_bytes = size_packet_bytes(server->peer, limit->largest.segment_bytes);
    const char *way = limit->way == PATH_TO_SERVER ? "to the server" : "from the server";
    quantity_grouped_text(packet_bytes, passed);
    quantity_grouped_text(size_packet_bytes(server->peer, limit->smallest.segment_bytes), failed);
    quantity_grouped_text(size_packet_bytes(server->peer, PATH_SEGMENT_MIN_BYTES), control);
    size_score_failures_text(&limit->failing, how);
    size_message_text(server, &limit->largest, message);
    snprintf(value, sizeof value, "IP packets of more than %s bytes %s", passed, way);
    path_record_finding(p, "path-mtu-black-hole", value,
                        "%.60s in IP packets of up to %s passed, %u of %u; of up to %s: %s; "
                        "beside them, %u of %u passed in packets of up to %s",
                        message, passed, limit->passing.passed, limit->passing.tries, failed, how,
                        limit->control.passed, limit->control.tries, control);
    path_record_packet_limit(p, limit->way, packet_bytes);
}

/* Not the same packets were tried. */
static void note_learned(struct path *p, const struct size_limit *limit)
{
    char mtu[QUANTITY_BYTES];
    path_record_note(p,
                     "a path MTU of %s was learned during the run, and this host asks the server "
                     "for no larger packets since: what stalled before cannot be tried again, and "
                     "a black hole for larger packets from the server is possible",
                     quantity_grouped_text(size_score_offered_packet(&limit->failing), mtu));
}

static void note_no_limit(struct path *p, const struct size_case *c, const struct size_limit *limit)
{
    char failed[QUANTITY_BYTES], passed[QUANTITY_BYTES];
    if (limit->failing.passed == limit->failing.tries)
        path_record_note(p, "no limit of size: %s bytes failed, and %s bytes pass",
                         quantity_grouped_text(c->message_bytes, failed),
                         quantity_grouped_text(limit->smallest.message_bytes, passed));
    else
        path_record_note(p, "no limit of size: the same packets passed at times and at times not");
}

/* In packets of any size: what became of all tries tells why. */
static int fail(struct path *p, const struct size_server *server, const struct size_case *c,
                const struct size_score *failing, struct error *err)
{
    char message[PATH_TEXT_BYTES];
    size_message_text(server, c, message);
    if (failing->in_handshake)
        p->phase = PHASE_HANDSHAKE;
    if (failing->fates[SIZE_FAILED]) {
        p->failure = failing->result;
        *err = failing->error;
        return error_prefix(err, "%s, in packets of any size", message);
    }
    if (failing->fates[SIZE_RESET] == failing->tries) {
        errno = ECONNRESET;
        return error_sys(err, "%s, in packets of any size", message);
    }
    return error_set(err, ERROR_TIMEOUT,
                     "%s: it stalls in packets of any size: see the log of the server", message);
}

static int find_limit(struct path *p, struct size_server *server, const struct size_case *c,
                      const struct size_score *failing, struct error *err)
{
    struct size_limit limit;
    size_t bytes =
        c->message_bytes > LIMIT_BYTES || !c->message_bytes ? c->message_bytes : LIMIT_BYTES;
    unsigned offered_bytes = (unsigned)failing->stats.offered_bytes;
    if (size_limit_find(p, server, bytes, offered_bytes, &limit, err) < 0)
        return -1;
    if (!limit.small_passes)
        return fail(p, server, c, failing, err);
    if (limit.found && limit.way == PATH_FROM_SERVER && failing->fates[SIZE_STALLED_THERE])
        path_record_note(p, "larger packets stall on the way to the server as well: up to which "
                            "size, another run tells once the limit from the server is gone, or "
                            "now an endpoint with `service: discard`");
    if (limit.found)
        tell_limit(p, server, &limit);
    else if (size_score_offered_less(server, &limit.smallest, &limit.failing))
        note_learned(p, &limit);
    else if (limit.failing.fates[SIZE_FAILED] == limit.failing.tries && !p->unsteady)
        path_record_note(p, "large messages fail, and not by stalling: %s",
                         limit.failing.error.text);
    else
        note_no_limit(p, c, &limit);
    return 0;
}

/* --- the sizes --- */

static int try_sizes(struct path *p, struct size_server *server, struct error *err)
{
    static const size_t sizes[] = {64, 512, 1400, 4096, 8192, 16384, 32768, 65536};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    struct size_score failing = {.tries = 0};
    struct size_case smallest = {0};
    struct tcp_stats largest = {0}; /* of a message that fills several segments */
    p->peer = server->peer;
    for (size_t i = 0; i < COUNT && !failing.tries; i += SIZE_CASES_MAX) {
        struct size_case cases[SIZE_CASES_MAX];
        struct size_score scores[SIZE_CASES_MAX];
        for (size_t j = 0; j < SIZE_CASES_MAX; j++)
            cases[j] = (struct size_case){.message_bytes = sizes[i + j]};
        path_record_progress(p, "messages of up to %zu bytes", sizes[i + SIZE_CASES_MAX - 1]);
        if (size_cases_try(p, server, cases, SIZE_CASES_MAX, scores, err) < 0)
            return -1;
        for (size_t j = 0; j < SIZE_CASES_MAX; j++) {
            size_score_record(p, server, &cases[j], &scores[j]);
            largest = scores[j].stats;
            if (failing.tries || !size_score_fails(&scores[j]))
                continue;
            failing = scores[j];
            smallest = cases[j];
        }
    }
    if (failing.tries)
        return find_limit(p, server, &smallest, &failing, err);
    if (server->service != SIZE_CHARGEN && largest.segment_bytes)
        path_record_packets_pass(p, largest.segment_bytes + largest.header_bytes);
    return 0;
}

/* Where nothing else sends large messages from the server. */
static int try_handshake(struct path *p, struct size_server *server, struct error *err)
{
    struct size_case plain = {.message_bytes = 0};
    struct size_score score;
    p->peer = server->peer;
    server->service = SIZE_HANDSHAKE;
    if (size_cases_try(p, server, &plain, 1, &score, err) < 0)
        return -1;
    size_score_record(p, server, &plain, &score);
    path_record_note(p, "a TLS handshake is all that was tried: %s", server->reason);
    return size_score_fails(&score) ? find_limit(p, server, &plain, &score, err) : 0;
}

/* NULL: there is none. */
static struct size_server *find_other_tls(struct servers *servers)
{
    for (size_t i = 0; i < servers->count; i++) {
        struct size_server *server = &servers->all[i];
        if (server->service == SIZE_OTHER && server->opened && target_is_tls(&server->target))
            return server;
    }
    return NULL;
}

/* It may be an echo that is slow. */
static void note_discard(struct path *p, const struct servers *servers)
{
    for (int i = 0; i < SERVICES; i++)
        if (servers->serving[i] && order[i] == SIZE_CHARGEN)
            return;
    path_record_note(p, "the server sent nothing back in time, so it is taken for a discard: the "
                        "way back is not tried; an echo or a chargen tries it");
}

static int run(struct path *p, struct servers *servers, struct error *err)
{
    bool any = false;
    if (open_servers(p, servers, err) < 0)
        return -1;
    for (int i = 0; i < SERVICES; i++) {
        if (!servers->serving[i])
            continue;
        if (order[i] == SIZE_DISCARD && !any)
            note_discard(p, servers);
        any = true;
        if (try_sizes(p, servers->serving[i], err) < 0)
            return -1;
    }
    struct size_server *other = find_other_tls(servers);
    if (!any && other)
        return try_handshake(p, other, err);
    if (!any)
        return path_lookup_fail(&servers->others, p,
                                "no endpoint echoes, takes all or sends all; give an echo, discard "
                                "or chargen",
                                err);
    if (servers->others.failed)
        path_record_note(p, "not tried: %s", servers->others.error.text);
    return 0;
}

int stage_size_run(struct path *p, struct path_peer *peer, struct error *err)
{
    struct servers servers = {.count = 0};
    (void)peer; /* it looks at all */
    int result = run(p, &servers, err);
    for (size_t i = 0; i < servers.count; i++)
        size_server_done(&servers.all[i]);
    return result;
}
