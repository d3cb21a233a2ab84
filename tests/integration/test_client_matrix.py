# SPDX-License-Identifier: MIT
"""Every mode of tlsecho-client, at every stage at which a run can fail, in every form of output: the
exit status, the JSON object and the words say the same.

A cell is one run of the program. Mode and stage decide the expected result; all forms of output must
agree. LEFT_OUT lists the cells that cannot exist, with the reason.
"""

import concurrent.futures
import contextlib
import os
import pathlib
import pty
import subprocess
import sys
import tempfile
import termios
import unittest

import loads
import stub_server
import support
from stub_server import StubServer, server_context

AT_ONCE = 8
SOME = 40  # bytes of which less than one message is whole
LINES = b"some lines\n" * 20
REPORT = """
listeners:
  - { listen: "tls://127.0.0.1:0", name: report, service: report }
""" + support.PROFILE
WORDS = ("ok", "lost", "usage", "dns", "refused", "unreachable", "timeout", "handshake", "untrusted",
         "name-mismatch", "expired", "client-certificate", "reset", "truncated", "corrupt",
         "local-io", "impaired")

MODES = {
    "pipe": (),
    "prompt": (),
    "ping": ("--ping", "-c3", "-i0"),
    "check": ("--check",),
    "nagios": ("--check", "--nagios"),
    "report": ("--report",),
    "show-certs": ("--show-certs",),
    "bench": ("--bench", "-n3"),
    "compare": ("--bench", "-n3"),
    "handshakes": ("--bench", "--handshakes", "-n3"),
    "path": ("--path", "--only", "client-hello"),
    "merge": ("--merge",),
}
FORMS = {"text": (), "json": ("--json",), "quiet": ("-q",), "verbose": ("-v",),
         "json verbose": ("--json", "-v"), "html": ("--report-html", "{page}"),
         "json html": ("--json", "--report-html", "{page}")}
PAGES = ("ping", "bench", "compare", "handshakes", "path", "merge")
DATA_ON_STDOUT = ("pipe", "prompt", "show-certs")  # so the JSON object goes to standard error

# The expected result of each stage: for all modes, and for those that differ. A stage without a peer
# fails before a connection is made.
EARLY = {
    "command line": (("--nonsense",), 2),
    "option": (("--tls-min=1.3", "--tls-max=1.2"), 2),
    "file": (("--cacert=/nonexistent",), 2),
    "pin": (("--pin=00",), 2),
    "key log": (("--keylog=/nonexistent/keys",), 2),
    "dns": (("-6",), 3),
}
LATE = {
    "connect": 4,
    "PROXY": 12,
    "handshake": 12,
    "silence": 6,
    "first byte": 12,
    "mid-stream": 13,
    "changed byte": 14,
    "end": 0,
    "output": 15,
    "standard error": 15,
    "good": 0,
}
EXCEPT = {
    ("report", "mid-stream"): 14,
}
SAYS_NOTHING = "nothing is sent or read after the handshake"
FILES_ONLY = "it makes no connection"
LEFT_OUT = {
    **{("show-certs", stage): SAYS_NOTHING
       for stage in ("first byte", "mid-stream", "changed byte", "end")},
    **{(mode, stage): SAYS_NOTHING for mode in ("handshakes", "path")
       for stage in ("first byte", "mid-stream", "changed byte", "end")},
    **{("merge", stage): FILES_ONLY for stage in (*EARLY, *LATE)
       if stage not in ("command line", "file", "output", "good")},
    **{(mode, "changed byte"): "the byte comes after all that it waits for"
       for mode in ("check", "nagios")},
    ("report", "changed byte"): "no byte is known beforehand; mid-stream has what is no report",
    ("report", "end"): "the server of the good cell ends in order, and mid-stream does not",
}


def reset_after_header(connection):
    connection.recv(16)
    stub_server.reset(connection)


def leave_in_handshake(connection):
    connection.recv(stub_server.CHUNK)


def reset_at_first_byte(connection):
    connection.settimeout(0.3)  # --report sends no byte
    with contextlib.suppress(TimeoutError):
        connection.recv(1)
    stub_server.reset(connection)


def end_early(connection):
    connection.sendall(connection.recv(stub_server.CHUNK)[:SOME])
    stub_server.finish(connection)


