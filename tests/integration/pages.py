# SPDX-License-Identifier: MIT
"""Parses pages of --report-html as XML."""

from xml.etree import ElementTree

OUTSIDE = ("src=", "href=", "@import", "url(", "<script")  # a page must not refer to other sites


def parse(text):
    """The element tree of a page. Without its first line, and with void elements closed, it is XML."""
    for outside in OUTSIDE:
        assert outside not in text, outside
    body = text.split("\n", 1)[1]
    for tag in "meta", "br":
        body = body.replace(f"<{tag}>", f"<{tag}/>")
    body = "\n".join(line.replace('">', '"/>') if line.startswith("<meta") else line
                     for line in body.splitlines())
    return ElementTree.fromstring(body)


def charts(tree):
    """{title: svg}"""
    return {svg.find("title").text: svg for svg in tree.iter("svg")}


def words(element):
    """All text of the page."""
    return "".join(element.itertext())


def cards(tree):
    """{name: value}; with two peers the values of the second."""
    return {card.find("span").text: card.find("b").text
            for card in tree.iter("div") if card.get("class") == "card"}


def rows(tree):
    """{heading: cells} of every table."""
    return {row[0].text: [words(cell) for cell in row[1:]] for row in tree.iter("tr")}


def warnings(tree):
    return [words(p) for p in tree.iter("p") if p.get("class") == "bad"]
