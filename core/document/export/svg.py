"""Runs as one picture in SVG: the tinted text, each token's candidates where one points at it.

Must never let a text mean anything in XML, nor load or run anything.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from core.document.export.page.view import RunView, TokenView, run_view
from core.document.export.reading import ExportedRun
from core.text.visible import cell_width, marks_behind, spelled_out, visible

_COLUMNS = 80
_CELL, _LINE, _MARGIN = 9.6, 28, 40  # pixels
_NO_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")

_STYLE = """
text {
  font: 16px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: #23262d; white-space: pre;
}
.ground { fill: #fbf8f1; } .dim { fill: #5b5c5e; }
.head { font-weight: 700; } .hand { font-style: italic; }
.t0 { fill: none; } .t1 { fill: #ffda9b; } .t2 { fill: #ffc98b; }
.t3 { fill: #ff9d7f; } .t4 { fill: #f86662; }
g:hover rect { stroke: #2f6690; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #dcdfe6; } .ground { fill: #14171d; } .dim { fill: #989ba1; }
  .t1 { fill: #401800; } .t2 { fill: #502800; } .t3 { fill: #7d2b12; } .t4 { fill: #aa3541; }
}
"""


def svg_of(runs: Sequence[ExportedRun]) -> str:
    """Return a picture of ``runs``, one below the other in their order.

    Raises:
        ValueError: There are none.
    """
    if not runs:
        raise ValueError("a picture has one run at least")
    drawing = _Drawing()
    for number, run in enumerate(runs, 1):
        _draw(drawing, run_view(run, number, runs))
    width = round(2 * _MARGIN + _COLUMNS * _CELL)
    height = 2 * _MARGIN + drawing.line * _LINE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}">\n<style>{_STYLE}</style>\n'
        f'<rect class="ground" width="{width}" height="{height}"/>\n'
        f"{''.join(drawing.parts)}</svg>\n"
    )


@dataclass(slots=True)
class _Drawing:
    """What is drawn so far, and where the next text stands."""

    parts: list[str] = field(default_factory=list)
    line: int = 0
    column: int = 0
    marks: int = 0
    """How many marks stand on the letter before."""

    def end_line(self, lines: int = 1) -> None:
        self.line, self.column, self.marks = self.line + lines, 0, 0

    def write(self, text: str, text_class: str, tint: int = 0, told: str = "") -> None:
        """Write a text on from where the last one ended, over as many lines as it takes."""
        shown, marks = _legal(visible(text, "\n", self.marks)), marks_behind(text, self.marks)
        for at, part in enumerate(shown.split("\n")):
            if at:
                self.end_line()
            for piece in _pieces(part):
                width = cell_width(piece)
                if self.column and self.column + width > _COLUMNS:
                    self.end_line()
                self._put(piece, width, text_class, tint, told)
        self.marks = marks

    def _put(self, text: str, width: int, text_class: str, tint: int, told: str) -> None:
        x, y = _MARGIN + self.column * _CELL, _MARGIN + self.line * _LINE
        length = width * _CELL
        fixed = f' textLength="{length:.1f}" lengthAdjust="spacingAndGlyphs"' if width else ""
        title = f"<title>{html.escape(told)}</title>" if told else ""
        self.parts.append(
            f'<g>{title}<rect class="t{tint}" x="{x:.1f}" y="{y}" width="{length:.1f}"'
            f' height="{_LINE - 4}" rx="2" pointer-events="all"/>'
            f'<text class="{text_class}" x="{x:.1f}" y="{y + 17}"{fixed}'
            f' xml:space="preserve">{html.escape(text)}</text></g>\n'
        )
        self.column += width


def _draw(drawing: _Drawing, run: RunView) -> None:
    if drawing.line:
        drawing.end_line(2)
    drawing.write(run.name, "head")
    if run.grew:
        drawing.write(f"  {run.grew}", "dim")
    drawing.end_line(2)
    drawing.write(run.prompt, "dim")
    for token in run.tokens:
        classes = "hand" if token.is_by_hand else "said"
        drawing.write(token.text, classes, token.level, _told(token))
    drawing.write(run.unwritten, "said")
    drawing.end_line(2)
    drawing.write(run.ending, "dim")
    for name, value in run.facts:
        drawing.end_line()
        drawing.write(f"{name}: {value}", "dim")
    drawing.end_line()


def _told(token: TokenView) -> str:
    """Return what was weighed for a token, a line each."""
    head = f"{visible(token.name, keep='')}  step {token.step} · {token.bits} bits"
    rows = (
        f"{'▸' if row.is_chosen else ' '} {visible(row.text, keep='')}  {row.probability}"
        f"  {visible(row.cut_by, keep='') or row.final}"
        for row in token.rows
    )
    return _legal("\n".join((head, *rows)))


def _legal(text: str) -> str:
    """Spell out what no file of XML may hold."""
    return _NO_XML.sub(lambda match: spelled_out(match.group()), text)


def _pieces(text: str) -> Iterator[str]:
    """Cut a text into parts that fit into a line each, at spaces where there are some."""
    for word in re.findall(r"\s*\S+|\s+", text):
        start = width = 0
        for at, character in enumerate(word):
            cells = cell_width(character)
            if width + cells > _COLUMNS:
                yield word[start:at]
                start, width = at, 0
            width += cells
        yield word[start:]
