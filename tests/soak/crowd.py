# SPDX-License-Identifier: MIT
"""Many clients in a process of their own: each makes one connection of one kind after the other,
compares every byte that comes back, and counts. Each function with the parameters (at, me) is a kind.

A kind of FAST returns soon. One of SLOW waits for the server to end the connection, or reads slowly.
"""

import collections
import contextlib
import hashlib
import random
import socket
import ssl
import threading
import time
from typing import NamedTuple

import abuse
import peers

NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: these clients have the real clock
TIMEOUT_S = 120           # a busy machine, and longer than the time-outs of the server
GRACE_S = 1               # what a moment without descriptors may last longer
SOURCES = [f"127.0.{n}.1" for n in range(1, 17)]  # for more ports
DATAGRAM_PORTS = range(2000, 30_000)  # no listener has one of them, whose datagrams would be dropped
FAILURES = 20             # that are kept of each process


class Addresses(NamedTuple):
    tcp: tuple
    tls: tuple
    keylogged: tuple
    datagrams: tuple
    relayed: tuple  # a relay that breaks connections, to tcp
    relayed_tls: tuple


class Wrong(Exception):
    """The client was not told the truth: bytes are missing or differ although all seems well."""


class Me:
    """The state of one thread."""

    def __init__(self, counts, authority, moment, datagram_source):
        self.counts, self.moment, self.random = counts, moment, random.Random()
        self.datagram_source = datagram_source
        self.began, self.got, self.source, self.sessions = 0.0, 0, None, {}
        self.contexts = {version: context(authority, version) for version in ("1.2", "1.3")}

    def payload(self, most=16_384):
        """Mostly short."""
        return self.random.randbytes(int(most ** self.random.random()))

    def dial(self, address, counted="connected"):
        sock = socket.socket()
        try:
            sock.settimeout(TIMEOUT_S)
            sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            sock.bind((self.random.choice(SOURCES), 0))
            self.began = time.monotonic()
            sock.connect(address)
            self.source = "%s:%d" % sock.getsockname()
        except OSError:
            sock.close()
            raise
        self.counts[counted] += 1
        return contextlib.closing(sock)

    def is_turned_away(self):
        """Whether the connection began while the server had no descriptors, and no byte came."""
        begin, end = self.moment[:]
        return not self.got and begin - GRACE_S <= self.began <= end + GRACE_S


def context(authority, version):
    made = ssl.create_default_context(cafile=authority)
    made.verify_flags |= NO_CHECK_TIME
    made.minimum_version = made.maximum_version = peers.VERSIONS[version]
    return made


def receive(sock, wanted, me):
    """Exactly these bytes."""
    at = 0
    while at < len(wanted):
        chunk = sock.recv(len(wanted) - at)
        if not chunk:
            raise EOFError(f"{at} of {len(wanted)} bytes came back")
        if chunk != wanted[at:at + len(chunk)]:
            raise Wrong("other bytes came back")
        at += len(chunk)
        me.got += len(chunk)
    me.counts["bytes"] += at


def ask(sock, me, most=16_384):
    sent = me.payload(most)
    sock.sendall(sent)
    receive(sock, sent, me)


def expect_end(sock):
    if sock.recv(1):
        raise Wrong("more came back than was sent")


def handshake(sock, me, version, resume=False):
    saved = me.sessions.get(version) if resume else None
    tls = me.contexts[version].wrap_socket(sock, server_hostname="localhost", session=saved,
                                           suppress_ragged_eofs=False)
    kind = "resumed" if tls.session_reused else "full"
    me.counts[f"TLS {version} {kind}"] += 1
    if not tls.session_reused:
        me.counts["certificate " + hashlib.sha256(tls.getpeercert(True)).hexdigest()] += 1
    return contextlib.closing(tls)


def until_closed(sock, me):
    """Reads until the server closes or resets, and compares nothing."""
    try:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while chunk := sock.recv(65_536):
                me.counts["bytes not compared"] += len(chunk)
    except TimeoutError as failure:
        raise Wrong("the server did not end the connection") from failure


# Fast kinds.

def plain(at, me):
    with me.dial(at.tcp) as sock:
        for _ in range(me.random.randrange(1, 4)):
            ask(sock, me)
        sock.shutdown(socket.SHUT_WR)
        expect_end(sock)


def plain_all_at_once(at, me):
    """The half-close is behind the last byte."""
    with me.dial(at.tcp) as sock:
        sent = me.payload(60_000)
        sock.sendall(sent)
        sock.shutdown(socket.SHUT_WR)
        receive(sock, sent, me)
        expect_end(sock)


