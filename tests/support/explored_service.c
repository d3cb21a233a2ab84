/* SPDX-License-Identifier: MIT */
#include "explored_service.h"

#include "tlsecho/net/datagram.h"

struct service_talk explored_talk;

static unsigned char letter_at(uint64_t position)
{
    return (unsigned char)('a' + position % 23);
}

static unsigned char answer_at(uint64_t position)
{
    return (unsigned char)(letter_at(position) - 'a' + 'A');
}

static unsigned char digit_at(uint64_t position)
{
    return (unsigned char)('0' + position % 10);
}

static unsigned char line_and_answer_at(uint64_t position)
{
    return position < EXPLORED_LINE_BYTES ? digit_at(position)
                                          : answer_at(position - EXPLORED_LINE_BYTES);
}

/* Two requests without a body, one with, and the last. */
static unsigned char request_at(uint64_t position)
{
    return (unsigned char)"a.bc.d-q"[position % EXPLORED_REQUESTS_PERIOD];
}

static size_t answer(unsigned char *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        data[i] = (unsigned char)(data[i] - 'a' + 'A');
    return n;
}

static size_t echo(unsigned char *data, size_t n)
{
    (void)data;
    return n;
}

static enum service_verdict reply(const struct service_request *request, struct datagram *message)
{
    (void)request;
    answer(message->data, message->length);
    return SERVICE_ANSWERS;
}

static size_t produce(const struct conn_info *info, uint64_t offset, unsigned char *data,
                      size_t size)
{
    (void)info;
    for (size_t i = 0; i < size; i++)
        data[i] = digit_at(offset + i);
    explored_talk.generated = offset + size;
    return size;
}

static size_t produce_line(const struct conn_info *info, uint64_t offset, unsigned char *data,
                           size_t size)
{
    uint64_t left = offset < EXPLORED_LINE_BYTES ? EXPLORED_LINE_BYTES - offset : 0;
    return produce(info, offset, data, left < size ? (size_t)left : size);
}

static struct service_talk *start(void)
{
    explored_talk = (struct service_talk){.next = SERVICE_WAITS, .end = CONN_END_FINISHED};
    return &explored_talk;
}

static void talk_free(struct service_talk *t)
{
    (void)t;
}

static enum service_next next(const struct service_talk *t)
{
    return t->next;
}

static enum service_next next_after(const struct service_talk *t, unsigned char byte)
{
    if (byte == 'q')
        return SERVICE_ENDS;
    return byte == '-' || t->next == SERVICE_READS_BODY ? SERVICE_READS_BODY : SERVICE_READS_HEAD;
}

/* Letters are a head, '.' is the end of a request, a body begins behind '-', and after 'q' it ends.
 */
static size_t take(struct service_talk *t, const unsigned char *data, size_t n)
{
    (void)n;
    t->out_of_order = t->out_of_order || data[0] != request_at(t->taken);
    t->taken++;
    if (data[0] == '.') {
        t->answer = t->letters > 1 ? EXPLORED_LINE_BYTES : 1;
        t->next = SERVICE_WRITES;
        return 1;
    }
    t->letters++;
    t->next = next_after(t, data[0]);
    return 1;
}

static size_t talk_write(struct service_talk *t, const struct service_output *output)
{
    size_t n = t->answer < output->size ? t->answer : output->size;
    for (size_t i = 0; i < n; i++)
        output->data[i] = digit_at(t->generated + i);
    t->generated += n;
    t->answer -= (unsigned)n;
    t->answers = true;
    if (t->answer > 0)
        return n;
    t->letters = 0;
    t->next = t->end == CONN_END_FINISHED && !output->last ? SERVICE_WAITS : SERVICE_ENDS;
    return n;
}

static void cut(struct service_talk *t, enum service_cut how)
{
    t->answer = 2;
    t->end = how == SERVICE_CUT_LATE ? CONN_END_REQUEST_TIMEOUT : CONN_END_REQUEST;
    t->next = SERVICE_WRITES;
}

static enum conn_end end(const struct service_talk *t, struct error *err)
{
    if (t->end != CONN_END_FINISHED)
        error_set(err, ERROR_INPUT, "the reason");
    return t->end;
}

static const struct service_requests requests = {start,      talk_free, next, take,
                                                 talk_write, cut,       end};

const struct explored_service explored_answers = {
    {.name = "answers", .answer = answer, .reply = reply}, letter_at, answer_at};
const struct explored_service explored_echoes = {
    {.name = "echoes", .answer = echo, .verbatim = true}, letter_at, letter_at};
const struct explored_service explored_drops = {{.name = "drops"}, letter_at, letter_at};
const struct explored_service explored_generates = {
    {.name = "generates", .produce = produce, .endless = true}, letter_at, digit_at};
const struct explored_service explored_line = {
    {.name = "line", .produce = produce_line}, letter_at, digit_at};
const struct explored_service explored_line_and_answers = {
    {.name = "line and answers", .produce = produce_line, .answer = answer},
    letter_at,
    line_and_answer_at};
const struct explored_service explored_converses = {
    {.name = "converses", .requests = &requests}, request_at, digit_at};