def end_report_early(connection):
    connection.sendall(b"{" * SOME)
    stub_server.finish(connection)


def change_a_byte(connection):
    count = 0
    for data in stub_server.received(connection):
        wrong = bytearray(data)
        if count <= 100 < count + len(data):
            wrong[100 - count] ^= 1
        count += len(data)
        connection.sendall(wrong)


def end_without_close_notify(connection):
    for data in stub_server.received(connection):
        connection.sendall(data)


class Cell:
    def __init__(self, mode, stage, form):
        self.mode, self.stage, self.form = mode, stage, form
        early = EARLY.get(stage)
        self.expected = EXCEPT.get((mode, stage), early[1] if early else LATE[stage])
        self.json = "json" in form and mode != "nagios"

    def __str__(self):
        return f"{self.mode}, {self.stage}, {self.form}"

    def has_page(self):
        """A ping and a path have a page from the start, a load once it has measured something."""
        began = self.stage in LATE if self.mode in ("ping", "path") else self.stage == "good"
        return "html" in self.form and began

    def left_out(self):
        """Why this cell cannot exist; None if it can."""
        if "html" in self.form and self.mode not in PAGES:
            return "--report-html is for what is measured"
        if self.mode == "nagios" and "json" in self.form:
            return "--nagios and --json do not go together"
        if self.stage == "standard error" and not (self.json and self.mode in DATA_ON_STDOUT):
            return "the object does not go to standard error"
        if (self.stage, self.form) == ("output", "quiet") and self.mode in ("check", "report", "path"):
            return "-q prints nothing"
        if self.mode == "path" and "verbose" in self.form:
            return "--path refuses -v"
        return LEFT_OUT.get((self.mode, self.stage))


