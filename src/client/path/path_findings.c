/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tlsecho/client/path.h"

/* docs/path.md has a section for each, the manual page a paragraph made of it. */
const struct path_finding_kind path_finding_kinds[] = {
    {.name = "hello-lost-above",
     .stage = "client-hello",
     .meaning = "a ClientHello above some size never gets an answer, a smaller one does: something "
                "on the way, or in front of the server, drops or resets large ones",
     .remedy = "let what is on the way pass {}; until then, keep it small: --groups X25519, and "
               "fewer protocols in --alpn",
     .reproduce = "iptables -A FORWARD -p tcp --dport 7443 -m length --length 1341:65535 -j DROP"},
    {.name = "hello-split-refused",
     .stage = "client-hello",
     .meaning = "a ClientHello in two TCP segments, or in two TLS records, is reset, dropped or "
                "refused by an alert, while the same one in one piece is answered: something reads "
                "the server name from the first segment or record alone",
     .remedy = "let what reads the ClientHello wait for all of it ({}): update it, or switch off "
               "its filter by server name",
     .reproduce = "haproxy in mode tcp with tcp-request content accept if { req.ssl_hello_type 1 "
                  "}: two records"},
};

const size_t path_finding_kinds_count = sizeof path_finding_kinds / sizeof *path_finding_kinds;

const struct path_finding_kind *path_finding_kind_find(const char *name)
{
    for (size_t i = 0; i < path_finding_kinds_count; i++)
        if (strcmp(path_finding_kinds[i].name, name) == 0)
            return &path_finding_kinds[i];
    return NULL;
}
