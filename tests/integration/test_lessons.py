# SPDX-License-Identifier: MIT
"""The lessons of a socket tutorial, each as a test of the server."""

import os
import pathlib
import signal
import socket
import threading
import unittest

import peers
import proc
import support

TCP = "listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n"
MANY = 150


def own_host():
    """A loopback address that only this process uses: no other one has a port there by chance."""
    pid = os.getpid()
    return f"127.{1 + (pid >> 16) % 254}.{pid >> 8 & 255}.{pid & 255}"


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def read_all(sock, chunk_bytes=65536):
    data = bytearray()
    while chunk := sock.recv(chunk_bytes):
        data += chunk
    return bytes(data)


class HalfClosed(support.TestCase):
    def test_with_output_pending_the_client_is_in_fin_wait2_and_the_server_in_close_wait(self):
        server = self.server(TCP)
        owed = os.urandom(32 * 1024)
        with peers.connect(server.address()) as sock:
            ours, theirs = sock.getsockname(), sock.getpeername()
            with server.paused():  # so that the states do not change
                sock.sendall(owed)
                sock.shutdown(socket.SHUT_WR)
                proc.wait_for_state(ours, theirs, "FIN_WAIT2")
                proc.wait_for_state(theirs, ours, "CLOSE_WAIT")
            self.assertEqual(read_all(sock), owed)


class TimeWait(support.TestCase):
    """The side that closes first has it (RFC 9293 §3.6.1)."""

    def assert_held_by(self, holder, other):
        proc.wait_for_state(holder, other, "TIME_WAIT")
        self.assertIsNone(proc.state(other, holder))

    def end_after_the_server(self, sock):
        """Returns the (client, server) addresses of the closed connection."""
        addresses = sock.getsockname(), sock.getpeername()
        self.assertEqual(sock.recv(1), b"")
        sock.close()
        return addresses

    def test_the_client_holds_it_when_the_client_ends_first(self):
        server = self.server(TCP)
        with peers.connect(server.address()) as sock:
            ours, theirs = sock.getsockname(), sock.getpeername()
            sock.sendall(b"x")
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(read_all(sock), b"x")
        self.assert_held_by(ours, theirs)

    def test_the_server_holds_it_after_its_idle_time_out(self):
        server = self.server(TCP + "timeouts: { idle: 50ms }")
        ours, theirs = self.end_after_the_server(peers.connect(server.address()))
        self.assert_held_by(theirs, ours)

    def test_the_server_holds_it_after_it_drained(self):
        server = self.server(TCP)
        with peers.Plain(server.address()) as peer:
            peer.send(b"x")
            self.assertEqual(peer.receive(1), b"x")
            server.signal(signal.SIGTERM)
            peer.socket.settimeout(support.DEADLINE_S)
            ours, theirs = self.end_after_the_server(peer.socket)
        self.assertEqual(server.wait(), 0)
        self.assert_held_by(theirs, ours)

    def test_a_restart_binds_a_port_with_connections_in_time_wait(self):
        first = self.server(f"listeners: [ {{ listen: 'tcp://{own_host()}:0' }} ]\n"
                            "timeouts: { idle: 50ms }")
        host, port = first.address()
        ours, theirs = self.end_after_the_server(peers.connect((host, port)))
        self.assert_held_by(theirs, ours)
        self.assertEqual(first.stop(), 0)
        second = self.server(f"listeners: [ {{ listen: 'tcp://{host}:{port}' }} ]")
        self.assertEqual(proc.state(theirs, ours), "TIME_WAIT")
        with peers.Plain(second.address()) as peer:
            self.assertEqual(peer.exchange(b"again"), b"again")


