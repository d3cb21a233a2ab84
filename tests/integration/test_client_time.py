# SPDX-License-Identifier: MIT
"""Time-outs and signals of tlsecho-client: one deadline for look-up, TCP and TLS; a signal takes effect
at any time."""

import contextlib
import fcntl
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import loads
import proc
import stub_server
import support
from stub_server import StubServer, server_context

ANSWER_S = 0.1          # from a signal to the exit
BUSY_S = 1.0            # what a busy machine may add, beside the time without a CPU
NAME_SERVER_S = 30      # what the C library waits for each of them, resolv.conf(5)
SIGNALS = (signal.SIGINT, signal.SIGTERM)
F_SETPIPE_SZ = 1031
MODES = {
    "ping": ("--ping",),
    "check": ("--check",),
    "report": ("--report",),
    "bench": ("--bench",),
    "handshakes": ("--bench", "--handshakes"),
    "show-certs": ("--show-certs",),
}


@contextlib.contextmanager
def dead_name_servers():
    """A command prefix that gives a program two name servers that never answer."""
    with tempfile.TemporaryDirectory() as folder:
        resolv = pathlib.Path(folder, "resolv.conf")
        resolv.write_text("nameserver 10.9.0.98\nnameserver 10.9.0.99\n"
                          f"options timeout:{NAME_SERVER_S}\n")
        switch = pathlib.Path(folder, "nsswitch.conf")
        switch.write_text("hosts: files dns\n")
        script = (f"mount --make-rprivate / && mount --bind {resolv} /etc/resolv.conf && "
                  f"mount --bind {switch} /etc/nsswitch.conf && ip link set lo up && "
                  "ip link add v0 type veth peer name v1 && ip link set v1 up && ip addr add 10.9.0.1/24 dev v0 && "
                  "ip link set v0 up && for i in 98 99; do ip neigh add 10.9.0.$i lladdr "
                  "02:00:00:00:00:$i dev v0 nud permanent || exit 1; done && exec \"$@\"")
        yield ["unshare", "-nm", "sh", "-c", script, "sh"]


def without_cpu_s(process="self"):
    """How long its main thread was ready to run, and had no CPU; 0 where the kernel does not tell."""
    try:
        return int(pathlib.Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0


class Client:
    """A running client; measures the time from a signal to its exit."""

    def __init__(self, *args, prefix=(), **where):
        where = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                 **where}
        self.process = subprocess.Popen(
            [*prefix, support.program("TLSECHO_CLIENT"), *map(str, args)],
            env=support.environment(), **where)

    def end_by(self, number):
        """(seconds until it has ended, status, standard output, standard error)"""
        pid, wait = self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG
        began = self.clock()
        self.process.send_signal(number)
        proc.wait_until(lambda: os.waitid(os.P_PID, pid, wait), "it does not end")
        seconds = self.clock() - began
        out, err = self.process.communicate(timeout=support.DEADLINE_S)
        return seconds, self.process.returncode, out or b"", (err or b"").decode()

    def clock(self):
        """Without what it and this test waited for a CPU. Of a process that has ended too, until it is waited for."""
        return time.monotonic() - without_cpu_s() - without_cpu_s(self.process.pid)

    def wait_for_wait(self, where):
        """Waits until it sleeps in a kernel function with such a name."""
        wchan = pathlib.Path(f"/proc/{self.process.pid}/wchan")
        if not os.access(wchan, os.R_OK):
            self.process.kill()
            self.process.communicate()
            raise unittest.SkipTest("needs /proc/PID/wchan")
        proc.wait_until(lambda: where in wchan.read_text(), f"it never waits in {where}")


class TimeCase(support.TestCase):
    def answered(self, ended, status=None):
        seconds, got, out, err = ended
        self.assertLess(seconds, ANSWER_S + BUSY_S, err)
        if status is not None:
            self.assertEqual(got, status, (out, err))
        return out, err

    def interrupted(self, ended, status, on_stderr=False):
        """The JSON object of an interrupted run."""
        out, err = self.answered(ended, status)
        summary = support.described((err if on_stderr else out.decode()).splitlines()[-1])
        self.assertTrue(summary["interrupted"])
        self.assertEqual(summary["exit"], status)
        return summary


