# SPDX-License-Identifier: MIT
"""A relay in a process of its own that breaks half of the connections: resets both, ends both, ends one
direction, or stops for a while, after a number of bytes that is within a record more often than not."""

import asyncio
import random
import socket
import struct

CHUNK = 4096
PAUSE_S = 0.5


class Broken(Exception):
    pass


def reset(*writers):
    for writer in writers:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                   struct.pack("ii", 1, 0))
        writer.transport.abort()


async def pump(reader, writer, fault, left):
    """One direction; the fault happens after `left` bytes."""
    while data := await reader.read(CHUNK):
        if fault and len(data) > left:
            writer.write(data[:left])
            await writer.drain()
            if fault != "pause":
                raise Broken
            await asyncio.sleep(PAUSE_S)
            data, fault = data[left:], None
        left -= len(data)
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def serve(reader, writer, target, counted):
    fault = random.choice((None, None, None, "reset", "end", "half", "pause"))
    side = random.randrange(2)
    left = int(random.choice((5000, 60_000)) ** random.random())
    try:
        to_reader, to_writer = await asyncio.open_connection(*target)
    except OSError:
        reset(writer)
        return
    with counted.get_lock():
        counted.value += 1
    both = ((reader, to_writer), (to_reader, writer))
    tasks = [asyncio.ensure_future(pump(*way, fault if n == side else None, left))
             for n, way in enumerate(both)]
    try:
        await asyncio.gather(*tasks)
    except Broken:
        if fault == "reset":
            reset(writer, to_writer)
        if fault == "half":
            both[side][1].write_eof()
            await asyncio.wait(tasks, timeout=5)
    except OSError:
        reset(writer, to_writer)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for end in (writer, to_writer):
        end.close()


async def listen(targets, ports, counted):
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    servers = [await asyncio.start_server(
        lambda reader, writer, target=target: serve(reader, writer, target, counted), "127.0.0.1", 0)
        for target in targets]
    ports.put([server.sockets[0].getsockname()[:2] for server in servers])
    await asyncio.Event().wait()


def run(targets, ports, counted):
    """A relay to each target until the process is killed. Puts their addresses into ports, and counts
    the connections to the targets."""
    asyncio.run(listen(targets, ports, counted))
