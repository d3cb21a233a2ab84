# SPDX-License-Identifier: MIT
"""The results of scripts/bench as a Markdown table and as an SVG chart."""

import html
import statistics

from works import IDLE_COUNT, WORKS

COLUMNS = ("tlsecho", "libssl", "limit", "Go", "rustls", "Node", "nginx", "haproxy", "stunnel", "socat")
OF_LIBRARY = ("tlsecho", "libssl")  # one for each library; the other servers are the same in all tables
COMPARED = ("libssl", "limit", "Go", "rustls")
TITLES = {work.name: (work.title, work.unit) for work in WORKS}
TITLES["idle"] = (f"memory of one of {IDLE_COUNT:,} idle TLS connections", "KiB")

# The targets: the ratio of this server to another, at most, in works whose names begin so.
TARGETS = (
    ("tls-", "libssl", 1.05), ("tls-", "Go", 0.95),
    ("full-", "libssl", 1.06), ("resumed-", "libssl", 1.06),
    ("plain-", "limit", 1.05),
)
GROWTH = 1.1      # CPU of a message at 10,000 connections over that at 100, and of the loop's growth
IDLE_KIB = 0.7    # above the loop's
LOG_SHARE = 0.05  # of a handshake, for its line in the log
SILENT = "tlsecho, no log lines"

SUMMARY = {
    "tls-echo-64-100": "a message over TLS, 100 connections", "tls-bulk": "bulk over TLS",
    "full-ecdsa": "a full handshake, ECDSA", "full-rsa": "a full handshake, RSA-2048",
    "resumed-1.3": "a handshake resumed by TLS 1.3", "resumed-1.2": "a handshake resumed by TLS 1.2",
    "plain-echo-64-100": "a message over TCP, 100 connections", "plain-bulk": "bulk over TCP",
    "idle": "an idle TLS connection",
}
CHARTED = ("tls-echo-64-100", "tls-bulk", "full-ecdsa", "full-rsa", "resumed-1.3", "idle",
           "plain-echo-64-100", "plain-bulk")
WIDTH, BAR, GAP, NAME, VALUE = 420, 16, 5, 90, 60
COLOURS = {"tlsecho": "#0b6e4f", "libssl": "#9fb8ad", "limit": "#b9c3c9"}


def values(told, work, server):
    found = [v for v in told["works"].get(work, {}).get(server, []) if v is not None]
    return [v / 1024 for v in found] if work == "idle" else found


def ratios(told, work, one, other, other_work=None):
    """Of the rounds in which both were measured."""
    pairs = zip(told["works"].get(work, {}).get(one, []), told["works"].get(other_work or work, {}).get(other, []))
    return [a / b for a, b in pairs if a is not None and b]


def ratio(*arguments):
    """The median of the ratios of the rounds; None without any."""
    found = ratios(*arguments)
    return statistics.median(found) if found else None


def quartiles(found):
    low, _, high = statistics.quantiles(found, n=4, method="inclusive") if len(found) > 1 else found * 3
    return low, high


