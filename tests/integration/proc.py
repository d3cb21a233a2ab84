# SPDX-License-Identifier: MIT
"""The state of TCP connections and of the sockets of another process: proc(5)."""

import ctypes
import fcntl
import os
import pathlib
import socket
import struct
import termios
import time
from typing import NamedTuple

import support

STATES = {1: "ESTABLISHED", 2: "SYN_SENT", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT",
          8: "CLOSE_WAIT", 9: "LAST_ACK", 11: "CLOSING"}
POLL_S = 0.005
SYS_PIDFD_GETFD = 438  # the same on every architecture


class Connection(NamedTuple):
    state: str
    retransmits: int  # retransmissions of what is not acknowledged
    inode: int


def _address(text):
    """"0100007F:1F90" as ("127.0.0.1", 8080): words of 32 bits in the host's order."""
    words, port = text.split(":")
    packed = b"".join(struct.pack("=I", int(words[at:at + 8], 16))
                      for at in range(0, len(words), 8))
    if packed.startswith(bytes(10) + b"\xff\xff"):
        packed = packed[12:]  # a mapped address is an IPv4 address
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed), int(port, 16)


def connections():
    """{(local address, remote address): Connection} of this network namespace."""
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):
            continue
        for line in pathlib.Path(table).read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            state = STATES.get(int(fields[3], 16), fields[3])
            found[_address(fields[1]), _address(fields[2])] = Connection(
                state, int(fields[6], 16), int(fields[9]))
    return found


def state(local, remote):
    """The state of the local end, None if it no longer exists."""
    found = connections().get((local[:2], remote[:2]))
    return found and found.state


def wait_until(is_so, problem):
    """Polls: the kernel has no event for these states."""
    deadline = time.monotonic() + support.DEADLINE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(problem)
        time.sleep(POLL_S)


def wait_for_state(local, remote, wanted):
    wait_until(lambda: state(local, remote) == wanted, f"{local} to {remote} is not {wanted}")


def wait_for_dropped_syn(remote):
    """Until a client that connects there has sent its SYN again."""
    wait_until(lambda: any(found.state == "SYN_SENT" and found.retransmits
                           for (_, to), found in connections().items() if to == remote[:2]),
               f"every SYN to {remote} was answered")


def wait_for_silence(sock, seconds):
    """Until nothing has arrived for so long by the kernel's clock: tcpi_last_data_recv."""
    wait_until(lambda: struct.unpack_from(
        "=I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 56), 52)[0] >= seconds * 1000,
               "data still arrives")


def wait_for_acknowledgement(sock):
    """Until the peer's kernel has acknowledged everything that was sent: SIOCOUTQ, tcp(7)."""
    wait_until(lambda: fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)) == bytes(4),
               "the peer has not acknowledged everything")


def socket_of(pid, local, remote):
    """A duplicate of another process's socket. PermissionError where the kernel denies that."""
    wanted = f"socket:[{connections()[local[:2], remote[:2]].inode}]"
    for fd in os.listdir(f"/proc/{pid}/fd"):
        if os.readlink(f"/proc/{pid}/fd/{fd}") == wanted:
            return socket.socket(fileno=_duplicate(pid, int(fd)))
    raise AssertionError(f"process {pid} has no {wanted}")


def _duplicate(pid, fd):
    pidfd = os.pidfd_open(pid)
    libc = ctypes.CDLL(None, use_errno=True)
    copy = libc.syscall(SYS_PIDFD_GETFD, pidfd, fd, 0)
    code = ctypes.get_errno()
    os.close(pidfd)
    if copy < 0:
        raise OSError(code, os.strerror(code))
    return copy
