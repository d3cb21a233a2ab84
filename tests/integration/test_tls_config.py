# SPDX-License-Identifier: MIT
"""A configuration with a TLS error is refused with the place, the error and the remedy."""

import os
import pathlib
import pty
import re
import subprocess
import tempfile
import termios
import unittest

import certificates
import support
from certificates import openssl

CONFIG_ERROR = 78
MARK = "^"  # precedes the value that the error must name
TYPED = b"passphrase\n"

PAIR = 'certificates: [ { certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" } ]'
MUTUAL = PAIR + """
    client_auth: required
    client_ca: "{dir}/bundle.pem"
"""
# Each key that names a file, in an otherwise correct configuration.
FILES = {
    "certificates[0].certificate": 'certificates: [ { certificate: ^"%s", key: k } ]',
    "certificates[0].key":
        'certificates: [ { certificate: "{pki}/server-ecdsa.pem", key: ^"%s" } ]',
    "certificates[0].ocsp": PAIR.replace(" } ]", ', ocsp: ^"%s" } ]'),
    "client_ca": PAIR + '\n    client_auth: optional\n    client_ca: ^"%s"',
    "crl": MUTUAL + '    crl: ^"%s"',
    "ticket_keys": PAIR + '\n    ticket_keys: ^"%s"',
    "keylog": PAIR + '\n    keylog: ^"%s"',
}


class Terminal:
    """A terminal with typed input, which a program may open as its controlling terminal."""

    def __enter__(self):
        self._master, self.slave = pty.openpty()
        mode = termios.tcgetattr(self.slave)
        mode[3] &= ~termios.ECHO
        termios.tcsetattr(self.slave, termios.TCSANOW, mode)
        os.write(self._master, TYPED)
        os.set_blocking(self.slave, False)
        os.set_blocking(self._master, False)
        return self

    def __exit__(self, *exception):
        os.close(self._master)
        os.close(self.slave)

    def left(self):
        """The typed input that was not read."""
        try:
            return os.read(self.slave, 1024)
        except BlockingIOError:
            return b""

    def shown(self):
        """The output that was written to it."""
        try:
            return os.read(self._master, 1024)
        except BlockingIOError:
            return b""


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-tls-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.write("bundle.pem", certificates.bundle())

    @classmethod
    def write(cls, name, content, mode=0o600):
        path = cls.folder / name
        path.write_bytes(content)
        path.chmod(mode)
        return path

    def fill_in(self, text):
        return text.replace("{pki}", str(support.pki())).replace("{dir}", str(self.folder))

    def check_config(self, profile):
        """Runs -t on a profile on a terminal. Returns the exit status, the output, and the place of the
        mark as FILE:LINE:COLUMN, or None."""
        text = self.fill_in(f"listeners: [ {{ listen: 'tls://127.0.0.1:0', tls: web }} ]\n"
                            f"tls:\n  web:\n    {profile}\n")
        before, mark, after = text.partition(MARK)
        file = self.write("server.yaml", (before + after).encode())
        place = f"{file}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        with Terminal() as terminal:
            # The first terminal that a new session opens becomes its controlling terminal, tty(4).
            done = subprocess.run(
                [support.program("TLSECHO_SERVER"), "-c", file, "-t"], stdin=terminal.slave,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=support.environment(),
                start_new_session=True, timeout=support.DEADLINE_S, check=False,
                preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)))
            self.assertEqual(terminal.left(), TYPED, "it read from the terminal")
            self.assertEqual(terminal.shown(), b"", "it wrote to the terminal")
        return done.returncode, (done.stdout + done.stderr).decode(), place if mark else None

    def accept(self, profile):
        status, said, _ = self.check_config(profile)
        self.assertEqual(status, 0, said)

    def refuse(self, profile, key, says):
        """says: a regular expression for what follows the key."""
        status, said, place = self.check_config(profile)
        self.assertEqual(status, CONFIG_ERROR, said)
        self.assertEqual(len(said.splitlines()), 1, said)
        expected = f"tlsecho-server: {place}: tls.web.{key}: "
        self.assertTrue(said.startswith(expected), f"{said}\nexpected {expected}")
        self.assertRegex(said[len(expected):], says)


