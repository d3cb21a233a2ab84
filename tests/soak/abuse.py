# SPDX-License-Identifier: MIT
"""What hostile clients do to a port: each function is one visit of one of them."""

import asyncio
import os
import random
import socket
import ssl
import struct

ANYONE = ssl.create_default_context()
ANYONE.check_hostname = False
ANYONE.verify_mode = ssl.CERT_NONE
PATIENCE_S = 5
PATIENCE_FOR_BYTES_S = 60  # as the honest have it


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
    """Reads until the far end has had enough, for a while."""
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


async def open_tls(address):
    return await asyncio.open_connection(*address, ssl=ANYONE, server_hostname="localhost")


def reset_stream(writer):
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# Each takes (the plain address, the TLS address).

async def knock_and_go(tcp, tls):
    sock = await connect(random.choice((tcp, tls)))
    sock.close()


async def reset_at_once(tcp, tls):
    reset(await connect(random.choice((tcp, tls))))


async def reset_within_the_hello(_, tls):
    sock = await connect(tls)
    hello = client_hello()
    await asyncio.get_running_loop().sock_sendall(sock, hello[:random.randrange(1, len(hello))])
    reset(sock)


async def reset_after_the_hello(_, tls):
    sock = await connect(tls)
    await asyncio.get_running_loop().sock_sendall(sock, client_hello())
    if random.random() < 0.5:
        await asyncio.get_running_loop().sock_recv(sock, 100)
    reset(sock)


async def reset_while_echoing(_, tls):
    _, writer = await open_tls(tls)
    writer.write(os.urandom(random.randrange(1, 300_000)))
    reset_stream(writer)


async def reset_while_plain_echoing(tcp, _):
    sock = await connect(tcp)
    try:
        await asyncio.wait_for(
            asyncio.get_running_loop().sock_sendall(sock, os.urandom(300_000)), 1)
    except TimeoutError:
        pass
    reset(sock)


async def talk_garbage(_, tls):
    sock = await connect(tls)
    await asyncio.get_running_loop().sock_sendall(sock, os.urandom(random.randrange(1, 5000)))
    await swallow(sock)
    sock.close()


async def talk_http(_, tls):
    sock = await connect(tls)
    await asyncio.get_running_loop().sock_sendall(sock, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await swallow(sock)
    sock.close()


async def bend_a_record(_, tls):
    """A ClientHello with some of its bytes changed."""
    hello = bytearray(client_hello())
    for _ in range(random.randrange(1, 8)):
        hello[random.randrange(len(hello))] = random.randrange(256)
    sock = await connect(tls)
    await asyncio.get_running_loop().sock_sendall(sock, hello)
    await swallow(sock)
    sock.close()


async def stay_half_open(tcp, tls):
    sock = await connect(random.choice((tcp, tls)))
    await swallow(sock)
    sock.close()


async def drip(_, tls):
    sock = await connect(tls)
    for byte in client_hello()[:PATIENCE_S * 10]:
        await asyncio.get_running_loop().sock_sendall(sock, bytes([byte]))
        await asyncio.sleep(0.1)
    sock.close()


async def never_read(tcp, _):
    sock = await connect(tcp)
    try:
        await asyncio.wait_for(
            asyncio.get_running_loop().sock_sendall(sock, bytes(8_000_000)), PATIENCE_S)
    except TimeoutError:
        pass
    sock.close()


async def never_read_tls(_, tls):
    _, writer = await open_tls(tls)
    writer.transport.pause_reading()
    writer.write(bytes(2_000_000))
    try:
        await asyncio.wait_for(writer.drain(), PATIENCE_S)
    except TimeoutError:
        pass
    writer.transport.abort()


async def flood_with_connections(tcp, tls):
    socks = []
    try:
        for _ in range(50):
            socks.append(await connect(random.choice((tcp, tls))))
    finally:
        for sock in socks:
            sock.close()


async def shout_urgently(tcp, _):
    sock = await connect(tcp)
    for _ in range(20):
        try:
            sock.send(b"!", socket.MSG_OOB)
        except BlockingIOError:
            break
    await asyncio.sleep(0.05)
    sock.close()


async def shout_behind_a_stream(tcp, _):
    """A stream is spliced, and splice(2) stops before an urgent byte: that one must come back too,
    and what is behind it."""
    sock = await connect(tcp)
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


async def cut_after_talking(_, tls):
    """FIN without close_notify."""
    reader, writer = await open_tls(tls)
    writer.write(b"x" * 1000)
    await reader.readexactly(1000)
    writer.get_extra_info("socket").shutdown(socket.SHUT_WR)
    await asyncio.wait_for(reader.read(), PATIENCE_S)
    writer.transport.abort()


VISITS = [visit for name, visit in sorted(globals().items())
          if asyncio.iscoroutinefunction(visit) and visit.__code__.co_argcount == 2
          and name not in ("connect", "swallow", "get_back", "open_tls")]

# What the far end may do to such a client.
EXPECTED = (ConnectionError, TimeoutError, OSError, ssl.SSLError, asyncio.IncompleteReadError)


async def visit_for_ever(tcp, tls, counts, failures):
    while True:
        visit = random.choice(VISITS)
        try:
            await visit(tcp, tls)
        except EXPECTED:
            pass
        except Exception as failure:  # whatever it is, no visitor stays away because of it
            failures.append(f"{visit.__name__}: {failure!r}")
        counts[visit.__name__] = counts.get(visit.__name__, 0) + 1


async def abuse(tcp, tls, visitors, seconds):
    """So many at once for so long. Returns {visit: how often}, and what none of them expected."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    counts, failures = {}, []
    tasks = [asyncio.create_task(visit_for_ever(tcp, tls, counts, failures))
             for _ in range(visitors)]
    _, staying = await asyncio.wait(tasks, timeout=seconds)
    while staying:  # before Python 3.12 wait_for swallows what comes just as it is done
        for task in staying:
            task.cancel()
        _, staying = await asyncio.wait(staying, timeout=1)
    return counts, failures
