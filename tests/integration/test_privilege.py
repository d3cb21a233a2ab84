# SPDX-License-Identifier: MIT
"""Least privilege: user, capabilities and sandbox of the running server, and refused starts."""

import os
import pathlib
import pwd
import signal
import socket
import stat
import sys
import tempfile
import unittest

import support

NOBODY = "nobody"
FIRST_UNPRIVILEGED_PORT = pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
as_root = unittest.skipUnless(os.geteuid() == 0, "only root can start a server that gives root up")
PLAIN = "listeners: [ { listen: 'tcp://127.0.0.1:0', name: plain } ]\n"
OWN_PAIR = ("listeners: [ { listen: 'tls://127.0.0.1:0' } ]\n"
            "tls: { default: { certificates: [ { certificate: server.pem, key: server.key } ] } }\n")

# Runs a command with supplementary groups that no user has.
IN_MORE_GROUPS = "import os, sys; os.setgroups([0, 4242]); os.execv(sys.argv[1], sys.argv[1:])"


def status_text(server):
    """proc_pid_status(5)."""
    return pathlib.Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")


def status(server):
    """proc_pid_status(5) as a dict."""
    return {key: value.strip() for key, _, value in (line.partition(":")
                                                      for line in status_text(server).splitlines())}


def echoes(address):
    with socket.create_connection(address, timeout=support.DEADLINE_S) as client:
        client.sendall(b"x")
        return client.recv(1) == b"x"


class TestCase(support.TestCase):
    def as_user(self, config, user=NOBODY, files=None, ready=True, **arguments):
        """Starts a server as root, with files that the user can read."""
        return self.server(config + f"security: {{ user: {user} }}\n", files=files, ready=ready,
                           prepare=lambda folder: support.open_to(user, folder), **arguments)

    def rewrite(self, server, config):
        (server.folder / "server.yaml").write_text(config)

    def hang_up(self, server, outcome):
        server.signal(signal.SIGHUP)
        return server.wait_for(outcome)


