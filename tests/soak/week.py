# SPDX-License-Identifier: MIT
"""A week of a server within MINUTES, while a crowd of clients makes CONNECTIONS, many of which break:
week.py MINUTES CONNECTIONS LOG. The clock of the server runs fast; time-outs of connections are as long
as ever in real time. Exit status 1 if anything is not as it has to be; it is printed. LOG gets the log
without the lines of most connections."""

import asyncio
import collections
import contextlib
import faulthandler
import json
import multiprocessing
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import Any, NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import abuse
import crowd
import fast_clock
import faulty_relay
import ledger
import operate
import support
import tools
import verdict
import week_calendar

PROCESSES, THREADS, SLOW_THREADS, HOSTILE = 2, 24, 16, 8
BENCH_SHARE = 0.4  # of all connections
AFTER_HOURS = 0.5   # the last daily work is over
QUIET_S = 90        # until no connection is open at the end
SAMPLE_S, SAY_S, ATTACK_S = 5, 60, 10
OPEN_AT_THE_END = 4


class Shared(NamedTuple):
    ending: Any  # Event
    moment: Any  # Array: begin and end of the last moment without descriptors, time.monotonic()


class Sample(NamedTuple):
    hours: float
    memory_kib: int
    descriptors: int
    kinds: Any  # Counter of the descriptors


class Crowd:
    """All processes with clients, and the relay."""

    def __init__(self, addresses, rate, folder, log):
        self.shared = Shared(multiprocessing.Event(), multiprocessing.Array("d", [0, 0]))
        self._results, ports, self.relayed = multiprocessing.Queue(), multiprocessing.Queue(), multiprocessing.Value("q")
        self._latest, self._log, self._told, authority = {}, log, {}, support.pki() / "ca.pem"
        self._relay = self._start(faulty_relay.run, [addresses["plain"], addresses["tls"]], ports, self.relayed)
        self.relays = ports.get()
        direct = (addresses[name] for name in ("plain", "tls", "keylogged", "datagrams"))
        at = crowd.Addresses(*direct, *self.relays)
        of = [(crowd.FAST, THREADS, rate / PROCESSES)] * PROCESSES + [(crowd.SLOW, SLOW_THREADS, 0)]
        self._processes = [self._start(crowd.run, at, *how, authority, self.shared, self._results, number)
                           for number, how in enumerate(of)]
        hostile = abuse.Addresses(*(addresses[f"h_{name}"] for name in ("plain", "tls", "mutual", "proxied")), folder)
        self._hostile = self._start(hostile_crowd, hostile, self.shared, self._results)

    @staticmethod
    def _start(target, *args):
        process = multiprocessing.Process(target=target, args=args)
        process.start()
        return process

    def counts(self):
        """(Counter, failures) so far of all processes."""
        while not self._results.empty():
            number, total, failures = self._results.get()
            self._latest[number] = total, failures
        return (sum((total for total, _ in self._latest.values()), collections.Counter()),
                [self._tell(failure) for _, failures in self._latest.values() for failure in failures])

    def _tell(self, failure):
        """With what the server has logged of it."""
        if failure not in self._told and (line := self._log.about(failure)):
            self._told[failure] = f"{failure}; the server: {line}"
        return self._told.get(failure, failure)

    def end(self):
        self.shared.ending.set()
        while any(process.is_alive() for process in (*self._processes, self._hostile)):
            self.counts()  # a process ends once what it has put is taken
            time.sleep(0.2)
        self._relay.kill()
        self._relay.join()


def hostile_crowd(addresses, shared, results):
    """The attacks of the other soak, in a process of their own."""
    counts, failures = collections.Counter(), []
    while not shared.ending.is_set():
        begun = time.monotonic()
        more, unexpected = asyncio.run(abuse.abuse(addresses, HOSTILE, ATTACK_S))
        counts.update({f"attack {name}": count for name, count in more.items()})
        begin, end = shared.moment[:]
        if end + crowd.GRACE_S < begun or begin > time.monotonic():
            failures += unexpected
        results.put(("hostile", collections.Counter(counts), failures[:crowd.FAILURES]))


