# SPDX-License-Identifier: MIT
"""Prometheus' text format, version 0.0.4, and the rules that `promtool check metrics` knows.

    families = scrape.parse(text)          # raises Malformed with the reason
    families["tlsecho_workers"].value()
"""

import re
from typing import NamedTuple

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|\Z)')
FOREIGN_UNITS = ("_ms", "_milliseconds", "_us", "_microseconds", "_minutes", "_hours", "_days",
                 "_kilobytes", "_megabytes", "_bits", "_percent")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Malformed(AssertionError):
    pass


class Sample(NamedTuple):
    name: str
    labels: dict
    value: float


class Family:
    def __init__(self, name, text):
        self.name, self.help, self.type, self.samples = name, text, None, []

    def value(self, **labels):
        """The sum of all samples with these labels; 0 without any."""
        return sum(sample.value for sample in self.samples
                   if sample.name == self.name and labels.items() <= sample.labels.items())


def require(holds, complaint):
    if not holds:
        raise Malformed(complaint)


def parse(text):
    """{name: Family}"""
    require(text.endswith("\n"), "the last line has no end")
    families, current = {}, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, _, words = line[len("# HELP "):].partition(" ")
            require(name not in families, f"HELP of {name} again")
            require(words, f"{name} has no help")
            current = families[name] = Family(name, words)
        elif line.startswith("# TYPE "):
            name, _, kind = line[len("# TYPE "):].partition(" ")
            require(current and current.name == name, f"TYPE of {name} does not follow its HELP")
            require(current.type is None and not current.samples, f"TYPE of {name} again, or late")
            require(kind in ("counter", "gauge", "histogram"), f"{name} is of no type: {kind}")
            current.type = kind
        else:
            _add(current, _sample(line))
    for family in families.values():
        _check(family)
    return families


def _sample(line):
    found = SAMPLE.match(line)
    require(found, f"this is no sample: {line}")
    name, inside, value = found.groups()
    labels, at = {}, 0
    inside = inside or ""
    while at < len(inside):
        pair = LABEL.match(inside, at)
        require(pair, f"these are no labels: {inside}")
        require(pair[1] not in labels, f"the label {pair[1]} twice: {line}")
        labels[pair[1]] = re.sub(r"\\.", lambda escape: ESCAPES[escape[0]], pair[2])
        at = pair.end()
    require(not inside.endswith(","), f"a comma at the end: {line}")
    return Sample(name, labels, float(value))


def _add(family, sample):
    require(family and family.type, f"{sample.name} before its HELP and TYPE")
    names = [family.name + suffix for suffix in SUFFIXES.get(family.type, ("",))]
    require(sample.name in names, f"{sample.name} is among the samples of {family.name}")
    twins = [other for other in family.samples if other[:2] == sample[:2]]
    require(not twins, f"the series again: {sample}")
    family.samples.append(sample)


def _check(family):
    name, kind = family.name, family.type
    require(kind, f"{name} has no TYPE")
    require(NAME.match(name) and name == name.lower(), f"{name} is no name, or has capitals")
    require(name.endswith("_total") == (kind == "counter"), f"{name}: _total is for counters")
    require(not name.endswith(("_count", "_sum", "_bucket")), f"{name}: that is for histograms")
    require(not name.removesuffix("_total").endswith(FOREIGN_UNITS), f"{name}: no base unit")
    for sample in family.samples:
        require(all(NAME.match(key) and not key.startswith("__") for key in sample.labels),
                f"reserved labels: {sample}")
        require(kind == "histogram" or "le" not in sample.labels, f"le is for histograms: {sample}")
        require(kind == "gauge" or sample.value >= 0, f"less than nothing: {sample}")
    if kind == "histogram":
        _check_histogram(family)


def _check_histogram(family):
    series = {}
    for sample in family.samples:
        key = tuple(sorted(item for item in sample.labels.items() if item[0] != "le"))
        series.setdefault(key, []).append(sample)
    for key, samples in series.items():
        buckets = [(float(s.labels["le"]), s.value) for s in samples if s.name.endswith("_bucket")]
        bounds, counts = [bound for bound, _ in buckets], [count for _, count in buckets]
        require(bounds and bounds[-1] == float("inf"), f"{family.name}{key}: no +Inf")
        require(bounds == sorted(set(bounds)), f"{family.name}{key}: le does not ascend")
        require(counts == sorted(counts), f"{family.name}{key}: the buckets are not cumulative")
        rest = {s.name.rpartition("_")[2]: s.value for s in samples
                if not s.name.endswith("_bucket")}
        require(set(rest) == {"sum", "count"}, f"{family.name}{key}: no _sum or _count")
        require(rest["count"] == counts[-1], f"{family.name}{key}: _count is not +Inf's")
