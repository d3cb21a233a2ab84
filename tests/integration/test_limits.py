# SPDX-License-Identifier: MIT
"""Limits of addresses, numbers and rates of connections, and of log lines during a flood."""

import contextlib
import os
import pathlib
import resource
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import admin_client
import certificates
import peers
import proc
import support

PLAIN = "listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n"
DESCRIPTORS, MANY = 64, 500
HALF_HELLO = 16000       # the first bytes of a ClientHello
PAUSE_S = 0.1            # how long the acceptor pauses without descriptors
FEW, BURST = 10, 100     # lines of connections that ended before they were served
HOSTILE = b'\x1b[31m\n"x='  # an escape sequence, a line feed, a quote: as long as "localhost"


def connect(address, source=None):
    """peers.connect() from a given address."""
    sock = socket.socket()
    sock.settimeout(support.DEADLINE_S)
    if source:
        sock.bind((source, 0))
    sock.connect(address)
    return sock


def is_served(sock):
    """Whether a byte is echoed; otherwise the connection has ended."""
    try:
        sock.sendall(b"x")
        return sock.recv(1) == b"x"
    except ConnectionError:
        return False


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(process):
    pages = pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def gives_memory_back():
    return ("CS_GNU_LIBC_VERSION" in os.confstr_names and os.confstr("CS_GNU_LIBC_VERSION")
            and not support.has_sanitizer("TLSECHO_SERVER"))


class Limits(support.TestCase):
    def setUp(self):
        self._sockets = contextlib.ExitStack()

    def server(self, *args, **options):
        server = super().server(*args, **options)
        self.addCleanup(self._sockets.close)  # or the server cannot stop in order
        return server

    def connect(self, server, which="tcp", source=None):
        return self._sockets.enter_context(connect(server.address(which), source))

    def assert_served(self, server, **options):
        sock = self.connect(server, **options)
        self.assertTrue(is_served(sock))
        return sock

    def assert_not_served(self, server, **options):
        self.assertFalse(is_served(self.connect(server, **options)))

    def assert_refused(self, server, cause, **options):
        """A second refusal for the same cause is logged a second later."""
        self.assert_not_served(server, **options)
        return server.wait_for("connections_refused", cause=cause)

    def assert_served_soon(self, server, **options):
        """A closed connection is counted for a moment after its log line."""
        until = time.monotonic() + support.DEADLINE_S
        while not is_served(self.connect(server, **options)):
            self.assertLess(time.monotonic(), until)

    def reload(self, server, old, new):
        file = server.folder / "server.yaml"
        file.write_text(file.read_text().replace(old, new))
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")


class WhoMayCome(Limits):
    def test_deny_before_allow_by_address(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0',"
                             " allow: [ 127.0.0.0/29, '::1' ], deny: [ 127.0.0.2 ] } ]")
        self.assert_served(server, source="127.0.0.1")
        line = self.assert_refused(server, "deny", source="127.0.0.2")
        self.assertEqual((line["count"], line["level"]), ("1", "warning"))
        self.assertTrue(line["last_source"].startswith("127.0.0.2:"))
        self.assertEqual(line["last_listener"], "tcp://127.0.0.1:0")
        self.assert_refused(server, "allow", source="127.0.0.8")
        self.assert_served(server, source="127.0.0.7")

        self.reload(server, "deny: [ 127.0.0.2 ]", "deny: [ 127.0.0.1 ]")
        self.assert_served(server, source="127.0.0.2")
        self.assert_not_served(server, source="127.0.0.1")

    def test_each_listener_has_lists_of_its_own(self):
        server = self.server("listeners:\n"
                             "  - { listen: 'tcp://127.0.0.1:0', name: one, deny: [0.0.0.0/0] }\n"
                             "  - { listen: 'unix://{dir}/socket', deny: [0.0.0.0/0, '::/0'] }\n")
        self.assert_refused(server, "deny", which="one")
        with peers.Plain(server.address("unix")) as peer:
            self.assertEqual(peer.exchange(b"x"), b"x")


