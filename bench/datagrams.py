# SPDX-License-Identifier: MIT
"""CPU time of the server for each 64-byte echo over UDP and DTLS, against bare loops.

scripts/bench --datagrams runs it. The loops are recvmmsg and sendmmsg, for DTLS with libssl between them.
Server and loop get the same load in turn, ROUNDS times; the result is the median of the ratios. It fails if
one is above --limit. On a busy machine the times mean little. --peers adds
a loop in Go, socat and ncat, gnutls-serv and openssl s_server. socat and ncat may join datagrams that come
at once, and have a process for each client; gnutls-serv and s_server serve one client at a time. So there is
a second load: one client, with one datagram on its way. All use DTLS 1.2 with AES-128-GCM and X25519.
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

import tool

HERE = pathlib.Path(__file__).parent
MANY, ONE = (8, 16), (1, 1)  # clients, and how many datagrams are on the way to each
CONFIG = """
listeners: [ { listen: "%(scheme)s://%(host)s:0" } ]
tls: { default: { certificates: [ { certificate: "%(pki)s/server-ecdsa.pem", key: "%(pki)s/server-ecdsa.key" } ] } }
limits: { datagram_rate: 0 }
workers: 1
"""
START_S = 10
UNLIMITED = 1 << 62


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

    def __init__(self, stack, command, port=None, pattern=r"^(\d+)$", **options):
        self.process = subprocess.Popen(command, text=True, start_new_session=True, **{
            "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options})
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
        command = [tool, "load", *map(str, (self.port, *load))]
        with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdout.readline()  # it has connected
            before = cpu_ns(self.process.pid)
            process.stdin.write(f"{seconds} {UNLIMITED}\n")
            process.stdin.flush()
            done = process.stdout.readline()
            spent = cpu_ns(self.process.pid) - before
            process.stdin.close()
        return spent / int(done)


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


def wait_for_socket(port):
    """One that answers DTLS only: it is in proc(5)'s list."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        for table in "udp", "udp6":
            if f":{port:04X} " in pathlib.Path(f"/proc/net/{table}").read_text():
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


class Echoes:
    """What is compared, each started once. In an exit stack."""

    def __init__(self, stack, build, pki, folder):
        self.stack, self.build, self.folder = stack, build, folder
        self.pki, self.files = pki, (f"{pki}/server-ecdsa.pem", f"{pki}/server-ecdsa.key")

    def ours(self, scheme, host="127.0.0.1"):
        config = self.folder / f"{scheme}-{host}.yaml"
        config.write_text(CONFIG % {"scheme": scheme, "host": host, "pki": self.pki})
        command = [f"{self.build}/src/tlsecho-server", "-c", str(config)]
        return Echo(self.stack, command, pattern=rf"address=[\d.]+:(\d+) transport={scheme}")

    def bare(self, mode="echo"):
        return Echo(self.stack, [f"{self.build}/bench/datagrams", mode])

    def bare_dtls(self):
        return Echo(self.stack, [f"{self.build}/bench/dtls", "echo", *self.files])

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

    def gnutls(self):
        return self.on_dtls_port("gnutls-serv", "--udp", "--echo", "-q", "-a", "-p", "%d", "--x509certfile", self.files[0],
                                 "--x509keyfile", self.files[1], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def openssl(self):
        """It sends what it reads, and writes what it receives: into one pipe."""
        output, into = os.pipe()
        return self.on_dtls_port("openssl", "s_server", "-dtls1_2", "-quiet", "-accept", "%d", "-cert", self.files[0],
                                 "-key", self.files[1], stdin=output, stdout=into, stderr=subprocess.DEVNULL)

    def on_dtls_port(self, *command, **options):
        port = free_port()
        echo = Echo(self.stack, [word.replace("%d", str(port)) for word in command], port, **options)
        wait_for_socket(port)
        return echo

    def ncat(self):
        return self.on_port("ncat", "-u", "-l", "-k", "127.0.0.1", "%d", "-e", "/bin/cat")


def compare(echoes, tool, options, load):
    """Prints a table; the first is what the others are compared with. Returns the ratio of the second."""
    costs = {name: [] for name in echoes}
    for number in range(options.rounds):
        names = list(echoes) if number % 2 else list(reversed(echoes))
        for name in names:
            costs[name].append(echoes[name].cost(options.build / "bench" / tool, options.seconds, load))
    base = costs[next(iter(costs))]
    print(f"{tool}: {load[0]} clients, {load[1]} on the way to each; {options.rounds} rounds of {options.seconds} s")
    ratios = {}
    for name, each in costs.items():
        low, ratios[name], high = statistics.quantiles([a / b for a, b in zip(each, base)], n=4)
        print(f"{name:20} {statistics.median(each):8.0f} ns, lowest {min(each):8.0f} ns, "
              f"median ratio {ratios[name]:.3f} ({low:.2f} to {high:.2f})", flush=True)
    return list(ratios.values())[1]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench --datagrams")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--pki", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--limit", type=float, default=1.15)
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    options.build = options.build.resolve()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        start = Echoes(stack, options.build, options.pki.resolve(), pathlib.Path(folder))
        udp = {"bare loop": start.bare(), "tlsecho": start.ours("udp")}
        wildcard = {"bare loop on 0.0.0.0": start.bare("echo-any"), "tlsecho on 0.0.0.0": start.ours("udp", "0.0.0.0")}
        dtls = {"bare libssl loop": start.bare_dtls(), "tlsecho": start.ours("dtls")}
        if options.peers and shutil.which("go"):
            udp["Go"] = start.go()
        ratios = {"UDP": compare(udp, "datagrams", options, MANY),
                  "UDP on 0.0.0.0": compare(wildcard, "datagrams", options, MANY),
                  "DTLS": compare(dtls, "dtls", options, MANY)}
        if options.peers:
            for name in filter(shutil.which, ("socat", "ncat")):
                udp[name] = getattr(start, name)()
            compare(udp, "datagrams", options, ONE)
            compare(wildcard, "datagrams", options, ONE)
            dtls |= {program: make() for program, make in (("gnutls-serv", start.gnutls), ("openssl", start.openssl))
                     if shutil.which(program)}
            compare(dtls, "dtls", options, ONE)
    for name, ratio in ratios.items():
        print(f"{name}: median ratio {ratio:.2f}, at most {options.limit:.2f}")
    return max(ratios.values()) > options.limit


if __name__ == "__main__":
    tool.run(main)
