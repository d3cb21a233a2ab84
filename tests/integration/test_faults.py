# SPDX-License-Identifier: MIT
"""A sample of `scripts/prove faults`: system calls and allocations that fail."""

import pathlib
import sys
import tempfile
import unittest

import support

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))

import book  # noqa: E402
import clients  # noqa: E402
import control as faults  # noqa: E402
import servers  # noqa: E402

CALLS, SITES = 14, 6  # points of each scenario: system calls, and stacks that allocate


def spread(points, most):
    """At most so many, evenly."""
    return points[::-(-len(points) // most)] if points else []


@unittest.skipIf(faults.has_thread_sanitizer(), "ThreadSanitizer does not tolerate a library before it")
class Sample(unittest.TestCase):
    def setUp(self):
        self.book = book.Book()

    def try_some(self, scenario):
        with tempfile.TemporaryDirectory() as folder:
            calls, sites = scenario.count(folder)
        points = faults.faults_of(calls, sites)
        allocations = sorted(point for point in points if point.kind == "alloc")
        some = spread([point for point in points if point.kind != "alloc" and point.repeat == 1], CALLS)
        some += spread(allocations, SITES)
        self.assertGreater(len(some), CALLS // 2)
        scenario.points(some)
        self.assertFalse(self.book.seen, "the findings are above")
        self.assertGreater(sum(self.book.fired.values()), len(some) // 3)

    def server(self, name):
        every = servers.scenarios(self.book, support.program("TLSECHO_SERVER"))
        return next(scenario for scenario in every if scenario.name == name)

    def test_a_connection(self):
        self.try_some(self.server("live:tls-echo"))

    def test_a_reload(self):
        self.try_some(self.server("reload"))

    def test_a_start(self):
        self.try_some(self.server("start"))

    def test_what_cannot_be_waited_for_is_tried_again(self):
        scenario = self.server("start")
        with tempfile.TemporaryDirectory() as folder:
            calls, _ = scenario.count(folder)
        scenario.points([faults.Fault("epoll_ctl", "ENOMEM", n) for n in range(1, calls["epoll_ctl"] + 1)])
        self.assertFalse(self.book.seen, "the findings are above")
        self.assertEqual(self.book.fired["epoll_ctl"], calls["epoll_ctl"])

    def test_a_client(self):
        peer = support.Server(clients.SERVER)
        self.addCleanup(peer.remove)
        peer.wait_for("ready")
        every = clients.scenarios(self.book, support.program("TLSECHO_CLIENT"), peer)
        self.try_some(next(one for one in every if one.name == "client:ping-tls"))


if __name__ == "__main__":
    unittest.main()
