/* SPDX-License-Identifier: MIT */
/* What holds for every histogram, quantity, text in JSON and suggestion. */
#include <check.h>
#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "property.h"
#include "suite.h"
#include "tlsecho/base/histogram.h"
#include "tlsecho/base/json.h"
#include "tlsecho/base/quantity.h"
#include "tlsecho/base/suggest.h"

enum { CASES = 10000, MERGES = 500 /* a histogram has many buckets */ };

/* ---- histogram ---- */

enum { PARTS = 3, SAMPLES_MAX = 30 };

static bool is_near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b)) + 1e-3;
}

static void require_equal(const struct histogram *a, const struct histogram *b)
{
    struct histogram_summary s, t;
    struct histogram_bucket p = {0}, q = {0};
    bool next;
    histogram_summarize(a, &s);
    histogram_summarize(b, &t);
    property_require(s.count == t.count && s.min_ns == t.min_ns && s.max_ns == t.max_ns,
                     "count, minimum and maximum are the same");
    property_require(is_near(s.mean_ns, t.mean_ns), "the mean is the same");
    do {
        next = histogram_next(a, &p);
        property_require(histogram_next(b, &q) == next, "the buckets are the same");
        property_require(!next || (p.lower_ns == q.lower_ns && p.count == q.count),
                         "each bucket is the same");
    } while (next);
}

static struct histogram *parts[PARTS], *whole, *left, *right;

static void merge(struct histogram *into, int first, int second, int third)
{
    histogram_clear(into);
    histogram_add(into, parts[first]);
    histogram_add(into, parts[second]);
    histogram_add(into, parts[third]);
}

static void merge_histograms(void)
{
    histogram_clear(whole);
    for (int i = 0; i < PARTS; i++) {
        histogram_clear(parts[i]);
        for (uint64_t n = property_below(SAMPLES_MAX); n > 0; n--) {
            uint64_t ns = property_of_any_size() >> 20;
            histogram_record(parts[i], ns);
            histogram_record(whole, ns);
        }
    }
    merge(left, 0, 1, 2);
    require_equal(left, whole);
    merge(right, 2, 0, 1);
    require_equal(left, right);
    histogram_clear(right);
    histogram_add(right, parts[1]);
    histogram_add(right, parts[2]); /* and then 0 + (1 + 2) */
    histogram_add(parts[0], right);
    require_equal(parts[0], left);
}

START_TEST(merged_histograms_are_the_histogram_of_all_samples_in_any_order)
{
    struct histogram **all[] = {&parts[0], &parts[1], &parts[2], &whole, &left, &right};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ck_assert_ptr_nonnull(*all[i] = histogram_new());
    property_check("histogram, merge", MERGES, merge_histograms);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        histogram_free(*all[i]);
}
END_TEST

/* ---- quantities ---- */

static void print_and_parse_quantity(void)
{
    char text[QUANTITY_BYTES];
    struct error err;
    uint64_t value = property_of_any_size(), count = 0, bytes = 0, ms = 0;
    quantity_count_text(value, text);
    property_require(quantity_parse_count(text, &count, &err) == 0 && count == value,
                     "a count parses to itself");
    quantity_size_text(value, text);
    property_require(quantity_parse_size(text, &bytes, &err) == 0 && bytes == value,
                     "a size parses to itself");
    quantity_time_text(value, text);
    property_require(quantity_parse_time(text, QUANTITY_BARE_REFUSED, &ms, &err) == 0 &&
                         ms == value,
                     "a time parses to itself");
}

START_TEST(a_printed_quantity_parses_to_itself)
{
    property_check("quantity, print and parse", CASES, print_and_parse_quantity);
}
END_TEST

/* Any text of the characters of quantities: refused, or a value that is printed and parsed. */
static void parse_and_print_quantity(void)
{
    static const char alphabet[] = "0123456789999000..eE+-kKMGiBmshd ";
    char text[12] = "", again[QUANTITY_BYTES];
    struct error err;
    uint64_t value = 0, same = 0;
    for (uint64_t i = 0, n = property_below(sizeof text); i < n; i++)
        text[i] = alphabet[property_below(sizeof alphabet - 1)];
    if (quantity_parse_size(text, &value, &err) == 0) {
        quantity_size_text(value, again);
        property_require(quantity_parse_size(again, &same, &err) == 0 && same == value,
                         "a size that was parsed is printed and parsed again");
    } else {
        property_require(err.kind == ERROR_INPUT && value == 0, "a refusal changes nothing");
    }
    value = same = 0;
    if (quantity_parse_time(text, QUANTITY_BARE_SECONDS, &value, &err) == 0) {
        quantity_time_text(value, again);
        property_require(quantity_parse_time(again, QUANTITY_BARE_REFUSED, &same, &err) == 0 &&
                             same == value,
                         "a time that was parsed is printed and parsed again");
    }
}

