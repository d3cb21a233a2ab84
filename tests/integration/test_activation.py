# SPDX-License-Identifier: MIT
"""Socket activation, sd_listen_fds(3): the service manager binds, the server accepts."""

import os
import shutil
import signal
import socket
import sys
import tempfile
import unittest

import admin_client
import dtls
import support

# Passes descriptors as a service manager does: from 3 on, with LISTEN_PID.
HAND_OVER = """
import os, sys
fds, rest = sys.argv[1].split(","), sys.argv[2:]
copies = [os.dup(int(fd)) for fd in fds]
for number, copy in enumerate(copies, 3):
    os.dup2(copy, number)
    os.set_inheritable(number, True)
for copy in copies:
    if copy >= 3 + len(fds):
        os.close(copy)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(rest[0], rest)
"""


def echoes(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(support.DEADLINE_S)
        client.connect(address)
        client.sendall(b"x")
        return client.recv(1) == b"x"


class Activation(support.TestCase):
    def socket(self, address=("127.0.0.1", 0), kind=socket.SOCK_STREAM, listen=True):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        made = socket.socket(family, kind)
        self.addCleanup(made.close)
        made.bind(address)
        if listen:
            made.listen()
        return made

    def path(self, name):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-activation-")
        self.addCleanup(folder.cleanup)
        return os.path.join(folder.name, name)

    def activated(self, config, sockets, ready=True, **variables):
        fds = [made.fileno() for made in sockets]
        prefix = [sys.executable, "-c", HAND_OVER, ",".join(map(str, fds))]
        variables = {"LISTEN_FDS": str(len(fds)), **variables}
        return self.server(config, ready=ready, prefix=prefix, pass_fds=fds,
                           env=support.environment(**variables))

    def assert_refused(self, server, *parts):
        self.assertEqual(server.wait(), 1)
        for part in parts:
            self.assertIn(part, server.log())

    def test_connections_after_the_stop_wait_for_the_next_start(self):
        made = self.socket()
        config = "listeners: [ { listen: 'tcp://127.0.0.1:0', name: one } ]\n"
        server = self.activated(config, [made], LISTEN_FDNAMES="one")
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        self.assertEqual([line["sockets"] for line in server.lines("sockets_stay_open")], ["1"])
        with socket.create_connection(made.getsockname()) as late:
            late.sendall(b"x")
            self.activated(config, [made], LISTEN_FDNAMES="one")
            late.settimeout(support.DEADLINE_S)
            self.assertEqual(late.recv(1), b"x")

    def test_sockets_go_to_the_listeners_of_their_names(self):
        sockets = [self.socket() for _ in range(3)]
        server = self.activated("listeners:\n"
                                "  - { listen: 'tcp://127.0.0.1:0', name: one }\n"
                                "  - { listen: 'tcp://127.0.0.1:0', name: two }\n",
                                sockets, LISTEN_FDNAMES="two:one:two")
        for made, name in zip(sockets, ("two", "one", "two")):
            host, port = made.getsockname()
            lines = server.lines("listening", address=f"{host}:{port}", listener=name)
            self.assertEqual([line["inherited"] for line in lines], [name])
            self.assertTrue(echoes((host, port)))
        self.assertEqual(len(server.lines("listening")), 3)

    def test_a_socket_goes_to_the_listener_of_its_address_and_stays_open_over_reloads(self):
        made = self.socket()
        path = self.path("echo.sock")
        local = self.socket(path)
        config = ("listeners:\n"
                  f"  - listen: tcp://localhost:{made.getsockname()[1]}\n"
                  f"  - listen: unix://{path}\n")
        server = self.activated(config, [made, local])
        for _ in range(2):
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded")
        self.assertTrue(echoes(made.getsockname()))
        self.assertTrue(echoes(path))
        self.assertEqual(server.stop(), 0)
        self.assertTrue(os.path.exists(path), "its maker removes it, not the server")
        with socket.create_connection(made.getsockname()):
            pass  # a client that connects now waits in the backlog

    def test_a_socket_gets_the_options_of_the_configuration_at_the_start_and_at_a_reload(self):
        made = self.socket()
        config = ("listeners: [ {{ listen: 'tcp://127.0.0.1:0', name: one }} ]\n"
                  "tcp: {{ keepalive: {{ idle: {}s }} }}\n")
        server = self.activated(config.format(60), [made], LISTEN_FDNAMES="one")
        self.assertEqual(made.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 60)
        (server.folder / "server.yaml").write_text(config.format(90))
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        self.assertEqual(made.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 90)

    def test_a_reload_without_an_inherited_socket_is_refused(self):
        made = self.socket()
        server = self.activated("listeners: [ { listen: 'tcp://127.0.0.1:0', name: one } ]",
                                [made], LISTEN_FDNAMES="one")
        (server.folder / "server.yaml").write_text("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]")
        server.signal(signal.SIGHUP)
        self.assertIn("descriptor 3 (one, ", server.wait_for("reload_refused")["reason"])
        self.assertTrue(echoes(made.getsockname()))

    def test_a_socket_without_a_listener_is_refused(self):
        made = self.socket()
        port = made.getsockname()[1]
        server = self.activated("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]", [made],
                                ready=False, LISTEN_FDNAMES="stray")
        self.assert_refused(server, f"descriptor 3 (stray, 127.0.0.1:{port})",
                            "matches no listener by name or address")

    def test_other_descriptors_than_listening_stream_sockets_are_refused(self):
        config = "listeners: [ { listen: 'tcp://127.0.0.1:0', name: one } ]"
        local = self.socket(self.path("datagrams"), socket.SOCK_DGRAM, listen=False)
        for made, reason in ((local, "is not a TCP, UDP or Unix stream"),
                             (self.socket(listen=False), "is not listening"),
                             (open(os.devnull, "rb"), "non-socket")):
            with self.subTest(reason), made:
                server = self.activated(config, [made], ready=False, LISTEN_FDNAMES="one")
                self.assert_refused(server, "descriptor 3 (one", reason)

    def test_datagrams_go_to_their_listener_by_name_or_address(self):
        sockets = [self.socket(kind=socket.SOCK_DGRAM, listen=False) for _ in range(2)]
        stream = self.socket()
        port = sockets[1].getsockname()[1]
        server = self.activated("listeners:\n"
                                "  - { listen: 'tcp://127.0.0.1:0', name: both }\n"
                                "  - { listen: 'udp://127.0.0.1:0', name: one }\n"
                                f"  - {{ listen: 'udp://127.0.0.1:{port}', name: two }}\n",
                                [sockets[0], stream, sockets[1]], LISTEN_FDNAMES="one:both:both")
        for made, name in ((sockets[0], "one"), (sockets[1], "two"), (stream, "both")):
            found = server.lines("listening", listener=name)
            self.assertEqual([line["address"] for line in found],
                             ["%s:%d" % made.getsockname()])
        self.assertTrue(echoes(stream.getsockname()))
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        client = self.socket(kind=socket.SOCK_DGRAM, listen=False)
        client.settimeout(support.DEADLINE_S)
        for made in sockets:
            client.sendto(b"x", made.getsockname())
            self.assertEqual(client.recvfrom(9), (b"x", made.getsockname()))

    @support.requires("openssl")
    def test_a_dtls_listener_gets_its_socket_by_name_or_address(self):
        sockets = [self.socket(kind=socket.SOCK_DGRAM, listen=False) for _ in range(2)]
        port = sockets[1].getsockname()[1]
        config = ("listeners:\n"
                  "  - { listen: 'dtls://127.0.0.1:0', name: one }\n"
                  f"  - {{ listen: 'dtls://127.0.0.1:{port}' }}\n")
        server = self.activated(config, sockets, LISTEN_FDNAMES="one:unit.socket")
        self.assertEqual([(line["transport"], line["address"], line["inherited"]) for line in server.lines("listening")],
                         [("dtls", "%s:%d" % made.getsockname(), name)
                          for made, name in zip(sockets, ("one", "unit.socket"))])
        before = [dtls.Client(made.getsockname()) for made in sockets]
        for client in before:
            self.assertEqual(client.ask("before"), "before")
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        for client, made in zip(before, sockets):
            self.assertEqual(client.ask("after"), "after")
            client.close()
            after = dtls.Client(made.getsockname())
            self.assertEqual(after.ask("new"), "new")
            after.close()
        self.assertEqual(server.stop(), 0)
        self.assertEqual([line["sockets"] for line in server.lines("sockets_stay_open")], ["2"])
        late = dtls.Client(sockets[0].getsockname())  # its ClientHello waits in the socket
        self.activated(config, sockets, LISTEN_FDNAMES="one:unit.socket")
        self.assertEqual(late.ask("late"), "late")
        late.close()

    def test_datagrams_that_wait_before_the_start_are_answered(self):
        for host, known in (("127.0.0.1", True), ("0.0.0.0", False)):
            with self.subTest(host):
                made = self.socket((host, 0), socket.SOCK_DGRAM, listen=False)
                address = ("127.0.0.1", made.getsockname()[1])
                client = self.socket(kind=socket.SOCK_DGRAM, listen=False)
                client.settimeout(support.DEADLINE_S)
                for number in range(20):
                    client.sendto(b"%d" % number, address)
                server = self.activated(f"listeners: [ {{ listen: 'udp://{host}:0', name: one }} ]\n"
                                        "admin: { listen: 'tcp://127.0.0.1:0' }\n",
                                        [made], LISTEN_FDNAMES="one")
                client.sendto(b"after it", address)
                answers = [client.recvfrom(9) for _ in range(21 if known else 1)]
                early = [(b"%d" % number, address) for number in range(20 * known)]
                self.assertEqual(answers, [*early, (b"after it", address)])
                drops = admin_client.metrics(server)["tlsecho_datagrams_dropped_total"]
                self.assertEqual(drops.value(reason="no_destination"), 0 if known else 20)
                self.assertEqual(drops.value(reason="multicast"), 0)

    def test_a_stream_is_not_given_to_a_listener_for_datagrams(self):
        server = self.activated("listeners: [ { listen: 'udp://127.0.0.1:0', name: one } ]",
                                [self.socket()], ready=False, LISTEN_FDNAMES="one")
        self.assert_refused(server, "matches no listener by name or address")

    def test_malformed_variables_are_refused(self):
        config = "listeners: [ { listen: 'tcp://127.0.0.1:0', name: one } ]"
        for variables in ({"LISTEN_FDS": "many"}, {"LISTEN_FDS": "2000"},
                          {"LISTEN_FDNAMES": "one:two"}, {"LISTEN_FDNAMES": "n" * 300}):
            with self.subTest(variables):
                server = self.activated(config, [self.socket()], ready=False, **variables)
                self.assert_refused(server, *variables)

    def test_sockets_for_another_process_are_ignored(self):
        made = self.socket()
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]",
                             pass_fds=[made.fileno()],
                             env=support.environment(LISTEN_PID="1", LISTEN_FDS="1"))
        self.assertTrue(echoes(server.address("tcp")))

    @unittest.skipUnless(shutil.which("systemd-socket-activate"), "systemd is not installed")
    def test_systemd_socket_activate_starts_it_with_the_first_client(self):
        path = self.path("echo.sock")
        prefix = ["systemd-socket-activate", "-l", path, "--fdname=one"]
        server = self.server(f"listeners: [ {{ listen: 'unix://{path}', name: one }} ]",
                             ready=False, prefix=prefix)
        server.wait_for_text("Listening on")
        self.assertEqual(server.lines("listening"), [])
        self.assertTrue(echoes(path))
        self.assertEqual(server.wait_for("listening")["inherited"], "one")
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
