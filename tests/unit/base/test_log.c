/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/log.h"

#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "captured_log.h"
#include "kernel_clock.h"
#include "log_sink.h"
#include "suite.h"
#include "tlsecho/base/clock.h"

/* What the wall clock is ahead of the kernel's, as if it had been set back since it was read. */
static atomic_int ahead_s;

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    int result = kernel_clock_gettime(clock, ret);
    if (clock == CLOCK_REALTIME)
        ret->tv_sec += ahead_s;
    return result;
}

static void set_clock_back(bool back)
{
    ahead_s = back ? 3600 : 0;
}

static void log_value(const char *value)
{
    struct log_line line;
    ck_assert(log_begin(&line, LOG_LEVEL_INFO, "test"));
    log_text(&line, "value", value);
    log_end(&line);
}

static void log_one_of_each(void)
{
    struct log_line line;
    ck_assert(log_begin(&line, LOG_LEVEL_WARNING, "test"));
    log_text(&line, "text", "two words");
    log_number(&line, "number", UINT64_MAX);
    log_seconds(&line, "duration", 12000034);
    log_switch(&line, "on", true);
    log_switch(&line, "off", false);
    log_end(&line);
}

static json_t *parse(const char *text)
{
    json_error_t err;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &err);
    ck_assert_msg(object != NULL, "%s: %s", text, err.text);
    return object;
}

static const char *json_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    ck_assert_msg(text != NULL, "no text for %s", key);
    return text;
}

START_TEST(writes_logfmt)
{
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_one_of_each();
    const char *line = captured_log_line();
    char time[32];
    int end = 0;
    sscanf(line, "time=%31[0-9TZ:.-]%n", time, &end);
    ck_assert_uint_eq(strlen(time), strlen("2026-01-02T03:04:05.678Z"));
    ck_assert_str_eq(line + end, " level=warning event=test text=\"two words\""
                                 " number=18446744073709551615 duration=12.000034 on=yes off=no");
    captured_log_close();
}
END_TEST

START_TEST(writes_json)
{
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_one_of_each();
    const char *line = captured_log_line();
    ck_assert_ptr_nonnull(strstr(line, "\"number\":18446744073709551615,\"duration\":12.000034,"));
    log_reason(LOG_LEVEL_ERROR, "broken", "in the middle");
    json_t *object = parse(captured_log_line());
    ck_assert_str_eq(json_text(object, "level"), "error");
    ck_assert_str_eq(json_text(object, "event"), "broken");
    ck_assert_str_eq(json_text(object, "reason"), "in the middle");
    ck_assert_uint_eq(strlen(json_text(object, "time")), strlen("2026-01-02T03:04:05.678Z"));
    json_decref(object);
    captured_log_close();
}
END_TEST

static const struct identity identity = {
    .name = (char[]){"web-1"},
    .variables = (struct identity_variable[]){{(char[]){"POD_NAME"}, (char[]){"a \"b\""}},
                                              {(char[]){"EMPTY"}, (char[]){""}}},
    .count = 2,
};

START_TEST(every_line_has_the_identity_before_its_event)
{
    static const char *const expected[] = {
        [LOG_FORMAT_LOGFMT] = " level=info identity=web-1 env_POD_NAME=\"a \\\"b\\\"\" "
                              "env_EMPTY=\"\" event=test value=x",
        [LOG_FORMAT_JSON] = "\"level\":\"info\",\"identity\":\"web-1\","
                            "\"env_POD_NAME\":\"a \\\"b\\\"\",\"env_EMPTY\":\"\","
                            "\"event\":\"test\",\"value\":\"x\"}",
    };
    captured_log_open(LOG_LEVEL_INFO, (enum log_format)_i);
    log_identify(&identity);
    log_value("x");
    const char *line = captured_log_line();
    ck_assert_msg(strstr(line, expected[_i]) != NULL, "%s", line);
    captured_log_close();
}
END_TEST