class SecondCopy(support.TestCase):
    def test_the_same_port_is_refused_and_the_first_goes_on(self):
        first = self.server(TCP)
        host, port = first.address()
        second = self.server(f"listeners: [ {{ listen: 'tcp://{host}:{port}' }} ]", ready=False)
        self.assertEqual(second.wait(), 1)
        self.assertIn(f"{host}:{port}", second.log())
        self.assertIn("another program, or another tlsecho-server, holds the port", second.log())
        with peers.Plain(first.address()) as peer:
            self.assertEqual(peer.exchange(b"here"), b"here")


class Options(support.TestCase):
    """Reads the options of the accepted socket, from a duplicate of it."""

    def accepted(self, config):
        server = self.server(TCP + config)
        peer = peers.Plain(server.address())
        self.addCleanup(peer.socket.close)
        peer.send(b"x")
        peer.receive(1)
        try:
            found = proc.socket_of(server.process.pid, peer.socket.getpeername(),
                                   peer.socket.getsockname())
        except PermissionError as denied:
            self.skipTest(f"the kernel denies access to the sockets of another process: {denied}")
        self.addCleanup(found.close)
        return found

    def test_keepalive_has_the_values_of_the_configuration(self):
        found = self.accepted("tcp: { keepalive: { idle: 90s, interval: 7s, probes: 4 } }")
        self.assertEqual(found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 1)
        self.assertEqual([found.getsockopt(socket.IPPROTO_TCP, option) for option in
                          (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)],
                         [90, 7, 4])

    def test_nagle_is_off_unless_it_is_asked_for(self):
        for config, nodelay in (("", 1), ("tcp: { nodelay: off }", 0)):
            with self.subTest(config):
                found = self.accepted(config)
                self.assertEqual(found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), nodelay)


class Upper(support.TestCase):
    def test_ascii_letters_come_back_in_upper_case_and_nothing_else_changes(self):
        server = self.server("""
listeners:
  - { listen: tcp://127.0.0.1:0, service: upper }
  - { listen: tls://127.0.0.1:0, service: upper }
""" + support.PROFILE)
        data = bytes(range(256)) + "grün".encode()
        for connect, transport in ((peers.Plain, "tcp"), (peers.Tls, "tls")):
            with self.subTest(transport), connect(server.address(transport)) as peer:
                self.assertEqual(peer.exchange(data), data.upper())


class Reset(support.TestCase):
    def assert_serves(self, server):
        for connect, transport in ((peers.Plain, "tcp"), (peers.Tls, "tls")):
            with connect(server.address(transport)) as peer:
                self.assertEqual(peer.exchange(b"still here"), b"still here")

    def assert_reset_at(self, stage, end="reset"):
        """stage(server) returns a client at that stage; its RST must end this connection only."""
        server = self.server(support.EVERYTHING + "workers: 1\nlog: { level: debug }\n")
        peer = stage(server)
        name = peer.name
        peer.reset()
        self.assertEqual(server.wait_for("connection", source=name)["end"], end)
        self.assert_serves(server)

    def test_before_any_byte(self):
        self.assert_reset_at(lambda server: peers.Plain(server.address("tcp")), "probe")

    def test_before_the_handshake(self):
        self.assert_reset_at(lambda server: peers.Plain(server.address("tls")), "probe")

    def test_in_the_handshake(self):
        def stage(server):
            peer = peers.Plain(server.address("tls"))
            peer.send(peers.client_hello(peers.context()))
            peer.receive(5)
            return peer
        self.assert_reset_at(stage)

    def test_between_two_messages(self):
        for connect, transport in ((peers.Plain, "tcp"), (peers.Tls, "tls")):
            def stage(server, connect=connect, transport=transport):
                peer = connect(server.address(transport))
                peer.send(b"x")
                peer.receive(1)
                return peer
            with self.subTest(transport):
                self.assert_reset_at(stage)

    def test_with_output_pending(self):
        for connect, transport in ((peers.Plain, "tcp"), (peers.Tls, "tls")):
            def stage(server, connect=connect, transport=transport):
                peer = connect(server.address(transport), receive_buffer=4096)
                peer.push(bytes(8 * 1024 * 1024))
                return peer
            with self.subTest(transport):
                self.assert_reset_at(stage)

    def test_after_the_clients_end(self):
        server = self.server(support.EVERYTHING + "workers: 1")
        with server.paused():
            peer = peers.Plain(server.address())
            name = peer.name
            peer.send(b"x")
            peer.fin()
            peer.reset()
        self.assertEqual(server.wait_for("connection", source=name)["end"], "reset")
        self.assert_serves(server)


