# SPDX-License-Identifier: MIT
"""A network between client and server, in a namespace of its own, that does to packets what a test
wants: drops them, delays them, answers in the peer's name.

    def setUpModule():
        netpath.enter()              # skips the module without root and /dev/net/tun

    with netpath.Network(netpath.DropAbove(1340)) as network:
        support.client("--check", f"tls://{network.FAR}:{port}")    # a server listens on network.NEAR

The host has NEAR; everything it sends to any other address of 10.9.0.0/24 goes through a tun device
to this program, which exchanges both addresses and sends it back. So a server on NEAR is reached by
FAR, every packet is seen here, and none is larger than on a wire. A rule gets each packet and returns
a list of (seconds, bytes): what to hand on, and when.
"""

import contextlib
import ctypes
import fcntl
import heapq
import os
import select
import struct
import subprocess
import tempfile
import threading
import time
import unittest

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN_NO_PI = 0x400454ca, 0x1001
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def enter():
    """This process, and all that it starts from now on, gets a network of its own."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise unittest.SkipTest("needs root: a network namespace cannot be made")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise unittest.SkipTest("needs /dev/net/tun")
    ip("link", "set", "lo", "up")


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@contextlib.contextmanager
def hosts(*lines):
    """A command that runs another with these lines as its /etc/hosts."""
    with tempfile.NamedTemporaryFile("w", suffix=".hosts") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        mount = 'mount --make-rprivate / && mount --bind "$0" /etc/hosts && exec "$@"'
        yield "unshare", "-m", "sh", "-c", mount, file.name


class Packet:
    """IPv4 with TCP."""

    def __init__(self, data):
        self.data = data
        self.size = len(data)
        at = (data[0] & 15) * 4
        self.source, self.destination = data[12:16], data[16:20]
        self.ports = struct.unpack_from("!HH", data, at)
        self.seq, self.ack = struct.unpack_from("!II", data, at + 4)
        self.flags = data[at + 13]
        self.payload = data[at + (data[at + 12] >> 4) * 4:]
        self.has_data = bool(self.payload)

    def reset(self):
        """An RST that looks as if the one it was sent to had sent it."""
        tcp = struct.pack("!HHIIBBHHH", self.ports[1], self.ports[0], self.ack, 0, 5 << 4, RST, 0, 0,
                          0)
        pseudo = self.destination + self.source + struct.pack("!BBH", 0, 6, len(tcp))
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0,
                           self.destination, self.source)
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + tcp


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def exchanged(data):
    """The packet on its way back in: from where it was sent to, to where it came from. Checksums
    are sums, so they stay right."""
    return data[:12] + data[16:20] + data[12:16] + data[20:]


class Rule:
    """Hands everything on. to_server(packet): whether it goes to the port of the server."""

    def __init__(self):
        self.seen = []  # packets to the server with data

    def packets(self, packet, to_server):
        if to_server and packet.has_data:
            self.seen.append(packet)
        return self.decide(packet, to_server)

    def decide(self, packet, to_server):
        return [(0, exchanged(packet.data))]


class DropAbove(Rule):
    """Packets to the server of more than so many bytes, as a path does whose MTU nobody knows."""

    def __init__(self, limit_bytes):
        super().__init__()
        self.limit_bytes = limit_bytes

    def decide(self, packet, to_server):
        if to_server and packet.size > self.limit_bytes:
            return []
        return super().decide(packet, to_server)


class DropData(Rule):
    """All data to the server from the n-th segment on, counted from 0; the handshake of TCP passes."""

    def __init__(self, first=0):
        super().__init__()
        self.first = first

    def decide(self, packet, to_server):
        if to_server and packet.has_data and len(self.seen) > self.first:
            return []
        return super().decide(packet, to_server)


class DropSyn(Rule):
    """To these addresses, as bytes; all without any."""

    def __init__(self, *addresses):
        super().__init__()
        self.addresses, self.syns = addresses, 0

    def decide(self, packet, to_server):
        if to_server and packet.flags & SYN and (
                not self.addresses or packet.destination in self.addresses):
            self.syns += 1
            return []
        return super().decide(packet, to_server)


class Slow(Rule):
    """Each way takes half of rtt_s. The n-th segment of data, counted from 0, may be answered by an
    RST from here, after reset_s; None: never."""

    def __init__(self, rtt_s, reset_at=None, reset_s=0.0):
        super().__init__()
        self.rtt_s, self.reset_at, self.reset_s = rtt_s, reset_at, reset_s

    def decide(self, packet, to_server):
        if to_server and packet.has_data and len(self.seen) - 1 == self.reset_at:
            return [(self.reset_s, packet.reset())]
        return [(self.rtt_s / 2, exchanged(packet.data))]


class Network:
    """The namespace's tun device, and who reads it."""

    NEAR, FAR = "10.9.0.1", "10.9.0.2"
    number = 0

    def __init__(self, rule):
        self.rule = rule
        self.client_ports = set()
        Network.number += 1
        name = f"path{Network.number}"
        self._tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(self._tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN_NO_PI))
        ip("address", "add", f"{self.NEAR}/24", "dev", name)
        ip("link", "set", name, "up")
        self._wake, self._end = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Takes the device away."""
        os.write(self._end, b"x")
        self._thread.join()
        for fd in (self._tun, self._wake, self._end):
            os.close(fd)

    def _run(self):
        waiting, count = [], 0
        while True:
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                with contextlib.suppress(OSError):
                    os.write(self._tun, heapq.heappop(waiting)[2])
            patience = max(0, waiting[0][0] - now) if waiting else None
            ready, _, _ = select.select([self._tun, self._wake], [], [], patience)
            if self._wake in ready:
                return
            if self._tun not in ready:
                continue
            try:
                data = os.read(self._tun, 65536)
            except BlockingIOError:
                continue
            if data[0] >> 4 != 4 or data[9] != 6:
                continue
            packet = Packet(data)
            # The first SYN without ACK is the client's.
            if packet.flags & (SYN | ACK) == SYN:
                self.client_ports.add(packet.ports[0])
            to_server = packet.ports[0] in self.client_ports
            for delay_s, bytes_on in self.rule.packets(packet, to_server):
                count += 1
                heapq.heappush(waiting, (time.monotonic() + delay_s, count, bytes_on))
