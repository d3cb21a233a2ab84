# SPDX-License-Identifier: MIT
"""The client reports what the network did: which packets it drops, and where a reset comes from."""

import collections
import re
import socket
import struct
import threading
import unittest

import boxes
import netpath
import proc
import support

SERVER = netpath.Network.SERVER
LISTEN = f"""
listeners:
  - listen: tcp://{SERVER}:0
  - listen: tls://{SERVER}:0
"""
# Protocols in ALPN that make a ClientHello larger than LIMIT_BYTES.
LARGE = ("--alpn", ",".join(f"{number:02d}-{'x' * 37}" for number in range(30)))
LIMIT_BYTES = 1240


def setUpModule():
    netpath.require()


class Network(support.TestCase):
    def serve_behind(self, *between, config=LISTEN + support.PROFILE, more="timeouts: { drain: 1s }\n"):
        """Starts a server behind these. Returns its endpoints by transport."""
        self.network = netpath.Network(*between)
        self.addCleanup(self.network.__exit__)
        server = self.server(config + more, prefix=self.network.server.prefix)
        return {name: server.endpoint(name) for name in ("tcp", "tls")}

    def fails(self, status, *args, **options):
        """Returns the error of the JSON object."""
        done = self.network.run_client(*args, "--json", **options)
        self.assertEqual(done.status, status, done)
        summary = done.summary()
        self.assertEqual(summary["exit"], status)
        return summary["error"]


class Hello(Network):
    """A ClientHello that is never acknowledged is `timeout`, whichever end gives up first."""

    def assert_reported(self, rule, error):
        proc.wait_until(lambda: rule.seen, "no ClientHello was seen on the way")
        size = len(rule.seen[0].payload)
        hello = struct.unpack_from("!H", rule.seen[0].payload, 3)[0] + 5  # the record's length
        self.assertLessEqual(size, hello)
        told = re.match(rf".*\b{hello:,} bytes of the ClientHello were sent (\d+) times and never "
                        "acknowledged", error["message"])
        self.assertTrue(told, error["message"])
        times = int(told[1])
        self.assertGreater(times, 1)
        # On a busy machine the router sees them after the client has ended, and perhaps after a
        # packet of an earlier connection.
        proc.wait_until(lambda: max(collections.Counter(
            packet.seq for packet in list(rule.seen)).values()) >= times,
                        f"fewer than {times} were seen on the way")
        self.assertEqual(error["phase"], "handshake")
        self.assertRegex(error["address"], rf"^{re.escape(SERVER)}:")

    def test_a_large_one_at_the_clients_deadline(self):
        rule = boxes.Rule()
        endpoints = self.serve_behind(boxes.DropAbove(LIMIT_BYTES), rule)
        error = self.fails(6, "--check", "-k", "--connect-timeout", "2.6s", *LARGE, endpoints["tls"])
        self.assert_reported(rule, error)
        self.assertIn("drops segments of that size; try a smaller MTU, --groups X25519 or fewer protocols in --alpn",
                      error["message"])
        self.assertNotIn("connect-timeout", error["message"])
        small = self.network.run_client("--check", "-k", "--groups", "X25519", endpoints["tls"])
        self.assertEqual(small.status, 0, small)

    def test_a_large_one_at_the_servers_deadline(self):
        rule = boxes.Rule()
        endpoints = self.serve_behind(boxes.DropAbove(LIMIT_BYTES), rule, more="timeouts: { handshake: 2s, drain: 1s }\n")
        for mode in (("--check",), ("--ping", "-c", "1"), ("--bench", "-n", "1"), ()):
            with self.subTest(mode=mode):
                rule.seen.clear()
                self.assert_reported(rule, self.fails(6, *mode, "-k", *LARGE, endpoints["tls"]))

    def test_a_small_one(self):
        rule = boxes.DropData()
        endpoints = self.serve_behind(rule)
        error = self.fails(6, "--check", "-k", "--groups", "X25519", "--connect-timeout", "2s",
                           endpoints["tls"])
        self.assert_reported(rule, error)
        self.assertNotIn("MTU", error["message"])

    def test_one_behind_a_proxy_header(self):
        rule = boxes.DropData(first=1)
        config = LISTEN.replace(f"tls://{SERVER}:0",
                                f"tls://{SERVER}:0\n    proxy_protocol: trusted\n"
                                "    proxy_from: [ 10.9.0.0/16 ]")
        endpoints = self.serve_behind(rule, config=config + support.PROFILE)
        error = self.fails(6, "--check", "-k", "--groups", "X25519", "--connect-timeout", "2s",
                           "--proxy-protocol", "2", endpoints["tls"])
        self.assertRegex(error["message"], r"bytes of the ClientHello were sent \d+ times")

    def test_a_slow_handshake_is_not_reported_as_dropped(self):
        endpoints = self.serve_behind(boxes.Slow(0.8))
        error = self.fails(6, "--check", "-k", "--connect-timeout", "1.2s", endpoints["tls"])
        self.assertIn("the handshake was not complete in time", error["message"])


