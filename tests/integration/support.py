# SPDX-License-Identifier: MIT
"""The base of the integration tests: the real programs, their logs, and a PKI.

    class Echo(support.TestCase):
        def test_a_byte_comes_back(self):
            server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]")
            self.assertEqual(support.client(server.endpoint("tcp"), data=b"x").stdout, b"x")

TLSECHO_SERVER and TLSECHO_CLIENT name the programs, TLSECHO_PKI the folder of the PKI, which is made
if it does not exist. Without TLSECHO_PKI each run makes one. Nothing here waits by sleeping.
"""

import atexit
import contextlib
import faulthandler
import functools
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from typing import NamedTuple

# The programs may be slow under what reads them as they run: Check's variable, for the unit tests too.
PATIENCE = int(os.environ.get("CK_TIMEOUT_MULTIPLIER", "1"))

# A test that hangs says where, before ctest ends it after 300 s.
faulthandler.dump_traceback_later(280 * PATIENCE)

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_S = 60 * PATIENCE  # for an event that takes milliseconds, on a busy machine under a sanitizer
LIMIT = f"{10 * PATIENCE}s"  # the programs' own for a handshake and a reply, unless they are slow

# Variables of the caller's environment that would change the programs' behaviour.
FOREIGN = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "STATE_DIRECTORY", "OPENSSL_CONF",
           "RUNTIME_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM",
           "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")

# One listener of each transport, and a certificate of the PKI.
LISTENERS = """
listeners:
  - listen: tcp://127.0.0.1:0
  - listen: tls://127.0.0.1:0
  - listen: unix://{dir}/echo.sock
"""
PROFILE = """
tls:
  default:
    certificates: [ { certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" } ]
"""
EVERYTHING = LISTENERS + PROFILE

# Folders of other programs; the last ones are not in the PATH of every user.
TOOL_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

FIELD = re.compile(r'([a-z0-9_]+)=("(?:[^"\\]|\\.)*"|\S*)')


def environment(**extra):
    """The environment for a child, without variables that change its behaviour."""
    kept = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    return {**kept, **extra}


def program(variable):
    """The path of a program under test."""
    path = os.environ.get(variable)
    if not path:
        sys.exit(f"{variable} is not set: run this by scripts/test or ctest")
    return path


def has_sanitizer(variable):
    """Whether that program was built with AddressSanitizer or ThreadSanitizer."""
    with open(program(variable), "rb") as file:
        code = file.read()
    return b"__asan_init" in code or b"__tsan_init" in code


def requires(tool):
    """Skips a test if another program is missing; fails it with TLSECHO_TOOLS=required."""
    missing = not shutil.which(tool, path=TOOL_PATH) and os.environ.get("TLSECHO_TOOLS") != "required"
    return unittest.skipIf(missing, f"{tool} is not installed")


@functools.cache
def pki():
    """The folder of a development PKI, see certs/README.md."""
    folder = os.environ.get("TLSECHO_PKI")
    if not folder:
        parent = tempfile.mkdtemp(prefix="tlsecho-pki-")
        atexit.register(shutil.rmtree, parent)
        folder = os.path.join(parent, "pki")
    subprocess.run([REPOSITORY / "certs" / "make-dev-pki", folder, "--quiet"], check=True)
    return pathlib.Path(folder)


def parse(line):
    """A log line, logfmt or JSON, as a dict of strings; {} for any other line."""
    if line.startswith("{"):
        return {key: str(value) for key, value in json.loads(line).items()}
    fields = {}
    for key, value in FIELD.findall(line):
        # A quoted value is a JSON string.
        fields[key] = json.loads(value) if value.startswith('"') else value
    return fields if "event" in fields else {}


def matches(fields, event, wanted):
    return fields.get("event") == event and all(
        fields.get(key) == str(value) for key, value in wanted.items())


