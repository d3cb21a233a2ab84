# SPDX-License-Identifier: MIT
"""Reloads by HUP and by watched files: all or nothing, without an effect on open connections."""

import hashlib
import os
import resource
import shutil
import signal
import socket
import ssl
import threading
import unittest

import admin_client
import peers
import support

TLS_LISTENER = "listeners:\n  - { listen: 'tls://127.0.0.1:0', name: main }\n"
METRICS = b"GET /metrics HTTP/1.0\r\n\r\n"
OWN_PAIR = """
tls:
  default:
    certificates: [ { certificate: server.pem, key: server.key } ]
"""


def fingerprint(address):
    """The SHA-256 of the certificate that a new client receives."""
    context = ssl.create_default_context(cafile=support.pki() / "ca.pem")
    context.check_hostname = False
    with socket.create_connection(address) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as tls:
            return hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest()


def replace(folder, name, source):
    """Replaces a file atomically: writes beside it, then renames."""
    temporary = folder / (name + ".new")
    shutil.copy(source, temporary)
    os.chmod(temporary, 0o600)
    os.replace(temporary, folder / name)


def exhaust_descriptors(server):
    """Leaves the server no descriptor; returns the previous limit."""
    pid = server.process.pid
    taken = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
    lowest_free = min(set(range(len(taken) + 1)) - taken)
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest_free, usual[1]))
    return usual


