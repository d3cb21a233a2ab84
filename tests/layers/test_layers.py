# SPDX-License-Identifier: MIT
"""The rooms, and the direction of every #include between them. `test_layers.py --map` prints them.

A room is a folder of src; in base and net each module is one of its own. A header in
include/tlsecho/LAYER is a door: other rooms include it. Only its own room includes a header
in src. Layers: base <- net <- tls <- server | client.
"""

import collections
import fnmatch
import pathlib
import re
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# The layers that each layer may include.
SEES = {
    "base": {"base"},
    "net": {"base", "net"},
    "tls": {"base", "net", "tls"},
    "server": {"base", "net", "tls", "server"},
    "client": {"base", "net", "tls", "client"},
}

# Layers in which each module is a room, unless a folder holds it.
OF_MODULES = ("base", "net")

# A library's header, and the only files that may include it.
ONLY = {
    "openssl/*": ("src/tls/*",),
    "yaml.h": ("src/server/config/config_yaml.c",),
    "sys/epoll.h": ("src/net/reactor.c",),
    "jansson.h": ("src/client/output/*.c", "src/client/session/report.c", "src/client/session/json_memory.c",
                  "src/client/modes/summary*.c"),
    "seccomp.h": ("src/server/privilege/privilege_filter_main.c",),
    "histedit.h": ("src/client/modes/prompt_editor.c",),
    "editline/*": ("src/client/modes/prompt_editor.c",),
}

SOCKETS = ("sys/socket.h", "sys/un.h", "netinet/*", "arpa/*", "netdb.h", "tlsecho/net/socket.h")
LOOPS = ("sys/epoll.h", "poll.h", "sys/select.h", "tlsecho/net/reactor.h",
         "tlsecho/server/deadline.h")
MACHINE = ("tlsecho/server/conn.h", "conn_internal.h", "tlsecho/net/transport.h")

# Files, and what they must not include.
NEVER = {
    "src/net/transport*": LOOPS,
    "src/tls/transport_tls*": LOOPS,
    "include/tlsecho/net/transport.h": LOOPS + ("tlsecho/tls/*",),
    "src/server/conn/service*": SOCKETS + LOOPS + MACHINE,
    "include/tlsecho/server/service.h": SOCKETS + LOOPS + MACHINE,
    "src/server/http/*": SOCKETS + LOOPS + MACHINE,
    "src/server/conn/*": SOCKETS + LOOPS + ("tlsecho/base/clock.h",),
    "include/tlsecho/server/conn.h": SOCKETS + LOOPS + ("tlsecho/base/clock.h",),
    "src/server/config/*": ("tlsecho/server/[!cs]*", "tlsecho/server/conn*"),
}

NOT_THESE = ("src/server/conn/report.c",)  # formats a time

# Layers below tls use no name of TLS, such as tls_context, transport_tls_new or TLS_NAMES_BYTES.
WITHOUT_TLS = ("src/base/*", "src/net/*", "include/tlsecho/base/*", "include/tlsecho/net/*")
NAME_OF_TLS = re.compile(r"\b(?:transport_tls|tls|TLS)_\w+")
NOT_CODE = re.compile(r"/\*.*?\*/|\"(?:[^\"\\\n]|\\.)*\"", re.DOTALL)

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+[<"]([^>"]+)[>"]', re.MULTILINE)


def any_match(text, patterns):
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)


