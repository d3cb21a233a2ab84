# SPDX-License-Identifier: MIT
"""Three servers behind haproxy under load, while each in turn is restarted, and gets a new
certificate: no connection fails, sessions resume at every server, and each log has the client. Ticket
keys that are rotated."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import certificates
import peers
import support

HAPROXY = support.REPOSITORY / "packaging" / "haproxy"
ROTATE = support.REPOSITORY / "packaging" / "systemd" / "rotate-ticket-keys"
SERVERS = "127.0.0.11", "127.0.0.12", "127.0.0.13"
CLIENT = "127.0.0.99"
CONNECTIONS = 4
NAMES = "DNS:localhost, IP:127.0.0.1"
HELD_BACK = {"lame_duck: 5s": "lame_duck: 500ms", "inter 2s": "inter 50ms", "retries 3": "retries 0"}


def replaced(text, changes):
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def free_ports(host):
    """Ports that nothing listens on at this address, which no other test uses."""
    with socket.create_server((host, 0)) as one, socket.create_server((host, 0)) as two, \
            socket.create_server((host, 0)) as three:
        return [sock.getsockname()[1] for sock in (one, two, three)]


class Fleet(support.TestCase):
    """The shipped configurations of haproxy and of a server behind it, at other addresses and with
    shorter times. haproxy does not try again, so that a refused connection is seen."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-fleet-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.ports = {host: free_ports(host) for host in SERVERS}
        chain, key = certificates.make_server(NAMES)
        self.files = {"server.pem": chain, "server.key": key, "tickets.key": os.urandom(80)}
        self.fleet = {host: self.start(host) for host in SERVERS}

    def start(self, host):
        plain, tls, admin = self.ports[host]
        config = replaced((HAPROXY / "server.yaml").read_text(), {
            "192.0.2.1:7007": f"{host}:{plain}", "192.0.2.1:7443": f"{host}:{tls}",
            "192.0.2.1:9107": f"{host}:{admin}", "192.0.2.10": "127.0.0.1", "tls/": "",
            "lame_duck: 5s": HELD_BACK["lame_duck: 5s"]})
        return self.server(config + "watch: off\n", files=self.files)

    def haproxy(self):
        """Starts haproxy; returns the address of its TLS frontend."""
        text = replaced((HAPROXY / "haproxy.cfg").read_text(), {
            "maxconn 200000": "maxconn 100", "inter 2s": HELD_BACK["inter 2s"], "retries 3": HELD_BACK["retries 3"],
            "    option redispatch ": "    no option redispatch ", " check port 9107": ""})
        for number, (host, (plain, tls, admin)) in enumerate(self.ports.items(), 1):
            for old, new in ((7007, plain), (7443, tls)):
                text = replaced(text, {f"192.0.2.{number}:{old}": f"{host}:{new} check port {admin}"})
        with socket.create_server(("127.0.0.1", 0)) as plain, socket.create_server(("127.0.0.1", 0)) as tls:
            text = replaced(text, {"bind :7007": f"bind fd@{plain.fileno()}",
                                   "bind :7443": f"bind fd@{tls.fileno()}"})
            path = os.path.join(self.folder, "haproxy.cfg")
            with open(path, "w", encoding="ascii") as out:
                out.write(text)
            process = subprocess.Popen(
                [shutil.which("haproxy", path=support.TOOL_PATH), "-db", "-f", path],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                pass_fds=(plain.fileno(), tls.fileno()))
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            return tls.getsockname()

    def load(self, port):
        process = subprocess.Popen(
            [support.program("TLSECHO_CLIENT"), "--bench", "--handshakes", "--resume", "-P", str(CONNECTIONS), "-t", "0",
             "--json", "--source", CLIENT, "--cacert", support.pki() / "ca.pem", f"tls://127.0.0.1:{port}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=support.environment())
        self.addCleanup(process.kill)
        return process

    def served(self):
        """Waits for a connection to each server."""
        for server in self.fleet.values():
            server.wait_for("connection", listener="tls")

    def restart(self, host):
        server = self.fleet[host]
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        self.fleet[host] = self.start(host)
        self.fleet[host].wait_for("connection", listener="tls")

    def renew(self, host, chain, key):
        folder = self.fleet[host].folder
        for name, content in (("server.pem", chain), ("server.key", key)):
            (folder / name).write_bytes(content)
        self.fleet[host].signal(signal.SIGHUP)
        self.fleet[host].wait_for("reloaded")

    @support.requires("haproxy")
    def test_restarts_and_renewals_in_turn_fail_no_connection(self):
        host, port = self.haproxy()
        stopped = list(self.fleet.values())
        load = self.load(port)
        self.served()
        for host in SERVERS:
            self.restart(host)
        renewed = certificates.make_server(NAMES)
        for host in SERVERS:
            self.renew(host, *renewed)
        self.served()
        load.send_signal(signal.SIGINT)
        out, err = load.communicate(timeout=support.DEADLINE_S)
        summary = support.described(out.decode().splitlines()[-1])
        self.assertEqual(summary["result"], "ok", err)
        self.assertGreaterEqual(summary["resumed"], 0.99 * summary["connections"])
        print(f"{summary['connections']} connections, {summary['resumed']} resumed")
        for server in self.fleet.values():
            server.signal(signal.SIGTERM)  # all at once
        unfinished = 0
        for server in [*stopped, *self.fleet.values()]:
            lines = server.lines("connection", listener="tls")
            self.assertGreater(sum(line.get("resumed") == "yes" for line in lines), 0)
            unfinished += sum(line["end"] != "closed" for line in lines)
            self.assertEqual({line["source"].rpartition(":")[0] for line in lines}, {CLIENT})
            self.assertTrue(all(line["proxy"].startswith("127.0.0.1:") for line in lines))
        self.assertLessEqual(unfinished, CONNECTIONS)  # those that the interrupt ended


class Rotation(support.TestCase):
    """packaging/systemd/rotate-ticket-keys"""

    CONFIG = """
listeners: [ { listen: "tls://127.0.0.1:0" } ]
tls:
  default:
    certificates: [ { certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" } ]
    ticket_keys: tickets.key
watch: off
"""

    def rotate(self, path, status=0):
        done = support.run(ROTATE, path)
        self.assertEqual(done.status, status, done.stderr)
        return path.read_bytes()

    def session(self, server, offered=None):
        """Echoes a byte. Returns (whether it resumed, the session to offer next)."""
        with peers.Tls(server.address("tls"), ctx=peers.context("1.3"), session=offered) as peer:
            peer.send(b"x")
            self.assertEqual(peer.receive(1), b"x")
            return peer.tls.session_reused, peer.tls.session

    def test_it_makes_the_file_and_moves_the_keys_up(self):
        with tempfile.TemporaryDirectory(prefix="tlsecho-") as folder:
            path = pathlib.Path(folder) / "tickets.key"
            first = self.rotate(path)
            self.assertEqual((len(first), path.stat().st_mode & 0o777), (240, 0o600))
            path.chmod(0o640)
            second = self.rotate(path)
            self.assertEqual((second[:80], second[160:]), (first[80:160], first[:80]))
            self.assertEqual((len(second), path.stat().st_mode & 0o777), (240, 0o640))
            self.assertNotIn(second[80:160], (first[:80], first[80:160], first[160:]))
            path.write_bytes(b"of another length")
            self.assertEqual(self.rotate(path, status=1), b"of another length")

    def test_while_only_one_server_has_the_new_keys_sessions_resume_at_both(self):
        with tempfile.TemporaryDirectory(prefix="tlsecho-") as folder:
            keys = self.rotate(pathlib.Path(folder) / "tickets.key")
        early, late = (self.server(self.CONFIG, files={"tickets.key": keys}) for _ in range(2))
        for _ in range(2):
            _, of_early = self.session(early)
            _, of_late = self.session(late)
            self.rotate(early.folder / "tickets.key")
            early.signal(signal.SIGHUP)
            early.wait_for("reloaded")
            _, of_new = self.session(early)
            for server, session in ((late, of_new), (early, of_late), (early, of_early)):
                self.assertTrue(self.session(server, session)[0])
            shutil.copy(early.folder / "tickets.key", late.folder / "tickets.key")
            late.signal(signal.SIGHUP)
            late.wait_for("reloaded")


if __name__ == "__main__":
    unittest.main()
