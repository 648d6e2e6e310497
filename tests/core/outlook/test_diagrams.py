"""Diagrams: widths are probabilities, and no token is more than a label."""

from __future__ import annotations

import html
import math
import re

import pytest

from core.outlook.diagrams import WIDTH, arrow_count, dot, mermaid
from core.outlook.gathered import Outlook
from core.records.outlook import Growth, Prospect

HOSTILE = (
    '"]; click n0 "javascript:alert(1)"',
    "</script><b>x",
    "%%{init: {}}%%\n",
    "\\N\\",
    "`a` **b** _c_",
    "1. list",
    "世界",
    "\x1b[31m\u202e",
    "#quot;#60;&lt;",
    "|x|>",
)


def outlook_of(texts):
    outlook = Outlook()
    share = 1 / (len(texts) + 1)
    ends = [None if not at else "end_of_text" for at in range(len(texts))]
    prospects = [
        Prospect(at + 1, 0, 1, at, text, text, math.log(share), math.log(share), ends[at])
        for at, text in enumerate(texts)
    ]
    outlook.add(Growth(0, tuple(prospects), share, 7))
    deeper = (2, math.log(0.25), math.log(share / 4), "depth")
    more = Prospect(len(texts) + 1, 1, 2, 3, "x", "x", *deeper[1:])
    outlook.add(Growth(1, (more,), share * 0.75, 2))
    return outlook


def in_mermaid(text):
    """Return what Mermaid makes of a label: entities by their code, and nothing else in it."""
    assert re.fullmatch(r"(?:[^\W_]|[ ,]|#\d+;)*", text), text
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text)


def in_dot(text):
    return html.unescape(re.sub(r"\\(.)", r"\1", text))


def test_in_mermaid_every_line_is_a_node_an_arrow_or_its_width():
    lines = "".join(mermaid(outlook_of(HOSTILE), '"once`\n')).splitlines()
    nodes = [
        re.fullmatch(r'  n\d+ ---\|"(.*)"\| [nr]\d+(?:\["(.*)"\]|\(\["(.*)"\]\))', line)
        for line in lines[2:]
    ]
    labels = [in_mermaid(one[2] or one[3]) for one in nodes if one]
    widths = re.findall(r"linkStyle \d+ stroke-width:(.*)px", "\n".join(lines))

    assert lines[0] == "flowchart LR"
    assert in_mermaid(re.fullmatch(r'  n0\["(.*)"\]', lines[1])[1]) == '"once`\\n'
    assert len(lines) == 2 + 2 * len(labels)
    assert labels[0] == "7 others"
    assert any(one.startswith("'\\x1b[31m\\u202e'") for one in labels)
    assert any(one.startswith("'#quot;#60;&lt;'") for one in labels)
    assert len(labels) == arrow_count(outlook_of(HOSTILE)) == len(HOSTILE) + 3
    assert [in_mermaid(one[1]) for one in nodes if one][1] == "9.09%"
    from_root = [WIDTH / (len(HOSTILE) + 1)] * (len(HOSTILE) + 1)
    assert math.fsum(map(float, widths)) == pytest.approx(WIDTH + from_root[0], abs=1e-2)


def test_in_dot_every_line_is_a_node_or_an_arrow():
    lines = "".join(dot(outlook_of(HOSTILE), '"once\\n')).splitlines()
    quoted = r'"((?:[^"\\]|\\["\\])*)"'
    nodes = [
        re.fullmatch(rf"  [nr]\d+ \[label={quoted}(?: style=rounded)?\];", one) for one in lines
    ]
    arrows = [
        re.fullmatch(rf"  n\d+ -> [nr]\d+ \[penwidth=([\d.]+) label={quoted}\];", one)
        for one in lines
    ]
    labels = [in_dot(one[1]) for one in nodes if one]

    assert (lines[0], lines[-1]) == ("digraph outlook {", "}")
    assert len(lines) == 3 + sum(map(bool, nodes)) + sum(map(bool, arrows))
    assert labels[0] == '"once\\n'
    assert any(one.startswith("'%%{init: {}}%%\\n'") for one in labels)
    assert any(one.startswith("'#quot;#60;&lt;'") for one in labels)
    assert any(one.startswith("'\\N\\'") for one in labels)
    assert sum(map(bool, arrows)) == len(labels) - 1 == len(HOSTILE) + 3
