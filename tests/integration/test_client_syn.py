# SPDX-License-Identifier: MIT
"""tlsecho-client --report: our SYN as it arrived beside what our kernel has sent."""

import contextlib
import unittest

import boxes
import netpath
import support

CONFIG = "listeners: [ { listen: 'tcp://[::]:0', service: report } ]\n"
SYN = "syn_mss", "syn_dscp", "syn_ecn", "syn_options", "syn_clock"


def setUpModule():
    netpath.require()


class Syn(support.TestCase):
    @contextlib.contextmanager
    def path(self, *between):
        """A network with a server at its end."""
        with netpath.Network(*between) as network:
            self.port = self.server(CONFIG, prefix=network.server.prefix).address("tcp")[1]
            yield network

    def report(self, network, *args, host=netpath.Network.SERVER):
        """The summary, what it says of the SYN, and the same in words."""
        endpoint = f"tcp://{host}:{self.port}"
        done = network.run_client("--report", "--json", *args, endpoint)
        self.assertEqual(done.status, 0, done.stderr)
        summary = done.summary()
        words = network.run_client("--report", *args, endpoint).stdout.decode()
        self.assertIn("\nSYN TTL ", words)
        return summary, {key[4:]: summary["verdict"][key] for key in SYN}, words

    def assert_verdict(self, verdict, **different):
        self.assertEqual(verdict, {"mss": "same", "dscp": "same", "ecn": "same", "options": "same",
                                   "clock": "same", **different})

    def test_a_clean_path_changes_nothing_whatever_the_kernel_sends(self):
        settings = ({}, {"ipv4__tcp_timestamps": 2}, {"ipv4__tcp_sack": 0},
                    {"ipv4__tcp_window_scaling": 0}, {"ipv4__tcp_ecn": 0}, {"ipv4__tcp_ecn": 1},
                    {"ipv4__tcp_timestamps": 0})
        for values in settings:
            with self.subTest(values), self.path() as network:
                network.client.set(**values)
                for host in f"[{network.SERVER6}]", network.SERVER:
                    summary, verdict, words = self.report(network, host=host)
                    none = values.get("ipv4__tcp_timestamps") == 0
                    self.assert_verdict(verdict, **{"clock": "unknown"} if none else {})
                    self.assertIn(" 1 hop\n", words)
                    self.assertEqual(summary["verdict"]["path"], "plain")

    def test_jumbo_frames_and_a_route_with_an_mss_of_its_own_are_no_change(self):
        with self.path() as network:
            for end, device in ((network.client, "eth0"), (network.server, "eth0"),
                                (network.router, "client"), (network.router, "server")):
                end.run("ip", "link", "set", device, "mtu", "9000")
            summary, verdict, _ = self.report(network)
            self.assert_verdict(verdict)
            self.assertEqual(summary["here"]["syn"]["mss"], 8960)
            network.client.run("ip", "route", "replace", "default", "via", "10.9.1.1", "advmss",
                               "1000")
            summary, verdict, _ = self.report(network)
            self.assert_verdict(verdict)
            self.assertEqual(summary["here"]["syn"]["mss"], 1000)

    def test_an_mss_that_is_clamped_is_seen(self):
        with self.path(boxes.ClampMss(1300)) as network:
            summary, verdict, words = self.report(network)
            self.assert_verdict(verdict, mss="different")
            self.assertEqual(summary["there"]["syn"]["mss"], 1300)
            self.assertRegex(words, r"SYN MSS +1460 +1300 +different\n")

    def test_options_that_are_stripped_are_named(self):
        for option, name, clock in (("timestamp", "timestamps", "unknown"),
                                    ("sack-perm", "sack-permitted", "same"),
                                    ("window", "window-scale", "same")):
            with self.subTest(option), self.path(boxes.StripOptions(option)) as network:
                _, verdict, words = self.report(network)
                self.assert_verdict(verdict, options="different", clock=clock)
                self.assertRegex(words, rf"SYN options .* without {name}\n")

    def test_a_window_scale_that_is_changed_is_another_option(self):
        with self.path(boxes.RewriteSyn({3: b"\0"})) as network:
            summary, verdict, words = self.report(network)
            self.assert_verdict(verdict, options="different")
            sent = summary["here"]["syn"]["window_shift"]
            self.assertEqual(summary["there"]["syn"]["window_scale"], 0)
            self.assertRegex(words, rf"SYN window scale +{sent} +0 +different\n")

    def test_a_dscp_that_is_rewritten_is_seen_also_where_we_set_none(self):
        for args, dscp in ((("--dscp=46",), 0), ((), 8)):
            for ipv6 in (False, True):
                with self.subTest(dscp, ipv6=ipv6), \
                        self.path(boxes.RewriteDscp(dscp)) as network:
                    host = f"[{network.SERVER6}]" if ipv6 else network.SERVER
                    summary, verdict, _ = self.report(network, *args, host=host)
                    self.assert_verdict(verdict, dscp="different")
                    self.assertEqual(summary["there"]["syn"]["dscp"], dscp)

    def test_ecn_that_is_stripped_is_seen(self):
        with self.path(boxes.StripEcn()) as network:
            network.client.set(ipv4__tcp_ecn=1)
            _, verdict, words = self.report(network)
            self.assert_verdict(verdict, ecn="different")
            self.assertRegex(words, r"SYN ECN +offered +not offered +different\n")

    def test_a_proxy_that_ends_tcp_is_known_by_its_clock(self):
        with self.path(boxes.Proxy()) as network:
            summary, verdict, words = self.report(network)
            self.assertEqual(verdict["clock"], "different")
            self.assertEqual(summary["verdict"]["path"], "relayed")
            self.assertIn("of another clock", words)


if __name__ == "__main__":
    unittest.main()