START_TEST(another_identity_replaces_the_one_before)
{
    const struct identity next = {.name = (char[]){""}};
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_identify(&identity);
    log_identify(&next);
    log_value("x");
    const char *line = captured_log_line();
    ck_assert_msg(strstr(line, " level=info event=test value=x") != NULL, "%s", line);
    captured_log_close();
}
END_TEST

START_TEST(the_largest_identity_leaves_room_for_other_fields)
{
    char value[IDENTITY_BYTES + 1];
    memset(value, '"', IDENTITY_BYTES);
    value[IDENTITY_BYTES] = '\0';
    const struct identity largest = {.name = value};
    captured_log_open(LOG_LEVEL_INFO, (enum log_format)_i);
    log_identify(&largest);
    log_value("x");
    const char *line = captured_log_line();
    ck_assert_ptr_nonnull(strstr(line, "\\\"\\\""));
    ck_assert_ptr_nonnull(strstr(line, _i ? "\"value\":\"x\"}" : " value=x"));
    captured_log_close();
}
END_TEST

START_TEST(switches_are_booleans_in_json)
{
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    struct log_line line;
    ck_assert(log_begin(&line, LOG_LEVEL_INFO, "test"));
    log_switch(&line, "on", true);
    log_switch(&line, "off", false);
    log_end(&line);
    json_t *object = parse(captured_log_line());
    ck_assert(json_is_true(json_object_get(object, "on")));
    ck_assert(json_is_false(json_object_get(object, "off")));
    json_decref(object);
    captured_log_close();
}
END_TEST

/* What a value looks like between quotes, in either format; NULL = logfmt needs no quotes. */
static const struct {
    const char *value, *escaped;
} escapes[] = {
    {"bare-value/1.0:[::1]", NULL},
    {"", ""},
    {"two words", "two words"},
    {"a=b", "a=b"},
    {"say \"hi\"", "say \\\"hi\\\""},
    {"back\\slash", "back\\\\slash"},
    {"line\nbreak\r\ttab", "line\\u000abreak\\u000d\\u0009tab"},
    {"\x1b[31mred", "\\u001b[31mred"},
    {"rub\x7f", "rub\\u007f"},
    {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8d", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8d"},
    {"c1 \xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "c1 \\u0080\\u009b\\u009f\xc2\xa0"},
    {"\x80\xbf", "\\ufffd\\ufffd"},                       /* not the first byte of a sequence */
    {"\xff\xfe", "\\ufffd\\ufffd"},                       /* likewise */
    {"\xc3", "\\ufffd"},                                  /* it ends too early */
    {"\xe2\x82", "\\ufffd\\ufffd"},                       /* likewise */
    {"\xf0\x9f\x8c!", "\\ufffd\\ufffd\\ufffd!"},          /* likewise */
    {"\xc0\x80", "\\ufffd\\ufffd"},                       /* overlong NUL */
    {"\xc1\xbf", "\\ufffd\\ufffd"},                       /* overlong DEL */
    {"\xe0\x9f\xbf", "\\ufffd\\ufffd\\ufffd"},            /* overlong U+07FF */
    {"\xe0\xa0\x80", "\xe0\xa0\x80"},                     /* U+0800 */
    {"\xf0\x8f\xbf\xbf", "\\ufffd\\ufffd\\ufffd\\ufffd"}, /* overlong U+FFFF */
    {"\xf0\x90\x80\x80", "\xf0\x90\x80\x80"},             /* U+10000 */
    {"\xed\x9f\xbf", "\xed\x9f\xbf"},                     /* U+D7FF */
    {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},            /* a surrogate */
    {"\xf4\x8f\xbf\xbd", "\xf4\x8f\xbf\xbd"},             /* U+10FFFD */
    {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"}, /* U+110000 */
};

enum { ESCAPES = sizeof escapes / sizeof escapes[0] };

START_TEST(escapes_in_logfmt_what_would_confuse_a_parser_or_a_terminal)
{
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_value(escapes[_i].value);
    char expected[128];
    if (escapes[_i].escaped)
        snprintf(expected, sizeof expected, " event=test value=\"%s\"", escapes[_i].escaped);
    else
        snprintf(expected, sizeof expected, " event=test value=%s", escapes[_i].value);
    const char *line = captured_log_line();
    ck_assert_ptr_nonnull(strstr(line, " event="));
    ck_assert_str_eq(strstr(line, " event="), expected);
    captured_log_close();
}
END_TEST

START_TEST(escapes_likewise_in_json_which_stays_json)
{
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_value(escapes[_i].value);
    char expected[128];
    const char *escaped = escapes[_i].escaped ? escapes[_i].escaped : escapes[_i].value;
    snprintf(expected, sizeof expected, ",\"value\":\"%s\"}", escaped);
    const char *line = captured_log_line();
    ck_assert_ptr_nonnull(strstr(line, ",\"value\""));
    ck_assert_str_eq(strstr(line, ",\"value\""), expected);
    json_decref(parse(line));
    captured_log_close();
}
END_TEST

START_TEST(writes_its_level_and_those_above)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    captured_log_open((enum log_level)_i, LOG_FORMAT_LOGFMT);
    for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++) {
        ck_assert_int_eq(log_enabled((enum log_level)level), level >= _i);
        log_reason((enum log_level)level, "test", "x");
    }
    for (int level = _i; level <= LOG_LEVEL_ERROR; level++) {
        char expected[32];
        snprintf(expected, sizeof expected, " level=%s ", names[level]);
        ck_assert_ptr_nonnull(strstr(captured_log_line(), expected));
    }
    captured_log_close();
}
END_TEST

