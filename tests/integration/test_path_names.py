# SPDX-License-Identifier: MIT
"""--path: server names, versions, groups and protocols that something on the way refuses."""

import unittest

import boxes
import stub_server
import netpath
import support

SERVER = netpath.Network.SERVER
CONFIG = f"""
listeners:
  - listen: tls://{SERVER}:0
timeouts: {{ drain: 1s, linger: 1s }}
""" + support.PROFILE
TWO = """
listeners:
  - listen: tls://127.0.0.1:0
tls:
  default:
    alpn: [ h2 ]
    certificates:
      - { certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" }
      - { certificate: "{pki}/server-rsa.pem", key: "{pki}/server-rsa.key" }
"""
NAMES = "--path", "--json", "--only", "names"


class Names(support.TestCase):
    def is_told(self, done, *findings):
        summary = done.summary()
        self.assertEqual((done.status, [one["finding"] for one in summary["findings"]]),
                         (16 if findings else 0, list(findings)), done)
        return summary["stages"][0], summary["findings"]


class Found(Names):
    def setUp(self):
        netpath.require()

    def path(self, *between, findings=(), args=("--servername", "localhost")):
        network = netpath.Network(*between)
        self.addCleanup(network.__exit__)
        server = self.server(CONFIG, prefix=network.server.prefix)
        return self.is_told(network.run_client(*NAMES, *args, server.endpoint("tls")), *findings)

    def test_a_filter_by_name(self):
        for name, label, reset in (("other.invalid", "server name other.invalid", False),
                                   ("localhost", "server name localhost", True)):
            with self.subTest(name):
                stage, found = self.path(boxes.Censor(boxes.names(name), reset),
                                         findings=["sni-filtered"])
                how = "reset" if reset else "never acknowledged, sent 3 times each"
                self.assertIn(f"{label}: 3 of 3 {how}", found[0]["evidence"])
                self.assertIn("; but ", found[0]["evidence"])
                self.assertEqual([step["what"] for step in stage["tried"] if not step["passed"]],
                                 [label])

    def test_a_filter_of_hellos_without_a_name(self):
        _, found = self.path(boxes.Censor(lambda data: boxes.begins_hello(data) and
                                          b"localhost" not in data and b"other.invalid" not in data),
                             findings=["sni-filtered"])
        self.assertTrue(found[0]["evidence"].startswith("no server name: 3 of 3"), found)

    def test_a_version(self):
        for is_wrong, version in (boxes.offers_13, "1.3"), (boxes.lacks_13, "1.2"):
            for reset in False, True:
                with self.subTest(version, reset=reset):
                    _, found = self.path(boxes.Censor(is_wrong, reset),
                                         findings=["version-intolerant"])
                    self.assertTrue(found[0]["evidence"].startswith(f"TLS {version}: 3 of 3 "))
                    self.assertIn(f"passes TLS {version}", found[0]["remedy"])

    def test_a_name_and_a_version_at_once(self):
        self.path(boxes.Censor(boxes.names("other.invalid")), boxes.Censor(boxes.offers_13, True),
                  findings=["sni-filtered", "version-intolerant"])

    def test_a_limit_of_size_is_about_no_name_and_no_split(self):
        """In two records, or with a longer name, a ClientHello is larger by some bytes."""
        server = self.server(CONFIG.replace(SERVER, "127.0.0.1"))
        sizes = "--path", "--json", "--only", "client-hello,names", "--servername", "localhost"
        clean, _ = self.is_told(support.client(*sizes, server.endpoint("tls")))
        bytes_ = min(step["bytes"] for step in clean["tried"])
        with netpath.Network(boxes.Censor(
                lambda data: boxes.begins_hello(data) and len(data) > bytes_ + 1, True)) as network:
            server = self.server(CONFIG, prefix=network.server.prefix)
            done = network.run_client(*sizes, server.endpoint("tls"))
        _, (found,) = self.is_told(done, "hello-lost-above")
        self.assertIn(f"a ClientHello of {bytes_} bytes ", found["evidence"])
        names = done.summary()["stages"][1]
        self.assertIn(f"with server name other.invalid a ClientHello of {bytes_ + 4} bytes gets no "
                      "answer: the stage client-hello tells whether that is about its size",
                      names["notes"])

    def test_an_answer_that_is_lost_for_its_size(self):
        with netpath.Network(boxes.DropAbove(500, boxes.TO_CLIENT)) as network:
            server = self.server(CONFIG, prefix=network.server.prefix)
            done = network.run_client("--path", "--only", "client-hello", "--connect-timeout", "1",
                                      server.endpoint("tls"))
        self.assertEqual(done.status, 6, done)
        self.assertIn("the answer comes in small segments only: the stage size tells", done.stderr)

    def test_nothing_where_packets_are_lost_at_random(self):
        for _ in range(3):
            self.path(boxes.Lose(2))

    def test_a_server_behind_a_filter_of_everything_is_an_error(self):
        network = netpath.Network(boxes.Censor(boxes.begins_hello, True))
        self.addCleanup(network.__exit__)
        server = self.server(CONFIG, prefix=network.server.prefix)
        done = network.run_client(*NAMES, server.endpoint("tls"))
        self.assertEqual((done.status, done.summary()["findings"]), (12, []), done)


