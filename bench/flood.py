# SPDX-License-Identifier: MIT
"""Honest DTLS clients during a flood of ClientHellos from addresses that never answer.

scripts/bench --flood runs it: 200,000 of them, 20,000 a second, while a client connects every 50 ms. It fails
if a client cannot connect, if the slowest needs more than --limit milliseconds, if the kernel drops a datagram,
or if the server's memory grows. On a busy machine the clients wait for their turn too.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import tool
from datagrams import cpu_ns
from servers import START_S

CONFIG = """
listeners: [ { listen: "dtls://127.0.0.1:0" } ]
tls: { default: { certificates: [ { certificate: "%(pki)s/server-ecdsa.pem", key: "%(pki)s/server-ecdsa.key" } ] } }
limits: { datagram_rate: 0 }
log: { connections: off }
workers: 1
"""
VISITS_A_SECOND = 15    # with a pause of 50 ms between them
GROWTH_KIB = 128        # of the heap's top, whatever has been freed below it


class Flooded:
    """A server of ours. A with block."""

    def __init__(self, build, pki, folder):
        self.tools = build / "bench"
        config = folder / "server.yaml"
        config.write_text(CONFIG % {"pki": pki})
        self.process = subprocess.Popen([build / "src" / "tlsecho-server", "-c", config], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.port = self.read_port()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(START_S)

    def read_port(self):
        for line in self.process.stdout:
            found = re.search(r"address=[\d.]+:(\d+) transport=dtls", line)
            if found:
                return int(found[1])
        sys.exit("tlsecho-server has ended")

    def tool(self, *words):
        return subprocess.Popen([self.tools / words[0], *map(str, words[1:])], text=True, stdout=subprocess.PIPE)

    def memory_kib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s*(\d+)", status)[1])

    def kernel_drops(self):
        """Of the listener's socket, in the last column: proc(5)."""
        for line in pathlib.Path("/proc/net/udp").read_text().splitlines():
            fields = line.split()
            if fields[1] == f"0100007F:{self.port:04X}":
                return int(fields[-1])
        sys.exit("the socket is gone")

    def flood(self, count, rate):
        """Seconds, nanoseconds of CPU for each ClientHello, and the milliseconds of each visit."""
        visit = self.tool("dtls", "visit", self.port, max(1, int(VISITS_A_SECOND * count / rate)))
        before = cpu_ns(self.process.pid)
        seconds = float(self.tool("flood", self.port, count, rate).communicate()[0])
        cost = (cpu_ns(self.process.pid) - before) / count
        times = visit.communicate()[0].split()
        return seconds, cost, times


def quantile(values, part):
    return values[min(len(values) - 1, int(len(values) * part))]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench --flood")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--pki", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--limit", type=float, default=50, help="milliseconds of the slowest handshake")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, \
            Flooded(options.build.resolve(), options.pki.resolve(), pathlib.Path(folder)) as server:
        server.flood(options.rate, options.rate)  # what is allocated once
        memory = server.memory_kib()
        seconds, cost, times = server.flood(options.count, options.rate)
        grown, drops = server.memory_kib() - memory, server.kernel_drops()
    failed = times.count("failed")
    took = sorted(float(time) for time in times if time != "failed") or [float("inf")]
    print(f"{options.count} ClientHellos in {seconds:.1f} s: {cost / 1000:.1f} us of CPU for each, {drops} dropped by "
          f"the kernel, memory {memory} KiB and {grown:+d}")
    print(f"{len(times)} handshakes meanwhile, {failed} failed; median {quantile(took, 0.5):.1f} ms, "
          f"p99 {quantile(took, 0.99):.1f}, slowest {took[-1]:.1f}; load average {os.getloadavg()[0]:.1f}")
    return failed > 0 or drops > 0 or grown > GROWTH_KIB or took[-1] > options.limit


if __name__ == "__main__":
    tool.run(main)
