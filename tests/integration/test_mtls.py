# SPDX-License-Identifier: MIT
"""Client authentication: which certificates are accepted, and what refused clients receive."""

import concurrent.futures
import os
import signal
import socket
import ssl
import unittest

import certificates
import peers
import support

CONFIG = """
listeners:
  - { listen: "tls://127.0.0.1:0", name: open, tls: open }
  - { listen: "tls://127.0.0.1:0", name: mutual, tls: mutual }
tls:
  open:
    certificates: [ &PAIR ]
    ticket_keys: tickets
  mutual:
    certificates: [ &PAIR ]
    client_auth: required
    client_ca: ca.pem
    crl: crl.pem
    ticket_keys: tickets
    allow_names: [ "DNS:*.example" ]
""".replace("&PAIR", '{ certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" }')

VERSIONS = ("1.2", "1.3")
CLIENT_CERTIFICATE = 11  # exit status of the client
AT_ONCE = 100 // support.PATIENCE  # refused clients
KEY_BYTES = 80
PAST_ALL_BUFFERS = 8_000_000  # more than the kernel buffers between two sockets


def revoking():
    """The CRLs that list client-revoked."""
    return (support.pki() / "crl.pem").read_bytes()


class Mutual(support.TestCase):
    def mutual(self, config=CONFIG, crl=None):
        """Starts a server with the files that the configuration names in its folder."""
        return self.server(config, files={"ca.pem": certificates.bundle(), "crl.pem": crl or revoking(),
                                          "tickets": b"a" * KEY_BYTES})


class Refused(Mutual):
    """Checks the exit status of tlsecho-client and the log of the server."""

    def connect(self, server, version, name=None, data=b"hello"):
        own = () if name is None else ("--cert", support.pki() / f"{name}.pem",
                                       "--key", support.pki() / f"{name}.key")
        return support.client("--cacert", support.pki() / "ca.pem", "--tls-max", version, *own,
                              server.endpoint("mutual"), data=data)

    def assert_refused(self, server, name, alert, reason):
        for version in VERSIONS:
            with self.subTest(name=name, version=version):
                done = self.connect(server, version, name)
                self.assertEqual(done.status, CLIENT_CERTIFICATE, done.stderr)
                line = server.wait_for("connection", listener="mutual")
                sent = alert if name or version == "1.3" else "handshake_failure"
                self.assertIn(f"alert {sent}", done.stderr)
                self.assertEqual((line["end"], line["alert"]), ("handshake_failed", sent), line)
                self.assertIn(reason, line["reason"])
                self.assertIn("127.0.0.1:", line["source"])

    def test_a_client_with_a_good_certificate_is_named_in_the_log(self):
        server = self.mutual()
        for version in VERSIONS:
            done = self.connect(server, version, "client")
            self.assertEqual((done.status, done.stdout), (0, b"hello"), done.stderr)
            line = server.wait_for("connection")
            self.assertEqual(line["client"], "CN=client.example,O=tlsecho development")
            self.assertTrue(line["client_names"].startswith("DNS:client.example, "), line)

    def test_the_log_has_the_refused_subject_and_the_reason(self):
        server = self.mutual()
        refused = 'client certificate "CN=client.example,O=tlsecho development" refused: '
        self.assert_refused(server, None, "certificate_required", "no client certificate")
        self.assert_refused(server, "client-other-ca", "unknown_ca",
                            refused + 'its issuer "CN=Another CA,O=tlsecho development" is not')
        self.assert_refused(server, "client-expired", "certificate_expired",
                            refused + "expired on 2021-01-01 00:00 UTC")
        self.assert_refused(server, "client-revoked", "certificate_revoked",
                            refused + "revoked on 20")

    def test_a_name_that_is_not_allowed_is_refused(self):
        server = self.mutual(CONFIG.replace("DNS:*.example", "DNS:*.example.net"))
        self.assert_refused(server, "client", "bad_certificate",
                            "name not allowed: it is for DNS:client.example, ")

    def test_an_expired_crl_refuses_every_client(self):
        server = self.mutual(crl=certificates.make_crls("-crl_lastupdate", "20200101000000Z",
                                                   "-crl_nextupdate", "20210101000000Z"))
        self.assert_refused(server, "client", "certificate_unknown",
                            'crl-expired: the CRL of "CN=Intermediate CA,O=tlsecho development" '
                            "has been out of date since 2021-01-01 00:00 UTC")

    def test_every_refused_client_that_writes_at_once_receives_the_alert(self):
        server = self.mutual()
        data = os.urandom(100_000)
        for version in VERSIONS:
            for name in (None, "client-revoked"):
                with self.subTest(name=name, version=version), \
                        concurrent.futures.ThreadPoolExecutor(8) as several:
                    statuses = list(several.map(
                        lambda _: self.connect(server, version, name, data).status,
                        range(AT_ONCE)))
                    self.assertEqual(statuses, [CLIENT_CERTIFICATE] * AT_ONCE)

    def test_what_a_refused_client_still_sends_is_read_to_its_end(self):
        """close(2) with unread input sends an RST, and a client that receives one while it writes does
        not read the alert."""
        server = self.mutual()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = peers.context("1.3").wrap_bio(incoming, outgoing, server_hostname="localhost")
        with peers.connect(server.address("mutual")) as sock:
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    incoming.write(sock.recv(peers.CHUNK_BYTES))
            tls.write(os.urandom(PAST_ALL_BUFFERS))
            sock.sendall(outgoing.read())
            sock.shutdown(socket.SHUT_WR)
            while wire := sock.recv(peers.CHUNK_BYTES):
                incoming.write(wire)
            with self.assertRaisesRegex(ssl.SSLError, "(?i)certificate.required"):
                tls.read()


