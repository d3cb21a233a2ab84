# SPDX-License-Identifier: MIT
"""Pages of --report-html, read as XML."""

from xml.etree import ElementTree

OUTSIDE = ("src=", "href=", "@import", "url(", "<script")  # a page needs no network


def parse(text):
    """The page's tree. All of it but the first line, and what HTML leaves open, is XML."""
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
    """All of its text."""
    return "".join(element.itertext())


def cards(tree):
    """{what: value}; of two peers the second's."""
    return {card.find("span").text: card.find("b").text
            for card in tree.iter("div") if card.get("class") == "card"}


def rows(tree):
    """{heading: cells} of every table."""
    return {row[0].text: [words(cell) for cell in row[1:]] for row in tree.iter("tr")}


def warnings(tree):
    return [words(p) for p in tree.iter("p") if p.get("class") == "bad"]
