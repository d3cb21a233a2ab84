# SPDX-License-Identifier: MIT
"""What many idle TLS connections take of one server with one worker: memory, CPU, and the time of what is done
with all of them. Each number of connections has a server of its own. See scripts/bench."""

import argparse
import contextlib
import pathlib
import re
import resource
import signal
import tempfile
import time

import tool
from servers import Fleet, Place
from works import Load

COUNTS = (1000, 5000, 19000)
FAR = 100000          # connections: what they would take is computed
ACTIVE_S = 3          # of messages of SIZE bytes over all connections
SIZE = 64
PATIENCE_S = 120
ROWS = (
    ("connected", "s", "until all have had a byte echoed"),
    ("handshake_us", "µs", "CPU for each connection until then"),
    ("memory_kib", "KiB", "memory for each"),
    ("message_us", "µs", "CPU of an echo of 64 B, all connections active"),
    ("idle_ms", "ms", "CPU of an idle second"),
    ("usr2_s", "s", "USR2: a line for each"),
    ("reload_ms", "ms", "a reload"),
    ("reload_cpu_ms", "ms", "CPU of that"),
    ("drain_s", "s", "a drain, whose clients do not close"),
    ("drain_us", "µs", "CPU of that for each"),
)


class Scale:
    """A server, its log, and its connections."""

    def __init__(self, build, server, log):
        self.build, self.server, self.log = build, server, log
        self.found = {}

    def lines(self, event):
        return len(re.findall(f"event={event}\\b", self.log.read_text(errors="replace")))

    def until(self, event, count):
        """Seconds until the log has so many lines of it."""
        begin = time.monotonic()
        while self.lines(event) < count:
            if time.monotonic() > begin + PATIENCE_S:
                raise RuntimeError(f"{self.lines(event)} lines of {event}, not {count}")
            time.sleep(0.02)
        return time.monotonic() - begin

    def cpu_s(self):
        return self.server.cpu_s("ecdsa")

    def timed(self, number, event, count):
        """A signal: seconds until its lines are there, and the CPU."""
        before = self.cpu_s()
        self.server.process.send_signal(number)
        return self.until(event, count), self.cpu_s() - before

    def connect(self, stack, count):
        with Load(self.build, self.server.ports["ecdsa"], ("1.3", "stream", 64)):
            pass  # fills caches
        memory, cpu, begin = self.server.memory_bytes("ecdsa"), self.cpu_s(), time.monotonic()
        load = stack.enter_context(Load(self.build, self.server.ports["ecdsa"], ("1.3", "stream", count)))
        self.found["connected"] = time.monotonic() - begin
        self.found["handshake_us"] = (self.cpu_s() - cpu) / count * 1e6
        self.found["memory_kib"] = (self.server.memory_bytes("ecdsa") - memory) / count / 1024
        return load

    def be_active(self, load):
        before = self.cpu_s()
        done = load.work(ACTIVE_S, SIZE, SIZE) / SIZE
        self.found["message_us"] = (self.cpu_s() - before) / done * 1e6
        before = self.cpu_s()
        time.sleep(1)
        self.found["idle_ms"] = (self.cpu_s() - before) * 1e3

    def all_of_it(self, stack, count):
        load = self.connect(stack, count)
        self.be_active(load)
        self.found["usr2_s"], _ = self.timed(signal.SIGUSR2, "live", count)
        took, cpu = self.timed(signal.SIGHUP, "reloaded", 1)
        self.found["reload_ms"], self.found["reload_cpu_ms"] = took * 1e3, cpu * 1e3
        self.drain(count)
        return self.found

    def drain(self, count):
        """Until it has ended. Its log may lack lines: all connections end at once."""
        before, begin = self.cpu_s(), time.monotonic()
        self.server.process.send_signal(signal.SIGTERM)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.server.process.wait(PATIENCE_S)
        self.found["drain_s"] = time.monotonic() - begin
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        whole = after.ru_utime + after.ru_stime - ended.ru_utime - ended.ru_stime
        self.found["drain_us"] = (whole - before) / count * 1e6


def table(found):
    counts = list(found)
    yield "| TLS 1.3 connections | unit | " + " | ".join(f"{n:,}" for n in counts) + " |"
    yield "|---|---|" + "--:|" * len(counts)
    for key, unit, title in ROWS:
        yield f"| {title} | {unit} | " + " | ".join(f"{found[n][key]:.3g}" for n in counts) + " |"


def far(found):
    """What FAR connections would take, if each takes what one of the most that were measured does."""
    count, last = max(found.items())
    more = FAR / count
    return (f"{FAR:,} connections, by the column of {count:,}: {last['memory_kib'] * FAR / 1024 ** 2:.1f} GiB, "
            f"{last['handshake_us'] * FAR / 1e6:.0f} s of CPU to accept them, {last['usr2_s'] * more:.1f} s for USR2, "
            f"{last['drain_us'] * FAR / 1e6:.1f} s of CPU to drain them.")


def numbers(text):
    return [int(number) for number in text.split(",")]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench --scale")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--pki", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--counts", type=numbers, default=COUNTS, help="numbers of connections (comma-separated)")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    build, found = options.build.resolve(), {}
    place = Place(build)
    for count in options.counts:
        with tempfile.TemporaryDirectory(dir=build) as name, contextlib.ExitStack() as stack:
            folder = pathlib.Path(name)
            server = stack.enter_context(Fleet([place], options.pki.resolve(), folder)).ours(place)
            found[count] = Scale(build, server, folder / "tlsecho-0.log").all_of_it(stack, count)
    print(f"{place.openssl()[0]}, one worker:\n")
    print("\n".join([*table(found), "", far(found)]))


if __name__ == "__main__":
    tool.run(main)