class User(TestCase):
    @as_root
    def test_a_port_that_root_bound_is_handed_over_by_the_user(self):
        security = f"security: {{ user: {NOBODY} }}\n"
        server = self.as_user(PLAIN)
        port = server.address("plain")[1]
        for host in ("0.0.0.0", "127.0.0.1"):
            self.rewrite(server, f"listeners: [ {{ listen: 'tcp://{host}:{port}' }} ]\n" + security)
            self.hang_up(server, "reloaded")
            self.assertTrue(echoes(("127.0.0.1", port)))

    @as_root
    def test_root_becomes_the_user_and_keeps_no_capability(self):
        server = self.as_user(PLAIN, prefix=[sys.executable, "-c", IN_MORE_GROUPS])
        account, found = pwd.getpwnam(NOBODY), status(server)
        self.assertEqual(set(found["Uid"].split()), {str(account.pw_uid)})
        self.assertEqual(set(found["Gid"].split()), {str(account.pw_gid)})
        self.assertEqual(set(found["Groups"].split()) - {str(account.pw_gid)}, set())
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(found[capabilities], 16), 0, capabilities)
        self.assertEqual(found["NoNewPrivs"], "1")
        self.assertTrue(echoes(server.address("tcp")))

    @as_root
    def test_user_and_group_may_be_numbers_with_an_entry_or_without_one(self):
        account = pwd.getpwnam(NOBODY)
        for security, uid, gid in ((f"user: {account.pw_uid}", account.pw_uid, account.pw_gid),
                                   ("user: 65533, group: 65531", 65533, 65531),
                                   ("user: 65533", 65533, 65533)):
            with self.subTest(security):
                server = self.server(PLAIN + f"security: {{ {security} }}\n",
                                     prepare=lambda folder: support.open_to(NOBODY, folder) or
                                     os.chmod(folder / "server.yaml", 0o644))
                found = status(server)
                self.assertEqual(set(found["Uid"].split()), {str(uid)})
                self.assertEqual(set(found["Gid"].split()), {str(gid)})
                self.assertEqual(set(found["Groups"].split()) - {str(gid)}, set())
                self.assertTrue(echoes(server.address("tcp")))
                self.assertEqual(server.stop(), 0)

    def test_every_thread_is_like_the_first(self):
        server = self.server(PLAIN)
        tasks = list(pathlib.Path(f"/proc/{server.process.pid}/task").iterdir())
        self.assertGreater(len(tasks), 2)
        for task in tasks:
            text = (task / "status").read_text(encoding="utf-8")
            self.assertIn("CapEff:\t0000000000000000\n", text)
            self.assertIn("NoNewPrivs:\t1\n", text)

    @as_root
    def test_root_without_a_user_is_warned_of_once(self):
        server = self.server(PLAIN)
        user = server.wait_for("privilege", step="user")
        self.assertEqual((user["level"], user["result"]), ("warning", "unchanged"))
        self.assertEqual(int(status(server)["CapEff"], 16), 0)
        user = self.as_user(PLAIN).wait_for("privilege", step="user")
        self.assertEqual((user["level"], user["result"]), ("info", "done"))

    @as_root
    def test_a_reload_that_names_a_privileged_port_is_refused_with_its_place(self):
        if int(FIRST_UNPRIVILEGED_PORT.read_text(encoding="ascii")) < 9:
            self.skipTest("on this system every port is for everyone")
        server = self.as_user(PLAIN)
        before = server.address("tcp")
        self.rewrite(server, "listeners:\n"
                             "  - { listen: 'tcp://127.0.0.1:0', name: plain }\n"
                             "  - listen: tcp://127.0.0.1:7\n"
                             f"security: {{ user: {NOBODY} }}\n")
        reason = self.hang_up(server, "reload_refused")["reason"]
        self.assertIn("server.yaml:3:13: listen: ", reason)
        self.assertIn("restart the server", reason)
        self.assertTrue(echoes(before))

    def test_an_unknown_user_or_group_is_refused_with_its_place(self):
        for security, place in (("{ user: nobody-has-this-name }", "server.yaml:2:19: security.user"),
                                ("{ user: 4294967295 }", "server.yaml:2:19: security.user"),
                                ("{ user: nobody, group: no-such-group }",
                                 "server.yaml:2:34: security.group"),
                                ("{ group: nogroup }", "server.yaml:2:20: security.group")):
            config = PLAIN + f"security: {security}\n"
            for args in ((), ("-t",)):
                with self.subTest(security, args=args):
                    server = self.server(config, ready=False, args=args)
                    self.assertEqual(server.wait(), 78)
                    self.assertIn(place, server.log())

    @as_root
    def test_a_file_that_no_reload_could_read_is_refused_with_its_name(self):
        files = {name: (support.pki() / f"server-ecdsa{suffix}").read_bytes()
                 for name, suffix in (("server.pem", ".pem"), ("server.key", ".key"))}

        def open_to_all_but_the_key(folder):
            support.open_to(NOBODY, folder)
            os.chown(folder / "server.key", 0, 0)

        server = self.server(OWN_PAIR + f"security: {{ user: {NOBODY} }}\n", files=files,
                             ready=False, prepare=open_to_all_but_the_key)
        self.assertEqual(server.wait(), 78)
        self.assertIn("server.key: Permission denied", server.log())
        self.assertIn("chgrp", server.log())

    @as_root
    def test_what_the_server_writes_is_its_users(self):
        server = self.as_user("listeners:\n"
                              "  - listen: tls://127.0.0.1:0\n"
                              "  - listen: unix://{dir}/run/echo\n"
                              "tls: { default: { keylog: '{dir}/keys/log' } }\n"
                              "admin: { listen: 'unix://{dir}/run/admin' }\n",
                              folders={"keys": 0o777, "state": 0o777, "run": 0o777},
                              env=support.environment(STATE_DIRECTORY="{dir}/state"))
        support.client("-k", server.endpoint("tls"), data=b"x")
        uid = pwd.getpwnam(NOBODY).pw_uid
        for name in ("keys/log", "state/self-signed.pem"):
            found = os.stat(server.folder / name)
            self.assertEqual((found.st_uid, stat.S_IMODE(found.st_mode)), (uid, 0o600), name)
            self.assertGreater(found.st_size, 0, name)
        for name in ("run/echo", "run/admin"):
            found = os.stat(server.folder / name)
            self.assertEqual((found.st_uid, stat.S_IMODE(found.st_mode)), (uid, 0o660), name)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(list((server.folder / "run").iterdir()), [])

    def test_changes_that_need_a_restart_are_logged(self):
        server = self.server(PLAIN)
        self.rewrite(server, PLAIN + "workers: 1\nsecurity: { user: nobody, group: daemon, "
                                     "sandbox: off }\n")
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        reasons = {line["reason"] for line in server.lines("restart_needed")}
        self.assertEqual(reasons, {f"{key} has changed: restart the server to apply it" for key in
                                   ("workers", "security.user", "security.group",
                                    "security.sandbox")})


