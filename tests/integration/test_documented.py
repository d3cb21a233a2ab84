# SPDX-License-Identifier: MIT
"""Manual pages and completions have the options of --help and no others; the documented examples
work."""

import concurrent.futures
import os
import pathlib
import re
import shutil
import tempfile
import textwrap
import unittest

import datagrams
import stub_server
import support
from stub_server import StubServer, server_context

PACKAGING = pathlib.Path(__file__).resolve().parents[2] / "packaging"
LONG = re.compile(r"(?<![\w-])--([a-z][a-z-]+)")


def options(text):
    return set(LONG.findall(text))


class Server(support.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.offered = options(support.run(support.program("TLSECHO_SERVER"), "-h").stdout.decode())

    def test_the_manual_page_describes_every_option(self):
        text = (PACKAGING / "man" / "tlsecho-server.8.scd").read_text()
        described = text.partition("# OPTIONS")[2].partition("# SIGNALS")[0]
        self.assertEqual(options(described), self.offered)
        self.assertGreater(len(self.offered), 4)

    def test_completions_know_every_option(self):
        for name in ("tlsecho-server.bash", "_tlsecho-server"):
            with self.subTest(name):
                self.assertEqual(options((PACKAGING / "completions" / name).read_text()), self.offered)


def made(what):
    """Returns a file that is generated from the client's table of options."""
    page = PACKAGING / "man" / "tlsecho-client.1.scd.in"
    done = support.run(support.program("TLSECHO_CLIENT_OPTIONS"), what, data=page.read_bytes())
    assert done.status == 0, done.stderr
    return done.stdout.decode()


class Client(support.TestCase):
    """These files are generated from one table. The tests check that they are complete."""

    @classmethod
    def setUpClass(cls):
        cls.offered = options(support.run(support.program("TLSECHO_CLIENT"), "-h").stdout.decode())

    def test_the_manual_page_describes_every_option(self):
        described = made("man").partition("# OPTIONS")[2].partition("# OUTPUT")[0]
        rows = re.findall(r"^(?:\*-.\*, )?\*(--[a-z0-9-]+)\*", described, re.M)
        self.assertEqual(options(" ".join(rows)), self.offered)
        self.assertGreater(len(self.offered), 30)

    def test_the_manual_page_and_the_documents_know_the_same_statuses(self):
        page = made("man").partition("# EXIT STATUS")[2].partition("# EXAMPLES")[0]
        client_md = (support.REPOSITORY / "docs" / "client.md").read_text()
        described = {number: " ".join(text.replace("*", "").split())
                     for number, text in re.findall(r"^\*(\d+)\*\n((?:\t.*\n)+)", page, re.M)}
        rows = re.findall(r"^\| (\d+) \| ([a-z-]+) \| (.+) \|$", client_md, re.M)
        self.assertEqual(list(described), [number for number, _, _ in rows])
        for number, word, text in rows:  # the page may say more
            expected = f"{word}: {text}".replace("`", "")
            self.assertEqual(described[number][:len(expected)], expected)

    def complete(self, *words):
        """The completions that bash offers for the last word."""
        script = (made("bash") + 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }\n'
                  '_tlsecho_client; printf "%s\\n" "${COMPREPLY[@]}"')
        done = support.run("bash", "-c", script, "bash", "tlsecho-client", *words)
        self.assertEqual(done.stderr, "")
        return done.stdout.decode().split()

    @support.requires("bash")
    def test_bash_completes_options_words_and_files(self):
        offered = self.complete("-")
        self.assertEqual(options(" ".join(offered)), self.offered)
        self.assertEqual(self.complete("--expect-d"), ["--expect-direct"])
        self.assertEqual(self.complete("--expect", ""), ["echo", "upper", "hello", "none", "stamp"])
        self.assertEqual(self.complete("--expect", "=", "u"), ["upper"])
        self.assertEqual(self.complete("--expect", "="), ["echo", "upper", "hello", "none", "stamp"])
        self.assertEqual(self.complete("-c", ""), [])
        ca = str(support.pki() / "ca.pe")
        self.assertEqual(self.complete("--cacert", ca), [f"{ca}m"])

    def test_zsh_knows_every_option(self):
        text = made("zsh")
        self.assertTrue(text.startswith("#compdef tlsecho-client\n"))
        self.assertEqual(options(text), self.offered)
        if shutil.which("zsh"):
            done = support.run("zsh", "-n", "-c", text)
            self.assertEqual((done.status, done.stderr), (0, ""))


