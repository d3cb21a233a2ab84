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
     .value = "such a ClientHello",
     .reproduce = "iptables -A FORWARD -p tcp --dport 7443 -m length --length 1341:65535 -j DROP"},
    {.name = "hello-split-refused",
     .stage = "client-hello",
     .meaning = "a ClientHello in two TCP segments, or in two TLS records, is reset, dropped or "
                "refused by an alert, while the same one in one piece is answered: something reads "
                "the server name from the first segment or record alone",
     .remedy = "let what reads the ClientHello wait for all of it ({}): update it, or switch off "
               "its filter by server name",
     .value = "in two segments or two records",
     .reproduce = "haproxy in mode tcp with tcp-request content accept if { req.ssl_hello_type 1 "
                  "}: two records"},
    {.name = "path-mtu-black-hole",
     .stage = "size",
     .meaning =
         "IP packets above some size do not pass in at least one direction, and no ICMP "
         "message says so: connections come up, and stall or break with the first large message",
     .remedy = "let what is on the way pass {}, have it announce its MTU by ICMP, or clamp the MSS "
               "there; until then, lower the MTU of one of the hosts",
     .value = "packets of that size",
     .reproduce = "iptables -A FORWARD -p tcp -m length --length 1341:65535 -j DROP"},
    {.name = "mss-clamped",
     .stage = "syn",
     .meaning = "the MSS in our SYN is made smaller on the way, as routers do before a tunnel or a "
                "PPPoE line",
     .remedy = "none is needed where a link on the way has an MTU of {}; else remove the rule that "
               "clamps the MSS, or correct its value",
     .value = "that size",
     .reproduce = "iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS "
                  "--set-mss 1300"},
    {.name = "options-stripped",
     .stage = "syn",
     .meaning = "TCP options in our SYN are taken out on the way",
     .remedy = "let what is on the way pass {}: switch off its normalization of TCP, or update it",
     .value = "those options",
     .reproduce = "iptables -t mangle -A FORWARD -p tcp --syn -j TCPOPTSTRIP --strip-options "
                  "timestamp"},
    {.name = "options-changed",
     .stage = "syn",
     .meaning =
         "a TCP option of our SYN has another value on arrival (a larger MSS, another window "
         "scale), or one that was not sent has been added",
     .remedy =
         "have what is on the way pass {} as it is sent: switch off its normalization of TCP, "
         "or update it",
     .value = "the option",
     .reproduce = "nft add rule ip mangle FORWARD 'tcp flags & (syn | ack) == syn' @th,176,16 "
                  "set 8000"},
    {.name = "dscp-rewritten",
     .stage = "syn",
     .meaning = "the DSCP of our SYN is changed on the way",
     .remedy = "if the change is not meant, have the network keep {} in packets of this host; "
               "until then, the DSCP that is set here has no effect behind the point where it is "
               "changed",
     .value = "the DSCP",
     .reproduce = "iptables -t mangle -A FORWARD -p tcp -j DSCP --set-dscp 8"},
    {.name = "ecn-stripped",
     .stage = "syn",
     .meaning = "our SYN offers ECN (RFC 3168), and the offer is taken out on the way: no "
                "connection uses ECN",
     .remedy = "let what is on the way pass {} in a SYN: update it, or remove its rule",
     .value = "both flags",
     .reproduce = "sysctl net.ipv4.tcp_ecn=1 on the client; iptables -t mangle -A FORWARD -p tcp "
                  "--syn -j ECN --ecn-tcp-remove"},
    {.name = "tcp-proxy",
     .stage = "syn",
     .meaning = "the SYN that arrives is not ours, since its timestamp is of another clock: "
                "something on the way ends TCP and has a connection of its own to the server, or "
                "rewrites timestamps",
     .remedy = "if nothing is meant to stand there, look for it: the server sees connections from "
               "{}; what goes through it does not show the path behind it",
     .value = "the address that the remedy names",
     .reproduce = "haproxy in mode tcp before a listener with service: report"},
    {.name = "sni-filtered",
     .stage = "names",
     .meaning = "a ClientHello with one server name is answered, with another it is met with "
                "silence or RST, where an alert should be: something filters by server name",
     .remedy = "let what filters by server name pass ({}), or let it refuse with an alert",
     .value = "that name",
     .reproduce = "iptables -A FORWARD -p tcp --dport 7443 -m string --algo bm --string "
                  "other.invalid -j DROP"},
    {.name = "version-intolerant",
     .stage = "names",
     .meaning =
         "one version of TLS is answered, another is met with silence or RST, where an alert "
         "should be",
     .remedy = "update what is on the way or in front of the server so that it passes {}; until "
               "then, --tls-min and --tls-max choose the version that passes",
     .value = "that version",
     .reproduce = "iptables -A FORWARD -p tcp --dport 7443 -m string --algo bm --hex-string "
                  "'|002b0003020304|' -j DROP"},
    {.name = "idle-timeout",
     .stage = "idle",
     .meaning = "a connection that is silent for some time is gone, without close_notify: the "
                "server, or something on the way (a firewall, NAT or load balancer), ends or "
                "forgets it",
     .remedy = "send something more often than every {}; or raise the idle time-out of the server "
               "or of what is on the way",
     .value = "N seconds",
     .reproduce = "sysctl net.netfilter.nf_conntrack_tcp_timeout_established=60 "
                  "net.netfilter.nf_conntrack_tcp_loose=0; iptables -A FORWARD -m conntrack "
                  "--ctstate INVALID -j DROP; then --idle-max 90s, longer than the time-out"},
};

const size_t path_finding_kinds_count = sizeof path_finding_kinds / sizeof *path_finding_kinds;

const struct path_finding_kind *path_finding_kind_find(const char *name)
{
    for (size_t i = 0; i < path_finding_kinds_count; i++)
        if (strcmp(path_finding_kinds[i].name, name) == 0)
            return &path_finding_kinds[i];
    return NULL;
}
