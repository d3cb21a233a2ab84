# SPDX-License-Identifier: MIT
"""The results of scripts/bench as a Markdown table and as an SVG chart."""

import html
import statistics

from works import IDLE_COUNT, WORKS

COLUMNS = ("tlsecho", "limit", "Go", "Node", "nginx", "haproxy", "stunnel", "socat")
TITLES = {work.name: (work.title, work.unit) for work in WORKS}
TITLES["idle"] = (f"memory of one of {IDLE_COUNT:,} idle TLS connections", "KiB")

# The targets: the ratio of this server to the other, at most.
TARGETS = (
    ("tls-echo-64-1", "Go", 0.75), ("tls-echo-64-100", "Go", 0.85), ("tls-echo-64-1000", "Go", 0.85),
    ("tls-echo-64-1", "limit", 1.10), ("tls-echo-64-100", "limit", 1.10), ("tls-echo-64-1000", "limit", 1.30),
    ("tls-bulk", "Go", 0.85), ("tls-bulk", "limit", 1.10),
    ("full-ecdsa", "Go", 0.90), ("full-rsa", "Go", 0.45), ("resumed-1.3", "Go", 0.92), ("resumed-1.2", "Go", 0.92),
    ("plain-echo-64-100", "Go", 0.85), ("plain-echo-64-100", "limit", 1.05), ("plain-bulk", "Go", 0.40),
)
GROWTH = 1.5             # CPU of a message at 10,000 connections over that at 100
IDLE_KIB = 14            # at most
LOG_SHARE = 0.05         # of a handshake, for its line in the log

CHARTED = ("tls-echo-64-100", "tls-bulk", "full-ecdsa", "full-rsa", "resumed-1.3", "idle",
           "plain-echo-64-100", "plain-bulk")
WIDTH, BAR, GAP, NAME, VALUE = 420, 16, 5, 70, 60
COLOURS = {"tlsecho": "#0b6e4f", "limit": "#b9c3c9"}


def values(told, work, server):
    found = [v for v in told["works"].get(work, {}).get(server, []) if v is not None]
    return [v / 1024 for v in found] if work == "idle" else found


def ratio(told, work, one, other, other_work=None):
    """The median of the ratios of the rounds; None without any."""
    pairs = zip(told["works"].get(work, {}).get(one, []), told["works"].get(other_work or work, {}).get(other, []))
    ratios = [a / b for a, b in pairs if a is not None and b]
    return statistics.median(ratios) if ratios else None


def digits(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def cell(told, work, server):
    found = values(told, work, server)
    if not found:
        return ""
    low, middle = digits(min(found)), digits(statistics.median(found))
    return middle if len(found) == 1 else f"{middle} ({low})"


def caption(told):
    machine = told["machine"]
    return (f"{told['date']}, {machine['cpus']} x {machine['cpu']}, {machine['system']}, "
            f"Linux {machine['kernel']}, {machine['openssl'].split('(')[0].strip()}, {told['rounds']} rounds")


def verdicts(told):
    """(name, ratio, maximum) of each target that was measured."""
    for work, other, most in TARGETS:
        yield f"{TITLES[work][0]}: ours / {other}", ratio(told, work, "tlsecho", other), most
    for word in ("tls", "plain"):
        many, few = f"{word}-echo-64-10000", f"{word}-echo-64-100"
        yield f"{TITLES[many][0]}: ours / ours at 100", ratio(told, many, "tlsecho", "tlsecho", few), GROWTH
    idle = values(told, "idle", "tlsecho")
    yield "idle TLS connection, KiB", idle[0] if idle else None, IDLE_KIB
    silent = ratio(told, "full-ecdsa", "tlsecho, no log lines", "tlsecho")
    yield "log line: share of a full handshake", 1 - silent if silent else None, LOG_SHARE


def table(told):
    lines = [caption(told) + ".", "", "CPU of the server, its backend included: median (minimum) of the rounds.", "",
             "| work | unit | " + " | ".join(COLUMNS) + " | ours / Go | ours / limit |",
             "|---|---|" + "--:|" * (len(COLUMNS) + 2)]
    for work, (title, unit) in TITLES.items():
        if work not in told["works"]:
            continue
        cells = [cell(told, work, server) for server in COLUMNS]
        for other in ("Go", "limit"):
            found = ratio(told, work, "tlsecho", other)
            cells.append(f"{found:.2f}" if found else "")
        lines.append(f"| {title} | {unit} | " + " | ".join(cells) + " |")
    lines += ["", "| target | at most | measured | |", "|---|--:|--:|---|"]
    for what, found, most in verdicts(told):
        if found is not None:
            lines.append(f"| {what} | {most:.2f} | {found:.2f} | {'met' if found <= most else 'missed'} |")
    lines += ["", "Versions: " + "; ".join(f"{name}: {text}" for name, text in told["versions"].items() if text) + "."]
    if told["missing"]:
        lines.append("Left out: " + "; ".join(f"{name} ({why})" for name, why in told["missing"].items()) + ".")
    return "\n".join(["# Results of scripts/bench", "", *lines]) + "\n"


def bars(told, work, x, y):
    """One panel: the SVG of a kind of work, and its height."""
    title, unit = TITLES[work]
    found = {server: statistics.median(v) for server in COLUMNS if (v := values(told, work, server))}
    top = max(found.values(), default=1)
    parts = [f'<text x="{x}" y="{y + 12}" class="title">{html.escape(title)} ({unit})</text>']
    y += 22
    for server, value in found.items():
        width = max(1, (WIDTH - NAME - VALUE) * value / top)
        colour = COLOURS.get(server, "#7d8f9b")
        parts.append(f'<text x="{x + NAME - 6}" y="{y + 12}" class="name">{server}</text>'
                     f'<rect x="{x + NAME}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2" fill="{colour}"/>'
                     f'<text x="{x + NAME + width + 5:.1f}" y="{y + 12}" class="value">{digits(value)}</text>')
        y += BAR + GAP
    return parts, 22 + len(found) * (BAR + GAP)


def chart(told):
    parts, y, height = [], 48, 0
    for i, work in enumerate(w for w in CHARTED if w in told["works"]):
        panel, high = bars(told, work, 20 + i % 2 * (WIDTH + 30), y)
        parts += panel
        height = max(height, high)
        if i % 2:
            y, height = y + height + 18, 0
    y += height + 18
    total = 2 * WIDTH + 70
    style = ("text{font:12px sans-serif;fill:#24313a}.title{font-weight:bold}.name{text-anchor:end}"
             ".value{fill:#52626d}.head{font-size:15px;font-weight:bold}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {y + 14}" role="img" '
            f'aria-label="What each server spends for the same work: shorter is better">\n'
            f'<style>{style}</style>\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
            '<text x="20" y="26" class="head">What each server spends for the same work: shorter is better</text>\n'
            + "\n".join(parts)
            + f'\n<text x="20" y="{y}" class="value">{html.escape(caption(told))}</text>\n</svg>\n')