@functools.cache
def client_schema():
    import schema  # not at the top: it imports this module
    return schema.load("client.schema"), schema.faults


def described(line):
    """A JSON line of the client as a dict; it is checked against docs/schema."""
    value = json.loads(line)
    rules, faults = client_schema()
    found = faults(value, rules)
    if found:
        raise AssertionError(f"{line}\n" + "\n".join(found))
    return value


def without_rates(summary):
    """A summary of --bench, to be changed: the rates of the measured one contradict other counts."""
    return {key: value for key, value in summary.items() if not key.endswith("_per_second")}


class Finished(NamedTuple):
    status: int  # negative: the signal that ended it
    stdout: bytes
    stderr: str

    def summary(self):
        """The JSON object of --json: the last line of stderr, or of stdout in modes that write no data
        there. It is checked against its schema."""
        lines = self.stderr.splitlines()
        if not lines or not lines[-1].startswith("{"):
            lines = self.stdout.decode().splitlines()
        return described(lines[-1])


def run(*command, data=b"", env=None, timeout=DEADLINE_S):
    """Runs a command to its end with this data as its standard input."""
    done = subprocess.run([str(word) for word in command], input=data, env=env or environment(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          check=False)
    return Finished(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def client(*args, data=b"", env=None, timeout=DEADLINE_S):
    """Runs tlsecho-client as a pipe."""
    patient = (f"--connect-timeout={LIMIT}",) if PATIENCE > 1 else ()
    return run(program("TLSECHO_CLIENT"), *patient, *args, data=data, env=env, timeout=timeout)


def open_to(user, folder):
    """Lets that user read everything in the folder, and no other user the secrets."""
    account = pwd.getpwnam(user)
    os.chmod(folder, 0o711)
    for path in filter(pathlib.Path.is_file, pathlib.Path(folder).iterdir()):
        os.chown(path, -1, account.pw_gid)
        os.chmod(path, 0o640)


class Server:
    """A running tlsecho-server with a folder for its files."""

    def __init__(self, config=None, args=(), files=None, folders=None, prepare=None, env=None,
                 prefix=(), pass_fds=(), path=None):
        """config: text for server.yaml, None = the built-in default; files: {name: bytes} and
        folders: {name: mode} beside it; prepare is called with the folder before the start;
        prefix: a command to run the server with, which inherits pass_fds; path: of another build of the
        server. In args, env and config, {dir} stands for the path of the folder and {pki} for that of the PKI."""
        self._folder = tempfile.TemporaryDirectory(prefix="tlsecho-")
        self.folder = pathlib.Path(self._folder.name)
        for name, content in (files or {}).items():
            (self.folder / name).touch(mode=0o600)
            (self.folder / name).write_bytes(content)
        for name, mode in (folders or {}).items():
            (self.folder / name).mkdir()
            (self.folder / name).chmod(mode)
        command = [*prefix, path or program("TLSECHO_SERVER")]
        if config is not None:
            if PATIENCE > 1 and "timeouts:" not in config:
                config += f"\ntimeouts: {{ handshake: {LIMIT} }}\n"
            (self.folder / "server.yaml").write_text(self._fill_in(config))
            command += ["-c", "server.yaml"]
        command += [self._fill_in(word) for word in args]
        if prepare:
            prepare(self.folder)
        env = {key: self._fill_in(value) for key, value in (env or environment()).items()}
        self._start(command, cwd=self.folder, env=env, pass_fds=pass_fds)

    def _start(self, command, **how):
        self._lines = []  # [text, fields, whether wait_for has returned it]
        self._ended = False
        self._news = threading.Condition()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, **how)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _fill_in(self, text):
        text = text.replace("{dir}", str(self.folder))
        return text.replace("{pki}", str(pki())) if "{pki}" in text else text

    def _read(self):
        for line in self.process.stdout:
            text = line.decode(errors="replace").rstrip("\n")
            with self._news:
                self._lines.append([text, parse(text), False])
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def log(self):
        """The log so far, as text."""
        with self._news:
            return "\n".join(text for text, _, _ in self._lines)

    def lines(self, event, **fields):
        """All lines so far of that event and with these fields, as dicts."""
        with self._news:
            return [found for _, found, _ in self._lines if matches(found, event, fields)]

    def wait_for(self, event, timeout=DEADLINE_S, **fields):
        """Waits for the next line of that event and with these fields, and returns it as a dict. Each
        line is returned once. Fails at the deadline, or if the server ends without that line."""
        wanted = " ".join([f"event={event}"] + [f"{key}={value}" for key, value in fields.items()])
        return self._wait(wanted, lambda entry: matches(entry[1], event, fields), timeout)[1]

    def wait_for_text(self, text, timeout=DEADLINE_S):
        """Likewise for the next line that contains the text, whether or not it is a log line."""
        return self._wait(repr(text), lambda entry: text in entry[0], timeout)[0]

    def _wait(self, wanted, is_it, timeout):
        end = time.monotonic() + timeout
        with self._news:
            while True:
                for entry in self._lines:
                    if not entry[2] and is_it(entry):
                        entry[2] = True
                        return entry
                if self._ended:
                    raise AssertionError(f"the server ended without {wanted}")
                if not self._news.wait(end - time.monotonic()):
                    raise AssertionError(f"no {wanted} within {timeout} s")

    def forget(self):
        """No line so far is waited for."""
        with self._news:
            for entry in self._lines:
                entry[2] = True

    def _listening(self, which):
        for key in ("listener", "transport"):
            found = self.lines("listening", **{key: which})
            if found:
                return found[0]
        raise AssertionError(f"no listener is named {which} or has that transport")

    def address(self, which="tcp"):
        """(host, port) of the first listener of that name or transport; a path for unix."""
        text = self._listening(which)["address"]
        if text.startswith("unix:"):
            return text[len("unix:"):]
        host, _, port = text.rpartition(":")
        return host.strip("[]"), int(port)

    def endpoint(self, which="tcp"):
        """The same as an argument of the client: tls://127.0.0.1:40001."""
        found = self._listening(which)
        if found["address"].startswith("unix:"):
            return "unix://" + found["address"][len("unix:"):]
        return f"{found['transport']}://{found['address']}"

    def signal(self, number):
        self.process.send_signal(number)

    @contextlib.contextmanager
    def paused(self):
        """Stops the process (SIGSTOP) within the block; the kernel still accepts connections."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def wait(self, timeout=DEADLINE_S):
        """Waits until it has ended; returns the exit status, negative for a signal."""
        status = self.process.wait(timeout)
        self._reader.join(timeout)
        return status

    def stop(self, timeout=DEADLINE_S):
        """Sends TERM if it is still running; returns the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait(timeout)

    def remove(self):
        """Kills it if it is still running, and removes its folder."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        self.process.stdout.close()
        self._folder.cleanup()


class TestCase(unittest.TestCase):
    """Starts servers, ends them after the test, and shows their logs if the test failed."""

    def server(self, config=None, ready=True, **arguments):
        """Starts a server and waits until it is ready. If the test does not stop it, it is stopped at
        the end and must exit with 0. ready=False: do not wait, it is not expected to become ready."""
        server = Server(config, **arguments)
        self._servers.append(server)
        self.addCleanup(server.remove)
        if ready:
            server.wait_for("ready")
            self.addCleanup(self._stop, server)
        return server

    def _stop(self, server):
        if server.process.poll() is None:
            self.assertEqual(server.stop(), 0, "exit status of the server")

    def run(self, result=None):
        self._servers = []
        result = result if result is not None else self.defaultTestResult()
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            for number, server in enumerate(self._servers, 1):
                print(f"--- {self.id()}: log of server {number}\n{server.log()}\n---",
                      file=sys.stderr)
        return result
