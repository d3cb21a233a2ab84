# SPDX-License-Identifier: MIT
"""An echo over each transport, for scripts/test-machines: between the server and the client of that
machine, and between the server and a native peer, whose byte order may be the other one."""

import os
import pathlib
import socket
import struct
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import datagrams
import peers
import support

CONFIG = """
listeners:
  - listen: tcp://127.0.0.1:0
  - listen: tls://127.0.0.1:0
  - listen: udp://127.0.0.1:0
  - listen: dtls://127.0.0.1:0
  - listen: unix://{dir}/echo.sock
  - { listen: 'udp://127.0.0.1:0', service: stamp, name: stamp }
""" + support.PROFILE
DATA = os.urandom(300000)
STAMP_BYTES = 44  # RFC 8762 section 4.2.1


class Machine(support.TestCase):
    @classmethod
    def setUpClass(cls):
        support.pki()

    def setUp(self):
        self.echo = self.server(CONFIG)

    def ask(self, which, *args, data=b""):
        trust = ("--cacert", support.pki() / "ca.pem", "--servername", "localhost")
        done = support.client(*(trust if "tls" in which else ()), *args, self.echo.endpoint(which),
                              data=data)
        self.assertEqual(done.status, 0, done.stderr)
        return done

    def test_the_client_pipes(self):
        for which, *args in (("tcp",), ("unix",), ("tls", "--tls-max", "1.2"), ("tls",)):
            with self.subTest(which, args=args):
                self.assertEqual(self.ask(which, *args, data=DATA).stdout, DATA)

    def test_the_client_pings(self):
        for which, *args in (("tcp",), ("tls",), ("udp",), ("dtls",), ("stamp", "--expect", "stamp")):
            with self.subTest(which):
                found = self.ask(which, "--ping", "-c3", "-i10ms", "--json", *args).summary()
                self.assertEqual((found["probes"]["sent"], found["probes"]["received"]), (3, 3))

    def test_the_client_measures(self):
        for which, *args in (("tcp",), ("tls",), ("udp", "--rate", "100")):
            with self.subTest(which):
                found = self.ask(which, "--bench", "-t300ms", "--json", *args).summary()
                self.assertGreater(found["messages"], 0)
                self.assertEqual(found["latency"]["count"], found["messages"])

    def test_a_native_peer_gets_its_bytes_back(self):
        with peers.Plain(self.echo.address("tcp")) as peer:
            self.assertEqual(peer.exchange(DATA), DATA)
        for version in peers.VERSIONS:
            with self.subTest(version), peers.Tls(self.echo.address("tls"), version) as peer:
                self.assertEqual(peer.exchange(DATA), DATA)

    def ask_datagram(self, which, data):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(support.DEADLINE_S)
            sock.connect(self.echo.address(which))
            sock.send(data)
            return sock.recv(65536)

    def test_a_native_peer_gets_its_datagram_back(self):
        self.assertEqual(self.ask_datagram("udp", DATA[:1200]), DATA[:1200])

    def test_the_numbers_of_a_stamp_reflector_are_in_network_order(self):
        sent = time.time()
        probe = struct.pack("!IQH", 7, datagrams.ntp(sent), 0x8001).ljust(STAMP_BYTES, b"\0")
        answer = struct.unpack("!IQHHQIQHHB3x", self.ask_datagram("stamp", probe))
        self.assertEqual(answer[5:7], (7, datagrams.ntp(sent)))
        for moment in (answer[1], answer[4]):
            self.assertTrue(datagrams.ntp(sent) <= moment <= datagrams.ntp(time.time()))


if __name__ == "__main__":
    unittest.main()
