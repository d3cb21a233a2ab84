/* SPDX-License-Identifier: MIT */
/* The style sheet of a page: light, dark and for print.   Ownership: nothing is kept.   Threads:
 * any. */
#ifndef TLSECHO_OUTPUT_HTML_STYLE_H
#define TLSECHO_OUTPUT_HTML_STYLE_H

extern const char output_html_style[]; /* CSS */

#endif
