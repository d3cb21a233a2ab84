# SPDX-License-Identifier: MIT
"""Trust anchors of the client, expiry, and files that it refuses to read."""

import os
import pathlib
import pty
import select
import shutil
import ssl
import tempfile
import unittest

import certificates
import stub_server
import support
from stub_server import StubServer, server_context

PKI = support.pki()
CA = ("--cacert", PKI / "ca.pem")


class TrustCase(support.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-trust-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def serve(self, certificate, key, *chain):
        """A server with that certificate and these after it in its chain."""
        pem = self.folder / "served.pem"
        pem.write_bytes(b"".join(pathlib.Path(path).read_bytes()
                                 for path in (certificate, *chain)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem, key)
        stub = StubServer(stub_server.echo, context).__enter__()
        self.addCleanup(stub.__exit__, None, None, None)
        return stub

    def check(self, status, *args, **options):
        done = support.client("--check", "--json", *args, **options)
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        return done.summary()

    def refused(self, says, *args, **options):
        """The run must fail with exit status 2."""
        done = support.client(*args, **options)
        self.assertEqual(done.status, 2, (done.stdout, done.stderr))
        self.assertRegex(done.stderr, says)


class Anchor(TrustCase):
    def setUp(self):
        super().setUp()
        self.made = certificates.Authorities(self.folder)
        self.made.make("root")
        self.made.make("inter", "root", days=(-1, 50))
        self.made.leaf("leaf", "inter")
        self.path = self.made.path

    def test_an_intermediate_alone_is_one(self):
        for chain in ((), (self.path("inter"),)):
            server = self.serve(self.path("leaf"), self.path("leaf", "key"), *chain)
            self.check(0, "--cacert", self.path("inter"), server.endpoint())
            self.check(8, *CA, server.endpoint())
            self.check(8 if not chain else 0, "--cacert", self.path("root"), server.endpoint())

    def test_the_servers_own_certificate_is_one_and_no_other_of_that_issuer(self):
        self.made.leaf("sibling", "inter")
        server = self.serve(self.path("leaf"), self.path("leaf", "key"), self.path("inter"))
        self.check(0, "--cacert", self.path("leaf"), server.endpoint())
        self.check(8, "--cacert", self.path("sibling"), server.endpoint())

    def test_ssl_cert_file_names_trust_anchors(self):
        server = self.serve(self.path("leaf"), self.path("leaf", "key"))
        self.check(0, server.endpoint(), env=support.environment(SSL_CERT_FILE=str(self.path("inter"))))

    def test_the_name_counts_whatever_the_anchor(self):
        server = self.serve(self.path("leaf"), self.path("leaf", "key"))
        self.check(9, "--cacert", self.path("leaf"), "--servername=other.test", server.endpoint())

    def test_a_pipe_is_one_and_may_be_needed_twice(self):
        server = self.serve(self.path("leaf"), self.path("leaf", "key"))
        for mode in ("--check", f"--bench -n 1 {server.endpoint()}", "--show-certs"):
            with self.subTest(mode=mode):
                done = support.run("bash", "-c", f'"$0" {mode} --cacert <(cat "$1") "$2"',
                                   support.program("TLSECHO_CLIENT"), self.path("inter"),
                                   server.endpoint())
                self.assertEqual(done.status, 0, done.stderr)

    def test_the_client_certificate_and_key_may_come_from_a_pipe(self):
        server = self.server(support.LISTENERS + support.PROFILE +
                             '    client_auth: required\n    client_ca: "{pki}/ca.pem"\n')
        for words in ('--cert <(cat "$1/client.pem") --key <(cat "$1/client.key")',
                      '--cert <(cat "$1/client.pem" "$1/client.key")'):
            done = support.run("bash", "-c", f'"$0" --check --cacert "$1/ca.pem" {words} "$2"',
                               support.program("TLSECHO_CLIENT"), PKI, server.endpoint("tls"))
            self.assertEqual(done.status, 0, done.stderr)

    def test_a_pipe_without_a_certificate_is_refused_not_waited_for(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo, 0o600)
        self.refused("has no certificate", "--check", "--cacert", fifo, "tls://127.0.0.1:1")


class End(TrustCase):
    """The expiry is that of the verified path."""

    def setUp(self):
        super().setUp()
        self.made = certificates.Authorities(self.folder)
        self.path = self.made.path

    def test_that_of_the_trust_anchor_counts(self):
        self.made.make("root", days=(-1, 5))
        self.made.leaf("leaf", "root")
        server = self.serve(self.path("leaf"), self.path("leaf", "key"))
        anchor = ("--cacert", self.path("root"))
        summary = self.check(0, *anchor, "--expiry-warn=10", server.endpoint())
        self.assertIs(summary["warning"], True)
        self.assertEqual((summary["expiry"]["subject"], summary["expiry"]["days"]), ("CN=root", 5))
        error = self.check(10, *anchor, "--expiry-crit=10", server.endpoint())["error"]
        self.assertIn('the certificate "CN=root" expires in 5 days', error["message"])

    def test_one_that_has_ended_expires_the_path(self):
        self.made.make("root", days=(-9, -2))
        self.made.leaf("leaf", "root")
        server = self.serve(self.path("leaf"), self.path("leaf", "key"))
        error = self.check(10, "--cacert", self.path("root"), server.endpoint())["error"]
        self.assertIn('"CN=root" expired on', error["message"])

    def test_what_is_sent_and_not_needed_is_only_noted(self):
        self.made.make("old", days=(-20, -2))
        self.made.make("root")
        self.made.make("inter", "root", days=(-1, 50))
        self.made.make("cross", "old", days=(-9, -3), key="inter")
        self.made.leaf("leaf", "inter")
        server = self.serve(self.path("leaf"), self.path("leaf", "key"), self.path("cross"),
                         self.path("inter"))
        anchor = ("--cacert", self.path("root"))
        summary = self.check(0, *anchor, "--expiry-crit=10", "--expiry-warn=10", server.endpoint())
        self.assertIs(summary["warning"], False)
        self.assertEqual((summary["expiry"]["subject"], summary["expiry"]["days"]), ("CN=inter", 50))
        self.assertLess(summary["unneeded"]["days"], 0)
        for nagios in ((), ("--nagios",)):
            line = support.client("--check", *nagios, *anchor, server.endpoint()).stdout.decode()
            self.assertRegex(line, r'certificate "CN=inter" expires in 50 days')
            self.assertRegex(line, r'"CN=inter" is sent but not needed, and expired on')

    def test_with_a_pin_only_the_servers_own_counts(self):
        self.made.make("root", days=(-1, 5))
        self.made.leaf("leaf", "root")
        server = self.serve(self.path("leaf"), self.path("leaf", "key"), self.path("root"))
        der = ssl.PEM_cert_to_DER_cert(self.path("leaf").read_text())
        pin = certificates.openssl("dgst", "-sha256", "-r", data=der).split()[0].decode()
        summary = self.check(0, "--pin", pin, "--expiry-crit=10", server.endpoint())
        self.assertEqual(summary["expiry"]["subject"], "CN=leaf")


class Files(TrustCase):
    def test_what_the_environment_names_must_be_readable(self):
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            with self.subTest(name):
                missing = {name: f"{self.folder}/missing"}
                self.refused(f"{name}: read .*missing: No such file or directory", "--check", "tls://127.0.0.1:1",
                             env=support.environment(**missing))
        self.refused("SSL_CERT_FILE: ", "--check", "tls://127.0.0.1:1",
                     env=support.environment(SSL_CERT_FILE=str(self.folder)))

    def test_a_world_writable_file_is_not_trusted(self):
        for option, name in (("--cacert", "ca.pem"), ("--cert", "client.pem")):
            path = self.folder / name
            shutil.copy(PKI / name, path)
            path.chmod(0o646)
            key = ("--key", PKI / "client.key") if option == "--cert" else ()
            self.refused(rf"{option}: .* can be written by all users: chmod o-w", "--check", option,
                         path, *key, "tls://127.0.0.1:1")
        for mode in (0o602, 0o604):
            key = self.folder / "client.key"
            shutil.copy(PKI / "client.key", key)
            key.chmod(mode)
            self.refused("--key: .* open to others", "--check", "--cert", PKI / "client.pem",
                         "--key", key, "tls://127.0.0.1:1")
            log = self.folder / "keylog"
            log.touch()
            log.chmod(mode)
            self.refused("open to others", "--check", "--keylog", log, "tls://127.0.0.1:1")

    def on_a_terminal(self, *args):
        """(exit status, output) of a run on a terminal, without input."""
        program = support.program("TLSECHO_CLIENT")
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(program, [program, *map(str, args)], support.environment())
        said = b""
        try:
            while select.select([terminal], [], [], support.DEADLINE_S)[0]:
                try:
                    data = os.read(terminal, 4096)
                except OSError:
                    break
                if not data:
                    break
                said += data
            else:
                os.kill(pid, 9)
                self.fail(f"it waits: {said}")
        finally:
            os.close(terminal)
            _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status), said.decode(errors="replace")

    def saved(self, endpoint):
        session = self.folder / "session"
        self.check(0, *CA, f"--resume={session}", endpoint)
        self.assertEqual(session.stat().st_mode & 0o777, 0o600)
        self.assertIs(self.check(0, *CA, f"--resume={session}", endpoint)["tls"]["resumed"], True)
        return session

    def test_a_session_that_others_can_write_is_refused(self):
        endpoint = self.server(support.EVERYTHING).endpoint("tls")
        session = self.saved(endpoint)
        for mode in (0o666, 0o620, 0o602):
            session.chmod(mode)
            self.refused(r"--resume: .* can be written by others", "--check", *CA,
                         f"--resume={session}", endpoint)

    @unittest.skipUnless(os.geteuid() == 0, "needs root: a file of another user")
    def test_a_session_of_another_user_is_refused(self):
        endpoint = self.server(support.EVERYTHING).endpoint("tls")
        session = self.saved(endpoint)
        os.chown(session, 12345, 12345)
        self.refused(r"--resume: .* belongs to another user", "--check", *CA,
                     f"--resume={session}", endpoint)

    def test_nothing_that_is_encrypted_makes_it_ask(self):
        endpoint = self.server(support.EVERYTHING).endpoint("tls")
        session = self.saved(endpoint)
        begin = "-----BEGIN SSL SESSION PARAMETERS-----\n"
        session.write_text(session.read_text().replace(
            begin, begin + "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,"
            "00112233445566778899AABBCCDDEEFF\n\n"))
        key = self.folder / "key"
        key.write_bytes(certificates.openssl("pkey", "-in", PKI / "client.key", "-aes256", "-passout",
                                        "pass:secret"))
        key.chmod(0o600)
        for args, says in ((("--resume=" + str(session),), "is not a session file"),
                           (("--cert", PKI / "client.pem", "--key", key), "is encrypted")):
            status, said = self.on_a_terminal("--check", *CA, *args, endpoint)
            self.assertEqual(status, 2, said)
            self.assertIn(says, said)
            self.assertNotIn("pass phrase", said)


class ExpectDirect(TrustCase):
    """--expect-direct is accepted only with a certificate that no interceptor can have."""

    CONFIG = """
listeners: [ { listen: "tls://127.0.0.1:0", service: report } ]
""" + support.PROFILE

    def test_it_needs_a_pin_or_a_ca_of_ones_own(self):
        for args in (("tls://127.0.0.1:1",), ("--insecure", "tls://127.0.0.1:1"),
                     ("--insecure", *CA, "tls://127.0.0.1:1"), ("tcp://127.0.0.1:1",)):
            self.refused("--pin|needs TLS", "--report", "--expect-direct", *args)

    def test_a_pin_finds_a_man_in_the_middle(self):
        server = self.server(self.CONFIG)
        sha256 = server.lines("certificate")[0]["sha256"]
        direct = ("--report", "--expect-direct", "--pin", sha256)
        done = support.client(*direct, server.endpoint("tls"))
        self.assertEqual(done.status, 0, done.stderr)
        self.assertRegex(done.stdout.decode(), r"verdict: .*change its data\n")
        # Also with a certificate that is trusted, whatever its report says.
        with StubServer(stub_server.finish, server_context("server-rsa")) as between:
            self.assertEqual(support.client(*direct, between.endpoint()).status, 8)

    def test_without_a_pin_the_verdict_names_what_it_does_not_prove(self):
        server = self.server(self.CONFIG)
        done = support.client("--report", *CA, server.endpoint("tls"))
        self.assertRegex(done.stdout.decode(), r"verdict: .*; not proven without --pin: .*rewrite the report\n")
        summary = support.client("--report", "--json", *CA, server.endpoint("tls")).summary()
        self.assertIs(summary["verdict"]["pinned"], False)
        self.assertEqual(support.client("--report", "--expect-direct", *CA,
                                        server.endpoint("tls")).status, 0)


if __name__ == "__main__":
    unittest.main()
