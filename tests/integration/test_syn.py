# SPDX-License-Identifier: MIT
"""The client's SYN as it arrived, in what the service report tells and in the log."""

import contextlib
import json
import os
import signal
import socket
import ssl
import sys
import time
import unittest

import schema
import support
import test_activation

DUAL_STACK, IPV4, IPV6 = "tcp://[::]:0", "tcp://127.0.0.1:0", "tcp://[::1]:0"
TCP_TIMESTAMP = 24


def listener(endpoint, service="report", more=""):
    return f"listeners: [ {{ listen: '{endpoint}', name: main, service: {service}{more} }} ]\n"


def kernel(name):
    with open(f"/proc/sys/net/ipv4/{name}") as file:
        return file.read().strip()


class SynCase(support.TestCase):
    def report(self, address, *options, family=None, preamble=b"", tls=None):
        """The report of a connection with these socket options, and the TSval that its clock had."""
        family = family or (socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(socket.socket(family))
            client.settimeout(support.DEADLINE_S)
            for level, name, value in options:
                client.setsockopt(level, name, value)
            client.connect(address)
            clock = client.getsockopt(socket.IPPROTO_TCP, TCP_TIMESTAMP) & 0xffffffff
            client.sendall(preamble)
            if tls:
                client = stack.enter_context(tls.wrap_socket(client))
            report = json.loads(stack.enter_context(client.makefile("rb")).read())
        self.assertEqual(schema.faults(report, schema.load("report")), [])
        return report, clock

    def syn(self, *args, **more):
        return self.report(*args, **more)[0]["syn"]

    def rewrite(self, server, config):
        replacement = server.folder / "server.yaml.new"
        replacement.write_text(config)
        os.replace(replacement, server.folder / "server.yaml")
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")


class Arrives(SynCase):
    def test_over_ipv4_ipv6_and_both_on_one_socket(self):
        port = self.server(listener(DUAL_STACK)).address("tcp")[1]
        for address in ("127.0.0.1", "::1"):
            with self.subTest(address):
                syn = self.syn((address, port))
                self.assertEqual((syn["ttl"], syn["dscp"]), (64, 0))
                self.assertEqual(syn["sack"], kernel("tcp_sack") == "1")
                self.assertGreater(syn["mss"], 500)
                self.assertGreater(syn["window"], 500)
                self.assertEqual(syn["options"][0], "mss")
                self.assertNotIn("malformed", syn)
        for endpoint in IPV4, IPV6:
            with self.subTest(endpoint):
                self.assertIn("syn", self.report(self.server(listener(endpoint)).address("tcp"))[0])

    @unittest.skipIf(kernel("tcp_timestamps") == "0", "the kernel sends no timestamps")
    def test_its_timestamp_is_of_the_clients_clock(self):
        for endpoint in IPV4, IPV6:
            with self.subTest(endpoint):
                start = time.monotonic()
                report, clock = self.report(self.server(listener(endpoint)).address("tcp"))
                # In bit 0 of the clock Linux 6.7 and later tell its unit.
                age_ms = (clock + 1 - report["syn"]["timestamps"]["tsval"]) % 2**32
                self.assertLessEqual(age_ms, (time.monotonic() - start) * 1000 + 2)
                self.assertEqual(report["syn"]["timestamps"]["tsecr"], 0)

    def test_options_of_the_clients_socket_are_in_it(self):
        port = self.server(listener(DUAL_STACK)).address("tcp")[1]
        same = [(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 700),
                (socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)]
        ipv4 = [(socket.IPPROTO_IP, socket.IP_TOS, 46 << 2), (socket.IPPROTO_IP, socket.IP_TTL, 33)]
        ipv6 = [(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 10 << 2),
                (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 200)]
        for address, options, dscp, ttl in (("127.0.0.1", ipv4, 46, 33), ("::1", ipv6, 10, 200)):
            with self.subTest(address):
                usual = self.syn((address, port))
                syn = self.syn((address, port), *same, *options)
                self.assertEqual((syn["mss"], syn["dscp"], syn["ttl"]), (700, dscp, ttl))
                self.assertLess(syn["window"], usual["window"])
                self.assertEqual(set(syn["options"]) - {"nop"}, set(usual["options"]) - {"nop"})

    def test_over_tls_and_in_a_report_that_takes_several_buffers(self):
        server = self.server(listener("tls://127.0.0.1:0") + support.PROFILE +
                             "limits: { buffer: 4KiB }\n")
        context = ssl.create_default_context(cafile=support.pki() / "ca.pem")
        context.check_hostname = False
        self.assertIn("mss", self.syn(server.address("tls"), tls=context))

    def test_the_log_has_it_at_level_debug(self):
        server = self.server(listener(IPV4) + "log: { level: debug }\n")
        report, _ = self.report(server.address("tcp"))
        line, syn = server.wait_for("syn", id=report["connection"]), report["syn"]
        self.assertEqual(line["options"], ",".join(syn["options"]))
        self.assertEqual(line["source"], report["source"])
        for key in ("ttl", "dscp", "mss", "window"):
            self.assertEqual(line[key], str(syn[key]), key)

    def test_an_inherited_socket_has_it(self):
        with socket.create_server(("127.0.0.1", 0)) as made:
            prefix = [sys.executable, "-c", test_activation.HAND_OVER, str(made.fileno())]
            self.server(listener(IPV4), prefix=prefix, pass_fds=[made.fileno()],
                        env=support.environment(LISTEN_FDS="1", LISTEN_FDNAMES="main"))
            self.assertIn("mss", self.syn(made.getsockname()))


class Absent(SynCase):
    def test_a_unix_socket_has_none(self):
        server = self.server(listener("unix://{dir}/sock"))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(server.address("unix"))
            self.assertNotIn("syn", json.loads(client.makefile().read()))

    def test_behind_a_proxy_header_syn_is_absent_and_syn_sender_is_proxy(self):
        headers = {"names a client": b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n",
                   "is of the proxy itself": b"PROXY UNKNOWN\r\n"}
        for mode in ("required", "trusted"):
            server = self.server(listener(
                IPV4, more=f", proxy_protocol: {mode}, proxy_from: [ 127.0.0.1 ]") +
                "log: { level: debug }\n")
            for name, header in headers.items():
                with self.subTest(mode, header=name):
                    report, _ = self.report(server.address("tcp"), preamble=header)
                    self.assertNotIn("syn", report)
                    self.assertEqual(report["proxy"]["syn_sender"], "proxy")
            self.assertEqual(server.lines("syn"), [])

    def test_a_proxy_on_a_unix_socket_sends_none_either(self):
        server = self.server(listener("unix://{dir}/sock", more=", proxy_protocol: required, "
                                      "proxy_from: [ unix ]"))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(server.address("unix"))
            client.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n")
            proxy = json.loads(client.makefile().read())["proxy"]
        self.assertNotIn("syn_sender", proxy)

    def test_a_direct_connection_to_a_listener_for_trusted_proxies_has_it(self):
        server = self.server(listener(
            IPV4, more=", proxy_protocol: trusted, proxy_from: [ 192.0.2.1 ]"))
        self.assertIn("mss", self.syn(server.address("tcp")))

    def test_a_reload_sets_and_clears_it_on_a_socket_that_stays(self):
        server = self.server(listener(IPV4, "echo") + "log: { level: debug }\n")
        address = server.address("tcp")
        config = listener("tcp://127.0.0.1:{}".format(address[1]), "{}") + "log: { level: debug }\n"
        for turn in range(2):
            self.rewrite(server, config.replace("{}", "report"))
            with self.subTest(turn):
                self.assertIn("mss", self.syn(address))
            self.rewrite(server, config.replace("{}", "echo"))
            with socket.create_connection(address) as client:
                client.sendall(b"x")
                self.assertEqual(client.recv(1), b"x")
        self.assertEqual(len(server.lines("syn")), 2)


if __name__ == "__main__":
    unittest.main()
