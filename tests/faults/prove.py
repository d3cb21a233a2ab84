#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes every system call and every allocation of both programs fail once, and judges what follows: no
crash, no leak, no lost descriptor, no endless loop, no wrong exit status; connections that end well are
whole, and later ones are served.

    prove.py [--list] [--only REGEX] [--kinds REGEX] [--every | --without-openssl] [--journal FILE] [--jobs N]

TLSECHO_SERVER and TLSECHO_CLIENT name the programs, TLSECHO_PLAIN_SERVER a server without sanitizers, which the
scenario of the sandbox needs, and TLSECHO_FAULTS_LIBRARY the library of faults.c. An
allocation fails once for each stack that it is called from, one of OpenSSL once for each stack up to the
second function of the program, in the first scenario that has it. Where many connections do the same (see
by_stack), each system call fails the first and the last time that it is called from a stack.

--every lets each allocation fail, which takes days; --without-openssl leaves out those of OpenSSL, a
quarter of all points. Points that the journal has, of the same build, are not tried again.

A point that no call comes to, since no two runs are the same, is tried three times, and then named with its
stack; a scenario in which one point in four is such a point is a finding.

There are 98 scenarios; the first 69 had 44,700 points. One takes 40 ms of a processor (a client without TLS) to 160 ms
(a server that starts and stops), and some wait for a time-out: 31,000 took 89 minutes with --jobs 2, while others
used both processors too.
"""

import argparse
import concurrent.futures
import copy
import json
import os
import re
import signal
import sys
import tempfile
import time

import book
import clients
import control as faults
import servers
from control import support

CHUNK = 40  # points that one job tries
TRIES = 3   # of a point that no call comes to


class Journal:
    """The points that this run and earlier ones have tried."""

    def __init__(self, path):
        self.path = path
        self.done = set()    # [scenario, fault]
        self.stacks = set()  # [program, stack within OpenSSL]
        self.saved = []      # of books
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                for line in file:
                    self._take(*json.loads(line))

    def _take(self, name, some, stacks, saved):
        self.done.update((name, fault) for fault in some)
        self.stacks.update(map(tuple, stacks))
        self.saved.append(saved)

    def add(self, *what):
        self._take(*what)
        if self.path:
            with open(self.path, "a", encoding="utf-8") as file:
                print(json.dumps(what), file=file)


def try_some(scenario, some, printed):
    """Returns what its book has then, and the points that no call has come to."""
    scenario = copy.copy(scenario)
    scenario.book = book.Book(printed)
    scenario.points(some)
    for _ in range(TRIES - 1):
        scenario.points(scenario.book.left(some))
    return scenario.book.saved(), scenario.book.left(some)


def run(scenario, pool, args, journal, found):
    """Tries what nobody has tried yet."""
    started = time.monotonic()
    program = os.path.basename(scenario.program)
    with tempfile.TemporaryDirectory(prefix="tlsecho-faults-") as folder:
        calls, sites = scenario.count(folder)
    stack_of = {site: (program, place.openssl) for site, place in sites.get("alloc", {}).items() if place.openssl}
    chosen = set()

    def skip(place):
        stack = (program, place.openssl)
        known = place.openssl and (args.without_openssl or stack in journal.stacks or stack in chosen)
        chosen.add(stack)
        return known

    points = faults.faults_of(calls, sites, args.every, args.kinds, scenario.by_stack, scenario.lasting, skip,
                              scenario.varies)
    left = [point for point in points if (scenario.name, str(point)) not in journal.done]
    chunks = [left[at:at + CHUNK] for at in range(0, len(left), CHUNK)]
    jobs = {pool.submit(try_some, scenario, chunk, found.printed): chunk for chunk in chunks}
    missed = []
    for job in concurrent.futures.as_completed(jobs):
        saved, left = job.result()
        missed += left
        tried = [point for point in jobs[job] if point not in left]
        journal.add(scenario.name, [str(point) for point in tried],
                    [stack_of[point.site] for point in tried if point.site in stack_of], saved)
    for point in missed:
        place = sites.get(point.kind, {}).get(point.site)
        lines = faults.described(place.frames, scenario.program) if place else []
        print(f"no call came to {scenario.name}: {point}", *faults.own(lines), sep="\n    ", flush=True)
    found.miss(missed)
    fired = sum(sum(job.result()[0]["fired"].values()) for job in jobs)
    print(f"{scenario.name}: {fired + len(missed)} points, {fired} fired, {time.monotonic() - started:.0f} s",
          flush=True)
    if len(missed) > fired // 3:
        found.finding(scenario.name, missed[0], f"no call came to {len(missed)} points", [], scenario.program)


def positive(text):
    if not re.fullmatch(r"0*[1-9]\d{0,8}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def pattern(text):
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None


def main():
    parser = argparse.ArgumentParser(prog="faults", usage="scripts/prove faults [OPTION...]", allow_abbrev=False)
    parser.add_argument("--only", type=pattern, default=re.compile(""), metavar="REGEX",
                        help="scenarios, such as live:tls-echo")
    parser.add_argument("--list", action="store_true", help="print the names of the scenarios, and try nothing")
    parser.add_argument("--kinds", type=pattern, default=re.compile(".*"), metavar="REGEX",
                        help="what fails: names of system calls, and alloc")
    parser.add_argument("--every", action="store_true", help="each allocation, which takes days")
    parser.add_argument("--without-openssl", action="store_true", help="no allocations of OpenSSL")
    parser.add_argument("--journal", metavar="FILE", help="what was tried is added to it, and not tried again")
    parser.add_argument("--jobs", type=positive, default=2 * os.cpu_count(), metavar="N",
                        help="points at once, of which many wait; by default two for each processor")
    parser.add_argument("--check", action="store_true", help="only whether these arguments are right")
    args = parser.parse_args()
    if not any(re.fullmatch(args.kinds, kind) for kind in faults.NAMES):
        parser.error(f"no kind matches {args.kinds.pattern!r}; there are: {' '.join(faults.NAMES)}")
    if args.check:
        return 0
    support.faulthandler.cancel_dump_traceback_later()
    found = book.Book()
    journal = Journal(args.journal)
    peer = clients.Peer()
    scenarios = servers.scenarios(found, support.program("TLSECHO_SERVER"))
    scenarios += clients.scenarios(found, support.program("TLSECHO_CLIENT"), peer)
    scenarios = [scenario for scenario in scenarios if re.search(args.only, scenario.name)]
    if not scenarios:
        peer.remove()
        parser.error(f"no scenario matches {args.only.pattern!r}: --list prints them")
    if args.list:
        print(*[scenario.name for scenario in scenarios], sep="\n")
        peer.remove()
        return 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        try:
            for scenario in scenarios:
                run(scenario, pool, args, journal, found)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            print("faults: interrupted; with --journal the next run goes on from here", file=sys.stderr)
            return 128 + signal.SIGINT
        finally:
            peer.remove()
    for saved in journal.saved:
        found.add(saved)
    found.close()
    return 1 if found.seen else 0


if __name__ == "__main__":
    sys.exit(main())