def tls(at, me, version="1.3", resume=False, address=None, counted="connected"):
    with me.dial(address or at.tls, counted) as sock, handshake(sock, me, version, resume) as peer:
        ask(peer, me)
        if resume:
            me.sessions[version] = peer.session
        with contextlib.closing(peer.unwrap()) as rest:  # fails without close_notify
            expect_end(rest)


def tls_resumed(at, me):
    tls(at, me, "1.3", True)


def tls_1_2(at, me):
    tls(at, me, "1.2")


def tls_1_2_resumed(at, me):
    tls(at, me, "1.2", True)


def tls_keylogged(at, me):
    tls(at, me, address=at.keylogged)


def tls_cut(at, me):
    """FIN without close_notify: all that is owed still comes."""
    with me.dial(at.tls) as sock, handshake(sock, me, "1.3") as peer:
        sent = me.payload()
        peer.sendall(sent)
        socket.socket.shutdown(peer, socket.SHUT_WR)  # that of the class SSLSocket forgets the session
        receive(peer, sent, me)
        with contextlib.suppress(ssl.SSLZeroReturnError):
            expect_end(peer)


def probe(at, me):
    with me.dial(me.random.choice((at.tcp, at.tls))):
        pass


def reset_at_once(at, me):
    with me.dial(me.random.choice((at.tcp, at.tls))) as sock:
        abuse.reset(sock)


def reset_within_an_echo(at, me):
    with me.dial(at.tcp) as sock:
        sock.sendall(me.payload(60_000))
        abuse.reset(sock)


def reset_after_a_half_close(at, me):
    with me.dial(at.tcp) as sock:
        sock.sendall(me.payload(60_000))
        sock.shutdown(socket.SHUT_WR)
        abuse.reset(sock)


def bad_hello(at, me):
    hello = bytearray(abuse.client_hello())
    for _ in range(me.random.randrange(1, 8)):
        hello[me.random.randrange(len(hello))] = me.random.randrange(256)
    with me.dial(at.tls) as sock:
        sock.sendall(me.random.choice((hello, me.random.randbytes(500), b"GET / HTTP/1.1\r\n\r\n")))
        sock.shutdown(socket.SHUT_WR)  # or a longer length makes both wait
        until_closed(sock, me)


def part_of_a_hello(at, me):
    hello = abuse.client_hello()
    with me.dial(at.tls) as sock:
        sock.sendall(hello[:me.random.randrange(1, len(hello))])
        if me.random.random() < 0.5:
            abuse.reset(sock)


class Records:
    """TLS of which the records can be cut."""

    def __init__(self, sock, ctx):
        self._sock, self._in, self.out = sock, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = ctx.wrap_bio(self._in, self.out, server_hostname="localhost")
        while not self._is_done():
            sock.sendall(self.out.read())
            data = sock.recv(65_536)
            if not data:
                raise EOFError("within the handshake")
            self._in.write(data)
        sock.sendall(self.out.read())

    def _is_done(self):
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
            return True
        return False


def killed_within_a_record(at, me):
    with me.dial(at.tls) as sock:
        records = Records(sock, me.contexts[me.random.choice(("1.2", "1.3"))])
        records.tls.write(me.random.randbytes(me.random.randrange(1, 16_000)))
        data = records.out.read()
        sock.sendall(data[:me.random.randrange(1, len(data))])
        if me.random.random() < 0.5:
            abuse.reset(sock)
            return
        sock.shutdown(socket.SHUT_WR)
        until_closed(sock, me)


def changed_record(at, me):
    """One byte differs: bad_record_mac, and no echo of it."""
    with me.dial(at.tls) as sock:
        records = Records(sock, me.contexts[me.random.choice(("1.2", "1.3"))])
        records.tls.write(me.random.randbytes(1000))
        data = bytearray(records.out.read())
        data[me.random.randrange(5, len(data))] ^= 1
        sock.sendall(data)
        until_closed(sock, me)


def through_a_relay(at, me):
    """It may break the connection, which the client has to see: EOFError, or an error."""
    counted = "connected to the relay"
    with contextlib.suppress(EOFError, OSError):  # ssl.SSLError is an OSError
        if me.random.random() < 0.5:
            with me.dial(at.relayed, counted) as sock:
                ask(sock, me, 60_000)
        else:
            tls(at, me, address=at.relayed_tls, counted=counted)
        me.counts["whole through the relay"] += 1


def datagrams(at, me):
    """Each has its answer: from this source there are fewer than the limit."""
    with contextlib.closing(socket.socket(type=socket.SOCK_DGRAM)) as sock:
        sock.settimeout(TIMEOUT_S)
        sock.bind((me.datagram_source, me.random.choice(DATAGRAM_PORTS)))
        sock.connect(at.datagrams)
        for _ in range(me.random.randrange(1, 4)):
            sent = me.random.randbytes(8) + me.payload(8000)
            sock.send(sent)
            if sock.recv(65_536) != sent:
                raise Wrong("another datagram came back")
            me.counts["bytes"] += len(sent)
            me.counts["datagrams"] += 1


