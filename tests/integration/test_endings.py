# SPDX-License-Identifier: MIT
"""Each way in which a connection can end: its name in the log, and what the client receives."""

import os
import pathlib
import signal
import socket
import ssl
import struct
import threading
import time
import unittest

import peers
import support

BOTH = ((peers.Plain, "tcp"), (peers.Tls, "tls"))
BULK_BYTES = 8 * 1024 * 1024  # more than kernel buffers hold for a client that does not read
KERNEL_BYTES = 1024 * 1024    # less than that
STREAM_BYTES = 5 * 1024 * 1024
ALERT = 21                    # a content type, RFC 8446 §5.1
PROTOCOL_VERSION, UNEXPECTED_MESSAGE = 70, 10


def fatal(alert):
    """An unencrypted fatal alert, RFC 8446 §6."""
    return bytes([ALERT, 3, 3, 0, 2, 2, alert])


def drip(sock, data):
    """Sends one byte at a time until the peer closes. Returns how many it sent."""
    sock.settimeout(0.02)
    for sent, byte in enumerate(data):
        try:
            sock.send(bytes([byte]))
            if sock.recv(1) == b"":
                return sent
        except TimeoutError:
            pass
        except ConnectionError:
            return sent
    return len(data)


class Ending(support.TestCase):
    def start(self, more=""):
        return self.server(support.EVERYTHING + more)

    def talk(self, peer):
        peer.send(b"x")
        self.assertEqual(peer.receive(1), b"x")

    def assert_ends(self, server, end, act, kinds=BOTH, **options):
        """On each kind of transport, act(peer) after a first echo makes the connection end so."""
        for connect, transport in kinds:
            with self.subTest(transport), connect(server.address(transport), **options) as peer:
                self.talk(peer)
                name = peer.name
                act(peer)
                self.assertEqual(server.wait_for("connection", source=name)["end"], end)

    def assert_server_ended_in_order(self, peer):
        self.assertEqual(peer.receive_all(), b"")
        self.assertEqual((peer.ended, peer.close_notify), ("fin", isinstance(peer, peers.Tls)))


class ByTheClient(Ending):
    def test_closed(self):
        self.assert_ends(self.start(), "closed", lambda peer: peer.end())

    def test_closed_by_close_notify_alone(self):
        self.assert_ends(self.start(), "closed", lambda peer: peer.notify(),
                         kinds=((peers.Tls, "tls"),))

    def test_cut(self):
        self.assert_ends(self.start(), "cut", lambda peer: peer.fin(), kinds=((peers.Tls, "tls"),))

    def test_reset(self):
        self.assert_ends(self.start(), "reset", lambda peer: peer.reset())

    def test_tls_failed(self):
        def act(peer):
            peer.socket.send(bytes([23, 3, 3, 0, 32]) + bytes(32))  # a record that is not encrypted
            with self.assertRaisesRegex(ssl.SSLError, "BAD_RECORD_MAC"):
                peer.receive_all()
            peer.fin()
        server = self.start()
        self.assert_ends(server, "tls_failed", act, kinds=((peers.Tls, "tls"),))
        line = server.lines("connection")[0]
        self.assertEqual(line["alert"], "bad_record_mac")
        self.assertEqual((line["version"], line["resumed"]), ("TLSv1.3", "no"))
        self.assertTrue(line["cipher"] and line["group"])
        self.assertTrue(line["reason"])


