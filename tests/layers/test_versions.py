# SPDX-License-Identifier: MIT
"""The version is CMake's: what has to repeat it, and the change logs, are in step with it."""

import pathlib
import re
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def found(pattern, *path):
    """What the pattern's first group matches in a file, everywhere."""
    return re.findall(pattern, REPOSITORY.joinpath(*path).read_text(), re.MULTILINE)


class Versions(unittest.TestCase):
    def setUp(self):
        self.version, = found(r"^project\(tlsecho VERSION (\d+\.\d+\.\d+) ", "CMakeLists.txt")

    def test_the_debian_package_is_of_this_version(self):
        entries = found(r"^tlsecho \((\S+)-\d+\) ", "packaging", "debian", "changelog")
        self.assertEqual(entries[0], self.version)

    def test_the_rpm_package_is_of_this_version(self):
        self.assertEqual(found(r"^Version:\s+(\S+)$", "packaging", "rpm", "tlsecho.spec"),
                         [self.version])
        entries = found(r"^\* .* - (\S+)-\d+$", "packaging", "rpm", "tlsecho.spec")
        self.assertEqual(entries[0], self.version)

    def test_every_release_is_in_all_change_logs(self):
        released = found(r"^## \[(\d\S+)\]", "CHANGELOG.md")
        packaged = found(r"^tlsecho \((\S+)-1\) ", "packaging", "debian", "changelog")
        if found(r"^## \[(Unreleased)\]", "CHANGELOG.md"):
            released.insert(0, self.version)  # the next one is being made
        self.assertEqual(packaged, released)


if __name__ == "__main__":
    unittest.main()