class Table(support.TestCase):
    def setUp(self):
        server = self.server(loads.CONFIG)
        report = self.server(REPORT)
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.folder = stack.enter_context(tempfile.TemporaryDirectory())

        def stub(handler, context=server_context()):
            port = stack.enter_context(StubServer(handler, context)).port
            return f"tls://127.0.0.1:{port}"

        self.ends = {
            "good": server.endpoint("tls"),
            "report": report.endpoint("tls"),
            "connect": "tls://127.0.0.1:1",
            "PROXY": stub(reset_after_header, None),
            "handshake": stub(leave_in_handshake, None),
            "silence": stub(stub_server.discard, None),
            "first byte": stub(reset_at_first_byte),
            "mid-stream": stub(end_early),
            "mid-stream report": stub(end_report_early),
            "changed byte": stub(change_a_byte),
            "end": stub(end_without_close_notify),
        }
        self.summary = pathlib.Path(self.folder, "summary.json")
        self.summary.write_bytes(support.client(
            "--bench", "-n3", "--json", *loads.CA, self.ends["good"]).stdout)

    def command(self, cell, page):
        words = [support.program("TLSECHO_CLIENT"), *MODES[cell.mode],
                 *(word.format(page=page) for word in FORMS[cell.form])]
        if cell.stage in EARLY and (cell.mode, cell.stage) != ("merge", "file"):
            words += EARLY[cell.stage][0]
        if cell.mode == "merge":
            return [*words, "/nonexistent" if cell.stage == "file" else self.summary]
        if cell.stage not in ("file", "pin") and cell.mode != "path":
            words += loads.CA
        if cell.stage == "PROXY":
            words += ["--proxy-protocol", "2"]
        if cell.stage == "silence":
            words += ["--connect-timeout", "200ms"]
        end = self.ends.get(cell.stage, self.ends["report" if cell.mode == "report" else "good"])
        if cell.mode == "report" and cell.stage == "good":
            end = self.ends["report"]
        if cell.mode == "report" and cell.stage == "mid-stream":
            end = self.ends["mid-stream report"]
        return [*words, end, end] if cell.mode == "compare" else [*words, end]

    def run_cell(self, cell, number):
        """The status, standard output and standard error."""
        page = pathlib.Path(self.folder, f"{number}.html")
        with contextlib.ExitStack() as stack:
            full = stack.enter_context(open("/dev/full", "wb"))
            out = full if cell.stage == "output" else subprocess.PIPE
            err = full if cell.stage == "standard error" else subprocess.PIPE
            where = {"input": LINES, "stdout": out, "stderr": err}
            if cell.mode == "prompt":
                terminal, keyboard = self.terminal(stack)
                os.write(keyboard, b"x" * 200 + b"\n\x04")
                where = {"stdin": terminal, "stderr": err,
                         "stdout": full if cell.stage == "output" else terminal}
            done = subprocess.run([str(word) for word in self.command(cell, page)], **where,
                                  env=support.environment(TERM="vt100"), check=False,
                                  timeout=support.DEADLINE_S)
        return done.returncode, done.stdout or b"", (done.stderr or b"").decode(errors="replace")

    @staticmethod
    def terminal(stack):
        """A terminal with typed input that waits for the program."""
        keyboard, terminal = pty.openpty()
        stack.callback(os.close, terminal)
        stack.callback(os.close, keyboard)
        mode = termios.tcgetattr(terminal)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(terminal, termios.TCSANOW, mode)
        return terminal, keyboard

    def object_faults(self, cell, status, out, err):
        """What is wrong with the JSON object; only lines of events may be printed beside it."""
        on_stderr = cell.mode in DATA_ON_STDOUT
        lines = err.splitlines() if on_stderr else out.decode().splitlines()
        if cell.stage == ("standard error" if on_stderr else "output"):
            return []
        if not lines:
            return ["no JSON object"]
        try:
            summary = support.described(lines[-1])
        except (AssertionError, ValueError) as fault:
            return [str(fault)]
        found = []
        if summary.get("exit") != status or summary.get("result") != WORDS[status]:
            found.append(f"{summary.get('result')} {summary.get('exit')} is not {status}")
        if "verbose" not in cell.form and len(lines) != 1:
            found.append(f"{len(lines)} lines with the object")
        if not on_stderr and "verbose" not in cell.form and err:
            found.append("words beside the object")
        return found

    def word_faults(self, cell, status, out, err):
        lines = err.splitlines()
        if cell.mode == "nagios":
            says = ("TLSECHO UNKNOWN" if cell.expected == 2
                    else f"TLSECHO UNKNOWN - {WORDS[15]}: " if cell.expected == 15
                    else f"TLSECHO CRITICAL - {WORDS[cell.expected]}: " if cell.expected
                    else "TLSECHO OK")
            return [] if out.decode().startswith(says) or cell.stage == "output" else [
                f"not {says}: {out!r}"]
        if status == 0:
            return [] if not lines or cell.form == "verbose" or cell.mode == "prompt" else [err]
        if not lines or not lines[-1].startswith("tlsecho-client: "):
            return [f"no line of words: {err!r}"]
        return ([] if len(lines) == 1 or cell.form == "verbose" or cell.mode == "prompt"
                else [f"{len(lines)} lines: {err!r}"])

    def faults(self, cell, number):
        try:
            status, out, err = self.run_cell(cell, number)
        except subprocess.TimeoutExpired:
            return ["it does not end"]
        if status < 0 or "Sanitizer" in err or "runtime error" in err:
            return [f"it crashes: {status} {err[-2000:]}"]
        expected = cell.expected
        if cell.mode == "nagios":
            expected = 3 if expected in (2, 15) else 2 if expected else 0
        found = [] if status == expected else [f"exit status {status}, not {expected}: {err}"]
        if cell.has_page() and not pathlib.Path(self.folder, f"{number}.html").exists():
            found.append("no page")
        check = self.object_faults if cell.json else self.word_faults
        return found + check(cell, status, out, err)

    def test_exit_status_json_and_text_agree_in_every_cell(self):
        every = [Cell(mode, stage, form) for mode in MODES for stage in (*EARLY, *LATE)
                 for form in FORMS]
        cells = [cell for cell in every if not cell.left_out()]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(self.faults, cells, range(len(cells))))
        bad = [(cell, faults) for cell, faults in zip(cells, found) if faults]
        reasons = {}
        for cell in every:
            if cell.left_out():
                reasons[cell.left_out()] = reasons.get(cell.left_out(), 0) + 1
        print(f"cells: {len(cells)}, failures: {len(bad)}, left out: {len(every) - len(cells)}",
              *(f"  {count} left out: {reason}" for reason, count in reasons.items()),
              sep="\n", file=sys.stderr)
        self.assertFalse(bad, "\n".join(f"{cell}: {'; '.join(faults)}" for cell, faults in bad))


if __name__ == "__main__":
    unittest.main()
