# SPDX-License-Identifier: MIT
"""Tests of netpath and boxes: each middlebox changes packets as described."""

import contextlib
import os
import select
import socket
import ssl
import struct
import threading
import time
import unittest

import boxes
import netpath
import peers
import support

CLIENT, SERVER = netpath.Network.CLIENT, netpath.Network.SERVER
SERVER6 = netpath.Network.SERVER6
TCP_SAVE_SYN, TCP_SAVED_SYN = 27, 28
EOL, NOP, MSS, WINDOW_SCALE, SACK, TIMESTAMPS = 0, 1, 2, 3, 4, 8
ALL_OPTIONS = {MSS, WINDOW_SCALE, SACK, TIMESTAMPS}
ECE, CWR = 0x40, 0x80
UDP_HEADERS_BYTES, TCP_HEADERS_BYTES = 28, 52
LOST_PERCENT, SENT = 20, 400
SILENCE_S = 0.3  # nothing comes


def setUpModule():
    netpath.require()


def options(tcp):
    """{kind: value} of a TCP header."""
    found, at = {}, 20
    while at < (tcp[12] >> 4) * 4 and tcp[at] != EOL:
        size = 1 if tcp[at] == NOP else tcp[at + 1]
        if tcp[at] != NOP:
            found[tcp[at]] = tcp[at + 2:at + size]
        at += size
    return found


class Path(support.TestCase):
    def network(self, *between):
        network = netpath.Network(*between)
        self.addCleanup(network.__exit__)
        return network

    def listen(self, network, host=SERVER):
        with network.server.entered():
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listening = socket.create_server((host, 0), family=family)
        self.addCleanup(listening.close)
        listening.settimeout(support.DEADLINE_S)
        listening.setsockopt(socket.IPPROTO_TCP, TCP_SAVE_SYN, 1)
        return listening

    def connection(self, network, host=SERVER, dscp=0):
        """Both ends of a connection."""
        listening = self.listen(network, host)
        with network.client.entered():
            client_end = socket.socket(listening.family)
        self.addCleanup(client_end.close)
        client_end.settimeout(support.DEADLINE_S)
        if listening.family == socket.AF_INET:
            client_end.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, dscp << 2)
        else:
            client_end.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, dscp << 2)
        client_end.connect(listening.getsockname())
        server_end, _ = listening.accept()
        self.addCleanup(server_end.close)
        server_end.settimeout(support.DEADLINE_S)
        return client_end, server_end

    def syn(self, *between, host=SERVER, dscp=0):
        """(DSCP, flags, options) of a received SYN that requested ECN."""
        network = self.network(*between)
        network.client.set(ipv4__tcp_ecn=1)
        _, server_end = self.connection(network, host, dscp)
        packet = server_end.getsockopt(socket.IPPROTO_TCP, TCP_SAVED_SYN, 512)
        if host == SERVER:
            at, arrived = 20, packet[1] >> 2
        else:
            at, arrived = 40, struct.unpack_from("!H", packet)[0] >> 6 & 0x3f
        return arrived, packet[at + 13], options(packet[at:])

    def datagrams(self, network):
        """(send, receive) for datagrams to the server; receive() returns None if none arrives."""
        with network.server.entered():
            server_end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server_end.bind((SERVER, 0))
        with network.client.entered():
            client_end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for end in client_end, server_end:
            self.addCleanup(end.close)
        server_end.settimeout(support.DEADLINE_S)
        return lambda data: client_end.sendto(data, server_end.getsockname()), server_end


class Clean(Path):
    def test_a_syn_arrives_as_it_was_sent(self):
        for host, mss in (SERVER, 1460), (SERVER6, 1440):
            for between in (), (boxes.Rule(),):
                dscp, flags, found = self.syn(*between, host=host, dscp=46)
                self.assertEqual((dscp, flags), (46, boxes.SYN | ECE | CWR))
                self.assertEqual(found.keys(), ALL_OPTIONS)
                self.assertEqual(struct.unpack("!H", found[MSS])[0], mss)

    def test_segments_are_as_large_as_on_a_wire(self):
        seen = boxes.Rule()
        client_end, server_end = self.connection(self.network(seen))
        data = bytes(50_000)
        client_end.sendall(data)
        while data:
            data = data[len(server_end.recv(len(data))):]
        self.assertEqual(max(packet.size for packet in seen.seen), 1500)

    def test_nothing_is_left_behind(self):
        before = os.listdir("/proc/self/fd"), threading.active_count()
        with netpath.Network(boxes.DropAbove(600), boxes.Rule(), boxes.Proxy()) as network:
            self.assertEqual(network.client.run("ip", "link", "show", "eth0"), 0)
        self.assertEqual((os.listdir("/proc/self/fd"), threading.active_count()), before)

    def test_the_client_can_be_an_ordinary_user(self):
        network = self.network()
        server = self.server(f"listeners: [ {{ listen: 'tcp://{SERVER}:0' }} ]",
                             prefix=network.server.prefix)
        done = network.run_client("--check", server.endpoint(), user="nobody")
        self.assertEqual(done.status, 0, done.stderr)