class Files(Case):
    def test_a_file_that_is_not_there_is_refused(self):
        for key, profile in FILES.items():
            if key != "keylog":  # it is created
                with self.subTest(key):
                    self.refuse(profile % "{dir}/none", key, "/none: No such file or directory$")

    def test_a_folder_in_which_a_key_log_cannot_be_made_is_refused(self):
        self.refuse(FILES["keylog"] % "{dir}/none/keys", "keylog", "No such file or directory$")

    def test_other_files_than_regular_ones_are_refused_at_once(self):
        os.mkfifo(self.folder / "fifo")
        (self.folder / "folder").mkdir()
        for key, profile in FILES.items():
            for name in ("{dir}/fifo", "{dir}/folder", "/dev/zero", "/dev/tty"):
                with self.subTest(key, file=name):
                    self.refuse(profile % name, key, "not a regular file|Is a directory|No such device")

    def test_a_file_of_something_else_is_refused(self):
        self.write("noise", b"nothing that anyone can read\n" * 3)
        for key, profile in FILES.items():
            if key != "keylog":  # it accepts any file
                with self.subTest(key):
                    self.refuse(profile % "{dir}/noise", key, "/noise")

    def test_a_secret_that_others_can_read_is_refused_with_the_remedy(self):
        key = self.write("open.key", (support.pki() / "server-ecdsa.key").read_bytes(), 0o644)
        self.refuse(FILES["certificates[0].key"] % key, "certificates[0].key", f"chmod .* {key}")
        tickets = self.write("open.tickets", os.urandom(80), 0o644)
        self.refuse(FILES["ticket_keys"] % tickets, "ticket_keys", f"chmod .* {tickets}")


class Certificates(Case):
    def pair(self, certificate, key):
        return f'certificates: [ {{ certificate: {certificate}, key: {key} }} ]'

    def test_a_key_of_another_certificate_is_refused(self):
        self.refuse(self.pair("{pki}/server-rsa.pem", "^{pki}/server-ecdsa.key"),
                    "certificates[0].key", "is not the key of")

    def test_an_encrypted_key_is_refused_without_asking_for_a_passphrase(self):
        key = support.pki() / "server-ecdsa.key"
        for name, words in (("pkcs8", ("pkey", "-aes256")), ("ec", ("ec", "-aes256"))):
            with self.subTest(name):
                secret = openssl(*words, "-in", key, "-passout", "pass:passphrase")
                self.write("encrypted.key", secret)
                self.refuse(self.pair("{pki}/server-ecdsa.pem", '^"{dir}/encrypted.key"'),
                            "certificates[0].key", "is encrypted: .*openssl pkey")

    def test_a_weak_certificate_is_refused_with_the_reason(self):
        ca = ("-CA", support.pki() / "ca.pem", "-CAkey", support.pki() / "ca.key")
        for name, key, digest, reason in (("short", "rsa:1024", "-sha256", "ee key too small"),
                                          ("sha1", "rsa:2048", "-sha1", "a weak digest")):
            with self.subTest(name):
                request = openssl("req", "-new", "-nodes", "-newkey", key, "-subj", "/CN=weak",
                                  "-keyout", self.folder / "weak.key")
                self.write("weak.pem", openssl("x509", "-req", *ca, digest, data=request))
                self.refuse(self.pair('^"{dir}/weak.pem"', '"{dir}/weak.key"'),
                            "certificates[0].certificate", reason)

    def test_a_response_to_staple_has_to_be_about_its_certificate(self):
        for name, other in (("server-ecdsa", "server-rsa"), ("server-rsa", "server-ecdsa")):
            with self.subTest(name):
                self.write("staple", certificates.make_staple(name))
                stapled = PAIR.replace(" } ]", ', ocsp: ^"{dir}/staple" } ]')
                self.accept(stapled.replace("server-ecdsa", name).replace(MARK, ""))
                self.refuse(stapled.replace("server-ecdsa", other), "certificates[0].ocsp",
                            "not about this certificate")

    def test_the_second_of_two_is_named(self):
        good = '{ certificate: "{pki}/server-rsa.pem", key: "{pki}/server-rsa.key" }'
        self.refuse(f'certificates: [ {good}, {{ certificate: "{{pki}}/server-ecdsa.pem",'
                    ' key: ^"{pki}/server-rsa.key" } ]', "certificates[1].key", "is not the key")

    def test_what_is_out_of_date_is_served(self):
        for name in ("expired", "not-yet-valid"):
            with self.subTest(name):
                self.accept(self.pair(f"{{pki}}/{name}.pem", f"{{pki}}/{name}.key"))


