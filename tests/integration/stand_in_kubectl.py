#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stands in for kubectl and a cluster, for packaging/kubernetes/run-load: the pods of a Job are
processes of this machine, and begin soon. In $CLUSTER, `replace` is a JSON object of words to replace in the commands
of the containers, and what is applied, printed and failed is kept. `kustomize` is the real one's, $REAL."""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

import yaml

START_S = 4  # from the start of the processes; on a busy machine each takes a while

CLUSTER = pathlib.Path(os.environ["CLUSTER"])


def run_pods(job):
    """Runs the pods of an Indexed Job; output INDEX.log of each, and a file `failed` if one fails."""
    container, = job["spec"]["template"]["spec"]["containers"]
    env = {one["name"]: one["value"] for one in container["env"]}
    env["START_AT"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + START_S))
    replace = json.loads((CLUSTER / "replace").read_text())
    command = [re.sub(r"\$\((\w+)\)", lambda found: env[found[1]], word) for word in container["command"]]
    for old, new in replace.items():
        command = [word.replace(old, new) for word in command]
    pods = []
    for index in range(job["spec"]["completions"]):
        with open(CLUSTER / f"{index}.log", "wb") as log:
            pods.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    if any([pod.wait() for pod in pods]):
        (CLUSTER / "failed").touch()


def main(verb, *words):
    if verb == "kustomize":
        os.execv(os.environ["REAL"], ["kubectl", verb, *words])
    if verb == "apply":
        text = sys.stdin.read()
        (CLUSTER / "applied").write_text(text)
        run_pods(yaml.safe_load(text))
    if verb == "get":
        failed = (CLUSTER / "failed").exists()
        if "message" in words[-1]:
            print("Job has reached the specified backoff limit" if failed else "", end="")
        else:
            print("" if failed else "True", end="")
    if verb == "logs":
        index = re.search(r"job-completion-index=(\d+)", " ".join(words)).group(1)
        print((CLUSTER / f"{index}.log").read_text(), end="")


main(*sys.argv[1:])
