# SPDX-License-Identifier: MIT
"""The stage syn of --path: what is done to a SYN on the way is found, and nothing else is."""

import re
import unittest

import boxes
import netpath
import support
import test_client_path_network

CONFIG = "listeners: [ {{ listen: 'tcp://[::]:0', service: report{more} }} ]\n"
JUMBO_BYTES = 9000
# What causes which finding.
CAUSES = {
    "mss-clamped": boxes.ClampMss(1300),
    "options-stripped": boxes.StripOptions("timestamp"),
    "dscp-rewritten": boxes.RewriteDscp(8),
    "ecn-stripped": boxes.StripEcn(),
}
ORDER = list(CAUSES)


def setUpModule():
    netpath.require()


class Syn(test_client_path_network.Path):
    ONLY = ("--only", "syn")

    def far(self, network, config=CONFIG.format(more=""), name="tcp"):
        """The endpoint by the IPv4 and by the IPv6 address of a dual-stack listener."""
        port = self.server(config, prefix=network.server.prefix).address(name)[1]
        return [f"tcp://{host}:{port}" for host in (network.SERVER, f"[{network.SERVER6}]")]

    def find(self, between, *args, endpoint=0, **values):
        network = self.network(*between)
        network.client.set(**{"ipv4__tcp_ecn": 1, **values})
        return self.look(network, self.far(network)[endpoint], *self.ONLY, *args)

    def finding(self, *between, **options):
        """The only one."""
        summary, found = self.find(between, **options)
        self.assertEqual(len(found), 1, summary)
        return summary["findings"][0]

    def notes(self, summary):
        return "\n".join(summary["stages"][-1]["notes"])


class Nothing(Syn):
    def test_on_a_clean_path_whatever_our_kernel_sends(self):
        network = self.network()
        endpoints = self.far(network)
        for values in ({}, {"ipv4__tcp_timestamps": 2}, {"ipv4__tcp_timestamps": 0},
                       {"ipv4__tcp_timestamps": 1, "ipv4__tcp_sack": 0},
                       {"ipv4__tcp_window_scaling": 0}, {"ipv4__tcp_ecn": 0},
                       {"ipv4__tcp_ecn": 1}):
            network.client.set(**values)
            for endpoint in endpoints:
                with self.subTest(values, endpoint=endpoint):
                    summary = self.is_clean(network, endpoint, *self.ONLY, "--dscp=46")
                    self.assertIn("1 hop: the TTL was 64, and 63 on arrival", self.notes(summary))

    def test_with_jumbo_frames_and_with_an_mss_of_the_route(self):
        network = self.network()
        endpoints = self.far(network)
        for end, device in ((network.client, "eth0"), (network.server, "eth0"),
                            (network.router, "client"), (network.router, "server")):
            end.run("ip", "link", "set", device, "mtu", str(JUMBO_BYTES))
        for endpoint in endpoints:
            self.is_clean(network, endpoint, *self.ONLY)
        network.client.run("ip", "route", "replace", "default", "via", "10.9.1.1", "advmss", "900")
        summary = self.is_clean(network, endpoints[0], *self.ONLY)
        self.assertIn("MSS of 900 bytes", str(summary["stages"]))

    def test_where_a_route_alone_asks_for_ecn(self):
        network = self.network()
        network.client.set(ipv4__tcp_ecn=0)
        network.client.run("ip", "route", "replace", "default", "via", "10.9.1.1", "features", "ecn")
        self.is_clean(network, self.far(network)[0], *self.ONLY)

    def test_where_packets_are_lost_at_random(self):
        network = self.network(boxes.Lose(2))
        network.client.set(ipv4__tcp_ecn=1)
        endpoints = self.far(network)
        for _ in range(4):
            self.is_clean(network, endpoints[0], *self.ONLY)

    def test_where_the_first_syn_with_ecn_is_lost(self):
        """Linux offers no ECN in the second."""
        summary, found = self.find([FirstSynLost()])
        self.assertEqual(found, [], summary)

    def test_where_one_path_of_three_clamps_the_mss(self):
        network = self.network()
        network.router.run("nft", "-f", "-", text="""
table inet some {
 chain forward {
  type filter hook forward priority mangle;
  oifname "server" tcp flags == syn numgen inc mod 4 == 1 tcp option maxseg size set 1000
 }
}
""")
        summary = self.is_clean(network, self.far(network)[0], *self.ONLY)
        self.assertIn("1 of 3 arrived as 1,000 bytes", str(summary["stages"]))

    def test_on_the_loopback(self):
        network = self.network()
        for endpoint in self.far(network):
            port = endpoint.rpartition(":")[2]
            for host in "127.0.0.1", "[::1]", "localhost":
                program = support.program("TLSECHO_CLIENT")
                done = support.run(*network.server.prefix, program, "--path", *self.ONLY,
                                   f"tcp://{host}:{port}")
                self.assertEqual(done.status, 0, done.stdout)