class Filters(Path):
    def test_packets_above_a_size_are_dropped_to_the_byte(self):
        send, server_end = self.datagrams(self.network(boxes.DropAbove(900)))
        for size in (1400, 901, 900, 901, 700):
            send(bytes(size - UDP_HEADERS_BYTES))
        self.assertEqual([len(server_end.recv(2000)) + UDP_HEADERS_BYTES for _ in range(2)], [900, 700])

    def test_packets_to_the_client_likewise(self):
        network = self.network(boxes.DropAbove(900, boxes.TO_CLIENT))
        client_end, server_end = self.connection(network)
        client_end.sendall(bytes(1200))
        self.assertEqual(len(server_end.recv(2000)),
                         1200)
        server_end.sendall(bytes(901 - TCP_HEADERS_BYTES))
        client_end.settimeout(SILENCE_S)
        self.assertRaises(socket.timeout, client_end.recv, 2000)
        client_end, server_end = self.connection(network)
        server_end.sendall(bytes(900 - TCP_HEADERS_BYTES))
        self.assertEqual(len(client_end.recv(2000)), 900 - TCP_HEADERS_BYTES)

    def test_packets_are_lost_at_random(self):
        send, server_end = self.datagrams(self.network(boxes.Lose(LOST_PERCENT)))
        arrived = set()
        server_end.settimeout(0.01)
        number = 0
        while not any(one >= SENT for one in arrived):
            send(struct.pack("!I", number))
            number += 1
            with contextlib.suppress(BlockingIOError, socket.timeout):
                arrived.add(struct.unpack("!I", server_end.recv(4, socket.MSG_DONTWAIT))[0])
        lost = SENT - len([one for one in arrived if one < SENT])
        # Eight standard deviations.
        self.assertTrue(16 <= lost <= 144, lost)

    def test_a_forgotten_connection_is_silent(self):
        client_end, server_end = self.connection(self.network(boxes.ForgetIdle(1)))
        self.forget(client_end, server_end)
        server_end.settimeout(SILENCE_S)
        self.assertRaises(socket.timeout, server_end.recv, 1)
        client_end.settimeout(SILENCE_S)
        self.assertRaises(socket.timeout, client_end.recv, 1)

    def test_or_is_answered_with_an_rst(self):
        client_end, server_end = self.connection(self.network(boxes.ForgetIdle(1, reset=True)))
        self.forget(client_end, server_end)
        self.assertRaises(ConnectionResetError, client_end.recv, 1)

    def forget(self, client_end, server_end):
        client_end.sendall(b"x")
        self.assertEqual(server_end.recv(1), b"x")
        time.sleep(0.5)  # is what such a box counts
        client_end.sendall(b"x")
        self.assertEqual(server_end.recv(1), b"x")
        time.sleep(1.5)
        client_end.sendall(b"y")


class Rewriting(Path):
    def test_the_mss_is_clamped(self):
        for host in SERVER, SERVER6:
            _, _, found = self.syn(boxes.ClampMss(1300), host=host)
            self.assertEqual(struct.unpack("!H", found[MSS])[0], 1300)

    def test_options_are_stripped(self):
        for name, kind in ("sack-perm", SACK), ("timestamp", TIMESTAMPS), ("window", WINDOW_SCALE):
            with self.subTest(name):
                _, _, found = self.syn(boxes.StripOptions(name))
                self.assertEqual(found.keys(), ALL_OPTIONS - {kind})

    def test_the_dscp_is_rewritten(self):
        for host in SERVER, SERVER6:
            self.assertEqual(self.syn(boxes.RewriteDscp(8), host=host, dscp=46)[0], 8)

    def test_ecn_is_stripped(self):
        self.assertEqual(self.syn(boxes.StripEcn())[1], boxes.SYN)

    def test_two_at_once_with_code_between(self):
        dscp, flags, found = self.syn(boxes.StripEcn(), boxes.Slow(0.01),
                                      boxes.ClampMss(1200), boxes.RewriteDscp(0), dscp=46)
        self.assertEqual((dscp, flags, struct.unpack("!H", found[MSS])[0]), (0, boxes.SYN, 1200))


class Hellos(Path):
    """Boxes that parse a ClientHello."""

    def hello(self, name="localhost", version="1.3"):
        outgoing = ssl.MemoryBIO()
        tls = peers.context(version).wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
        self.assertRaises(ssl.SSLWantReadError, tls.do_handshake)
        return outgoing.read()

    def passes(self, network, *pieces):
        """Whether these pieces arrive, each in a segment of its own: True, "reset" or False."""
        client_end, server_end = self.connection(network)
        client_end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            client_end.sendall(piece)
            ready, _, _ = select.select([client_end, server_end], [], [], SILENCE_S)
            if client_end in ready:
                self.assertRaises(ConnectionResetError, client_end.recv, 1)
                return "reset"
            if not ready:
                return False
            self.assertEqual(server_end.recv(4000), piece)
        return True

    def is_judged(self, is_wrong, wrong, right):
        for reset in False, True:
            network = self.network(boxes.Censor(is_wrong, reset))
            for pieces in wrong:
                self.assertEqual(self.passes(network, *pieces), "reset" if reset else False)
            for pieces in right:
                self.assertIs(self.passes(network, *pieces), True)

    def test_by_name(self):
        self.is_judged(boxes.names("forbidden.test"), [[self.hello("forbidden.test")]],
                       [[self.hello()], [b"forbidden.test"]])

    def test_by_version(self):
        self.is_judged(boxes.offers_13, [[self.hello()]], [[self.hello(version="1.2")], [b"\x16"]])

    def test_by_being_split(self):
        whole = self.hello()
        body = whole[5:]
        records = b"".join(b"\x16\x03\x01" + struct.pack("!H", len(part)) + part
                           for part in (body[:40], body[40:]))
        self.is_judged(boxes.is_split, [[whole[:1], whole[1:]], [whole[:40], whole[40:]], [records]],
                       [[whole], [b"x"]])


class Proxies(Path):
    def test_one_ends_tcp(self):
        client_end, server_end = self.connection(self.network(boxes.Proxy()))
        self.assertEqual(server_end.getpeername()[0], "10.9.2.1")
        client_end.sendall(b"there")
        self.assertEqual(server_end.recv(10), b"there")
        server_end.sendall(b"and back")
        self.assertEqual(client_end.recv(10), b"and back")


if __name__ == "__main__":
    unittest.main()