class Reload(support.TestCase):
    def own_pair(self, extra=""):
        """Starts a server with a certificate and key in its folder."""
        folder_files = {name: (support.pki() / f"server-ecdsa{suffix}").read_bytes()
                        for name, suffix in (("server.pem", ".pem"), ("server.key", ".key"))}
        return self.server(TLS_LISTENER + OWN_PAIR + extra, files=folder_files)

    def rewrite(self, server, config):
        replacement = server.folder / "server.yaml.new"
        replacement.write_text(config)
        os.replace(replacement, server.folder / "server.yaml")

    def hang_up(self, server, outcome="reloaded"):
        server.signal(signal.SIGHUP)
        return server.wait_for(outcome)

    def test_hup_shows_new_clients_the_new_certificate(self):
        server = self.own_pair("watch: off\n")
        address = server.address("tls")
        before = fingerprint(address)
        replace(server.folder, "server.pem", support.pki() / "server-rsa.pem")
        replace(server.folder, "server.key", support.pki() / "server-rsa.key")
        self.assertEqual(fingerprint(address), before)
        self.hang_up(server)
        self.assertNotEqual(fingerprint(address), before)

    def test_a_watched_certificate_is_refused_until_its_key_follows(self):
        server = self.own_pair()
        address = server.address("tls")
        before = fingerprint(address)
        replace(server.folder, "server.pem", support.pki() / "server-rsa.pem")
        refused = server.wait_for("reload_refused")
        self.assertIn("server.yaml", refused["reason"])
        self.assertEqual(fingerprint(address), before)
        replace(server.folder, "server.key", support.pki() / "server-rsa.key")
        server.wait_for("reloaded")
        self.assertNotEqual(fingerprint(address), before)

    def test_an_incomplete_change_is_not_loaded_because_of_another_event(self):
        server = self.own_pair()
        before = fingerprint(server.address("tls"))
        replace(server.folder, "server.pem", support.pki() / "server-rsa.pem")
        for _ in range(1, 4):
            server.signal(signal.SIGUSR1)
            server.wait_for("summary")
        replace(server.folder, "server.key", support.pki() / "server-rsa.key")
        server.wait_for("reloaded")
        self.assertEqual(server.lines("reload_refused"), [])
        self.assertNotEqual(fingerprint(server.address("tls")), before)

    def test_a_symbolic_link_replaced_along_the_path_is_noticed(self):
        """Kubernetes: server.pem -> ..data/server.pem, ..data -> a folder per version."""
        server = self.own_pair("watch: on\n")
        for version, kind in (("v1", "ecdsa"), ("v2", "rsa")):
            folder = server.folder / version
            folder.mkdir()
            replace(folder, "server.pem", support.pki() / f"server-{kind}.pem")
            replace(folder, "server.key", support.pki() / f"server-{kind}.key")
        os.symlink("v1", server.folder / "..data")
        for name in ("server.key", "server.pem"):
            link = server.folder / (name + ".link")
            os.symlink(f"..data/{name}", link)
            os.replace(link, server.folder / name)
        server.wait_for("reloaded")
        before = fingerprint(server.address("tls"))
        os.symlink("v2", server.folder / "..data.new")
        os.replace(server.folder / "..data.new", server.folder / "..data")
        server.wait_for("reloaded")
        self.assertNotEqual(fingerprint(server.address("tls")), before)

    def test_a_broken_configuration_leaves_everything_as_it_was(self):
        server = self.own_pair()
        self.rewrite(server, TLS_LISTENER + OWN_PAIR + "nonsense: 1\n")
        refused = self.hang_up(server, "reload_refused")
        self.assertIn("server.yaml:", refused["reason"])
        self.assertIn("nonsense", refused["reason"])
        self.assertTrue(fingerprint(server.address("tls")))

    def test_listeners_are_added_and_removed_and_unchanged_ones_stay_open(self):
        server = self.server("listeners:\n"
                             "  - { listen: 'tcp://127.0.0.1:0', name: stays }\n",
                             env=support.environment(RUNTIME_DIRECTORY="{dir}"))
        stays = server.address("tcp")
        with socket.create_connection(stays) as living:
            self.rewrite(server, "listeners:\n"
                                 "  - { listen: 'tcp://127.0.0.1:0', name: stays }\n"
                                 f"  - {{ listen: 'unix://{server.folder}/new.sock', name: new }}\n")
            self.hang_up(server)
            with socket.socket(socket.AF_UNIX) as added:
                added.connect(str(server.folder / "new.sock"))
                added.sendall(b"new")
                self.assertEqual(added.recv(16), b"new")
            living.sendall(b"old")
            self.assertEqual(living.recv(16), b"old")
            with socket.create_connection(stays) as again:
                again.sendall(b"again")
                self.assertEqual(again.recv(16), b"again")

            self.rewrite(server, f"listeners:\n  - {{ listen: 'unix://{server.folder}/new.sock' }}\n")
            self.hang_up(server)
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(stays)
            living.sendall(b"still served")
            self.assertEqual(living.recv(16), b"still served")
        self.assertTrue((server.folder / "new.sock").exists())

    def test_adding_and_removing_listeners_loses_no_connection_of_others(self):
        stays = "listeners:\n  - { listen: 'tcp://127.0.0.1:0', name: stays }\n"
        server = self.server(stays)
        address, stop = server.address("stays"), threading.Event()
        failures, served = [], []

        def come_again_and_again():
            while not stop.is_set():
                try:
                    with socket.create_connection(address, support.DEADLINE_S) as client:
                        client.sendall(b"x")
                        served.append(client.recv(1) == b"x")
                except OSError as error:
                    failures.append(repr(error))

        threads = [threading.Thread(target=come_again_and_again) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            self.rewrite(server, stays + "  - { listen: 'tcp://127.0.0.1:0', name: comes }\n")
            self.hang_up(server)
            comes = server.lines("listening", listener="comes")[-1]["address"].rsplit(":", 1)
            with socket.create_connection((comes[0], int(comes[1]))) as client:
                client.sendall(b"x")
                self.assertEqual(client.recv(1), b"x")
                self.rewrite(server, stays)
                self.hang_up(server)
                client.sendall(b"y")
                self.assertEqual(client.recv(1), b"y")
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertTrue(served and all(served))

    def test_a_listener_that_cannot_be_opened_refuses_the_reload_and_nothing_changes(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0', name: stays } ]\n"
                             "admin: { listen: 'tcp://127.0.0.1:0' }\n"
                             "identity: { name: before }\n")
        admin = admin_client.place(server)
        for log in ("level: error", "format: json"):
            with self.subTest(log), socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
                self.rewrite(server, "listeners:\n"
                                     "  - { listen: 'tcp://127.0.0.1:0', name: stays, service: upper }\n"
                                     f"  - {{ listen: 'tcp://127.0.0.1:{port}', name: added }}\n"
                                     "identity: { name: after }\n"
                                     "limits: { connections: 1 }\n"
                                     f"log: {{ {log} }}\n")
                refused = self.hang_up(server, "reload_refused")
                self.assertIn(f"127.0.0.1:{port}", refused["reason"])
                with peers.Plain(server.address()) as one, peers.Plain(server.address()) as two:
                    for peer in (one, two):
                        self.assertEqual(peer.exchange(b"x"), b"x")
                        server.wait_for("connection", source=peer.name, identity="before")
                metrics = admin_client.ask(admin, METRICS)[2]
                self.assertIn(b'tlsecho_identity_info{identity="before"} 1\n', metrics)
                self.assertNotIn(b'listener="added"', metrics)
        self.assertNotIn("\n{", server.log())

    def test_an_empty_or_vanished_configuration_is_wrong_and_never_the_default(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n")
        for content in (b"", b"# nothing yet\n", b"---\n", b"\n\n"):
            with self.subTest(content):
                (server.folder / "server.yaml").write_bytes(content)
                self.assertIn("server.yaml: the file is empty",
                              self.hang_up(server, "reload_refused")["reason"])
        os.unlink(server.folder / "server.yaml")
        self.assertIn("No such file", self.hang_up(server, "reload_refused")["reason"])
        os.mkfifo(server.folder / "server.yaml")  # nothing writes to it: the server must not wait for it
        self.assertIn("is not a regular file", self.hang_up(server, "reload_refused")["reason"])
        with socket.create_connection(server.address("tcp")) as living:
            living.sendall(b"x")
            self.assertEqual(living.recv(16), b"x")

    def test_a_pipe_is_read_once(self):
        reader, writer = os.pipe()
        os.write(writer, b"listeners: [ { listen: 'tcp://127.0.0.1:0', name: mine } ]\n")
        os.close(writer)
        server = self.server(args=["-c", f"/dev/fd/{reader}"], pass_fds=(reader,))
        os.close(reader)
        self.assertIn("was a pipe", self.hang_up(server, "reload_refused")["reason"])
        with socket.create_connection(server.address("mine")) as living:
            living.sendall(b"x")
            self.assertEqual(living.recv(16), b"x")

    def test_a_reload_keeps_standard_input_and_reads_its_files_again(self):
        files = {name: (support.pki() / f"server-ecdsa{suffix}").read_bytes()
                 for name, suffix in (("server.pem", ".pem"), ("server.key", ".key"))}
        files["input"] = (b"listeners: [ { listen: 'tls://127.0.0.1:0' } ]\ntls: { default: "
                          b"{ certificates: [ { certificate: server.pem, key: server.key } ] } }\n")
        server = self.server(args=["-c", "-"], files=files,
                             prefix=("sh", "-c", 'exec "$@" <input', "sh"))
        before = server.wait_for("certificate")["sha256"]
        self.assertIn("- was standard input, which cannot be read again",
                      self.hang_up(server, "reload_refused")["reason"])
        for name, suffix in (("server.pem", ".pem"), ("server.key", ".key")):
            replace(server.folder, name, support.pki() / f"server-rsa{suffix}")
        server.wait_for("reloaded")
        self.assertNotEqual(server.wait_for("certificate")["sha256"], before)

    def test_a_reload_that_lacks_descriptors_is_retried(self):
        server = self.own_pair()
        before = server.wait_for("certificate")["sha256"]  # no client has connected yet
        usual = exhaust_descriptors(server)
        for name, suffix in (("server.pem", ".pem"), ("server.key", ".key")):
            replace(server.folder, name, support.pki() / f"server-rsa{suffix}")
        delays = [server.wait_for("reload_refused")["retry_in"] for _ in range(2)]
        self.assertEqual(delays, ["1.000000", "2.000000"])
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, usual)
        server.wait_for("reloaded")
        self.assertNotEqual(fingerprint(server.address("tls")), before)

    def test_hup_does_not_wait_for_the_next_attempt(self):
        server = self.own_pair("watch: off\n")
        usual = exhaust_descriptors(server)
        self.assertEqual(self.hang_up(server, "reload_refused")["retry_in"], "1.000000")
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, usual)
        self.hang_up(server)
        server.signal(signal.SIGUSR1)
        self.assertEqual(server.wait_for("summary")["reloads"], "1")

    def test_a_change_of_workers_is_logged_as_needing_a_restart(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\nworkers: 1\n")
        self.rewrite(server, "listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\nworkers: 2\n")
        server.signal(signal.SIGHUP)
        self.assertEqual(server.wait_for("restart_needed")["reason"],
                         "workers has changed: restart the server to apply it")
        self.assertEqual(server.wait_for("reloaded")["reason"], "in force for new connections, "
                         "except what needs a restart")

    def test_a_restart_is_needed_until_the_keys_are_those_of_the_start(self):
        listeners = "listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n"
        server = self.server(listeners + "workers: 1\n")
        for workers, needed in (2, 1), (2, 2), (1, 2):
            self.rewrite(server, f"{listeners}workers: {workers}\n")
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded")
            self.assertEqual(len(server.lines("restart_needed")), needed)

    def test_a_self_signed_certificate_stays_the_same(self):
        server = self.server(TLS_LISTENER + "watch: off\n")
        first = server.wait_for("certificate")["sha256"]
        self.hang_up(server)
        self.assertEqual(server.wait_for("certificate")["sha256"], first)

    def test_twenty_reloads_under_load_lose_nothing(self):
        server = self.own_pair()
        address = server.address("tls")
        stop, failures, echoed = threading.Event(), [], []
        context = ssl.create_default_context(cafile=support.pki() / "ca.pem")

        def talk():
            data = os.urandom(4096)
            try:
                with socket.create_connection(address) as plain:
                    with context.wrap_socket(plain, server_hostname="localhost") as tls:
                        while not stop.is_set():
                            tls.sendall(data)
                            back = b""
                            while len(back) < len(data):
                                back += tls.recv(len(data) - len(back))
                            if back != data:
                                failures.append("a byte differs")
                            echoed.append(len(back))
            except OSError as error:
                failures.append(repr(error))

        threads = [threading.Thread(target=talk) for _ in range(20)]
        for thread in threads:
            thread.start()
        for turn in range(20):
            kind = ("rsa", "ecdsa")[turn % 2]
            replace(server.folder, "server.pem", support.pki() / f"server-{kind}.pem")
            replace(server.folder, "server.key", support.pki() / f"server-{kind}.key")
            self.hang_up(server)
            wanted = fingerprint(address)
            self.assertEqual(wanted, fingerprint(address))
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertGreater(len(echoed), 20)


if __name__ == "__main__":
    unittest.main()
