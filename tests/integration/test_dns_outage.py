# SPDX-License-Identifier: MIT
"""Name servers that do not answer: connections and probes go on, and the look-up is repeated."""

import os
import shutil
import signal
import subprocess
import unittest

import admin_client
import nameserver
import support

LITERAL = "listeners: [ { listen: 'tcp://127.0.0.1:0', name: main } ]\n"
NAMED = "listeners: [ { listen: 'tcp://echo.internal:0', name: main } ]\n"
TWO = """
listeners:
  - { listen: 'tcp://first.internal:0', name: first }
  - { listen: 'tcp://second.internal:0', name: second }
  - { listen: 'tcp://first.internal:0', name: third }
"""
ADMIN = "admin: { listen: 'tcp://127.0.0.1:0' }\n"
RELOAD = support.REPOSITORY / "packaging" / "systemd" / "reload"
AT_ONCE_S = 8  # an unanswered look-up takes 20 s


def setUpModule():
    nameserver.enter()


class Outage(support.TestCase):
    def setUp(self):
        self.names = self.enterContext(nameserver.NameServer())
        self.prefix = self.enterContext(self.names.asked())

    def named_server(self, config, **arguments):
        return self.server(config, prefix=self.prefix, **arguments)

    def enterContext(self, manager):  # part of unittest since Python 3.11
        self.addCleanup(manager.__exit__, None, None, None)
        return manager.__enter__()

    def rewrite(self, server, config):
        (server.folder / "new").write_text(config)
        os.replace(server.folder / "new", server.folder / "server.yaml")
        server.signal(signal.SIGHUP)


class AtStart(Outage):
    def test_a_signal_ends_a_start_that_waits_for_a_name(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                server = self.named_server(NAMED, ready=False)
                self.names.wait_for("echo.internal")
                self.names.wait_for("echo.internal")  # A and AAAA
                server.signal(number)
                self.assertEqual(server.wait(AT_ONCE_S), 0)
                self.assertEqual(server.lines("listening"), [])

    def test_names_are_looked_up_side_by_side_and_each_once(self):
        server = self.named_server(TWO, ready=False)
        self.names.wait_for("first.internal")
        self.names.wait_for("second.internal")
        self.names.answer("127.0.0.1")
        server.wait_for("ready")
        self.assertEqual(len(server.lines("listening")), 3)
        self.assertEqual(server.stop(), 0)

    def test_a_name_that_does_not_exist_is_refused_with_its_place(self):
        self.names.answer(code=nameserver.NXDOMAIN)
        server = self.named_server(NAMED, ready=False)
        server.wait_for_text("server.yaml:1:24: listen: look up echo.internal: ")
        self.assertEqual(server.wait(), 1)


class AtReload(Outage):
    def test_health_checks_are_answered_during_a_look_up(self):
        server = self.server(LITERAL + ADMIN, prefix=self.prefix)
        self.rewrite(server, NAMED + ADMIN)
        self.names.wait_for("echo.internal")
        for path in ("/healthz", "/readyz", "/metrics"):
            self.assertEqual(admin_client.get(server, path)[0], 200)
        self.assertEqual(server.lines("reloaded"), [])
        self.names.answer("127.0.0.1")
        server.wait_for("reloaded")

    def test_term_ends_it(self):
        server = self.named_server(LITERAL)
        self.rewrite(server, NAMED)
        self.names.wait_for("echo.internal")
        self.assertEqual(server.stop(AT_ONCE_S), 0)

    def test_the_outcome_is_that_of_the_own_signal(self):
        server = self.server(LITERAL, prefix=self.prefix,
                             env=support.environment(RUNTIME_DIRECTORY="{dir}"))
        self.rewrite(server, NAMED)
        self.names.wait_for("echo.internal")
        self.names.wait_for("echo.internal")  # A and AAAA
        with subprocess.Popen([RELOAD], env=support.environment(
                RUNTIME_DIRECTORY=str(server.folder), MAINPID=str(server.process.pid))) as waiting:
            self.names.wait_for("echo.internal")  # again, for the second signal
            self.assertEqual((server.folder / "reload").read_text(), "2 reading\n")
            self.assertIsNone(waiting.poll())
            self.names.answer("127.0.0.1")
            self.assertEqual(waiting.wait(support.DEADLINE_S), 0)
        self.assertEqual((server.folder / "reload").read_text(), "2 reloaded\n")

    def test_another_hup_starts_the_look_up_again(self):
        server = self.named_server(LITERAL)
        self.rewrite(server, NAMED)
        self.names.wait_for("echo.internal")
        self.rewrite(server, LITERAL + "limits: { connections: 7 }\n")
        server.wait_for("reloaded", timeout=AT_ONCE_S)
        self.assertEqual(server.lines("reload_refused"), [])

    def test_a_watched_file_needs_no_name(self):
        self.names.answer("127.0.0.1")
        pair = {name: (support.pki() / f"server-ecdsa{suffix}").read_bytes()
                for name, suffix in (("a.pem", ".pem"), ("a.key", ".key"))}
        server = self.named_server(
            "listeners: [ { listen: 'tls://echo.internal:0', name: main } ]\n"
            "tls: { default: { certificates: [ { certificate: a.pem, key: a.key } ] } }\n",
            files=pair)
        self.names.wait_for("echo.internal")
        self.names.wait_for("echo.internal")  # A and AAAA
        self.names.be_silent()
        before = server.address("main")
        shutil.copy(support.pki() / "server-ecdsa.pem", server.folder / "new")
        os.replace(server.folder / "new", server.folder / "a.pem")
        server.wait_for("reloaded", timeout=AT_ONCE_S)
        self.assertFalse(self.names.was_queried())
        self.assertEqual(server.address("main"), before)

    def test_a_failed_look_up_is_repeated(self):
        server = self.named_server(LITERAL)
        self.names.answer(code=nameserver.SERVFAIL)
        self.rewrite(server, NAMED)
        refused = server.wait_for("reload_refused")
        self.assertIn("Temporary failure in name resolution", refused["reason"])
        self.assertEqual(refused["retry_in"], "1.000000")
        self.assertEqual(server.wait_for("reload_refused")["retry_in"], "2.000000")
        self.names.answer("127.0.0.1")
        server.wait_for("reloaded")

    def test_a_name_that_does_not_exist_is_not_asked_for_again(self):
        server = self.named_server(LITERAL)
        self.names.answer(code=nameserver.NXDOMAIN)
        self.rewrite(server, NAMED)
        self.assertNotIn("retry_in", server.wait_for("reload_refused"))


if __name__ == "__main__":
    unittest.main()