class FirstSynLost(boxes.Box):
    """A SYN that offers ECN never arrives."""

    rules = "oifname server tcp flags == (syn | ecn | cwr) drop",


class RenameOption(boxes.RewriteSyn):
    """Gives a TCP option of each SYN another kind."""

    def __init__(self, old, new):
        super().__init__({})
        self.old, self.new = old, new

    def rewrite(self, packet):
        at = (packet.data[0] & 15) * 4 + 20
        options = packet.data[at:].replace(bytes([self.old, 10]), bytes([self.new, 10]), 1)
        return super().rewrite(boxes.Packet(packet.data[:at] + options))


class Found(Syn):
    def test_each_by_its_cause_and_nothing_else(self):
        for name, cause in CAUSES.items():
            for endpoint in 0, 1:
                with self.subTest(name, endpoint=endpoint):
                    finding = self.finding(cause, endpoint=endpoint)
                    self.assertEqual(finding["finding"], name)
                    self.assertIn("3 of 3 arrived ", finding["evidence"])

    def test_two_at_once(self):
        for first in ORDER:
            for second in ORDER[ORDER.index(first) + 1:]:
                with self.subTest(first, second=second):
                    _, found = self.find([CAUSES[first], CAUSES[second]])
                    self.assertEqual(found, [first, second])

    def test_a_clamped_mss_with_the_mtu_that_it_is_for(self):
        for endpoint, mtu in (0, "1,340"), (1, "1,360"):
            finding = self.finding(boxes.ClampMss(1300), endpoint=endpoint)
            sent = "1,460" if endpoint == 0 else "1,440"
            self.assertEqual(finding["evidence"],
                             f"the MSS of {sent} bytes in our SYN: 3 of 3 arrived as 1,300 bytes")
            self.assertIn(f"an MTU of {mtu} bytes", finding["remedy"])

    def test_each_option_that_is_stripped_by_its_name(self):
        for option, name in (("timestamp", "timestamps"), ("sack-perm", "sack-permitted"),
                             ("window", "window-scale")):
            with self.subTest(option):
                finding = self.finding(boxes.StripOptions(option))
                self.assertEqual(finding["finding"], "options-stripped")
                self.assertIn(f": 3 of 3 arrived without {name}: mss ", finding["evidence"])
                self.assertIn(f"pass {name}:", finding["remedy"])
                self.assertEqual(re.findall("; without ([a-z-]+) ", finding["evidence"]), [name])

    def test_all_options_that_are_stripped(self):
        finding = self.finding(boxes.StripOptions("maxseg", "timestamp", "sack-perm", "window"))
        lost = "mss sack-permitted timestamps window-scale"
        self.assertIn(f"arrived without {lost}: nop ", finding["evidence"])
        self.assertIn(f"pass {lost}:", finding["remedy"])

    def test_a_value_of_an_option_that_is_changed(self):
        smaller = "0; the server takes our window for smaller than it is:"
        for values, what, arrived in (({2: b"\x1f\x40"}, "MSS of 1,460 bytes", "8,000 bytes; "),
                                      ({3: b"\x00"}, r"window scale of \d+", smaller),
                                      ({3: b"\x0e"}, r"window scale of \d+", "14; ")):
            with self.subTest(values):
                summary, found = self.find([boxes.RewriteSyn(values)])
                self.assertEqual(found, ["options-changed"])
                self.assertRegex(summary["findings"][0]["evidence"],
                                 f"the {what} in our SYN: 3 of 3 arrived as {arrived}")
                changed = [step["what"] for step in summary["stages"][0]["tried"] if not step["passed"]]
                self.assertEqual(len(changed), 1, changed)
                self.assertRegex(changed[0], what)

    def test_an_option_that_is_not_of_this_kernel_is_a_note(self):
        """The option timestamps becomes one of kind 77."""
        network = self.network(RenameOption(8, 77))
        network.client.set(ipv4__tcp_ecn=1)
        summary, found = self.look(network, self.far(network)[0], *self.ONLY)
        self.assertEqual(found, ["options-stripped"])
        self.assertIn("arrived with kind-77, too", self.notes(summary))

    def test_a_dscp_that_we_set_and_one_that_is_set_for_us(self):
        finding = self.find([boxes.RewriteDscp(0)], "--dscp=46")[0]["findings"][0]
        self.assertEqual(finding["evidence"], "the DSCP 46 in our SYN: 3 of 3 arrived as 0")

    def test_a_proxy_that_ends_tcp_and_not_what_its_own_syn_is_like(self):
        finding = self.finding(boxes.Proxy(), ipv4__tcp_sack=0)
        self.assertEqual(finding["finding"], "tcp-proxy")
        self.assertRegex(finding["evidence"], r"3 of 3 arrived as \d+, when our clock was at \d+;")
        self.assertIn("connections from 10.9.2.1:", finding["remedy"])

    def test_a_proxy_where_our_own_syn_has_no_timestamp(self):
        self.assertEqual(self.finding(boxes.Proxy(), ipv4__tcp_timestamps=0)["finding"], "tcp-proxy")

    def test_over_tls_too(self):
        network = self.network(boxes.ClampMss(1300))
        config = CONFIG.format(more="").replace("tcp:", "tls:") + support.PROFILE
        endpoint = self.far(network, config, "tls")[0].replace("tcp:", "tls:")
        _, found = self.look(network, endpoint, *self.ONLY)
        self.assertEqual(found, ["mss-clamped"])

    def test_as_an_ordinary_user(self):
        network = self.network(boxes.ClampMss(1300))
        _, found = self.look(network, self.far(network)[0], *self.ONLY, user="nobody")
        self.assertEqual(found, ["mss-clamped"])


