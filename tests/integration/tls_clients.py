# SPDX-License-Identifier: MIT
"""Five TLS clients with one interface: tlsecho-client, openssl s_client, gnutls-cli, Python, curl.

    for client in CLIENTS:
        outcome = client.connect(Want(port, version="1.3", sni="localhost"))
        assert outcome.echoed, outcome.said

Each connects, sends one line, waits for its echo, and ends.
"""

import contextlib
import dataclasses
import functools
import os
import pathlib
import re
import selectors
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from typing import NamedTuple, Optional

import peers
import support
from certificates import pki

TOKEN = "bring-me-back"  # the line to send; it occurs in no certificate and no message
HOST = "127.0.0.1"


@dataclasses.dataclass(frozen=True)
class Want:
    """Parameters of a connection; None = the default of the client."""
    port: int
    version: Optional[str] = None           # "1.2" or "1.3"
    ciphers: Optional[str] = None           # a TLS 1.2 cipher, by OpenSSL's name
    signatures: Optional[str] = None        # "RSA" or "ECDSA": the signature algorithm to offer
    sni: str = "localhost"                  # is sent as SNI and verified
    certificate: Optional[str] = None       # of the development PKI
    alpn: tuple = ()
    session: Optional[pathlib.Path] = None  # a session is offered if there is one, and the newest is kept
    again: bool = False                     # connect a second time, with the session of the first connection


class Outcome(NamedTuple):
    echoed: bool
    said: str
    status: Optional[int] = None  # exit status of the program

    def tells(self, alert, number):
        """Whether its output names that alert, by words or number."""
        words = re.sub(r"[\s_]+", " ", self.said).lower()
        return alert.replace("_", " ") in words or f"[{number}]" in words


def missing(client):
    """Why a client cannot be run; None if it can. With TLSECHO_TOOLS=required it must be there."""
    tool = getattr(client, "tool", None)
    required = os.environ.get("TLSECHO_TOOLS") == "required"
    return None if not tool or required or shutil.which(tool) else f"{tool} is not installed"


def option(name, value):
    return [name, str(value)] if value else []


class Ours:
    name = "tlsecho-client"

    @staticmethod
    def cannot(want):
        return "no option for signature algorithms" if want.signatures else None

    @staticmethod
    def connect(want):
        command = ["-v", "--cacert", pki("ca.pem"), "--servername", want.sni]
        command += option("--tls-min", want.version) + option("--tls-max", want.version)
        command += option("--ciphers", want.ciphers) + option("--alpn", ",".join(want.alpn))
        command += [f"--resume={want.session}"] if want.session else []
        if want.certificate:
            command += ["--cert", pki(f"{want.certificate}.pem"),
                        "--key", pki(f"{want.certificate}.key")]
        data = TOKEN.encode() + b"\n"
        done = support.client(*command, f"tls://{HOST}:{want.port}", data=data)
        assert done.status != 2, done.stderr  # usage
        return Outcome(done.stdout == data, done.stderr, done.status)


class Program:
    """A program that sends a line and prints what comes back to its standard output."""

    line = TOKEN.encode() + b"\n"

    @staticmethod
    def cannot(_):
        """Why it does not support these parameters; None if it does."""
        return None

    def connect(self, want):
        with tempfile.TemporaryFile() as errors:
            output, status = self._converse(self.command(want), errors)
            errors.seek(0)
            said = (output + errors.read()).decode(errors="replace")
        return Outcome(TOKEN.encode() in output, said, status)

    def _converse(self, command, errors):
        """Ends it once the line has come back."""
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=errors,
                                   env=support.environment())
        end, output = time.monotonic() + support.DEADLINE_S, b""
        # If it has ended already, its output is still needed; closing its pipe fails too.
        with contextlib.suppress(BrokenPipeError), process, \
                selectors.DefaultSelector() as selector:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(self.line)
                process.stdin.flush()
            selector.register(process.stdout, selectors.EVENT_READ)
            while TOKEN.encode() not in output and selector.select(end - time.monotonic()):
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    break
                output += chunk
            self.end(process)
        return output, process.returncode

    @staticmethod
    def end(process):
        process.stdin.close()


class OpenSsl(Program):
    name = "openssl s_client"
    tool = "openssl"

    @staticmethod
    def command(want):
        command = ["openssl", "s_client", "-connect", f"{HOST}:{want.port}", "-CAfile",
                   pki("ca.pem"), "-verify_return_error", "-verify_hostname", want.sni,
                   "-servername", want.sni]
        if want.version:
            command += ["-tls" + want.version.replace(".", "_")]
        if want.signatures:
            command += ["-sigalgs", {"RSA": "rsa_pss_rsae_sha256",
                                     "ECDSA": "ecdsa_secp256r1_sha256"}[want.signatures]]
        if want.certificate:
            command += ["-cert", pki(f"{want.certificate}.pem"), "-cert_chain",
                        pki("intermediate.pem"), "-key", pki(f"{want.certificate}.key")]
        if want.session:
            command += ["-sess_out", want.session]
            command += ["-sess_in", want.session] if want.session.exists() else []
        return command + option("-cipher", want.ciphers) + option("-alpn", ",".join(want.alpn))


