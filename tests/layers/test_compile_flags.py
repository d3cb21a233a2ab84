# SPDX-License-Identifier: MIT
"""compile_flags.txt, which clangd reads, is enough for every source: before a build and after it."""

import pathlib
import re
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
ROOTS = ("src", "include", "tests", "bench", "packaging")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)
FLAGS = (REPOSITORY / "compile_flags.txt").read_text().split("\n")
CMAKE = "".join(path.read_text() for path in [*(REPOSITORY / "cmake").glob("*.cmake"),
                                             *REPOSITORY.glob("*/CMakeLists.txt")])


class CompileFlags(unittest.TestCase):
    FOLDERS = [REPOSITORY / flag[2:] for flag in FLAGS if flag.startswith("-I")]

    def test_every_folder_exists(self):
        for folder in self.FOLDERS:
            with self.subTest(folder.name):
                self.assertTrue(folder.is_dir())

    def test_every_quoted_include_is_found(self):
        sources = [path for root in ROOTS for path in (REPOSITORY / root).rglob("*.[ch]")]
        self.assertGreater(len(sources), 100)
        for source in sources:
            for name in INCLUDE.findall(source.read_text()):
                with self.subTest(source.relative_to(REPOSITORY).as_posix(), name=name):
                    self.assertTrue(any((folder / name).is_file()
                                        for folder in (source.parent, *self.FOLDERS)))

    def test_every_definition_is_one_that_the_build_knows(self):
        for flag in FLAGS:
            if flag.startswith("-D"):
                with self.subTest(flag):
                    self.assertRegex(CMAKE, rf"\b{flag[2:].split('=')[0]}\b")


if __name__ == "__main__":
    unittest.main()