class Skipped(Syn):
    def skipped(self, network, endpoint, *args):
        """The reason. Nothing else is measured: there is no report, or it says too little."""
        done = network.run_client("--path", "--json", *self.ONLY, *args, endpoint)
        self.assertEqual((done.status, done.summary()["error"]["phase"]), (2, "options"), done)
        return done.summary()["stages"][0]["reason"]

    def test_without_a_report(self):
        network = self.network()
        endpoint = self.far(network, "listeners: [ { listen: 'tcp://[::]:0' } ]\n")[0]
        self.assertIn("`service: report`", self.skipped(network, endpoint))

    def test_where_a_proxy_header_says_that_the_syn_is_of_another(self):
        network = self.network()
        more = ", proxy_protocol: required, proxy_from: [ 0.0.0.0/0 ]"
        endpoint = self.far(network, CONFIG.format(more=more))[0]
        self.assertIn("PROXY headers", self.skipped(network, endpoint, "--proxy-protocol=2"))

    def test_where_the_server_keeps_no_syn(self):
        network = self.network()
        network.server.set(ipv4__tcp_syncookies=2)
        self.assertIn("SYN cookies", self.skipped(network, self.far(network)[0]))

    def test_the_first_endpoint_that_sends_one_is_taken(self):
        network = self.network(boxes.ClampMss(1300))
        echo = self.server("listeners: [ { listen: 'tcp://[::]:0' } ]\n",
                           prefix=network.server.prefix).address("tcp")[1]
        _, found = self.look(network, self.far(network)[0], *self.ONLY,
                             f"tcp://{network.SERVER}:{echo}")
        self.assertEqual(found, ["mss-clamped"])


if __name__ == "__main__":
    unittest.main()
