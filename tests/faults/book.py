# SPDX-License-Identifier: MIT
"""What was tried, and what was found."""

import collections
import re
import threading

import control as faults


class Book:
    """Counts points, and prints a finding when it is new."""

    def __init__(self, printed=None):
        """printed: what other books have printed."""
        self.printed = set() if printed is None else printed
        self.lock = threading.Lock()
        self.came = {}  # str(fault): whether a call came to it
        self.fired = collections.Counter()
        self.missed = collections.Counter()
        self.seen = collections.Counter()
        self.of_libraries = 0
        self.unjudged = 0  # the sanitizer itself had no memory
        self.statuses = collections.Counter()

    def point(self, fault, control):
        """It was tried, perhaps not for the first time."""
        left = control.left()
        with self.lock:
            for one in fault.alone():
                came = one.site not in left if fault.group else control.fired() > 0
                before = self.came.get(str(one), False)
                self.fired[one.kind] += came and not before
                self.came[str(one)] = came or before

    def left(self, some):
        """Those of them that no call has come to, although one should have."""
        return [one for one in some if not self.came.get(str(one)) and not one.beyond]

    def miss(self, some):
        """They were tried in vain."""
        self.missed.update(one.kind for one in some)

    def status(self, fault, status):
        with self.lock:
            self.statuses[f"{fault.kind:15} {fault.code:14} {status}"] += 1

    def harm(self):
        """How much was found, what libraries do too."""
        return sum(self.seen.values()) + self.of_libraries

    def finding(self, scenario, fault, what, stack, program):
        lines = faults.described(stack, program)
        if faults.is_failure_of_sanitizer(what):
            self.unjudged += 1
            return
        if faults.is_leak_of_library(what, lines) or faults.is_crash_of_library(what, lines):
            self.of_libraries += 1
            return
        key = "; ".join([scenario.split(":")[0], re.sub(r"[0-9a-fx]+", "#", what.splitlines()[0]), fault.kind,
                         *faults.own(lines)[:3]])
        with self.lock:
            self.seen[key] += 1
            if key not in self.printed:
                self.printed.add(key)
                print(f"FINDING {scenario}: {fault}: {what}", *lines, sep="\n    ", flush=True)

    def saved(self):
        """For JSON."""
        return {"fired": self.fired, "seen": self.seen, "statuses": self.statuses,
                "of_libraries": self.of_libraries, "unjudged": self.unjudged}

    def add(self, saved):
        """What another book has saved."""
        for name in ("fired", "seen", "statuses"):
            getattr(self, name).update(saved[name])
        self.of_libraries += saved["of_libraries"]
        self.unjudged += saved["unjudged"]

    def close(self):
        """Prints what was tried."""
        points = self.fired + self.missed
        print(f"{'kind':15} points  fired")
        for kind, count in sorted(points.items()):
            print(f"{kind:15} {count:6} {self.fired[kind]:6}")
        print(f"{len(points)} kinds, {points.total()} points, {self.fired.total()} fired, "
              f"{len(self.seen)} findings, {self.of_libraries} leaks and crashes within libraries, "
              f"{self.unjudged} without a verdict: the sanitizer had no memory")
        print("exit statuses:")
        for told, count in sorted(self.statuses.items()):
            print(f"{told}: {count}")
