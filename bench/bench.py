# SPDX-License-Identifier: MIT
"""Compares the server with other servers and with bare loops, in rounds: the servers take turns in each
kind of work; each round has another order. See scripts/bench."""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

import report
from servers import SERVER_CORE, Fleet, first_line
from works import IDLE_COUNT, connect, groups, measure, measure_idle

NO_LOG = "tlsecho, no log lines"  # takes part in one kind of work only: the cost of a log line per connection


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        cpu = re.search(r"model name\s*: (.*)", f.read())
    with open("/etc/os-release", encoding="utf-8") as f:
        system = re.search(r'PRETTY_NAME="(.*)"', f.read())
    return {"cpu": cpu.group(1) if cpu else "unknown", "cpus": os.cpu_count(),
            "system": system.group(1) if system else "unknown", "kernel": os.uname().release,
            "openssl": first_line("openssl", "version")}


def arithmetic():
    """µs of CPU for the arithmetic of a handshake, by openssl-speed(1)."""
    done = subprocess.run(["taskset", "-c", SERVER_CORE, "openssl", "speed", "-mr", "-seconds", "1",
                           "ecdsap256", "rsa2048", "ecdhx25519"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    took = {}
    for line in done.stdout.splitlines():
        fields = line.split(":")
        if re.match(r"\+F[245]$", fields[0]):
            took[fields[0][2], fields[2]] = 1e6 / float(fields[3])  # it prints operations per second
    exchange = 2 * took["5", "253"]  # a key pair, and the shared secret
    return {"full-ecdsa": took["4", "256"] + exchange, "full-rsa": took["2", "2048"] + exchange,
            "resumed-1.3": exchange}


def take_part(servers, work):
    return [s for s in servers if s.name in work.servers or (s.name == NO_LOG and work.name == "full-ecdsa")]


def connect_all(stack, build, servers, group):
    """The connected loads, by server."""
    loads = {}
    for server in servers:
        try:
            loads[server] = stack.enter_context(connect(build, server, group))
        except RuntimeError as problem:
            print(f"  {group[0].name}, {server.name}: {problem}", file=sys.stderr)
    return loads


def one_round(build, servers, works, number, results):
    for group in works:
        there = take_part(servers, group[0])
        turn = number % len(there)
        with contextlib.ExitStack() as stack:
            loads = connect_all(stack, build, there[turn:] + there[:turn], group)
            for work in group:
                try:
                    found = measure(work, loads)
                except RuntimeError as problem:
                    print(f"  {work.name}: {problem}", file=sys.stderr)
                    found = {}
                for server in there:
                    results.setdefault(work.name, {}).setdefault(server.name, []).append(found.get(server))
    for name, value in arithmetic().items():
        if name in results:
            results[name].setdefault("limit", []).append(value)


def rounds(build, servers, works, count, results):
    """Returns how many rounds were done. An interrupt ends them early; the last one is then partial."""
    for number in range(count):
        print(f"{datetime.datetime.now():%H:%M:%S} round {number + 1} of {count}", file=sys.stderr, flush=True)
        try:
            one_round(build, servers, works, number, results)
        except KeyboardInterrupt:
            return number
    return count


def idle(build, servers):
    """Measured once, before any other work."""
    cells = {}
    for server in servers:
        if "ecdsa" in server.ports and server.name not in ("limit", NO_LOG, "socat"):
            try:
                cells[server.name] = [measure_idle(build, server, IDLE_COUNT)]
            except RuntimeError as problem:
                print(f"  idle, {server.name}: {problem}", file=sys.stderr)
    return cells


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--pki", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--works", default="", help="run works whose names begin so (comma-separated)")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="a folder for the results")
    options = parser.parse_args()
    build = options.build.resolve()
    works = [g for g in groups() if any(w.name.startswith(tuple(options.works.split(","))) for w in g)]
    results = {}
    for number in (signal.SIGINT, signal.SIGTERM):  # even if the shell ignores the signal
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder, \
            Fleet(build, options.pki.resolve(), pathlib.Path(folder)) as fleet:
        servers, missing = fleet.all()
        for name, problem in missing.items():
            print(f"left out: {name}: {problem}", file=sys.stderr)
        silent = fleet.ours(log="off")
        silent.name = NO_LOG
        servers.append(silent)
        if "idle".startswith(tuple(options.works.split(","))):
            results["idle"] = idle(build, servers)
        done = rounds(build, servers, works, options.rounds, results)
        versions = {server.name: server.version for server in servers}
    told = {"date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(), "machine": machine(),
            "rounds": done, "versions": versions, "missing": missing, "works": results}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(json.dumps(told, indent=1) + "\n")
    (options.out / "results.md").write_text(report.table(told))
    (options.out / "chart.svg").write_text(report.chart(told))
    print(report.table(told))


if __name__ == "__main__":
    main()
