# SPDX-License-Identifier: MIT
"""tlsecho-client --bench: loads of a moment, and what it says of them."""

import unittest

import farend
import support
from farend import FarEnd

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


def bench(*args, **options):
    return support.client("--bench", *args, **options)


class Loads(support.TestCase):
    def setUp(self):
        self.far = self.server(CONFIG)

    def tls(self, which="tls"):
        return (*CA, self.far.endpoint(which).replace("tcp://", "tls://"))

    def ok(self, *args):
        done = bench(*args)
        self.assertEqual(done.status, 0, done.stderr)
        return done.stdout.decode()

    def test_so_many_messages_go_and_come_back(self):
        for to in (self.far.endpoint("tcp"),), (self.far.endpoint("unix"),), self.tls():
            with self.subTest(to[-1]):
                text = self.ok("-n", "1000", "-P", "7", "--threads", "2", *to)
                self.assertRegex(text, r"messages +1000, ")
                self.assertRegex(text, r"sent +62\.5 KiB")
                self.assertRegex(text, r"received +62\.5 KiB")

    def test_long_and_short_messages_one_by_one_and_many_at_a_time(self):
        for args in ("-s", "1"), ("-s", "1MiB"), ("-s", "1", "--pipeline", "64"), \
                ("-s", "100000", "--pipeline", "3"):
            with self.subTest(args):
                text = self.ok("-n", "64", "-P", "2", *args, *self.tls())
                self.assertRegex(text, r"messages +64, ")

    def test_a_time_is_kept(self):
        text = self.ok("-t", "0.3", "-P", "20", *self.tls())
        self.assertRegex(text, r"measured +0\.300 s")

    def test_the_time_that_is_omitted_is_not_measured(self):
        text = self.ok("-t", "0.2", "--omit", "0.2", "--rate", "1000", *self.tls())
        self.assertRegex(text, r"measured +0\.200 s")
        self.assertRegex(text, r"messages +(1[89]\d|20\d), ")

    def test_a_ramp_is_climbed_within_the_time(self):
        text = self.ok("-t", "0.4", "--ramp", "0.2", "-P", "10", *self.tls())
        self.assertRegex(text, r"measured +0\.400 s")

    def test_an_open_loop_sends_when_it_is_time(self):
        text = self.ok("-t", "0.4", "--rate", "500", "-P", "4", "--threads", "2", *self.tls())
        self.assertRegex(text, r"messages +(19\d|20\d), ")
        self.assertIn("service", text)

    def test_upper_case_is_expected_from_upper(self):
        self.ok("-n", "100", "--expect", "upper", self.far.endpoint("upper"))

    def test_only_up_to_discard_and_only_down_from_chargen(self):
        up = self.ok("-t", "0.2", "-s", "64KiB", "--expect", "none", *self.tls("discard"))
        self.assertIn("sent ", up)
        self.assertNotIn("received", up)
        self.assertNotIn("latency", up)
        down = self.ok("-t", "0.2", "-s", "0", "--expect", "none", *self.tls("chargen"))
        self.assertIn("received ", down)
        self.assertNotIn("sent", down)

    def test_the_server_sees_every_connection_end_in_order(self):
        self.ok("-n", "20", "-P", "20", *self.tls())
        for _ in range(21):
            self.assertEqual(self.far.wait_for("connection")["end"], "closed")


class Failures(support.TestCase):
    def fails(self, status, says, *args):
        done = bench(*args)
        self.assertEqual(done.status, status, done.stderr)
        self.assertRegex(done.stderr.splitlines()[-1], says)
        return done

    def test_no_server_is_said_as_everywhere(self):
        with FarEnd(farend.echo) as far:
            endpoint = far.endpoint()
        self.fails(4, "connect: .*refused", "-P", "100", endpoint)

    def test_usage_is_one_line(self):
        done = self.fails(2, "--rate: '0' is no number", "--rate", "0", "localhost")
        self.assertEqual(len(done.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
