# SPDX-License-Identifier: MIT
"""What can be placed on the path of netpath.Network: rules of nftables (Box), code that sees each IPv4
packet (Rule), or a proxy (Proxy).
"""

import random
import socket
import struct

import relay

SO_ORIGINAL_DST = 80
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Box:
    """Rules of nftables for packets that the router forwards, and its sysctl values."""

    rules = ()
    values = {}

    def attach(self, network):
        """Called once the path is up."""

    def detach(self):
        """Called before the path is removed."""


TO_SERVER, TO_CLIENT = 'oifname "server"', 'oifname "client"'
SYNS = "tcp flags & syn == syn"


class DropAbove(Box):
    """Drops packets of more than so many bytes without an ICMP message, like a path with a smaller
    MTU that filters ICMP."""

    def __init__(self, limit_bytes, way=TO_SERVER):
        self.rules = f"{way} meta length > {limit_bytes} drop",


class ClampMss(Box):
    """Limits the MSS in each SYN."""

    def __init__(self, mss_bytes):
        self.rules = f"{SYNS} tcp option maxseg size set {mss_bytes}",


class StripOptions(Box):
    """Removes TCP options from each SYN: sack-perm, timestamp, window."""

    def __init__(self, *names):
        self.rules = tuple(f"{SYNS} reset tcp option {name}" for name in names)


class RewriteDscp(Box):
    def __init__(self, dscp, way=TO_SERVER):
        self.rules = f"{way} ip dscp set {dscp}", f"{way} ip6 dscp set {dscp}"


class StripEcn(Box):
    """Removes ECE and CWR from a SYN that requests ECN."""

    rules = "tcp flags == (syn | ecn | cwr) tcp flags set syn",


class ForgetIdle(Box):
    """Forgets a connection that is idle for so many whole seconds. Drops its later packets, or answers
    them with an RST."""

    def __init__(self, seconds, reset=False):
        self.rules = f"ct state invalid {'reject with tcp reset' if reset else 'drop'}",
        self.values = {"netfilter__nf_conntrack_tcp_timeout_established": seconds,
                       "netfilter__nf_conntrack_tcp_timeout_unacknowledged": seconds,
                       "netfilter__nf_conntrack_tcp_loose": 0}


class Lose(Box):
    """Drops so many per cent of the packets of each direction at random."""

    def __init__(self, percent):
        self.rules = f"numgen random mod 1000 < {int(percent * 10)} drop",


class Packet:
    """A TCP packet over IPv4."""

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
        """An RST with the destination of this packet as its source."""
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


class Rule(Box):
    """Gets each TCP packet over IPv4 and returns a list of (seconds, bytes): what to pass on, or back,
    and after what delay. This one passes everything on."""

    protocol, parse = socket.IPPROTO_TCP, Packet

    def __init__(self):
        self.seen = []  # packets to the server with data

    def packets(self, packet, to_server):
        if to_server and packet.has_data:
            self.seen.append(packet)
        return self.decide(packet, to_server)

    def decide(self, packet, to_server):
        return [(0, packet.data)]


class Disturb(Rule):
    """Loses, doubles and reorders so many per cent each of the datagrams of each direction: what it
    reorders comes behind the next one. `numbers`: of the requests; `returned`: the numbers of those whose
    replies it passed on, in that order; `lost`, `doubled`: how many to the server (True), to the client.
    A reply has the first bytes of its request at `mark_at`."""

    protocol, parse = socket.IPPROTO_UDP, bytes

    def __init__(self, percent, mark_at=0, seed=2):
        super().__init__()
        self._chance = {to_server: random.Random(seed + to_server) for to_server in (True, False)}
        self._share, self._mark_at = percent / 100, mark_at
        self._held = {True: [], False: []}
        self.numbers, self.returned = {}, []
        self.lost, self.doubled = {True: 0, False: 0}, {True: 0, False: 0}

    def packets(self, packet, to_server):
        if to_server:
            self.numbers.setdefault(payload_of(packet)[:14], len(self.numbers) + 1)
        on, self._held[to_server] = self._held[to_server], []
        chance = self._chance[to_server].random() / self._share
        if chance < 1:
            self._held[to_server] = [packet]
        elif chance < 2:
            self.doubled[to_server] += 1
            on = [packet, packet, *on]
        elif chance < 3:
            self.lost[to_server] += 1
        else:
            on = [packet, *on]
        if not to_server:
            self.returned += [self.numbers[payload_of(one)[self._mark_at:][:14]] for one in on]
        return [(0, one) for one in on]


def payload_of(packet):
    """Of UDP over IPv4 without options."""
    return packet[28:]


class DropData(Rule):
    """Drops all data to the server from segment `first` on, counted from 0; TCP connects."""

    def __init__(self, first=0):
        super().__init__()
        self.first = first

    def decide(self, packet, to_server):
        if to_server and packet.has_data and len(self.seen) > self.first:
            return []
        return super().decide(packet, to_server)


