# SPDX-License-Identifier: MIT
"""Hostile clients: each function with the parameter `at` is one attack."""

import asyncio
import os
import random
import socket
import pathlib
import ssl
import struct
from typing import NamedTuple

TRUST_ANY = ssl.create_default_context()
TRUST_ANY.check_hostname = False
TRUST_ANY.verify_mode = ssl.CERT_NONE
TIMEOUT_S = 5
HANDSHAKE_S = 3  # the server's timeouts.handshake
ECHO_TIMEOUT_S = 60  # as for the well-behaved clients


class Addresses(NamedTuple):
    """The addresses to attack, and the folder of the client certificates to present."""

    tcp: tuple
    tls: tuple
    mutual: tuple   # TLS with client_auth: optional
    proxied: tuple  # plain TCP with proxy_protocol: required
    credentials: pathlib.Path


def client_hello():
    """The bytes of a valid ClientHello."""
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = TRUST_ANY.wrap_bio(received, sent, server_hostname="localhost")
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


async def read_until_closed(sock):
    """Reads until the server closes, for TIMEOUT_S at most."""
    async def read():
        while await asyncio.get_running_loop().sock_recv(sock, 65536):
            pass
    try:
        await asyncio.wait_for(read(), TIMEOUT_S)
    except TimeoutError:
        pass


def between(sock):
    """The addresses of both ends, to find the connection in the log."""
    return "from {}:{} to {}:{}".format(*sock.getsockname(), *sock.getpeername())


async def expect_echo(sock, sent):
    """Reads the echo of these bytes. Any other outcome is a failure: ValueError."""
    got = bytearray()

    async def read():
        while len(got) < len(sent):
            chunk = await asyncio.get_running_loop().sock_recv(sock, len(sent) - len(got))
            if not chunk:
                raise EOFError
            got.extend(chunk)
    try:
        await asyncio.wait_for(read(), ECHO_TIMEOUT_S)
    except (*EXPECTED, EOFError) as failure:
        raise ValueError(f"{len(got)} of {len(sent)} bytes came back {between(sock)}: {failure!r}") from failure
    if got != sent:
        raise ValueError(f"other bytes came back {between(sock)}")


async def open_tls(address, context=TRUST_ANY):
    return await asyncio.open_connection(*address, ssl=context, server_hostname="localhost")