class Examples(support.TestCase):
    """Runs each example of the manual page unchanged, except for the addresses."""

    CONFIG = """
listeners:
  - { listen: "tcp://127.0.0.1:0" }
  - { listen: "tls://127.0.0.1:0" }
  - { listen: "dtls://127.0.0.1:0" }
  - { listen: "tls://127.0.0.1:0", service: report, name: report }
  - { listen: "tls://127.0.0.1:0", service: hello, name: hello }
  - { listen: "tcp://127.0.0.1:0", name: proxied, proxy_protocol: required, proxy_from: [ 127.0.0.1 ] }
""" + support.PROFILE + """
    client_auth: optional
    client_ca: "{pki}/ca.pem"
"""

    def test_every_example_has_the_documented_result(self):
        server = self.server(self.CONFIG)
        page = made("man").partition("# EXAMPLES")[2]
        lines = [line for block in re.findall(r"^```\n(.*?)^```$", page, re.M | re.S)
                 for line in block.splitlines()]
        self.assertGreater(len(lines), 15)
        with tempfile.TemporaryDirectory() as folder, \
                StubServer(stub_server.discard, server_context()) as web, \
                datagrams.Echo() as echo, datagrams.Reflector() as reflector:
            for name in ("ca.pem", "client.pem", "client.key"):
                shutil.copy(support.pki() / name, folder)
            (pathlib.Path(folder) / "photo.jpg").write_bytes(os.urandom(1 << 20))
            peers = {"tcp://echo.example.org": server.endpoint("tcp"),
                        "tls://echo.example.org": server.endpoint("tls"),
                        "udp://echo.example.org": echo.endpoint(),
                        "udp://stamp.example.org": reflector.endpoint(),
                        "tls://hello.example.org": server.endpoint("hello"),
                        "tls://report.example.org": server.endpoint("report"),
                        "tcp://proxied.example.org": server.endpoint("proxied"),
                        "dtls://vpn.example.org:443": server.endpoint("dtls"),
                        "tls://www.example.org:443": web.endpoint()}
            with concurrent.futures.ThreadPoolExecutor(len(lines)) as pool:
                for line, done in zip(lines, pool.map(
                        lambda line: self.run_line(line, folder, peers), lines)):
                    with self.subTest(line):
                        self.assertEqual(done.status, 0, (done.stdout, done.stderr))

    def run_line(self, line, folder, peers):
        for example, real in peers.items():
            line = line.replace(example, real)
        self.assertNotIn("example.org", line)
        path = os.pathsep.join([str(pathlib.Path(support.program("TLSECHO_CLIENT")).parent),
                                os.environ["PATH"]])
        return support.run("bash", "-o", "pipefail", "-c", f"cd '{folder}' && {line}",
                           env=support.environment(PATH=path))


class Pages(support.TestCase):
    """The commands of README.md, docs/client.md and docs/server.md. Those of the client run against a
    port where nothing listens, and must get as far as that."""

    def lines(self, page, program):
        """The indented lines that run the program, without comments."""
        text = (support.REPOSITORY / page).read_text()
        found = [line.partition("  #")[0].strip() for line in
                 re.findall(rf"^    (?:echo hello \| )?{program} .*$", text, re.M)]
        self.assertGreater(len(found), 2, page)
        return found

    def run_line(self, line, folder):
        path = os.pathsep.join([str(pathlib.Path(support.program("TLSECHO_CLIENT")).parent),
                                os.environ["PATH"]])
        return support.run("bash", "-c", f"cd '{folder}' && {line}",
                           env=support.environment(PATH=path))

    def test_the_commands_of_the_client_are_understood(self):
        lines = self.lines("README.md", "tlsecho-client")
        lines += self.lines("docs/client.md", "tlsecho-client")
        lines = [line for line in lines if "--merge" not in line]  # connects to no server
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "build").mkdir()
            (pathlib.Path(folder) / "build" / "pki").symlink_to(support.pki())
            (pathlib.Path(folder) / "photo.jpg").write_bytes(b"photo")
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                for line, done in zip(lines, pool.map(
                        lambda line: self.run_line(self.elsewhere(line), folder), lines)):
                    with self.subTest(line):
                        self.assertIn("connection refused",
                                      (done.stdout.decode() + done.stderr).lower())

    @staticmethod
    def elsewhere(line):
        """The same command for a port where nothing listens, limited to a run that ends."""
        line = re.sub(r"\b(localhost|127\.0\.0\.1|[a-z]+\.example\.org(:\d+)?)(?![\w:.])",
                      "127.0.0.1:1", line.partition(" | cmp")[0])
        line = line.replace("3f0c...", "3f" * 32).replace("example.org:7443", "127.0.0.1:1")
        line = line.replace("--reconnect", "--reconnect -w 100ms")
        return line.partition(" >")[0]

    def test_the_commands_of_the_server_are_understood(self):
        page = (support.REPOSITORY / "docs" / "server.md").read_text()
        example = re.search(r"<<END\n(.*?)^    END$", page, re.M | re.S).group(1)
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "pki").symlink_to(support.pki())
            (pathlib.Path(folder) / "server.yaml").write_text(textwrap.dedent(example))
            for file in (f"{folder}/server.yaml", support.REPOSITORY / "config" / "server.yaml"):
                done = support.run(support.program("TLSECHO_SERVER"), "-t", "-c", file)
                self.assertEqual(done.status, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
