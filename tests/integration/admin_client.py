# SPDX-License-Identifier: MIT
"""An HTTP client for the admin address of a server."""

import peers
import scrape


def place(server):
    """The latest admin address."""
    text = server.lines("listening", service="admin")[-1]["address"]
    if text.startswith("unix:"):
        return text[len("unix:"):]
    host, _, port = text.rpartition(":")
    return host, int(port)


def ask(address, request):
    """Sends these bytes and returns (status, header lines, body)."""
    with peers.connect(address) as client:
        client.sendall(request)
        return answer(client)


def answer(client):
    data = b""
    while chunk := client.recv(65536):
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return int(lines[0].split(" ")[1]), lines[1:], body


def get(server, path, method="GET"):
    return ask(place(server), f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())


def metrics(server):
    return scrape.parse(get(server, "/metrics")[2].decode())