class House:
    """The rooms under root and their includes."""

    def __init__(self, root):
        self.files = {path.relative_to(root).as_posix(): INCLUDE.findall(path.read_text())
                      for folder in ("src", "include/tlsecho")
                      for path in sorted((root / folder).rglob("*.[ch]"))}
        self.rooms = {path: self._room(path) for path in self.files}

    def _room(self, path):
        """"LAYER", "LAYER/FOLDER" or "LAYER/MODULE"; None for a door of no room."""
        parts = path.split("/")
        if parts[0] == "src":
            layer, folder = parts[1], "/".join(parts[1:-1])
            if layer in OF_MODULES and folder == layer:
                return f"{layer}/{self._module(layer, pathlib.PurePosixPath(path).stem)}"
            return folder
        return self._room_behind(parts[2], pathlib.PurePosixPath(path).stem)

    def _module(self, layer, stem):
        """log_line.c is of the module `log`, if that is one."""
        while "_" in stem and f"include/tlsecho/{layer}/{stem}.h" not in self.files:
            stem = stem.rpartition("_")[0]
        return stem

    def _room_behind(self, layer, stem):
        """The room whose door include/tlsecho/LAYER/STEM.h is."""
        sources = [path for path in self.files if path.startswith(f"src/{layer}/")]
        for pattern in (f"*/{stem}.c", f"*/{stem}_*.c"):
            for path in sources:
                if fnmatch.fnmatchcase(path, pattern):
                    return self._room(path)
        for path in sources:
            folder = pathlib.PurePosixPath(path).parent.name
            if layer not in OF_MODULES and stem.startswith(folder):
                return self._room(path)
        return f"{layer}/{stem}" if layer in OF_MODULES else None

    def target(self, path, included):
        """The file that an #include in path means; None for the system's."""
        if included.startswith("tlsecho/"):
            return "include/" + included
        beside = (pathlib.PurePosixPath(path).parent / included).as_posix()
        if beside in self.files:
            return beside
        elsewhere = [other for other in self.files
                     if other.startswith("src/") and other.endswith("/" + included)]
        return elsewhere[0] if elsewhere else None

    def includes(self):
        for path, included in self.files.items():
            for name in included:
                yield path, name, self.target(path, name)

    def users_of_doors(self):
        """The rooms that include a header, directly or through another door."""
        users, through = collections.defaultdict(set), collections.defaultdict(set)
        for path, _, target in self.includes():
            users[target].add(self.rooms[path])
            if path.startswith("include/") and target:
                through[path].add(target)
        pending = list(through)
        while pending:
            door = pending.pop()
            for target in through[door]:
                if users[door] - users[target]:
                    users[target] |= users[door]
                    pending.append(target)
        return users

    def arrows_within(self):
        """{room: {(module, module)}}: the first includes something of the second. A module is all
        files of one stem, X_internal.h among those of X."""
        found = collections.defaultdict(set)
        for path, _, target in self.includes():
            if target in self.rooms and self.rooms[path] == self.rooms[target]:
                a, b = (pathlib.PurePosixPath(file).stem.removesuffix("_internal")
                        for file in (path, target))
                if a != b:
                    found[self.rooms[path]].add((a, b))
        return found

    def arrows(self):
        """(room, room): the first includes something of the second."""
        return {(self.rooms[path], self.rooms[target]) for path, _, target in self.includes()
                if target in self.rooms and self.rooms[path] != self.rooms[target]}


def layer_of(room):
    return room.split("/")[0]


def circles(arrows):
    """Groups of rooms that reach each other, by Tarjan's algorithm."""
    after = collections.defaultdict(set)
    for a, b in arrows:
        after[a].add(b)
    number, low, stack, found = {}, {}, [], []

    def visit(room):
        number[room] = low[room] = len(number)
        stack.append(room)
        for other in after[room]:
            if other not in number:
                visit(other)
            if other in stack:
                low[room] = min(low[room], low[other])
        if low[room] == number[room]:
            group = stack[stack.index(room):]
            del stack[stack.index(room):]
            if len(group) > 1:
                found.append(sorted(group))
    for room in sorted({room for arrow in arrows for room in arrow}):
        if room not in number:
            visit(room)
    return found


def violations_of_library(path, included):
    for header, files in ONLY.items():
        if fnmatch.fnmatchcase(included, header) and not any_match(path, files):
            yield f"only {', '.join(files)} may include {header}"
    for files, headers in NEVER.items():
        if (fnmatch.fnmatchcase(path, files) and any_match(included, headers)
                and path not in NOT_THESE):
            yield f"{files} must not know it"


def violations_of_include(house, path, included, target):
    yield from violations_of_library(path, included)
    if target is None:
        return
    if target not in house.files:
        yield "there is no such header"
        return
    here, there = house.rooms[path], house.rooms[target]
    if here is None or there is None:
        return  # reported as a header of no room
    if layer_of(there) not in SEES[layer_of(here)]:
        yield f"{layer_of(here)} must not see {layer_of(there)}"
    elif target.startswith("src/") and here != there:
        yield f"private to {there}"


def violations_of_doors(house):
    users = house.users_of_doors()
    for path, room in house.rooms.items():
        if not path.startswith("include/"):
            continue
        if room is None:
            yield f"{path}: belongs to no room"
        elif layer_of(room) not in OF_MODULES and not users[path] - {room}:
            yield f"{path}: no door: only {room} includes it, so it lies beside its .c"


def violations_of_names(root, paths):
    for path in paths:
        if any_match(path, WITHOUT_TLS):
            code = NOT_CODE.sub("", (root / path).read_text())
            for name in sorted(set(NAME_OF_TLS.findall(code))):
                layer = path.split("/")[1 if path.startswith("src/") else 2]
                yield f"{path}: {name}: {layer} must not know it"