# Runs a command as on a kernel without Landlock, with a seccomp(2) filter. BPF: load the number; if it
# is landlock_create_ruleset, return ENOSYS; else allow.
WITHOUT_LANDLOCK = """
import ctypes, os, struct, sys
code = b"".join(struct.pack("=HBBI", *line) for line in (
    (0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x00050000 | 38), (0x06, 0, 0, 0x7fff0000)))
libc, buffer = ctypes.CDLL(None), ctypes.create_string_buffer(code, len(code))
program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program):
    sys.exit("no filter can be set")
os.execv(sys.argv[1], sys.argv[1:])
"""


class Sandbox(TestCase):
    def sandboxed(self, config, **arguments):
        """Starts a server with the whole sandbox; skips the test if the kernel lacks a part of it."""
        start = self.as_user if os.geteuid() == 0 else self.server
        return self.skip_unless_sandboxed(start(config, **arguments))

    def skip_unless_sandboxed(self, server):
        for step in ("landlock", "seccomp"):
            line = server.wait_for("privilege", step=step)
            if line["result"] != "done":
                self.skipTest(f"{step}: {line['reason']}")
        return server

    def pair(self):
        return {name: (support.pki() / f"server-ecdsa{suffix}").read_bytes()
                for name, suffix in (("server.pem", ".pem"), ("server.key", ".key"))}

    def replace(self, folder, kind):
        """Replaces certificate and key by those of that kind: writes beside, then renames."""
        for name, suffix in (("server.pem", ".pem"), ("server.key", ".key")):
            new = folder / (name + ".new")
            new.write_bytes((support.pki() / f"server-{kind}{suffix}").read_bytes())
            support.open_to(NOBODY if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name, folder)
            os.replace(new, folder / name)

    def certificate(self, server):
        """The certificate that a new client receives."""
        return support.client("--show-certs", "-k", server.endpoint("tls")).stdout

    def test_every_thread_has_a_filter(self):
        server = self.sandboxed(PLAIN)
        for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
            self.assertIn("Seccomp:\t2\n", (task / "status").read_text(encoding="utf-8"))
        self.assertTrue(echoes(server.address("tcp")))

    def test_the_list_of_system_calls_is_logged_at_level_debug(self):
        server = self.sandboxed(PLAIN + "log: { level: debug }\n")
        calls = server.wait_for("system_calls")["reason"].split()
        self.assertIn("epoll_wait", calls)
        self.assertNotIn("execve", calls)

    def test_a_renewed_certificate_and_a_reload_work_in_the_sandbox(self):
        server = self.sandboxed(OWN_PAIR, files=self.pair())
        before = self.certificate(server)
        self.replace(server.folder, "rsa")
        server.wait_for("reloaded")
        after = self.certificate(server)
        self.assertNotEqual(after, before)
        self.hang_up(server, "reloaded")
        self.assertEqual(self.certificate(server), after)

    def test_a_replaced_symbolic_link_works_in_the_sandbox(self):
        """Replaces ..data -> v1 by ..data -> v2, as Kubernetes does."""
        def versions(folder):
            for version, kind in (("v1", "ecdsa"), ("v2", "rsa")):
                (folder / version).mkdir()
                self.replace(folder / version, kind)
            os.symlink("v1", folder / "..data")
            for name in ("server.pem", "server.key"):
                os.symlink(f"..data/{name}", folder / name)
            support.open_to(NOBODY, folder)

        server = self.server(OWN_PAIR + (f"security: {{ user: {NOBODY} }}\n" if os.geteuid() == 0
                                         else ""), prepare=versions)
        before = self.certificate(server)
        os.symlink("v2", server.folder / "..data.new")
        os.replace(server.folder / "..data.new", server.folder / "..data")
        server.wait_for("reloaded")
        self.assertNotEqual(self.certificate(server), before)

    def folder_in_another(self, *beside):
        """A server with its pair in live/tls and these folders beside it, and its log line about that."""
        def prepare(folder):
            for name in ("tls", *beside):
                (folder / "live" / name).mkdir(parents=True)
            self.replace(folder / "live" / "tls", "ecdsa")
            (folder / "conf").mkdir()
            os.replace(folder / "server.yaml", folder / "conf" / "server.yaml")
            support.open_to(NOBODY, folder)
            support.open_to(NOBODY, folder / "conf")
            for name in ("live", *(f"live/{name}" for name in beside)):
                os.chmod(folder / name, 0o755)

        config = OWN_PAIR
        for name in ("server.pem", "server.key"):
            config = config.replace(name, "{dir}/live/tls/" + name)
        if os.geteuid() == 0:
            config += f"security: {{ user: {NOBODY} }}\n"
        return self.skip_unless_sandboxed(
            self.server(config, prepare=prepare, args=("-c", "{dir}/conf/server.yaml")))

    def not_replaceable(self, server, name):
        """The log lines of the start about folders below that one."""
        beneath = str((server.folder / name).resolve()) + "/"
        return [line["reason"] for line in server.lines("not_replaceable")
                if line["path"].startswith(beneath)]

    def replace_folder(self, server):
        live = server.folder / "live"
        (live / "new").mkdir()
        self.replace(live / "new", "rsa")
        os.rename(live / "tls", live / "old")
        os.rename(live / "new", live / "tls")

    def test_a_replaced_folder_works_in_the_sandbox(self):
        server = self.folder_in_another()
        before = self.certificate(server)
        self.assertEqual(self.not_replaceable(server, "live"), [])
        self.replace_folder(server)
        server.wait_for("reloaded")
        self.assertNotEqual(self.certificate(server), before)

    def test_a_folder_that_cannot_be_replaced_is_logged_at_the_start(self):
        server = self.folder_in_another("secrets")
        reasons = self.not_replaceable(server, "live")
        self.assertEqual(len(reasons), 1)
        self.assertIn("security.sandbox: off", reasons[0])
        self.replace_folder(server)
        self.assertIn("Permission denied", server.wait_for("reload_refused")["reason"])

    def test_names_are_resolved_in_the_sandbox(self):
        server = self.sandboxed(PLAIN)
        self.rewrite(server, "listeners: [ { listen: 'tcp://localhost:0', name: named } ]\n")
        self.hang_up(server, "reloaded")
        self.assertTrue(echoes(server.address("named")))

    def test_a_reload_that_needs_a_file_elsewhere_is_refused_with_its_place(self):
        server = self.sandboxed(PLAIN)
        with tempfile.TemporaryDirectory() as elsewhere:
            keys = pathlib.Path(elsewhere) / "tickets"
            keys.write_bytes(os.urandom(80))
            support.open_to(NOBODY, elsewhere)
            self.rewrite(server, "listeners: [ { listen: 'tls://127.0.0.1:0' } ]\n"
                                 f"tls: {{ default: {{ ticket_keys: '{keys}' }} }}\n")
            reason = self.hang_up(server, "reload_refused")["reason"]
        self.assertIn("server.yaml:2:", reason)
        self.assertIn(f"open {keys}: Permission denied", reason)
        self.assertIn("restart the server", reason)
        self.assertTrue(echoes(server.address("tcp")))

    def test_off_applies_no_sandbox(self):
        server = self.server(PLAIN + "security: { sandbox: off }\n")
        self.assertEqual({line["step"] for line in server.lines("privilege", result="off")},
                         {"landlock", "seccomp"})
        self.assertNotIn("Seccomp:\t2\n", status_text(server))

    def test_auto_goes_on_without_what_the_kernel_lacks_and_on_refuses(self):
        prefix = [sys.executable, "-c", WITHOUT_LANDLOCK]
        server = self.server(PLAIN, prefix=prefix)
        self.assertEqual(server.wait_for("privilege", step="landlock")["result"], "missing")
        self.assertTrue(echoes(server.address("tcp")))

        server = self.server(PLAIN + "security: { sandbox: on }\n", prefix=prefix, ready=False)
        self.assertEqual(server.wait(), 1)
        self.assertIn("server.yaml:2:22: security.sandbox: step landlock failed", server.log())


if __name__ == "__main__":
    unittest.main()