class Resumption(Mutual):
    """Python's ssl offers a session to resume."""

    @staticmethod
    def context(version, name=None):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.load_verify_locations(support.pki() / "ca.pem")
        ctx.minimum_version = ctx.maximum_version = peers.VERSIONS[version]
        if name:
            ctx.load_cert_chain(support.pki() / f"{name}.pem", support.pki() / f"{name}.key")
        return ctx

    def session(self, server, ctx, offered=None, listener="mutual"):
        """Echoes a byte. Returns (whether it resumed, the session to offer next)."""
        with peers.Tls(server.address(listener), ctx=ctx, session=offered) as peer:
            peer.send(b"x")
            self.assertEqual(peer.receive(1), b"x")
            self.assertEqual(peer.exchange(b""), b"")
            line = server.wait_for("connection", source=peer.name)
            self.assertEqual(line["resumed"], "yes" if peer.tls.session_reused else "no")
            return peer.tls.session_reused, peer.tls.session

    def assert_refused(self, server, ctx, offered, reason):
        with self.assertRaises((ssl.SSLError, AssertionError)):
            self.session(server, ctx, offered)
        self.assertIn(reason, server.wait_for("connection", end="handshake_failed")["reason"])

    def replace(self, server, name, data):
        fresh = server.folder / (name + ".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(data)
        os.replace(fresh, server.folder / name)

    def reload(self, server, name, data):
        self.replace(server, name, data)
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")

    def test_from_one_process_to_another_after_the_first_has_died(self):
        for version in VERSIONS:
            ctx = self.context(version, "client")
            first = self.mutual()
            resumed, session = self.session(first, ctx)
            self.assertFalse(resumed)
            first.process.kill()
            first.wait()
            second = self.mutual()
            resumed, _ = self.session(second, ctx, session)
            self.assertTrue(resumed)
            line = second.lines("connection")[-1]
            self.assertEqual(line["client"], "CN=client.example,O=tlsecho development")

    def test_across_a_rotation_of_the_keys_and_not_after_the_last_one(self):
        old, new = b"a" * KEY_BYTES, b"b" * KEY_BYTES
        for version in VERSIONS:
            ctx = self.context(version, "client")
            server = self.mutual(CONFIG + "watch: off\n")
            _, session = self.session(server, ctx)
            self.reload(server, "tickets", new + old)
            resumed, renewed = self.session(server, ctx, session)
            self.assertTrue(resumed)
            self.reload(server, "tickets", new)
            self.assertFalse(self.session(server, ctx, session)[0])
            self.assertTrue(self.session(server, ctx, renewed)[0])

    def test_across_a_reload_without_a_file_of_keys(self):
        config = CONFIG.replace("    ticket_keys: tickets\n", "") + "watch: off\n"
        for version in VERSIONS:
            ctx = self.context(version, "client")
            server = self.mutual(config)
            _, session = self.session(server, ctx)
            self.reload(server, "ca.pem", certificates.bundle())
            self.assertTrue(self.session(server, ctx, session)[0])

    def test_a_ticket_of_a_profile_without_client_auth_opens_no_other(self):
        server = self.mutual()
        for version in VERSIONS:
            ctx = self.context(version)
            _, session = self.session(server, ctx, listener="open")
            self.assertTrue(self.session(server, ctx, session, listener="open")[0])
            self.assert_refused(server, ctx, session, "no client certificate, and one is required")

    def test_a_ticket_is_good_for_its_certificates_and_server_name_alone(self):
        pair = "{ certificates: [ { certificate: '{pki}/NAME.pem', key: '{pki}/NAME.key' } ] }"
        server = self.server("""
listeners:
  - { listen: "tls://127.0.0.1:0", name: one, tls: one }
  - { listen: "tls://127.0.0.1:0", name: other, tls: other }
tls:
""" + "".join(f"  {profile}: {pair.replace('NAME', name)}\n"
              for profile, name in (("one", "server-ecdsa"), ("other", "wrong-host"))))
        for version in VERSIONS:
            ctx = self.context(version)
            ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
            _, session = self.session(server, ctx, listener="one")
            self.assertTrue(self.session(server, ctx, session, listener="one")[0])
            self.assertFalse(self.session(server, ctx, session, listener="other")[0])
            with peers.Tls(server.address("one"), ctx=ctx, session=session,
                           server_hostname="other.example") as peer:
                self.assertFalse(peer.tls.session_reused)

    def test_a_renewed_certificate_for_the_same_names_keeps_tickets(self):
        config = CONFIG.replace("{pki}/server-ecdsa.pem", "own.pem")
        config = config.replace("{pki}/server-ecdsa.key", "own.key") + "watch: off\n"
        first, renewed, other = (certificates.make_server(names) for names in (
            "DNS:localhost,DNS:a.example", "DNS:a.example,DNS:localhost", "DNS:localhost"))
        files = {"ca.pem": certificates.bundle(), "crl.pem": revoking(), "tickets": b"a" * KEY_BYTES}
        for version in VERSIONS:
            ctx = self.context(version, "client")
            server = self.server(config, files={**files, "own.pem": first[0], "own.key": first[1]})
            _, session = self.session(server, ctx)
            self.replace(server, "own.pem", renewed[0])
            self.reload(server, "own.key", renewed[1])
            self.assertTrue(self.session(server, ctx, session)[0])
            self.replace(server, "own.pem", other[0])
            self.reload(server, "own.key", other[1])
            self.assertFalse(self.session(server, ctx, session)[0])

    def test_a_delta_crl_refuses_the_reload_and_revoked_clients_stay_refused(self):
        server = self.mutual(CONFIG + "watch: off\n")
        delta = certificates.make_crls(extension="2.5.29.27 = critical,DER:020101")
        self.replace(server, "crl.pem", revoking() + delta)
        server.signal(signal.SIGHUP)
        self.assertRegex(server.wait_for("reload_refused")["reason"],
                         r":\d+:\d+: tls\.mutual\.crl: .*crl\.pem: CRL 3, of .* is a delta CRL")
        for version in VERSIONS:
            self.assert_refused(server, self.context(version, "client-revoked"), None,
                                "refused: revoked on 20")

    def test_a_client_that_was_revoked_after_it_got_its_ticket_is_refused(self):
        for version in VERSIONS:
            ctx = self.context(version, "client-revoked")
            server = self.mutual(CONFIG + "watch: off\n", crl=certificates.make_crls())
            _, session = self.session(server, ctx)
            self.assertTrue(self.session(server, ctx, session)[0])
            self.reload(server, "crl.pem", revoking())
            self.assert_refused(server, ctx, session, "refused: revoked on 20")

    def test_a_client_whose_name_is_no_longer_allowed_is_refused(self):
        config = CONFIG.replace("DNS:*.example", "DNS:client.example") + "watch: off\n"
        fewer = config.replace("DNS:client.example", "DNS:nobody.example")
        fewer = fewer.replace("{pki}", str(support.pki())).encode()
        for version in VERSIONS:
            ctx = self.context(version, "client")
            server = self.mutual(config)
            _, session = self.session(server, ctx)
            self.assertTrue(self.session(server, ctx, session)[0])
            self.reload(server, "server.yaml", fewer)
            self.assert_refused(server, ctx, session, "name not allowed: it is for DNS:client.example, ")


if __name__ == "__main__":
    unittest.main(verbosity=2)
