# SPDX-License-Identifier: MIT
"""The server's command line and configuration: output, exit status, and files that it leaves."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import unittest

import peers
import support

USAGE, CONFIG, REFUSED = 2, 78, 1
TLS = "listeners: [ { listen: 'tls://127.0.0.1:0' } ]\n"
PAIR = "tls: {{ default: {{ certificates: [ {{ certificate: '{}', key: '{}' }} ] }} }}\n"


class Folder(support.TestCase):
    """Runs the server to its end, in a folder of the test's own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, content, mode=0o600):
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        path.chmod(mode)
        return path

    def run_server(self, *args, **extra):
        return support.run(support.program("TLSECHO_SERVER"), *args,
                           env=support.environment(**extra))

    def assert_refused(self, text, *words, status=CONFIG):
        """Both -t and a start must refuse it, in one line with the place and this text."""
        path = self.write("server.yaml", text)
        for args in (["-t", "-c", path], ["-c", path]):
            done = self.run_server(*args)
            self.assertEqual((done.status, done.stdout), (status, b""), done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertRegex(done.stderr, rf"^tlsecho-server: {re.escape(str(path))}:\d+:\d+: ")
            for word in words:
                self.assertIn(word, done.stderr)


class CommandLine(Folder):
    def test_help_goes_to_stdout(self):
        for flag in ("-h", "--help"):
            done = self.run_server(flag)
            self.assertEqual((done.status, done.stderr), (0, ""))
            self.assertTrue(done.stdout.startswith(b"Usage: tlsecho-server"))

    def test_version_prints_the_program_openssl_and_features(self):
        for flag in ("-V", "--version"):
            done = self.run_server(flag)
            self.assertEqual((done.status, done.stderr), (0, ""))
            self.assertRegex(done.stdout.decode(), r"^tlsecho-server \d+\.\d+\.\d+\n"
                             r"built with OpenSSL .*\nrunning with OpenSSL .*\n"
                             r"offers X25519MLKEM768: (yes|no); groups: .*X25519.*\n"
                             r"sandbox Landlock: up to ABI \d; libseccomp: (no|\d+\.\d+\.\d+)\n$")

    def test_what_it_does_not_know_is_refused_with_the_way_to_the_help(self):
        for args, words in ((["-x"], "unknown option -x"), (["-xt"], "unknown option -x"),
                            (["--nonsense"], "unknown option --nonsense"),
                            (["-c"], "-c needs an argument: FILE"),
                            (["--config"], "-c needs an argument: FILE"),
                            (["--help=me"], "-h takes no argument"),
                            (["server.yaml"], "unexpected argument 'server.yaml': "
                                              "a configuration is named with -c")):
            with self.subTest(args):
                done = self.run_server(*args)
                self.assertEqual((done.status, done.stdout), (USAGE, b""))
                self.assertEqual(done.stderr, f"tlsecho-server: {words}; "
                                              "tlsecho-server --help lists the options\n")

    def test_standard_input_is_read_like_a_file(self):
        command = support.program("TLSECHO_SERVER"), "-t", "-c", "-"
        done = support.run(*command, data=b"listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n")
        self.assertEqual((done.status, done.stderr), (0, ""))
        self.assertEqual(done.stdout, b"-: the configuration is valid\n")
        for text, words in ((b"listners: []\n", "-:1:1: listners: "), (b"", "-: the file is empty")):
            done = support.run(*command, data=text)
            self.assertEqual(done.status, CONFIG)
            self.assertIn(words, done.stderr)

    def test_a_file_that_is_not_there_is_named(self):
        done = self.run_server("-c", self.folder / "missing.yaml")
        self.assertEqual(done.status, CONFIG)
        self.assertRegex(done.stderr, "^tlsecho-server: .*missing.yaml.*No such file.*: name a file")

    def test_an_empty_file_name_is_refused(self):
        done = self.run_server("-c", "")
        self.assertEqual(done.status, 2)
        self.assertIn("-c needs an argument: FILE", done.stderr)

    def test_standard_input_that_cannot_be_read_is_named(self):
        with open(self.folder / "written", "wb") as written:
            done = subprocess.run([support.program("TLSECHO_SERVER"), "-t", "-c", "-"],
                                  stdin=written, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, CONFIG)
        self.assertIn("read standard input (-c -): Bad file descriptor: redirect", done.stderr)

    def test_the_check_binds_nothing_and_makes_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            path = self.write("server.yaml", "listeners: [ { listen: 'tls://127.0.0.1:%d' } ]"
                              % taken.getsockname()[1])
            done = self.run_server("--check-config", "--config", path,
                                   STATE_DIRECTORY=str(self.folder))
        self.assertEqual((done.status, done.stderr), (0, ""))
        self.assertEqual(done.stdout.decode(), f"{path}: the configuration is valid\n")
        self.assertEqual(os.listdir(self.folder), ["server.yaml"])

    def test_what_it_prints_it_accepts_again_and_means_the_same(self):
        text = (support.EVERYTHING.replace("{dir}", str(self.folder))
                .replace("{pki}", str(support.pki())))
        for name, args in (("default", []), ("own", ["-c", self.write("own.yaml", text + """
timeouts: { idle: 90s, lifetime: 1d }
limits: { buffer: 4MiB }
log: { format: json }
""")])):
            with self.subTest(name):
                first = self.run_server("-T", *args)
                self.assertEqual((first.status, first.stderr), (0, ""))
                path = self.write("printed.yaml", first.stdout.decode())
                second = self.run_server("--print-config", "-c", path)
                self.assertEqual(second, first)


class Configuration(Folder):
    def test_mistakes_are_refused_with_their_place_and_the_remedy(self):
        for text, *words in (
                ("listners: []", ":1:1:", "did you mean listeners"),
                ("listeners:\n  - listen: tcp://127.0.0.1:0\n    servce: echo", ":3:5:",
                 "did you mean service"),
                ("listeners: [ { listen: 'http://127.0.0.1:0' } ]", ":1:24:", "tcp://"),
                ("listeners: [ { listen: 'tcp://127.0.0.1:70000' } ]", "70000"),
                ("listeners: [ { listen: 'tcp://127.0.0.1:0', tls: default } ]", "tls"),
                ("listeners: [ { listen: 'tcp://127.0.0.1:0', service: ecko } ]", "echo"),
                ("workers: many", ":1:10:", "workers"),
                ("timeouts: { idle: 5 parsecs }", ":1:19:", "timeouts.idle"),
                ("workers: 1\nworkers: 2", ":2:1:", "workers"),
                ("- no\n- mapping", ":1:1:"),
                ("listeners: [", "")):
            with self.subTest(text):
                self.assert_refused(text, *words)

    def test_an_address_listed_twice(self):
        for second in ("tcp://127.0.0.1:7", "tls://127.0.0.1:7"):
            with self.subTest(second):
                self.assert_refused("listeners:\n  - listen: tcp://127.0.0.1:7\n"
                                    f"  - listen: {second}", ":3:", "listeners[1].listen")

    def test_an_address_listed_twice_under_another_name(self):
        for first, second in (("127.0.0.1", "localhost"), ("127.0.0.1", "0.0.0.0"),
                              ("127.0.0.1", "[::]"), ("[::]", "127.0.0.1"), ("[::]", "localhost"),
                              ("[::1]", "[0::1]"), ("127.0.0.1", "[::ffff:127.0.0.1]")):
            with self.subTest(first, second=second):
                self.assert_refused(f"listeners:\n  - listen: tcp://{first}:7\n"
                                    f"  - listen: tcp://{second}:7\n", ":3:13:",
                                    "listeners[0] already has this address")

    def test_the_check_begins_no_key_log(self):
        keylog = self.folder / "keys.log"
        path = self.write("server.yaml", "listeners: [ { listen: 'tls://127.0.0.1:0' } ]\n"
                          f"tls: {{ default: {{ keylog: {keylog} }} }}\n")
        self.assertEqual(self.run_server("-t", "-c", path).status, 0)
        self.assertFalse(keylog.exists())
        keylog.touch(mode=0o644)
        self.assertEqual(self.run_server("-t", "-c", path).status, CONFIG)

    def test_a_certificate_or_key_that_is_not_there(self):
        key = support.pki() / "server-rsa.key"
        self.assert_refused(TLS + PAIR.format("none.pem", key), "certificate", "none.pem",
                            "No such file")
        certificate = support.pki() / "server-rsa.pem"
        self.assert_refused(TLS + PAIR.format(certificate, "none.key"), "key", "none.key",
                            "No such file")

    def test_a_key_of_another_certificate(self):
        self.assert_refused(TLS + PAIR.format(support.pki() / "server-rsa.pem",
                                              support.pki() / "server-ecdsa.key"),
                            "server-ecdsa.key is not the key of the certificate")

    def test_a_key_that_others_can_read_is_refused_with_the_remedy(self):
        key = self.folder / "open.key"
        shutil.copy(support.pki() / "server-rsa.key", key)
        key.chmod(0o604)
        text = TLS + PAIR.format(support.pki() / "server-rsa.pem", "open.key")
        self.assert_refused(text, f"chmod o= {key}")
        key.chmod(0o660)
        self.assert_refused(text, f"can be written by its group: chmod g-w {key}")
        any_mode = self.write("server.yaml", text + "security: { key_files: any }\n")
        done = self.run_server("-t", "-c", any_mode)
        self.assertEqual(done.status, 0, done.stderr)
        self.assertRegex(done.stderr, f"event=file_exposed profile=default file={key} reason=")
        key.chmod(0o640)
        done = self.run_server("-t", "-c", self.write("server.yaml", text))
        self.assertEqual((done.status, done.stderr), (0, ""))

    def test_the_check_prints_warnings_and_then_one_line(self):
        pki = support.pki()
        leaf = (pki / "server-rsa.pem").read_text().partition("-----END CERTIFICATE-----")
        self.write("leaf.pem", leaf[0] + leaf[1] + "\n")
        for certificate, event in ((pki / "expired.pem", "certificate_expired"),
                                   (pki / "not-yet-valid.pem", "certificate_not_yet_valid"),
                                   ("leaf.pem", "certificate_chain_incomplete")):
            with self.subTest(event):
                name = "server-rsa" if certificate == "leaf.pem" else certificate.stem
                path = self.write("server.yaml", TLS + PAIR.format(certificate, pki / f"{name}.key"))
                done = self.run_server("-t", "-c", path)
                self.assertEqual(done.status, 0)
                self.assertRegex(done.stderr, rf"^time=\S+ level=warning event={event} .*\n$")
                self.assertEqual(done.stdout.decode(), f"{path}: the configuration is valid\n")

    def test_files_that_are_not_pem_are_refused(self):
        self.write("nonsense.pem", "nonsense")
        self.assert_refused(TLS + PAIR.format("nonsense.pem", support.pki() / "server-rsa.key"),
                            "nonsense.pem")
        self.assert_refused(TLS + PAIR.format(support.pki() / "server-rsa.pem", "nonsense.pem"),
                            "nonsense.pem")


class Start(Folder):
    def test_a_port_in_use_leaves_nothing_half_started(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            path = self.write("server.yaml", f"listeners:\n  - listen: unix://{self.folder}/sock\n"
                              f"  - listen: tcp://127.0.0.1:{port}\n")
            done = self.run_server("-c", path)
        self.assertEqual(done.status, REFUSED)
        self.assertIn(f"listen: listen on 127.0.0.1:{port}: Address already in use "
                      "(another program, or another tlsecho-server, holds the port: stop it, or "
                      "choose another)", done.stderr)
        self.assertNotIn("event=listening", done.stderr)
        self.assertFalse((self.folder / "sock").exists())

    @unittest.skipIf(os.path.exists("/etc/tlsecho/server.yaml"), "this host has a configuration")
    def test_without_a_file_it_serves_both_transports_on_localhost(self):
        server = self.server(ready=False)
        try:
            server.wait_for("ready")
        except AssertionError:
            if "holds the port" in server.log():
                self.skipTest("another program holds port 7007 or 7443")
            raise
        self.addCleanup(self._stop, server)
        with peers.Plain(("127.0.0.1", 7007)) as peer:
            self.assertEqual(peer.exchange(b"plain"), b"plain")
        with peers.Tls(("127.0.0.1", 7443), ctx=peers.trusting_any()) as peer:
            self.assertEqual(peer.exchange(b"tls"), b"tls")

    def test_lines_about_connections_can_be_left_out(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n"
                             "log: { connections: off }")
        with peers.Plain(server.address()) as peer:
            peer.exchange(b"x")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.lines("connection"), [])
        self.assertTrue(server.lines("stopped"))

    def test_the_log_can_be_json(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n"
                             "log: { format: json }")
        with peers.Plain(server.address()) as peer:
            peer.exchange(b"x")
        server.wait_for("connection")
        self.assertEqual(server.stop(), 0)
        lines = [json.loads(line) for line in server.log().splitlines()]
        lines = [line for line in lines if line["event"] not in ("privilege", "not_replaceable")]
        self.assertEqual([line["event"] for line in lines],
                         ["listening", "ready", "connection", "draining", "stopped"])
        self.assertEqual(lines[2]["received_bytes"], 1)


class SelfSigned(Folder):
    def seen(self, server):
        """The SHA-256 of the server's certificate as a client receives it."""
        with peers.Tls(server.address("tls"), ctx=peers.trusting_any()) as peer:
            return hashlib.sha256(peer.tls.getpeercert(binary_form=True)).hexdigest()

    def logged(self, server):
        line = server.lines("certificate")[0]
        self.assertEqual(line["self_signed"], "yes")
        return line["sha256"]

    def test_it_is_kept_in_the_state_directory_with_mode_0600(self):
        env = support.environment(STATE_DIRECTORY=str(self.folder))
        first = self.server(TLS, env=env)
        self.assertEqual(self.seen(first), self.logged(first))
        kept = self.folder / "self-signed.pem"
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)
        self.assertEqual(os.listdir(self.folder), [kept.name])
        first.stop()
        second = self.server(TLS, env=env)
        self.assertEqual(self.seen(second), self.logged(first))

    def test_without_one_it_is_another_at_each_start(self):
        first, second = self.server(TLS), self.server(TLS)
        self.assertEqual(self.seen(first), self.logged(first))
        self.assertNotEqual(self.logged(first), self.logged(second))

    def test_it_has_every_name_of_the_loopback(self):
        server = self.server(TLS, env=support.environment(STATE_DIRECTORY=str(self.folder)))
        kept = self.folder / "self-signed.pem"
        names = support.run("openssl", "x509", "-in", kept, "-noout", "-ext",
                            "subjectAltName").stdout.decode()
        for name in ("DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1"):
            self.assertIn(name, names)
        trusting_it = peers.trusting(kept)
        with peers.Tls(server.address("tls"), ctx=trusting_it) as peer:
            self.assertEqual(peer.exchange(b"trusted"), b"trusted")


