# SPDX-License-Identifier: MIT
"""Expired certificates are served, expired CRLs refuse clients, and the log warns of both at the start."""

import pathlib
import re
import unittest

import certificates
import support
import tls_clients
from tls_clients import Want

LISTENER = "listeners: [ { listen: 'tls://127.0.0.1:0', name: web, tls: web } ]\n"
PAIR = '{ certificate: "{pki}/NAME.pem", key: "{pki}/NAME.key" }'


def profile(*names, more=""):
    certificates = ", ".join(PAIR.replace("NAME", name) for name in names)
    return f"{LISTENER}tls:\n  web:\n    certificates: [ {certificates} ]\n{more}"


class Expiry(support.TestCase):
    def test_expired_certificates_are_logged_at_the_start(self):
        for name, event, key, date in (
                ("expired", "certificate_expired", "not_after", "2021-01-01T00:00:00Z"),
                ("not-yet-valid", "certificate_not_yet_valid", "not_before",
                 "2090-01-01T00:00:00Z")):
            with self.subTest(name):
                server = self.server(profile("server-rsa", name))
                said = [line for line in map(support.parse, server.log().splitlines())
                        if line.get("level") == "warning" and line["event"] != "privilege"]
                self.assertEqual([(line["event"], line["profile"], line["file"], line[key])
                                  for line in said],
                                 [(event, "web", certificates.pki(f"{name}.pem"), date)])

    def test_a_staple_out_of_date_is_named(self):
        staple = certificates.make_staple("server-ecdsa")
        # The server checks the dates of a staple, not its signature.
        dates = [b"20200101000000Z", b"20200201000000Z"]
        fresh = re.findall(rb"\d{14}Z", staple)[1:3]  # after producedAt, RFC 6960 §4.2.1
        for was, becomes in zip(fresh, dates):
            staple = becomes.join(staple.rsplit(was, 1))
        server = self.server(profile("server-ecdsa").replace(".key\"", ".key\", ocsp: stale"),
                             files={"stale": staple})
        warning = server.wait_for("staple_expired")
        self.assertEqual((warning["profile"], pathlib.Path(warning["file"]).name,
                          warning["next_update"]), ("web", "stale", "2020-02-01T00:00:00Z"))

    def test_crls_out_of_date_are_named_and_refuse_every_client(self):
        crls = certificates.make_crls("-crl_lastupdate", "20200101000000Z",
                                 "-crl_nextupdate", "20200201000000Z")
        server = self.server(profile("server-ecdsa", more="""
    client_auth: required
    client_ca: bundle.pem
    crl: crl.pem
"""), files={"bundle.pem": certificates.bundle(), "crl.pem": crls})
        warning = server.wait_for("crl_expired")
        self.assertEqual((warning["profile"], warning["next_update"]),
                         ("web", "2020-02-01T00:00:00Z"))
        outcome = tls_clients.CLIENTS[0].connect(Want(server.address("web")[1],
                                                      certificate="client"))
        self.assertFalse(outcome.echoed)
        self.assertRegex(server.wait_for("connection")["reason"], "crl-expired")


if __name__ == "__main__":
    unittest.main()