FAST = {plain: 30, plain_all_at_once: 14, tls_resumed: 10, tls_1_2_resumed: 5, tls: 4, tls_1_2: 2,
        tls_keylogged: 1, tls_cut: 2, probe: 6, reset_at_once: 6, reset_within_an_echo: 6,
        reset_after_a_half_close: 3, bad_hello: 2, part_of_a_hello: 3, killed_within_a_record: 2,
        changed_record: 1, through_a_relay: 3, datagrams: 4}


# Slow kinds.

def slow_reader(at, me):
    """The server waits for it: all bytes come, slowly."""
    with me.dial(at.tcp) as sock:
        read_slowly(sock, me)
        sock.shutdown(socket.SHUT_WR)
        expect_end(sock)


def slow_reader_tls(at, me):
    with me.dial(at.tls) as sock, handshake(sock, me, "1.3") as peer:
        read_slowly(peer, me)


def read_slowly(sock, me):
    sent = me.random.randbytes(60_000)
    sock.sendall(sent)
    for start in range(0, len(sent), 6000):
        time.sleep(me.random.random() / 4)
        receive(sock, sent[start:start + 6000], me)


def silent(at, me):
    """Until a time-out ends it."""
    with me.dial(me.random.choice((at.tcp, at.tls))) as sock:
        until_closed(sock, me)


def silent_after_an_echo(at, me):
    """Until the idle time-out ends it, in order."""
    with me.dial(at.tls) as sock, handshake(sock, me, "1.3") as peer:
        ask(peer, me)
        with contextlib.suppress(ssl.SSLZeroReturnError):
            expect_end(peer)


def never_reads(at, me):
    """Until the write time-out ends it."""
    with me.dial(at.tcp) as sock:
        sock.settimeout(1)
        with contextlib.suppress(TimeoutError, ConnectionError):
            sock.sendall(bytes(20_000_000))
        until = time.monotonic() + TIMEOUT_S
        while sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x01":  # ESTABLISHED
            if time.monotonic() > until:
                raise Wrong("the server did not end the connection")
            time.sleep(0.2)


SLOW = {slow_reader: 4, slow_reader_tls: 4, silent: 2, silent_after_an_echo: 2, never_reads: 1}

# A failure of these is none of the server: it ends them itself, or resets what it has not read.
ENDED = {kind.__name__ for kind in (reset_at_once, reset_within_an_echo, reset_after_a_half_close, bad_hello,
                                    part_of_a_hello, killed_within_a_record, changed_record, silent, never_reads)}


def once(kind, at, me):
    me.got, me.source, me.began = 0, None, time.monotonic()
    try:
        kind(at, me)
        me.counts[f"ok {kind.__name__}"] += 1
    except (EOFError, OSError, Wrong) as failure:
        if isinstance(failure, OSError) and kind.__name__ in ENDED:
            me.counts[f"ended {kind.__name__}"] += 1
        elif not isinstance(failure, Wrong) and me.is_turned_away():
            me.counts["turned away without descriptors"] += 1
        else:
            me.counts["failed"] += 1
            me.counts.failures.append(f"{kind.__name__} from {me.source} after {me.got} bytes and "
                                     f"{time.monotonic() - me.began:.2f} s: {failure!r}")


class Counts(collections.Counter):
    """Of one thread: no other one writes it."""

    def __init__(self):
        super().__init__()
        self.failures = []


def run(at, kinds, threads, rate, authority, shared, results, number):
    """In a process of its own: `rate` connections a second at most (0: no limit), until shared.ending
    is set. Puts (number, Counter, failures) into results every few seconds and at the end."""
    all_counts = [Counts() for _ in range(threads)]
    begun = time.monotonic()

    def work(thread, counts):
        me, made = Me(counts, authority, shared.moment, f"127.1.{number}.{thread + 1}"), 0
        while not shared.ending.is_set():
            once(*me.random.choices(list(kinds), kinds.values()), at, me)
            made += 1
            early = begun + made * threads / rate - time.monotonic() if rate else 0
            if early > 0:
                shared.ending.wait(early)

    workers = [threading.Thread(target=work, args=of) for of in enumerate(all_counts)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        shared.ending.wait(5)
        if shared.ending.is_set():
            for worker in workers:
                worker.join()
        total = sum((collections.Counter(dict(counts)) for counts in all_counts), collections.Counter())
        failures = [failure for counts in all_counts for failure in counts.failures]
        results.put((number, total, failures[:FAILURES]))