class Many(support.TestCase):
    def test_clients_in_the_backlog_are_served(self):
        server = self.server(TCP)
        room = int(pathlib.Path("/proc/sys/net/core/somaxconn").read_text(encoding="ascii"))
        waiting = []
        with server.paused():
            for number in range(min(MANY, room)):
                peer = peers.Plain(server.address())
                self.addCleanup(peer.socket.close)
                peer.send(b"%d" % number)
                waiting.append(peer)
        for number, peer in enumerate(waiting):
            peer.end()
            self.assertEqual(peer.receive_all(), b"%d" % number)

    def test_many_clients_at_once_are_all_served(self):
        server = self.server(TCP)
        served = []

        def converse(number):
            with peers.Plain(server.address()) as peer:
                text = os.urandom(20000 + number)
                served.append(peer.exchange(text) == text)

        crowd = [threading.Thread(target=converse, args=(number,)) for number in range(MANY)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        self.assertEqual(served, [True] * MANY)


class ShortWrites(support.TestCase):
    def test_a_tiny_window_read_in_small_pieces_gets_every_byte(self):
        server = self.server(TCP)
        data = os.urandom(8 * 1024 * 1024)  # more than kernel buffers hold for a client that does not read
        with peers.Plain(server.address(), receive_buffer=4096) as peer:
            sender = peer.stream(data)
            self.assertTrue(read_all(peer.socket, chunk_bytes=1500) == data, "every byte came back")
            sender.join()


class Addresses(support.TestCase):
    """Peer and local address, as from getpeername(2) and getsockname(2)."""

    def assert_logged(self, listen, host):
        server = self.server(f"listeners: [ {{ listen: 'tcp://{listen}:0' }} ]")
        _, port = server.address()
        with peers.Plain((host, port)) as peer:
            source = peer.name
            peer.exchange(b"x")
        line = server.wait_for("connection")
        shown = f"[{host}]" if ":" in host else host
        self.assertEqual((line["source"], line["destination"]), (source, f"{shown}:{port}"))

    def test_ipv4(self):
        self.assert_logged("127.0.0.1", "127.0.0.1")

    def test_an_ipv4_wildcard_logs_which_address_was_reached(self):
        self.assert_logged("0.0.0.0", own_host())

    @unittest.skipUnless(has_ipv6(), "this host has no IPv6")
    def test_ipv6(self):
        self.assert_logged("[::1]", "::1")

    @unittest.skipUnless(has_ipv6(), "this host has no IPv6")
    def test_an_ipv6_wildcard_accepts_ipv4_and_logs_it_as_ipv4(self):
        self.assert_logged("[::]", "127.0.0.1")
        self.assert_logged("[::]", "::1")

    @unittest.skipUnless(has_ipv6(), "this host has no IPv6")
    def test_a_name_listens_on_all_its_addresses_at_one_port(self):
        server = self.server("listeners: [ { listen: 'tcp://localhost:0' } ]")
        found = {line["address"].rpartition(":")[::2] for line in server.lines("listening")}
        hosts = {info[4][0] for info in socket.getaddrinfo("localhost", 0,
                                                           type=socket.SOCK_STREAM)}
        self.assertEqual({host.strip("[]") for host, _ in found}, hosts)
        self.assertEqual(len({port for _, port in found}), 1)
        for host, port in found:
            with peers.Plain((host.strip("[]"), int(port))) as peer:
                self.assertEqual(peer.exchange(b"x"), b"x")


if __name__ == "__main__":
    unittest.main()
