# SPDX-License-Identifier: MIT
"""The development PKI: valid certificates verify, and each broken one has exactly one defect."""

import re
import stat
import subprocess
import tempfile
import unittest

import support

MAKE = support.REPOSITORY / "certs" / "make-dev-pki"
SERVERS = ("server-rsa", "server-ecdsa")
LOCALHOST = (("-verify_hostname", "localhost"), ("-verify_ip", "127.0.0.1"), ("-verify_ip", "::1"))


def verify(name, *options, purpose="sslserver", ca="ca.pem"):
    """The error numbers of `openssl verify`; [] if it succeeds."""
    folder = support.pki()
    done = support.run("openssl", "verify", "-CAfile", folder / ca, "-untrusted",
                       folder / "intermediate.pem", "-purpose", purpose, *options,
                       folder / f"{name}.pem")
    errors = [int(number) for number in re.findall(r"^error (\d+) at", done.stderr, re.MULTILINE)]
    assert (done.status == 0) == (not errors), done.stderr
    return errors


def verify_with_crl(name, **purpose):
    return verify(name, "-crl_check_all", "-CRLfile", support.pki() / "crl.pem", **purpose)


class Good(unittest.TestCase):
    def test_servers_verify_for_every_name_of_the_loopback(self):
        for name in SERVERS:
            for option in LOCALHOST:
                with self.subTest(name, option=option):
                    self.assertEqual(verify(name, *option), [])

    def test_servers_and_client_are_in_no_crl(self):
        for name in SERVERS:
            with self.subTest(name):
                self.assertEqual(verify_with_crl(name), [])
        self.assertEqual(verify_with_crl("client", purpose="sslclient"), [])

    def test_client_and_server_certificates_are_not_interchangeable(self):
        self.assertEqual(verify("client"), [26])  # X509_V_ERR_INVALID_PURPOSE
        self.assertEqual(verify("server-rsa", purpose="sslclient"), [26])

    def test_the_client_has_a_name_of_each_kind(self):
        names = support.run("openssl", "x509", "-in", support.pki() / "client.pem", "-noout",
                            "-ext", "subjectAltName").stdout.decode()
        for name in ("DNS:client.example", "email:client@example.org", "URI:spiffe://"):
            self.assertIn(name, names)

    def test_chains_have_the_leaf_first_then_the_intermediate(self):
        intermediate = (support.pki() / "intermediate.pem").read_text()
        for name in SERVERS + ("client",):
            with self.subTest(name):
                chain = (support.pki() / f"{name}.pem").read_text()
                self.assertEqual(chain.count("BEGIN CERTIFICATE"), 2)
                self.assertTrue(chain.endswith(intermediate))

    def test_every_certificate_comes_with_its_key(self):
        for key in support.pki().glob("*.key"):
            with self.subTest(key.stem):
                own = support.run("openssl", "pkey", "-in", key, "-pubout").stdout
                certified = support.run("openssl", "x509", "-in", key.with_suffix(".pem"),
                                        "-noout", "-pubkey").stdout
                self.assertEqual(own, certified)

    def test_keys_are_rsa_and_ecdsa_as_named(self):
        for name, algorithm in (("server-rsa", "rsaEncryption"), ("server-ecdsa", "prime256v1")):
            text = support.run("openssl", "x509", "-in", support.pki() / f"{name}.pem", "-noout",
                               "-text").stdout.decode()
            self.assertIn(algorithm, text)

    def test_keys_have_mode_0600(self):
        self.assertEqual(stat.S_IMODE(support.pki().stat().st_mode), 0o700)
        for key in support.pki().glob("*.key"):
            self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600, key)


class Broken(unittest.TestCase):
    def test_each_broken_certificate_has_its_own_error(self):
        for name, purpose, error in (
                ("expired", "sslserver", 10),        # X509_V_ERR_CERT_HAS_EXPIRED
                ("not-yet-valid", "sslserver", 9),   # X509_V_ERR_CERT_NOT_YET_VALID
                ("self-signed", "sslserver", 18),    # X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
                ("client-expired", "sslclient", 10),
                ("client-other-ca", "sslclient", 20)):  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
            with self.subTest(name):
                self.assertEqual(verify(name, purpose=purpose), [error])

    def test_the_revoked_ones_are_valid_without_the_crl(self):
        for name, purpose in (("revoked", "sslserver"), ("client-revoked", "sslclient")):
            with self.subTest(name):
                self.assertEqual(verify(name, purpose=purpose), [])
                self.assertEqual(verify_with_crl(name, purpose=purpose), [23])

    def test_the_wrong_host_is_valid_except_for_its_name(self):
        self.assertEqual(verify("wrong-host"), [])
        self.assertEqual(verify("wrong-host", "-verify_hostname", "localhost"), [62])

    def test_the_other_ca_issued_its_own_client(self):
        self.assertEqual(verify("client-other-ca", purpose="sslclient", ca="other-ca.pem"), [])


class Script(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-certs-")
        self.addCleanup(folder.cleanup)
        self.folder = f"{folder.name}/pki"

    def make(self):
        return subprocess.Popen([MAKE, self.folder, "--quiet"], stderr=subprocess.PIPE)

    def read(self, name):
        with open(f"{self.folder}/{name}", "rb") as file:
            return file.read()

    def test_a_second_run_keeps_what_the_first_made(self):
        self.assertEqual(support.run(MAKE, self.folder, "--quiet"), (0, b"", ""))
        before = self.read("ca.pem")
        self.assertEqual(support.run(MAKE, self.folder).status, 0)
        self.assertEqual(self.read("ca.pem"), before)

    def test_two_runs_at_once_both_succeed(self):
        runs = [self.make(), self.make()]
        for process in runs:
            with process:
                self.assertEqual(process.wait(support.DEADLINE_S), 0, process.stderr.read())
        self.assertTrue(self.read("crl.pem"))

    def test_a_folder_with_something_else_in_it_is_refused_and_left_alone(self):
        support.run("mkdir", self.folder)
        support.run("touch", f"{self.folder}/mine")
        refused = support.run(MAKE, self.folder)
        self.assertEqual(refused.status, 1)
        self.assertIn("holds something else", refused.stderr)
        self.assertEqual(self.read("mine"), b"")

    def test_an_incomplete_pki_is_made_again(self):
        support.run(MAKE, self.folder)
        support.run("rm", f"{self.folder}/client.key")
        self.assertEqual(support.run(MAKE, self.folder).status, 0)
        self.assertTrue(self.read("client.key"))


if __name__ == "__main__":
    unittest.main()
