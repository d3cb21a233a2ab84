# SPDX-License-Identifier: MIT
"""The kinds of work that are measured: each one is a row of the table, with a cell per server."""

import itertools
import subprocess
from typing import NamedTuple

from servers import LOAD_CORE

TLS = ("tlsecho", "libssl", "limit", "Go", "rustls", "Node", "nginx", "haproxy", "stunnel", "socat")
PLAIN = ("tlsecho", "limit", "Go", "Node", "socat")
HANDSHAKE = ("tlsecho", "libssl", "Go", "rustls", "Node", "nginx", "haproxy", "stunnel")
MANY = ("tlsecho", "libssl", "limit", "Go", "rustls")  # other servers take minutes to accept so many connections
GROWTH = {"ecdsa": ("tlsecho", "libssl", "limit", "Go"), "plain": ("tlsecho", "limit")}  # Go uses 3 descriptors per connection
GB = 1000 ** 3
WINDOW, CHUNK = 256 * 1024, 16 * 1024  # of a bulk connection
ROUND_S, HANDSHAKES_S = 0.25, 0.5
TURNS = 8  # of each server in a round
IDLE_COUNT = 5000


class Work(NamedTuple):
    """CPU per unit; unit_count: the units of the load in one unit of the table."""
    name: str
    title: str
    unit: str
    kind: str  # plain, ecdsa or rsa
    load: tuple  # the arguments of the load after its port
    window: int  # and the fields of its commands
    chunk: int
    unit_count: float
    servers: tuple
    seconds: float = ROUND_S


def echo(size, count, kind="ecdsa"):
    protocol, word, servers = ("plain", "plain", PLAIN) if kind == "plain" else ("1.3", "TLS", TLS)
    seconds = ROUND_S
    if count >= 1000:
        servers = MANY
    if count > 1000:
        servers, seconds = GROWTH[kind], 1.5
    return Work(f"{word.lower()}-echo-{size}-{count}", f"{word} echo, {size} B, {count:,} connections",
                "µs", kind, (protocol, "stream", count), size, size, size, servers, seconds)


def bulk(kind, servers):
    protocol, word = ("plain", "plain") if kind == "plain" else ("1.3", "TLS")
    return Work(f"{word.lower()}-bulk", f"{word} bulk, 4 connections", "s/GB", kind,
                (protocol, "stream", 4), WINDOW, CHUNK, GB, servers)


def handshake(name, title, kind, version, mode, servers=HANDSHAKE):
    return Work(name, title, "µs", kind, (version, mode, 8), 1, 1, 1, servers, HANDSHAKES_S)


WORKS = [
    *(echo(size, count) for count in (1, 100, 1000) for size in (64, 1024)),
    echo(64, 10000),
    bulk("ecdsa", TLS),
    handshake("full-ecdsa", "full handshake, TLS 1.3, ECDSA", "ecdsa", "1.3", "full"),
    handshake("full-rsa", "full handshake, TLS 1.3, RSA-2048", "rsa", "1.3", "full"),
    handshake("resumed-1.3", "resumed handshake, TLS 1.3", "ecdsa", "1.3", "resumed"),
    handshake("resumed-1.2", "resumed handshake, TLS 1.2", "ecdsa", "1.2", "resumed"),
    *(echo(64, count, "plain") for count in (1, 100, 1000, 10000)),
    bulk("plain", PLAIN),
]


class Load:
    """A context manager that runs bench/load.c."""

    def __init__(self, build, port, words):
        self.process = subprocess.Popen(
            ["taskset", "-c", LOAD_CORE, str(build / "bench" / "load"), str(port), *map(str, words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        self.expect("ready")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def expect(self, word):
        line = self.process.stdout.readline().split()
        if not line or line[0] != word:
            raise RuntimeError(f"{' '.join(self.process.args)}: it ended early")
        return line

    def work(self, seconds, window, chunk):
        """Runs the work; returns how many units were done."""
        self.process.stdin.write(f"{seconds} {2 ** 62} {window} {chunk}\n")
        self.process.stdin.flush()
        return int(self.expect("done")[1])


def groups():
    """The works in groups that share connections."""
    return [list(group) for _, group in itertools.groupby(WORKS, lambda work: (work.kind, work.load))]


def connect(build, server, group):
    """Returns a connected load that is idle."""
    words = group[0].load
    if server.name == "limit":
        words = ("plain", *words[1:])  # receives as many bytes as TLS sends, without TLS: it does the arithmetic only
    return Load(build, server.ports[group[0].kind], words)


def measure(work, loads):
    """CPU of each server for one unit, in µs or s. loads: connected loads by server. They take turns of a
    fraction of a second, so that other load of the machine affects all alike."""
    spent, units = dict.fromkeys(loads, 0.0), dict.fromkeys(loads, 0)
    for load in loads.values():
        load.work(work.seconds / TURNS, work.window, work.chunk)  # warm
    order = list(loads)
    for _ in range(TURNS):
        order = order[1:] + order[:1]
        for server in order:
            before = server.cpu_s(work.kind)
            units[server] += loads[server].work(work.seconds / TURNS, work.window, work.chunk)
            spent[server] += server.cpu_s(work.kind) - before
    scale = work.unit_count * (1e6 if work.unit == "µs" else 1)
    return {server: spent[server] / units[server] * scale for server in loads}


def measure_idle(build, server, count):
    """Memory of the server for one idle TLS connection, in bytes. The first ones, which are not counted, stay
    open: others would get their memory."""
    at = server.ports["ecdsa"]
    with Load(build, at, ("1.3", "stream", 64)):
        before = server.memory_bytes("ecdsa")
        with Load(build, at, ("1.3", "stream", count)):
            return (server.memory_bytes("ecdsa") - before) / count