START_TEST(a_text_of_a_quantity_is_refused_or_printed_again)
{
    property_check("quantity, parse and print", CASES, parse_and_print_quantity);
}
END_TEST

/* ---- JSON ---- */

enum { TEXT_BYTES = 40, JSON_BYTES = 1024 };

/* The length of the character of UTF-8 (RFC 3629) at the start of the text; 0 = it is none. */
static size_t character_bytes(const unsigned char *s)
{
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] > 0x9f, beyond = s[0] == 0xf4 && s[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : n;
}

/* Each byte that is not UTF-8 becomes U+FFFD. */
static void replace_invalid(const unsigned char *text, char *ret)
{
    while (*text) {
        size_t n = character_bytes(text);
        memcpy(ret, n ? (const char *)text : "\xef\xbf\xbd", n ? n : 3);
        ret += n ? n : 3;
        text += n ? n : 1;
    }
    *ret = '\0';
}

/* Any bytes, or bytes that are often UTF-8. */
static void make_text(unsigned char ret[TEXT_BYTES])
{
    static const char *const pieces[] = {"a",
                                         "\"",
                                         "\\",
                                         "/",
                                         "\n",
                                         "\x01",
                                         "\x7f",
                                         "\xc3\xa4",
                                         "\xc2\x85",
                                         "\xe2\x80\xae",
                                         "\xe2\x80\xa8",
                                         "\xef\xbb\xbf",
                                         "\xf0\x9f\x98\x80",
                                         "\xf4\x8f\xbf\xbf",
                                         "\xed\xa0\x80",
                                         "\xc0\x80",
                                         "\xf0\x80\x80\x80",
                                         "\xe2\x80",
                                         "\xff",
                                         "<",
                                         "\xef\xbf\xbf",
                                         "\xf3\xa0\x81\x81"};
    size_t n = 0;
    bool any = property_below(2);
    for (uint64_t count = property_below(TEXT_BYTES / 4); count > 0; count--) {
        char byte[] = {(char)(1 + property_below(255)), '\0'};
        const char *piece = any ? byte : pieces[property_below(sizeof pieces / sizeof *pieces)];
        memcpy(ret + n, piece, strlen(piece));
        n += strlen(piece);
    }
    ret[n] = '\0';
}

static size_t write_document(const char *text, char *data, size_t size, uint64_t skip)
{
    struct json json;
    json_begin(&json, data, size, skip);
    json_open(&json, NULL);
    json_text(&json, "text", text);
    json_open_array(&json, "list");
    json_text(&json, NULL, text);
    json_close_array(&json);
    json_close(&json);
    json_newline(&json);
    return json.n;
}

static void read_text_back(void)
{
    unsigned char text[TEXT_BYTES];
    char document[JSON_BYTES], window[JSON_BYTES], expected[3 * TEXT_BYTES];
    make_text(text);
    replace_invalid(text, expected);
    size_t n = write_document((const char *)text, document, sizeof document, 0), at = 0;
    json_t *root = json_loadb(document, n, JSON_REJECT_DUPLICATES, NULL);
    property_require(root, "it is JSON");
    const char *value = json_string_value(json_object_get(root, "text"));
    const char *entry = json_string_value(json_array_get(json_object_get(root, "list"), 0));
    property_require(value && strcmp(value, expected) == 0, "a text is read back");
    property_require(entry && strcmp(entry, expected) == 0, "an entry is read back");
    json_decref(root);
    for (size_t i = 0; i + 1 < n; i++)
        property_require((unsigned char)document[i] >= ' ' && document[i] != '\x7f',
                         "it has no control character");
    for (size_t part; at < n; at += part) {
        part = write_document((const char *)text, window, 1 + (size_t)property_below(20), at);
        property_require(part > 0 && at + part <= n && memcmp(window, document + at, part) == 0,
                         "its windows are parts of the whole");
    }
}