def presenting(path):
    """A context that trusts any server and presents the client certificate of that PEM file."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(path, path.with_suffix(".key"))
    return context


async def must_be_refused(address, certificate):
    """With that client certificate the server must not echo."""
    reader, writer = await open_tls(address, presenting(certificate))
    try:
        writer.write(b"x")
        if await asyncio.wait_for(reader.read(1), TIMEOUT_S):
            raise ValueError(f"{certificate.name} was served")
    finally:
        writer.transport.abort()


def reset_stream(writer):
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# The attacks.

async def connect_and_close(at):
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


async def send_garbage(at):
    sock = await connect(at.tls)
    await asyncio.get_running_loop().sock_sendall(sock, os.urandom(random.randrange(1, 5000)))
    await read_until_closed(sock)
    sock.close()


async def send_http(at):
    sock = await connect(at.tls)
    await asyncio.get_running_loop().sock_sendall(sock, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await read_until_closed(sock)
    sock.close()


async def send_a_changed_hello(at):
    """A ClientHello with some of its bytes changed."""
    hello = bytearray(client_hello())
    for _ in range(random.randrange(1, 8)):
        hello[random.randrange(len(hello))] = random.randrange(256)
    sock = await connect(at.tls)
    await asyncio.get_running_loop().sock_sendall(sock, hello)
    await read_until_closed(sock)
    sock.close()


async def stay_idle(at):
    sock = await connect(random.choice((at.tcp, at.tls)))
    await read_until_closed(sock)
    sock.close()


async def send_the_hello_slowly(at):
    sock = await connect(at.tls)
    for byte in client_hello()[:TIMEOUT_S * 10]:
        await asyncio.get_running_loop().sock_sendall(sock, bytes([byte]))
        await asyncio.sleep(0.1)
    sock.close()


async def never_read(at):
    sock = await connect(at.tcp)
    try:
        await asyncio.wait_for(
            asyncio.get_running_loop().sock_sendall(sock, bytes(8_000_000)), TIMEOUT_S)
    except TimeoutError:
        pass
    sock.close()


async def never_read_tls(at):
    _, writer = await open_tls(at.tls)
    writer.transport.pause_reading()
    writer.write(bytes(2_000_000))
    try:
        await asyncio.wait_for(writer.drain(), TIMEOUT_S)
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


async def send_urgent_bytes(at):
    sock = await connect(at.tcp)
    for _ in range(20):
        try:
            sock.send(b"!", socket.MSG_OOB)
        except BlockingIOError:
            break
    await asyncio.sleep(0.05)
    sock.close()


async def send_an_urgent_byte_after_a_stream(at):
    """The server splices a stream, and splice(2) stops before an urgent byte: that byte and the bytes
    after it must also come back."""
    sock = await connect(at.tcp)
    try:
        for _ in range(3):
            stream = os.urandom(60_000)
            await asyncio.get_running_loop().sock_sendall(sock, stream)
            await expect_echo(sock, stream)
        sock.send(b"!", socket.MSG_OOB)
        if random.random() < 0.5:
            await expect_echo(sock, b"!")
        else:
            sock.send(b"tail")
            sock.shutdown(socket.SHUT_WR)
            await expect_echo(sock, b"!tail")
    finally:
        sock.close()


async def cut_after_an_echo(at):
    """FIN without close_notify."""
    reader, writer = await open_tls(at.tls)
    writer.write(b"x" * 1000)
    await reader.readexactly(1000)
    writer.get_extra_info("socket").shutdown(socket.SHUT_WR)
    await asyncio.wait_for(reader.read(), TIMEOUT_S)
    writer.transport.abort()


async def send_nine_bytes_of_the_hello(at):
    """A ClientHello that never continues."""
    sock = await connect(at.tls)
    await asyncio.get_running_loop().sock_sendall(sock, client_hello()[:9])
    await read_until_closed(sock)
    sock.close()


async def present_a_costly_chain(at):
    """As many certificates, names and name constraints as the server reads, or more, from an unknown
    CA."""
    await must_be_refused(at.mutual, at.credentials / random.choice(("costly.pem", "long.pem")))


async def present_a_revoked_certificate(at):
    await must_be_refused(at.mutual, at.credentials / "client-revoked.pem")


SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
TCP4 = bytes([203, 0, 113, 9, 198, 51, 100, 1, 18, 103, 1, 187])


def proxy_header(command, family, body):
    """PROXY protocol, version 2."""
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack(">H", len(body)) + body


def tlv(kind, value):
    return bytes([kind]) + struct.pack(">H", len(value)) + value


async def send_an_unusual_proxy_header(at):
    """Valid headers that few senders use: the echo works."""
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
    sock = await connect(at.proxied)  # for the server it begins before this returns
    try:
        await loop.sock_sendall(sock, header + sent)
        late = loop.time() - begun > HANDSHAKE_S / 2
        await expect_echo(sock, sent)
    except ValueError:
        if not late:  # on a busy machine the header may arrive after the time-out
            raise
    finally:
        sock.close()


async def send_a_malformed_proxy_header(at):
    """Headers with wrong lengths, or without an end."""
    header = random.choice((
        proxy_header(1, 0x11, TCP4[:7]),
        proxy_header(1, 0x11, TCP4 + b"\x05\xff\xff"),
        SIGNATURE + b"\x21\x11\xff\xff" + bytes(60_000),
        SIGNATURE + b"\x31\x11\0\x0c" + TCP4,
        b"PROXY TCP4 " + b"1" * 4000,
        os.urandom(random.randrange(1, 200))))
    sock = await connect(at.proxied)
    await asyncio.get_running_loop().sock_sendall(sock, header)
    await read_until_closed(sock)
    sock.close()


def parameters(function):
    return function.__code__.co_varnames[:function.__code__.co_argcount]


ATTACKS = [attack for name, attack in sorted(globals().items())
          if asyncio.iscoroutinefunction(attack) and parameters(attack) == ("at",)]

# The server may end an attack so.
EXPECTED = (ConnectionError, TimeoutError, OSError, ssl.SSLError, asyncio.IncompleteReadError)


async def attack_forever(at, counts, failures):
    while True:
        attack = random.choice(ATTACKS)
        try:
            await attack(at)
        except EXPECTED:
            pass
        except Exception as failure:  # reported at the end; the attacks go on
            failures.append(f"{attack.__name__}: {failure!r}")
        counts[attack.__name__] = counts.get(attack.__name__, 0) + 1


async def abuse(at, clients, seconds):
    """So many clients at once for so long. Returns {attack: how often} and the failures."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    counts, failures = {}, []
    tasks = [asyncio.create_task(attack_forever(at, counts, failures))
             for _ in range(clients)]
    _, staying = await asyncio.wait(tasks, timeout=seconds)
    while staying:  # before Python 3.12 wait_for() may lose a cancellation
        for task in staying:
            task.cancel()
        _, staying = await asyncio.wait(staying, timeout=1)
    return counts, failures
