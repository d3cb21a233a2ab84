# SPDX-License-Identifier: MIT
"""tlsecho-client in pipe mode: each direction proceeds on its own, for data of any size."""

import fcntl
import os
import queue
import resource
import socket
import subprocess
import threading
import unittest

import stub_server
import support
from stub_server import StubServer, server_context

CA = ("--cacert", support.pki() / "ca.pem")
BIG = 8 << 20
WINDOW = 16 << 20  # the client keeps at most so many bytes to compare


def start(*args):
    """Starts the client with unbuffered pipes as standard input and output."""
    command = [support.program("TLSECHO_CLIENT"), *map(str, args)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, bufsize=0)


def finish(client):
    """(exit status, rest of stdout, stderr)"""
    out, err = client.stdout.read(), client.stderr.read()
    status = client.wait(support.DEADLINE_S)
    for stream in (client.stdin, client.stdout, client.stderr):
        stream.close()
    return status, out, err


def feed(client, data):
    """Writes data and closes the file, in a thread."""
    def write():
        view = memoryview(data)
        while view:
            view = view[client.stdin.write(view):]
        client.stdin.close()

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


class Pipe(unittest.TestCase):
    def transports(self):
        return (None, server_context())

    def test_sending_does_not_wait_for_anything_to_come_back(self):
        def later(connection):
            data = b"".join(stub_server.received(connection))
            connection.sendall(data)
            stub_server.finish(connection)

        data = os.urandom(BIG)
        for context in self.transports():
            with self.subTest(context), StubServer(later, context) as stub:
                done = support.client(*(CA if context else ()), stub.endpoint(), data=data)
                self.assertEqual((done.status, done.stderr), (0, ""))
                self.assertEqual(done.stdout, data)

    def test_a_peer_that_reads_only_while_it_is_read_is_served(self):
        def narrow(connection):
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                connection.setsockopt(socket.SOL_SOCKET, option, 64 << 10)
            while data := connection.recv(3001):
                connection.sendall(data)
            stub_server.finish(connection)

        data = os.urandom(BIG)
        for context in self.transports():
            with self.subTest(context), StubServer(narrow, context) as stub:
                done = support.client(*(CA if context else ()), stub.endpoint(), data=data)
                self.assertEqual((done.status, done.stderr), (0, ""))
                self.assertEqual(done.stdout, data)

    def test_a_blocked_standard_output_stops_reading_only_and_is_not_idle(self):
        arrived = threading.Event()

        def ahead(connection):
            """Echoes as fast as the client reads, and reads all that the client sends."""
            data = bytearray()
            done = threading.Event()

            def take():
                for piece in stub_server.received(connection):
                    data.extend(piece)
                arrived.set()
                done.set()

            taker = threading.Thread(target=take)
            taker.start()
            sent = 0
            while not done.is_set() or sent < len(data):
                piece = bytes(data[sent:sent + 4096])
                connection.sendall(piece)
                sent += len(piece)
            taker.join()
            stub_server.finish(connection)

        data = os.urandom(BIG)
        with StubServer(ahead) as stub:
            client = start("--idle-timeout=500ms", stub.endpoint())
            feeding = feed(client, data)
            self.assertTrue(arrived.wait(support.DEADLINE_S), "all input is sent")
            with self.assertRaises(subprocess.TimeoutExpired):  # longer than the idle time-out
                client.wait(1.5)
            status, out, err = finish(client)
            feeding.join()
            self.assertEqual((status, err), (0, b""))
            self.assertEqual(out, data)

    def test_an_output_that_is_not_read_does_not_stop_the_input(self):
        got = queue.Queue()

        def talk(connection):
            talker = threading.Thread(target=lambda: connection.sendall(bytes(1 << 20)))
            talker.start()
            for piece in stub_server.received(connection):
                got.put(piece)
            talker.join()

        # Both accept less at once than the client has to write.
        pipe = [os.fdopen(fd, mode) for fd, mode in zip(os.pipe(), ("rb", "wb"))]
        fcntl.fcntl(pipe[1], fcntl.F_SETPIPE_SZ, 8192)
        pair = socket.socketpair()
        pair[1].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        for ours, its in (pipe, pair):
            with self.subTest(ours), ours, StubServer(talk) as stub:
                client = subprocess.Popen([support.program("TLSECHO_CLIENT"), "--expect=none",
                                           stub.endpoint()], stdin=subprocess.PIPE, stdout=its,
                                          bufsize=0)
                its.close()
                for word in (b"one", b"two", b"three"):
                    client.stdin.write(word)
                    self.assertEqual(got.get(timeout=5), word)
                client.stdin.close()
                while os.read(ours.fileno(), 1 << 16):
                    pass
                self.assertEqual(client.wait(support.DEADLINE_S), 0)

    def test_with_expect_none_a_cut_differs_from_an_end(self):
        def cut(connection):
            connection.recv(9)
            connection.sendall(b"some")
            connection.shutdown(socket.SHUT_RDWR)

        def whole(connection):
            connection.recv(9)
            connection.sendall(b"some")
            stub_server.finish(connection)

        for end, context, status in ((cut, server_context(), 13), (whole, server_context(), 0),
                                     (cut, None, 0)):
            with self.subTest(end, context=context), StubServer(end, context) as stub:
                done = support.client("--expect=none", *(CA if context else ()), stub.endpoint(),
                                      data=b"x")
                self.assertEqual((done.status, done.stdout), (status, b"some"))
                self.assertEqual("closed the connection without close_notify" in done.stderr,
                                 status == 13)

    def test_output_is_written_while_the_input_is_idle(self):
        with StubServer(lambda c: (c.sendall(b"banner\n"), stub_server.discard(c))) as stub:
            client = start("--expect=none", stub.endpoint())
            self.assertEqual(client.stdout.read(7), b"banner\n")
            client.stdin.close()
            self.assertEqual(finish(client)[0], 0)

    def test_each_byte_of_slow_input_is_echoed_at_once(self):
        for context in self.transports():
            with self.subTest(context), StubServer(stub_server.echo, context) as stub:
                client = start(*(CA if context else ()), stub.endpoint())
                for byte in (b"a", b"b", b"\0", b"\xff"):
                    client.stdin.write(byte)
                    self.assertEqual(client.stdout.read(1), byte)
                client.stdin.close()
                self.assertEqual(finish(client), (0, b"", b""))

    def test_the_input_is_not_touched_before_the_session_is_up(self):
        with StubServer(stub_server.echo) as stub:
            read_end, write_end = os.pipe()
            os.write(write_end, b"still here")
            os.close(write_end)
            done = subprocess.run([support.program("TLSECHO_CLIENT"), "-q", "--tls", "127.0.0.1",
                                   str(stub.port)], stdin=read_end, capture_output=True,
                                  timeout=support.DEADLINE_S, check=False)
            self.assertEqual(done.returncode, 7)
            self.assertEqual(os.read(read_end, 100), b"still here")
            os.close(read_end)

    def test_with_nothing_coming_back_it_stops_at_the_window_it_remembers(self):
        with StubServer(stub_server.discard) as stub, open("/dev/zero", "rb") as zero:
            done = subprocess.run([support.program("TLSECHO_CLIENT"), "--json",
                                   "--idle-timeout=500ms", stub.endpoint()], stdin=zero,
                                  capture_output=True, timeout=support.DEADLINE_S, check=False)
            self.assertEqual(done.returncode, 6)
            self.assertIn(b'"bytes_sent":%d,' % WINDOW, done.stderr)

    def test_waiting_takes_no_processor_time(self):
        hold = threading.Event()
        with StubServer(lambda _: hold.wait(support.DEADLINE_S)) as stub:
            read_end, write_end = os.pipe()
            os.close(read_end)  # nothing reads standard output, and standard input has ended
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run([support.program("TLSECHO_CLIENT"), "--idle-timeout=2s",
                                   stub.endpoint()], input=b"x", stdout=write_end,
                                  stderr=subprocess.PIPE, timeout=support.DEADLINE_S, check=False)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            hold.set()
            os.close(write_end)
            self.assertEqual(done.returncode, 6)
            self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)

    def test_descriptors_shared_with_the_shell_stay_blocking(self):
        with StubServer(stub_server.echo) as stub:
            client = start(stub.endpoint())
            client.stdin.write(b"x")
            self.assertEqual(client.stdout.read(1), b"x")
            self.assertTrue(os.get_blocking(client.stdin.fileno()))
            with open(f"/proc/{client.pid}/fdinfo/1", encoding="ascii") as info:
                flags = int(info.read().split("flags:")[1].split()[0], 8)
            self.assertFalse(flags & os.O_NONBLOCK)
            client.stdin.close()
            self.assertEqual(finish(client)[0], 0)

    def test_a_socket_as_standard_output_receives_every_byte(self):
        data = os.urandom(1 << 20)
        ours, its = socket.socketpair()
        with StubServer(stub_server.echo) as stub, ours, its:
            client = subprocess.Popen([support.program("TLSECHO_CLIENT"), stub.endpoint()],
                                      stdin=subprocess.PIPE, stdout=its)
            its.close()
            feeding = feed(client, data)
            self.assertEqual(b"".join(iter(lambda: ours.recv(1 << 16), b"")), data)
            feeding.join()
            self.assertEqual(client.wait(support.DEADLINE_S), 0)


if __name__ == "__main__":
    unittest.main()