class HowMany(Limits):
    def test_per_source(self):
        server = self.server(PLAIN + "limits: { per_source: 2 }")
        first, second = self.assert_served(server), self.assert_served(server)
        self.assert_refused(server, "per_source")
        self.assert_served(server, source="127.0.0.2")
        self.assertTrue(is_served(second))

        first.close()
        server.wait_for("connection")
        self.assert_served_soon(server)
        self.assert_not_served(server)
        self.reload(server, "per_source: 2", "per_source: 3")
        self.assert_served(server)
        self.assert_not_served(server)

    def test_handshakes(self):
        server = self.server(support.EVERYTHING +
                             "workers: 1\nlimits: { handshakes: 2 }\ntimeouts: { handshake: 30s }")
        silent = [self.connect(server, "tls") for _ in range(5)]
        begun = []
        for n in range(5):
            begun.append(self.connect(server, "tls"))
            begun[n].sendall(b"\x16\x03\x01\x02\x00\x01")
            if n >= 2:
                self.assertEqual(begun[n - 2].recv(1), b"")
                server.wait_for("connection", end="handshake_limit")
        for _ in range(3):
            peer = self._sockets.enter_context(peers.Tls(server.address("tls")))
            peer.send(b"x")
            self.assertEqual(peer.receive(1), b"x")
            self.assert_served(server)
        for sock in silent:
            sock.setblocking(False)
            with self.assertRaises(BlockingIOError):
                sock.recv(1)

    @unittest.skipUnless(gives_memory_back(), "needs glibc's allocator, without a sanitizer")
    def test_the_memory_of_a_wave_is_given_back(self):
        server = self.server("listeners: [ { listen: 'tls://127.0.0.1:0', name: main } ]\n"
                             "workers: 1\nlog: { connections: off }\n"
                             "timeouts: { handshake: 5m }\n")
        before = resident_bytes(server.process)
        hello = b"\x16\x03\x01\x40\x00\x01\x00\x40\x00"
        wave = [self.connect(server, "main") for _ in range(MANY)]
        for sock in wave:
            sock.sendall(hello + bytes(HALF_HELLO - len(hello)))
        grown = before + MANY * HALF_HELLO
        proc.wait_until(lambda: resident_bytes(server.process) > grown, "it holds no hellos")
        peak = resident_bytes(server.process)
        for sock in wave[:-1]:  # the last one is above all others in the heap
            sock.close()
        proc.wait_until(lambda: resident_bytes(server.process) < before + (peak - before) / 2,
                        "it keeps the memory of those that have left")

    def test_accept_rate(self):
        server = self.server(PLAIN + "limits: { accept_rate: 20 }")
        start = time.monotonic()
        served = sum(is_served(self.connect(server)) for _ in range(60))
        passed = time.monotonic() - start
        self.assertGreaterEqual(served, 20)
        self.assertLessEqual(served, 20 + 20 * passed + 1)
        self.assertTrue(server.lines("connections_refused", cause="accept_rate") or
                        server.wait_for("connections_refused", cause="accept_rate"))
        self.assert_served_soon(server)

    def test_refusals_are_logged_once_a_second_and_all_are_counted(self):
        refused = 300
        server = self.server(PLAIN + "limits: { connections: 1 }")
        self.assert_served(server)
        start = time.monotonic()
        for _ in range(refused):
            self.assertFalse(is_served(self.connect(server)))
        passed = time.monotonic() - start
        self._sockets.close()
        server.stop()
        lines = server.lines("connections_refused", cause="connections")
        self.assertEqual(sum(int(line["count"]) for line in lines), refused)
        self.assertLessEqual(len(lines), 2 + passed)


