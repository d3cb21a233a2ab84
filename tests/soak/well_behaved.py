# SPDX-License-Identifier: MIT
"""Well-behaved clients: they check that every byte comes back."""

import asyncio
import random
import ssl

BLOCKS = 20
BLOCK_BYTES = 100_000
TIMEOUT_S = 60  # a busy machine, a server under a sanitizer


class Counts:
    def __init__(self):
        self.bytes = self.connections = 0
        self.failures = []


async def one_connection(address, context, counts):
    tls = {"ssl": context, "server_hostname": "localhost"} if context else {}
    reader, writer = await asyncio.open_connection(*address, **tls)
    try:
        for _ in range(random.randrange(1, BLOCKS)):
            block = random.randbytes(random.randrange(1, BLOCK_BYTES))
            writer.write(block)
            if await reader.readexactly(len(block)) != block:
                raise ValueError("other bytes came back")
            counts.bytes += len(block)
            await asyncio.sleep(random.random() / 5)
        if not context:
            writer.write_eof()
            if await reader.read():
                raise ValueError("more came back than was sent")
        counts.connections += 1
    finally:
        writer.close()


async def client(address, context, counts, ending):
    while not ending.is_set():
        try:
            await asyncio.wait_for(one_connection(address, context, counts), TIMEOUT_S)
        except Exception as failure:  # any exception: this client did not get its bytes
            counts.failures.append(f"{'tls' if context else 'tcp'}: {failure!r}")


async def echo(at, pki, clients, seconds, report):
    """So many clients at once for so long: a third each over TCP, over TLS, and with a client
    certificate. Calls report(counts) every ten seconds."""
    trusting = ssl.create_default_context(cafile=pki / "ca.pem")
    proving = ssl.create_default_context(cafile=pki / "ca.pem")
    proving.load_cert_chain(pki / "client.pem", pki / "client.key")
    kinds = ((at.tcp, None), (at.tls, trusting), (at.mutual, proving))
    counts, ending = Counts(), asyncio.Event()
    tasks = [asyncio.create_task(client(*kinds[n % len(kinds)], counts, ending))
             for n in range(clients)]
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.sleep(min(10, max(0, end - loop.time())))
        report(counts)
    ending.set()
    await asyncio.gather(*tasks)
    return counts
