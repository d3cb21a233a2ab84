# SPDX-License-Identifier: MIT
"""Files that repeat the version of CMakeLists.txt, and the change logs, agree with it."""

import pathlib
import re
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def found(pattern, *path):
    """All matches of the pattern's first group in a file."""
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
            released.insert(0, self.version)  # of the version in development
        self.assertEqual(packaged, released)


if __name__ == "__main__":
    unittest.main()