class OutOfDescriptors(Limits):
    def test_refused_clients_cost_no_cpu_and_a_client_is_served_once_one_has_left(self):
        server = self.server(PLAIN + "log: { connections: off }")
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        before, start = cpu_seconds(server.process), time.monotonic()
        crowd = [self.connect(server) for _ in range(MANY)]
        served = [sock for sock in crowd if is_served(sock)]
        self.assertGreater(len(served), 20)
        self.assertLess(len(served), DESCRIPTORS)
        self.assertTrue(all(is_served(sock) for sock in served))
        passed = time.monotonic() - start
        self.assertLess(cpu_seconds(server.process) - before, max(passed, 10 * PAUSE_S) / 10)
        line = server.wait_for("connections_refused", cause="descriptors")
        self.assertEqual(line["reason"], "the remaining descriptors are reserved for the admin address and reloads")

        served[0].close()
        start = time.monotonic()
        while not is_served(self.connect(server)):
            self.assertLess(time.monotonic() - start, 1)

    def test_the_admin_address_and_reloads_still_work(self):
        pair = {name: (support.pki() / f"server-ecdsa{suffix}").read_bytes()
                for name, suffix in (("a.pem", ".pem"), ("a.key", ".key"))}
        server = self.server("listeners: [ { listen: 'tls://127.0.0.1:0', name: main } ]\n"
                             "tls: { default: { certificates: [ { certificate: a.pem, key: a.key } ]"
                             " } }\nadmin: { listen: 'tcp://127.0.0.1:0' }\n"
                             "log: { connections: off }\ntimeouts: { handshake: 5m }\n",
                             files=pair,
                             prefix=["prlimit", f"--nofile={DESCRIPTORS}"])
        for _ in range(MANY):
            self.connect(server, "main")
        server.wait_for("connections_refused", cause="descriptors")
        for path in ("/healthz", "/readyz", "/metrics") * 3:
            self.assertEqual(admin_client.get(server, path)[0], 200)
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        os.utime(server.folder / "a.pem")
        server.wait_for("reloaded")
        self.assertEqual(server.lines("reload_refused"), [])

    def test_too_low_a_limit_is_logged_at_the_start_and_at_a_reload(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        server = self.server(PLAIN + "limits: { connections: 10 }")
        soft = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[0]
        self.assertEqual(soft, hard)
        self.assertEqual(server.lines("descriptor_limit_low"), [])
        self.reload(server, "connections: 10", "connections: 10000000")
        if hard < 10000000:
            self.assertIn("LimitNOFILE=", server.wait_for("descriptor_limit_low")["reason"])


class Flooded(Limits):
    def test_failed_handshakes_are_summed_up_and_served_connections_are_logged(self):
        flood = 400
        server = self.server(support.EVERYTHING)
        start = time.monotonic()
        for _ in range(flood):
            with connect(server.address("tls")) as sock:
                sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                sock.recv(7)  # the alert
        with peers.Tls(server.address("tls")) as peer:
            self.assertEqual(peer.exchange(b"x"), b"x")
            name = peer.name
        server.wait_for("connection", source=name, end="closed")
        left_out, lines = 0, 0
        while left_out + len(server.lines("connection", end="handshake_failed")) < flood:
            left_out += int(server.wait_for("connections_not_logged")["count"])
            lines += 1
        passed = time.monotonic() - start
        self.assertLessEqual(flood - left_out, BURST + FEW * (passed + 1))
        self.assertLessEqual(lines, 2 + passed)

    def test_a_log_that_is_not_read_does_not_block_the_server(self):
        with tempfile.TemporaryDirectory(prefix="tlsecho-") as folder:
            path = os.path.join(folder, "socket")
            (pathlib.Path(folder) / "server.yaml").write_text(
                f"listeners: [ {{ listen: 'unix://{path}' }} ]\n")
            with subprocess.Popen(
                    [support.program("TLSECHO_SERVER"), "-c", "server.yaml"], cwd=folder,
                    env=support.environment(), stdin=subprocess.DEVNULL,
                    stderr=subprocess.PIPE) as server:
                self.addCleanup(server.kill)
                while b"event=ready" not in server.stderr.readline():
                    pass
                for _ in range(4000):  # more lines than the pipe and the queue hold
                    with peers.connect(path) as sock:
                        self.assertTrue(is_served(sock))
                reader = threading.Thread(target=server.stderr.read, daemon=True)
                server.terminate()
                reader.start()
                self.assertEqual(server.wait(support.DEADLINE_S), 0)


class Hostile(Limits):
    """Text from a peer neither starts a log line nor reaches a terminal unescaped."""

    def assert_harmless(self, server):
        log = server.log()
        self.assertNotIn("\x1b", log)
        self.assertFalse([line for line in log.splitlines() if "event=" not in line])

    def test_the_name_that_it_asks_for(self):
        server = self.server(support.EVERYTHING)
        hello = peers.client_hello(peers.context())
        self.assertEqual(hello.count(b"localhost"), 1)
        with peers.Plain(server.address("tls")) as peer:
            peer.exchange(hello.replace(b"localhost", HOSTILE))
            line = server.wait_for("connection", source=peer.name)
        self.assertEqual(line["sni"], HOSTILE.decode())
        self.assert_harmless(server)

    def test_the_subject_of_its_certificate(self):
        with certificates.folder() as work:
            (work / "cnf").write_bytes(
                b"[req]\nprompt = no\nstring_mask = utf8only\ndistinguished_name = dn\n[dn]\n"
                b'CN = "\x1b[31m\\n\\"x=\xc2\x9b31m"\n')
            certificates.openssl("req", "-new", "-x509", "-utf8", "-config", work / "cnf", "-nodes",
                            "-newkey", "rsa:2048", "-keyout", work / "key", "-out", work / "pem")
            server = self.server(support.LISTENERS + support.PROFILE.rstrip() +
                                 "\n    client_auth: optional\n    client_ca: '{dir}/ca.pem'\n",
                                 files={"ca.pem": (work / "pem").read_bytes()})
            ctx = peers.trusting(support.pki() / "ca.pem")
            ctx.load_cert_chain(work / "pem", work / "key")
        with peers.Tls(server.address("tls"), ctx=ctx) as peer:
            self.assertEqual(peer.exchange(b"x"), b"x")
            line = server.wait_for("connection", source=peer.name)
        self.assertTrue(line["client"].startswith("CN="))
        self.assertNotIn("\x9b", server.log())
        self.assert_harmless(server)


if __name__ == "__main__":
    unittest.main()
