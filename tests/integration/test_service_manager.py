# SPDX-License-Identifier: MIT
"""Notifications to a service manager: sd_notify(3)."""

import contextlib
import ctypes
import os
import pathlib
import select
import signal
import socket
import time
import unittest

import support

PLAIN = "listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\nworkers: 2\n"
WATCHDOG_US = 200_000
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WAIT_FOR_THREADS = 0x40000000  # __WALL


class Manager:
    """Listens on NOTIFY_SOCKET, at an abstract address."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("")  # the kernel chooses a name
        self._socket.settimeout(support.DEADLINE_S)
        self.environment = {"NOTIFY_SOCKET": "@" + self._socket.getsockname()[1:].decode()}

    def next(self):
        """Returns the next message as a dict."""
        message = self._socket.recv(4096).decode()
        return dict(line.split("=", 1) for line in message.split("\n"))

    def wait_for(self, state):
        while state not in (message := self.next()):
            pass
        return message

    def forget(self):
        """Discards the messages so far."""
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(4096):
                pass
        self._socket.settimeout(support.DEADLINE_S)

    def has_said_nothing(self):
        return not select.select([self._socket], [], [], 0)[0]

    def close(self):
        self._socket.close()


@contextlib.contextmanager
def standing_still(tid):
    """Stops one thread of another process within the block: ptrace(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        if libc.ptrace(request, tid, 0, 0) < 0:
            raise unittest.SkipTest("this system does not allow ptrace(2)")
    os.waitpid(tid, WAIT_FOR_THREADS)
    try:
        yield
    finally:
        libc.ptrace(PTRACE_DETACH, tid, 0, 0)


class Notifications(support.TestCase):
    def managed(self, config=PLAIN, **variables):
        manager = Manager()
        self.addCleanup(manager.close)
        environment = support.environment(**manager.environment, **variables)
        return self.server(config, env=environment), manager

    def test_notifies_of_start_reload_and_stop(self):
        server, manager = self.managed()
        self.assertEqual(manager.next(),
                         {"READY": "1", "STATUS": "Serving: 1 addresses, 2 workers"})
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        server.signal(signal.SIGHUP)
        reloading = manager.next()
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.assertEqual(reloading["RELOADING"], "1")
        self.assertLessEqual(before, int(reloading["MONOTONIC_USEC"]))
        self.assertLessEqual(int(reloading["MONOTONIC_USEC"]), after)
        self.assertEqual(manager.next()["READY"], "1")
        server.signal(signal.SIGTERM)
        self.assertEqual(manager.next(), {"STOPPING": "1", "STATUS": "Draining",
                                          "EXTEND_TIMEOUT_USEC": "40000000"})
        self.assertEqual(server.wait(), 0)

    def test_asks_for_the_time_that_stopping_may_take(self):
        for timeouts, asked in (("lame_duck: 20s, drain: 1m, linger: 3s", "88000000"),
                                ("lame_duck: 20s, drain: 1m, linger: 0", "145000000"),
                                ("drain: 0", None)):
            with self.subTest(timeouts):
                server, manager = self.managed(PLAIN + f"timeouts: {{ {timeouts} }}\n")
                server.signal(signal.SIGTERM)
                self.assertEqual(manager.wait_for("STOPPING").get("EXTEND_TIMEOUT_USEC"), asked)
                server.signal(signal.SIGTERM)
                self.assertEqual(server.wait(), 0)

    def test_a_refused_reload_is_reported_with_the_reason(self):
        server, manager = self.managed()
        manager.wait_for("READY")
        (server.folder / "server.yaml").write_text("nonsense: 1\n")
        server.signal(signal.SIGHUP)
        manager.wait_for("RELOADING")
        refused = manager.next()
        self.assertEqual(refused["READY"], "1")
        self.assertIn("nonsense", refused["STATUS"])

    def test_what_keeps_it_from_serving_is_its_status(self):
        with socket.create_server(("127.0.0.1", 0)) as holder:
            manager = Manager()
            self.addCleanup(manager.close)
            taken = "127.0.0.1:%d" % holder.getsockname()[1]
            server = self.server(f"listeners: [ {{ listen: 'tcp://{taken}' }} ]", ready=False,
                                 env=support.environment(**manager.environment))
            told = manager.next()
            self.assertEqual(told["STOPPING"], "1")
            self.assertRegex(told["STATUS"], f"{taken}: Address already in use")
            self.assertEqual(server.wait(), 1)

    def test_the_server_starts_without_a_service_manager(self):
        server = self.server(PLAIN, env=support.environment(NOTIFY_SOCKET="/nonexistent/notify"))
        self.assertIn("/nonexistent/notify", server.wait_for("notify_failed")["reason"])

    def test_the_watchdog_is_fed_at_half_its_time(self):
        _, manager = self.managed(WATCHDOG_USEC=str(WATCHDOG_US))
        manager.wait_for("WATCHDOG")
        begin = time.monotonic()
        for _ in range(4):
            manager.wait_for("WATCHDOG")
        self.assertGreater(time.monotonic() - begin, 4 * WATCHDOG_US / 2e6 - 0.05)

    def test_the_watchdog_is_not_fed_while_a_thread_hangs(self):
        server, manager = self.managed(WATCHDOG_USEC=str(WATCHDOG_US))
        for _ in range(2):  # by the second message each thread has run, and has set its name
            manager.wait_for("WATCHDOG")
        tasks = pathlib.Path(f"/proc/{server.process.pid}/task")
        names = {task.name: (task / "comm").read_text().strip() for task in tasks.iterdir()}
        worker = next(int(tid) for tid, name in names.items() if name == "worker")
        with standing_still(worker):
            withheld = server.wait_for("watchdog_withheld")
            self.assertRegex(withheld["thread"], "^worker [1-9]")
            self.assertRegex(withheld["reason"], "^worker [1-9][0-9]* has not responded for ")
            manager.forget()
            server.wait_for("watchdog_withheld")
            server.wait_for("watchdog_withheld")
            self.assertTrue(manager.has_said_nothing())
        manager.wait_for("WATCHDOG")

    def test_the_watchdog_is_fed_while_connections_drain(self):
        server, manager = self.managed(WATCHDOG_USEC=str(WATCHDOG_US))
        with socket.create_connection(server.address("tcp")):  # which does not close its side
            server.signal(signal.SIGTERM)
            manager.wait_for("STOPPING")
            for _ in range(3):
                manager.wait_for("WATCHDOG")
        self.assertEqual(server.wait(), 0)


class Outcome(support.TestCase):
    """The outcome for which `systemctl reload` waits."""

    RELOAD = support.REPOSITORY / "packaging" / "systemd" / "reload"

    def setUp(self):
        self.echo = self.server(PLAIN, env=support.environment(RUNTIME_DIRECTORY="{dir}:/other"))

    def outcome(self):
        return (self.echo.folder / "reload").read_text()

    def reload(self, pid=None):
        """Runs ExecReload= as systemd does."""
        return support.run(self.RELOAD, env=support.environment(
            RUNTIME_DIRECTORY=f"{self.echo.folder}:/other", MAINPID=str(pid or self.echo.process.pid)))

    def test_each_hup_has_a_number_and_an_outcome(self):
        self.assertEqual(self.outcome(), "0 reloaded\n")
        for number in ("1", "2"):
            self.assertEqual(self.reload(), (0, b"", ""))
            self.assertEqual(self.outcome(), f"{number} reloaded\n")
        self.assertEqual(self.echo.stop(), 0)
        self.assertFalse((self.echo.folder / "reload").exists())

    def test_a_refused_reload_fails_with_the_reason(self):
        before = (self.echo.folder / "server.yaml").read_text()
        for wrong, reason in (("workers: many\n", "server.yaml:1:10: workers: "),
                              ("listeners: [ { listen: 'unix:///nowhere/x' } ]\n",
                               "its folder does not exist")):
            (self.echo.folder / "server.yaml").write_text(wrong)
            done = self.reload()
            self.assertEqual(done.status, 1)
            self.assertIn("the reload was refused, the running configuration is unchanged: ", done.stderr)
            self.assertIn(reason, done.stderr)
        self.assertRegex(self.outcome(), "^2 refused server.yaml:1:[0-9]*: listen: ")
        (self.echo.folder / "server.yaml").write_text(before)
        self.assertEqual(self.reload().status, 0)

    def test_a_server_that_is_not_there_fails_it(self):
        self.assertEqual(self.echo.stop(), 0)
        self.assertEqual(self.reload().status, 1)

    def test_a_server_that_is_stopping_refuses_it(self):
        self.echo.stop()
        self.echo = self.server(PLAIN + "timeouts: { lame_duck: 1h }\n",
                                env=support.environment(RUNTIME_DIRECTORY="{dir}:/other"))
        self.echo.signal(signal.SIGTERM)
        self.echo.wait_for("lame_duck")
        done = self.reload()
        self.assertEqual(done.status, 1)
        self.assertIn("the server is stopping", done.stderr)
        self.assertEqual(self.outcome(), "1 refused the server is stopping\n")
        self.assertEqual(self.echo.wait_for("reload_refused")["reason"], "the server is stopping")
        self.assertEqual(self.echo.stop(), 0)

    def test_an_outcome_that_cannot_be_written_is_logged_and_the_server_goes_on(self):
        self.echo.stop()
        server = self.server(PLAIN, env=support.environment(RUNTIME_DIRECTORY="{dir}/nowhere"))
        self.assertIn("No such file", server.wait_for("reload_status_not_written")["reason"])
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")


if __name__ == "__main__":
    unittest.main()