def can_unshare():
    done = subprocess.run(["unshare", "-nm", "true"], capture_output=True, check=False)
    return done.returncode == 0


@unittest.skipUnless(can_unshare(), "needs root: a network namespace cannot be made")
class LookUp(TimeCase):
    NAME = "tls://nosuch.example.test"

    def setUp(self):
        super().setUp()
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.prefix = stack.enter_context(dead_name_servers())

    def test_the_connect_time_out_includes_the_look_up(self):
        for mode, args in {**MODES, "pipe": (), "nagios": ("--check", "--nagios")}.items():
            with self.subTest(mode=mode):
                began = time.monotonic()
                done = support.run(*self.prefix, support.program("TLSECHO_CLIENT"), *args,
                                   "--connect-timeout", "300ms", self.NAME)
                self.assertLess(time.monotonic() - began, NAME_SERVER_S)
                self.assertEqual(done.status, 2 if mode == "nagios" else 3, done)

    def test_the_deadline_of_a_ping_includes_the_look_up(self):
        began = time.monotonic()
        done = support.run(*self.prefix, support.program("TLSECHO_CLIENT"), "--ping", "--json",
                           "-w", "300ms", self.NAME)
        self.assertLess(time.monotonic() - began, NAME_SERVER_S)
        self.assertEqual(done.status, 3)
        self.assertEqual(done.summary()["error"]["phase"], "dns")
        self.assertEqual(done.summary()["probes"]["sent"], 0)

    def test_a_signal_ends_the_look_up(self):
        for mode, args in MODES.items():
            for number in SIGNALS:
                with self.subTest(mode=mode, signal=number.name):
                    client = Client(*args, "--json", self.NAME, prefix=self.prefix)
                    client.wait_for_wait("poll")
                    on_stderr = mode == "show-certs"
                    summary = self.interrupted(client.end_by(number), 3, on_stderr)
                    self.assertEqual(summary["error"]["phase"], "dns")