START_TEST(nothing_is_logged_while_it_is_not_open)
{
    struct log_line line;
    ck_assert(!log_enabled(LOG_LEVEL_ERROR));
    ck_assert(!log_begin(&line, LOG_LEVEL_ERROR, "test"));
    log_close();
    captured_log_open(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
    captured_log_close();
    ck_assert(!log_begin(&line, LOG_LEVEL_ERROR, "test"));
}
END_TEST

/* Fills a line with fields until one does not fit, then one more that would. */
static void log_too_much(void)
{
    char value[301];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    struct log_line line;
    ck_assert(log_begin(&line, LOG_LEVEL_INFO, "test"));
    for (int i = 0; i < 8; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%d", i);
        log_text(&line, key, value);
    }
    log_number(&line, "last", 1);
    log_end(&line);
}

START_TEST(a_line_too_long_loses_its_last_fields_and_is_marked)
{
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_too_much();
    const char *line = captured_log_line();
    ck_assert_uint_lt(strlen(line), LOG_LINE_BYTES);
    ck_assert_ptr_nonnull(strstr(line, " key5=vvv"));
    ck_assert_ptr_null(strstr(line, "key6"));
    ck_assert_ptr_null(strstr(line, "last"));
    ck_assert_str_eq(strrchr(line, ' '), " truncated=yes");
    captured_log_close();
}
END_TEST

START_TEST(a_json_line_too_long_is_still_json)
{
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_too_much();
    json_t *object = parse(captured_log_line());
    ck_assert_uint_eq(strlen(json_text(object, "key5")), 300);
    ck_assert_ptr_null(json_object_get(object, "key6"));
    ck_assert_ptr_null(json_object_get(object, "last"));
    ck_assert(json_is_true(json_object_get(object, "truncated")));
    json_decref(object);
    captured_log_close();
}
END_TEST

static void log_value_of(size_t n)
{
    char value[LOG_LINE_BYTES + 1];
    memset(value, 'v', n);
    value[n] = '\0';
    log_value(value);
}

/* Every length around the limit: a line never exceeds it, and is always well-formed. Several at
 * a time, because the log's writer pauses after a write. */
START_TEST(a_line_just_too_long_is_still_whole)
{
    enum { BEFORE = 150, AT_ONCE = 8 };
    size_t end = LOG_LINE_BYTES + 1;
    captured_log_open(LOG_LEVEL_INFO, _i ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT);
    for (size_t first = LOG_LINE_BYTES - BEFORE; first < end; first += AT_ONCE) {
        size_t count = end - first < AT_ONCE ? end - first : AT_ONCE;
        for (size_t i = 0; i < count; i++)
            log_value_of(first + i);
        for (size_t i = 0; i < count; i++) {
            const char *line = captured_log_line();
            ck_assert_uint_lt(strlen(line), LOG_LINE_BYTES);
            ck_assert_int_ne(!strstr(line, "truncated"), !strstr(line, "vvv"));
            if (_i)
                json_decref(parse(line));
        }
    }
    captured_log_close();
}
END_TEST

static void flood_lines(int lines)
{
    char value[401];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < lines; i++) {
        struct log_line line;
        ck_assert(log_begin(&line, LOG_LEVEL_INFO, "flood"));
        log_number(&line, "i", (uint64_t)i);
        log_text(&line, "value", value);
        log_end(&line);
    }
}