class Syn(Network):
    def assert_syns_counted(self, rule, error):
        """The error has the number of SYNs. The router may see the last one after the client ends."""
        count = re.search(r"the SYN was sent (\d+) times and never answered", error["message"])
        self.assertTrue(count, error["message"])
        self.assertGreater(int(count[1]), 1)
        proc.wait_until(lambda: rule.syns == int(count[1]), "the router saw another number of SYNs")

    def test_the_number_of_syns_is_reported(self):
        rule = boxes.DropSyn()
        endpoints = self.serve_behind(rule)
        for mode in (("--check",), ("--bench", "-n", "1"), ("--ping", "-c", "1"), ()):
            with self.subTest(mode=mode):
                rule.syns = 0
                error = self.fails(6, *mode, "--connect-timeout", "1.5s", endpoints["tcp"])
                self.assert_syns_counted(rule, error)
                self.assertEqual(error["phase"], "connect")

    def test_of_several_addresses_the_one_in_json_is_the_one_in_the_message(self):
        rule = boxes.DropSyn(socket.inet_aton("10.9.2.3"))
        endpoints = self.serve_behind(rule)
        port = endpoints["tcp"].rsplit(":", 1)[1]
        # 255.255.255.255 fails at once, 10.9.2.3 is silent.
        with netpath.hosts("255.255.255.255 several.test", "10.9.2.3 several.test") as prefix:
            done = support.run(*self.network.client.prefix, *prefix,
                               support.program("TLSECHO_CLIENT"), "--json", "--check",
                               "--connect-timeout", "1.5s", f"tcp://several.test:{port}")
        error = done.summary()["error"]
        self.assertEqual(done.status, 6)
        self.assertEqual(error["address"], f"10.9.2.3:{port}")
        self.assertIn(f"connect to 10.9.2.3:{port}: ", error["message"])
        self.assert_syns_counted(rule, error)
        self.assertIn(f"also tried 255.255.255.255:{port} (Network is unreachable)",
                      error["message"])


