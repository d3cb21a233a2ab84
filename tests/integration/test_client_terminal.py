# SPDX-License-Identifier: MIT
"""What a peer chose never reaches the terminal as it is: no control, bidirectional, line-separator
or invisible character in anything that the client prints."""

import json
import pathlib
import ssl
import tempfile
import unicodedata
import unittest

import stub_server
import certificates
import support
from stub_server import FarEnd

# C1 controls (CSI), a right-to-left override, a line separator, a tag, markup, Nagios' separator.
HOSTILE = "\x9b2J\x9b31mOK\u202e|x\u2028y\u200b\U000e0041<script>'\x07\x1b[1m"
ALPN = "h\x1b[2J\n|x\x7f"

SUBJECT = ("[req]\nprompt = no\nstring_mask = utf8only\ndistinguished_name = dn\n"
           'x509_extensions = ext\n[dn]\nCN = "{}"\n[ext]\n'
           'subjectAltName = URI:"http://x/\x1b[2J"\n')


def hostile_context():
    """A server whose certificate and protocol are named to command a terminal."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with certificates.folder() as work:
        (work / "cnf").write_text(SUBJECT.format(HOSTILE), encoding="utf-8")
        certificates.openssl("req", "-new", "-x509", "-utf8", "-config", work / "cnf", "-nodes",
                        "-newkey", "rsa:2048", "-keyout", work / "key", "-out", work / "pem")
        context.load_cert_chain(work / "pem", work / "key")
    context.set_alpn_protocols([ALPN])
    return context


def unprintable(data):
    """What a terminal would obey or nobody would see, but for line feeds."""
    text = data.decode()  # and it is UTF-8
    return [f"U+{ord(c):04X}" for c in text
            if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cn")]


class Terminal(unittest.TestCase):
    def setUp(self):
        self.far = FarEnd(stub_server.echo, hostile_context())
        self.far.__enter__()
        self.addCleanup(self.far.__exit__, None, None, None)

    def run_client(self, *args, data=b""):
        done = support.client(*args, "--alpn", ALPN, self.far.endpoint(), data=data)
        for written in (done.stdout, done.stderr.encode("utf-8", "surrogateescape")):
            self.assertEqual(unprintable(written), [], (args, written))
        return done

    def test_in_no_mode_and_however_it_ends(self):
        for mode in (("--check",), ("--check", "--nagios"), ("--check", "--json"),
                     ("--ping", "-c", "1"), ("--ping", "-c", "1", "--json"), ("--show-certs",),
                     ("--show-certs", "--json"), ("--bench", "-n", "3"), ("--report",), ("--json",),
                     ()):
            for trust in ((), ("-k",), ("-k", "-v"), ("--pin", "00" * 32)):
                if "--nagios" in mode and "-v" in trust:
                    continue
                with self.subTest(mode=mode, trust=trust):
                    self.run_client(*mode, *trust, data=b"x" if not mode else b"")

    def test_what_it_cannot_show_it_escapes(self):
        shown = self.run_client("--check", "-k", "-v").stderr
        self.assertIn("\\u009b2J\\u009b31mOK\\u202e|x\\u2028y\\u200b\\U000e0041", shown)
        self.assertIn("ALPN h\\x1b[2J\\x0a|x\\x7f", shown)

    def test_json_is_read_back_as_it_was_meant(self):
        summary = json.loads(self.run_client("--check", "-k", "--json").stdout)
        self.assertIn("\\u009b2J", summary["tls"]["peer"]["subject"])
        self.assertEqual(summary["tls"]["alpn"], "h\\x1b[2J\\x0a|x\\x7f")

    def test_a_plug_in_has_one_line_and_one_separator(self):
        line = self.run_client("--check", "--nagios").stdout.decode()
        self.assertEqual(line.count("\n"), 1)
        self.assertEqual(line.count("|"), 1)

    def test_nor_a_page(self):
        with tempfile.TemporaryDirectory(prefix="tlsecho-page-") as folder:
            page = pathlib.Path(folder) / "page.html"
            for mode in ("--bench", "-n", "3"), ("--ping", "-c", "3", "-i", "0"):
                with self.subTest(mode=mode):
                    self.run_client(*mode, "-k", "--report-html", page)
                    written = page.read_bytes()
                    self.assertEqual(unprintable(written), [])
                    self.assertIn(b"\\u009b2J", written)
                    self.assertNotIn(b"<script>", written)


class Report(unittest.TestCase):
    def test_what_a_server_reports_of_us_is_escaped_and_stays_what_it_was(self):
        report = {"schema": 1, "listener": HOSTILE, "source": "\u202e\x7f", "\u2028": "\x9b"}
        text = json.dumps(report).encode() + b"\n"
        with FarEnd(lambda c: (c.sendall(text), stub_server.finish(c))) as far:
            words = support.client("--report", far.endpoint())
            summary = support.client("--report", "--json", far.endpoint())
        self.assertEqual(unprintable(words.stdout), [])
        self.assertEqual(unprintable(summary.stdout), [])
        self.assertEqual(json.loads(summary.stdout)["there"], report)


if __name__ == "__main__":
    unittest.main()
