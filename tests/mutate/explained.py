# SPDX-License-Identifier: MIT
"""explained.txt: mutants that no test can tell from the source, or need not, each with the reason.

    FILE
        FUNCTION: `TEXT` => `CHANGE`: REASON
        FUNCTION: `TEXT` => `CHANGE` #2: REASON    the second of this text in the function
        FUNCTION: `TEXT` => `CHANGE`: a race: REASON    a test may fail with it by luck
"""

import pathlib
import re
from collections import Counter

PATH = pathlib.Path(__file__).resolve().parent / "explained.txt"
TEXT_MAX = 90
RACE = "a race: "
LINE = re.compile(r"    (?P<key>\w+: `[^`]*` => `[^`]*`(?: #\d+)?): (?P<reason>\S.*)")


class Malformed(Exception):
    """A line that cannot be read."""


def short(text):
    text = " ".join(text.split())
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX - 3] + "..."


def keys_of(mutants, source):
    """The key of each mutant: it stays the same when other lines change."""
    count, keys = Counter(), []
    for mutant in mutants:
        text = short(source[mutant.start:mutant.end])
        change = short(mutant.change) or "removed"
        key = f"{mutant.function}: `{text}` => `{change}`"
        count[key] += 1
        keys.append(key if count[key] == 1 else f"{key} #{count[key]}")
    return keys


def read(path=PATH):
    """{file: {key: reason}}"""
    found, current = {}, None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        entry = LINE.fullmatch(line)
        if not line.startswith(" "):
            current = found.setdefault(line, {})
        elif entry is None or current is None or entry["key"] in current:
            raise Malformed(f"{path.name}:{number}: write FUNCTION: `TEXT` => `CHANGE`: REASON, once")
        else:
            current[entry["key"]] = entry["reason"]
    return found
