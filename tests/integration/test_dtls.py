# SPDX-License-Identifier: MIT
"""dtls:// listeners: foreign clients, the cookie, limits, reload, endings, bad input."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest

import admin_client
import calm
import datagrams
import dtls
import netpath
import proc
import schema
import support

ADMIN = "admin: { listen: 'tcp://127.0.0.1:0' }\n"
NO_DRAIN = "drain: 50ms"  # for associations that stay unfinished
ECHO = "listeners: [ { listen: 'dtls://127.0.0.1:0', name: echo } ]\n" + ADMIN


def dropped(server, reason):
    return admin_client.metrics(server)["tlsecho_datagrams_dropped_total"].value(reason=reason)


def active(server):
    return admin_client.metrics(server)["tlsecho_connections_active"].value(transport="dtls")


class Case(support.TestCase):
    def client(self, server, *options, name="dtls", **arguments):
        client = dtls.Client(server.address(name), *options, **arguments)
        self.addCleanup(lambda: client.process.poll() is None and client.vanish())
        return client

    def socket(self, address=("127.0.0.1", 0)):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(made.close)
        made.settimeout(support.DEADLINE_S)
        made.bind(address)
        return made

    def leaf(self, server, *options):
        """The certificate that a new client gets."""
        return dtls.shown_leaf(server.address("dtls"), *options)

    def assert_answers(self, address):
        """It has handled what it received before, too."""
        client = self.socket()
        client.sendto(dtls.hello(), address)
        self.assertEqual(client.recvfrom(2048)[1], address)

    def assert_serves(self, server, *options):
        client = self.client(server, *options)
        self.assertEqual(client.ask("still here"), "still here")
        client.close()


@support.requires("openssl")
class Foreign(Case):
    def test_s_client(self):
        server = self.server(ECHO)
        client = self.client(server, "-CAfile", support.pki() / "ca.pem")
        for text in ("hello", "x" * 1000, "bye"):
            self.assertEqual(client.ask(text), text)
        client.close()
        line = server.wait_for("connection", transport="dtls")
        self.assertEqual((line["end"], line["version"], line["service"], line["listener"]),
                         ("closed", "DTLSv1.2", "echo", "echo"))
        self.assertEqual((line["received_bytes"], line["sent_bytes"]), ("1011", "1011"))
        self.assertEqual(line["destination"], "%s:%d" % server.address("dtls"))
        metrics = admin_client.metrics(server)
        self.assertEqual(metrics["tlsecho_connections_ended_total"].value(transport="dtls", end="closed"), 1)
        self.assertEqual(metrics["tlsecho_handshakes_total"].value(version="DTLSv1.2", result="ok"), 1)
        self.assertEqual(metrics["tlsecho_received_bytes_total"].value(transport="dtls"), 1011)

    @support.requires("socat")
    def test_socat(self):
        server = self.server(ECHO)
        done = support.run("socat", "-t5", "-", "OPENSSL-DTLS-CLIENT:%s:%d,verify=0,readbytes=6" %
                           server.address("dtls"), data=b"hello\n")
        self.assertEqual(done.stdout, b"hello\n", done.stderr)
        self.assertEqual(server.wait_for("connection", transport="dtls")["end"], "closed")

    @support.requires("gnutls-cli")
    def test_gnutls(self):
        server = self.server(ECHO)
        host, port = server.address("dtls")
        with subprocess.Popen(["gnutls-cli", "--udp", "--insecure", "-p", str(port), host],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=support.environment()) as process:
            process.stdin.write(b"hello gnutls\n")
            process.stdin.flush()
            said = b""
            while b"hello gnutls" not in said:
                more = os.read(process.stdout.fileno(), 65536)
                self.assertTrue(more, said)
                said += more
            process.stdin.close()
            process.stdout.read()
        self.assertEqual(server.wait_for("connection", transport="dtls")["end"], "closed")

    def test_clients_on_one_socket_are_told_apart(self):
        server = self.server(ECHO)
        clients = [self.client(server) for _ in range(3)]
        for turn in range(3):
            for at, client in enumerate(clients):
                client.send(f"{turn} of client {at}")
            for at, client in enumerate(clients):
                self.assertEqual(client.line(), f"{turn} of client {at}")
        self.assertEqual(active(server), 3)

    def test_upper_discard_and_report(self):
        server = self.server("listeners:\n" + "".join(
            f"  - {{ listen: 'dtls://127.0.0.1:0', name: {service}, service: {service} }}\n"
            for service in ("upper", "discard", "report")) + ADMIN)
        self.assertEqual(self.client(server, name="upper").ask("loud"), "LOUD")
        client = self.client(server, name="discard")
        client.send("gone")
        client.close()
        line = server.wait_for("connection", listener="discard")
        self.assertEqual((line["received_bytes"], line["sent_bytes"]), ("5", "0"))
        report = json.loads(self.client(server, name="report").ask("tell me"))
        self.assertEqual(schema.faults(report, schema.load("report")), [])
        self.assertEqual(report["tls"]["version"], "DTLSv1.2")
        self.assertRegex(report["tls"]["exporter"], "^[0-9a-f]{64}$")
        self.assertEqual(report["destination"], "%s:%d" % server.address("report"))

    def test_sni_selects_one_of_several_certificates(self):
        names = ("server-rsa", "wrong-host")  # wrong.example
        pairs = ", ".join("{ certificate: {pki}/%s.pem, key: {pki}/%s.key }" % (name, name) for name in names)
        server = self.server("listeners: [ { listen: 'dtls://127.0.0.1:0', tls: t } ]\n"
                             f"tls: {{ t: {{ certificates: [ {pairs} ] }} }}\n")
        for sni, name in (("wrong.example", "wrong-host"), ("localhost", "server-rsa"),
                          ("nobody.example", "server-rsa"), (None, "server-rsa")):
            with self.subTest(sni):
                options = ("-servername", sni) if sni else ("-noservername",)
                self.assertEqual(self.leaf(server, *options), dtls.leaf(name))

    def test_the_server_name_is_logged_and_the_key_log_has_the_secrets(self):
        pki = support.pki()
        server = self.server("listeners: [ { listen: 'dtls://127.0.0.1:0', tls: t } ]\n"
                             "tls: { t: { keylog: keys.log, certificates: [\n"
                             f"  {{ certificate: {pki}/server-ecdsa.pem, key: {pki}/server-ecdsa.key }} ] }} }}\n")
        client = self.client(server, "-CAfile", pki / "ca.pem", "-verify_return_error", "-servername", "localhost")
        self.assertEqual(client.ask("x"), "x")
        client.close()
        self.assertEqual(server.wait_for("connection")["sni"], "localhost")
        self.assertIn("CLIENT_RANDOM ", (server.folder / "keys.log").read_text())

    def test_a_ticket_resumes_the_session(self):
        server = self.server(ECHO)
        with tempfile.TemporaryDirectory() as folder:
            saved = os.path.join(folder, "session")
            for option, resumed in (("-sess_out", "no"), ("-sess_in", "yes")):
                client = self.client(server, option, saved)
                self.assertEqual(client.ask("x"), "x")
                client.close()
                server.wait_for("connection", transport="dtls", resumed=resumed)

    def test_a_lost_flight_is_sent_again(self):
        server = self.server(ECHO)
        with datagrams.Relay(server.address("dtls"), back={2: ()}) as relay:
            client = dtls.Client(relay.address)
            self.assertEqual(client.ask("at last"), "at last")
            client.close()
        self.assertGreater(float(server.wait_for("connection")["duration"]), 0.9)  # RFC 6347 §4.2.4.1: 1 s


@support.requires("openssl")
class ClientCertificates(Case):
    CONFIG = ("listeners: [ {{ listen: 'dtls://127.0.0.1:0', tls: m }} ]\n"
              "tls: {{ m: {{ client_auth: {mode}, client_ca: {pki}/ca.pem,\n"
              "  certificates: [ {{ certificate: {pki}/server-ecdsa.pem, key: {pki}/server-ecdsa.key }} ] }} }}\n")

    def start(self, mode):
        return self.server(self.CONFIG.format(mode=mode, pki=support.pki()))

    def test_required(self):
        pki = support.pki()
        server = self.start("required")
        client = self.client(server, "-cert", pki / "client.pem", "-cert_chain", pki / "client.pem", "-key", pki / "client.key")
        self.assertEqual(client.ask("it is me"), "it is me")
        client.close()
        self.assertIn("CN=", server.wait_for("connection", end="closed")["client"])
        client = self.client(server)
        self.assertIn("alert", client.wait())
        line = server.wait_for("connection", end="handshake_failed")
        self.assertEqual((line["alert"], line["reason"]),
                         ("handshake_failure", "no client certificate, and one is required"))

    def test_optional(self):
        server = self.start("optional")
        self.assert_serves(server)
        self.assertNotIn("client", server.wait_for("connection", end="closed"))


class FirstFlight(Case):
    """Nothing is kept of a client that has not returned its cookie."""

    def return_cookie(self, client, address, message=1):
        client.sendto(dtls.hello(), address)
        client.sendto(dtls.hello(dtls.cookie_of(client.recv(2048)), message=message), address)

    def test_the_cookie_is_shorter_than_the_client_hello(self):
        server = self.server(ECHO + f"timeouts: {{ {NO_DRAIN} }}\n")
        client, address = self.socket(), server.address("dtls")
        question = dtls.hello(sequence=0x0102030405)
        client.sendto(question, address)
        answer = client.recv(2048)
        self.assertLess(len(answer), len(question))
        self.assertEqual(answer[5:11], question[5:11])  # RFC 6347 §4.2.1: the number of the record
        self.assertEqual(active(server), 0)
        self.assertEqual(admin_client.metrics(server)["tlsecho_connections_accepted_total"].value(transport="dtls"), 0)

    def test_a_cookie_is_good_for_its_addresses_only(self):
        server = self.server(ECHO + f"timeouts: {{ {NO_DRAIN} }}\n")
        address = server.address("dtls")
        first, second = self.socket(), self.socket()
        first.sendto(dtls.hello(), address)
        cookie = dtls.cookie_of(first.recv(2048))
        for client, returned in ((second, cookie), (first, bytes(32)), (first, b"short")):
            client.sendto(dtls.hello(returned), address)
            answer = client.recv(2048)
            self.assertEqual(len(answer), 60)
            dtls.cookie_of(answer)
        self.assertEqual(active(server), 0)
        first.sendto(dtls.hello(cookie, sequence=1), address)
        self.assertEqual(first.recv(2048)[13], 2)  # a ServerHello
        self.assertEqual(active(server), 1)
        hellos = admin_client.metrics(server)["tlsecho_dtls_hellos_total"]
        self.assertEqual([hellos.value(cookie=word) for word in ("none", "wrong", "valid")], [1, 3, 1])

    def test_a_client_that_falls_silent_times_out(self):
        server = self.server(ECHO + "timeouts: { handshake: 300ms }\n")
        dtls.begin(self.socket(), server.address("dtls"))
        line = server.wait_for("connection")
        self.assertEqual((line["end"], line["received_bytes"]), ("handshake_timeout", "0"))
        self.assertEqual(active(server), 0)

    def test_beyond_the_limit_the_oldest_unfinished_one_ends(self):
        server = self.server(ECHO + f"limits: {{ handshakes: 2 }}\ntimeouts: {{ {NO_DRAIN} }}\n")
        clients = [self.socket() for _ in range(3)]
        for client in clients:
            dtls.begin(client, server.address("dtls"))
        line = server.wait_for("connection")
        self.assertEqual((line["end"], line["source"]),
                         ("handshake_limit", "%s:%d" % clients[0].getsockname()))
        self.assertEqual(active(server), 2)

    def test_limits_refuse_an_association(self):
        server = self.server(ECHO + f"limits: {{ connections: 1 }}\ntimeouts: {{ {NO_DRAIN} }}\n")
        dtls.begin(self.socket(), server.address("dtls"))
        self.return_cookie(self.socket(), server.address("dtls"))
        self.assertEqual(server.wait_for("connections_refused")["cause"], "connections")
        self.assertEqual(dropped(server, "limit"), 1)

    def test_a_refused_client_takes_no_place_of_another(self):
        server = self.server(ECHO + "limits: { connections: 2, per_source: 1 }\n"
                             f"timeouts: {{ {NO_DRAIN} }}\n")
        address = server.address("dtls")
        dtls.begin(self.socket(), address)
        for count in range(1, 4):
            self.return_cookie(self.socket(), address)
            proc.wait_until(lambda: dropped(server, "limit") == count, "it is not refused")
        self.assertEqual(dtls.begin(self.socket(("127.0.0.2", 0)), address)[13], 2)  # a ServerHello
        refused = admin_client.metrics(server)["tlsecho_connections_refused_total"]
        self.assertEqual((refused.value(reason="per_source"), refused.value(reason="connections")), (3, 0))

    def test_an_invalid_client_hello_with_a_cookie_takes_no_place_of_another(self):
        server = self.server(ECHO + f"limits: {{ connections: 1, per_source: 1 }}\ntimeouts: {{ {NO_DRAIN} }}\n")
        address = server.address("dtls")
        for count in range(1, 4):
            self.return_cookie(self.socket(), address, message=3)  # OpenSSL takes 0 to 2
            proc.wait_until(lambda: dropped(server, "invalid") == count, "it is not dropped")
        self.assertEqual(dtls.begin(self.socket(), address)[13], 2)  # a ServerHello


@support.requires("openssl")
class Endings(Case):
    def assert_ends_after(self, timeout, end):
        server = self.server(ECHO + f"timeouts: {{ {timeout}: 1s }}\n")
        client = self.client(server)
        self.assertEqual(client.ask("x"), "x")
        self.assertIsNone(client.line())  # it got the close_notify
        server.wait_for("connection", end=end)

    @calm.tried_again
    def test_idle_timeout(self):
        self.assert_ends_after("idle", "idle_timeout")

    @calm.tried_again
    def test_lifetime(self):
        self.assert_ends_after("lifetime", "lifetime")

    def test_a_drain_closes_what_is_quiet(self):
        server = self.server(ECHO)
        client = self.client(server)
        self.assertEqual(client.ask("x"), "x")
        server.signal(signal.SIGTERM)
        server.wait_for("draining")
        self.assertEqual(client.ask("during the drain"), "during the drain")
        self.assertIsNone(client.line())
        server.wait_for("connection", end="drained")
        self.assertEqual(server.wait(), 0)

    def test_a_client_that_returns_replaces_its_association_when_it_is_proven(self):
        server = self.server(ECHO)
        with self.socket() as found:
            bound = found.getsockname()
        first = self.client(server, "-bind", "%s:%d" % bound)
        self.assertEqual(first.ask("first"), "first")
        first.vanish()
        with self.socket(bound) as unfinished:
            dtls.begin(unfinished, server.address("dtls"))
        self.assertEqual(active(server), 2)
        second = self.client(server, "-bind", "%s:%d" % bound)
        self.assertEqual(second.ask("second"), "second")
        ended = [server.wait_for("connection", id=number)["end"] for number in ("1", "2")]
        self.assertEqual(ended, ["replaced", "replaced"])
        self.assertEqual(active(server), 1)
        second.close()
        server.wait_for("connection", end="closed")


    def test_an_unproven_client_on_the_same_port_does_not_disturb_the_association(self):
        """RFC 6347 §4.2.8. It may be forged, and has a cookie if it reads what passes."""
        server = self.server(ECHO + f"timeouts: {{ {NO_DRAIN} }}\n")
        with dtls.Forger(server.address("dtls")) as forger:
            client = dtls.Client(forger.address)
            self.assertEqual(client.ask("before"), "before")
            forger.forging = True
            cookie = dtls.cookie_of(forger.ask(dtls.hello()))
            self.assertEqual(forger.ask(dtls.hello(cookie, sequence=1))[13], 2)  # a ServerHello
            self.assertEqual(active(server), 2)
            forger.server.send(dtls.CLOSE_NOTIFY)
            self.assertEqual(client.ask("after"), "after")
            client.close()
        server.wait_for("connection", end="closed")


@support.requires("openssl")
class Reload(Case):
    def test_associations_go_on_and_new_ones_get_the_new_set(self):
        config = "listeners: [ { listen: 'dtls://127.0.0.1:%d', service: %s } ]\n" + ADMIN
        with self.socket() as found:
            port = found.getsockname()[1]
        server = self.server(config % (port, "echo"))
        before = self.client(server)
        self.assertEqual(before.ask("abc"), "abc")
        (server.folder / "server.yaml").write_text(config % (port, "upper"))
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        self.assertEqual(before.ask("abc"), "abc")
        self.assertEqual(self.client(server).ask("abc"), "ABC")

    def test_a_listener_that_goes_closes_its_associations(self):
        server = self.server(ECHO)
        client = self.client(server)
        self.assertEqual(client.ask("x"), "x")
        (server.folder / "server.yaml").write_text("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n")
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        self.assertIsNone(client.line())
        server.wait_for("connection", end="drained")

    def test_a_watched_certificate_that_is_renewed_is_for_new_associations(self):
        def pair(kind):
            return {f"server.{end}": (support.pki() / f"server-{kind}.{end}").read_bytes()
                    for end in ("pem", "key")}
        server = self.server("listeners: [ { listen: 'dtls://127.0.0.1:0', tls: t } ]\n"
                             "tls: { t: { certificates: [ { certificate: server.pem, key: server.key } ] } }\n",
                             files=pair("ecdsa"))
        before = self.client(server)
        self.assertEqual(before.ask("before"), "before")
        self.assertEqual(self.leaf(server), dtls.leaf("server-ecdsa"))
        for name, content in pair("rsa").items():
            (server.folder / "new").touch(mode=0o600)
            (server.folder / "new").write_bytes(content)
            os.replace(server.folder / "new", server.folder / name)
        server.wait_for("reloaded")
        self.assertEqual(before.ask("after"), "after")
        self.assertEqual(self.leaf(server), dtls.leaf("server-rsa"))

    def test_dtls_has_only_version_1_2(self):
        server = self.server("listeners: [ { listen: 'dtls://127.0.0.1:0' } ]\n"
                             "tls:\n  default: { min_version: '1.3' }\n", ready=False)
        self.assertEqual(server.wait(), 78)
        self.assertIn("3:27: tls.default.min_version: listeners[0] uses DTLS, which has only 1.2: set it to 1.2",
                      server.log())


@support.requires("openssl")
class PathMtu(Case):
    @classmethod
    def setUpClass(cls):
        netpath.enter()
        subprocess.run(["ip", "route", "add", "local", "127.0.0.2", "dev", "lo", "table", "local", "mtu", "700"],
                       check=True)

    @calm.tried_again
    def test_a_flight_keeps_to_it_and_a_message_is_fragmented(self):
        pki = support.pki()
        server = self.server(ECHO.replace("name: echo", "tls: rsa") +
                             f"tls: {{ rsa: {{ certificates: [ {{ certificate: {pki}/server-rsa.pem, "
                             f"key: {pki}/server-rsa.key }} ] }} }}\n")
        client = self.client(server, "-bind", "127.0.0.2:0")
        self.assertEqual(client.ask("x" * 1300), "x" * 1300)
        client.close()
        self.assertLess(float(server.wait_for("connection")["duration"]), 2.9)  # one retransmission, not two
        self.assertGreaterEqual(dropped(server, "unsent"), 1)


@support.requires("openssl")
class BadInput(Case):
    def test_it_is_dropped_and_counted_and_nobody_else_notices(self):
        server = self.server(ECHO)
        address = server.address("dtls")
        good = self.client(server)
        self.assertEqual(good.ask("before"), "before")
        record = b"\x17\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x09\x00\x04abcd"
        for data, reason in ((b"", "invalid"), (b"GET / HTTP/1.0\r\n\r\n", "invalid"), (bytes(60000), "invalid"),
                             (b"\x16\xfe\xff", "invalid"), (dtls.hello()[:-1], "no_association"),
                             (record, "no_association"), (os.urandom(100), "invalid")):
            with self.subTest(data[:20]):
                count = dropped(server, reason)
                self.socket().sendto(data, address)
                self.assertEqual(good.ask("meanwhile"), "meanwhile")
                self.assertEqual(dropped(server, reason), count + 1)

    def test_what_the_kernel_drops_is_counted(self):
        server = self.server(ECHO)
        client, sent = self.socket(), 3000
        with server.paused():
            for _ in range(sent):
                client.sendto(bytes(1000), server.address("dtls"))
        self.assert_answers(server.address("dtls"))
        received = admin_client.metrics(server)["tlsecho_datagrams_received_total"].value() - 1
        self.assertLess(received, sent)
        self.assertEqual((dropped(server, "invalid"), dropped(server, "receive_buffer")), (received, sent - received))

    def test_a_message_longer_than_the_buffer_is_dropped_and_counted(self):
        server = self.server(ECHO + "limits: { buffer: 4KiB }\n")
        client = self.client(server)
        self.assertEqual(client.ask("before"), "before")
        client.send("x" * 5000)
        proc.wait_until(lambda: dropped(server, "too_long") == 1, "nothing was dropped")
        self.assertEqual(client.ask("after"), "after")

    def test_replayed_truncated_and_altered_records_are_dropped_and_counted(self):
        server = self.server(ECHO)
        with dtls.Forger(server.address("dtls")) as forger:
            client = dtls.Client(forger.address)
            self.assertEqual(client.ask("before"), "before")
            whole = forger.last
            already = dropped(server, "invalid")  # a flight may have been sent again
            half, altered = whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])
            for count, forged in enumerate((whole, half, whole[:13], altered), 1):
                forger.server.send(forged)
                self.assertEqual(client.ask("meanwhile"), "meanwhile")
                self.assertEqual(dropped(server, "invalid"), already + count)
            client.close()
        line = server.wait_for("connection")
        self.assertEqual((line["end"], line["received_bytes"]), ("closed", "47"))

    def test_a_port_of_our_own_or_of_a_service_gets_no_answer(self):
        server = self.server("listeners: [ { listen: 'dtls://127.0.0.1:0', name: dtls },\n"
                             "             { listen: 'udp://127.0.0.1:0', name: udp } ]\n" + ADMIN)
        address = server.address("dtls")
        ours = (address[1], server.address("udp")[1])
        for port, reason in (*((port, "listener_port") for port in ours),
                             *((port, "low_port") for port in (7, 19, 53, 123))):
            with self.subTest(port):
                count = dropped(server, reason)
                self.socket(("127.0.77.9", port)).sendto(dtls.hello(), address)
                self.assert_answers(address)
                self.assertEqual(dropped(server, reason), count + 1)

    def test_a_broadcast_or_multicast_gets_no_answer(self):
        server = self.server(ECHO.replace("127.0.0.1:0', name", "0.0.0.0:0', name"))
        client = self.socket()
        datagrams.allow_many(client)
        address = ("127.0.0.1", server.address("dtls")[1])
        for count, group in enumerate(datagrams.GROUPS, 1):
            client.sendto(dtls.hello(), (group, address[1]))
            self.assert_answers(address)
            self.assertEqual(dropped(server, "multicast"), count)


if __name__ == "__main__":
    unittest.main()
