# SPDX-License-Identifier: MIT
"""tlsecho-client --proxy-protocol: a PROXY header before TLS, in every mode."""

import json
import unittest

import stub_server
import support
from stub_server import StubServer

CA = ("--cacert", support.pki() / "ca.pem")


def listeners(service):
    keys = f"service: {service}, proxy_protocol: required, proxy_from: [ 127.0.0.1, '::1', unix ]"
    return f"""
listeners:
  - {{ listen: "tcp://127.0.0.1:0", {keys} }}
  - {{ listen: "tls://127.0.0.1:0", {keys} }}
  - {{ listen: "unix://{{dir}}/echo.sock", {keys} }}
""" + support.PROFILE + "    alpn: [ h2, other ]\n"


class Proxy(support.TestCase):
    def test_in_every_mode_it_comes_first(self):
        server = self.server(listeners("echo"))
        for version in ("1", "2"):
            header = f"--proxy-protocol={version}"
            for which, args in (("tcp", ()), ("tls", CA), ("unix", ())):
                at = server.endpoint(which)
                for mode in ((), ("--ping", "-c2", "-i0"), ("--check",), ("--bench", "-n10"),
                             ("--show-certs",)):
                    if mode == ("--show-certs",) and which != "tls":
                        continue
                    with self.subTest(version=version, which=which, mode=mode):
                        done = support.client(header, *mode, *args, at, data=b"hello")
                        self.assertEqual(done.status, 0, done.stderr)
        self.assertNotEqual(support.client(server.endpoint("tcp"), data=b"hello").status, 0)

    def test_the_header_has_the_real_addresses(self):
        server = self.server(listeners("report"))
        for version in (1, 2):
            for which, args in (("tcp", ()), ("tls", (*CA, "--alpn=h2,x", "--servername=localhost"))):
                with self.subTest(version=version, which=which):
                    done = support.client("-v", f"--proxy-protocol={version}", "--expect=none",
                                          *args, server.endpoint(which))
                    self.assertEqual(done.status, 0, done.stderr)
                    report = json.loads(done.stdout)
                    own = done.stderr.split(" from ")[1].split()[0]
                    self.assertEqual(report["source"], own)
                    self.assertEqual(report["destination"],
                                     "{}:{}".format(*server.address(which)))
                    self.assertEqual((report["proxy"]["version"], report["proxy"]["local"]),
                                     (version, False))
                    if version == 2 and which == "tls":
                        self.assertEqual((report["proxy"]["authority"], report["proxy"]["alpn"]),
                                         ("localhost", "h2"))
                    else:
                        self.assertNotIn("authority", report["proxy"])

    def test_without_it_no_byte_is_sent_before_ours(self):
        seen = []
        with StubServer(lambda c: (seen.append(c.recv(100)), c.sendall(seen[0]), stub_server.finish(c))) as stub:
            support.client(stub.endpoint(), data=b"hello")
            support.client("--proxy-protocol=1", stub.endpoint(), data=b"hello")
        self.assertEqual(seen[0], b"hello")
        self.assertRegex(seen[1], rb"\APROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ %d\r\n" % stub.port)

    def test_one_that_comes_back_is_named(self):
        echo = self.server(support.EVERYTHING)
        plain = echo.endpoint("tcp")
        for version in ("1", "2"):
            for args, at, status in (((), plain, 14), (("--check",), plain, 14),
                                     (("--bench", "-n1"), plain, 14), (("--ping",), plain, 14),
                                     (("-k",), plain.replace("tcp:", "tls:"), 7)):
                with self.subTest(version=version, args=args):
                    done = support.client(f"--proxy-protocol={version}", *args, at, data=b"hello")
                    self.assertEqual(done.status, status, done.stderr)
                    self.assertIn("our PROXY header came back", done.stderr)
                    self.assertIn("leave out --proxy-protocol", done.stderr)
                    self.assertNotIn("--expect none", done.stderr)
            done = support.client(f"--proxy-protocol={version}", "-k", echo.endpoint("tls"))
            self.assertIn("if it expects no PROXY header, leave out --proxy-protocol", done.stderr)

    def test_there_are_two_versions(self):
        done = support.client("--proxy-protocol=3", "h")
        self.assertEqual(done.status, 2)
        self.assertIn("--proxy-protocol: '3' is not a number from 1 to 2", done.stderr)


if __name__ == "__main__":
    unittest.main()
