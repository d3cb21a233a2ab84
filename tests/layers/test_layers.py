# SPDX-License-Identifier: MIT
"""The direction of every #include: base <- net <- server | client, and who may see which library."""

import fnmatch
import pathlib
import re
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# What each folder of src may see of the others.
SEES = {
    "base": {"base"},
    "net": {"base", "net"},
    "server": {"base", "net", "server"},
    "client": {"base", "net", "client"},
}

# A header in include/tlsecho belongs to the folder that has NAME.c or NAME_*.c; these have none.
HEADER_ONLY = {"buf": "base", "want": "base", "peer": "net"}

# A library's header, and the only files that may include it.
ONLY = {
    "openssl/*": ("src/net/tls_*", "src/net/transport_tls*"),
    "yaml.h": ("src/server/config_yaml.c",),
    "sys/epoll.h": ("src/net/reactor.c",),
    "jansson.h": ("src/client/output*.c", "src/client/report.c", "src/client/summary*.c"),
    "seccomp.h": ("src/server/privilege_seccomp.c",),
    "histedit.h": ("src/client/mode_prompt.c",),
    "editline/*": ("src/client/mode_prompt.c",),
}

SOCKETS = ("sys/socket.h", "sys/un.h", "netinet/*", "arpa/*", "netdb.h", "tlsecho/socket.h")
LOOPS = ("sys/epoll.h", "poll.h", "sys/select.h", "tlsecho/reactor.h", "tlsecho/deadline.h")

# Files, and what they must not know.
NEVER = {
    "src/net/transport*": LOOPS,
    "include/tlsecho/transport.h": LOOPS,
    "src/server/service*": SOCKETS + LOOPS + ("tlsecho/conn.h", "tlsecho/transport.h"),
    "include/tlsecho/service.h": SOCKETS + LOOPS + ("tlsecho/conn.h", "tlsecho/transport.h"),
    "src/server/conn.c": SOCKETS + LOOPS + ("tlsecho/clock.h",),
    "src/server/conn_serve.c": SOCKETS + LOOPS + ("tlsecho/clock.h",),
    "include/tlsecho/conn.h": SOCKETS + LOOPS + ("tlsecho/clock.h",),
}

# The configuration knows nobody of the server but the names of its services.
CONFIG = ("src/server/config*", "include/tlsecho/config*.h")
CONFIG_SEES = ("config", "config_*", "service")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+[<"]([^>"]+)[>"]', re.MULTILINE)


def any_match(text, patterns):
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)


def folder_of_header(root, name):
    """The folder of src that a header in include/tlsecho belongs to; None if there is none."""
    if name in HEADER_ONLY:
        return HEADER_ONLY[name]
    for folder in SEES:
        if any((root / "src" / folder).glob(f"{name}.c")):
            return folder
    for folder in SEES:
        if any((root / "src" / folder).glob(f"{name}_*.c")):
            return folder
    return None


def violations_of_library(path, included):
    for header, files in ONLY.items():
        if fnmatch.fnmatchcase(included, header) and not any_match(path, files):
            yield f"only {', '.join(files)} may include {header}"
    for files, headers in NEVER.items():
        if fnmatch.fnmatchcase(path, files) and any_match(included, headers):
            yield f"{files} must not know it"


def violations_of_direction(root, path, folder, included):
    name = pathlib.PurePosixPath(included).stem
    target = folder_of_header(root, name)
    if target is None:
        yield "belongs to no folder of src"
    elif target not in SEES[folder]:
        yield f"{folder} must not see {target}"
    elif target == "server" and any_match(path, CONFIG) and not any_match(name, CONFIG_SEES):
        yield "the configuration must not see the rest of the server"


def violations_of_privacy(root, folder, included):
    """A header inside src is its own folder's affair."""
    homes = {home.parent.name for home in root.glob(f"src/*/{included}")}
    if homes and folder not in homes:
        yield f"private to {', '.join(sorted(homes))}"


def violations(root):
    """One line for each #include under root that goes in a forbidden direction."""
    found = []
    for file in sorted([*root.glob("src/*/*.[ch]"), *root.glob("include/tlsecho/*.h")]):
        path = file.relative_to(root).as_posix()
        folder = file.parent.name
        if folder == "tlsecho":
            folder = folder_of_header(root, file.stem)
            if folder is None:
                found.append(f"{path}: belongs to no folder of src")
                continue
        for included in INCLUDE.findall(file.read_text()):
            reasons = list(violations_of_library(path, included))
            if included.startswith("tlsecho/"):
                reasons += violations_of_direction(root, path, folder, included)
            else:
                reasons += violations_of_privacy(root, folder, included)
            found += [f"{path}: {included}: {reason}" for reason in reasons]
    return found


