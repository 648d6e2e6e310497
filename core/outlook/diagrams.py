"""An outlook as a diagram for papers and pages: Mermaid's flowchart, and Graphviz' DOT.

Arrows are as wide as they are probable, those to what is left out too: what leaves a text is as
wide as what comes to it. Must never let a token be more than a label: neither syntax, nor markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.outlook.gathered import Outlook
from core.text.readable import percent
from core.text.visible import keep_end, visible

WIDTH = 24.0
"""How wide an arrow is, in pixels or points, that has all probability."""

MOST_ARROWS = 500
"""So many arrows Mermaid draws, unless whoever draws it allows for more."""

_LONGEST_PROMPT = 40
_NOT_PLAIN = re.compile(r"[^\w ,]|_")


def mermaid(outlook: Outlook, prompt: str) -> Iterator[str]:
    """Yield the diagram line by line, with line ends; ``prompt`` is what its first node says."""
    yield "flowchart LR\n"
    yield f'  n0["{_in_mermaid(_short(prompt))}"]\n'
    widths: list[float] = []
    for arrow in _arrows(outlook):
        ends = ('(["', '"])') if arrow.is_end else ('["', '"]')
        node = f"{arrow.name}{ends[0]}{_in_mermaid(arrow.label)}{ends[1]}"
        share = _in_mermaid(percent(arrow.share, 2))
        yield f'  n{arrow.parent} ---|"{share}"| {node}\n'
        widths.append(arrow.probability)
    for place, probability in enumerate(widths):
        yield f"  linkStyle {place} stroke-width:{WIDTH * probability:.4f}px\n"


def dot(outlook: Outlook, prompt: str) -> Iterator[str]:
    """Yield the diagram line by line, with line ends; ``prompt`` is what its first node says."""
    yield "digraph outlook {\n"
    yield "  rankdir=LR; node [shape=box]; edge [arrowhead=none];\n"
    yield f'  n0 [label="{_in_dot(_short(prompt))}"];\n'
    for arrow in _arrows(outlook):
        shape = " style=rounded" if arrow.is_end else ""
        yield f'  {arrow.name} [label="{_in_dot(arrow.label)}"{shape}];\n'
        width = f"{WIDTH * arrow.probability:.4f}"
        label = percent(arrow.share, 2)
        yield f'  n{arrow.parent} -> {arrow.name} [penwidth={width} label="{label}"];\n'
    yield "}\n"


def arrow_count(outlook: Outlook) -> int:
    """Return how many arrows a diagram of ``outlook`` has."""
    return sum(1 for _ in _arrows(outlook))


@dataclass(frozen=True, slots=True)
class _Arrow:
    """From the node of ``parent`` to a new one: ``share`` of what came there, ``probability``."""

    parent: int
    name: str
    label: str
    share: float
    probability: float
    is_end: bool


def _arrows(outlook: Outlook) -> Iterator[_Arrow]:
    """Yield the arrows, each after the one to where it begins, the likeliest first."""
    yield from _left_out(outlook, 0, 1.0)
    for one in outlook.in_order():
        path = one.path_probability
        label = f"'{visible(one.token_text, keep='')}' {percent(path, 2)}"
        is_end = one.end not in (None, "depth")
        yield _Arrow(one.parent, f"n{one.index}", label, one.probability, path, is_end)
        yield from _left_out(outlook, one.index, path)


def _left_out(outlook: Outlook, index: int, path: float) -> Iterator[_Arrow]:
    probability, tokens = outlook.left_out_behind(index)
    if tokens:
        share = probability / path if path else 0.0
        yield _Arrow(index, f"r{index}", f"{tokens:,} others", share, probability, False)


def _short(prompt: str) -> str:
    return keep_end(visible(prompt, keep=""), _LONGEST_PROMPT)


def _in_mermaid(text: str) -> str:
    """Return ``text`` with all that could mean anything as an entity, by its code."""
    return _NOT_PLAIN.sub(lambda found: f"#{ord(found.group())};", text)


def _in_dot(text: str) -> str:
    """Return ``text`` as stands between quotes; Graphviz reads entities there, and backslashes."""
    return text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
