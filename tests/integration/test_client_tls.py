# SPDX-License-Identifier: MIT
"""The TLS options of tlsecho-client, as OpenSSL and Python see them, and the output about TLS."""

import contextlib
import os
import pathlib
import re
import shutil
import ssl
import stat
import subprocess
import tempfile
import unittest
from typing import NamedTuple

import stub_server
import support
from stub_server import StubServer, OpenSsl, server_context

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
CA = ("--cacert", support.pki() / "ca.pem")
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.S)


class TlsCase(support.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-tls-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def ok(self, stub, *args, data=b"hello", env=None):
        """Runs the client, which must succeed. Returns `tls` of its JSON object."""
        done = support.client("--json", *CA, *args, stub.endpoint(), data=data, env=env)
        self.assertEqual(done.status, 0, done.stderr)
        return done.summary()["tls"]

    def fails(self, status, says, *args, **options):
        """Runs the client, which must fail. Returns its message."""
        done = support.client("--json", *args, **options)
        self.assertEqual(done.status, status, done.stderr)
        message = done.summary()["error"]["message"]
        self.assertRegex(message, says)
        return done.summary()


class Seen(NamedTuple):
    version: str
    cipher: str  # chosen by the server's preference
    alpn: str


@contextlib.contextmanager
def seeing(context):
    """A server that echoes, and records the parameters of its clients."""
    def handler(connection):
        stub.seen.append(Seen(connection.version(), connection.cipher()[0],
                             connection.selected_alpn_protocol()))
        stub_server.echo(connection)

    with StubServer(handler, context) as stub:
        stub.seen = []
        yield stub


class Offered(TlsCase):
    """The client offers exactly what its options name."""

    def test_versions(self):
        for args, version in ((["--tls-max=1.2"], "TLSv1.2"), (["--tls-min=1.3"], "TLSv1.3"),
                              ([], "TLSv1.3")):
            with self.subTest(args), seeing(server_context()) as stub:
                self.assertEqual(self.ok(stub, *args)["version"], version)
                self.assertEqual(stub.seen[0].version, version)

    def test_ciphers_of_tls_1_2(self):
        with seeing(server_context(maximum=V12)) as stub:
            wanted = "ECDHE-ECDSA-CHACHA20-POLY1305"
            tls = self.ok(stub, f"--ciphers={wanted}:?NO-SUCH-CIPHER")
            self.assertEqual(tls["cipher"], "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256")
            self.assertEqual(stub.seen[0].cipher, wanted)

    def test_cipher_suites_of_tls_1_3(self):
        with seeing(server_context(minimum=V13)) as stub:
            wanted = "TLS_CHACHA20_POLY1305_SHA256"  # which the server would not choose if there were others
            self.assertEqual(self.ok(stub, f"--ciphersuites={wanted}")["cipher"], wanted)
            self.assertEqual(stub.seen[0].cipher, wanted)

    def test_alpn(self):
        context = server_context()
        context.set_alpn_protocols(["b", "c"])
        with seeing(context) as stub:
            self.assertEqual(self.ok(stub, "--alpn=a,c,b")["alpn"], "b")
            self.assertEqual(stub.seen[0].alpn, "b")
            self.assertNotIn("alpn", self.ok(stub))
            self.assertIsNone(stub.seen[1].alpn)

    @support.requires("openssl")
    def test_groups(self):
        # By default OpenSSL 3.5 prefers P-256, whatever the client's order.
        with OpenSsl("-groups", "P-384:P-256") as stub:
            tls = self.ok(stub, "--groups=P-384:P-256", "--expect=none", data=b"")
            self.assertEqual(tls["group"], "P-384")
            self.assertRegex(stub.connection(), r"Supported groups: secp384r1:secp256r1\n")

    @support.requires("openssl")
    def test_a_staple_is_asked_for(self):
        with OpenSsl("-tlsextdebug") as stub:
            self.ok(stub, "--expect=none", data=b"")
            self.assertIn('TLS client extension "status request"', stub.connection())

    def test_an_unknown_name_is_a_wrong_option(self):
        for option, name in (("--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA25"),
                             ("--ciphersuites", "TLS_AES_128_GCM_SHA25"), ("--groups", "X2551"),
                             ("--ciphers", "HIGH"), ("--alpn", "a,,b")):
            with self.subTest(option):
                self.fails(2, f"^{option}: ", f"{option}={name}", "tls://127.0.0.1:1")

    def test_nothing_in_common_is_reported_with_the_option_to_change(self):
        with StubServer(stub_server.echo, server_context(maximum=V12)) as stub:
            self.fails(7, "handshake_failure.*--ciphers", *CA,
                       "--ciphers=ECDHE-RSA-AES128-GCM-SHA256", stub.endpoint())
            self.fails(7, "protocol_version.*--tls-min", *CA, "--tls-min=1.3", stub.endpoint())
        with StubServer(stub_server.echo, server_context(minimum=V13)) as stub:
            self.fails(7, "protocol_version.*--tls-max", *CA, "--tls-max=1.2", stub.endpoint())

    @support.requires("openssl")
    def test_no_common_protocol_is_reported_with_its_option(self):
        with OpenSsl("-alpn", "a") as stub:
            summary = self.fails(7, "no_application_protocol.*--alpn", *CA, "--alpn=b",
                                 stub.endpoint())
            self.assertEqual(summary["error"]["alert"], 120)


class KeyLog(TlsCase):

    def test_has_the_secrets_that_the_peer_has(self):
        for version in (V12, V13):
            context = server_context(minimum=version, maximum=version)
            context.keylog_filename = self.folder / f"theirs-{version}"
            ours = self.folder / f"ours-{version}"
            with self.subTest(version), seeing(context) as stub:
                self.ok(stub, f"--keylog={ours}")
                theirs = pathlib.Path(context.keylog_filename).read_text(encoding="ascii")
                theirs = {line for line in theirs.splitlines() if not line.startswith("#")}
                lines = ours.read_text(encoding="ascii").splitlines()
                self.assertTrue(lines)
                self.assertEqual(set(lines), theirs)
                self.assertEqual(stat.S_IMODE(ours.stat().st_mode), 0o600)
                self.ok(stub, f"--keylog={ours}")
                self.assertEqual(ours.read_text(encoding="ascii").splitlines()[:len(lines)], lines)

    def test_the_option_wins_over_the_environment(self):
        env = support.environment(SSLKEYLOGFILE=str(self.folder / "env"))
        with seeing(server_context()) as stub:
            self.ok(stub, "--keylog", self.folder / "given", env=env)
            self.assertFalse((self.folder / "env").exists())
            self.ok(stub, env=env)
            self.assertTrue((self.folder / "env").exists())

    def test_one_that_cannot_be_written_is_a_wrong_option(self):
        says = "open /nonexistent/log: No such file or directory: create its folder"
        self.fails(2, f"^--keylog: {says}", "--keylog=/nonexistent/log",
                   "tls://127.0.0.1:1")
        env = support.environment(SSLKEYLOGFILE="/nonexistent/log")
        self.fails(2, f"^SSLKEYLOGFILE: {says}", "tls://127.0.0.1:1", env=env)
        self.fails(2, "^--keylog: /dev/full is not a regular file", "--keylog=/dev/full",
                   "tls://127.0.0.1:1")


class Resume(TlsCase):

    def resumed(self, stub, *args, **options):
        return self.ok(stub, f"--resume={self.folder / 'session'}", *args, **options)["resumed"]

    @support.requires("openssl")
    def test_openssl_resumes_its_session(self):
        for version in ("1.2", "1.3"):
            self.folder.joinpath("session").unlink(missing_ok=True)
            options = (f"--tls-max={version}", "--expect=none")
            with self.subTest(version), OpenSsl() as stub:
                self.assertFalse(self.resumed(stub, *options, data=b""))
                self.assertNotIn("Reused session-id", stub.connection())
                for _ in range(2):
                    self.assertTrue(self.resumed(stub, *options, data=b""))
                    self.assertIn("Reused session-id", stub.connection())

    def test_tlsecho_server_resumes_it_and_keeps_its_parameters(self):
        server = self.server("listeners: [ { listen: 'tls://127.0.0.1:0' } ]" + support.PROFILE)
        for version in ("1.2", "1.3"):
            args = (*CA, "--json", f"--tls-max={version}", f"--resume={self.folder / version}",
                    server.endpoint("tls"))
            full = support.client(*args, data=b"x").summary()["tls"]
            again = support.client(*args, data=b"x").summary()["tls"]
            self.assertEqual((full["resumed"], again["resumed"]), (False, True))
            for key in ("version", "cipher", "verified", "verification", "peer", "chain"):
                self.assertEqual(full[key], again[key], key)
            for resumed in ("no", "yes"):
                server.wait_for("connection", version=f"TLSv{version}", resumed=resumed)
            mode = (self.folder / version).stat().st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_a_resumed_session_bypasses_no_check(self):
        server = self.server("listeners: [ { listen: 'tls://127.0.0.1:0' } ]" + support.PROFILE)
        self.assertFalse(self.resumed(server_end(server)))
        session, endpoint = f"--resume={self.folder / 'session'}", server.endpoint("tls")
        self.fails(8, "not trusted", session, endpoint)
        self.fails(8, "not the pinned one", session, "--pin", "0" * 64, endpoint)
        self.assertFalse(self.resumed(server_end(server), "--servername=localhost"))

    def test_a_session_that_could_not_be_saved_is_local(self):
        folder = self.folder / "gone"
        folder.mkdir()

        def handler(connection):
            shutil.rmtree(folder)
            stub_server.echo(connection)

        with StubServer(handler, server_context()) as stub:
            summary = self.fails(15, "write .*gone/session: No such file", *CA,
                                 f"--resume={folder / 'session'}", stub.endpoint())
            self.assertEqual(summary["error"]["phase"], "local")

    def test_another_file_is_not_overwritten(self):
        precious = self.folder / "precious"
        precious.write_text("precious")
        self.fails(2, "name another file", f"--resume={precious}", "tls://127.0.0.1:1")
        self.assertEqual(precious.read_text(), "precious")
        self.fails(2, "/nonexistent", "--resume=/nonexistent/session", "tls://127.0.0.1:1")
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        self.fails(2, "not a regular file", f"--resume={fifo}", "tls://127.0.0.1:1")


def server_end(server):
    """A tlsecho-server in the place of a stub server."""
    class End:
        """Has an endpoint only."""
        @staticmethod
        def endpoint():
            return server.endpoint("tls")
    return End


class Certificates(TlsCase):

    def shown(self, *args):
        done = support.client("--show-certs", *args)
        return done, done.stdout.decode()

    @support.requires("openssl")
    def test_shows_what_s_client_shows(self):
        server = self.server(support.EVERYTHING)
        host, port = server.address("tls")
        done, text = self.shown(*CA, server.endpoint("tls"))
        theirs = support.run("openssl", "s_client", "-connect", f"{host}:{port}", "-showcerts",
                             "-nameopt", "rfc2253").stdout.decode()
        self.assertEqual((done.status, done.stderr), (0, ""))
        self.assertEqual(len(PEM.findall(text)), 2)
        self.assertEqual(PEM.findall(text), PEM.findall(theirs))
        for line in re.findall(r"^ *\d* [si]:.*\n", theirs, re.M):
            self.assertIn(line, text)

    def test_shows_them_and_ends_without_reading_or_sending(self):
        with StubServer(stub_server.discard, server_context()) as stub:  # it does not answer
            done = support.client("--show-certs", *CA, stub.endpoint(), data=b"hello")
            self.assertEqual(done.status, 0, done.stderr)

    def test_shows_certificates_that_are_not_trusted(self):
        for name, status in (("self-signed", 8), ("expired", 10), ("wrong-host", 9)):
            with self.subTest(name), StubServer(stub_server.echo, server_context(name)) as stub:
                done, text = self.shown(*CA, stub.endpoint())
                self.assertEqual(done.status, status, done.stderr)
                self.assertIn("tlsecho-client: handshake: ", done.stderr)
                leaf = PEM.search((support.pki() / f"{name}.pem").read_text()).group()
                self.assertEqual(PEM.findall(text)[0], leaf)

    def test_a_full_disk_is_local(self):
        with StubServer(stub_server.echo, server_context()) as stub:
            done = support.run("sh", "-c", '"$@" >/dev/full', "sh",
                               support.program("TLSECHO_CLIENT"), "--show-certs", *CA,
                               stub.endpoint())
            self.assertEqual(done.status, 15, done.stderr)

    def test_shows_nothing_where_there_is_nothing(self):
        done, text = self.shown("tls://127.0.0.1:1")
        self.assertEqual((done.status, text), (4, ""))


class Staple(TlsCase):
    """OCSP responses of the PKI's intermediate CA, stapled by openssl s_server."""

    def response(self, name, *times):
        """A DER file with the status of a certificate: revoked for "revoked", otherwise good."""
        pki = support.pki()
        serial = subprocess.run(["openssl", "x509", "-in", pki / f"{name}.pem", "-noout",
                                 "-serial"], capture_output=True, check=True, text=True)
        serial = serial.stdout.strip().partition("=")[2]
        end = "R\t300101000000Z\t260101000000Z" if name == "revoked" else "V\t300101000000Z\t"
        (self.folder / "index").write_text(f"{end}\t{serial}\tunknown\t/CN=localhost\n")
        issuer = pki / "intermediate.pem"
        for command in (["-issuer", issuer, "-cert", pki / f"{name}.pem", "-no_nonce", "-reqout",
                         self.folder / "request"],
                        ["-index", self.folder / "index", "-rsigner", issuer, "-rkey",
                         pki / "intermediate.key", "-CA", issuer, "-reqin",
                         self.folder / "request", "-respout", self.folder / name, *times]):
            subprocess.run(["openssl", "ocsp", *command], check=True, capture_output=True)
        return self.folder / name

    @support.requires("openssl")
    def test_is_judged_on_both_versions(self):
        good = self.response("server-ecdsa", "-ndays", "1")
        other = self.response("server-rsa", "-ndays", "1")
        for version in ("1.2", "1.3"):
            for file, word in ((good, "good"), (other, "invalid"), (None, "none")):
                staple = ("-status_file", file) if file else ()
                with self.subTest(version=version, word=word), OpenSsl(*staple) as stub:
                    tls = self.ok(stub, f"--tls-max={version}", "--expect=none", data=b"")
                    self.assertEqual((tls["staple"], tls["verified"]), (word, True))

    @support.requires("openssl")
    def test_revoked_is_untrusted(self):
        revoked = self.response("revoked", "-ndays", "1")
        with OpenSsl("-status_file", revoked, name="revoked") as stub:
            summary = self.fails(8, "was revoked on 2026-01-01.*renew it", *CA, stub.endpoint())
            self.assertEqual(summary["result"], "untrusted")
            self.assertIs(summary["tls"]["verified"], False)
            done = support.client("-k", "--json", *CA, "--expect=none", stub.endpoint())
            self.assertEqual(done.status, 0, done.stderr)
            self.assertEqual(done.summary()["tls"]["staple"], "revoked")
            self.assertIn("was revoked", done.summary()["tls"]["verification"])


class Output(TlsCase):
    """-v and --json agree, also on the result of the verification."""

    def both(self, *args, data=b"hello"):
        done = support.client("-v", "--json", *args, data=data)
        return done, done.summary()["tls"], "\n".join(done.stderr.splitlines()[:-1])

    def every_text(self, value):
        if isinstance(value, dict):
            for inner in value.values():
                yield from self.every_text(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from self.every_text(inner)
        elif isinstance(value, str):
            yield value

    def test_everything_is_in_both(self):
        context = server_context()
        context.set_alpn_protocols(["proto"])
        with StubServer(stub_server.echo, context) as stub:
            done, tls, words = self.both(*CA, "--alpn=proto", stub.endpoint())
        self.assertEqual(done.status, 0, done.stderr)
        self.assertEqual(set(tls), {"version", "cipher", "group", "signature", "resumed", "alpn",
                                    "staple", "verified", "verification", "peer", "chain"})
        self.assertEqual(tls["signature"], "ecdsa_secp256r1_sha256")
        self.assertEqual(tls["peer"], tls["chain"][0])
        self.assertEqual(tls["peer"]["sans"], ["DNS:localhost", "IP:127.0.0.1", "IP:::1"])
        self.assertEqual(tls["chain"][1]["subject"], tls["peer"]["issuer"])
        self.assertEqual((tls["verified"], tls["verification"]), (True, "ok"))
        for text in self.every_text(tls):
            self.assertIn(text, words)
        self.assertIn("resumed no", words)
        self.assertIn("verification: ok", words)

    def test_signatures_have_their_names(self):
        for name, version, signature in (("server-rsa", V13, "rsa_pss_rsae_sha256"),
                                         ("server-rsa", V12, "rsa_pss_rsae_sha256"),
                                         ("server-ecdsa", V12, "ecdsa_secp256r1_sha256")):
            context = server_context(name, minimum=version, maximum=version)
            with self.subTest(name=name, version=version), StubServer(stub_server.echo, context) as stub:
                self.assertEqual(self.ok(stub)["signature"], signature)

    @support.requires("openssl")
    def test_a_key_for_pss_alone_gives_its_signature_another_name(self):
        key, certificate = self.folder / "key", self.folder / "certificate"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa-pss", "-pkeyopt",
                        "rsa_keygen_bits:2048", "-noenc", "-keyout", key, "-out", certificate,
                        "-subj", "/CN=pss"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        with StubServer(stub_server.echo, context) as stub:
            self.assertEqual(self.ok(stub, "-k")["signature"], "rsa_pss_pss_sha256")

    def test_insecure_reports_the_result_of_the_verification(self):
        with StubServer(stub_server.echo, server_context("expired")) as stub:
            done, tls, words = self.both("-k", *CA, stub.endpoint())
            self.assertEqual((done.status, tls["verified"]), (0, False))
            self.assertIn("expired on 2021", tls["verification"])
            self.assertIn(f"its result would be: {tls['verification']}", words)
        with StubServer(stub_server.echo, server_context()) as stub:
            _, tls, words = self.both("-k", *CA, stub.endpoint())
            self.assertEqual((tls["verified"], tls["verification"]), (False, "ok"))
            self.assertIn("its result would be: ok", words)

    def test_a_verdict_by_pin_is_marked(self):
        with StubServer(stub_server.echo, server_context("self-signed")) as stub:
            _, tls, _ = self.both("-k", stub.endpoint())
            _, tls, words = self.both("--pin", tls["peer"]["sha256"], stub.endpoint())
            self.assertEqual((tls["verified"], tls["verification"]), (True, "ok"))
            self.assertIn("verification: ok (pinned)", words)

    def test_a_refused_chain_is_shown_with_the_reason(self):
        with StubServer(stub_server.echo, server_context("wrong-host")) as stub:
            done, tls, words = self.both(*CA, stub.endpoint())
            self.assertEqual((done.status, tls["verified"]), (9, False))
            self.assertEqual(tls["peer"]["sans"], ["DNS:wrong.example"])
            self.assertNotIn("version", tls)
            self.assertIn("DNS:wrong.example", words)
            self.assertIn(f"verification: {tls['verification']}", words)
            self.assertTrue(done.summary()["error"]["message"].startswith(tls["verification"]))


if __name__ == "__main__":
    unittest.main()
