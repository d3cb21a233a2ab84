# SPDX-License-Identifier: MIT
"""Parses the events and fields of docs/log.md, to check log lines and the sources against them."""

import functools
import re

import support

DOCUMENT = support.REPOSITORY / "docs" / "log.md"
ROW = re.compile(r"\| (?:`(\w+)`|\*(end)\*) \| (\w+)(\?)? \|")
ENDING = re.compile(r"\| `(\w+)` \| [^|]+ \|$", re.MULTILINE)
DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"

CHECKS = {
    "text": lambda value: isinstance(value, str),
    "number": lambda value: type(value) is int and value >= 0,
    "seconds": lambda value: isinstance(value, float) and value >= 0,
    "switch": lambda value: isinstance(value, bool),
    "date": lambda value: isinstance(value, str) and re.fullmatch(DATE + "Z", value),
}


def _fields(text):
    """{name: (type, whether it is optional)}"""
    return {name or star: (kind, bool(optional)) for name, star, kind, optional in
            ROW.findall(text) if kind in CHECKS}


@functools.cache
def endings():
    """The values of `end`: how a connection ends."""
    table = DOCUMENT.read_text().partition("| end | |\n|---|---|\n")[2].partition("\n\n")[0]
    return set(ENDING.findall(table))


@functools.cache
def events():
    """{event: {field: (type, whether it is optional)}}; the fields of every line are under ""."""
    common, *sections = re.split(r"^### ", DOCUMENT.read_text(), flags=re.MULTILINE)
    found = {"": _fields(common)}
    for section in sections:
        name, _, text = section.partition("\n")
        found[name] = _fields(text)
        if found[name].pop("end", None) == ("number", True):
            found[name].update({word: ("number", True) for word in endings()})
        elif name == "connection":
            found[name]["end"] = ("text", False)
    return found


def complaints(line):
    """A list of sentences: what is wrong with a line of the log, as json.loads() returns it."""
    event = line.get("event")
    if event not in events():
        return [f"the event {event} is not documented"]
    known = {**events()[""], **events()[event]}
    wrong = []
    for field, value in line.items():
        if field not in known:
            wrong.append(f"{event}: the field {field} is not documented")
        elif not CHECKS[known[field][0]](value):
            wrong.append(f"{event}: {field} is no {known[field][0]}: {value!r}")
    if not line.get("truncated"):
        wrong += [f"{event}: {field} is missing" for field, (_, optional) in known.items()
                  if not optional and field not in line]
    return wrong
