# SPDX-License-Identifier: MIT
"""Clients of each transport and service, which tell whether their connection was whole."""

import collections
import contextlib
import os
import socket
import ssl
import threading

from control import support

import peers

PATIENCE_S = 20  # for what takes milliseconds; no time-out of the server is as short


class Broken(Exception):
    """A connection was not whole, which its client sees."""


class Wrong(Exception):
    """Something that must not happen."""


class Stuck(Wrong):
    """A connection that nothing happens on."""


def expected(service, data):
    return {"echo": data, "proxied": data, "upper": data.upper(), "discard": b""}.get(service)


REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


def reply_to(service, connection, data):
    """All that the server sends; the client ends after it has sent its data. chargen: 4 KiB."""
    if service == "http":
        data = REQUEST
    connection.sendall(data)
    if service != "chargen":
        connection.shutdown(socket.SHUT_WR)
    got = b""
    while service != "chargen" or len(got) < 4096:
        more = connection.recv(65536)
        if not more:
            break
        got += more
    return got


def judge_reply(service, got, data):
    wanted = expected(service, data)
    if service == "hello":
        line, _, rest = got.partition(b"\n")
        if got and (not line.startswith(b"{") or not data.startswith(rest)):
            raise Wrong(f"hello: {got!r}")
        if rest != data:
            raise Broken(f"{len(got)} bytes")
    elif service == "report":
        if not got.endswith(b"}\n"):
            raise Broken(f"{len(got)} bytes")
    elif service == "http":
        head, _, body = got.partition(b"\r\n\r\n")
        if not got.startswith(b"HTTP/1.1 ") or not body.rstrip().endswith(b"}"):
            raise Broken(f"{got[:40]!r}")
    elif service == "chargen":
        if len(got) < 4096:
            raise Broken(f"{len(got)} bytes")
    elif got != wanted:
        if not wanted.startswith(got):
            raise Wrong(f"{service}: other bytes came back")
        raise Broken(f"{len(got)} bytes of {len(wanted)}")


def stream(server, transport, service, together=None, before=b"", tls=None):
    """One connection from its beginning to its end; together: a barrier that it waits at once it is
    connected; before: what it sends first; tls: a Tls."""
    data = b"abc" * 5000
    try:
        sock = peers.connect(server.address(f"{transport}-{service}"))
        with sock:
            sock.settimeout(getattr(server, "patience_s", PATIENCE_S))
            with contextlib.suppress(threading.BrokenBarrierError):
                if together:
                    together.wait(PATIENCE_S)
            sock.sendall(before)
            if transport != "tls":
                got = reply_to(service, sock, data)
            else:
                got = over_tls(service, sock, data, tls or Tls())
    except TimeoutError as error:
        raise Stuck(f"{transport} {service}: the connection is stuck") from error
    except OSError as error:  # TLS too
        raise Broken(str(error)) from error
    judge_reply(service, got, data)


class Tls:
    """How a client uses TLS. resume: it offers the session of its connection before."""

    def __init__(self, version="1.3", certificate=False, resume=False, verify=True):
        self.context, self.resume, self.session = peers.context(version), resume, None
        if not verify:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            self.context = peers.trusting(support.pki() / "ca.pem")
            self.context.load_cert_chain(support.pki() / "client.pem", support.pki() / "client.key")


