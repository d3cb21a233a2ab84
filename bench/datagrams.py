# SPDX-License-Identifier: MIT
"""CPU time of the server for each 64-byte UDP echo, against a bare loop of recvmmsg and sendmmsg.

scripts/bench --datagrams runs it. Both get the same load in turn, ROUNDS times; the result is the
median of the ratios. It fails if that is above --limit. On a busy machine the times mean little.
--peers adds the server on a wildcard address, a loop in Go, socat and ncat. The last two may join
datagrams that come at once, and have a process for each client, so there is a second load: one client,
with one datagram on its way.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
MANY, ONE = (8, 16), (1, 1)  # clients, and how many datagrams are on the way to each
CONFIG = "listeners: [ { listen: 'udp://%s:0' } ]\nlimits: { datagram_rate: 0 }\nworkers: 1\n"
START_S = 10


def family(pid):
    """The process and its descendants."""
    children = pathlib.Path(f"/proc/{pid}/task").glob("*/children")
    found = [pid]
    for child in " ".join(text.read_text() for text in children).split():
        with contextlib.suppress(FileNotFoundError):
            found += family(int(child))
    return found


def ended_ns(pid):
    """CPU of the children that have ended: cutime and cstime, proc(5)."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def cpu_ns(pid):
    """Of the process and its descendants."""
    total = ended_ns(pid)
    for one in family(pid):
        for task in pathlib.Path(f"/proc/{one}/task").glob("*/schedstat"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                total += int(task.read_text().split()[0])
    return total


class Echo:
    """A process that sends datagrams back, in a process group of its own. It prints its port, or has one."""

    def __init__(self, stack, command, port=None, pattern=r"^(\d+)$"):
        self.process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True)
        stack.callback(self.process.wait)
        stack.callback(os.killpg, self.process.pid, signal.SIGKILL)
        self.port = port or self.read_port(pattern)

    def read_port(self, pattern):
        for line in self.process.stdout:
            found = re.search(pattern, line)
            if found:
                return int(found[1])
        sys.exit(f"{self.process.args[0]} has ended")

    def cost(self, tool, seconds, load):
        """Nanoseconds of CPU for each echo."""
        before = cpu_ns(self.process.pid)
        done = subprocess.run([tool, "load", *map(str, (self.port, seconds, *load))],
                              text=True, stdout=subprocess.PIPE, check=True).stdout
        return (cpu_ns(self.process.pid) - before) / int(done)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_echo(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.1)
        s.connect(("127.0.0.1", port))
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                s.send(b"x")
                s.recv(1)
                return
    sys.exit(f"nothing answers on port {port}")


class Echoes:
    """What is compared, each started once. In an exit stack."""

    def __init__(self, stack, build, folder):
        self.stack, self.build, self.folder = stack, build, folder

    def ours(self, host="127.0.0.1"):
        config = self.folder / f"{host}.yaml"
        config.write_text(CONFIG % host)
        command = [f"{self.build}/src/tlsecho-server", "-c", str(config)]
        return Echo(self.stack, command, pattern=r"address=[\d.]+:(\d+) transport=udp")

    def bare(self):
        return Echo(self.stack, [f"{self.build}/bench/datagrams", "echo"])

    def go(self):
        program = f"{self.build}/bench/go-datagrams"
        subprocess.run(["go", "build", "-o", program, "datagrams.go"], cwd=HERE / "peers", check=True)
        return Echo(self.stack, [program])

    def on_port(self, *command):
        port = free_port()
        echo = Echo(self.stack, [word % port if "%d" in word else word for word in command], port)
        wait_for_echo(port)
        return echo

    def socat(self):
        return self.on_port("socat", "UDP4-LISTEN:%d,bind=127.0.0.1,fork,reuseaddr", "PIPE")

    def ncat(self):
        return self.on_port("ncat", "-u", "-l", "-k", "127.0.0.1", "%d", "-e", "/bin/cat")


def compare(echoes, options, load):
    """Prints a table; the first is what the others are compared with. Returns the ratio of the second."""
    costs = {name: [] for name in echoes}
    for number in range(options.rounds):
        names = list(echoes) if number % 2 else list(reversed(echoes))
        for name in names:
            costs[name].append(echoes[name].cost(options.tool, options.seconds, load))
    base = costs[next(iter(costs))]
    print(f"{load[0]} clients, {load[1]} on the way to each; {options.rounds} rounds of {options.seconds} s")
    ratios = {}
    for name, each in costs.items():
        ratios[name] = statistics.median(a / b for a, b in zip(each, base))
        print(f"{name:20} {statistics.median(each):8.0f} ns, lowest {min(each):8.0f} ns, "
              f"median ratio {ratios[name]:.3f}", flush=True)
    return list(ratios.values())[1]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench --datagrams")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--pki", help="unused: datagrams are plain")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--limit", type=float, default=1.15)
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    options.build = options.build.resolve()
    options.tool = f"{options.build}/bench/datagrams"
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        start = Echoes(stack, options.build, pathlib.Path(folder))
        echoes = {"bare loop": start.bare(), "tlsecho": start.ours()}
        if options.peers:
            echoes["tlsecho on 0.0.0.0"] = start.ours("0.0.0.0")
            if shutil.which("go"):
                echoes["Go"] = start.go()
        ratio = compare(echoes, options, MANY)
        if options.peers:
            for name in filter(shutil.which, ("socat", "ncat")):
                echoes[name] = getattr(start, name)()
            compare(echoes, options, ONE)
    print(f"median ratio {ratio:.2f}, at most {options.limit:.2f}")
    return ratio > options.limit


if __name__ == "__main__":
    sys.exit(main())