def violations(root):
    """One line for each #include under root that goes in a forbidden direction, each name that a
    layer must not know, each door that is none, and each circle."""
    house = House(root)
    found = [f"{path}: {included}: {reason}" for path, included, target in house.includes()
             for reason in list(violations_of_include(house, path, included, target))[:1]]
    found += violations_of_doors(house)
    found += violations_of_names(root, house.files)
    arrows = {(a, b) for a, b in house.arrows() if a and b}
    found += [f"circle: {', '.join(group)}" for group in circles(arrows)]
    return found + [f"circle in {room}: {', '.join(group)}"
                    for room, within in sorted(house.arrows_within().items(), key=str)
                    for group in circles(within)]


def print_map(root):
    """The map that ARCHITECTURE.md follows."""
    house = House(root)
    arrows = {(a, b) for a, b in house.arrows() if a and b}
    for layer in SEES:
        rooms = sorted({room for room in house.rooms.values() if room and layer_of(room) == layer})
        within = {(a, b) for a, b in arrows if layer_of(a) == layer_of(b) == layer}
        print(f"{layer}: {len(rooms)} rooms, {len(within)} arrows between them, "
              f"{len(circles(within))} circles")
        for room in rooms:
            seen = sorted(b for a, b in within if a == room)
            print(f"    {room}" + (f" -> {', '.join(seen)}" if seen else ""))


class Layers(unittest.TestCase):
    def test_no_include_goes_against_the_direction(self):
        self.assertEqual(violations(REPOSITORY), [])

    def test_the_test_finds_includes(self):
        house = House(REPOSITORY)
        self.assertLessEqual(set(SEES), {layer_of(room) for room in house.rooms.values()})
        self.assertTrue(house.arrows())


