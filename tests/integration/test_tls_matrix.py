# SPDX-License-Identifier: MIT
"""Server profile x client: the result of five TLS clients with each profile, printed as a table.

A cell has the parameters that the server logs; the client's view is checked as well. A cell that is
left out has the reason.
"""

import atexit
import os
import pathlib
import signal
import tempfile
import unittest

import certificates
import support
import tls_clients
from tls_clients import CLIENTS, Want

OURS, _, GNUTLS = CLIENTS[:3]
TABLE = {}  # test case: {row: {client: cell}}

RSA = '{ certificate: "{pki}/server-rsa.pem", key: "{pki}/server-rsa.key" }'
ECDSA = '{ certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" }'
OTHER = '{ certificate: "{pki}/wrong-host.pem", key: "{pki}/wrong-host.key" }'
BOTH = f"certificates: [ {RSA}, {ECDSA} ]"
CRLS = 'crl: "{pki}/crl.pem"'

ALERTS = {"handshake_failure": 40, "bad_certificate": 42, "certificate_revoked": 44,
          "certificate_expired": 45, "certificate_unknown": 46, "unknown_ca": 48,
          "access_denied": 49, "protocol_version": 70, "certificate_required": 116,
          "no_application_protocol": 120}
CLIENT_CERTIFICATE = 11  # exit status of tlsecho-client


def mutual(more="", auth="required"):
    return f'{BOTH}\n    client_auth: {auth}\n    client_ca: "{{dir}}/bundle.pem"\n    {more}'


def configuration(profiles):
    """One listener of the same name for each profile."""
    listeners = "".join(f"  - {{ listen: 'tls://127.0.0.1:0', name: {name}, tls: {name} }}\n"
                        for name in profiles)
    written = "".join(f"  {name}:\n    {text}\n" for name, text in profiles.items())
    return f"listeners:\n{listeners}tls:\n{written}"


def print_table():
    names = [client.name for client in CLIENTS]
    print("| |", " | ".join(names), "|")
    print("|---|" + "---|" * len(names))
    for case in (Versions, Certificates, Clients, Alpn, Resumption):
        for row, cells in TABLE.get(case, {}).items():
            print(f"| {row} |", " | ".join(cells.get(name, "not run") for name in names), "|")


class Matrix(support.TestCase):
    def start(self, profiles, watch="on", **files):
        files = {"bundle.pem": certificates.bundle(), **files}
        return self.server(configuration(profiles) + f"watch: {watch}\n", files=files)

    def connect(self, row, client, server, listener, **wishes):
        """Connects. Returns the client's outcome and the log line, or None if the client does not support
        it, which the table then shows."""
        want = Want(server.address(listener)[1], **wishes)
        reason = client.cannot(want) or tls_clients.missing(client)
        if reason:
            self.cell(row, client, f"left out: {reason}")
            return None
        self.cell(row, client, "FAILED")
        outcome = client.connect(want)
        return outcome, server.wait_for("connection", listener=listener)

    def cell(self, row, client, text):
        TABLE.setdefault(type(self), {}).setdefault(row, {})[client.name] = text

    def served(self, row, server, listener, expected=None, clients=CLIENTS, **wishes):
        """Each client receives its bytes, over a connection that is logged with these fields."""
        for client in clients:
            with self.subTest(row, client=client.name):
                got = self.connect(row, client, server, listener, **wishes)
                if not got:
                    continue
                outcome, line = got
                self.assertTrue(outcome.echoed, outcome.said)
                for key, value in (expected or {}).items():
                    self.assertRegex(line.get(key, ""), f"^{value}$", f"{key} in {line}")
                self.cell(row, client, self.describe(line))

    @staticmethod
    def describe(line):
        resumed = " resumed" if line["resumed"] == "yes" else ""
        cipher = line["cipher"].replace("TLS_", "").replace("_WITH", "")
        return f"{line['version'].replace('TLSv', '')} {cipher}{resumed}"

    def refused(self, row, server, listener, alert, clients=CLIENTS, ours=None, **wishes):
        """Each client receives the alert; tlsecho-client exits with that status."""
        for client in clients:
            with self.subTest(row, client=client.name):
                got = self.connect(row, client, server, listener, **wishes)
                if got:
                    self.check_refusal(row, client, *got, alert, ours)

    def check_refusal(self, row, client, outcome, line, alert, ours):
        self.assertFalse(outcome.echoed, outcome.said)
        self.assertEqual(line.get("alert"), alert, line)
        self.assertNotEqual(line.get("resumed"), "yes", line)
        self.assertTrue(line.get("reason"), line)
        self.assertTrue(outcome.tells(alert, ALERTS[alert]), outcome.said)
        if client is OURS and ours:
            self.assertEqual(outcome.status, ours, outcome.said)
        self.cell(row, client, alert)