class Layers(unittest.TestCase):
    def test_no_include_goes_against_the_direction(self):
        self.assertEqual(violations(REPOSITORY), [])

    def test_the_test_reads_something(self):
        self.assertTrue(list(REPOSITORY.glob("src/*/*.c")))


class MadeUp(unittest.TestCase):
    """The check itself: a small tree that is clean, and one line in it that is not."""

    CLEAN = {
        "src/base/log.c": '#include "tlsecho/log.h"\n#include "log_internal.h"\n',
        "src/base/log_internal.h": "",
        "src/net/socket.c": '#include "tlsecho/log.h"\n#include <sys/socket.h>\n',
        "src/net/reactor.c": "#include <sys/epoll.h>\n",
        "src/net/tls_context.c": "#include <openssl/ssl.h>\n",
        "src/net/transport_tls.c": "#include <openssl/ssl.h>\n",
        "src/server/config.c": '#include "tlsecho/service.h"\n',
        "src/server/config_yaml.c": "#include <yaml.h>\n",
        "src/server/conn.c": '#include "tlsecho/transport.h"\n',
        "src/server/service_echo.c": '#include "tlsecho/service.h"\n',
        "src/client/session.c": '#include "tlsecho/transport.h"\n',
        "src/client/output_json.c": "#include <jansson.h>\n",
        "src/client/mode_prompt.c": "#include <histedit.h>\n",
        "include/tlsecho/conn.h": '#include "tlsecho/buf.h"\n',
    }

    FORBIDDEN = (
        ("src/base/error.c", '#include "tlsecho/socket.h"', "base must not see net"),
        ("src/net/socket.c", '#include "tlsecho/conn.h"', "net must not see server"),
        ("src/server/server.c", '#include "tlsecho/session.h"', "server must not see client"),
        ("src/client/session.c", '#include "tlsecho/config.h"', "client must not see server"),
        ("src/server/conn.c", '#include "log_internal.h"', "private to base"),
        ("src/server/server.c", "#include <openssl/ssl.h>", "only src/net/tls_*"),
        ("src/net/socket.c", "#include <openssl/bio.h>", "only src/net/tls_*"),
        ("include/tlsecho/conn.h", "#include <openssl/ssl.h>", "only src/net/tls_*"),
        ("src/server/config.c", "#include <yaml.h>", "only src/server/config_yaml.c"),
        ("src/server/worker.c", "  #  include <sys/epoll.h>", "only src/net/reactor.c"),
        ("src/client/session.c", "#include <jansson.h>", "only src/client/output*.c"),
        ("src/client/session.c", "#include <histedit.h>", "only src/client/mode_prompt.c"),
        ("src/net/transport_tls.c", '#include "tlsecho/reactor.h"', "must not know it"),
        ("src/server/config.c", '#include "tlsecho/conn.h"', "the rest of the server"),
        ("src/server/service_echo.c", "#include <sys/socket.h>", "must not know it"),
        ("src/server/service_echo.c", '#include "tlsecho/reactor.h"', "must not know it"),
        ("src/server/conn.c", '#include "tlsecho/clock.h"', "must not know it"),
        ("src/server/conn.c", '#include "tlsecho/nowhere.h"', "belongs to no folder"),
    )

    def tree(self, files):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-layers-")
        self.addCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return root

    def test_the_clean_tree_is_clean(self):
        self.assertEqual(violations(self.tree(self.CLEAN)), [])

    def test_each_forbidden_line_is_found(self):
        clock = {"src/base/clock.c": ""}
        for path, line, reason in self.FORBIDDEN:
            with self.subTest(path, line=line):
                text = self.CLEAN.get(path, "") + line + "\n"
                found = violations(self.tree({**self.CLEAN, **clock, path: text}))
                self.assertEqual(len(found), 1, found)
                self.assertIn(path, found[0])
                self.assertIn(reason, found[0])

    def test_a_header_that_belongs_nowhere_is_found(self):
        root = self.tree({**self.CLEAN, "include/tlsecho/lost.h": ""})
        self.assertEqual(violations(root), ["include/tlsecho/lost.h: belongs to no folder of src"])


if __name__ == "__main__":
    unittest.main()
