# SPDX-License-Identifier: MIT
"""The container image as Kubernetes and restrictive runtimes run it. scripts/test-image runs this."""

import contextlib
import errno
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

import container
import support

PLAIN, TLS = "tcp://127.0.0.1:7007", "tls://127.0.0.1:7443"
LISTENERS = "listeners: [ { listen: 'tcp://[::]:7007' }, { listen: 'tls://[::]:7443' } ]\n"
SECRETS = "/run/secrets/tls"
# The names in a Secret of the type kubernetes.io/tls.
WITH_SECRET = LISTENERS + f"""
tls: {{ default: {{ certificates: [ {{ certificate: {SECRETS}/tls.crt, key: {SECRETS}/tls.key }} ] }} }}
"""
ANY = "security: { key_files: any }\n"
HEALTHY = ("--check", "-q", PLAIN)
SECCOMP = pathlib.Path("/usr/share/containers/seccomp.json")  # of containers-common


def pair(key_mode, key="server-ecdsa.key"):
    return {f"{SECRETS}/tls.crt": ((support.pki() / "server-ecdsa.pem").read_bytes(), 0o444),
            f"{SECRETS}/tls.key": ((support.pki() / key).read_bytes(), key_mode)}


def default_seccomp(denied="", number=None):
    """The filter of podman and, in all that matters here, of Docker, for a container without
    capabilities. denied: prefix of system calls that an older one refuses, with that error number."""
    profile = json.loads(SECCOMP.read_text())
    rules = [rule for rule in profile["syscalls"]
             if not rule.get("includes", {}).get("caps") and rule["action"] == "SCMP_ACT_ALLOW"
             and set(rule.get("includes", {}).get("arches", ["amd64"])) & {"amd64"}]
    allowed = [{"names": [name for name in rule["names"] if not denied or not name.startswith(denied)],
                "action": rule["action"], "args": rule.get("args") or []} for rule in rules]
    return {"defaultAction": profile["defaultAction"],
            "defaultErrnoRet": number or profile["defaultErrnoRet"],
            "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [rule for rule in allowed if rule["names"]]}


def steps(server):
    """{step of the sandbox: its result}"""
    return {line["step"]: line["result"] for line in server.lines("privilege")}


class Runs(container.TestCase):
    def test_as_the_image_says(self):
        server = self.container()
        for data in (b"hello", os.urandom(1_000_000)):
            self.assertEqual(server.client(PLAIN, data=data).stdout, data)
            self.assertEqual(server.client("--insecure", TLS, data=data).stdout, data)
        with open(f"/proc/{self.process_1(server)}/status", encoding="ascii") as file:
            status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        self.assertEqual(status["NSpid"].split()[1:], ["1"])
        self.assertEqual(set(status["Uid"].split()), {"65532"})
        for kind in "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb":
            self.assertEqual(int(status[kind], 16), 0, kind)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        self.assertEqual(server.stop(), 0)

    @staticmethod
    def process_1(server):
        shown = subprocess.run([container.RUNC, "state", server.name], check=True, capture_output=True)
        return json.loads(shown.stdout)["pid"]

    def test_landlock_and_seccomp_work(self):
        found = steps(self.container())
        self.assertEqual((found["landlock"], found["seccomp"]), ("done", "done"))
        self.assertEqual(found["user"], "unchanged")

    @unittest.skipUnless(SECCOMP.exists(), "there is no seccomp profile of a container engine")
    def test_under_the_seccomp_filter_of_an_engine(self):
        server = self.container(seccomp=default_seccomp())
        self.assertEqual(server.client("--insecure", TLS, data=b"x").stdout, b"x")
        found = steps(server)
        self.assertEqual((found["landlock"], found["seccomp"]), ("done", "done"))

    @unittest.skipUnless(SECCOMP.exists(), "there is no seccomp profile of a container engine")
    def test_under_a_filter_that_does_not_know_landlock(self):
        for number in (errno.ENOSYS, errno.EPERM):
            filtered = {"seccomp": default_seccomp("landlock_", number)}
            found = steps(self.container(**filtered))
            self.assertEqual((found["landlock"], found["seccomp"]), ("missing", "done"))
            self.refused(LISTENERS + "security: { sandbox: on }", 1, "Landlock", **filtered)

    def test_as_a_user_that_does_not_exist(self):
        for user in ((1000680000, 0), (4711, 4711, 22)):
            with self.subTest(user):
                server = self.container(user=user)
                self.assertEqual(server.client("--insecure", TLS, data=b"x").stdout, b"x")
                self.assertEqual(server.client(*HEALTHY).status, 0)

    def test_with_a_single_file_mounted_as_its_configuration(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("listeners: [ { listen: 'tcp://[::]:7010' } ]")
            file.flush()
            os.chmod(file.name, 0o644)
            server = self.container(binds={container.CONFIG: file.name})
            self.assertEqual(server.client("tcp://127.0.0.1:7010", data=b"x").stdout, b"x")

    def test_it_keeps_its_certificate_in_a_directory_that_it_can_write(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            kept = []
            for _ in range(2):
                server = self.container(writable={"/state": folder}, env=["STATE_DIRECTORY=/state"])
                kept.append(server.lines("certificate")[0]["sha256"])
                self.assertEqual(server.stop(), 0)
            self.assertEqual(kept[0], kept[1])

    def test_within_64_MB_and_half_a_CPU(self):
        server = self.container(resources={"memory": {"limit": 64_000_000},
                                           "cpu": {"quota": 50_000, "period": 100_000}})
        self.assertEqual(server.lines("ready")[0]["workers"], "1")
        data = os.urandom(5_000_000)
        self.assertEqual(server.client("--insecure", TLS, data=data).stdout, data)
        load = server.client("--bench", "-P", "50", "-n", "1000", "--insecure", "--json", TLS)
        self.assertEqual(json.loads(load.stdout)["result"], "ok")

    def test_the_health_check_is_the_client(self):
        config, _ = container.image()
        kind, *command = config["Healthcheck"]["Test"]
        self.assertEqual(kind, "CMD")
        self.assertEqual(self.container().exec(*command).status, 0)
        other = self.container("listeners: [ { listen: 'tcp://[::]:7008' } ]")
        self.assertEqual(other.exec(*command).status, 4)  # refused

    def test_it_says_which_pod_it_is(self):
        server = self.container(LISTENERS + "identity: { env: [ POD_NAME ] }", env=["POD_NAME=echo-0"])
        self.assertIn(" env_POD_NAME=echo-0 event=ready ", server.log())


class Signals(container.TestCase):
    @contextlib.contextmanager
    def connected(self, server):
        """A client whose connection is open."""
        with subprocess.Popen([container.RUNC, "exec", server.name, "/usr/bin/tlsecho-client", PLAIN],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as client:
            client.stdin.write(b"1")
            self.assertEqual(client.stdout.read(1), b"1")
            yield client

    def test_TERM_drains(self):
        config, _ = container.image()
        self.assertEqual(config["StopSignal"], "SIGTERM")
        server = self.container()
        with self.connected(server) as client:
            server.signal(signal.SIGTERM)
            server.wait_for("draining")
            client.stdin.write(b"2")
            self.assertEqual(client.stdout.read(1), b"2")
            client.stdin.close()
            self.assertEqual(client.wait(support.DEADLINE_S), 0)
        self.assertEqual(server.wait(), 0)

    def test_a_second_TERM_ends_it(self):
        server = self.container()
        with self.connected(server) as client:
            for event in ("draining", "stopping"):
                server.signal(signal.SIGTERM)
                server.wait_for(event)
            self.assertEqual(server.wait(), 0)
            client.kill()

    def test_HUP_reloads(self):
        server = self.container(LISTENERS)
        (server.volume("/etc/tlsecho") / "server.yaml").chmod(0o644)
        (server.volume("/etc/tlsecho") / "server.yaml").write_text(
            "listeners: [ { listen: 'tcp://[::]:7009' } ]")
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        self.assertEqual(server.client("tcp://127.0.0.1:7009", data=b"x").stdout, b"x")


class Secrets(container.TestCase):
    def test_a_secret_that_everyone_can_read_needs_key_files_any(self):
        server = self.container(WITH_SECRET + ANY, files=pair(0o444))
        self.assertEqual([line["file"] for line in server.lines("file_exposed")], [f"{SECRETS}/tls.key"])
        self.assertEqual(server.client("--insecure", TLS, data=b"x").stdout, b"x")
        self.refused(WITH_SECRET, 78, "tls.key", "open to others", files=pair(0o444))

    def test_a_secret_of_the_group_of_the_pod_needs_nothing(self):
        files = pair(0o440)
        for rules in ("", ANY):
            server = self.container(WITH_SECRET + rules, files=files, user=(65532, 65532, 0))
            self.assertEqual(server.client("--insecure", TLS, data=b"x").stdout, b"x")

    def test_a_secret_that_it_cannot_read(self):
        self.refused(WITH_SECRET, 78, "tls.key", "Permission denied", files=pair(0o400))

    def test_a_renewed_secret_is_loaded_as_the_kubelet_swaps_it(self):
        # ..data is a link to the folder of a time, and the files are links through it.
        def fill(folder, when, name):
            (folder / when).mkdir()
            for end, file in (("pem", "tls.crt"), ("key", "tls.key")):
                shutil.copy(support.pki() / f"{name}.{end}", folder / when / file)
                (folder / when / file).chmod(0o444)
            (folder / "..data_tmp").symlink_to(when)
            (folder / "..data_tmp").rename(folder / "..data")

        with tempfile.TemporaryDirectory(prefix="tlsecho-secret-") as folder:
            folder = pathlib.Path(folder)
            folder.chmod(0o755)
            fill(folder, "..2026_1", "server-ecdsa")
            for file in ("tls.crt", "tls.key"):
                (folder / file).symlink_to(f"..data/{file}")
            server = self.container(WITH_SECRET + ANY, binds={SECRETS: folder})
            before = server.lines("certificate")[0]["sha256"]
            fill(folder, "..2026_2", "server-rsa")
            shutil.rmtree(folder / "..2026_1")
            server.wait_for("reloaded")
            self.assertNotEqual(server.lines("certificate")[-1]["sha256"], before)


class BadInput(container.TestCase):
    def test_a_key_of_another_certificate(self):
        self.refused(WITH_SECRET + ANY, 78, "tls.key", files=pair(0o444, "server-rsa.key"))

    def test_a_key_that_is_none(self):
        files = {**pair(0o444), f"{SECRETS}/tls.key": (b"not a key\n", 0o444)}
        self.refused(WITH_SECRET + ANY, 78, "tls.key", files=files)

    def test_a_secret_without_its_files(self):
        self.refused(WITH_SECRET, 78, "tls.crt", files={f"{SECRETS}/other": (b"", 0o444)})

    def test_a_configmap_without_its_file(self):
        self.refused(None, 78, "/etc/tlsecho/server.yaml", files={"/etc/tlsecho/other": (b"", 0o444)})

    def test_a_variable_that_is_not_set(self):
        self.refused(LISTENERS + "identity: { env: [ POD_NAME ] }", 78, "POD_NAME")

    def test_no_disk_to_write_to(self):
        # Without STATE_DIRECTORY the certificate that it generates is kept in memory.
        for binds, words in (([], "No such file or directory"),
                             (["/var/lib/tlsecho"], "Read-only file system")):
            with tempfile.TemporaryDirectory() as empty:
                os.chmod(empty, 0o777)
                self.refused(None, 1, "/var/lib/tlsecho/self-signed.pem", words,
                             env=["STATE_DIRECTORY=/var/lib/tlsecho"], binds=dict.fromkeys(binds, empty))

    def test_a_port_that_is_taken(self):
        server = self.container()
        second = server.exec("/usr/sbin/tlsecho-server", "-c", container.CONFIG)
        self.assertEqual(second.status, 1)
        errors = [line for line in second.stderr.splitlines() if line.startswith("tlsecho-server: ")]
        self.assertEqual(len(errors), 1)
        self.assertIn("7007", errors[0])

    def test_a_port_below_1024(self):
        self.refused("listeners: [ { listen: 'tcp://[::]:7' } ]", 1, "[::]:7", "Permission denied")


class Files(unittest.TestCase):
    def test_nothing_in_it_is_for_more_than_the_programs(self):
        _, root = container.image()
        for path in root.rglob("*"):
            name, mode = path.relative_to(root), path.lstat().st_mode
            if stat.S_ISLNK(mode):
                continue
            self.assertFalse(mode & (stat.S_ISUID | stat.S_ISGID), name)
            if name != pathlib.Path("tmp"):
                self.assertFalse(mode & (stat.S_IWGRP | stat.S_IWOTH), name)
        self.assertEqual({path.name for folder in ("bin", "sbin") for path in (root / "usr" / folder).iterdir()
                          if path.name != "ldconfig"}, {"tlsecho-server", "tlsecho-client"})

    def test_the_sbom_has_every_package(self):
        _, root = container.image()
        bom = json.loads((root / "usr/share/sbom/tlsecho-image.cdx.json").read_text())
        packages = {path.name for path in (root / "var/lib/dpkg/status.d").iterdir()}
        self.assertEqual({one["name"] for one in bom["components"][1:]}, packages)
        self.assertLess({"tlsecho-server", "tlsecho-client", "libc6", "ca-certificates"}, packages)
        self.assertTrue(any(name.startswith("libssl3") for name in packages))
        for one in bom["components"]:
            self.assertTrue(one["version"], one)
        references = {one["bom-ref"] for one in bom["components"][1:]}
        self.assertEqual(set(bom["dependencies"][0]["dependsOn"]), references)

    def test_its_labels_and_user(self):
        config, _ = container.image()
        labels = {key.rpartition(".")[2]: value for key, value in config["Labels"].items()}
        self.assertEqual(labels["licenses"], "MIT")
        for name in ("title", "description", "version", "revision", "created", "vendor"):
            self.assertTrue(labels[name], name)
        self.assertEqual(config["User"], "65532:65532")


if __name__ == "__main__":
    unittest.main()
