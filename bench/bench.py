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
import subprocess
import sys
import tempfile

import report
import tool
from servers import SERVER_CORE, Fleet, Place
from works import IDLE_COUNT, connect, groups, measure, measure_idle


def machine(place):
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        cpu = re.search(r"model name\s*: (.*)", f.read())
    return {"cpu": cpu.group(1) if cpu else "unknown", "cpus": os.cpu_count(), "system": place.system(),
            "kernel": os.uname().release}


def arithmetic(place):
    """µs of CPU for the arithmetic of a handshake, by openssl-speed(1)."""
    done = subprocess.run(["taskset", "-c", SERVER_CORE, *place.command(
        "openssl", "speed", "-mr", "-seconds", "1", "ecdsap256", "rsa2048", "ecdhx25519")],
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
    return [s for s in servers if work.kind in s.ports and s.role in work.servers]


class Bench:
    """Servers, and the works that they do in rounds. build: of the load."""

    def __init__(self, build, place, servers, works):
        self.build, self.place, self.servers, self.works = build, place, servers, works
        self.results = {}

    def connect_all(self, stack, servers, group):
        """The connected loads, by server."""
        loads = {}
        for server in servers:
            try:
                loads[server] = stack.enter_context(connect(self.build, server, group))
            except RuntimeError as problem:
                print(f"  {group[0].name}, {server.name}: {problem}", file=sys.stderr)
        return loads

    def one_round(self, number):
        for group in self.works:
            there = take_part(self.servers, group[0])
            turn = number % len(there)
            with contextlib.ExitStack() as stack:
                loads = self.connect_all(stack, there[turn:] + there[:turn], group)
                for work in group:
                    try:
                        found = measure(work, loads)
                    except RuntimeError as problem:
                        print(f"  {work.name}: {problem}", file=sys.stderr)
                        found = {}
                    for server in there:
                        self.results.setdefault(work.name, {}).setdefault(server.name, []).append(found.get(server))
        for name, value in arithmetic(self.place).items():
            if name in self.results:
                self.results[name].setdefault("limit", []).append(value)

    def rounds(self, count):
        """Returns how many rounds were done. An interrupt ends them early, and the last one is then partial."""
        for number in range(count):
            print(f"{datetime.datetime.now():%H:%M:%S} round {number + 1} of {count}", file=sys.stderr, flush=True)
            try:
                self.one_round(number)
            except KeyboardInterrupt:
                if number == 0:
                    raise  # there is nothing to tell
                return number
        return count

    def idle(self):
        """Measured once, before any other work."""
        cells = self.results["idle"] = {}
        for server in self.servers:
            if "ecdsa" in server.ports and server.name not in ("limit", report.SILENT, "socat"):
                try:
                    cells[server.name] = [measure_idle(self.build, server, IDLE_COUNT)]
                except RuntimeError as problem:
                    print(f"  idle, {server.name}: {problem}", file=sys.stderr)


def libraries(places):
    """What the results are told of, the first one without a suffix."""
    return [{"openssl": place.openssl()[0], "suffix": f" {place.openssl()[1]}" if n else "",
             "system": place.system()} for n, place in enumerate(places)]


def start_all(fleet):
    """The servers, and the names of those that are missing, with the reasons."""
    servers, missing = fleet.all()
    for name, problem in missing.items():
        print(f"left out: {name}: {problem}", file=sys.stderr)
    silent = fleet.ours(fleet.places[0], log="off")
    silent.name = report.SILENT
    return [*servers, silent], missing


def write(told, out):
    (out / "results.json").write_text(json.dumps(told, indent=1) + "\n")
    (out / "results.md").write_text(report.page(told))
    (out / "summary.md").write_text(report.summary(told))
    (out / "chart.svg").write_text(report.chart(told))
    print(report.page(told))
    print(report.summary(told))


def choose(names):
    """The groups with works whose names begin so, or with the one of exactly that name."""
    whole = {work.name for group in groups() for work in group}
    return [g for g in groups() if any(w.name in names or any(
        w.name.startswith(name) for name in names if name not in whole) for w in g)]


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--pki", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--root-build", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--works", default="", help="run works with these names, or whose names begin so (comma-separated)")
    parser.add_argument("--servers", default="", help="run these only (comma-separated) beside ours and the loops; none: only these")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="a folder for the results")
    parser.add_argument("--report", action="store_true", help="write the tables again, from the results there")
    options = parser.parse_args()
    options.works = options.works.split(",")
    options.servers = options.servers.lower().split(",") if options.servers else []
    works, servers = [*report.TITLES], [*(name.lower() for name in report.COLUMNS[3:]), "none"]
    for name in options.works:
        if not any(work.startswith(name) for work in works):
            parser.error(f"no work is called {name!r}; there are: {', '.join(works)}")
    for name in set(options.servers) - set(servers):
        parser.error(f"no server is called {name!r}; there are: {', '.join(servers)}")
    if options.rounds < 1:
        parser.error("--rounds needs at least 1")
    return options


def read_results(out):
    try:
        return json.loads((out / "results.json").read_text())
    except (OSError, ValueError) as problem:
        sys.exit(f"scripts/bench: {out}/results.json: {problem}: run scripts/bench first")


def main():
    options = parse()
    if options.report:
        write(read_results(options.out), options.out)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    build = options.build.resolve()
    places = [Place(build)]
    if options.root:
        places.insert(0, Place(options.root_build.resolve(), options.root.resolve()))
    with tempfile.TemporaryDirectory(dir=build) as folder, \
            Fleet(places, options.pki.resolve(), pathlib.Path(folder), options.servers) as fleet:
        servers, missing = start_all(fleet)
        bench = Bench(build, places[0], servers, choose(options.works))
        if "idle".startswith(tuple(options.works)):
            bench.idle()
        done = bench.rounds(options.rounds)
        versions = {server.name: server.version for server in servers}
    write({"date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(), "machine": machine(places[-1]),
           "libraries": libraries(places), "rounds": done, "versions": versions, "missing": missing,
           "works": bench.results}, options.out)


if __name__ == "__main__":
    tool.run(main)
