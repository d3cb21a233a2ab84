# SPDX-License-Identifier: MIT
"""Configurations, runs and summaries for the tests of tlsecho-client --bench."""

import support

CA = ("--cacert", support.pki() / "ca.pem")
CONFIG = """
listeners:
  - listen: tcp://127.0.0.1:0
  - listen: tls://127.0.0.1:0
  - listen: unix://{dir}/echo.sock
  - { listen: "tcp://127.0.0.1:0", name: upper, service: upper }
  - { listen: "tls://127.0.0.1:0", name: discard, service: discard }
  - { listen: "tls://127.0.0.1:0", name: chargen, service: chargen }
""" + support.PROFILE
SCARCE = """
listeners: [ { listen: "tls://127.0.0.1:0" } ]
limits: { connections: 4 }
""" + support.PROFILE
MUTUAL = """
listeners: [ { listen: "tls://127.0.0.1:0" } ]
tls:
  default:
    certificates: [ { certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" } ]
    client_auth: required
    client_ca: "{pki}/ca.pem"
"""


def bench(*args, **options):
    return support.client("--bench", *args, **options)


def samples(summary, key="latency"):
    return sum(count for _, count in summary[key]["histogram"])


def due(summary):
    """Messages of an open loop that were due, including those that a busy machine did not send."""
    return samples(summary) + summary.get("messages_unsent", 0)


class BenchCase(support.TestCase):
    def ok(self, *args):
        """The summary of a load that must succeed; it is checked against its schema."""
        done = bench("--json", *args)
        self.assertEqual(done.status, 0, done.stderr)
        return support.described(done.stdout.splitlines()[-1])

    def fails(self, status, word, *args):
        done = bench("--json", *args)
        self.assertEqual(done.status, status, done.stderr)
        summary = support.described(done.stdout.splitlines()[-1])
        self.assertEqual(summary["result"], word)
        return summary