class Reset(Network):
    RTT_S = 0.8  # shorter than the time after which a SYN is sent again

    def test_a_reset_faster_than_a_round_trip_is_not_from_the_peer(self):
        for number, (mode, name, at) in enumerate((
                (("--check", "-k"), "tls", 0), (("--bench", "-n", "9", "-k"), "tls", 0),
                ((), "tcp", 0), (("--ping", "-c", "3", "-i", "1s"), "tcp", 2))):
            with self.subTest(mode=mode):
                endpoints = self.serve_behind(boxes.Slow(self.RTT_S, reset_at=at))
                error = self.fails(1 if at else 12, *mode, endpoints[name], data=b"hello\n")
                self.assertIn("something on the way sent it, not the peer", error["message"])
                self.assertNotIn("log of the server", error["message"])
            self.doCleanups()

    def test_a_reset_after_a_round_trip_may_be_from_the_peer(self):
        endpoints = self.serve_behind(boxes.Slow(self.RTT_S, reset_at=0, reset_s=self.RTT_S))
        for mode in (("--check", "-k"), ("--bench", "-n", "9", "-k")):
            endpoints = self.serve_behind(boxes.Slow(self.RTT_S, reset_at=0, reset_s=self.RTT_S))
            error = self.fails(12, *mode, endpoints["tls"])
            self.assertNotIn("on the way sent it", error["message"])
            self.assertIn("refused our ClientHello", error["message"])
            self.doCleanups()

    def test_a_reset_from_the_peer_is_reported_as_such(self):
        self.serve_behind(boxes.Slow(self.RTT_S))
        with self.network.server.entered():
            listening = socket.create_server((SERVER, 0))
        with listening:
            def serve():
                for _ in range(2):
                    peer, _ = listening.accept()
                    peer.recv(1)
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    peer.close()
            thread = threading.Thread(target=serve)
            thread.start()
            port = listening.getsockname()[1]
            for mode in (("--check",), ("--ping", "-c", "1")):
                error = self.fails(12, *mode, f"tcp://{SERVER}:{port}")
                self.assertNotIn("on the way sent it", error["message"])
            thread.join()


class Data(Network):
    """Data that is never acknowledged once a connection is up."""

    MODES = ((("--idle-timeout", "2s"), {"data": bytes(5000)}),
             (("--bench", "-n", "1", "-s", "5000", "--idle-timeout", "2s"), {}),
             (("--ping", "-c", "1", "-s", "5000", "-W", "2s"), {}),
             (("--ping", "-c", "1", "-s", "5000", "-W", "9s", "--idle-timeout", "2s"), {}))

    def test_large_segments_that_are_dropped(self):
        endpoints = self.serve_behind(boxes.DropAbove(LIMIT_BYTES))
        for mode, options in self.MODES:
            for name in ("tcp", "tls"):
                with self.subTest(mode=mode, name=name):
                    trust = ("-k", "--groups", "X25519") if name == "tls" else ()
                    error = self.fails(6, *mode, *trust, endpoints[name], **options)
                    self.assertRegex(error["message"],
                                     r"5,\d\d\d bytes were never acknowledged, the first "
                                     r"1,4\d\d of them sent \d times: something on the way drops "
                                     r"segments of that size, or the peer is gone; try a smaller "
                                     r"MTU")
                    self.assertEqual(error["phase"], "echo")

    def test_a_ping_that_ends_at_its_deadline_reports_it(self):
        endpoints = self.serve_behind(boxes.DropAbove(LIMIT_BYTES))
        error = self.fails(6, "--ping", "-c3", "-s3000", "-w2", endpoints["tcp"])
        self.assertRegex(error["message"], r"\Aended before any reply, with [1-3] probes "
                                           r"on their way; [\d,]+ bytes were never acknowledged, the "
                                           r"first 1,4\d\d of them sent \d times")

    def test_a_path_that_ends(self):
        endpoints = self.serve_behind(boxes.DropData())
        error = self.fails(6, "--check", "--idle-timeout", "2s", endpoints["tcp"])
        self.assertRegex(error["message"], r"64 bytes were sent \d times and never acknowledged: "
                                           r"the peer is gone, or something on the way drops")

    def test_a_silent_peer_is_not_reported_as_packet_loss(self):
        endpoints = self.serve_behind(boxes.Rule(), config=LISTEN.replace(
            f"tcp://{SERVER}:0", f"tcp://{SERVER}:0\n    service: discard") + support.PROFILE)
        error = self.fails(6, "--check", "--idle-timeout", "2s", endpoints["tcp"])
        self.assertNotIn("acknowledged", error["message"])


if __name__ == "__main__":
    unittest.main()
