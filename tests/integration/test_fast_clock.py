# SPDX-License-Identifier: MIT
"""Days of a server within seconds: a certificate that expires and is renewed, a self-signed one, and
tickets that age. The clock of server and client jumps, and stands still for the rest."""

import sys
import unittest

import certificates
import fast_clock
import support

PROFILE = """
listeners: [ { listen: "tls://127.0.0.1:0" } ]
tls: { default: { certificates: [ { certificate: server.pem, key: server.pem } ] } }
"""
MUTUAL = """
listeners: [ { listen: "tls://127.0.0.1:0" } ]
tls:
  default:
    certificates: [ { certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" } ]
    client_auth: required
    client_ca: "{pki}/ca.pem"
"""
AGE_HOURS = 1.9  # OpenSSL's sessions have a lifetime of two hours


@unittest.skipIf(fast_clock.has_thread_sanitizer(), "ThreadSanitizer does not tolerate a library before it")
@unittest.skipIf(sys.maxsize < 1 << 32, "the library does not know two sizes of time_t")
class FastClock(support.TestCase):
    def setUp(self):
        folder = certificates.folder()
        self.work = folder.__enter__()
        self.addCleanup(folder.__exit__, None, None, None)
        self.clock = fast_clock.Clock(self.work)

    def check(self, server, *args, ca=None):
        done = support.client("--check", "--json", "--cacert", ca or support.pki() / "ca.pem", *args,
                              server.endpoint("tls"), env=self.clock.environment())
        return done.status, done.summary()["tls"]

    def resumed(self, server, *args):
        """Whether the session of the last time was resumed."""
        status, tls = self.check(server, f"--resume={self.work / 'session'}", *args)
        self.assertEqual(status, 0)
        return tls["resumed"]

    def test_a_certificate_is_announced_in_time_and_renewed(self):
        authorities = certificates.Authorities(self.work)
        authorities.make("ca")
        ca = authorities.path("ca")

        def leaf(name, days):
            """Whole days, and half a day."""
            authorities.leaf(name, "ca", days=days)
            return authorities.path(name).read_bytes() + authorities.path(name, "key").read_bytes()

        server = self.server(PROFILE, env=self.clock.environment(), files={"server.pem": leaf("first", (-1, 2))})
        self.assertEqual(self.check(server, ca=ca)[0], 0)
        self.assertEqual(server.lines("certificate_expiring"), [])  # the last third is 28 hours
        self.clock.advance(hours=48)
        server.wait_for("certificate_expiring")
        self.clock.advance(hours=24)
        server.wait_for("certificate_expired")
        self.assertEqual(self.check(server, ca=ca)[0], 10)
        new = server.folder / "new"
        new.touch(mode=0o600)
        new.write_bytes(leaf("second", (2, 90)))
        new.replace(server.folder / "server.pem")
        server.wait_for("reloaded")
        status, tls = self.check(server, ca=ca)
        self.assertEqual((status, tls["peer"]["subject"]), (0, "CN=second"))
        self.clock.advance(hours=24)
        self.clock.advance(hours=24 * 60)
        server.wait_for("certificate_expiring")
        self.assertEqual([len(server.lines(f"certificate_{event}")) for event in ("expiring", "expired")], [2, 1])

    def test_a_self_signed_certificate_is_renewed_30_days_before_its_end(self):
        server = self.server("listeners: [ { listen: 'tls://127.0.0.1:0' } ]", folders={"state": 0o700},
                             env=self.clock.environment(STATE_DIRECTORY="{dir}/state"))
        first = self.check(server, "-k")[1]["peer"]["sha256"]
        self.clock.advance(hours=24 * (365 - 30) + 1)
        self.assertIn("self-signed", server.wait_for("reloading")["reason"])
        server.wait_for("reloaded")
        self.assertNotEqual(self.check(server, "-k")[1]["peer"]["sha256"], first)

    def test_the_servers_own_ticket_key_changes_after_12_hours_and_the_one_before_is_accepted(self):
        server = self.server(support.EVERYTHING, env=self.clock.environment())

        names, resumed = [], []
        for hours in (0, 11.9, 0.2, 0.1, AGE_HOURS, 2.1):
            self.clock.advance(hours)
            resumed.append(self.resumed(server))
            names.append(certificates.ticket_key_name(self.work / "session"))
        self.assertEqual(resumed, [False, False, True, True, True, False])
        self.assertEqual([name == names[0] for name in names], [True, True, False, False, False, False])
        self.assertEqual(len(set(names)), 2)

    def test_what_a_client_has_proved_ends_after_a_day(self):
        server = self.server(MUTUAL, env=self.clock.environment())
        identity = ("--cert", certificates.pki("client.pem"), "--key", certificates.pki("client.key"))
        resumed = [self.resumed(server, *identity)]
        for _ in range(14):
            self.clock.advance(AGE_HOURS)
            resumed.append(self.resumed(server, *identity))
        self.assertEqual(resumed, [False] + 12 * [True] + [False, True])  # 12 times make 22.8 hours


if __name__ == "__main__":
    unittest.main()
