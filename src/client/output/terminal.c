/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/terminal.h"

#include <assert.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <wctype.h>

#include "tlsecho/base/text.h"

enum { BYTE_BASE = 0xdc00 }; /* of a byte that is not a character, as in Python's surrogateescape */

void terminal_init(void)
{
    if (strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0) /* ASCII only */
        setlocale(LC_CTYPE, "C.UTF-8");
}

void terminal_type(struct terminal_keys *keys, char byte)
{
    assert(keys->n < sizeof keys->bytes);
    keys->bytes[keys->n++] = byte;
}

enum { QUOTE = 'V' & 0x1f }; /* the next key is inserted */

/* Whether the editor would interpret it as a command: it has a table of the first 256. */
static bool is_no_letter(wchar_t c)
{
    return c >= 0x80 && c < 0x100 && !iswprint((wint_t)c);
}

bool terminal_next(struct terminal_keys *keys, wchar_t *ret)
{
    mbstate_t start = {0};
    wchar_t c = 0;
    if (keys->n == 0)
        return false;
    size_t used = mbrtowc(&c, keys->bytes, keys->n, &start);
    if (used == (size_t)-2 && keys->n < sizeof keys->bytes)
        return false;
    bool quoted_nul =
        used == 0 && keys->quoted; /* unquoted NUL: a Ctrl-D that was typed too early */
    if (used > keys->n || is_no_letter(c) || quoted_nul) {
        c = BYTE_BASE + (unsigned char)keys->bytes[0];
        used = 1;
    }
    used += used == 0;
    keys->quoted = c == QUOTE && !keys->quoted;
    keys->n -= used;
    memmove(keys->bytes, keys->bytes + used, keys->n);
    *ret = c;
    return true;
}

size_t terminal_bytes(const wchar_t *line, size_t n, char *ret)
{
    mbstate_t state = {0};
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (line[i] >= BYTE_BASE && line[i] <= BYTE_BASE + 0xff) {
            ret[used++] = (char)(line[i] - BYTE_BASE);
            continue;
        }
        size_t length = wcrtomb(ret + used, line[i], &state);
        if (length != (size_t)-1)
            used += length;
    }
    return used;
}

/* Whether more bytes may complete a character, or CR LF. */
static bool is_cut_short(const unsigned char *s, size_t n)
{
    static const unsigned char rest[] = {0x80, 0x80, 0x80};
    unsigned char whole[8];
    uint32_t code;
    if (n == 1 && s[0] == '\r')
        return true;
    if (n > 3 || text_decode(s, n, &code))
        return false;
    memcpy(whole, s, n);
    for (size_t more = 1; n + more <= 4; more++) {
        memcpy(whole + n, rest, more);
        if (text_decode(whole, n + more, &code) == n + more)
            return true;
    }
    return n == 1 && (s[0] == 0xe0 || s[0] == 0xf0); /* their next byte cannot be 0x80 */
}

/* Shows the first character. Returns its length, or 0: more bytes are needed. */
static size_t show_one(const unsigned char *s, size_t n, bool last, FILE *out)
{
    char piece[TEXT_PIECE_BYTES];
    if (*s == '\n' || *s == '\t') {
        fputc(*s, out);
        return 1;
    }
    if (*s == '\r' && n > 1 && s[1] == '\n')
        return 1;
    if (!last && is_cut_short(s, n))
        return 0;
    size_t used = text_escape(s, n, piece);
    fputs(piece, out);
    return used;
}

/* Completes held bytes one by one. Returns how many of the n bytes were used. */
static size_t show_held(struct terminal_screen *screen, const unsigned char *data, size_t n,
                        FILE *out)
{
    size_t taken = 0;
    while (screen->n > 0 && (taken < n || n == 0)) {
        if (taken < n)
            screen->held[screen->n++] = data[taken++];
        size_t used;
        while (screen->n > 0 && (used = show_one(screen->held, screen->n, n == 0, out)) > 0) {
            screen->n -= used;
            memmove(screen->held, screen->held + used, screen->n);
        }
    }
    return taken;
}

void terminal_show(struct terminal_screen *screen, const unsigned char *data, size_t n, FILE *out)
{
    size_t i = show_held(screen, data, n, out);
    while (i < n) {
        size_t used = show_one(data + i, n - i, false, out);
        if (used == 0) {
            screen->n = n - i;
            memcpy(screen->held, data + i, screen->n);
            return;
        }
        i += used;
    }
}
