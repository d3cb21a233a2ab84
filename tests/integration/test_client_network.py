# SPDX-License-Identifier: MIT
"""The client tells what the network did: what it drops, and whose reset came."""

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

FAR = netpath.Network.SERVER
LISTEN = f"""
listeners:
  - listen: tcp://{FAR}:0
  - listen: tls://{FAR}:0
"""
# Protocols that make a ClientHello larger than a segment may be below.
LARGE = ("--alpn", ",".join(f"{number:02d}-{'x' * 37}" for number in range(30)))
LIMIT_BYTES = 1240


def setUpModule():
    netpath.require()


class Network(support.TestCase):
    def far(self, *between, config=LISTEN + support.PROFILE, more="timeouts: { drain: 1s }\n"):
        """A server behind these, as endpoints by transport."""
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

    def is_told(self, rule, error):
        proc.wait_until(lambda: rule.seen, "no ClientHello was seen on the way")
        size = len(rule.seen[0].payload)
        hello = struct.unpack_from("!H", rule.seen[0].payload, 3)[0] + 5  # the record's length
        self.assertLessEqual(size, hello)
        told = re.match(rf".*\b{hello:,} bytes of the ClientHello were sent (\d+) times and never "
                        "acknowledged", error["message"])
        self.assertTrue(told, error["message"])
        times = int(told[1])
        self.assertGreater(times, 1)
        # The relay of a busy machine sees them later than the client ends, and perhaps after one
        # more of an earlier connection.
        proc.wait_until(lambda: max(collections.Counter(
            packet.seq for packet in list(rule.seen)).values()) >= times,
                        f"fewer than {times} were seen on the way")
        self.assertEqual(error["phase"], "handshake")
        self.assertRegex(error["address"], rf"^{re.escape(FAR)}:")

    def test_a_large_one_by_our_deadline(self):
        rule = boxes.Rule()
        far = self.far(boxes.DropAbove(LIMIT_BYTES), rule)
        error = self.fails(6, "--check", "-k", "--connect-timeout", "2.6s", *LARGE, far["tls"])
        self.is_told(rule, error)
        self.assertIn("drops segments of that size; try --groups X25519, fewer protocols in --alpn, or a smaller MTU",
                      error["message"])
        self.assertNotIn("connect-timeout", error["message"])
        small = self.network.run_client("--check", "-k", "--groups", "X25519", far["tls"])
        self.assertEqual(small.status, 0, small)

    def test_a_large_one_by_the_servers_deadline(self):
        rule = boxes.Rule()
        far = self.far(boxes.DropAbove(LIMIT_BYTES), rule, more="timeouts: { handshake: 2s, drain: 1s }\n")
        for mode in (("--check",), ("--ping", "-c", "1"), ("--bench", "-n", "1"), ()):
            with self.subTest(mode=mode):
                rule.seen.clear()
                self.is_told(rule, self.fails(6, *mode, "-k", *LARGE, far["tls"]))

    def test_a_small_one(self):
        rule = boxes.DropData()
        far = self.far(rule)
        error = self.fails(6, "--check", "-k", "--groups", "X25519", "--connect-timeout", "2s",
                           far["tls"])
        self.is_told(rule, error)
        self.assertNotIn("MTU", error["message"])

    def test_one_behind_a_proxy_header(self):
        rule = boxes.DropData(first=1)
        config = LISTEN.replace(f"tls://{FAR}:0",
                                f"tls://{FAR}:0\n    proxy_protocol: trusted\n"
                                "    proxy_from: [ 10.9.0.0/16 ]")
        far = self.far(rule, config=config + support.PROFILE)
        error = self.fails(6, "--check", "-k", "--groups", "X25519", "--connect-timeout", "2s",
                           "--proxy-protocol", "2", far["tls"])
        self.assertRegex(error["message"], r"bytes of the ClientHello were sent \d+ times")

    def test_one_that_only_takes_long_is_not_said_to_be_dropped(self):
        far = self.far(boxes.Slow(1.0))
        error = self.fails(6, "--check", "-k", "--connect-timeout", "1.2s", far["tls"])
        self.assertIn("the handshake was not complete in time", error["message"])


