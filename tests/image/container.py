# SPDX-License-Identifier: MIT
"""The container image under runc, confined as a restrictive runtime does: a read-only root, no
capability, no privileges by exec, a network of its own.

    class Image(container.TestCase):
        def test_a_byte_comes_back(self):
            self.assertEqual(self.container().client("tcp://127.0.0.1:7007", data=b"x").stdout, b"x")

TLSECHO_IMAGE names the docker archive of scripts/build-image.
"""

import atexit
import functools
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import support  # noqa: E402

RUNC = shutil.which("runc", path=support.TOOL_PATH)
CONFIG = "/etc/tlsecho/server.yaml"
NAMESPACES = "pid", "network", "ipc", "uts", "mount"
NUMBERS = itertools.count()


@functools.cache
def image():
    """(configuration of the image, folder of its files)"""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tlsecho-image-"))
    atexit.register(shutil.rmtree, folder)
    folder.chmod(0o755)
    with tarfile.open(os.environ["TLSECHO_IMAGE"]) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))[0]
        config = json.load(archive.extractfile(manifest["Config"]))
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(layer)) as files:
                files.extractall(folder)
    return config["config"], folder


def mount(where, what, kind="bind", *options):
    return {"destination": where, "type": kind, "source": str(what), "options": list(options)}


def runtime_spec(args, user=None, resources=None, binds=None, env=(), seccomp=None, writable=None):
    """An OCI runtime configuration; args None: those of the image; user: (uid, gid, more gids); binds
    and writable: {path in the container: path on this machine}."""
    config, root = image()
    uid, gid, *more = user or map(int, config["User"].split(":"))
    no_capability = {name: [] for name in ("bounding", "effective", "inheritable", "permitted", "ambient")}
    linux = {"namespaces": [{"type": kind} for kind in NAMESPACES], "resources": resources or {}}
    if seccomp:
        linux["seccomp"] = seccomp
    return {
        "ociVersion": "1.0.2", "hostname": "pod-1", "linux": linux,
        "root": {"path": str(root), "readonly": True},
        "process": {
            "args": config["Entrypoint"] + config["Cmd"] if args is None else args,
            "env": [*config["Env"], *env], "cwd": config.get("WorkingDir") or "/",
            "user": {"uid": uid, "gid": gid, "additionalGids": more},
            "capabilities": no_capability, "noNewPrivileges": True},
        "mounts": [mount("/proc", "proc", "proc"), mount("/dev", "tmpfs", "tmpfs", "mode=755"),
                   mount("/sys", "sysfs", "sysfs", "ro"), mount("/sys/fs/cgroup", "cgroup", "cgroup", "ro"),
                   *(mount(where, what, "bind", "bind", "ro") for where, what in (binds or {}).items()),
                   *(mount(where, what, "bind", "bind") for where, what in (writable or {}).items())]}


class Container(support.Server):
    def __init__(self, config=None, args=None, files=None, **spec):
        """config: text for CONFIG, None = the image's own; files: {path in the container: (bytes, mode)},
        each folder of which is mounted; the rest as runtime_spec has it."""
        self._folder = tempfile.TemporaryDirectory(prefix="tlsecho-")
        self.folder = pathlib.Path(self._folder.name)
        self.name = f"tlsecho-{os.getpid()}-{next(NUMBERS)}"
        (self.folder / "volumes").mkdir()
        binds = {}
        if config is not None:
            files = {**(files or {}), CONFIG: (config.encode(), 0o444)}
        for path, (content, mode) in (files or {}).items():
            file = self.volume(os.path.dirname(path)) / os.path.basename(path)
            file.write_bytes(content)
            file.chmod(mode)
            binds[os.path.dirname(path)] = file.parent
        bundle = self.folder / "bundle"
        bundle.mkdir()
        spec["binds"] = {**binds, **spec.get("binds", {})}
        (bundle / "config.json").write_text(json.dumps(runtime_spec(args, **spec)))
        self._start([RUNC, "run", "--bundle", bundle, self.name], cwd=bundle)

    def volume(self, where):
        """The folder on this machine that is mounted there."""
        folder = self.folder / "volumes" / where.strip("/").replace("/", "-")
        folder.mkdir(exist_ok=True)
        folder.chmod(0o1777)  # as the kubelet makes it
        return folder

    def exec(self, *command, data=b""):
        """Runs a command in the container."""
        return support.run(RUNC, "exec", self.name, *command, data=data)

    def client(self, *args, data=b""):
        return self.exec("/usr/bin/tlsecho-client", *args, data=data)

    def signal(self, number):
        subprocess.run([RUNC, "kill", self.name, str(int(number))], check=True)

    def stop(self, timeout=support.DEADLINE_S):
        if self.process.poll() is None:
            self.signal(15)
        return self.wait(timeout)

    def remove(self):
        subprocess.run([RUNC, "delete", "--force", self.name], check=False, capture_output=True)
        super().remove()


class TestCase(support.TestCase):
    def container(self, config=None, ready=True, **arguments):
        """Starts the image and waits until the server in it is ready."""
        started = Container(config, **arguments)
        self._servers.append(started)
        self.addCleanup(started.remove)
        if ready:
            started.wait_for("ready")
            self.addCleanup(self._stop, started)
        return started

    def refused(self, config, status, *words, **arguments):
        """The program ends with that status and one line with these words."""
        container = self.container(config, ready=False, **arguments)
        self.assertEqual(container.wait(), status)
        errors = [line for line in container.log().splitlines() if line.startswith("tlsecho-server: ")]
        self.assertEqual(len(errors), 1, container.log())
        for word in words:
            self.assertIn(word, errors[0])
