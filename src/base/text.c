/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

size_t text_decode(const void *data, size_t n, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = data;
    if (n == 0 || (s[0] >= 0x80 && s[0] < 0xc0) || s[0] >= 0xf8)
        return 0;
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (length > n)
        return 0;
    uint32_t code = length == 1 ? s[0] : s[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code < 0xe000;
    if (code < least[length] || surrogate || code > 0x10ffff)
        return 0;
    *ret = code;
    return length;
}

bool text_code_printable(uint32_t code)
{
    /* In ascending order. */
    static const struct {
        uint32_t first, last;
    } unprintable[] = {
        {0x0000, 0x001f}, {0x007f, 0x009f},   {0x00ad, 0x00ad},   {0x034f, 0x034f},
        {0x061c, 0x061c}, {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
        {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
        {0xfdd0, 0xfdef}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
        {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
    };
    for (size_t i = 0; i < sizeof unprintable / sizeof *unprintable; i++) {
        if (code < unprintable[i].first)
            break;
        if (code <= unprintable[i].last)
            return false;
    }
    return (code & 0xfffe) != 0xfffe; /* the last two of every plane */
}

bool text_printable(const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        uint32_t code;
        size_t length = text_decode(text, left, &code);
        if (length == 0 || !text_code_printable(code))
            return false;
        text += length;
        left -= length;
    }
    return true;
}

size_t text_escape(const void *data, size_t n, char ret[TEXT_PIECE_BYTES])
{
    uint32_t code = *(const unsigned char *)data;
    size_t length = text_decode(data, n, &code);
    if (length > 0 && text_code_printable(code)) {
        memcpy(ret, data, length);
        ret[length] = '\0';
        return length;
    }
    if (length < 2)
        snprintf(ret, TEXT_PIECE_BYTES, "\\x%02" PRIx32, code);
    else if (code <= 0xffff)
        snprintf(ret, TEXT_PIECE_BYTES, "\\u%04" PRIx32, code);
    else
        snprintf(ret, TEXT_PIECE_BYTES, "\\U%08" PRIx32, code);
    return length ? length : 1;
}

size_t text_copy(const void *data, size_t n, char *ret, size_t size)
{
    static const char more[] = "...";
    const char *s = data, *end = s + n;
    size_t used = 0, cut = 0; /* cut: the last place after which "..." fits */
    while (s < end) {
        char piece[TEXT_PIECE_BYTES];
        s += text_escape(s, (size_t)(end - s), piece);
        size_t length = strlen(piece);
        if (used + length >= size) {
            memcpy(ret + cut, more, sizeof more);
            return cut + sizeof more - 1;
        }
        memcpy(ret + used, piece, length);
        used += length;
        if (used + sizeof more <= size)
            cut = used;
    }
    ret[used] = '\0';
    return used;
}

size_t text_line_length(const void *data, size_t n)
{
    enum { SHORTEST = 3 };
    const unsigned char *c = data;
    size_t length = 0;
    while (length < n && c[length] >= ' ' && c[length] <= '~')
        length++;
    bool ends = length == n || c[length] == '\r' || c[length] == '\n' || c[length] == '\t';
    return ends && length >= SHORTEST ? length : 0;
}

void text_brief(const char *text, char ret[TEXT_BRIEF_BYTES])
{
    text_copy(text, strlen(text), ret, TEXT_BRIEF_BYTES);
}