class Versions(Matrix):
    def test_each_version_where_it_is_spoken(self):
        server = self.start({"both": BOTH, "old": BOTH + '\n    max_version: "1.2"',
                             "new": BOTH + '\n    min_version: "1.3"'})
        for version in ("1.2", "1.3"):
            self.served(f"1.2 and 1.3, client {version}", server, "both",
                        {"version": f"TLSv{version}"}, version=version)
        self.served("1.2 only, client as it likes", server, "old", {"version": "TLSv1.2"})
        self.served("1.3 only, client as it likes", server, "new", {"version": "TLSv1.3"})
        self.refused("1.2 only, client 1.3", server, "old", "protocol_version", version="1.3")
        self.refused("1.3 only, client 1.2", server, "new", "protocol_version", version="1.2")


class Certificates(Matrix):
    def test_rsa_and_ecdsa(self):
        server = self.start({"rsa": f"certificates: [ {RSA} ]", "both": BOTH,
                             "ecdsa": f"certificates: [ {ECDSA} ]"})
        for kind in ("RSA", "ECDSA"):
            self.served(f"{kind} certificate", server, kind.lower(), {"resumed": "no"})
            self.served(f"both, client takes {kind}, 1.2", server, "both",
                        {"cipher": f"TLS_ECDHE_{kind}_.*"}, version="1.2",
                        ciphers=f"ECDHE-{kind}-AES128-GCM-SHA256")
            self.served(f"both, client takes {kind}, 1.3", server, "both",
                        {"version": "TLSv1.3"}, version="1.3", signatures=kind)

    def test_sni(self):
        """A client that receives the wrong certificate fails to verify its name, and closes."""
        certificate, key = certificates.make_server("DNS:*.wild.example")
        wildcard = "{ certificate: wild.pem, key: wild.key }"
        server = self.start({"names": f"certificates: [ {ECDSA}, {OTHER}, {wildcard} ]"},
                            **{"wild.pem": certificate, "wild.key": key})
        for version in ("1.2", "1.3"):
            self.served(f"SNI hit, second certificate, {version}", server, "names",
                        {"sni": "wrong.example"}, version=version, sni="wrong.example")
            self.served(f"SNI hit, wildcard, {version}", server, "names",
                        {"sni": "a.wild.example"}, version=version, sni="a.wild.example")
            self.served(f"SNI hit, first certificate, {version}", server, "names",
                        {"sni": "localhost"}, version=version)
        self.missed("SNI miss, the first certificate", server, "names", "nobody.example")

    def missed(self, row, server, listener, name):
        for client in CLIENTS:
            with self.subTest(row, client=client.name):
                got = self.connect(row, client, server, listener, sni=name)
                if not got:
                    continue
                self.assertFalse(got[0].echoed, got[0].said)
                self.assertRegex(got[0].said, "(?i)host.?name|name|match")
                self.assertEqual(got[1]["sni"], name)
                self.cell(row, client, "name mismatch")


class Clients(Matrix):
    def test_accepted_and_refused_client_certificates(self):
        server = self.start({
            "required": mutual(CRLS), "optional": mutual(CRLS, auth="optional"),
            "named": mutual('allow_names: [ "DNS:client.example" ]'),
            "others": mutual('allow_names: [ "DNS:other.example", "email:*@example.net" ]')})
        subject = {"client": ".*CN=client.example.*"}
        for version in ("1.2", "1.3"):
            wishes = {"version": version, "ours": CLIENT_CERTIFICATE}
            self.served(f"mTLS, good, {version}", server, "required", subject, version=version,
                        certificate="client")
            self.served(f"mTLS, good and its name allowed, {version}", server, "named", subject,
                        version=version, certificate="client")
            self.served(f"mTLS optional, none, {version}", server, "optional", version=version)
            self.refused(f"mTLS, none, {version}", server, "required",
                         "certificate_required" if version == "1.3" else "handshake_failure",
                         **wishes)
            for name, alert in (("other-ca", "unknown_ca"), ("expired", "certificate_expired"),
                                ("revoked", "certificate_revoked")):
                for listener in ("required", "optional"):
                    prefix = "mTLS" if listener == "required" else "mTLS optional"
                    self.refused(f"{prefix}, {name}, {version}", server, listener, alert,
                                 certificate=f"client-{name}", **wishes)
            self.refused(f"mTLS, name not allowed, {version}", server, "others",
                         "bad_certificate", certificate="client", **wishes)


class Alpn(Matrix):
    def test_match_and_mismatch(self):
        server = self.start({"web": BOTH + "\n    alpn: [ h2, http/1.1 ]", "h2": BOTH +
                             "\n    alpn: [ h2 ]", "ignored": BOTH})
        self.served("ALPN match", server, "web", {"alpn": "http/1.1"}, alpn=("http/1.1",))
        self.served("ALPN match, the server's order", server, "web", {"alpn": "h2"},
                    alpn=("http/1.1", "h2"))
        self.served("ALPN ignored", server, "ignored", {"alpn": ""}, alpn=("http/1.1",))
        self.served("ALPN not offered", server, "h2", {"alpn": ""})
        self.refused("ALPN mismatch", server, "h2", "no_application_protocol",
                     alpn=("http/1.1",))


