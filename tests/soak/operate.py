# SPDX-License-Identifier: MIT
"""An operator of a busy server: replaces files by valid and invalid ones, reloads while no name server
answers, and polls /healthz all the time."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import threading
import time

import certificates
import support

CONFIG = """
listeners:
  - { listen: "tcp://127.0.0.1:0", name: plain }
  - { listen: "tls://127.0.0.1:0", name: tls }
  - { listen: "tls://127.0.0.1:0", name: mutual, tls: mutual }
  - { listen: "tcp://127.0.0.1:0", name: proxied, proxy_protocol: required, proxy_from: [ 127.0.0.0/8 ] }
%s
tls:
  default:
    certificates: [ { certificate: server.pem, key: server.key } ]
  mutual:
    certificates: [ { certificate: server.pem, key: server.key } ]
    client_auth: optional
    client_ca: clients.pem
    crl: clients.crl
admin: { listen: "unix://%s/admin.sock" }
timeouts: { handshake: 3s, idle: 20s, write: 3s, linger: 2s, drain: 10s }
"""
SILENT_NAME_SERVER = "127.7.7.53"
UNRESOLVABLE = '  - { listen: "tcp://nobody.example:0", name: nobody }'
HEALTH_S = 5         # a busy machine, a server under a sanitizer
OUTCOME_S = 60
BETWEEN_S = 2


def costly_chain(folder, name, depth, names):
    """A client certificate with a chain of so many CAs, all with many names and name constraints,
    issued by no known CA: NAME.pem and its key."""
    (folder / "chain.cnf").write_text(
        "[req]\ndistinguished_name = none\nprompt = no\n[none]\n"
        f"[leaf]\nsubjectAltName = {','.join(['DNS:a'] * names)}\n"
        "[ca]\nbasicConstraints = critical, CA:true\n"
        f"nameConstraints = critical, {','.join(['excluded;DNS:b'] * names)}\n")
    key = folder / f"{name}.key"
    key.write_bytes(certificates.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout"))
    with open(folder / f"{name}.pem", "wb") as chain:
        for level in range(depth + 1):
            request = certificates.openssl("req", "-new", "-key", key, "-subj", f"/CN=c{level}",
                                      "-config", folder / "chain.cnf")
            (folder / "issuer.pem").write_bytes(certificates.openssl(
                "req", "-x509", "-new", "-key", key, "-subj", f"/CN=c{level + 1}", "-config",
                folder / "chain.cnf", "-extensions", "ca"))
            chain.write(certificates.openssl(
                "x509", "-req", "-CA", folder / "issuer.pem", "-CAkey", key, "-extfile",
                folder / "chain.cnf", "-extensions", "ca" if level else "leaf", data=request))


class Operator:
    """Makes the files in folder. Works between start() and stop(). prefix: the command with which to
    start the server."""

    def __init__(self, folder):
        self.folder, self.counts, self.failures = folder, {}, []
        self.prefix = []
        self._ending = threading.Event()
        self._bad_name = os.geteuid() == 0
        for suffix in (".pem", ".key"):
            shutil.copy(support.pki() / f"server-ecdsa{suffix}", folder / f"server{suffix}")
            shutil.copy(support.pki() / f"client-revoked{suffix}", folder)
        (folder / "clients.pem").write_bytes(certificates.bundle())
        self._put("clients.crl", (support.pki() / "crl.pem").read_bytes())
        self._configure()
        costly_chain(folder, "costly", 7, 200)
        costly_chain(folder, "long", 21, 500)
        if self._bad_name:
            self._silence_name_server()
        else:
            print("no dead name servers: run this as root to include them")

    def _silence_name_server(self):
        """Gives the server a name server that receives every query and answers none."""
        self._silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._silent.bind((SILENT_NAME_SERVER, 53))
        (self.folder / "resolv.conf").write_text(f"nameserver {SILENT_NAME_SERVER}\n")
        self.prefix = ["unshare", "--mount", "sh", "-c",
                       'mount --bind resolv.conf "$(realpath /etc/resolv.conf)" && exec "$@"', "sh"]

    def _put(self, name, content):
        (self.folder / f"{name}.new").write_bytes(content)
        (self.folder / f"{name}.new").chmod(0o600)
        os.replace(self.folder / f"{name}.new", self.folder / name)

    def _configure(self, more=""):
        self._put("server.yaml", (CONFIG % (more, self.folder)).encode())

    def start(self, server, log):
        self._server, self._log = server, log
        self._threads = [threading.Thread(target=run) for run in (self._operate, self._monitor)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._ending.set()
        for thread in self._threads:
            thread.join()

    @contextlib.contextmanager
    def _expecting(self, what, event):
        """After the block, the log must get another line of that event within OUTCOME_S."""
        before = self._log.events[event]
        yield
        end = time.monotonic() + OUTCOME_S
        while self._log.events[event] == before and time.monotonic() < end:
            self._ending.wait(0.1)
        if self._log.events[event] == before:
            self.failures.append(f"{what}: no event={event} within {OUTCOME_S} s")
        self.counts[what] = self.counts.get(what, 0) + 1

    def _operate(self):
        complete = (support.pki() / "crl.pem").read_bytes()
        delta = certificates.make_crls(extension="2.5.29.27 = critical,DER:020101")
        while not self._ending.is_set():
            with self._expecting("new certificate", "reloaded"):
                for suffix in (".pem", ".key"):
                    kind = "rsa" if self.counts.get("new certificate", 0) % 2 else "ecdsa"
                    self._put(f"server{suffix}",
                              (support.pki() / f"server-{kind}{suffix}").read_bytes())
            with self._expecting("delta CRL", "reload_refused"):
                self._put("clients.crl", complete + delta)
            with self._expecting("complete CRL", "reloaded"):
                self._put("clients.crl", complete)
            if self._bad_name:
                with self._expecting("dead name servers", "reload_refused"):
                    self._configure(UNRESOLVABLE)
                    self._server.send_signal(signal.SIGHUP)
            with self._expecting("the configuration again", "reloaded"):
                self._configure()
                self._server.send_signal(signal.SIGHUP)
            self._ending.wait(BETWEEN_S)

    def _monitor(self):
        while not self._ending.is_set():
            started = time.monotonic()
            try:
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.settimeout(HEALTH_S)
                    sock.connect(str(self.folder / "admin.sock"))
                    sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    answer = http.client.HTTPResponse(sock)
                    answer.begin()
                    if answer.status != 200:
                        raise ValueError(f"status {answer.status}")
            except (OSError, ValueError, http.client.HTTPException) as failure:
                self.failures.append(f"/healthz after {time.monotonic() - started:.1f} s: {failure!r}")
            self.counts["healthy"] = self.counts.get("healthy", 0) + 1
            self._ending.wait(1)