class Week:
    def __init__(self, folder, minutes, connections, copy):
        self.folder, self.pki = folder, support.pki()  # made with the real clock
        self.clock = fast_clock.Clock(folder, round(week_calendar.HOURS * 60 / minutes))
        os.environ.update(self.clock.variables())      # of all children; this process keeps its clock
        self.calendar = week_calendar.Calendar(folder, self.clock)
        for name, depth, names in (("costly", 7, 200), ("long", 21, 500)):
            operate.costly_chain(folder, name, depth, names)
        self.seconds, self.connections, self.samples = minutes * 60, connections, []
        self.server = subprocess.Popen(
            [support.program("TLSECHO_SERVER"), "-c", "server.yaml"], cwd=folder, stderr=subprocess.PIPE,
            env=support.environment(STATE_DIRECTORY=str(folder / "state")), text=True, errors="replace")
        self.log = ledger.Log(self.server.stderr, copy)
        if not self.log.wait("ready", 0, support.DEADLINE_S):
            sys.exit("\n".join(["the server is not ready:", *map(str, self.log.lines + self.log.unknown)]))

    def endpoint(self, name):
        return f"{self.log.transports[name]}://{self.log.addresses[name].replace('127.0.0.1', 'localhost')}"

    def address(self, name):
        host, _, port = self.log.addresses[name].rpartition(":")
        return host, int(port)

    def sample(self):
        status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        kinds = collections.Counter()
        for number in os.listdir(f"/proc/{self.server.pid}/fd"):
            with contextlib.suppress(OSError):
                kinds[os.readlink(f"/proc/{self.server.pid}/fd/{number}").split(":")[0]] += 1
        self.samples.append(Sample(self.clock.hours(), int(re.search(r"VmRSS:\s+(\d+)", status)[1]),
                                   sum(kinds.values()), kinds))
        return self.samples[-1]

    def metrics(self):
        return ledger.metrics(str(self.folder / "admin"))

    def run(self):
        self.sample()
        addresses = {name: self.address(name) for name in self.log.addresses if name != "admin"}
        rate = self.connections / self.seconds
        people = Crowd(addresses, rate * (1 - BENCH_SHARE), self.folder, self.log)
        relays = [f"{scheme}://localhost:{port}" for scheme, (_, port) in zip(("tcp", "tls"), people.relays)]
        instruments = tools.Tools(self.clock, self.endpoint, relays, people.shared.moment, rate * BENCH_SHARE)
        instruments.start()
        self.calendar.start(self.server, self.log, self.endpoint, people.shared.moment)
        said = 0
        while self.clock.hours() < week_calendar.HOURS + AFTER_HOURS and self.server.poll() is None:
            now = self.sample()
            if time.monotonic() > said + SAY_S:
                said = time.monotonic()
                self.say(now, people, instruments)
            time.sleep(SAMPLE_S)
        self.calendar.stop()
        instruments.end()
        people.end()
        self.say(self.sample(), people, instruments)
        return self.finish(people, instruments)

    def say(self, now, people, instruments):
        total, failures = people.counts()
        print(f"hour {now.hours:6.1f}: {self.log.connections()} connections logged, {total['bytes']} bytes compared, "
              f"{len(failures) + len(instruments.failures) + len(self.calendar.failures)} failures; "
              f"server {now.memory_kib} KiB, {now.descriptors} descriptors", flush=True)
        for failure in [*failures[-3:], *instruments.failures[-3:], *self.calendar.failures[-3:]]:
            print("  ", str(failure)[:1000])

    def finish(self, people, instruments):
        """Waits until nothing is open, adds up, and stops the server. What is wrong, as texts."""
        until, faults = time.monotonic() + QUIET_S, ["?"]
        while faults and time.monotonic() < until and self.server.poll() is None:
            time.sleep(0.5)
            families = self.metrics()
            faults = ledger.compare(self.log, families)
        self.sample()
        faults += self.drain()
        total, failures = people.counts()
        faults += failures + instruments.failures + self.calendar.failures + self.log.unknown[:50]
        verdict.tell(self, total, people.relayed.value, instruments, families)
        return faults + verdict.faults(self, total, people.relayed.value, families)

    def drain(self):
        """With open connections, which end in order."""
        socks = [socket.create_connection(self.address("plain")) for _ in range(OPEN_AT_THE_END)]
        for sock in socks:
            sock.sendall(b"x")
            sock.recv(1)
        before = self.log.ends["plain", "drained"]
        self.server.send_signal(signal.SIGTERM)
        faults = [f"the drain sent {data!r}" for data in (sock.recv(1) for sock in socks) if data]
        for sock in socks:
            sock.close()
        status = self.server.wait(60)
        self.log.join()
        drained = self.log.ends["plain", "drained"] - before
        if status or drained != OPEN_AT_THE_END:
            faults.append(f"exit status {status}, {drained} of {OPEN_AT_THE_END} drained")
        return faults


def main(minutes, connections, copy):
    faulthandler.cancel_dump_traceback_later()  # support.py's, for tests
    with tempfile.TemporaryDirectory(prefix="tlsecho-week-") as name, open(copy, "w") as log:
        week = Week(pathlib.Path(name), minutes, connections, log)
        try:
            faults = week.run()
        finally:
            if week.server.poll() is None:
                week.server.kill()
    print(json.dumps(dict(week.calendar.counts)))
    for fault in faults:
        print("WRONG:", fault)
    print(f"a week in {minutes} minutes: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