class Syn(Network):
    def test_it_is_told_how_often_it_was_sent(self):
        rule = boxes.DropSyn()
        far = self.far(rule)
        for mode in (("--check",), ("--bench", "-n", "1"), ("--ping", "-c", "1"), ()):
            with self.subTest(mode=mode):
                rule.syns = 0
                error = self.fails(6, *mode, "--connect-timeout", "1.5s", far["tcp"])
                self.assertIn(f"the SYN was sent {rule.syns} times and never answered",
                              error["message"])
                self.assertEqual(error["phase"], "connect")

    def test_of_several_addresses_the_one_in_json_is_the_one_in_the_message(self):
        rule = boxes.DropSyn(socket.inet_aton("10.9.2.3"))
        far = self.far(rule)
        port = far["tcp"].rsplit(":", 1)[1]
        # 255.255.255.255 fails at once, 10.9.2.3 is silent.
        with netpath.hosts("255.255.255.255 several.test", "10.9.2.3 several.test") as prefix:
            done = support.run(*self.network.client.prefix, *prefix,
                               support.program("TLSECHO_CLIENT"), "--json", "--check",
                               "--connect-timeout", "1.5s", f"tcp://several.test:{port}")
        error = done.summary()["error"]
        self.assertEqual(done.status, 6)
        self.assertEqual(error["address"], f"10.9.2.3:{port}")
        self.assertIn(f"connect to 10.9.2.3:{port}: the SYN was sent 2 times", error["message"])
        self.assertIn(f"also tried 255.255.255.255:{port} (Network is unreachable)",
                      error["message"])


class Reset(Network):
    RTT_S = 0.2

    def test_one_that_nobody_at_the_peer_can_have_sent(self):
        for number, (mode, name, at) in enumerate((
                (("--check", "-k"), "tls", 0), (("--bench", "-n", "9", "-k"), "tls", 0),
                ((), "tcp", 0), (("--ping", "-c", "3", "-i", "0.5s"), "tcp", 2))):
            with self.subTest(mode=mode):
                far = self.far(boxes.Slow(self.RTT_S, reset_at=at, reset_s=self.RTT_S / 10))
                error = self.fails(1 if at else 12, *mode, far[name], data=b"hello\n")
                self.assertIn("something on the way sent it, not the peer", error["message"])
                self.assertNotIn("log of the server", error["message"])
            self.doCleanups()

    def test_one_that_the_peer_may_have_sent(self):
        far = self.far(boxes.Slow(self.RTT_S, reset_at=0, reset_s=self.RTT_S))
        for mode in (("--check", "-k"), ("--bench", "-n", "9", "-k")):
            far = self.far(boxes.Slow(self.RTT_S, reset_at=0, reset_s=self.RTT_S))
            error = self.fails(12, *mode, far["tls"])
            self.assertNotIn("on the way sent it", error["message"])
            self.assertIn("refused our ClientHello", error["message"])
            self.doCleanups()

    def test_one_that_the_peer_has_sent(self):
        self.far(boxes.Slow(self.RTT_S))
        with self.network.server.entered():
            listening = socket.create_server((FAR, 0))
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
                error = self.fails(12, *mode, f"tcp://{FAR}:{port}")
                self.assertNotIn("on the way sent it", error["message"])
            thread.join()


class Data(Network):
    """What was never acknowledged once a connection was up."""

    MODES = ((("--idle-timeout", "2s"), {"data": bytes(5000)}),
             (("--bench", "-n", "1", "-s", "5000", "--idle-timeout", "2s"), {}),
             (("--ping", "-c", "1", "-s", "5000", "-W", "2s"), {}),
             (("--ping", "-c", "1", "-s", "5000", "-W", "9s", "--idle-timeout", "2s"), {}))

    def test_large_segments_that_are_dropped(self):
        far = self.far(boxes.DropAbove(LIMIT_BYTES))
        for mode, options in self.MODES:
            for name in ("tcp", "tls"):
                with self.subTest(mode=mode, name=name):
                    trust = ("-k", "--groups", "X25519") if name == "tls" else ()
                    error = self.fails(6, *mode, *trust, far[name], **options)
                    self.assertRegex(error["message"],
                                     r"5,\d\d\d bytes were never acknowledged, the first "
                                     r"1,4\d\d of them sent \d times: something on the way drops "
                                     r"segments of that size, or the peer is gone; try a smaller "
                                     r"MTU")
                    self.assertEqual(error["phase"], "echo")

    def test_a_ping_that_its_deadline_ends_tells_it_too(self):
        far = self.far(boxes.DropAbove(LIMIT_BYTES))
        error = self.fails(6, "--ping", "-c3", "-s3000", "-w2", far["tcp"])
        self.assertRegex(error["message"], r"\Aended before anything had come back, with [1-3] probes "
                                           r"on their way; [\d,]+ bytes were never acknowledged, the "
                                           r"first 1,4\d\d of them sent \d times")

    def test_a_path_that_ends(self):
        far = self.far(boxes.DropData())
        error = self.fails(6, "--check", "--idle-timeout", "2s", far["tcp"])
        self.assertRegex(error["message"], r"64 bytes were sent \d times and never acknowledged: "
                                           r"the peer is gone, or something on the way drops")

    def test_a_peer_that_is_only_silent_is_not_accused(self):
        far = self.far(boxes.Rule(), config=LISTEN.replace(
            f"tcp://{FAR}:0", f"tcp://{FAR}:0\n    service: discard") + support.PROFILE)
        error = self.fails(6, "--check", "--idle-timeout", "2s", far["tcp"])
        self.assertNotIn("acknowledged", error["message"])


if __name__ == "__main__":
    unittest.main()