class DropSyn(Rule):
    """Drops SYNs to these addresses (as bytes), or to all if there are none."""

    def __init__(self, *addresses):
        super().__init__()
        self.addresses, self.syns = addresses, 0

    def decide(self, packet, to_server):
        if to_server and packet.flags & SYN and (
                not self.addresses or packet.destination in self.addresses):
            self.syns += 1
            return []
        return super().decide(packet, to_server)


class RewriteSyn(Rule):
    """Gives TCP options of each SYN to the server another value: {kind: bytes}."""

    def __init__(self, options):
        super().__init__()
        self.options = options

    def rewrite(self, packet):
        ip_bytes = (packet.data[0] & 15) * 4
        head, tcp = packet.data[:ip_bytes], bytearray(packet.data[ip_bytes:])
        at = 20
        while at < len(tcp) and tcp[at]:
            value = self.options.get(tcp[at], b"")
            tcp[at + 2:at + 2 + len(value)] = value
            at += 1 if tcp[at] == 1 else tcp[at + 1]
        pseudo = packet.source + packet.destination + struct.pack("!BBH", 0, 6, len(tcp))
        tcp[16:18] = bytes(2)
        tcp[16:18] = struct.pack("!H", checksum(pseudo + tcp))
        return head + tcp

    def decide(self, packet, to_server):
        if to_server and packet.flags & (SYN | ACK) == SYN:
            return [(0, self.rewrite(packet))]
        return super().decide(packet, to_server)


class Slow(Rule):
    """Delays each packet by half of rtt_s. Answers data segment reset_at, counted from 0, with an RST
    after reset_s; None: never."""

    def __init__(self, rtt_s, reset_at=None, reset_s=0.0):
        super().__init__()
        self.rtt_s, self.reset_at, self.reset_s = rtt_s, reset_at, reset_s

    def decide(self, packet, to_server):
        if to_server and packet.has_data and len(self.seen) - 1 == self.reset_at:
            return [(self.reset_s, packet.reset())]
        return [(self.rtt_s / 2, packet.data)]


class Censor(Rule):
    """Blocks a connection from the first segment to the server for which is_wrong(payload) is true;
    reset=True: answers that segment and later ones with an RST."""

    def __init__(self, is_wrong, reset=False):
        super().__init__()
        self.is_wrong, self.reset, self.wrong = is_wrong, reset, set()

    def decide(self, packet, to_server):
        port = packet.ports[0 if to_server else 1]
        if packet.flags & SYN:
            self.wrong.discard(port)
        elif to_server and packet.has_data and self.is_wrong(packet.payload):
            self.wrong.add(port)
        if port not in self.wrong:
            return super().decide(packet, to_server)
        return [(0, packet.reset())] if self.reset and to_server else []


def begins_hello(payload):
    """Whether a segment may begin with a ClientHello record."""
    return payload[:2] == b"\x16\x03"


def names(server_name):
    """Whether a ClientHello has that server name."""
    return lambda payload: begins_hello(payload) and server_name.encode() in payload


def offers_13(payload):
    """Whether a ClientHello has supported_versions (RFC 8446 §4.2.1) with TLS 1.3 among them."""
    at = payload.find(b"\x00\x2b\x00")
    return begins_hello(payload) and at >= 0 and b"\x03\x04" in payload[at + 5:at + 5 + payload[at + 4]]


def is_larger(limit_bytes):
    """Whether a ClientHello's first record is of more than so many bytes."""
    return lambda payload: (begins_hello(payload) and len(payload) >= 5 and
                            struct.unpack_from("!H", payload, 3)[0] + 5 > limit_bytes)


def lacks_13(payload):
    """Whether a ClientHello, if it is whole, offers no TLS 1.3."""
    return begins_hello(payload) and not is_split(payload) and not offers_13(payload)


def is_short(payload):
    """Whether a segment or record ends before the server name can be read in it: within the first
    bytes of a ClientHello that goes on behind it. A large one may be in several segments."""
    return is_split(payload) and len(payload) < 1000


def is_split(payload):
    """Whether a ClientHello continues after this segment or after its first record."""
    if payload[:1] != b"\x16":
        return False
    if len(payload) < 9:
        return True
    record_bytes = struct.unpack_from("!H", payload, 3)[0]
    hello_bytes = int.from_bytes(payload[6:9], "big")
    return len(payload) - 5 < record_bytes or record_bytes - 4 < hello_bytes


class Proxy(Box):
    """A relay in the router that terminates TCP and connects to the server itself."""

    def __init__(self, way=None):
        self.way, self.relay = way, None

    def attach(self, network):
        with network.router.entered():
            self.relay = relay.Relay(original_destination, self.way, host="0.0.0.0")
        network.redirect(self.relay.listening.getsockname()[1])

    def detach(self):
        self.relay.__exit__()


def original_destination(redirected):
    """The destination of a connection before the router redirected it."""
    port, host = struct.unpack("!2xH4s8x", redirected.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16))
    return socket.inet_ntoa(host), port
