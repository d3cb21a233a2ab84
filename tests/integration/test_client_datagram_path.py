# SPDX-License-Identifier: MIT
"""tlsecho-client over UDP on a path with a router that answers by ICMP, and with more than one
address of a name."""

import functools
import json
import socket
import struct
import unittest

import boxes
import datagrams
import netpath
import support
from test_client_dtls import Socat


def setUpModule():
    netpath.require()


class Refuser(datagrams.Echo):
    """Answers the second request by ICMP, host unreachable, but only when the third has come."""

    def handle(self, which, data, source):
        self.seen.append((data, source))
        if len(self.seen) == 3:
            self.refuse(*self.seen[1])
        if len(self.seen) != 2:
            self.socket.sendto(data, source)

    def refuse(self, data, source):
        """RFC 792: the header of the datagram that it is about, and what follows."""
        udp = struct.pack("!HHHH", source[1], self.address[1], 8 + len(data), 0) + data
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0,
                           socket.inet_aton(source[0]), socket.inet_aton(self.address[0]))
        body = struct.pack("!BBHI", 3, 1, 0, 0) + head + udp
        total = sum(struct.unpack(f"!{len(body) // 2}H", body))
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
            raw.sendto(body[:2] + struct.pack("!H", ~total & 0xffff) + body[4:], (source[0], 0))


