/* SPDX-License-Identifier: MIT */
#include "http_page.h"

#define STYLE                                                                                      \
    ":root{color-scheme:light dark;--line:#ccc;--key:#555}"                                        \
    "@media(prefers-color-scheme:dark){:root{--line:#444;--key:#aaa}}"                             \
    "body{font:16px/1.6 system-ui,sans-serif;max-width:64em;margin:2em auto;padding:0 1em}"        \
    "h1{font-size:1.4em;margin:0}"                                                                 \
    "p{margin:.5em 0 1.5em;color:var(--key)}"                                                      \
    "table{border-collapse:collapse;width:100%}"                                                   \
    "tr+tr>*{border-top:1px solid var(--line)}"                                                    \
    "th,td{text-align:left;vertical-align:top;padding:.25em 0;font-size:14px}"                     \
    "th{font-family:system-ui,sans-serif;font-weight:400;color:var(--key);width:11em;"             \
    "padding-right:1em}"                                                                           \
    "td{font-family:ui-monospace,monospace;overflow-wrap:anywhere}"                                \
    "td>table{margin:-.25em 0}"                                                                    \
    "ul{list-style:none;margin:0;padding:0}"                                                       \
    "@media(max-width:40em){th,td{display:block;width:auto}"                                       \
    "tr+tr>td{border-top:0}td td,td th{padding-left:1em}}"

const char http_page_style[] = STYLE;

const char http_page_start[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<title>tlsecho: what arrived</title>\n"
    "<style>" STYLE "</style>\n"
    "<h1>What arrived</h1>\n"
    "<p>Your request and your connection, as this tlsecho-server received them.</p>\n";

const char http_page_end[] = "\n</html>\n";