class UnixSocket(Folder):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "echo.sock"
        self.config = f"listeners: [ {{ listen: 'unix://{self.path}' }} ]"

    def assert_echoes(self):
        with peers.Plain(str(self.path)) as peer:
            self.assertEqual(peer.exchange(b"x"), b"x")

    def test_owner_and_group_may_use_it_and_it_is_removed_at_exit(self):
        server = self.server(self.config)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o660)
        self.assert_echoes()
        self.assertEqual(server.stop(), 0)
        self.assertFalse(self.path.exists())

    def test_a_stale_one_is_replaced(self):
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(str(self.path))
        self.server(self.config)
        self.assert_echoes()

    def test_a_socket_in_use_is_refused_and_keeps_working(self):
        self.server(self.config)
        second = self.server(self.config, ready=False)
        self.assertEqual(second.wait(), REFUSED)
        self.assertIn("another program, or another tlsecho-server, listens on it: stop it, or choose another", second.log())
        self.assert_echoes()

    def test_a_file_that_is_not_a_socket_is_refused_and_not_removed(self):
        self.path.write_text("mine", encoding="utf-8")
        server = self.server(self.config, ready=False)
        self.assertEqual(server.wait(), REFUSED)
        self.assertIn("the file is not a socket: remove it, or choose another path", server.log())
        self.assertEqual(self.path.read_text(encoding="utf-8"), "mine")


if __name__ == "__main__":
    unittest.main()