def over_tls(service, sock, data, how):
    """unwrap() would discard what is still to come, so the parts are done by hand."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = how.context.wrap_bio(incoming, outgoing, server_hostname="localhost", session=how.session)

    def step(act):
        while True:
            try:
                return act()
            except ssl.SSLWantReadError:
                if outgoing.pending:
                    sock.sendall(outgoing.read())
                more = sock.recv(65536)
                incoming.write(more) if more else incoming.write_eof()
            finally:
                if outgoing.pending:
                    sock.sendall(outgoing.read())

    step(tls.do_handshake)
    step(lambda: tls.write(REQUEST if service == "http" else data))
    got = b""
    if service != "chargen":
        try:
            tls.unwrap()  # queues close_notify
        except (ssl.SSLError, OSError):
            pass
        sock.sendall(outgoing.read())
        sock.shutdown(socket.SHUT_WR)
    try:
        while service != "chargen" or len(got) < 4096:
            more = step(lambda: tls.read(65536))
            if not more:
                break
            got += more
    except ssl.SSLZeroReturnError:
        pass
    how.session = tls.session if how.resume else None
    return got


def scrape(server):
    """The lines of the metrics, over HTTP."""
    try:
        with peers.connect(str(server.folder / "admin.sock")) as sock:
            sock.settimeout(getattr(server, "patience_s", PATIENCE_S))
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            got = b"".join(iter(lambda: sock.recv(65536), b""))
    except TimeoutError as error:
        raise Stuck("admin: the connection is stuck") from error
    except OSError as error:
        raise Broken(str(error)) from error
    head, _, body = got.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.0 200 ") or f"Content-Length: {len(body)}".encode() not in head:
        raise Broken(f"{head!r}, {len(body)} bytes")
    names = [line.split(b"{")[0].split(b" ")[0] for line in body.split(b"\n") if line[:1] != b"#"]
    server.metrics = getattr(server, "metrics", set(names))
    missing = {name for name in server.metrics.difference(names) if not name.startswith(b"process_")}
    if names[-1] or missing:  # what the system does not tell of the process is left out
        raise Wrong(f"metrics that are not whole are told: {len(body)} bytes, without {missing}")
    return body.splitlines()


def reloads(server):
    """What the metrics tell of them."""
    return [line for line in scrape(server) if line.startswith(b"tlsecho_reloads_total{")]


class Held:
    """An echo that has begun, and ends later."""

    DATA = b"held" * 1000

    def __init__(self, server, transport, service):
        self.sock = peers.connect(server.address(f"{transport}-{service}"))
        if transport == "tls":
            self.sock = peers.context("1.3").wrap_socket(self.sock, server_hostname="localhost")
        self.sock.settimeout(PATIENCE_S)
        self.sock.sendall(self.DATA)
        self.got = self.sock.recv(1)
        if not self.got:
            raise OSError("the connection has ended")

    def finish(self):
        """Whether it was whole."""
        with self.sock, contextlib.suppress(OSError):  # TLS too
            self.sock.sendall(self.DATA)
            while len(self.got) < 2 * len(self.DATA):
                more = self.sock.recv(65536)
                if not more:
                    break
                self.got += more
        return self.got == 2 * self.DATA


def datagram(server, service):
    """UDP may lose; three are sent."""
    data = bytes(1300) if service in ("report", "stamp") else b"abc"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(server.address(f"udp-{service}"))
        for _ in range(3):
            sock.send(data)
            sock.settimeout(0.05 if service == "discard" else 0.5)
            try:
                got = sock.recv(65536)
            except TimeoutError:
                continue
            except OSError as error:
                raise Broken(str(error)) from error
            wanted = expected(service, data)
            if wanted is not None and got != wanted:
                raise Wrong(f"udp {service}: {got!r}")
            return
    if service != "discard":
        raise Broken("no answer")


def dtls(server, service):
    mode = ["--ping", "-c1", "-W3", "--expect", service]
    if service == "report":
        mode = ["--report", "--idle-timeout", "3s"]
    if service == "discard":
        mode = ["--bench", "--expect", "none", "--rate", "1000", "-n1"]
    patience = max(5, getattr(server, "patience_s", PATIENCE_S))
    words = [*mode, "-q", "--connect-timeout", f"{patience}s", "--cacert", support.pki() / "ca.pem",
             server.endpoint(f"dtls-{service}")]
    program = os.environ.get("TLSECHO_PEER") or support.program("TLSECHO_CLIENT")
    done = support.run(program, *words)
    if done.status in (14,) or done.status < 0:
        raise Wrong(f"dtls: {done.status} {done.stderr}")
    if done.status:
        raise Broken(done.stderr)


def connection(server, transport, service):
    if transport == "udp":
        datagram(server, service)
    elif transport == "dtls":
        dtls(server, service)
    else:
        stream(server, transport, service)


def crowd(server, count=200):
    """So many connections that are open at the same time, one in ten over TLS. As many may be broken as
    calls have failed; all, if an hour has passed for the server."""
    together = threading.Barrier(count)
    ends = collections.deque()

    def one(transport):
        try:
            stream(server, transport, "echo", together)
        except (Broken, Wrong) as error:
            together.abort()
            ends.append(error)

    threads = [threading.Thread(target=one, args=("tcp" if n % 10 else "tls",)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if (len(ends) > getattr(server, "may_break", 0) and not getattr(server, "aged", False)) or any(isinstance(end, Wrong) for end in ends):
        raise Wrong(f"{len(ends)} of {count} connections were not whole: {ends[0]}")
    if ends:
        raise ends[0]
