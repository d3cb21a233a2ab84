# SPDX-License-Identifier: MIT
"""What hostile clients do to a port: each function is one visit of one of them."""

import asyncio
import os
import random
import socket
import pathlib
import ssl
import struct
from typing import NamedTuple

ANYONE = ssl.create_default_context()
ANYONE.check_hostname = False
ANYONE.verify_mode = ssl.CERT_NONE
PATIENCE_S = 5
HANDSHAKE_S = 3  # the server's timeouts.handshake
PATIENCE_FOR_BYTES_S = 60  # as the honest have it


class Places(NamedTuple):
    """What can be visited: addresses, and the folder of what to show there."""

    tcp: tuple
    tls: tuple
    mutual: tuple   # TLS with client_auth: optional
    proxied: tuple  # plain TCP with proxy_protocol: required
    credentials: pathlib.Path


def client_hello():
    """A real one, as bytes."""
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ANYONE.wrap_bio(received, sent, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return sent.read()


def reset(sock):
    """Closes with an RST: SO_LINGER with 0 seconds, socket(7)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


async def connect(address):
    sock = socket.socket()
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


async def swallow(sock):
    """Reads until the peer has had enough, for a while."""
    async def read():
        while await asyncio.get_running_loop().sock_recv(sock, 65536):
            pass
    try:
        await asyncio.wait_for(read(), PATIENCE_S)
    except TimeoutError:
        pass


async def get_back(sock, sent):
    """Reads all of it. Nothing that may happen meanwhile is expected: ValueError."""
    got = bytearray()

    async def read():
        while len(got) < len(sent):
            chunk = await asyncio.get_running_loop().sock_recv(sock, len(sent) - len(got))
            if not chunk:
                raise EOFError
            got.extend(chunk)
    try:
        await asyncio.wait_for(read(), PATIENCE_FOR_BYTES_S)
    except (*EXPECTED, EOFError) as failure:
        raise ValueError(f"{len(got)} of {len(sent)} bytes came back: {failure!r}") from failure
    if got != sent:
        raise ValueError("other bytes came back")


async def open_tls(address, context=ANYONE):
    return await asyncio.open_connection(*address, ssl=context, server_hostname="localhost")


def showing(path):
    """Trusts any server, and shows the client certificate in that PEM file, its key beside it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(path, path.with_suffix(".key"))
    return context


async def must_be_refused(address, certificate):
    """Nothing that is sent under that client certificate comes back."""
    reader, writer = await open_tls(address, showing(certificate))
    try:
        writer.write(b"x")
        if await asyncio.wait_for(reader.read(1), PATIENCE_S):
            raise ValueError(f"{certificate.name} was served")
    finally:
        writer.transport.abort()


def reset_stream(writer):
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# Each takes the Places to visit.

async def knock_and_go(at):
    sock = await connect(random.choice((at.tcp, at.tls)))
    sock.close()


async def reset_at_once(at):
    reset(await connect(random.choice((at.tcp, at.tls))))


async def reset_within_the_hello(at):
    sock = await connect(at.tls)
    hello = client_hello()
    await asyncio.get_running_loop().sock_sendall(sock, hello[:random.randrange(1, len(hello))])
    reset(sock)


async def reset_after_the_hello(at):
    sock = await connect(at.tls)
    await asyncio.get_running_loop().sock_sendall(sock, client_hello())
    if random.random() < 0.5:
        await asyncio.get_running_loop().sock_recv(sock, 100)
    reset(sock)


async def reset_while_echoing(at):
    _, writer = await open_tls(at.tls)
    writer.write(os.urandom(random.randrange(1, 300_000)))
    reset_stream(writer)


async def reset_while_plain_echoing(at):
    sock = await connect(at.tcp)
    try:
        await asyncio.wait_for(
            asyncio.get_running_loop().sock_sendall(sock, os.urandom(300_000)), 1)
    except TimeoutError:
        pass
    reset(sock)


async def talk_garbage(at):
    sock = await connect(at.tls)
    await asyncio.get_running_loop().sock_sendall(sock, os.urandom(random.randrange(1, 5000)))
    await swallow(sock)
    sock.close()


async def talk_http(at):
    sock = await connect(at.tls)
    await asyncio.get_running_loop().sock_sendall(sock, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await swallow(sock)
    sock.close()


async def bend_a_record(at):
    """A ClientHello with some of its bytes changed."""
    hello = bytearray(client_hello())
    for _ in range(random.randrange(1, 8)):
        hello[random.randrange(len(hello))] = random.randrange(256)
    sock = await connect(at.tls)
    await asyncio.get_running_loop().sock_sendall(sock, hello)
    await swallow(sock)
    sock.close()


async def stay_half_open(at):
    sock = await connect(random.choice((at.tcp, at.tls)))
    await swallow(sock)
    sock.close()


async def drip(at):
    sock = await connect(at.tls)
    for byte in client_hello()[:PATIENCE_S * 10]:
        await asyncio.get_running_loop().sock_sendall(sock, bytes([byte]))
        await asyncio.sleep(0.1)
    sock.close()


async def never_read(at):
    sock = await connect(at.tcp)
    try:
        await asyncio.wait_for(
            asyncio.get_running_loop().sock_sendall(sock, bytes(8_000_000)), PATIENCE_S)
    except TimeoutError:
        pass
    sock.close()


async def never_read_tls(at):
    _, writer = await open_tls(at.tls)
    writer.transport.pause_reading()
    writer.write(bytes(2_000_000))
    try:
        await asyncio.wait_for(writer.drain(), PATIENCE_S)
    except TimeoutError:
        pass
    writer.transport.abort()


async def flood_with_connections(at):
    socks = []
    try:
        for _ in range(50):
            socks.append(await connect(random.choice((at.tcp, at.tls))))
    finally:
        for sock in socks:
            sock.close()


async def shout_urgently(at):
    sock = await connect(at.tcp)
    for _ in range(20):
        try:
            sock.send(b"!", socket.MSG_OOB)
        except BlockingIOError:
            break
    await asyncio.sleep(0.05)
    sock.close()


async def shout_behind_a_stream(at):
    """A stream is spliced, and splice(2) stops before an urgent byte: that one must come back too,
    and what is behind it."""
    sock = await connect(at.tcp)
    try:
        for _ in range(3):
            stream = os.urandom(60_000)
            await asyncio.get_running_loop().sock_sendall(sock, stream)
            await get_back(sock, stream)
        sock.send(b"!", socket.MSG_OOB)
        if random.random() < 0.5:
            await get_back(sock, b"!")
        else:
            sock.send(b"tail")
            sock.shutdown(socket.SHUT_WR)
            await get_back(sock, b"!tail")
    finally:
        sock.close()


async def cut_after_talking(at):
    """FIN without close_notify."""
    reader, writer = await open_tls(at.tls)
    writer.write(b"x" * 1000)
    await reader.readexactly(1000)
    writer.get_extra_info("socket").shutdown(socket.SHUT_WR)
    await asyncio.wait_for(reader.read(), PATIENCE_S)
    writer.transport.abort()


async def nine_bytes(at):
    """A ClientHello that has only just begun."""
    sock = await connect(at.tls)
    await asyncio.get_running_loop().sock_sendall(sock, client_hello()[:9])
    await swallow(sock)
    sock.close()


async def show_a_costly_chain(at):
    """As many certificates, names and name constraints as fit, or more; no CA that is known issued
    them."""
    await must_be_refused(at.mutual, at.credentials / random.choice(("costly.pem", "long.pem")))


async def show_a_revoked_certificate(at):
    await must_be_refused(at.mutual, at.credentials / "client-revoked.pem")


SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
TCP4 = bytes([203, 0, 113, 9, 198, 51, 100, 1, 18, 103, 1, 187])


def proxy_header(command, family, body):
    """PROXY protocol, version 2."""
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack(">H", len(body)) + body


def tlv(kind, value):
    return bytes([kind]) + struct.pack(">H", len(value)) + value


async def introduce_oddly(at):
    """Headers that the specification allows, and of which few senders know: the echo works."""
    header = random.choice((
        proxy_header(0, 0xff, os.urandom(40)),
        proxy_header(1, 0x00, TCP4),
        proxy_header(1, 0x12, TCP4),
        proxy_header(1, 0x31, b"/run/a".ljust(108, b"\0") + b"/run/b".ljust(108, b"\0")),
        proxy_header(1, 0x11, TCP4 + tlv(5, bytes(16))),
        proxy_header(1, 0x11, TCP4 + tlv(0xE0, os.urandom(12_000))),
        b"PROXY UNKNOWN a b c d\r\n"))
    loop = asyncio.get_running_loop()
    begun, sent = loop.time(), os.urandom(100)
    sock = await connect(at.proxied)  # for the server it begins before we are told that it is up
    try:
        await loop.sock_sendall(sock, header + sent)
        late = loop.time() - begun > HANDSHAKE_S / 2
        await get_back(sock, sent)
    except ValueError:
        if not late:  # else it may have been its turn too late, on a busy machine
            raise
    finally:
        sock.close()


async def introduce_wrongly(at):
    """Headers that lie about themselves, or go on for ever."""
    header = random.choice((
        proxy_header(1, 0x11, TCP4[:7]),
        proxy_header(1, 0x11, TCP4 + b"\x05\xff\xff"),
        SIGNATURE + b"\x21\x11\xff\xff" + bytes(60_000),
        SIGNATURE + b"\x31\x11\0\x0c" + TCP4,
        b"PROXY TCP4 " + b"1" * 4000,
        os.urandom(random.randrange(1, 200))))
    sock = await connect(at.proxied)
    await asyncio.get_running_loop().sock_sendall(sock, header)
    await swallow(sock)
    sock.close()


def parameters(function):
    return function.__code__.co_varnames[:function.__code__.co_argcount]


VISITS = [visit for name, visit in sorted(globals().items())
          if asyncio.iscoroutinefunction(visit) and parameters(visit) == ("at",)]

# What the peer may do to such a client.
EXPECTED = (ConnectionError, TimeoutError, OSError, ssl.SSLError, asyncio.IncompleteReadError)


async def visit_for_ever(at, counts, failures):
    while True:
        visit = random.choice(VISITS)
        try:
            await visit(at)
        except EXPECTED:
            pass
        except Exception as failure:  # whatever it is, no visitor stays away because of it
            failures.append(f"{visit.__name__}: {failure!r}")
        counts[visit.__name__] = counts.get(visit.__name__, 0) + 1


async def abuse(at, visitors, seconds):
    """So many at once for so long. Returns {visit: how often}, and what none of them expected."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    counts, failures = {}, []
    tasks = [asyncio.create_task(visit_for_ever(at, counts, failures))
             for _ in range(visitors)]
    _, staying = await asyncio.wait(tasks, timeout=seconds)
    while staying:  # before Python 3.12 wait_for swallows what comes just as it is done
        for task in staying:
            task.cancel()
        _, staying = await asyncio.wait(staying, timeout=1)
    return counts, failures