class Policy(Case):
    LISTS = {"ciphers": "ECDHE-RSA-AES128-GCM-SHA256", "ciphersuites": "TLS_AES_128_GCM_SHA256",
             "groups": "P-256"}

    def test_an_unknown_name_beside_a_known_one_is_refused(self):
        for key, known in self.LISTS.items():
            for names in (f"{known}:NONSENSE", f"NONSENSE:{known}", "NONSENSE"):
                with self.subTest(key, names=names):
                    self.refuse(f'{key}: ^"{names}"', key, "NONSENSE")

    def test_an_unknown_name_behind_a_question_mark_is_skipped(self):
        for key, known in self.LISTS.items():
            with self.subTest(key):
                self.accept(f'{key}: "?NONSENSE:{known}"')

    def test_a_list_of_which_nothing_is_left_is_refused(self):
        for key in self.LISTS:
            with self.subTest(key):
                self.refuse(f'{key}: ^"?NONSENSE"', key, ".")

    def test_a_misspelt_name_is_refused_with_the_correct_one(self):
        self.refuse('ciphers: ^"ECDHE-RSA-AES128-GCM-SHA265"', "ciphers", "AES128-GCM-SHA256")

    def test_protocols_are_accepted(self):
        self.accept("alpn: [ h2, http/1.1 ]")


class Clients(Case):
    def test_a_crl_that_is_missing_for_a_ca_of_the_bundle_is_refused(self):
        crls = re.findall(b"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----\n",
                          (support.pki() / "crl.pem").read_bytes(), re.DOTALL)
        self.assertEqual(len(crls), 2)
        for crl, missing in zip(crls, ("Intermediate CA", "Root CA")):
            with self.subTest(missing=missing):
                self.write("one.crl", crl)
                self.refuse(MUTUAL + '    crl: ^"{dir}/one.crl"', "crl", missing)

    def test_both_crls_are_accepted(self):
        self.accept(MUTUAL + '    crl: "{pki}/crl.pem"')

    def test_a_crl_that_is_cut_is_refused(self):
        crl = (support.pki() / "crl.pem").read_bytes()
        self.write("cut.crl", crl[:len(crl) - 100])
        self.refuse(MUTUAL + '    crl: ^"{dir}/cut.crl"', "crl", "cut.crl")

    def test_the_entry_of_a_wrong_pattern_is_named(self):
        for pattern in ("CN:client", "client.example", "DNS:", "DNS:a.*.b.*.", "*"):
            with self.subTest(pattern):
                self.refuse(MUTUAL + "    allow_names:\n      - DNS:client.example\n"
                            f'      - ^"{pattern}"', "allow_names[1]", ".")

    def test_patterns_of_every_kind_are_accepted(self):
        self.accept(MUTUAL + """    allow_names:
      - "DNS:*.clients.example.org"
      - "URI:spiffe://example.org/ns/*/sa"
      - "email:*@example.org"
""")


class Tickets(Case):
    def test_a_file_of_the_wrong_length_is_refused(self):
        for length in (0, 1, 79, 81, 9 * 80):
            with self.subTest(length=length):
                self.write("tickets", os.urandom(length))
                self.refuse('ticket_keys: ^"{dir}/tickets"', "ticket_keys", "80")

    def test_one_to_eight_keys_are_accepted(self):
        for count in (1, 8):
            with self.subTest(count=count):
                self.write("tickets", os.urandom(80 * count))
                self.accept('ticket_keys: "{dir}/tickets"')


class Examples(Case):
    """The example configurations, with the files that they name."""

    def test_they_are_right(self):
        (self.folder / "tls").mkdir()
        for name in ("server-rsa", "server-ecdsa"):
            for suffix in ("pem", "key"):
                content = (support.pki() / f"{name}.{suffix}").read_bytes()
                self.write(f"tls/{name}.{suffix}", content)
                self.write(f"tls/server.{suffix}", content)
        self.write("tls/clients-ca.pem", certificates.bundle())
        self.write("tls/clients-crl.pem", (support.pki() / "crl.pem").read_bytes())
        self.write("tls/tickets.key", os.urandom(80))
        for example in sorted((support.REPOSITORY / "config").glob("*.yaml")):
            with self.subTest(example.name):
                file = self.write(example.name, example.read_bytes())
                done = support.run(support.program("TLSECHO_SERVER"), "-c", file, "-t")
                self.assertEqual(done.status, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
