# SPDX-License-Identifier: MIT
"""A sample of `scripts/prove faults`: system calls and allocations that fail."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import support

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))

import book  # noqa: E402
import clients  # noqa: E402
import control as faults  # noqa: E402
import servers  # noqa: E402

# Errors of the host that last from that call on: modes of the client, which have to end with 15.
LASTING = [("check-dtls", "recvmmsg", "ENOMEM", 1),
           ("report-udp", "recvmmsg", "ENOMEM", 1),
           ("ping-udp", "recvmmsg", "ENOMEM", 1),
           ("prompt-udp", "recvmmsg", "ENOMEM", 1),
           ("bench-udp", "recvmmsg", "ENOMEM", 3),
           ("bench-udp", "sendmmsg", "ENOBUFS", 2),
           ("bench-udp", "poll", "ENOMEM", 2),
           ("bench-tcp", "send", "ENOBUFS", 1),
           ("path-syn", "recv", "ENOMEM", 1)]
PLACES = 4  # connections at the same time, more than a scenario makes
CALLS, SITES = 14, 6  # points of each scenario: system calls, and stacks that allocate


def spread(points, most):
    """At most so many, evenly."""
    return points[::-(-len(points) // most)] if points else []


def names(option, file):
    """What nm(1) tells of its dynamic symbols."""
    done = subprocess.run(["nm", "--dynamic", "--format=posix", option, file],
                          stdout=subprocess.PIPE, check=True)
    return {line.split()[0].split("@")[0] for line in done.stdout.decode().splitlines()}


@unittest.skipIf(faults.has_thread_sanitizer(), "ThreadSanitizer does not tolerate a library before it")
class Sample(unittest.TestCase):
    def setUp(self):
        self.book = book.Book()

    def try_some(self, scenario):
        with tempfile.TemporaryDirectory() as folder:
            calls, sites = scenario.count(folder)
        points = faults.faults_of(calls, sites, varies=scenario.varies)
        allocations = sorted(point for point in points if point.kind == "alloc")
        system = spread([point for point in points if point.kind != "alloc" and point.repeat == 1], CALLS)
        allocations = spread(allocations, SITES)
        self.assertGreater(len(system), CALLS // 2)
        scenario.points(system + allocations)
        self.assertFalse(self.book.seen, "the findings are above")
        for some in (system, allocations):
            self.assertLessEqual(len(self.book.left(some)), len(some) // 4, self.book.left(some))

    def server(self, name):
        every = servers.scenarios(self.book, support.program("TLSECHO_SERVER"))
        return next(scenario for scenario in every if scenario.name == name)

    def test_a_connection(self):
        self.try_some(self.server("live:tls-echo"))

    def test_a_reload(self):
        self.try_some(self.server("reload"))

    def test_a_start(self):
        self.try_some(self.server("start"))

    def test_a_connection_that_lacks_memory_takes_no_place_of_another(self):
        for name, function in (("tcp-echo", "worker_conn_start"), ("dtls-echo", "worker_conn_start_association")):
            with self.subTest(name):
                scenario = self.server(f"live:{name}")
                scenario.config = scenario.config.replace("limits: {", f"limits: {{ connections: {PLACES},")
                with tempfile.TemporaryDirectory() as folder:
                    _, sites = scenario.count(folder)
                within = faults.sites_within(function, sites["alloc"], support.program("TLSECHO_SERVER"))
                self.book.fired.clear()
                self.book.seen.clear()
                scenario.points([faults.Fault("alloc", "ENOMEM", site=within[0])] * (PLACES + 1))
                self.assertFalse(self.book.seen, "the findings are above")
                self.assertEqual(self.book.fired["alloc"], 1)

    def test_what_cannot_be_waited_for_is_tried_again(self):
        scenario = self.server("start")
        with tempfile.TemporaryDirectory() as folder:
            calls, _ = scenario.count(folder)
        scenario.points([faults.Fault("epoll_ctl", "ENOMEM", n) for n in range(1, calls["epoll_ctl"] + 1)])
        self.assertFalse(self.book.seen, "the findings are above")
        self.assertEqual(self.book.fired["epoll_ctl"], calls["epoll_ctl"])

    def test_what_the_system_lacks_is_no_error_of_the_configuration(self):
        points = [faults.Fault("open", "EMFILE", n) for n in range(1, 4)]  # the configuration, a certificate, its key
        self.server("start").points(points)
        self.assertFalse(self.book.seen, "the findings are above")
        self.assertEqual(self.book.fired["open"], len(points))

    def test_a_certificate_that_lacks_memory_is_not_served(self):
        """OpenSSL would keep it as an invalid one, or as one without names."""
        scenario = self.server("start")
        with tempfile.TemporaryDirectory() as folder:
            _, sites = scenario.count(folder)
        within = faults.sites_within("tls_certificate_derive", sites["alloc"], support.program("TLSECHO_SERVER"))
        some = [faults.Fault("alloc", "ENOMEM", site=site) for site in spread(within, SITES)]
        scenario.points(some)
        self.assertFalse(self.book.seen, "the findings are above")
        self.assertEqual(self.book.fired["alloc"], len(some))
        self.assertEqual([told.split()[-1] for told in self.book.statuses], ["1"])

    def test_a_certificate_whose_folder_lacks_memory_is_not_replaced(self):
        if support.has_sanitizer("TLSECHO_SERVER"):
            self.skipTest("a sanitizer allocates by itself what strndup(3) returns")
        scenario = self.server("start-self-signed")
        with tempfile.TemporaryDirectory() as folder:
            _, sites = scenario.count(folder)
        within = faults.sites_in("main.c", sites["alloc"], scenario.program)
        scenario.points([faults.Fault("alloc", "ENOMEM", site=site) for site in within])
        self.assertFalse(self.book.seen, "the findings are above")
        self.assertEqual([told.split()[-1] for told in self.book.statuses], ["1"])

    def clients(self):
        """{name: scenario}"""
        peer = clients.Peer()
        self.addCleanup(peer.remove)
        every = clients.scenarios(self.book, support.program("TLSECHO_CLIENT"), peer)
        return {scenario.name: scenario for scenario in every}

    def test_a_client(self):
        self.try_some(self.clients()["client:ping-tls"])

    def test_calls_have_one_name_only(self):
        """stat(2) is stat64 in a program that was built for large files."""
        library = names("--defined-only", support.program("TLSECHO_FAULTS_LIBRARY"))
        for program in ("TLSECHO_SERVER", "TLSECHO_CLIENT"):
            called = names("--undefined-only", support.program(program))
            self.assertIn("malloc", called)
            large = {name for name in called if name.endswith("64") and name[:-2] in library}
            self.assertFalse(large - library)

    def test_calls_are_counted_for_each_stack(self):
        """Or the last one from a stack would never fail."""
        with tempfile.TemporaryDirectory() as folder:
            calls, sites = self.clients()["client:merge"].count(folder)
        self.assertIn("alloc", sites)
        for kind, places in sites.items():
            self.assertEqual(sum(place.count for place in places.values()), calls[kind], kind)

    def without_memory(self, name, function):
        """Points: each stack of that client through the function."""
        scenario = self.clients()[f"client:{name}"]
        with tempfile.TemporaryDirectory() as folder:
            _, sites = scenario.count(folder)
        within = faults.sites_within(function, sites["alloc"], support.program("TLSECHO_CLIENT"))
        self.assertTrue(within)
        scenario.points([faults.Fault("alloc", "ENOMEM", site=site) for site in within])
        self.assertFalse(self.book.seen, "the findings are above")

    def test_an_end_that_cannot_be_sent_is_not_waited_for(self):
        """OpenSSL reads no more then, which looks as if there were nothing to read. The reset that may follow is no
        reason."""
        self.without_memory("pipe-tls", "notify")
        self.assertLessEqual({told.split()[-1] for told in self.book.statuses}, {"0", "15"})

    def test_a_session_that_lacks_memory_is_not_missed(self):
        self.without_memory("check-resume", "tls_session_recall")

    def test_a_datagram_that_lacks_memory_is_no_failed_handshake(self):
        self.without_memory("ping-dtls", "make_room")

    def test_a_line_at_the_prompt_is_not_lost_where_reading_fails(self):
        scenario = self.clients()["client:prompt-tcp"]
        for code, status in (("EINTR", "0"), ("EAGAIN", "0"), ("EIO", "15")):
            with self.subTest(code):
                self.book.statuses.clear()
                scenario.points([faults.Fault("read", code, n) for n in range(2, 5)])
                self.assertFalse(self.book.seen, "the findings are above")
                self.assertEqual([told.split()[-1] for told in self.book.statuses], [status])

    @unittest.skipUnless(os.geteuid() == 0, "only root can start a server that becomes another user")
    def test_a_user_that_cannot_be_looked_up_is_no_unknown_one(self):
        codes = faults.TABLE["account"]
        self.server("start-user").points([faults.Fault("account", code, n) for n, code in enumerate(codes, 1)])
        self.assertFalse(self.book.seen, "the findings are above")
        self.assertEqual(self.book.fired["account"], len(codes))

    @unittest.skipUnless(os.geteuid() == 0, "only root can start a server that becomes another user")
    def test_the_filter_of_system_calls_takes_no_memory(self):
        """libseccomp would crash, or leave calls out, if it got none."""
        if support.has_sanitizer("TLSECHO_SERVER"):
            self.skipTest("no sandbox confines a sanitizer")
        scenario = self.server("start-sandbox")
        with tempfile.TemporaryDirectory() as folder:
            _, sites = scenario.count(folder)
        self.assertEqual(faults.sites_within("privilege_restrict_calls", sites["alloc"], scenario.program), [])

    def test_an_admin_address_that_may_not_accept_does_not_spin(self):
        self.server("live:admin").points([faults.Fault("accept4", "EPERM", 1, faults.ALWAYS)])
        self.assertFalse(self.book.seen, "the findings are above")

    def test_a_name_that_is_looked_up_without_memory_is_no_wrong_name(self):
        scenario = self.clients()["client:check-tls"]
        with tempfile.TemporaryDirectory() as folder:
            _, sites = scenario.count(folder)
        within = faults.sites_within("translate", sites["alloc"], support.program("TLSECHO_CLIENT"))
        own = [site for site in within if not sites["alloc"][site].openssl]
        self.assertTrue(own)
        scenario.points([faults.Fault("alloc", "ENOMEM", site=site) for site in own])
        self.assertFalse(self.book.seen, "the findings are above")

    def test_runs_that_are_read_without_memory_are_not_merged(self):
        scenario = self.clients()["client:merge"]
        with tempfile.TemporaryDirectory() as folder:
            _, sites = scenario.count(folder)
        within = faults.sites_within("load_object", sites["alloc"], support.program("TLSECHO_CLIENT"))
        scenario.points([faults.Fault("alloc", "ENOMEM", site=site) for site in within])
        self.assertFalse(self.book.seen, "the findings are above")
        self.assertEqual({told.split()[-1] for told in self.book.statuses}, {"15"})

    def test_a_prompt_that_cannot_receive_takes_no_line(self):
        """It would spin while it waits for a key, as its socket may stay ready."""
        prompt = self.clients()["client:prompt-udp"]
        prompt.scenario = prompt.scenario._replace(args="--json {udp}")
        with tempfile.TemporaryDirectory() as folder:
            control = faults.Control(folder)
            control.begin(faults.Fault("recvmmsg", "ENOMEM", 1))
            done = prompt.run(control)
        self.assertEqual(done.status, 15)
        self.assertEqual(clients.summary(done)["lines"]["sent"], 0)

    def test_an_error_that_lasts_ends_a_client(self):
        every = self.clients()
        for name, kind, code, count in LASTING:
            with self.subTest(name=name, kind=kind):
                self.book.statuses.clear()
                self.book.seen.clear()
                every[f"client:{name}"].points([faults.Fault(kind, code, count, faults.ALWAYS)])
                self.assertFalse(self.book.seen, "the findings are above")
                self.assertEqual([told.split()[-1] for told in self.book.statuses], ["15"])


if __name__ == "__main__":
    unittest.main()