START_TEST(any_text_in_json_is_read_back)
{
    property_check("json, write and read back", CASES, read_text_back);
}
END_TEST

/* ---- suggestions ---- */

enum { LETTERS = 6, NAMES = 3, LONG_NAME = 70, LONG_NAMES = 12 };

static void make_word(char *ret, const char *alphabet, uint64_t letters)
{
    for (; letters > 0; letters--)
        *ret++ = alphabet[property_below(strlen(alphabet))];
    *ret = '\0';
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool is_same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* The fewest changes that make the first n letters of a the first m of b: each way is tried. */
static unsigned changes(const char *a, size_t n, const char *b, size_t m)
{
    if (n == 0 || m == 0)
        return (unsigned)(n + m);
    unsigned ret = changes(a, n - 1, b, m - 1) + !is_same(a[n - 1], b[m - 1]);
    ret = least(ret, changes(a, n - 1, b, m) + 1);
    ret = least(ret, changes(a, n, b, m - 1) + 1);
    if (n > 1 && m > 1 && is_same(a[n - 1], b[m - 2]) && is_same(a[n - 2], b[m - 1]))
        ret = least(ret, changes(a, n - 2, b, m - 2) + 1);
    return ret;
}

/* Few letters, so that words are often near. */
static void suggest_to_a_word(void)
{
    char word[LETTERS + 1], stored[NAMES][LETTERS + 1], text[SUGGEST_BYTES], expected[64];
    const char *names[NAMES], *meant = NULL;
    make_word(word, "abcAB", property_below(LETTERS + 1));
    size_t length = strlen(word), nearest = (length + 2) / 3;
    for (size_t i = 0; i < NAMES; i++) {
        make_word(stored[i], "abcAB", property_below(LETTERS + 1));
        names[i] = stored[i];
        unsigned n = changes(word, length, names[i], strlen(names[i]));
        if (n < nearest || (n == nearest && !meant)) {
            nearest = n;
            meant = names[i];
        }
    }
    if (meant)
        snprintf(expected, sizeof expected, "did you mean %s?", meant);
    else
        snprintf(expected, sizeof expected, "write one of %s, %s, %s", names[0], names[1],
                 names[2]);
    suggest_name(word, names, NAMES, text);
    property_require(strcmp(text, expected) == 0, "it is the first of the nearest names, or all");
}

START_TEST(the_nearest_name_is_suggested_where_a_third_of_the_letters_differ)
{
    property_check("suggest, name", CASES, suggest_to_a_word);
}
END_TEST

static void list_some_names(void)
{
    char stored[LONG_NAMES][LONG_NAME + 1], text[SUGGEST_BYTES], expected[SUGGEST_BYTES] = "";
    const char *names[LONG_NAMES];
    size_t count = (size_t)property_below(LONG_NAMES + 1), used = 0;
    bool fit = true;
    for (size_t i = 0; i < count; i++) {
        make_word(stored[i], "xyz", 1 + property_below(LONG_NAME));
        names[i] = stored[i];
        const char *comma = i ? ", " : "";
        if (fit && used + strlen(comma) + strlen(names[i]) + strlen(", ...") < SUGGEST_BYTES)
            used += (size_t)sprintf(expected + used, "%s%s", comma, names[i]);
        else
            fit = false;
    }
    if (!fit)
        strcpy(expected + used, ", ...");
    suggest_list(names, count, text);
    property_require(strcmp(text, expected) == 0, "it has the names that leave room for dots");
}

START_TEST(names_are_listed_until_one_leaves_no_room)
{
    property_check("suggest, list", CASES, list_some_names);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base_properties");
    TCase *tcase = tcase_create("properties");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, merged_histograms_are_the_histogram_of_all_samples_in_any_order);
    tcase_add_test(tcase, a_printed_quantity_parses_to_itself);
    tcase_add_test(tcase, a_text_of_a_quantity_is_refused_or_printed_again);
    tcase_add_test(tcase, any_text_in_json_is_read_back);
    tcase_add_test(tcase, the_nearest_name_is_suggested_where_a_third_of_the_letters_differ);
    tcase_add_test(tcase, names_are_listed_until_one_leaves_no_room);
    return suite_run(suite);
}
