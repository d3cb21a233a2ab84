# SPDX-License-Identifier: MIT
"""Checks JSON output against docs/schema: the part of JSON Schema that those files use."""

import json
import re

import support

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float),
         "boolean": bool}
KEYWORDS = {"$schema", "$defs", "title", "description", "type", "const", "enum", "pattern",
            "minimum", "maximum", "items", "properties", "required", "additionalProperties",
            "allOf", "oneOf", "if", "then", "else"}


def load(name):
    """The schema, with each "$ref" replaced by what it refers to."""
    whole = json.loads((support.REPOSITORY / "docs" / "schema" / f"{name}.json").read_text())

    def expand(rules):
        if isinstance(rules, list):
            return [expand(entry) for entry in rules]
        if not isinstance(rules, dict):
            return rules
        if "$ref" in rules:
            return expand(whole["$defs"][rules["$ref"].removeprefix("#/$defs/")])
        return {key: expand(entry) for key, entry in rules.items() if key != "$defs"}

    return expand(whole)


def _is(value, kind):
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _combined(value, rules, path):
    found = []
    for part in rules.get("allOf", []):
        found += faults(value, part, path)
    if "oneOf" in rules:
        answers = [faults(value, part, path) for part in rules["oneOf"]]
        if answers.count([]) != 1:
            found += [f"{path}: fits {answers.count([])} of oneOf: {min(answers, key=len)}"]
    if "if" in rules:
        holds = not faults(value, rules["if"], path)
        found += faults(value, rules.get("then" if holds else "else", True), path)
    return found


def faults(value, rules, path="$"):
    """One line per difference between the value and the schema."""
    if isinstance(rules, bool):
        return [] if rules else [f"{path} should not be there"]
    assert set(rules) <= KEYWORDS, set(rules) - KEYWORDS
    if "type" in rules and not _is(value, rules["type"]):
        return [f"{path}: {value!r} is no {rules['type']}"]
    found = _combined(value, rules, path)
    if "const" in rules and value != rules["const"]:
        found.append(f"{path}: {value!r} is not {rules['const']!r}")
    if value not in rules.get("enum", [value]):
        found.append(f"{path}: {value!r} is none of {rules['enum']!r}")
    if "pattern" in rules and not re.search(rules["pattern"], value):
        found.append(f"{path}: {value!r} does not match {rules['pattern']}")
    if "minimum" in rules and value < rules["minimum"]:
        found.append(f"{path}: {value!r} is below {rules['minimum']}")
    if "maximum" in rules and value > rules["maximum"]:
        found.append(f"{path}: {value!r} is above {rules['maximum']}")
    for number, entry in enumerate(value if "items" in rules else []):
        found += faults(entry, rules["items"], f"{path}[{number}]")
    found += [f"{path}.{name} is missing" for name in rules.get("required", [])
              if name not in value]
    for name, entry in value.items() if "properties" in rules else []:
        if name in rules["properties"]:
            found += faults(entry, rules["properties"][name], f"{path}.{name}")
        elif rules.get("additionalProperties") is False:
            found.append(f"{path}.{name} is not described")
    return found
