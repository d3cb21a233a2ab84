# SPDX-License-Identifier: MIT
"""tlsecho-client over DTLS, against socat and openssl s_server, with a relay between them that loses
flights, and against what is no DTLS."""

import os
import signal
import socket
import subprocess
import tempfile
import unittest

import certificates
import datagrams
import proc
import stub_server
import support
from test_client_prompt import END, Terminal


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def is_open(port):
    with open("/proc/thread-self/net/udp", encoding="ascii") as table:
        return any(line.split()[1].endswith(f":{port:04X}") for line in list(table)[1:])


class Socat:
    """An echo of any number of clients: it forwards each message to a UDP echo, so that they stay
    apart."""

    def __init__(self, address="127.0.0.1"):
        self.port, self.address = free_port(), address
        self.echo = datagrams.Echo().__enter__()
        path = certificates.pki("server-ecdsa")
        self.process = subprocess.Popen(
            ["socat", "-b65536", f"OPENSSL-DTLS-SERVER:{self.port},bind={address},pf=ip4,fork,reuseaddr,cert={path}.pem,"
                      f"key={path}.key,verify=0", f"UDP4:127.0.0.1:{self.echo.address[1]}"],
            stderr=subprocess.DEVNULL, start_new_session=True)
        proc.wait_until(lambda: is_open(self.port), "socat does not listen")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)  # with its children
        self.process.wait(support.DEADLINE_S)
        self.echo.__exit__()

    def endpoint(self):
        return f"dtls://localhost:{self.port}"


def s_server(*args, name="server-ecdsa"):
    return stub_server.OpenSsl("-dtls1_2", *args, name=name)


class DtlsCase(support.TestCase):
    def client(self, *args, status=0, trust=True):
        """The summary."""
        done = support.client("--json", *(("--cacert", certificates.pki("ca.pem")) if trust else ()), *args)
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        return done.summary()

    def check(self, server, *args, status=0, trust=True):
        """Of a handshake; by name, since the certificates are for one."""
        return self.client("--check", "--expect=none", *args, f"dtls://localhost:{server.port}",
                           status=status, trust=trust)


