# SPDX-License-Identifier: MIT
"""A reload passes addresses on to the new configuration: its own ports are never "in use"."""

import contextlib
import os
import signal
import socket
import threading
import unittest

import admin_client
import peers
import support


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


def is_echoed(address):
    with peers.connect(address) as client:
        client.sendall(b"x")
        return client.recv(1) == b"x"


class Rewritten(support.TestCase):
    def rewrite(self, server, config, outcome="reloaded"):
        (server.folder / "new").write_text(config)
        os.replace(server.folder / "new", server.folder / "server.yaml")
        server.signal(signal.SIGHUP)
        return server.wait_for(outcome)

    def now(self, server):
        """The addresses on which it has listened since the last reload."""
        found = []
        for line in server.log().splitlines():
            fields = support.parse(line)
            if fields.get("event") == "reloading":
                found = []
            elif fields.get("event") == "listening":
                found.append(fields["address"])
        return found


class HandOver(Rewritten):
    @unittest.skipUnless(has_ipv6(), "this host has no IPv6")
    def test_addresses_and_wildcards_of_one_port_follow_each_other(self):
        hosts = ("127.0.0.1", "[::]", "127.0.0.1", "0.0.0.0", "[::]", "0.0.0.0", "localhost", "[::]",
                 "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.0.0.1")
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n")
        port = server.address()[1]
        for host in hosts:
            with self.subTest(host):
                with peers.connect(("::1" if "::1" in self.now(server)[0] else "127.0.0.1",
                                    port)) as living:
                    self.rewrite(server,
                                 f"listeners: [ {{ listen: 'tcp://{host}:{port}' }} ]\n")
                    living.sendall(b"x")
                    self.assertEqual(living.recv(1), b"x")
                self.assertTrue(is_echoed(("::1" if host == "[::1]" else "127.0.0.1", port)))

    def test_no_connection_fails_during_the_reload(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n")
        address = server.address()
        stop, failures, served = threading.Event(), [], []

        def come_again_and_again():
            while not stop.is_set():
                try:
                    served.append(is_echoed(address))
                except OSError as error:
                    failures.append(repr(error))

        threads = [threading.Thread(target=come_again_and_again) for _ in range(4)]
        for thread in threads:
            thread.start()
        for host in ("0.0.0.0", "127.0.0.1") * 5:
            self.rewrite(server, f"listeners: [ {{ listen: 'tcp://{host}:{address[1]}' }} ]\n")
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertTrue(served and all(served))

    def test_afterwards_the_port_is_ours_alone_again(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n")
        port = server.address()[1]
        self.rewrite(server, f"listeners: [ {{ listen: 'tcp://0.0.0.0:{port}' }} ]\n")
        for host in ("127.0.0.1", "0.0.0.0"):
            second = self.server(f"listeners: [ {{ listen: 'tcp://{host}:{port}' }} ]\n", ready=False)
            second.wait_for_text("another program, or another tlsecho-server, holds the port")
            self.assertEqual(second.wait(), 1)

    def test_a_refused_reload_leaves_the_port_as_it_was(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n")
        port = server.address()[1]
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = other.getsockname()[1]
            refused = self.rewrite(server, f"listeners: [ {{ listen: 'tcp://0.0.0.0:{port}' }}, "
                                   f"{{ listen: 'tcp://127.0.0.1:{taken}' }} ]\n", "reload_refused")
        self.assertIn(f"127.0.0.1:{taken}: Address already in use", refused["reason"])
        self.assertNotIn("retry_in", refused)
        self.assertTrue(is_echoed(("127.0.0.1", port)))
        with self.assertRaises(OSError), socket.socket() as third:
            third.bind(("127.0.0.1", port))

    def test_a_listener_and_the_admin_address_change_places(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0', name: a } ]\n"
                             "admin: { listen: 'tcp://127.0.0.1:0' }\n")
        echo, admin = server.address("a")[1], admin_client.place(server)[1]
        for _ in range(2):
            echo, admin = admin, echo
            self.rewrite(server,
                         f"listeners: [ {{ listen: 'tcp://127.0.0.1:{echo}', name: a }} ]\n"
                         f"admin: {{ listen: 'tcp://127.0.0.1:{admin}' }}\n")
            self.assertTrue(is_echoed(("127.0.0.1", echo)))
            self.assertEqual(admin_client.get(server, "/healthz")[0], 200)
            self.assertEqual(admin_client.place(server)[1], admin)

    def test_a_free_port_that_becomes_a_named_one_stays_open(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n")
        port = server.address()[1]
        self.rewrite(server, f"listeners: [ {{ listen: 'tcp://127.0.0.1:{port}' }} ]\n")
        self.assertTrue(is_echoed(("127.0.0.1", port)))

    def test_two_listeners_never_share_a_port_whatever_was_held(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n")
        port = server.address()[1]
        refused = self.rewrite(server, f"listeners: [ {{ listen: 'tcp://0.0.0.0:{port}' }}, "
                               f"{{ listen: 'tcp://127.0.0.1:{port}' }} ]\n", "reload_refused")
        self.assertRegex(refused["reason"], "already has this address")
        self.assertTrue(is_echoed(("127.0.0.1", port)))


class UnixSockets(Rewritten):
    CONFIG = "listeners: [ { listen: 'unix://{dir}/a.sock' } ]\n"

    def test_a_socket_whose_file_was_removed_is_created_again(self):
        server = self.server(self.CONFIG)
        path = server.folder / "a.sock"
        with peers.connect(str(path)) as living:
            path.unlink()
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded")
            self.assertTrue(is_echoed(str(path)))
            living.sendall(b"x")
            self.assertEqual(living.recv(1), b"x")
        inode = path.stat().st_ino
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        self.assertEqual(path.stat().st_ino, inode)  # this time the file stayed

    def test_a_socket_that_another_put_there_is_refused_and_left_alone(self):
        server = self.server(self.CONFIG)
        path = server.folder / "a.sock"
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            other.listen()
            server.signal(signal.SIGHUP)
            refused = server.wait_for("reload_refused")
            self.assertIn("another program, or another tlsecho-server, listens on it: stop it, or choose another",
                          refused["reason"])
            self.assertEqual(server.stop(), 0)
            self.assertTrue(path.exists())

    def test_the_admin_address_may_be_a_unix_socket(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n"
                             "admin: { listen: 'unix://{dir}/admin.sock' }\n")
        (server.folder / "admin.sock").unlink()
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        self.assertEqual(admin_client.get(server, "/readyz")[0], 200)


if __name__ == "__main__":
    unittest.main()