def digits(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def spread(found):
    """The median, and the quartiles."""
    if not found:
        return ""
    middle = digits(statistics.median(found))
    return middle if len(found) == 1 else middle + " ({}, {})".format(*map(digits, quartiles(found)))


def of_library(role, library):
    return role + library["suffix"] if role in OF_LIBRARY else role


def caption(told):
    at = told["machine"]
    names = " and ".join(f"{library['openssl']} of {library['system']}" for library in told["libraries"])
    return f"{told['date']}, {at['cpus']} x {at['cpu']}, Linux {at['kernel']}, {names}, {told['rounds']} rounds"


def growths(told, ours, loop, word):
    """How much more a message costs at 10,000 connections than at 100, over the same of the loop."""
    many, few = f"{word}-echo-64-10000", f"{word}-echo-64-100"
    return [a / b for a, b in zip(ratios(told, many, ours, ours, few), ratios(told, many, loop, loop, few))]


def verdicts(told, library):
    """(name, measured in each round, maximum) of each target."""
    ours, libssl = (of_library(role, library) for role in OF_LIBRARY)
    for word, role, most in TARGETS:
        other = of_library(role, library)
        for work in (w for w in TITLES if w.startswith(word) and told["works"].get(w, {}).get(other)):
            yield f"{TITLES[work][0]}: tlsecho / {role}", ratios(told, work, ours, other), most
    for word, loop in (("tls", libssl), ("plain", "limit")):
        yield f"{word} echo, growth from 100 to 10,000 connections: tlsecho / loop", \
            growths(told, ours, loop, word), GROWTH
    idle = [values(told, "idle", server) for server in (ours, libssl)]
    yield "idle TLS connection: KiB above libssl", [idle[0][0] - idle[1][0]] if all(idle) else [], IDLE_KIB
    if ours == "tlsecho":
        yield "log line: share of a full handshake", [1 - r for r in ratios(told, "full-ecdsa", SILENT, ours)], LOG_SHARE


def verdict(found, most):
    low, high = quartiles(found)
    word = "met" if statistics.median(found) <= most else "missed"
    return word + ", within the quartiles" * (low <= most < high)


def noise(told):
    """Beside the server itself: the same program without log lines, in works that log nothing."""
    found = {title: ratios(told, work, "tlsecho", SILENT) for work, (title, _) in TITLES.items()
             if work.startswith(("tls-", "plain-"))}
    return "; ".join(f"{title}: {spread(of)}" for title, of in found.items() if of)


def cost_table(told, library):
    yield "| work | unit | " + " | ".join(COLUMNS) + " | " + " | ".join(f"tlsecho / {c}" for c in COMPARED) + " |"
    yield "|---|---|" + "--:|" * (len(COLUMNS) + len(COMPARED))
    for work, (title, unit) in TITLES.items():
        if work not in told["works"]:
            continue
        cells = [spread(values(told, work, of_library(server, library))) for server in COLUMNS]
        cells += [spread(ratios(told, work, of_library("tlsecho", library), of_library(other, library)))
                  for other in COMPARED]
        yield f"| {title} | {unit} | " + " | ".join(cells) + " |"


def target_table(told, library):
    yield "| target | at most | measured | |"
    yield "|---|--:|--:|---|"
    for what, found, most in verdicts(told, library):
        if found:
            yield f"| {what} | {most:.2f} | {spread(found)} | {verdict(found, most)} |"


def page(told):
    lines = ["# Results of scripts/bench", "", caption(told) + ".", "",
             "CPU of the server, its backend included: median (quartiles) of the rounds. libssl is a bare loop over "
             "that library, limit one without records (see bench/). A ratio is the median of the ratios of the rounds, "
             "so the medians of a row need not divide to it. Where a target lies within the quartiles, other rounds may "
             "decide otherwise."]
    if noise(told):
        lines += ["", f"The same program measured as two servers, one without log lines, which these works do not write "
                  f"(what differs from 1 is noise): {noise(told)}."]
    for library in told["libraries"]:
        lines += ["", f"## {library['openssl']}, {library['system']}", "", *cost_table(told, library), "",
                  *target_table(told, library)]
    lines += ["", "Versions: " + "; ".join(f"{name}: {text}" for name, text in told["versions"].items() if text) + "."]
    if told["missing"]:
        lines.append("Left out: " + "; ".join(f"{name} ({why})" for name, why in told["missing"].items()) + ".")
    return "\n".join(lines) + "\n"


def summary(told):
    """What README shows: the cost of the others in multiples of ours."""
    lines = []
    for library in told["libraries"]:
        ours = of_library("tlsecho", library)
        others = [c for c in COLUMNS[1:] if c != "limit" and any(
            ratio(told, work, of_library(c, library), ours) for work in SUMMARY)]
        lines += [f"{library['system']}, {library['openssl']}:", "", "| | tlsecho | " + " | ".join(others) + " |",
                  "|---|--:|" + "--:|" * len(others)]
        for work, title in SUMMARY.items():
            found = values(told, work, ours)
            if not found:
                continue
            multiples = [ratio(told, work, of_library(c, library), ours) for c in others]
            lines.append(f"| {title} | {digits(statistics.median(found))} {TITLES[work][1]} | "
                         + " | ".join(digits(m) if m else "" for m in multiples) + " |")
        lines.append("")
    return "\n".join([*lines, caption(told) + "."]) + "\n"


def chart_columns(told):
    for server in COLUMNS:
        yield from (of_library(server, library) for library in told["libraries"]) if server in OF_LIBRARY else (server,)


def bars(told, work, x, y):
    """One panel: the SVG of a kind of work, and its height."""
    title, unit = TITLES[work]
    found = {server: statistics.median(v) for server in chart_columns(told) if (v := values(told, work, server))}
    top = max(found.values(), default=1)
    parts = [f'<text x="{x}" y="{y + 12}" class="title">{html.escape(title)} ({unit})</text>']
    y += 22
    for server, value in found.items():
        width = max(1, (WIDTH - NAME - VALUE) * value / top)
        colour = COLOURS.get(server.partition(" ")[0], "#7d8f9b")
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