class Resumption(Matrix):
    """Each client gets a ticket in a full handshake, and offers it after a change of the server."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-sessions-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.keys = os.urandom(80)
        self.tickets = self.folder / "tickets"
        self.write(self.tickets, self.keys)

    @staticmethod
    def write(path, content):
        """Writes a file atomically, with mode 0600."""
        new = path.with_suffix(".new")
        new.touch(0o600)
        new.write_bytes(content)
        new.rename(path)

    def wishes(self, row, client, version, **more):
        """Parameters with a session of the client's own."""
        name = "".join(c if c.isalnum() else "-" for c in f"{row} {client.name}")
        return {"version": version, "session": self.folder / name, **more}

    def shared(self, text):
        return f'{text}\n    ticket_keys: "{self.tickets}"'

    def each(self, row, server, listener, version, **more):
        """Each client gets a ticket; the table shows clients that do not support it."""
        for client in CLIENTS:
            wishes = self.wishes(row, client, version, **more)
            self.served(row, server, listener, {"resumed": "no"}, [client], **wishes)

    def each_resumed(self, row, server, listener, version, **more):
        for client in CLIENTS:
            wishes = self.wishes(row, client, version, **more)
            self.served(row, server, listener, {"resumed": "yes"}, [client], **wishes)

    def each_refused(self, row, server, listener, version, alert, **more):
        for client in CLIENTS:
            wishes = self.wishes(row, client, version, **more)
            self.refused(row, server, listener, alert, [client], CLIENT_CERTIFICATE, **wishes)

    def test_by_the_same_process(self):
        server = self.start({"plain": BOTH})
        for version in ("1.2", "1.3"):
            row = f"full, then resumed, {version}"
            self.each(row, server, "plain", version)
            self.each_resumed(row, server, "plain", version)
            with self.subTest(row, client=GNUTLS.name):
                if not self.connect(row, GNUTLS, server, "plain", version=version, again=True):
                    continue
                line = server.wait_for("connection", listener="plain")
                self.assertEqual(line["resumed"], "yes", line)
                self.cell(row, GNUTLS, self.describe(line))

    def test_by_a_process_that_started_after_the_first_had_died(self):
        first = self.start({"shared": self.shared(BOTH)})
        rows = {version: f"resumed by another process, {version}" for version in ("1.2", "1.3")}
        for version, row in rows.items():
            self.each(row, first, "shared", version)
        first.process.kill()
        first.wait()
        second = self.start({"shared": self.shared(BOTH)})
        for version, row in rows.items():
            self.each_resumed(row, second, "shared", version)

    def reload(self, server):
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")

    def test_across_a_rotation_of_the_ticket_keys(self):
        server = self.start({"shared": self.shared(BOTH)}, watch="off")
        rows = {version: f"resumed across a ticket rotation, {version}"
                for version in ("1.2", "1.3")}
        for version, row in rows.items():
            self.each(row, server, "shared", version)
        for keys in (os.urandom(80) + self.keys, os.urandom(160) + self.keys):
            self.write(self.tickets, keys)
            self.reload(server)
        for version, row in rows.items():
            self.each_resumed(row, server, "shared", version)

    def test_a_ticket_of_a_key_that_was_rotated_out_costs_a_full_handshake(self):
        server = self.start({"shared": self.shared(BOTH)}, watch="off")
        rows = {version: f"full handshake after the key is gone, {version}"
                for version in ("1.2", "1.3")}
        for version, row in rows.items():
            self.each(row, server, "shared", version)
        self.write(self.tickets, os.urandom(80))
        self.reload(server)
        for version, row in rows.items():
            self.each(row, server, "shared", version)

    def test_across_a_reload(self):
        server = self.start({"plain": BOTH}, watch="off")
        rows = {version: f"resumed across a reload, {version}" for version in ("1.2", "1.3")}
        for version, row in rows.items():
            self.each(row, server, "plain", version)
        self.reload(server)
        for version, row in rows.items():
            self.each_resumed(row, server, "plain", version)

    def test_a_ticket_from_a_profile_without_client_auth_opens_no_other(self):
        server = self.start({"open": self.shared(BOTH), "required": self.shared(mutual(CRLS))})
        for version, alert in (("1.2", "handshake_failure"), ("1.3", "certificate_required")):
            row = f"ticket without client_auth to one that requires it, {version}"
            self.each(row, server, "open", version)
            self.each_refused(row, server, "required", version, alert)

    def test_a_client_that_is_revoked_after_it_got_its_ticket_is_refused(self):
        crl = self.folder / "crl.pem"
        self.write(crl, certificates.make_crls("-crldays", "30"))
        profile = {"required": self.shared(mutual(f'crl: "{crl}"'))}
        server = self.start(profile, watch="off")
        rows = {version: f"revoked after its ticket, {version}" for version in ("1.2", "1.3")}
        for version, row in rows.items():
            self.each(row, server, "required", version, certificate="client-revoked")
            self.each_resumed(row, server, "required", version, certificate="client-revoked")
        self.write(crl, (support.pki() / "crl.pem").read_bytes())
        self.reload(server)
        for version, row in rows.items():
            self.each_refused(row, server, "required", version, "certificate_revoked",
                              certificate="client-revoked")


if __name__ == "__main__":
    atexit.register(print_table)
    unittest.main()
