# SPDX-License-Identifier: MIT
"""Every byte is echoed unchanged, over every transport, to every client."""

import contextlib
import os
import unittest

import peers
import support

SIZES = (0, 1, 64, 16384, 16385, 1024 * 1024 + 3)
TRANSPORTS = ("tcp", "unix", "tls 1.2", "tls 1.3")
MANY = 120


def connect(server, transport):
    """A client by the name of its transport, such as "tls 1.3"."""
    kind, _, version = transport.partition(" ")
    address = server.address(kind)
    return peers.Tls(address, version) if version else peers.Plain(address)


class Bytes(support.TestCase):
    def setUp(self):
        self.echo = self.server(support.EVERYTHING)

    @contextlib.contextmanager
    def over(self, transport):
        """A subtest with a new client."""
        with self.subTest(transport), connect(self.echo, transport) as peer:
            yield peer

    def assert_ended_in_order(self, transport, peer):
        self.assertEqual(peer.ended, "fin")
        self.assertEqual(peer.close_notify, transport.startswith("tls"))

    def test_each_size_comes_back_and_then_the_server_ends_in_order(self):
        for size in SIZES:
            for transport in TRANSPORTS:
                with self.over(transport) as peer:
                    data = os.urandom(size)
                    self.assertEqual(peer.exchange(data), data, f"{size} bytes")
                    self.assert_ended_in_order(transport, peer)

    def test_many_small_records_in_one_burst_come_back_while_the_side_stays_open(self):
        for transport in TRANSPORTS:
            with self.over(transport) as peer:
                burst = [os.urandom(7) for _ in range(2000)]
                for record in burst:
                    peer.send_soon(record)
                data = b"".join(burst)
                self.assertEqual(peer.receive(len(data)), data)

    def test_single_bytes_are_echoed_without_an_end(self):
        for transport in TRANSPORTS:
            with self.over(transport) as peer:
                for byte in b"one at a time":
                    peer.send(bytes([byte]))
                    self.assertEqual(peer.receive(1), bytes([byte]))

    def test_pending_output_arrives_after_a_bare_fin(self):
        for transport in TRANSPORTS:
            with self.over(transport) as peer:
                data = os.urandom(1024 * 1024 + 3)
                peer.send(data)
                peer.fin()
                self.assertEqual(peer.receive_all(), data)
                self.assert_ended_in_order(transport, peer)

    def test_pending_output_arrives_after_a_close_notify_without_fin(self):
        for version in peers.VERSIONS:
            with self.subTest(version), peers.Tls(self.echo.address("tls"), version) as peer:
                data = os.urandom(1024 * 1024 + 3)
                peer.send(data)
                peer.notify()
                self.assertEqual(peer.receive_all(), data)
                self.assert_ended_in_order("tls", peer)

    def test_the_log_counts_the_bytes_each_way(self):
        for transport in TRANSPORTS:
            with self.over(transport) as peer:
                peer.exchange(bytes(100000))
                line = self.echo.wait_for("connection", received_bytes=100000)
                self.assertEqual(line["sent_bytes"], "100000")
                self.assertEqual((line["transport"], line["service"], line["end"]),
                                 (transport.partition(" ")[0], "echo", "closed"))


class ManyClients(support.TestCase):
    def test_clients_are_served_while_another_never_starts_its_handshake(self):
        server = self.server(support.EVERYTHING + "workers: 1")
        with peers.Plain(server.address("tls")) as silent:
            first = peers.Tls(server.address("tls"), "1.2")
            second = peers.Tls(server.address("tls"), "1.3")
            with first, second:
                for peer in (first, second):
                    peer.send(b"served")
                for peer in (second, first):
                    self.assertEqual(peer.receive(6), b"served")
            self.assertIsNone(silent.ended)

    def test_many_clients_at_once_each_receive_their_own_bytes(self):
        server = self.server(support.EVERYTHING)
        for transport in TRANSPORTS:
            with self.subTest(transport):
                crowd = [connect(server, transport) for _ in range(MANY)]
                texts = [os.urandom(5000) for _ in crowd]
                for peer, text in zip(crowd, texts):
                    peer.send(text)
                for peer, text in zip(reversed(crowd), reversed(texts)):
                    self.assertEqual(peer.receive(len(text)), text)
                for peer in crowd:
                    peer.socket.close()


if __name__ == "__main__":
    unittest.main()
