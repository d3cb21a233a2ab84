# SPDX-License-Identifier: MIT
"""Clients of DTLS: openssl s_client as a conversation, and the first flight by hand.

    client = dtls.Client(server.address("dtls"))
    assert client.ask("hello") == "hello"
    client.close()
"""

import os
import queue
import select
import ssl
import subprocess
import time

import datagrams
import support

HANDSHAKE, ALERT, APPLICATION_DATA = 22, 21, 23
VERIFY_REQUEST = 3
CLOSE_NOTIFY = b"\x15\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x09\x00\x02\x01\x00"  # not encrypted


class Client:
    """openssl s_client over DTLS 1.2. A line is a message."""

    def __init__(self, address, *options, quiet=True):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-dtls1_2", *(["-quiet"] if quiet else []), "-no_ign_eof",
             "-connect", "%s:%d" % address, *(str(option) for option in options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=support.environment())
        self._said = b""

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def line(self):
        """The next line of its standard output; None at the end of it."""
        until = time.monotonic() + support.DEADLINE_S
        while b"\n" not in self._said:
            if not select.select([self.process.stdout], [], [], until - time.monotonic())[0]:
                raise TimeoutError(f"s_client says nothing more after {self._said!r}")
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                return None
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        return line.decode()

    def line_with(self, text):
        while True:
            line = self.line()
            if line is None or text in line:
                return line

    def ask(self, line):
        self.send(line)
        return self.line()

    def close(self):
        """Ends in order. Returns what it has said on its standard error."""
        self.process.stdin.close()
        return self.wait()

    def wait(self):
        said = self.process.stderr.read().decode(errors="replace")
        self.process.wait(support.DEADLINE_S)
        self.forget()
        return said

    def vanish(self):
        """Ends without a word to the server."""
        self.process.kill()
        self.process.wait()
        self.forget()

    def forget(self):
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                pipe.close()
            except BrokenPipeError:
                pass


def number(value, size):
    return value.to_bytes(size, "big")


def hello(cookie=b"", random=b"r" * 32, sequence=0, message=None):
    """A ClientHello of DTLS 1.2 (RFC 6347 §4.2) with one cipher, one group and one scheme."""
    extensions = (b"\x00\x0a\x00\x04\x00\x02\x00\x17"  # secp256r1
                  b"\x00\x0d\x00\x04\x00\x02\x04\x03"  # ecdsa_secp256r1_sha256
                  b"\x00\x0b\x00\x02\x01\x00"  # uncompressed points
                  b"\xff\x01\x00\x01\x00"  # RFC 5746
                  b"\x00\x17\x00\x00")  # extended_master_secret
    body = (b"\xfe\xfd" + random + b"\x00" + number(len(cookie), 1) + cookie +
            b"\x00\x02\xc0\x2b\x01\x00" + number(len(extensions), 2) + extensions)
    if message is None:
        message = 1 if cookie else 0
    length = number(len(body), 3)
    handshake = b"\x01" + length + number(message, 2) + b"\x00\x00\x00" + length + body
    return (number(HANDSHAKE, 1) + b"\xfe\xff\x00\x00" + number(sequence, 6) +
            number(len(handshake), 2) + handshake)


def cookie_of(answer):
    """The cookie in a HelloVerifyRequest."""
    assert answer[0] == HANDSHAKE and answer[13] == VERIFY_REQUEST, answer
    return answer[28:28 + answer[27]]


def begin(sock, address, random=b"r" * 32):
    """Returns a cookie and goes no further: the server has an unfinished association then. Returns
    the first datagram of its flight."""
    sock.sendto(hello(random=random), address)
    cookie = cookie_of(sock.recv(2048))
    sock.sendto(hello(cookie, random, sequence=1), address)
    return sock.recv(2048)


class Forger(datagrams.Relay):
    """A relay between a client and a server that can send in the client's name. last: what the client
    sent last. forging: what the server sends of a handshake is for `ask`, not for the client."""

    def __init__(self, target):
        super().__init__(target)
        self.last, self.forging, self._answers = b"", False, queue.Queue()

    def handle(self, which, data, source):
        if which is self.server and self.forging and data[0] == HANDSHAKE:
            self._answers.put(data)
            return
        if which is not self.server:
            self.last = data
        super().handle(which, data, source)

    def ask(self, data):
        self.server.send(data)
        return self._answers.get(timeout=support.DEADLINE_S)


def leaf(name):
    """The first certificate of a file of the PKI, in DER."""
    text = (support.pki() / f"{name}.pem").read_text()
    end = "-----END CERTIFICATE-----\n"
    return ssl.PEM_cert_to_DER_cert(text[:text.index(end)] + end)


def shown_leaf(address, *options):
    """The certificate that a server shows to a client with these options, in DER."""
    shown = support.run("openssl", "s_client", "-dtls1_2", "-connect", "%s:%d" % address, *options)
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"
    text = shown.stdout.decode()
    return ssl.PEM_cert_to_DER_cert(text[text.index(begin):text.index(end)] + end)