/* More than fits in the queue. */
enum { FLOOD_LINES = 4000 };

static void flood(void)
{
    flood_lines(FLOOD_LINES);
}

START_TEST(drops_and_counts_lines_for_which_the_queue_has_no_room)
{
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    flood(); /* would never return if a caller waited: the pipe takes 64 KiB */
    /* The writer makes room meanwhile: a later line may find some after an earlier one did not. */
    int lines = 0, last = -1, number;
    const char *line;
    while (!strstr(line = captured_log_line(), " event=log_dropped ")) {
        ck_assert_int_eq(sscanf(strstr(line, " event="), " event=flood i=%d ", &number), 1);
        ck_assert_int_gt(number, last);
        last = number;
        lines++;
    }
    int dropped = 0;
    sscanf(strstr(line, " lines="), " lines=%d", &dropped);
    ck_assert_ptr_nonnull(strstr(line, " level=warning "));
    ck_assert_int_gt(dropped, 0);
    ck_assert_int_eq(lines + dropped, FLOOD_LINES);
    ck_assert_uint_eq(log_dropped_lines(),
                      (uint64_t)dropped); /* also after log_dropped was written */

    log_value("afterwards");
    captured_log_find(" value=afterwards");
    captured_log_close();
}
END_TEST

START_TEST(closing_waits_a_second_for_a_stuck_reader_and_no_longer)
{
    int ends[2];
    struct error err;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    set_clock_back(_i);
    log_open(ends[1], LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    ck_assert_int_eq(log_start(&err), 0);
    flood();
    uint64_t start_us = clock_now_us();
    log_close();
    uint64_t took_us = clock_now_us() - start_us;
    ck_assert_uint_ge(took_us, 900 * 1000);
    ck_assert_uint_lt(took_us, 5000 * 1000);
}
END_TEST

START_TEST(closing_writes_the_queued_lines)
{
    int ends[2];
    struct error err;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    log_open(ends[1], LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    ck_assert_int_eq(log_start(&err), 0);
    for (int i = 0; i < 50; i++)
        log_value("queued");
    log_close();
    close(ends[1]);
    FILE *reader = fdopen(ends[0], "r");
    char line[LOG_LINE_BYTES + 1];
    int lines = 0;
    while (fgets(line, sizeof line, reader))
        lines++;
    ck_assert_int_eq(lines, 50);
    fclose(reader);
}
END_TEST

START_TEST(writes_lines_that_were_queued_before_the_writer_started)
{
    int ends[2];
    char text[LOG_LINE_BYTES] = "";
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    log_open(ends[1], LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_value("early");
    log_close();
    ck_assert_int_gt(read(ends[0], text, sizeof text - 1), 0);
    ck_assert_ptr_nonnull(strstr(text, " value=early\n"));
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* A log whose JOURNAL_STREAM names the device and inode of its descriptor, plus these offsets. */
static int open_journal(int ends[2], unsigned off)
{
    struct stat status;
    char stream[64];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(fstat(ends[1], &status), 0);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev,
             (uintmax_t)status.st_ino + off);
    setenv("JOURNAL_STREAM", stream, 1);
    log_open(ends[1], LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
    return ends[0];
}

START_TEST(a_line_for_the_journal_starts_with_its_priority)
{
    static const char *const prefixes[] = {"<7>{", "<6>{", "<4>{", "<3>{"};
    int ends[2];
    char line[LOG_LINE_BYTES + 8];
    FILE *reader = fdopen(open_journal(ends, 0), "r");
    for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++)
        log_reason((enum log_level)level, "test", "of a level");
    log_close();
    close(ends[1]);
    for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++) {
        ck_assert_ptr_nonnull(fgets(line, sizeof line, reader));
        ck_assert_msg(strncmp(line, prefixes[level], 4) == 0, "%s", line);
        json_decref(parse(line + 3));
    }
    fclose(reader);
}
END_TEST

START_TEST(writes_no_priority_if_standard_error_is_not_the_journal)
{
    int ends[2];
    char text[LOG_LINE_BYTES] = "";
    open_journal(ends, 1);
    log_value("plain");
    log_close();
    ck_assert_int_gt(read(ends[0], text, sizeof text - 1), 0);
    ck_assert_int_eq(text[0], '{');
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_reader_that_closes_blocks_no_thread)
{
    int ends[2];
    struct error err;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    log_open(ends[1], LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    ck_assert_int_eq(log_start(&err), 0);
    flood();
    log_close();
    close(ends[1]);
}
END_TEST

/* Another process that shares standard error may have set O_NONBLOCK on it. */
START_TEST(a_descriptor_that_does_not_block_loses_nothing)
{
    enum { LINES = 600 }; /* more than the pipe holds, less than the queue */
    int fd = captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    flood_lines(LINES);
    for (int i = 0; i < LINES; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, " event=flood i=%d ", i);
        ck_assert_ptr_nonnull(strstr(captured_log_line(), expected));
    }
    captured_log_close();
}
END_TEST

START_TEST(a_line_keeps_the_format_that_it_began_with)
{
    static const enum log_format formats[] = {LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON};
    struct log_line line;
    captured_log_open(LOG_LEVEL_INFO, formats[_i]);
    ck_assert(log_begin(&line, LOG_LEVEL_INFO, "test"));
    log_set(LOG_LEVEL_INFO, formats[!_i]);
    log_text(&line, "text", "two words");
    log_switch(&line, "on", true);
    log_end(&line);
    const char *written = captured_log_line();
    if (formats[_i] == LOG_FORMAT_JSON)
        json_decref(parse(written));
    else
        ck_assert_ptr_nonnull(strstr(written, " event=test text=\"two words\" on=yes"));
    captured_log_close();
}
END_TEST

START_TEST(a_value_with_a_limit_ends_in_dots_between_two_characters)
{
    static const struct {
        const char *value, *logfmt;
    } cases[] = {
        {"12345678", " value=12345678"},
        {"123456789", " value=\"12345...\""},
        {"12 45678", " value=\"12 45678\""},
        {"12 456789", " value=\"12 45...\""},
        {"1\x1b", " value=\"1\\u001b\""},
        {"123\x1b", " value=\"123...\""}, /* an escape is not cut */
        {"1234\xc3\xa4"
         "7890",
         " value=\"1234...\""},
    };
    struct log_line line;
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert(log_begin(&line, LOG_LEVEL_INFO, "test"));
        log_text_capped(&line, "value", cases[i].value, 8);
        log_end(&line);
        ck_assert_str_eq(strstr(captured_log_line(), " value="), cases[i].logfmt);
    }
    captured_log_close();
}
END_TEST

/* The lines of a file, each of which has to be whole. Returns how many, and the sum of the lines
 * that it says were dropped. */
static uint64_t count_whole_lines(const char *path, uint64_t *ret_dropped)
{
    char line[LOG_LINE_BYTES + 1];
    uint64_t count = 0, dropped = 0;
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    for (; fgets(line, sizeof line, file); count++) {
        json_t *object = parse(line);
        if (strcmp(json_text(object, "event"), "log_dropped") == 0) {
            ck_assert_str_eq(json_text(object, "reason"), "File too large");
            dropped += (uint64_t)json_integer_value(json_object_get(object, "lines"));
            count--;
        }
        json_decref(object);
    }
    fclose(file);
    *ret_dropped = dropped;
    return count;
}

/* A limit of the size of a file is a disk that is full: a write is cut short, the next one fails.
 */
static void limit_file(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Until the writer has seen the lines so far. */
static void await_dropped(uint64_t more_than)
{
    uint64_t until_us = clock_now_us() + 10 * 1000000;
    while (log_dropped_lines() <= more_than && clock_now_us() < until_us)
        sched_yield();
    ck_assert_uint_gt(log_dropped_lines(), more_than);
}

enum { APPENDS = 1, GETS_ROOM = 2 };

START_TEST(a_full_disk_leaves_no_partial_line_and_lost_lines_are_counted)
{
    enum { ROUNDS = 3, LINES = 50 };
    char path[] = "/tmp/tlsecho-log-XXXXXX";
    struct error err;
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    if (_i & APPENDS)
        fcntl(fd, F_SETFL, O_APPEND);
    signal(SIGXFSZ, SIG_IGN);
    limit_file(10000);
    log_open(fd, LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    ck_assert_int_eq(log_start(&err), 0);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t before = log_dropped_lines();
        flood_lines(LINES);
        await_dropped(before);
    }
    if (_i & GETS_ROOM)
        limit_file(RLIM_INFINITY);
    log_close();
    limit_file(RLIM_INFINITY); /* Check writes to a file for each assertion */
    uint64_t told, dropped = log_dropped_lines();
    ck_assert_uint_gt(dropped, 0);
    ck_assert_uint_eq(count_whole_lines(path, &told) + dropped, ROUNDS * LINES);
    if (_i & GETS_ROOM)
        ck_assert_uint_eq(told, dropped);
    close(fd);
    unlink(path);
}
END_TEST

START_TEST(a_partial_line_that_cannot_be_removed_is_ended_before_the_next_one)
{
    int ends[2];
    char text[16] = "";
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    struct log_sink sink = {.fd = ends[1], .torn = true};
    ck_assert_uint_eq(log_sink_write(&sink, "a\nb\n", 4), 0);
    ck_assert_uint_eq(log_sink_write(&sink, "c\n", 2), 0);
    ck_assert_int_eq(read(ends[0], text, sizeof text), 7);
    ck_assert_str_eq(text, "\na\nb\nc\n");
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_reader_that_resumes_gets_whole_lines_and_a_count_of_the_others)
{
    char folder[] = "/tmp/tlsecho-log-XXXXXX", path[64];
    char text[LOG_LINE_BYTES] = "";
    struct error err;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/fifo", folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    signal(SIGPIPE, SIG_IGN);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    close(reader);
    set_clock_back(_i);
    log_open(fd, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    ck_assert_int_eq(log_start(&err), 0);
    log_value("lost");
    await_dropped(0);
    reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_ge(reader, 0);
    /* Reported although nothing else is logged. */
    ck_assert_int_eq(poll(&(struct pollfd){.fd = reader, .events = POLLIN}, 1, 10000), 1);
    ck_assert_int_gt(read(reader, text, sizeof text - 1), 0);
    ck_assert_ptr_nonnull(strstr(text, " event=log_dropped lines=1 reason=\"Broken pipe\"\n"));
    log_close();
    close(reader);
    close(fd);
    unlink(path);
    rmdir(folder);
}
END_TEST

enum { WRITERS = 4, LINES_EACH = 200 };

static void *write_lines(void *name)
{
    for (int i = 0; i < LINES_EACH; i++)
        log_value(name);
    return NULL;
}

START_TEST(lines_of_several_threads_do_not_mix)
{
    static char names[WRITERS][2] = {"a", "b", "c", "d"};
    pthread_t writers[WRITERS];
    int counts[WRITERS] = {0};
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&writers[i], NULL, write_lines, names[i]), 0);
    for (int i = 0; i < WRITERS * LINES_EACH; i++) {
        const char *end = strstr(captured_log_line(), " event=test value=");
        ck_assert_ptr_nonnull(end);
        ck_assert_uint_eq(strlen(end), strlen(" event=test value=") + 1);
        counts[end[strlen(end) - 1] - 'a']++;
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i], NULL);
        ck_assert_int_eq(counts[i], LINES_EACH);
    }
    captured_log_close();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("lines");
    tcase_add_test(tcase, writes_logfmt);
    tcase_add_test(tcase, writes_json);
    tcase_add_loop_test(tcase, every_line_has_the_identity_before_its_event, 0, 2);
    tcase_add_test(tcase, another_identity_replaces_the_one_before);
    tcase_add_loop_test(tcase, the_largest_identity_leaves_room_for_other_fields, 0, 2);
    tcase_add_test(tcase, switches_are_booleans_in_json);
    tcase_add_loop_test(tcase, escapes_in_logfmt_what_would_confuse_a_parser_or_a_terminal, 0,
                        ESCAPES);
    tcase_add_loop_test(tcase, escapes_likewise_in_json_which_stays_json, 0, ESCAPES);
    tcase_add_loop_test(tcase, writes_its_level_and_those_above, 0, LOG_LEVEL_ERROR + 1);
    tcase_add_test(tcase, nothing_is_logged_while_it_is_not_open);
    tcase_add_test(tcase, a_line_too_long_loses_its_last_fields_and_is_marked);
    tcase_add_test(tcase, a_json_line_too_long_is_still_json);
    tcase_add_loop_test(tcase, a_line_just_too_long_is_still_whole, 0, 2);
    tcase_add_loop_test(tcase, a_line_keeps_the_format_that_it_began_with, 0, 2);
    tcase_add_test(tcase, a_value_with_a_limit_ends_in_dots_between_two_characters);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("queue");
    tcase_add_test(tcase, drops_and_counts_lines_for_which_the_queue_has_no_room);
    tcase_add_loop_test(tcase, closing_waits_a_second_for_a_stuck_reader_and_no_longer, 0, 2);
    tcase_add_test(tcase, closing_writes_the_queued_lines);
    tcase_add_test(tcase, writes_lines_that_were_queued_before_the_writer_started);
    tcase_add_test(tcase, a_line_for_the_journal_starts_with_its_priority);
    tcase_add_test(tcase, writes_no_priority_if_standard_error_is_not_the_journal);
    tcase_add_test(tcase, a_reader_that_closes_blocks_no_thread);
    tcase_add_test(tcase, a_descriptor_that_does_not_block_loses_nothing);
    tcase_add_loop_test(tcase, a_full_disk_leaves_no_partial_line_and_lost_lines_are_counted, 0, 4);
    tcase_add_test(tcase, a_partial_line_that_cannot_be_removed_is_ended_before_the_next_one);
    tcase_add_loop_test(tcase, a_reader_that_resumes_gets_whole_lines_and_a_count_of_the_others, 0,
                        2);
    tcase_add_test(tcase, lines_of_several_threads_do_not_mix);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