class MadeUp(unittest.TestCase):
    """Tests the check: with a small correct tree, and with one wrong line in it."""

    CLEAN = {
        "include/tlsecho/base/log.h": "",
        "include/tlsecho/base/clock.h": "",
        "include/tlsecho/net/socket.h": "",
        "include/tlsecho/net/reactor.h": "",
        "include/tlsecho/net/transport.h": '#include "tlsecho/base/log.h"\n',
        "include/tlsecho/tls/tls_context.h": "",
        "include/tlsecho/server/config.h": "",
        "include/tlsecho/server/conn.h": "",
        "include/tlsecho/server/conn_info.h": "",
        "include/tlsecho/server/service.h": "",
        "include/tlsecho/server/worker.h": "",
        "include/tlsecho/client/session.h": "",
        "src/base/log.c": '#include "tlsecho/base/log.h"\n#include "log_internal.h"\n',
        "src/base/log_internal.h": '#include "tlsecho/base/log.h"\n',
        "src/base/clock.c": "",
        "src/net/socket.c": '#include "tlsecho/base/log.h"\n#include <sys/socket.h>\n',
        "src/net/reactor.c": "#include <sys/epoll.h>\n",
        "src/net/transport.c": '#include "tlsecho/net/transport.h"\n',
        "src/tls/tls_context.c": "#include <openssl/ssl.h>\n",
        "src/tls/transport_tls.c": "#include <openssl/ssl.h>\n",
        "src/server/config/config.c": '#include "tlsecho/server/service.h"\n',
        "src/server/config/config_yaml.c": "#include <yaml.h>\n",
        "src/server/conn/conn.c": '#include "tlsecho/net/transport.h"\n#include "conn_internal.h"\n',
        "src/server/conn/conn_internal.h": "",
        "src/server/conn/service_echo.c": '#include "tlsecho/server/service.h"\n',
        "src/server/worker/worker.c": '#include "tlsecho/server/conn.h"\n'
                                      '#include "tlsecho/tls/tls_context.h"\n'
                                      '#include "tlsecho/server/conn_info.h"\n'
                                      '#include "tlsecho/server/config.h"\n',
        "src/server/main.c": '#include "tlsecho/server/worker.h"\n',
        "src/client/session/session.c": '#include "tlsecho/net/transport.h"\n',
        "src/client/main.c": '#include "tlsecho/client/session.h"\n',
        "src/client/output/output_json.c": "#include <jansson.h>\n",
        "src/client/modes/prompt_editor.c": "#include <histedit.h>\n",
    }

    FORBIDDEN = (
        ("src/base/clock.c", '#include "tlsecho/net/socket.h"', "base must not see net"),
        ("src/net/socket.c", '#include "tlsecho/server/conn.h"', "net must not see server"),
        ("src/net/socket.c", '#include "tlsecho/tls/tls_context.h"', "net must not see tls"),
        ("src/server/main.c", '#include "tlsecho/client/session.h"', "server must not see client"),
        ("src/client/main.c", '#include "tlsecho/server/config.h"', "client must not see server"),
        ("src/server/main.c", '#include "log_internal.h"', "private to base/log"),
        ("src/server/worker/worker.c", '#include "conn_internal.h"', "private to server/conn"),
        ("src/server/main.c", "#include <openssl/ssl.h>", "only src/tls/*"),
        ("include/tlsecho/server/conn.h", "#include <openssl/ssl.h>", "only src/tls/*"),
        ("src/server/config/config.c", "#include <yaml.h>", "only src/server/config/config_yaml.c"),
        ("src/server/worker/worker.c", "  #  include <sys/epoll.h>", "only src/net/reactor.c"),
        ("src/client/session/session.c", "#include <jansson.h>", "only src/client/output/*.c"),
        ("src/client/session/session.c", "#include <histedit.h>",
         "only src/client/modes/prompt_editor.c"),
        ("src/tls/transport_tls.c", '#include "tlsecho/net/reactor.h"', "must not know it"),
        ("src/server/config/config.c", '#include "tlsecho/server/conn.h"', "must not know it"),
        ("src/server/config/config.c", '#include "tlsecho/server/worker.h"', "must not know it"),
        ("src/server/conn/service_echo.c", "#include <sys/socket.h>", "must not know it"),
        ("src/server/conn/service_echo.c", '#include "tlsecho/net/reactor.h"', "must not know it"),
        ("src/server/conn/conn.c", '#include "tlsecho/base/clock.h"', "must not know it"),
        ("src/server/conn/conn.c", '#include "tlsecho/server/nowhere.h"', "no such header"),
        ("include/tlsecho/net/transport.h", "struct tls_context;", "net must not know it"),
        ("src/net/transport.c", "/* tls_a */ char a[TLS_NAMES_BYTES];", "TLS_NAMES_BYTES"),
    )

    def tree(self, files):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-layers-")
        self.addCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return root

    def found_in(self, **changed):
        return violations(self.tree({**self.CLEAN, **changed}))

    def test_the_clean_tree_is_clean(self):
        self.assertEqual(self.found_in(), [])

    def test_each_forbidden_line_is_found(self):
        for path, line, reason in self.FORBIDDEN:
            with self.subTest(path, line=line):
                found = [one for one in self.found_in(**{path: self.CLEAN[path] + line + "\n"})
                         if not one.startswith("circle")]
                self.assertEqual(len(found), 1, found)
                self.assertIn(path, found[0])
                self.assertIn(reason, found[0])

    def test_a_circle_between_rooms_is_found(self):
        found = self.found_in(**{"src/server/conn/conn.c": '#include "conn_internal.h"\n'
                                                           '#include "tlsecho/server/worker.h"\n'})
        self.assertEqual(found, ["circle: server/config, server/conn, server/worker"])

    def test_a_circle_through_a_door_is_found(self):
        found = self.found_in(**{"include/tlsecho/server/service.h":
                                 '#include "tlsecho/server/config.h"\n'})
        self.assertEqual(found, ["circle: server/config, server/conn"])

    def test_a_circle_of_modules_in_a_room_is_found(self):
        found = self.found_in(**{"include/tlsecho/server/conn.h":
                                 '#include "tlsecho/server/conn_info.h"\n',
                                 "include/tlsecho/server/conn_info.h":
                                 '#include "tlsecho/server/conn.h"\n'})
        self.assertEqual(found, ["circle in server/conn: conn, conn_info"])

    def test_a_header_without_a_room_is_found(self):
        found = self.found_in(**{"include/tlsecho/server/lost.h": ""})
        self.assertEqual(found, ["include/tlsecho/server/lost.h: belongs to no room"])

    def test_a_door_that_only_its_own_room_uses_is_found(self):
        found = self.found_in(**{"include/tlsecho/server/conn_end.h": "",
                                 "src/server/conn/conn_end.c":
                                 '#include "tlsecho/server/conn_end.h"\n'})
        self.assertEqual(len(found), 1, found)
        self.assertIn("no door: only server/conn includes it", found[0])


if __name__ == "__main__":
    if "--map" in sys.argv:
        print_map(REPOSITORY)
    else:
        unittest.main()