@support.requires("socat")
class Echo(DtlsCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Socat()
        cls.addClassCleanup(cls.server.__exit__)

    def test_ping(self):
        for size in ("1", "1400", "16384"):
            summary = self.client("--ping", "-c10", "-i0", f"-s{size}", self.server.endpoint())
            self.assertEqual(summary["probes"]["received"], 10)
        self.assertEqual((summary["transport"], summary["tls"]["version"]), ("dtls", "DTLSv1.2"))
        self.assertTrue(summary["tls"]["verified"])
        self.assertIn("handshake", summary["phases"])
        self.assertNotIn("connect", summary["phases"])
        self.assertIn("jitter", summary)

    def test_check_bench_and_page(self):
        summary = self.client("--check", self.server.endpoint())
        self.assertEqual(summary["bytes_received"], 64)
        with tempfile.NamedTemporaryFile(suffix=".html") as page:
            summary = self.client("--bench", "--rate=500", "-n200", "-P4", "--report-html", page.name,
                                  self.server.endpoint())
            text = page.read().decode()
        self.assertEqual((summary["messages"], summary["lost"], summary["connections"]), (200, 0, 4))
        self.assertEqual(summary["handshake"]["count"], 4)
        self.assertIn("DTLSv1.2", text)

    def test_prompt(self):
        terminal = Terminal("--json", "--cacert", certificates.pki("ca.pem"), self.server.endpoint())
        terminal.prompt()
        terminal.type(b"hello\n")
        terminal.wait_for(b"hello\r\nhello\r\n")
        terminal.prompt()
        terminal.type(END)
        self.assertEqual(terminal.status(), 0)
        result = support.described(terminal.seen[terminal.seen.index(b"{"):])
        self.assertEqual((result["transport"], result["lines"]["received"]), ("dtls", 1))

    def test_a_lost_flight_is_sent_again_after_a_second(self):
        with datagrams.Relay(("127.0.0.1", self.server.port), there={1: ()}) as between:
            summary = self.client("--check", "--servername=localhost",
                                  f"dtls://127.0.0.1:{between.address[1]}")
        self.assertGreater(summary["phases"]["handshake"], 0.95)
        self.assertLess(summary["phases"]["handshake"], 1.9)


class GnuTls(DtlsCase):
    @support.requires("gnutls-serv")
    def test_ping(self):
        port, path = free_port(), certificates.pki("server-ecdsa")
        server = subprocess.Popen(["gnutls-serv", "--udp", "--echo", f"--port={port}", f"--x509certfile={path}.pem",
                                   f"--x509keyfile={path}.key"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            proc.wait_until(lambda: is_open(port), "gnutls-serv does not listen")
            summary = self.client("--ping", "-c5", "-i0", f"dtls://localhost:{port}")
        finally:
            server.terminate()
            server.wait(support.DEADLINE_S)
        self.assertEqual((summary["probes"]["received"], summary["tls"]["verified"]), (5, True))


class Verdicts(DtlsCase):
    def test_what_is_wrong_with_the_certificate_has_its_class(self):
        for name, status in (("expired", 10), ("wrong-host", 9), ("self-signed", 8)):
            with self.subTest(name), s_server(name=name) as server:
                summary = self.check(server, status=status)
                self.assertEqual(summary["error"]["phase"], "handshake")
                self.assertEqual(summary["tls"]["chain"][0], summary["tls"]["peer"])

    def test_options_of_tls_hold(self):
        with s_server("-alpn", "echo") as server, tempfile.NamedTemporaryFile() as log:
            summary = self.check(server, "--alpn=echo", f"--keylog={log.name}", "--groups=P-256",
                                 "--ciphers=ECDHE-ECDSA-CHACHA20-POLY1305", "--tls-max=1.3")
            self.assertIn(b"CLIENT_RANDOM ", log.read())
            tls = summary["tls"]
            self.assertEqual((tls["alpn"], tls["group"], tls["cipher"]),
                             ("echo", "P-256", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"))
            self.check(server, "--pin", tls["peer"]["sha256"], trust=False)
            self.check(server, "--pin", "0" * 64, trust=False, status=8)
            done = support.client("--check", "--expect=none", "--nagios", "--expiry-crit=36500", "--cacert",
                                  certificates.pki("ca.pem"), f"dtls://localhost:{server.port}")
            self.assertEqual(done.status, 2)
            self.assertIn(b"TLSECHO CRITICAL - expired: ", done.stdout)
            done = support.client("--show-certs", "-k", f"dtls://localhost:{server.port}")
            self.assertIn(b"BEGIN CERTIFICATE", done.stdout)

    def test_a_session_is_resumed(self):
        with s_server() as server, tempfile.TemporaryDirectory() as folder:
            resumed = [self.check(server, f"--resume={folder}/session")["tls"]["resumed"] for _ in range(2)]
        self.assertEqual(resumed, [False, True])

    def test_a_client_certificate_that_is_missing_or_refused(self):
        path = certificates.pki("client")
        with s_server("-Verify", "2", "-verify_return_error", "-CAfile", certificates.pki("ca.pem")) as server:
            summary = self.check(server, status=11)
            self.assertIn("requires a client certificate", summary["error"]["message"])
            self.check(server, "--cert", f"{path}.pem", "--key", f"{path}.key")
        other = certificates.pki("client-other-ca")
        with s_server("-Verify", "2", "-verify_return_error", "-CAfile", certificates.pki("ca.pem")) as server:
            self.check(server, "--cert", f"{other}.pem", "--key", f"{other}.key", status=11)

    def test_an_alert_is_named(self):
        with s_server("-alpn", "echo") as server:
            summary = self.check(server, "--alpn=other", status=7)
        self.assertEqual(summary["error"]["alert"], 120)
        self.assertIn("no_application_protocol", summary["error"]["message"])


class OwnServer(DtlsCase):
    """tlsecho-server at the other end."""

    def serve(self):
        path = certificates.pki("server-ecdsa")
        return self.server(f"""
listeners:
  - {{ listen: "dtls://127.0.0.1:0", name: echo }}
  - {{ listen: "dtls://127.0.0.1:0", service: upper, name: upper }}
  - {{ listen: "dtls://127.0.0.1:0", service: report, name: report }}
tls: {{ default: {{ certificates: [{{ certificate: {path}.pem, key: {path}.key }}] }} }}
timeouts: {{ drain: 100ms }}
""")

    def endpoint(self, server, name):
        return "dtls://localhost:%d" % server.address(name)[1]

    def test_services_resumption_and_the_report(self):
        server = self.serve()
        self.client("--ping", "-c5", "-i0", "--expect=upper", self.endpoint(server, "upper"))
        with tempfile.TemporaryDirectory() as folder:
            args = ("--check", f"--resume={folder}/session", self.endpoint(server, "echo"))
            self.assertEqual([self.client(*args)["tls"]["resumed"] for _ in range(2)], [False, True])
        pin = self.client("--check", self.endpoint(server, "echo"))["tls"]["peer"]["sha256"]
        summary = self.client("--report", "--pin", pin, "--expect-direct",
                              self.endpoint(server, "report"), trust=False)
        self.assertEqual((summary["verdict"]["path"], summary["verdict"]["cipher"]), ("end-to-end", "same"))
        self.assertEqual(summary["here"]["exporter"], summary["there"]["tls"]["exporter"])

    def test_the_remedy_for_another_service_works(self):
        echo = self.endpoint(self.serve(), "echo")
        for mode in (("--check",), ("--bench", "--rate=100", "-n1")):
            summary = self.client(*mode, "--expect=upper", echo, status=14)
            self.assertIn("use --expect none", summary["error"]["message"])
            self.client(*mode, "--expect=none", echo)

    def test_an_end_by_the_server_is_truncated_and_told(self):
        server = self.serve()
        client = subprocess.Popen([support.program("TLSECHO_CLIENT"), "--ping", "--json", "-v", "-k", "-i10ms",
                                   self.endpoint(server, "echo")], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env=support.environment())
        client.stdout.readline()  # a reply
        server.stop()
        out, _ = client.communicate(timeout=support.DEADLINE_S)
        summary = support.described(out.splitlines()[-1])
        self.assertIn("the server ended the session with close_notify", summary["error"]["message"])
        self.assertEqual(client.returncode, 1)  # some came back in time


class NoDtls(DtlsCase):
    def failure(self, port, *args, status):
        return self.client("--check", *args, f"dtls://127.0.0.1:{port}", status=status)["error"]["message"]

    def test_a_closed_port_is_refused(self):
        self.assertIn("Connection refused", self.failure(free_port(), status=4))
        done = support.client("--show-certs", "-k", f"dtls://127.0.0.1:{free_port()}")
        self.assertEqual(done.status, 4, done.stderr)
        summary = self.client("--ping", "-c1", f"dtls://127.0.0.1:{free_port()}", status=4)
        self.assertEqual(summary["error"]["phase"], "handshake")

    def test_silence_is_a_timeout_and_the_flight_was_sent_again(self):
        for timeout in "1200ms", "2500ms":  # the second ClientHello is due after 1 s, the third after 3
            with datagrams.Echo(lambda data: None) as silent:
                message = self.failure(silent.address[1], "--connect-timeout", timeout, status=6)
            if len(silent.seen) == 2:
                break
        self.assertIn("no answer to the ClientHello, which was sent 2 times", message)
        self.assertEqual(len(silent.seen), 2)

    def test_a_plain_echo_is_told(self):
        with datagrams.Echo() as echo:
            self.assertIn("it is a plain echo server, write udp://", self.failure(echo.address[1], status=7))

    def test_what_is_no_dtls_is_told(self):
        with datagrams.Echo(lambda data: b"SIP/2.0 400 Bad Request\r\n") as other:
            message = self.failure(other.address[1], "--connect-timeout=300ms", status=7)
        self.assertIn('does not use DTLS (its answer began with "SIP/2.0 400 Bad', message)

    def test_an_interrupt_ends_the_handshake(self):
        with datagrams.Echo(lambda data: None) as silent:
            client = subprocess.Popen([support.program("TLSECHO_CLIENT"), "--check",
                                       f"dtls://127.0.0.1:{silent.address[1]}"], stderr=subprocess.PIPE,
                                      env=support.environment())
            proc.wait_until(lambda: silent.seen, "no ClientHello")
            client.terminate()
            _, text = client.communicate(timeout=support.DEADLINE_S)
        self.assertEqual(client.returncode, 6, text)

    def test_what_dtls_cannot_do_is_refused_with_a_remedy(self):
        for args, remedy in ((("--check", "--tls-min=1.3"), "DTLS has only 1.2"),
                             (("--check", "--ciphersuites=TLS_AES_128_GCM_SHA256"), "use --ciphers"),
                             (("--ping", "-s16385"), "at most 16384 bytes"),
                             (("--ping", "--expect=stamp"), "udp://HOST:PORT"),
                             (("--bench",), "needs --rate"), (("--path",), "needs a stream"),
                             ((), "a pipe needs a stream")):
            done = support.client(*args, "dtls://localhost")
            self.assertEqual(done.status, 2)
            self.assertIn(remedy, done.stderr)


if __name__ == "__main__":
    unittest.main()