class GnuTls(Program):
    name = "gnutls-cli"
    tool = "gnutls-cli"
    CIPHERS = {"ECDHE-RSA-AES128-GCM-SHA256": "-KX-ALL:+ECDHE-RSA",
               "ECDHE-ECDSA-AES128-GCM-SHA256": "-KX-ALL:+ECDHE-ECDSA"}
    SIGNATURES = {"RSA": "-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256",
                  "ECDSA": "-SIGN-ALL:+SIGN-ECDSA-SECP256R1-SHA256"}

    @staticmethod
    def cannot(want):
        return "keeps a session for its own next connection only" if want.session else None

    def command(self, want):
        priority = ["NORMAL"]
        if want.version:
            priority += ["-VERS-ALL", f"+VERS-TLS{want.version}"]
        if want.ciphers:
            priority.append(self.CIPHERS[want.ciphers])
        if want.signatures:
            # Keep the signature algorithms of the certificate chain.
            priority.append(self.SIGNATURES[want.signatures] + ":+SIGN-ECDSA-SHA256")
        command = ["gnutls-cli", "--x509cafile", pki("ca.pem"), "--sni-hostname", want.sni,
                   "--verify-hostname", want.sni, "--priority", ":".join(priority),
                   "--port", want.port]
        if want.certificate:
            command += ["--x509certfile", pki(f"{want.certificate}.pem"),
                        "--x509keyfile", pki(f"{want.certificate}.key")]
        for protocol in want.alpn:
            command += ["--alpn", protocol]
        command += ["--resume", "--waitresumption"] if want.again else []
        return command + [HOST]


class Curl(Program):
    """It sends an HTTP request; to curl, the echo is an HTTP/0.9 response."""

    name = "curl"
    tool = "curl"
    line = b""

    @staticmethod
    def cannot(want):
        if want.session:
            return "keeps no session"
        if want.signatures:
            return "no option for signature algorithms"
        return None if want.alpn in ((), ("http/1.1",)) else "offers HTTP's protocols only"

    @staticmethod
    def command(want):
        command = ["curl", "-sSvN", "--http0.9", "--http1.1", "--cacert", pki("ca.pem"),
                   "--connect-to", f"::{HOST}:{want.port}"]
        command += [] if want.alpn else ["--no-alpn"]
        if want.version:
            command += [f"--tlsv{want.version}", "--tls-max", want.version]
        if want.certificate:
            command += ["--cert", pki(f"{want.certificate}.pem"),
                        "--key", pki(f"{want.certificate}.key")]
        command += option("--ciphers", want.ciphers)
        return command + [f"https://{want.sni}:{want.port}/{TOKEN}"]

    @staticmethod
    def end(process):
        process.terminate()  # it would wait for the end of the response


class Python:
    name = "Python ssl"

    def __init__(self):
        self._sessions = {}  # one per Want.session

    @staticmethod
    def cannot(want):
        return "no option for signature algorithms" if want.signatures else None

    @staticmethod
    @functools.lru_cache(maxsize=None)  # a session can only be offered by the context it came from
    def _context(version, ciphers, certificate, alpn):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.load_verify_locations(pki("ca.pem"))
        if version:
            ctx.minimum_version = ctx.maximum_version = peers.VERSIONS[version]
        if ciphers:
            ctx.set_ciphers(ciphers)
        if certificate:
            ctx.load_cert_chain(pki(f"{certificate}.pem"), pki(f"{certificate}.key"))
        if alpn:
            ctx.set_alpn_protocols(list(alpn))
        return ctx

    def connect(self, want):
        ctx = self._context(want.version, want.ciphers, want.certificate, want.alpn)
        data, received = TOKEN.encode(), b""
        try:
            with socket.create_connection((HOST, want.port), support.DEADLINE_S) as plain, \
                    ctx.wrap_socket(plain, server_hostname=want.sni,
                                    session=self._sessions.get(want.session)) as tls:
                tls.sendall(data)
                while received != data:
                    received += tls.recv(100) or b"<end>"
                    if not data.startswith(received):
                        break
                if want.session:
                    self._sessions[want.session] = tls.session
            return Outcome(received == data, f"received {received}")
        except OSError as error:
            return Outcome(False, str(error))


CLIENTS = (Ours(), OpenSsl(), GnuTls(), Python(), Curl())
