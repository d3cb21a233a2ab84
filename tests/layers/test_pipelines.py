# SPDX-License-Identifier: MIT
"""The pipelines name existing files only, and run every stage of .ci/run on each Debian."""

import json
import os
import pathlib
import re
import unittest

try:
    import yaml
except ModuleNotFoundError:
    if os.environ.get("TLSECHO_TOOLS") == "required":
        raise
    yaml = None

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
RUN = REPOSITORY / ".ci" / "run"
GITHUB = REPOSITORY / ".github" / "workflows" / "ci.yml"
GITLAB = REPOSITORY / ".gitlab-ci.yml"
IMAGES = {"debian:12", "debian:13"}
ACTIONS = {"actions/checkout@v4"}
# A path of the project, not preceded by a character of a longer path.
PATH = re.compile(r"(?<![\w./$-])((?:\.ci|scripts|tests|cmake|packaging|docs)/[\w./-]*\w)")
YAML = [*(REPOSITORY / ".github").rglob("*.yml"), GITLAB, *REPOSITORY.glob("config/*.yaml"),
        *REPOSITORY.glob("packaging/**/*.yaml")]


def stages():
    """Name and command of each stage of .ci/run."""
    table = re.search(r'STAGES="\n(.*?)\n"', RUN.read_text(), re.DOTALL).group(1)
    return dict(line.split(" ", 1) for line in table.splitlines())


def presets():
    known = json.loads((REPOSITORY / "CMakePresets.json").read_text())["configurePresets"]
    return {preset["name"] for preset in known if not preset.get("hidden")}


def listed(text, key):
    """The items of every `key: [a, b]`."""
    return [word.strip(' "') for words in re.findall(rf"\b{key}: \[(.*)\]", text)
            for word in words.split(",")]


class Pipelines(unittest.TestCase):
    def test_each_pipeline_runs_every_stage_on_each_debian(self):
        for path, image, stage in ((GITHUB, "image", "stage"), (GITLAB, "IMAGE", "STAGE")):
            with self.subTest(path.name):
                text = path.read_text()
                self.assertEqual(listed(text, stage), list(stages()))
                self.assertEqual(set(listed(text, image)), IMAGES)
                self.assertIn(".ci/run", text)

    def test_every_path_named_exists(self):
        for path in (GITHUB, GITLAB, RUN):
            for named in PATH.findall(path.read_text()):
                with self.subTest(path.name, named=named):
                    self.assertTrue((REPOSITORY / named).exists())

    def test_every_stage_calls_a_script_with_arguments_that_it_knows(self):
        for name, command in stages().items():
            script, *arguments = command.split()
            text = (REPOSITORY / script).read_text()
            for argument in arguments:
                with self.subTest(name, argument=argument):
                    if argument.startswith("--"):
                        self.assertIn(argument, text)
                    elif "--preset" in arguments:
                        self.assertIn(argument, presets())
                    else:
                        self.assertRegex(argument, r"^\d+$")

    def test_every_action_is_pinned_to_a_version_that_exists(self):
        self.assertEqual(set(re.findall(r"uses: (\S+)", GITHUB.read_text())), ACTIONS)

    @unittest.skipUnless(yaml, "there is no PyYAML")
    def test_every_yaml_file_can_be_read(self):
        for path in YAML:
            with self.subTest(path.relative_to(REPOSITORY).as_posix()):
                self.assertTrue(list(yaml.safe_load_all(path.read_text())))

    @unittest.skipUnless(yaml, "there is no PyYAML")
    def test_each_pipeline_has_the_structure_that_its_service_reads(self):
        github = yaml.safe_load(GITHUB.read_text())
        self.assertEqual(set(github), {"name", True, "permissions", "concurrency", "jobs"})
        for job in github["jobs"].values():
            self.assertLessEqual(set(job), {"name", "runs-on", "timeout-minutes", "strategy",
                                            "container", "steps"})
            for step in job["steps"]:
                self.assertEqual(len({"run", "uses"} & set(step)), 1)
        gitlab = yaml.safe_load(GITLAB.read_text())
        for name in set(gitlab) - {"workflow", "default", "stages", "variables"}:
            self.assertTrue(all(isinstance(line, str) for line in gitlab[name]["script"]))


if __name__ == "__main__":
    unittest.main()
