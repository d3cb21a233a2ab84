# SPDX-License-Identifier: MIT
"""Text from a peer is escaped: the client prints no control, bidirectional, line-separator or invisible
character."""

import json
import pathlib
import ssl
import tempfile
import unicodedata
import unittest

import certificates
import stub_server
import support
from stub_server import StubServer

# C1 controls (CSI), a right-to-left override, a line separator, a tag, markup, Nagios' separator.
HOSTILE = "\x9b2J\x9b31mOK\u202e|x\u2028y\u200b\U000e0041<script>'\x07\x1b[1m"
ALPN = "h\x1b[2J\n|x\x7f"

SUBJECT = ("[req]\nprompt = no\nstring_mask = utf8only\ndistinguished_name = dn\n"
           'x509_extensions = ext\n[dn]\nCN = "{}"\n[ext]\n'
           'subjectAltName = URI:"http://x/\x1b[2J"\n')


def hostile_context():
    """A server with control characters in its certificate and protocol."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with certificates.folder() as work:
        (work / "cnf").write_text(SUBJECT.format(HOSTILE), encoding="utf-8")
        certificates.openssl("req", "-new", "-x509", "-utf8", "-config", work / "cnf", "-nodes",
                        "-newkey", "rsa:2048", "-keyout", work / "key", "-out", work / "pem")
        context.load_cert_chain(work / "pem", work / "key")
    context.set_alpn_protocols([ALPN])
    return context


def unprintable(data):
    """Characters that control a terminal or are invisible, except line feeds."""
    text = data.decode()  # fails unless it is UTF-8
    return [f"U+{ord(c):04X}" for c in text
            if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cn")]


class Terminal(unittest.TestCase):
    def setUp(self):
        self.running = StubServer(stub_server.echo, hostile_context())
        self.running.__enter__()
        self.addCleanup(self.running.__exit__, None, None, None)

    def run_client(self, *args, data=b""):
        done = support.client(*args, "--alpn", ALPN, self.running.endpoint(), data=data)
        for written in (done.stdout, done.stderr.encode("utf-8", "surrogateescape")):
            self.assertEqual(unprintable(written), [], (args, written))
        return done

    def test_no_mode_prints_a_control_character_whatever_the_result(self):
        for mode in (("--check",), ("--check", "--nagios"), ("--check", "--json"),
                     ("--ping", "-c", "1"), ("--ping", "-c", "1", "--json"), ("--show-certs",),
                     ("--show-certs", "--json"), ("--bench", "-n", "3"), ("--report",), ("--json",),
                     ()):
            for trust in ((), ("-k",), ("-k", "-v"), ("--pin", "00" * 32)):
                if "--nagios" in mode and "-v" in trust:
                    continue
                with self.subTest(mode=mode, trust=trust):
                    self.run_client(*mode, *trust, data=b"x" if not mode else b"")

    def test_unprintable_characters_are_escaped(self):
        shown = self.run_client("--check", "-k", "-v").stderr
        self.assertIn("\\u009b2J\\u009b31mOK\\u202e|x\\u2028y\\u200b\\U000e0041", shown)
        self.assertIn("ALPN h\\x1b[2J\\x0a|x\\x7f", shown)

    def test_json_decodes_to_the_original_text(self):
        summary = json.loads(self.run_client("--check", "-k", "--json").stdout)
        self.assertIn("\\u009b2J", summary["tls"]["peer"]["subject"])
        self.assertEqual(summary["tls"]["alpn"], "h\\x1b[2J\\x0a|x\\x7f")

    def test_nagios_output_is_one_line_with_one_separator(self):
        line = self.run_client("--check", "--nagios").stdout.decode()
        self.assertEqual(line.count("\n"), 1)
        self.assertEqual(line.count("|"), 1)

    def test_a_page_has_no_control_character(self):
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
    def test_a_report_is_escaped_for_the_terminal_and_unchanged_in_json(self):
        report = {"schema": 1, "listener": HOSTILE, "source": "\u202e\x7f", "\u2028": "\x9b"}
        text = json.dumps(report).encode() + b"\n"
        with StubServer(lambda c: (c.sendall(text), stub_server.finish(c))) as stub:
            words = support.client("--report", stub.endpoint())
            summary = support.client("--report", "--json", stub.endpoint())
        self.assertEqual(unprintable(words.stdout), [])
        self.assertEqual(unprintable(summary.stdout), [])
        self.assertEqual(json.loads(summary.stdout)["there"], report)


if __name__ == "__main__":
    unittest.main()
