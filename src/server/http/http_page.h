/* SPDX-License-Identifier: MIT */
/*
 * What surrounds the values on the page for a browser: no script, nothing from elsewhere.
 *
 * Ownership: static.   Threads: any.
 */
#ifndef TLSECHO_HTTP_PAGE_H
#define TLSECHO_HTTP_PAGE_H

/* Before and behind the table of values. */
extern const char http_page_start[], http_page_end[];

/* The style within http_page_start, and its hash, which the Content-Security-Policy allows. */
extern const char http_page_style[];
#define HTTP_PAGE_STYLE_HASH "sha256-XYeZnZZMXilNW9vln0x4C0MaGIouEu9oHVeLErTel2g="

#endif