class ByTime(Ending):
    def test_handshake_timeout(self):
        server = self.start("timeouts: { handshake: 100ms }")
        with peers.Plain(server.address("tls")) as peer:
            self.assertEqual(peer.receive_all(), b"")
            server.wait_for("connection", source=peer.name, end="handshake_timeout")

    def test_a_slow_handshake_does_not_extend_its_time_out(self):
        server = self.start("timeouts: { handshake: 300ms }")
        hello = peers.client_hello(peers.context())
        with peers.connect(server.address("tls")) as sock:
            self.assertLess(drip(sock, hello), len(hello))
        server.wait_for("connection", end="handshake_timeout")

    def test_idle_timeout(self):
        self.assert_ends(self.start("timeouts: { idle: 100ms }"), "idle_timeout",
                         self.end_after_the_server)

    def test_lifetime(self):
        self.assert_ends(self.start("timeouts: { lifetime: 1s }"), "lifetime",
                         self.end_after_the_server)

    def end_after_the_server(self, peer):
        self.assert_server_ended_in_order(peer)
        peer.socket.close()

    def test_a_client_that_does_not_close_is_closed_after_linger(self):
        self.assert_ends(self.start("timeouts: { idle: 100ms, linger: 100ms }"), "idle_timeout",
                         self.assert_server_ended_in_order)

    def test_write_timeout(self):
        self.assert_ends(self.start("timeouts: { write: 200ms }"), "write_timeout",
                         lambda peer: peer.push(bytes(BULK_BYTES)), receive_buffer=4096)

    def test_a_slow_reader_has_no_write_timeout(self):
        """The kernel has so much to send that the socket is not writable for longer than the time-out."""
        server = self.start("timeouts: { write: 1s }")
        with peers.connect(server.address("tcp"), receive_buffer=4096) as sock:
            sender = threading.Thread(target=sock.sendall, args=(bytes(BULK_BYTES),), daemon=True)
            sender.start()
            until = time.monotonic() + 4
            while time.monotonic() < until:
                self.assertTrue(sock.recv(1000))
                time.sleep(0.01)
            self.assertEqual(server.lines("connection"), [])
            while sender.is_alive():
                sock.recv(STREAM_BYTES)


    def test_a_slow_reader_is_not_idle(self):
        """The kernel has the rest to send, and the client reads it little by little."""
        server = self.start("timeouts: { idle: 1s, linger: 100ms }")
        with peers.connect(server.address("tcp"), receive_buffer=4096) as sock:
            sock.sendall(bytes(KERNEL_BYTES))
            until = time.monotonic() + 3
            while time.monotonic() < until:
                self.assertTrue(sock.recv(1000))
                time.sleep(0.01)
            self.assertEqual(server.lines("connection"), [])