class Signals(TimeCase):
    def test_in_a_handshake(self):
        """The client waits for bytes that never arrive."""
        for mode, args in MODES.items():
            for number in SIGNALS:
                with self.subTest(mode=mode, signal=number.name):
                    came = threading.Event()
                    with StubServer(lambda c: (came.set(), stub_server.discard(c))) as stub:
                        client = Client(*args, "--json", f"tls://127.0.0.1:{stub.port}")
                        self.assertTrue(came.wait(support.DEADLINE_S))
                        summary = self.interrupted(client.end_by(number), 6, mode == "show-certs")
                        self.assertEqual(summary["error"]["phase"], "handshake")

    def test_in_a_full_backlog_of_a_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as full:
            path = os.path.join(folder, "full.sock")
            full.bind(path)
            full.listen(0)
            with socket.socket(socket.AF_UNIX) as first:
                first.connect(path)
                client = Client("--ping", "--json", f"unix://{path}")
                client.wait_for_wait("poll")
                summary = self.interrupted(client.end_by(signal.SIGINT), 6)
                self.assertEqual(summary["error"]["phase"], "connect")

    def test_while_an_echo_or_a_report_is_awaited(self):
        for mode, args in (("check", ("--check",)), ("report", ("--report",)),
                           ("ping", ("--ping",)), ("bench", ("--bench", "-t", "0"))):
            for number in SIGNALS:
                with self.subTest(mode=mode, signal=number.name):
                    came = threading.Event()

                    def silent(connection):
                        came.set()
                        stub_server.discard(connection)

                    with StubServer(silent, server_context()) as stub:
                        client = Client(*args, "--json", *loads.CA, stub.endpoint())
                        self.assertTrue(came.wait(support.DEADLINE_S))
                        self.interrupted(client.end_by(number), 6)

    def test_during_omit_and_ramp_nothing_has_been_measured(self):
        server = self.server(loads.CONFIG)
        for args in (("--omit", "30"), ("--ramp", "30", "-P10", "--rate", "100")):
            for number in SIGNALS:
                with self.subTest(args=args, signal=number.name):
                    client = Client("--bench", "--json", "-t30", *args, server.endpoint("tcp"))
                    proc.wait_until(lambda: any(to[1] == server.address("tcp")[1] and is_now.inode
                                                for (_, to), is_now in proc.connections().items()),
                                    "no connection")  # one with an inode is not of a client before
                    summary = self.interrupted(client.end_by(number), 6)
                    self.assertIn("before anything was measured", summary["error"]["message"])

    def test_an_interrupted_load_or_ping_prints_what_it_has_measured(self):
        server = self.server(loads.CONFIG)
        for mode, args in (("bench", ("--bench", "-t0")), ("ping", ("--ping", "-i10ms"))):
            for number in SIGNALS:
                with self.subTest(mode=mode, signal=number.name):
                    client = Client(*args, "--json", "-v", *loads.CA, server.endpoint("tls"),
                                    stderr=subprocess.DEVNULL)
                    client.process.stdout.readline()
                    client.process.stdout.readline()
                    self.interrupted(client.end_by(number), 0)

    def test_a_load_of_which_no_message_is_back_has_measured_nothing(self):
        some = threading.Event()

        def part(connection):
            connection.sendall(connection.recv(4096))
            some.set()
            stub_server.discard(connection)

        with StubServer(part) as stub:
            client = Client("--bench", "--json", "-t0", "-s1MiB", stub.endpoint())
            self.assertTrue(some.wait(support.DEADLINE_S))
            self.interrupted(client.end_by(signal.SIGINT), 6)

    def test_an_interrupted_check_that_sends_nothing_is_marked(self):
        for args in ((), ("--nagios",)):
            ended, leave = threading.Event(), threading.Event()

            def stay(connection, ended=ended, leave=leave):
                stub_server.discard(connection)
                ended.set()
                leave.wait(support.DEADLINE_S)

            with self.subTest(args), StubServer(stay) as stub:
                client = Client("--check", "--expect=none", *args, stub.endpoint())
                self.assertTrue(ended.wait(support.DEADLINE_S))
                out, _ = self.answered(client.end_by(signal.SIGINT), 0)
                leave.set()
                self.assertIn(b", interrupted", out)

    def test_a_pipe_is_ended_by_the_signal(self):
        for number in SIGNALS:
            with StubServer(stub_server.discard) as stub:
                client = Client(stub.endpoint(), stdin=subprocess.PIPE)
                client.wait_for_wait("poll")
                self.answered(client.end_by(number), -number)


class Blocked(TimeCase):
    """After a signal the client does not wait for another process."""

    def test_an_output_that_is_not_read(self):
        server = self.server(loads.CONFIG)
        for args in ("--ping", "-i0"), ("--ping", "-i0", "-v", "--json"), \
                ("--bench", "-t60", "-v"), ("--bench", "-t60", "-v", "--json"):
            reader, writer = os.pipe()
            fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
            if "--bench" in args:  # which prints a line each second
                os.write(writer, bytes(4096))
            with self.subTest(args):
                client = Client(*args, server.endpoint("tcp"), stdout=writer)
                client.wait_for_wait("pipe")
                _, err = self.answered(client.end_by(signal.SIGTERM), 15)
                self.assertIn("write standard output: interrupted, and nothing reads it", err)
            os.close(reader)
            os.close(writer)

    def test_a_standard_error_that_is_not_read(self):
        server = self.server(loads.CONFIG)
        reader, writer = os.pipe()
        fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
        os.write(writer, bytes(4096))
        client = Client("-v", "--check", *loads.CA, server.endpoint("tls"), stderr=writer)
        client.wait_for_wait("pipe")
        self.answered(client.end_by(signal.SIGTERM))
        os.close(reader)
        os.close(writer)

    def test_an_option_file_that_never_ends(self):
        reader, writer = os.pipe()
        client = Client("--check", "--json", "--cacert", f"/proc/self/fd/{reader}",
                        "tls://127.0.0.1:1", pass_fds=(reader,))
        client.wait_for_wait("pipe")
        self.interrupted(client.end_by(signal.SIGINT), 6)
        os.close(reader)
        os.close(writer)


if __name__ == "__main__":
    unittest.main()
