# SPDX-License-Identifier: MIT
"""UDP between a client and a server: a relay that loses, doubles, delays and reorders by a script and
keeps a record of it, an echo, and a STAMP reflector that shares no code with ours.

    with datagrams.Echo() as echo, datagrams.Relay(echo.address, back={3: ()}) as between:
        support.client("--ping", "-c5", between.endpoint())

A script says for the n-th datagram in its direction, counted from 1, after how many seconds a copy of
it is handed on, for each copy: () loses it, (0, 0) doubles it, (0.05,) delays it. What it does not
name is handed on at once.
"""

import collections
import heapq
import random
import select
import socket
import struct
import threading
import time

MOST = 65536
GROUPS = ("127.255.255.255", "224.0.0.1")  # a broadcast address and a group that every host is in
# A socket's buffer holds some 270 small datagrams, and 3 of the largest: a test sends no more than
# that at a time, however long the machine keeps a peer waiting.


def allow_many(sock):
    """The socket may send to GROUPS, by way of the loopback interface."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))


class Peer:
    """A UDP socket on a free port, served by a thread until the end."""

    def __init__(self, address="127.0.0.1"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.address = self.socket.getsockname()[:2]
        self._ended, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def endpoint(self):
        host, port = self.address
        return f"udp://[{host}]:{port}" if ":" in host else f"udp://{host}:{port}"

    def sockets(self):
        return [self.socket]

    def patience(self):
        """How long to wait at most; None: until something comes."""

    def due(self):
        """What has its time now."""

    def handle(self, which, data, source):
        raise NotImplementedError

    def _run(self):
        while True:
            ready, _, _ = select.select([*self.sockets(), self._ended], [], [], self.patience())
            if self._ended in ready:
                return
            for one in ready:
                try:
                    data, source = one.recvfrom(MOST)
                except OSError:  # an ICMP error, when the client has gone
                    continue
                self.handle(one, data, source)
            self.due()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.send(b"x")
        self._thread.join()
        for one in (*self.sockets(), self._ended, self._end):
            one.close()


class Echo(Peer):
    """Sends everything back, as `change` has it; remembers what came."""

    def __init__(self, change=lambda data: data, address="127.0.0.1"):
        super().__init__(address)
        self.change, self.seen = change, []

    def handle(self, which, data, source):
        self.seen.append(data)
        answer = self.change(data)
        if answer is not None:
            self.socket.sendto(answer, source)


class LateEcho(Peer):
    """Sends everything back after so many seconds. `count`: how many came; `idle`: nothing waits."""

    def __init__(self, delay_s):
        super().__init__()
        self.delay_s, self.count, self.waiting = delay_s, 0, collections.deque()
        self.idle = threading.Event()

    def patience(self):
        return max(0, self.waiting[0][0] - time.monotonic()) if self.waiting else None

    def handle(self, which, data, source):
        self.count += 1
        self.idle.clear()
        self.waiting.append((time.monotonic() + self.delay_s, data, source))

    def due(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            _, data, source = self.waiting.popleft()
            self.socket.sendto(data, source)
        if not self.waiting:
            self.idle.set()


class Relay(Peer):
    """Between one client and a server. `returned`: the numbers of the requests whose replies were
    handed back, in that order."""

    def __init__(self, target, there=None, back=None):
        super().__init__()
        self.target, self.scripts = target, (there or {}, back or {})
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.connect(target)
        self.client, self.counts, self.waiting = None, [0, 0], []
        self.numbers, self.returned, self.handed_on = {}, [], []

    def sockets(self):
        return [self.socket, self.server]

    def patience(self):
        return max(0, self.waiting[0][0] - time.monotonic()) if self.waiting else None

    def handle(self, which, data, source):
        direction = int(which is self.server)
        self.counts[direction] += 1
        if not direction:
            self.client = source
            self.numbers[data] = self.counts[0]
        for seconds in self.fate(direction, data):
            order = len(self.waiting), time.monotonic()
            heapq.heappush(self.waiting, (time.monotonic() + seconds, order, direction, data))

    def fate(self, direction, _):
        return self.scripts[direction].get(self.counts[direction], (0,))

    def due(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            _, _, direction, data = heapq.heappop(self.waiting)
            self.hand_on(direction, data)

    def hand_on(self, direction, data):
        if direction:
            self.returned.append(self.numbers.get(data))
            self.socket.sendto(data, self.client)
        else:
            self.handed_on.append(self.numbers[data])
            self.server.send(data)

    def figures(self):
        return figures(self.counts[0], self.returned)


class StampRelay(Relay):
    """Between a STAMP sender and a stateful reflector. `arrivals`: the numbers of the requests that it
    handed on, in that order, which the reflector numbers from 0; `answers`: those of its numbers that
    were handed back. The request with the number `spared` passes, and its reply."""

    def __init__(self, target, there=None, back=None, spared=None):
        super().__init__(target, there, back)
        self.arrivals, self.answers, self.spared = [], [], spared

    def fate(self, direction, data):
        number, = struct.unpack_from("!I", data, 24 if direction else 0)
        return (0,) if number == self.spared else super().fate(direction, data)

    def hand_on(self, direction, data):
        number, = struct.unpack_from("!I", data)
        (self.answers if direction else self.arrivals).append(number)
        super().hand_on(direction, data)

    def directions(self):
        """What a sender has measured that missed nothing."""
        arrived, answered = set(self.arrivals), set(self.answers)
        replied = {self.arrivals[number] for number in answered}
        return {"forward": {"lost": self.counts[0] - len(arrived),
                            "duplicated": len(self.arrivals) - len(arrived),
                            "duplicated_max": len(self.arrivals) - len(arrived)},
                "reverse": {"lost": len(self.arrivals) - len(answered),
                            "lost_probes": len(arrived - replied),
                            "duplicated": len(self.answers) - len(answered)},
                "lost_somewhere": 0}


def disturb(seed, count, percent, late_s):
    """Scripts for a Relay that lose, double and delay so many per cent each of what goes there and
    back."""
    chance = random.Random(seed)
    fates = [(), (0, 0), (late_s,), (0, late_s)]
    return [{n: chance.choice(fates) for n in range(1, 2 * count)
             if chance.random() < len(fates) * percent / 100} for _ in range(2)]


def figures(sent, returned):
    """What a client that missed nothing has measured, by the numbers of the requests whose replies it got,
    in that order: RFC 4737 section 3.3 for reordering."""
    first, expected, reordered = set(), 1, 0
    for number in returned:
        if number in first:
            continue
        first.add(number)
        reordered += number < expected
        expected = max(expected, number + 1)
    return {"sent": sent, "received": len(first), "lost": sent - len(first),
            "duplicated": len(returned) - len(first), "reordered": reordered}


def jitter(times):
    """RFC 3550 section 6.4.1."""
    estimate = 0
    for before, now in zip(times, times[1:]):
        estimate += (abs(now - before) - estimate) / 16
    return estimate


NTP_1970 = 2208988800


def ntp(seconds):
    return int((seconds + NTP_1970) * (1 << 32)) & 0xffffffffffffffff


class Reflector(Peer):
    """A stateful Session-Reflector in unauthenticated mode: RFC 8762 section 4.3.1. `lose`: numbers
    of its own whose replies never leave; `unseen`: requests, counted from 1, that never arrived;
    `ahead_s`: its clock against ours; `clock`: the one time that it tells instead; `record`: it keeps
    one of all arrivals, and gives [id, newest, arrived, duplicated] to `spoil`, which may change it;
    `tail`: what comes back in place of the TLVs; `slow_s`: the pauses before its first replies."""

    def __init__(self, lose=(), unseen=(), ahead_s=0, stateful=True, twice=(), clock=None,
                 address="127.0.0.1", record=False, spoil=lambda number, record: None, tail=None,
                 slow_s=()):
        super().__init__(address)
        self.record, self.spoil, self.tail, self.arrived = record, spoil, tail, set()
        self.lose, self.unseen, self.twice = set(lose), set(unseen), set(twice)
        self.ahead_s, self.stateful, self.clock = ahead_s, stateful, clock
        self.seen, self.number, self.slow_s = [], 0, iter(slow_s)

    def handle(self, which, data, source):
        received = time.time() + self.ahead_s
        self.seen.append(data)
        if len(self.seen) in self.unseen:
            return
        for _ in range(2 if len(self.seen) in self.twice else 1):
            self.reflect(data, source, received)

    def tell(self, seconds):
        return ntp(seconds) if self.clock is None else self.clock

    def reflect(self, data, source, received):
        sequence, stamp, estimate = struct.unpack_from("!IQH", data)
        number = self.number if self.stateful else sequence
        self.number += 1
        reply = struct.pack("!IQHHQIQHHB3x", number, self.tell(time.time() + self.ahead_s), 0x8001, 0,
                            self.tell(received), sequence, stamp, estimate, 0, 64)
        extra = bytearray(data[44:])
        if extra:
            extra[0] = 0x80 if extra[1] == 253 and not self.record else 0  # U, M and I: unknown, or well formed
        self.arrived.add(sequence)
        if self.record and extra[1:8] == b"\xfd" + struct.pack("!H", len(extra) - 4) + b"tlse":
            counts = [4711, max(self.arrived), len(self.arrived), self.number - len(self.arrived)]
            self.spoil(number, counts)
            extra[4:20] = struct.pack("!4I", *counts)
        if self.tail is not None:
            extra = self.tail
        time.sleep(next(self.slow_s, 0))
        if number not in self.lose:
            self.socket.sendto(reply + extra, source)
