# SPDX-License-Identifier: MIT
"""Runs hostile clients beside well-behaved ones: soak.py SECONDS. Prints statistics. Exit status 1 if a
well-behaved client did not get its bytes, an attack had an unexpected outcome, /healthz did not
answer, a reload had another outcome than expected, the server did not exit with 0, or a sanitizer
reported something."""

import asyncio
import collections
import json
import multiprocessing
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import abuse
import operate
import support
import well_behaved

WELL_BEHAVED, HOSTILE = 50, 60


def hostile(addresses, seconds, results):
    results.put(asyncio.run(abuse.abuse(addresses, HOSTILE, seconds)))


def status(pid, key):
    return int(re.search(rf"^{key}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(),
                         re.MULTILINE)[1])


def say(pid, started, counts):
    print(f"{time.monotonic() - started:6.0f} s: {counts.connections} connections, "
          f"{counts.bytes} bytes, {len(counts.failures)} failures; "
          f"server {status(pid, 'VmRSS')} KiB, {len(os.listdir(f'/proc/{pid}/fd'))} descriptors",
          flush=True)


class Log:
    """Counts the events of the server's log, and keeps only lines that are not log lines."""

    def __init__(self, stream):
        self.ends, self.unknown, self.addresses = collections.Counter(), [], {}
        self.events = collections.Counter()
        self.ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(stream,))
        self._reader.start()

    def _read(self, stream):
        for line in stream:
            fields = support.parse(line)
            event = fields.get("event")
            self.events[event] += 1
            if event == "connection":
                self.ends[fields["end"]] += 1
            elif event == "listening" and ":" in fields["address"] and fields["transport"] != "unix":
                host, port = fields["address"].rsplit(":", 1)
                self.addresses[fields["listener"]] = host, int(port)
            elif event == "ready":
                self.ready.set()
            elif not fields:
                self.unknown.append(line.rstrip())
        self.ready.set()

    def join(self):
        self._reader.join()


def soak(folder, seconds):
    operator = operate.Operator(folder)
    server = subprocess.Popen([*operator.prefix, support.program("TLSECHO_SERVER"), "-c",
                               "server.yaml"], cwd=folder, stderr=subprocess.PIPE,
                              env=support.environment(), text=True, errors="replace")
    log = Log(server.stderr)
    log.ready.wait()
    addresses = abuse.Addresses(log.addresses["plain"], log.addresses["tls"], log.addresses["mutual"],
                          log.addresses["proxied"], folder)
    results = multiprocessing.Queue()
    other = multiprocessing.Process(target=hostile, args=(addresses, seconds, results))
    other.start()
    operator.start(server, log)
    started = time.monotonic()
    counts = asyncio.run(well_behaved.echo(addresses, support.pki(), WELL_BEHAVED, seconds,
                                    lambda so_far: say(server.pid, started, so_far)))
    operator.stop()
    attacks, unexpected = results.get()
    other.join()
    say(server.pid, started, counts)
    server.send_signal(signal.SIGTERM)
    ended = server.wait(60)
    log.join()
    print("attacks:", json.dumps(attacks), "in all", sum(attacks.values()))
    print("actions of the operator:", json.dumps(operator.counts))
    print("ends of connections:", json.dumps(dict(log.ends.most_common())))
    for line in counts.failures[:20] + unexpected[:20] + operator.failures[:20] + log.unknown[:100]:
        print(line)
    print(f"well-behaved: {counts.connections} connections, {counts.bytes} bytes, "
          f"{len(counts.failures)} failures; hostile: {len(unexpected)} failures; "
          f"operator: {len(operator.failures)} failures; exit status of the server {ended}; "
          f"{len(log.unknown)} lines in the log that are not log lines")
    return (ended != 0 or counts.failures or unexpected or operator.failures or log.unknown
            or not counts.bytes)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tlsecho-soak-") as name:
        sys.exit(1 if soak(pathlib.Path(name), float(sys.argv[1])) else 0)