class Noted(Names):
    def test_alerts_and_certificates(self):
        server = self.server(TWO)
        stage, _ = self.is_told(support.client(*NAMES, server.endpoint("tls")))
        tried = {step["what"]: step["happened"] for step in stage["tried"]}
        self.assertIn("ServerHello", tried["TLS 1.2"])
        self.assertIn("ServerHello", tried["group P-256"])
        self.assertIn("alert no_application_protocol", tried["ALPN http/1.1"])
        self.assertIn("with ALPN h2 the server selects h2", stage["notes"])
        self.assertRegex(stage["notes"][0], r'\Acertificate "CN=localhost.*" \(SHA-256 [0-9a-f]{16}'
                                            r'\.\.\.\) with no server name, server name other\.inva')

    def test_the_version_beside_each_group_where_there_is_one_alone(self):
        server = self.server(TWO)
        stage, _ = self.is_told(support.client(*NAMES, "--tls-max", "1.2", server.endpoint("tls")))
        tried = [step["what"] for step in stage["tried"]]
        for what in "group X25519", "ALPN h2", "no server name":
            self.assertIn(f"{what}, TLS 1.2 alone", tried)

    def test_each_certificate_with_what_it_came_with(self):
        with stub_server.OpenSsl("-servername", "localhost", "-cert2", support.pki() / "server-rsa.pem",
                            "-key2", support.pki() / "server-rsa.key") as server:
            stage, _ = self.is_told(support.client(*NAMES, "--servername", "localhost",
                                                   server.endpoint()))
        with_name, without = [note for note in stage["notes"] if note.startswith("certificate")]
        self.assertIn("with server name localhost, TLS 1.2, TLS 1.3", with_name)
        self.assertTrue(without.endswith(" with no server name, server name other.invalid"), without)

    def test_a_name_is_told_whole(self):
        name = ".".join(letter * 60 for letter in "abc")
        server = self.server(TWO)
        stage, _ = self.is_told(support.client(*NAMES, "--servername", name,
                                               server.endpoint("tls")))
        self.assertEqual(stage["tried"][0]["what"][:150], f"server name {name}"[:150])
        self.assertTrue(stage["tried"][0]["what"].endswith("..."), stage)

    def test_a_handshake_that_fails_hides_no_certificate_of_others(self):
        server = self.server(TWO.replace("    alpn:", """    client_auth: required
    client_ca: "{pki}/ca.pem"
    alpn:"""))
        stage, _ = self.is_told(support.client(*NAMES, server.endpoint("tls")))
        notes = "\n".join(stage["notes"])
        self.assertRegex(notes, r"(?m)^certificate .* with .*TLS 1\.3.*group X25519.*ALPN h2$")
        self.assertRegex(notes, r"(?m)^with TLS 1\.2 no handshake: .*certificate")

    def test_an_alert_for_a_version_is_an_answer(self):
        for only in "-tls1_2", "-tls1_3":
            with stub_server.OpenSsl(only) as server:
                stage, _ = self.is_told(support.client(*NAMES, server.endpoint()))
            self.assertTrue(any("alert protocol_version" in step["happened"]
                                for step in stage["tried"]), stage)


if __name__ == "__main__":
    unittest.main()