class NotTls(Ending):
    """Other protocols on a TLS port: the client gets an alert, the log a reason, others are served."""

    def setUp(self):
        self.echo = self.start("workers: 1")
        self.bystander = peers.Tls(self.echo.address("tls"))
        self.addCleanup(self.bystander.socket.close)
        self.talk(self.bystander)

    def refuse(self, data):
        """Sends it; returns (what the client received, the log line)."""
        with peers.Plain(self.echo.address("tls")) as peer:
            peer.send(data)
            answer = peer.receive_all()
            self.assertEqual(peer.ended, "fin")
            name = peer.name
        line = self.echo.wait_for("connection", source=name)
        self.assertEqual(line["end"], "handshake_failed")
        self.talk(self.bystander)
        return answer, line

    def assert_reported(self, data, reason):
        answer, line = self.refuse(data)
        self.assertEqual(answer, fatal(UNEXPECTED_MESSAGE))
        self.assertIn(reason, line["reason"])

    def test_an_http_request(self):
        self.assert_reported(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "plain HTTP request")

    def test_a_plain_client_with_a_line(self):
        self.assert_reported(b"hello, is anybody there?\n", "a plain client on a TLS port?")

    def test_garbage(self):
        self.assert_reported(bytes(range(200, 256)) * 100, "the first bytes were c8 c9")

    def test_zeros(self):
        self.assert_reported(bytes(100000), "the first bytes were 00 00")

    def test_a_client_hello_of_ssl_2(self):
        hello = bytes([0x80, 0x2e, 1, 0, 2, 0, 21, 0, 0, 0, 16]) + bytes(37)
        answer, line = self.refuse(hello)
        self.assertEqual(answer[:1] + answer[5:6], bytes([ALERT, 2]))
        self.assertTrue(line["reason"])

    def test_records_of_random_bytes(self):
        for kind in (20, 21, 22, 23):
            with self.subTest(kind):
                answer, line = self.refuse(bytes([kind, 3, 1, 0, 64]) + bytes([0xaa] * 64))
                self.assertEqual((answer[0], answer[5], len(answer)), (ALERT, 2, 7))
                self.assertTrue(line["reason"])

    def test_half_a_client_hello_and_then_fin(self):
        hello = peers.client_hello(peers.context())
        with peers.Plain(self.echo.address("tls")) as peer:
            self.assertEqual(peer.exchange(hello[:len(hello) // 2]), b"")
            self.assertEqual(peer.ended, "fin")
            line = self.echo.wait_for("connection", source=peer.name, end="handshake_failed")
        self.assertEqual(line["reason"], "the client closed the connection during the handshake")
        self.talk(self.bystander)

    def test_the_alert_of_a_client_that_does_not_trust_the_certificate_is_logged(self):
        trusts_nothing = ssl.create_default_context()
        trusts_nothing.check_hostname = False
        with self.assertRaises(ssl.SSLCertVerificationError):
            peers.Tls(self.echo.address("tls"), ctx=trusts_nothing)
        line = self.echo.wait_for("connection", end="handshake_failed")
        self.assertIn("the client sent the alert", line["reason"])
        self.assertEqual(line["alert"], "unknown_ca")


class Probes(Ending):
    """Health checks of load balancers: connect and close without a byte."""
    LINGER = struct.pack("ii", 1, 0)

    def test_a_connection_without_a_byte_is_not_a_failure(self):
        server = self.server(support.EVERYTHING + "log: { level: debug }")
        for which in ("tcp", "tls", "unix"):
            for reset in (False, True) if which != "unix" else (False,):
                with self.subTest(which, reset=reset), peers.Plain(server.address(which)) as peer:
                    if reset:
                        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, self.LINGER)
                        peer.socket.close()
                    else:
                        self.assertEqual(peer.exchange(b""), b"")  # and no alert
                    line = server.wait_for("connection", end="probe")
                    self.assertEqual((line["level"], line["transport"]), ("debug", which))
                    self.assertNotIn("reason", line)
        server.signal(signal.SIGUSR1)
        self.assertEqual(server.wait_for("summary")["handshakes_failed"], "0")

    def test_a_probe_is_not_logged_at_level_info(self):
        server = self.server(support.EVERYTHING)
        for which in ("tcp", "tls"):
            with peers.Plain(server.address(which)) as peer:
                self.assertEqual(peer.exchange(b""), b"")
        with peers.Plain(server.address("tcp")) as peer:
            peer.exchange(b"x")
            server.wait_for("connection", source=peer.name)
        self.assertEqual(len(server.lines("connection")), 1)


class NotPlain(Ending):
    def test_a_tls_client_on_a_plain_port_is_noted(self):
        server = self.start()
        for version in peers.VERSIONS:
            with self.subTest(version), peers.Plain(server.address("tcp")) as peer:
                hello = peers.client_hello(peers.context(version))
                self.assertEqual(peer.exchange(hello), hello)
                line = server.wait_for("connection", source=peer.name)
                self.assertIn("a TLS client on a plain port?", line["note"])

    def test_other_bytes_are_not(self):
        server = self.start()
        with peers.Plain(server.address("tcp")) as peer:
            peer.exchange(b"\x16 is not all that a ClientHello begins with")
            self.assertNotIn("note", server.wait_for("connection", source=peer.name))


class Alerts(Ending):
    def test_an_alert_reaches_each_client_that_writes_at_once(self):
        server = self.server(support.LISTENERS + """
tls:
  default:
    max_version: "1.2"
    certificates: [ { certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" } ]
""")
        hello = peers.client_hello(peers.context("1.3"))
        for _ in range(50):
            with peers.connect(server.address("tls")) as sock:
                sock.sendall(hello + os.urandom(100000))
                self.assertEqual(sock.recv(100), fatal(PROTOCOL_VERSION))
                sock.shutdown(socket.SHUT_WR)
                self.assertEqual(sock.recv(100), b"")
            line = server.wait_for("connection", end="handshake_failed", alert="protocol_version")
            self.assertTrue(line["reason"])

    def test_python_names_the_alert(self):
        server = self.server(support.LISTENERS + """
tls:
  default:
    min_version: "1.3"
    certificates: [ { certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" } ]
""")
        with self.assertRaisesRegex(ssl.SSLError, "ALERT_PROTOCOL_VERSION"):
            peers.Tls(server.address("tls"), "1.2")


class Stopping(Ending):
    def test_drained(self):
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            server = self.start("timeouts: { linger: 100ms }")
            for connect, transport in BOTH:
                peer = connect(server.address(transport))
                self.addCleanup(peer.socket.close)
                self.talk(peer)
            with self.subTest(signal_number.name):
                server.signal(signal_number)
                self.assertEqual(server.wait(), 0)
                self.assertEqual([line["end"] for line in server.lines("connection")],
                                 ["drained", "drained"])
                self.assertEqual(server.lines("draining")[0]["reason"], signal_number.name)
                self.assertTrue(server.lines("stopped"))

    def test_no_byte_in_flight_is_lost_while_the_server_drains(self):
        server = self.start()
        streams = []
        for number in range(20):
            connect, transport = BOTH[number % 2]
            peer = connect(server.address(transport), receive_buffer=65536)
            self.addCleanup(peer.socket.close)
            data = os.urandom(STREAM_BYTES)
            streams.append((peer, data, peer.stream(data)))
        server.signal(signal.SIGTERM)
        server.wait_for("draining")
        for peer, data, sender in streams:
            self.assertTrue(peer.receive_all() == data, "every byte came back")
            self.assertEqual(peer.ended, "fin")
            sender.join()
        self.assertEqual(server.wait(), 0)
        self.assertEqual(len(server.lines("connection", end="closed")), len(streams))

    def test_clients_that_connected_before_the_signal_are_served(self):
        server = self.start()
        room = int(pathlib.Path("/proc/sys/net/core/somaxconn").read_text(encoding="ascii"))
        waiting = []
        with server.paused():
            for _ in range(min(400, room)):
                peer = peers.Plain(server.address("tcp"))
                self.addCleanup(peer.socket.close)
                peer.send(b"in time")
                waiting.append(peer)
            server.signal(signal.SIGTERM)
        for peer in waiting:
            self.assertEqual(peer.receive(7), b"in time")
            peer.socket.close()
        self.assertEqual(server.wait(), 0)

    def test_a_draining_server_refuses_new_connections(self):
        server = self.start()
        with peers.Plain(server.address("tcp")) as peer:
            self.talk(peer)
            server.signal(signal.SIGTERM)
            server.wait_for("draining")
            self.talk(peer)
            self.hammer(server.address("tcp"))
            self.talk(peer)

    def hammer(self, address):
        """Connects until a connection is refused."""
        with self.assertRaises(ConnectionRefusedError):
            while True:
                try:
                    peers.connect(address).close()
                except ConnectionResetError:
                    pass  # it was queued between the last accept(2) and the close

    def test_drain_ends_at_its_time_out(self):
        server = self.start("timeouts: { drain: 200ms, linger: 100ms }")
        with peers.Plain(server.address("tcp")) as peer:
            peer.push(bytes(BULK_BYTES))
            server.signal(signal.SIGTERM)
            self.assertEqual(server.wait(), 0)
        self.assertEqual(server.lines("connection")[0]["end"], "drained")

    def test_drain_ends_although_linger_is_unlimited(self):
        server = self.start("timeouts: { drain: 200ms, linger: 0 }")
        with peers.Plain(server.address("tcp")) as peer:
            peer.push(bytes(BULK_BYTES))
            server.signal(signal.SIGTERM)
            self.assertEqual(server.wait(), 0)
        self.assertEqual(server.lines("connection")[0]["end"], "drained")

    def test_stopped_by_a_second_signal(self):
        for second in (signal.SIGTERM, signal.SIGINT):
            server = self.start("timeouts: { drain: 1h, write: 1h }")
            for connect, transport in BOTH:
                peer = connect(server.address(transport), receive_buffer=4096)
                self.addCleanup(peer.socket.close)
                peer.push(bytes(BULK_BYTES))
            with self.subTest(second.name):
                server.signal(signal.SIGTERM)
                server.wait_for("draining")
                server.signal(second)
                self.assertEqual(server.wait(), 0)
                self.assertEqual([line["end"] for line in server.lines("connection")],
                                 ["stopped", "stopped"])

    def test_stopped_by_a_second_signal_after_the_drain(self):
        """The server has closed in order, and waits for the clients to do so."""
        server = self.start("timeouts: { drain: 100ms, linger: 1h }")
        waiting = [connect(server.address(transport)) for connect, transport in BOTH]
        for peer in waiting:
            self.addCleanup(peer.socket.close)
            self.talk(peer)
        server.signal(signal.SIGTERM)
        for peer in waiting:
            self.assert_server_ended_in_order(peer)
        self.assertEqual(server.lines("connection"), [])
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        self.assertEqual([line["end"] for line in server.lines("connection")],
                         ["drained", "drained"])


if __name__ == "__main__":
    unittest.main()
