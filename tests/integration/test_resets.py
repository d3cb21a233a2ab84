# SPDX-License-Identifier: MIT
"""RST at every stage of a connection, urgent data, and resets by both ends at once."""

import os
import signal
import socket
import unittest

import peers
import proc
import support

BOTH = ((peers.Plain, "tcp"), (peers.Tls, "tls"))
PIECE_BYTES = 128 * 1024
BULK_BYTES = 8 * 1024 * 1024  # more than kernel buffers hold for a client that does not read


def talk(peer):
    peer.send(b"x")
    assert peer.receive(1) == b"x"


class Reset(support.TestCase):
    """RST at every stage: it is logged, all resources are freed, other connections go on."""

    EACH = 10

    def setUp(self):
        self.echo = self.server(support.EVERYTHING + "workers: 1\ntimeouts: { linger: 100ms }\n"
                                "log: { level: debug }\n")
        self.bystanders = [connect(self.echo.address(transport)) for connect, transport in BOTH]
        for peer in self.bystanders:
            self.addCleanup(peer.socket.close)
            talk(peer)
        # From now on the worker keeps a pipe for splice(2). In pieces: if the receive buffers of both
        # ends are full, the kernel may drop each end's acknowledgements with its data forever.
        with peers.Plain(self.echo.address("tcp")) as stream:
            for _ in range(8):
                stream.send(bytes(PIECE_BYTES))
                stream.receive(PIECE_BYTES)
            stream.exchange(b"")
        talk(self.bystanders[0])
        self.descriptors = self.count_descriptors()

    def count_descriptors(self):
        return len(os.listdir(f"/proc/{self.echo.process.pid}/fd"))

    def reset_each(self, make, ends=("reset",)):
        """make() returns a client at that stage, which is then reset."""
        for _ in range(self.EACH):
            peer = make()
            name = peer.name
            peer.reset()
            self.assertIn(self.echo.wait_for("connection", source=name)["end"], ends)
        for peer in self.bystanders:
            talk(peer)
        self.assertEqual(self.count_descriptors(), self.descriptors)

    def test_before_it_is_accepted(self):
        crowd = []
        with self.echo.paused():
            for number in range(2 * self.EACH):
                crowd.append(peers.Plain(self.echo.address(("tcp", "tls")[number % 2])))
            names = [peer.name for peer in crowd]
            for peer in crowd:
                peer.reset()
        for name in names:
            line = self.echo.wait_for("connection", source=name)
            self.assertEqual(line["end"], "probe")
        self.assertEqual(self.count_descriptors(), self.descriptors)

    def test_before_the_client_hello(self):
        self.reset_each(lambda: peers.Plain(self.echo.address("tls")), ("probe",))

    def test_in_the_middle_of_the_handshake(self):
        hello = peers.client_hello(peers.context())

        def half():
            return peers.Plain(self.echo.address("tls"), preamble=hello[:len(hello) // 2])

        def waiting():
            peer = peers.Plain(self.echo.address("tls"), preamble=hello)
            peer.receive(1)
            return peer
        self.reset_each(half)
        self.reset_each(waiting)

    def test_while_idle(self):
        for connect, transport in BOTH:
            def talked():
                peer = connect(self.echo.address(transport))
                talk(peer)
                return peer
            self.reset_each(talked)

    def test_with_output_pending(self):
        for connect, transport in BOTH:
            def owed():
                peer = connect(self.echo.address(transport), receive_buffer=4096)
                peer.push(bytes(BULK_BYTES))
                return peer
            self.reset_each(owed)

    def test_while_the_server_lingers(self):
        self.echo = self.server(support.EVERYTHING + "timeouts: { idle: 50ms, linger: 1h }\n")
        for connect, transport in BOTH:
            peer = connect(self.echo.address(transport))
            name = peer.name
            peer.receive_all()
            peer.reset()
            self.assertEqual(self.echo.wait_for("connection", source=name)["end"], "idle_timeout")

    def test_while_the_server_drains(self):
        crowd = []
        for connect, transport in BOTH:
            for _ in range(self.EACH):
                crowd.append(connect(self.echo.address(transport), receive_buffer=4096))
                crowd[-1].push(bytes(BULK_BYTES))
        self.echo.signal(signal.SIGTERM)
        self.echo.wait_for("draining")
        names = [peer.name for peer in crowd]
        for peer in crowd:
            peer.reset()
        for name in names:
            self.assertEqual(self.echo.wait_for("connection", source=name)["end"], "reset")
        self.assertEqual(self.echo.wait(), 0)


class Urgent(support.TestCase):
    def test_an_urgent_byte_is_part_of_the_stream(self):
        server = self.server(support.EVERYTHING)
        with peers.connect(server.address("tcp")) as sock:
            sent = bytearray()
            for number in range(50):
                part = os.urandom(100 + number)
                sock.send(part)
                sock.send(b"!", socket.MSG_OOB)
                sent += part + b"!"
            sock.shutdown(socket.SHUT_WR)
            received = bytearray()
            while chunk := sock.recv(65536):
                received += chunk
            self.assertEqual(received, sent)

    def test_an_urgent_byte_after_a_spliced_stream_is_part_of_it(self):
        server = self.server(support.EVERYTHING)
        stream = os.urandom(60000)
        with peers.connect(server.address("tcp")) as sock, sock.makefile("rb") as back:
            for _ in range(3):
                sock.sendall(stream)
                self.assertEqual(back.read(len(stream)), stream)
            sock.send(b"!", socket.MSG_OOB)
            sock.sendall(b"tail")
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(back.read(), b"!tail")

    def test_over_tls_too_where_one_that_is_lost_would_break_a_record(self):
        server = self.server(support.EVERYTHING)
        with peers.Tls(server.address("tls")) as peer:
            peer.tls.write(b"sent as urgent")
            peer.socket.send(peer.take_outgoing(), socket.MSG_OOB)
            self.assertEqual(peer.receive(14), b"sent as urgent")


class AtOnce(support.TestCase):
    def test_both_ends_at_the_same_time(self):
        server = self.server(support.EVERYTHING + "timeouts: { idle: 300ms, linger: 1h }")
        for connect, transport in BOTH:
            with self.subTest(transport), connect(server.address(transport)) as peer:
                talk(peer)
                name = peer.name
                here = peer.socket.getsockname()
                with server.paused():  # so that its time-out is over when it reads our FIN
                    peer.end()
                    proc.wait_for_state(server.address(transport), here, "CLOSE_WAIT")
                    proc.wait_for_silence(peer.socket, 0.4)
                self.assertEqual(peer.receive_all(), b"")
                self.assertEqual((peer.ended, peer.close_notify), ("fin", transport == "tls"))
                line = server.wait_for("connection", source=name)
                self.assertIn(line["end"], ("closed", "idle_timeout"))


if __name__ == "__main__":
    unittest.main()
