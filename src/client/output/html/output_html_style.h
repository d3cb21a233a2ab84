/* SPDX-License-Identifier: MIT */
/* How a page looks.   Ownership: nothing is kept.   Threads: any. */
#ifndef TLSECHO_OUTPUT_HTML_STYLE_H
#define TLSECHO_OUTPUT_HTML_STYLE_H

extern const char output_html_style[]; /* CSS */

#endif