class Path(support.TestCase):
    def ping(self, network, *args, status):
        """(summary, events) of a run in the client's namespace."""
        done = network.run_client("--ping", "--json", "-v", *args)
        lines = [support.described(line) for line in done.stdout.splitlines()]
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        return lines[-1], lines[:-1]

    def test_the_path_mtu_is_told_and_what_fits_passes(self):
        for version, host, headers in ((4, "SERVER", 28), (6, "SERVER6", 48)):
            with self.subTest(version=version), netpath.Network() as network, \
                    network.server.entered():
                network.router.run("ip", "link", "set", "server", "mtu", "1400")
                network.server.run("ip", "link", "set", "eth0", "mtu", "1400")
                with datagrams.Echo(address=getattr(network, host)) as echo:
                    self.check_mtu(network, echo.endpoint(), 1400 - headers)

    def check_mtu(self, network, endpoint, most):
        summary, events = self.ping(network, "-c3", "-i100ms", "-W3s", "-Mdo", f"-s{most + 1}",
                                    endpoint, status=5)
        self.assertEqual([(event["seq"], event["status"]) for event in events],
                         [(1, "lost"), (2, "lost"), (3, "lost")])
        self.assertRegex(events[0]["message"], rf"the path MTU is 1400, says \S+; give -s {most} or")
        self.assertIn(f"the path MTU is 1400; give -s {most} or", summary["error"]["message"])
        self.assertEqual(summary["probes"]["failures"], {"unreachable": 3})
        self.ping(network, "-c2", "-i10ms", "-Mdo", f"-s{most}", endpoint, status=0)
        self.ping(network, "-c2", "-i10ms", "-s3000", endpoint, status=0)  # in fragments

    @support.requires("socat")
    def test_over_dtls_the_record_counts_too(self):
        overhead = 28 + 37  # IPv4 and UDP; RFC 6347 section 4.1, RFC 5288: header, nonce, tag
        with netpath.Network() as network, network.server.entered(), \
                Socat(network.SERVER) as server:
            network.router.run("ip", "link", "set", "server", "mtu", "1400")
            network.server.run("ip", "link", "set", "eth0", "mtu", "1400")
            endpoint, most = f"dtls://{server.address}:{server.port}", 1400 - overhead
            summary, _ = self.ping(network, "-k", "-c2", "-i50ms", "-W300ms", "-Mdo", f"-s{most + 1}",
                                   "--ciphers=ECDHE-ECDSA-AES128-GCM-SHA256", endpoint, status=5)
            self.assertIn(f"the path MTU is 1400; give -s {most} or", summary["error"]["message"])
            self.ping(network, "-k", "-c2", "-i10ms", "-Mdo", f"-s{most}",
                      "--ciphers=ECDHE-ECDSA-AES128-GCM-SHA256", endpoint, status=0)

    def test_what_does_not_fit_the_own_interface_is_told_without_a_packet(self):
        with netpath.Network() as network, network.server.entered(), \
                datagrams.Echo(address=network.SERVER) as echo:
            summary, _ = self.ping(network, "-c1", "-Mdo", "-s1473", echo.endpoint(), status=5)
            self.assertEqual(echo.seen, [])
        self.assertIn("the path MTU is 1500; give -s 1472 or less", summary["error"]["message"])

    def test_an_error_costs_the_probe_that_it_quotes(self):
        with netpath.Network() as network, network.server.entered(), Refuser(
                address=network.SERVER) as server:
            summary, events = self.ping(network, "-c4", "-i20ms", "-W1s", server.endpoint(), status=1)
        self.assertEqual([(event["seq"], event["result"]) for event in events
                          if event["status"] == "lost"], [(2, "unreachable")])
        self.assertIn("ICMP from 10.9.2.2", summary["error"]["message"])
        self.assertEqual(summary["probes"]["received"], 3)

    def test_loss_each_way_is_what_the_router_dropped(self):
        with netpath.Network() as network, network.server.entered(), \
                datagrams.Reflector(address=network.SERVER) as reflector:
            network.router.run("nft", "-f", "-", text="""
table ip lossy {
 chain forward {
  type filter hook forward priority filter;
  iifname "client" meta l4proto udp numgen inc mod 50 24 counter drop
  iifname "server" meta l4proto udp numgen inc mod 50 33 counter drop
 }
}
""")
            summary, events = self.ping(network, "-c250", "-i2ms", "-W500ms", "--expect=stamp",
                                        reflector.endpoint(), status=1)
            rules = support.run(*network.router.prefix, "nft", "-j", "list", "table", "ip", "lossy")
        dropped = [word["counter"]["packets"] for item in json.loads(rules.stdout)["nftables"]
                   for word in item.get("rule", {}).get("expr", []) if "counter" in word]
        self.assertEqual(dropped, [5, 5])
        stamp = summary["stamp"]
        self.assertEqual([stamp["forward"]["lost"], stamp["reverse"]["lost"]], dropped)
        self.assertEqual(summary["probes"]["lost"], sum(dropped))
        times = [event["time"] for event in events if event["status"] in ("reply", "late")]
        self.assertAlmostEqual(summary["jitter"], datagrams.jitter(times), 12)

    def disturb(self, box, peer, *args):
        """The summary of 500 probes whose totals are those of the box."""
        with netpath.Network(box) as network, network.server.entered(), \
                peer(address=network.SERVER) as server:
            summary, _ = self.ping(network, "-c500", "-i2ms", "-W300ms", *args, server.endpoint(),
                                   status=1)
        expected = datagrams.figures(len(box.numbers), box.returned)
        self.assertGreater(min(expected.values()), 0)
        self.assertEqual({name: summary["probes"][name] for name in expected}, expected)
        return summary

    def test_loss_duplicates_and_reordering_are_what_the_router_made(self):
        self.disturb(boxes.Disturb(percent=2), datagrams.Echo)

    def test_each_direction_of_stamp_is_exactly_what_the_router_made_of_it(self):
        box = boxes.Disturb(percent=2, mark_at=24)  # RFC 8762 figure 4
        summary = self.disturb(box, functools.partial(datagrams.Reflector, record=True),
                               "--expect=stamp")
        stamp = summary["stamp"]
        self.assertEqual((stamp["record"], stamp["lost_somewhere"]), ("used", 0))
        for way, to_server in (("forward", True), ("reverse", False)):
            self.assertEqual((stamp[way]["lost"], stamp[way]["duplicated"]),
                             (box.lost[to_server], box.doubled[to_server]), way)
        self.assertEqual(stamp["forward"]["duplicated_max"], box.doubled[True])

    def test_a_network_without_a_way_is_unreachable(self):
        with netpath.Network() as network:
            network.client.run("ip", "route", "del", "default")
            summary, _ = self.ping(network, "-c1", "udp://10.9.2.2:7", status=5)
        self.assertEqual(summary["error"]["phase"], "connect")

    def test_the_next_address_of_a_name_is_tried_where_nothing_listens(self):
        with netpath.Network() as network, network.client.entered(), \
                netpath.hosts("::1 two.test", "127.0.0.1 two.test") as prefix, \
                datagrams.Echo() as echo:
            done = support.run(*prefix, support.program("TLSECHO_CLIENT"), "--ping", "-c2",
                               "-i10ms", f"udp://two.test:{echo.address[1]}")
        self.assertEqual(done.status, 0, (done.stdout, done.stderr))
        self.assertIn(b"2 probes transmitted, 2 received", done.stdout)
        self.assertRegex(done.stderr, r"\[::1\]:\d+ does not answer; trying 127\.0\.0\.1:\d+")


if __name__ == "__main__":
    unittest.main()
