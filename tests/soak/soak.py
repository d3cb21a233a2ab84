# SPDX-License-Identifier: MIT
"""Hours of abuse beside honest clients: soak.py SECONDS. Prints what it saw; exit status 1 if an
honest client lost a byte, a hostile one met what it may not, /healthz was silent, a reload had
another outcome than it should, the server did not end with 0, or a sanitizer had something to say."""

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
import well_behaved
import operate
import support

HONEST, HOSTILE = 50, 60


def hostile(places, seconds, results):
    results.put(asyncio.run(abuse.abuse(places, HOSTILE, seconds)))


def status(pid, key):
    return int(re.search(rf"^{key}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(),
                         re.MULTILINE)[1])


def say(pid, started, tally):
    print(f"{time.monotonic() - started:6.0f} s: {tally.connections} connections, "
          f"{tally.bytes} bytes, {len(tally.failures)} failures; "
          f"server {status(pid, 'VmRSS')} KiB, {len(os.listdir(f'/proc/{pid}/fd'))} descriptors",
          flush=True)


class Log:
    """What the server says, counted while it says it: of hours only what is strange is kept."""

    def __init__(self, stream):
        self.ends, self.strange, self.addresses = collections.Counter(), [], {}
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
                self.strange.append(line.rstrip())
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
    places = abuse.Places(log.addresses["plain"], log.addresses["tls"], log.addresses["mutual"],
                          log.addresses["proxied"], folder)
    results = multiprocessing.Queue()
    other = multiprocessing.Process(target=hostile, args=(places, seconds, results))
    other.start()
    operator.start(server, log)
    started = time.monotonic()
    tally = asyncio.run(well_behaved.echo(places, support.pki(), HONEST, seconds,
                                    lambda so_far: say(server.pid, started, so_far)))
    operator.stop()
    visits, unexpected = results.get()
    other.join()
    say(server.pid, started, tally)
    server.send_signal(signal.SIGTERM)
    ended = server.wait(60)
    log.join()
    print("hostile visits:", json.dumps(visits), "in all", sum(visits.values()))
    print("what the operator did:", json.dumps(operator.counts))
    print("how the connections ended:", json.dumps(dict(log.ends.most_common())))
    for line in tally.failures[:20] + unexpected[:20] + operator.failures[:20] + log.strange[:100]:
        print(line)
    print(f"honest: {tally.connections} connections, {tally.bytes} bytes, "
          f"{len(tally.failures)} failures; hostile: {len(unexpected)} failures; "
          f"operator: {len(operator.failures)} failures; exit status of the server {ended}; "
          f"{len(log.strange)} lines that are no log lines")
    return (ended != 0 or tally.failures or unexpected or operator.failures or log.strange
            or not tally.bytes)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tlsecho-soak-") as name:
        sys.exit(1 if soak(pathlib.Path(name), float(sys.argv[1])) else 0)
