#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes every system call and every allocation of both programs fail once, and judges what follows: no
crash, no leak, no lost descriptor, no endless loop, no wrong exit status; connections that end well are
whole, and later ones are served.

    prove.py [--only REGEX] [--kinds REGEX] [--every | --without-openssl] [--journal FILE] [--jobs N]

TLSECHO_SERVER and TLSECHO_CLIENT name the programs, TLSECHO_FAULTS_LIBRARY the library of faults.c. An
allocation fails once for each stack that it is called from; with --every each one; --without-openssl
leaves out those of OpenSSL, which are nine in ten. A scenario that the journal has is not tried again.
"""

import argparse
import concurrent.futures
import json
import os
import re
import sys
import tempfile
import time

import book
import clients
import control as faults
import servers
from control import support

CHUNK = 40  # points that one job tries


def run(scenario, pool, args):
    """Returns how many points it has."""
    with tempfile.TemporaryDirectory(prefix="tlsecho-faults-") as folder:
        calls, sites = scenario.count(folder)
    left = faults.faults_of(calls, sites, args.every, args.kinds, scenario.name == "crowd",
                            not args.without_openssl)
    for done in [pool.submit(scenario.points, left[at:at + CHUNK]) for at in range(0, len(left), CHUNK)]:
        done.result()
    return len(left)


class Journal:
    """What earlier runs have tried, by scenario."""

    def __init__(self, path):
        self.path = path
        self.saved = {}
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.saved = dict(json.loads(line) for line in file)

    def add(self, name, saved):
        self.saved[name] = saved
        if self.path:
            with open(self.path, "a", encoding="utf-8") as file:
                print(json.dumps([name, saved]), file=file)


def run_once(scenario, pool, args, journal):
    name = " ".join([scenario.name, args.kinds, *["every"] * args.every,
                     *["without OpenSSL"] * args.without_openssl])
    if name in journal.saved:
        return journal.saved[name]
    started = time.monotonic()
    scenario.book = book.Book()
    count = run(scenario, pool, args)
    print(f"{name}: {count} points, {time.monotonic() - started:.0f} s", flush=True)
    journal.add(name, scenario.book.saved())
    return journal.saved[name]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--kinds", default=".*")
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--without-openssl", action="store_true")
    parser.add_argument("--journal")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    support.faulthandler.cancel_dump_traceback_later()
    found = book.Book()
    journal = Journal(args.journal)
    peer = support.Server(clients.SERVER)
    peer.wait_for("ready")
    scenarios = servers.scenarios(found, support.program("TLSECHO_SERVER"))
    scenarios += clients.scenarios(found, support.program("TLSECHO_CLIENT"), peer)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for scenario in scenarios:
            if re.search(args.only, scenario.name):
                found.add(run_once(scenario, pool, args, journal))
    peer.remove()
    found.close()
    return 1 if found.seen else 0


if __name__ == "__main__":
    sys.exit(main())
