/* SPDX-License-Identifier: MIT */
#include "datagram_log.h"

#include <string.h>
#include <sys/random.h>

#include "tlsecho/base/log.h"

int datagram_log_init(struct datagram_log *ret, struct error *err)
{
    memset(ret, 0, sizeof *ret);
    ret->due_us = UINT64_MAX;
    if (getrandom(ret->factors, sizeof ret->factors, 0) != (ssize_t)sizeof ret->factors)
        return error_sys(err, "create the table of datagram sources");
    return 0;
}

static bool is_of(const struct datagram_traffic *traffic, const struct address *source,
                  const struct listener *listener)
{
    if (traffic->listener != listener || traffic->source.any.sa_family != source->any.sa_family)
        return false;
    if (source->any.sa_family == AF_INET)
        return traffic->source.ipv4.sin_addr.s_addr == source->ipv4.sin_addr.s_addr;
    return traffic->source.ipv6.sin6_scope_id == source->ipv6.sin6_scope_id &&
           IN6_ARE_ADDR_EQUAL(&traffic->source.ipv6.sin6_addr, &source->ipv6.sin6_addr);
}

static unsigned bucket_of(const struct datagram_log *log, const struct address *source)
{
    uint64_t words[2] = {source->ipv4.sin_addr.s_addr, 0};
    if (source->any.sa_family == AF_INET6)
        memcpy(words, &source->ipv6.sin6_addr, sizeof words);
    uint64_t hash = (words[0] ^ log->factors[0]) * (log->factors[1] | 1);
    hash = (hash ^ hash >> 32 ^ words[1]) * (log->factors[0] | 1);
    return (unsigned)(hash >> 32) % DATAGRAM_LOG_BUCKETS;
}

static struct datagram_traffic *add(struct datagram_log *log, const struct address *source,
                                    const struct listener *listener, uint64_t now_us)
{
    struct datagram_traffic *traffic = &log->sources[log->count++];
    *traffic = (struct datagram_traffic){.listener = listener, .start_us = now_us};
    traffic->source.length = source->length;
    memcpy(&traffic->source.any, &source->any, source->length);
    address_set_port(&traffic->source, 0);
    return traffic;
}

struct datagram_traffic *datagram_log_find(struct datagram_log *log, const struct address *source,
                                           const struct listener *listener, uint64_t now_us)
{
    if (log->due_us == UINT64_MAX)
        log->due_us = now_us + DATAGRAM_LOG_EVERY_US;
    unsigned bucket = bucket_of(log, source);
    while (log->buckets[bucket] > 0) { /* half of them are free at least */
        struct datagram_traffic *traffic = &log->sources[log->buckets[bucket] - 1];
        if (is_of(traffic, source, listener))
            return traffic;
        bucket = (bucket + 1) % DATAGRAM_LOG_BUCKETS;
    }
    if (log->count < DATAGRAM_LOG_SOURCES) {
        log->buckets[bucket] = (uint8_t)(log->count + 1);
        return add(log, source, listener, now_us);
    }
    if (log->others.received == 0)
        log->others =
            (struct datagram_traffic){.listener = listener, .shared = true, .start_us = now_us};
    return &log->others;
}

static void log_source(struct log_line *line, const struct address *source)
{
    char text[ADDRESS_TEXT_BYTES];
    address_text(source, text);
    *strrchr(text, ':') = '\0'; /* the port, 0 */
    log_text(line, "source", text);
}

static void log_traffic(const struct datagram_traffic *traffic, uint64_t now_us)
{
    const struct listener *listener = traffic->listener;
    struct log_line line;
    if (!listener->snapshot->config->log.connections ||
        !log_begin(&line, LOG_LEVEL_INFO, "datagrams"))
        return;
    if (traffic->shared) {
        log_text(&line, "source", "others");
    } else {
        log_source(&line, &traffic->source);
        log_text(&line, "listener", listener->config->name.value);
        log_text(&line, "service", listener->service->name);
    }
    log_text(&line, "transport", endpoint_scheme_name(listener->config->listen.scheme));
    log_number(&line, "received", traffic->received);
    log_number(&line, "sent", traffic->sent);
    log_number(&line, "received_bytes", traffic->received_bytes);
    log_number(&line, "sent_bytes", traffic->sent_bytes);
    log_number(&line, "dropped", traffic->dropped);
    if (traffic->dropped > 0)
        log_text(&line, "drop", datagram_drop_name(traffic->drop));
    log_seconds(&line, "duration", now_us - traffic->start_us);
    log_end(&line);
}

void datagram_log_flush(struct datagram_log *log, uint64_t now_us)
{
    for (unsigned i = 0; i < log->count; i++)
        log_traffic(&log->sources[i], now_us);
    if (log->others.received > 0)
        log_traffic(&log->others, now_us);
    log->count = 0;
    log->others = (struct datagram_traffic){.received = 0};
    memset(log->buckets, 0, sizeof log->buckets);
    log->due_us = UINT64_MAX;
}
