# SPDX-License-Identifier: MIT
"""What was sent on the loopback of this network namespace, as tshark dissects it.

    with wire.Capture() as capture:
        ...
    for conversation in capture.conversations(keys):
        conversation.ending         # "C:close_notify C:FIN S:close_notify S:FIN"

Each step is a side (C = client, S = server) and what it sent.
"""

import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
from typing import NamedTuple

import support

ETH_P_ALL, SO_RCVBUFFORCE = 3, 33
PACKET_BYTES = 1 << 18  # at most
PCAP = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, PACKET_BYTES, 1)
MARKER = b"the end of the capture"
FIELDS = ("tcp.stream", "udp.stream", "ip.src", "tcp.srcport", "udp.srcport", "tcp.dstport", "udp.dstport",
          "tcp.len", "tcp.flags.syn", "tcp.flags.fin", "tcp.flags.reset", "tcp.analysis.retransmission",
          "tls.record.content_type", "tls.alert_message.desc", "dtls.record.content_type",
          "dtls.alert_message.desc")
APPLICATION_DATA = "23"
FLAGS = {"SYN": "tcp.flags.syn", "FIN": "tcp.flags.fin", "RST": "tcp.flags.reset"}
ALERTS = {"0": "close_notify", "20": "bad_record_mac", "40": "handshake_failure", "70": "protocol_version"}


class Conversation(NamedTuple):
    client: tuple  # (host, port)
    server: tuple
    steps: list

    @property
    def opening(self):
        return " ".join(self.steps[:2])

    @property
    def ending(self):
        """From the first FIN, RST or alert on. Data in several packets counts once."""
        first = next((i for i, step in enumerate(self.steps)
                      if not step.endswith((":SYN", ":data"))), len(self.steps))
        kept = [step for step, before in zip(self.steps[first:], [""] + self.steps[first:]) if step != before]
        return " ".join(kept)


class Capture:
    """Each packet on lo is there twice; the one that goes out counts."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self._socket.bind(("lo", 0))
        self._folder = tempfile.TemporaryDirectory(prefix="tlsecho-wire-")
        self._file = pathlib.Path(self._folder.name) / "lo.pcap"
        self._reader = threading.Thread(target=self._read, daemon=True)

    def _read(self):
        with open(self._file, "wb") as file:
            file.write(PCAP)
            while True:
                packet, (_, _, kind, _, _) = self._socket.recvfrom(PACKET_BYTES)
                if kind == socket.PACKET_OUTGOING:
                    file.write(struct.pack("=IIII", 0, 0, len(packet), len(packet)) + packet)
                    if packet.endswith(MARKER):
                        return

    def __enter__(self):
        self._reader.start()
        return self

    def __exit__(self, *exception):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.bind(("127.0.0.1", 0))
            end.sendto(MARKER, end.getsockname())
        self._reader.join(support.DEADLINE_S)
        self._socket.close()

    def conversations(self, keys):
        """All of them, in the order of their first packets. keys: the content of a key log."""
        (log := self._file.with_suffix(".keys")).write_bytes(keys)
        # A port of ours may be one that tshark takes for another protocol's. An ICMP error quotes the packet that
        # it is about, which would be counted twice.
        command = [shutil.which("tshark", path=support.TOOL_PATH), "-r", self._file, "-n", "-Y", "not icmp",
                   "-o", "tcp.try_heuristic_first:TRUE", "-o", "udp.try_heuristic_first:TRUE",
                   "-o", f"tls.keylog_file:{log}", "-T", "fields", "-E", "separator=|", "-E", "aggregator=,"]
        for field in FIELDS:
            command += ["-e", field]
        done = support.run(*command, env=support.environment(HOME=self._folder.name))
        self._folder.cleanup()
        found = {}
        for line in done.stdout.decode().splitlines():
            at = dict(zip(FIELDS, line.split("|")))
            kind = "tcp" if at["tcp.stream"] else "udp"
            source, to = ((at["ip.src"], int(at[f"{kind}.{end}port"])) for end in ("src", "dst"))
            name = kind + at[f"{kind}.stream"]
            conversation = found.setdefault(name, Conversation(source, to, []))
            if not at["tcp.analysis.retransmission"]:
                side = "C:" if source == conversation.client else "S:"
                conversation.steps.extend(side + sent for sent in what_was_sent(at))
        return list(found.values())


def what_was_sent(at):
    """Of a packet: data, and what ends something. Records of the handshake are left out."""
    records = (at["tls.record.content_type"] or at["dtls.record.content_type"]).split(",")
    alerts = (at["tls.alert_message.desc"] or at["dtls.alert_message.desc"]).split(",")
    if APPLICATION_DATA in records or at["tcp.len"] not in ("", "0") and records == [""]:
        yield "data"
    yield from (ALERTS.get(alert, f"alert {alert}") for alert in alerts if alert)
    yield from (name for name, flag in FLAGS.items() if at[flag] == "1")
